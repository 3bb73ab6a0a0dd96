import { expect, test } from "bun:test";
import type { Env } from "../../../src/base/env.ts";
import { UserError } from "../../../src/base/errors.ts";
import { type ClaudeLayer, makeLayer } from "../../../src/clients/claude/layers.ts";
import { planClaudeRun, readClaudeArgs } from "../../../src/clients/claude/run.ts";

interface Case {
  readonly args?: readonly string[];
  readonly settings?: object;
  readonly managed?: Env;
  readonly user?: object;
  readonly env?: Env;
  readonly hasLogin?: boolean;
}

const URL = "http://127.0.0.1:4000";
const TOKEN = { env: { ANTHROPIC_AUTH_TOKEN: "t" } };

/** The settings that Claude Code would get, and the other arguments. */
function plan({ args = [], settings = {}, managed, user = TOKEN, env = {}, hasLogin = false }: Case) {
  const layers: ClaudeLayer[] = [
    ...(managed === undefined ? [] : [makeLayer("managed", "/etc/managed.json", { env: managed })]),
    makeLayer("user", "/home/settings.json", user),
    makeLayer("environment", "the environment", { env }),
  ];
  const facts = { layers, hasLogin, problems: [] };
  const made = planClaudeRun({ parsed: readClaudeArgs(args), settings, facts, port: 4000 });
  const [flag, json = "", ...rest] = made.args;
  expect(flag).toBe("--settings");
  expect(made.env).toEqual({});
  return { settings: JSON.parse(json) as { env: Record<string, unknown>; model?: string }, rest };
}

test("the base URL goes in as settings, before the user's own arguments", () => {
  expect(plan({ args: ["-p", "hi"] })).toEqual({
    settings: { env: { ANTHROPIC_BASE_URL: URL } },
    rest: ["-p", "hi"],
  });
});

test.each([
  ["no credential at all: a placeholder", { user: {} }, "codex-helper"],
  ["a token in the user's settings", {}, null],
  ["a key in the environment", { user: {}, env: { ANTHROPIC_API_KEY: "k" } }, null],
  ["a command that makes the key", { user: { apiKeyHelper: "make-key" } }, null],
  ["an account's login", { user: {}, hasLogin: true }, null],
  ["an account's login with --bare", { user: {}, hasLogin: true, args: ["--bare"] }, "codex-helper"],
  ["a token in files that --restricted ignores", { args: ["--restricted"] }, "codex-helper"],
  ["a token in files that --setting-sources may skip", { args: ["--setting-sources=local"] }, "codex-helper"],
  ["a token in the user's own --settings", { user: {}, settings: TOKEN }, "t"],
] as [string, Case, string | null][])("credential: %s", (_, given, token) => {
  const { env } = plan(given).settings;
  expect(env["ANTHROPIC_AUTH_TOKEN"] ?? null).toBe(token);
});

test("the user's own --settings is merged, and appears only once", () => {
  const settings = { model: "opus", env: { FOO: "1" } };
  expect(plan({ settings, args: ["-p", "--settings", "x.json", "hi", "--", "--settings"] })).toEqual({
    settings: { model: "opus", env: { FOO: "1", ANTHROPIC_BASE_URL: URL } },
    rest: ["-p", "hi", "--", "--settings"],
  });
  expect(readClaudeArgs(["--settings={}", "hi"])).toMatchObject({ settings: "{}", others: ["hi"] });
});

test("the user's own --settings keeps variables that are no texts, which Claude Code takes too", () => {
  const settings = { env: { MAX_THINKING_TOKENS: 0, DISABLE_TELEMETRY: true } };
  expect(plan({ settings }).settings).toEqual({
    env: { MAX_THINKING_TOKENS: 0, DISABLE_TELEMETRY: true, ANTHROPIC_BASE_URL: URL },
  });
});

test.each([
  ["in the environment", { env: { CLAUDE_CODE_USE_BEDROCK: "1" } }],
  ["by a number in the user's settings", { user: { env: { ...TOKEN.env, CLAUDE_CODE_USE_BEDROCK: 1 } } }],
  ["by true in the user's settings", { user: { env: { ...TOKEN.env, CLAUDE_CODE_USE_BEDROCK: true } } }],
] as [string, Case][])("a cloud's own endpoint is turned off where it is on: %s", (_, given) => {
  expect(plan(given).settings).toEqual({
    env: { ANTHROPIC_BASE_URL: URL, CLAUDE_CODE_USE_BEDROCK: "0" },
  });
});

test("127.0.0.1 is exempt from an outbound proxy, wherever that is set", () => {
  const exempt = { NO_PROXY: "a.example,127.0.0.1", no_proxy: "a.example,127.0.0.1" };
  const user = { env: { ...TOKEN.env, HTTP_PROXY: "http://p" } };
  expect(plan({ user, env: { NO_PROXY: "a.example" } }).settings).toEqual({
    env: { ANTHROPIC_BASE_URL: URL, ...exempt },
  });
});

test.each([
  [
    "managed settings",
    { managed: { ANTHROPIC_BASE_URL: "http://corp" } },
    "/etc/managed.json sets ANTHROPIC_BASE_URL",
  ],
  [
    "a managed cloud",
    { managed: { CLAUDE_CODE_USE_VERTEX: "1" } },
    "/etc/managed.json sets CLAUDE_CODE_USE_VERTEX",
  ],
  ["the user's own --settings", { settings: { env: { ANTHROPIC_BASE_URL: "http://x" } } }, "--settings sets"],
] as [string, Case, string][])("%s that point elsewhere are refused, and named", (_, given, words) => {
  expect(() => plan(given)).toThrow(UserError);
  expect(() => plan(given)).toThrow(words);
});
