import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/root.ts";
import { binary } from "../helpers/binary.ts";
import { FROM_SOURCE, type Program, runCli } from "../helpers/cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const programs: readonly (readonly [string, () => Promise<Program>])[] = [
  ["from source", () => Promise.resolve(FROM_SOURCE)],
  ["compiled", binary],
];

describe.each(programs)("the command line, %s", (_name, program) => {
  const run = async (...args: string[]) => {
    using home = makeTempHome();
    return await runCli(args, { home, program: await program() });
  };

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

  test("every command explains itself within 80 columns, with two examples", async () => {
    for (const name of Object.keys(COMMANDS)) {
      const { code, stdout, stderr } = await run(name, "--help");
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: "" });
      expect(stdout).toStartWith(`ch ${name}: `);
      expect(stdout.split("\n").filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
    }
  });

  test.each([
    [["bogus"], 'unknown command "bogus"', "ch --help"],
    [["dmo"], 'unknown command "dmo"', 'did you mean "ch demo"?'],
    [["demo", "--falt", "500"], "unknown flag --falt", "did you mean --fault?"],
    [["demo", "--fault"], "--fault needs a value", "ch demo --help"],
    [["demo", "--fault", ""], "the value of --fault is empty", "ch demo --help"],
    [["demo", "--fault", "500", "--fault", "429"], "--fault is given twice", "ch demo --help"],
    [["demo", "extra"], 'unexpected argument "extra"', "ch demo --help"],
    [["demo", "-x"], "unknown flag -x", "ch demo --help"],
    [["serve", "--port", "http"], '--port takes a number from 1 to 65535, not "http"', ""],
    [["--port", "0"], '--port takes a number from 1 to 65535, not "0"', ""],
    [["serve", "--codex", "--claude"], "--codex and --claude exclude one another", ""],
    [["serve", "--all=yes"], "--all takes no value", "ch serve --help"],
    [["--prot", "1"], "unknown flag --prot", "did you mean --port?"],
  ])("%p is refused with what to type instead", async (args, message, hint) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toStartWith(`error: ${message}`);
    expect(stderr).toContain(hint);
  });
});

describe("the compiled binary", () => {
  test("takes nothing from the directory it is started in", async () => {
    using home = makeTempHome();
    home.write("evil.ts", 'console.log("PRELOADED"); process.env.CODEX_HELPER_HOME = "/nowhere";');
    home.write("bunfig.toml", 'preload = ["./evil.ts"]\n');
    home.write(".env", "FORCE_COLOR=1\nCODEX_HELPER_HOME=/nowhere\n");
    home.write("package.json", { name: "evil", imports: { "#x": "./evil.ts" }, type: "commonjs" });
    home.write("tsconfig.json", { compilerOptions: { paths: { citty: ["./evil.ts"] } } });
    const { code, stdout, stderr } = await runCli(["--help"], { home, program: await binary() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toContain("\u001b[");
    expect(stdout).not.toContain("PRELOADED");
  });

  test("is there under its short name too", async () => {
    const [file = ""] = await binary();
    using home = makeTempHome();
    const { stdout } = await runCli(["--version"], { home, program: [join(file, "../ch")] });
    expect(stdout).toStartWith("codex-helper ");
  });
});

test("a reader that goes away ends the program quietly", async () => {
  using home = makeTempHome();
  const command = [...FROM_SOURCE, "--help"].map((word) => `'${word}'`).join(" ");
  const child = Bun.spawn(["sh", "-c", `${command} | true; exit 0`], {
    env: home.env,
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await new Response(child.stderr).text()).toBe("");
});
