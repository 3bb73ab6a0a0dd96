import { describe, expect, test } from "bun:test";
import {
  type Balance,
  type MeterParts,
  UNLIMITED,
  assess,
  makeBalance,
  makeMeter,
} from "../../src/quota/balance.ts";

const NOW = 1_800_000_000_000;
const of = (parts: Partial<MeterParts>, ...more: Partial<MeterParts>[]): Balance => {
  const balance = makeBalance([parts, ...more].map((one) => makeMeter({ name: "x", unit: "USD", ...one })));
  if (balance === null) throw new Error("no meter");
  return balance;
};

describe("a balance", () => {
  test("is low from a tenth of its limit down, and below a dollar where no limit is known", () => {
    expect(assess(of({ left: 2.01, limit: 20 }), NOW).state).toBe("ok");
    expect(assess(of({ left: 2, limit: 20 }), NOW).state).toBe("low");
    expect(assess(of({ left: 1 }), NOW).state).toBe("ok");
    expect(assess(of({ left: 0.99 }), NOW).state).toBe("low");
    expect(assess(of({ left: 3, unit: "requests" }), NOW).state).toBe("ok");
  });

  test("is exhausted when any of its meters is, until the last of these is full again", () => {
    const soon = { left: 0, limit: 5, resetsAt: NOW + 1_000 };
    const later = { left: 0, limit: 9, resetsAt: NOW + 9_000 };
    const fine = { left: 5, limit: 5, resetsAt: NOW + 99_000 };
    expect(assess(of(soon, later, fine), NOW)).toMatchObject({ state: "exhausted", until: NOW + 9_000 });
    expect(assess(of(soon, { left: 0 }), NOW)).toMatchObject({ state: "exhausted", until: null });
  });

  test("is full again once its reset has passed, whatever it showed", () => {
    const spent = of({ left: 0, limit: 5, resetsAt: NOW });
    expect(assess(spent, NOW - 1).state).toBe("exhausted");
    expect(assess(spent, NOW).state).toBe("ok");
  });

  test("that called itself exhausted is so no longer than the meters that were at their end", () => {
    const week = { name: "week", left: 60, limit: 100, resetsAt: NOW + 99_000 };
    const said = { ...of({ left: 0, limit: 100, resetsAt: NOW }, week), says: "exhausted" as const };
    expect(assess(said, NOW - 1)).toMatchObject({ state: "exhausted", until: NOW });
    expect(assess(said, NOW).state).toBe("ok");

    const both = of({ left: 0, limit: 100, resetsAt: NOW }, { ...week, left: 0 });
    expect(assess({ ...both, says: "exhausted" }, NOW)).toMatchObject({
      state: "exhausted",
      until: NOW + 99_000,
    });
    expect(assess({ ...of(week), says: "exhausted" }, NOW).state).toBe("exhausted");
  });

  test("that calls itself usable is at worst low", () => {
    expect(assess({ ...of({ left: 0, limit: 5 }), says: "ok" }, NOW).state).toBe("low");
    expect(assess({ ...of({ left: 5, limit: 5 }), says: "low" }, NOW).state).toBe("low");
    expect(assess({ ...of({ left: 5, limit: 5 }), says: "exhausted" }, NOW).state).toBe("exhausted");
  });

  test("without a limit is not judged", () => {
    expect(assess(UNLIMITED, NOW)).toEqual({ state: "unlimited", until: null, meter: null });
  });
});
