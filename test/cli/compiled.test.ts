import { expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../helpers/binary.ts";
import { runCli } from "../helpers/cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const ROOT = join(import.meta.dir, "../..");
/** What is tried with the other one too: each kind of line, and one command that runs until it is stopped. */
const FILES = ["test/cli/run.test.ts", "test/cli/commands/config.test.ts", "test/cli/commands/exits.test.ts"];

test("what holds for the program from source holds for the compiled one", async () => {
  const { TEST_PROGRAM, ...env } = process.env;
  const other = TEST_PROGRAM === undefined ? { TEST_PROGRAM: join(await compile(), "../ch") } : {};
  const child = Bun.spawn([process.execPath, "test", "--timeout", "60000", "--retry", "1", ...FILES], {
    cwd: ROOT,
    env: { ...env, ...other },
    stdout: "ignore",
    stderr: "pipe",
  });
  const report = await new Response(child.stderr).text();
  const failures = report.split("\n").filter((line) => line.startsWith("(fail)"));
  // One that passed when it was tried once more is among them.
  if ((await child.exited) !== 0) expect(failures).toEqual([]);
  expect(child.exitCode).toBe(0);
  expect(report).toMatch(/^ *[1-9]\d* pass$/m);
});

test("the compiled program takes nothing from the directory it is started in", async () => {
  using home = makeTempHome();
  home.write("evil.ts", 'console.log("PRELOADED"); process.env.CODEX_HELPER_HOME = "/nowhere";');
  home.write("bunfig.toml", 'preload = ["./evil.ts"]\n');
  home.write(".env", "FORCE_COLOR=1\nCODEX_HELPER_HOME=/nowhere\n");
  home.write("package.json", { name: "evil", imports: { "#x": "./evil.ts" }, type: "commonjs" });
  home.write("tsconfig.json", { compilerOptions: { paths: { citty: ["./evil.ts"] } } });
  const result = await runCli(["filter", "check"], { home, program: [await compile()] });
  expect(result).toEqual({
    code: 0,
    stdout: "~/.codex-helper/filter.json: no such file, so nothing is redacted\n",
    stderr: "",
  });
});

test("the compiled program starts nothing from the directory it is started in", async () => {
  using home = makeTempHome();
  const evil = "#!/bin/sh\ntouch TAKEN\n";
  for (const name of ["codex", "claude", "ps", "lsof", "netstat", "gsettings", "node_modules/.bin/codex"])
    chmodSync(home.write(`project/${name}`, evil), 0o755);
  home.write("project/.env.local", "PATH=.\nCODEX_HELPER_HOME=/nowhere\n");
  home.write(".bunfig.toml", 'preload = ["./project/evil.ts"]\n');
  home.write("project/evil.ts", 'require("node:fs").writeFileSync("TAKEN", "");');
  const cwd = join(home.path, "project");
  const program = [await compile()];
  const env = { PATH: "/usr/bin:/bin" };
  for (const args of [["doctor"], ["status"], ["run", "--", "codex"], ["run", "--", "claude"]])
    await runCli(args, { home, program, cwd, env });
  expect(existsSync(join(cwd, "TAKEN"))).toBe(false);
});

test("the compiled program is there under its short name too", async () => {
  using home = makeTempHome();
  const { stdout } = await runCli(["--version"], { home, program: [join(await compile(), "../ch")] });
  expect(stdout).toMatch(/^codex-helper \d+\.\d+\.\d+ \([0-9a-f]+ \d{4}-\d\d-\d\d\)\n$/);
});
