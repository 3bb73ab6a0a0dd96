import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseExact } from "../../src/base/json-value.ts";
import { createSseSplitter } from "../../src/base/sse.ts";
import { makeDocument, makeEvents } from "../../src/proxy/forms.ts";
import {
  chatEvents,
  GOOD,
  messagesError,
  messagesEvents,
  reply,
  responsesEvents,
  sse,
  stream,
  USED,
} from "../helpers/answers.ts";
import { type Answer, RESET, startFakeUpstream, type Step } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { elapse } from "../helpers/wait.ts";

const split = (text: string) => createSseSplitter({ maxEventBytes: Infinity }).push(Buffer.from(text));
const text = fc.string({ minLength: 0, maxLength: 20 });
const json = fc.dictionary(
  fc.string({ maxLength: 5 }).filter((name) => name !== "__proto__"),
  fc.jsonValue({ maxDepth: 1 }),
  { maxKeys: 3 },
);
const id = fc.stringMatching(/^[a-z]{1,8}_[0-9]{1,4}$/);

const block = fc.oneof(
  fc.record({
    type: fc.constant("text"),
    text,
    citations: fc.constantFrom(null, [], [{ type: "char_location", cited_text: "x" }]),
  }),
  fc.record({ type: fc.constant("text"), text }),
  fc.record({ type: fc.constant("thinking"), thinking: text, signature: text }),
  fc.record({ type: fc.constant("redacted_thinking"), data: text }),
  fc.record({ type: fc.constantFrom("tool_use", "server_tool_use"), id, name: id, input: json }),
  fc.record({
    type: fc.constant("web_search_tool_result"),
    tool_use_id: id,
    content: fc.array(json, { maxLength: 2 }),
  }),
);
const message = fc.record({
  id,
  type: fc.constant("message"),
  role: fc.constant("assistant"),
  model: id,
  content: fc.array(block, { maxLength: 5 }),
  stop_reason: fc.constantFrom("end_turn", "tool_use", "max_tokens"),
  stop_sequence: fc.constantFrom(null, "END"),
  usage: fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat(), cache_read_input_tokens: fc.nat() }),
});

const part = fc.oneof(
  fc.record({ type: fc.constant("output_text"), text, annotations: fc.constant([]) }),
  fc.record({ type: fc.constant("refusal"), refusal: text }),
);
const item = fc.oneof(
  fc.record({
    type: fc.constant("message"),
    id,
    role: fc.constant("assistant"),
    status: fc.constant("completed"),
    content: fc.array(part, { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant("reasoning"),
    id,
    summary: fc.array(fc.record({ type: fc.constant("summary_text"), text }), { maxLength: 2 }),
    encrypted_content: text,
  }),
  fc.record({
    type: fc.constant("function_call"),
    id,
    call_id: id,
    name: id,
    arguments: json.map((value) => JSON.stringify(value)),
  }),
  fc.record({ type: fc.constant("web_search_call"), id, status: fc.constant("completed"), action: json }),
);
const response = fc.record({
  id,
  object: fc.constant("response"),
  status: fc.constantFrom("completed", "incomplete"),
  output: fc.array(item, { maxLength: 5 }),
  usage: fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat(), total_tokens: fc.nat() }),
});

describe("a document and its events are the same answer", () => {
  test("of Messages", () => {
    fc.assert(
      fc.property(message, (document) => {
        expect(makeDocument("messages", split(makeEvents("messages", document) ?? ""))).toEqual(document);
      }),
    );
  });

  test("of Responses, also where the last event leaves its output out", () => {
    fc.assert(
      fc.property(response, fc.boolean(), (document, isLeftOut) => {
        const events = split(makeEvents("responses", document) ?? "").map(({ data, event }) => {
          const parsed = JSON.parse(data);
          if (isLeftOut && parsed.response !== undefined) parsed.response.output = [];
          return { event, data: JSON.stringify(parsed) };
        });
        expect(makeDocument("responses", events)).toEqual(document);
      }),
    );
  });

  test("the text of the deltas is the text of the document", () => {
    const deltasOf = (events: string, name: string): string =>
      split(events)
        .map(({ data }) => JSON.parse(data))
        .map(({ delta }) => (typeof delta === "string" ? delta : (delta?.[name] ?? "")))
        .join("");
    const [said] = [{ type: "output_text", text: "hello", annotations: [] }];
    const output = [{ type: "message", id: "m", role: "assistant", content: [said] }];
    expect(deltasOf(makeEvents("responses", { object: "response", output }) ?? "", "")).toBe("hello");
    const content = [{ type: "text", text: "hello" }];
    expect(deltasOf(makeEvents("messages", { type: "message", content }) ?? "", "text")).toBe("hello");
  });
});

test.each<[string, "responses" | "messages", readonly string[]]>([
  [
    "a delta whose item is never done",
    "responses",
    [
      sse("response.output_text.delta", { type: "response.output_text.delta", output_index: 0, delta: "x" }),
      sse("response.completed", { type: "response.completed", response: { output: [] } }),
    ],
  ],
  ["no last event", "responses", responsesEvents().slice(0, -1)],
  [
    "a delta of a kind that is not known",
    "messages",
    [
      ...messagesEvents().slice(0, 3),
      sse("content_block_delta", {
        type: "content_block_delta",
        index: 0,
        delta: { type: "new_delta", x: "y" },
      }),
    ],
  ],
  [
    "a delta of a block that has not begun",
    "messages",
    [...messagesEvents().slice(0, 2), ...messagesEvents().slice(3)],
  ],
  [
    "arguments that are no JSON",
    "messages",
    [
      messagesEvents()[0] ?? "",
      sse("content_block_start", {
        type: "content_block_start",
        index: 0,
        content_block: { type: "tool_use", input: {} },
      }),
      sse("content_block_delta", {
        type: "content_block_delta",
        index: 0,
        delta: { type: "input_json_delta", partial_json: "{" },
      }),
    ],
  ],
])("events are no document where something would be lost: %s", (_title, api, events) => {
  expect(makeDocument(api, split(events.join("")))).toBe(null);
});

test("numbers are written as the upstream wrote them, in both directions", () => {
  const odd = '{"id":1234567890123456789,"z":-0,"big":1e9999,"e":1.50E+2}';
  const events = split(
    [
      sse("message_start", { type: "message_start", message: { id: "m", content: [], usage: {} } }),
      sse("content_block_start", {
        type: "content_block_start",
        index: 0,
        content_block: { type: "tool_use", input: {} },
      }),
      sse("content_block_delta", {
        type: "content_block_delta",
        index: 0,
        delta: { type: "input_json_delta", partial_json: odd },
      }),
      sse("content_block_stop", { type: "content_block_stop", index: 0 }),
      sse("message_stop", { type: "message_stop" }),
    ].join(""),
  );
  expect(JSON.stringify(makeDocument("messages", events))).toContain(`"input":${odd}`);
  const document = parseExact(`{"id":"m","content":[{"type":"tool_use","input":${odd}}],"usage":{}}`);
  expect(makeEvents("messages", document as Record<string, unknown>)).toContain(JSON.stringify(odd));
});

test("neither direction throws, whatever it is given", () => {
  const api = fc.constantFrom("responses" as const, "messages" as const);
  fc.assert(
    fc.property(api, json, fc.array(fc.oneof(json, fc.jsonValue())), (format, document, events) => {
      makeEvents(format, { ...document, output: events, content: events });
      makeDocument(
        format,
        events.map((event) => ({ event: null, data: JSON.stringify(event) })),
      );
    }),
  );
});

const PATHS = { responses: "/v1/responses", messages: "/v1/messages", chat: "/v1/chat/completions" } as const;
type Kind = keyof typeof PATHS;
const SERVICE = { responses: "codex", messages: "claude", chat: "codex" } as const;
const EVENTS: Readonly<Record<Kind, Answer>> = {
  responses: stream(responsesEvents({ text: "as events" })),
  messages: stream(messagesEvents({ text: "as events" })),
  chat: stream(chatEvents({ text: "as events" })),
};
const WHOLE: Readonly<Record<Kind, object>> = {
  responses: {
    id: "r",
    object: "response",
    status: "completed",
    output: [
      {
        type: "message",
        id: "m",
        role: "assistant",
        content: [{ type: "output_text", text: "as a document" }],
      },
    ],
    usage: { input_tokens: USED.input, output_tokens: USED.output },
  },
  messages: {
    id: "m",
    type: "message",
    role: "assistant",
    model: "x",
    content: [{ type: "text", text: "as a document" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: USED.input, output_tokens: USED.output },
  },
  chat: {
    id: "c",
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content: "as a document" }, finish_reason: "stop" }],
    usage: { prompt_tokens: USED.input, completion_tokens: USED.output },
  },
};

async function ask(kind: Kind, isStream: boolean, answers: readonly Answer[]) {
  const upstreams = await Promise.all(answers.map((answer) => startFakeUpstream([answer])));
  await using proxy = startTestProxy({
    service: SERVICE[kind],
    upstreams: upstreams.map(({ baseUrl }) => baseUrl),
  });
  const got = await proxy.ask(PATHS[kind], { model: "m", stream: isStream, input: [], messages: [] });
  const told = await got.text();
  const entry = await proxy.entry();
  for (const upstream of upstreams) await upstream.close();
  return { got, told, entry, standing: proxy.router };
}

describe("an answer in the wrong form", () => {
  for (const kind of ["responses", "messages", "chat"] as const) {
    test(`events for stream: false go to the next upstream (${kind})`, async () => {
      const { entry, told } = await ask(kind, false, [EVENTS[kind], reply({ body: WHOLE[kind] })]);
      expect(told).toContain("as a document");
      expect(entry.attempts?.map(({ shown, verdict }) => [verdict, shown])).toEqual([
        ["wrong-form", false],
        ["ok", true],
      ]);
    });

    test(`a document for stream: true goes to the next upstream (${kind})`, async () => {
      const { entry, told } = await ask(kind, true, [reply({ body: WHOLE[kind] }), EVENTS[kind]]);
      expect(told).toContain("as events");
      expect(entry.attempts?.[0]).toMatchObject({ verdict: "wrong-form", shown: false });
    });

    test(`is used where the next upstream fails (${kind})`, async () => {
      const { entry, got, told } = await ask(kind, false, [EVENTS[kind], reply({ status: 500 })]);
      expect([got.status, told.includes("as events"), entry.outcome]).toEqual([200, true, "ok"]);
      expect(entry.attempts?.map(({ verdict }) => verdict)).toEqual(["server-error", "ok"]);
    });
  }

  test("the only one: a document is made of events", async () => {
    const { entry, got, told } = await ask("responses", false, [EVENTS.responses]);
    expect(got.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(told)).toMatchObject({
      status: "completed",
      output: [{ content: [{ text: "as events" }] }],
    });
    expect(entry).toMatchObject({
      outcome: "ok",
      usage: { input_tokens: USED.input, output_tokens: USED.output },
    });
    const claude = await ask("messages", false, [EVENTS.messages]);
    expect(JSON.parse(claude.told)).toMatchObject({
      type: "message",
      content: [{ type: "text", text: "as events" }],
      stop_reason: "end_turn",
      usage: { output_tokens: USED.output },
    });
  });

  test("the only one: events are made of a document", async () => {
    const { entry, got, told } = await ask("messages", true, [reply({ body: WHOLE.messages })]);
    expect(got.headers.get("content-type")).toBe("text/event-stream");
    expect(split(told).map(({ event }) => event)).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(entry).toMatchObject({
      outcome: "ok",
      usage: { input_tokens: USED.input, output_tokens: USED.output },
    });
    const codex = await ask("responses", true, [reply({ body: WHOLE.responses })]);
    expect(split(codex.told).map(({ event }) => event)).toContain("response.output_item.done");
    expect(split(codex.told).at(-1)?.event).toBe("response.completed");
  });

  test("the only one, of Chat Completions: passed on as it came", async () => {
    expect((await ask("chat", false, [EVENTS.chat])).told).toBe(chatEvents({ text: "as events" }).join(""));
    expect((await ask("chat", true, [reply({ body: WHOLE.chat })])).told).toBe(JSON.stringify(WHOLE.chat));
  });

  test("the only one, with a loss: passed on as it came", async () => {
    const unknown = sse("content_block_delta", {
      type: "content_block_delta",
      index: 0,
      delta: { type: "new_delta", x: "y" },
    });
    const events = messagesEvents({ text: "as events" }).toSpliced(4, 0, unknown);
    expect((await ask("messages", false, [stream(events)])).told).toBe(events.join(""));
  });

  test("that breaks off is no answer", async () => {
    async function* breakOff(): AsyncGenerator<Step> {
      yield* stream(messagesEvents({ text: "as events" }).slice(0, -3), { ending: [] }) as readonly Step[];
      await elapse(100);
      yield RESET;
    }
    const { entry, got } = await ask("messages", false, [breakOff()]);
    expect(got.status).toBe(503);
    expect(entry.attempts?.[0]).toMatchObject({ verdict: "cut", shown: false });
  });

  test("that ends in an error is told with the error's own reason", async () => {
    const failing = [
      ...messagesEvents({ text: "as events" }).slice(0, -3),
      messagesError("rate_limit_error"),
    ];
    const { entry, got } = await ask("messages", false, [stream(failing)]);
    expect(got.status).toBe(429);
    expect(entry.attempts?.[0]).toMatchObject({ verdict: "rate-limit", shown: false });
  });

  test("does not keep an upstream out that gives nothing else", async () => {
    await using upstream = await startFakeUpstream([reply({ body: WHOLE.responses })]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    for (let n = 0; n < 8; n += 1) {
      const got = await proxy.ask(PATHS.responses, { model: "m", stream: true, input: [] });
      expect([got.status, (await got.text()).includes("as a document")]).toEqual([200, true]);
    }
  });

  test("a compressed one is read, too", async () => {
    const body = Bun.gzipSync(Buffer.from(responsesEvents({ text: "as events" }).join("")));
    const { got, told } = await ask("responses", false, [
      reply({ headers: { "content-type": "text/event-stream", "content-encoding": "gzip" }, body }),
    ]);
    expect([got.headers.get("content-encoding"), JSON.parse(told).status]).toEqual([null, "completed"]);
    expect((await ask("responses", true, [GOOD.responses({ text: "right" })])).told).toContain("right");
  });
});
