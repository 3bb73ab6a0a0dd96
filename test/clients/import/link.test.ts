import { expect, test } from "bun:test";
import { importLink as importLinkTexts } from "../../../src/clients/import/link.ts";
import { codexSettings } from "../../helpers/cc-switch-home.ts";
import { shortRound } from "../../fuzz/short-round.ts";
import { textsInEnglish } from "../../helpers/texts-in-english.ts";

const importLink = (...parts: Parameters<typeof importLinkTexts>) =>
  textsInEnglish(importLinkTexts(...parts));

const SECRET = "sk-0123456789-very-secret-abcdef";
const BASE = {
  resource: "provider",
  app: "codex",
  name: "Relay",
  endpoint: "https://r.example/v1",
  apiKey: SECRET,
};

function link(parameters: Readonly<Record<string, string>>, start = "ccswitch://v1/import"): string {
  return `${start}?${new URLSearchParams(parameters).toString()}`;
}
const without = (key: keyof typeof BASE): Record<string, string> =>
  Object.fromEntries(Object.entries(BASE).filter(([name]) => name !== key));
const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("a link is one config, with an upstream for each of its addresses", () => {
  const { configs, skipped } = importLink(
    link({
      ...BASE,
      endpoint: "https://r.example/v1/, https://s.example/v1,https://r.example/v1",
      notes: "hi",
      model: "kimi-k2",
    }),
  );
  expect(skipped).toEqual([]);
  expect(configs).toHaveLength(1);
  expect(configs[0]).toMatchObject({ service: "codex", name: "Relay" });
  expect(configs[0]?.upstreams).toEqual(
    ["https://r.example/v1", "https://s.example/v1"].map((base_url) => ({
      base_url,
      auth: { auth_token: SECRET },
      models: { "*": "kimi-k2" },
      tags: { model: "kimi-k2", notes: "hi", provider_id: "Relay", imported_from: "ccswitch link" },
    })),
  );
});

test.each<[string, Record<string, string>]>([
  [
    "json",
    { config: base64(JSON.stringify(codexSettings("https://r.example/v1", SECRET))), configFormat: "json" },
  ],
  [
    "json without padding, in the other alphabet",
    {
      config: Buffer.from(JSON.stringify(codexSettings("https://r.example/v1", SECRET))).toString(
        "base64url",
      ),
    },
  ],
  [
    "toml",
    {
      config: base64(
        `model_provider = "x"\n[model_providers.x]\nbase_url = "https://r.example/v1"\nexperimental_bearer_token = "${SECRET}"`,
      ),
      configFormat: "toml",
    },
  ],
])("address and key may be in its config: %s", (_, parameters) => {
  const { configs } = importLink(link({ resource: "provider", app: "codex", name: "R", ...parameters }));
  expect(configs[0]?.upstreams[0]).toMatchObject({
    base_url: "https://r.example/v1",
    auth: { auth_token: SECRET },
  });
});

test("what the address says wins over the config; headers and variables of a stranger's choosing are left out", () => {
  const config = base64(
    JSON.stringify(
      codexSettings(
        "https://other.example/v1",
        "other",
        'env_key = "HOME"\nhttp_headers = { "x-evil" = "1" }',
      ),
    ),
  );
  const { configs } = importLink(link({ ...BASE, config }));
  expect(configs[0]?.upstreams[0]).toMatchObject({ base_url: BASE.endpoint, auth: { auth_token: SECRET } });
  expect(configs[0]?.upstreams[0]).not.toHaveProperty("headers");
  const onlyVariable = base64(
    JSON.stringify(codexSettings("https://r.example/v1", null, 'env_key = "HOME"')),
  );
  expect(() => importLink(link({ ...without("apiKey"), config: onlyVariable }))).toThrow("it has no key");
});

test("a link for Claude Code is a bearer token", () => {
  const config = base64(
    JSON.stringify({ env: { ANTHROPIC_BASE_URL: "https://c.example", ANTHROPIC_AUTH_TOKEN: SECRET } }),
  );
  const { configs } = importLink(link({ resource: "provider", app: "claude", name: "C", config }));
  expect(configs[0]).toMatchObject({
    service: "claude",
    upstreams: [{ base_url: "https://c.example", auth: { auth_token: SECRET } }],
  });
});

test("parameters without a counterpart are named", () => {
  const { skipped } = importLink(
    link({ ...BASE, usageScript: base64("process.exit()"), usageEnabled: "true" }),
  );
  expect(skipped).toEqual(["usageScript: not supported here", "usageEnabled: not supported here"]);
});

test.each<[string, string]>([
  ["https://v1/import?x=1", "not a ccswitch:// address"],
  [link(BASE, "ccswitch://v2/import"), "does not begin with ccswitch://v1/import?"],
  [link(BASE, "ccswitch://v1/export"), "does not begin with"],
  [link(BASE, "ccswitch://user@v1/import"), "does not begin with"],
  [`${link(BASE)}&name=Other`, "contains name twice"],
  [link({ ...BASE, resource: "mcp" }), "no provider (resource=mcp)"],
  [link({ ...BASE, app: "gemini" }), "neither for codex nor for claude (app=gemini)"],
  [link({ ...BASE, name: " " }), "no name"],
  [link(without("apiKey")), "no key"],
  [link(without("endpoint")), "no address"],
  [link({ ...BASE, endpoint: "http://127.0.0.1:8080/v1" }), "on this machine"],
  [link({ ...BASE, endpoint: `https://u:${SECRET}@r.example` }), "user name or password"],
  [link({ ...BASE, endpoint: "file:///etc/passwd" }), "must be an https or http address"],
  [link({ ...BASE, endpoint: "https://r.example/v1?x=1" }), "must not contain a query"],
  [
    link({ ...BASE, endpoint: Array.from({ length: 9 }, (_, n) => `https://r${n}.example`).join() }),
    "more than 8",
  ],
  [link({ ...BASE, apiKey: "密钥" }), "contains a character that is not allowed in a header"],
  [link({ ...BASE, apiFormat: "openai_chat" }), "another API format (openai_chat)"],
  [link({ ...BASE, config: "%%%" }), "not valid Base64"],
  [link({ ...BASE, config: base64("[]") }), "not a JSON object"],
  [link({ ...BASE, config: base64("x"), configFormat: "yaml" }), "another format (yaml)"],
  [`${link(BASE)}&notes=${"x".repeat(70_000)}`, "not a ccswitch:// address"],
])("%s is refused as a whole, without its key", (text, words) => {
  expect(() => importLink(text)).toThrow(words);
  try {
    importLink(text);
  } catch (error) {
    expect(String(error)).not.toContain(SECRET);
  }
});

test("whatever a link holds, it is a config that can be used or a UserError", () => shortRound("link", 200));
