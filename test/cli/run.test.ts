import { expect, test } from "bun:test";
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
  for (const name of Object.keys(COMMANDS)) expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
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
