import { describe, expect, test } from "bun:test";
import { UserError } from "../../../../src/base/errors.ts";
import { parseUntil } from "../../../../src/cli/commands/config/change.ts";

/** 2026-11-22 12:30 in Berlin, a Sunday in winter. */
const CLOCK = { now: Date.parse("2026-11-22T11:30:00Z"), timeZone: "Europe/Berlin" };

describe("a moment as a person says it", () => {
  test.each([
    ["tomorrow", "2026-11-23T00:00:00+01:00"],
    ["18:00", "2026-11-22T18:00:00+01:00"],
    ["9:05", "2026-11-23T09:05:00+01:00"],
    ["12:30", "2026-11-23T12:30:00+01:00"],
    ["90m", "2026-11-22T14:00:00+01:00"],
    ["2h", "2026-11-22T14:30:00+01:00"],
    ["3d", "2026-11-25T12:30:00+01:00"],
    ["1w", "2026-11-29T12:30:00+01:00"],
    ["2026-12-01", "2026-12-01T00:00:00+01:00"],
    ["2027-07-01", "2027-07-01T00:00:00+02:00"],
    ["2026-12-01T09:00", "2026-12-01T09:00:00+01:00"],
    ["2026-12-01 09:00", "2026-12-01T09:00:00+01:00"],
    ["2026-12-01T09:00:00Z", "2026-12-01T10:00:00+01:00"],
    ["2026-12-01T09:00:00-05:00", "2026-12-01T15:00:00+01:00"],
  ])("%s", (text, expected) => {
    expect(parseUntil(text, CLOCK)).toBe(expected);
  });

  test.each([
    "",
    "later",
    "25:00",
    "12:60",
    "2026-13-01",
    "2026-02-30",
    "5",
    "-2h",
    "0m",
    "2020-01-01",
    "2026-11-22T12:30",
  ])("%j is refused as wrong usage", (text) => {
    expect(() => parseUntil(text, CLOCK)).toThrow(expect.objectContaining({ exitCode: 2 }));
    expect(() => parseUntil(text, CLOCK)).toThrow(UserError);
  });
});
