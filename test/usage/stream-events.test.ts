import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Api, type EventKind, kindOfEvent } from "../../src/usage/stream-events.ts";

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

describe("an event of a Responses stream", () => {
  check("responses", [
    ["response.created", "response.created", { type: "response.created", response: {} }, "prologue"],
    ["response.in_progress", null, { type: "response.in_progress" }, "prologue"],
    ["response.queued", null, { type: "response.queued" }, "prologue"],
    ["response.metadata", null, { type: "response.metadata" }, "prologue"],
    ["a first output item", null, { type: "response.output_item.added", item: {} }, "output"],
    ["a text delta", null, { type: "response.output_text.delta", delta: "x" }, "output"],
    ["a type that stands last", null, { delta: "x", type: "response.output_text.delta" }, "output"],
    ["a type in loose spacing", null, ' {\n "type" : "response.failed" }', "failed"],
    ["response.completed", null, { type: "response.completed", response: {} }, "completed"],
    ["response.failed", null, { type: "response.failed", response: { error: {} } }, "failed"],
    ["response.incomplete", null, { type: "response.incomplete" }, "incomplete"],
    ["a top-level error event", null, { type: "error", code: "x" }, "error"],
    ["an error by name with plain text", "error", "upstream went away", "error"],
    ["a bare error object", null, { error: { message: "no quota" } }, "error"],
    ["a null error", null, { error: null }, "other"],
    ["the type in the data against the name", "response.created", { type: "response.failed" }, "failed"],
    ["a keep-alive of a relay", null, { type: "keepalive" }, "other"],
    ["rate limit facts", null, { type: "codex.rate_limits" }, "other"],
    ["[DONE]", null, "[DONE]", "other"],
    ["broken JSON", null, '{"type":', "other"],
    ["a type named like an object's own method", null, { type: "toString" }, "other"],
  ]);
});

describe("an event of a Messages stream", () => {
  check("messages", [
    ["message_start", "message_start", { type: "message_start", message: {} }, "prologue"],
    ["ping", "ping", { type: "ping" }, "prologue"],
    ["content_block_start", "content_block_start", { type: "content_block_start", index: 0 }, "output"],
    ["content_block_delta", "content_block_delta", { type: "content_block_delta" }, "output"],
    ["message_delta", "message_delta", { type: "message_delta" }, "output"],
    ["message_stop", "message_stop", { type: "message_stop" }, "completed"],
    ["an error", "error", { type: "error", error: { type: "overloaded_error" } }, "error"],
    ["an error without a type", null, { error: "x" }, "error"],
    ["an event without its name", null, { type: "content_block_delta" }, "other"],
    ["an unknown event", "vendor_event", { type: "vendor_event" }, "other"],
  ]);
});

describe("a chunk of a Chat Completions stream", () => {
  const choice = (delta: unknown, finish_reason: string | null = null): unknown => ({
    choices: [{ index: 0, delta, finish_reason }],
  });
  check("chat", [
    ["a role alone", null, choice({ role: "assistant", content: "" }), "prologue"],
    ["empty choices", null, { choices: [], prompt_filter_results: [] }, "prologue"],
    ["text", null, choice({ content: "x" }), "output"],
    ["reasoning", null, choice({ reasoning_content: "x" }), "output"],
    ["a tool call", null, choice({ content: null, tool_calls: [{ id: "1" }] }), "output"],
    ["an empty finished choice", null, choice({}, "stop"), "output"],
    ["an error", null, { error: { message: "no" } }, "error"],
    ["an error beside choices", null, { choices: [], error: { code: 502 } }, "error"],
    ["an error by name", "error", "x", "error"],
    ["[DONE]", null, " [DONE] ", "completed"],
    ["something else", null, "[1]", "other"],
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
