import { expect, test } from "bun:test";
import type { Cli } from "../../src/cli/cli.ts";
import { createServeLog } from "../../src/cli/serve-log.ts";
import type { Serving } from "../../src/app/serve/serve.ts";
import type { LogEntry } from "../../src/log/entry.ts";

const ENTRY = {
  timestamp_ms: 1,
  service: "codex",
  method: "POST",
  path: "/v1/responses",
  status_code: 200,
  duration_ms: 10,
  outcome: "ok",
} as LogEntry;

async function logTo(leadsNowhere: boolean) {
  const printed: string[] = [];
  const surface = {
    leadsNowhere,
    paint: (_: unknown, text: string) => text,
    tidy: (text: string) => text,
    width: () => 80,
    print: (line: string) => printed.push(line),
    replace: null,
  };
  const cli = { now: Date.now, out: { surface, line() {} }, writeBehind: () => () => Promise.resolve() };
  const log = await createServeLog(cli as unknown as Cli, { format: "text", hasServices: false });
  log.attach({
    costOf: () => Promise.resolve(null),
    fixesOf: () => null,
    openAnswers: () => 0,
    lookAtFiles() {},
  } as unknown as Serving);
  log.onRequest(ENTRY);
  log.onRequest(ENTRY);
  return { facts: await log.close(), printed };
}

test("where stderr leads nowhere no lines are made, and the end tells the same", async () => {
  const seen = await logTo(false);
  const unseen = await logTo(true);
  expect(seen.printed).toHaveLength(2);
  expect(unseen.printed).toEqual([]);
  expect(seen.facts.turns).toBe(2);
  expect(unseen.facts).toEqual(seen.facts);
});
