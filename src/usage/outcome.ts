// How a request of the log and its attempts went, and what was a failure: one definition for status, sums and searches.
// Pure.
import type { LogRecord } from "../log/record.ts";

/** Answered with an error, cut off or refused. A client that left is no failure. */
const FAILED: ReadonlySet<string> = new Set(["error", "cut", "refused"]);

/** Lines of the first version have no outcome: it follows from their status. Undefined where a line has neither. */
export function outcomeOf({ outcome, status_code: status }: LogRecord): string | undefined {
  if (outcome !== undefined || status === undefined) return outcome;
  if (status < 400) return "ok";
  return status === 499 ? "client_gone" : "error";
}

export function hasFailed(record: LogRecord): boolean {
  return FAILED.has(outcomeOf(record) ?? "");
}

interface Attempted {
  readonly baseUrl: string;
  readonly isGood: boolean;
}

/** `attempts` is present when it has more than the line itself. */
export function listAttempts(
  { attempts, upstream_base_url: last }: LogRecord,
  isFailure: boolean,
): Attempted[] {
  if (attempts === undefined) return last == null ? [] : [{ baseUrl: last, isGood: !isFailure }];
  return attempts.flatMap(({ upstream_base_url: baseUrl, verdict }) =>
    baseUrl === undefined ? [] : [{ baseUrl, isGood: verdict === "ok" }],
  );
}
