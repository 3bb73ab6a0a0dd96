import { describe, expect, test } from "bun:test";
import { expectInEnglish } from "../helpers/expect-in-english.ts";
import fc from "fast-check";
import type { Upstream } from "../../src/base/upstream.ts";
import { createRouter, type Router } from "../../src/routing/router.ts";
import type { Permit, PlanRequest, RouterEvent, Verdict } from "../../src/routing/types.ts";
import { DEFAULT_ROUTING, makeVerdict, NOW, told } from "../helpers/routing.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const A = makeUpstream({ key: "a", label: "main#1", position: 1 });
const B = makeUpstream({ key: "b", label: "main#2", position: 2 });
const C = makeUpstream({ key: "c", label: "main#3", position: 3 });
const ALL = [A, B, C];

const EXHAUSTED = makeVerdict({
  blame: "exhausted",
  retryClass: "B",
  until: NOW + 60 * MINUTE,
  resetsAt: NOW + 60 * MINUTE,
  reason: told("429 usage limit reached"),
});
const AUTH_DEAD = makeVerdict({
  blame: "auth-dead",
  retryClass: "B",
  until: NOW + 5 * MINUTE,
  reason: told("401 refused the credential"),
});
const UNKNOWN_MODEL = makeVerdict({
  rule: "model-unknown",
  blame: "model",
  retryClass: "B",
  until: NOW + 10 * MINUTE,
  reason: told("404 does not offer this model"),
});

interface Desk {
  readonly router: Router;
  readonly events: RouterEvent[];
  ms: number;
  /** Keys in planned order. */
  order(request?: Partial<PlanRequest>): string;
  /** A permit, or what blocked it. */
  ask(upstream: Upstream, request?: Partial<PlanRequest>): Permit | string;
  serve(upstream: Upstream, request?: Partial<PlanRequest>): void;
  fail(upstream: Upstream, verdict?: Verdict, request?: Partial<PlanRequest>): void;
  open(upstream: Upstream): void;
}

function makeDesk(): Desk {
  const events: RouterEvent[] = [];
  const clock = { ms: 0 };
  const router = createRouter({
    settings: () => DEFAULT_ROUTING,
    now: () => NOW + clock.ms,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
  });
  const make = (request: Partial<PlanRequest> = {}): PlanRequest => ({
    upstreams: ALL,
    model: "m",
    sessionId: null,
    now: NOW + desk.ms,
    ...request,
  });
  const permit = (upstream: Upstream, request: Partial<PlanRequest>): Permit => {
    const got = desk.ask(upstream, request);
    if (typeof got === "string") throw new Error(`blocked: ${got}`);
    return got;
  };
  const desk: Desk = {
    router,
    events,
    get ms() {
      return clock.ms;
    },
    set ms(value) {
      clock.ms = value;
    },
    order: (request = {}) =>
      router
        .plan(make(request))
        .map(({ upstream }) => upstream.key)
        .join(""),
    ask(upstream, request = {}) {
      router.plan(make(request));
      const admission = router.admit(upstream, make(request));
      if (admission.kind !== "go") return admission.availability;
      router.noteAsked(upstream);
      return admission.permit;
    },
    serve: (upstream, request = {}) => permit(upstream, request).succeed(),
    fail: (upstream, verdict = makeVerdict(), request = {}) => permit(upstream, request).fail(verdict),
    open(upstream) {
      for (let index = 0; index < 3; index += 1) desk.fail(upstream);
    },
  };
  return desk;
}

describe("the order of a request", () => {
  test("is the user's while all are well", () => {
    expect(makeDesk().order()).toBe("abc");
  });

  test("names a reason for each place", () => {
    const desk = makeDesk();
    desk.fail(A, EXHAUSTED);
    const [first, second, last] = desk.router.plan({ upstreams: ALL, model: "m", sessionId: null, now: NOW });
    expectInEnglish(first).toMatchObject({
      availability: "ok",
      reason: "next in order",
      until: null,
      isLastUsable: false,
    });
    expect(second).toMatchObject({ availability: "ok", isLastUsable: true });
    expectInEnglish(last).toMatchObject({
      availability: "exhausted",
      reason: "429 usage limit reached",
      until: NOW + 15 * MINUTE,
    });
  });

  test("puts what is to be avoided last: open, then exhausted, then refused, then without the model", () => {
    const desk = makeDesk();
    const D = makeUpstream({ key: "d", position: 4 });
    const upstreams = [D, C, B, A];
    desk.fail(D, UNKNOWN_MODEL, { upstreams });
    desk.fail(C, AUTH_DEAD, { upstreams });
    desk.fail(B, EXHAUSTED, { upstreams });
    for (let index = 0; index < 3; index += 1) desk.fail(A, makeVerdict(), { upstreams });
    expect(desk.order({ upstreams })).toBe("abcd");
    expect(desk.order({ upstreams, model: "other" })).toBe("dabc");
  });

  test("passes an upstream over that does not know the model, by the name it is asked for there", () => {
    const desk = makeDesk();
    const mapped = makeUpstream({ key: "a", models: { "*": "theirs" } });
    const upstreams = [mapped, B];
    desk.fail(mapped, UNKNOWN_MODEL, { model: "x", upstreams });
    expect(desk.order({ model: "y", upstreams })).toBe("ba");
    expect(desk.order({ model: "y", upstreams: [makeUpstream({ key: "a" }), B] })).toBe("ab");
    expect(desk.router.report(mapped)).toMatchObject({ availability: "ok", failures: 1 });
  });

  test("keeps to those that can serve it, in their order, without taking that for an edit", () => {
    const desk = makeDesk();
    desk.serve(B, { sessionId: "s" });
    expect(desk.order({ among: [C, A] })).toBe("ca");
    expect(desk.ask(B, { among: [C, A] })).toBeString();
    desk.fail(A, EXHAUSTED);
    expect(desk.order({ among: [C, A], onExhausted: "stop" })).toBe("a");
    expect(desk.order({ among: [C], onExhausted: "stop" })).toBe("a");
    expect(desk.order({ sessionId: "s" })).toBe("bca");
  });

  test("is one of all, whatever happened, and never empty", () => {
    const blame = fc.constantFrom(
      "none",
      "failure",
      "never-sent",
      "tls",
      "cooldown",
      "exhausted",
      "auth-dead",
      "model",
    );
    const step = fc.record({
      who: fc.integer({ min: 0, max: 4 }),
      blame,
      afterMs: fc.integer({ min: 0, max: 400_000 }),
      session: fc.constantFrom(null, "s", "t"),
      ok: fc.boolean(),
    });
    const quota = fc.constantFrom("ok", "low", "exhausted");
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(step, { maxLength: 30 }),
        quota,
        (count, steps, state) => {
          const desk = makeDesk();
          const upstreams = Array.from({ length: count }, (_, index) =>
            makeUpstream({ key: `k${index}`, position: index + 1 }),
          );
          for (const { who, blame, afterMs, session, ok } of steps) {
            desk.ms += afterMs;
            const upstream = upstreams[who % count];
            if (upstream === undefined) continue;
            const got = desk.ask(upstream, { upstreams, sessionId: session });
            const until = blame === "failure" || blame === "cooldown" ? null : NOW + desk.ms + 60_000;
            if (typeof got === "string") continue;
            if (ok) got.succeed();
            else got.fail(makeVerdict({ blame, until }));
            desk.router.noteQuota(upstream, { state, at: NOW + desk.ms, until: null, reason: told("") });
            const plan = desk.router.plan({ upstreams, model: "m", sessionId: session, now: 0 });
            expect(plan.map((candidate) => candidate.upstream.key).toSorted()).toEqual(
              upstreams.map(({ key }) => key),
            );
            const usable = plan.map(({ until: askAt }) => askAt === null);
            expect(usable).toEqual(usable.toSorted((a, b) => Number(b) - Number(a)));
            expect(desk.order({ upstreams, onExhausted: "stop" })).not.toBe("");
          }
        },
      ),
    );
  });
});

describe("a session", () => {
  const s = { sessionId: "s" };

  test("stays where it is served, while new ones take the first in order", () => {
    const desk = makeDesk();
    desk.open(A);
    desk.serve(B, s);
    desk.ms = 11 * SECOND;
    desk.serve(A);
    desk.serve(A);
    expect(desk.order()).toBe("abc");
    expect(desk.order(s)).toBe("bac");
    expectInEnglish(desk.router.plan({ upstreams: ALL, model: "m", sessionId: "s", now: 0 })[0]?.reason).toBe(
      "the session is bound to it",
    );
  });

  test("goes back to the primary after five quiet minutes, and not while it is busy", () => {
    const desk = makeDesk();
    desk.open(A);
    desk.serve(B, s);
    desk.router.reset();
    for (let minute = 0; minute < 20; minute += 4) {
      desk.ms = minute * MINUTE;
      expect(desk.order(s)).toBe("bac");
      desk.serve(B, s);
    }
    desk.ms += 5 * MINUTE;
    expect(desk.order(s)).toBe("bac");
    desk.ms += 1;
    expect(desk.order(s)).toBe("abc");
  });

  test("moves when its upstream fails, and stays where it went", () => {
    const desk = makeDesk();
    desk.serve(C, s);
    desk.fail(C, EXHAUSTED, s);
    expect(desk.order(s)).toBe("abc");
    desk.serve(A, s);
    desk.router.reset();
    expect(desk.order(s)).toBe("abc");
  });

  test("is bound as soon as its answer begins", () => {
    const desk = makeDesk();
    const permit = desk.ask(B, s);
    if (typeof permit !== "string") permit.begun();
    expect(desk.order(s)).toBe("bac");
  });

  test("starts anew after a user's edit of the order, but not when the same list is read again", () => {
    const desk = makeDesk();
    desk.serve(C, s);
    expect(desk.order({ ...s, upstreams: [...ALL] })).toBe("cab");
    expect(desk.order({ ...s, upstreams: [B, A, C] })).toBe("bac");
    desk.serve(C, { ...s, upstreams: [B, A, C] });
    expect(desk.order({ ...s, upstreams: [B, C] })).toBe("bc");
  });

  test("is explained as the next request would find it, and looking changes nothing", () => {
    const desk = makeDesk();
    desk.serve(B, { sessionId: "s" });
    const explain = (upstreams: readonly Upstream[]): string =>
      desk.router
        .explain({ upstreams, model: "m", sessionId: "s", now: NOW })
        .map(({ upstream }) => upstream.key)
        .join("");
    expect(explain(ALL)).toBe("bac");
    expect(explain([C, B, A])).toBe("cba");
    expect(desk.order({ sessionId: "s" })).toBe("bac");
  });

  test("is not brought back by a request from before the edit", () => {
    const desk = makeDesk();
    desk.serve(C, s);
    const old = desk.ask(C, s);
    expect(desk.order({ ...s, upstreams: [B, A, C] })).toBe("bac");
    if (typeof old !== "string") old.succeed();
    expect(desk.order({ ...s, upstreams: [B, A, C] })).toBe("bac");
  });

  test("of one service is not touched by an edit of the other", () => {
    const desk = makeDesk();
    const claude = makeUpstream({ key: "x", service: "claude" });
    desk.serve(C, s);
    desk.order({ upstreams: [claude] });
    desk.order({ upstreams: [claude, makeUpstream({ key: "y", service: "claude" })] });
    expect(desk.order(s)).toBe("cab");
  });

  test("that is pinned has its one account, through failures, edits and quiet hours", () => {
    const desk = makeDesk();
    desk.router.pin("s", B);
    desk.open(B);
    expect(desk.order(s)).toBe("b");
    expect(desk.order({ ...s, upstreams: [C, B] })).toBe("b");
    desk.ms = 600 * MINUTE;
    expect(desk.order({ ...s, upstreams: [C, B] })).toBe("b");
    expect(desk.ask(C, { ...s, upstreams: [C, B] })).toBeString();
    expect(desk.order({ ...s, upstreams: [C] })).toBe("c");
  });

  test("is one of at most two thousand; the longest unused is forgotten", () => {
    const desk = makeDesk();
    for (let index = 0; index <= 2_000; index += 1) desk.serve(C, { sessionId: `s${index}` });
    expect(desk.order({ sessionId: "s0" })).toBe("abc");
    expect(desk.order({ sessionId: "s1" })).toBe("cab");
    expect(desk.router.report(C).sessions).toBe(2_000);
  });
});

describe("quota", () => {
  test("that is low sends new sessions elsewhere and keeps running ones", () => {
    const desk = makeDesk();
    desk.serve(A, { sessionId: "s" });
    desk.router.noteQuota(A, { state: "low", at: NOW, until: null, reason: told("1 of 20 USD left") });
    expect(desk.order()).toBe("bca");
    expect(desk.order({ sessionId: "s" })).toBe("abc");
    desk.router.noteQuota(A, { state: "exhausted", at: NOW, until: null, reason: told("0 of 20 USD left") });
    expect(desk.order({ sessionId: "s" })).toBe("bca");
    expectInEnglish(desk.router.report(A)).toMatchObject({
      availability: "exhausted",
      isExhausted: true,
      source: "balance read",
      // Nobody said when it is full again.
      until: null,
    });
    desk.router.noteQuota(A, null);
    expect(desk.order()).toBe("abc");
  });

  test("that is back ends an exhaustion whose end was a guess", () => {
    const desk = makeDesk();
    desk.fail(A, { ...EXHAUSTED, resetsAt: null });
    desk.fail(B, EXHAUSTED);
    for (const upstream of [A, B])
      desk.router.noteQuota(upstream, { state: "ok", at: NOW + 1, until: null, reason: told("") });
    expect(desk.order()).toBe("acb");
  });

  test("with on_exhausted: stop, nothing is spilled into the upstreams behind", () => {
    const desk = makeDesk();
    const stop = { onExhausted: "stop" } as const;
    desk.fail(B, EXHAUSTED, stop);
    expect(desk.order(stop)).toBe("ab");
    desk.fail(A, EXHAUSTED, stop);
    expect(desk.order(stop)).toBe("a");
    expect(desk.ask(C, stop)).toBe("exhausted");
    expect(desk.ask(C)).not.toBeString();
  });

  test("with on_exhausted: stop, also not while a trial finds out", () => {
    const desk = makeDesk();
    const stop = { onExhausted: "stop" } as const;
    desk.fail(A, EXHAUSTED, stop);
    desk.ms = 15 * MINUTE;
    expect(desk.ask(A, stop)).not.toBeString();
    expect(desk.order(stop)).toBe("a");
    expect(desk.ask(B, stop)).toBe("exhausted");
  });

  test("with on_exhausted: stop, an outage is no exhaustion", () => {
    const desk = makeDesk();
    desk.open(A);
    expect(desk.order({ onExhausted: "stop" })).toBe("bca");
  });
});

describe("leave to try", () => {
  test("a broken upstream is asked by one trial at a time, among fifty that want to", () => {
    const desk = makeDesk();
    desk.open(A);
    desk.ms = 10 * SECOND + 2;
    const got = Array.from({ length: 50 }, () => desk.ask(A));
    const permits = got.filter((one) => typeof one !== "string");
    expect(permits.length).toBe(1);
    expect(permits[0]?.isProbe).toBe(true);
    expect(got.filter((one) => one === "probing").length).toBe(49);
    permits[0]?.release();
    expect(desk.ask(A)).not.toBeString();
  });

  test("a trial is over for others as soon as its answer has begun", () => {
    const desk = makeDesk();
    desk.open(A);
    desk.ms = 11 * SECOND;
    const first = desk.ask(A);
    if (typeof first !== "string") first.begun();
    const second = desk.ask(A);
    expect(second).toMatchObject({ isProbe: true });
    if (typeof second !== "string") second.begun();
    expect(desk.router.report(A).availability).toBe("ok");
  });

  test("the end of an older request neither frees nor fails the trial", () => {
    const desk = makeDesk();
    const old = [desk.ask(A), desk.ask(A), desk.ask(A)];
    desk.open(A);
    desk.ms = 11 * SECOND;
    expect(desk.ask(A)).not.toBeString();
    for (const [index, permit] of old.entries()) {
      if (typeof permit === "string") continue;
      if (index === 0) permit.fail(makeVerdict());
      if (index === 1) permit.succeed();
      if (index === 2) permit.release();
      expect(desk.ask(A)).toBe("probing");
    }
  });

  test("a permit is settled once", () => {
    const desk = makeDesk();
    const permit = desk.ask(A);
    if (typeof permit === "string") throw new Error(permit);
    permit.succeed();
    for (let index = 0; index < 5; index += 1) permit.fail(makeVerdict());
    expect(desk.router.report(A)).toMatchObject({ availability: "ok", failures: 0 });
  });

  test("a trial that nobody ever settles does not lock its upstream up for good", () => {
    const desk = makeDesk();
    desk.open(A);
    desk.ms = 11 * SECOND;
    desk.ask(A);
    desk.ms += 14 * MINUTE;
    expect(desk.ask(A)).toBe("probing");
    desk.ms += 2 * MINUTE;
    expect(desk.ask(A)).not.toBeString();
  });

  test("is given early where nothing else is usable, and not before another one is down too", () => {
    const desk = makeDesk();
    const two = { upstreams: [A, B] };
    for (let index = 0; index < 3; index += 1) desk.fail(A, makeVerdict(), two);
    desk.ms = 3 * SECOND;
    expect(desk.ask(A, two)).toBe("open");
    for (let index = 0; index < 3; index += 1) desk.fail(B, makeVerdict(), two);
    expect(desk.ask(A, two)).toMatchObject({ isProbe: true });
    expect(desk.ask(B, two)).toBe("open");
  });

  test("what goes to an upstream that is failing draws on a budget that refills", () => {
    const desk = makeDesk();
    const spend = (): number => {
      desk.fail(A);
      let count = 0;
      while (count < 100 && desk.router.mayAskAgain(A)) count += 1;
      return count;
    };
    expect(spend()).toBe(10);
    desk.ms = 30 * SECOND;
    expect(spend()).toBe(3);
    for (let index = 0; index < 10; index += 1) desk.order();
    expect(spend()).toBe(2);
    desk.ms = 60 * MINUTE;
    expect(spend()).toBe(10);
  });

  test("where an upstream is well, no budget keeps requests from it", () => {
    const desk = makeDesk();
    const two = { upstreams: [A, B] };
    desk.fail(A, makeVerdict(), two);
    while (desk.router.mayAskAgain(A));
    for (let count = 0; count < 50; count += 1) expect(desk.router.mayAskAgain(B)).toBe(true);
    desk.fail(B, makeVerdict(), two);
    expect(desk.router.mayAskAgain(B)).toBe(false);
    desk.ms = MINUTE;
    for (let count = 0; count < 50; count += 1) expect(desk.router.mayAskAgain(B)).toBe(true);
  });
});

describe("keys of one address", () => {
  const key = (name: string, position: number, host = "one"): Upstream =>
    makeUpstream({ key: name, label: `main#${position}`, position, origin: `https://${host}.example` });
  const [K1, K2, K3] = [key("x", 1), key("y", 2), key("z", 3)];
  const BACKUP = key("b", 4, "two");
  const upstreams = [K1, K2, K3, BACKUP];
  const DEAD = makeVerdict({
    blame: "never-sent",
    retryClass: "A",
    isOfAddress: true,
    reason: told("refused"),
  });

  test("come last for a while after one of them could not be reached, and the pauses grow", () => {
    const desk = makeDesk();
    desk.fail(K1, DEAD, { upstreams });
    expect(desk.order({ upstreams })).toBe("xbyz");
    desk.fail(K1, DEAD, { upstreams });
    expect(desk.order({ upstreams })).toBe("byzx");
    desk.ms = 10 * SECOND;
    expect(desk.order({ upstreams })).toBe("xyzb");
    desk.fail(K2, DEAD, { upstreams });
    desk.ms = 25 * SECOND;
    expect(desk.order({ upstreams })).toStartWith("b");
    desk.ms = 30 * SECOND;
    expect(desk.order({ upstreams })).toStartWith("x");
  });

  test("are back in order with the first answer of a server there, whatever it says", () => {
    for (const answer of [null, makeVerdict({ blame: "none", reason: { rule: "as-told", status: 404 } })]) {
      const desk = makeDesk();
      desk.fail(K1, DEAD, { upstreams });
      if (answer === null) desk.serve(K2, { upstreams });
      else desk.fail(K2, answer, { upstreams });
      expect(desk.order({ upstreams })).toBe("xyzb");
    }
  });

  test("keep their sessions until the address has failed twice", () => {
    const desk = makeDesk();
    const bound = { upstreams, sessionId: "s" };
    desk.serve(K2, bound);
    desk.fail(K1, DEAD, { upstreams });
    expect(desk.order(bound)).toBe("yxbz");
    desk.fail(K2, DEAD, bound);
    expect(desk.order(bound)).toStartWith("b");
  });

  test("are no alternative that the backup before them could leave a slow answer to", () => {
    const desk = makeDesk();
    desk.fail(K1, DEAD, { upstreams });
    desk.fail(K1, DEAD, { upstreams });
    const plan = desk.router.plan({ upstreams, model: null, sessionId: null, now: NOW });
    expect(plan.find(({ upstream }) => upstream === BACKUP)?.isLastUsable).toBe(true);
  });

  test("of which there is one keep their place: the breaker alone decides", () => {
    const desk = makeDesk();
    const two = [K1, BACKUP];
    desk.fail(K1, makeVerdict({ isOfAddress: true }), { upstreams: two });
    desk.fail(K1, makeVerdict({ isOfAddress: true }), { upstreams: two });
    expect(desk.order({ upstreams: two })).toBe("xb");
  });
});

describe("what is told", () => {
  const kinds = (desk: Desk): string => desk.events.map((event) => event.kind).join(" ");

  test("a hop, with its reason, once per session and once for the new ones", () => {
    const desk = makeDesk();
    desk.serve(A, { sessionId: "s" });
    desk.fail(A, EXHAUSTED, { sessionId: "s" });
    for (let index = 0; index < 3; index += 1) {
      desk.serve(B, { sessionId: "s" });
      desk.serve(B);
    }
    expect(kinds(desk)).toBe("exhausted hop hop");
    expectInEnglish(desk.events[1]).toMatchObject({
      from: A,
      to: B,
      sessionId: "s",
      reason: "429 usage limit reached",
    });
    expect(desk.events[2]).toMatchObject({ from: A, to: B, sessionId: null });
  });

  test("the way back, and that the upstream is well again", () => {
    const desk = makeDesk();
    desk.open(A);
    desk.serve(B);
    desk.ms = 11 * SECOND;
    desk.serve(A);
    desk.serve(A);
    expect(kinds(desk)).toBe("hop hop recovered");
    expectInEnglish(desk.events[1]).toMatchObject({ from: B, to: A, reason: "recovered" });
    expect(desk.events[2]).toMatchObject({ upstream: A });
  });

  test("that nothing is left, once until something is", () => {
    const desk = makeDesk();
    for (const upstream of ALL) desk.fail(upstream, AUTH_DEAD);
    desk.ms = 10 * SECOND;
    desk.fail(A, AUTH_DEAD);
    expect(kinds(desk)).toBe("all-down");
    desk.ms = 20 * SECOND;
    desk.serve(A);
    desk.fail(A, AUTH_DEAD);
    expect(kinds(desk)).toBe("all-down recovered all-down");
  });

  test("what a quota reading changes", () => {
    const desk = makeDesk();
    const note = { at: NOW, until: null, reason: told("0 of 20 USD left") };
    desk.router.noteQuota(A, { ...note, state: "exhausted" });
    desk.router.noteQuota(A, { ...note, state: "exhausted" });
    desk.router.noteQuota(A, { ...note, state: "ok" });
    expect(kinds(desk)).toBe("exhausted recovered");
  });

  test("no hop after the user's own edit", () => {
    const desk = makeDesk();
    desk.serve(A, { sessionId: "s" });
    desk.serve(B, { sessionId: "s", upstreams: [B, A] });
    desk.serve(B, { upstreams: [B, A] });
    expect(kinds(desk)).toBe("");
  });
});

test("a report tells standing, since when, why, until when, and the counts", () => {
  const desk = makeDesk();
  expectInEnglish(desk.router.report(A)).toEqual({
    key: "a",
    availability: "ok",
    allowed: "go",
    since: null,
    until: null,
    askAt: null,
    reason: "",
    source: null,
    isExhausted: false,
    attempts: 0,
    failures: 0,
    lastFailure: null,
    sessions: 0,
  });
  desk.serve(A, { sessionId: "s" });
  desk.fail(A, EXHAUSTED);
  expectInEnglish(desk.router.report(A)).toEqual({
    key: "a",
    availability: "exhausted",
    allowed: "no",
    since: NOW,
    until: NOW + 60 * MINUTE,
    askAt: NOW + 15 * MINUTE,
    reason: "429 usage limit reached",
    source: "default",
    isExhausted: true,
    attempts: 2,
    failures: 1,
    lastFailure: { at: NOW, reason: "429 usage limit reached" },
    sessions: 1,
  });
});

test("reset forgets one upstream's holds, or all of them", () => {
  const desk = makeDesk();
  desk.open(A);
  desk.fail(B, EXHAUSTED);
  desk.router.reset("a");
  expect(desk.order()).toBe("acb");
  desk.router.reset();
  expect(desk.order()).toBe("abc");
});

describe("an outbound proxy before upstreams", () => {
  const proxy = "http://user:secret@proxy.example:8080";
  const P = makeUpstream({ key: "p", label: "main#1", position: 1, proxy, origin: "https://p.example" });
  const Q = makeUpstream({ key: "q", label: "main#2", position: 2, proxy, origin: "https://q.example" });
  const D = makeUpstream({ key: "d", label: "main#3", position: 3 });
  const upstreams = [P, Q, D];
  const DOWN = makeVerdict({
    rule: "proxy-refused",
    blame: "way",
    retryClass: "A",
    reason: { rule: "proxy-refused", proxy: "proxy.example:8080", code: "502" },
  });

  test("is one standing for all of them: direct ones first, until a probe comes through", () => {
    const desk = makeDesk();
    desk.fail(P, DOWN, { upstreams });
    expect(desk.order({ upstreams })).toBe("pqd");
    desk.fail(Q, DOWN, { upstreams });
    expect(desk.order({ upstreams })).toBe("dpq");
    expect(desk.router.report(P)).toMatchObject({ availability: "open", failures: 0 });
    desk.ms += 11 * SECOND;
    const probe = desk.ask(Q, { upstreams });
    expect(probe).toMatchObject({ isProbe: true });
    desk.serve(P, { upstreams });
    if (typeof probe !== "string") probe.succeed();
    expect(desk.order({ upstreams })).toBe("pqd");
    expect(desk.router.report(Q).availability).toBe("ok");
  });

  test("is not blamed for one host again when it led to another one since", () => {
    const desk = makeDesk();
    desk.fail(P, DOWN, { upstreams });
    desk.serve(Q, { upstreams });
    for (let turn = 0; turn < 2; turn += 1) {
      desk.fail(P, DOWN, { upstreams });
      desk.serve(Q, { upstreams });
    }
    expect(desk.order({ upstreams })).toBe("qdp");
    expect(desk.router.report(P)).toMatchObject({ availability: "open", failures: 2 });
  });

  test("is well when an upstream behind it refuses the request", () => {
    const desk = makeDesk();
    desk.fail(P, DOWN, { upstreams });
    desk.fail(Q, makeVerdict({ reason: { rule: "server-error", status: 500 } }), { upstreams });
    desk.fail(P, DOWN, { upstreams });
    expect(desk.order({ upstreams })).toBe("pqd");
  });

  test("survives a restart without its password", () => {
    const desk = makeDesk();
    desk.fail(P, DOWN, { upstreams });
    desk.fail(Q, DOWN, { upstreams });
    const saved = JSON.stringify(desk.router.save());
    expect(saved).not.toContain("secret");
    const next = makeDesk();
    next.router.load(JSON.parse(saved));
    expect(next.order({ upstreams })).toBe("dpq");
  });
});
