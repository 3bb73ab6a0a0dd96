// What the proxy asks of this room: one request's body and headers as they may be sent.
// Pure.
import { isUtf8 } from "node:buffer";
import { decodeUtf8 } from "../base/bytes.ts";
import { type Text, t } from "../base/text.ts";
import type { Service } from "../base/service.ts";
import { type Edit, editStrings } from "./redact-json.ts";
import type { createIssuer as makeIssuer } from "./issuer.ts";
import type { Book } from "./placeholders.ts";
import { countExempt, redactString } from "./redact-text.ts";
import { findInBytes, type Redactor } from "./redactor.ts";
import type { RuleSet } from "./rules.ts";
import { createWork, type Issuer, RedactionRefused, type Work } from "./work.ts";

/** The one header that carries text of the user's. */
export const METADATA_HEADER = "x-codex-turn-metadata";

export interface RequestFilterOptions {
  readonly rules: RuleSet;
  readonly service: Service;
  /** A monotonic clock, ms: patterns have a time limit. */
  readonly now: () => number;
  /** The placeholders of the session; asked once, and only where a rule restores. */
  readonly book: () => Book;
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
  | { readonly kind: "refused"; readonly message: Text };

export type RequestFilter = ReturnType<typeof makeRequestFilter>;

/** Cheap: may be called for each request. */
export function makeRequestFilter({ rules, service, now, book }: RequestFilterOptions) {
  const redactor = rules.redactors[service];
  const none = rules.rules.map(() => 0);
  const unchanged = <T>(value: T): Filtered<T> => ({ kind: "ok", value, hits: none, exemptHits: none });
  let given: Book | undefined;
  const issuerFor = (bytes: Buffer): Issuer | null => {
    if (!redactor.restores) return null;
    const { createIssuer } = require("./issuer.ts") as { readonly createIssuer: typeof makeIssuer };
    return createIssuer({ book: (given ??= book()), redactor, bytes });
  };
  const guarded = <T>(bytes: Buffer, run: (tools: Tools) => T): Filtered<T> => {
    const work = createWork(rules, bytes.length, { now, issuer: issuerFor(bytes) });
    try {
      return { kind: "ok", value: run({ redactor, work }), hits: work.hits, exemptHits: work.exemptHits };
    } catch (error) {
      if (!(error instanceof RedactionRefused)) throw error;
      return { kind: "refused", message: t`the redaction rules were not applied: ${error.text}` };
    }
  };
  return {
    /** `body` is decompressed. Never throws, never changes `body`. */
    filterBody(body: Uint8Array, contentType: string | null): Filtered<Uint8Array> {
      if (redactor.matchers.length === 0) return unchanged(body);
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      return guarded(bytes, (tools) => redactBody(body, contentType, tools));
    },
    /** `name` in any case. All headers but `x-codex-turn-metadata` come back as they are. */
    filterHeader(name: string, value: string): Filtered<string> {
      if (name.toLowerCase() !== METADATA_HEADER || redactor.matchers.length === 0) return unchanged(value);
      return guarded(Buffer.from(value, "latin1"), (tools) => redactHeader(value, tools));
    },
  };
}

/** Character sets whose bytes are UTF-8, or that UTF-8 text is often labelled with. */
const READABLE_CHARSETS = new Set(["utf-8", "utf8", "us-ascii", "ascii"]);

/** The body after the rules. Throws RedactionRefused for what cannot be read: it could hide anything. */
function redactBody(body: Uint8Array, contentType: string | null, { redactor, work }: Tools): Uint8Array {
  if (body.length === 0) return body;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  refuseUnreadable(bytes, contentType);
  let text: string | undefined;
  const latin1 = (): string => (text ??= bytes.toString("latin1"));
  const mayMatch = findInBytes(redactor, { bytes, latin1 }, work.allowance);
  if (mayMatch === null) return body;
  const json = {
    text: latin1(),
    slice: (start: number, end: number) => bytes.toString("utf8", start, end),
    mayMatch,
  };
  const edits = editStrings(json, "root", {
    change: (value) => redactString(value, redactor, work),
    keep: (value) => countExempt(value, redactor, work),
    changesInputKeys: redactor.restores,
  });
  if (edits === null) return redactRaw(bytes, body, { redactor, work });
  return edits.length === 0 ? body : applyEdits(bytes, edits);
}

interface Tools {
  readonly redactor: Redactor;
  readonly work: Work;
}

/** What is not JSON is redacted as the text it is, names and all. */
function redactRaw(bytes: Buffer, body: Uint8Array, { redactor, work }: Tools): Uint8Array {
  const text = bytes.toString();
  const redacted = redactString(text, redactor, work);
  return redacted === text ? body : Buffer.from(redacted);
}

function refuseUnreadable(bytes: Buffer, contentType: string | null): void {
  // Which of several a receiver goes by is not known.
  const charsets = (contentType ?? "").toLowerCase().matchAll(/(?<![\w-])charset\s*\*?\s*=\s*"?([^\s",;]*)/g);
  for (const [, charset = ""] of charsets) {
    if (READABLE_CHARSETS.has(charset)) continue;
    throw new RedactionRefused(t`a body in the character set "${charset.slice(0, 40)}" cannot be checked`);
  }
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new RedactionRefused(t`a body that is not UTF-8 text cannot be checked`);
  }
}

function applyEdits(bytes: Buffer, edits: readonly Edit[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { start, end, value } of edits) {
    parts.push(bytes.subarray(from, start), Buffer.from(JSON.stringify(value)));
    from = end;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}

/** The value after the rules, in ASCII; the same string where nothing matched. Throws RedactionRefused. */
function redactHeader(value: string, { redactor, work }: Tools): string {
  const text = decodeValue(value);
  const redacted = redactString(text, redactor, work);
  return redacted === text ? value : toAscii(redacted);
}

/** Header values arrive as Latin-1; what a client put in as UTF-8 is read as that. */
function decodeValue(value: string): string {
  return decodeUtf8(Buffer.from(value, "latin1")) ?? value;
}

/** Beyond ASCII as JSON escapes: a header value can hold nothing else, and in JSON they mean the same. */
function toAscii(text: string): string {
  return text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
