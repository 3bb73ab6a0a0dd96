import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../../helpers/cli.ts";
import { loadCommandPlaces } from "../../helpers/command-table.ts";
import { type InteractiveShell, SHELLS, startShell } from "../../helpers/interactive-shell.ts";
import { makeRollout, makeSessionId, putFile, rolloutPath } from "../../helpers/session-files.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";

let home: TempHome;

beforeEach(() => {
  home = makeTempHome();
  home.write(".codex-helper/config.json", CONFIG);
});
afterEach(() => home[Symbol.dispose]());

const one = (host: string): object => ({ upstreams: [{ base_url: `https://${host}/v1` }] });
const CONFIG = {
  codex: {
    configs: {
      "main-relay": { upstreams: [{ base_url: "https://a.example" }, { base_url: "https://b.example" }] },
      中转站: one("c.example"),
      'it\'s a "b" $(touch pwned)': one("d.example"),
    },
  },
  claude: { configs: { "quiet-one": { alias: "for the evening", ...one("e.example") } } },
};
const made = new Map<string, Promise<string>>();
function scriptFor(shell: string): Promise<string> {
  let script = made.get(shell);
  if (script === undefined) {
    const run = async (): Promise<string> => {
      using empty = makeTempHome();
      const { code, stdout, stderr } = await runCli(["completion", shell], { home: empty });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return stdout;
    };
    made.set(shell, (script = run()));
  }
  return script;
}
const NAMES = "ch completion names targets";

/** What the program is called with after these keys and a return. */
async function called(shell: InteractiveShell, keys: string): Promise<string> {
  const [, words = ""] = await shell.type(`${keys}\r`, /(<[^\r\n]*>) called/);
  return words;
}

describe.each(SHELLS)("in a real %s", (name) => {
  test("commands, flags, values and names are completed, and quoted as they must be", async () => {
    await using shell = await startShell(name, home, await scriptFor(name));
    expect(await called(shell, "ch conf\tsh\tmain-relay")).toBe("<config><show><main-relay>");
    expect(await called(shell, "ch config show qui\t")).toBe("<config><show><quiet-one>");
    expect(await called(shell, "ch config show 中\t")).toBe("<config><show><中转站>");
    expect(await called(shell, "ch config show main-relay#2\t")).toBe("<config><show><main-relay#2>");
    expect(await called(shell, "ch config show it\t")).toBe(`<config><show><it's a "b" $(touch pwned)>`);
    expect(await called(shell, "ch config list --js\t")).toBe("<config><list><--json>");
    expect(await called(shell, "ch run --conf\tqui\t")).toBe("<run><--config><quiet-one>");
    expect(await called(shell, "ch demo --fault quo\t")).toBe("<demo><--fault><quota>");
    expect(await called(shell, "ch config import --from cc\t")).toBe("<config><import><--from><cc-switch>");
    expect(await called(shell, "ch filter add git\t")).toBe("<filter><add><git-remotes>");
    expect(await called(shell, "ch config import --dir .codex-h\t")).toMatch(/<\.codex-helper\/?>$/);
    expect(await called(shell, "ch config show --claude qui\t --js\t")).toBe(
      "<config><show><--claude><quiet-one><--json>",
    );
    // The name belongs to the other client, and so is not offered.
    expect(await called(shell, "ch config show --codex qui\t")).toBe("<config><show><--codex><qui>");
    // Without arguments to offer, with several matches, behind `--` and after a flag that takes anything.
    for (const line of [
      "ch status ",
      "ch config ",
      "ch config show ",
      "ch run -- ",
      "ch config add x --alias ",
    ])
      await shell.type(`${line}\t\u0015echo fi""ne\r`, /fine/);
    expect(shell.screen()).not.toMatch(/not found|syntax error|bad pattern|parse error|unknown/i);
    expect(existsSync(join(home.path, "pwned"))).toBe(false);
  }, 60_000);

  test("nothing that is typed is evaluated on the way", async () => {
    await using shell = await startShell(name, home, await scriptFor(name));
    expect(await called(shell, "ch conf\tpath")).toBe("<config><path>");
    const substitution = name === "fish" ? "(touch pwned)" : "$(touch pwned)";
    const lines = [
      `ch ${substitution}`,
      `ch config show ${substitution}`,
      `ch config show "${substitution}`,
      `ch config show x${substitution} `,
      `ch ${substitution} show `,
      `ch run --config ${substitution}`,
      `ch run --config=${substitution}`,
      `ch config import --dir ${substitution}/`,
      `ch config import ${substitution}/`,
      `ch -- ${substitution}`,
      ...(name === "fish" ? [] : ["ch config show `touch pwned`", "ch config show ${x:-$(touch pwned)}"]),
    ];
    for (const line of lines) {
      // The line is given up (an interrupt would also throw away the tabs), and the shell is still there.
      await shell.type(`${line}\t\u0015echo ali""ve\r`, /alive/);
      expect({ line, ran: existsSync(join(home.path, "pwned")) }).toEqual({ line, ran: false });
    }
  }, 60_000);
});

test("every command and flag stands in every script", async () => {
  const places = await loadCommandPlaces();
  for (const shell of [...SHELLS, "powershell"]) {
    const script = await scriptFor(shell);
    for (const { line, command } of places) {
      expect(script).toContain(line.replace(/^ch /, ""));
      for (const [flag, { type, default: isOn }] of Object.entries(command.args ?? {})) {
        if (type === "positional") continue;
        expect(script).toContain(type === "boolean" && isOn === true ? `no-${flag}` : flag);
      }
    }
  }
});

test("the scripts run nothing but the program's own list of names", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const script = await scriptFor(shell);
    const code = script.replace(/^#.*$/gm, "").replace(/'(?:[^'\\]|\\.|'\\'')*'/g, "''");
    expect(code).not.toMatch(/\beval\b|compgen|\bsource\b/);
  }
  const script = await scriptFor("powershell");
  expect(script.replace(/^#.*$/gm, "")).not.toMatch(
    /Invoke-Expression|\biex\b|ExpandString|ScriptBlock\]::Create/i,
  );
});

test("descriptions are in the person's language", async () => {
  const { stdout } = await runCli(["completion", "fish"], { home, env: { LANG: "zh_CN.UTF-8" } });
  expect(stdout).toContain("-a config -d '查看和修改上游'");
});

test("names are those of configs and upstreams, of one service or both, with what they are", async () => {
  const { stdout } = await runCli(NAMES.split(" ").slice(1), { home });
  expect(stdout.split("\n").slice(0, 4)).toEqual([
    "main-relay\ta.example, b.example",
    "main-relay#1\ta.example",
    "main-relay#2\tb.example",
    "中转站\tc.example",
  ]);
  const claude = await runCli(["completion", "names", "targets", "--claude"], { home });
  expect(claude.stdout).toBe("quiet-one\tfor the evening\n");
  const odd = await runCli(["completion", "names", "colours"], { home });
  expect(odd).toMatchObject({ code: 2, stderr: expect.stringContaining("ch completion names targets") });
});

test("sessions of the project around are offered by id, the latest first, with what they are about", async () => {
  const cwd = realpathSync(home.path);
  const at = Date.now();
  const [older, newer] = [makeSessionId(at - 60_000, 1), makeSessionId(at, 2)];
  for (const [id, place, time, prompt] of [
    [older, cwd, at - 60_000, "mend the\tbroken  table"],
    [newer, cwd, at, "write the docs"],
    [makeSessionId(at, 3), "/elsewhere", at, "not this one"],
  ] as const) {
    const shape = { id, cwd: place, at: time, prompts: [prompt] };
    putFile(rolloutPath(home.paths.codexHome, shape), makeRollout(shape), time);
  }
  const { stdout } = await runCli(["completion", "names", "sessions", "--codex"], { home, cwd });
  expect(stdout).toBe(`${newer}\twrite the docs\n${older}\tmend the broken table\n`);
});
