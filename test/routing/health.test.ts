import { describe, expect, test } from "bun:test";
import { expectInEnglish } from "../helpers/expect-in-english.ts";
import fc from "fast-check";
import {
  afterBegun,
  afterFailure,
  afterSuccess,
  type At,
  type Health,
  HEALTHY,
  withoutExhaustion,
} from "../../src/routing/health.ts";
import { assess } from "../../src/routing/availability.ts";
import type { Assessment, Blame, QuotaNote, Verdict } from "../../src/routing/types.ts";
import { DEFAULT_ROUTING, makeVerdict, NOW, told } from "../helpers/routing.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function at(ms: number, parts: Partial<At> = {}): At {
  // A die that always shows the middle: no jitter.
  return {
    now: NOW + ms,
    settings: DEFAULT_ROUTING,
    random: () => 0.5,
    isProbe: false,
    model: null,
    ...parts,
  };
}

function fail(health: Health, ms: number, verdict: Partial<Verdict> = {}, parts: Partial<At> = {}): Health {
  return afterFailure(health, makeVerdict(verdict), at(ms, parts));
}

function failures(count: number, blame: Blame = "failure", from: Health = HEALTHY): Health {
  let health = from;
  for (let index = 0; index < count; index += 1) health = fail(health, index, { blame });
  return health;
}

function look(health: Health, ms: number, parts: Partial<Parameters<typeof assess>[0]> = {}): Assessment {
  return assess({
    health,
    quota: undefined,
    probeSince: null,
    model: null,
    now: NOW + ms,
    isLastResort: false,
    ...parts,
  });
}

/** A trial that succeeds. */
function prove(health: Health, ms: number): Health {
  return afterSuccess(afterBegun(health, at(ms, { isProbe: true })), at(ms, { isProbe: true }));
}

describe("the breaker opens", () => {
  const cases: [string, Blame, number][] = [
    ["after three failures in a row", "failure", 3],
    ["after two requests that could not be sent", "never-sent", 2],
    ["after two answers that did not come", "first-byte", 2],
    ["at once when the certificate is refused", "tls", 1],
  ];
  for (const [title, blame, count] of cases) {
    test(title, () => {
      expect(look(failures(count - 1, blame), 10).availability).toBe("ok");
      expect(look(failures(count, blame), 10)).toMatchObject({ availability: "open", allowed: "no" });
    });
  }

  test("on a mixture of three failures", () => {
    const mixed = fail(fail(failures(1), 2, { blame: "never-sent" }), 3, { blame: "first-byte" });
    expect(look(mixed, 10).availability).toBe("open");
  });

  test("when half of at least six requests of a minute failed, none three times in a row", () => {
    let health = HEALTHY;
    for (let index = 0; index < 2; index += 1) {
      health = fail(health, index * 2 * SECOND);
      health = afterSuccess(health, at(index * 2 * SECOND + SECOND));
    }
    health = afterSuccess(health, at(5 * SECOND));
    expect(look(health, 6 * SECOND).availability).toBe("ok");
    expect(look(fail(health, 7 * SECOND), 8 * SECOND).availability).toBe("open");
  });

  test("not when the failures are a minute apart", () => {
    let health = HEALTHY;
    for (let index = 0; index < 20; index += 1) {
      health = fail(health, index * 2 * MINUTE);
      health = afterSuccess(health, at((index * 2 + 1) * MINUTE));
    }
    expect(look(health, 40 * MINUTE).availability).toBe("ok");
  });

  test("not by rate limits, refusals of the request or missing models", () => {
    let health = HEALTHY;
    for (const blame of ["none", "cooldown", "model"] as const)
      for (let index = 0; index < 10; index += 1)
        health = fail(health, index, { blame, until: NOW + 10 }, { model: "m" });
    expect(look(health, SECOND).availability).toBe("ok");
  });
});

describe("the breaker's pauses", () => {
  test("double from 10 s to 120 s, one failed trial after the other, and begin anew after two successes", () => {
    let health = failures(3);
    let ms = 2;
    const pauses: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const { until } = look(health, ms);
      pauses.push((until ?? 0) - NOW - ms);
      ms = (until ?? 0) - NOW;
      health = fail(health, ms, {}, { isProbe: true });
    }
    expect(pauses).toEqual([10, 20, 40, 80, 120, 120].map((seconds) => seconds * SECOND));
    ms = (look(health, ms).until ?? 0) - NOW;
    health = failures(3, "failure", prove(prove(health, ms), ms));
    expect(look(health, 2).until).toBe(NOW + 2 + 10 * SECOND);
  });

  test("are spread by a fifth to either side", () => {
    const pause = (random: number): number => {
      const verdict = makeVerdict();
      let health = HEALTHY;
      for (let index = 0; index < 3; index += 1)
        health = afterFailure(health, verdict, at(0, { random: () => random }));
      return (look(health, 1).until ?? 0) - NOW;
    };
    expect(pause(0)).toBe(8 * SECOND);
    expect(pause(1)).toBe(12 * SECOND);
  });

  test("are five minutes for a certificate", () => {
    expectInEnglish(look(failures(1, "tls"), 1)).toMatchObject({
      until: NOW + 5 * MINUTE,
      source: "certificate errors, 5 min",
    });
  });

  test("are 2 s to 10 s where nothing else is usable", () => {
    let health = failures(3);
    let ms = 2;
    const pauses: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const askAt = look(health, ms, { isLastResort: true }).askAt ?? 0;
      pauses.push(askAt - NOW - ms);
      ms = askAt - NOW;
      expect(look(health, ms, { isLastResort: true }).allowed).toBe("probe");
      expect(look(health, ms).allowed).toBe("no");
      health = fail(health, ms, {}, { isProbe: true });
    }
    expect(pauses).toEqual([2, 4, 8, 10, 10].map((seconds) => seconds * SECOND));
  });
});

describe("half-open", () => {
  const open = failures(3);
  const due = 11 * SECOND;

  test("one trial may go, and while it is out nobody else", () => {
    expect(look(open, due)).toMatchObject({ availability: "probing", allowed: "probe" });
    expect(look(open, due, { probeSince: NOW })).toMatchObject({ availability: "probing", allowed: "no" });
  });

  test("the second success closes it, the first lets the next trial go at once", () => {
    const once = prove(open, due);
    expect(look(once, due)).toMatchObject({ availability: "probing", allowed: "probe" });
    expect(look(prove(once, due), due)).toMatchObject({ availability: "ok", allowed: "go" });
  });

  test("a failure between the two opens it for longer", () => {
    const again = fail(prove(open, due), due, {}, { isProbe: true });
    expect(look(again, due)).toMatchObject({ availability: "open", until: NOW + due + 20 * SECOND });
  });

  test("a trial that is rate limited has shown that the way is free", () => {
    const limited = fail(open, due, { blame: "cooldown", until: NOW + due + SECOND }, { isProbe: true });
    expect(look(limited, due).availability).toBe("cooling");
    expect(look(prove(limited, due + 2 * SECOND), due + 2 * SECOND).availability).toBe("ok");
  });

  test("requests that were sent before it opened change nothing when they end", () => {
    expect(look(fail(open, 5 * SECOND), 6 * SECOND).until).toBe(look(open, 6 * SECOND).until);
    expect(afterSuccess(open, at(5 * SECOND))).toBe(open);
    expect(afterBegun(open, at(5 * SECOND))).toBe(open);
  });
});

test("who has to wait for a trial is sent away for longer the longer it takes, so that no client gives up", () => {
  const open = failures(3);
  const since = NOW + 10 * SECOND;
  const waitAfter = (ms: number): number => {
    const now = 10 * SECOND + ms;
    return ((look(open, now, { probeSince: since, isLastResort: true }).askAt ?? 0) - NOW - now) / SECOND;
  };
  expect([-5, 0, 1, 6, 20, 100].map((secs) => waitAfter(secs * SECOND))).toEqual([2, 2, 2, 3, 10, 10]);
  let patienceSecs = 0;
  for (let tries = 0; tries < 30; tries += 1) patienceSecs += waitAfter(patienceSecs * SECOND);
  expect(patienceSecs).toBeGreaterThan(200);
});

describe("a rate limit", () => {
  test("lasts as long as was asked for, also for the last usable upstream", () => {
    const health = fail(HEALTHY, 0, {
      blame: "cooldown",
      until: NOW + 30 * SECOND,
      resetsAt: NOW + 30 * SECOND,
    });
    expect(look(health, 29 * SECOND)).toMatchObject({ availability: "cooling", allowed: "no" });
    expect(look(health, 29 * SECOND, { isLastResort: true }).allowed).toBe("no");
    expect(look(health, 30 * SECOND)).toMatchObject({ availability: "ok", allowed: "go" });
  });

  test("that names no time doubles from 10 s to 120 s, until an answer comes", () => {
    let health = HEALTHY;
    let ms = 0;
    const pauses: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      health = fail(health, ms, { blame: "cooldown" });
      const until = look(health, ms).until ?? 0;
      pauses.push(until - NOW - ms);
      ms = until - NOW;
    }
    expect(pauses).toEqual([10, 20, 40, 80, 120, 120].map((seconds) => seconds * SECOND));
    health = fail(afterSuccess(health, at(ms)), ms, { blame: "cooldown" });
    expect(look(health, ms).until).toBe(NOW + ms + 10 * SECOND);
  });

  test("met by many requests at once is one rate limit", () => {
    let health = HEALTHY;
    for (let index = 0; index < 10; index += 1) health = fail(health, index, { blame: "cooldown" });
    expect(health.holds.cooling?.consecutiveTrips).toBe(0);
    expect(look(health, 10).until).toBe(NOW + 10 * SECOND + 9);
  });
});

describe("an exhausted upstream", () => {
  const HOUR = 60 * MINUTE;
  const spent = fail(HEALTHY, 0, { blame: "exhausted", until: NOW + 5 * HOUR, resetsAt: NOW + 5 * HOUR });

  test("is avoided until the reset", () => {
    expect(look(spent, 10 * MINUTE)).toMatchObject({
      availability: "exhausted",
      allowed: "no",
      until: NOW + 5 * HOUR,
      isExhausted: true,
    });
    expect(look(spent, 5 * HOUR)).toMatchObject({
      availability: "probing",
      allowed: "probe",
      isExhausted: true,
    });
  });

  test("is looked at early, at growing distances", () => {
    expect(look(spent, 15 * MINUTE).allowed).toBe("probe");
    const again = fail(spent, 15 * MINUTE, { blame: "exhausted", until: NOW + 5 * HOUR }, { isProbe: true });
    expect(look(again, 44 * MINUTE).allowed).toBe("no");
    expect(look(again, 45 * MINUTE).allowed).toBe("probe");
  });

  test("is asked every ten seconds where nothing else is usable", () => {
    expect(look(spent, 9 * SECOND, { isLastResort: true }).allowed).toBe("no");
    expect(look(spent, 10 * SECOND, { isLastResort: true }).allowed).toBe("probe");
  });

  test("is well again with the first answer", () => {
    expect(look(prove(spent, 15 * MINUTE), 15 * MINUTE).availability).toBe("ok");
  });

  test("is cleared by a balance that was read later, unless it named its reset itself", () => {
    const guessed = fail(HEALTHY, 0, { blame: "exhausted", until: NOW + 15 * MINUTE });
    expect(withoutExhaustion(guessed, NOW + MINUTE).holds.exhausted).toBeUndefined();
    expect(withoutExhaustion(guessed, NOW - MINUTE)).toBe(guessed);
    expect(withoutExhaustion(spent, NOW + MINUTE)).toBe(spent);
  });
});

test("a refused credential is tried again after five minutes, and then by one request only", () => {
  const dead = fail(HEALTHY, 0, { blame: "auth-dead", until: NOW + 5 * MINUTE });
  expect(look(dead, 4 * MINUTE)).toMatchObject({ availability: "auth-dead", allowed: "no" });
  expect(look(dead, 5 * MINUTE)).toMatchObject({ allowed: "probe" });
  expect(look(prove(dead, 5 * MINUTE), 5 * MINUTE).availability).toBe("ok");
});

describe("a model that an upstream does not offer", () => {
  const unknown = { blame: "model", rule: "model-unknown", until: NOW + 10 * MINUTE } as const;
  const health = fail(HEALTHY, 0, unknown, { model: "m" });

  test("is asked for elsewhere for ten minutes; all other models are not touched", () => {
    expect(look(health, MINUTE, { model: "m" })).toMatchObject({
      availability: "model-unknown",
      allowed: "no",
    });
    expect(look(health, MINUTE, { model: "other" }).availability).toBe("ok");
    expect(look(health, MINUTE).availability).toBe("ok");
    expect(look(health, 10 * MINUTE, { model: "m" }).availability).toBe("ok");
  });

  test("is known again after an answer", () => {
    expect(look(afterSuccess(health, at(MINUTE, { model: "m" })), MINUTE, { model: "m" }).availability).toBe(
      "ok",
    );
  });

  test("and one that is only busy is a rate limit of that model", () => {
    const busy = fail(HEALTHY, 0, { ...unknown, rule: "model-busy" }, { model: "m" });
    expect(look(busy, MINUTE, { model: "m" }).availability).toBe("cooling");
  });

  test("does not fill the memory", () => {
    let many = HEALTHY;
    for (let index = 0; index < 100; index += 1) many = fail(many, index, unknown, { model: `m${index}` });
    expect(Object.keys(many.models).length).toBe(32);
    expect(look(many, MINUTE, { model: "m99" }).availability).toBe("model-unknown");
  });

  test("may have any name", () => {
    const odd = fail(HEALTHY, 0, unknown, { model: "__proto__" });
    expect(look(odd, MINUTE, { model: "__proto__" }).availability).toBe("model-unknown");
    expect(look(odd, MINUTE, { model: "constructor" }).availability).toBe("ok");
  });
});

describe("a quota reading", () => {
  const note = (parts: Partial<QuotaNote>): QuotaNote => ({
    state: "exhausted",
    at: NOW,
    until: null,
    reason: told("0 left"),
    ...parts,
  });

  test("that says exhausted keeps traffic away while something else is usable, and no longer than it is fresh", () => {
    const quota = note({});
    expect(look(HEALTHY, MINUTE, { quota })).toMatchObject({
      availability: "exhausted",
      allowed: "no",
      isExhausted: true,
    });
    expect(look(HEALTHY, MINUTE, { quota, isLastResort: true }).allowed).toBe("go");
    expect(look(HEALTHY, 61 * MINUTE, { quota }).availability).toBe("ok");
    expect(look(HEALTHY, 2 * MINUTE, { quota: note({ until: NOW + MINUTE }) }).availability).toBe("ok");
  });

  test("that says low leaves it usable", () => {
    expect(look(HEALTHY, MINUTE, { quota: note({ state: "low" }) })).toMatchObject({
      availability: "low",
      allowed: "go",
    });
  });
});

test("a clock that was set back frees what it would have locked up", () => {
  const spent = fail(HEALTHY, 0, { blame: "exhausted", until: NOW + 60 * MINUTE });
  expect(look(spent, -24 * 60 * MINUTE).allowed).toBe("probe");
  expect(look(failures(3), -5 * MINUTE).allowed).toBe("probe");
});

test("a rate limit from before the clock was set back makes room for the next one", () => {
  const before = fail(HEALTHY, 0, { blame: "cooldown", until: NOW + 30 * SECOND, resetsAt: NOW });
  const back = -60 * MINUTE;
  const again = fail(before, back, { blame: "cooldown", until: NOW + back + 30 * SECOND, resetsAt: NOW });
  expect(look(again, back + SECOND)).toMatchObject({ allowed: "no", askAt: NOW + back + 30 * SECOND });
});

test("whatever happens, every hold ends, and two good trials at its end make the upstream well", () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 200_000 }),
    isProbe: fc.boolean(),
    blame: fc.constantFrom<Blame | "ok">(
      "ok",
      "none",
      "failure",
      "never-sent",
      "first-byte",
      "tls",
      "cooldown",
      "exhausted",
      "auth-dead",
      "model",
    ),
    untilMs: fc.integer({ min: 1, max: 3_600_000 }),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (steps, die) => {
        let health = HEALTHY;
        let ms = 0;
        for (const { afterMs, blame, isProbe, untilMs } of steps) {
          ms += afterMs;
          const moment = at(ms, { isProbe, model: "m", random: () => die });
          const stated = blame === "cooldown" || blame === "failure" ? null : NOW + ms + untilMs;
          health =
            blame === "ok"
              ? afterSuccess(afterBegun(health, moment), moment)
              : afterFailure(health, makeVerdict({ blame, until: stated, rule: "model-unknown" }), moment);
          for (const hold of Object.values(health.holds)) {
            expect(hold.probeAt).toBeLessThanOrEqual(hold.until);
            expect(hold.lastResortAt).toBeLessThanOrEqual(hold.until);
            expect(hold.until - NOW - ms).toBeLessThanOrEqual(3_600_000);
          }
          const early = look(health, ms, { isLastResort: true });
          const normal = look(health, ms);
          if (normal.allowed !== "no") expect(early.allowed).not.toBe("no");
          if (normal.allowed === "no") expect(normal.askAt).toBeGreaterThan(NOW + ms);
        }
        ms += 3_600_001;
        expect(look(health, ms, { model: "m" }).allowed).not.toBe("no");
        expect(look(prove(prove(health, ms), ms), ms, { model: "m" }).availability).toBe("ok");
      },
    ),
  );
});
