// `ch doctor --probe-client` with the real clients: what it says of a client is what the client does.
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../helpers/cli.ts";
import { claudeBinary } from "../helpers/real-claude.ts";
import { codexBinary } from "../helpers/real-codex.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const TOML = 'model_provider = "p"\n[model_providers.p]\nname = "P"\nbase_url = "https://relay.example/v1"\n';

/** The clients on the search path, and files of the user's. */
function makeHome(settings: string, config: string): TempHome {
  const bin = makeTempHome();
  const home = makeTempHome({ PATH: `${join(bin.path, "bin")}:/usr/bin:/bin` });
  mkdirSync(join(bin.path, "bin"));
  symlinkSync(claudeBinary(), join(bin.path, "bin/claude"));
  symlinkSync(codexBinary(), join(bin.path, "bin/codex"));
  home.write(".claude/settings.json", settings);
  home.write(".codex/config.toml", config);
  return home;
}

const probe = async (home: TempHome, env: Record<string, string> = {}): Promise<unknown> => {
  const { stdout } = await runCli(["doctor", "--probe-client", "--json"], { home, env });
  const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string }[] };
  return checks.map(({ id, status }) => `${id} ${status}`);
};

test("both clients send their requests to the address in their files, which stay as they are", async () => {
  using home = makeHome('{ "theme": "dark" }\n', TOML);
  expect(await probe(home)).toEqual(["client-probe ok", "client-probe ok"]);
  expect(readFileSync(home.paths.claudeSettings, "utf8")).toBe('{ "theme": "dark" }\n');
  expect(readFileSync(home.paths.codexConfig, "utf8")).toBe(TOML);
}, 120_000);

test("a file that a client does not read, and a variable that wins over it, are found", async () => {
  using home = makeHome('{ "model": 5 }\n', "model = 5\n");
  expect(await probe(home)).toEqual(["client-probe fail", "client-probe fail"]);
  home.write(".claude/settings.json", "{}\n");
  home.write(".codex/config.toml", TOML);
  expect(await probe(home, { CLAUDE_CODE_USE_BEDROCK: "1" })).toEqual([
    "client-probe ok",
    "client-probe fail",
  ]);
}, 120_000);

test("a client that is not installed is said to be so", async () => {
  using home = makeTempHome({ PATH: "/nowhere" });
  expect(await probe(home)).toEqual(["client-probe info", "client-probe info"]);
});
