import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UserError } from "../../src/base/errors.ts";
import { localDay } from "../../src/base/text.ts";
import { LOCAL_NAMES, readTime, spanBefore } from "../../src/cli/time-words.ts";
import { inZone } from "../helpers/in-zone.ts";

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

for (const value of [
  "soon",
  "2026-13-01",
  "2026-02-31x",
  "7",
  "d",
  "7y",
  "0",
  "-1d",
  "",
  "next-week",
  "last-monday",
  "2026-1",
  "2026-11-",
  "2026-W5",
  "14",
  "today 14:30Z",
  "2026-01-31T14:30+5",
]) {
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

for (const value of [
  "2026-02-29",
  "2026-02-30",
  "2026-04-31",
  "2026-00-10",
  "2026-11-00",
  "2026-13",
  "2026-00",
  "2026-W00",
  "2026-W54",
  "2025-W53",
  "24:00",
  "2026-02-30T10:00",
  "2026-11-29T24:00",
  "2026-11-29T10:60",
  "2026-11-29T10:00:60",
  "2026-11-29T10:00+24:00",
  "2026-11-29T10:00+05:60",
]) {
  test(`${value} does not exist, and is no other day`, () => {
    const read = (): number => readTime({ flag: "--until", value, now: NOW });
    expect(read).toThrow(UserError);
    expect(read).toThrow(`--until takes a date that exists, not "${value}"`);
  });
}

/** In UTC, seconds left out: what --since and --until mean at a time of a zone. */
interface ZoneCase {
  readonly zone: string;
  readonly now: string;
  readonly times: Readonly<Record<string, readonly [since: string, until: string]>>;
}

const ZONE_CASES: readonly ZoneCase[] = [
  {
    // A day of 23 hours; in UTC it is still the day before, and week and month begin in winter time.
    zone: "Australia/Sydney",
    now: "2026-10-03T17:00",
    times: {
      today: ["2026-10-03T14:00", "2026-10-04T13:00"],
      yesterday: ["2026-10-02T14:00", "2026-10-03T14:00"],
      "this-week": ["2026-09-27T14:00", "2026-10-04T13:00"],
      "last-week": ["2026-09-20T14:00", "2026-09-27T14:00"],
      sunday: ["2026-10-03T14:00", "2026-10-04T13:00"],
      monday: ["2026-09-27T14:00", "2026-09-28T14:00"],
      "this-month": ["2026-09-30T14:00", "2026-10-31T13:00"],
      "2026-W40": ["2026-09-27T14:00", "2026-10-04T13:00"],
      // Between 2:00 and 3:00 there was no time.
      "2026-10-04T02:30": ["2026-10-03T16:30", "2026-10-03T16:30"],
      "today 03:30": ["2026-10-03T16:30", "2026-10-03T16:30"],
      "2026-10-04T02:30Z": ["2026-10-04T02:30", "2026-10-04T02:30"],
      "2026-10-04 02:30 +1000": ["2026-10-03T16:30", "2026-10-03T16:30"],
      // 25 hours, and 2:30 twice.
      "2026-04-05": ["2026-04-04T13:00", "2026-04-05T14:00"],
      "2026-04-05T02:30": ["2026-04-04T15:30", "2026-04-04T16:30"],
    },
  },
  {
    // A zone of 5:45, without summer time.
    zone: "Asia/Kathmandu",
    now: "2026-11-29T18:30",
    times: {
      today: ["2026-11-29T18:15", "2026-11-30T18:15"],
      monday: ["2026-11-29T18:15", "2026-11-30T18:15"],
      "last-week": ["2026-11-22T18:15", "2026-11-29T18:15"],
      "2026-11": ["2026-10-31T18:15", "2026-11-30T18:15"],
      "LAST MONTH": ["2026-09-30T18:15", "2026-10-31T18:15"],
      "2026-11-29T23:59": ["2026-11-29T18:14", "2026-11-29T18:14"],
      "00:10": ["2026-11-29T18:25", "2026-11-29T18:25"],
    },
  },
  {
    // A day of 25 hours, shown in its second 1:30; the month begins in summer time and ends in winter time.
    zone: "America/New_York",
    now: "2026-11-01T06:30",
    times: {
      today: ["2026-11-01T04:00", "2026-11-02T05:00"],
      "01:30": ["2026-11-01T05:30", "2026-11-01T06:30"],
      "this-month": ["2026-11-01T04:00", "2026-12-01T05:00"],
      "2026-11": ["2026-11-01T04:00", "2026-12-01T05:00"],
      "this-week": ["2026-10-26T04:00", "2026-11-02T05:00"],
      sunday: ["2026-11-01T04:00", "2026-11-02T05:00"],
      "this-year": ["2026-01-01T05:00", "2027-01-01T05:00"],
      "2025": ["2025-01-01T05:00", "2026-01-01T05:00"],
      "2026-03-08T02:30": ["2026-03-08T07:30", "2026-03-08T07:30"],
      "2026-03-08": ["2026-03-08T05:00", "2026-03-09T04:00"],
    },
  },
  // Clocks were changed at midnight: the day began at 1:00.
  {
    zone: "America/Santiago",
    now: "2026-09-06T12:00",
    times: { today: ["2026-09-06T04:00", "2026-09-07T03:00"] },
  },
  // By half an hour.
  {
    zone: "Australia/Lord_Howe",
    now: "2026-04-05T12:00",
    times: { "01:45": ["2026-04-04T14:45", "2026-04-04T15:15"] },
  },
];

for (const { now, times, zone } of ZONE_CASES) {
  describe(`${now}Z in ${zone}`, () => {
    test.each(Object.entries(times))("%s", async (value, [since, until]) => {
      const read = (flag: "--since" | "--until"): string => {
        const ms = readTime({ flag, value, now: Date.parse(`${now}Z`) });
        return new Date(ms).toISOString().replace(":00.000Z", "");
      };
      expect(await inZone(zone, () => [read("--since"), read("--until")])).toEqual([since, until]);
    });
  });
}

test("a day that a place never had is refused, and the month around it has one day less", async () => {
  await inZone("Pacific/Apia", () => {
    expect(() => readTime({ flag: "--since", value: "2011-12-30", now: NOW })).toThrow("a date that exists");
    const [since, until] = (["--since", "--until"] as const).map((flag) =>
      readTime({ flag, value: "2011-12", now: NOW }),
    );
    expect(((until ?? 0) - (since ?? 0)) / 86_400_000).toBe(30);
  });
});

test("days, weeks and months are those of another calendar, in any zone", async () => {
  const zones = ["Australia/Sydney", "Asia/Kathmandu", "America/New_York", "Africa/Cairo", "UTC"];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...zones),
      fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2031, 0) }),
      async (zone, now) => {
        const local = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone);
        const day = local.startOfDay();
        const week = day.subtract({ days: day.dayOfWeek - 1 }).startOfDay();
        const month = day.with({ day: 1 }).startOfDay();
        const weekName = `${local.yearOfWeek}-W${String(local.weekOfYear).padStart(2, "0")}`;
        await inZone(zone, () => {
          const ends = (value: string): number[] =>
            (["--since", "--until"] as const).map((flag) => readTime({ flag, value, now }));
          const expectEnds = (from: Temporal.ZonedDateTime, length: Temporal.DurationLike): number[] => [
            from.epochMilliseconds,
            from.add(length).startOfDay().epochMilliseconds,
          ];
          expect(ends("today")).toEqual(expectEnds(day, { days: 1 }));
          expect(ends(LOCAL_NAMES.day(now))).toEqual(ends("today"));
          expect(LOCAL_NAMES.week(now)).toBe(weekName);
          expect(ends(weekName)).toEqual(expectEnds(week, { days: 7 }));
          expect(ends("this-week")).toEqual(ends(weekName));
          expect(ends("last-week")[1]).toBe(week.epochMilliseconds);
          expect(ends(LOCAL_NAMES.month(now))).toEqual(expectEnds(month, { months: 1 }));
          expect(ends("this-month")).toEqual(ends(LOCAL_NAMES.month(now)));
        });
      },
    ),
  );
});

test.each([
  ["an age", "2026-11-15T14:30", null, "2026-11-08T14:30"],
  ["a month", "2026-10-01T00:00", "2026-11-01T00:00", "2026-09-01T00:00"],
  ["two months", "2026-09-01T00:00", "2026-11-01T00:00", "2026-07-01T00:00"],
  ["a year", "2025-01-01T00:00", "2026-01-01T00:00", "2024-01-01T00:00"],
  ["days", "2026-11-16T00:00", "2026-11-20T00:00", "2026-11-12T00:00"],
  ["today until now", "2026-11-22T00:00", "2026-11-23T00:00", "2026-11-21T09:30"],
  ["hours", "2026-11-22T10:00", "2026-11-22T12:00", "2026-11-22T08:00"],
])("before %s is a span as long", (_, since, until, before) => {
  const range = { since: at(since), until: until === null ? null : at(until) };
  expect(spanBefore(range, NOW)).toEqual({ since: at(before), until: at(since) });
});

test("days before days are days where clocks are changed", async () => {
  const before = await inZone("Europe/Berlin", () =>
    // The week of October 25 has 169 hours.
    spanBefore({ since: at("2026-10-26T00:00"), until: at("2026-11-02T00:00") }, at("2026-11-22T14:30")),
  );
  expect(before).toEqual({ since: Date.UTC(2026, 9, 18, 22), until: Date.UTC(2026, 9, 25, 23) });
});

test("nothing is before what has no beginning, or is still to come", () => {
  expect(spanBefore({ since: null, until: NOW }, NOW)).toBeNull();
  expect(spanBefore({ since: NOW + 1, until: null }, NOW)).toBeNull();
});
