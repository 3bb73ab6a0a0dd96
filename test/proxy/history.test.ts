import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findRepair, removeHistory } from "../../src/proxy/history.ts";
import type { Api } from "../../src/usage/stream-events.ts";

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const text = (body: Uint8Array | null | undefined): string =>
  new TextDecoder().decode(body ?? new Uint8Array());
const decode = (body: Uint8Array | null | undefined): unknown => JSON.parse(text(body));
const says = (words: string, ...codes: string[]) => ({ text: words.toLowerCase(), codes });

const REASONING = { type: "reasoning", id: "rs_0001", summary: [], encrypted_content: "gAAA-one" };
const SECOND = { type: "reasoning", summary: [], encrypted_content: "gAAA-two" };
const USER = { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] };
const COMPACTION = { type: "compaction", encrypted_content: "the history itself" };
const SAID = {
  type: "message",
  id: "msg_0001",
  role: "assistant",
  content: [{ type: "output_text", text: "a" }],
};
const THINKING = { type: "thinking", thinking: "hm", signature: "sig" };
const TEXT = { type: "text", text: "a" };
const CALL = { type: "tool_use", id: "t", name: "n", input: {} };

const SIGNATURE = says("messages.0.content.0: invalid `signature` in `thinking` block");
const UNREADABLE = says("the encrypted content could not be verified", "invalid_encrypted_content");

test("reasoning of another account is taken out, a compaction item stays", () => {
  const body = encode({ model: "m", input: [COMPACTION, USER, REASONING] });
  const repair = findRepair("responses", body, UNREADABLE);
  expect(decode(repair?.body)).toEqual({ model: "m", input: [COMPACTION, USER] });
  expect(repair?.removed.size).toBe(1);
});

test("only the pieces known to be foreign are taken out when they are named", () => {
  const first = findRepair("responses", encode({ input: [USER, REASONING] }), UNREADABLE);
  const later = encode({ input: [USER, REASONING, SECOND] });
  expect(decode(removeHistory("responses", later, first?.removed ?? new Set()))).toEqual({
    input: [USER, SECOND],
  });
});

test("thinking blocks go, and a turn that ends in a tool call goes on without thinking", () => {
  const body = encode({
    thinking: { type: "enabled" },
    messages: [
      { role: "assistant", content: [THINKING, TEXT] },
      { role: "user", content: "b" },
      { role: "assistant", content: [{ type: "redacted_thinking", data: "d" }, CALL] },
    ],
  });
  expect(decode(findRepair("messages", body, SIGNATURE)?.body)).toEqual({
    messages: [
      { role: "assistant", content: [TEXT] },
      { role: "user", content: "b" },
      { role: "assistant", content: [CALL] },
    ],
  });
});

test("a turn of thoughts alone keeps its place, with a text in it", () => {
  const body = encode({ messages: [{ role: "assistant", content: [THINKING, THINKING] }] });
  expect(decode(findRepair("messages", body, SIGNATURE)?.body)).toEqual({
    messages: [{ role: "assistant", content: [{ type: "text", text: "(no visible text)" }] }],
  });
});

test("where a thought is missed, thinking is turned off, and the edits of the context that need it", () => {
  const missed = says(
    "messages.1.content.0.type: expected `thinking` or `redacted_thinking`, but found `tool_use`.",
  );
  const messages = [
    { role: "user", content: "q" },
    { role: "assistant", content: [CALL] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "ok" }] },
  ];
  const clear = { type: "clear_thinking_20251015", keep: "all" };
  const tools = { type: "clear_tool_uses_20250919" };
  const asked = (edits: unknown[]) =>
    encode({ thinking: { type: "adaptive" }, context_management: { edits }, messages });
  const repair = findRepair("messages", asked([clear, tools]), missed);
  expect(decode(repair?.body)).toEqual({ context_management: { edits: [tools] }, messages });
  expect(decode(findRepair("messages", asked([clear]), missed)?.body)).toEqual({ messages });
  // The session's next request to this upstream goes without it as long as the turn needs that, and no longer.
  const marks = repair?.removed ?? new Set();
  expect(decode(removeHistory("messages", asked([clear]), marks))).toEqual({ messages });
  const next = encode({
    thinking: { type: "adaptive" },
    messages: [...messages, { role: "assistant", content: [TEXT] }],
  });
  expect(removeHistory("messages", next, marks)).toBeNull();
  expect(findRepair("messages", encode({ thinking: { type: "disabled" }, messages }), missed)).toBeNull();
  for (const words of [
    "an assistant turn with tools must begin with thinking",
    "`tool_use` at messages.1 is missing a thinking block",
    "tool_use must be preceded by a `thinking` block",
    "the `content[].thinking` in the thinking mode must be passed back to the api.",
  ])
    expect(decode(findRepair("messages", asked([clear]), says(words))?.body)).toEqual({ messages });
});

test("an item that is named and whole keeps all but its name", () => {
  const body = encode({ input: [USER, REASONING, SAID] });
  const unknown = says(
    "item with id 'msg_0001' not found. items are not persisted when `store` is set to false.",
  );
  const { id: _id, ...rest } = SAID;
  expect(decode(findRepair("responses", body, unknown)?.body)).toEqual({ input: [USER, rest] });
});

test("a reference to a thought goes, one to a part of the conversation stays", () => {
  const input = [USER, { type: "item_reference", id: "rs_0009" }, { type: "item_reference", id: "msg_0009" }];
  const unknown = (id: string) => says(`item with id '${id}' not found.`);
  expect(decode(findRepair("responses", encode({ input }), unknown("rs_0009"))?.body)).toEqual({
    input: [input[0], input[2]],
  });
  expect(findRepair("responses", encode({ input }), unknown("msg_0009"))).toBeNull();
});

const POINTING: readonly [string, Api, string, ...string[]][] = [
  [
    "an id",
    "responses",
    "item 'rs_0001' of type 'reasoning' was provided without its required following item.",
  ],
  ["a path", "responses", "invalid 'input[2].content': array too long."],
  [
    "the path of an item's id",
    "responses",
    "invalid 'input[1].id': 'msg_1'. expected an id that begins with 'item'.",
  ],
  ["the path of an id that is too long", "responses", "invalid 'input[1].id': string too long."],
  ["a path with slashes", "responses", "schema violation at /input/2"],
  [
    "a path as a list",
    "messages",
    '{"loc":["body","messages",1,"content",0,"thinking","signature"],"msg":"none"}',
  ],
  ["what could not be decrypted", "responses", "failed to decrypt the model's earlier reasoning"],
  ["Chinese words for that", "responses", "历史消息无法解密"],
  ["a camel", "messages", "invalid value at thoughtsignature"],
  ["a missing signature in words", "messages", "missing thinking block signature"],
  ["a code within words", "responses", "upstream: invalid_encrypted_content"],
  ["a code alone", "responses", "invalid_encrypted_content", "invalid_encrypted_content"],
  ["words for a reasoning item", "responses", "unknown reasoning item in the conversation"],
  ["Chinese words", "responses", "上游错误：加密推理内容校验失败"],
  ["a missing signature", "messages", "messages.1.content.0.thinking.signature: field required"],
  ["a null signature", "messages", "messages.1.content.0.thinking.signature: input should be a valid string"],
  [
    "a block that is not known",
    "messages",
    "messages.1.content.0: input tag 'thinking' found using 'type' does not match",
  ],
  ["a signature of another kind", "messages", "invalid thought signature"],
  [
    "blocks that were changed",
    "messages",
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified",
  ],
  ["Chinese words for a signature", "messages", "思考块签名校验失败"],
];

const NOT_POINTING: readonly [string, Api, string, ...string[]][] = [
  ["another path", "responses", "invalid 'input[12].content': array too long."],
  ["the id of another item", "responses", "invalid 'input[11].id': string too long."],
  ["another item", "responses", "item 'fc_0001' has no output"],
  ["a switch of reasoning", "responses", "unsupported value: 'reasoning.effort' does not support 'xhigh'"],
  [
    "what is to be included",
    "responses",
    "include: 'reasoning.encrypted_content' is not supported with this model",
  ],
  ["a budget", "messages", "`max_tokens` must be greater than `thinking.budget_tokens`"],
  ["a model without thinking", "messages", "this model does not support thinking"],
  ["what cannot be made", "messages", "function call is missing a thought_signature in functioncall parts"],
  ["another block", "messages", "messages.1.content.1: text content blocks must be non-empty"],
];

const HISTORIES = {
  responses: { input: [USER, SAID, REASONING, USER] },
  messages: {
    thinking: { type: "enabled" },
    messages: [
      { role: "user", content: "q" },
      { role: "assistant", content: [THINKING, TEXT] },
    ],
  },
  chat: {},
};

describe("a refusal points at history by", () => {
  for (const [title, api, words, ...codes] of POINTING)
    test(title, () => {
      expect(findRepair(api, encode(HISTORIES[api]), says(words, ...codes))).not.toBeNull();
      expect(findRepair(api, encode({ input: [USER], messages: [] }), says(words, ...codes))).toBeNull();
    });
});

describe("a refusal is about something else:", () => {
  for (const [title, api, words, ...codes] of NOT_POINTING)
    test(title, () => expect(findRepair(api, encode(HISTORIES[api]), says(words, ...codes))).toBeNull());
});

test("a body without bound history, or that is not JSON, is left as it is", () => {
  expect(findRepair("responses", encode({ input: [COMPACTION] }), UNREADABLE)).toBeNull();
  expect(findRepair("responses", encode({ input: '"encrypted_content"' }), UNREADABLE)).toBeNull();
  expect(findRepair("responses", new TextEncoder().encode("{"), UNREADABLE)).toBeNull();
  expect(findRepair(null, encode({ input: [REASONING] }), UNREADABLE)).toBeNull();
  expect(findRepair("chat", encode({ messages: [] }), SIGNATURE)).toBeNull();
});

const ODD = `{"id":1234567890123456789, "z":-0,"big":1e9999,"e":1.50E+2 ,"u":"\\u00e9\\/","a":1,"a":2}`;
const PIECES = [
  JSON.stringify(THINKING),
  `{"type" : "thinking","thinking":"x", "signature":null}`,
  `{"data":"d","type":"redacted_thinking"}`,
  JSON.stringify(TEXT),
  `{"type":"tool_use","id":"t","name":"n","input":${ODD}}`,
];
const SPACE = fc.constantFrom("", " ", "\n  ");

test("every byte but those of the thoughts stays, however the rest is written", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(PIECES.length - 1), { minLength: 1, maxLength: 8 }),
      SPACE,
      (picks, space) => {
        const blocks = [...picks.map((pick) => PIECES[pick] ?? ""), JSON.stringify(TEXT)];
        const write = (list: readonly string[]): string =>
          `{"model":"m",${space}"n":${ODD},"messages":[{"role":"assistant","content":[${list.join(",")}]}]${space}}`;
        const kept = blocks.filter((block) => !/"(?:redacted_)?thinking"/.test(block));
        const repair = findRepair("messages", new TextEncoder().encode(write(blocks)), SIGNATURE);
        if (kept.length === blocks.length) expect(repair).toBeNull();
        else expect(text(repair?.body)).toBe(write(kept));
      },
    ),
  );
});
