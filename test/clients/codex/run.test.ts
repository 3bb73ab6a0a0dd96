import { expect, test } from "bun:test";
import type { Env } from "../../../src/base/env.ts";
import { UserError } from "../../../src/base/errors.ts";
import { applySettings, readCodexArgs } from "../../../src/clients/codex/args.ts";
import { makeCodexFacts } from "../../../src/clients/codex/facts.ts";
import { type CodexLayer, parseToml } from "../../../src/clients/codex/layers.ts";
import type { CodexLogin } from "../../../src/clients/codex/login.ts";
import type { RunPlan } from "../../../src/clients/client.ts";
import { planCodexRun } from "../../../src/clients/codex/run.ts";

interface Case {
  readonly args?: readonly string[];
  readonly user?: string;
  readonly managed?: string;
  readonly login?: CodexLogin;
  readonly env?: Env;
  readonly knowsNoDaemon?: boolean;
}

const KEY: CodexLogin = { kind: "api-key", key: "sk-1" };
const RELAY =
  'model_provider = "relay"\n[model_providers.relay]\nname = "r"\nbase_url = "https://relay.example/v1"\n';
const URL = "http://127.0.0.1:4000/v1";

function plan({
  args = [],
  user = "",
  managed,
  login = KEY,
  env = {},
  knowsNoDaemon = false,
}: Case): RunPlan {
  const parsed = readCodexArgs(args);
  const layers: CodexLayer[] = [
    { kind: "user", where: "/home/config.toml", table: parseToml(user, "config.toml") },
    { kind: "command-line", where: "-c", table: applySettings(parsed.settings) },
  ];
  if (managed !== undefined) {
    layers.push({ kind: "managed", where: "/etc/managed.toml", table: parseToml(managed, "managed.toml") });
  }
  return planCodexRun({ args, parsed, facts: makeCodexFacts(layers, login), env, port: 4000, knowsNoDaemon });
}

test("a provider of the user's keeps its id, and its base_url moves", () => {
  expect(plan({ user: RELAY, args: ["exec", "hi"] })).toEqual({
    args: ["-c", `model_providers.relay.base_url="${URL}"`, "exec", "hi"],
    env: {},
  });
});

test("the built-in provider keeps its login and gets our URL", () => {
  expect(plan({ login: { kind: "chatgpt" } }).args).toEqual(["-c", `openai_base_url="${URL}"`]);
});

test("without a login a provider of our own is made up: Codex would stop at its sign-in screen", () => {
  expect(plan({ login: { kind: "none" } }).args).toEqual([
    "-c",
    'model_provider="codex_proxy"',
    "-c",
    'model_providers.codex_proxy.name="codex-helper"',
    "-c",
    `model_providers.codex_proxy.base_url="${URL}"`,
    "-c",
    'model_providers.codex_proxy.wire_api="responses"',
  ]);
});

test("a provider that wants a login nobody has is told that it wants none", () => {
  const { args } = plan({ user: `${RELAY}requires_openai_auth = true\n`, login: { kind: "none" } });
  expect(args).toContain("model_providers.relay.requires_openai_auth=false");
  expect(plan({ user: `${RELAY}requires_openai_auth = true\n` }).args).toHaveLength(2);
});

test("an id that Codex would split in the wrong place goes into one inline table", () => {
  const user =
    'model_provider = "my relay.x"\n[model_providers."my relay.x"]\nbase_url = "u"\nrequires_openai_auth = true\n';
  expect(plan({ user, login: { kind: "none" } }).args).toEqual([
    "-c",
    `model_providers={"my relay.x"={"base_url"="${URL}","requires_openai_auth"=false}}`,
  ]);
});

test("the conversation ends with us: no background server, where Codex knows of one", () => {
  expect(plan({ user: RELAY, knowsNoDaemon: true, args: ["resume"] }).args[0]).toBe("--no-daemon");
  expect(plan({ user: RELAY, knowsNoDaemon: true, args: ["--no-daemon"] }).args).toEqual([
    "-c",
    `model_providers.relay.base_url="${URL}"`,
    "--no-daemon",
  ]);
});

test("a session that belongs to our own provider comes here too, whatever Codex is set to", () => {
  const own = [
    "-c",
    'model_providers.codex_proxy.name="codex-helper"',
    "-c",
    `model_providers.codex_proxy.base_url="${URL}"`,
    "-c",
    'model_providers.codex_proxy.wire_api="responses"',
  ];
  expect(plan({ user: RELAY, args: ["resume", "ID"] }).args).toEqual([
    "-c",
    `model_providers.relay.base_url="${URL}"`,
    ...own,
    "resume",
    "ID",
  ]);
  expect(plan({ login: { kind: "chatgpt" }, args: ["fork", "ID"] }).args).toEqual([
    "-c",
    `openai_base_url="${URL}"`,
    ...own,
    "fork",
    "ID",
  ]);
  expect(plan({ login: { kind: "none" }, args: ["resume"] }).args).toEqual([
    "-c",
    'model_provider="codex_proxy"',
    ...own,
    "resume",
  ]);
});

test("a variable that the provider wants and nobody has set gets a placeholder, a set one stays", () => {
  const user = `${RELAY}env_key = "RELAY_KEY"\n`;
  expect(plan({ user }).env).toEqual({ RELAY_KEY: "codex-helper" });
  expect(plan({ user, env: { RELAY_KEY: "sk" } }).env).toEqual({});
});

test("127.0.0.1 is exempt from an outbound proxy", () => {
  const exempt = (env: Env): object => plan({ user: RELAY, env }).env;
  expect(exempt({ HTTP_PROXY: "http://p" })).toEqual({ NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" });
  expect(exempt({ ALL_PROXY: "http://p", no_proxy: "a.example" })).toEqual({
    NO_PROXY: "a.example,127.0.0.1",
    no_proxy: "a.example,127.0.0.1",
  });
  expect(exempt({ http_proxy: "http://p", NO_PROXY: "a.example, 127.0.0.1" })).toEqual({});
  expect(exempt({ HTTPS_PROXY: "http://p" })).toEqual({});
});

test.each([
  [["-c", "model_provider=other"]],
  [["-cmodel_provider=other"]],
  [["--config", 'model_provider="other"']],
  [["--config=model_provider='other'"]],
])("the provider chosen by %p is the one that moves", (args) => {
  const user = `${RELAY}[model_providers.other]\nbase_url = "u"\n`;
  expect(plan({ user, args }).args.slice(0, 2)).toEqual(["-c", `model_providers.other.base_url="${URL}"`]);
});

test("other options of the user's own provider by -c stay with ours", () => {
  const args = ["exec", "-c", "model_provider=mine", "-c", "model_providers.mine.name=m", "hi"];
  expect(plan({ args }).args).toEqual(["-c", `model_providers.mine.base_url="${URL}"`, ...args]);
});

test("what stands after -- is the prompt", () => {
  const args = ["--", "-c", "openai_base_url=x"];
  expect(plan({ args }).args).toEqual(["-c", `openai_base_url="${URL}"`, ...args]);
});

const REFUSED: readonly (readonly [string, Case, string])[] = [
  [
    "a base_url by -c",
    { user: RELAY, args: ["-c", "model_providers.relay.base_url=http://x"] },
    "-c sets or replaces",
  ],
  ["the whole table by -c", { user: RELAY, args: ["-c", "model_providers={}"] }, "-c sets or replaces"],
  ["the built-in URL by -c", { args: ["exec", "-c", "openai_base_url=http://x"] }, "openai_base_url"],
  [
    "a managed base_url",
    { user: RELAY, managed: 'model_providers.relay.base_url = "x"' },
    "/etc/managed.toml",
  ],
  ["a managed built-in URL", { managed: 'openai_base_url = "x"' }, "/etc/managed.toml"],
  [
    "a managed provider without a login",
    { managed: 'model_provider = "openai"', login: { kind: "none" } },
    "/etc/managed.toml",
  ],
  ["--oss", { args: ["--oss"] }, "--oss"],
  ["--local-provider", { args: ["--local-provider=ollama"] }, "--local-provider"],
  ["--remote", { args: ["--remote", "ws://x"] }, "--remote"],
  [
    "a local provider",
    { user: 'model_provider = "ollama"' },
    '/home/config.toml: model_provider is "ollama"',
  ],
  ["an undefined provider", { user: 'model_provider = "gone"' }, "which is not defined"],
];

test.each(REFUSED)("%s is refused, and named", (_, refused, words) => {
  expect(() => plan(refused)).toThrow(UserError);
  expect(() => plan(refused)).toThrow(words);
});

test("a managed file that only chooses the provider is no hindrance", () => {
  const user = `${RELAY}[model_providers.corp]\nbase_url = "u"\n`;
  expect(plan({ user, managed: 'model_provider = "corp"' }).args[1]).toBe(
    `model_providers.corp.base_url="${URL}"`,
  );
});
