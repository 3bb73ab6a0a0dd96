// Plays hours of an outage in a second: sessions that behave like Codex, a primary that dies for ten minutes, and the
// router with its real defaults. Only the clock, the dice and the upstreams are made up.
import { describe, expect, test } from "bun:test";
import type { Upstream } from "../../src/base/upstream.ts";
import { makeFinalAnswer } from "../../src/routing/final-answer.ts";
import { createRouter, type Router } from "../../src/routing/router.ts";
import type { PlanRequest, Verdict } from "../../src/routing/types.ts";
import { DEFAULT_ROUTING, makeVerdict, NOW, seededRandom } from "../helpers/routing.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const SEEDS = Array.from({ length: 40 }, (_, seed) => seed + 1);
const OUTAGE = { from: 5 * MINUTE, to: 15 * MINUTE };
const END = 30 * MINUTE;
const SESSIONS = 4;
/** An attempt at the dead primary takes so long to fail. */
const DEAD_ATTEMPT_MS = 10 * SECOND;
/** Codex: 4 retries of a request inside each of 6 rounds, at the pace of Retry-After. */
const CODEX_TRIES = 30;

const PRIMARY = makeUpstream({ key: "primary", label: "main#1", position: 1 });
const BACKUP = makeUpstream({ key: "backup", label: "main#2", position: 2 });
const DEAD: Verdict = makeVerdict();

/** Things to do at a time, in order. */
function createClock() {
  const queue: { at: number; run: () => void }[] = [];
  let now = 0;
  return {
    now: () => now,
    at(at: number, run: () => void): void {
      const place = queue.findIndex((other) => other.at > at);
      queue.splice(place < 0 ? queue.length : place, 0, { at, run });
    },
    runUntil(end: number): void {
      for (let next = queue.shift(); next !== undefined && next.at <= end; next = queue.shift()) {
        now = next.at;
        next.run();
      }
    },
  };
}

interface Served {
  readonly sessionId: string;
  readonly isFirstOfSession: boolean;
  readonly key: string;
  readonly at: number;
  /** Since the session's last answer. */
  readonly idleMs: number;
}

interface Story {
  readonly hits: number;
  readonly served: readonly Served[];
  readonly lostTurns: number;
  /** From when on, after the outage, a new session would have been sent to the primary. */
  readonly eligibleAt: number;
}

/** `freshShare`: how many turns open a new conversation. Only those look at the primary while it is given up. */
function play(seed: number, upstreams: readonly Upstream[], freshShare: number): Story {
  const random = seededRandom(seed);
  const clock = createClock();
  const router: Router = createRouter({
    settings: () => DEFAULT_ROUTING,
    now: () => NOW + clock.now(),
    random,
  });
  const served: Served[] = [];
  let hits = 0;
  let lostTurns = 0;
  let eligibleAt = Infinity;
  let sessionCount = 0;
  const between = (from: number, to: number): number => from + random() * (to - from);
  const isDead = (upstream: Upstream): boolean =>
    upstream === PRIMARY && clock.now() >= OUTAGE.from && clock.now() < OUTAGE.to;

  interface Session {
    id: string;
    requests: number;
    lastAt: number;
  }

  /** One request through the proxy's loop; `done` with the seconds to wait, or null when it was answered. */
  const ask = (session: Session, done: (retryAfterSecs: number | null) => void): void => {
    const request: PlanRequest = { upstreams, model: "m", sessionId: session.id, now: NOW + clock.now() };
    const candidates = [...router.plan(request)];
    const tried: { upstream: Upstream; verdict: Verdict }[] = [];
    const step = (): void => {
      const candidate = candidates.shift();
      if (candidate === undefined) {
        const final = makeFinalAnswer({
          service: "codex",
          isOwnClient: true,
          isNeutral: false,
          now: NOW + clock.now(),
          tried,
          candidates: router.explain(request),
        });
        expect(final.status).toBe(503);
        return done(final.retryAfterSecs ?? 0);
      }
      const { upstream } = candidate;
      const admission = router.admit(upstream, request);
      if (admission.kind === "blocked") return step();
      const { permit } = admission;
      if (isDead(upstream)) {
        hits += 1;
        clock.at(clock.now() + DEAD_ATTEMPT_MS, () => {
          permit.fail(DEAD);
          tried.push({ upstream, verdict: DEAD });
          step();
        });
        return;
      }
      const askedAt = clock.now();
      clock.at(askedAt + between(1, 5) * SECOND, () => {
        permit.begun();
        served.push({
          sessionId: session.id,
          isFirstOfSession: session.requests === 0,
          key: upstream.key,
          at: askedAt,
          idleMs: askedAt - session.lastAt,
        });
        clock.at(clock.now() + between(3, 30) * SECOND, () => {
          permit.succeed();
          session.requests += 1;
          session.lastAt = clock.now();
          done(null);
        });
      });
    };
    step();
  };

  const newSession = (): Session => ({ id: `s${(sessionCount += 1)}`, requests: 0, lastAt: clock.now() });

  const think = (session: Session): void => {
    // A person reads, types, fetches coffee now and then, and opens a fresh conversation.
    const pause = random() < 0.1 ? between(5, 8) * MINUTE : between(5, 60) * SECOND;
    clock.at(clock.now() + pause, () =>
      turn(random() < freshShare ? newSession() : session, 1 + Math.floor(random() * 5), 0),
    );
  };

  const turn = (session: Session, requestsLeft: number, tries: number): void => {
    ask(session, (retryAfterSecs) => {
      if (retryAfterSecs === null) {
        if (requestsLeft > 1) return turn(session, requestsLeft - 1, 0);
        return think(session);
      }
      if (tries + 1 >= CODEX_TRIES) {
        lostTurns += 1;
        return think(session);
      }
      clock.at(clock.now() + retryAfterSecs * SECOND, () => turn(session, requestsLeft, tries + 1));
    });
  };

  for (let index = 0; index < SESSIONS; index += 1) think(newSession());
  const look = (): void => {
    const request = { upstreams, model: "m", sessionId: "fresh", now: NOW + clock.now() };
    const [first] = router.plan(request);
    if (first?.upstream === PRIMARY && first.until === null) eligibleAt = clock.now();
    else clock.at(clock.now() + SECOND, look);
  };
  clock.at(OUTAGE.to, look);
  clock.runUntil(END);
  return { hits, served, lostTurns, eligibleAt };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe.each([
  { people: "people who keep to their conversations", freshShare: 0.2 },
  { people: "people who open a new conversation for every turn", freshShare: 1 },
])("four sessions of $people, and the primary is dead for ten minutes", ({ freshShare }) => {
  const stories = SEEDS.map((seed) => play(seed, [PRIMARY, BACKUP], freshShare));

  test("it is asked at most 10 times on average and 14 times at most, and no turn is lost", () => {
    const hits = stories.map((story) => story.hits);
    expect(mean(hits)).toBeLessThanOrEqual(10);
    expect(Math.max(...hits)).toBeLessThanOrEqual(14);
    expect(stories.map((story) => story.lostTurns)).toEqual(SEEDS.map(() => 0));
  });

  test("a new session gets it 90 seconds after its recovery on average, and never after more than the longest pause", () => {
    const delays = stories.map((story) => story.eligibleAt - OUTAGE.to);
    expect(mean(delays)).toBeLessThanOrEqual(90 * SECOND);
    const longestMs = DEFAULT_ROUTING.openMaxMs * (1 + DEFAULT_ROUTING.jitter);
    expect(Math.max(...delays)).toBeLessThanOrEqual(longestMs + DEAD_ATTEMPT_MS);
    for (const { eligibleAt, served } of stories) {
      const fresh = served.filter(({ at, isFirstOfSession }) => isFirstOfSession && at >= eligibleAt);
      const keys = fresh.map(({ key }) => key);
      expect(keys).toContain("primary");
      // While a trial is out, the others go on with the backup.
      expect(keys.lastIndexOf("backup")).toBeLessThanOrEqual(3);
    }
  });

  test("running sessions stay with the backup until they have been quiet for five minutes", () => {
    for (const { served } of stories) {
      const last = new Map<string, Served>();
      for (const one of served) {
        const before = last.get(one.sessionId);
        if (before?.key === "backup" && one.key === "primary")
          expect(one.idleMs).toBeGreaterThan(DEFAULT_ROUTING.returnAfterIdleMs);
        last.set(one.sessionId, one);
      }
      expect(served.some(({ key, at }) => key === "primary" && at > OUTAGE.to)).toBe(true);
    }
  });
});

test("with one upstream only, a dead one is asked at most 60 times in ten minutes and taken up at once", () => {
  const stories = SEEDS.map((seed) => play(seed, [PRIMARY], 0.2));
  expect(Math.max(...stories.map((story) => story.hits))).toBeLessThanOrEqual(60);
  for (const { served } of stories) {
    const back = served.find(({ at }) => at >= OUTAGE.to);
    expect((back?.at ?? Infinity) - OUTAGE.to).toBeLessThanOrEqual(90 * SECOND);
  }
});
