import { describe, expect, test } from "bun:test";
import {
  FALSE_SUCCESS,
  GOOD,
  messagesError,
  messagesPrologue,
  RELAY_ERRORS,
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

const TURN = { model: "gpt-5", stream: true, store: false, input: [] };

describe("a failure before the first real output is not the client's to see", () => {
  const FAILURES: Readonly<Record<string, () => Answer>> = {
    ...FALSE_SUCCESS,
    "a reset before headers": () => [RESET],
    "a clean close before headers": () => [FIN],
    "half a status line": () => ["HTTP/1.1 2", RESET],
    garbage: () => ["\u0000\u0001 not http\r\n\r\n", FIN],
    "an error as the first event": () => stream([responsesFailed("server_is_overloaded")]),
    "an error after the prologue": () => stream([...responsesPrologue(), responsesFailed("server_error")]),
    "a break after the prologue": () => stream(responsesPrologue(), { ending: [RESET] }),
    "a redirect": () => reply({ status: 307, headers: { location: "http://127.0.0.1:1/v1/responses" } }),
    ...Object.fromEntries(
      Object.entries(RELAY_ERRORS).map(([name, parts]) => [`relay: ${name}`, () => reply(parts)]),
    ),
  };

  test.each(Object.entries(FAILURES))("%s", async (_name, fail) => {
    await using primary = await startFakeUpstream(fail);
    await using backup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
    const response = await proxy.ask("/v1/responses", TURN);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).toContain("from the backup");
    expect(text).toContain("response.completed");
    expect(primary.requests.length).toBe(1);
    expect(backup.requests.length).toBe(1);
    const entry = await proxy.entry();
    expect(entry).toMatchObject({ outcome: "ok", status_code: 200, upstream_base_url: backup.baseUrl });
    expect(entry.attempts?.length).toBe(2);
  });

  test("a refused connection", async () => {
    const gone = await startFakeUpstream([[FIN]]);
    await gone.close();
    await using backup = await startFakeUpstream([GOOD.responses()]);
    await using proxy = startTestProxy({ upstreams: [gone.baseUrl, backup.baseUrl] });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(200);
    expect((await proxy.entry()).attempts?.[0]).toMatchObject({ verdict: expect.any(String) });
  });

  test("silence, for as long as the first-byte budget allows", async () => {
    await using primary = await startFakeUpstream([[SILENCE]]);
    await using backup = await startFakeUpstream([GOOD.responses()]);
    const timeouts = { ...makeUpstream().timeouts, firstByteMs: 100 };
    await using proxy = startTestProxy({
      upstreams: [{ baseUrl: primary.baseUrl, timeouts }, backup.baseUrl],
    });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(200);
    await primary.waitForClose();
  });
});

test("an error that is the request's own fault is shown as the upstream said it, and blames nobody", async () => {
  const body = {
    error: {
      message: "too long",
      type: "invalid_request_error",
      code: "context_length_exceeded",
      param: null,
    },
  };
  await using primary = await startFakeUpstream([
    reply({ status: 400, body, headers: { "x-request-id": "r-1" } }),
  ]);
  await using backup = await startFakeUpstream([GOOD.responses()]);
  await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
  const response = await proxy.ask("/v1/responses", TURN);
  expect(response.status).toBe(400);
  expect(response.headers.get("x-request-id")).toBe("r-1");
  expect(await response.json()).toEqual(body);
  expect(backup.requests).toEqual([]);
});

describe("a client's own mistake is told as one, so that it does not ask again", () => {
  const TOO_LONG = '{"error":{"code":"context_length_exceeded","message":"too long"}}';
  const json = { "content-type": "application/json" };

  test.each([
    ["hidden in a 200", reply({ headers: json, body: TOO_LONG })],
    ["wrapped in a 500", reply({ status: 500, headers: json, body: TOO_LONG })],
    ["wrapped in a 502", reply({ status: 502, headers: json, body: TOO_LONG })],
    ["wrapped in a 429", reply({ status: 429, headers: json, body: TOO_LONG })],
  ])("%s: 400, in the upstream's words, from the first upstream alone", async (_name, answer) => {
    await using primary = await startFakeUpstream([answer]);
    await using backup = await startFakeUpstream([GOOD.responses({ text: "unused" })]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
    const response = await proxy.ask("/v1/responses", TURN);
    expect([response.status, await response.text()]).toEqual([400, TOO_LONG]);
    expect(backup.requests.length).toBe(0);
    expect(await proxy.entry(1)).toMatchObject({ status_code: 400, outcome: "error" });
  });

  const INVALID = "invalid_request_error";
  const TURNS = {
    "/v1/responses": TURN,
    "/v1/messages": { model: "m", stream: true, max_tokens: 9, messages: [] },
  } as const;

  test.each([
    [
      "a flat error event",
      "/v1/responses",
      [
        ...responsesPrologue(),
        sse("error", { type: "error", code: "x", message: "prompt is too long", param: null }),
      ],
      { error: { type: INVALID, code: "x", message: "prompt is too long", param: null } },
    ],
    [
      "an error event with an error in it",
      "/v1/responses",
      [
        sse("error", {
          type: "error",
          sequence_number: 0,
          error: { code: "context_length_exceeded", message: "no" },
        }),
      ],
      { error: { code: "context_length_exceeded", message: "no", type: INVALID } },
    ],
    [
      "a failure for which Codex has no words",
      "/v1/responses",
      [...responsesPrologue(), responsesFailed("invalid_image", "cannot be read")],
      { error: { code: "invalid_image", message: "cannot be read", type: INVALID } },
    ],
    [
      "an error event of words alone",
      "/v1/responses",
      ["event: error\ndata: prompt is too long\n\n"],
      { error: { type: INVALID, message: "prompt is too long" } },
    ],
    [
      "an error event of Anthropic's",
      "/v1/messages",
      [...messagesPrologue(), messagesError(INVALID, "prompt is too long: 9 > 8")],
      { type: "error", error: { type: INVALID, message: "prompt is too long: 9 > 8" } },
    ],
  ] as const)("%s that nothing was shown before: 400, as JSON", async (_name, path, events, body) => {
    const service = path === "/v1/messages" ? "claude" : "codex";
    await using primary = await startFakeUpstream([stream(events, { ending: [SILENCE] })]);
    await using backup = await startFakeUpstream([GOOD.responses({ text: "unused" })]);
    await using proxy = startTestProxy({ service, upstreams: [primary.baseUrl, backup.baseUrl] });
    const response = await proxy.ask(path, TURNS[path]);
    expect([response.status, await response.json()]).toEqual([400, body]);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(backup.requests.length).toBe(0);
    expect(await proxy.entry(1)).toMatchObject({ status_code: 400, outcome: "error" });
    await primary.waitForClose();
  });

  test("what Codex reads itself stays in its event", async () => {
    const events = [...responsesPrologue(), responsesFailed("context_length_exceeded", "too long")];
    await using only = await startFakeUpstream([stream(events)]);
    await using proxy = startTestProxy({ upstreams: [only.baseUrl] });
    const response = await proxy.ask("/v1/responses", TURN);
    expect([response.status, await response.text()]).toEqual([200, events.join("")]);
  });

  test("an event that two upstreams refuse in the same words is told as the first one's answer", async () => {
    const refuse = (id: number) =>
      stream([messagesError(INVALID, `the moon is in the wrong house (request id: ${id})`)]);
    await using first = await startFakeUpstream([refuse(71)]);
    await using second = await startFakeUpstream([refuse(9)]);
    await using proxy = startTestProxy({ service: "claude", upstreams: [first.baseUrl, second.baseUrl] });
    const response = await proxy.ask("/v1/messages", TURNS["/v1/messages"]);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("request id: 71");
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
  });

  test("a status that the user calls terminal stays as it is", async () => {
    const answer = reply({ status: 500, headers: json, body: TOO_LONG });
    await using only = await startFakeUpstream([answer]);
    const upstream = makeUpstream({ baseUrl: only.baseUrl, onStatus: { 500: "terminal" } });
    await using proxy = startTestProxy({ upstreams: [upstream] });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(500);
  });

  test("words that the user knows for a spent quota keep the upstream out, though its status says nothing", async () => {
    const answer = reply({ status: 400, headers: json, body: '{"error":"The pot is EMPTY until tea time"}' });
    await using first = await startFakeUpstream([answer]);
    await using backup = await startFakeUpstream([GOOD.responses({ text: "tea" })]);
    const parts = ["pot", "empty"];
    const onError = [{ parts, status: null, verdict: "exhausted", until: "2h" }] as const;
    await using proxy = startTestProxy({
      upstreams: [
        makeUpstream({ baseUrl: first.baseUrl, onError }),
        makeUpstream({ baseUrl: backup.baseUrl }),
      ],
    });
    for (let turn = 0; turn < 2; turn += 1)
      expect(await (await proxy.ask("/v1/responses", TURN)).text()).toContain("tea");
    expect([first.requests.length, backup.requests.length]).toEqual([1, 2]);
  });
});

describe("JSON with nothing of an answer in it is none, whatever its status says", () => {
  const WHOLE = { ...TURN, stream: false };
  const NONE = [
    '{"code":401,"message":"invalid token"}',
    '{"detail":"Not authenticated"}',
    '{"errors":[{"message":"x"}]}',
    "{}",
    "[]",
    '"ok"',
  ];
  const json = (body: object): Answer => reply({ headers: { "content-type": "application/json" }, body });
  const ASKS = [
    ["codex", "/v1/responses", WHOLE, json({ object: "response", output: ["from the backup"] })],
    ["codex", "/v1/chat/completions", { ...WHOLE, messages: [] }, json({ choices: ["from the backup"] })],
    ["claude", "/v1/messages", { ...TURN, messages: [] }, GOOD.messages({ text: "from the backup" })],
  ] as const;

  for (const [service, path, body, good] of ASKS) {
    test.each(NONE)(`${path}: %s`, async (answer) => {
      const bad = reply({ headers: { "content-type": "application/json" }, body: answer });
      await using primary = await startFakeUpstream([bad]);
      await using backup = await startFakeUpstream([good]);
      await using proxy = startTestProxy({ service, upstreams: [primary.baseUrl, backup.baseUrl] });
      expect(await (await proxy.ask(path, body)).text()).toContain("from the backup");
    });
  }
});

test("a request that the upstream keeps is not given to a second one after an ambiguous failure", async () => {
  await using primary = await startFakeUpstream([[RESET]]);
  await using backup = await startFakeUpstream([GOOD.responses()]);
  await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
  const response = await proxy.ask("/v1/responses", { ...TURN, store: true });
  expect(response.status).toBeGreaterThanOrEqual(500);
  expect(backup.requests).toEqual([]);
});

test.each(["an HTML page", "an empty body", "an empty stream"] as const)(
  "%s is not handed to the client as a success, also where no other upstream may be asked",
  async (kind) => {
    await using primary = await startFakeUpstream([FALSE_SUCCESS[kind]()]);
    await using backup = await startFakeUpstream([GOOD.responses()]);
    // A page is a refusal, which always fails over; the others may have been work that goes on.
    const others = kind === "an HTML page" ? [] : [backup.baseUrl];
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl, ...others] });
    const response = await proxy.ask("/v1/responses", { ...TURN, background: true });
    expect(response.status).toBe(503);
    expect(await response.text()).toContain("No upstream could answer Codex. main#1:");
    expect(backup.requests).toEqual([]);
    expect(await proxy.entry()).toMatchObject({ status_code: 503, outcome: "error" });
  },
);

test("a token count is asked for under the name that the upstream has for the model", async () => {
  await using upstream = await startFakeUpstream([reply({ status: 200, body: { input_tokens: 3 } })]);
  await using proxy = startTestProxy({
    service: "claude",
    upstreams: [{ baseUrl: upstream.origin, models: { "*": "relay-claude" } }],
  });
  const path = "/v1/messages/count_tokens?beta=true";
  const response = await proxy.ask(path, { model: "claude-opus", messages: [] });
  expect(await response.json()).toEqual({ input_tokens: 3 });
  expect(upstream.requests[0]?.json()).toEqual({ model: "relay-claude", messages: [] });
});

test("a dead kept-alive connection is replaced once, without another upstream being asked", async () => {
  await using primary = await startFakeUpstream((_request, n) =>
    n === 2 ? [RESET] : GOOD.responses({ text: `answer ${n}` }),
  );
  await using backup = await startFakeUpstream([GOOD.responses()]);
  await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
  await (await proxy.ask("/v1/responses", TURN)).text();
  expect(await (await proxy.ask("/v1/responses", TURN)).text()).toContain("answer 3");
  expect(primary.requests.map(({ connection }) => connection)).toEqual([1, 1, 2]);
  expect(backup.requests).toEqual([]);
});

test("a connection that was fresh when the request went out is not taken for a dead kept-alive one", async () => {
  const gate = Promise.withResolvers<void>();
  async function* slowly(): AsyncGenerator<Step> {
    await gate.promise;
    yield RESET;
  }
  await using primary = await startFakeUpstream((_request, n) => (n === 1 ? slowly() : GOOD.responses()));
  await using backup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
  await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
  const slow = proxy.ask("/v1/responses", TURN);
  await primary.gotRequest(1);
  await (await proxy.ask("/v1/responses", TURN)).text();
  await proxy.entry();
  gate.resolve();
  expect(await (await slow).text()).toContain("from the backup");
  expect(primary.requests.length).toBe(2);
});

test("history of another account is taken out after the refusal, and before the next one", async () => {
  const refusal = reply({
    status: 400,
    body: {
      error: {
        message: "The encrypted content for item rs_1 could not be verified.",
        type: "invalid_request_error",
        code: "invalid_encrypted_content",
        param: null,
      },
    },
  });
  await using upstream = await startFakeUpstream((request) =>
    request.text().includes("foreign-secret") ? refusal : GOOD.responses(),
  );
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  const input = [
    { type: "reasoning", summary: [], encrypted_content: "foreign-secret" },
    { type: "message", role: "user", content: [] },
  ];
  const headers = { "content-type": "application/json", "session-id": "s-1" };
  const ask = async (): Promise<number> => {
    const response = await proxy.ask("/v1/responses", { ...TURN, input }, { headers });
    await response.text();
    return response.status;
  };
  expect(await ask()).toBe(200);
  expect(upstream.requests.length).toBe(2);
  expect(await ask()).toBe(200);
  expect(upstream.requests.length).toBe(3);
});

test("a refusal that a repair does not help is the client's to see, as it was said first, and nothing is remembered", async () => {
  const refuse = (message: string): Answer => reply({ status: 400, body: { error: { message } } });
  await using upstream = await startFakeUpstream((request) =>
    request.text().includes("rs_0001") ? refuse("Item with id 'rs_0001' not found.") : refuse("bad tool"),
  );
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  const input = [{ type: "reasoning", id: "rs_0001", summary: [] }];
  const headers = { "content-type": "application/json", "session-id": "s-1" };
  for (const asked of [2, 4]) {
    const response = await proxy.ask("/v1/responses", { ...TURN, input }, { headers });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("rs_0001")]);
    expect(upstream.requests.length).toBe(asked);
  }
});

for (const order of ["the history first", "the field first"] as const)
  test(`an upstream that refuses both a field and history is asked without both: ${order}`, async () => {
    const refuse = (message: string, code: string): Answer =>
      reply({ status: 400, body: { error: { message, type: "invalid_request_error", code } } });
    const field = refuse("Unknown parameter: 'prompt_cache_key'.", "unknown_parameter");
    const history = refuse("Item with id 'rs_0001' not found.", "not_found");
    await using upstream = await startFakeUpstream((request) => {
      const [hasField, hasHistory] = [/prompt_cache_key/, /rs_0001/].map((one) => one.test(request.text()));
      if (order === "the history first" && hasHistory === true) return history;
      if (hasField === true) return field;
      return hasHistory === true ? history : GOOD.responses();
    });
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const input = [{ type: "reasoning", id: "rs_0001", summary: [] }];
    const headers = { "content-type": "application/json", "session-id": "s-1" };
    const ask = async (): Promise<number> =>
      (await proxy.ask("/v1/responses", { ...TURN, prompt_cache_key: "s-1", input }, { headers })).status;
    expect(await ask()).toBe(200);
    const asked = upstream.requests.length;
    expect(await ask()).toBe(200);
    expect(upstream.requests.length).toBe(asked + 1);
  });

test("nobody left to ask is said in the client's own shape, with what was tried", async () => {
  await using one = await startFakeUpstream([reply(RELAY_ERRORS["bare 500"])]);
  await using two = await startFakeUpstream([[RESET]]);
  await using proxy = startTestProxy({ service: "claude", upstreams: [one.origin, two.origin] });
  const response = await proxy.ask("/v1/messages", { model: "claude", stream: true, messages: [] });
  expect(response.status).toBe(503);
  expect(Number(response.headers.get("retry-after"))).toBeWithin(1, 11);
  expect(await response.json()).toMatchObject({
    type: "error",
    error: { message: expect.stringContaining("main#2") },
  });
});

describe("an answer that came to its terminal event is whole, whatever the connection does then", () => {
  const whole = responsesEvents({ text: "whole" });

  test("a client that leaves without waiting for the connection's end has had it", async () => {
    await using upstream = await startFakeUpstream([stream(whole, { ending: [SILENCE] })]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const response = await proxy.ask("/v1/responses", TURN);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("response.completed")) text += (await reader?.read())?.value ?? "";
    await reader?.cancel();
    expect(await proxy.entry()).toMatchObject({
      outcome: "ok",
      status_code: 200,
      usage: { total_tokens: 150 },
    });
    await upstream.waitForClose();
  });

  test("an upstream that keeps its connection open afterwards does not keep the client's for its idle budget", async () => {
    await using upstream = await startFakeUpstream([stream(whole, { ending: [SILENCE] })]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const text = await (await proxy.ask("/v1/responses", TURN)).text();
    expect(text).toBe(whole.join(""));
    expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { total_tokens: 150 } });
    await upstream.waitForClose();
  });

  test.each(["is reset", "goes silent"])(
    "an upstream connection that %s afterwards is no cut",
    async (what) => {
      const gotAll = Promise.withResolvers<void>();
      async function* thenBreak(): AsyncGenerator<Step> {
        yield* stream(whole, { ending: [] }) as readonly Step[];
        await gotAll.promise;
        yield what === "is reset" ? RESET : SILENCE;
      }
      await using upstream = await startFakeUpstream(() => thenBreak());
      const timeouts = { ...makeUpstream().timeouts, idleMs: 100 };
      await using proxy = startTestProxy({ upstreams: [{ baseUrl: upstream.baseUrl, timeouts }] });
      const response = await proxy.ask("/v1/responses", TURN);
      let text = "";
      for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += piece;
        if (text.includes("response.completed")) gotAll.resolve();
      }
      expect(text.endsWith("\n\n")).toBe(true);
      expect(await proxy.entry()).toMatchObject({ outcome: "ok" });
    },
  );
});
