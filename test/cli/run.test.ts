import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json";
import { COMMANDS } from "../../src/cli/root.ts";
import { type CliResult, runCli } from "../helpers/cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

async function run(...args: string[]): Promise<CliResult> {
  using home = makeTempHome();
  return await runCli(args, { home });
}

test("--version names the program and its version on stdout", async () => {
  const { code, stdout, stderr } = await run("--version");
  expect(stdout).toMatch(/^codex-helper \d+\.\d+\.\d+ \(.+\)\n$/);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test.each([["--help"], ["-h"], ["help"]])("%s lists every command", async (word) => {
  const { code, stdout } = await run(word);
  expect(code).toBe(0);
  for (const name of Object.keys(COMMANDS))
    expect(stdout).toMatch(new RegExp(`^  ${name} |^ +(?:also: )?(?:[a-z]+, )*${name}(?:,|$)`, "m"));
});

test.each([
  [["bogus"], 'unknown command "bogus"', "ch --help"],
  [["dmo"], 'unknown command "dmo"', 'did you mean "ch demo"?'],
  [["demo", "--falt", "500"], "unknown flag --falt", "did you mean --fault?"],
  [["demo", "--fault"], "--fault needs a value", "ch demo --fault in-stream"],
  [["demo", "--fault", ""], "the value of --fault is empty", "ch demo --help"],
  [["demo", "--fault", "500", "--fault", "429"], "--fault is given twice", "ch demo --help"],
  [["demo", "extra"], 'unexpected argument "extra"', "ch demo --help"],
  [["demo", "-x"], "unknown flag -x", "ch demo --help"],
  [["serve", "--port", "http"], '--port takes a number from 1 to 65535, not "http"', ""],
  [["--port", "0"], '--port takes a number from 1 to 65535, not "0"', ""],
  [["serve", "--codex", "--claude"], "--codex and --claude cannot be used together", ""],
  [["serve", "--all=yes"], "--all takes no value", "ch serve --help"],
  [["--prot", "1"], "unknown flag --prot", "did you mean --port?"],
])("%p is refused with what to type instead", async (args, message, hint) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toStartWith(`error: ${message}`);
  expect(stderr).toContain(hint);
});

const ROOT = join(import.meta.dir, "../..");
const FROM_SOURCE = [process.execPath, "--max-http-header-size=65536"];
const MAIN = join(ROOT, "src/main.ts");

test.each(["bunfig.toml", ".env", ".env.local"])(
  "from source, a directory with a %s that Bun has read already is refused",
  async (name) => {
    using home = makeTempHome();
    home.write(`project/${name}`, "");
    const cwd = join(home.path, "project");
    const refused = await runCli(["--version"], { home, cwd, program: [...FROM_SOURCE, MAIN] });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain(`~/project/${name} was read by Bun before ch could start`);
    expect(refused.stderr).toContain(`bun run --cwd ${ROOT} build`);
    const careful = [...FROM_SOURCE, "--config=/dev/null", "--no-env-file", MAIN];
    expect(await runCli(["--version"], { home, cwd, program: careful })).toMatchObject({
      code: 0,
      stderr: "",
    });
  },
);

test("a script of package.json that is started from another directory takes nothing from there", async () => {
  using home = makeTempHome();
  home.write("trap/evil.ts", 'require("node:fs").writeFileSync("taken", "");');
  home.write("trap/bunfig.toml", 'preload = ["./evil.ts"]\n');
  home.write("trap/.env", "CODEX_HELPER_HOME=/nowhere\nBUN_OPTIONS=--preload=./evil.ts\n");
  home.write("trap/package.json", { scripts: { "check:format": "touch taken" } });
  const program = [process.execPath, "run", "--cwd", ROOT, "check:format"];
  const cwd = join(home.path, "trap");
  expect(await runCli([], { home, cwd, program })).toMatchObject({ code: 0 });
  expect(existsSync(join(cwd, "taken"))).toBe(false);
});

test("no package manager puts the source on the search path", () => {
  expect(Object.keys(manifest)).not.toContain("bin");
});
