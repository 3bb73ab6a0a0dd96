// Adds up what the rules of redaction found, by the name of the rule: hits, and in how many requests and sessions. All requests
// count, also those that generate nothing: their text was to leave, too.
// Pure.
import type { LogRecord } from "../log/record.ts";

/** Field names as in `usage summary --by rule --json`. */
export interface RuleRow {
  /** The rule's name; null for hits of lines before they had one. */
  readonly key: string | null;
  readonly redactions: number;
  readonly requests: number;
  readonly sessions: number;
  /** Wall clock, ms. */
  readonly last_at_ms: number;
}

export interface RuleSummary {
  /** The most hits first. */
  readonly rows: readonly RuleRow[];
  /** A request that several rules found something in is one. */
  readonly total: Omit<RuleRow, "key" | "last_at_ms"> & {
    /** Matches in what is never changed. */
    readonly redactions_exempt: number;
  };
}

export function createRuleTally() {
  const rows = new Map<string | null, Row>();
  const all = makeRow();
  let exempt = 0;
  return {
    add(record: LogRecord): void {
      const { redactions = 0, redactions_by_rule: byRule = {}, redactions_exempt = 0 } = record;
      if (record.refusals !== undefined) return;
      exempt += redactions_exempt;
      if (redactions === 0) return;
      addTo(all, record, redactions);
      const named = Object.entries(byRule);
      for (const [name, hits] of named) addTo(rows.getOrInsertComputed(name, makeRow), record, hits);
      if (named.length === 0) addTo(rows.getOrInsertComputed(null, makeRow), record, redactions);
    },
    finish(): RuleSummary {
      const { last_at_ms: _, ...total } = finishRow(all);
      return {
        rows: [...rows]
          .map(([key, row]) => ({ key, ...finishRow(row) }))
          .toSorted((one, other) => other.redactions - one.redactions || other.requests - one.requests),
        total: { ...total, redactions_exempt: exempt },
      };
    },
  };
}

type Row = ReturnType<typeof makeRow>;
const makeRow = () => ({ redactions: 0, requests: 0, sessions: new Set<string>(), lastAt: 0 });

function addTo(row: Row, { session_id: session, timestamp_ms: at }: LogRecord, hits: number): void {
  row.redactions += hits;
  row.requests += 1;
  row.lastAt = Math.max(row.lastAt, at);
  if (session) row.sessions.add(session);
}

function finishRow({ lastAt, redactions, requests, sessions }: Row): Omit<RuleRow, "key"> {
  return { redactions, requests, sessions: sessions.size, last_at_ms: lastAt };
}
