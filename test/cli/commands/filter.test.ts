import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CliResult, runCli } from "../../helpers/cli.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";

const RULES = `[
  { "op": "replace", "source": "your-company.com", "target": "[DOMAIN]" },
  { "op": "remove", "source": "super-secret-token", "services": ["claude"] }
]`;
let home: TempHome;
beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

const writeRules = (text: string): string => home.write(".codex-helper/filter.json", text);
const ch = (args: readonly string[], stdin?: string): Promise<CliResult> =>
  runCli(["filter", ...args], { home, ...(stdin === undefined ? {} : { stdin }) });

test("check counts the rules of a valid file", async () => {
  writeRules(RULES);
  expect(await ch(["check"])).toEqual({
    code: 0,
    stdout: "~/.codex-helper/filter.json: 2 rules, no regular expressions\n",
    stderr: "",
  });
});

test("check says that a missing file redacts nothing, and is content", async () => {
  const result = await ch(["check"]);
  expect(result).toEqual({
    code: 0,
    stdout: "~/.codex-helper/filter.json: no such file, so nothing is redacted\n",
    stderr: "",
  });
});

test("check names the line and column of a fault and fails", async () => {
  writeRules('[\n  { "op": "replace", "source": "your-company.com" }\n]');
  const { code, stdout: out, stderr: err } = await ch(["check"]);
  expect(code).toBe(1);
  expect(out).toBe("");
  expect(err).toBe(`error: ${home.paths.filter}:2:11: rule 1, op: "replace" needs a target\n`);
});

test("check --json says the same to a script, with the same exit code", async () => {
  writeRules("{");
  const broken = await ch(["check", "--json"]);
  expect(broken.code).toBe(1);
  expect(JSON.parse(broken.stdout)).toMatchObject({
    valid: false,
    problem: expect.stringContaining(":1:2:"),
  });
  writeRules(RULES);
  const valid = await ch(["check", "--json"]);
  expect(JSON.parse(valid.stdout)).toEqual({
    path: home.paths.filter,
    exists: true,
    valid: true,
    rules: 2,
  });
});

test("test shows the built-in requests of both clients before and after", async () => {
  writeRules(RULES);
  const { code, stdout: out } = await ch(["test"]);
  expect(code).toBe(0);
  expect(out).toContain("a sample request of Codex");
  expect(out).toMatch(/ {2}- .*"Why does https:\/\/api\.your-company\.com\/health say 401\?"\n/);
  expect(out).toMatch(/ {2}\+ .*"Why does https:\/\/api\.\[DOMAIN\]\/health say 401\?"\n/);
  expect(out).toContain("a sample request of Claude Code");
  expect(out).toContain('+ "content": "HOST=db.[DOMAIN]\\nTOKEN=\\n"');
});

test("test takes a file, and the rules of the service it is told", async () => {
  writeRules(RULES);
  const file = join(home.path, "request.json");
  writeFileSync(file, '{"a":"super-secret-token","your-company.com":1}');
  const codex = await ch(["test", file]);
  expect(codex.stdout).toContain("nothing would change");
  expect(codex.stdout).toMatch(/1 +replace +0 +1\n/);
  expect(codex.stderr).toContain("unchanged: keys");
  const claude = await ch(["test", "--claude", file]);
  expect(claude.stdout).toContain('- "a": "super-secret-token"');
  expect(claude.stdout).toContain('+ "a": ""');
});

test("test --json counts, and holds no part of the request", async () => {
  writeRules(RULES);
  const { stdout: out } = await ch(["test", "--json", "-"], "x your-company.com your-company.com");
  expect(out).not.toContain("your-company.com");
  expect(JSON.parse(out)).toMatchObject({
    trials: [
      {
        input: "standard input",
        service: "codex",
        changed: true,
        rules: [{ rule: 1, hits: 2 }, { hits: 0 }],
      },
    ],
  });
});

test("test shows lines that a source with a line break joins", async () => {
  writeRules('{"op":"remove","source":"b\\nc"}');
  const { stdout: out } = await ch(["test", "-"], "a\nb\nc\nd");
  expect(out).toContain("  line 2\n  - b\n  line 3\n  - c\n  line 2\n  + \n");
});

test("test on a missing file, a body that is not text and a broken rule file fails in words", async () => {
  writeRules(RULES);
  expect(await ch(["test", join(home.path, "none")])).toMatchObject({
    code: 1,
    stderr: `error: ${home.path}/none: no such file\n`,
  });
  const binary = join(home.path, "binary");
  writeFileSync(binary, Uint8Array.of(0xff, 0));
  expect((await ch(["test", binary])).stderr).toContain("not UTF-8 text");
  writeRules("[");
  expect(await ch(["test"])).toMatchObject({ code: 1, stdout: "" });
});

test("test without a rule file says so", async () => {
  const { code, stdout: out, stderr: err } = await ch(["test", "-"], "text");
  expect(code).toBe(0);
  expect(out).toBe("standard input\n  nothing would change\n");
  expect(err).toContain("no such file, so nothing is redacted");
});
