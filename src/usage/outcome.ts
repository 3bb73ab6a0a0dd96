// How a request of the log went, and whether that was a failure: one definition for status, sums, reports and searches.
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
