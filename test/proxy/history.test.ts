import { expect, test } from "bun:test";
import { carriesBoundHistory, stripBoundHistory } from "../../src/proxy/history.ts";

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (body: Uint8Array | undefined): unknown => JSON.parse(new TextDecoder().decode(body));

const REASONING = { type: "reasoning", summary: [], encrypted_content: "gAAA-one" };
const SECOND = { type: "reasoning", summary: [], encrypted_content: "gAAA-two" };
const USER = { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] };
const COMPACTION = { type: "compaction", encrypted_content: "the history itself" };

test("reasoning and response ids of another account are taken out, a compaction item stays", () => {
  const body = encode({ model: "m", previous_response_id: "resp_1", input: [COMPACTION, USER, REASONING] });
  expect(carriesBoundHistory("responses", body)).toBe(true);
  const stripped = stripBoundHistory("responses", body);
  expect(decode(stripped?.body)).toEqual({ model: "m", input: [COMPACTION, USER] });
  expect(stripped?.removed.size).toBe(2);
});

test("only the pieces known to be foreign are taken out when they are named", () => {
  const first = stripBoundHistory("responses", encode({ input: [USER, REASONING] }));
  const later = encode({ input: [USER, REASONING, SECOND] });
  expect(decode(stripBoundHistory("responses", later, first?.removed)?.body)).toEqual({
    input: [USER, SECOND],
  });
});

test("thinking blocks go, and a turn that ends in a tool call goes on without thinking", () => {
  const thinking = { type: "thinking", thinking: "hm", signature: "sig" };
  const call = { type: "tool_use", id: "t", name: "n", input: {} };
  const body = encode({
    thinking: { type: "enabled" },
    messages: [
      { role: "assistant", content: [thinking, { type: "text", text: "a" }] },
      { role: "user", content: "b" },
      { role: "assistant", content: [{ type: "redacted_thinking", data: "d" }, call] },
    ],
  });
  expect(decode(stripBoundHistory("messages", body)?.body)).toEqual({
    messages: [
      { role: "assistant", content: [{ type: "text", text: "a" }] },
      { role: "user", content: "b" },
      { role: "assistant", content: [call] },
    ],
  });
});

test("a body without bound history, or that is not JSON, is left as it is", () => {
  expect(carriesBoundHistory("responses", encode({ input: [USER] }))).toBe(false);
  expect(
    carriesBoundHistory("responses", encode({ input: 'the text "encrypted_content" in a prompt' })),
  ).toBe(false);
  expect(stripBoundHistory("responses", encode({ input: [COMPACTION] }))).toBeNull();
  expect(stripBoundHistory("responses", new TextEncoder().encode("{"))).toBeNull();
});
