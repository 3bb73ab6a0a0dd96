// `ch config remove` and the key that it leaves behind in the earlier versions of config.json.
import { describe, expect, test } from "bun:test";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../../../helpers/cli.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";

const KEY = 'sk-relay-"B"-0123456789';

function makeHome(upstreamB: object, more: object = {}): TempHome {
  const home = makeTempHome();
  const of = (upstream: object) => ({ upstreams: [{ base_url: "https://relay.example/v1", ...upstream }] });
  const configs = { main: of({ auth: { auth_token: "sk-main" } }), old: of(upstreamB), ...more };
  home.write(".codex-helper/config.json", { codex: { active: "main", configs } });
  return home;
}

const holding = (home: TempHome, secret: string): string[] =>
  readdirSync(home.paths.home, { recursive: true, encoding: "utf8" })
    .filter((name) => name.includes("config.json") || name.endsWith(".json"))
    .filter((name) => {
      const text = readFileSync(join(home.paths.home, name), "utf8");
      return text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1));
    });

const remove = (home: TempHome, ...args: string[]) => runCli(["config", "remove", ...args], { home });

describe("a removed config's key", () => {
  test("is still in backups, which is said with the line that removes them", async () => {
    using home = makeHome({ auth: { auth_token: KEY } });
    await runCli(["config", "disable", "main"], { home });
    const { code, stderr } = await remove(home, "old");
    expect(code).toBe(0);
    expect(stderr).toContain("removed old; a backup of the file is in ~/.codex-helper/backups");
    expect(stderr).toContain("warning: its key is still in 2 of the backups in ~/.codex-helper/backups");
    expect(holding(home, KEY)).toHaveLength(2);
    if (process.platform === "win32") return;
    const [, line = ""] = /^ {4}(cd .+ && rm .+)$/m.exec(stderr) ?? [];
    expect(Bun.spawnSync(["sh", "-c", line], { env: home.env }).exitCode).toBe(0);
    expect(holding(home, KEY)).toEqual([]);
  });

  test.each([
    ["auth_token", { auth: { auth_token: KEY } }],
    ["api_key", { auth: { api_key: KEY } }],
    ["a header", { headers: { "x-relay-token": KEY } }],
    ["a parameter", { query: { key: KEY } }],
    ["a proxy's password", { proxy: "http://me:hunter2@proxy.example:8080" }],
  ])("goes with --purge-backups: %s", async (_, upstream) => {
    const secret = "proxy" in upstream ? "me:hunter2@" : KEY;
    using home = makeHome(upstream);
    await runCli(["config", "disable", "main"], { home });
    const untouched = home.write(".codex-helper/backups/config.json.1600000000000", '{"codex":{}}');
    const { code, stderr } = await remove(home, "old", "--purge-backups");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "removed old, and the backups that held its key: 2\n",
    });
    expect(holding(home, secret)).toEqual([]);
    expect(readFileSync(untouched, "utf8")).toBe('{"codex":{}}');
  });

  test("of one upstream goes too, and another's that is the same stays", async () => {
    const upstreams = ["a", "b"].map((host) => ({
      base_url: `https://${host}.example/v1`,
      auth: { auth_token: `sk-${host}-0123456789` },
    }));
    using home = makeHome({ auth: { auth_token: KEY } }, { two: { upstreams } });
    expect((await remove(home, "two#2", "--purge-backups")).stderr).toContain("held its key: 1");
    expect(holding(home, "sk-b-0123456789")).toEqual([]);
    expect(holding(home, "sk-a-0123456789")).toEqual(["config.json"]);
  });

  test("that another config uses is not one that is left behind", async () => {
    using home = makeHome(
      { auth: { auth_token: KEY } },
      { same: { upstreams: [{ base_url: "https://c.example/v1", auth: { api_key: KEY } }] } },
    );
    const { stderr } = await remove(home, "old");
    expect(stderr).toBe("removed old; a backup of the file is in ~/.codex-helper/backups\n");
    expect((await remove(home, "same", "--purge-backups")).stderr).toContain("held its key: 2");
    expect(holding(home, KEY)).toEqual([]);
  });

  test("in a variable is in no backup", async () => {
    using home = makeHome({ auth: { auth_token_env: "RELAY_KEY" } });
    expect((await remove(home, "old")).stderr).toBe(
      "removed old; a backup of the file is in ~/.codex-helper/backups\n",
    );
  });

  test("is found where JSON escapes it, and in a version that no longer parses", async () => {
    using home = makeHome({ auth: { auth_token: "sk-plain-0123456789" } });
    home.write(".codex-helper/backups/config.json.1600000000000", '{"a":"sk-plain\\u002d0123456789"}');
    home.write(".codex-helper/backups/config.json.1600000000001", '{"a":{ sk-plain-0123456789');
    expect((await remove(home, "old", "--purge-backups")).stderr).toContain("held its key: 3");
    expect(readdirSync(home.paths.backups)).toEqual([]);
  });

  test("in a journal that a client needs is named, and kept", async () => {
    using home = makeHome({ auth: { auth_token: KEY } });
    const journal = home.write(".codex-helper/run/switch-codex-x.json", { changes: [{ before: KEY }] });
    const { stderr } = await remove(home, "old", "--purge-backups");
    expect(stderr).toContain("warning: its key is also in ~/.codex-helper/run/switch-codex-x.json");
    expect(readFileSync(journal, "utf8")).toContain("sk-relay");
  });
});
