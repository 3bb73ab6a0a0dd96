import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { inEnglish } from "../../src/base/text.ts";
import { findSettingsRefusal } from "../../src/clients/claude/refusal.ts";
import { findConfigRefusal } from "../../src/clients/codex/refusal.ts";
import type { Refusal } from "../../src/base/shape.ts";
import { runCli, startCli } from "../helpers/cli.ts";
import { freePort } from "../helpers/free-port.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const show = (refusal: Refusal | null): string | null =>
  refusal === null ? null : `${refusal.place} ${inEnglish(refusal.words)}`;

// What the real clients do with such files: test/real-clients/files.test.ts.
describe("a settings.json that Claude Code ignores is known with the place", () => {
  test.each([
    ['{\n  // mine\n  "env": {}\n}', ":2:3 comments are not allowed"],
    ['{ "env": {}, }', ":1:14 expected a key in double quotes"],
    ["{ 'env': {} }", ":1:3 ' instead of "],
    ["[]", ":1:1 this is not a JSON object"],
    ['{\n  "model": 5\n}', ":2:12 model must be a string"],
    ['{ "env": "x" }', ":1:10 env must be an object"],
    ['{ "env": {}, "alwaysThinkingEnabled": "yes" }', ":1:39 alwaysThinkingEnabled must be true or false"],
    ['{ "cleanupPeriodDays": 0 }', ":1:24 cleanupPeriodDays must be a whole number (1..)"],
    [
      '{ "permissions": { "defaultMode": "x" } }',
      ":1:35 permissions.defaultMode must be one of: acceptEdits, auto, bypassPermissions, default, dontAsk, plan, manual",
    ],
    ['{ "statusLine": { "type": "command" } }', ":1:17 statusLine.command must be a string"],
    ['{ "hooks": { "PreToolUse": {} } }', ":1:28 hooks.PreToolUse must be an array"],
    [
      '{ "hooks": { "PreToolUse": [{ "hooks": [{ "type": "x" }] }] } }',
      ":1:51 hooks.PreToolUse.0.hooks.0.type must be one of: agent, command, http, mcp_tool, prompt",
    ],
    ['{ "enabledPlugins": { "a@b": "yes" } }', ":1:30 enabledPlugins.a@b must be true or false / an array"],
    ['{ "fallbackModel": ["a", 5] }', ":1:26 fallbackModel.1 must be a string"],
  ])("%s", (text, says) => {
    expect(show(findSettingsRefusal(text))?.replaceAll('"', "")).toBe(says);
  });

  test.each([
    "",
    " \n",
    "{}",
    '\ufeff{ "model": "x" }',
    '{ "model": "a", "model": "b" }',
    `{ "x": ${"[".repeat(80)}${"]".repeat(80)} }`,
    '{ "unknown": 5, "permissions": { "allow": [5, "Bash(("], "later": 1 } }',
    '{ "hooks": { "PostToolUse": 5, "Never": [] } }',
    '{ "hooks": 5 }',
    '{ "env": { "A": 5, "B": null } }',
    '{ "permissions": { "defaultMode": "manual" } }',
    '{ "disableWorkflows": null }',
  ])("and one that it reads is not: %s", (text) => {
    expect(show(findSettingsRefusal(text))).toBeNull();
  });
});

const PROVIDER = '[model_providers.p]\nname = "P"\nbase_url = "https://relay.example/v1"\n';
const GATEWAY = '[model_providers.p.gateway_oauth]\nclient_id = "c"\n';

describe("a config.toml with which Codex does not start is known with the place", () => {
  test.each([
    ["model = 5\n", ":1:9 model must be a string"],
    ["model = \n", "line 2, column 1"],
    ['[x]\n[features]\nfoo = "on"\n', ":3:7 features.foo must be true or false"],
    [
      'approval_policy = "sometimes"\n',
      ":1:19 approval_policy must be one of: untrusted, on-failure, on-request, granular, never",
    ],
    ['profile = "work"\n', ":1:11 profile is no longer supported"],
    ["[mcp_servers.a]\n", ":1:1 MCP server a: it needs a command or a url"],
    ['[mcp_servers.a]\ncommand = "x"\nurl = "y"\n', ":1:1 MCP server a: url cannot be combined with command"],
    ['[mcp_servers.a]\ncommand = "x"\nargs = "y"\n', ":3:8 mcp_servers.a.args must be an array"],
    ['[model_providers.p]\nbase_url = "x"\n', ":1:1 provider p: it has no name"],
    ['[model_providers.ollama]\nname = "x"\n', ":1:1 provider ollama: it is built in and cannot be defined"],
    [`${PROVIDER}wire_api = "chat"\n`, ":4:12 model_providers.p.wire_api must be one of: responses"],
    [`${PROVIDER}[model_providers.p.aws]\n`, ":1:1 provider p: aws is for Amazon Bedrock only"],
    [
      `${PROVIDER}env_key = "K"\n[model_providers.p.auth]\ncommand = "x"\n`,
      ":1:1 provider p: auth cannot be combined with env_key",
    ],
    [
      `${PROVIDER}model_catalog_url = "https://other.example/m"\n${GATEWAY}`,
      ":1:1 provider p: with gateway_oauth, model_catalog_url must have the origin of base_url (https://relay.example)",
    ],
    [
      `${PROVIDER}request_max_retries = -1\n`,
      ":4:23 model_providers.p.request_max_retries must be a whole number (0..)",
    ],
  ])("%s", (text, says) => {
    expect(show(findConfigRefusal(text))?.replaceAll('"', "")).toContain(says);
  });

  test.each([
    "",
    "unknown = 5\n",
    `${PROVIDER}later = 5\nmodel_catalog_url = "https://other.example/m"\n`,
    `${PROVIDER}model_catalog_url = "https://relay.example:443/m"\n${GATEWAY}`,
    "[model_providers.openai]\n",
    '[profiles.work]\nmodel = "x"\n',
    "approval_policy = { granular = { sandbox_approval = true, rules = true, mcp_elicitations = true } }\n",
    "[features]\ncode_mode = { enabled = true }\n",
    "model_context_window = 9007199254740993\n",
    "model = 1979-05-27\n",
  ])("and one with which it does is not: %s", (text) => {
    expect(show(findConfigRefusal(text))).toBeNull();
  });
});

const PORT = String(freePort());
const BAD = '{ "permissions": { "defaultMode": "nonsense" } }\n';

describe("a file that the client would not read", () => {
  test.each([
    ["--claude", ".claude/settings.json", '{\n  // relay\n  "env": {}\n}\n', ":2:3"],
    ["--claude", ".claude/settings.json", '{ "env": {}, }\n', ":1:14"],
    ["--claude", ".claude/settings.json", BAD, ":1:35"],
    ["--codex", ".codex/config.toml", "model = 5\n", ":1:9"],
    ["--codex", ".codex/config.toml", '[mcp_servers.a]\nurl = "x"\nargs = []\n', ":1:1"],
  ])("is not switched, and what is wrong is said: %s %s %j", async (flag, name, text, place) => {
    using home = makeTempHome();
    const file = home.write(name, text);
    const on = await runCli(["switch", "on", flag, "--port", PORT], { home });
    expect(on.code).toBe(1);
    expect(on.stderr).toContain(`~/${name}${place}: `);
    expect(on.stderr).toContain(`ch switch on ${flag} --force`);
    const served = await runCli(["serve", flag, "--port", String(freePort())], { home });
    expect(served.code).toBe(1);
    expect(readFileSync(file, "utf8")).toBe(text);

    expect((await runCli(["switch", "on", flag, "--force", "--port", PORT], { home })).code).toBe(0);
    expect(readFileSync(file, "utf8")).toContain("127.0.0.1");
    const { stdout } = await runCli(["switch", "status", flag], { home });
    expect(stdout).toMatch(/: not switched: (?:Claude Code|Codex) does not take its file as it is\n/);
    expect(stdout).toContain(file.replace(home.path, "~"));
    const json = await runCli(["switch", "status", flag, "--json"], { home });
    expect(JSON.parse(json.stdout)).toMatchObject({ services: [{ switched: false }] });
    const status = await runCli(["status", flag], { home });
    expect(status.stdout).toContain("does not take its file as it is");
    // Our own lines may have moved it.
    expect(status.stdout).toMatch(new RegExp(`~/${name}:\\d+:\\d+: `));
    expect((await runCli(["doctor", flag], { home })).stdout).not.toContain("points at the proxy");
    expect((await runCli(["switch", "off", flag], { home })).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("because of our own address is left alone, and another way is named", async () => {
    using home = makeTempHome();
    const text = `model_provider = "p"\n${PROVIDER}model_catalog_url = "https://relay.example/m"\n${GATEWAY}`;
    const file = home.write(".codex/config.toml", text);
    const { code, stderr } = await runCli(["switch", "on", "--port", PORT], { home });
    expect(code).toBe(1);
    expect(stderr).toContain("must have the origin of base_url");
    expect(stderr).toContain("ch run -- codex");
    expect(readFileSync(file, "utf8")).toBe(text);
    expect((await runCli(["switch", "on", "--own-provider", "--port", PORT], { home })).code).toBe(0);
    expect((await runCli(["switch", "status", "--codex"], { home })).stdout).toContain("switched, to ");
  });

  test("is served with --force", async () => {
    using home = makeTempHome();
    home.write(".codex-helper/config.json", {
      claude: { active: "m", configs: { m: { upstreams: [{ base_url: "https://relay.example" }] } } },
    });
    const file = home.write(".claude/settings.json", BAD);
    await using serving = startCli(["serve", "--claude", "--force", "--port", String(freePort())], { home });
    await serving.waitFor(/Press Ctrl\+C to stop/);
    expect(readFileSync(file, "utf8")).toContain("127.0.0.1");
    await serving.stop();
    expect(readFileSync(file, "utf8")).toBe(BAD);
  });
});
