import { describe, expect, test } from "bun:test";
import type { Service } from "../../src/base/service.ts";
import { inEnglish } from "../../src/base/text.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { type Ready, type ResolveContext, resolveConfig } from "../../src/config/resolve.ts";
import { textsInEnglish } from "../helpers/texts-in-english.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const BASE = { base_url: "https://relay.example/v1" };

interface Situation {
  readonly file: object;
  readonly service?: Service;
  readonly context?: Partial<ResolveContext>;
}

function resolve({ file, service = "codex", context = {} }: Situation) {
  const config = parseConfig(JSON.stringify(file), "config.json");
  return resolveConfig(config, service, { env: {}, clientSecret: () => undefined, now: NOW, ...context });
}

function ready(situation: Situation): Ready {
  const resolved = resolve(situation);
  if (resolved.kind !== "ready") throw new Error(inEnglish(resolved.message));
  return resolved;
}

/** The first upstream of a config that holds this one. */
function only(parts: object, { top = {}, ...situation }: Partial<Situation> & { top?: object } = {}) {
  const service = situation.service ?? "codex";
  const file = { ...top, [service]: { configs: { main: { upstreams: [{ ...BASE, ...parts }] } } } };
  const [upstream] = ready({ ...situation, file }).upstreams;
  if (upstream === undefined) throw new Error("no upstream");
  return upstream;
}

describe("how many requests an account takes at once", () => {
  const KEY = { auth: { auth_token: "sk-a" } };
  const lanesOf = (file: object, service: Service = "codex", configName = "main") =>
    ready({ file, service, context: { configName } }).upstreams.map(({ lane }) => lane);

  test("is not counted where nothing is said", () => {
    expect(only({}).lane).toBeNull();
    expect(only({ queue_secs: 0 }).lane).toMatchObject({ limit: null, queueMs: 0, group: null });
    expect(only({ max_concurrent: 2 }).lane).toMatchObject({ limit: 2, queueMs: null, group: null });
  });

  test("is one limit for a group, the smallest that any config or service says", () => {
    const file = {
      codex: {
        configs: {
          main: { upstreams: [{ ...BASE, ...KEY, limit_group: "acme" }] },
          other: {
            upstreams: [{ base_url: "https://two.example/v1", limit_group: "acme", max_concurrent: 3 }],
          },
        },
      },
      claude: {
        configs: {
          main: {
            upstreams: [{ base_url: "https://relay.example", limit_group: "acme", max_concurrent: 2 }],
          },
        },
      },
    };
    const lane = { name: "group|acme", group: "acme", limit: 2, queueMs: null };
    expect(lanesOf(file)).toEqual([lane]);
    expect(lanesOf(file, "codex", "other")).toEqual([lane]);
    expect(lanesOf(file, "claude")).toEqual([lane]);
  });

  test("is the same for one upstream in two configs, and another for another key", () => {
    const file = {
      codex: {
        configs: {
          main: {
            upstreams: [
              { ...BASE, ...KEY },
              { ...BASE, auth: { auth_token: "sk-b" } },
            ],
          },
          other: { upstreams: [{ ...BASE, ...KEY, max_concurrent: 2, limit_group: "acme" }] },
        },
      },
    };
    expect(lanesOf(file)).toEqual([{ name: "group|acme", group: "acme", limit: 2, queueMs: null }, null]);
  });
});

describe("what to do at a limit of all upstreams", () => {
  const resolveWith = (own: object, top: object = {}) =>
    ready({ file: { ...top, codex: { configs: { main: { upstreams: [BASE], ...own } } } } });
  const waitFor = (wait: string) => ({ on_all_exhausted: { wait } });

  test.each([
    ["6h", 6 * 3_600_000],
    ["90m", 90 * 60_000],
    ["1d12h", 36 * 3_600_000],
    ["8d", 192 * 3_600_000],
  ])("to wait for %s", (wait, ms) => {
    expect(resolveWith(waitFor(wait)).waitMs).toBe(ms);
    expect(resolveWith({}, waitFor(wait)).waitMs).toBe(ms);
  });

  test("a config's own word goes before that for all, and without any there is no wait", () => {
    expect(resolveWith(waitFor("1h"), waitFor("2h")).waitMs).toBe(3_600_000);
    expect(resolveWith({ on_all_exhausted: {} }, waitFor("2h")).waitMs).toBeUndefined();
    expect(resolveWith({}).waitMs).toBeUndefined();
  });

  test.each(["", "6", "6 hours", "0h", "9d", "-1h", "1w"])(
    "a wait of %p is refused with its path",
    (wait) => {
      const file = { codex: { configs: { main: { upstreams: [BASE], ...waitFor(wait) } } } };
      const said = JSON.stringify(textsInEnglish(resolve({ file })));
      expect(said).toContain("on_all_exhausted.wait: must be a duration such as 6h or 90m, at most 8d");
    },
  );

  test("models that stand in for one another come as they are written", () => {
    const models = { "gpt-6": ["gpt-6", "gpt-5.6-sol"], "*": ["*", "b"] };
    expect(resolveWith({ models }).models).toEqual(models);
    expect(resolveWith({}).models).toBeUndefined();
  });
});

describe("which config", () => {
  const config = (host: string) => ({ upstreams: [{ base_url: `https://${host}.example/v1` }] });
  const two = { a: config("a"), b: config("b") };

  test("the active one", () => {
    expect(ready({ file: { codex: { active: "b", configs: two } } }).configName).toBe("b");
  });

  test("the one asked for, whatever is active", () => {
    const file = { codex: { active: "b", configs: two } };
    expect(ready({ file, context: { configName: "a" } }).configName).toBe("a");
    expect(textsInEnglish(resolve({ file, context: { configName: "c" } }))).toEqual({
      kind: "unset",
      message: 'there is no config "c" for Codex',
      hint: "ch config list",
    });
  });

  test.each([undefined, null, "gone"])("the only one where active is %p", (active) => {
    expect(ready({ file: { codex: { active, configs: { a: config("a") } } } }).configName).toBe("a");
  });

  test("none of several without an active one: the fix is named", () => {
    expect(textsInEnglish(resolve({ file: { codex: { configs: two } } }))).toEqual({
      kind: "unset",
      message: "Codex has no active config",
      hint: "ch config set-active a",
    });
    expect(
      textsInEnglish(resolve({ file: { claude: { active: "gone", configs: two } }, service: "claude" })),
    ).toEqual({
      kind: "unset",
      message: 'the active config of Claude Code is "gone", which does not exist',
      hint: "ch config set-active a --claude",
    });
  });

  test.each([{}, { codex: { configs: {} } }, { codex: null }])(
    "none at all in %j: the fix is named",
    (file) => {
      expect(textsInEnglish(resolve({ file }))).toEqual({
        kind: "unset",
        message: "no upstream is configured for Codex",
        hint: "ch config add main --base-url URL --auth-token-env NAME",
      });
    },
  );

  test("an active config that is broken gives its own reason, and no other config takes its place", () => {
    const resolved = resolve({ file: { codex: { active: "a", configs: { ...two, a: { upstreams: [] } } } } });
    expect(resolved).toMatchObject({ kind: "unset", hint: "ch config edit" });
    expect(resolved.kind === "unset" && inEnglish(resolved.message)).toContain(
      "codex.configs.a.upstreams: must contain",
    );
  });

  test("a good config beside a broken one is not the only one", () => {
    const file = { codex: { configs: { ...two, a: { upstreams: [] } } } };
    expect(resolve({ file })).toMatchObject({ kind: "unset", hint: "ch config set-active b" });
  });

  test("a config with nothing enabled says so", () => {
    const upstreams = [{ ...BASE, enabled: false }];
    expect(textsInEnglish(resolve({ file: { codex: { configs: { a: { upstreams } } } } }))).toEqual({
      kind: "unset",
      message: 'every upstream of "a" is disabled',
      hint: "ch config enable a",
    });
  });
});

test("disabled upstreams are left out, for a time or for good, and keep their numbers", () => {
  const upstreams = [
    { base_url: "https://one.example", enabled: false },
    { base_url: "https://two.example", disabled_until: "2026-11-22T13:00:00+00:00" },
    { base_url: "https://three.example", disabled_until: "2026-11-22T13:00:00+02:00" },
    { base_url: "https://four.example", enabled: true },
  ];
  const resolved = ready({ file: { codex: { configs: { a: { on_exhausted: "stop", upstreams } } } } });
  expect(resolved.upstreams.map(({ label, position }) => [label, position])).toEqual([
    ["a#3", 3],
    ["a#4", 4],
  ]);
  expect(resolved.onExhausted).toBe("stop");
});

describe("credential", () => {
  test.each([
    [{ auth_token: " t " }, { kind: "bearer", secret: "t" }],
    [{ api_key: "k" }, { kind: "api-key", secret: "k" }],
    [
      { auth_token: "t", api_key: "k" },
      { kind: "bearer", secret: "t" },
    ],
    [
      { auth_token: "", api_key: "k" },
      { kind: "api-key", secret: "k" },
    ],
    [{ auth_token_env: "SET" }, { kind: "bearer", secret: "from env" }],
    [{ api_key_env: "SET" }, { kind: "api-key", secret: "from env" }],
    [{ api_key_env: "THEIRS" }, { kind: "api-key", secret: "from the client" }],
    [{ auth_token_env: "BLANK" }, { kind: "bearer", secret: "from the client" }],
    [
      { auth_token_env: "NOWHERE" },
      {
        kind: "unusable",
        why: "the variable NOWHERE is not set",
        needs: { kind: "bearer", variable: "NOWHERE" },
      },
    ],
    [
      { auth_token_env: "NOWHERE", api_key_env: "SET" },
      {
        kind: "unusable",
        why: "the variable NOWHERE is not set",
        needs: { kind: "bearer", variable: "NOWHERE" },
      },
    ],
    [
      { auth_token_env: "ODD" },
      {
        kind: "unusable",
        why: "the variable ODD contains a character that is not allowed in a header",
        needs: { kind: "bearer", variable: "ODD" },
      },
    ],
    [{}, { kind: "none" }],
    [null, { kind: "none" }],
  ] as const)("%j", (auth, credential) => {
    const env = { SET: " from env\n", BLANK: "  ", ODD: "a\u0001b" };
    const clientSecret = (name: string) =>
      ["THEIRS", "BLANK"].includes(name) ? "from the client" : undefined;
    expect(textsInEnglish(only({ auth }, { context: { env, clientSecret } }).credential)).toEqual(credential);
  });

  test("client: true passes the client's own on", () => {
    const { credential, key } = only({
      base_url: "https://chatgpt.com/backend-api/codex",
      auth: { client: true },
    });
    expect(credential).toEqual({ kind: "client" });
    expect(key).toBe("codex|https://chatgpt.com/backend-api/codex|client");
  });
});

test("the key tells service, address and account apart, holds no secret, and does not change with the place", () => {
  const auth = { auth_token: "sk-0123456789abcdef" };
  const one = only({ auth });
  expect(one.key).toMatch(/^codex\|https:\/\/relay\.example\/v1\|[0-9a-f]{12}$/);
  expect(only({ auth, base_url: "https://relay.example/v1//".slice(0, -1), tags: { a: 1 } }).key).toBe(
    one.key,
  );
  expect(only({ auth: { auth_token_env: "K" } }, { context: { env: { K: auth.auth_token } } }).key).toBe(
    one.key,
  );
  expect(only({ auth: { auth_token: "sk-other" } }).key).not.toBe(one.key);
  expect(only({ auth }, { service: "claude" }).key).not.toBe(one.key);
});

test("timeouts: the upstream's own, then the file's, then the defaults; Claude's is shorter without streaming", () => {
  const DEFAULTS = {
    connectMs: 10_000,
    firstByteMs: 120_000,
    firstByteLastMs: 300_000,
    nonStreamMs: 600_000,
    idleMs: 300_000,
  };
  expect(only({}).timeouts).toEqual(DEFAULTS);
  expect(only({}, { service: "claude" }).timeouts).toEqual({ ...DEFAULTS, nonStreamMs: 280_000 });
  const top = { timeouts: { connect_secs: 5, idle_secs: 60, non_stream_secs: 90 } };
  expect(only({ timeouts: { idle_secs: 1.5 } }, { top, service: "claude" }).timeouts).toEqual({
    ...DEFAULTS,
    connectMs: 5_000,
    idleMs: 1_500,
    nonStreamMs: 90_000,
  });
  expect(only({ timeouts: { first_byte_secs: 400 } }).timeouts).toMatchObject({
    firstByteMs: 400_000,
    firstByteLastMs: 400_000,
  });
});

describe("workspaces are taken out of Codex's metadata", () => {
  test("for relays, not for the vendor", () => {
    expect(only({}).stripWorkspaces).toBe(true);
    expect(only({ base_url: "https://api.openai.com/v1" }).stripWorkspaces).toBe(false);
  });

  test("unless the file or the upstream says otherwise", () => {
    const off = { privacy: { strip_workspaces: false } };
    expect(only({}, { top: off }).stripWorkspaces).toBe(false);
    expect(only(off).stripWorkspaces).toBe(false);
    expect(only({ privacy: { strip_workspaces: true } }, { top: off }).stripWorkspaces).toBe(true);
  });
});

test("what an upstream adds to its requests comes through, header names in lower case", () => {
  const parts = {
    headers: { "X-Org": "a" },
    query: { v: "1" },
    models: { "*": "m" },
    on_status: { "420": "cooldown" },
  };
  expect(only(parts)).toMatchObject({
    headers: { "x-org": "a" },
    query: { v: "1" },
    models: { "*": "m" },
    onStatus: { "420": "cooldown" },
  });
});

test("rules for words are the upstream's own, then those of its config", () => {
  const main = {
    on_error: [{ match: "B", verdict: "model" }],
    upstreams: [{ ...BASE, on_error: [{ match: "X*Y", status: 403, verdict: "exhausted", until: "2h" }] }],
  };
  const [upstream] = ready({ file: { codex: { configs: { main } } } }).upstreams;
  expect(upstream?.onError).toEqual([
    { parts: ["x", "y"], status: 403, verdict: "exhausted", until: "2h" },
    { parts: ["b"], status: null, verdict: "model", until: null },
  ]);
});

test("an outbound proxy that cannot be used makes the upstream unusable in words, not direct", () => {
  const context = { env: { ALL_PROXY: "socks5://127.0.0.1:1080" } };
  expect(textsInEnglish(only({ auth: { auth_token: "t" } }, { context }).credential)).toEqual({
    kind: "unusable",
    why: "ALL_PROXY is a SOCKS proxy, and only http and https proxies are supported",
  });
  expect(only({ proxy: false }, { context })).toMatchObject({ proxy: false, credential: { kind: "none" } });
  expect(only({ proxy: "http://p:8080" }, { context })).toMatchObject({ proxy: "http://p:8080" });
});
