import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LaneSettings, Upstream } from "../../src/base/upstream.ts";
import type { Route } from "../../src/proxy/deps.ts";
import { createLaneDoor } from "../../src/proxy/lane-door.ts";
import type { RouterEvent } from "../../src/routing/types.ts";
import { GOOD, reply, sse } from "../helpers/answers.ts";
import { type Crowd, startCrowd } from "../helpers/crowd.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy, type TestProxy } from "../helpers/in-process-proxy.ts";
import { waitUntil } from "../helpers/wait.ts";

const TURN = { model: "gpt-5", stream: true, store: false, input: [] };

const takes = (limit: number | null, more: Partial<LaneSettings> = {}): LaneSettings => ({
  name: "lane",
  group: null,
  limit,
  queueMs: null,
  ...more,
});

async function ask(proxy: TestProxy, session = "s", init: RequestInit = {}, fate = ""): Promise<string> {
  const headers = { "content-type": "application/json", "session-id": session };
  const response = await proxy.ask("/v1/responses", { ...TURN, user: fate }, { ...init, headers });
  return `${response.status} ${(await response.text()).includes("response.completed")}`;
}

/** It has finished, with no output and no output tokens. */
const EMPTY_TURN = [
  sse("response.created", { type: "response.created", response: { id: "r" } }),
  sse("response.completed", {
    type: "response.completed",
    response: {
      id: "r",
      status: "completed",
      output: [],
      usage: { input_tokens: 5, output_tokens: 0, total_tokens: 5 },
    },
  }),
].join("");
const WHOLE = "200 true";
const placesAt = (proxy: TestProxy, n = 0) => proxy.lanes.factsOf(proxy.upstreams[n] as Upstream);

test("ten at once against one that takes two: never more, all answered, and nobody refused", async () => {
  await using crowd = startCrowd({ takes: 2 });
  crowd.endBy(5);
  await using proxy = startTestProxy({ upstreams: [{ baseUrl: crowd.baseUrl, lane: takes(2) }] });
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(proxy)));
  expect(answers).toEqual(Array.from({ length: 10 }, () => WHOLE));
  expect([crowd.most, crowd.refused]).toEqual([2, 0]);
  expect(placesAt(proxy)).toMatchObject({ inUse: 0, waiting: 0, limit: 2 });
});

test("sessions are let in by turns, and what waits is told", async () => {
  await using crowd = startCrowd();
  const events: RouterEvent[] = [];
  await using proxy = startTestProxy({
    upstreams: [{ baseUrl: crowd.baseUrl, lane: takes(1) }],
    onEvent: (event) => events.push(event),
  });
  const asked: Promise<string>[] = [];
  for (const [index, session] of ["big", "big", "big", "one", "two"].entries()) {
    asked.push(ask(proxy, session));
    await waitUntil(() => (placesAt(proxy)?.inUse ?? 0) + (placesAt(proxy)?.waiting ?? 0) === index + 1);
  }
  expect(placesAt(proxy)).toMatchObject({ inUse: 1, waiting: 4, limit: 1, source: "config" });
  for (let count = 1; count <= 5; count += 1) {
    await waitUntil(() => crowd.admitted.length === count);
    crowd.end();
  }
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 5 }, () => WHOLE));
  expect(crowd.admitted).toEqual(["big", "one", "two", "big", "big"]);
  expect(events.map(({ kind }) => kind)).toEqual(["queue"]);
  expect(events[0]).toMatchObject({ facts: { inUse: 1, limit: 1, waiting: 1 } });
  expect(proxy.entries.every(({ queued_ms: ms }) => ms === undefined || ms > 0)).toBe(true);
});

test("after its time in the queue a request goes to the next upstream", async () => {
  await using crowd = startCrowd();
  await using backup = await startFakeUpstream([GOOD.responses()]);
  await using proxy = startTestProxy({
    upstreams: [{ baseUrl: crowd.baseUrl, lane: takes(1, { queueMs: 50 }) }, backup.baseUrl],
  });
  const first = ask(proxy);
  await waitUntil(() => crowd.open === 1);
  expect(await ask(proxy)).toBe(WHOLE);
  expect(backup.requests.length).toBe(1);
  expect((await proxy.entry(1)).queued_ms).toBeGreaterThanOrEqual(45);
  crowd.end();
  expect(await first).toBe(WHOLE);
});

test("with no time in the queue it goes there at once, and with nowhere to go the client is told", async () => {
  await using crowd = startCrowd();
  await using proxy = startTestProxy({
    upstreams: [{ baseUrl: crowd.baseUrl, lane: takes(1, { queueMs: 0 }) }],
  });
  const first = ask(proxy);
  await waitUntil(() => crowd.open === 1);
  const response = await proxy.ask("/v1/responses", TURN);
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "2"]);
  expect(await response.text()).toContain("main#1: not tried, 1 of 1 in use.");
  crowd.end();
  await first;
});

test("where there is no other upstream it waits for longer than the queue's time", async () => {
  await using crowd = startCrowd();
  await using failing = await startFakeUpstream([reply({ status: 500, body: "{}" })]);
  const lane = takes(1);
  await using proxy = startTestProxy({ upstreams: [failing.baseUrl, { baseUrl: crowd.baseUrl, lane }] });
  const first = ask(proxy);
  await waitUntil(() => crowd.open === 1);
  // The first of them is found failing, and the queue of the other one is all that is left.
  const second = ask(proxy);
  await waitUntil(() => placesAt(proxy, 1)?.waiting === 1);
  crowd.end();
  await waitUntil(() => crowd.admitted.length === 2);
  crowd.end();
  expect(await Promise.all([first, second])).toEqual([WHOLE, WHOLE]);
});

test("of two that are both full the one that has a place first is asked", async () => {
  await using one = startCrowd();
  await using other = startCrowd();
  await using proxy = startTestProxy({
    upstreams: [
      { baseUrl: one.baseUrl, lane: takes(1, { name: "one", queueMs: 60_000 }) },
      { baseUrl: other.baseUrl, lane: takes(1, { name: "other", queueMs: 0 }) },
    ],
  });
  const asked = [ask(proxy, "a"), ask(proxy, "b")];
  await waitUntil(() => one.open === 1 && placesAt(proxy)?.waiting === 1);
  one.end();
  await waitUntil(() => one.admitted.length === 2);
  one.end();
  expect(await Promise.all(asked)).toEqual([WHOLE, WHOLE]);
  expect(other.admitted).toEqual([]);
});

test("upstreams of one account share its places, over configs and services", async () => {
  await using crowd = startCrowd({ takes: 2 });
  await using claude = startCrowd();
  const lanes = createLaneDoor({ now: Date.now });
  const lane = takes(2, { name: "group|acme", group: "acme" });
  await using codexProxy = startTestProxy({
    lanes,
    upstreams: [
      { baseUrl: crowd.baseUrl, lane },
      { baseUrl: crowd.baseUrl, lane },
    ],
  });
  await using claudeProxy = startTestProxy({
    lanes,
    service: "claude",
    upstreams: [{ baseUrl: claude.origin, lane }],
  });
  const asked = [ask(codexProxy), ask(codexProxy)];
  await waitUntil(() => crowd.open === 2);
  const third = claudeProxy.ask("/v1/messages", { model: "claude-opus-5-5", stream: true, messages: [] });
  await waitUntil(() => placesAt(claudeProxy)?.waiting === 1);
  expect(placesAt(codexProxy, 1)).toMatchObject({ inUse: 2, waiting: 1, group: "acme" });
  expect(claude.admitted.length).toBe(0);
  crowd.end();
  await waitUntil(() => claude.open === 1);
  crowd.end();
  claude.end();
  await Promise.all([...asked, third.then((response) => response.text())]);
});

test("an empty answer that is kept for want of a better one does not hold the place of the next", async () => {
  await using empty = await startFakeUpstream([
    reply({ headers: { "content-type": "text/event-stream" }, body: EMPTY_TURN }),
  ]);
  await using good = await startFakeUpstream([GOOD.responses()]);
  const lane = takes(1, { name: "group|acme", group: "acme", queueMs: 60_000 });
  await using proxy = startTestProxy({
    upstreams: [
      { baseUrl: empty.baseUrl, lane },
      { baseUrl: good.baseUrl, lane },
    ],
  });
  expect(await ask(proxy)).toBe(WHOLE);
  expect([empty.requests.length, good.requests.length]).toEqual([1, 1]);
});

test("what is no turn needs no place", async () => {
  await using crowd = startCrowd();
  await using proxy = startTestProxy({ upstreams: [{ baseUrl: crowd.baseUrl, lane: takes(1) }] });
  const first = ask(proxy);
  await waitUntil(() => crowd.open === 1);
  expect((await fetch(`${proxy.origin}/v1/models`)).status).toBe(404);
  crowd.end();
  await first;
});

describe("a change of the file", () => {
  test("that raises the limit lets those in that wait", async () => {
    await using crowd = startCrowd();
    let limit: number | null = 1;
    await using proxy = startTestProxy({
      upstreams: [{ baseUrl: crowd.baseUrl, lane: takes(1) }],
      routeNow: cached(
        (upstream) => ({ ...upstream, lane: takes(limit) }),
        () => limit,
      ),
    });
    const asked = [ask(proxy), ask(proxy), ask(proxy), ask(proxy)];
    await waitUntil(() => placesAt(proxy)?.waiting === 3);
    limit = 3;
    await waitUntil(() => crowd.open === 3);
    limit = 1;
    crowd.end();
    crowd.end();
    await waitUntil(() => placesAt(proxy)?.inUse === 1);
    expect(crowd.admitted.length).toBe(3);
    crowd.end();
    await waitUntil(() => crowd.open === 1);
    crowd.end();
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 4 }, () => WHOLE));
  });

  test("that takes it away does so too", async () => {
    await using crowd = startCrowd();
    let isSet = true;
    await using proxy = startTestProxy({
      upstreams: [{ baseUrl: crowd.baseUrl, lane: takes(1), key: "lane" }],
      routeNow: cached(
        (upstream) => ({ ...upstream, lane: isSet ? takes(1) : null }),
        () => isSet,
      ),
    });
    const asked = [ask(proxy), ask(proxy)];
    await waitUntil(() => placesAt(proxy)?.waiting === 1);
    isSet = false;
    await waitUntil(() => crowd.open === 2);
    crowd.end();
    crowd.end();
    await Promise.all(asked);
  });

  /** As the route does it: other objects only where something is different. */
  function cached(change: (upstream: Upstream) => Upstream, version: () => unknown) {
    let known: { readonly of: unknown; readonly route: Route } | null = null;
    return (route: Route): Route => {
      if (known === null || known.of !== version())
        known = { of: version(), route: { ...route, upstreams: route.upstreams.map(change) } };
      return known.route;
    };
  }
});

describe("a limit that is learned", () => {
  const learnedAt = (crowd: Crowd, events: RouterEvent[] = []) =>
    startTestProxy({ upstreams: [crowd.baseUrl], onEvent: (event) => events.push(event) });

  test("from refusals: none of ten clients sees one, and later ones wait", async () => {
    await using crowd = startCrowd({ takes: 2 });
    const events: RouterEvent[] = [];
    await using proxy = learnedAt(crowd, events);
    const first = Array.from({ length: 10 }, () => ask(proxy));
    await waitUntil(() => crowd.open === 2 && placesAt(proxy)?.waiting === 8);
    expect(placesAt(proxy)).toMatchObject({ limit: 2, source: "learned", inUse: 2, waiting: 8 });
    crowd.endBy(5);
    expect(await Promise.all(first)).toEqual(Array.from({ length: 10 }, () => WHOLE));
    expect(await Promise.all(Array.from({ length: 10 }, () => ask(proxy)))).toEqual(
      Array.from({ length: 10 }, () => WHOLE),
    );
    expect([crowd.most, crowd.refused]).toEqual([2, 8]);
    expect(events.some(({ kind }) => kind === "limit-learned")).toBe(true);
    expect(proxy.entries.every(({ outcome }) => outcome === "ok")).toBe(true);
  });

  test("goes to the next upstream first, where there is one", async () => {
    await using crowd = startCrowd({ takes: 1 });
    await using backup = await startFakeUpstream([GOOD.responses()]);
    await using proxy = startTestProxy({ upstreams: [crowd.baseUrl, backup.baseUrl] });
    const first = ask(proxy);
    await waitUntil(() => crowd.open === 1);
    expect(await ask(proxy)).toBe(WHOLE);
    expect(backup.requests.length).toBe(1);
    expect(placesAt(proxy)).toMatchObject({ limit: 1, source: "learned" });
    crowd.end();
    await first;
  });

  test("is forgotten by a reset", async () => {
    await using crowd = startCrowd({ takes: 1 });
    await using proxy = learnedAt(crowd);
    const asked = [ask(proxy), ask(proxy)];
    await waitUntil(() => crowd.refused === 1 && placesAt(proxy)?.waiting === 1);
    crowd.end();
    await waitUntil(() => crowd.admitted.length === 2);
    proxy.lanes.forget(proxy.upstreams[0]?.key);
    expect(placesAt(proxy)).toBeNull();
    crowd.end();
    await Promise.all(asked);
  });

  test("is none where the refusal is about a rate", async () => {
    const refusal = () =>
      Response.json(
        { error: { message: "Rate limit: 60 requests per minute. Please reduce concurrency." } },
        { status: 429, headers: { "retry-after": "1" } },
      );
    await using crowd = startCrowd({ takes: 1, refusal });
    await using backup = await startFakeUpstream([GOOD.responses()]);
    await using proxy = startTestProxy({ upstreams: [crowd.baseUrl, backup.baseUrl] });
    const first = ask(proxy);
    await waitUntil(() => crowd.open === 1);
    await ask(proxy);
    expect(placesAt(proxy)).toBeNull();
    expect(proxy.router.report(proxy.upstreams[0] as Upstream).availability).toBe("cooling");
    crowd.end();
    await first;
  });

  test("is none where nobody else of ours was there", async () => {
    await using crowd = startCrowd({ takes: 0 });
    await using proxy = learnedAt(crowd);
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(429);
    expect(placesAt(proxy)).toBeNull();
  });

  test("one that refuses what has a place is not asked for ever", async () => {
    await using crowd = startCrowd({ takes: 1 });
    await using proxy = learnedAt(crowd);
    const first = ask(proxy);
    await waitUntil(() => crowd.open === 1);
    const second = ask(proxy);
    await waitUntil(() => placesAt(proxy)?.waiting === 1);
    await using more = startTestProxy({ upstreams: [crowd.baseUrl] });
    crowd.end();
    await waitUntil(() => crowd.admitted.length === 2);
    expect(more.entries.length).toBe(0);
    crowd.end();
    await Promise.all([first, second]);
  });
});

describe("whatever ends a request, its place is free and was never given twice", () => {
  const FATES = [
    "whole",
    "cut",
    "reset",
    "500",
    "empty",
    "html",
    "leaves",
    "leaves the queue",
    "concurrency",
  ] as const;

  test("a bug of ours", async () => {
    await using crowd = startCrowd();
    const bugs: unknown[] = [];
    let isBroken = true;
    await using proxy = startTestProxy({
      upstreams: [{ baseUrl: crowd.baseUrl, lane: takes(1, { queueMs: 0 }) }],
      observeHeaders() {
        if (isBroken) throw new Error("a bug");
      },
      onBug: (error) => bugs.push(error),
    });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(500);
    expect(bugs.length).toBe(1);
    await waitUntil(() => placesAt(proxy)?.inUse === 0);
    isBroken = false;
    crowd.end();
    const next = ask(proxy);
    await waitUntil(() => crowd.open === 1);
    crowd.end();
    expect(await next).toBe(WHOLE);
  });

  test("both passes of a compaction, and a request that is sent once more with its history repaired", async () => {
    const refusal = {
      error: { code: "invalid_encrypted_content", message: "The encrypted content could not be verified." },
    };
    await using upstream = await startFakeUpstream((request) =>
      request.text().includes("secret")
        ? reply({ status: 400, body: refusal })
        : GOOD.responses({ text: "a summary" }),
    );
    await using proxy = startTestProxy({
      upstreams: [{ baseUrl: upstream.baseUrl, lane: takes(1, { queueMs: 0 }) }],
    });
    const reasoning = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "secret" };
    const message = { type: "message", role: "user", content: [{ type: "input_text", text: "go on" }] };
    for (const last of [{ type: "compaction_trigger" }, null]) {
      const input = [message, ...(last === null ? [reasoning, message] : [last])];
      const response = await proxy.ask("/v1/responses", { ...TURN, input });
      expect(response.status).toBe(200);
      await response.text();
      await waitUntil(() => placesAt(proxy)?.inUse === 0);
    }
    expect(upstream.requests.length).toBe(4);
  });

  test("ends of all kinds, mixed", async () => {
    const run = async (limit: number, fates: readonly (typeof FATES)[number][]): Promise<void> => {
      await using crowd = startCrowd({
        instead: (_request, body) => {
          const { user: fate } = JSON.parse(body) as { readonly user: string };
          if (fate === "500") return new Response("{}", { status: 500 });
          if (fate === "empty") return new Response("", { headers: { "content-type": "text/event-stream" } });
          if (fate === "html") return new Response("<html>", { headers: { "content-type": "text/html" } });
          if (fate === "concurrency")
            return Response.json({ error: { message: "too many concurrent requests" } }, { status: 429 });
          return null;
        },
      });
      await using proxy = startTestProxy({
        upstreams: [{ baseUrl: crowd.baseUrl, lane: takes(limit, { queueMs: 2_000 }) }],
        routing: { failureThreshold: 100, windowMinRequests: 10_000, firstByteThreshold: 100 },
      });
      const asked = fates.map(async (fate, index) => {
        const leaving = new AbortController();
        const { signal } = leaving;
        const answer = ask(proxy, `s${index % 3}`, { signal }, fate).catch(() => "gone");
        if (fate === "leaves the queue") setTimeout(() => leaving.abort(), index % 4);
        if (fate === "leaves") setTimeout(() => leaving.abort(), 10 + (index % 4));
        return await answer;
      });
      const ending = setInterval(() => {
        const fate = fates[crowd.admitted.length % fates.length];
        crowd.end(fate === "cut" || fate === "reset" ? fate : "whole");
        expect(crowd.most).toBeLessThanOrEqual(limit);
      }, 1);
      await Promise.all(asked);
      clearInterval(ending);
      await waitUntil(() => placesAt(proxy)?.inUse === 0 && placesAt(proxy)?.waiting === 0);
      expect(crowd.most).toBeLessThanOrEqual(limit);
      expect(proxy.router.openOf(proxy.upstreams[0]?.key ?? "")).toBe(0);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.constantFrom(...FATES), { minLength: 1, maxLength: 12 }),
        run,
      ),
      { numRuns: 25 },
    );
  });
});
