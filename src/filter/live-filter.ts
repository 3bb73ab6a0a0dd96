// The redaction rules in force, while filter.json may change at any time: body and headers in, what may leave out.
// Never falls back to "no rules": a file that was never good, or that was there and is gone, refuses every request.
import { basename } from "node:path";
import { UserError } from "../base/errors.ts";
import { type Text, t } from "../base/text.ts";
import { MAX_OWN_FILE_BYTES } from "../base/files.ts";
import type { Service } from "../base/service.ts";
import { type Watched, type WatchedFile, createWatchedFile } from "../base/watched-file.ts";
import type { FilterRecord } from "./filter-record.ts";
import type { Book } from "./placeholders.ts";
import { type RedactionFacts, makeDangling, makeRemoved, makeUnreachable } from "./redaction.ts";
import { makeRequestFilter, METADATA_HEADER, type RequestFilter } from "./request-filter.ts";
import type { Restoring, SessionBooks } from "./restoring.ts";
import { NO_RULES, countByRule, nameOf, packsOf, parseRules, type RuleSet } from "./rules.ts";

/** What redaction made of a request. */
export type FilteredRequest =
  | {
      readonly kind: "filtered";
      readonly body: Uint8Array;
      /** Replaced header values, lower-case names. */
      readonly headers: Readonly<Record<string, string>>;
      readonly redactions: number;
      /** The same by the name of the rule; absent for none. */
      readonly byRule?: ReadonlyMap<string, number> | undefined;
      /** Matches that were left alone; absent for none. */
      readonly exempt?: number;
      /** Gives back what was replaced. Absent where no value of this session has a placeholder. */
      readonly restoring?: Restoring;
    }
  /** The rules cannot be applied: nothing may leave. */
  | { readonly kind: "refused"; readonly message: Text };

type Filtered = Extract<FilteredRequest, { readonly kind: "filtered" }>;

export type LiveFilter = ReturnType<typeof createLiveFilter>;

export interface LiveFilterOptions {
  readonly path: string;
  readonly record: FilterRecord;
  /** Whether the user has said in config.json that filter.json is not used. */
  readonly isOff: () => boolean;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Requests of one turn of the event loop are held by one look at the file. Default: each has a look of its own. */
  readonly looksOnceATurn?: boolean;
  /** What placeholders are made with; asked for the first one. */
  readonly placeholderKey: () => string;
  /** Counts what the placeholders of all sessions take in memory. */
  readonly hold?: (bytes: number) => void;
}

export function createLiveFilter(options: LiveFilterOptions) {
  const follow = followRules(options);
  const others = new Map<string, WatchedFile<RuleSet>>();
  /** Of a file that is named in config.json: it has to be there. */
  const rulesOf = (path: string): RuleSet | UserError => {
    const file = others.get(path) ?? watchRules(path, options.now);
    others.set(path, file);
    const watched = file.current();
    if (watched.kind === "ok") return watched.value;
    if (watched.kind === "missing") return new UserError(t`${path} is missing`);
    return watched.last ?? watched.problem;
  };
  let books: SessionBooks | undefined;
  const bookOf = (sessionId: string | null): Book => (books ??= loadBooks(options)).of(sessionId);
  let seen: FilterState | null = null;
  /** What holds for a request that starts now. */
  const current = (): FilterState => (seen = follow());
  let ofTurn: FilterState | null = null;
  const endTurn = (): void => {
    ofTurn = null;
  };
  const currentInTurn = (): FilterState => {
    if (ofTurn !== null) return ofTurn;
    setImmediate(endTurn);
    return (ofTurn = current());
  };
  const problemIn = (state: FilterState | null): UserError | null =>
    state !== null && "problem" in state ? state.problem : null;
  return {
    current,
    /** What is wrong with the rule file, or null. */
    problem: () => problemIn(current()),
    /** The same, as the last request found it: costs nothing. */
    lastProblem: () => problemIn(seen),
    /** Which state holds, for every screen. */
    facts: (): RedactionFacts => makeFacts(current()),
    /** The same, as the last request found it. */
    lastFacts: (): RedactionFacts | null => (seen === null ? null : makeFacts(seen)),
    forService(service: Service) {
      return (
        body: Uint8Array,
        headers: Headers,
        more: readonly string[] = NO_FILES,
        sessionId: () => string | null = noSession,
      ): FilteredRequest => {
        const state = options.looksOnceATurn === true ? currentInTurn() : current();
        const isUsed = state.kind !== "none" && state.kind !== "off";
        if (!isUsed && more.length === 0) return { kind: "filtered", body, headers: {}, redactions: 0 };
        if (!("rules" in state)) return { kind: "refused", message: refusalFor(state.problem) };
        let filtered: FilteredRequest = { kind: "filtered", body, headers: {}, redactions: 0 };
        let book: Book | undefined;
        const takeBook = (): Book => (book ??= bookOf(sessionId()));
        for (const path of isUsed ? [null, ...more] : more) {
          const rules = path === null ? state.rules : rulesOf(path);
          if (rules instanceof UserError) return { kind: "refused", message: refusalFor(rules) };
          const filter = makeRequestFilter({ rules, service, now: () => performance.now(), book: takeBook });
          const file = path === null ? null : basename(path);
          const nameAt = (index: number): string => nameOf(rules, index, file);
          const next = filterRequest(filtered.body, headers, { filter, before: filtered, nameAt });
          if (next.kind === "refused") return next;
          filtered = next;
        }
        return book === undefined || book.count === 0
          ? filtered
          : { ...filtered, restoring: makeRestoring(book) };
      };
    },
  };
}

const noSession = (): null => null;

function loadBooks({ hold = () => {}, placeholderKey }: LiveFilterOptions): SessionBooks {
  const { createSessionBooks } = require("./restoring.ts") as typeof import("./restoring.ts");
  return createSessionBooks(placeholderKey, hold);
}

function makeRestoring(book: Book): Restoring {
  const { Restoring: Made } = require("./restoring.ts") as typeof import("./restoring.ts");
  return new Made(book);
}

function refusalFor({ hintText, text }: UserError): Text {
  return hintText === undefined
    ? t`redaction rules cannot be read: ${text}`
    : t`redaction rules cannot be read: ${text}; ${hintText}`;
}

/** Workspaces are removed later, for each upstream by itself: the vendor's own host may have them. */
function filterRequest(
  body: Uint8Array,
  headers: Headers,
  {
    before,
    filter,
    nameAt,
  }: {
    readonly filter: RequestFilter;
    readonly before: Filtered;
    readonly nameAt: (index: number) => string;
  },
): FilteredRequest {
  const filtered = filter.filterBody(body, headers.get("content-type"));
  if (filtered.kind === "refused") return filtered;
  const metadata = before.headers[METADATA_HEADER] ?? headers.get(METADATA_HEADER);
  const header = metadata === null ? null : filter.filterHeader(METADATA_HEADER, metadata);
  if (header?.kind === "refused") return header;
  const hits = [filtered.hits, header?.hits ?? []];
  const redactions = sum(hits.flat());
  return {
    kind: "filtered",
    body: filtered.value,
    headers:
      header === null || header.value === metadata ? before.headers : { [METADATA_HEADER]: header.value },
    redactions: before.redactions + redactions,
    byRule: redactions === 0 ? before.byRule : countByRule(before.byRule, hits, nameAt),
    exempt: (before.exempt ?? 0) + sum(filtered.exemptHits) + sum(header?.exemptHits ?? []),
  };
}

function sum(hits: readonly number[]): number {
  return hits.reduce((total, count) => total + count, 0);
}

export type FilterState =
  /** No file, and there has been none; or its removal was accepted. */
  | { readonly kind: "none"; readonly rules: RuleSet }
  /** Turned off in config.json. */
  | { readonly kind: "off"; readonly rules: RuleSet }
  | { readonly kind: "ok"; readonly rules: RuleSet }
  /** The last good rules stay in force; `problem` is for every surface to show. */
  | { readonly kind: "broken-with-last-good"; readonly rules: RuleSet; readonly problem: UserError }
  /** Requests must be refused: `problem` names the file and the place. */
  | { readonly kind: "broken-never-loaded"; readonly problem: UserError }
  /** There was a file, or there is a way to one that ends nowhere. Requests must be refused. */
  | { readonly kind: "gone"; readonly problem: UserError };

const NO_FILES: readonly string[] = [];
/** Some editors move the old file away before they write the new one: for so long its rules stay in force. */
const MISSING_GRACE_MS = 2000;
/** The record is compared with what it should say at most so often: other processes write it, too. */
const CHECK_RECORD_MS = 1000;
const NONE: FilterState = { kind: "none", rules: NO_RULES };
const OFF: FilterState = { kind: "off", rules: NO_RULES };

function followRules({ isOff, now, path, record }: LiveFilterOptions): () => FilterState {
  const file = watchRules(path, now);
  let last: FilterState = OFF;
  let missingSince: number | null = null;
  let recordCheckedAt = Number.NEGATIVE_INFINITY;

  /** True once in a while, and whenever another state may begin. */
  const isRecordDue = (isNew: boolean): boolean => {
    if (!isNew && Math.abs(now() - recordCheckedAt) < CHECK_RECORD_MS) return false;
    recordCheckedAt = now();
    return true;
  };

  const whenThere = (watched: Loaded): FilterState => {
    missingSince = null;
    const next: FilterState =
      watched.kind === "ok" ? { kind: "ok", rules: watched.value } : broken(watched.problem, last);
    if (isRecordDue(next.kind !== last.kind || isEmpty(next) !== isEmpty(last)))
      record.note(isEmpty(next) ? "emptied" : "seen");
    return next;
  };

  const whenNotThere = (problem: UserError | null): FilterState => {
    if (last.kind === "broken-with-last-good" || (last.kind === "ok" && !isEmpty(last))) {
      missingSince ??= now();
      if (Math.abs(now() - missingSince) <= MISSING_GRACE_MS) return last;
    }
    missingSince = null;
    if (problem !== null) {
      if (isRecordDue(last.kind !== "gone")) record.note("seen");
      return { kind: "gone", problem };
    }
    const wasThere = last.kind !== "none" && last.kind !== "off" && !isEmpty(last);
    if (!wasThere && !isRecordDue(last.kind !== "none")) return last;
    const remembered = record.read();
    if (remembered === "untold" && last.kind === "none") return last;
    if (remembered === "accepted" || (remembered === "never" && !wasThere)) return NONE;
    // Whoever removes everything removes the record, too: only what was accepted since is accepted.
    if (remembered === "never") record.note("seen");
    return { kind: "gone", problem: makeRemoved(path) };
  };

  return () => {
    if (isOff()) return (last = OFF);
    const watched = file.current();
    if (watched.kind === "missing")
      last = whenNotThere(watched.isDanglingLink === true ? makeDangling(path) : null);
    else if (watched.kind === "broken" && watched.isUnreachable === true)
      last = whenNotThere(makeUnreachable(watched.problem));
    else last = whenThere(watched);
    return last;
  };
}

function watchRules(path: string, now: () => number): WatchedFile<RuleSet> {
  return createWatchedFile({
    path,
    maxBytes: MAX_OWN_FILE_BYTES,
    parse: (text) => parseRules(text, path),
    now,
  });
}

type Loaded = Exclude<Watched<RuleSet>, { readonly kind: "missing" }>;

/** A list without rules: the user has said that nothing is redacted. */
function isEmpty(state: FilterState): boolean {
  return state.kind === "ok" && state.rules.rules.length === 0;
}

function makeFacts(state: FilterState): RedactionFacts {
  switch (state.kind) {
    case "none":
    case "off":
    case "gone":
      return { state: state.kind, rules: 0 };
    case "broken-never-loaded":
      return { state: "broken", rules: 0 };
    case "ok":
    case "broken-with-last-good":
      return describeRules(state.rules);
  }
}

function describeRules(set: RuleSet): RedactionFacts {
  const packs = packsOf(set);
  const rules = set.rules.filter(({ pack }) => pack === undefined).length;
  return packs.length === 0 ? { state: "rules", rules } : { state: "rules", rules, packs };
}

/** The rules in force until now stay; "no rules" is not something to fall back to. */
function broken(problem: UserError, last: FilterState): FilterState {
  return last.kind === "ok" || last.kind === "broken-with-last-good"
    ? { kind: "broken-with-last-good", rules: last.rules, problem }
    : { kind: "broken-never-loaded", problem };
}
