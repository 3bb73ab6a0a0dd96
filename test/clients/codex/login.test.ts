import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCodexLogin } from "../../../src/clients/codex/login.ts";
import { type CodexLogin, isUsableLogin } from "../../../src/clients/codex/login.ts";

let directory = "";
let path = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "codex-auth-"));
  path = join(directory, "auth.json");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const TOKENS = { id_token: "not.a.jwt", access_token: "a", refresh_token: "r", account_id: "x" };

test.each([
  ["an old key file", { OPENAI_API_KEY: "sk-1" }, { kind: "api-key", key: "sk-1" }],
  [
    "a key file with its mode",
    { auth_mode: "apikey", OPENAI_API_KEY: "sk-1" },
    { kind: "api-key", key: "sk-1" },
  ],
  ["tokens", { auth_mode: "chatgpt", OPENAI_API_KEY: null, tokens: TOKENS }, { kind: "chatgpt" }],
  ["tokens without a mode", { tokens: TOKENS, last_refresh: "2001-01-01T00:00:00Z" }, { kind: "chatgpt" }],
  [
    "tokens beside a key",
    { auth_mode: "chatgpt", OPENAI_API_KEY: "sk-1", tokens: TOKENS },
    { kind: "chatgpt" },
  ],
  [
    "a key beside tokens",
    { auth_mode: "apikey", OPENAI_API_KEY: "k", tokens: TOKENS },
    { kind: "api-key", key: "k" },
  ],
  ["an unknown mode with tokens", { auth_mode: "agent", tokens: TOKENS }, { kind: "chatgpt" }],
  ["neither", { OPENAI_API_KEY: null, tokens: null }, { kind: "none" }],
  ["empty tokens", { tokens: { access_token: "" } }, { kind: "none" }],
  ["a list", [], { kind: "none" }],
  ["a wrong type", { OPENAI_API_KEY: 7, tokens: "x" }, { kind: "none" }],
] as [string, unknown, CodexLogin][])("%s", async (_, value, login) => {
  writeFileSync(path, JSON.stringify(value));
  expect(await readCodexLogin(path)).toEqual(login);
});

test("no file is no login, and is not waited for", async () => {
  const login = await readCodexLogin(path, () => Promise.reject(new Error("waited")));
  expect(login).toEqual({ kind: "none" });
});

test("a file that is torn by a writer is read once more", async () => {
  writeFileSync(path, '{"OPENAI_API_KEY":"sk-');
  const finishWriting = async (): Promise<void> => writeFileSync(path, '{"OPENAI_API_KEY":"sk-1"}');
  expect(await readCodexLogin(path, finishWriting)).toEqual({ kind: "api-key", key: "sk-1" });
});

test.each([
  ["empty", ""],
  ["torn for good", '{"OPENAI_API_KEY":"sk-secret'],
  ["binary", Uint8Array.of(0xff, 0xfe, 0)],
  ["huge", " ".repeat(2 ** 20 + 1)],
])("a file that is %s counts as no login, says so, and is left alone", async (_, bytes) => {
  writeFileSync(path, bytes);
  const before = statSync(path);
  const login = await readCodexLogin(path, () => Promise.resolve());
  expect(login.kind).toBe("unreadable");
  expect(isUsableLogin(login)).toBe(false);
  expect(JSON.stringify(login)).toContain(JSON.stringify(path).slice(1, -1));
  expect(JSON.stringify(login)).not.toContain("sk-secret");
  expect(readFileSync(path)).toEqual(Buffer.from(bytes));
  expect(statSync(path).mtimeMs).toBe(before.mtimeMs);
});

test("a directory in its place, or a file in the place of its directory, counts as no login", async () => {
  mkdirSync(path);
  expect((await readCodexLogin(path, () => Promise.resolve())).kind).toBe("unreadable");
  writeFileSync(join(directory, "file"), "");
  const inFile = await readCodexLogin(join(directory, "file", "auth.json"), () => Promise.resolve());
  // Windows has one error for this and for a file that is not there.
  expect(inFile.kind).toBe(process.platform === "win32" ? "none" : "unreadable");
});
