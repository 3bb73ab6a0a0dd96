// What requests met lately: each kind of failure of each upstream once, with how often and when, and whether the upstream has
// answered since. Of turns only: another request that an upstream does not know says little of it.
// Pure.
import type { LogRecord, RecordedAttempt } from "../log/record.ts";
import { isGeneration, listAttempts } from "./outcome.ts";

export interface SeenFault {
  readonly service: string;
  readonly baseUrl: string;
  /** As the upstream was called then; null in lines of an older version. */
  readonly label: string | null;
  /** Of the newest of them: its data where the line has them, and its English. */
  readonly reason: LogRecord["reason"];
  readonly error: string;
  readonly count: number;
  /** Wall clock, ms. */
  readonly lastAt: number;
  /** When it last answered, where that was later; else null. */
  readonly answeredAt: number | null;
}

/** A person's or a client's doing, or the request's own: they say nothing of the upstream. */
const NOT_ITS_OWN: ReadonlySet<string> = new Set([
  "ok",
  "client-gone",
  "bound-history",
  "previous-response",
  "context-length",
  "policy",
  "too-large",
  "invalid-image",
  "malformed-json",
  "local-shortage",
  "no-compaction",
  "no-summary",
  "bad-request-in-200",
  "client-error",
]);

export function createSeenTally() {
  const faults = new Map<string, SeenFault>();
  const answers = new Map<string, number>();
  return {
    /** In any order. */
    add(record: LogRecord): void {
      const { attempts = [], service, timestamp_ms: at } = record;
      if (service === undefined || !isGeneration(record)) return;
      for (const { baseUrl, hasFailed, label } of listAttempts(record)) {
        const who = nameOf(service, baseUrl, label);
        if (!hasFailed) answers.set(who, Math.max(at, answers.get(who) ?? 0));
      }
      for (const attempt of attempts) addFault(faults, { at, attempt, service });
    },
    /** The most frequent first. */
    finish: (): SeenFault[] =>
      [...faults.values()]
        .map((fault) => {
          const answered = answers.get(nameOf(fault.service, fault.baseUrl, fault.label)) ?? 0;
          return { ...fault, answeredAt: answered > fault.lastAt ? answered : null };
        })
        .toSorted((one, other) => other.count - one.count),
  };
}

interface Added {
  readonly at: number;
  readonly attempt: RecordedAttempt;
  readonly service: string;
}

function addFault(faults: Map<string, SeenFault>, { at, attempt, service }: Added): void {
  const { error = "", reason, upstream_base_url: baseUrl, upstream_label: label, verdict = "ok" } = attempt;
  if (baseUrl === undefined || NOT_ITS_OWN.has(verdict)) return;
  const key = JSON.stringify([service, baseUrl, label, verdict, reason?.["status"], reason?.["code"]]);
  const known = faults.get(key);
  const isNewer = known === undefined || at >= known.lastAt;
  faults.set(key, {
    service,
    baseUrl,
    label: label ?? null,
    reason: isNewer ? reason : known.reason,
    error: isNewer ? error : known.error,
    count: (known?.count ?? 0) + 1,
    lastAt: isNewer ? at : known.lastAt,
    answeredAt: null,
  });
}

function nameOf(service: string, baseUrl: string, label: string | null | undefined): string {
  return JSON.stringify([service, baseUrl, label ?? null]);
}
