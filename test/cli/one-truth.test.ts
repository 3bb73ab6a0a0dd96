// How an upstream is, on every screen: one home with an upstream in each state that there is, and all that tells of it side by side.
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createLiveConfig } from "../../src/app/live-config.ts";
import { createRouterState } from "../../src/app/router-state.ts";
import { fingerprint } from "../../src/base/secrets.ts";
import type { Upstream } from "../../src/base/upstream.ts";
import { type Balance, UNCAPPED, UNLIMITED, makeBalance, makeMeter } from "../../src/quota/balance.ts";
import { readHeaderSignals } from "../../src/quota/header-signals.ts";
import { type Reading, makeReading, withBalance, withError } from "../../src/quota/reading.ts";
import { createSavedReadings } from "../../src/quota/saved-readings.ts";
import { headersKey } from "../../src/quota/sources.ts";
import { createRouter } from "../../src/routing/router.ts";
import type { Verdict } from "../../src/routing/types.ts";
import { GOOD, reply } from "../helpers/answers.ts";
import { runCli, startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { makeVerdict } from "../helpers/routing.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { waitUntil } from "../helpers/wait.ts";
import { makeEntry } from "../log/make-entry.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.now();
/** Nothing listens here, nor at the outbound proxies' ports. */
const CLOSED = `http://127.0.0.1:${freePort()}`;
const WAY = `http://127.0.0.1:${freePort()}`;
const CHATGPT = "https://chatgpt.com/backend-api/codex";

interface Case {
  readonly state: string;
  /** What all screens have to say, with every clock time as "TIME". */
  readonly says: string;
  /** What all of them have to say against it, with the label as "LABEL"; null for nothing. Default: `FIXES` of the words. */
  readonly fix?: string | null;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Dollars that its log has of today. */
  readonly spent?: number;
  /** What attempts came to, at so many ms from now. */
  readonly failed?: readonly Partial<Verdict & { at: number }>[];
  /** What its lookup says. */
  readonly read?: Balance | "error" | null;
  readonly readAt?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const left = (rest: number, resetsAt: number | null = null): Balance | null =>
  makeBalance([makeMeter({ name: "key", unit: "USD", left: rest, limit: 20, resetsAt })]);
const spent = (untilMs: number, stated = true): Partial<Verdict> => ({
  rule: "codex-usage-limit",
  blame: "exhausted",
  until: NOW + Math.min(untilMs, 2 * HOUR),
  resetsAt: stated ? NOW + untilMs : null,
  reason: { rule: "codex-usage-limit", status: 429 },
  source: stated ? { rule: "body-field", name: "resets_at" } : { rule: "default-time", time: "15 min" },
});
const refused = { rule: "never-sent", blame: "never-sent", reason: { rule: "never-sent" } } as const;
const failed = { rule: "server-error", blame: "failure" } as const;
const codexHeaders = (percent: number): Readonly<Record<string, string>> => ({
  "x-codex-primary-used-percent": `${percent}`,
  "x-codex-primary-window-minutes": "300",
  "x-codex-primary-reset-after-seconds": "7200",
});

const CASES: readonly Case[] = [
  { state: "fresh", says: "ready" },
  { state: "ok by lookup", says: "ready", read: left(14) },
  { state: "unlimited by lookup", says: "ready", read: UNLIMITED },
  { state: "a key without a limit", says: "ready", read: UNCAPPED },
  { state: "low by lookup", says: "low on quota", read: left(1) },
  { state: "low by budget", says: "low on quota", spent: 10, config: { budget_usd: { day: 10.5 } } },
  { state: "low by a relay's headers", says: "low on quota", headers: codexHeaders(100) },
  {
    state: "spent by answer, with its reset",
    says: "spent until TIME (said by the upstream)",
    failed: [spent(2 * HOUR)],
  },
  {
    state: "spent by answer, for days",
    says: "spent until TIME (said by the upstream)",
    failed: [spent(75 * HOUR)],
  },
  {
    state: "spent by answer, without a reset",
    says: "spent until TIME (default 15 min)",
    failed: [spent(15 * MINUTE, false)],
  },
  {
    state: "spent by lookup, with its reset",
    says: "spent until TIME (balance read)",
    read: left(0, NOW + 5 * HOUR),
  },
  { state: "spent by lookup, without a reset", says: "spent (balance read)", read: left(0) },
  {
    state: "spent by headers",
    says: "spent until TIME (headers of its answers)",
    headers: codexHeaders(100),
    config: { base_url: CHATGPT, proxy: WAY },
  },
  {
    state: "spent by budget",
    says: "spent until TIME (your budget)",
    fix: "ch budget lift LABEL --for 1h",
    spent: 10,
    config: { budget_usd: { day: 5 } },
  },
  {
    state: "spent by answer, and longer by lookup",
    says: "spent until TIME (balance read)",
    failed: [spent(15 * MINUTE, false)],
    read: left(0, NOW + 9 * HOUR),
  },
  {
    state: "spent by answer, while its lookup says plenty",
    says: "spent until TIME (said by the upstream)",
    failed: [spent(2 * HOUR)],
    read: left(14),
  },
  {
    state: "spent by answer, until a lookup said plenty",
    says: "ready",
    failed: [{ ...spent(15 * MINUTE, false), at: -MINUTE }],
    read: left(14),
  },
  {
    state: "cooling for a stated time",
    says: "cooling until TIME (said by the upstream)",
    failed: [
      {
        rule: "rate-limit",
        blame: "cooldown",
        until: NOW + 30 * MINUTE,
        resetsAt: NOW + 30 * MINUTE,
        source: { rule: "header", name: "retry-after" },
      },
    ],
  },
  {
    state: "cooling for a time of ours",
    says: "cooling until TIME (default, exponential backoff)",
    failed: [{ rule: "rate-limit", blame: "cooldown", until: null, source: { rule: "default-backoff" } }],
  },
  {
    state: "a dead key",
    says: "key refused until TIME (default 5 min)",
    failed: [
      {
        rule: "credential",
        blame: "auth-dead",
        until: NOW + 5 * MINUTE,
        reason: { rule: "credential", status: 401 },
        source: { rule: "default-time", time: "5 min" },
      },
    ],
  },
  {
    state: "an address that is down",
    says: "down until TIME (circuit breaker, 1200 s)",
    failed: [refused, refused],
  },
  {
    state: "failures in a row",
    says: "down until TIME (circuit breaker, 1200 s)",
    failed: [failed, failed, failed],
  },
  {
    state: "a refused certificate",
    says: "down until TIME (certificate errors, 5 min)",
    failed: [{ rule: "certificate", blame: "tls", reason: { rule: "certificate" } }],
  },
  { state: "half-open", says: "probing", failed: [{ ...spent(2 * HOUR, false), at: -20 * MINUTE }] },
  {
    state: "half-open before the reset that was stated",
    says: "probing, else until TIME (said by the upstream)",
    failed: [{ ...spent(75 * HOUR), at: -20 * MINUTE }],
  },
  {
    state: "its outbound proxy is down",
    says: "down until TIME (circuit breaker, 1200 s)",
    config: { proxy: `http://127.0.0.1:${freePort()}` },
    failed: [
      { ...refused, blame: "proxy" },
      { ...refused, blame: "proxy" },
    ],
  },
  { state: "disabled", says: "off", config: { enabled: false } },
  { state: "an unknown key", says: "cannot be used", config: { auth: { auth_token_env: "NOT_SET" } } },
  {
    state: "an unknown x-api-key",
    says: "cannot be used",
    fix: "ch config set LABEL --api-key-stdin",
    config: { auth: { api_key_env: "NOT_SET" } },
  },
  { state: "disabled for a while", says: "off", config: { disabled_until: "2999-01-01T00:00:00Z" } },
  { state: "a stale reading", says: "ready", read: left(0), readAt: NOW - 90 * MINUTE },
  { state: "a lookup that failed", says: "ready", read: "error" },
  {
    state: "a reading whose reset has passed",
    says: "ready",
    read: left(0, NOW - MINUTE),
    readAt: NOW - 10 * MINUTE,
  },
  {
    state: "a model that it does not offer",
    says: "ready",
    failed: [
      {
        rule: "model-unknown",
        blame: "model",
        until: NOW + HOUR,
        reason: { rule: "model-unknown", status: 404 },
        source: { rule: "default-time", time: "10 min" },
      },
    ],
  },
];

/** By the beginning of the words. */
const FIXES: readonly (readonly [words: string, fix: string | null])[] = [
  ["ready", null],
  ["low on quota", "ch quota"],
  ["spent", "ch quota"],
  ["cooling", null],
  ["key refused", "ch config set LABEL --auth-token-stdin"],
  ["down", "ch doctor --probe LABEL"],
  ["probing", null],
  ["off", "ch config enable LABEL"],
  ["cannot be used", "ch config set LABEL --auth-token-stdin"],
];
const SIGNS: Readonly<Record<string, string>> = {
  "●": "ready|low on quota",
  "◐": "probing",
  "◔": "cooling|model not available",
  "▲": "spent",
  "✕": "key refused|down|cannot be used",
  "○": "off",
};
const fixOf = (index: number): string | null => {
  const { fix, says = "" } = CASES[index] ?? {};
  const usual = FIXES.find(([words]) => says.startsWith(words))?.[1] ?? null;
  return (fix === undefined ? usual : fix)?.replaceAll("LABEL", labelOf(index)) ?? null;
};
const labelOf = (index: number): string => `main#${index + 1}`;
const tokenOf = (index: number): string => `sk-token-${index}`;

interface Shown {
  readonly label: string;
  readonly standing: string;
  readonly until_ms: number | null;
  readonly since_ms: number | null;
  readonly retry_at_ms: number | null;
  readonly source: string | null;
  readonly usage_exhausted: boolean;
  readonly problem: string | null;
  readonly fix: string | null;
}

/** The home, as proxies of this moment would leave it. */
async function makeHome() {
  const home = makeTempHome();
  const upstreams = CASES.map(({ config }, index) => ({
    base_url: `${CLOSED}/u${index}/v1`,
    auth: { auth_token: tokenOf(index) },
    ...config,
  }));
  home.write(".codex-helper/config.json", {
    routing: { open_secs: 1_200, open_max_secs: 1_200, max_upstreams_per_request: 10 },
    codex: { configs: { main: { upstreams } } },
  });
  const domains = ["127.0.0.1"];
  home.write(".codex-helper/usage_providers.json", {
    providers: [{ id: "local", kind: "sub2api_usage", domains }],
  });
  const lines = CASES.flatMap(({ spent: usd }, index) =>
    usd === undefined
      ? []
      : [
          makeEntry({
            timestamp_ms: NOW,
            upstream_base_url: `${CLOSED}/u${index}/v1`,
            model: "gpt-5",
            usage: { input_tokens: usd * 800_000, output_tokens: 0, total_tokens: usd * 800_000 },
          }),
        ],
  );
  mkdirSync(dirname(home.paths.requestsLog), { recursive: true });
  writeFileSync(home.paths.requestsLog, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

  const { env, paths } = home;
  let at = NOW;
  const live = createLiveConfig({ paths, env, now: () => at });
  const router = createRouter({ settings: () => live.settings().routing, now: () => at, random: () => 0.5 });
  const onTrouble = (words: unknown): never => {
    throw new Error(String(words));
  };
  const saved = createRouterState({ paths, service: "codex", router, onTrouble });
  const readings = createSavedReadings({ paths, onTrouble, now: () => NOW });
  const route = live.routeOf("codex");
  const all = route.listUpstreams()?.entries ?? [];
  for (const [index, { upstream }] of all.entries()) {
    const one = CASES[index];
    for (const { at: passed = 0, ...verdict } of one?.failed ?? []) {
      at = NOW + passed;
      fail(router, upstream, makeVerdict({ ...verdict }));
    }
    at = NOW;
    const key = `local@${new URL(CLOSED).host}|${fingerprint(tokenOf(index))}`;
    const reading = readingOf(one);
    if (reading !== null) readings.readings.set(key, reading);
    const said = readHeaderSignals(new Headers(one?.headers), {
      now: NOW,
      isFirstParty: upstream.isOfficial,
    });
    if (said !== null)
      readings.readings.set(headersKey(upstream), withBalance(makeReading("headers"), said, NOW));
  }
  saved.noteChange();
  readings.noteChange();
  await saved.flush();
  await readings.flush();
  return home;
}

function fail(router: ReturnType<typeof createRouter>, upstream: Upstream, verdict: Verdict): void {
  const request = { upstreams: [upstream], model: "m", sessionId: null, now: NOW };
  const admission = router.admit(upstream, request);
  if (admission.kind === "go") admission.permit.fail(verdict);
}

function readingOf({ read, readAt = NOW }: Partial<Case> = {}): Reading | null {
  if (read === undefined || read === null) return null;
  const none = makeReading("local");
  return read === "error"
    ? withError(none, { error: "the endpoint answered 502", isUnsupported: false, now: NOW })
    : withBalance(none, read, readAt);
}

/** The words after a label and its sign at the beginning of a line. */
function wordsIn(screen: string): ReadonlyMap<string, string> {
  const found = screen.split("\n").flatMap((line) => {
    const [, label, sign = "", words = ""] =
      /^ *(?:\d+ {2})?(main#\d+) {2,}(\S) (\S+(?: \S+)*)/.exec(line) ?? [];
    if (label === undefined) return [];
    expect(words).toMatch(new RegExp(`^(?:${SIGNS[sign]})`));
    return [[label, words] as const];
  });
  return new Map(found);
}

/** The same of `config show`, which has a paragraph for each. */
function wordsOfConfig(screen: string): ReadonlyMap<string, string> {
  const lines = [...screen.matchAll(/^(main#\d+) {2}.*\n {2}state +(.*)$/gm)];
  return wordsIn(lines.map(([, label, words]) => `${label}  ${words}`).join("\n"));
}

const TIME = /(?:tomorrow |[A-Z]\w\w )?\d\d:\d\d/;
const isSubject = (label: string): boolean =>
  !["off"].includes(CASES[Number(label.slice(5)) - 1]?.says ?? "");

const statesOf = (all: readonly Shown[]): ReadonlyMap<string, object> =>
  new Map(
    all.map(({ fix, label, problem, retry_at_ms, since_ms, source, standing, until_ms, usage_exhausted }) => [
      label,
      // A budget is counted anew whenever it is looked at.
      {
        since_ms: source === "your budget" ? null : since_ms,
        standing,
        until_ms,
        retry_at_ms,
        source,
        usage_exhausted,
        problem,
        fix,
      },
    ]),
  );

/** Everything that tells how the upstreams are, at one moment. */
async function readScreens(home: Awaited<ReturnType<typeof makeHome>>) {
  const run = async (...args: string[]): Promise<string> =>
    (await runCli([...args, "--codex"], { home })).stdout;
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await run(...args, "--json")) as T;
  const [status, quota, explain, config, statusJson, quotaJson, explainJson, configJson, doctor] =
    await Promise.all([
      run("status"),
      run("quota"),
      run("routing", "explain"),
      run("config", "show", "main"),
      json<{ services: { upstreams: Shown[] }[] }>("status"),
      json<{ upstreams: Shown[] }>("quota"),
      json<{ places: Shown[] }>("routing", "explain"),
      json<{ upstreams: (Shown & { target: string })[] }>("config", "show", "main"),
      runCli(["doctor", "--json"], { home }).then(
        ({ stdout }) => JSON.parse(stdout) as { checks: { id: string; message: string; hint?: string }[] },
      ),
    ]);
  /** What doctor says to type against each. */
  const hints = doctor.checks.flatMap(({ hint = null, id, message }) => {
    const [label] = /^main#\d+(?=:)/.exec(message) ?? [];
    const isOfState = id === "availability" || (id === "credentials" && !message.includes("is stored in"));
    return label !== undefined && isOfState && hint !== null ? [[label, hint] as const] : [];
  });
  const ofDoctor = doctor.checks.flatMap(({ id, message }) => {
    const [, label, words] = /^(main#\d+): ([^:]+(?::\d\d[^:]*)?)(?::|$)/.exec(message) ?? [];
    return id === "availability" && label !== undefined && words !== undefined
      ? [[label, words] as const]
      : [];
  });
  return {
    words: {
      status: wordsIn(status),
      quota: wordsIn(quota),
      explain: wordsIn(explain),
      config: wordsOfConfig(config),
      doctor: new Map(ofDoctor),
    },
    screens: { status, quota, explain, config },
    fixes: {
      doctor: new Map(hints),
      config: new Map(configJson.upstreams.map(({ fix, target }) => [target, fix])),
    },
    states: {
      status: statesOf(statusJson.services[0]?.upstreams ?? []),
      quota: statesOf(quotaJson.upstreams),
      explain: statesOf(explainJson.places),
    },
  };
}

type Screens = Awaited<ReturnType<typeof readScreens>>;

function expectOneTruth(
  { fixes, screens, states, words }: Screens,
  pages: Readonly<Record<string, ReadonlyMap<string, object>>> = {},
): void {
  for (const index of CASES.keys()) {
    const label = labelOf(index);
    const told = words.status.get(label);
    expect({ state: CASES[index]?.state, says: told?.replace(TIME, "TIME") }).toEqual({
      state: CASES[index]?.state,
      says: CASES[index]?.says,
    });
    const all = {
      quota: words.quota.get(label),
      explain: words.explain.get(label),
      config: words.config.get(label),
      doctor: words.doctor.get(label),
    };
    const isListed = isSubject(label);
    // A disabled upstream is none of the route, and the doctor says what is wrong with a key in a check of its own.
    const isUsable = CASES[index]?.says !== "cannot be used";
    expect({ label, ...all }).toEqual({
      label,
      quota: told,
      explain: isListed ? told : undefined,
      config: told,
      doctor: isListed && isUsable ? told : undefined,
    });
    const known = states.status.get(label);
    const fix = fixOf(index);
    expect({ label, ...known }).toMatchObject({ label, fix });
    expect({ label, fix: fixes.config.get(label) }).toEqual({ label, fix });
    expect({ label, fix: fixes.doctor.get(label) ?? null }).toEqual({ label, fix: isListed ? fix : null });
    if (fix === null || !isListed) continue;
    // Those that fail alike share the command of the first; what is only low needs none yet.
    const isShared = fix.includes("--probe") || fix.includes("--auth-token-stdin");
    for (const [name, screen] of Object.entries(screens)) {
      const isShown = name !== "status" || (!told?.startsWith("low") && !isShared);
      // The balance is what `ch quota` shows.
      if (isShown && !(name === "quota" && fix === "ch quota"))
        expect({ label, name, screen }).toMatchObject({ screen: expect.stringContaining(fix) });
    }
  }
  for (const index of CASES.keys()) {
    const label = labelOf(index);
    const isListed = isSubject(label);
    const known = states.status.get(label);
    for (const [name, others] of Object.entries({ ...states, ...pages })) {
      const isOrder = name.startsWith("explain");
      expect({ label, name, ...others.get(label) }).toEqual({
        label,
        name,
        ...(isOrder && !isListed ? {} : known),
      });
    }
  }
}

describe("state, end and source of an upstream are one on all screens", () => {
  test("there are twenty-five states and more", () => {
    expect(CASES.length).toBeGreaterThanOrEqual(25);
    expect(new Set(CASES.map(({ state }) => state)).size).toBe(CASES.length);
  });

  test("without a proxy, from what the last one left", async () => {
    using home = await makeHome();
    expectOneTruth(await readScreens(home));
    const ofModel = await runCli(["routing", "explain", "--model", "m", "--codex"], { home });
    const last = labelOf(CASES.length - 1);
    expect(wordsIn(ofModel.stdout).get(last)).toMatch(
      /^model not available until \S+ ?\S* ?\S* \(default 10 min\)$/,
    );
  });

  test("with a proxy: its own pages too, and its answer when none is left", async () => {
    using home = await makeHome();
    const port = freePort();
    await using serving = startCli(["serve", "--no-switch", "--codex", "--port", `${port}`], { home });
    await serving.waitFor(/on http:\/\/127\.0\.0\.1:\d+/);
    const page = async <T>(name: string): Promise<T> =>
      (await (await fetch(`http://127.0.0.1:${port}/__codex-helper/${name}`)).json()) as T;
    // The month is summed after the start.
    await waitUntil(async () => JSON.stringify(await page("status")).includes("your budget"));
    const [status, explain] = await Promise.all([
      page<{ upstreams: Shown[] }>("status"),
      page<{ places: Shown[] }>("explain"),
    ]);
    const before = await readScreens(home);
    expectOneTruth(before, { page: statesOf(status.upstreams), "explain-page": statesOf(explain.places) });

    const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      body: '{"model":"n","stream":true,"input":[]}',
    });
    const said = await answer.text();
    expect(said).toContain("No upstream could answer Codex.");
    const now = wordsIn((await runCli(["routing", "explain", "--codex"], { home })).stdout);
    const told: string[] = [];
    for (const [label, words] of now) {
      // What ends within moments is not told: asked again, the answer is the same.
      if (!/ until /.test(words)) continue;
      told.push(label);
      expect({ label, words, said }).toMatchObject({
        said: expect.stringMatching(new RegExp(`${label}: [^#]*, ${RegExp.escape(words)}`)),
      });
    }
    expect(told.length).toBeGreaterThan(8);
  }, 60_000);
});

test("the live log has label, sign, state and fix as status has them", async () => {
  const resets_at = Math.floor(Date.now() / 1000) + 7_200;
  const error = { type: "usage_limit_reached", message: "limit", resets_at };
  await using spent = await startFakeUpstream([reply({ status: 429, body: { error } })]);
  await using refusing = await startFakeUpstream([
    reply({ status: 401, body: { error: { message: "no" } } }),
  ]);
  await using backup = await startFakeUpstream([GOOD.responses(), GOOD.responses()]);
  using home = makeTempHome();
  const upstreams = [spent, refusing, backup].map(({ baseUrl }, index) => ({
    base_url: baseUrl,
    auth: { [index === 1 ? "api_key" : "auth_token"]: tokenOf(index) },
  }));
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
  const port = freePort();
  await using serving = startCli(["serve", "--no-switch", "--codex", "--port", `${port}`], { home });
  await serving.waitFor(/on http:\/\/127\.0\.0\.1:\d+/);
  const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    body: '{"model":"m","stream":true,"input":[]}',
  });
  await answer.text();
  await serving.waitFor(/ch config set main#2 --api-key-stdin/);
  const { stdout } = await runCli(["status", "--codex"], { home });
  const states = wordsIn(stdout);
  const log = serving.stderr();
  const [state = ""] = /^spent until (?:tomorrow )?\d\d:\d\d/.exec(states.get("main#1") ?? "") ?? [];
  expect(state).not.toBe("");
  expect(log).toContain(`main#1 ▲ ${state}`);
  expect(states.get("main#2")).toStartWith("key refused");
  expect(log).toContain("credential, next main#3");
  for (const screen of [stdout, log]) expect(screen).toContain("ch config set main#2 --api-key-stdin");
});

describe("what keeps all requests from being sent is said alike, with what to type", () => {
  const one = { base_url: "https://relay.example/v1" };
  test.each([
    ["nothing is set up", {}, /no upstream is configured for Codex/, /ch (?:config add|init)/],
    [
      "the active config does not exist",
      { active: "nix", configs: { a: { upstreams: [one] }, b: { upstreams: [one] } } },
      /the active config of Codex is "nix", which does not exist/,
      /ch config set-active a/,
    ],
    [
      "no config is active",
      { configs: { a: { upstreams: [one] }, b: { upstreams: [one] } } },
      /Codex has no active config/,
      /ch config set-active a/,
    ],
    [
      "a mistyped key in the place of the upstreams",
      { configs: { a: { upstraems: [one] } } },
      /config\.json line \d+: unknown key "upstraems" \(did you mean "upstreams"\?\)/,
      /ch config edit/,
    ],
    [
      "a mistyped key in the place of the configs",
      { confgs: { a: { upstreams: [one] } } },
      /config\.json line \d+: unknown key "confgs" \(did you mean "configs"\?\)/,
      /ch config edit/,
    ],
    [
      "an address that is none",
      { configs: { a: { upstreams: [{ base_url: "relay" }] } } },
      /upstreams\[0\]\.base_url: must begin with https/,
      /ch config edit/,
    ],
    ["a file that is no JSON", '{ "codex": ', /config\.json:1:\d+: /, /ch config edit/],
  ])("%s", async (_, codex, says, fix) => {
    using home = makeTempHome();
    home.write(".codex-helper/config.json", typeof codex === "string" ? codex : { codex });
    for (const line of ["status", "quota", "routing explain", "config show", "doctor", "serve --no-switch"]) {
      const { stderr, stdout } = await runCli([...line.split(" "), "--codex"], { home });
      const shown = (stdout + stderr).replace(/\s+/g, " ");
      const isUnused = line === "doctor" && /no upstream/.test(says.source);
      // It looks for something to take over first.
      if (line.startsWith("serve") && /no upstream/.test(says.source)) continue;
      expect({ line, shown }).toEqual({
        line,
        shown: expect.stringMatching(isUnused ? /not set up here/ : says),
      });
      expect({ line, shown }).toEqual({ line, shown: expect.stringMatching(fix) });
    }
  });
});
