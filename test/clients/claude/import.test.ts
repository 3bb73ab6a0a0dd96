import { expect, test } from "bun:test";
import type { Env } from "../../../src/base/env.ts";
import { type ClaudeLayer, makeLayer } from "../../../src/clients/claude/layers.ts";
import { importClaude as importClaudeTexts } from "../../../src/clients/claude/import.ts";
import type { Import } from "../../../src/clients/imported-config.ts";
import { textsInEnglish } from "../../helpers/texts-in-english.ts";

const importClaude = (...parts: Parameters<typeof importClaudeTexts>) =>
  textsInEnglish(importClaudeTexts(...parts));

interface Case {
  readonly user?: object;
  readonly project?: object;
  readonly env?: Env;
  readonly hasLogin?: boolean;
}

const RELAY = "https://relay.example";
const isOwnAddress = (url: string): boolean => url === "http://127.0.0.1:3999";

function run({ user = {}, project = {}, env = {}, hasLogin = false }: Case): Import {
  const layers: ClaudeLayer[] = [
    makeLayer("project", "/p/.claude/settings.json", project),
    makeLayer("user", "settings.json", user),
    makeLayer("environment", "the environment", { env }),
  ];
  return importClaude({ layers, hasLogin, problems: [] }, env, isOwnAddress);
}

const settings = (env: Env): { user: object } => ({ user: { env } });

test.each([
  ["a token", settings({ ANTHROPIC_AUTH_TOKEN: "t" }), { auth_token_env: "ANTHROPIC_AUTH_TOKEN" }],
  ["a key", settings({ ANTHROPIC_API_KEY: "k" }), { api_key_env: "ANTHROPIC_API_KEY" }],
  [
    "both",
    settings({ ANTHROPIC_API_KEY: "k", ANTHROPIC_AUTH_TOKEN: "t" }),
    { auth_token_env: "ANTHROPIC_AUTH_TOKEN" },
  ],
  [
    "a token that the environment shadows",
    { ...settings({ ANTHROPIC_AUTH_TOKEN: "t" }), env: { ANTHROPIC_AUTH_TOKEN: "other" } },
    { auth_token: "t" },
  ],
  [
    "a token in the environment",
    { env: { ANTHROPIC_AUTH_TOKEN: "t" } },
    { auth_token_env: "ANTHROPIC_AUTH_TOKEN" },
  ],
  ["a command", { user: { apiKeyHelper: "make" } }, { client: true }],
  ["an account", { hasLogin: true }, { client: true }],
] as [string, Case, object][])(
  "a relay's config has the kind of credential that goes there: %s",
  (_, given, auth) => {
    const env = { ...given.env, ANTHROPIC_BASE_URL: RELAY };
    const { configs, skipped } = run({ ...given, env });
    expect(configs).toHaveLength(1);
    expect(configs[0]).toMatchObject({ name: "relay.example", upstreams: [{ base_url: RELAY, auth }] });
    expect(skipped).toEqual([]);
  },
);

test("without a base URL it is the official API", () => {
  expect(run({ hasLogin: true }).configs).toEqual([
    {
      service: "claude",
      name: "anthropic",
      from: "Claude Code's own credentials",
      upstreams: [
        {
          base_url: "https://api.anthropic.com",
          auth: { client: true },
          tags: { imported_from: "claude", imported_origin: "https://api.anthropic.com" },
        },
      ],
    },
  ]);
  expect(run({ env: { ANTHROPIC_API_KEY: "k" } }).configs[0]?.upstreams[0]).toMatchObject({
    base_url: "https://api.anthropic.com",
    auth: { api_key_env: "ANTHROPIC_API_KEY" },
  });
});

test("nothing is found where there is neither address nor credential", () => {
  expect(run({})).toEqual({ configs: [], skipped: [] });
});

test("a project's own settings stay the project's", () => {
  expect(run({ project: { env: { ANTHROPIC_BASE_URL: RELAY, ANTHROPIC_AUTH_TOKEN: "t" } } }).configs).toEqual(
    [],
  );
});

test("our own proxy is never imported, nor a key that was meant for what stood in its place", () => {
  const switched = { ANTHROPIC_BASE_URL: "http://127.0.0.1:3999", ANTHROPIC_AUTH_TOKEN: "relay-token" };
  expect(run(settings(switched)).configs).toEqual([]);
  expect(run({ ...settings(switched), hasLogin: true }).configs[0]?.upstreams[0]).toMatchObject({
    base_url: "https://api.anthropic.com",
    auth: { client: true },
  });
});

test("the placeholder that we write is not a credential", () => {
  expect(run(settings({ ANTHROPIC_AUTH_TOKEN: "codex-helper" })).configs).toEqual([]);
});

test.each([{ ANTHROPIC_AUTH_TOKEN: "PROXY_MANAGED" }, { ANTHROPIC_API_KEY: "PROXY_MANAGED" }])(
  "what cc-switch's own proxy has written is no credential: %p",
  (env) => {
    const found = run(settings({ ANTHROPIC_BASE_URL: "http://127.0.0.1:15721", ...env }));
    expect(found).toEqual({
      configs: [],
      skipped: [
        "Claude Code's ANTHROPIC_BASE_URL: its key is a placeholder of cc-switch's proxy: ch config import --from cc-switch",
      ],
    });
  },
);
