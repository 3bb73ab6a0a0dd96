// What the proxy asks of this room: one request's body and headers as they may be sent.
// Pure.
import { t } from "../base/language.ts";
import type { Service } from "../base/service.ts";
import { type Tools, redactBody } from "./redact-body.ts";
import { redactHeader } from "./redact-header.ts";
import type { RuleSet } from "./rules.ts";
import { RedactionRefused, createWork } from "./work.ts";

/** The one header that carries text of the user's. */
export const METADATA_HEADER = "x-codex-turn-metadata";

export interface RequestFilterOptions {
  readonly rules: RuleSet;
  readonly service: Service;
  /** A monotonic clock, ms: patterns have a time limit. */
  readonly now: () => number;
}

/** `value` is what was given, the same object, where nothing was to be changed. */
export type Filtered<T> =
  | {
      readonly kind: "ok";
      readonly value: T;
      /** Replacements for each rule of the file, in its order. */
      readonly hits: readonly number[];
      /** Matches that were left alone: keys, encrypted content, signatures, tool schemas. */
      readonly exemptHits: readonly number[];
    }
  /** The request must not be sent. `message` is a sentence for the user and holds no part of the request. */
  | { readonly kind: "refused"; readonly message: string };

export interface RequestFilter {
  /** `body` is decompressed. Never throws, never changes `body`. */
  readonly filterBody: (body: Uint8Array, contentType: string | null) => Filtered<Uint8Array>;
  /** `name` in any case. All headers but `x-codex-turn-metadata` come back as they are. */
  readonly filterHeader: (name: string, value: string) => Filtered<string>;
}

/** Cheap: may be called for each request. */
export function makeRequestFilter(options: RequestFilterOptions): RequestFilter {
  const { rules, service, now } = options;
  const redactor = rules.redactors[service];
  const none = rules.rules.map(() => 0);
  const unchanged = <T>(value: T): Filtered<T> => ({ kind: "ok", value, hits: none, exemptHits: none });
  const guarded = <T>(size: number, run: (tools: Tools) => T): Filtered<T> => {
    const work = createWork({ rules: rules.rules, size, now });
    try {
      return { kind: "ok", value: run({ redactor, work }), hits: work.hits, exemptHits: work.exemptHits };
    } catch (error) {
      if (!(error instanceof RedactionRefused)) throw error;
      return { kind: "refused", message: t`the redaction rules were not applied: ${error.message}` };
    }
  };
  return {
    filterBody(body, contentType) {
      if (redactor.matchers.length === 0) return unchanged(body);
      return guarded(body.length, (tools) => redactBody(body, contentType, tools));
    },
    filterHeader(name, value) {
      if (name.toLowerCase() !== METADATA_HEADER) return unchanged(value);
      if (redactor.matchers.length === 0) return unchanged(value);
      return guarded(value.length, (tools) => redactHeader(value, tools));
    },
  };
}
