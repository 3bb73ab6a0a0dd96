// The conversation in any session's records.
// Pure.
import type { JsonRecord } from "../base/json-value.ts";
import { mayBeClaudeMessage, readClaudeItems } from "./claude-items.ts";
import { createCodexReader, mayBeCodexMessage } from "./codex-items.ts";
import type { SessionPlace, TranscriptItem } from "./session.ts";

export interface ItemReader {
  /** The items of a record, which comes after those read before. */
  readonly read: (record: JsonRecord) => TranscriptItem[];
  /** Whether a line may hold a prompt or an answer: the others need no parsing where only these are wanted. */
  readonly mayBeMessage: (line: Buffer) => boolean;
}

export function createItemReader({ file }: SessionPlace): ItemReader {
  return file.service === "codex"
    ? { read: createCodexReader(), mayBeMessage: mayBeCodexMessage }
    : { read: (record) => readClaudeItems(record, file.isSubagent), mayBeMessage: mayBeClaudeMessage };
}
