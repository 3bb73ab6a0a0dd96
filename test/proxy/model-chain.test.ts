import { describe, expect, test } from "bun:test";
import { GOOD, reply, responsesFailed, stream } from "../helpers/answers.ts";
import {
  type Answer,
  type FakeUpstream,
  type ReceivedRequest,
  startFakeUpstream,
} from "../helpers/fake-upstream.ts";
import { startTestProxy, type TestProxyOptions } from "../helpers/in-process-proxy.ts";

const CHAIN = { "gpt-6": ["gpt-6", "gpt-5.6-sol"] };
const TURN = { model: "gpt-6", stream: true, input: [] };
const SESSION = { headers: { "content-type": "application/json", "session-id": "s-1" } };

const refuse = (status: number, error: object, headers: Record<string, string> = {}): Answer =>
  reply({ status, headers, body: { error } });
const SPENT = refuse(429, { type: "usage_limit_reached", resets_in_seconds: 7_200 });
const BUSY = refuse(503, { code: "server_is_overloaded", message: "at capacity" });
const TOO_LONG = refuse(400, { code: "context_length_exceeded", message: "too long" });

/** Answers each model as the table says; others well. */
const byModel = (answers: Readonly<Record<string, Answer>>) => (request: ReceivedRequest) =>
  answers[modelIn(request)] ?? GOOD.responses({ text: `from ${modelIn(request)}` });

function modelIn(request: ReceivedRequest): string {
  return String((request.json() as { model?: unknown }).model);
}

const asked = (upstream: FakeUpstream): string[] => upstream.requests.map(modelIn);

function startChained(upstreams: TestProxyOptions["upstreams"], route: TestProxyOptions["route"] = {}) {
  return startTestProxy({ upstreams, route: { models: CHAIN, ...route } });
}

describe("the next model is asked for where the first met nothing but limits", () => {
  const AT_CAPACITY: readonly (readonly [string, Answer])[] = [
    ["a spent quota", SPENT],
    ["the model at capacity", BUSY],
    ["a rate limit", refuse(429, { type: "rate_limit_error" })],
    ["the model at capacity, said in a stream", stream([responsesFailed("server_is_overloaded")])],
    ["no credit", refuse(402, { message: "insufficient balance" })],
    ["an overloaded vendor", refuse(529, { type: "overloaded_error" })],
  ];
  test.each(AT_CAPACITY)("%s", async (_, answer) => {
    await using relay = await startFakeUpstream(byModel({ "gpt-6": answer }));
    await using proxy = startChained([relay.baseUrl]);
    const response = await proxy.ask("/v1/responses", TURN, SESSION);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("from gpt-5.6-sol");
    expect(asked(relay)).toEqual(["gpt-6", "gpt-5.6-sol"]);
    expect(await proxy.entry()).toMatchObject({
      model: "gpt-6",
      upstream_model: "gpt-5.6-sol",
      chain_model: "gpt-5.6-sol",
      outcome: "ok",
    });
  });

  test("after every upstream has refused it, and in their order", async () => {
    await using first = await startFakeUpstream(byModel({ "gpt-6": SPENT }));
    await using second = await startFakeUpstream(byModel({ "gpt-6": BUSY }));
    await using proxy = startChained([first.baseUrl, second.baseUrl]);
    await (await proxy.ask("/v1/responses", TURN, SESSION)).text();
    expect([asked(first), asked(second)]).toEqual([["gpt-6", "gpt-5.6-sol"], ["gpt-6"]]);
    const { attempts } = await proxy.entry();
    expect(attempts?.map(({ chain_model }) => chain_model)).toEqual([undefined, undefined, "gpt-5.6-sol"]);
  });

  test("the upstream's own map still applies", async () => {
    await using relay = await startFakeUpstream(byModel({ "gpt-6": SPENT }));
    const models = { "gpt-5.6-sol": "relay/sol" };
    await using proxy = startChained([{ baseUrl: relay.baseUrl, models }]);
    await (await proxy.ask("/v1/responses", TURN)).text();
    expect(asked(relay)).toEqual(["gpt-6", "relay/sol"]);
    expect(await proxy.entry()).toMatchObject({ upstream_model: "relay/sol", chain_model: "gpt-5.6-sol" });
  });

  test("through a chain of any length, and a chain of every other model", async () => {
    await using relay = await startFakeUpstream(byModel({ "gpt-7": SPENT, b: BUSY }));
    await using proxy = startChained([relay.baseUrl], { models: { ...CHAIN, "*": ["*", "b", "c"] } });
    await (await proxy.ask("/v1/responses", { ...TURN, model: "gpt-7" })).text();
    expect(asked(relay)).toEqual(["gpt-7", "b", "c"]);
  });

  test("the client sees nothing of the refusal, in a stream or without one", async () => {
    await using relay = await startFakeUpstream((request) =>
      modelIn(request) === "gpt-6"
        ? BUSY
        : reply({ body: { id: "r", output: [], status: "completed", usage: { output_tokens: 1 } } }),
    );
    await using proxy = startChained([relay.baseUrl]);
    const response = await proxy.ask("/v1/responses", { ...TURN, stream: false });
    expect([response.status, await response.json()]).toMatchObject([200, { id: "r" }]);
  });
});

describe("it is not asked for", () => {
  const NOT_LIMITS: readonly (readonly [string, Answer])[] = [
    ["what the request itself is refused for", TOO_LONG],
    ["a policy", refuse(400, { code: "cyber_policy", message: "flagged" })],
    ["a refusal that nobody knows", refuse(422, { message: "computer says no" })],
    ["an outage", refuse(502, { message: "bad gateway" })],
    ["a 503 without a word of capacity", refuse(503, { message: "down for maintenance" })],
    ["a refused key", refuse(401, { message: "invalid key" })],
    ["a model that is not offered", refuse(404, { code: "model_not_found", message: "no such model" })],
  ];
  test.each(NOT_LIMITS)("after %s", async (_, answer) => {
    await using relay = await startFakeUpstream(byModel({ "gpt-6": answer }));
    await using proxy = startChained([relay.baseUrl]);
    const response = await proxy.ask("/v1/responses", TURN);
    expect(response.ok).toBe(false);
    expect(new Set(asked(relay))).toEqual(new Set(["gpt-6"]));
  });

  test("where one upstream is down, although the others are spent", async () => {
    await using spent = await startFakeUpstream(byModel({ "gpt-6": SPENT }));
    await using down = await startFakeUpstream([refuse(500, { message: "oops" })]);
    await using proxy = startChained([spent.baseUrl, down.baseUrl]);
    await (await proxy.ask("/v1/responses", TURN)).text();
    expect([asked(spent), asked(down)]).toEqual([["gpt-6"], ["gpt-6"]]);
  });

  test("of a backup that an exhausted primary hands nothing on to", async () => {
    await using spent = await startFakeUpstream(byModel({ "gpt-6": SPENT, "gpt-5.6-sol": SPENT }));
    await using paid = await startFakeUpstream(byModel({}));
    await using proxy = startChained([spent.baseUrl, paid.baseUrl], { onExhausted: "stop" });
    const response = await proxy.ask("/v1/responses", TURN);
    expect(response.status).toBe(429);
    expect([asked(spent), asked(paid)]).toEqual([["gpt-6", "gpt-5.6-sol"], []]);
  });
});

describe("a session stays with what works", () => {
  test("a limit that is known is not met again: the second model is asked for at once", async () => {
    await using relay = await startFakeUpstream(byModel({ "gpt-6": SPENT }));
    await using proxy = startChained([relay.baseUrl]);
    for (const _ of ["first", "second", "third"])
      await (await proxy.ask("/v1/responses", TURN, SESSION)).text();
    expect(asked(relay)).toEqual(["gpt-6", "gpt-5.6-sol", "gpt-5.6-sol", "gpt-5.6-sol"]);
  });

  test("until the first is back", async () => {
    await using relay = await startFakeUpstream(byModel({ "gpt-6": SPENT }));
    await using proxy = startChained([relay.baseUrl]);
    await (await proxy.ask("/v1/responses", TURN, SESSION)).text();
    relay.play(byModel({}));
    proxy.router.reset();
    expect(await (await proxy.ask("/v1/responses", TURN, SESSION)).text()).toContain("from gpt-6");
    expect((await proxy.entry(2)).chain_model).toBeUndefined();
  });

  const NOT_OF_THE_FIRST: readonly (readonly [string, Answer])[] = [
    ["that it is too long", TOO_LONG],
    ["that a part of it is not known", refuse(400, { message: "Unknown parameter: 'reasoning'" })],
    ["that it does not like it", refuse(422, { message: "computer says no" })],
  ];
  test.each(NOT_OF_THE_FIRST)(
    "what a model that stands in says of the request is not told: %s",
    async (_, answer) => {
      const models = { "gpt-6": ["gpt-6", "b", "c"] };
      await using relay = await startFakeUpstream(byModel({ "gpt-6": SPENT, b: answer }));
      await using proxy = startChained([relay.baseUrl], { models });
      const response = await proxy.ask("/v1/responses", { ...TURN, reasoning: { effort: "low" } }, SESSION);
      expect([response.status, await response.json()]).toMatchObject([
        429,
        {
          error: { type: "usage_limit_reached", message: expect.stringMatching(/\(gpt-6\): 429.*\(b\): 4/) },
        },
      ]);
      expect(new Set(asked(relay))).toEqual(new Set(["gpt-6", "b"]));
    },
  );

  test("what it may have worked on is told: asking again could be billed twice", async () => {
    const gateway = refuse(502, { message: "bad gateway" });
    await using relay = await startFakeUpstream(byModel({ "gpt-6": SPENT, "gpt-5.6-sol": gateway }));
    await using proxy = startChained([relay.baseUrl]);
    const response = await proxy.ask("/v1/responses", { ...TURN, store: true }, SESSION);
    expect([response.status, await response.text()]).toEqual([502, expect.stringContaining("bad gateway")]);
  });

  test("models that have all met the limit are not asked again, one after the other", async () => {
    const models = { "gpt-6": ["gpt-6", "b", "c"] };
    await using relay = await startFakeUpstream(byModel({ "gpt-6": SPENT, b: SPENT, c: SPENT }));
    await using proxy = startChained([relay.baseUrl], { models });
    for (const _ of ["first", "second"]) {
      const response = await proxy.ask("/v1/responses", TURN, SESSION);
      expect(response.status).toBe(429);
      const { error } = (await response.json()) as { error: { message: string; resets_at: number } };
      expect(error.message).toMatch(/main#1 \(gpt-6\): .*main#1 \(b\): .*main#1 \(c\): /);
      expect(error.resets_at * 1_000).toBeGreaterThan(Date.now() + 7_000_000);
    }
    expect(asked(relay)).toEqual(["gpt-6", "b", "c"]);
  });

  test("another request's model, which has no chain, is spent all the same", async () => {
    await using relay = await startFakeUpstream(byModel({ other: SPENT }));
    await using proxy = startChained([relay.baseUrl]);
    await (await proxy.ask("/v1/responses", { ...TURN, model: "other" })).text();
    await (await proxy.ask("/v1/responses", TURN)).text();
    expect(asked(relay)).toEqual(["other"]);
  });

  test("its tokens are counted with the model that its turns are asked for", async () => {
    const models = { opus: ["opus", "sonnet"] };
    const limit = reply({
      status: 429,
      headers: { "retry-after": "600" },
      body: { type: "error", error: { type: "rate_limit_error" } },
    });
    await using relay = await startFakeUpstream((request) =>
      request.target.includes("count_tokens")
        ? reply({ body: { input_tokens: 7 } })
        : modelIn(request) === "opus"
          ? limit
          : GOOD.messages(),
    );
    await using proxy = startTestProxy({ service: "claude", upstreams: [relay.origin], route: { models } });
    const turn = { model: "opus", stream: true, messages: [], max_tokens: 9 };
    const count = async (): Promise<void> => {
      await (await proxy.ask("/v1/messages/count_tokens", { model: "opus", messages: [] })).text();
    };
    await count();
    await (await proxy.ask("/v1/messages", turn)).text();
    await count();
    expect(asked(relay)).toEqual(["opus", "opus", "sonnet", "sonnet"]);
  });

  test("its history is summarized by it", async () => {
    await using relay = await startFakeUpstream(byModel({ "gpt-6": SPENT }));
    await using proxy = startChained([relay.baseUrl]);
    await (await proxy.ask("/v1/responses", TURN, SESSION)).text();
    const input = [
      { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
      { type: "compaction_trigger" },
    ];
    const response = await proxy.ask("/v1/responses", { ...TURN, input }, SESSION);
    expect(await response.text()).toContain('"type":"compaction"');
    expect(new Set(asked(relay).slice(1))).toEqual(new Set(["gpt-5.6-sol"]));
  });

  test("what one model cannot read is cut out for that one alone", async () => {
    const unreadable = refuse(400, { code: "invalid_encrypted_content", message: "cannot be decrypted" });
    const reasoning = { type: "reasoning", id: "rs_1", encrypted_content: "opaque", summary: [] };
    const input = [
      { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
      reasoning,
    ];
    const hasReasoning = (request: ReceivedRequest): boolean => request.text().includes("opaque");
    await using relay = await startFakeUpstream((request) => {
      if (modelIn(request) === "gpt-6") return SPENT;
      return hasReasoning(request) ? unreadable : GOOD.responses();
    });
    await using proxy = startChained([relay.baseUrl]);
    const turn = { ...TURN, input };
    for (const _ of ["first", "second"])
      expect((await proxy.ask("/v1/responses", turn, SESSION)).status).toBe(200);
    expect(relay.requests.map((one) => [modelIn(one), hasReasoning(one)])).toEqual([
      ["gpt-6", true],
      ["gpt-5.6-sol", true],
      ["gpt-5.6-sol", false],
      ["gpt-5.6-sol", false],
    ]);
    relay.play([GOOD.responses()]);
    proxy.router.reset();
    await (await proxy.ask("/v1/responses", turn, SESSION)).text();
    expect(relay.requests.map((one) => [modelIn(one), hasReasoning(one)]).at(-1)).toEqual(["gpt-6", true]);
  });
});

test("without a chain for its model a request is as ever", async () => {
  await using relay = await startFakeUpstream(byModel({ plain: SPENT }));
  await using proxy = startChained([relay.baseUrl]);
  const response = await proxy.ask("/v1/responses", { ...TURN, model: "plain" });
  expect(response.status).toBe(429);
  expect(asked(relay)).toEqual(["plain"]);
});
