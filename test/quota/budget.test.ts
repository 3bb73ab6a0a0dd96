import { expect, test } from "bun:test";
import fc from "fast-check";
import { t } from "../../src/base/text.ts";
import type { Budget, BudgetScope } from "../../src/config/budgets.ts";
import type { LogEntry } from "../../src/log/entry.ts";
import { countBudget, createCounter, createSpans, spanOf } from "../../src/quota/budget.ts";
import { createSpend } from "../../src/usage/spend.ts";
import { makeEntry } from "../log/make-entry.ts";

const START = new Date(2026, 9, 31, 23, 59, 58).getTime();

test("the remembered window is the one that the calendar says, at every moment and with a clock that is set back", () => {
  const steps = fc.array(
    fc.tuple(fc.constantFrom("5h", "day", "week", "month"), fc.integer({ min: -2_000, max: 2_000 })),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const remembered = createSpans();
      let now = START;
      for (const [per, step] of list) {
        now += step;
        const { end, start } = remembered(per, now);
        expect({ end, start }).toEqual(spanOf(per, now));
      }
    }),
  );
});

test.each(["day", "month"] as const)(
  "a window of a %s ends within the second in which it is remembered",
  (per) => {
    const remembered = createSpans();
    const { end } = remembered(per, START);
    expect(remembered(per, end - 1).end).toBe(end);
    expect(remembered(per, end).start).toBe(end);
  },
);

const SCOPES: readonly BudgetScope[] = [
  { kind: "all" },
  { kind: "upstream", service: "codex", configName: "main", position: 1, baseUrl: "https://a.example/v1" },
  { kind: "config", service: "codex", configName: "main" },
  { kind: "model", pattern: /^m1/ },
  { kind: "project", projects: new Set(["acme"]) },
];
const PERS = ["5h", "day", "week", "month"] as const;
const UNITS = ["usd", "tokens", "requests"] as const;
const BUDGETS = SCOPES.flatMap((scope) =>
  PERS.flatMap((per) =>
    UNITS.map((unit): Budget => ({
      name: "b",
      id: "b",
      called: "b",
      title: t`b`,
      scope,
      unit,
      per,
      limit: 1_000,
      onSpent: "next",
      unpriced: "allow",
    })),
  ),
);

/** What a line of the log may say, as far as budgets ask. */
const answers = fc.record({
  ago: fc.constantFrom(0, 0, 0, 5_000, 3_600_000, 6 * 3_600_000, 26 * 3_600_000, -30 * 3_600_000),
  config_name: fc.constantFrom("main", "other"),
  upstream_base_url: fc.constantFrom("https://a.example/v1", "https://b.example/v1"),
  model: fc.oneof(fc.constantFrom("m1", "m2"), fc.nat(300).map(String)),
  project: fc.constantFrom(undefined, "acme", "else"),
  output: fc.nat(400),
  says: fc.constantFrom("usage", "usage", "usage", "part", "nothing", "estimate"),
  cost: fc.constantFrom("priced", "unpriced"),
  isRetried: fc.boolean(),
});

test("a count that goes on from the last one is the one that counts everything, after each answer and at each moment", () => {
  const steps = fc.array(fc.tuple(answers, fc.constantFrom(0, 1, 40, 700, 1_500, -200, 4_000), fc.nat(3)), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 190 }), (list, crowd) => {
      const spend = createSpend();
      const countOf = createCounter();
      let now = START;
      // Many places, so that names are joined.
      for (let at = 0; at < crowd; at += 1)
        spend.add({ ...makeEntry(), timestamp_ms: now, model: `x${at}` }, null, now);
      for (const [one, wait, unseen] of list) {
        const { ago, cost, isRetried, output, says, ...place } = one;
        const usage = {
          input_tokens: 1,
          output_tokens: output,
          total_tokens: output + 1,
          ...(says === "part" ? { partial: true as const } : {}),
        };
        const line: LogEntry = {
          ...makeEntry(),
          ...place,
          timestamp_ms: now - ago,
          usage: says === "usage" || says === "part" ? usage : undefined,
          ...(says === "nothing" || says === "estimate" ? { usage_unknown: "cut" as const } : {}),
          ...(says === "estimate" ? { estimate: { usd: 1.5, tokens: output } } : {}),
          ...(isRetried
            ? {
                attempts: [
                  {
                    upstream_base_url: "https://b.example/v1",
                    upstream_label: "b",
                    verdict: "server-error",
                    usage,
                  },
                ] as unknown as NonNullable<LogEntry["attempts"]>,
              }
            : {}),
        };
        const priced =
          cost === "priced"
            ? ({ kind: cost, usd: output / 7 } as const)
            : ({ kind: cost, model: "m" } as const);
        for (let times = 0; times <= unseen; times += 1)
          spend.add(line, isRetried ? { ...priced, attempts: [priced] } : priced, now);
        for (const budget of BUDGETS) {
          const counted = countOf(spend, budget, now, budget.limit);
          const { used, opensAt, ...rest } = countBudget(spend, budget, now);
          expect(counted.used).toBeCloseTo(used, 6);
          expect(counted).toMatchObject(rest);
          if (used >= budget.limit) expect(counted.opensAt).toBe(opensAt);
        }
        now += wait;
      }
    }),
    { numRuns: 60 },
  );
});

test("so many answers at once that not each of them is remembered are counted all the same", () => {
  const spend = createSpend();
  const countOf = createCounter();
  const [budget] = BUDGETS.filter(
    ({ per, scope, unit }) => scope.kind === "all" && per === "day" && unit === "requests",
  );
  if (budget === undefined) throw new Error("no such budget");
  const entry = {
    ...makeEntry(),
    timestamp_ms: START,
    usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
  };
  expect(countOf(spend, budget, START, 1_000).used).toBe(0);
  for (const many of [1, 63, 64, 65, 300]) {
    const before = countOf(spend, budget, START, 1_000).used;
    for (let at = 0; at < many; at += 1) spend.add(entry, null, START);
    expect(countOf(spend, budget, START, 1_000).used).toBe(before + many);
  }
});
