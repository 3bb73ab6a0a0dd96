import { describe, expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { type Answer, type FakeUpstream, startFakeUpstream, type Step } from "../helpers/fake-upstream.ts";
import type { WaitFacts } from "../../src/proxy/waiting.ts";
import { startTestProxy, type TestProxy, type TestProxyOptions } from "../helpers/in-process-proxy.ts";
import { waitUntil } from "../helpers/wait.ts";

const HOUR = 3_600_000;
const TURN = { model: "gpt-6", stream: true, input: [] };
const HEADERS = { "content-type": "application/json" };

const refuse = (status: number, error: object, headers: Record<string, string> = {}): Answer =>
  reply({ status, headers, body: { error } });
const spentFor = (secs: number): Answer =>
  refuse(429, { type: "usage_limit_reached", resets_in_seconds: secs });

/** The wall clock, which a test sets forward; the other one goes on as ever. */
function makeClock() {
  let aheadMs = 0;
  return {
    now: () => Date.now() + aheadMs,
    jump(ms: number) {
      aheadMs += ms;
    },
  };
}

type Clock = ReturnType<typeof makeClock>;

function startWaiting(
  relays: readonly FakeUpstream[],
  clock: Clock,
  { route, ...options }: Partial<TestProxyOptions> = {},
): TestProxy {
  return startTestProxy({
    upstreams: relays.map(({ baseUrl }) => baseUrl),
    now: clock.now,
    route: { waitMs: 6 * HOUR, ...route },
    ...options,
  });
}

const waiting = (proxy: TestProxy): readonly WaitFacts[] => proxy.waits()?.list() ?? [];
const untilWaiting = (proxy: TestProxy, count = 1): Promise<readonly WaitFacts[]> =>
  waitUntil(() => (waiting(proxy).length === count ? waiting(proxy) : null), { what: `${count} that wait` });
const inSession = (id: string): RequestInit => ({ headers: { ...HEADERS, "session-id": id } });

describe.concurrent("a request that meets nothing but limits", () => {
  test("is held until the reset that was named, and then answered", async () => {
    const clock = makeClock();
    await using relay = await startFakeUpstream([spentFor(7_200), GOOD.responses({ text: "at last" })]);
    await using proxy = startWaiting([relay], clock);
    const answer = proxy.ask("/v1/responses", TURN, inSession("s-1"));
    const [wait] = await untilWaiting(proxy);
    expect(wait).toMatchObject({ session_id: "s-1", model: "gpt-6", upstream: "main#1" });
    expect(((wait?.until_ms ?? 0) - clock.now()) / HOUR).toBeCloseTo(2, 2);
    expect(proxy.inFlight.count).toBe(1);
    clock.jump(2 * HOUR + 1_000);
    const response = await answer;
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("at last");
    expect(relay.requests.length).toBe(2);
    const entry = await proxy.entry();
    expect(entry).toMatchObject({ outcome: "ok", status_code: 200 });
    expect((entry.waited_ms ?? 0) / HOUR).toBeCloseTo(2, 1);
    expect(entry.attempts?.map(({ verdict }) => verdict)).toEqual(["codex-usage-limit", "ok"]);
    expect(waiting(proxy)).toEqual([]);
  });

  test("waits for the first of several, and for what became of it", async () => {
    const clock = makeClock();
    await using late = await startFakeUpstream([spentFor(5 * 3_600)]);
    await using early = await startFakeUpstream([spentFor(3_600), spentFor(7_200), GOOD.responses()]);
    await using proxy = startWaiting([late, early], clock);
    const answer = proxy.ask("/v1/responses", TURN);
    expect((await untilWaiting(proxy))[0]?.upstream).toBe("main#2");
    clock.jump(HOUR + 1_000);
    await early.gotRequest(2);
    // It is spent again, for two hours more.
    await waitUntil(() => (waiting(proxy)[0]?.until_ms ?? 0) - clock.now() > 1.9 * HOUR);
    clock.jump(2 * HOUR + 1_000);
    expect((await answer).status).toBe(200);
    expect(early.requests.length).toBe(3);
  });

  test("a client that waits for a stream hears that somebody is there", async () => {
    const clock = makeClock();
    await using relay = await startFakeUpstream([spentFor(3_600), GOOD.responses({ text: "at last" })]);
    await using proxy = startWaiting([relay], clock, { heartbeat: { afterMs: 30, everyMs: 30 } });
    const response = await proxy.ask("/v1/responses", TURN);
    let text = "";
    for await (const piece of response.body ?? []) {
      text += new TextDecoder().decode(piece);
      if (text.split("keepalive").length === 5) clock.jump(HOUR + 1_000);
    }
    expect(text).toStartWith('event: keepalive\ndata: {"type":"keepalive"}\n\n');
    expect(text).toContain("at last");
  });

  test("one goes first, and the others follow it one after the other", async () => {
    const clock = makeClock();
    const gate = Promise.withResolvers<void>();
    async function* slowly(): AsyncGenerator<Step> {
      await gate.promise;
      yield* GOOD.responses();
    }
    await using relay = await startFakeUpstream((_, n) => {
      if (n === 1) return spentFor(3_600);
      return n === 2 ? slowly() : GOOD.responses();
    });
    await using proxy = startWaiting([relay], clock);
    const ids = ["a", "b", "c", "d", "e"];
    const answers: Promise<Response>[] = [];
    for (const [place, id] of ids.entries()) {
      answers.push(proxy.ask("/v1/responses", TURN, inSession(id)));
      await untilWaiting(proxy, place + 1);
    }
    expect(relay.requests.length).toBe(1);
    clock.jump(HOUR + 1_000);
    await relay.gotRequest(2);
    expect(relay.requests.length).toBe(2);
    gate.resolve();
    for (const answer of answers) expect((await answer).status).toBe(200);
    const [, , ...followers] = relay.requests.map(({ at }) => at);
    expect(followers.length).toBe(4);
    for (const [place, at] of followers.entries())
      if (place > 0) expect(at - (followers[place - 1] ?? 0)).toBeGreaterThan(200);
  });

  test("is asked again at once where a limit ends sooner than it was said to", async () => {
    const clock = makeClock();
    await using relay = await startFakeUpstream([spentFor(7_200), GOOD.responses()]);
    await using proxy = startWaiting([relay], clock);
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    proxy.router.reset();
    expect((await answer).status).toBe(200);
  });

  test("is not asked again by itself before that, however long the wait", async () => {
    const clock = makeClock();
    await using relay = await startFakeUpstream([spentFor(5 * 3_600), GOOD.responses()]);
    await using proxy = startWaiting([relay], clock);
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    // Others would look whether it is still so by now.
    clock.jump(2 * HOUR);
    await waitUntil(
      () =>
        proxy.router.explain({ ...PLAN, upstreams: proxy.upstreams, now: clock.now() })[0]?.until === null,
    );
    const looks = waiting(proxy)[0]?.until_ms;
    expect(looks).toBeGreaterThan(clock.now());
    expect(relay.requests.length).toBe(1);
    clock.jump(3 * HOUR + 1_000);
    expect((await answer).status).toBe(200);
  });

  test("takes another model, where there is one, rather than wait", async () => {
    const clock = makeClock();
    await using relay = await startFakeUpstream([spentFor(7_200), GOOD.responses()]);
    await using proxy = startWaiting([relay], clock, { route: { models: { "gpt-6": ["gpt-6", "b"] } } });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(200);
  });

  test("and waits for the first of all models", async () => {
    const clock = makeClock();
    await using relay = await startFakeUpstream([spentFor(7_200), spentFor(3_600), GOOD.responses()]);
    await using proxy = startWaiting([relay], clock, { route: { models: { "gpt-6": ["gpt-6", "b"] } } });
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    clock.jump(2 * HOUR + 1_000);
    expect((await answer).status).toBe(200);
  });
});

test.concurrent(
  "what an exhausted upstream hands on to none waits for it, however well the paid one is",
  async () => {
    const clock = makeClock();
    await using plan = await startFakeUpstream([spentFor(3_600), GOOD.responses({ text: "of the plan" })]);
    await using paid = await startFakeUpstream([GOOD.responses()]);
    await using proxy = startWaiting([plan, paid], clock, { route: { onExhausted: "stop" } });
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    clock.jump(HOUR + 1_000);
    expect(await (await answer).text()).toContain("of the plan");
    expect(paid.requests.length).toBe(0);
  },
);

test.concurrent("a session that is bound to one account waits for that one", async () => {
  const clock = makeClock();
  await using own = await startFakeUpstream([spentFor(3_600), GOOD.responses({ text: "of its own" })]);
  await using other = await startFakeUpstream([GOOD.responses()]);
  await using proxy = startWaiting([other, own], clock);
  const [, account] = proxy.upstreams;
  if (account !== undefined) proxy.router.pin("s-1", account);
  const answer = proxy.ask("/v1/responses", TURN, inSession("s-1"));
  expect((await untilWaiting(proxy))[0]?.upstream).toBe("main#2");
  clock.jump(HOUR + 1_000);
  expect(await (await answer).text()).toContain("of its own");
  expect(other.requests.length).toBe(0);
});

test.concurrent("those that wait for different upstreams do not wait for each other", async () => {
  const clock = makeClock();
  await using one = await startFakeUpstream([spentFor(3_600), GOOD.responses()]);
  await using two = await startFakeUpstream([spentFor(7_200), GOOD.responses()]);
  await using proxy = startWaiting([one, two], clock);
  const answers = proxy.upstreams.map((upstream, place) => {
    proxy.router.pin(`s-${place}`, upstream);
    return proxy.ask("/v1/responses", TURN, inSession(`s-${place}`));
  });
  await untilWaiting(proxy, 2);
  clock.jump(HOUR + 1_000);
  expect((await answers[0])?.status).toBe(200);
  await untilWaiting(proxy, 1);
  clock.jump(HOUR);
  expect((await answers[1])?.status).toBe(200);
});

const PLAN = { model: null, sessionId: null };

describe.concurrent("it ends in the ordinary answer", () => {
  const start = async (clock: Clock, options: Partial<TestProxyOptions> = {}) => {
    const relay = await startFakeUpstream([spentFor(3 * 3_600)]);
    return { relay, proxy: startWaiting([relay], clock, options) };
  };

  test("at once where the reset is later than the limit", async () => {
    const clock = makeClock();
    const { proxy, relay } = await start(clock, { route: { waitMs: HOUR } });
    await using _ = relay;
    await using __ = proxy;
    const response = await proxy.ask("/v1/responses", TURN);
    expect([response.status, await response.json()]).toMatchObject([
      429,
      { error: { type: "usage_limit_reached" } },
    ]);
    expect((await proxy.entry()).waited_ms).toBeUndefined();
  });

  test("when it is stopped, and the session does not wait again before that reset", async () => {
    const clock = makeClock();
    const { proxy, relay } = await start(clock);
    await using _ = relay;
    await using __ = proxy;
    const answers = ["a", "b"].map((id) => proxy.ask("/v1/responses", TURN, inSession(id)));
    await untilWaiting(proxy, 2);
    expect(proxy.waits()?.stop()).toBe(2);
    for (const answer of answers) expect((await answer).status).toBe(429);
    expect((await proxy.ask("/v1/responses", TURN, inSession("a"))).status).toBe(429);
    const other = proxy.ask("/v1/responses", TURN, inSession("c"));
    await untilWaiting(proxy);
    proxy.waits()?.stop();
    expect((await other).status).toBe(429);
    expect(proxy.inFlight.count).toBe(0);
    expect(proxy.heldBytes()).toBe(0);
  });

  test("as an event, where the client has its head already", async () => {
    const clock = makeClock();
    const { proxy, relay } = await start(clock, { heartbeat: { afterMs: 20, everyMs: 20 } });
    await using _ = relay;
    await using __ = proxy;
    const response = await proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    proxy.waits()?.stop();
    expect(await response.text()).toMatch(/event: response\.failed\n.*usage limit reached/);
  });

  test("when the proxy ends", async () => {
    const clock = makeClock();
    const { proxy, relay } = await start(clock);
    await using _ = relay;
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    await proxy.stop(4_000);
    expect((await answer).status).toBe(429);
  });

  test("when the config does not want it any more", async () => {
    const clock = makeClock();
    let isWanted = true;
    const { proxy, relay } = await start(clock, {
      routeNow: (route) => (isWanted ? route : { ...route, waitMs: undefined }),
    });
    await using _ = relay;
    await using __ = proxy;
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    isWanted = false;
    expect((await answer).status).toBe(429);
  });

  test("when the config does not want it for so long any more", async () => {
    const clock = makeClock();
    let waitMs = 6 * HOUR;
    const { proxy, relay } = await start(clock, { routeNow: (route) => ({ ...route, waitMs }) });
    await using _ = relay;
    await using __ = proxy;
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    waitMs = 2 * HOUR;
    expect((await answer).status).toBe(429);
  });

  test("when it has been asked again until the limit, however the clock was set", async () => {
    const clock = makeClock();
    await using relay = await startFakeUpstream([spentFor(4 * 3_600)]);
    await using proxy = startWaiting([relay], clock);
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    clock.jump(4 * HOUR + 1_000);
    // Four hours more would be eight.
    expect((await answer).status).toBe(429);
    expect(relay.requests.length).toBe(2);
  });

  test("for a request that does not stream, which no client waits for so long", async () => {
    const clock = makeClock();
    await using relay = await startFakeUpstream([spentFor(600), spentFor(100), GOOD.responses()]);
    await using proxy = startWaiting([relay], clock);
    const turn = { ...TURN, stream: false };
    expect((await proxy.ask("/v1/responses", turn)).status).toBe(429);
    proxy.router.reset();
    const headers = { ...HEADERS, "x-stainless-timeout": "60" };
    expect((await proxy.ask("/v1/responses", turn, { headers })).status).toBe(429);
  });

  test("for what is said of the request after the reset", async () => {
    const clock = makeClock();
    const tooLong = refuse(400, { code: "context_length_exceeded", message: "too long" });
    await using relay = await startFakeUpstream([spentFor(3_600), tooLong]);
    await using proxy = startWaiting([relay], clock);
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    clock.jump(HOUR + 1_000);
    expect((await answer).status).toBe(400);
  });
});

test.concurrent("a client that leaves frees its place, and what was held for it", async () => {
  const clock = makeClock();
  await using relay = await startFakeUpstream([spentFor(3_600)]);
  await using proxy = startWaiting([relay], clock);
  const leave = new AbortController();
  const input = "x".repeat(100_000);
  const answer = proxy.ask("/v1/responses", { ...TURN, input }, { headers: HEADERS, signal: leave.signal });
  answer.catch(() => {});
  await untilWaiting(proxy);
  expect(proxy.heldBytes()).toBeGreaterThan(100_000);
  expect(proxy.heldBytes()).toBeLessThan(102_000);
  leave.abort();
  expect((await proxy.entry()).outcome).toBe("client_gone");
  await waitUntil(() => waiting(proxy).length === 0);
  expect([proxy.inFlight.count, proxy.heldBytes()]).toEqual([0, 0]);
});

test.concurrent("an upstream that the config has anew is asked at once", async () => {
  const clock = makeClock();
  await using spent = await startFakeUpstream([spentFor(3_600)]);
  await using fresh = await startFakeUpstream([GOOD.responses()]);
  let hasFresh = false;
  await using proxy = startWaiting([spent, fresh], clock, {
    routeNow: (route) => ({ ...route, upstreams: hasFresh ? route.upstreams : route.upstreams.slice(0, 1) }),
  });
  const answer = proxy.ask("/v1/responses", TURN);
  await untilWaiting(proxy);
  hasFresh = true;
  expect((await answer).status).toBe(200);
});

test.concurrent(
  "an outage right after the wait is not the end of it: a machine that wakes up has no network yet",
  async () => {
    const clock = makeClock();
    const bad = refuse(502, { message: "bad gateway" });
    await using relay = await startFakeUpstream([spentFor(3_600), bad, GOOD.responses()]);
    await using proxy = startWaiting([relay], clock);
    const answer = proxy.ask("/v1/responses", TURN);
    await untilWaiting(proxy);
    clock.jump(HOUR + 1_000);
    expect((await answer).status).toBe(200);
    expect(relay.requests.length).toBe(3);
  },
);

describe.concurrent("no wait begins", () => {
  const ANSWERS: readonly (readonly [string, Answer])[] = [
    ["an outage", refuse(502, { message: "bad gateway" })],
    ["an overload", refuse(529, { type: "overloaded_error" })],
    ["a refused key", refuse(401, { message: "invalid key" })],
    ["a refusal of the content", refuse(400, { code: "cyber_policy", message: "flagged" })],
    ["a limit without a stated end", refuse(402, { message: "insufficient balance" })],
    ["a rate limit without a stated end", refuse(429, { type: "rate_limit_error" })],
  ];
  test.each(ANSWERS)("for %s", async (_, answer) => {
    await using relay = await startFakeUpstream([answer]);
    await using proxy = startWaiting([relay], makeClock());
    expect((await proxy.ask("/v1/responses", TURN)).ok).toBe(false);
    expect(waiting(proxy)).toEqual([]);
    expect((await proxy.entry()).waited_ms).toBeUndefined();
  });

  test("where an upstream that is down may be back before the reset", async () => {
    await using spent = await startFakeUpstream([spentFor(3_600)]);
    await using down = await startFakeUpstream([refuse(500, { message: "oops" })]);
    await using proxy = startWaiting([spent, down], makeClock());
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(503);
  });

  test("where it is not asked for", async () => {
    await using relay = await startFakeUpstream([spentFor(3_600)]);
    await using proxy = startTestProxy({ upstreams: [relay.baseUrl] });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(429);
    expect(proxy.waits()).toBeNull();
  });

  test("for what is no turn", async () => {
    await using relay = await startFakeUpstream([
      refuse(429, { type: "rate_limit_error" }, { "retry-after": "600" }),
    ]);
    await using proxy = startWaiting([relay], makeClock());
    expect((await proxy.ask("/v1/embeddings", { model: "e", input: "x" })).status).toBe(429);
  });
});
