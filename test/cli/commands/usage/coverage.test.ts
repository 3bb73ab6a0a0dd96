import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type LogEntry, makeLogLine } from "../../../../src/log/entry.ts";
import { KEPT_FILES, rotatedPath } from "../../../../src/log/rotation.ts";
import { type CliResult, runCli } from "../../../helpers/cli.ts";
import {
  makeRollout,
  makeSessionId,
  putFile,
  rolloutPath,
  transcriptPath,
} from "../../../helpers/session-files.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";
import { makeEntry } from "../../../log/make-entry.ts";

let home: TempHome;
beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

const NOW = Date.now();
const HOUR = 3_600_000;
const CODEX = makeSessionId(NOW - 5 * HOUR);
const CLAUDE = "ebc72517-fe71-4444-8196-e8770ad50aaa";
const iso = (ms: number): string => new Date(ms).toISOString();

/** A Codex session with a prompt, and 1000 + 10 tokens, at each of these times. */
function putCodex(cwd: string, times: readonly number[], id = CODEX): void {
  const [first = NOW] = times;
  const turns = times.flatMap((at, index) => [
    {
      timestamp: iso(at - 900),
      type: "event_msg",
      payload: { type: "user_message", message: `prompt ${index}` },
    },
    { timestamp: iso(at - 800), type: "turn_context", payload: { cwd, model: "gpt-5" } },
    {
      timestamp: iso(at),
      type: "token_usage_record",
      payload: {
        thread_id: id,
        session_id: id,
        response_id: `r${at}`,
        usage: { input_tokens: 1000, cached_input_tokens: 0, output_tokens: 10, total_tokens: 1010 },
      },
    },
  ]);
  const head = makeRollout({ id, cwd, at: first - 1000, prompts: [] }).trim();
  const text = [head, ...turns.map((turn) => JSON.stringify(turn))].join("\n");
  putFile(rolloutPath(join(home.path, ".codex"), { id, at: first }), `${text}\n`, times.at(-1) ?? first);
}

/** A Claude session with a prompt, an answer of its own and two of a sub-agent's. */
function putClaude(cwd: string, at: number): void {
  const record = (when: number, fields: object): string =>
    JSON.stringify({ timestamp: iso(when), sessionId: CLAUDE, cwd, ...fields });
  const answer = (when: number, id: string, fields: object = {}): string =>
    record(when, {
      type: "assistant",
      requestId: id,
      message: {
        id,
        role: "assistant",
        model: "claude-opus-5-5",
        usage: { input_tokens: 5, cache_read_input_tokens: 100_000, output_tokens: 1 },
      },
      ...fields,
    });
  const path = transcriptPath(join(home.path, ".claude"), { id: CLAUDE, cwd });
  const prompt = record(at - 900, { type: "user", message: { role: "user", content: "help" } });
  putFile(path, `${prompt}\n${answer(at, "m1")}\n`, at);
  const agent = join(dirname(path), CLAUDE, "subagents", "agent-a1.jsonl");
  const sidechain = { isSidechain: true };
  putFile(
    agent,
    `${answer(at + 10_000, "m2", sidechain)}\n${answer(at + 20_000, "m3", sidechain)}\n`,
    at + 20_000,
  );
}

const through = (service: "codex" | "claude", at: number, session_id: string): LogEntry =>
  makeEntry({
    timestamp_ms: at - 700,
    duration_ms: 700,
    service,
    path: service === "codex" ? "/v1/responses" : "/v1/messages",
    session_id,
  });

function writeLog(entries: readonly LogEntry[], path = home.paths.requestsLog): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, entries.map((entry) => makeLogLine(entry)).join(""));
}

const coverage = (...args: readonly string[]): Promise<CliResult> =>
  runCli(["usage", "coverage", ...args], { home, cwd: home.path });
const coverageJson = async (...args: readonly string[]) =>
  JSON.parse((await coverage("--json", ...args)).stdout);

describe("usage coverage", () => {
  test("tells the turns of this project that did not come through, and what they used only when asked", async () => {
    const [one, two, three] = [NOW - 4 * HOUR, NOW - 3 * HOUR, NOW - 2 * HOUR];
    putCodex(home.path, [one, two, three]);
    putClaude(home.path, NOW - HOUR);
    // Of the sub-agent's answers the first went another way.
    writeLog([
      through("codex", one, CODEX),
      through("codex", three, CODEX),
      through("claude", NOW - HOUR, CLAUDE),
      through("claude", NOW - HOUR + 20_000, CLAUDE),
    ]);
    const report = await coverageJson();
    expect(report.clients).toEqual([
      { service: "codex", sessions: 1, turns: 3, turns_missing: 1, requests: 3, requests_missing: 1 },
      { service: "claude", sessions: 1, turns: 1, turns_missing: 1, requests: 3, requests_missing: 1 },
    ]);
    const { stdout, stderr } = await coverage("--tokens", "--codex");
    expect(
      stdout
        .split("\n")
        .slice(0, 2)
        .map((line) => line.replaceAll(/ {2,}/g, " | ")),
    ).toEqual([
      "client | turns | not through ch | requests | not through ch | input | output | total | cost",
      "Codex | 3 | 1 | 3 | 1 | 1.00k | 10 | 1.01k | $0.0014",
    ]);
    expect(stdout).toContain(CODEX);
    // What Claude Code read from the cache is no part of its input: 5 x $4, 100,000 x $0.20, 1 x $20 a million.
    const [, claude] = (await coverageJson("--tokens")).clients;
    expect(claude.missing).toMatchObject({ all_input_tokens: 100_005, cost_usd: 0.020_04 });
    expect(stderr).toContain("ch switch status");
    // Never in other totals.
    const summary = await runCli(["usage", "summary", "--json"], { home });
    expect(JSON.parse(summary.stdout).total.requests).toBe(4);
  });

  test("says so where all came through, and where nothing was asked", async () => {
    putCodex(home.path, [NOW - HOUR]);
    writeLog([through("codex", NOW - HOUR, CODEX)]);
    expect((await coverage()).stderr).toBe("all of them came through ch\n");
    expect((await coverage("--claude")).stderr).toStartWith("no turns since ");
  });

  test("takes a range, another project and all projects", async () => {
    const elsewhere = join(home.path, "..", "nowhere-in-particular");
    putCodex(elsewhere, [NOW - 9 * 24 * HOUR, NOW - HOUR]);
    expect((await coverageJson()).clients).toEqual([]);
    expect((await coverageJson("--all")).clients[0].requests).toBe(1);
    expect((await coverageJson("--path", elsewhere, "--since", "10d")).clients[0].requests).toBe(2);
    expect((await coverageJson("--all", "--since", "10d", "--until", "8d")).clients[0].requests).toBe(1);
    expect((await coverage("--all", "--path", ".")).code).toBe(2);
  });

  test("counts what a fork copied once", async () => {
    const other = makeSessionId(NOW - 4 * HOUR, 7);
    putCodex(home.path, [NOW - 3 * HOUR]);
    putCodex(home.path, [NOW - 3 * HOUR], other);
    const twice = await coverageJson();
    expect(twice.clients[0].requests).toBe(1);
  });

  test("does not compare what the log no longer has", async () => {
    putCodex(home.path, [NOW - 3 * HOUR, NOW - HOUR]);
    writeLog([through("codex", NOW - HOUR, CODEX)]);
    expect((await coverageJson()).clients[0]).toMatchObject({ turns: 2, turns_missing: 1 });
    writeLog([through("codex", NOW - 2 * HOUR, "s")], rotatedPath(home.paths.requestsLog, KEPT_FILES));
    const report = await coverageJson();
    expect(report.clients[0]).toMatchObject({ turns: 1, turns_missing: 0 });
    expect(report.log_since_ms).toBe(NOW - 2 * HOUR - 700);
    expect((await coverage()).stderr).toContain("are not compared: the log no longer has them");
  });
});
