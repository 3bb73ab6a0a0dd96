// Times as people type them for --since and --until: days, weeks, months and years, by name or by date, times with and
// without a zone, ages. All is local but a time with a zone. And how the local hour, day, week or month of a time is named.
// Pure.
import { localDay } from "../base/text.ts";
import type { TimeGroup } from "../usage/groups.ts";
import { usageError } from "./args.ts";
import { t } from "./language.ts";

export interface TimeArg {
  /** "--since": the beginning of what is named; "--until": its end. */
  readonly flag: "--since" | "--until";
  readonly value: string;
  /** Wall clock, ms. */
  readonly now: number;
}

/** Milliseconds since 1970. Throws UserError that says what is accepted. */
export function readTime({ flag, value, now }: TimeArg): number {
  const hint = t`for example: ${flag} today, ${flag} 7d, ${flag} last-week, ${flag} 2026-01, ${flag} 2026-01-31T14:30`;
  const typed = value.trim().toLowerCase().replaceAll(/\s+/g, " ");
  for (const [form, read] of FORMS) {
    const match = form.exec(typed);
    if (match === null) continue;
    const stretch = read(match.groups ?? {}, now);
    if (stretch === null) throw usageError(t`${flag} takes a date that exists, not "${value}"`, hint);
    return flag === "--since" ? stretch.from : stretch.to;
  }
  throw usageError(t`${flag} takes a date, a time or an age, not "${value}"`, hint);
}

/** ms since 1970, without its end. Of a moment both are one. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Of a form that was typed, by name. */
type Parts = Readonly<Record<string, string>>;
/** Null for what no calendar and no clock has. */
type ReadStretch = (parts: Parts, now: number) => Stretch | null;

const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

const CLOCK = String.raw`(?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d(?:\.\d{1,9})?))?`;
const DATE = String.raw`(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)`;
const ZONE = String.raw`z|(?<zoneHour>[+-]\d\d)(?::?(?<zoneMinute>\d\d))?`;

/** In small letters, and with single spaces. */
const FORMS: readonly (readonly [form: RegExp, read: ReadStretch])[] = [
  [/^(?<count>\d{1,6})(?<unit>[mhdw])$/, readAge],
  [/^now$/, (_, now) => ({ from: now, to: now })],
  [/^(?<name>today|yesterday)$/, ({ name }, now) => stretchOf("day", namedDay(name, now))],
  [/^(?<which>this|last)[- ](?<unit>week|month|year)$/, readNamedUnit],
  [new RegExp(`^(?<name>${WEEKDAYS.join("|")})$`), readWeekday],
  [/^(?<year>\d{4})$/, (parts) => stretchOfDate("year", parts)],
  [/^(?<year>\d{4})-(?<month>\d\d)$/, (parts) => stretchOfDate("month", parts)],
  [/^(?<year>\d{4})-w(?<week>\d\d)$/, readWeek],
  [new RegExp(`^${DATE}$`), (parts) => stretchOfDate("day", parts)],
  [new RegExp(`^(?:(?<name>today|yesterday) )?${CLOCK}$`), readTimeOfDay],
  [new RegExp(`^${DATE}[t ]${CLOCK} ?(?<zone>${ZONE})?$`), readMoment],
];

function readAge({ count, unit }: Parts, now: number): Stretch {
  const isUnit = unit === "m" || unit === "h" || unit === "d";
  const at = now - Number(count) * UNIT_MS[isUnit ? unit : "w"];
  return { from: at, to: at };
}

function readNamedUnit({ which, unit }: Parts, now: number): Stretch {
  const by = which === "this" ? 0 : -1;
  return stretchOf(unit === "week" || unit === "month" ? unit : "year", dayOf(now), by);
}

/** Today or the last one before it. */
function readWeekday({ name = "" }: Parts, now: number): Stretch {
  const [year, month, day] = dayOf(now);
  const ago = (weekdayOf([year, month, day]) - WEEKDAYS.indexOf(name) + 7) % 7;
  return stretchOf("day", [year, month, day - ago]);
}

/** ISO 8601: the first week of a year is the one with January 4. */
function readWeek({ week, year }: Parts): Stretch | null {
  const [number, ofYear] = [Number(week), Number(year)];
  const thursday = normalize([ofYear, 1, 4 + 3 - weekdayOf([ofYear, 1, 4]) + 7 * (number - 1)]);
  return number === 0 || thursday[0] !== ofYear ? null : stretchOf("week", thursday);
}

/** Null for February 30, and for the day that a place left out when it moved over the date line. */
function stretchOfDate(unit: Unit, parts: Parts): Stretch | null {
  const date = dateOf(parts);
  const stretch = stretchOf(unit, date);
  return String(normalize(date)) === String(date) && stretch.from < stretch.to ? stretch : null;
}

function dateOf({ day = "1", month = "1", year }: Parts): Day {
  return [Number(year), Number(month), Number(day)];
}

function readTimeOfDay({ name = "today", ...clock }: Parts, now: number): Stretch | null {
  return readLocalTime(namedDay(name, now), clock);
}

function readMoment(parts: Parts): Stretch | null {
  if (stretchOfDate("day", parts) === null) return null;
  const { zone, zoneHour = "+00", zoneMinute = "0" } = parts;
  if (zone === undefined) return readLocalTime(dateOf(parts), parts);
  const ms = readClock(parts);
  const [hours, minutes] = [Math.abs(Number(zoneHour)), Number(zoneMinute)];
  if (ms === null || hours > 23 || minutes > 59) return null;
  const offset = (hours * 60 + minutes) * 60_000;
  const at = utc(dateOf(parts)) + ms + (zoneHour.startsWith("-") ? offset : -offset);
  return { from: at, to: at };
}

/** Clocks go back by an hour; on Lord Howe Island by half of one; in Antarctica by two or three. */
const CLOCK_CHANGES_MS = [1_800_000, 3_600_000, 7_200_000, 10_800_000];

/**
 * A time that the clocks skip is what one shows that was not changed. Of one that they show twice, --since means the first
 * and --until the second.
 */
function readLocalTime(day: Day, clock: Parts): Stretch | null {
  const ms = readClock(clock);
  if (ms === null) return null;
  const first = localDate(day);
  first.setHours(0, 0, 0, ms);
  const from = first.getTime();
  const second = CLOCK_CHANGES_MS.map((change) => new Date(from + change)).find(
    (other) => other.getHours() === first.getHours() && other.getMinutes() === first.getMinutes(),
  );
  return { from, to: second?.getTime() ?? from };
}

/** ms since 00:00; null for no time of a day. */
function readClock({ hour, minute, second = "0" }: Parts): number | null {
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)];
  if (hours > 23 || minutes > 59 || seconds >= 60) return null;
  return (hours * 60 + minutes) * 60_000 + Math.trunc(seconds * 1000);
}

/** "2026-11-22 14:00", "2026-11-22", "2026-W47", "2026-11": of a time in ms since 1970. All can be typed but the hour. */
export const LOCAL_NAMES: Readonly<Record<TimeGroup, (timestampMs: number) => string>> = {
  hour: (at) => `${localDay(at)} ${String(new Date(at).getHours()).padStart(2, "0")}:00`,
  day: localDay,
  week(at) {
    const [year, month, day] = dayOf(at);
    const thursday = normalize([year, month, day - weekdayOf([year, month, day]) + 3]);
    const days = (utc(thursday) - utc([thursday[0], 1, 1])) / UNIT_MS.d;
    return `${thursday[0]}-W${String(Math.floor(days / 7) + 1).padStart(2, "0")}`;
  },
  month: (at) => localDay(at).slice(0, "2026-11".length),
};

/** ms since 1970, without its end. */
export interface Span {
  readonly since: number;
  readonly until: number;
}

/**
 * As long, and just before: whole months before whole months, and days before days, however long these are. A span without an
 * end, or with one to come, ends now. Null for one without a beginning, and for what is still to come.
 */
export function spanBefore(
  { since, until }: { readonly since: number | null; readonly until: number | null },
  now: number,
): Span | null {
  const end = Math.min(until ?? now, now);
  if (since === null || since >= end) return null;
  const [from, to] = [dayOf(since), dayOf(end)];
  const isWhole = localDate(from).getTime() === since && localDate(to).getTime() === end;
  if (!isWhole) return { since: since - (end - since), until: since };
  const months = (to[0] - from[0]) * 12 + to[1] - from[1];
  const days = Math.round((utc(to) - utc(from)) / UNIT_MS.d);
  const [year, month, day] = from;
  const start: Day = day === 1 && to[2] === 1 ? [year, month - months, 1] : [year, month, day - days];
  return { since: localDate(start).getTime(), until: since };
}

/** Month from 1. */
type Day = readonly [year: number, month: number, day: number];
type Unit = "day" | "week" | "month" | "year";

/** The first day of the unit that a day is in, or of the one so many later. */
const FIRST_DAY: Readonly<Record<Unit, (day: Day, later: number) => Day>> = {
  day: ([year, month, day], later) => [year, month, day + later],
  week: ([year, month, day], later) => [year, month, day - weekdayOf([year, month, day]) + 7 * later],
  month: ([year, month], later) => [year, month + later, 1],
  year: ([year], later) => [year + later, 1, 1],
};

function stretchOf(unit: Unit, day: Day, later = 0): Stretch {
  const startOf = (by: number): number => localDate(FIRST_DAY[unit](day, by)).getTime();
  return { from: startOf(later), to: startOf(later + 1) };
}

/** When a day begins. Most begin at 00:00; where clocks are changed at midnight, some at 01:00. */
function localDate(day: Day): Date {
  const [year, month, date] = normalize(day);
  const start = new Date(2000, 0, 1);
  // A constructor takes the years before 100 for those of the last century.
  start.setFullYear(year, month - 1, date);
  start.setHours(0, 0, 0, 0);
  return start;
}

function dayOf(timestampMs: number): Day {
  const date = new Date(timestampMs);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()];
}

function namedDay(name: string | undefined, now: number): Day {
  const [year, month, day] = dayOf(now);
  return [year, month, name === "yesterday" ? day - 1 : day];
}

/** 0 for Monday. */
function weekdayOf(day: Day): number {
  return (new Date(utc(day)).getUTCDay() + 6) % 7;
}

/** The day that the calendar has for a month or a day beyond its range. */
function normalize(day: Day): Day {
  const date = new Date(utc(day));
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
}

function utc([year, month, day]: Day): number {
  return new Date(0).setUTCFullYear(year, month - 1, day);
}
