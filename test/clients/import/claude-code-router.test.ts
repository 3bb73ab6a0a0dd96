import { expect, test } from "bun:test";
import { importRouterConfig, readRouterConfig } from "../../../src/clients/import/claude-code-router.ts";
import { runCli } from "../../helpers/cli.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { textsInEnglish } from "../../helpers/texts-in-english.ts";

const run = (root: Record<string, unknown>) => textsInEnglish(importRouterConfig(root));
const provider = (more: object = {}): object => ({
  name: "p",
  api_base_url: "https://relay.example/v1/messages",
  api_key: "sk-p",
  models: ["glm-5"],
  ...more,
});
const use = (...names: readonly unknown[]): object => ({ transformer: { use: names } });
const tags = { provider_id: "p", imported_from: "claude-code-router" };

test.each([
  ["its messages", {}, "claude", { api_key: "sk-p" }],
  ["Anthropic alone", use("Anthropic"), "claude", { api_key: "sk-p" }],
  ["a bearer token", use(["Anthropic", { UseBearer: true }]), "claude", { auth_token: "sk-p" }],
  ["a variable", { api_key: "$RELAY_KEY" }, "claude", { api_key_env: "RELAY_KEY" }],
  ["a variable in braces", { api_key: "${RELAY_KEY}" }, "claude", { api_key_env: "RELAY_KEY" }],
  ["its responses", { api_base_url: "https://relay.example/v1/responses" }, "codex", { auth_token: "sk-p" }],
  [
    "responses by their name",
    { api_base_url: "https://relay.example/v1", ...use("openai-responses") },
    "codex",
    { auth_token: "sk-p" },
  ],
])("a provider that a client can ask by itself: %s", (_name, more, service, auth) => {
  expect(run({ Providers: [provider(more)] })).toMatchObject({
    configs: [
      {
        service,
        name: "p",
        upstreams: [{ base_url: "https://relay.example/v1", auth, models: { "*": "glm-5" }, tags }],
      },
    ],
    skipped: [],
  });
});

test.each([
  [
    "chat",
    { api_base_url: "https://relay.example/v1/chat/completions" },
    "another API format (chat/completions)",
  ],
  ["another vendor's", use("gemini"), "another API format (gemini)"],
  ["more than one", use("Anthropic", "tooluse"), "another API format (anthropic)"],
  ["this machine", { api_base_url: "http://127.0.0.1:1234/v1/messages" }, "its address is on this machine"],
  ["no key", { api_key: "" }, "it has no key"],
  ["no address", { api_base_url: " " }, "it has no address"],
])("a provider that is translated for, or cannot be asked, is named: %s", (_name, more, words) => {
  const { configs, skipped } = run({ Providers: [provider(more)] });
  expect(configs).toEqual([]);
  expect(skipped).toEqual([expect.stringContaining(words)]);
});

test("the default route's provider comes first, with its model; other routes are named", () => {
  const { configs, skipped } = run({
    providers: [provider(), provider({ name: "my relay", models: ["a", "b"] })],
    Router: { default: "my relay,b", think: "p,glm-5", longContextThreshold: 60_000 },
  });
  expect(configs.map(({ name, upstreams }) => [name, upstreams[0]?.models])).toEqual([
    ["my-relay", { "*": "b" }],
    ["p", { "*": "glm-5" }],
  ]);
  expect(skipped).toEqual([
    "choosing a provider by the kind of request (think): upstreams are tried in order",
  ]);
});

test.each([{}, { Providers: null }, { Providers: [5, null, {}] }, { Providers: {}, Router: [] }])(
  "odd content gives nothing: %p",
  (root) => expect(run(root).configs).toEqual([]),
);

test("config.json is found in its usual place, comments and all, and shows no key", async () => {
  using home = makeTempHome();
  const text = `{\n  // mine\n  "APIKEY": "router-secret",\n  "Providers": [${JSON.stringify(provider())},],\n}\n`;
  const path = home.write(".claude-code-router/config.json", text);
  const { code, stderr, stdout } = await runCli(["config", "import", "--from", "claude-code-router"], {
    home,
  });
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("relay.example/v1") });
  expect(stdout + stderr).not.toMatch(/sk-p|router-secret/);
  expect(await Bun.file(path).text()).toBe(text);
});

test("no such directory, and a broken file, are said with their place", async () => {
  using home = makeTempHome();
  expect(readRouterConfig(home.path)).rejects.toThrow(`no claude-code-router data in ${home.path}`);
  home.write("config.json", "{\n  'Providers': []\n}");
  expect(readRouterConfig(home.path)).rejects.toThrow("config.json:2:3: ");
});
