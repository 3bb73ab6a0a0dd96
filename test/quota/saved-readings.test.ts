import { describe, expect, test } from "bun:test";
import { expectInEnglish } from "../helpers/expect-in-english.ts";
import fc from "fast-check";
import { UNLIMITED, makeBalance, makeMeter } from "../../src/quota/balance.ts";
import { type Reading, makeReading, stateOf, withBalance, withError } from "../../src/quota/reading.ts";
import { readReading, readRelay, writeReading } from "../../src/quota/saved-readings.ts";
import { type Source, makeNote } from "../../src/quota/sources.ts";

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

function readingOf(
  left: number,
  parts: { readonly source?: string; readonly resetsAt?: number } = {},
): Reading {
  const { resetsAt = null, source = "relay" } = parts;
  const balance = makeBalance([makeMeter({ name: "key", unit: "USD", left, limit: 20, resetsAt })]);
  return withBalance(makeReading(source), balance ?? UNLIMITED, NOW);
}

const noteOf = (...readings: readonly Reading[]) =>
  makeNote(
    readings.map((reading): Source => ({ reading, intervalMs: 0 })),
    NOW,
  );

describe("a reading in state.json", () => {
  test("comes back as it was", () => {
    const failed = withError(readingOf(3, { resetsAt: NOW + HOUR }), {
      error: "the endpoint answered 502",
      isUnsupported: false,
      now: NOW + 5,
    });
    for (const reading of [readingOf(3), failed, withBalance(makeReading("a"), UNLIMITED, NOW)]) {
      const stored: unknown = JSON.parse(JSON.stringify(writeReading(reading)));
      const read = readReading(stored, NOW + 10);
      expect(read).toEqual(reading);
      expect(JSON.stringify(read === null ? null : writeReading(read))).toBe(JSON.stringify(stored));
    }
  });

  test("of the future, of another shape, or of no sense is left out", () => {
    const good = JSON.parse(JSON.stringify(writeReading(readingOf(3)))) as Record<string, unknown>;
    for (const odd of [
      { ...good, at: NOW + HOUR },
      { ...good, meters: [{ name: "key", left: -1 }] },
      { ...good, source: 7 },
      null,
      [],
      "x",
    ]) {
      expect(readReading(odd, NOW)).toBeNull();
    }
    fc.assert(
      fc.property(fc.anything(), (value) => {
        readReading(value, NOW);
        readRelay(value);
      }),
    );
  });

  test("knows relays of kinds that exist", () => {
    expect(readRelay({ kind: "newapi_token", at: 1 })).toBe("newapi_token");
    expect(readRelay({ kind: "toString", at: 1 })).toBeNull();
  });
});

describe("several sources of one upstream", () => {
  test("the gravest counts, until the last of those that are at their end is over", () => {
    const full = readingOf(20);
    const low = readingOf(1);
    const gone = readingOf(0, { source: "one", resetsAt: NOW + HOUR });
    const goneLonger = readingOf(0, { source: "two", resetsAt: NOW + 3 * HOUR });
    expect(noteOf(full)).toMatchObject({ state: "ok" });
    expectInEnglish(noteOf(full, low)).toMatchObject({
      state: "low",
      reason: "$1.00 of $20.00 left (key)",
    });
    expect(noteOf(full, gone, low, goneLonger)).toMatchObject({ state: "exhausted", until: NOW + 3 * HOUR });
    expect(noteOf(gone, readingOf(0))).toMatchObject({ state: "exhausted", until: null });
    expect(noteOf()).toBeNull();
  });

  test("speed limits alone have no say", () => {
    const rate = {
      name: "requests",
      unit: "requests",
      left: 0,
      limit: 5,
      used: 5,
      resetsAt: NOW + 1,
      isAside: true,
    } as const;
    const balance = { meters: [rate], isUnlimited: false, says: null };
    expect(noteOf(withBalance(makeReading("headers"), balance, NOW))).toBeNull();
  });

  test("one that was never read, or too long ago, has no say", () => {
    const never = withError(makeReading("a"), { error: "x", isUnsupported: true, now: NOW });
    const old = { ...readingOf(0), at: NOW - 2 * HOUR };
    expect(noteOf(never, old)).toBeNull();
    expect(noteOf(never, old, readingOf(20))).toMatchObject({ state: "ok" });
    expect([stateOf(never, NOW, 0), stateOf(old, NOW, 0), stateOf(makeReading("a"), NOW, 0)]).toEqual([
      "error",
      "stale",
      "unknown",
    ]);
  });
});
