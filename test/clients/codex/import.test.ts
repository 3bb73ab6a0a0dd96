import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { inEnglish } from "../../../src/base/text.ts";
import { codex } from "../../../src/clients/codex/client.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import type { Env } from "../../../src/base/env.ts";
import { makeCodexFacts } from "../../../src/clients/codex/facts.ts";
import { parseToml } from "../../../src/clients/codex/layers.ts";
import type { CodexLogin } from "../../../src/clients/codex/login.ts";
import { importCodex as importCodexTexts } from "../../../src/clients/codex/import.ts";
import type { Import } from "../../../src/clients/imported-config.ts";
import { textsInEnglish } from "../../helpers/texts-in-english.ts";

const importCodex = (...parts: Parameters<typeof importCodexTexts>) =>
  textsInEnglish(importCodexTexts(...parts));

const NONE: CodexLogin = { kind: "none" };
const KEY: CodexLogin = { kind: "api-key", key: "sk-file" };
const CHATGPT: CodexLogin = { kind: "chatgpt" };
const isOwnAddress = (url: string): boolean => url.includes("127.0.0.1:3999");

function run(toml: string, login: CodexLogin = NONE, env: Env = {}): Import {
  const layers = [{ kind: "user" as const, where: "config.toml", table: parseToml(toml, "config.toml") }];
  return importCodex({ facts: makeCodexFacts(layers, login), profiles: [], env, isOwnAddress });
}

const tags = { imported_from: "codex" };

test("every provider becomes its own config, the active one first", () => {
  const { configs, skipped } = run(`model_provider = "second"
[model_providers.first]
base_url = "https://first.example/v1"
[model_providers.second]
base_url = "https://second.example/v1"
env_key = "SECOND_KEY"
[model_providers.third]
base_url = "https://third.example/v1"
experimental_bearer_token = "tok"
`);
  expect(configs.map(({ name, upstreams }) => [name, ...upstreams])).toEqual([
    ["second", { base_url: "https://second.example/v1", auth: { auth_token_env: "SECOND_KEY" }, tags }],
    ["first", { base_url: "https://first.example/v1", tags }],
    ["third", { base_url: "https://third.example/v1", auth: { auth_token: "tok" }, tags }],
  ]);
  expect(skipped).toEqual([]);
});

test("headers, headers from variables and query parameters come along", () => {
  const { configs } = run(
    `[model_providers.x]
base_url = "https://x.example"
http_headers = { X-Team = "a", X-User = "file" }
env_http_headers = { X-User = "USER_ID", X-None = "UNSET" }
query_params = { api-version = "2" }
`,
    NONE,
    { USER_ID: "env" },
  );
  expect(configs[0]?.upstreams[0]).toMatchObject({
    headers: { "X-Team": "a", "X-User": "env" },
    query: { "api-version": "2" },
  });
  expect(configs[0]?.upstreams[0]?.headers).not.toHaveProperty("X-None");
});

test("an API key login is the official API, its key named and not copied", () => {
  expect(run("", KEY).configs).toEqual([
    {
      service: "codex",
      name: "openai",
      upstreams: [
        { base_url: "https://api.openai.com/v1", auth: { auth_token_env: "OPENAI_API_KEY" }, tags },
      ],
      from: "Codex's API key login",
    },
  ]);
});

test("the key is copied where the variable of its name holds another one", () => {
  const auth = (env: Env): unknown => run("", KEY, env).configs[0]?.upstreams[0]?.auth;
  expect(auth({ OPENAI_API_KEY: "sk-other" })).toEqual({ auth_token: "sk-file" });
  expect(auth({ OPENAI_API_KEY: "sk-file" })).toEqual({ auth_token_env: "OPENAI_API_KEY" });
});

test("a ChatGPT login passes itself on, to its own origin", () => {
  expect(run("", CHATGPT).configs[0]?.upstreams).toEqual([
    {
      base_url: "https://chatgpt.com/backend-api/codex",
      auth: { client: true },
      tags: { ...tags, imported_origin: "https://chatgpt.com" },
    },
  ]);
});

test("the login comes first on the built-in provider, and after a custom one that is active", () => {
  const provider = '[model_providers.x]\nbase_url = "https://x.example"\n';
  const names = (toml: string): string[] => run(toml, KEY).configs.map(({ name }) => name);
  expect(names(provider)).toEqual(["openai", "x"]);
  expect(names(`model_provider = "x"\n${provider}`)).toEqual(["x", "openai"]);
});

test.each([
  ["an API key", KEY, { auth_token_env: "OPENAI_API_KEY" }],
  ["a ChatGPT account", CHATGPT, { client: true }],
  ["nobody", NONE, undefined],
] as [string, CodexLogin, object | undefined][])(
  "a provider that wants the login gets it: %s",
  (_, login, auth) => {
    const toml =
      'model_provider="x"\n[model_providers.x]\nbase_url = "https://x.example"\nrequires_openai_auth = true\n';
    const upstream = run(toml, login).configs[0]?.upstreams[0];
    expect(upstream?.auth).toEqual(auth as NonNullable<typeof upstream>["auth"]);
  },
);

test("a key that a command makes is passed on by Codex itself, to that origin", () => {
  const { configs } = run(
    '[model_providers.x]\nbase_url = "https://x.example/v1"\nauth = { command = "make" }\n',
  );
  expect(configs[0]?.upstreams[0]).toMatchObject({
    auth: { client: true },
    tags: { imported_origin: "https://x.example" },
  });
});

test("a base URL set for the built-in provider is kept with its login", () => {
  const { configs } = run('openai_base_url = "https://relay.example/v1"\n', KEY);
  expect(configs[0]?.upstreams[0]).toMatchObject({
    base_url: "https://relay.example/v1",
    auth: { auth_token_env: "OPENAI_API_KEY" },
  });
});

test("our own proxy is never imported, nor a key that was meant for what stood in its place", () => {
  const own = '"http://127.0.0.1:3999/v1"';
  expect(run(`[model_providers.x]\nbase_url = ${own}\n`)).toEqual({
    configs: [],
    skipped: [`Codex's provider "x": it is this proxy`],
  });
  expect(run(`openai_base_url = ${own}\n`, KEY).configs).toEqual([]);
  expect(run(`openai_base_url = ${own}\n`, CHATGPT).configs[0]?.upstreams[0]?.base_url).toBe(
    "https://chatgpt.com/backend-api/codex",
  );
  expect(run('[model_providers.x]\nbase_url = "http://127.0.0.1:3211/v1"\n').configs).toEqual([]);
});

test.each([
  ["no base_url", "", "has no base_url"],
  ["an address we refuse", 'base_url = "ftp://x.example"', "base_url must be"],
  [
    "a variable that cannot be one",
    'base_url = "https://x.example"\nenv_key = "a b"',
    "is not the name of a variable",
  ],
  [
    "a header that a proxy sets itself",
    'base_url = "https://x.example"\nhttp_headers = { Host = "y" }',
    "header",
  ],
])("a provider with %s is left out with the reason", (_, lines, words) => {
  const { configs, skipped } = run(`[model_providers.x]\n${lines}\n`);
  expect(configs).toEqual([]);
  expect(skipped).toHaveLength(1);
  expect(skipped[0]).toContain(`Codex's provider "x"`);
  expect(skipped[0]).toContain(words);
});

test("a login that cannot be read is named, one in the key store too", () => {
  expect(run("", { kind: "unreadable", problem: "auth.json is torn" }).skipped).toEqual([
    "auth.json is torn",
  ]);
  expect(run("", { kind: "keyring" }).skipped).toHaveLength(1);
});

test("ids become names that a config may have", () => {
  const table = (id: string): string =>
    `[model_providers."${id}"]\nbase_url = "https://x.example/${id.length}"\n`;
  const { configs } = run(
    ["my relay", "my/relay", "a.b_c-d", "中转", "///", "x".repeat(80)].map(table).join(""),
  );
  const names = ["my-relay", "my-relay", "a.b_c-d", "中转", "imported", "x".repeat(64)];
  expect(configs.map(({ name }) => name)).toEqual(names);
});

describe("what a profile file has of its own", () => {
  const PROVIDER =
    '[model_providers.other]\nname = "O"\nbase_url = "https://other.example/v1"\nexperimental_bearer_token = "sk-b"\n';

  test.each([
    ["work", `model_provider = "other"\n${PROVIDER}`, ["other https://other.example/v1"]],
    ["my work", PROVIDER, ["other https://other.example/v1"]],
    ["plain", 'model = "gpt-5"\n', []],
    ["url", 'openai_base_url = "https://third.example/v1"\n', ["url https://third.example/v1"]],
  ])("is taken over: %s", async (name, text, expected) => {
    using home = makeTempHome();
    home.write(".codex/config.toml", 'model = "gpt-5"\n');
    home.write(".codex/auth.json", { OPENAI_API_KEY: "sk-login" });
    home.write(`.codex/${name}.config.toml`, text);
    const { configs } = await codex.findImport({
      paths: home.paths,
      env: {},
      cwd: home.path,
      systemDirectory: join(home.path, "etc"),
      userText: undefined,
      isOwnAddress: () => false,
    });
    const shown = configs.map((one) => `${one.name} ${one.upstreams[0]?.base_url}`);
    expect(shown).toEqual(["openai https://api.openai.com/v1", ...expected]);
  });

  test("or named with its file and the reason", async () => {
    using home = makeTempHome();
    home.write(".codex/config.toml", '[profiles."my old"]\nmodel_provider = "other"\n');
    const broken = home.write(".codex/broken.config.toml", "model_provider = \n");
    const empty = home.write(".codex/empty.config.toml", '[model_providers.x]\nname = "X"\n');
    const keyless = home.write(".codex/keyless.config.toml", 'openai_base_url = "https://only.example/v1"\n');
    const { skipped } = await codex.findImport({
      paths: home.paths,
      env: {},
      cwd: home.path,
      systemDirectory: join(home.path, "etc"),
      userText: undefined,
      isOwnAddress: () => false,
    });
    const words = skipped.map(inEnglish);
    expect(words).toHaveLength(4);
    expect(words[0]).toStartWith(`${broken}:`);
    expect(words[1]).toBe(`${empty}: Codex's provider "x": has no base_url`);
    expect(words[2]).toBe(`${keyless}: openai_base_url: Codex has no login`);
    expect(words[3]).toBe(`${home.paths.codexConfig}: profiles."my old": Codex no longer reads such a table`);
  });
});

describe("the key of auth.json, where a custom provider is in use", () => {
  const packy = '[model_providers.packy]\nbase_url = "https://packy.example/v1"\n';
  const login = "requires_openai_auth = true\n";

  test.each([
    ["takes the login", `${packy}${login}`, {}],
    ["names the same variable", `${packy}env_key = "OPENAI_API_KEY"\n`, {}],
    ["names another variable with the same key", `${packy}env_key = "PACKY_KEY"\n`, { PACKY_KEY: "sk-file" }],
    ["has the same key itself", `${packy}experimental_bearer_token = "sk-file"\n`, {}],
  ])("is that provider's where it %s: no OpenAI was set up", (_, table, env) => {
    const { configs, skipped } = run(`model_provider = "packy"\n${table}`, KEY, env);
    expect(configs.map(({ name }) => name)).toEqual(["packy"]);
    expect(skipped).toEqual([`Codex's API key login: its key is that of provider "packy"`]);
  });

  test.each([
    ["another key", `${packy}env_key = "PACKY_KEY"\n`, { PACKY_KEY: "sk-packy" }],
    ["no key", packy, {}],
    ["another OPENAI_API_KEY", `${packy}env_key = "OPENAI_API_KEY"\n`, { OPENAI_API_KEY: "sk-shell" }],
  ])("is OpenAI's where the provider has %s", (_, table, env) => {
    const { configs } = run(`model_provider = "packy"\n${table}`, KEY, env);
    expect(configs.map(({ name }) => name)).toEqual(["packy", "openai"]);
  });

  test("is OpenAI's where OpenAI is in use", () => {
    expect(run(`${packy}${login}`, KEY).configs.map(({ name }) => name)).toEqual(["openai", "packy"]);
  });
});

test.each([
  ["in auth.json", "requires_openai_auth = true", { kind: "api-key", key: "PROXY_MANAGED" } as const, {}, 2],
  ["in config.toml", 'experimental_bearer_token = "PROXY_MANAGED"', NONE, {}, 1],
  ["in a variable", 'env_key = "K"', NONE, { K: "PROXY_MANAGED" }, 1],
])("what cc-switch's own proxy has written is no key: %s", (_name, line, login, env, count) => {
  const { configs, skipped } = run(
    `model_provider = "custom"\n[model_providers.custom]\nbase_url = "http://127.0.0.1:15721/v1"\n${line}\n`,
    login,
    env,
  );
  expect(configs).toEqual([]);
  expect(skipped).toHaveLength(count);
  expect(skipped[0]).toBe(
    "Codex's provider \"custom\": its key is a placeholder of cc-switch's proxy: ch config import --from cc-switch",
  );
});
