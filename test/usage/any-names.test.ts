// The same tokens under the names of any vendor or gateway, at the usual place of any API.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createAnswerReader } from "../../src/usage/answer-reader.ts";
import type { Api } from "../../src/usage/stream-events.ts";

/** Each token is in one of the first four; `reasoning` is a part of the output. */
interface Used {
  readonly fresh: number;
  readonly cached: number;
  readonly created: number;
  readonly output: number;
  readonly reasoning: number;
}

interface Style {
  /** What it has no name for. */
  readonly lacks?: "created" | "reasoning";
  readonly write: (used: Used) => Record<string, unknown>;
}

const readBy = ({ cached, created, fresh }: Used): number => fresh + cached + created;
const allOf = (used: Used): number => readBy(used) + used.output;
const chat = (used: Used) => ({
  prompt_tokens: readBy(used),
  completion_tokens: used.output,
  total_tokens: allOf(used),
  completion_tokens_details: { reasoning_tokens: used.reasoning },
});

const STYLES: Readonly<Record<string, Style>> = {
  "Chat Completions": {
    write: (used) => ({
      ...chat(used),
      prompt_tokens_details: { cached_tokens: used.cached, cache_write_tokens: used.created },
    }),
  },
  // https://docs.x.ai/docs/guides/reasoning: beside the completion.
  xAI: {
    lacks: "created",
    write: (used) => ({
      ...chat(used),
      completion_tokens: used.output - used.reasoning,
      prompt_tokens_details: { cached_tokens: used.cached },
    }),
  },
  Responses: {
    write: (used) => ({
      input_tokens: readBy(used),
      input_tokens_details: { cached_tokens: used.cached, cache_write_tokens: used.created },
      output_tokens: used.output,
      output_tokens_details: { reasoning_tokens: used.reasoning },
      total_tokens: allOf(used),
    }),
  },
  Messages: {
    write: (used) => ({
      input_tokens: used.fresh,
      cache_read_input_tokens: used.cached,
      cache_creation_input_tokens: used.created,
      output_tokens: used.output,
      output_tokens_details: { thinking_tokens: used.reasoning },
    }),
  },
  LiteLLM: {
    write: (used) => ({
      ...chat(used),
      prompt_tokens_details: { cached_tokens: used.cached, cache_creation_tokens: used.created },
      cache_read_input_tokens: used.cached,
      cache_creation_input_tokens: used.created,
    }),
  },
  // https://github.com/Portkey-AI/gateway/pull/1754
  Portkey: {
    write: (used) => ({
      ...chat(used),
      prompt_tokens: used.fresh,
      cache_read_input_tokens: used.cached,
      cache_creation_input_tokens: used.created,
    }),
  },
  "new-api": {
    write: (used) => ({
      ...chat(used),
      prompt_tokens_details: { cached_tokens: used.cached, cached_creation_tokens: used.created },
      input_tokens: 0,
      output_tokens: 0,
      input_tokens_details: null,
      claude_cache_creation_5_m_tokens: 0,
    }),
  },
  Gemini: {
    lacks: "created",
    write: (used) => ({
      promptTokenCount: readBy(used),
      cachedContentTokenCount: used.cached,
      candidatesTokenCount: used.output - used.reasoning,
      thoughtsTokenCount: used.reasoning,
      totalTokenCount: allOf(used),
      promptTokensDetails: [{ modality: "TEXT", tokenCount: readBy(used) }],
    }),
  },
  "Bedrock's Converse": {
    lacks: "reasoning",
    write: (used) => ({
      inputTokens: used.fresh,
      outputTokens: used.output,
      totalTokens: allOf(used),
      cacheReadInputTokens: used.cached,
      cacheWriteInputTokens: used.created,
    }),
  },
  DeepSeek: {
    lacks: "created",
    write: (used) => ({
      ...chat(used),
      prompt_cache_hit_tokens: used.cached,
      prompt_cache_miss_tokens: used.fresh,
    }),
  },
  Kimi: { lacks: "created", write: (used) => ({ ...chat(used), cached_tokens: used.cached }) },
  "the AI SDK": {
    write: (used) => ({
      inputTokens: readBy(used),
      inputTokenDetails: { cacheReadTokens: used.cached, cacheWriteTokens: used.created },
      outputTokens: used.output,
      outputTokenDetails: { reasoningTokens: used.reasoning },
      totalTokens: allOf(used),
    }),
  },
};

const text = { type: "text", text: "x" };
const DOCUMENTS: Readonly<Record<Api, (usage: unknown) => unknown>> = {
  chat: (usage) => ({ choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }], usage }),
  responses: (usage) => ({ object: "response", status: "completed", output: [text], usage }),
  messages: (usage) => ({ type: "message", content: [text], stop_reason: "end_turn", usage }),
};
const STREAMS: Readonly<Record<Api, (usage: unknown) => readonly Record<string, unknown>[]>> = {
  chat: (usage) => [
    { choices: [{ index: 0, delta: { content: "x" }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { choices: [], usage },
  ],
  responses: (usage) => [
    { type: "response.created", response: { id: "r", usage: null } },
    { type: "response.output_text.delta", delta: "x" },
    { type: "response.completed", response: { status: "completed", usage } },
  ],
  messages: (usage) => [
    {
      type: "message_start",
      message: { id: "m", content: [], usage: { input_tokens: 0, output_tokens: 0 } },
    },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "x" } },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage },
    { type: "message_stop" },
  ],
};
const toEvent = (data: Record<string, unknown>): string =>
  `${typeof data["type"] === "string" ? `event: ${data["type"]}\n` : ""}data: ${JSON.stringify(data)}\n\n`;

const used: fc.Arbitrary<Used> = fc
  .record({
    fresh: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 200_000 })),
    cached: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 900_000 })),
    created: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 90_000 })),
    // Small ones are often alike by chance.
    output: fc.oneof(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 60_000 })),
    reasoning: fc.nat(),
  })
  .map((one) => ({ ...one, reasoning: one.reasoning % one.output }));

describe.each(["chat", "responses", "messages"] as const)("an answer of %s", (api) => {
  test.each(Object.entries(STYLES))("costs the same in the names of %s", (_, { lacks, write }) => {
    fc.assert(
      fc.property(used, fc.boolean(), (any, isStream) => {
        const one = lacks === undefined ? any : { ...any, [lacks]: 0 };
        const usage = write(one);
        const answer = isStream
          ? STREAMS[api](usage).map(toEvent).join("")
          : JSON.stringify(DOCUMENTS[api](usage));
        const reader = createAnswerReader(api);
        reader.feed(new TextEncoder().encode(answer));
        const told = reader.facts().usage;
        expect({
          input: told?.input_tokens,
          cached: told?.cached_input_tokens ?? 0,
          created: told?.cache_creation_tokens ?? 0,
          output: told?.output_tokens,
          reasoning: told?.reasoning_tokens ?? 0,
          total: told?.total_tokens,
          isPartial: told?.partial === true,
        }).toEqual({
          input: api === "messages" ? one.fresh : readBy(one),
          cached: one.cached,
          created: one.created,
          output: one.output,
          reasoning: one.reasoning,
          total: allOf(one),
          isPartial: false,
        });
      }),
    );
  });
});
