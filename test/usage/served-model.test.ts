import { describe, expect, test } from "bun:test";
import { createAnswerReader } from "../../src/usage/answer-reader.ts";
import { modelOf } from "../../src/usage/served-model.ts";
import type { Api } from "../../src/usage/stream-events.ts";

const sse = (data: object | string): string =>
  `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;

/** In pieces of any size. */
function served(api: Api, text: string, size = 700): string | undefined {
  const reader = createAnswerReader(api);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.subarray(at, at + size));
  return reader.facts().servedModel;
}

const INSTRUCTIONS = 'Say "model": "no", briefly. \n'.repeat(1500);
const created = (more: object): string => sse({ type: "response.created", response: { id: "r", ...more } });
const delta = sse({ type: "response.output_text.delta", delta: '"model":"x" {"response":{"model":"y"}}' });
const completed = (more: object): string =>
  sse({ type: "response.completed", response: { id: "r", ...more } });
const start = (model: string): string =>
  sse({ type: "message_start", message: { id: "m", model, usage: { input_tokens: 3, output_tokens: 1 } } });
const block = (text: string): string =>
  sse({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
const stop =
  sse({ type: "message_delta", delta: { stop_reason: "end_turn" } }) + sse({ type: "message_stop" });
const chunk = (model: string, more: object = {}): string =>
  sse({ model, choices: [{ index: 0, delta: { content: '"model":"x"' } }], ...more });

describe("the model that an answer names", () => {
  const rows: readonly (readonly [title: string, api: Api, text: string, model: string | undefined])[] = [
    ["a response", "responses", created({ model: "a" }) + delta + completed({ model: "a" }), "a"],
    ["a response, at its end alone", "responses", created({}) + delta + completed({ model: "a" }), "a"],
    ["a response whose end disagrees", "responses", created({ model: "a" }) + completed({ model: "b" }), "b"],
    ["a response that is cut", "responses", created({ instructions: INSTRUCTIONS, model: "a" }) + delta, "a"],
    [
      "a long response that is cut, behind long instructions",
      "responses",
      created({ metadata: { model: "no" }, instructions: INSTRUCTIONS, model: "a" }) + delta.repeat(3000),
      "a",
    ],
    [
      "a long response that is cut, behind instructions of a quarter of a megabyte",
      "responses",
      created({ instructions: INSTRUCTIONS.repeat(5), model: "a" }) + delta.repeat(3000),
      "a",
    ],
    [
      "a long response that is cut, behind many events without one",
      "responses",
      created({}) + delta.repeat(1200) + sse({ type: "x", response: { model: "a" } }) + delta.repeat(3000),
      "a",
    ],
    [
      "an end of more than is kept",
      "responses",
      created({ model: "a" }) + completed({ model: "a", output: [{ text: "x".repeat(200_000) }] }),
      "a",
    ],
    [
      "a response without one",
      "responses",
      created({}) + delta + completed({ tools: [{ model: "no" }] }),
      undefined,
    ],
    ["a message", "messages", start("a") + block('"model":"x"') + stop, "a"],
    ["a long message", "messages", start("a") + block("x").repeat(3000) + stop, "a"],
    [
      "a message behind a ping and a comment",
      "messages",
      `: hi\n\n${sse({ type: "ping" })}${start("a")}${stop}`,
      "a",
    ],
    [
      "a message in lines of CRLF",
      "messages",
      (start("a") + block("x") + stop).replaceAll("\n", "\r\n"),
      "a",
    ],
    ["chunks", "chat", chunk("a") + chunk("a") + sse("[DONE]"), "a"],
    ["chunks, the first and last without", "chat", chunk("") + chunk("a") + chunk("") + sse("[DONE]"), "a"],
    ["chunks that are cut", "chat", chunk("a").repeat(2000), "a"],
    [
      "a tool's arguments in a chunk",
      "chat",
      sse({ choices: [{ delta: { tool_calls: [{ model: "no" }] } }] }),
      undefined,
    ],
    [
      "a document",
      "messages",
      JSON.stringify({ type: "message", content: [{ model: "no" }], model: "a" }),
      "a",
    ],
    [
      "a large document",
      "chat",
      JSON.stringify({ model: "a", choices: [{ message: { content: "x".repeat(2 ** 21) } }] }),
      "a",
    ],
    [
      "one that has it at its end",
      "chat",
      JSON.stringify({ choices: [{ message: { content: "x".repeat(2 ** 21) } }], model: "a" }),
      "a",
    ],
    ["Gemini's own form", "chat", sse({ candidates: [], modelVersion: "gemini-3-pro" }), "gemini-3-pro"],
    ["no name at all", "chat", JSON.stringify({ model: 5, choices: [] }), undefined],
  ];
  for (const [title, api, text, model] of rows)
    test(title, () => {
      for (const size of [1, 700, 70_000].filter((one) => text.length / one < 400_000))
        expect(served(api, text, size)).toBe(model);
    });

  test("of several documents the last, and nothing of what is none", () => {
    expect(modelOf([{ model: "a" }, { model: "b" }])).toBe("b");
    for (const value of [null, "model", 3, [], [null], { model: "x".repeat(500) }])
      expect(modelOf(value)).toBeUndefined();
  });
});
