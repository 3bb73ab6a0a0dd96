import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Service } from "../../src/base/service.ts";
import type { Upstream } from "../../src/base/upstream.ts";
import { makeFinalAnswer } from "../../src/routing/final-answer.ts";
import { reasonInEnglish } from "../../src/routing/reasons.ts";
import type { Candidate, Verdict } from "../../src/routing/types.ts";
import { expectInEnglish } from "../helpers/expect-in-english.ts";
import { makeVerdict, NOW, told } from "../helpers/routing.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const A = makeUpstream({ key: "a", label: "main#1" });
const B = makeUpstream({ key: "b", label: "main#2" });
const OWN_LOGIN = makeUpstream({ key: "c", label: "main#3", credential: { kind: "client" } });

const tried = (upstream: Upstream, verdict: Partial<Verdict>) => ({
  upstream,
  verdict: makeVerdict(verdict),
});
/** `until`: when it is asked again; `endsAt`: when its state ends, the same by default. */
const blocked = (
  upstream: Upstream,
  { endsAt, ...parts }: Partial<Candidate> & { endsAt?: number | null },
): Candidate => {
  const { availability = "open", reason = told("500 failed"), until = null } = parts;
  const view = {
    availability,
    allowed: "no" as const,
    since: NOW,
    until: endsAt === undefined ? until : endsAt,
    askAt: until,
    reason,
    source: null,
    isExhausted: availability === "exhausted",
  };
  return { upstream, availability, reason, until, view, isLastUsable: true, ...parts };
};
const answer = (
  service: Service,
  attempts: readonly { upstream: Upstream; verdict: Verdict | null }[],
  candidates: readonly Candidate[] = [],
  isOwnClient = false,
) => makeFinalAnswer({ service, isOwnClient, isNeutral: false, now: NOW, tried: attempts, candidates });

const limited = (secs: number) =>
  ({ blame: "cooldown", until: NOW + secs * 1_000, reason: told("429 rate limited") }) as const;
const spent = (secs: number, rule = "relay-quota") =>
  ({ rule, blame: "exhausted", until: NOW + secs * 1_000, reason: told("429 quota gone") }) as const;
const dead = {
  rule: "credential",
  blame: "auth-dead",
  until: NOW + 300_000,
  reason: { rule: "credential", status: 401 },
} as const;

describe("only rate limits", () => {
  test("are a 429 with the earliest time", () => {
    for (const service of ["codex", "claude"] as const)
      expect(answer(service, [tried(A, limited(40)), tried(B, limited(20))])).toMatchObject({
        kind: "own",
        status: 429,
        type: "rate_limit_error",
        retryAfterSecs: 20,
      });
  });

  test("are a 503 for Codex itself, which gives up on a 429 sooner and does not show the words", () => {
    const attempts = [tried(A, limited(40))];
    expect(answer("codex", attempts, [], true)).toMatchObject({
      status: 503,
      type: "rate_limit_error",
      retryAfterSecs: 40,
    });
    expect(answer("claude", attempts, [], true)).toMatchObject({ status: 429, retryAfterSecs: 40 });
    expect(answer("codex", [tried(A, limited(90))], [], true)).toMatchObject({ status: 429 });
  });

  test("that last over a minute are told to Codex as a limit, for it would sleep", () => {
    const attempts = [tried(A, limited(90))];
    expect(answer("codex", attempts)).toMatchObject({
      status: 429,
      type: "usage_limit_reached",
      resetsAtSecs: NOW / 1_000 + 90,
    });
    expect(answer("codex", attempts).retryAfterSecs).toBeUndefined();
    expect(answer("claude", attempts)).toMatchObject({ status: 429, retryAfterSecs: 90 });
  });

  test("count also where the upstream was not asked for them", () => {
    expect(answer("codex", [], [blocked(A, { availability: "cooling", until: NOW + 7_500 })])).toMatchObject({
      status: 429,
      retryAfterSecs: 8,
    });
  });
});

describe("an outage", () => {
  test("is a 503 with 1 to 10 seconds, also beside rate limits and spent quotas", () => {
    expect(answer("codex", [tried(A, {})])).toMatchObject({ kind: "own", status: 503, retryAfterSecs: 1 });
    expect(answer("claude", [], [blocked(A, { until: NOW + 4_200 })])).toMatchObject({
      status: 503,
      retryAfterSecs: 5,
    });
    expect(answer("codex", [tried(A, spent(900))], [blocked(B, { until: NOW + 90_000 })])).toMatchObject({
      status: 503,
      retryAfterSecs: 10,
    });
    expect(answer("codex", [tried(A, dead), tried(B, { blame: "never-sent" })])).toMatchObject({
      status: 503,
    });
  });

  test("is waited for until all that come back within seconds can be asked together", () => {
    const [soon, later] = [blocked(A, { until: NOW + 1_500 }), blocked(B, { until: NOW + 7_000 })];
    expect(answer("codex", [], [soon, later])).toMatchObject({ retryAfterSecs: 7 });
    expect(answer("codex", [], [soon, blocked(B, { until: NOW + 90_000 })])).toMatchObject({
      retryAfterSecs: 10,
    });
    expect(answer("codex", [], [blocked(A, {}), later])).toMatchObject({ retryAfterSecs: 1 });
    const cooling = [soon, later].map(({ upstream, until }) =>
      blocked(upstream, { availability: "cooling", until, endsAt: NOW + 120_000 }),
    );
    expect(answer("codex", [], cooling, true)).toMatchObject({ status: 503, retryAfterSecs: 7 });
    expect(answer("codex", [], cooling)).toMatchObject({ status: 429, retryAfterSecs: 2 });
    // One that has named its time is asked then.
    const stated = { ...soon, availability: "cooling" } as const;
    expect(answer("codex", [], [stated, later])).toMatchObject({ status: 503, retryAfterSecs: 2 });
  });

  test("is assumed where nothing is known", () => {
    expect(answer("codex", [{ upstream: A, verdict: null }])).toMatchObject({
      status: 503,
      retryAfterSecs: 1,
    });
  });
});

describe("spent quotas", () => {
  test("end Codex's turn with the pool's earliest reset", () => {
    expect(answer("codex", [tried(A, spent(7_200)), tried(B, spent(3_600))])).toMatchObject({
      kind: "own",
      status: 429,
      type: "usage_limit_reached",
      resetsAtSecs: NOW / 1_000 + 3_600,
    });
  });

  test("tell Claude Code the real wait", () => {
    expect(
      answer(
        "claude",
        [tried(A, spent(7_200))],
        [blocked(B, { availability: "exhausted", until: NOW + 900_000 })],
      ),
    ).toMatchObject({ status: 429, retryAfterSecs: 900 });
  });

  test("that end later than is waited for are not to be asked again for", () => {
    expect(answer("claude", [tried(A, spent(90))]).isFinal).toBe(true);
    expect(answer("claude", [tried(A, spent(60))]).isFinal).toBe(false);
    expect(answer("codex", [tried(A, spent(60))]).isFinal).toBe(true);
  });

  test("of a single account that says it in the client's own way are passed on", () => {
    expect(answer("codex", [tried(A, spent(60, "codex-usage-limit"))]).kind).toBe("last-answer");
    expect(answer("claude", [tried(A, spent(60, "anthropic-window"))]).kind).toBe("last-answer");
    expect(answer("codex", [tried(A, spent(60, "relay-quota"))]).kind).toBe("own");
  });

  test("name the uncapped reset", () => {
    const verdict = { ...spent(86_400), resetsAt: NOW + 400_000_000 };
    expect(answer("codex", [tried(A, verdict)]).resetsAtSecs).toBe(NOW / 1_000 + 400_000);
  });
});

describe("dead credentials and faults of set-up", () => {
  test("are one try: 400 for Codex, 403 for Claude Code, with names and the way to mend it", () => {
    const attempts = [
      tried(A, dead),
      tried(B, {
        rule: "not-tried",
        blame: "none",
        reason: { rule: "not-tried", why: "the variable K is not set" },
      }),
    ];
    expectInEnglish(answer("codex", attempts)).toEqual({
      kind: "own",
      status: 400,
      isFinal: true,
      reason:
        "No upstream could answer Codex. main#1: 401 refused the credential (fix: ch config set main#1 --auth-token-stdin). main#2: not tried, the variable K is not set (see `ch doctor`).",
    });
    expect(answer("claude", attempts)).toMatchObject({ status: 403, type: "permission_error" });
    expect(answer("codex", [tried(A, { rule: "certificate", blame: "tls" })]).status).toBe(400);
  });

  test("of the client's own login are a 401, so that it can renew itself", () => {
    expect(answer("codex", [tried(OWN_LOGIN, dead)])).toMatchObject({ kind: "last-answer", status: 401 });
    expect(answer("codex", [tried(A, dead), tried(OWN_LOGIN, dead)]).status).toBe(400);
  });

  test("beside a spent quota wait for the quota", () => {
    expect(answer("codex", [tried(A, dead), tried(B, spent(60))])).toMatchObject({
      type: "usage_limit_reached",
    });
  });
});

describe("one state is told in one way, whether an upstream was asked or not", () => {
  const states: readonly (readonly [string, Partial<Verdict>, Parameters<typeof blocked>[1]])[] = [
    [
      "a spent quota that is looked at again every few seconds",
      spent(900),
      { availability: "exhausted", until: NOW + 10_000, endsAt: NOW + 900_000 },
    ],
    [
      "a reset beyond the longest hold",
      { ...spent(86_400), resetsAt: NOW + 400_000_000 },
      { availability: "exhausted", until: NOW + 10_000, endsAt: NOW + 400_000_000 },
    ],
    [
      "a rate limit of which no time is known",
      { ...limited(0), until: null },
      { availability: "cooling", until: NOW + 2_000, endsAt: NOW + 10_000 },
    ],
    [
      "a model that is busy",
      { rule: "model-busy", blame: "model", until: NOW + 45_000 },
      { availability: "cooling", until: NOW + 10_000, endsAt: NOW + 45_000 },
    ],
    ["an open breaker", { blame: "failure" }, { availability: "open", until: NOW + 4_000 }],
    [
      "a refused certificate",
      { rule: "certificate", blame: "tls", until: null },
      { availability: "open", until: NOW + 4_000, reason: { rule: "certificate" } },
    ],
    ["a refused credential", dead, { availability: "auth-dead", until: NOW + 10_000 }],
  ];
  test.each(states)("%s", (_, verdict, state) => {
    for (const service of ["codex", "claude"] as const)
      for (const isOwnClient of [true, false]) {
        const now = blocked(A, state);
        const first = answer(service, [tried(A, verdict)], [now], isOwnClient);
        const next = answer(service, [], [now], isOwnClient);
        expect({ ...first, reason: null }).toEqual({ ...next, reason: null });
      }
  });

  test("but an attempt that left no trace at its upstream tells its own time", () => {
    const now = blocked(A, { availability: "ok" });
    expect(answer("claude", [tried(A, limited(30))], [now])).toMatchObject({ retryAfterSecs: 30 });
  });
});

test("a model that nobody offers is the last upstream's answer", () => {
  const unknown = {
    rule: "model-unknown",
    blame: "model",
    until: NOW + 600_000,
    reason: told("404 does not offer this model"),
  } as const;
  expect(answer("codex", [tried(A, unknown)])).toMatchObject({ kind: "last-answer", status: 400 });
  expect(answer("claude", [], [blocked(A, { availability: "model-unknown" })])).toMatchObject({
    kind: "last-answer",
    status: 404,
  });
  expect(answer("codex", [tried(A, { ...unknown, rule: "model-busy", until: NOW + 45_000 })])).toMatchObject({
    status: 429,
    retryAfterSecs: 45,
  });
});

test("a refusal of the request itself is passed on", () => {
  expect(answer("codex", [tried(A, { blame: "none" })]).kind).toBe("last-answer");
});

test("every mixture has a status and words, and a Retry-After is a whole number from 1", () => {
  const blame = fc.constantFrom<Verdict["blame"]>(
    "none",
    "failure",
    "never-sent",
    "first-byte",
    "tls",
    "cooldown",
    "exhausted",
    "auth-dead",
    "model",
  );
  const untilMs = fc.option(fc.integer({ min: -100_000, max: 1e9 }), { nil: null });
  const attempt = fc.record({ blame, untilMs, rule: fc.constantFrom("x", "model-unknown", "not-tried") });
  const availability = fc.constantFrom<Candidate["availability"]>(
    "ok",
    "probing",
    "open",
    "cooling",
    "exhausted",
    "auth-dead",
    "model-unknown",
    "low",
  );
  fc.assert(
    fc.property(
      fc.constantFrom<Service>("codex", "claude"),
      fc.array(attempt, { maxLength: 3 }),
      fc.array(fc.tuple(availability, untilMs), { maxLength: 3 }),
      (service, attempts, others) => {
        const at = (ms: number | null) => (ms === null ? null : NOW + ms);
        const final = answer(
          service,
          attempts.map(({ untilMs: ms, ...verdict }) => tried(A, { ...verdict, until: at(ms) })),
          others.map(([one, ms]) => blocked(B, { availability: one, until: at(ms) })),
        );
        expect([400, 401, 403, 404, 429, 502, 503]).toContain(final.status);
        expect(reasonInEnglish(final.reason)).toStartWith("No upstream could answer");
        if (final.retryAfterSecs !== undefined) {
          expect(Number.isInteger(final.retryAfterSecs)).toBe(true);
          expect(final.retryAfterSecs).toBeGreaterThanOrEqual(1);
        }
        // A bare 429 would end Codex's turn without a word of when.
        if (final.status === 429) expect(final.retryAfterSecs ?? final.type).toBeDefined();
      },
    ),
  );
});

describe("what a test request would explain", () => {
  const down = (code: string) =>
    ({ rule: "never-sent", blame: "never-sent", reason: { rule: "never-sent", code } }) as const;

  test("is told once, with the upstream where it is one", () => {
    const one = answer("codex", [tried(A, down("ECONNREFUSED")), tried(B, { blame: "failure" })]);
    expect(reasonInEnglish(one.reason)).toEndWith(" To see where it fails: ch doctor --probe main#1.");
    const both = answer("claude", [tried(A, down("ENOTFOUND")), tried(B, down("EHOSTUNREACH"))]);
    expect(reasonInEnglish(both.reason)).toEndWith(" To see where it fails: ch doctor --probe --claude.");
  });

  test("is not what an upstream says itself, nor what has a command of its own", () => {
    for (const verdict of [
      { rule: "overloaded", blame: "failure", reason: { rule: "overloaded", status: 503 } },
      down("HTTP_PORT"),
    ] as const)
      expect(reasonInEnglish(answer("codex", [tried(A, verdict)]).reason)).not.toContain("To see where");
  });
});
