import { inEnglish } from "../../../src/base/text.ts";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Env } from "../../../src/base/env.ts";
import { resolvePaths } from "../../../src/base/paths.ts";
import { readClaudeFacts } from "../../../src/clients/claude/facts.ts";
import { type ClaudeFacts, findVariable } from "../../../src/clients/claude/layers.ts";

let home = "";
let cwd = "";

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "claude-facts-"));
  cwd = join(home, "project");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const read = (env: Env = {}): Promise<ClaudeFacts> =>
  readClaudeFacts({
    paths: resolvePaths({ HOME: home, USERPROFILE: home }),
    env,
    cwd,
    systemDirectory: join(home, "managed"),
  });

function write(path: string, content: unknown): string {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

const setting = (value: string): object => ({ env: { ANTHROPIC_BASE_URL: value } });

test("a variable comes from the highest layer: managed, local, project, user, then the environment", async () => {
  const env = { ANTHROPIC_BASE_URL: "http://env" };
  const winner = async (): Promise<string[]> => {
    const found = findVariable(await read(env), "ANTHROPIC_BASE_URL");
    return [found?.value ?? "", found?.layer.kind ?? "", inEnglish(found?.layer.where ?? "")];
  };
  expect(await winner()).toEqual(["http://env", "environment", "the environment"]);
  const user = write(".claude/settings.json", setting("http://user"));
  expect(await winner()).toEqual(["http://user", "user", user]);
  const project = write("project/.claude/settings.json", setting("http://project"));
  expect(await winner()).toEqual(["http://project", "project", project]);
  const local = write("project/.claude/settings.local.json", setting("http://local"));
  expect(await winner()).toEqual(["http://local", "local", local]);
  const managed = write("managed/managed-settings.json", setting("http://managed"));
  expect(await winner()).toEqual(["http://managed", "managed", managed]);
  write("managed/managed-settings.d/10-a.json", setting("http://a"));
  const last = write("managed/managed-settings.d/20-b.json", setting("http://b"));
  expect(await winner()).toEqual(["http://b", "managed", last]);
});

test("a file that Claude Code cannot read is as if empty, and is named", async () => {
  const user = write(
    ".claude/settings.json",
    '// no comments here\n{"env":{"ANTHROPIC_BASE_URL":"http://user"}}',
  );
  const project = write("project/.claude/settings.json", "[]");
  const facts = await read();
  expect(findVariable(facts, "ANTHROPIC_BASE_URL")).toBeUndefined();
  expect(facts.problems.map(({ text }) => inEnglish(text))).toEqual([
    `${project}:1:1: this is not a JSON object; Claude Code ignores the whole file`,
    `${user}:1:1: comments are not allowed; Claude Code ignores the whole file`,
  ]);
});

test("a file that the system does not let us inspect is as if empty, and is named", async () => {
  const path = join(home, ".claude", "settings.json");
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(path, path);
  const { problems } = await read();
  expect(problems.map(({ text }) => inEnglish(text))).toEqual([
    `cannot read ${path}: too many links (ELOOP)`,
  ]);
});

test("odd shapes and blank values set nothing", async () => {
  write(".claude/settings.json", {
    env: { ANTHROPIC_BASE_URL: " ", ANTHROPIC_API_KEY: null, ANTHROPIC_AUTH_TOKEN: ["x"] },
    apiKeyHelper: null,
  });
  write("project/.claude/settings.json", { env: "x" });
  const facts = await read();
  expect(findVariable(facts, "ANTHROPIC_BASE_URL")).toBeUndefined();
  expect(findVariable(facts, "ANTHROPIC_API_KEY")).toBeUndefined();
  expect(findVariable(facts, "ANTHROPIC_AUTH_TOKEN")).toBeUndefined();
  expect(facts.layers.some((layer) => layer.hasApiKeyHelper)).toBe(false);
});

test("numbers, true and false are texts, as Claude Code has it", async () => {
  write(".claude/settings.json", { env: { ANTHROPIC_API_KEY: 7, CLAUDE_CODE_USE_BEDROCK: true } });
  const facts = await read();
  expect(findVariable(facts, "ANTHROPIC_API_KEY")?.value).toBe("7");
  expect(findVariable(facts, "CLAUDE_CODE_USE_BEDROCK")?.value).toBe("true");
});

test.each([
  ["tokens in a file", ".claude/.credentials.json", { claudeAiOauth: { accessToken: "x" } }, {}, true],
  [
    "an account whose tokens are in the key store",
    ".claude.json",
    { oauthAccount: { accountUuid: "x" } },
    {},
    true,
  ],
  ["a token in a variable", ".claude.json", {}, { CLAUDE_CODE_OAUTH_TOKEN: "x" }, true],
  ["nothing", ".claude.json", { oauthAccount: null }, {}, false],
  ["a torn file", ".claude/.credentials.json", '{"claudeAiOauth":{', {}, false],
] as [string, string, unknown, Env, boolean][])("login: %s", async (_, path, content, env, hasLogin) => {
  write(path, content);
  expect((await read(env)).hasLogin).toBe(hasLogin);
});

test("CLAUDE_CONFIG_DIR moves the account's file too", async () => {
  const env = { HOME: home, USERPROFILE: home, CLAUDE_CONFIG_DIR: join(home, "moved") };
  write("moved/.claude.json", { oauthAccount: {} });
  const facts = await readClaudeFacts({ paths: resolvePaths(env), env, cwd, systemDirectory: home });
  expect(facts.hasLogin).toBe(true);
});
