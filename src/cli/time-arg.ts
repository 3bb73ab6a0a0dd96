// Reads a point in time from the command line: "7d", "today", "2026-11-22", "2026-11-22T14:30".
// Pure.
import { EXIT, UserError } from "../base/errors.ts";
import { t } from "../base/language.ts";

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DAY = /^\d{4}-\d\d-\d\d$/;

export interface TimeArg {
  /** "--since": the beginning of a day that is named; "--until": its end. */
  readonly flag: "--since" | "--until";
  readonly value: string;
  /** Wall clock, ms. */
  readonly now: number;
}

/** Milliseconds since 1970. Days and times are local. Throws UserError that says what is taken. */
export function readTime({ flag, value, now }: TimeArg): number {
  const ago = /^(\d{1,6})([mhdw])$/.exec(value);
  if (ago !== null) return now - Number(ago[1]) * (UNIT_MS[ago[2] ?? ""] ?? 0);
  const day = value === "today" || value === "yesterday" ? localDay(now, value === "today" ? 0 : -1) : value;
  // A date alone would be taken for UTC.
  const isDay = DAY.test(day);
  const time = /^\d{4}-/.test(day) ? new Date(isDay ? `${day}T00:00` : day) : new Date(Number.NaN);
  if (Number.isNaN(time.getTime())) {
    throw new UserError(t`${flag} takes a date, a time or an age, not "${value}"`, {
      hint: t`for example: ${flag} today, ${flag} 7d, ${flag} 2026-01-31T14:30`,
      exitCode: EXIT.usage,
    });
  }
  if (isDay && flag === "--until") time.setDate(time.getDate() + 1);
  return time.getTime();
}

/** "2026-11-22": the local day of a time in ms since 1970, or one so many days from it. */
export function localDay(timestampMs: number, days = 0): string {
  const date = new Date(timestampMs);
  date.setDate(date.getDate() + days);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** "2026-11-22 14:00": the local hour of a time in ms since 1970. */
export function localHour(timestampMs: number): string {
  const hour = String(new Date(timestampMs).getHours()).padStart(2, "0");
  return `${localDay(timestampMs)} ${hour}:00`;
}
