// How `ch serve` and `ch run` end: by every signal, in every state, with every optional feature on. Both services where their ports are free
// here, else Codex alone on another.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../../../src/base/lock.ts";
import { responsesEvents, stream } from "../../helpers/answers.ts";
import { PROGRAM, startCli } from "../../helpers/cli.ts";
import { type FakeUpstream, SILENCE, type Step, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil, within } from "../../helpers/wait.ts";

/** It takes 4 s for open answers and 1 s for the rest; the machine may be busy. What hangs never ends. */
const LONGEST_MS = 20_000;
const OPEN_ANSWER_MS = 4_000;
const CODEX =
  'model_provider = "relay"\n[model_providers.relay]\nname = "R"\nbase_url = "https://r.example/v1"\n';
const CLAUDE = '{ "env": { "ANTHROPIC_AUTH_TOKEN": "sk-own" } }\n';
/** Windows has no such signals: a process is ended there without being told. */
const describeUnix = process.platform === "win32" ? () => {} : describe.concurrent;

/** Headers and some words of an answer, and then nothing; the balance is never told. */
let upstream: FakeUpstream;
beforeAll(async () => {
  const steps = stream(responsesEvents()) as readonly Step[];
  upstream = await startFakeUpstream(({ target }) =>
    target.includes("balance") ? [SILENCE] : [...steps.slice(0, 5), SILENCE],
  );
});
afterAll(() => upstream[Symbol.asyncDispose]());

/** Budgets, balances, a hook that does not end, redaction, and both clients set up. */
function makeHome(): TempHome {
  const home = makeTempHome();
  const entry = { base_url: upstream.baseUrl, auth: { auth_token: "sk-a" }, budget_usd: { day: 5 } };
  const dead = { base_url: "http://127.0.0.1:9/v1", auth: { auth_token: "sk-b" } };
  const section = { active: "main", configs: { main: { upstreams: [dead, entry] } } };
  home.write(".codex-helper/config.json", {
    codex: section,
    claude: section,
    hooks: { on_event: "sleep 60" },
  });
  home.write(".codex-helper/filter.json", [{ op: "replace", source: "secret", target: "x" }]);
  home.write(".codex-helper/usage_providers.json", {
    providers: [{ id: "b", kind: "openai_balance_http_json", domains: ["127.0.0.1"], endpoint: "/balance" }],
  });
  home.write(".codex/config.toml", CODEX);
  home.write(".claude/settings.json", CLAUDE);
  return home;
}

/** Not at the usual ports: other files of tests look there at the same time. */
function serveArgs(): { readonly args: string[]; readonly port: number } {
  const port = freePort();
  return { args: ["serve", "--codex", "--port", String(port)], port };
}

function isAsBefore({ paths }: TempHome): boolean {
  const records = readdirSync(paths.run).filter((name) => name.endsWith(".json"));
  return (
    readFileSync(paths.codexConfig, "utf8") === CODEX &&
    readFileSync(paths.claudeSettings, "utf8") === CLAUDE &&
    records.length === 0
  );
}

const ENDS = [
  ["TERM", ["SIGTERM"], 143],
  ["INT", ["SIGINT"], 130],
  ["INT twice", ["SIGINT", "SIGINT"], 130],
  ["HUP", ["SIGHUP"], 129],
  ["QUIT", ["SIGQUIT"], 131],
] as const;

describeUnix("serve ends, and the clients' files are as before", () => {
  test.each(ENDS)("at %s while nothing happens", async (_name, signals, code) => {
    using home = makeHome();
    const { args } = serveArgs();
    await using serving = startCli(args, { home });
    await serving.waitFor(/Press Ctrl\+C to stop/);
    for (const signal of signals) serving.child.kill(signal);
    expect(await within(serving.child.exited, { deadlineMs: LONGEST_MS })).toBe(code);
    expect(isAsBefore(home)).toBe(true);
  });

  test.each(ENDS)("at %s with an open answer and a hook that does not end", async (_name, signals, code) => {
    using home = makeHome();
    const { args, port } = serveArgs();
    await using serving = startCli(args, { home });
    await serving.waitFor(/Press Ctrl\+C to stop/);
    const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      body: '{"model":"m","stream":true,"input":[]}',
    });
    expect(answer.status).toBe(200);
    const before = performance.now();
    serving.child.kill(signals[0]);
    if (signals.length > 1) {
      await serving.waitFor(/press Ctrl\+C again/);
      serving.child.kill(signals[1] ?? "SIGINT");
    }
    expect(await within(serving.child.exited, { deadlineMs: LONGEST_MS })).toBe(code);
    expect(signals.length === 1 || performance.now() - before < OPEN_ANSWER_MS).toBe(true);
    expect(isAsBefore(home)).toBe(true);
    await answer.text().catch(() => "cut");
  });

  test.each(ENDS)("at %s while it waits for another's lock", async (_name, signals, code) => {
    using home = makeHome();
    const { args } = serveArgs();
    mkdirSync(home.paths.run, { recursive: true, mode: 0o700 });
    await withLock(join(home.paths.run, "switch.lock"), async () => {
      await using serving = startCli(args, { home });
      // It listens before it switches, and says so in a file.
      const listens = (): boolean => readdirSync(home.paths.run).some((name) => name.startsWith("instance"));
      await waitUntil(listens, { deadlineMs: 20_000 });
      for (const signal of signals) serving.child.kill(signal);
      expect(await within(serving.child.exited, { deadlineMs: LONGEST_MS })).toBe(code);
      expect(readFileSync(home.paths.codexConfig, "utf8")).toBe(CODEX);
      expect(readFileSync(home.paths.claudeSettings, "utf8")).toBe(CLAUDE);
    });
  });

  test("when its terminal is closed", async () => {
    using home = makeHome();
    const { args } = serveArgs();
    let screen = "";
    const child = Bun.spawn([...PROGRAM, ...args], {
      cwd: home.path,
      env: home.env,
      terminal: { cols: 80, rows: 24, data: (_terminal, bytes) => void (screen += bytes.toString()) },
    });
    await waitUntil(() => screen.includes("Ctrl+C to stop"), { deadlineMs: 20_000 });
    child.terminal?.close();
    child.kill("SIGHUP");
    expect(await within(child.exited, { deadlineMs: LONGEST_MS })).toBe(129);
    expect(isAsBefore(home)).toBe(true);
  });
});

describeUnix("run ends with its client, whatever that does", () => {
  /** Ignores every signal that can be. */
  const STUBBORN =
    '[ "$1" = --help ] && exit\ntrap "" TERM HUP INT\ntouch "$HOME/started"\nwhile :; do sleep 1; done\n';

  test.each([
    ["TERM", ["SIGTERM"]],
    ["HUP", ["SIGHUP"]],
    ["TERM and HUP", ["SIGTERM", "SIGHUP"]],
  ] as const)("at %s, also one that ignores it", async (_name, signals) => {
    using home = makeHome();
    const script = home.write("stubborn", `#!/bin/sh\n${STUBBORN}`);
    Bun.spawnSync(["chmod", "+x", script]);
    await using running = startCli(["run", "--codex", "--", script], { home });
    await waitUntil(() => existsSync(join(home.path, "started")), { deadlineMs: 20_000 });
    for (const signal of signals) running.child.kill(signal);
    expect(await within(running.child.exited, { deadlineMs: LONGEST_MS })).toBe(137);
    expect(readdirSync(home.paths.run).filter((name) => name.endsWith(".json"))).toEqual([]);
  });
});
