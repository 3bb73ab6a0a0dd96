import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../../src/base/errors.ts";
import { type Paths, resolvePaths } from "../../../src/base/paths.ts";
import { type CodexFacts, readCodexFacts } from "../../../src/clients/codex/facts.ts";

let home = "";
let system = "";
let paths: Paths;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "codex-facts-"));
  system = join(home, "etc");
  paths = resolvePaths({ HOME: home, USERPROFILE: home });
  mkdirSync(paths.codexHome);
  mkdirSync(system);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const read = (more = {}): Promise<CodexFacts> => readCodexFacts(paths, { systemDirectory: system, ...more });
const writeUser = (text: string): void => writeFileSync(paths.codexConfig, text);

test("without any file the built-in provider is active and nobody is signed in", async () => {
  expect(await read()).toMatchObject({
    activeId: "openai",
    activeKind: "openai",
    activeSource: undefined,
    active: undefined,
    openaiBaseUrl: undefined,
    providers: [],
    login: { kind: "none" },
  });
});

test("a provider's table is read whole, with the file that defines it", async () => {
  writeUser(`\uFEFFmodel_provider = "relay"\r
# a comment before CRLF\r
[model_providers.relay]\r
name = "Relay"\r
base_url = "https://relay.example/v1"\r
env_key = "RELAY_KEY"\r
http_headers = { x-team = "a" }\r
env_http_headers = { x-user = "USER_ID" }\r
query_params = { api-version = "1" }\r
requires_openai_auth = true\r
stream_max_retries = 9007199254740993\r
`);
  const facts = await read();
  const source = { kind: "user", where: paths.codexConfig };
  expect(facts).toMatchObject({ activeId: "relay", activeKind: "custom", activeSource: source });
  expect(facts.active).toEqual({
    id: "relay",
    baseUrl: { value: "https://relay.example/v1", kind: "user", where: paths.codexConfig },
    envKey: "RELAY_KEY",
    bearerToken: undefined,
    requiresOpenaiAuth: true,
    isBoundToOrigin: false,
    hasAuthCommand: false,
    httpHeaders: { "x-team": "a" },
    envHttpHeaders: { "x-user": "USER_ID" },
    queryParams: { "api-version": "1" },
    definedIn: [source],
  } as NonNullable<CodexFacts["active"]>);
});

test("the layers win in Codex's order: machine, user, profile, command line, managed", async () => {
  const url = (port: number): string =>
    `[model_providers.p]\nname = "p"\nbase_url = "http://127.0.0.1:${port}"\n`;
  const portOf = async (more = {}): Promise<string | undefined> =>
    (await read(more)).active?.baseUrl?.value.slice(-1);
  writeFileSync(join(system, "config.toml"), `model_provider = "p"\n${url(1)}`);
  expect(await portOf()).toBe("1");
  writeUser(url(2));
  expect(await portOf()).toBe("2");
  writeFileSync(join(paths.codexHome, "work.config.toml"), url(3));
  expect(await portOf()).toBe("2");
  expect(await portOf({ profile: "work" })).toBe("3");
  const commandLine = { model_providers: { p: { base_url: "http://127.0.0.1:4" } } };
  expect(await portOf({ profile: "work", commandLine })).toBe("4");
  writeFileSync(join(system, "managed_config.toml"), url(5));
  expect(await portOf({ profile: "work", commandLine })).toBe("5");
  rmSync(join(system, "managed_config.toml"));
  expect(await portOf({ ignoresUserConfig: true })).toBe("1");
});

test.each([
  ["ollama", "other-builtin"],
  ["amazon-bedrock", "other-builtin"],
  ["nowhere", "undefined"],
  ["openai", "openai"],
])("provider id %p is of kind %p", async (id, kind) => {
  writeUser(`model_provider = "${id}"\n`);
  expect((await read()).activeKind).toBe(kind as CodexFacts["activeKind"]);
});

test("a key store named in config.toml is a login that we cannot see", async () => {
  writeUser('cli_auth_credentials_store = "keyring"\n');
  expect((await read()).login).toEqual({ kind: "keyring" });
});

test.each([
  ["a broken line", 'a = 1\nmodel_provider = "x" secret-value\n', ":2:"],
  ["a duplicate key", "a = 1\na = 2\n", ":2:"],
  ["an id that is not a text", "model_provider = 7\n", "model_provider must be a string"],
  ["providers that are not a table", "model_providers = 7\n", "model_providers must be a table"],
  ["a provider that is not a table", "model_providers.x = 7\n", "model_providers.x must be a table"],
  [
    "a base_url that is not a text",
    "model_providers.x.base_url = 7\n",
    "model_providers.x.base_url must be a string",
  ],
  ["a file that is too long", `# ${"x".repeat(512 * 1024)}\n`, "larger than 512 KB"],
])("%s is refused by name and place, and nothing of the file is repeated", async (_, text, words) => {
  writeUser(text);
  const error = await read().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  const { message } = error as UserError;
  expect(message).toContain(paths.codexConfig);
  expect(message).toContain(words);
  expect(message).not.toContain("secret-value");
});

test("a directory in the place of the file is an error that names it", async () => {
  mkdirSync(paths.codexConfig);
  expect(read()).rejects.toThrow(paths.codexConfig);
});
