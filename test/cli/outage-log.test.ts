// Plays ten minutes of an outage in a moment: clients that try again as the real ones were seen to, the router with its real
// defaults, the classifier, the record of a request and the log. Only the clock, the dice and the upstreams are made up.
import { describe, expect, test } from "bun:test";
import { tellEvent } from "../../src/app/serve/events.ts";
import { createMemoryBudget } from "../../src/base/memory-budget.ts";
import { OpenList } from "../../src/base/open-list.ts";
import type { Service } from "../../src/base/service.ts";
import { t } from "../../src/base/text.ts";
import type { Upstream } from "../../src/base/upstream.ts";
import { createLiveLog } from "../../src/cli/live-log.ts";
import type { LogEntry } from "../../src/log/entry.ts";
import { endpointOf } from "../../src/proxy/endpoints.ts";
import { Exchange } from "../../src/proxy/exchange.ts";
import { readRequestFacts } from "../../src/proxy/request-facts.ts";
import { createUploads } from "../../src/proxy/uploads.ts";
import { classifyAttempt } from "../../src/routing/classify.ts";
import { makeFinalAnswer } from "../../src/routing/final-answer.ts";
import { createRouter } from "../../src/routing/router.ts";
import type { AttemptOutcome } from "../../src/routing/types.ts";
import { DEFAULT_ROUTING, seededRandom, statusOutcome } from "../helpers/routing.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const START = new Date(2026, 10, 29, 4, 32).getTime();
const OUTAGE_MS = 10 * MINUTE;
const MOST_LINES = 12;

/** Null for an answer. `now`: ms since the start. */
type Manner = (now: number, random: () => number) => AttemptOutcome | null;

const REFUSED: AttemptOutcome = { kind: "transport", code: "ECONNREFUSED", sent: "never" };
const RESET: AttemptOutcome = { kind: "transport", code: "ECONNRESET", sent: "maybe" };
const SILENT: AttemptOutcome = { kind: "timeout", phase: "first-byte" };
const FAULTS: readonly AttemptOutcome[] = [
  REFUSED,
  RESET,
  statusOutcome(500, { error: { message: "oops" } }),
  statusOutcome(502, "<html>bad gateway</html>"),
  statusOutcome(503, ""),
  statusOutcome(529, { error: { message: "overloaded", type: "overloaded_error" } }),
  statusOutcome(429, { error: { message: "slow down" } }, { "retry-after": "7" }),
  { kind: "bad-content", reason: "html", status: 200, headers: new Headers(), body: "<html>" },
];

const dead =
  (outcome: AttemptOutcome): Manner =>
  (now) =>
    now < OUTAGE_MS ? outcome : null;
const flapping =
  (periodMs: number, outcome: AttemptOutcome): Manner =>
  (now) =>
    now < OUTAGE_MS && now % periodMs < periodMs / 2 ? outcome : null;
const mixed: Manner = (now, random) =>
  now < OUTAGE_MS ? (FAULTS[Math.floor(random() * FAULTS.length)] ?? REFUSED) : null;
const well: Manner = () => null;

interface Played {
  /** Of the whole screen. */
  readonly lines: readonly string[];
  /** Without those of requests that were answered. */
  readonly troubles: readonly string[];
  readonly requests: number;
}

interface Play {
  readonly manners: readonly Manner[];
  readonly services?: readonly Service[];
  readonly isTerminal?: boolean;
  readonly width?: number;
  readonly seed?: number;
}

function play({ isTerminal = false, manners, seed = 1, services = ["codex"], width = 80 }: Play): Played {
  const queue: { at: number; run: () => void }[] = [];
  let ms = 0;
  let busy = 0;
  let requests = 0;
  const random = seededRandom(seed);
  const now = (): number => START + ms;
  const at = (when: number, run: () => void): (() => void) => {
    const job = { at: when, run };
    const place = queue.findIndex((other) => other.at > when);
    queue.splice(place < 0 ? queue.length : place, 0, job);
    return () => void queue.splice(queue.indexOf(job), queue.includes(job) ? 1 : 0);
  };
  const lines: string[] = [];
  const log = createLiveLog({
    paint: (_, text) => text,
    width: () => width,
    hasServices: new Set(services).size > 1,
    isBusy: () => busy > 0,
    print: (line) => void lines.push(line),
    replace: isTerminal ? (line) => void lines.splice(-1, 1, line) : null,
    now,
    later: (work, wait) => at(ms + wait, work),
  });

  const makeClient = (service: Service, number: number) => {
    const upstreams = manners.map((_, index) =>
      makeUpstream({ service, key: `${service}${index}`, label: `main#${index + 1}`, position: index + 1 }),
    );
    const router = createRouter({
      settings: () => DEFAULT_ROUTING,
      now,
      random,
      onEvent: (event) => log.event(tellEvent(event, now())),
    });
    return { ask: (done: (after: number | null) => void) => ask(service, upstreams, router, number, done) };
  };
  const ask = (
    service: Service,
    upstreams: readonly Upstream[],
    router: ReturnType<typeof createRouter>,
    number: number,
    done: (after: number | null) => void,
  ): void => {
    requests += 1;
    busy += 1;
    const path = service === "codex" ? "/v1/responses" : "/v1/messages";
    const exchange = new Exchange("POST", path, {
      service,
      now,
      monotonic: () => ms,
      inFlight: { count: 0 },
      running: new OpenList(),
      uploads: createUploads(
        createMemoryBudget(() => null),
        () => ms,
      ),
      record(entry: LogEntry) {
        busy -= 1;
        log.request(entry, null);
      },
    });
    const body = new TextEncoder().encode('{"model":"gpt-5.6-sol","stream":true}');
    const facts = readRequestFacts(endpointOf("POST", path), new Headers(), body);
    exchange.describe({ facts, filtered: { redactions: 0 }, configName: "main" });
    const request = { upstreams, model: "gpt-5.6-sol", sessionId: `s${number}`, now: now() };
    const candidates = [...router.plan(request)];
    const step = (): void => {
      const candidate = candidates.shift();
      if (candidate === undefined) {
        const { reason, retryAfterSecs, status } = makeFinalAnswer({
          service,
          isOwnClient: true,
          isNeutral: false,
          now: now(),
          tried: exchange.tried,
          candidates: router.explain(request),
        });
        exchange.end({ status, outcome: "error", reason });
        return done(retryAfterSecs ?? 0);
      }
      const { upstream } = candidate;
      const admission = router.admit(upstream, request);
      if (admission.kind === "blocked") return step();
      const outcome = (manners[upstream.position - 1] ?? well)(ms, random);
      const tookMs = outcome === null ? 2 * SECOND : outcome === SILENT ? 120 * SECOND : 50;
      at(ms + tookMs, () => {
        const held = { events: 0, bytes: 0 };
        const tried = {
          upstream,
          durationMs: tookMs,
          model: "gpt-5.6-sol",
          named: "gpt-5.6-sol",
          held,
          dropped: [],
        };
        router.noteAsked(upstream);
        if (outcome === null) {
          admission.permit.begun();
          exchange.tried.push({ ...tried, verdict: null, status: 200, reason: null });
          exchange.showAnswerOf(upstream);
          exchange.markFirstByte();
          at(ms + 6 * SECOND, () => {
            admission.permit.succeed();
            exchange.end({ status: 200, outcome: "ok", usage: { input_tokens: 24_000, output_tokens: 320 } });
            done(null);
          });
          return;
        }
        const verdict = classifyAttempt(outcome, upstream, { now: now(), settings: DEFAULT_ROUTING });
        admission.permit.fail(verdict);
        const status = outcome.kind === "status" ? outcome.status : null;
        exchange.tried.push({ ...tried, verdict, status, reason: verdict.reason });
        step();
      });
    };
    step();
  };

  /** Codex: 30 tries at the pace of Retry-After. Claude Code: 10, each later than the last. The person then asks again. */
  const live = (client: ReturnType<typeof makeClient>, service: Service, tries: number): void =>
    client.ask((after) => {
      const most = service === "codex" ? 30 : 10;
      const isOver = after === null || tries + 1 >= most;
      const own = service === "codex" ? (after ?? 0) : Math.max(after ?? 0, 0.5 * 2 ** tries);
      const pauseSecs = isOver ? 15 : Math.min(own, 60);
      at(ms + pauseSecs * SECOND, () => live(client, service, isOver ? 0 : tries + 1));
    });
  services.forEach((service, number) => {
    const client = makeClient(service, number);
    at(number * 700, () => live(client, service, 0));
  });
  for (let job = queue.shift(); job !== undefined && job.at < OUTAGE_MS; job = queue.shift()) {
    ms = job.at;
    job.run();
  }
  const troubles = lines.filter((line) => !/ 200 {2}/.test(line));
  return { lines, troubles, requests };
}

const two = ["codex", "codex"] as const;
const OUTAGES: readonly (readonly [name: string, play: Play])[] = [
  ["a relay that refuses the connection", { manners: [dead(REFUSED)] }],
  ["a relay that answers 502", { manners: [dead(statusOutcome(502, "bad gateway"))] }],
  ["a relay that answers 429 without a time", { manners: [dead(statusOutcome(429, "slow down"))] }],
  ["a relay that does not answer", { manners: [dead(SILENT)] }],
  ["a relay that resets the connection", { manners: [dead(RESET)] }],
  ["two dead relays", { manners: [dead(REFUSED), dead(statusOutcome(503, ""))] }],
  [
    "three dead relays, each in its way",
    { manners: [dead(RESET), dead(SILENT), dead(statusOutcome(500, ""))] },
  ],
  ["a key that is refused", { manners: [dead(statusOutcome(401, { error: { message: "invalid key" } }))] }],
  ["a relay that flaps by the minute", { manners: [flapping(MINUTE, RESET)] }],
  ["a relay that flaps by seconds", { manners: [flapping(9 * SECOND, statusOutcome(502, ""))] }],
  ["a relay that flaps, and one that is dead", { manners: [flapping(25 * SECOND, RESET), dead(REFUSED)] }],
  ["a dead relay before a good one", { manners: [dead(statusOutcome(502, "")), well] }],
  ["a flapping relay before a good one", { manners: [flapping(40 * SECOND, RESET), well] }],
  ["two flapping relays", { manners: [flapping(40 * SECOND, RESET), flapping(30 * SECOND, REFUSED)] }],
  ["mixed faults", { manners: [mixed] }],
  ["mixed faults of two relays", { manners: [mixed, mixed] }],
  ["two sessions and a dead relay", { manners: [dead(REFUSED)], services: two }],
  ["two sessions and mixed faults", { manners: [mixed, mixed], services: two }],
  ["Claude Code and a dead relay", { manners: [dead(statusOutcome(529, ""))], services: ["claude"] }],
  ["both clients and mixed faults", { manners: [mixed, mixed], services: ["codex", "claude"] }],
];

describe.each([
  { where: "a file", isTerminal: false },
  { where: "a terminal", isTerminal: true },
])("ten minutes of an outage in $where", ({ isTerminal }) => {
  test.each(OUTAGES)("of %s are at most a dozen lines, and none is wider than its place", (_, how) => {
    for (const seed of [1, 2, 3]) {
      for (const width of [80, 140]) {
        const { lines, requests, troubles } = play({ ...how, isTerminal, seed, width });
        expect(requests).toBeGreaterThan(4);
        expect(troubles.length).toBeLessThanOrEqual(MOST_LINES);
        expect(troubles.length).toBeGreaterThan(0);
        expect(lines.filter((line) => Bun.stringWidth(line) > width)).toEqual([]);
      }
    }
  });
});

test("each alarm of costs is told, also behind another of the same upstream", () => {
  const lines: string[] = [];
  const log = createLiveLog({
    paint: (_, text) => text,
    width: () => 120,
    hasServices: false,
    isBusy: () => false,
    print: (line) => void lines.push(line),
    replace: null,
    now: () => START,
    later: () => () => {},
  });
  const upstream = makeUpstream({ service: "codex", key: "a", label: "main#1", position: 1 });
  const alarm = { kind: "cost-alarm", usd: 2, limitUsd: 1, upstream, requestId: null, lost: null } as const;
  const lost = { tokens: 180_000, cause: t`neither upstream nor model changed` };
  log.event(tellEvent({ ...alarm, alarm: "turn" }, START));
  log.event(tellEvent({ ...alarm, alarm: "turn" }, START));
  log.event(tellEvent({ ...alarm, alarm: "hour" }, START));
  log.event(tellEvent({ ...alarm, alarm: "cache_break", lost }, START));
  expect(lines.filter((line) => !line.startsWith("--")).map((line) => line.replace(/^\S+ +/, ""))).toEqual([
    "main#1 this turn cost $2.00, and the alarm is at $1.00",
    "main#1 the last hour cost $2.00, and the alarm is at $1.00",
    "main#1 this turn read 180k tokens again: $2.00; neither upstream nor model changed",
  ]);
});
