import { expect, test } from "bun:test";
import fc from "fast-check";
import { planImport } from "../../../src/app/import/import-plan.ts";
import type { CcSwitchProvider } from "../../../src/clients/import/cc-switch-provider.ts";
import { importCcSwitch as importCcSwitchTexts } from "../../../src/clients/import/cc-switch.ts";
import { editConfig } from "../../../src/config/edit.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import type { AuthEntry } from "../../../src/config/schema.ts";
import { claudeSettings, codexSettings } from "../../helpers/cc-switch-home.ts";
import { textsInEnglish } from "../../helpers/texts-in-english.ts";

const importCcSwitch = (...parts: Parameters<typeof importCcSwitchTexts>) =>
  textsInEnglish(importCcSwitchTexts(...parts));

const SECRET = "sk-0123456789-very-secret-abcdef";

function codex(id: string, parts: Partial<CcSwitchProvider> = {}): CcSwitchProvider {
  return {
    id,
    service: "codex",
    name: id,
    settings: codexSettings(`https://${id}.example/v1`, `sk-${id}`) as CcSwitchProvider["settings"],
    category: "",
    notes: "",
    meta: {},
    endpoints: [],
    isQueued: false,
    isCurrent: false,
    ...parts,
  };
}

const claude = (
  id: string,
  env: Record<string, string>,
  parts: Partial<CcSwitchProvider> = {},
): CcSwitchProvider =>
  codex(id, { service: "claude", settings: claudeSettings(env) as CcSwitchProvider["settings"], ...parts });

const settingsOf = (value: object): CcSwitchProvider["settings"] => value as CcSwitchProvider["settings"];

test("the failover queue is one config in its order, the others are configs of their own, the one in use first", () => {
  const { configs, skipped } = importCcSwitch([
    codex("a", { isQueued: true }),
    codex("b", { isQueued: true, endpoints: ["https://b2.example/v1/", "https://b.example/v1"] }),
    codex("c", { isCurrent: true }),
    codex("d"),
  ]);
  expect(configs.map(({ name, upstreams }) => [name, upstreams.map(({ base_url }) => base_url)])).toEqual([
    ["c", ["https://c.example/v1"]],
    ["failover", ["https://a.example/v1", "https://b.example/v1", "https://b2.example/v1"]],
    ["d", ["https://d.example/v1"]],
  ]);
  expect(configs[1]?.upstreams.map(({ auth }) => auth?.auth_token)).toEqual(["sk-a", "sk-b", "sk-b"]);
  expect(skipped).toEqual([]);
});

test("a queue with one provider is that provider", () => {
  expect(importCcSwitch([codex("a", { isQueued: true })]).configs.map(({ name }) => name)).toEqual(["a"]);
});

test("a name that no config can have is kept as its alias", () => {
  const [config] = importCcSwitch([codex("x", { name: "我的 中转站 (主)" })]).configs;
  expect(config).toMatchObject({ name: "我的-中转站-主", alias: "我的 中转站 (主)" });
});

test.each<[string, object]>([
  ["env", { ...codexSettings("https://x.example/v1", "sk-auth"), env: { OPENAI_API_KEY: "sk-want" } }],
  ["auth", codexSettings("https://x.example/v1", "sk-want")],
  ["apiKey", { ...codexSettings("https://x.example/v1", null), apiKey: "sk-want" }],
  ["api_key", { ...codexSettings("https://x.example/v1", null), api_key: "sk-want" }],
  [
    "the provider's bearer token",
    codexSettings("https://x.example/v1", null, 'experimental_bearer_token = "sk-want"'),
  ],
  ["base_url beside it", { base_url: "https://x.example/v1", auth: { OPENAI_API_KEY: "sk-want" } }],
  ["baseURL beside it", { baseURL: "https://x.example/v1", auth: { OPENAI_API_KEY: "sk-want" } }],
])("Codex's key and address are found in %s", (_, settings) => {
  const { configs, skipped } = importCcSwitch([codex("x", { settings: settingsOf(settings) })]);
  expect(skipped).toEqual([]);
  expect(configs[0]?.upstreams[0]).toMatchObject({
    base_url: "https://x.example/v1",
    auth: { auth_token: "sk-want" },
  });
});

test("a key that a variable holds is referred to by its name", () => {
  const settings = settingsOf(codexSettings("https://x.example/v1", null, 'env_key = "RELAY_KEY"'));
  expect(importCcSwitch([codex("x", { settings })]).configs[0]?.upstreams[0]?.auth).toEqual({
    auth_token_env: "RELAY_KEY",
  });
});

test("only the active provider's table counts", () => {
  const settings = settingsOf({
    auth: { OPENAI_API_KEY: "k" },
    config: `model_provider = "b"
[model_providers.a]
base_url = "https://a.example/v1"
[model_providers.b]
base_url = "https://b.example/v1"
http_headers = { "X-Team" = "red" }
query_params = { "api-version" = "2" }`,
  });
  expect(importCcSwitch([codex("x", { settings })]).configs[0]?.upstreams[0]).toMatchObject({
    base_url: "https://b.example/v1",
    headers: { "X-Team": "red" },
    query: { "api-version": "2" },
  });
});

const URL = { ANTHROPIC_BASE_URL: "https://c.example" };
test.each<[Record<string, string>, Record<string, unknown>, AuthEntry]>([
  [{ ANTHROPIC_AUTH_TOKEN: "t" }, {}, { auth_token: "t" }],
  [{ ANTHROPIC_API_KEY: "k" }, {}, { api_key: "k" }],
  [{ ANTHROPIC_AUTH_TOKEN: "t" }, { apiKeyField: "ANTHROPIC_API_KEY" }, { api_key: "t" }],
  [{ ANTHROPIC_API_KEY: "k" }, { apiKeyField: "ANTHROPIC_AUTH_TOKEN" }, { auth_token: "k" }],
])("Claude Code's %j with %j is sent as %j", (env, meta, auth) => {
  expect(importCcSwitch([claude("c", { ...URL, ...env }, { meta })]).configs[0]?.upstreams[0]).toMatchObject({
    auth,
  });
});

test("price and limits become ours, a foreign model is asked for, the rest is kept in tags without secrets", () => {
  const env = {
    ...URL,
    ANTHROPIC_AUTH_TOKEN: "t",
    ANTHROPIC_MODEL: "glm-4.6",
    API_TIMEOUT_MS: "3000",
    MY_TOKEN: SECRET,
  };
  const meta = {
    costMultiplier: "0.8",
    limitDailyUsd: "5",
    limitMonthlyUsd: "100.5",
    customUserAgent: "agent/1",
    isPartner: true,
    usage_script: { code: SECRET, apiKey: SECRET },
    promptCacheKey: SECRET,
  };
  const provider = claude("c", env, { meta, category: "third_party", notes: "from a friend" });
  const [upstream] = importCcSwitch([provider]).configs[0]?.upstreams ?? [];
  expect(upstream).toMatchObject({
    cost_multiplier: 0.8,
    budget_usd: { day: 5, month: 100.5 },
    models: { "*": "glm-4.6" },
    headers: { "user-agent": "agent/1" },
    tags: {
      provider_id: "c",
      cc_switch_id: "c",
      imported_from: "cc-switch",
      category: "third_party",
      notes: "from a friend",
      isPartner: true,
      API_TIMEOUT_MS: "3000",
    },
  });
  expect(JSON.stringify(upstream)).not.toContain(SECRET);
});

test("the vendor's own models and a price of 1 change nothing", () => {
  const env = { ...URL, ANTHROPIC_AUTH_TOKEN: "t", ANTHROPIC_MODEL: "claude-sonnet-4-5" };
  const [upstream] =
    importCcSwitch([claude("c", env, { meta: { costMultiplier: "1.0" } })]).configs[0]?.upstreams ?? [];
  expect(upstream).not.toHaveProperty("models");
  expect(upstream).not.toHaveProperty("cost_multiplier");
});

const token = { ...URL, ANTHROPIC_AUTH_TOKEN: SECRET };
test.each<[string, CcSwitchProvider, string?]>([
  ["login", codex("official", { category: "official", settings: settingsOf({ auth: {}, config: "" }) })],
  ["login", claude("official", {})],
  ["signs in", codex("x", { meta: { providerType: "codex_oauth" } })],
  ["signs in", claude("x", token, { meta: { authBinding: { source: "managed_account" } } })],
  ["signs in", claude("x", { ...token, ANTHROPIC_BASE_URL: "https://api.githubcopilot.com" })],
  [
    "placeholder",
    codex("x", { settings: settingsOf(codexSettings("https://x.example/v1", "PROXY_MANAGED")) }),
  ],
  ["placeholder", claude("x", { ...URL, ANTHROPIC_AUTH_TOKEN: "PROXY_MANAGED" })],
  [
    "on this machine",
    codex("x", { settings: settingsOf(codexSettings("http://127.0.0.1:15721/v1", SECRET)) }),
  ],
  [
    "another format (openai_chat)",
    claude("x", token, { meta: { apiFormat: "openai_chat" } }),
    "another API format (openai_chat)",
  ],
  [
    "another format (openai_chat)",
    claude("x", token, { settings: settingsOf({ env: token, openrouter_compat_mode: true }) }),
    "another API format (openai_chat)",
  ],
  [
    "another format (openai_chat)",
    codex("x", { meta: { apiFormat: "openai_chat" } }),
    "another API format (openai_chat)",
  ],
  [
    "another format (chat)",
    codex("x", {
      settings: settingsOf({
        auth: { OPENAI_API_KEY: SECRET },
        config: 'model_provider="a"\n[model_providers.a]\nbase_url="https://a.example/v1"\nwire_api="chat"',
      }),
    }),
    "another API format (chat)",
  ],
  ["cloud", claude("x", { ...token, CLAUDE_CODE_USE_BEDROCK: "1" })],
  ["cloud", claude("x", { ...token, ANTHROPIC_BASE_URL: "https://bedrock-runtime.us-east-1.amazonaws.com" })],
  ["no key", codex("x", { settings: settingsOf(codexSettings("https://x.example/v1", null)) })],
  ["no address", claude("x", { ANTHROPIC_AUTH_TOKEN: SECRET })],
  ["one endpoint", claude("x", token, { meta: { isFullUrl: true } }), "its address is a single endpoint"],
  ["user name or password", claude("x", { ...token, ANTHROPIC_BASE_URL: `https://u:${SECRET}@c.example` })],
  [
    "config.toml:1:",
    codex("x", { settings: settingsOf({ auth: { OPENAI_API_KEY: SECRET }, config: "= oops" }) }),
  ],
  [
    "no header can carry",
    codex("x", { settings: settingsOf(codexSettings("https://x.example/v1", "sk-“x”")) }),
    "contains a character that is not allowed in a header",
  ],
])("%s: a provider that cannot be used here is left out with that word", (title, provider, words = title) => {
  const { configs, skipped } = importCcSwitch([provider]);
  expect(configs).toEqual([]);
  expect(skipped).toHaveLength(1);
  expect(skipped[0]).toContain(words);
  expect(skipped[0]).toContain(provider.name);
  expect(skipped[0]).not.toContain(SECRET);
});

test("a whole endpoint's address is cut to its base", () => {
  const env = { ...token, ANTHROPIC_BASE_URL: "https://c.example/v1/messages" };
  const [config] = importCcSwitch([claude("c", env, { meta: { isFullUrl: true } })]).configs;
  expect(config?.upstreams[0]?.base_url).toBe("https://c.example/v1");
});

test("one bad address among several leaves the others", () => {
  const { configs, skipped } = importCcSwitch([
    codex("a", { endpoints: ["not an address", "http://localhost:1/v1"] }),
  ]);
  expect(configs[0]?.upstreams.map(({ base_url }) => base_url)).toEqual(["https://a.example/v1"]);
  expect(skipped).toHaveLength(2);
});

test("whatever stands in its fields, what comes out is a config.json without a mistake, or a reason", () => {
  const text = fc.oneof(
    fc.string(),
    fc.webUrl(),
    fc.constantFrom(
      "sk-1",
      "PROXY_MANAGED",
      "1",
      "true",
      "https://a.example/v1/responses",
      "ANTHROPIC_API_KEY",
    ),
  );
  const value = fc.oneof(text, fc.jsonValue());
  const record = (keys: readonly string[]): fc.Arbitrary<Record<string, unknown>> =>
    fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), value);
  const env = record(["ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_MODEL"]);
  const settings = fc.oneof(
    record(["base_url", "apiKey", "config", "auth", "env"]),
    env.map((one) => ({ env: one })),
    fc.tuple(fc.webUrl(), fc.string()).map(([url, more]) => settingsOf(codexSettings(url, "sk-1", more))),
  );
  const meta = record(["apiFormat", "costMultiplier", "limitDailyUsd", "customUserAgent", "isFullUrl"]);
  const provider = fc.record({
    name: fc.string({ minLength: 1 }),
    service: fc.constantFrom("codex" as const, "claude" as const),
    settings,
    meta,
    endpoints: fc.array(text, { maxLength: 2 }),
    isQueued: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(provider, { maxLength: 4 }), (parts) => {
      const providers = parts.map((one, index) => codex(`p${index}`, one));
      const { configs, skipped } = importCcSwitch(providers);
      if (providers.length > 0) expect(configs.length + skipped.length).toBeGreaterThan(0);
      const written = editConfig("", "config.json", planImport(configs, "first"));
      if (configs.length === 0) return;
      const { services } = parseConfig(written, "config.json");
      expect([...services.codex.broken, ...services.claude.broken]).toEqual([]);
      expect(services.codex.configs.size + services.claude.configs.size).toBeGreaterThan(0);
    }),
  );
});
