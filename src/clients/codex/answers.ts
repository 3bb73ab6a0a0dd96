// The answers of models in a Codex rollout: a `token_usage_record` for each; before 2026 `token_count` events, of which one
// with another total stands for an answer. A fork's or a sub-agent's file may begin with records of another. Trusts no field.
// Pure.
import { isRecord, type JsonRecord, stringOr } from "../../base/json-value.ts";
import { readTimestamp, readUuid } from "../../sessions/record-text.ts";
import type { SessionFile } from "../../sessions/session.ts";
import { type Usage, readUsage } from "../../usage/usage.ts";
import type { AnswerReader, StoredAnswer } from "../client.ts";

const RECORD = "token_usage_record";
const EVENT = "token_count";

export function createAnswerReader({ id }: Pick<SessionFile, "id">): AnswerReader {
  const answers: Readonly<Record<string, StoredAnswer[]>> = { [RECORD]: [], [EVENT]: [] };
  let model: string | null = null;
  let root: string | null = null;
  let lastTotal = "";
  const add = (kind: string, record: JsonRecord, { counts, key }: { counts: unknown; key: string }): void => {
    const at = readTimestamp(record["timestamp"]);
    if (at === null) return;
    answers[kind]?.push({
      key: `${key} ${at}`,
      sessionId: root ?? id,
      at,
      model,
      usage: readCounts(counts),
    });
  };
  return {
    marks: ['"session_meta"', '"turn_context"', `"${RECORD}"`, `"${EVENT}"`],
    read(record) {
      const payload = isRecord(record["payload"]) ? record["payload"] : record;
      if (record["type"] === "session_meta") root ??= readRoot(payload);
      if (record["type"] === "turn_context") model = stringOr(payload["model"], model);
      const isOwn = id === null || readUuid(payload["thread_id"]) === id;
      if (record["type"] === RECORD && isOwn)
        add(RECORD, record, { counts: payload["usage"], key: stringOr(payload["response_id"], "") });
      const info = payload["type"] === EVENT ? payload["info"] : null;
      if (!isRecord(info)) return;
      // Repeated when limits change.
      const total = JSON.stringify(info["total_token_usage"]);
      if (total !== lastTotal) add(EVENT, record, { counts: info["last_token_usage"], key: total });
      lastTotal = total;
    },
    answers: () => {
      const [records = [], events = []] = [answers[RECORD], answers[EVENT]];
      return records.length > 0 ? records : events;
    },
  };
}

/** The conversation that a sub-agent's belongs to: its requests have that one's id. */
function readRoot(meta: JsonRecord): string | null {
  return readUuid(meta["session_id"]) ?? readUuid(meta["parent_thread_id"]) ?? readUuid(meta["id"]);
}

/** From the rollout's names to those of the API. */
function readCounts(counts: unknown): Usage | undefined {
  if (!isRecord(counts)) return undefined;
  const api = {
    ...counts,
    input_tokens_details: {
      cached_tokens: counts["cached_input_tokens"],
      cache_write_tokens: counts["cache_write_input_tokens"],
    },
    output_tokens_details: { reasoning_tokens: counts["reasoning_output_tokens"] },
  };
  return readUsage("responses", [api]);
}
