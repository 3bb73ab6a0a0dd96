// The answers of models in a transcript of Claude Code. Each block of an answer is a record of its own; the last one has the
// whole usage. A record that stands for an error of the client's own is none. Trusts no field.
// Pure.
import { isRecord, stringOr } from "../../base/json-value.ts";
import { readTimestamp, readUuid } from "../../sessions/record-text.ts";
import { readUsage } from "../../usage/usage.ts";
import type { AnswerReader, StoredAnswer } from "../client.ts";

/** What it calls the model of its own messages. */
const NO_MODEL = "<synthetic>";

export function createAnswerReader(): AnswerReader {
  const answers = new Map<string, StoredAnswer>();
  let count = 0;
  /** By the ids of what is coming: relays may give all answers one. */
  const open = new Map<string, string>();
  return {
    marks: ['"type":"assistant"'],
    read(record) {
      const { message } = record;
      const at = readTimestamp(record["timestamp"]);
      if (record["type"] !== "assistant" || !isRecord(message) || at === null) return;
      const model = stringOr(message["model"], null);
      if (model === NO_MODEL || record["isApiErrorMessage"] === true) return;
      const id = stringOr(message["id"], "");
      const ids = `${id} ${stringOr(record["requestId"], "")}`;
      const isFirst = record["apiBlockIndex"] === 0 || id === "" || !open.has(ids);
      const key = isFirst ? `${ids} ${at} ${(count += 1)}` : (open.get(ids) ?? "");
      if (isFirst) open.set(ids, key);
      const first = answers.get(key);
      answers.set(key, {
        key: first?.key ?? `${ids} ${at}`,
        sessionId: readUuid(record["sessionId"]),
        at: first?.at ?? at,
        model,
        usage: readUsage("messages", [message["usage"]]) ?? first?.usage,
      });
    },
    answers: () => [...answers.values()],
  };
}
