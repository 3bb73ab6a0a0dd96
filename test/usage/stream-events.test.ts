import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { countShown, type Api, type EventKind, kindOfEvent } from "../../src/usage/stream-events.ts";

type Row = readonly [title: string, event: string | null, data: unknown, kind: EventKind];

function check(api: Api, rows: readonly Row[]): void {
  for (const [title, event, data, kind] of rows) {
    test(`${title}: ${kind}`, () => {
      expect(kindOfEvent(api, { event, data: typeof data === "string" ? data : JSON.stringify(data) })).toBe(
        kind,
      );
    });
  }
}

const item = (said: object): object => ({ type: "response.output_item.done", output_index: 0, item: said });
const block = (said: object): object => ({ type: "content_block_start", index: 0, content_block: said });
const delta = (said: object): object => ({ type: "content_block_delta", index: 0, delta: said });

describe("an event of a Responses stream", () => {
  check("responses", [
    ["response.created", "response.created", { type: "response.created", response: {} }, "held"],
    ["response.in_progress", null, { type: "response.in_progress" }, "held"],
    ["response.queued", null, { type: "response.queued" }, "held"],
    ["response.metadata", null, { type: "response.metadata" }, "held"],
    ["an empty first output item", null, { type: "response.output_item.added", item: {} }, "held"],
    ["an empty message", null, item({ type: "message", content: [] }), "held"],
    ["a message with an empty text", null, item({ type: "message", content: [{ text: "" }] }), "held"],
    ["reasoning that opens empty", null, item({ type: "reasoning", summary: [] }), "held"],
    ["encrypted reasoning", null, item({ type: "reasoning", summary: [], encrypted_content: "x" }), "held"],
    ["a reasoning summary", null, item({ type: "reasoning", summary: [{ text: "x" }] }), "output"],
    ["a tool call", null, item({ type: "function_call", name: "ls", arguments: "" }), "output"],
    ["a server tool's item", null, item({ type: "web_search_call", status: "in_progress" }), "output"],
    ["a compaction item", null, item({ type: "compaction", encrypted_content: "x" }), "output"],
    [
      "an empty text delta",
      null,
      { type: "response.output_text.delta", delta: "", obfuscation: "x" },
      "held",
    ],
    ["an unknown event", null, { type: "response.something.in_progress", output_index: 0 }, "held"],
    ["an unknown event with content", null, { type: "response.something.delta", delta: "x" }, "output"],
    ["a text delta", null, { type: "response.output_text.delta", delta: "x" }, "output"],
    ["a type that stands last", null, { delta: "x", type: "response.output_text.delta" }, "output"],
    ["a type in loose spacing", null, ' {\n "type" : "response.failed" }', "failed"],
    ["response.completed", null, { type: "response.completed", response: {} }, "completed"],
    ["response.failed", null, { type: "response.failed", response: { error: {} } }, "failed"],
    ["response.incomplete", null, { type: "response.incomplete" }, "incomplete"],
    ["a top-level error event", null, { type: "error", code: "x" }, "error"],
    ["an error by name with plain text", "error", "upstream went away", "error"],
    ["a bare error object", null, { error: { message: "no quota" } }, "error"],
    ["a null error", null, { error: null }, "held"],
    ["the type in the data against the name", "response.created", { type: "response.failed" }, "failed"],
    ["a keep-alive of a relay", null, { type: "keepalive" }, "held"],
    ["rate limit facts", null, { type: "codex.rate_limits" }, "held"],
    ["[DONE]", null, "[DONE]", "held"],
    ["broken JSON", null, '{"type":', "held"],
    ["a type named like an object's own method", null, { type: "toString" }, "held"],
  ]);
});

describe("an event of a Messages stream", () => {
  check("messages", [
    ["message_start", "message_start", { type: "message_start", message: {} }, "held"],
    ["ping", "ping", { type: "ping" }, "held"],
    ["a block that opens empty", "content_block_start", block({ type: "text", text: "" }), "held"],
    ["thinking that opens empty", "content_block_start", block({ type: "thinking", thinking: "" }), "held"],
    ["a block that opens with text", "content_block_start", block({ type: "text", text: "x" }), "output"],
    ["a tool call", "content_block_start", block({ type: "tool_use", name: "ls", input: {} }), "output"],
    ["a server's tool", "content_block_start", block({ type: "server_tool_use", name: "search" }), "output"],
    ["redacted thinking", "content_block_start", block({ type: "redacted_thinking", data: "x" }), "held"],
    ["an empty delta", "content_block_delta", delta({ type: "text_delta", text: "" }), "held"],
    ["an event without a delta", "content_block_delta", { type: "content_block_delta" }, "held"],
    ["an event that is no JSON", "content_block_delta", "}", "held"],
    ["a delta of text", "content_block_delta", delta({ type: "text_delta", text: " " }), "output"],
    [
      "a delta of thinking",
      "content_block_delta",
      delta({ type: "thinking_delta", thinking: "x" }),
      "output",
    ],
    ["a signature", "content_block_delta", delta({ type: "signature_delta", signature: "x" }), "held"],
    ["arguments", "content_block_delta", delta({ type: "input_json_delta", partial_json: "{" }), "output"],
    ["an unknown delta with text", "content_block_delta", delta({ type: "new_delta", text: "x" }), "output"],
    [
      "a stop reason",
      "message_delta",
      { type: "message_delta", delta: { stop_reason: "end_turn" } },
      "finish",
    ],
    ["a count alone", "message_delta", { type: "message_delta", usage: { output_tokens: 3 } }, "held"],
    ["message_stop", "message_stop", { type: "message_stop" }, "completed"],
    ["an error", "error", { type: "error", error: { type: "overloaded_error" } }, "error"],
    ["an error without a type", null, { error: "x" }, "error"],
    ["an event without its name", null, delta({ type: "text_delta", text: "x" }), "held"],
    ["an unknown event", "vendor_event", { type: "vendor_event" }, "held"],
  ]);
});

describe("a chunk of a Chat Completions stream", () => {
  const choice = (delta: unknown, finish_reason: string | null = null): unknown => ({
    choices: [{ index: 0, delta, finish_reason }],
  });
  check("chat", [
    ["a role alone", null, choice({ role: "assistant", content: "" }), "held"],
    ["empty choices", null, { choices: [], prompt_filter_results: [] }, "held"],
    ["text", null, choice({ content: "x" }), "output"],
    ["reasoning", null, choice({ reasoning_content: "x" }), "output"],
    ["a tool call", null, choice({ content: null, tool_calls: [{ id: "1" }] }), "output"],
    ["an empty finished choice", null, choice({}, "stop"), "finish"],
    [
      "a tool call without a name or arguments",
      null,
      choice({ tool_calls: [{ index: 0, type: "function" }] }),
      "held",
    ],
    ["encrypted reasoning", null, choice({ reasoning_details: [{ type: "encrypted", data: "x" }] }), "held"],
    ["a choice that ended in an error", null, choice({}, "error"), "error"],
    ["an error", null, { error: { message: "no" } }, "error"],
    ["an error beside choices", null, { choices: [], error: { code: 502 } }, "error"],
    ["an error by name", "error", "x", "error"],
    ["[DONE]", null, " [DONE] ", "completed"],
    ["something else", null, "[1]", "held"],
  ]);
});

test("kindOfEvent never throws", () => {
  const api = fc.constantFrom<Api>("responses", "messages", "chat");
  const event = fc.option(fc.constantFrom("error", "ping", "x"));
  fc.assert(
    fc.property(api, event, fc.oneof(fc.json(), fc.string()), (format, name, data) => {
      expect(typeof kindOfEvent(format, { event: name, data })).toBe("string");
    }),
  );
});

test("the bytes that a stream shows are counted without reasoning and without what is said twice", () => {
  const sse = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
  const responses = [
    { type: "response.created", response: { id: "r" } },
    { type: "response.reasoning_summary_text.delta", delta: "not this" },
    { type: "response.output_text.delta", delta: "four" },
    { type: "response.output_text.done", text: "four" },
  ];
  expect(countShown("responses", Buffer.from(responses.map(sse).join("")))).toBe(4);
  const block = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "日本" } };
  expect(countShown("messages", Buffer.from(sse(block)))).toBe(6);
  const thought = { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "x" } };
  expect(countShown("messages", Buffer.from(sse(thought) + sse(block)))).toBeNull();
});
