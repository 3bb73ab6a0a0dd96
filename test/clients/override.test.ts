import { textsInEnglish } from "../helpers/texts-in-english.ts";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Env } from "../../src/base/env.ts";
import { type ClaudeLayer, type ClaudeLayerKind, makeLayer } from "../../src/clients/claude/layers.ts";
import { listClaudeOverrides } from "../../src/clients/claude/overrides.ts";
import { makeCodexFacts, readCodexProfiles } from "../../src/clients/codex/facts.ts";
import { type CodexLayer, parseToml } from "../../src/clients/codex/layers.ts";
import { listCodexOverrides } from "../../src/clients/codex/overrides.ts";
import type { Override } from "../../src/clients/override.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

let home: TempHome;

beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

const OWN = "http://127.0.0.1:3211/v1";
const isOwnAddress = (url: string): boolean => url.startsWith("http://127.0.0.1:3211");
const layer = (kind: CodexLayer["kind"], where: string, text: string): CodexLayer => ({
  kind,
  where,
  table: parseToml(text, where),
});
const SWITCHED = layer("user", "config.toml", `openai_base_url = "${OWN}"`);

async function codex(layers: readonly CodexLayer[], env: Env = {}): Promise<Override[]> {
  const facts = makeCodexFacts(layers, { kind: "chatgpt" });
  return listCodexOverrides({ facts, profiles: await readCodexProfiles(home.paths), env, isOwnAddress });
}

function claude(settings: readonly (readonly [ClaudeLayerKind, Env])[]): Override[] {
  const layers = settings.map(([kind, env]): ClaudeLayer => makeLayer(kind, `${kind}.json`, { env }));
  return listClaudeOverrides({ facts: { layers, hasLogin: false, problems: [] }, isOwnAddress });
}

const idsOf = (overrides: readonly Override[]): string[] =>
  overrides.map(({ id, where }) => `${id} ${textsInEnglish(where)}`);

test("a client that is switched and left alone has nothing above it", async () => {
  expect(await codex([SWITCHED])).toEqual([]);
  expect(claude([["user", { ANTHROPIC_BASE_URL: "http://127.0.0.1:3211" }]])).toEqual([]);
  expect(await codex([])).toEqual([]);
  expect(claude([["environment", { ANTHROPIC_BASE_URL: "https://api.example" }]])).toEqual([]);
});

test("a managed file of Codex is named with its keys", async () => {
  const managed = layer(
    "managed",
    "managed.toml",
    'model = "x"\nmodel_providers.relay.base_url = "https://r.example"',
  );
  expect(textsInEnglish(await codex([SWITCHED, managed]))).toEqual([
    {
      id: "managed",
      where: "managed.toml",
      what: "sets model_providers.relay.base_url and overrides every file and option",
      hint: "remove it from that file, or ask the administrator of this machine",
    },
  ]);
  expect(await codex([SWITCHED, layer("managed", "managed.toml", 'model = "x"')])).toEqual([]);
});

test("profile files are named when they choose where requests go; broken ones are Codex's to report", async () => {
  mkdirSync(dirname(home.paths.codexConfig), { recursive: true });
  const work = home.write(
    ".codex/work.config.toml",
    'model_provider = "relay"\nopenai_base_url = "https://r.example"',
  );
  home.write(".codex/plain.config.toml", 'model = "x"');
  home.write(".codex/broken.config.toml", "model_provider = ");
  const [only, ...others] = await codex([SWITCHED]);
  expect(others).toEqual([]);
  expect(only).toMatchObject({ id: "profile", where: work });
  expect(textsInEnglish(only?.what)).toBe(
    "sets model_provider, openai_base_url: codex -p work bypasses the proxy",
  );
});

test("an outbound proxy that takes 127.0.0.1 along is named by its variable", async () => {
  expect(idsOf(await codex([SWITCHED], { http_proxy: "http://p" }))).toEqual(["outbound-proxy http_proxy"]);
  expect(await codex([SWITCHED], { http_proxy: "http://p", NO_PROXY: "127.0.0.1" })).toEqual([]);
  expect(idsOf(claude([["project", { HTTP_PROXY: "http://p" }]]))).toEqual(["outbound-proxy HTTP_PROXY"]);
  expect(
    claude([
      ["project", { HTTP_PROXY: "http://p" }],
      ["environment", { NO_PROXY: "*" }],
    ]),
  ).toEqual([]);
});

test("another program of this machine that has the client is named with its address", async () => {
  const other = 'model_provider = "x"\n[model_providers.x]\nbase_url = "http://localhost:15721/v1"\n';
  const [taken] = await codex([layer("user", "config.toml", other)]);
  expect(taken).toMatchObject({
    id: "other-proxy",
    where: "config.toml",
    rival: { host: "localhost:15721", port: 15721 },
  });
  expect(textsInEnglish(taken?.what)).toContain("localhost:15721");
  expect(idsOf(claude([["user", { ANTHROPIC_BASE_URL: "http://127.0.0.1:8080" }]]))).toEqual([
    "other-proxy user.json",
  ]);
});

test("Claude Code's managed and project settings are named, unless they point at us", () => {
  const far = { ANTHROPIC_BASE_URL: "https://r.example" };
  const own = { ANTHROPIC_BASE_URL: "http://127.0.0.1:3211" };
  expect(
    idsOf(
      claude([
        ["managed", far],
        ["local", far],
        ["project", own],
        ["user", own],
      ]),
    ),
  ).toEqual(["managed managed.json", "project local.json"]);
});

test("a cloud's own endpoint is named, unless it is turned off", () => {
  expect(idsOf(claude([["environment", { CLAUDE_CODE_USE_BEDROCK: "1" }]]))).toEqual([
    "cloud environment.json",
  ]);
  expect(
    claude([
      ["user", { CLAUDE_CODE_USE_BEDROCK: "0" }],
      ["environment", { CLAUDE_CODE_USE_BEDROCK: "1" }],
    ]),
  ).toEqual([]);
});

test("a profile that changes nothing of where requests go is no override, and an odd name can be typed", async () => {
  const relay = '[model_providers.relay]\nname = "R"\nbase_url = ';
  const switched = layer("user", "config.toml", `model_provider = "relay"\n${relay}"${OWN}"\n`);
  home.write(".codex/url.config.toml", 'openai_base_url = "https://r.example"\n');
  home.write(".codex/same.config.toml", 'model_provider = "relay"\n');
  home.write(".codex/ours.config.toml", `model_provider = "x"\n[model_providers.x]\nbase_url = "${OWN}"\n`);
  expect(await codex([switched])).toEqual([]);
  home.write(
    ".codex/it's mine.config.toml",
    'model_provider = "a b"\n[model_providers."a b"]\nbase_url = "https://r.example"\n',
  );
  const [only, ...others] = textsInEnglish(await codex([switched]));
  expect(others).toEqual([]);
  expect(only).toMatchObject({
    what: `sets model_provider, model_providers."a b".base_url: codex -p 'it'\\''s mine' bypasses the proxy`,
  });
});
