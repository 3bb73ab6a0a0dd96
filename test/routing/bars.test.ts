import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Upstream } from "../../src/base/upstream.ts";
import { joinBars } from "../../src/routing/availability.ts";
import { makeFinalAnswer } from "../../src/routing/final-answer.ts";
import { createRouter } from "../../src/routing/router.ts";
import type { Bar, BarOf, PlanRequest, RouterEvent } from "../../src/routing/types.ts";
import { DEFAULT_ROUTING, makeVerdict, NOW, told } from "../helpers/routing.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const A = makeUpstream({ key: "a", label: "main#1", position: 1 });
const B = makeUpstream({ key: "b", label: "main#2", position: 2 });
const C = makeUpstream({ key: "c", label: "main#3", position: 3 });
const ALL = [A, B, C];

const SPENT: Bar = {
  availability: "exhausted",
  reason: told("5.00 of 5.00 USD"),
  source: { rule: "quota-budget" },
  since: NOW,
  until: NOW + 3_600_000,
};
const WALL: Bar = { ...SPENT, availability: "walled", reason: told("only relay-a"), until: null };

function makeDesk(barOf?: BarOf) {
  const events: RouterEvent[] = [];
  const clock = { ms: 0 };
  const router = createRouter({
    settings: () => DEFAULT_ROUTING,
    now: () => NOW + clock.ms,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
    barOf,
  });
  const request = (more: Partial<PlanRequest> = {}): PlanRequest => ({
    upstreams: ALL,
    model: "m",
    sessionId: null,
    now: NOW + clock.ms,
    ...more,
  });
  return { router, events, clock, request };
}

const only =
  (bar: Bar, ...barred: readonly Upstream[]): BarOf =>
  (upstream) =>
    barred.includes(upstream) ? bar : undefined;

const keysOf = (places: readonly { readonly upstream: Upstream }[]): string =>
  places.map(({ upstream }) => upstream.key).join("");

test.each([
  ["a spent budget", SPENT, "exhausted"],
  ["a wall", WALL, "walled"],
  ["a full upstream", { ...SPENT, availability: "full" } as const, "full"],
])("%s keeps every request away, although nothing else is left", (_, bar, availability) => {
  const { request, router } = makeDesk(only(bar, A));
  const alone = request({ upstreams: [A] });
  const [place] = router.plan(alone);
  expect(place).toMatchObject({ availability, isLastUsable: true, view: { allowed: "no", isBarred: true } });
  expect(place?.until).toBeGreaterThan(NOW);
  for (const isNeutral of [false, true])
    expect(router.admit(A, { ...alone, isNeutral })).toMatchObject({ kind: "blocked", availability });
  expect(router.report(A)).toMatchObject({ availability, allowed: "no" });
});

test("what is not barred is asked, also as the last one left, and no sooner than its health allows", () => {
  const { clock, request, router } = makeDesk(only(SPENT, A));
  expect(keysOf(router.plan(request()))).toBe("bca");
  const two = request({ upstreams: [A, B] });
  const admission = router.admit(B, two);
  if (admission.kind === "blocked") throw new Error("blocked");
  admission.permit.fail(makeVerdict({ blame: "tls", until: null }));
  expect(router.admit(B, two).kind).toBe("blocked");
  clock.ms = 3_600_000;
  expect(router.admit(B, two).kind).toBe("go");
});

test("a bar may depend on the request", () => {
  const barOf: BarOf = (upstream, { model }) => (model === "dear" && upstream === A ? SPENT : undefined);
  const { request, router } = makeDesk(barOf);
  expect(router.admit(A, request()).kind).toBe("go");
  expect(router.admit(A, request({ model: "dear" })).kind).toBe("blocked");
  expect(router.report(A).availability).toBe("ok");
});

test("one that ends the line hands nothing on, and with on_exhausted stop every spent one does", () => {
  const ends = makeDesk(only({ ...SPENT, endsLine: true }, B));
  expect(keysOf(ends.router.plan(ends.request()))).toBe("ab");
  expect(ends.router.admit(C, ends.request())).toMatchObject({
    kind: "blocked",
    reason: { rule: "behind", label: "main#2", cause: SPENT.reason },
  });
  const stops = makeDesk(only(SPENT, A));
  expect(keysOf(stops.router.plan(stops.request({ onExhausted: "stop" })))).toBe("a");
  expect(stops.router.admit(B, stops.request({ onExhausted: "stop" })).kind).toBe("blocked");
  const walled = makeDesk(only(WALL, A));
  expect(keysOf(walled.router.plan(walled.request({ onExhausted: "stop" })))).toBe("bca");
});

test("the first of several bars that has something to say is the one that counts", () => {
  const joined = joinBars([only(WALL, A), only(SPENT, A, B)]);
  const { request } = makeDesk();
  expect(joined(A, request())).toBe(WALL);
  expect(joined(B, request())).toBe(SPENT);
  expect(joined(C, request())).toBeUndefined();
});

test("a bar that comes and goes is told of once, and when it was the last way", () => {
  let bar: Bar | undefined;
  const { events, request, router } = makeDesk(() => bar);
  router.plan(request({ upstreams: [A] }));
  const look = (): void => router.noteQuota(A, null);
  look();
  bar = SPENT;
  look();
  look();
  bar = undefined;
  look();
  expect(events.map(({ kind }) => kind)).toEqual(["exhausted", "all-down", "recovered"]);
  expect(events[0]).toMatchObject({ until: SPENT.until, reason: SPENT.reason });
});

test("with nothing but spent budgets the clients are told when the first one opens", () => {
  const { request, router } = makeDesk((upstream) => ({
    ...SPENT,
    until: NOW + upstream.position * 3_600_000,
  }));
  const candidates = router.explain(request());
  const input = { isOwnClient: true, isNeutral: false, now: NOW, tried: [], candidates };
  expect(makeFinalAnswer({ ...input, service: "codex" })).toMatchObject({
    kind: "own",
    status: 429,
    type: "usage_limit_reached",
    resetsAtSecs: (NOW + 3_600_000) / 1_000,
  });
  expect(makeFinalAnswer({ ...input, service: "claude" })).toMatchObject({
    kind: "own",
    status: 429,
    type: "rate_limit_error",
    retryAfterSecs: 3_600,
  });
});

test("no state of the upstreams and of the session lets a request past a bar", () => {
  const step = fc.record({
    upstream: fc.constantFrom(...ALL),
    does: fc.constantFrom(
      "ok",
      "failure",
      "exhausted",
      "auth-dead",
      "cooldown",
      "tls",
      "none",
    ) as fc.Arbitrary<"ok" | "failure" | "exhausted" | "auth-dead" | "cooldown" | "tls" | "none">,
    passesMs: fc.constantFrom(0, 1_000, 60_000, 3_600_000),
    sessionId: fc.constantFrom(null, "s"),
    isPinned: fc.boolean(),
    onExhausted: fc.constantFrom("continue" as const, "stop" as const),
    isNeutral: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.subarray([...ALL], { minLength: 1 }),
      (steps, barred) => {
        const { clock, request, router } = makeDesk(only(SPENT, ...barred));
        for (const { does, isNeutral, isPinned, onExhausted, passesMs, sessionId, upstream } of steps) {
          clock.ms += passesMs;
          const one = request({ sessionId, onExhausted, isNeutral });
          if (isPinned) router.pin("s", upstream);
          for (const place of router.plan(one)) {
            const admission = router.admit(place.upstream, one);
            if (admission.kind === "blocked") continue;
            expect(barred).not.toContain(place.upstream);
            const until = does === "failure" || does === "tls" ? null : clock.ms + NOW + 60_000;
            if (does === "ok") admission.permit.succeed();
            else admission.permit.fail(makeVerdict({ blame: does, until }));
          }
        }
      },
    ),
  );
});
