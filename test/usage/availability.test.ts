import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { stateOfRule } from "../../src/routing/logged-attempts.ts";
import { type Availability, createAvailability } from "../../src/usage/availability.ts";
import { makeRecord } from "../log/make-record.ts";

const HOUR_MS = 3_600_000;
const FIRST = Date.UTC(2026, 10, 22, 9);
const hourOf = (at: number): string => `${new Date(at).toISOString().slice(0, 13).replace("T", " ")}:00`;

type Entry = Readonly<Record<string, unknown>>;
const A = { upstream_base_url: "https://a.example", upstream_label: "main#1" };
const B = { upstream_base_url: "https://b.example", upstream_label: "main#2" };
const at = (hour: number, entry: Entry): Entry => ({ timestamp_ms: FIRST + hour * HOUR_MS, ...entry });
const storyOf = (standing: string, label = "main#2"): Entry => ({
  upstream_base_url: null,
  outcome: "error",
  reason: {
    rule: "no-answer",
    stories: [{ rule: "story-not-asked", label, standing, cause: { rule: "ok" } }],
  },
});

function availabilityOf(entries: readonly Entry[]): Availability {
  const builder = createAvailability({ hourOf, stateOf: stateOfRule });
  for (const entry of entries)
    builder.add(makeRecord({ method: "POST", path: "/v1/responses", outcome: "ok", ...entry }));
  return builder.finish();
}

/** "main#1 fine1 - spent2": each hour of each upstream. */
function strips(entries: readonly Entry[]): string[] {
  return availabilityOf(entries).strips.map(({ cells, label }) => {
    const shown = cells.map((counts) =>
      counts === undefined
        ? "-"
        : Object.entries(counts)
            .filter(([, count]) => count > 0)
            .map(([state, count]) => state + String(count))
            .join("+"),
    );
    return [label ?? "?", ...shown].join(" ");
  });
}

describe("availability", () => {
  test("is hour by hour what attempts came to, and where there were none, it was not asked", () => {
    const failedOver = {
      ...B,
      attempts: [
        { ...A, verdict: "codex-usage-limit", shown: false },
        { ...B, verdict: "ok", shown: true },
      ],
    };
    expect(strips([at(0, A), at(0, failedOver), at(2, { ...B, outcome: "error" })])).toEqual([
      "main#1 fine1+spent1 - -",
      "main#2 fine1 - failing1",
    ]);
  });

  test.each<[verdict: string, shown: string, reason: string | null]>([
    ["ok", "fine1", null],
    ["client-gone", "fine1", null],
    ["server-error", "failing1", null],
    ["rate-limit", "failing1", null],
    ["credential", "failing1", null],
    ["dns", "failing1", null],
    ["relay-quota", "spent1", null],
    ["model-quota", "spent1", null],
    ["payment-required", "spent1", null],
    ["client-error", "fine1", null],
    ["model-unknown", "fine1", null],
    ["bound-history", "fine1", null],
    ["a-rule-of-another-version", "failing1", null],
    ["on-status", "spent1", "on-status-exhausted"],
    ["on-error", "fine1", "on-status-terminal"],
    ["on-status", "failing1", "on-status-next"],
    ["on-status", "failing1", null],
  ])("an attempt judged %s is %s", (verdict, shown, rule) => {
    const reason = rule === null ? undefined : { rule };
    expect(strips([at(0, { ...A, attempts: [{ ...A, verdict, reason }] })])).toEqual([`main#1 ${shown}`]);
  });

  test("an answer that broke off later has failed", () => {
    const attempts = [{ ...A, verdict: "ok", shown: true }];
    expect(strips([at(0, { ...A, outcome: "cut", attempts })])).toEqual(["main#1 failing1"]);
    expect(strips([at(0, { ...A, outcome: "cut" })])).toEqual(["main#1 failing1"]);
  });

  test("what could not be asked for want of a key was not asked", () => {
    expect(strips([at(0, { ...A, attempts: [{ ...A, verdict: "not-tried" }] })])).toEqual([]);
  });

  test.each([
    ["exhausted", "main#2 fine1 spent1"],
    ["open", "main#2 fine1 failing1"],
    ["auth-dead", "main#2 fine1 failing1"],
    ["cooling", "main#2 fine1 failing1"],
    ["ok", "main#2 fine1"],
    ["walled", "main#2 fine1"],
    ["__proto__", "main#2 fine1"],
  ])("a request that none could answer tells of one that is %s", (standing, shown) => {
    expect(strips([at(0, B), at(1, storyOf(standing))])).toEqual([shown]);
  });

  test("knows an upstream by its label alone, until the log has its address", () => {
    expect(strips([at(0, storyOf("exhausted", "main#2 (gpt-5)"))])).toEqual(["main#2 spent1"]);
    expect(strips([at(0, storyOf("exhausted")), at(1, B)])).toEqual(["main#2 spent1 fine1"]);
  });

  test("two keys of one address are two upstreams, in the order of their labels", () => {
    const tenth = { ...A, upstream_label: "main#10" };
    expect(strips([at(0, tenth), at(0, tenth), at(0, { ...A, upstream_label: "main#9" })])).toEqual([
      "main#9 fine1",
      "main#10 fine2",
    ]);
  });

  test("goes by the hour for eight days, by the day for three months, and then by the month", () => {
    const spanOf = (days: number): [string, number] => {
      const { periods, unit } = availabilityOf([at(0, A), at(days * 24, A)]);
      return [unit, periods.length];
    };
    expect([0, 8, 9, 92, 93, 730].map(spanOf)).toEqual([
      ["hour", 1],
      ["hour", 193],
      ["day", 10],
      ["day", 93],
      ["month", 4],
      ["month", 25],
    ]);
  });

  test("shows the twelve that were asked most, and says how many there are besides", () => {
    const { left, strips: shown } = availabilityOf(
      Array.from({ length: 15 }, (_, index) =>
        Array.from({ length: index + 1 }, () => at(0, { upstream_base_url: `https://u${index}.example` })),
      ).flat(),
    );
    expect([shown.length, left]).toEqual([12, 3]);
    expect(shown.map(({ asked }) => asked).toSorted((a, b) => a - b)[0]).toBe(4);
  });

  test("lines that stand for refused requests say nothing", () => {
    expect(strips([at(0, { ...A, refusals: 3, outcome: "refused" })])).toEqual([]);
  });

  test("never throws, whatever a line has as its reason and attempts", () => {
    const any = fc.anything();
    fc.assert(
      fc.property(
        fc.array(fc.record({ reason: any, attempts: any, upstream_base_url: any }), { maxLength: 5 }),
        (all) => {
          expect(availabilityOf(all.map((entry) => at(0, entry))).unit).toBe("hour");
        },
      ),
    );
    expect(
      availabilityOf([
        at(0, { reason: { rule: "no-answer", stories: [null, 1, { rule: "story-not-asked" }] } }),
      ]).strips,
    ).toEqual([]);
  });
});
