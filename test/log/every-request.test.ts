// The promise of the log, held against a proxy that is killed with the power of kill -9 in the middle of it.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { LogEntry } from "../../src/log/entry.ts";
import {
  EVENT_STREAM,
  GOOD,
  LAST_CHUNK,
  USED,
  chunk,
  head,
  reply,
  responsesEvents,
  responsesPrologue,
  stream,
} from "../helpers/answers.ts";
import { runCli, startCli, type RunningCli } from "../helpers/cli.ts";
import { type Answer, FIN, SILENCE, type Step, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { waitUntil } from "../helpers/wait.ts";

const FULL = process.env["VERIFY"] === "full";
const REQUESTS = FULL ? 5000 : 500;
const AT_ONCE = 64;
/** A request is over for its client a little before it is for the proxy, which writes its line last. */
const RECORDED_WITHIN_MS = 250;
/** And a client that left is noticed when the next bytes for it come. */
const NOTICED_WITHIN_MS = 1000;

interface Kind {
  /** What the upstream does. */
  readonly answer?: (key: string) => Answer;
  /** How the client asks; by default a streamed turn that is read to its end. */
  readonly ask?: (url: string, key: string) => Promise<unknown>;
  readonly outcomes: readonly LogEntry["outcome"][];
}

const beginning = responsesEvents({ deltas: 5 }).slice(0, 5).map(chunk);
const turn = (
  key: string,
  more: { body?: string; signal?: AbortSignal; headers?: Readonly<Record<string, string>> } = {},
): RequestInit => ({
  method: "POST",
  body: JSON.stringify({ model: key, stream: true, input: [] }),
  ...more,
  headers: { "content-type": "application/json", ...more.headers },
});

/** Answers whose beginning their client has seen: only then is an end in the middle a cut, and no failed attempt. */
const seen = new Map<string, PromiseWithResolvers<void>>();
const hasSeen = (key: string): PromiseWithResolvers<void> => {
  const known = seen.get(key) ?? Promise.withResolvers<void>();
  seen.set(key, known);
  return known;
};

async function* cutWhenSeen(key: string): AsyncGenerator<Step> {
  yield head(200, EVENT_STREAM);
  yield* beginning;
  await hasSeen(key).promise;
  yield FIN;
}

async function askAndTell(url: string, key: string): Promise<void> {
  const answer = await fetch(`${url}/responses`, turn(key));
  const reader = answer.body?.getReader();
  await reader?.read();
  hasSeen(key).resolve();
  while ((await reader?.read())?.done === false);
}

/** Leaves as soon as the answer has begun. */
async function askAndLeave(url: string, key: string): Promise<void> {
  const leaving = new AbortController();
  const answer = await fetch(`${url}/responses`, turn(key, { signal: leaving.signal }));
  await answer.body?.getReader().read();
  leaving.abort();
}

const KINDS: Readonly<Record<string, Kind>> = {
  streamed: { answer: () => GOOD.responses({ deltas: 3 }), outcomes: ["ok"] },
  whole: {
    answer: () => reply({ body: { id: "r", output: [], usage: { input_tokens: 120, output_tokens: 30 } } }),
    ask: (url, key) =>
      fetch(`${url}/responses`, turn(key, { body: JSON.stringify({ model: key, input: [] }) })),
    outcomes: ["ok"],
  },
  cut: { answer: cutWhenSeen, ask: askAndTell, outcomes: ["cut"] },
  left: {
    answer: () => [head(200, EVENT_STREAM), ...beginning, SILENCE],
    ask: askAndLeave,
    outcomes: ["client_gone"],
  },
  failing: { answer: () => reply({ status: 500, body: "no" }), outcomes: ["error"] },
  halfway: { answer: () => stream(responsesPrologue(), { ending: [LAST_CHUNK] }), outcomes: ["error"] },
  mistaken: {
    answer: () =>
      reply({
        status: 400,
        body: { error: { message: "no such parameter", type: "invalid_request_error" } },
      }),
    outcomes: ["error"],
  },
  // What the guard turns away is counted instead: test/proxy/refusals.test.ts.
  unreadable: {
    ask: (url, key) => fetch(`${url}/${key}`, turn(key, { headers: { "content-encoding": "gzip" } })),
    outcomes: ["refused"],
  },
  large: {
    ask: (url, key) => fetch(`${url}/${key}`, turn(key, { body: "x".repeat(1_100_000) })),
    outcomes: ["refused"],
  },
  models: {
    answer: () => reply({ body: { data: [] } }),
    ask: (url, key) => fetch(`${url}/models/${key}`),
    outcomes: ["ok"],
  },
};
const NAMES = Object.keys(KINDS);

const keyOf = (index: number): string => `${NAMES[index % NAMES.length] ?? ""}-${index}`;
const kindOf = (key: string): Kind => KINDS[key.split("-")[0] ?? ""] ?? KINDS["streamed"] ?? { outcomes: [] };
/** A request is known by its model, or by its path where nobody reads its body. */
const keyOfEntry = ({ model, path }: LogEntry): string => model ?? path.split("/").at(-1) ?? "";

async function ask(url: string, key: string): Promise<void> {
  const { ask: asks } = kindOf(key);
  try {
    const answer = asks === undefined ? await fetch(`${url}/responses`, turn(key)) : await asks(url, key);
    if (answer instanceof Response) await answer.arrayBuffer();
  } catch {
    // Cut, or the proxy is dead: the log is what is looked at.
  }
}

test(
  `${REQUESTS} requests of ten kinds, ${AT_ONCE} at a time, with a kill -9 among them, leave exactly one line each`,
  async () => {
    await using upstream = await startFakeUpstream((request) => {
      const model = /"model":"([^"]+)"/.exec(request.text())?.[1];
      const key = model ?? "models-0";
      return kindOf(key).answer?.(key) ?? reply({ status: 500 });
    });
    using home = makeTempHome();
    home.write(".codex-helper/config.json", {
      codex: {
        configs: { main: { upstreams: [{ base_url: upstream.baseUrl, auth: { auth_token: "sk-1" } }] } },
      },
      limits: { max_body_mib: 1 },
      // Nothing is left alone: what fails is asked again and again.
      routing: { failure_threshold: 100, never_sent_threshold: 100, window_min_requests: 10_000, jitter: 0 },
    });
    const port = freePort();
    const url = `http://127.0.0.1:${port}/v1`;
    const start = async (): Promise<RunningCli> => {
      const running = startCli(["serve", "--no-switch", "--port", String(port)], { home });
      await running.waitFor(/on http:/);
      return running;
    };
    const readEntries = (): LogEntry[] => {
      const lines = readFileSync(home.paths.requestsLog, "utf8").split("\n").slice(0, -1);
      return lines.map((line) => JSON.parse(line) as LogEntry);
    };
    const keys = Array.from({ length: REQUESTS }, (_, index) => keyOf(index));
    const waiting = [...keys];
    /** When each ended for its client. */
    const ends = new Map<string, number>();
    /** What each of the 64 was at when the proxy was killed. */
    const atTheKill = new Set<string>();
    const current: string[] = [];
    let killedAt = Number.POSITIVE_INFINITY;

    const askAll = (isOver: () => boolean): Promise<unknown> =>
      Promise.all(
        Array.from({ length: AT_ONCE }, async (_, place) => {
          while (waiting.length > 0 && !isOver()) {
            const key = waiting.shift() ?? "";
            current[place] = key;
            await ask(url, key);
            ends.set(key, performance.now());
          }
        }),
      );

    {
      await using first = await start();
      await askAll(() => {
        if (ends.size >= REQUESTS / 2 && killedAt === Number.POSITIVE_INFINITY) {
          first.child.kill("SIGKILL");
          killedAt = performance.now();
          for (const key of current) atTheKill.add(key);
        }
        return killedAt !== Number.POSITIVE_INFINITY;
      });
      await first.child.exited;
      expect(first.child.signalCode).toBe("SIGKILL");
    }
    {
      const after = [...waiting];
      await using _second = await start();
      await askAll(() => false);
      // The proxy learns of clients that left a little later than they.
      const isLogged = (): boolean => {
        const logged = new Set(readEntries().map(keyOfEntry));
        return after.every((key) => logged.has(key));
      };
      await waitUntil(isLogged, { what: "a line for each request after the kill" });
    }

    const entries = readEntries();
    const counts = new Map<string, number>();
    for (const entry of entries) counts.set(keyOfEntry(entry), (counts.get(keyOfEntry(entry)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count !== 1)).toEqual([]);
    expect([...counts.keys()].filter((key) => !keys.includes(key))).toEqual([]);
    const missing = keys.filter((key) => !counts.has(key));
    const wasOpen = (key: string): boolean => {
      const sinceMs = killedAt - (ends.get(key) ?? Number.POSITIVE_INFINITY);
      return (
        atTheKill.has(key) || sinceMs < (key.startsWith("left") ? NOTICED_WITHIN_MS : RECORDED_WITHIN_MS)
      );
    };
    expect(missing.filter((key) => !wasOpen(key))).toEqual([]);
    expect(missing.length).toBeLessThanOrEqual(2 * AT_ONCE);

    for (const entry of entries) {
      const key = keyOfEntry(entry);
      expect([key, kindOf(key).outcomes]).toEqual([key, expect.arrayContaining([entry.outcome])]);
      const total =
        key.startsWith("streamed") || key.startsWith("whole") ? USED.input + USED.output : undefined;
      expect([key, entry.usage?.total_tokens]).toEqual([key, total]);
    }
    const { stdout } = await runCli(["usage", "summary", "--json"], { home });
    const { total, other, unreadable_lines } = JSON.parse(stdout);
    expect([total.requests + other, unreadable_lines]).toEqual([entries.length, 0]);
    if (FULL)
      console.log(`${REQUESTS} requests, ${entries.length} lines, ${missing.length} in flight at the kill`);
  },
  FULL ? 300_000 : 60_000,
);
