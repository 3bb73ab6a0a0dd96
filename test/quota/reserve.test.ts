import { expect, test } from "bun:test";
import { makeBalance, makeMeter, type Meter } from "../../src/quota/balance.ts";
import { makeReading, withBalance } from "../../src/quota/reading.ts";
import { barOfReserves, readReserves } from "../../src/quota/reserve.ts";
import { NOW } from "../helpers/routing.ts";

const HOUR = 3_600_000;

function sourceOf(meters: readonly (Meter | null)[], at = NOW, intervalMs = 0) {
  const balance = makeBalance(meters);
  if (balance === null) throw new Error("no meter");
  return { reading: withBalance(makeReading("headers"), balance, at), intervalMs };
}

const percent = (name: string, used: number, resetsAt: number | null = NOW + HOUR): Meter | null =>
  makeMeter({ name, unit: "%", limit: 100, used, resetsAt });

test.each([
  ["7d", "7d"],
  ["7d", "week"],
  ["168h", "week"],
  ["week", "7d"],
  ["300m", "5h"],
  ["5H", "5h"],
  ["day", "1d"],
  ["24h", "day"],
  ["30d", "month"],
  ["month", "30d"],
  ["7d opus", "7d opus"],
  ["week opus", "7d_opus"],
])("%s is the window that a reading calls %s", (written, read) => {
  const reserves = readReserves({ [written]: 20 }, [sourceOf([percent(read, 85)])], NOW);
  expect(reserves).toMatchObject([{ state: "kept", left: 15 }]);
});

test.each([
  ["5h", "7d"],
  ["7d", "7d opus"],
  ["7d opus", "7d"],
  ["month", "week"],
])("%s is another window than %s", (written, read) => {
  expect(readReserves({ [written]: 20 }, [sourceOf([percent(read, 85)])], NOW)).toMatchObject([
    { state: "unknown" },
  ]);
});

test("of two readings the newer one counts", () => {
  const [old, fresh] = [sourceOf([percent("5h", 95)], NOW - 60_000), sourceOf([percent("5h", 10)])];
  expect(readReserves({ "5h": 20 }, [old, fresh], NOW)).toMatchObject([{ state: "free", left: 90 }]);
  expect(readReserves({ "5h": 20 }, [fresh, old], NOW)).toMatchObject([{ state: "free", left: 90 }]);
});

test("a window whose reset has passed is full again, and one without a limit is not known", () => {
  const over = sourceOf([percent("5h", 95, NOW - 1)]);
  expect(readReserves({ "5h": 20 }, [over], NOW)).toMatchObject([
    { state: "free", left: 100, resetsAt: null },
  ]);
  const open = sourceOf([makeMeter({ name: "week", unit: "USD", left: 3 })]);
  expect(readReserves({ week: 20 }, [open], NOW)).toMatchObject([{ state: "unknown" }]);
});

test("a reading that is asked for rarely is valid for longer", () => {
  const old = sourceOf([percent("5h", 95, null)], NOW - 3 * HOUR, 2 * HOUR);
  expect(readReserves({ "5h": 20 }, [old], NOW)).toMatchObject([{ state: "kept" }]);
  expect(readReserves({ "5h": 20 }, [{ ...old, intervalMs: 0 }], NOW)).toMatchObject([{ state: "stale" }]);
});

test("of several the one that lasts is told, and a model's own window keeps that model alone away", () => {
  const source = sourceOf([
    percent("5h", 90, NOW + HOUR),
    percent("7d", 95, NOW + 9 * HOUR),
    percent("7d opus", 99, NOW + 99 * HOUR),
  ]);
  const all = readReserves({ "5h": 20, "7d": 10, "7d opus": 5 }, [source], NOW);
  expect(barOfReserves(all, "claude-sonnet-5")).toMatchObject({ until: NOW + 9 * HOUR });
  expect(barOfReserves(all, null)).toMatchObject({ until: NOW + 9 * HOUR });
  expect(barOfReserves(all, "claude-opus-5-5")).toMatchObject({ until: NOW + 99 * HOUR });
  const opus = readReserves({ "7d opus": 5 }, [source], NOW);
  expect(barOfReserves(opus, "claude-haiku-5")).toBeUndefined();
});
