// What the real clients do with odd files of their own, and what `ch` says of the same files: a client that would not ask the address in its
// file is never called switched, and one that would is never refused.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENCODINGS, encodeAs } from "../../src/base/bytes.ts";
import { CLAUDE_ENCODINGS } from "../../src/clients/claude/places.ts";
import { CODEX_ENCODINGS } from "../../src/clients/codex/places.ts";
import { findSettingsRefusal } from "../../src/clients/claude/refusal.ts";
import { findConfigRefusal } from "../../src/clients/codex/refusal.ts";
import { resolvePaths } from "../../src/base/paths.ts";
import { reply } from "../helpers/answers.ts";
import { makeClientHome, runClient } from "../helpers/client-process.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { claudeBinary } from "../helpers/real-claude.ts";
import { codexBinary } from "../helpers/real-codex.ts";

/** Where the file sends the client, and where it goes without the file. Both refuse at once: the turn is over then. */
let named: FakeUpstream;
let other: FakeUpstream;
let asked = { named: 0, other: 0 };
beforeAll(async () => {
  const refuse = reply({ status: 400, body: { error: { message: "no", type: "invalid_request_error" } } });
  named = await startFakeUpstream(({ method }) => {
    if (method === "POST") asked.named += 1;
    return refuse;
  });
  other = await startFakeUpstream(({ method }) => {
    if (method === "POST") asked.other += 1;
    return refuse;
  });
});
afterAll(async () => {
  await named[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});
beforeEach(() => void (asked = { named: 0, other: 0 }));

const ENV = '"env": { "ANTHROPIC_BASE_URL": "ADDRESS" }';
const deep = `${"[".repeat(80)}${"]".repeat(80)}`;

const SETTINGS: readonly (readonly [name: string, isRead: boolean, text: string])[] = [
  ["plain", true, `{ ${ENV} }`],
  ["with a BOM", true, `\ufeff{ ${ENV} }`],
  ["with a key twice", true, `{ "model": "a", "model": "b", ${ENV} }`],
  ["80 levels deep", true, `{ "x": ${deep}, ${ENV} }`],
  ["with CRLF", true, `{\r\n${ENV}\r\n}\r\n`],
  ["with unknown keys", true, `{ "nobody": { "knows": 5 }, ${ENV} }`],
  ["with a rule that is none", true, `{ "permissions": { "allow": [5, "Bash(("] }, ${ENV} }`],
  ["with a hook that is none", true, `{ "hooks": { "PostToolUse": 5, "Never": [] }, ${ENV} }`],
  ["with hooks that are none", true, `{ "hooks": 5, ${ENV} }`],
  ["with a number in env", true, `{ "env": { "X": 5, "Y": null, "ANTHROPIC_BASE_URL": "ADDRESS" } }`],
  ["with an alias of a mode", true, `{ "permissions": { "defaultMode": "manual" }, ${ENV} }`],
  ["with a line comment", false, `{\n  // mine\n  ${ENV}\n}`],
  ["with a block comment", false, `{ /* mine */ ${ENV} }`],
  ["with a trailing comma", false, `{ ${ENV}, }`],
  ["with a comma in env", false, `{ "env": { "ANTHROPIC_BASE_URL": "ADDRESS", } }`],
  ["with single quotes", false, `{ 'model': 'x', ${ENV} }`],
  ["a list", false, `[{ ${ENV} }]`],
  ["cut off", false, `{ ${ENV}`],
  ["with a mode that is none", false, `{ "permissions": { "defaultMode": "nonsense" }, ${ENV} }`],
  ["with a number for the model", false, `{ "model": 5, ${ENV} }`],
  ["with a text for a switch", false, `{ "alwaysThinkingEnabled": "true", ${ENV} }`],
  ["with no days", false, `{ "cleanupPeriodDays": 0, ${ENV} }`],
  ["with half a status line", false, `{ "statusLine": { "type": "command" }, ${ENV} }`],
  [
    "with a hook that guards",
    false,
    `{ "hooks": { "PreToolUse": [{ "hooks": [{ "type": "x" }] }] }, ${ENV} }`,
  ],
  ["with a plugin that is a text", false, `{ "enabledPlugins": { "a@b": "yes" }, ${ENV} }`],
  ["with a number in a list", false, `{ "fallbackModel": ["a", 5], ${ENV} }`],
];

describe("Claude Code, and what is said of its settings.json", () => {
  test.each(SETTINGS)(
    "%s",
    async (_name, isRead, template) => {
      using home = makeClientHome();
      const text = template.replaceAll("ADDRESS", named.origin);
      const directory = join(home.path, ".claude");
      mkdirSync(directory);
      writeFileSync(join(directory, "settings.json"), text);
      await runClaude(home, directory);
      const isSaidToRead = findSettingsRefusal(text) === null;
      expect({ isSaidToRead, isHere: asked.named > 0, isElsewhere: asked.other > 0 }).toEqual({
        isSaidToRead: isRead,
        isHere: isRead,
        isElsewhere: !isRead,
      });
    },
    60_000,
  );
});

const RELAY = 'model_provider = "p"\n[model_providers.p]\nname = "P"\nbase_url = "ADDRESS"\n';
const GATEWAY = '[model_providers.g]\nname = "G"\nbase_url = "https://gateway.example/v1"\n';
const OAUTH =
  '[model_providers.g.gateway_oauth]\nauthorization_url = "https://gateway.example/a"\ntoken_url = "https://gateway.example/t"\nclient_id = "c"\nredirect_port = 8765\n';

const CONFIGS: readonly (readonly [name: string, isRead: boolean, text: string])[] = [
  ["plain", true, RELAY],
  ["with a BOM and CRLF", true, `\ufeff${RELAY.replaceAll("\n", "\r\n")}`],
  ["with unknown keys", true, `nobody = 5\n${RELAY}knows = 6\n`],
  ["with an old profile's table", true, `${RELAY}[profiles.x]\nmodel = "m"\n`],
  ["with an empty built-in table", true, `${RELAY}[model_providers.openai]\n`],
  [
    "with a gateway of one origin",
    true,
    `${RELAY}${GATEWAY}model_catalog_url = "https://gateway.example/m"\n${OAUTH}`,
  ],
  ["with a number for the model", false, `model = 5\n${RELAY}`],
  ["with a policy that is none", false, `approval_policy = "sometimes"\n${RELAY}`],
  ["with a feature that is a text", false, `${RELAY}[features]\nx = "on"\n`],
  ["with a profile", false, `profile = "x"\n${RELAY}`],
  ["with a server without an address", false, `${RELAY}[mcp_servers.a]\n`],
  [
    "with a server of two kinds",
    false,
    `${RELAY}[mcp_servers.a]\ncommand = "x"\nurl = "https://x.example"\n`,
  ],
  ["with a provider without a name", false, `${RELAY}[model_providers.q]\nbase_url = "https://x.example"\n`],
  ["with a built-in provider", false, `${RELAY}[model_providers.ollama]\nname = "x"\n`],
  ["with the old wire_api", false, `${RELAY}wire_api = "chat"\n`],
  ["with two credentials", false, `${RELAY}env_key = "K"\n[model_providers.p.auth]\ncommand = "x"\n`],
  ["with a region", false, `${RELAY}[model_providers.p.aws]\nregion = "x"\n`],
  [
    "with a gateway of two origins",
    false,
    `${RELAY}${GATEWAY}model_catalog_url = "https://other.example/m"\n${OAUTH}`,
  ],
  ["with a negative count", false, `${RELAY}request_max_retries = -1\n`],
  ["with a key twice", false, `model = "a"\nmodel = "b"\n${RELAY}`],
];

describe("Codex, and what is said of its config.toml", () => {
  test.each(CONFIGS)(
    "%s",
    async (_name, isRead, template) => {
      using home = makeClientHome();
      const text = template.replaceAll("ADDRESS", named.baseUrl);
      const directory = join(home.path, ".codex");
      mkdirSync(directory);
      writeFileSync(join(directory, "config.toml"), text);
      const { code } = await runCodex(home, directory);
      const isSaidToRead = findConfigRefusal(text) === null;
      expect({ code, isSaidToRead, isHere: asked.named > 0 }).toEqual({
        code: 1,
        isSaidToRead: isRead,
        isHere: isRead,
      });
    },
    60_000,
  );
});

describe("a client reads its file in the encodings that we believe it reads", () => {
  const ALL = ENCODINGS.map((encoding) => [encoding] as const);

  test.each(ALL)(
    "Claude Code, %s with a byte order mark",
    async (encoding) => {
      using home = makeClientHome();
      const directory = join(home.path, ".claude");
      mkdirSync(directory);
      const text = `\ufeff{ ${ENV} }`.replace("ADDRESS", named.origin);
      writeFileSync(join(directory, "settings.json"), encodeAs(text, encoding));
      await runClaude(home, directory);
      expect(asked.named > 0).toBe(CLAUDE_ENCODINGS.includes(encoding));
    },
    60_000,
  );

  test.each(ALL)(
    "Codex, %s with a byte order mark",
    async (encoding) => {
      using home = makeClientHome();
      const directory = join(home.path, ".codex");
      mkdirSync(directory);
      const text = `\ufeff${RELAY}`.replace("ADDRESS", named.baseUrl);
      writeFileSync(join(directory, "config.toml"), encodeAs(text, encoding));
      await runCodex(home, directory);
      expect(asked.named > 0).toBe(CODEX_ENCODINGS.includes(encoding));
    },
    60_000,
  );
});

describe("a client's home is where we look for it", () => {
  const VALUES = ["~/x", "x", "./x", "HOME/x/", "HOME/x ", "HOME/cafe\u0301"];

  test.each(VALUES)(
    "CLAUDE_CONFIG_DIR=%s",
    async (template) => {
      using home = makeClientHome();
      const value = template.replace("HOME", home.path);
      const { claudeHome } = inHome(home.path, { CLAUDE_CONFIG_DIR: value });
      mkdirSync(claudeHome, { recursive: true });
      writeFileSync(join(claudeHome, "settings.json"), `{ ${ENV} }`.replace("ADDRESS", named.origin));
      await runClaude(home, value);
      expect(asked.named).toBeGreaterThan(0);
    },
    60_000,
  );

  test.each(VALUES)(
    "CODEX_HOME=%s",
    async (template) => {
      using home = makeClientHome();
      const value = template.replace("HOME", home.path);
      const { codexHome } = inHome(home.path, { CODEX_HOME: value });
      mkdirSync(codexHome, { recursive: true });
      writeFileSync(join(codexHome, "config.toml"), RELAY.replace("ADDRESS", named.baseUrl));
      await runCodex(home, value);
      expect(asked.named).toBeGreaterThan(0);
    },
    60_000,
  );
});

/** As a program started there would have it. */
function inHome(path: string, env: Readonly<Record<string, string>>) {
  const script = `import { resolvePaths } from ${JSON.stringify(join(import.meta.dir, "../../src/base/paths.ts"))};
console.log(JSON.stringify(resolvePaths(${JSON.stringify({ HOME: path, ...env })})));`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script], { cwd: path });
  return JSON.parse(stdout.toString()) as ReturnType<typeof resolvePaths>;
}

const runClaude = (home: ReturnType<typeof makeClientHome>, directory: string) =>
  runClient({
    command: [claudeBinary(), "-p", "say hi"],
    home,
    env: {
      CLAUDE_CONFIG_DIR: directory,
      ANTHROPIC_BASE_URL: other.origin,
      ANTHROPIC_AUTH_TOKEN: "x",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      CLAUDE_CODE_MAX_RETRIES: "0",
      DISABLE_AUTOUPDATER: "1",
    },
  });

const runCodex = (home: ReturnType<typeof makeClientHome>, directory: string) =>
  runClient({
    command: [codexBinary(), "exec", "--skip-git-repo-check", "say hi"],
    home,
    env: { CODEX_HOME: directory, K: "k" },
  });
