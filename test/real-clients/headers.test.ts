import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONNECTION_HEADERS, IDENTITY_HEADERS, isForRelays } from "../../src/base/header-names.ts";
import { resolvePaths } from "../../src/base/paths.ts";
import type { Service } from "../../src/base/service.ts";
import { switchOn } from "../../src/clients/switch/switch.ts";
import { GOOD, reply } from "../helpers/answers.ts";
import type { ClientHome } from "../helpers/client-process.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type FakeUpstream, type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { makeCodexConfig, runCodexExec } from "../helpers/real-codex.ts";

/** What each client was seen to send with a turn, beside what belongs to its connection and its login. */
const SENT = {
  codex:
    "accept accept-encoding content-type originator session-id thread-id user-agent x-client-request-id x-codex-beta-features " +
    "x-codex-turn-metadata x-codex-window-id x-openai-internal-codex-responses-lite",
  claude:
    "accept accept-encoding anthropic-beta anthropic-dangerous-direct-browser-access anthropic-version content-type " +
    "user-agent x-app x-claude-code-session-id x-stainless-arch x-stainless-lang x-stainless-os " +
    "x-stainless-package-version x-stainless-retry-count x-stainless-runtime x-stainless-runtime-version " +
    "x-stainless-timeout",
};

const namesOf = ({ fields }: ReceivedRequest): string[] =>
  [...new Set(fields.map(([name]) => name.toLowerCase()))]
    .filter((name) => !CONNECTION_HEADERS.includes(name) && !IDENTITY_HEADERS.has(name))
    .toSorted();
const turnAt = (upstream: FakeUpstream): ReceivedRequest => {
  const turn = upstream.requests.find(({ method }) => method === "POST");
  if (turn === undefined) throw new Error("no turn came");
  return turn;
};
const whole = ({ fields, target }: ReceivedRequest): string => `${target}\n${JSON.stringify(fields)}`;

describe("all that a client sends with a turn reaches a relay, but for its login", () => {
  test("Codex", async () => {
    await using direct = await startFakeUpstream([GOOD.responses()]);
    await using relay = await startFakeUpstream([GOOD.responses()]);
    await using proxy = await startConfiguredProxy({ codex: [relay] });
    await runCodexExec({ baseUrl: direct.baseUrl });
    await runCodexExec({ baseUrl: proxy.codexUrl });
    expect(namesOf(turnAt(direct))).toEqual(SENT.codex.split(" "));
    expect(namesOf(turnAt(relay))).toEqual(expect.arrayContaining(SENT.codex.split(" ")));
    const lines = await proxy.logged(1);
    expect(lines.filter(({ held_back }) => held_back !== undefined)).toEqual([]);
  });

  test("Claude Code", async () => {
    await using direct = await startFakeUpstream([GOOD.messages()]);
    await using relay = await startFakeUpstream([GOOD.messages()]);
    await using proxy = await startConfiguredProxy({ claude: [relay] });
    await runClaudePrint({ baseUrl: direct.origin });
    await runClaudePrint({ baseUrl: proxy.claudeUrl });
    expect(namesOf(turnAt(direct))).toEqual(SENT.claude.split(" "));
    expect(namesOf(turnAt(relay))).toEqual(expect.arrayContaining(SENT.claude.split(" ")));
    const lines = await proxy.logged(1);
    expect(lines.filter(({ held_back }) => held_back !== undefined)).toEqual([]);
  });

  test("every one of these names is known", () => {
    expect(`${SENT.codex} ${SENT.claude}`.split(" ").filter((name) => !isForRelays(name))).toEqual([]);
  });
});

async function switchClient(service: Service, home: ClientHome, port: number): Promise<void> {
  const env = { HOME: home.path, USERPROFILE: home.path };
  const systemDirectory = join(home.path, "etc");
  await switchOn(
    { service, paths: resolvePaths(env), env, systemDirectory },
    { port, prefersOwnProvider: false },
    { kind: "user" },
  );
}

function write(home: ClientHome, file: string, text: string): void {
  mkdirSync(join(home.path, file, ".."), { recursive: true });
  writeFileSync(join(home.path, file), text, { mode: 0o600 });
}

describe("what a client's own file adds for the relay that it was pointed at", () => {
  test("Codex: a switched table's headers, variables and parameters stay with their relay", async () => {
    await using a = await startFakeUpstream([reply({ status: 500 })]);
    await using b = await startFakeUpstream([GOOD.responses({ text: "from B" })]);
    await using proxy = await startConfiguredProxy({ codex: [a, b] });
    const home: ClientHome = { path: proxy.home.path, [Symbol.dispose]() {} };
    const table = `http_headers = { "X-Relay-Key" = "secret-one", "X-Codex-Relay" = "secret-two" }
env_http_headers = { "X-Goog-Api-Key" = "A_KEY", "X-Claude-Relay" = "A_KEY" }
query_params = { key = "secret-three", "api-version" = "secret-four&more=secret-five" }
[analytics]`;
    write(home, ".codex/config.toml", makeCodexConfig(a.baseUrl).replace("[analytics]", table));
    await switchClient("codex", home, proxy.ports.codex);
    const turn = await runCodexExec({ home, env: { A_KEY: "secret-six" } });
    expect(turn).toMatchObject({ code: 0, stdout: "from B\n" });
    const atA = whole(turnAt(a));
    for (const number of ["one", "two", "three", "four", "five", "six"])
      expect(atA).toContain(`secret-${number}`);
    expect(turnAt(a).header("x-goog-api-key")).toBe("secret-six");
    expect(whole(turnAt(b))).not.toMatch(
      /secret|x-relay-key|x-goog|x-codex-relay|x-claude-relay|api-version|more=/i,
    );
    const lines = await proxy.logged(1);
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  test("Claude Code: ANTHROPIC_CUSTOM_HEADERS stays with the address beside it", async () => {
    await using a = await startFakeUpstream([reply({ status: 500 })]);
    await using b = await startFakeUpstream([GOOD.messages({ text: "from B" })]);
    await using proxy = await startConfiguredProxy({ claude: [a, b] });
    const home: ClientHome = { path: proxy.home.path, [Symbol.dispose]() {} };
    const headers =
      "X-Relay-Key: secret-one\nX-Claude-Relay: secret-two\nUser-Agent: secret-three\nAnthropic-Relay: secret-four";
    const env = {
      ANTHROPIC_BASE_URL: a.origin,
      ANTHROPIC_AUTH_TOKEN: "t",
      ANTHROPIC_CUSTOM_HEADERS: headers,
    };
    write(home, ".claude/settings.json", JSON.stringify({ env }));
    await switchClient("claude", home, proxy.ports.claude);
    const turn = await runClaudePrint({ home });
    expect(turn).toMatchObject({ code: 0, stdout: "from B\n" });
    for (const number of ["one", "two", "three", "four"])
      expect(whole(turnAt(a))).toContain(`secret-${number}`);
    expect(whole(turnAt(b))).not.toMatch(/secret|x-relay-key|x-claude-relay|anthropic-relay/i);
    const lines = await proxy.logged(1);
    expect(JSON.stringify(lines)).not.toContain("secret");
  });
});
