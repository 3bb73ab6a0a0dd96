import { expect, test } from "bun:test";
import fc from "fast-check";
import { createAnswerReader as createClaudeReader } from "../../src/clients/claude/answers.ts";
import { createAnswerReader as createCodexReader } from "../../src/clients/codex/answers.ts";
import type { AnswerReader, StoredAnswer } from "../../src/clients/client.ts";
import { isRecord } from "../../src/base/json-value.ts";

const ROOT = "01a22802-3fc8-7023-8e07-445a7dec763a";
const OWN = "01a22802-40dc-7732-ab1a-ac107fb3e21d";
const at = (second: number): string => new Date(second * 1000).toISOString();

function read(reader: AnswerReader, records: readonly object[]): readonly StoredAnswer[] {
  for (const record of records) if (isRecord(record)) reader.read(record);
  return reader.answers();
}

const counts = (input: number, output: number) => ({
  input_tokens: input,
  cached_input_tokens: 100,
  cache_write_input_tokens: 0,
  output_tokens: output,
  reasoning_output_tokens: 3,
  total_tokens: input + output,
});
const usageRecord = (second: number, thread: string, usage: object) => ({
  timestamp: at(second),
  type: "token_usage_record",
  payload: { thread_id: thread, session_id: ROOT, response_id: `r${second}`, usage },
});
const tokenCount = (second: number, total: object, last: object) => ({
  timestamp: at(second),
  type: "event_msg",
  payload: { type: "token_count", info: { total_token_usage: total, last_token_usage: last } },
});
const turn = (model: string) => ({ timestamp: at(0), type: "turn_context", payload: { model } });
const meta = (fields: object) => ({ timestamp: at(0), type: "session_meta", payload: fields });

test("a sub-agent's rollout has its own answers, in its root's conversation, each with its model", () => {
  const answers = read(createCodexReader({ id: OWN }), [
    meta({ session_id: ROOT, id: OWN, parent_thread_id: ROOT }),
    meta({ session_id: ROOT, id: ROOT }),
    turn("gpt-6"),
    usageRecord(1, ROOT, counts(500, 50)),
    usageRecord(2, OWN, counts(120, 30)),
    tokenCount(2, counts(120, 30), counts(120, 30)),
    turn("gpt-6-mini"),
    usageRecord(3, OWN, counts(200, 40)),
  ]);
  expect(answers.map(({ sessionId, model, at: when }) => [sessionId, model, when])).toEqual([
    [ROOT, "gpt-6", 2000],
    [ROOT, "gpt-6-mini", 3000],
  ]);
  expect(answers[0]?.usage).toMatchObject({
    input_tokens: 120,
    cached_input_tokens: 100,
    output_tokens: 30,
    reasoning_tokens: 3,
    total_tokens: 150,
  });
});

test("a rollout of 2025 has an answer for each count with another total", () => {
  const answers = read(createCodexReader({ id: ROOT }), [
    meta({ id: ROOT }),
    turn("gpt-5"),
    { timestamp: at(1), type: "event_msg", payload: { type: "token_count", info: null } },
    tokenCount(2, counts(120, 30), counts(120, 30)),
    // Other limits.
    tokenCount(3, counts(120, 30), counts(120, 30)),
    tokenCount(4, counts(240, 60), counts(120, 30)),
  ]);
  expect(answers.map(({ at: when, model, usage }) => [when, model, usage?.total_tokens])).toEqual([
    [2000, "gpt-5", 150],
    [4000, "gpt-5", 150],
  ]);
});

const block = (second: number, fields: object, message: object = {}) => ({
  timestamp: at(second),
  type: "assistant",
  sessionId: ROOT,
  requestId: "req_1",
  message: { id: "msg_1", model: "claude-opus-5-5", role: "assistant", ...message },
  ...fields,
});

test("the blocks of an answer of Claude's are one, with the usage of the last", () => {
  const answers = read(createClaudeReader(), [
    block(1, { apiBlockIndex: 0 }, { usage: { input_tokens: 20, output_tokens: 3 } }),
    block(
      2,
      { apiBlockIndex: 1 },
      { usage: { input_tokens: 20, cache_read_input_tokens: 100, output_tokens: 30 } },
    ),
    block(3, { apiBlockIndex: 2 }),
  ]);
  expect(answers).toEqual([expect.objectContaining({ sessionId: ROOT, at: 1000, model: "claude-opus-5-5" })]);
  expect(answers[0]?.usage).toMatchObject({ cached_input_tokens: 100, output_tokens: 30, total_tokens: 150 });
});

test("answers to which a relay gives one id, or none, are counted apart; what the client says itself is none", () => {
  const records = [
    block(1, { apiBlockIndex: 0 }),
    block(2, { apiBlockIndex: 0 }),
    block(3, { requestId: "req_2" }),
    block(4, { requestId: undefined }, { id: undefined }),
    block(5, { requestId: undefined }, { id: undefined }),
    block(6, {}, { id: "msg_2", model: "<synthetic>" }),
    block(7, { isApiErrorMessage: true }, { id: "msg_3" }),
    { type: "user", timestamp: at(8), message: { role: "user", content: "hi" } },
  ];
  const answers = read(createClaudeReader(), records);
  expect(answers.map(({ at: when }) => when)).toEqual([1000, 2000, 3000, 4000, 5000]);
  // A fork copies them.
  expect(read(createClaudeReader(), records).map(({ key }) => key)).toEqual(answers.map(({ key }) => key));
  expect(new Set(answers.map(({ key }) => key)).size).toBe(5);
});

test("nothing in a file makes a reader throw", () => {
  const names = [
    "type",
    "payload",
    "message",
    "timestamp",
    "info",
    "usage",
    "id",
    "session_meta",
    "token_count",
  ];
  const odd = fc.object({
    key: fc.constantFrom(...names),
    maxDepth: 4,
    values: [fc.constantFrom(...names), fc.integer()],
  });
  fc.assert(
    fc.property(fc.array(odd), (records) => {
      for (const reader of [createClaudeReader(), createCodexReader({ id: null })]) read(reader, records);
    }),
  );
});
