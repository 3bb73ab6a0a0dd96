import { inEnglish } from "../../../src/base/text.ts";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../../../src/base/env.ts";
import { UserError } from "../../../src/base/errors.ts";
import type { Service } from "../../../src/base/service.ts";
import { type Bootstrapped, bootstrap } from "../../../src/app/import/bootstrap.ts";
import { placeImports } from "../../../src/app/import/import-plan.ts";
import { switchOn } from "../../../src/clients/switch/switch.ts";
import { loadConfig } from "../../../src/config/file.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";

let home: TempHome;

beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

const run = (service: Service, env: Env = {}): Promise<Bootstrapped | null> =>
  bootstrap({ paths: home.paths, env, cwd: home.path, service }, Date.now);

const USER = { kind: "user" } as const;
const CODEX = `model_provider = "second"
[model_providers.first]
base_url = "https://first.example/v1"
[model_providers.second]
base_url = "https://second.example/v1"
env_key = "SECOND_KEY"
[model_providers.proxy]
base_url = "http://127.0.0.1:3211/v1"
`;

test("every provider of Codex is taken over, the active one becomes ours too, nothing of Codex is changed", async () => {
  const toml = home.write(".codex/config.toml", CODEX);
  const auth = home.write(".codex/auth.json", { OPENAI_API_KEY: "sk-file" });
  const before = [toml, auth].map((path) => statSync(path).mtimeMs);
  const done = await run("codex");
  expect(done?.configs.map(({ name }) => name)).toEqual(["second", "first", "openai"]);
  expect(done?.skipped.map(inEnglish)).toEqual([`Codex's provider "proxy": it is this proxy`]);
  const { codex, claude } = (await loadConfig(home.paths.config)).services;
  expect(codex.active).toBe("second");
  expect([...codex.configs.keys()]).toEqual(["second", "first", "openai"]);
  expect(codex.broken.size + claude.configs.size).toBe(0);
  expect(statSync(home.paths.config).mode & 0o777).toBe(0o600);
  expect(readFileSync(home.paths.config, "utf8")).not.toContain("sk-file");
  expect([toml, auth].map((path) => statSync(path).mtimeMs)).toEqual(before);
});

test("Claude Code's base URL is taken over beside what the file holds for Codex", async () => {
  home.write(".claude/settings.json", {
    env: { ANTHROPIC_BASE_URL: "https://r.example", ANTHROPIC_API_KEY: "k" },
  });
  home.write(".codex-helper/config.json", '{ // mine\n"codex": {"configs": {}} }');
  expect((await run("claude"))?.configs.map(({ name }) => name)).toEqual(["r.example"]);
  expect(readFileSync(home.paths.config, "utf8")).toContain("// mine");
  const { claude } = (await loadConfig(home.paths.config)).services;
  expect(claude.configs.get("r.example")?.entry.upstreams[0]).toMatchObject({
    base_url: "https://r.example",
    auth: { api_key_env: "ANTHROPIC_API_KEY" },
  });
});

test("a service that has a config, even a broken one, is left alone", async () => {
  home.write(".codex/config.toml", CODEX);
  const text = '{"codex":{"configs":{"mine":{"upstreams":[]}}}}';
  home.write(".codex-helper/config.json", text);
  expect(await run("codex")).toBeNull();
  expect(readFileSync(home.paths.config, "utf8")).toBe(text);
});

test.each([
  ["codex", "ch config add main --base-url URL --auth-token-env NAME"],
  ["claude", "ch config add main --base-url URL --auth-token-env NAME --claude"],
] as const)(
  "where %s has nothing, the error says what to type, and no file is made",
  async (service, hint) => {
    const error = await run(service).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).hint).toBe(hint);
    expect(existsSync(home.paths.home)).toBe(false);
  },
);

test("a client that was switched before the first config is taken over as it was set up before", async () => {
  const toml = `model_provider = "relay"\n[model_providers.relay]\nname = "R"\nbase_url = "https://relay.example/v1"\nenv_key = "K"\n`;
  home.write(".codex/config.toml", toml);
  const settings = { env: { ANTHROPIC_BASE_URL: "https://c.example", ANTHROPIC_AUTH_TOKEN: "sk-claude" } };
  home.write(".claude/settings.json", settings);
  for (const [service, port] of [
    ["codex", 4711],
    ["claude", 4712],
  ] as const) {
    await switchOn({ service, paths: home.paths, env: {} }, { port, prefersOwnProvider: false }, USER);
  }
  const switched = readFileSync(join(home.path, ".codex/config.toml"), "utf8");
  expect(switched).toContain("127.0.0.1:4711");
  expect((await run("codex"))?.configs[0]?.upstreams[0]).toMatchObject({
    base_url: "https://relay.example/v1",
    auth: { auth_token_env: "K" },
  });
  expect((await run("claude"))?.configs[0]?.upstreams[0]).toMatchObject({
    base_url: "https://c.example",
    auth: { auth_token_env: "ANTHROPIC_AUTH_TOKEN" },
  });
  expect(readFileSync(join(home.path, ".codex/config.toml"), "utf8")).toBe(switched);
});

test("the port of a switch is ours too, though it is no usual one", async () => {
  home.write(".codex/config.toml", CODEX.replaceAll("3211", "4711"));
  home.write(".claude/settings.json", {});
  const goal = { port: 4711, prefersOwnProvider: false };
  await switchOn({ service: "claude", paths: home.paths, env: {} }, goal, USER);
  expect((await run("codex"))?.skipped.map(inEnglish)).toEqual([
    `Codex's provider "proxy": it is this proxy`,
  ]);
});

test("what had to be left out is named where nothing is left", async () => {
  home.write(".codex/config.toml", '[model_providers.x]\nbase_url = "http://127.0.0.1:3211/v1"\n');
  expect(run("codex")).rejects.toThrow("it is this proxy");
});

test("a config.json that does not parse stops it before anything is read over", async () => {
  home.write(".codex/config.toml", CODEX);
  home.write(".codex-helper/config.json", "{");
  expect(run("codex")).rejects.toThrow(home.paths.config);
  expect(readFileSync(home.paths.config, "utf8")).toBe("{");
});

test("equal names get a number, and what is there already is not added again", () => {
  const one = (name: string, url: string) => ({
    service: "codex" as const,
    name,
    from: "",
    upstreams: [{ base_url: url }],
  });
  const config = parseConfig(
    '{"codex":{"configs":{"A":{"upstreams":[{"base_url":"https://a.example","tags":{"x":1}}]}}}}',
    "config.json",
  );
  const { added, known } = placeImports(
    [one("a", "https://a.example"), one("a", "https://b.example"), one("a", "https://c.example")],
    config,
  );
  expect(added.map(({ name, takenName, upstreams }) => [name, takenName, upstreams[0]?.base_url])).toEqual([
    ["a-2", "a", "https://b.example"],
    ["a-3", "a", "https://c.example"],
  ]);
  expect(known).toEqual([{ service: "codex", name: "a", as: "A" }]);
});
