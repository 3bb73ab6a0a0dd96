import { describe, expect, test } from "bun:test";
import type { QuotaRow } from "../../src/quota/sources.ts";
import {
  describeLeft,
  isWorthShowing,
  listQuotaCells,
  makeBar,
  showRough,
  showSource,
} from "../../src/cli/quota-words.ts";

const NOON = new Date(2026, 10, 23, 12).getTime();
const ROW: QuotaRow = {
  source: "relay",
  window: "key",
  state: "ok",
  left: 7.7,
  used: 12.3,
  limit: 20,
  unit: "USD",
  resets_at_ms: null,
  read_at_ms: NOON,
  runs_out_at_ms: null,
  runs_out_by_ms: null,
  error: null,
};
const row = (parts: Partial<QuotaRow>): QuotaRow => ({ ...ROW, ...parts });

describe("a reading", () => {
  test("has a bar that is full or empty only when the account is", () => {
    const barOf = (left: number) => makeBar(row({ left, limit: 100 }));
    expect([100, 99.9, 50, 0.1, 0].map(barOf)).toEqual(["██████", "█████░", "███░░░", "█░░░░░", "░░░░░░"]);
    expect(makeBar(row({ left: 5, limit: null, used: null }))).toBe("");
    expect(makeBar(row({ left: 3, limit: null, used: 9 }))).toBe("██░░░░");
    expect(makeBar(row({ left: null }))).toBe("");
  });

  test("shows money to the cent, percents whole, anything else as it is", () => {
    expect([describeLeft(ROW), describeLeft(row({ limit: null }))]).toEqual([
      "$7.70 of $20.00 left",
      "$7.70 left",
    ]);
    expect(describeLeft(row({ unit: "CNY" }))).toBe("7.70 of 20.00 CNY left");
    expect(describeLeft(row({ unit: "%", left: 7.4, used: 92.6, limit: 100 }))).toBe("93% used");
    expect(describeLeft(row({ unit: "quota", left: 1_234.567, limit: null }))).toBe("1234.57 quota left");
  });

  test("tells times in one unit, and none for what has passed", () => {
    const spans = [null, -1, 0, 40_000, 60_000, 3_599_000, 7_300_000, 200_000_000];
    expect(spans.map(showRough)).toEqual(["", "", "1 s", "40 s", "60 s", "1 h", "2 h", "2 d"]);
  });

  test("names its source and window", () => {
    const named = [
      row({}),
      row({ source: "headers", window: "5h" }),
      row({ source: "budget", window: null }),
    ];
    expect(named.map(showSource)).toEqual(["relay, key", "headers, 5 h", "your budget"]);
  });

  test("is one line for status, where it says something", () => {
    const cells = (...quota: QuotaRow[]) => listQuotaCells({ quota }, NOON);
    const forms = ["███░░░  $7.70 of $20.00 left (key)", "███░░░  $7.70 of $20.00 left", "███░░░"];
    expect(cells(ROW)).toEqual([forms, [""], [""]]);
    const ending = row({ resets_at_ms: NOON + 7_200_000, runs_out_at_ms: NOON + 3_600_000 });
    expect(cells(ending)).toEqual([forms, ["resets 14:00"], ["runs out around 13:00"]]);
    expect(cells({ ...ending, runs_out_by_ms: NOON + 6_000_000 })[2]).toEqual([
      "runs out between 13:00 and 13:40",
      "runs out from 13:00",
    ]);
    const week = row({ unit: "%", used: 92.6, left: 7.4, limit: 100, window: "week" });
    expect(cells(week)[0]?.[0]).toBe("█░░░░░  93% used (week)");
    // Of several the one that is nearest to its end.
    expect(cells(ROW, week)).toEqual(cells(week));
    expect(cells(row({ state: "unlimited", left: null }))[0]?.[0]).toBe("no limit (relay)");
    for (const silent of [
      row({ left: null }),
      row({ state: "stale" }),
      row({ source: "headers", window: "tokens" }),
    ]) {
      expect(cells(silent)).toEqual([["", "", ""], [""], [""]]);
    }
  });

  test("of a speed limit is left out once that is full again", () => {
    const speed = { source: "headers", window: "requests", unit: "requests" };
    expect(isWorthShowing(row({ ...speed, left: 3 }))).toBe(true);
    expect(isWorthShowing(row({ ...speed, left: null }))).toBe(false);
    expect(isWorthShowing(row({ left: null }))).toBe(true);
  });
});
