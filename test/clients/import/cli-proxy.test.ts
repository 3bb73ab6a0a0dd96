import { expect, test } from "bun:test";
import {
  type CliProxyFiles,
  importCliProxy as importCliProxyTexts,
  readCliProxy,
} from "../../../src/clients/import/cli-proxy.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { textsInEnglish } from "../../helpers/texts-in-english.ts";

const importCliProxy = (...parts: Parameters<typeof importCliProxyTexts>) =>
  textsInEnglish(importCliProxyTexts(...parts));

const SECRET = "sk-0123456789-very-secret-abcdef";
const entry = (name: string, more: object = {}): object => ({
  base_url: `https://${name}.example/v1`,
  auth_token: `sk-${name}`,
  ...more,
});
const ENTRIES = {
  low: entry("low", { weight: 1 }),
  "b-high": entry("b", { weight: 9 }),
  "a-high": entry("a", { weight: 9, api_key: "second-key" }),
  none: entry("none", { active: true }),
};

function run(codex: object, more: Partial<CliProxyFiles> = {}): ReturnType<typeof importCliProxy> {
  const services = { codex: codex as CliProxyFiles["services"]["codex"], claude: null };
  return importCliProxy({ services, balancing: null, models: null, hasFilter: false, ...more });
}
const hosts = (found: ReturnType<typeof importCliProxy>): [string, string[]][] =>
  found.configs.map(({ name, upstreams }) => [
    name,
    upstreams.map(({ base_url }) => new URL(base_url).hostname),
  ]);

test("weight-based: one config, by weight and then by name", () => {
  const found = run(ENTRIES, { balancing: { mode: "weight-based" } });
  expect(hosts(found)).toEqual([["cli_proxy", ["a.example", "b.example", "low.example", "none.example"]]]);
  expect(found.configs[0]?.upstreams[0]).toEqual({
    base_url: "https://a.example/v1",
    auth: { auth_token: "sk-a" },
    headers: { "x-api-key": "second-key" },
    tags: { weight: 9, provider_id: "a-high", imported_from: "cli_proxy" },
  });
  expect(found.skipped).toEqual([]);
});

test("active-first: one config an entry, the active one first", () => {
  const found = run(ENTRIES, { balancing: { mode: "active-first" } });
  expect(hosts(found).map(([name]) => name)).toEqual(["none", "low", "b-high", "a-high"]);
});

test("one entry by weight is that entry", () => {
  expect(hosts(run({ one: entry("one") }, { balancing: { mode: "weight-based" } }))).toEqual([
    ["one", ["one.example"]],
  ]);
});

test("model mappings go along while they are on; the first that fits counts", () => {
  const modelMappings = {
    codex: [
      { source: "gpt-5", target: "first", source_type: "model" },
      { source: "gpt-5", target: "second", source_type: "model" },
      { source: "low", target: "small", source_type: "config" },
      { source: "", target: "x" },
    ],
  };
  const modelsOf = (mode: string): unknown[] =>
    run(ENTRIES, { models: { mode, modelMappings } }).configs.map(({ upstreams }) => upstreams[0]?.models);
  expect(modelsOf("model-mapping")).toEqual([
    { "gpt-5": "first" },
    { "*": "small", "gpt-5": "first" },
    { "gpt-5": "first" },
    { "gpt-5": "first" },
  ]);
  expect(modelsOf("default")).toEqual([undefined, undefined, undefined, undefined]);
});

test("what has no counterpart is named", () => {
  const { skipped } = run(ENTRIES, {
    balancing: { services: { codex: { failureThreshold: 5 } } },
    models: { mode: "config-mapping", configMappings: { codex: [{ model: "m", config: "low" }] } },
    hasFilter: true,
  });
  expect(skipped).toEqual([
    expect.stringContaining("choosing an entry by model"),
    expect.stringContaining("failureThreshold 5"),
    expect.stringContaining("filter.json: copy it"),
  ]);
});

test.each<[unknown, string]>([
  ["text", "not an object"],
  [{ base_url: "http://127.0.0.1:3211/v1", auth_token: SECRET }, "on this machine"],
  [{ base_url: "https://x.example", auth_token: "" }, "no key"],
  [{ base_url: `https://u:${SECRET}@x.example`, auth_token: SECRET }, "user name or password"],
  [{ auth_token: SECRET }, "is empty"],
])("%j is left out with the reason", (value, words) => {
  const { configs, skipped } = run({ odd: value });
  expect(configs).toEqual([]);
  expect(skipped[0]).toContain(words);
  expect(skipped[0]).not.toContain(SECRET);
});

test("its files are read where they lie, and a directory without them is said", async () => {
  using home = makeTempHome();
  expect(readCliProxy(home.path)).rejects.toThrow("no cli_proxy data in");
  home.write("claude.json", { c: entry("c") });
  home.write("data/lb_config.json", { mode: "weight-based" });
  home.write("filter.json", [{ op: "remove", source: "x" }]);
  expect(await readCliProxy(home.path)).toEqual({
    services: { codex: null, claude: { c: entry("c") } },
    balancing: { mode: "weight-based" },
    models: null,
    hasFilter: true,
  } as never);
  home.write("codex.json", "{");
  expect(readCliProxy(home.path)).rejects.toThrow("codex.json is not valid JSON");
});
