import { describe, expect, test } from "bun:test";
import { expectInEnglish } from "../../helpers/expect-in-english.ts";
import { appendFileSync, readFileSync } from "node:fs";
import { createLiveConfig } from "../../../src/app/live-config.ts";
import { type Quota, createQuota } from "../../../src/app/quota/quota.ts";
import { readReadings } from "../../../src/app/quota/readings-log.ts";
import { inEnglish } from "../../../src/base/text.ts";
import type { Upstream } from "../../../src/base/upstream.ts";
import { type Router, createRouter } from "../../../src/routing/router.ts";
import { reply } from "../../helpers/answers.ts";
import { type FakeUpstream, type Script, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { makeVerdict } from "../../helpers/routing.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";
import { type FakeClock, makeFakeClock } from "../../quota/fake-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A relay that sells by the key: what is left is the test's to say. */
interface Relay extends AsyncDisposable {
  readonly server: FakeUpstream;
  left: number | "broken";
  /** Questions so far. */
  readonly asked: number;
}

async function startRelay(left: Relay["left"] = 10): Promise<Relay> {
  const script: Script = () =>
    relay.left === "broken"
      ? reply({ status: 502 })
      : reply({
          body: {
            isValid: true,
            quota: { limit: 10, used: 10 - relay.left, remaining: relay.left, unit: "USD" },
          },
        });
  const server = await startFakeUpstream(script);
  const relay: Relay = {
    server,
    left,
    get asked() {
      return server.requests.length;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return relay;
}

interface Room extends AsyncDisposable {
  readonly home: TempHome;
  readonly clock: FakeClock;
  readonly quota: Quota;
  readonly router: Router;
  readonly upstreams: readonly Upstream[];
  /** What the user was told. */
  readonly troubles: readonly string[];
  /** Standings in the user's order. */
  standings(): string[];
  /** Lets time pass, and waits until nothing is asked any more. */
  pass(ms: number): Promise<void>;
  again(): Room;
}

interface RoomOptions {
  readonly upstreams: readonly Readonly<Record<string, unknown>>[];
  readonly providers: readonly Readonly<Record<string, unknown>>[];
  readonly home?: TempHome;
  readonly clock?: FakeClock;
}

function openRoom(options: RoomOptions): Room {
  const { home = makeTempHome(), clock = makeFakeClock() } = options;
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: options.upstreams } } } });
  home.write(".codex-helper/usage_providers.json", { providers: options.providers });
  const troubles: string[] = [];
  const { now, every } = clock;
  const { env, paths } = home;
  const live = createLiveConfig({ paths, env, now });
  const router = createRouter({
    settings: () => live.settings().routing,
    now,
    random: () => 0.5,
    barOf: (upstream, request) => quota.barOf(upstream, request),
  });
  const quota: Quota = createQuota({
    paths,
    env,
    live,
    now,
    every,
    onTrouble: (words) => troubles.push(inEnglish(words)),
  });
  const route = live.routeOf("codex");
  quota.attach({ route, router });
  quota.start();
  const state = route.state();
  const upstreams = state.kind === "ready" ? state.route.upstreams : [];
  return {
    home,
    clock,
    quota,
    router,
    upstreams,
    troubles,
    standings: () => upstreams.map((upstream) => router.report(upstream).availability),
    async pass(ms) {
      clock.advance(ms);
      await quota.settled();
    },
    again: () => openRoom({ ...options, home, clock }),
    async [Symbol.asyncDispose]() {
      await quota.stop();
      home[Symbol.dispose]();
    },
  };
}

const upstreamOf = ({ server }: Relay, token: string): Readonly<Record<string, unknown>> => ({
  base_url: server.baseUrl,
  auth: { auth_token: token },
});
const LOCAL = { id: "local", kind: "sub2api_usage", domains: ["127.0.0.1"], poll_interval_secs: 60 };

describe("an upstream whose relay says what is left", () => {
  test("is avoided as long as nothing is, and recovers by itself without any traffic", async () => {
    await using relay = await startRelay(0);
    await using room = openRoom({ upstreams: [upstreamOf(relay, "sk-one")], providers: [LOCAL] });
    await room.pass(0);
    expect(room.standings()).toEqual(["exhausted"]);
    expectInEnglish(room.router.report(room.upstreams[0] as Upstream).reason).toBe(
      "$0.00 of $10.00 left (key)",
    );
    await room.pass(30_000);
    expect(relay.asked).toBe(1);
    await room.pass(MINUTE);
    expect([relay.asked, ...room.standings()]).toEqual([2, "exhausted"]);
    relay.left = 10;
    await room.pass(MINUTE);
    expect([relay.asked, ...room.standings()]).toEqual([3, "ok"]);
  });

  test("is asked again after traffic alone while it is well", async () => {
    await using relay = await startRelay(10);
    await using room = openRoom({ upstreams: [upstreamOf(relay, "sk-one")], providers: [LOCAL] });
    await room.pass(0);
    await room.pass(HOUR);
    expect(relay.asked).toBe(1);
    room.quota.observeHeaders(room.upstreams[0] as Upstream, new Headers());
    await room.pass(1);
    expect(relay.asked).toBe(2);
    room.quota.observeHeaders(room.upstreams[0] as Upstream, new Headers());
    await room.pass(MINUTE - 1);
    expect(relay.asked).toBe(2);
    await room.pass(1);
    expect(relay.asked).toBe(3);
  });

  test("gives each of its keys a reading of its own, under a provider's name and no secret", async () => {
    await using relay = await startRelay(5);
    await using room = openRoom({
      upstreams: [upstreamOf(relay, "sk-number-one"), upstreamOf(relay, "sk-number-two")],
      providers: [LOCAL],
    });
    await room.pass(0);
    const tokens = relay.server.requests.map(
      ({ fields }) => fields.find(([name]) => /^auth/i.test(name))?.[1],
    );
    expect(new Set(tokens)).toEqual(new Set(["Bearer sk-number-one", "Bearer sk-number-two"]));
    await room.quota.stop();
    const state = readFileSync(room.home.paths.state, "utf8");
    expect(Object.keys((JSON.parse(state) as { quota: object }).quota)).toHaveLength(2);
    expect(state).not.toContain("sk-number");
  });

  test("U35: keeps its last reading when the lookup fails, and is free again when that is too old", async () => {
    await using relay = await startRelay(0);
    await using room = openRoom({ upstreams: [upstreamOf(relay, "sk-one")], providers: [LOCAL] });
    await room.pass(0);
    relay.left = "broken";
    await room.pass(MINUTE);
    expect(room.standings()).toEqual(["exhausted"]);
    expect(room.quota.rowsOf(room.upstreams[0] as Upstream)).toMatchObject([
      { source: "local", state: "exhausted", left: 0, limit: 10, error: "the endpoint answered 502" },
    ]);
    await room.pass(HOUR);
    expect(room.standings()).toEqual(["ok"]);
    expect(room.quota.rowsOf(room.upstreams[0] as Upstream)[0]?.state).toBe("stale");
  });

  test("U35: is never taken for exhausted by a lookup that always failed", async () => {
    await using relay = await startRelay("broken");
    await using room = openRoom({ upstreams: [upstreamOf(relay, "sk-one")], providers: [LOCAL] });
    await room.pass(0);
    expect(room.standings()).toEqual(["ok"]);
    expect(room.quota.rowsOf(room.upstreams[0] as Upstream)).toMatchObject([{ state: "error", left: null }]);
    // Nor is it asked in vain all night: the next request is soon enough.
    await room.pass(HOUR);
    expect(relay.asked).toBe(1);
    room.quota.observeHeaders(room.upstreams[0] as Upstream, new Headers());
    await room.pass(MINUTE);
    expect(relay.asked).toBe(2);
  });

  test("is not asked again by the next process while the reading is fresh", async () => {
    await using relay = await startRelay(0);
    const room = openRoom({ upstreams: [upstreamOf(relay, "sk-one")], providers: [LOCAL] });
    await room.pass(0);
    await room.quota.stop();
    expect(room.clock.isIdle).toBe(true);
    await using next = room.again();
    expect(next.standings()).toEqual(["exhausted"]);
    await next.pass(MINUTE - 1);
    expect(relay.asked).toBe(1);
  });

  test("that is short of quota keeps running sessions and gets new ones last", async () => {
    await using low = await startRelay(1);
    await using full = await startRelay(10);
    await using room = openRoom({
      upstreams: [upstreamOf(low, "sk-one"), upstreamOf(full, "sk-two")],
      providers: [LOCAL],
    });
    const plan = (sessionId: string) =>
      room.router.plan({ upstreams: room.upstreams, model: null, sessionId, now: room.clock.now() });
    const [first] = room.upstreams;
    const begun = room.router.admit(first as Upstream, {
      upstreams: room.upstreams,
      model: null,
      sessionId: "running",
      now: room.clock.now(),
    });
    plan("running");
    if (begun.kind === "go") begun.permit.succeed();
    await room.pass(0);
    expect(room.standings()).toEqual(["low", "ok"]);
    expect(plan("new").map(({ upstream }) => upstream.label)).toEqual(["main#2", "main#1"]);
    low.left = 0;
    await room.pass(MINUTE);
    expect(plan("running")[0]?.upstream.label).toBe("main#2");
  });
});

describe("a relay that is recognised by the headers of its answers", () => {
  const AUTO = { id: "auto", kind: "auto", domains: ["*"] };
  const token = { code: true, data: { total_granted: 1e6, total_used: 1e6, total_available: 0 } };
  const newApi = new Headers({ "x-new-api-version": "v0.9", "x-oneapi-request-id": "1" });

  test("is never asked before, then at most once in ten minutes, and remembered", async () => {
    await using server = await startFakeUpstream([reply({ body: token })]);
    const upstreams = [{ base_url: server.baseUrl, auth: { auth_token: "sk-one" } }];
    const room = openRoom({ upstreams, providers: [AUTO] });
    const [upstream] = room.upstreams as [Upstream];
    room.quota.observeHeaders(upstream, new Headers({ server: "nginx" }));
    await room.pass(HOUR);
    expect(server.requests).toHaveLength(0);
    room.quota.observeHeaders(upstream, newApi);
    await room.pass(1);
    expect(server.requests.map(({ target }) => target)).toEqual(["/api/usage/token/", "/api/status"]);
    expect(server.requests[1]?.fields.some(([name]) => /^authorization$/i.test(name))).toBe(false);
    expect(room.standings()).toEqual(["exhausted"]);
    await room.quota.refresh();
    await room.pass(5 * MINUTE);
    expect(server.requests).toHaveLength(2);
    await room.quota.stop();
    await using next = room.again();
    await next.pass(10 * MINUTE);
    expect(server.requests.filter(({ target }) => target === "/api/usage/token/")).toHaveLength(2);
  });

  test("gets no more than one question a minute, however many of its keys are used", async () => {
    await using server = await startFakeUpstream([reply({ body: token })]);
    const upstreams = ["sk-one", "sk-two", "sk-three"].map((auth_token) => ({
      base_url: server.baseUrl,
      auth: { auth_token },
    }));
    await using room = openRoom({ upstreams, providers: [AUTO] });
    for (const upstream of room.upstreams) room.quota.observeHeaders(upstream, newApi);
    const asked: number[] = [];
    for (let seconds = 0; seconds < 140; seconds += 10) {
      await room.quota.refresh();
      await room.pass(10_000);
      asked.push(server.requests.filter(({ target }) => target === "/api/usage/token/").length);
    }
    expect(asked).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3]);
    expect(room.standings()).toEqual(["exhausted", "exhausted", "exhausted"]);
  });

  test("is not asked again for a day where it does not offer it", async () => {
    await using server = await startFakeUpstream([reply({ status: 404 })]);
    const upstreams = [{ base_url: server.baseUrl, auth: { auth_token: "sk-one" } }];
    await using room = openRoom({ upstreams, providers: [AUTO] });
    const [upstream] = room.upstreams as [Upstream];
    for (let hours = 0; hours < 23; hours += 1) {
      room.quota.observeHeaders(upstream, newApi);
      await room.pass(HOUR);
    }
    expect(server.requests).toHaveLength(1);
    expect(room.standings()).toEqual(["ok"]);
  });

  test("is read in what its site counts in, and in dollars where that does not say", async () => {
    const site = { success: true, data: { quota_per_unit: 500_000, quota_display_type: "TOKENS" } };
    const some = { code: true, data: { total_granted: 1e6, total_used: 0, total_available: 1e6 } };
    for (const [status, unit, left] of [
      [200, "tokens", 1e6],
      [404, "USD", 2],
    ] as const) {
      await using server = await startFakeUpstream(({ target }) =>
        target === "/api/status" ? reply({ status, body: site }) : reply({ body: some }),
      );
      const upstreams = [{ base_url: server.baseUrl, auth: { auth_token: "sk-one" } }];
      const providers = [{ id: "site", kind: "newapi_token", domains: ["127.0.0.1"] }];
      await using room = openRoom({ upstreams, providers });
      await room.pass(0);
      expect(room.quota.rowsOf(room.upstreams[0] as Upstream)).toMatchObject([{ unit, left }]);
    }
  });

  test("is asked by nobody where the user has taken auto out", async () => {
    await using server = await startFakeUpstream([reply({ body: token })]);
    const upstreams = [{ base_url: server.baseUrl, auth: { auth_token: "sk-one" } }];
    await using room = openRoom({ upstreams, providers: [] });
    room.quota.observeHeaders(room.upstreams[0] as Upstream, newApi);
    await room.pass(HOUR);
    await room.quota.refresh();
    expect(server.requests).toHaveLength(0);
  });
});

describe("a key without a limit", () => {
  test.each<[string, object, string, boolean]>([
    ["openrouter", { data: { limit: null, usage: 3 } }, "no_key_limit", true],
    ["moonshot", { code: 0, status: true, data: { available_balance: 50 } }, "ok", false],
  ])(
    "of %s ends a refusal for lack of credit only where what is left is told",
    async (preset, body, state, isExhausted) => {
      await using server = await startFakeUpstream([reply({ body })]);
      const upstreams = [{ base_url: server.baseUrl, auth: { auth_token: "sk-one" } }];
      const provider = {
        id: "p",
        kind: "json_path",
        preset,
        endpoint: `${server.baseUrl}/x`,
        poll_interval_secs: 60,
      };
      await using room = openRoom({ upstreams, providers: [{ ...provider, domains: ["127.0.0.1"] }] });
      const [upstream] = room.upstreams as [Upstream];
      const request = { upstreams: room.upstreams, model: null, sessionId: null, now: room.clock.now() };
      room.router.plan(request);
      const begun = room.router.admit(upstream, request);
      if (begun.kind === "go")
        begun.permit.fail(makeVerdict({ rule: "payment-required", blame: "exhausted" }));
      await room.pass(1);
      await room.pass(MINUTE);
      expect(room.quota.rowsOf(upstream)).toMatchObject([{ state }]);
      expect(room.router.report(upstream).isExhausted).toBe(isExhausted);
    },
  );
});

test("88code is asked by POST, without a body", async () => {
  const body = { code: 0, ok: true, data: { creditLimit: 20, currentCredits: 6.5 } };
  await using server = await startFakeUpstream([reply({ body })]);
  const upstreams = [{ base_url: server.baseUrl, auth: { auth_token: "sk-one" } }];
  const provider = { id: "88", kind: "json_path", preset: "code88", endpoint: `${server.origin}/api/usage` };
  await using room = openRoom({ upstreams, providers: [{ ...provider, domains: ["127.0.0.1"] }] });
  await room.pass(0);
  expect(server.requests.map(({ method, target }) => `${method} ${target}`)).toEqual(["POST /api/usage"]);
  expect(room.quota.rowsOf(room.upstreams[0] as Upstream)).toMatchObject([{ left: 6.5, unit: "credits" }]);
});

describe("S11: a key never leaves for a host that is not its own", () => {
  test("neither to a planted endpoint, nor where a redirect leads, nor by http", async () => {
    await using relay = await startFakeUpstream((request) =>
      reply({ status: 302, headers: { location: `${planted.origin}${request.target}` } }),
    );
    await using planted = await startFakeUpstream([reply({ body: { isValid: true, remaining: 0 } })]);
    const upstreams = [{ base_url: relay.baseUrl, auth: { auth_token: "sk-one" } }];
    const port = new URL(planted.origin).port;
    for (const endpoint of [
      `${planted.origin}/v1/usage`,
      `http://localhost:${port}/v1/usage`,
      "http://relay.example/v1/usage",
      "https://relay.example/v1/usage",
      `${relay.origin}/v1/usage`,
    ]) {
      await using room = openRoom({ upstreams, providers: [{ ...LOCAL, endpoint }] });
      await room.pass(0);
      await room.quota.refresh();
      const [row] = room.quota.rowsOf(room.upstreams[0] as Upstream);
      expect(row?.state).toBe("error");
      expect(room.standings()).toEqual(["ok"]);
    }
    expect(planted.connections).toHaveLength(0);
    expect(new Set(relay.requests.map(({ target }) => target))).toEqual(new Set(["/v1/usage"]));
  });
});

describe("what answers say in their headers", () => {
  const codex = (percent: number, resetsIn: number): Headers =>
    new Headers({
      "x-codex-primary-used-percent": String(percent),
      "x-codex-primary-window-minutes": "300",
      "x-codex-primary-reset-after-seconds": String(resetsIn),
    });

  test("is a reading without a question, until its window is over", async () => {
    const official = { base_url: "https://chatgpt.com/backend-api/codex", auth: { auth_token: "sk-one" } };
    await using room = openRoom({ upstreams: [official], providers: [] });
    const [upstream] = room.upstreams as [Upstream];
    room.quota.observeHeaders(upstream, codex(40, 3_600));
    expect(room.standings()).toEqual(["ok"]);
    room.quota.observeHeaders(upstream, codex(93, 1_200));
    expect(room.standings()).toEqual(["low"]);
    room.quota.observeHeaders(upstream, codex(100, 1_200));
    expect(room.standings()).toEqual(["exhausted"]);
    expectInEnglish(room.router.report(upstream)).toMatchObject({
      reason: "100% used (5 h)",
      until: room.clock.now() + 1_200_000,
    });
    expect(room.quota.rowsOf(upstream)).toMatchObject([
      { source: "headers", window: "5h", left: 0, unit: "%" },
    ]);
    await room.pass(1_200_000);
    expect(room.standings()).toEqual(["ok"]);
  });

  test("of a relay that passes on one account's figures is at most a reason to begin elsewhere", async () => {
    const relay = { base_url: "https://relay.example/v1", auth: { auth_token: "sk-one" } };
    await using room = openRoom({ upstreams: [relay], providers: [] });
    room.quota.observeHeaders(room.upstreams[0] as Upstream, codex(100, 1_200));
    expect(room.standings()).toEqual(["low"]);
  });
});

describe("what an owner keeps of a plan", () => {
  const official = (keep: Readonly<Record<string, number>>) => ({
    base_url: "https://chatgpt.com/backend-api/codex",
    auth: { auth_token: "sk-one" },
    keep,
  });
  const windows = (fiveHours: number, week: number): Headers =>
    new Headers({
      "x-codex-primary-used-percent": String(week),
      "x-codex-primary-window-minutes": "10080",
      "x-codex-primary-reset-after-seconds": "86400",
      "x-codex-secondary-used-percent": String(fiveHours),
      "x-codex-secondary-window-minutes": "300",
      "x-codex-secondary-reset-after-seconds": "3600",
    });
  const ask = ({ clock, router, upstreams }: Room, more = {}) =>
    router.admit(upstreams[0] as Upstream, {
      upstreams,
      model: "gpt-6",
      sessionId: null,
      now: clock.now(),
      ...more,
    });

  test("is not asked for, not even as the last one, until the window is full again", async () => {
    await using room = openRoom({ upstreams: [official({ "5h": 20, "7d": 10 })], providers: [] });
    const [upstream] = room.upstreams as [Upstream];
    expect(room.quota.reservesOf(upstream).map(({ state }) => state)).toEqual(["unknown", "unknown"]);
    expect(ask(room).kind).toBe("go");
    room.quota.observeHeaders(upstream, windows(79, 40));
    expect(room.standings()).toEqual(["ok"]);
    room.quota.observeHeaders(upstream, windows(80, 40));
    expect(room.standings()).toEqual(["exhausted"]);
    expectInEnglish(room.router.report(upstream)).toMatchObject({
      reason: "20% of 5 h left, 20% is kept for you",
      source: "your reserve",
      until: room.clock.now() + HOUR,
      isBarred: true,
    });
    expect(ask(room).kind).toBe("blocked");
    // What is no turn uses nothing of it.
    expect(ask(room, { isNeutral: true }).kind).toBe("go");
    await room.pass(HOUR);
    expect(ask(room).kind).toBe("go");
    room.quota.observeHeaders(upstream, windows(0, 91));
    expectInEnglish(room.router.report(upstream)).toMatchObject({
      reason: "9% of 7 d left, 10% is kept for you",
    });
  });

  test("is not kept back by a reading that is out of date", async () => {
    await using room = openRoom({ upstreams: [official({ "7d": 50 })], providers: [] });
    const [upstream] = room.upstreams as [Upstream];
    room.quota.observeHeaders(upstream, windows(0, 60));
    expect(ask(room).kind).toBe("blocked");
    await room.pass(HOUR + 1);
    expect(ask(room).kind).toBe("go");
    expect(room.quota.reservesOf(upstream)).toMatchObject([{ state: "stale", left: 40 }]);
    room.quota.observeHeaders(upstream, windows(0, 61));
    expect(ask(room).kind).toBe("blocked");
  });

  test("is read from a balance too, whatever its unit", async () => {
    await using relay = await startRelay(3);
    await using room = openRoom({
      upstreams: [{ ...upstreamOf(relay, "sk-one"), keep: { key: 25 } }],
      providers: [LOCAL],
    });
    await room.pass(0);
    expect(room.quota.reservesOf(room.upstreams[0] as Upstream)).toMatchObject([{ state: "free", left: 30 }]);
    relay.left = 2.5;
    await room.pass(MINUTE);
    await room.quota.refresh();
    expect(room.standings()).toEqual(["exhausted"]);
  });
});

test("a file that is broken is reported, and the last good one counts", async () => {
  await using relay = await startRelay(0);
  await using room = openRoom({ upstreams: [upstreamOf(relay, "sk-one")], providers: [LOCAL] });
  await room.pass(0);
  const path = room.home.write(".codex-helper/usage_providers.json", '{"providers": 1}');
  await waitUntil(() => room.quota.problem() !== null);
  expect(room.quota.problem()?.message).toBe(`${path}:1:15: providers: must be a list`);
  await room.pass(MINUTE);
  await room.pass(MINUTE);
  expect(relay.asked).toBe(3);
  expect(room.troubles).toEqual([`${path}:1:15: providers: must be a list`]);
});

test("each reading of a balance is a line of readings.jsonl, without a key, and survives what is broken there", async () => {
  await using relay = await startRelay(10);
  await using room = openRoom({
    upstreams: [upstreamOf(relay, "sk-relay-0123456789abcdef")],
    providers: [LOCAL],
  });
  await room.pass(0);
  relay.left = "broken";
  await room.quota.refresh();
  relay.left = 4;
  room.clock.advance(MINUTE);
  await room.quota.refresh();
  const { readingsLog } = room.home.paths;
  const text = readFileSync(readingsLog, "utf8");
  expect(text).not.toContain("sk-relay");
  appendFileSync(readingsLog, "{broken\n");
  const lines = await readReadings(readingsLog, null);
  expect(lines.map(({ meters }) => meters[0]?.left)).toEqual([10, 4]);
  expect(lines[0]).toMatchObject({
    upstreams: [{ label: "main#1", base_url: relay.server.baseUrl }],
    meters: [{ unit: "USD" }],
  });
  expect(await readReadings(readingsLog, lines[1]?.timestamp_ms ?? 0)).toHaveLength(1);
});
