import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { GOOD, reply } from "../../helpers/answers.ts";
import { codexSettings, makeCcSwitchDatabase } from "../../helpers/cc-switch-home.ts";
import { PROGRAM, runCli, startCli } from "../../helpers/cli.ts";
import { type FakeUpstream, type ReceivedRequest, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { type TerminalSession, startAtTerminal } from "../../helpers/pseudo-terminal.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const ENTER = "\r";
const DOWN = "\u001b[B";
const ESC = "\u001b";
const KEY = "sk-relay-a-0123456789";
const OTHER_KEY = "sk-relay-b-0123456789";

/** Takes every key but none and those with "bad" in them; its panel is everywhere but below /v1. */
async function startRelay(): Promise<FakeUpstream> {
  return await startFakeUpstream((request: ReceivedRequest) => {
    if (!request.target.startsWith("/v1/"))
      return reply({
        headers: { "content-type": "text/html" },
        body: "<!doctype html><title>Console</title>",
      });
    const key = request.header("authorization") ?? request.header("x-api-key") ?? "bad";
    if (key.includes("bad"))
      return reply({
        status: 401,
        body: { error: { message: "invalid key", type: "invalid_request_error" } },
      });
    return request.target.startsWith("/v1/messages")
      ? GOOD.messages({ text: "hi" })
      : GOOD.responses({ text: "hi" });
  });
}

/** A package script has the clients of node_modules on it: which of them are there is for a test to say. */
const PATH = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((folder) => ["codex", "claude"].every((name) => Bun.which(name, { PATH: folder }) === null))
  .join(delimiter);

function start(args: readonly string[], home: TempHome, env: Record<string, string> = {}): TerminalSession {
  return startAtTerminal([...PROGRAM, ...args], { home, env: { NO_PROXY: "127.0.0.1", PATH, ...env } });
}

/** Every file with its content, so that nothing can have changed. */
function listFiles(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((name) => statSync(join(directory, name)).isFile())
      .map((name) => [name, readFileSync(join(directory, name), "latin1")]),
  );
}

const readConfig = (home: TempHome): unknown => JSON.parse(readFileSync(home.paths.config, "utf8"));

/** Codex with two relays, one of which takes the key of auth.json. */
function writeCodex(home: TempHome, first: string, second: string): void {
  home.write(
    ".codex/config.toml",
    `model_provider = "packy"
[model_providers.packy]
name = "packy"
base_url = "${first}"
requires_openai_auth = true
[model_providers.other]
name = "other"
base_url = "${second}"
env_key = "OTHER_KEY"
`,
  );
  home.write(".codex/auth.json", { OPENAI_API_KEY: KEY });
}

/** Two relays by hand: what is asked, and the keys that answer. */
const byHand = (one: FakeUpstream, other: FakeUpstream): readonly (readonly [string, string])[] => [
  ["What should requests go to?", ENTER],
  ["Base URL, or paste", `${one.baseUrl}${ENTER}`],
  ["The key for", ENTER],
  ["Key for", `${KEY}${ENTER}`],
  ["one small request", ENTER],
  ["Add a backup", `${DOWN}${ENTER}`],
  ["Base URL, or paste", `export OPENAI_BASE_URL=${other.baseUrl}\rexport OPENAI_API_KEY=${OTHER_KEY}\r`],
  ["one small request", ENTER],
  ["Add one more backup?", ENTER],
  ["Which one first?", ENTER],
  ["Start now?", ENTER],
];

describe("at a terminal", () => {
  test("an empty machine: two relays by hand, a check of each, and ch runs with failover", async () => {
    await using one = await startRelay();
    await using other = await startRelay();
    using home = makeTempHome();
    home.write(".codex/history.jsonl", "");
    const port = freePort();
    await using session = start(["--port", `${port}`], home);
    for (const [words, keys] of byHand(one, other)) await session.press(keys, words);
    await session.press("\u0003", "Ctrl+C");
    expect(await session.exited).toBe(130);
    expect(readConfig(home)).toEqual({
      version: 1,
      codex: {
        active: "main",
        configs: {
          main: {
            upstreams: [
              { base_url: one.baseUrl, auth: { auth_token: KEY } },
              { base_url: other.baseUrl, auth: { auth_token: OTHER_KEY } },
            ],
          },
        },
      },
    });
    expect(statSync(home.paths.config).mode & 0o777).toBe(0o600);
    expect(existsSync(home.paths.codexConfig)).toBe(false);
    const asked = [one, other].map(({ requests }) => requests.filter(({ method }) => method === "POST"));
    expect(asked.map((requests) => requests.map((request) => request.header("authorization")))).toEqual([
      [`Bearer ${KEY}`],
      [`Bearer ${OTHER_KEY}`],
    ]);
    const words = session.words();
    expect(words).toContain('~/.codex-helper/config.json: a new config "main", in use');
    expect(words).toContain("~/.codex/config.toml: points here while ch runs");
    for (const secret of [KEY, OTHER_KEY]) expect(words).not.toContain(secret);
  });

  test("Claude Code alone on the machine: it is served, now and by plain ch from then on", async () => {
    await using relay = await startRelay();
    using home = makeTempHome();
    home.write(".claude/history.jsonl", "");
    await using session = start(["--port", `${freePort()}`], home);
    await session.press(ENTER, "What should requests go to?");
    await session.press(
      `export ANTHROPIC_BASE_URL=${relay.origin}\rexport ANTHROPIC_AUTH_TOKEN=${KEY}\r`,
      "Base URL, or paste",
    );
    await session.press(ENTER, "one small request");
    await session.press(ENTER, "Add a backup");
    await session.press(ENTER, "Start now?");
    await session.press("\u0003", "Claude Code on http://127.0.0.1:");
    expect(await session.exited).toBe(130);
    expect(readConfig(home)).toMatchObject({ default_service: "claude", claude: { active: "main" } });
  });

  test("what is there is found and taken over as one config, in order, with its names", async () => {
    using home = makeTempHome({ OTHER_KEY });
    writeCodex(home, "https://packy.example/v1", "https://other.example/v1");
    using _ = makeCcSwitchDatabase(join(home.path, ".cc-switch"), [
      { id: "a", name: "Packy", settings: codexSettings("https://packy.example/v1", KEY), isCurrent: true },
      {
        id: "b",
        name: "Third",
        settings: codexSettings("https://third.example/v1", "sk-third-0123456789"),
      },
    ]);
    await using session = start(["init"], home);
    await session.press(ENTER, "take over all 3 as one config, Packy first");
    await session.press(`${DOWN}${ENTER}`, "one small request");
    await session.press(`${DOWN}${ENTER}`, "Start now?");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      codex: {
        active: "main",
        configs: {
          main: {
            upstreams: [
              {
                base_url: "https://packy.example/v1",
                auth: { auth_token: KEY },
                tags: { provider_id: "Packy" },
              },
              {
                base_url: "https://other.example/v1",
                auth: { auth_token_env: "OTHER_KEY" },
                tags: { provider_id: "other" },
              },
              { base_url: "https://third.example/v1", tags: { provider_id: "Third" } },
            ],
          },
        },
      },
    });
    // The key of auth.json is packy's: nobody set OpenAI up with it.
    expect(readFileSync(home.paths.config, "utf8")).not.toContain("api.openai.com");
    expect(session.words()).toContain("OTHER_KEY");
    for (const secret of [KEY, OTHER_KEY]) expect(session.words()).not.toContain(secret);
  });

  test("some of what is there, in another order, behind the config in use", async () => {
    using home = makeTempHome({ OTHER_KEY });
    writeCodex(home, "https://packy.example/v1", "https://other.example/v1");
    home.write(".codex-helper/config.json", {
      codex: { configs: { mine: { upstreams: [{ base_url: "https://mine.example/v1" }] } } },
    });
    await using session = start(["init"], home);
    await session.press(`${DOWN}${ENTER}`, "What should requests go to?");
    await session.press(ENTER, "Which of them?");
    await session.press(`${DOWN}${ENTER}`, "Which one first?");
    await session.press(`${DOWN}${ENTER}`, "one small request");
    await session.press(ENTER, "Where do they go?");
    await session.press(`${DOWN}${ENTER}`, "Start now?");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      codex: {
        configs: {
          mine: {
            upstreams: [
              { base_url: "https://mine.example/v1" },
              { base_url: "https://other.example/v1" },
              { base_url: "https://packy.example/v1" },
            ],
          },
        },
      },
    });
  });

  test("a proxy that runs takes it over, and is not started again", async () => {
    await using first = await startRelay();
    using home = makeTempHome();
    home.write(".codex-helper/config.json", {
      codex: { configs: { mine: { upstreams: [{ base_url: first.baseUrl }] } } },
    });
    const port = freePort();
    await using serving = startCli(["serve", "--no-switch", "--port", `${port}`], { home });
    await serving.waitFor(/Ctrl\+C/);
    await using session = start(["init", "--codex"], home);
    const link = `ccswitch://v1/import?resource=provider&app=codex&name=Relay%20B&endpoint=https%3A%2F%2Frelay.example%2Fv1&apiKey=${KEY}`;
    await session.press(ENTER, "What should requests go to?");
    await session.press(`${link}${ENTER}`, "Base URL, or paste");
    await session.press(`${DOWN}${ENTER}`, "Check Relay B (relay.example)");
    await session.press(ENTER, "Add a backup");
    await session.press(ENTER, 'behind "mine"');
    await session.press(ENTER, /The running ch \(pid \d+\) uses it at once/);
    expect(await session.exited).toBe(0);
    expect(session.words()).not.toContain(KEY);
    expect(readConfig(home)).toMatchObject({
      codex: {
        configs: {
          mine: {
            upstreams: [
              { base_url: first.baseUrl },
              {
                base_url: "https://relay.example/v1",
                auth: { auth_token: KEY },
                tags: { provider_id: "Relay B" },
              },
            ],
          },
        },
      },
    });
    expect(await serving.stop()).toBe(130);
  });

  test("a refused key is asked for again", async () => {
    await using relay = await startRelay();
    using home = makeTempHome({ RELAY_KEY: KEY });
    await using session = start(["init", "--codex"], home);
    await session.press(ENTER, "What should requests go to?");
    await session.press(`${relay.baseUrl}${ENTER}`, "Base URL, or paste");
    await session.press(ENTER, "The key for");
    await session.press(`sk-bad-0123456789${ENTER}`, "Key for");
    await session.press(ENTER, "one small request");
    await session.press(ENTER, "the key was refused: 401");
    // By the name of the variable, whose value is not shown.
    await session.press(`${DOWN}${ENTER}`, "it is in the variable RELAY_KEY");
    await session.press(ENTER, "Add a backup");
    await session.press(`${DOWN}${ENTER}`, "Start now?");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      codex: { configs: { main: { upstreams: [{ auth: { auth_token_env: "RELAY_KEY" } }] } } },
    });
    expect(session.words()).not.toContain(KEY);
  });

  test("a command that prints the key is asked for, run for the check, and written as words", async () => {
    await using relay = await startRelay();
    using home = makeTempHome();
    await using session = start(["init", "--codex"], home);
    await session.press(ENTER, "What should requests go to?");
    await session.press(`${relay.baseUrl}${ENTER}`, "Base URL, or paste");
    await session.press(`${DOWN}${DOWN}${DOWN}${ENTER}`, "The key for");
    await session.press(`\u0015echo '${KEY}' |${ENTER}`, "The command, with its arguments");
    await session.press("\u007f\u007f", 'has "|" as a word');
    await session.press(ENTER, "The command, with its arguments");
    await session.press(ENTER, "one small request");
    await session.press(ENTER, "Add a backup");
    await session.press(`${DOWN}${ENTER}`, "Start now?");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      codex: { configs: { main: { upstreams: [{ auth: { auth_token_command: ["echo", KEY] } }] } } },
    });
  });

  test("a variable that looks like a key is offered, with the address that goes with it", async () => {
    await using relay = await startRelay();
    using home = makeTempHome({ RELAY_API_KEY: KEY, RELAY_BASE_URL: relay.baseUrl, GITHUB_TOKEN: "gh-1" });
    await using session = start(["init", "--codex"], home);
    await session.press(`${DOWN}${ENTER}`, "enter the relay whose key is in RELAY_API_KEY");
    await session.press(ENTER, relay.baseUrl);
    await session.press(ENTER, "one small request");
    await session.press(ENTER, "Add a backup");
    await session.press(`${DOWN}${ENTER}`, "no key is copied");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      codex: {
        configs: {
          main: { upstreams: [{ base_url: relay.baseUrl, auth: { auth_token_env: "RELAY_API_KEY" } }] },
        },
      },
    });
    expect(session.words()).not.toContain("GITHUB_TOKEN");
  });

  test("what was copied for the other client sets that one up", async () => {
    using home = makeTempHome();
    await using session = start(["init", "--codex"], home);
    await session.press(ENTER, "What should requests go to?");
    const lines = `export ANTHROPIC_BASE_URL=https://relay.example\nexport ANTHROPIC_AUTH_TOKEN=${KEY}\n`;
    await session.press(`\u001b[200~${lines}\u001b[201~${ENTER}`, "Base URL, or paste");
    await session.press(ENTER, "That is for Claude Code.");
    await session.press(`${DOWN}${ENTER}`, "one small request");
    await session.press(ENTER, "Add a backup");
    await session.press(`${DOWN}${ENTER}`, "Start now?");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      default_service: "claude",
      claude: {
        configs: {
          main: { upstreams: [{ base_url: "https://relay.example", auth: { auth_token: KEY } }] },
        },
      },
    });
    expect(session.words()).not.toContain(KEY);
  });

  test("a variable that is not set yet: to start is not the answer for Enter", async () => {
    using home = makeTempHome();
    await using session = start(["init", "--codex"], home);
    await session.press(ENTER, "What should requests go to?");
    await session.press(`https://relay.example/v1${ENTER}`, "Base URL, or paste");
    await session.press(`${DOWN}${ENTER}`, "The key for");
    // None was found that it would be another than.
    expect(session.words()).toContain("it is in a variable");
    await session.press(`LATER_KEY${ENTER}`, "The name of the variable");
    await session.press(`${DOWN}${ENTER}`, "LATER_KEY is not set here");
    await session.press(`${DOWN}${ENTER}`, "one small request");
    await session.press(ENTER, "Add a backup");
    await session.press(ENTER, "Before it starts, set where ch runs: LATER_KEY");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      codex: { configs: { main: { upstreams: [{ auth: { auth_token_env: "LATER_KEY" } }] } } },
    });
  });

  test("lines that arrive one by one: the key is there when it is asked for", async () => {
    using home = makeTempHome();
    await using session = start(["init", "--codex"], home);
    await session.press(ENTER, "What should requests go to?");
    await session.press(`export OPENAI_BASE_URL=https://relay.example/v1${ENTER}`, "Base URL, or paste");
    await session.press(`export OPENAI_API_KEY=${KEY}${ENTER}`, "The key for relay.example?");
    await session.waitFor(/Key for relay\.example/);
    await session.press(ENTER, "▪".repeat(`export OPENAI_API_KEY=${KEY}`.length));
    await session.press(`${DOWN}${ENTER}`, "one small request");
    await session.press(ENTER, "Add a backup");
    await session.press(`${DOWN}${ENTER}`, "Start now?");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      codex: { configs: { main: { upstreams: [{ auth: { auth_token: KEY } }] } } },
    });
    expect(session.words()).not.toContain(KEY);
  });

  test("the same relay twice is one upstream", async () => {
    using home = makeTempHome();
    await using session = start(["init", "--codex"], home);
    const line = `curl https://relay.example/v1/responses -H 'Authorization: Bearer ${KEY}'${ENTER}`;
    await session.press(ENTER, "What should requests go to?");
    await session.press(line, "Base URL, or paste");
    await session.press(`${DOWN}${ENTER}`, "one small request");
    await session.press(`${DOWN}${ENTER}`, "Add a backup");
    await session.press(line, "Base URL, or paste");
    await session.press(`${DOWN}${ENTER}`, "one small request");
    await session.press(ENTER, "That one is among them already.");
    await session.press(`${DOWN}${ENTER}`, "Start now?");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      codex: { configs: { main: { upstreams: [{ base_url: "https://relay.example/v1" }] } } },
    });
    expect(session.words()).not.toContain(KEY);
  });

  test("files that cannot be read are told of, and nothing breaks", async () => {
    using home = makeTempHome();
    home.write(".codex/config.toml", "model_provider = \n");
    home.write(".cc-switch/config.json", "{");
    await using session = start(["init", "--codex"], home);
    await session.press(ENTER, "What should requests go to?");
    await session.press(`https://relay.example/v1${ENTER}`, "Base URL, or paste");
    await session.press(`${DOWN}${DOWN}${ENTER}`, "The key for");
    await session.press(`${DOWN}${ENTER}`, "one small request");
    await session.press(ENTER, "Add a backup");
    // To start is not the answer for Enter then.
    await session.press(ENTER, "Codex cannot be pointed here: ~/.codex/config.toml");
    expect(await session.exited).toBe(0);
    expect(session.words()).toContain("left out: ~/.codex/config.toml");
    expect(session.words()).toContain("left out: ~/.cc-switch/config.json is not valid JSON");
  });

  test("the end of input leaves like Esc", async () => {
    using home = makeTempHome();
    await using session = start(["init", "--codex"], home);
    await session.press(ENTER, "What should requests go to?");
    await session.press("\u0004", "Base URL, or paste");
    expect(await session.exited).toBe(130);
    expect(listFiles(home.path)).toEqual({});
  });

  test("a web page in place of an API: the address that was probably meant is offered", async () => {
    await using relay = await startRelay();
    using home = makeTempHome({ RELAY_KEY: KEY });
    await using session = start(["init", "--codex"], home);
    await session.press(`${DOWN}${ENTER}`, "What should requests go to?");
    await session.press(`${relay.origin}/team${ENTER}`, "Base URL, or paste");
    await session.press(ENTER, "one small request");
    await session.waitFor("answered with a web page");
    await session.press(ENTER, `use ${relay.baseUrl}`);
    await session.press(ENTER, "Add a backup");
    await session.press(`${DOWN}${ENTER}`, "Start now?");
    expect(await session.exited).toBe(0);
    expect(readConfig(home)).toMatchObject({
      codex: { configs: { main: { upstreams: [{ base_url: relay.baseUrl }] } } },
    });
  });

  test.each([
    ["hello", "there is no address in it"],
    [KEY, "there is a key in it, but no address"],
    ["ccswitch://v1/import?resource=provider&app=codex&name=x", "the link cannot be imported: it has no key"],
    [
      `ccswitch://v1/import?resource=provider&app=claude&name=x&endpoint=https://a.example&apiKey=${KEY}`,
      "the link is for Claude Code: ch init --claude",
    ],
  ])("%s is no upstream, and may be typed again", async (typed, why) => {
    using home = makeTempHome();
    await using session = start(["init", "--codex"], home);
    await session.press(ENTER, "What should requests go to?");
    await session.press(`${typed}${ENTER}`, "Base URL, or paste");
    await session.press(ESC, why);
    expect(await session.exited).toBe(130);
  });

  test("the demo runs, and the questions go on", async () => {
    using home = makeTempHome();
    await using session = start(["init", "--codex"], home);
    await session.press(`${DOWN}${ENTER}`, "just look: the demo");
    await session.waitFor("5 turns, 5 answered, 0 errors");
    await session.press(ESC, "What should requests go to?");
    expect(await session.exited).toBe(130);
    expect(listFiles(home.path)).toEqual({});
  });

  test("Chinese where the locale is", async () => {
    await using relay = await startRelay();
    using home = makeTempHome();
    await using session = start(["init"], home, { LANG: "zh_CN.UTF-8" });
    await session.press(ENTER, "为哪个客户端设置？");
    await session.press(ENTER, "请求发到哪里？");
    await session.press(`${relay.baseUrl}${ENTER}`, "Base URL 或粘贴内容");
    await session.press(ENTER, "的密钥在哪里？");
    await session.press(`${KEY}${ENTER}`, "的密钥");
    await session.press(`${DOWN}${ENTER}`, "用一个小请求检查");
    await session.press(ENTER, "要加一个备用吗？");
    await session.press(`${DOWN}${ENTER}`, "现在启动？");
    expect(await session.exited).toBe(0);
    const english = session.words().match(/\b[a-z]{3,}\b/gi) ?? [];
    const names =
      /^(?:h|ht|htt|https?|example|base|url|codex|claude|code|export|curl|ccswitch|provider|token|config|json|toml|helper|main|model|providers|proxy|init|serve|esc|path|npm|install|openai)$/i;
    expect([...new Set(english)].filter((word) => !names.test(word))).toEqual([]);
  });
});

test("where only the other client has a config, the error at a terminal names the questions", async () => {
  using home = makeTempHome();
  home.write(".codex-helper/config.json", {
    codex: { configs: { mine: { upstreams: [{ base_url: "https://mine.example/v1" }] } } },
  });
  await using session = start(["--claude", "--port", `${freePort()}`], home);
  await session.waitFor(
    /error: no upstream is configured for Claude Code, and it has none to import.*\n {2}ch init --claude\n/,
  );
  expect(await session.exited).toBe(1);
});

describe("Esc changes nothing", () => {
  const STEPS = 11;

  test.each(Array.from({ length: STEPS }, (_, step) => step))("at question %i", async (step) => {
    await using one = await startRelay();
    await using other = await startRelay();
    using home = makeTempHome();
    home.write(".codex/history.jsonl", "");
    const before = listFiles(home.path);
    await using session = start([], home);
    const steps = byHand(one, other);
    expect(steps).toHaveLength(STEPS);
    for (const [words, keys] of steps.slice(0, step)) await session.press(keys, words);
    await session.press(ESC, steps[step]?.[0] ?? "");
    expect(await session.exited).toBe(130);
    expect(session.words()).toContain("Nothing was changed. To begin again: ch init");
    expect(listFiles(home.path)).toEqual(before);
  });

  test.each([
    ["which client", []],
    ["what to take over", [["Which client?", ENTER]]],
    [
      "which of them",
      [
        ["Which client?", ENTER],
        ["What should requests go to?", `${DOWN}${ENTER}`],
      ],
    ],
    [
      "their order",
      [
        ["Which client?", ENTER],
        ["What should requests go to?", `${DOWN}${ENTER}`],
        ["Which of them?", ENTER],
      ],
    ],
  ] as const)("at the question %s of what was found", async (_, steps) => {
    using home = makeTempHome({ OTHER_KEY });
    writeCodex(home, "https://packy.example/v1", "https://other.example/v1");
    home.write(".claude/settings.json", {});
    const before = listFiles(home.path);
    await using session = start([], home);
    const questions = ["Which client?", "What should requests go to?", "Which of them?", "Which one first?"];
    for (const [words, keys] of steps) await session.press(keys, words);
    await session.press(ESC, questions[steps.length] ?? "");
    expect(await session.exited).toBe(130);
    expect(listFiles(home.path)).toEqual(before);
  });

  test("Ctrl+C while a request is on its way", async () => {
    await using relay = await startFakeUpstream([[]]);
    using home = makeTempHome();
    await using session = start(["init", "--codex"], home);
    await session.press(ENTER, "What should requests go to?");
    await session.press(`${relay.baseUrl}${ENTER}`, "Base URL, or paste");
    await session.press(`${DOWN}${DOWN}${ENTER}`, "The key for");
    await session.press(ENTER, "one small request");
    await session.press("\u0003", "Checking");
    expect(await session.exited).toBe(130);
    expect(listFiles(home.path)).toEqual({});
  });
});

describe("without a terminal", () => {
  test("what the client has is imported, and nothing is asked", async () => {
    using home = makeTempHome();
    writeCodex(home, "https://packy.example/v1", "https://other.example/v1");
    const first = await runCli(["init"], { home });
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toContain("imported from Codex: packy, other (ch config list)\n");
    expect(first.stderr).toContain(`its key is that of provider "packy"`);
    const second = await runCli(["init"], { home });
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining("already set up") });
  });

  test("nothing to import: the line to type", async () => {
    using home = makeTempHome();
    const { code, stderr } = await runCli(["init"], { home });
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ch config add main"),
    });
    expect(listFiles(home.path)).toEqual({});
  });
});

test("the library of the questions is loaded with the first question, and by nothing else", () => {
  const src = join(import.meta.dir, "../../../src");
  const users = [...new Bun.Glob("**/*.ts").scanSync(src)].flatMap((name) =>
    readFileSync(join(src, name), "utf8")
      .split("\n")
      .filter((line) => line.includes("@clack/"))
      .map((line) => `${name}: ${line.trim()}`),
  );
  expect(users).toEqual(['cli/prompts.ts: const clack = await import("@clack/prompts");']);
});
