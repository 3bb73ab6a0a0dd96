import { describe, expect, test } from "bun:test";
import {
  chatEvents,
  chunk,
  EVENT_STREAM,
  GOOD,
  head,
  LAST_CHUNK,
  messagesError,
  messagesEvents,
  messagesPrologue,
  reply,
  responsesEvents,
  responsesFailed,
  responsesPrologue,
  sse,
  stream,
} from "../helpers/answers.ts";
import { type Answer, FIN, RESET, SILENCE, startFakeUpstream, type Step } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { makeUpstream } from "../helpers/upstream.ts";
import { elapse } from "../helpers/wait.ts";

type Kind = "responses" | "messages" | "chat";

const PATHS = { responses: "/v1/responses", messages: "/v1/messages", chat: "/v1/chat/completions" } as const;
const BACKUP = "from the backup";
const typed = (data: { type: string } & Record<string, unknown>): string => sse(data.type, data);
const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

interface Asked {
  readonly kind: Kind;
  readonly answer: Answer | (() => Answer);
  readonly body?: object;
  readonly idleMs?: number;
  readonly firstByteMs?: number;
  /** Without it the upstream is the only one. */
  readonly hasBackup?: boolean;
}

/** One turn at an upstream that answers so, with a good one behind it. */
async function ask({ answer, body, firstByteMs, hasBackup = true, idleMs, kind }: Asked) {
  await using primary = await startFakeUpstream(() => (typeof answer === "function" ? answer() : answer));
  await using backup = await startFakeUpstream([GOOD[kind]({ text: BACKUP })]);
  const usual = makeUpstream().timeouts;
  const timeouts = {
    ...usual,
    idleMs: idleMs ?? usual.idleMs,
    firstByteMs: firstByteMs ?? usual.firstByteMs,
    firstByteLastMs: firstByteMs ?? usual.firstByteLastMs,
  };
  const own = { baseUrl: primary.baseUrl, timeouts };
  await using proxy = startTestProxy({
    service: kind === "messages" ? "claude" : "codex",
    upstreams: hasBackup ? [own, backup.baseUrl] : [own],
  });
  const response = await proxy.ask(PATHS[kind], {
    model: "m",
    stream: true,
    input: [],
    messages: [],
    ...body,
  });
  const text = await response.text().catch(() => "cut");
  return { response, text, entry: await proxy.entry(), asked: backup.requests.length };
}

const created = responsesPrologue()[0] ?? "";
const [start = "", ping = ""] = messagesPrologue();
const completed = (response: object): string =>
  typed({ type: "response.completed", response: { id: "r", status: "completed", output: [], ...response } });
const item = (type: string, said: object): string => typed({ type, output_index: 0, item: said });
const EMPTY_MESSAGE = { type: "message", id: "m", role: "assistant", content: [] };
const block = (content_block: object): string =>
  typed({ type: "content_block_start", index: 0, content_block });
const delta = (said: object): string => typed({ type: "content_block_delta", index: 0, delta: said });
const blockEnd = typed({ type: "content_block_stop", index: 0 });
const messageDelta = (stop_reason: string, usage?: object): string =>
  typed({ type: "message_delta", delta: { stop_reason }, ...(usage === undefined ? {} : { usage }) });
const messageStop = typed({ type: "message_stop" });
const piece = (said: object, finish: string | null = null, index = 0): string =>
  data({ id: "c", choices: [{ index, delta: said, finish_reason: finish }] });
const counted = (completion_tokens: number): string =>
  data({ id: "c", choices: [], usage: { prompt_tokens: 9, completion_tokens } });
const DONE = "data: [DONE]\n\n";

describe("nothing that a client would show: the next upstream can still be asked", () => {
  const ROWS: readonly [string, Kind, readonly string[]][] = [
    [
      "an empty item, then a failure",
      "responses",
      [created, item("response.output_item.added", EMPTY_MESSAGE), responsesFailed("server_error")],
    ],
    [
      "encrypted reasoning, then a failure",
      "responses",
      [
        created,
        item("response.output_item.done", { type: "reasoning", summary: [], encrypted_content: "gAAA" }),
        responsesFailed("server_error"),
      ],
    ],
    [
      "empty parts and deltas, rate limits and unknown events, then a failure",
      "responses",
      [
        created,
        typed({ type: "codex.rate_limits", rate_limits: { primary: { used_percent: 3 } } }),
        typed({ type: "response.content_part.added", part: { type: "output_text", text: "" } }),
        typed({ type: "response.output_text.delta", delta: "", obfuscation: "xyz" }),
        typed({ type: "response.web_search_call.searching", item_id: "w" }),
        responsesFailed("server_error"),
      ],
    ],
    [
      "an empty block and its end, then an error",
      "messages",
      [start, block({ type: "text", text: "" }), blockEnd, messagesError()],
    ],
    [
      "thinking with a signature alone, then an error",
      "messages",
      [
        start,
        block({ type: "thinking", thinking: "", signature: "" }),
        delta({ type: "signature_delta", signature: "x" }),
        ping,
        messagesError(),
      ],
    ],
    [
      "redacted thinking, then an error",
      "messages",
      [start, block({ type: "redacted_thinking", data: "x" }), blockEnd, messagesError()],
    ],
    [
      "a role and empty pieces, then an error",
      "chat",
      [piece({ role: "assistant", content: "" }), piece({ content: "" }), data({ error: { message: "x" } })],
    ],
    [
      "a choice that ends in an error",
      "chat",
      [piece({ role: "assistant", content: "" }), piece({}, "error")],
    ],
    [
      "a tool call without a name, then an error",
      "chat",
      [piece({ tool_calls: [{ index: 0, function: { name: "", arguments: "" } }] }), data({ error: "x" })],
    ],
    ["an end in the middle of the prologue", "messages", [start, ping]],
  ];
  test.each(ROWS)("%s (%#, %s)", async (_title, kind, events) => {
    const { entry, response, text } = await ask({ kind, answer: stream(events) });
    expect([response.status, text.includes(BACKUP)]).toEqual([200, true]);
    expect(entry.attempts?.map(({ shown }) => shown)).toEqual([false, true]);
    expect(entry.attempts?.[0]?.held_bytes).toBe(Buffer.byteLength(events.join("")));
    expect(entry.attempts?.[0]?.held_events).toBe(events.length);
  });
});

describe("what a client shows or acts on commits the answer, and a failure after it is its own", () => {
  const ROWS: readonly [string, Kind, readonly string[]][] = [
    ["one character", "responses", [created, typed({ type: "response.output_text.delta", delta: "\n" })]],
    [
      "a tool call",
      "responses",
      [created, item("response.output_item.added", { type: "function_call", name: "ls", arguments: "" })],
    ],
    [
      "a server tool's item",
      "responses",
      [created, item("response.output_item.added", { type: "web_search_call", id: "w" })],
    ],
    ["a refusal", "responses", [created, typed({ type: "response.refusal.delta", delta: "I" })]],
    [
      "an image",
      "responses",
      [created, typed({ type: "response.image_generation_call.partial_image", partial_image_b64: "aW" })],
    ],
    [
      "a compaction item",
      "responses",
      [created, item("response.output_item.done", { type: "compaction", encrypted_content: "x" })],
    ],
    ["thinking", "messages", [start, delta({ type: "thinking_delta", thinking: "x" })]],
    ["a tool call", "messages", [start, block({ type: "tool_use", id: "t", name: "ls", input: {} })]],
    [
      "a server tool's result",
      "messages",
      [start, block({ type: "web_search_tool_result", tool_use_id: "t", content: [] })],
    ],
    ["reasoning", "chat", [piece({ role: "assistant", content: "" }), piece({ reasoning_content: "x" })]],
    [
      "a tool call",
      "chat",
      [piece({ tool_calls: [{ index: 0, id: "t", function: { name: "ls", arguments: "" } }] })],
    ],
  ];
  test.each(ROWS)("%s (%#, %s)", async (_title, kind, events) => {
    const gotIt = Promise.withResolvers<void>();
    async function* answer(): AsyncGenerator<Step> {
      yield* stream(events, { ending: [] }) as readonly Step[];
      await gotIt.promise;
      yield RESET;
    }
    await using primary = await startFakeUpstream(() => answer());
    await using backup = await startFakeUpstream([GOOD[kind]({ text: BACKUP })]);
    await using proxy = startTestProxy({
      service: kind === "messages" ? "claude" : "codex",
      upstreams: [primary.baseUrl, backup.baseUrl],
    });
    const response = await proxy.ask(PATHS[kind], { model: "m", stream: true, input: [], messages: [] });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (text.length < events.join("").length) text += (await reader?.read())?.value ?? "";
    expect(text).toBe(events.join(""));
    gotIt.resolve();
    await reader?.read().catch(() => null);
    expect(await proxy.entry()).toMatchObject({ outcome: "cut", attempts: [{ shown: true }] });
    expect(backup.requests).toEqual([]);
  });
});

const json = (body: object): Answer => reply({ body });
const EMPTY: readonly [string, Kind, Answer, object?][] = [
  ["created and completed, nothing counted", "responses", stream([created, completed({})])],
  [
    "an empty message item, zero counted",
    "responses",
    stream([
      created,
      item("response.output_item.done", EMPTY_MESSAGE),
      completed({ output: [EMPTY_MESSAGE], usage: { input_tokens: 5, output_tokens: 0 } }),
    ]),
  ],
  [
    "incomplete without anything",
    "responses",
    stream([
      created,
      typed({
        type: "response.incomplete",
        response: { incomplete_details: { reason: "max_output_tokens" } },
      }),
    ]),
  ],
  [
    "a document without items",
    "responses",
    json({ object: "response", status: "completed", output: [] }),
    { stream: false },
  ],
  [
    "a document with an empty text",
    "responses",
    json({ output: [{ type: "message", content: [{ type: "output_text", text: "" }] }] }),
    { stream: false },
  ],
  ["start and stop", "messages", stream([start, messageStop])],
  [
    "an empty block and a stop reason, zero counted",
    "messages",
    stream([
      start,
      block({ type: "text", text: "" }),
      blockEnd,
      messageDelta("end_turn", { output_tokens: 0 }),
      messageStop,
    ]),
  ],
  [
    "a stop reason without message_stop, nothing counted",
    "messages",
    stream([start, messageDelta("end_turn")]),
  ],
  [
    "a document with content: []",
    "messages",
    json({ type: "message", content: [], usage: { output_tokens: 0 } }),
    { stream: false },
  ],
  [
    "a finish and [DONE], nothing counted",
    "chat",
    stream([piece({ role: "assistant", content: "" }), piece({}, "stop"), DONE]),
  ],
  ["a finish and [DONE], zero counted", "chat", stream([piece({}, "stop"), counted(0), DONE])],
  ["[DONE] alone", "chat", stream([DONE])],
  [
    "a document with an empty message",
    "chat",
    json({ choices: [{ message: { role: "assistant", content: "" } }] }),
    { stream: false },
  ],
];

describe("an answer that has finished with nothing in it and no tokens counted is empty", () => {
  const readAll = (answer: Answer): string =>
    (answer as readonly Uint8Array[]).map((step) => Buffer.from(step).toString()).join("");

  test.each(EMPTY)("%s: the next upstream (%#, %s)", async (_title, kind, answer, body = {}) => {
    const backup = "stream" in body ? { hasBackup: true } : {};
    const { asked, entry } = await ask({ kind, answer, body, ...backup });
    expect(asked).toBe(1);
    expect(entry.attempts?.[0]).toMatchObject({ verdict: "empty-answer", shown: false });
  });

  test.each(EMPTY)(
    "%s: passed on as it came where no upstream says more (%#, %s)",
    async (_title, kind, answer, body = {}) => {
      const { entry, response, text } = await ask({ kind, answer, body, hasBackup: false });
      expect(response.status).toBe(200);
      for (const event of text.split("\n\n").filter((part) => part !== ""))
        expect(readAll(answer)).toContain(event);
      expect(text).not.toBe("");
      expect(entry).toMatchObject({ outcome: "error", attempts: [{ verdict: "empty-answer", shown: true }] });
    },
  );

  test("two upstreams that both answer empty: the client gets the second's", async () => {
    const empty = (id: string): Answer => stream([created, completed({ id })]);
    await using one = await startFakeUpstream([empty("first")]);
    await using two = await startFakeUpstream([empty("second")]);
    await using proxy = startTestProxy({ upstreams: [one.baseUrl, two.baseUrl] });
    const response = await proxy.ask(PATHS.responses, { model: "m", stream: true, input: [] });
    expect(await response.text()).toContain('"second"');
    expect((await proxy.entry()).attempts?.map(({ shown }) => shown)).toEqual([false, true]);
  });

  test("an empty one and one that is down are not all empty", async () => {
    await using one = await startFakeUpstream([stream([created, completed({})])]);
    await using two = await startFakeUpstream([reply({ status: 500 })]);
    await using proxy = startTestProxy({ upstreams: [one.baseUrl, two.baseUrl] });
    expect((await proxy.ask(PATHS.responses, { model: "m", stream: true, input: [] })).status).toBe(503);
  });
});

describe("a silent end of turn with output tokens counted is an answer", () => {
  const ROWS: readonly [string, Kind, Answer, object?][] = [
    [
      "completed without items",
      "responses",
      stream([created, completed({ usage: { input_tokens: 9, output_tokens: 3 } })]),
    ],
    [
      "a document",
      "responses",
      json({ object: "response", output: [], usage: { output_tokens: "2" } }),
      { stream: false },
    ],
    [
      "a document of work that is not done",
      "responses",
      json({ object: "response", status: "queued", output: [] }),
      { stream: false, background: true },
    ],
    [
      "a stop reason",
      "messages",
      stream([start, messageDelta("end_turn", { output_tokens: 3 }), messageStop]),
    ],
    [
      "a refusal without text",
      "messages",
      stream([start, messageDelta("refusal", { output_tokens: 0 }), messageStop]),
    ],
    [
      "a finish, then a count",
      "chat",
      stream([piece({ role: "assistant", content: "" }), piece({}, "stop"), counted(4), DONE]),
    ],
    ["a content filter", "chat", stream([piece({}, "content_filter"), DONE])],
  ];
  test.each(ROWS)("%s (%#, %s)", async (_title, kind, answer, body = {}) => {
    const { asked, entry, response } = await ask({ kind, answer, body });
    expect([response.status, asked, entry.outcome]).toEqual([200, 0, "ok"]);
  });
});

describe("the prologue may be long and slow", () => {
  test.each([20, 120, 400])(
    "2 x %d KB of echoed instructions, then a failure: the next upstream",
    async (kb) => {
      const response = { id: "r", status: "in_progress", instructions: "x".repeat(kb * 1024) };
      const events = [
        typed({ type: "response.created", response }),
        typed({ type: "response.in_progress", response }),
        responsesFailed("server_is_overloaded"),
      ];
      expect((await ask({ kind: "responses", answer: stream(events) })).text).toContain(BACKUP);
    },
  );

  test("a client that leaves meanwhile has seen nothing of it, and the log says what was held", async () => {
    await using upstream = await startFakeUpstream([stream(responsesPrologue(), { ending: [SILENCE] })]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const leaving = new AbortController();
    const asked = proxy.ask(
      PATHS.responses,
      { model: "m", stream: true, input: [] },
      { signal: leaving.signal },
    );
    await upstream.gotRequest();
    await elapse(100);
    leaving.abort();
    await asked.catch(() => null);
    const [attempt] = (await proxy.entry()).attempts ?? [];
    expect(attempt).toMatchObject({ verdict: "client-gone", held_events: 2, shown: false });
    expect(attempt?.held_bytes).toBe(responsesPrologue().join("").length);
  });

  test("more than 1 MiB of it is passed on", async () => {
    const events = [
      typed({ type: "response.created", response: { instructions: "x".repeat(2 ** 20) } }),
      responsesFailed("server_error"),
    ];
    expect((await ask({ kind: "responses", answer: stream(events) })).text).toBe(events.join(""));
  });

  async function* slowly(
    before: readonly Step[],
    line: string,
    times: number,
    then: readonly Step[],
  ): AsyncGenerator<Step> {
    yield* before;
    for (let n = 0; n < times; n += 1) {
      yield chunk(line);
      await elapse(40);
    }
    yield* then;
  }
  const HEAD = head(200, EVENT_STREAM);

  test("hidden thinking for longer than first_byte_secs is waited for, as long as something new comes", async () => {
    const begun = [HEAD, chunk(created)];
    const rest = [...responsesEvents({ text: "at last" }).slice(2).map(chunk), LAST_CHUNK];
    const news = item("response.output_item.added", { type: "reasoning", summary: [] });
    const answer = (): Answer => slowly(begun, news, 8, rest);
    const { text } = await ask({ kind: "responses", answer, firstByteMs: 150, idleMs: 150 });
    expect(text).toContain("at last");
  });

  test("what an answer was held for is no wait for the first byte of the next one", async () => {
    const news = item("response.output_item.added", { type: "reasoning", summary: [] });
    const failing = (): Answer =>
      slowly([HEAD], news, 37, [chunk(responsesFailed("server_error")), LAST_CHUNK]);
    async function* late(): AsyncGenerator<Step> {
      await elapse(1_700);
      yield* GOOD.responses({ text: BACKUP }) as readonly Step[];
    }
    await using primary = await startFakeUpstream(() => failing());
    await using backup = await startFakeUpstream(() => late());
    const timeouts = { ...makeUpstream().timeouts, firstByteMs: 1_000 };
    await using proxy = startTestProxy({
      upstreams: [{ baseUrl: primary.baseUrl, timeouts }, backup.baseUrl],
      route: { firstByteTotalMs: 3_000 },
    });
    const response = await proxy.ask(PATHS.responses, { model: "m", stream: true, input: [] });
    expect(await response.text()).toContain(BACKUP);
  });

  const QUIET: readonly [string, Kind, string][] = [
    ["comments", "responses", ": PING\n\n"],
    ["blank lines", "chat", "\n"],
    ["pings", "messages", ping],
    ["keep-alive events", "responses", typed({ type: "keepalive" })],
    ["the same echo again and again", "responses", responsesPrologue()[1] ?? ""],
    ["empty chunks", "chat", data({ choices: [] })],
  ];
  test.each(QUIET)("%s are nothing new: the next upstream after idle_secs", async (_title, kind, line) => {
    const first =
      kind === "responses"
        ? created
        : kind === "messages"
          ? start
          : piece({ role: "assistant", content: "" });
    const answer = (): Answer => slowly([HEAD, chunk(first)], line, 1_000, []);
    const { entry, text } = await ask({ kind, answer, idleMs: 200 });
    expect(text).toContain(BACKUP);
    expect(entry.attempts?.[0]).toMatchObject({ verdict: "stalled", shown: false });
  });

  test.each([
    ["a head and nothing", [HEAD, SILENCE] as Answer],
    ["a head and comments", () => slowly([HEAD], ": PING\n\n", 1_000, [])],
    ["a head and half an event", [HEAD, chunk("data: {"), SILENCE] as Answer],
  ] as const)("%s: the next upstream after first_byte_secs", async (_title, answer) => {
    const { entry, text } = await ask({ kind: "responses", answer, firstByteMs: 200 });
    expect(text).toContain(BACKUP);
    expect(entry.attempts?.[0]?.verdict).toBe("first-byte-timeout");
  });
});

describe("events are events under any label", () => {
  const LABELS = [
    "text/html; charset=UTF-8",
    "application/json",
    "application/octet-stream",
    "text/plain",
    null,
  ];
  for (const kind of ["responses", "messages", "chat"] as const)
    test.each(LABELS)(`${kind} as %s`, async (label) => {
      const headers = {
        "transfer-encoding": "chunked",
        ...(label === null ? {} : { "content-type": label }),
      };
      const events = { responses: responsesEvents, messages: messagesEvents, chat: chatEvents }[kind]();
      const answer = [head(200, headers), chunk(": ok\n\n"), ...events.map(chunk), LAST_CHUNK];
      const { asked, entry, text } = await ask({ kind, answer });
      expect([text, asked, entry.outcome]).toEqual([`: ok\n\n${events.join("")}`, 0, "ok"]);
      expect(entry.usage).toMatchObject({ output_tokens: 30 });
    });

  test("a page is a page under any label", async () => {
    const answer = reply({
      headers: { "content-type": "text/event-stream" },
      body: "\n <!doctype html><p>hi",
    });
    expect((await ask({ kind: "responses", answer })).entry.attempts?.[0]?.verdict).toBe("page");
  });

  test("words are no page, and no answer either", async () => {
    const answer = reply({ headers: { "content-type": "text/html" }, body: "Service is being updated" });
    expect((await ask({ kind: "responses", answer })).entry.attempts?.[0]?.verdict).toBe("broken-answer");
  });
});

test("the end of a body that breaks off after a reason for the end, with nothing shown, is an empty answer", async () => {
  const answer: Answer = [head(200, EVENT_STREAM), chunk(start), chunk(messageDelta("end_turn")), FIN];
  expect((await ask({ kind: "messages", answer })).text).toContain(BACKUP);
});
