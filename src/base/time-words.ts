// Moments and spans as a person reads them: "14:30", "Nov 24 09:05", "2 h 10 min".
// Pure.
import { type Text, t } from "./text.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTHS = [
  t`Jan`,
  t`Feb`,
  t`Mar`,
  t`Apr`,
  t`May`,
  t`Jun`,
  t`Jul`,
  t`Aug`,
  t`Sep`,
  t`Oct`,
  t`Nov`,
  t`Dec`,
];

/** Local time of day; with the date where it is not today's. Both in ms of the wall clock. */
export function showMoment(at: number, now: number): Text | string {
  const date = new Date(at);
  const two = (part: number): string => String(part).padStart(2, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const isToday = date.toDateString() === new Date(now).toDateString();
  if (isToday) return time;
  const month = MONTHS[date.getMonth()] ?? "";
  return t`${month} ${date.getDate()} ${time}`;
}

/** A span in ms, in its two greatest units; nothing less than a second. */
export function showSpan(ms: number): Text {
  if (ms < 100 * SECOND) return t`${Math.max(1, Math.round(ms / SECOND))} s`;
  if (ms < HOUR) return t`${Math.round(ms / MINUTE)} min`;
  if (ms < DAY) {
    const [hours, minutes] = [Math.floor(ms / HOUR), Math.floor((ms % HOUR) / MINUTE)];
    return minutes === 0 ? t`${hours} h` : t`${hours} h ${minutes} min`;
  }
  const [days, hours] = [Math.floor(ms / DAY), Math.floor((ms % DAY) / HOUR)];
  return hours === 0 ? t`${days} d` : t`${days} d ${hours} h`;
}
