// Whose our home may be, and who may write to it. As root, which CI is, the program runs as a second user; elsewhere as the one that
// runs the tests, of whom there is only one: what belongs to another cannot be made then.
import { showPath } from "../../src/base/paths.ts";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { responsesEvents, stream } from "../helpers/answers.ts";
import { PROGRAM, runCli, startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import {
  IS_ROOT,
  type ProgramOf,
  giveToSecondUser,
  makeProgramForSecondUser,
} from "../helpers/second-user.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const IS_WINDOWS = process.platform === "win32";

let second: ProgramOf;
beforeAll(async () => {
  second = await makeProgramForSecondUser();
});
afterAll(() => second[Symbol.dispose]());

/** A home of the second user, with a config. */
function makeHome(baseUrl = "https://relay.example/v1"): TempHome {
  const home = makeTempHome();
  const upstreams = [{ base_url: baseUrl, auth: { auth_token: "sk-a" } }];
  const section = { active: "main", configs: { main: { upstreams } } };
  chmodSync(home.write(".codex-helper/config.json", { codex: section, claude: section }), 0o600);
  chmodSync(home.paths.home, 0o700);
  giveToSecondUser(home.path);
  return home;
}

const run = (home: TempHome, args: readonly string[], env: Record<string, string> = {}) =>
  runCli(args, { home, program: second.program, env: { ...second.env, ...env } });

const COMMANDS = [
  ["status"],
  ["config", "list"],
  ["switch", "on"],
  ["switch", "off"],
  ["doctor"],
  ["serve"],
  ["quota", "list"],
];

describe("a home that others may write to", () => {
  const isRefused = async (home: TempHome, args: readonly string[], path: string): Promise<void> => {
    const { mode } = statSync(path);
    const { code, stdout, stderr } = await run(home, args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const shown = showPath(path, home.env);
    expect(stderr).toBe(
      `error: other users may write to ${shown}\n  chmod 700 ${shown}\n  or choose another: export CODEX_HELPER_HOME=...\n`,
    );
    expect(statSync(path).mode).toBe(mode);
  };

  test.each([0o770, 0o777, 0o720, 0o702, 0o1777, 0o2775])(
    "is refused with what to type: %o",
    async (mode) => {
      if (IS_WINDOWS) return expect(statSync(".").isDirectory()).toBe(true);
      using home = makeHome();
      chmodSync(home.paths.home, mode);
      for (const args of mode === 0o777 ? COMMANDS : [["status"]])
        await isRefused(home, args, home.paths.home);
      const { stdout } = await run(home, ["config", "--help"]);
      expect(stdout).toContain("ch config");
      chmodSync(home.paths.home, 0o700);
      expect((await run(home, ["config", "list"])).code).toBe(0);
      expect(readdirSync(home.paths.home).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    },
  );

  test("is refused behind a link too, and so is a directory in it", async () => {
    if (IS_WINDOWS) return expect(statSync(".").isDirectory()).toBe(true);
    using home = makeHome();
    const { home: path, run: runPath } = home.paths;
    mkdirSync(runPath);
    giveToSecondUser(path);
    chmodSync(runPath, 0o777);
    await isRefused(home, ["status"], runPath);
    chmodSync(runPath, 0o700);
    const link = join(home.path, "link");
    symlinkSync(path, link);
    chmodSync(path, 0o770);
    const { code, stderr } = await run(home, ["status"], { CODEX_HELPER_HOME: link });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `error: other users may write to ~/link\n  chmod 700 ~/link\n  or choose another: export CODEX_HELPER_HOME=...\n`,
    });
  });

  test("is fine where they may only read, and its mode stays", async () => {
    using home = makeHome();
    chmodSync(home.paths.home, 0o755);
    const { mode } = statSync(home.paths.home);
    expect((await run(home, ["config", "disable", "main"])).code).toBe(0);
    expect(statSync(home.paths.home).mode).toBe(mode);
  });
});

describe("a home of another user", () => {
  test("is refused, with what to type", async () => {
    using home = makeHome();
    chmodSync(home.paths.home, 0o755);
    if (IS_ROOT) chownSync(home.paths.home, 12_345, 12_345);
    for (const args of COMMANDS.slice(0, 2)) {
      const { code, stderr } = await run(home, args);
      if (!IS_ROOT) continue;
      expect(code).toBe(1);
      expect(stderr).toContain(`error: ~/.codex-helper belongs to another user\n`);
      expect(stderr).toContain(`  sudo chown -R "$(id -un)" ~/.codex-helper\n`);
      expect(statSync(home.paths.home)).toMatchObject({ uid: 12_345 });
    }
  });

  test("is used by root, who is told", async () => {
    using home = makeHome();
    chmodSync(home.paths.home, 0o777);
    const { code, stdout } = await runCli(["doctor"], { home });
    const isTold = IS_ROOT && !IS_WINDOWS;
    if (isTold) expect(stdout).toContain(`.codex-helper belongs to another user`);
    expect(stdout === "" ? "refused" : "examined").toBe(IS_ROOT || IS_WINDOWS ? "examined" : "refused");
    expect(code === 0 || code === 1).toBe(true);
  });
});

describe("a home that cannot be written to", () => {
  /** The modes of files do not hold for root, unless that right is taken from it. */
  const program =
    IS_ROOT && !IS_WINDOWS
      ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--", ...PROGRAM]
      : PROGRAM;

  test("serves what it has, and says once that nothing is kept", async () => {
    await using upstream = await startFakeUpstream(() => stream(responsesEvents()));
    using home = makeTempHome();
    const upstreams = [{ base_url: upstream.baseUrl, auth: { auth_token: "sk-a" } }];
    home.write(".codex-helper/config.json", { codex: { active: "main", configs: { main: { upstreams } } } });
    const toml = home.write(".codex/config.toml", 'model = "x"\n');
    chmodSync(home.paths.config, 0o600);
    chmodSync(home.paths.home, 0o555);
    try {
      const port = freePort();
      await using serving = startCli(["serve", "--port", String(port)], { home, program });
      await serving.waitFor(/Press Ctrl\+C to stop/);
      const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"model":"m"}',
      });
      expect(answer.status).toBe(200);
      await answer.text();
      expect(await serving.stop("SIGTERM")).toBe(143);
      const stderr = serving.stderr();
      if (!IS_WINDOWS) {
        expect(stderr).toContain(`nothing can be written to ~/.codex-helper: permission denied (EACCES)`);
        expect(stderr.match(/warning:/g)).toHaveLength(1);
        expect(stderr).toContain("the client's files were not changed");
        expect(await Bun.file(toml).text()).toBe('model = "x"\n');
        expect(readdirSync(home.paths.home)).toEqual(["config.json"]);
      }
    } finally {
      chmodSync(home.paths.home, 0o700);
    }
  });
});

describe("a home that depends on the current directory", () => {
  test.each([
    [{ HOME: "home" }, 'HOME must be an absolute path, not "home"'],
    [{ HOME: "./home" }, 'HOME must be an absolute path, not "./home"'],
    [{ HOME: "~" }, 'HOME must be an absolute path, not "~"'],
    [
      { CODEX_HELPER_HOME: ".codex-helper" },
      'CODEX_HELPER_HOME must be an absolute path, not ".codex-helper"',
    ],
    [{ CODEX_HELPER_HOME: "~other/x" }, 'CODEX_HELPER_HOME must be an absolute path, not "~other/x"'],
  ])("is refused: %j", async (env, words) => {
    using home = makeHome();
    const { code, stderr } = await runCli(
      ["config", "add", "x", "--base-url", "https://a.example", "--auth-token-env", "K"],
      { home, env },
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(words) });
    expect(stderr).toContain('"$PWD/');
    expect(readdirSync(home.path)).toEqual([".codex-helper"]);
    expect(dirname(home.paths.home)).toBe(home.path);
    expect((await runCli(["--version"], { home, env })).code).toBe(0);
    rmSync(join(home.path, "home"), { recursive: true, force: true });
  });
});
