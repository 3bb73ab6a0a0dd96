// What may happen to a client's file while it is switched: a dotfiles manager replaces its link, its home goes, somebody breaks or
// restores it. Whatever it was, `switch off` leaves no address of ours behind, or says which file keeps it from that.
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { runCli } from "../../helpers/cli.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";
import { CLAUDE_TEXT, CODEX_TEXT } from "./switch-home.ts";

const CLIENTS = [
  ["codex", ".codex/config.toml", CODEX_TEXT, "x = [\n"],
  ["claude", ".claude/settings.json", CLAUDE_TEXT, "}\n"],
] as const;
const OURS = /127\.0\.0\.1|codex-helper/;

describe.each(CLIENTS)("%s", (service, relative, text, junk) => {
  /** A home whose file is a link into a directory of dotfiles, switched. */
  async function makeLinked(home: TempHome): Promise<{ link: string; real: string }> {
    const real = home.write("dotfiles/mine", text);
    const link = join(home.path, relative);
    mkdirSync(dirname(link));
    symlinkSync(real, link);
    expect((await ch(home, "switch", "on")).code).toBe(0);
    expect(readFileSync(real, "utf8")).toMatch(OURS);
    return { link, real };
  }
  const ch = async (home: TempHome, ...args: readonly string[]) => {
    const { code, stderr, stdout } = await runCli([...args, `--${service}`], { home });
    return { code, said: stdout + stderr };
  };
  const journals = (home: TempHome): string[] =>
    readdirSync(home.paths.run).filter((name) => name.endsWith(".json"));

  test.each([
    ["replaced by a file", (link: string) => writeFileSync(link, text)],
    ["replaced by a copy of the switched file", (link: string, on: string) => writeFileSync(link, on)],
    ["removed", () => {}],
    [
      "leading elsewhere",
      (link: string) => {
        const other = join(dirname(link), "other");
        writeFileSync(other, text);
        symlinkSync(other, link);
      },
    ],
  ])("a link that is %s: both files are restored", async (_name, replace) => {
    using home = makeTempHome();
    const { link, real } = await makeLinked(home);
    const on = readFileSync(real, "utf8");
    rmSync(link);
    replace(link, on);
    const words = `~/dotfiles/mine, which ~/${relative} led to`;
    expect((await ch(home, "switch", "status")).said).toContain(`${words}, still points at the proxy`);
    expect((await runCli(["doctor"], { home })).stdout.replace(/\s+/g, " ")).toContain(words);
    const off = await ch(home, "switch", "off");
    expect(off).toMatchObject({ code: 0, said: expect.stringContaining(`restored in ${words}`) });
    expect(readFileSync(real, "utf8")).toBe(text);
    if (existsSync(link)) expect(readFileSync(link, "utf8")).toBe(text);
    expect(journals(home)).toEqual([]);
  });

  test("what a killed proxy has left behind is named, and restored by doctor", async () => {
    using home = makeTempHome();
    const { link, real } = await makeLinked(home);
    const [name = ""] = journals(home);
    const journal = join(home.paths.run, name);
    const owner = { kind: "process", pid: 4_190_000, started: "1" };
    writeFileSync(journal, JSON.stringify({ ...JSON.parse(readFileSync(journal, "utf8")), owner }));
    rmSync(link);
    writeFileSync(link, text);
    const { stdout } = await runCli(["status"], { home });
    expect(stdout.replace(/\s+/g, " ")).toContain(
      `~/dotfiles/mine, which ~/${relative} led to, still points at the proxy`,
    );
    expect(stdout).not.toContain("port 0");
    await runCli(["doctor", "--fix"], { home });
    expect(readFileSync(real, "utf8")).toBe(text);
    expect(journals(home)).toEqual([]);
  });

  test("a second switch restores what the first one left behind", async () => {
    using home = makeTempHome();
    const { link, real } = await makeLinked(home);
    rmSync(link);
    writeFileSync(link, text);
    expect((await ch(home, "switch", "on")).code).toBe(0);
    expect(readFileSync(real, "utf8")).toBe(text);
    expect((await ch(home, "switch", "off")).code).toBe(0);
    expect(readFileSync(link, "utf8")).toBe(text);
  });

  test("a file left behind that is broken is named, and keeps its journal until it is corrected", async () => {
    using home = makeTempHome();
    const { link, real } = await makeLinked(home);
    rmSync(link);
    writeFileSync(link, text);
    const on = readFileSync(real, "utf8");
    writeFileSync(real, on + junk);
    const stuck = await ch(home, "switch", "off");
    expect(stuck).toMatchObject({ code: 1, said: expect.stringContaining("error: ~/dotfiles/mine: line ") });
    expect(journals(home)).toHaveLength(1);
    writeFileSync(real, on);
    expect((await ch(home, "switch", "off")).code).toBe(0);
    expect(readFileSync(real, "utf8")).toBe(text);
  });

  test("a file that became invalid is named everywhere, with what to type, and restored once it is corrected", async () => {
    using home = makeTempHome();
    const file = home.write(relative, text);
    await ch(home, "switch", "on");
    const on = readFileSync(file, "utf8");
    writeFileSync(file, on + junk);
    const hint = `correct it, then: ch switch off --${service}`;
    for (const [args, code] of [
      [["switch", "off", `--${service}`], 1],
      [["switch", "status", `--${service}`], 0],
      [["status"], 0],
      [["doctor"], 1],
    ] as const) {
      const result = await runCli(args, { home });
      const said = result.stdout + result.stderr;
      expect({ args, code: result.code, isHinted: said.includes(hint) }).toEqual({
        args,
        code,
        isHinted: true,
      });
    }
    const { said } = await ch(home, "switch", "off");
    expect(said).toMatch(new RegExp(`error: ~/${relative}: line \\d+, column \\d+: `));
    expect(said).toContain(`what was there before: ~/.codex-helper/run/switch-${service}-`);
    expect(readFileSync(file, "utf8")).toBe(on + junk);
    writeFileSync(file, on);
    expect((await ch(home, "switch", "off")).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("a home that is gone stays gone, and the switch ends", async () => {
    using home = makeTempHome();
    const file = home.write(relative, text);
    await ch(home, "switch", "on");
    rmSync(dirname(file), { recursive: true });
    expect(await ch(home, "switch", "off")).toMatchObject({
      code: 0,
      said: expect.stringContaining(`~/${relative} is gone`),
    });
    expect(existsSync(dirname(file))).toBe(false);
    expect(journals(home)).toEqual([]);
  });

  test("a file that somebody has restored already is left alone", async () => {
    using home = makeTempHome();
    const file = home.write(relative, text);
    await ch(home, "switch", "on");
    writeFileSync(file, text);
    expect(await ch(home, "switch", "off")).toMatchObject({
      code: 0,
      said: expect.stringContaining("was not switched"),
    });
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(journals(home)).toEqual([]);
  });
});

test.each([
  ["codex", ".codex/config.toml", "a = 1\na = 2\n"],
  ["claude", ".claude/settings.json", '{ "env": null }\n'],
  ["claude", ".claude/settings.json", '{ "env": {}, "env": {} }\n'],
  ["claude", ".claude/settings.json", "\0\0\0\0"],
])("a refused %s file (%s, %j) is unchanged, and what to type is said", async (service, relative, text) => {
  using home = makeTempHome();
  const file = home.write(relative, text);
  for (const command of ["on", "off"]) {
    const { code, stderr } = await runCli(["switch", command, `--${service}`], { home });
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`\n  correct it, then: ch switch ${command} --${service}`),
    });
  }
  expect(readFileSync(file, "utf8")).toBe(text);
});
