// The redaction rules in force, while filter.json may change at any time: body and headers in, what may leave out.
// Never falls back to "no rules": a file that was never good refuses every request.
import type { UserError } from "../base/errors.ts";
import { type Text, t } from "../base/text.ts";
import type { Service } from "../base/service.ts";
import { createWatchedFile } from "../base/watched-file.ts";
import { makeRequestFilter, METADATA_HEADER, type RequestFilter } from "./request-filter.ts";
import { NO_RULES, parseRules, type RuleSet } from "./rules.ts";

/** What redaction made of a request. */
export type FilteredRequest =
  | {
      readonly kind: "filtered";
      readonly body: Uint8Array;
      /** Replaced header values, lower-case names. */
      readonly headers: Readonly<Record<string, string>>;
      readonly redactions: number;
      /** Matches that were left alone; absent for none. */
      readonly exempt?: number;
    }
  /** The rules cannot be applied: nothing may leave. */
  | { readonly kind: "refused"; readonly message: Text };

export type LiveFilter = ReturnType<typeof createLiveFilter>;

/** `now` is the wall clock, ms. */
export function createLiveFilter(path: string, now: () => number) {
  const follow = followRules(path, now);
  let seen: FilterState | null = null;
  /** What holds for a request that starts now. */
  const current = (): FilterState => (seen = follow());
  const problemIn = (state: FilterState | null): UserError | null =>
    state !== null && "problem" in state ? state.problem : null;
  return {
    current,
    /** What is wrong with the rule file, or null. */
    problem: () => problemIn(current()),
    /** The same, as the last request found it: costs nothing. */
    lastProblem: () => problemIn(seen),
    forService(service: Service) {
      return (body: Uint8Array, headers: Headers): FilteredRequest => {
        const state = current();
        if (state.kind === "none") return { kind: "filtered", body, headers: {}, redactions: 0 };
        if (state.kind === "broken-never-loaded") {
          return { kind: "refused", message: t`redaction rules cannot be read: ${state.problem.text}` };
        }
        const filter = makeRequestFilter({ rules: state.rules, service, now: () => performance.now() });
        return filterRequest(body, headers, filter);
      };
    },
  };
}

/** Workspaces are removed later, for each upstream by itself: the vendor's own host may have them. */
function filterRequest(body: Uint8Array, headers: Headers, filter: RequestFilter): FilteredRequest {
  const filtered = filter.filterBody(body, headers.get("content-type"));
  if (filtered.kind === "refused") return filtered;
  const metadata = headers.get(METADATA_HEADER);
  const header = metadata === null ? null : filter.filterHeader(METADATA_HEADER, metadata);
  if (header?.kind === "refused") return header;
  return {
    kind: "filtered",
    body: filtered.value,
    headers: header === null || header.value === metadata ? {} : { [METADATA_HEADER]: header.value },
    redactions: sum(filtered.hits) + sum(header?.hits ?? []),
    exempt: sum(filtered.exemptHits) + sum(header?.exemptHits ?? []),
  };
}

function sum(hits: readonly number[]): number {
  return hits.reduce((total, count) => total + count, 0);
}

export type FilterState =
  /** No file. */
  | { readonly kind: "none"; readonly rules: RuleSet }
  | { readonly kind: "ok"; readonly rules: RuleSet }
  /** The last good rules stay in force; `problem` is for every surface to show. */
  | { readonly kind: "broken-with-last-good"; readonly rules: RuleSet; readonly problem: UserError }
  /** Requests must be refused: `problem` names the file and the place. */
  | { readonly kind: "broken-never-loaded"; readonly problem: UserError };

const MAX_FILE_BYTES = 2 ** 20;
/** Some editors move the old file away before they write the new one: for so long its rules stay in force. */
const MISSING_GRACE_MS = 2000;

function followRules(path: string, now: () => number): () => FilterState {
  const file = createWatchedFile({
    path,
    maxBytes: MAX_FILE_BYTES,
    parse: (text) => parseRules(text, path),
    now,
  });
  let last: FilterState = { kind: "none", rules: NO_RULES };
  let missingSince: number | null = null;

  return () => {
    const watched = file.current();
    if (watched.kind === "missing") {
      missingSince ??= now();
      const isGone = last.kind === "none" || Math.abs(now() - missingSince) > MISSING_GRACE_MS;
      if (isGone) last = { kind: "none", rules: NO_RULES };
      return last;
    }
    missingSince = null;
    last = watched.kind === "ok" ? { kind: "ok", rules: watched.value } : broken(watched.problem, last);
    return last;
  };
}

/** The rules in force until now stay; "no rules" is not something to fall back to. */
function broken(problem: UserError, last: FilterState): FilterState {
  return last.kind === "ok" || last.kind === "broken-with-last-good"
    ? { kind: "broken-with-last-good", rules: last.rules, problem }
    : { kind: "broken-never-loaded", problem };
}
