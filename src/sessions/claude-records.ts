// What the records of a Claude Code transcript say about their session. Believes no field.
// Pure.
import { type JsonRecord, stringOr } from "../base/json-value.ts";

const PLACE_MARKS = ['"cwd":', '"relocatedCwd":'];

/** Whether a line may hold what `readClaudeCwd` reads. */
export function mayBeClaudePlace(line: Buffer): boolean {
  return PLACE_MARKS.some((mark) => line.includes(mark));
}

/** The directory that a record was written in, or that the session was moved to. */
export function readClaudeCwd(record: JsonRecord): string | null {
  return stringOr(record[record["type"] === "relocated" ? "relocatedCwd" : "cwd"], null);
}
