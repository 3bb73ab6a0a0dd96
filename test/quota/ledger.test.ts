import { describe, expect, test } from "bun:test";
import { createLedger } from "../../src/quota/ledger.ts";
import { makeQuotaRows } from "../../src/quota/sources.ts";

/** Noon of a day in the middle of a month, local time. */
const NOON = new Date(2026, 10, 16, 12).getTime();
const HOUR = 3_600_000;
const LIMITS = { day: 10, month: 100 };

describe("a budget", () => {
  test("counts the local day and month, and is full again with the next", () => {
    const ledger = createLedger();
    ledger.add("relay", new Date(2026, 9, 31, 23, 59).getTime(), 50);
    ledger.add("relay", new Date(2026, 10, 1, 0, 0).getTime(), 20);
    ledger.add("relay", new Date(2026, 10, 15, 23, 59).getTime(), 5);
    ledger.add("relay", new Date(2026, 10, 16, 0, 0).getTime(), 4);
    ledger.add("other", NOON, 9);
    const meters = ledger.read("relay", LIMITS, NOON).balance?.meters;
    expect(meters).toMatchObject([
      { name: "day", used: 4, left: 6, limit: 10, unit: "USD", resetsAt: new Date(2026, 10, 17).getTime() },
      { name: "month", used: 29, left: 71, limit: 100, resetsAt: new Date(2026, 11, 1).getTime() },
    ]);
    const next = ledger.read("relay", LIMITS, new Date(2026, 10, 17, 1).getTime());
    expect(next.balance?.meters).toMatchObject([{ left: 10 }, { left: 71 }]);
  });

  test("says when it will be spent, from the costs of the last hours", () => {
    const ledger = createLedger();
    for (let hour = 4; hour > 0; hour -= 1) ledger.add("relay", NOON - hour * HOUR + 60_000, 1);
    const reading = ledger.read("relay", { day: 10, month: null }, NOON);
    const [row] = makeQuotaRows({ reading, intervalMs: 0 }, NOON);
    // 4 USD in 4 hours, 6 left.
    expect(row).toMatchObject({ source: "budget", window: "day", left: 6 });
    expect(row?.runs_out_at_ms).toBeLessThan(NOON + 6 * HOUR);
    expect(row?.runs_out_by_ms).toBeGreaterThan(NOON + 6 * HOUR);
  });

  test("leaves nothing where more was spent, and says what it could not count", () => {
    const ledger = createLedger();
    ledger.add("relay", NOON, 12);
    ledger.add("relay", NOON, null);
    const reading = ledger.read("relay", { day: 10, month: null }, NOON);
    const [row] = makeQuotaRows({ reading, intervalMs: 0 }, NOON);
    expect(row).toMatchObject({
      state: "exhausted",
      left: 0,
      used: 12,
      error: "requests without a price, not counted: 1",
    });
  });

  test("says what it counted in part", () => {
    const none = { unpriced: 0, withoutUsage: 0, partial: 0 };
    const rows = [
      [{ ...none, partial: 2 }, "requests of which a part is unknown: 2"],
      [
        { unpriced: 1, withoutUsage: 3, partial: 2 },
        "not counted: 1 requests without a price, 3 of unknown usage, a part of 2",
      ],
    ] as const;
    for (const [count, words] of rows) {
      const ledger = createLedger();
      ledger.addUncounted("relay", NOON, count);
      const reading = ledger.read("relay", { day: 10, month: null }, NOON);
      expect(makeQuotaRows({ reading, intervalMs: 0 }, NOON)[0]).toMatchObject({ error: words });
    }
  });
});
