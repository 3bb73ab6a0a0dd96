// What is to be typed where the system refuses a path. As root, which CI is, the program runs as a second user.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { findRemedy } from "../../src/base/permission.ts";
import { runCli } from "../helpers/cli.ts";
import {
  IS_ROOT,
  type ProgramOf,
  giveToSecondUser,
  makeProgramForSecondUser,
} from "../helpers/second-user.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const HAS_MODES = process.platform !== "win32";
const TOML = 'model_provider = "r"\n[model_providers.r]\nname = "R"\nbase_url = "https://relay.example/v1"\n';

let second: ProgramOf;
beforeAll(async () => {
  second = await makeProgramForSecondUser();
});
afterAll(() => second[Symbol.dispose]());

function makeHome(): TempHome {
  const home = makeTempHome();
  chmodSync(home.write(".codex/config.toml", TOML), 0o600);
  chmodSync(home.write(".codex-helper/config.json", {}), 0o600);
  mkdirSync(home.paths.run);
  for (const path of [home.paths.home, home.paths.run, dirname(home.paths.codexConfig)])
    chmodSync(path, 0o700);
  giveToSecondUser(home.path);
  return home;
}

const run = (home: TempHome, ...args: readonly string[]) =>
  runCli(args, { home, program: second.program, env: { ...second.env } });

test.each([
  ["a file without any mode", ".codex/config.toml", 0o000, "chmod u+rw ~/.codex/config.toml"],
  ["a read-only file", ".codex/config.toml", 0o400, "chmod u+w ~/.codex/config.toml"],
  ["a directory that nobody may enter", ".codex", 0o600, "chmod u+x ~/.codex"],
  ["a read-only directory", ".codex", 0o500, "chmod u+w ~/.codex"],
  ["our own directory", ".codex-helper/run", 0o500, "chmod u+w ~/.codex-helper/run"],
])("%s of the person's own: the bits that are missing", async (_name, path, mode, line) => {
  if (!HAS_MODES) return expect(findRemedy(path, { code: "EACCES" })).toBeUndefined();
  using home = makeHome();
  chmodSync(join(home.path, path), mode);
  const { code, stderr } = await run(home, "switch", "on", "--codex");
  chmodSync(join(home.path, path), 0o700);
  expect({ code, hint: stderr.trimEnd().split("\n  ").at(-1) }).toEqual({ code: 1, hint: line });
  expect(readFileSync(home.paths.codexConfig, "utf8")).toBe(TOML);
});

test.each([
  [
    "a client's file",
    ".codex/config.toml",
    "switch on --codex",
    'sudo chown "$(id -un)" ~/.codex/config.toml',
  ],
  [
    "our config",
    ".codex-helper/config.json",
    "config list",
    'sudo chown "$(id -un)" ~/.codex-helper/config.json',
  ],
])("%s that a sudo left: its owner", async (_name, path, line, hint) => {
  using home = makeHome();
  if (!IS_ROOT) return expect((await run(home, "config", "list")).code).toBe(0);
  chownSync(join(home.path, path), 0, 0);
  const { code, stderr } = await run(home, ...line.split(" "));
  expect({ code, hint: stderr.trimEnd().split("\n  ").at(-1) }).toEqual({ code: 1, hint });
  expect((await run(home, "doctor")).stdout).toContain("permission denied");
});

test("a journal that a sudo left does not hide the switch", async () => {
  using home = makeHome();
  expect((await run(home, "switch", "on", "--codex")).code).toBe(0);
  if (!IS_ROOT) return expect((await run(home, "switch", "off", "--codex")).code).toBe(0);
  chownSync(home.paths.run, 0, 0);
  const { stdout } = await run(home, "switch", "status", "--codex");
  expect(stdout).toContain("Codex: switched, to http://127.0.0.1:3211/v1");
  expect(stdout).toContain("permission denied (EACCES)");
  const { stderr } = await run(home, "switch", "off", "--codex");
  expect(stderr).toContain('sudo chown -R "$(id -un)" ~/.codex-helper/run');
});

test("what is no matter of modes, or of another's directory, has no such line", () => {
  expect(findRemedy(import.meta.path, { code: "ENOSPC" })).toBeUndefined();
  expect(findRemedy(import.meta.path, new Error("x"))).toBeUndefined();
  expect(findRemedy(join(import.meta.dir, "nowhere/x"), { code: "EACCES" })).toBeUndefined();
});

test("a link to nothing says how to be rid of it", async () => {
  using home = makeTempHome();
  mkdirSync(dirname(home.paths.codexConfig));
  symlinkSync(join(home.path, "nowhere"), home.paths.codexConfig);
  const { code, stderr } = await runCli(["switch", "on", "--codex"], { home });
  expect(code).toBe(1);
  expect(stderr).toContain("make that file, or remove the link: rm ~/.codex/config.toml");
});
