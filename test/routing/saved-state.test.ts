import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createRouter, type Router } from "../../src/routing/router.ts";
import type { Verdict } from "../../src/routing/types.ts";
import { DEFAULT_ROUTING, makeVerdict, NOW } from "../helpers/routing.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const MINUTE = 60_000;
const A = makeUpstream({ key: "a", position: 1 });
const B = makeUpstream({ key: "b", position: 2 });
const REQUEST = { upstreams: [A, B], model: "m", sessionId: "s", now: NOW };

function makeRouter(atMs = 0): Router {
  return createRouter({ settings: () => DEFAULT_ROUTING, now: () => NOW + atMs, random: () => 0.5 });
}

function fail(router: Router, verdict: Partial<Verdict>, times = 1): void {
  for (let index = 0; index < times; index += 1) {
    const admission = router.admit(A, REQUEST);
    if (admission.kind === "go") admission.permit.fail(makeVerdict(verdict));
  }
}

/** What another process reads, after the way through a file. */
function reread(
  router: Router,
  atMs: number,
  change: (saved: unknown) => unknown = (saved) => saved,
): Router {
  const later = makeRouter(atMs);
  later.load(change(JSON.parse(JSON.stringify(router.save()))));
  return later;
}

const availability = (router: Router) => router.report(A).availability;

describe("after a restart", () => {
  test("holds go on, with their reasons", () => {
    const router = makeRouter();
    fail(router, {
      blame: "exhausted",
      until: NOW + 120 * MINUTE,
      resetsAt: NOW + 120 * MINUTE,
      reason: { rule: "codex-usage-limit", status: 429 },
    });
    expect(reread(router, 5 * MINUTE).report(A)).toMatchObject({
      availability: "exhausted",
      reason: { rule: "codex-usage-limit", status: 429 },
      until: NOW + 120 * MINUTE,
      since: NOW,
    });
  });

  test("a reset that was stated is known whole, as far as an older version has written it", () => {
    const router = makeRouter();
    const resetsAt = NOW + 3 * 24 * 60 * MINUTE;
    const until = NOW + 24 * 60 * MINUTE;
    fail(router, { blame: "exhausted", until, resetsAt });
    const endsAt = (later: Router) =>
      later.explain({ ...REQUEST, upstreams: [A], sessionId: null })[0]?.view.until;
    expect(endsAt(router)).toBe(resetsAt);
    expect(endsAt(reread(router, MINUTE))).toBe(resetsAt);
    const older = (saved: unknown): unknown =>
      JSON.parse(JSON.stringify(saved, (key, value: unknown) => (key === "stated_end" ? undefined : value)));
    expect(endsAt(reread(router, MINUTE, older))).toBe(until);
  });

  test("a model that was not offered is still known not to be", () => {
    const router = makeRouter();
    fail(router, { rule: "model-unknown", blame: "model", until: NOW + 10 * MINUTE });
    expect(reread(router, MINUTE).plan({ ...REQUEST, sessionId: null })[0]?.upstream).toBe(B);
  });

  test("a session is where it was, unless the user changed the order meanwhile", () => {
    const router = makeRouter();
    router.plan(REQUEST);
    const admission = router.admit(B, REQUEST);
    if (admission.kind === "go") admission.permit.succeed();
    expect(reread(router, MINUTE).plan(REQUEST)[0]?.upstream).toBe(B);
    expect(reread(router, 6 * MINUTE).plan(REQUEST)[0]?.upstream).toBe(A);
    const C = makeUpstream({ key: "c" });
    expect(reread(router, MINUTE).plan({ ...REQUEST, upstreams: [A, C, B] })[0]?.upstream).toBe(A);
  });

  test("a breaker that was open goes on with a trial", () => {
    const router = makeRouter();
    fail(router, {}, 3);
    expect(availability(reread(router, 5_000))).toBe("open");
    expect(availability(reread(router, 5 * MINUTE))).toBe("probing");
  });

  test("what is older than an hour is forgotten, an exhaustion only at its end", () => {
    const router = makeRouter();
    fail(router, {}, 3);
    expect(availability(reread(router, 61 * MINUTE))).toBe("ok");
    const spent = makeRouter();
    fail(spent, { blame: "exhausted", until: NOW + 1_000 * MINUTE });
    expect(reread(spent, 61 * MINUTE).report(A).isExhausted).toBe(true);
  });

  test("what comes from the future is forgotten: the clock was set back", () => {
    const router = makeRouter();
    fail(router, { blame: "exhausted", until: NOW + 120 * MINUTE });
    expect(availability(reread(router, -2 * MINUTE))).toBe("ok");
  });

  test("an end beyond every cap is not believed", () => {
    const router = makeRouter();
    fail(router, { blame: "auth-dead", until: NOW + 5 * MINUTE });
    const text = JSON.stringify(router.save()).replaceAll(
      String(NOW + 5 * MINUTE),
      String(NOW + 500_000 * MINUTE),
    );
    const later = makeRouter(MINUTE);
    later.load(JSON.parse(text));
    expect(availability(later)).toBe("ok");
  });
});

test("upstreams and sessions without a story leave nothing behind", () => {
  expect(makeRouter().save()).toEqual({ health: {}, sessions: [], order: {}, learned: {} });
});

test("one damaged record does not take the others with it", () => {
  const router = makeRouter();
  fail(router, { blame: "exhausted", until: NOW + 120 * MINUTE });
  const later = reread(router, MINUTE, (saved) => {
    if (typeof saved !== "object" || saved === null || !("health" in saved)) return saved;
    return {
      ...saved,
      health: { x: 7, y: { holds: [], models: "no" }, ...(saved.health as object) },
      sessions: [null, { session_id: 3 }],
      order: { codex: 9 },
    };
  });
  expect(availability(later)).toBe("exhausted");
});

test("garbage is never thrown at, and what comes out of a router goes back in", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (anything, hold) => {
      for (const saved of [
        anything,
        undefined,
        { health: anything, sessions: anything, order: anything },
        { health: { a: { holds: { open: hold, exhausted: hold }, models: { m: hold } } } },
      ]) {
        const router = makeRouter();
        router.load(saved);
        expect(router.plan(REQUEST).length).toBe(2);
        expect(reread(router, 0).save()).toEqual(router.save());
      }
    }),
  );
});
