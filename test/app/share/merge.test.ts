// How two machines with clocks of their own agree on an account: two real routers, and news that is carried by hand.
import { expect, test } from "bun:test";
import { type VerdictNews, createVerdicts } from "../../../src/app/share/verdicts.ts";
import { identifyUpstream } from "../../../src/app/share/layout.ts";
import type { Upstream } from "../../../src/base/upstream.ts";
import { createRouter } from "../../../src/routing/router.ts";
import type { Blame } from "../../../src/routing/types.ts";
import { DEFAULT_ROUTING, NOW, makeVerdict } from "../../helpers/routing.ts";
import { makeUpstream } from "../../helpers/upstream.ts";

const MINUTE = 60_000;
const SECRET = "5".repeat(64);

/** `skewMs`: how far the engine's clock is ahead of this machine's. */
function makeMachine(name: string, skewMs = 0, upstream: Upstream = ACCOUNT) {
  let now = NOW - skewMs;
  const router = createRouter({ settings: () => DEFAULT_ROUTING, now: () => now, random: () => 0.5 });
  const told: VerdictNews[] = [];
  const verdicts = createVerdicts({
    clients: [{ service: upstream.service, router }],
    listUpstreams: () => [upstream],
    settings: () => DEFAULT_ROUTING,
    identify: (one) => identifyUpstream(SECRET, one),
    tell: (news) => told.push(news),
    now: () => now,
    skewMs: () => skewMs,
  });
  verdicts.ids();
  router.watchLearned((key, isAnswered) => verdicts.note(router, key, isAnswered));
  const request = { upstreams: [upstream], model: "m", sessionId: null, now };
  const attempt = () => {
    router.plan(request);
    const admission = router.admit(upstream, request);
    if (admission.kind !== "go") throw new Error("not admitted");
    return admission.permit;
  };
  return {
    told,
    router,
    verdicts,
    pass: (ms: number) => void (now += ms),
    fail: (blame: Blame, forMs: number) =>
      attempt().fail(makeVerdict({ blame, until: now + forMs, resetsAt: now + forMs, reason: REASON })),
    succeed: () => attempt().succeed(),
    standing: () => router.plan(request)[0]?.availability,
    until: () => router.report(upstream).until,
    /** As JSON, and in whatever order. */
    hear(news: readonly VerdictNews[]) {
      for (const one of news)
        verdicts.take({ ...(JSON.parse(JSON.stringify(one)) as VerdictNews), by: name });
    },
  };
}

const ACCOUNT = makeUpstream({
  key: "codex|https://relay.example/v1|k",
  baseUrl: "https://relay.example/v1",
  credential: { kind: "bearer", secret: "sk-one" },
});
const REASON = {
  rule: "as-told",
  status: 429,
  code: "insufficient_quota",
  words: "your prompt /home/me sk-secret",
};

test.each([
  ["exhausted", "exhausted"],
  ["cooldown", "cooling"],
  ["auth-dead", "auth-dead"],
  ["model", "model-unknown"],
] as const)(
  "a verdict that blames by %s holds elsewhere, by the clock there and without words",
  (blame, standing) => {
    const a = makeMachine("a", 10 * MINUTE);
    const b = makeMachine("b", -5 * MINUTE);
    if (blame === "model") {
      const request = { upstreams: [ACCOUNT], model: "m", sessionId: null, now: 0 };
      a.router.plan(request);
      const admission = a.router.admit(ACCOUNT, request);
      if (admission.kind === "go")
        admission.permit.fail(
          makeVerdict({
            rule: "model-unknown",
            blame,
            until: NOW - 10 * MINUTE + 4 * MINUTE,
            reason: REASON,
          }),
        );
    } else a.fail(blame, 4 * MINUTE);
    b.hear(a.told);
    expect(b.standing()).toBe(standing);
    if (blame !== "model") expect(b.until()).toBe(NOW + 5 * MINUTE + 4 * MINUTE);
    const said = JSON.stringify(a.told);
    for (const secret of ["prompt", "/home", "sk-", "relay.example"]) expect(said).not.toContain(secret);
    expect(said).toContain("insufficient_quota");
    // What it heard it does not tell.
    expect(b.told).toEqual([]);
  },
);

test("a recovery ends what the others hold, whichever comes first", () => {
  const a = makeMachine("a");
  const b = makeMachine("b");
  const c = makeMachine("c");
  a.fail("exhausted", 60 * MINUTE);
  b.hear(a.told);
  expect(b.standing()).toBe("exhausted");
  // One request looks before the limit is over.
  a.pass(20 * MINUTE);
  a.succeed();
  expect(a.standing()).toBe("ok");
  for (const one of [b, c]) one.pass(20 * MINUTE);
  b.hear(a.told);
  c.hear(a.told.toReversed());
  for (const one of [b, c]) expect(one.standing()).toBe("ok");
});

test("a local learning beats an older one of another machine, and an answer too", () => {
  const a = makeMachine("a");
  const b = makeMachine("b");
  a.fail("exhausted", 60 * MINUTE);
  b.pass(1_000);
  b.succeed();
  b.hear(a.told);
  expect(b.standing()).toBe("ok");
  b.fail("exhausted", 5 * MINUTE);
  const until = b.until();
  b.hear(a.told);
  expect(b.until()).toBe(until);
  a.pass(2_000);
  a.hear(b.told);
  expect(a.until()).toBe(until);
});

test("what is odd, from the future, of another account or of the client's own login is not taken", () => {
  const a = makeMachine("a");
  a.fail("exhausted", 60 * MINUTE);
  const [news] = a.told;
  if (news === undefined) throw new Error("nothing told");
  const b = makeMachine("b");
  b.hear([{ ...news, at: news.at + 10 * MINUTE }]);
  b.hear([{ ...news, id: "f".repeat(32) }]);
  for (const value of ["", 7, [], {}, { until: "soon" }, { ...(news.value as object), until: NOW + 1e12 }])
    b.hear([{ ...news, value }]);
  b.hear([
    { ...news, field: "open" },
    { ...news, field: "__proto__" },
    { ...news, field: "m:" },
  ]);
  expect(b.standing()).toBe("ok");
  const own = makeUpstream({ ...ACCOUNT, credential: { kind: "client" } });
  const c = makeMachine("c", 0, own);
  c.fail("exhausted", MINUTE);
  expect(c.told).toEqual([]);
});
