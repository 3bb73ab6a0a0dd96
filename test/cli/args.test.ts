import { expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { localDay } from "../../src/base/text.ts";
import { readTime } from "../../src/cli/args.ts";

const NOW = new Date("2026-11-22T14:30:00").getTime();
const at = (text: string): number => new Date(text).getTime();

const CASES: readonly [value: string, since: number, until: number][] = [
  ["90m", NOW - 5_400_000, NOW - 5_400_000],
  ["7d", NOW - 604_800_000, NOW - 604_800_000],
  ["today", at("2026-11-22T00:00"), at("2026-11-23T00:00")],
  ["yesterday", at("2026-11-21T00:00"), at("2026-11-22T00:00")],
  ["2026-01-31", at("2026-01-31T00:00"), at("2026-02-01T00:00")],
  ["2026-01-31T14:30", at("2026-01-31T14:30"), at("2026-01-31T14:30")],
  ["2026-01-31T14:30:05Z", Date.UTC(2026, 0, 31, 14, 30, 5), Date.UTC(2026, 0, 31, 14, 30, 5)],
];

for (const [value, since, until] of CASES) {
  test(`${value} is a local time; --until includes a day that is named`, () => {
    expect(readTime({ flag: "--since", value, now: NOW })).toBe(since);
    expect(readTime({ flag: "--until", value, now: NOW })).toBe(until);
  });
}

for (const value of ["soon", "2026-13-01", "2026-02-31x", "7", "d", "7y", "0", "-1d"]) {
  test(`"${value}" is refused with examples`, () => {
    const read = (): number => readTime({ flag: "--since", value, now: NOW });
    expect(read).toThrow(UserError);
    expect(read).toThrow(`not "${value}"`);
  });
}

test("a day is named in local time", () => {
  expect(localDay(NOW)).toBe("2026-11-22");
  expect(localDay(at("2026-01-01T00:00"), -1)).toBe("2025-12-31");
});
