// Moments and spans as a person reads them: "14:30", "Nov 24 09:05", "2 h 10 min".
// Pure.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Local time of day; with the date where it is not today's. Both in ms of the wall clock. */
export function showMoment(at: number, now: number): string {
  const date = new Date(at);
  const two = (part: number): string => String(part).padStart(2, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday ? time : `${MONTHS[date.getMonth()] ?? ""} ${date.getDate()} ${time}`;
}

/** A span in ms, in its two greatest units; nothing less than a second. */
export function showSpan(ms: number): string {
  if (ms < 100 * SECOND) return `${Math.max(1, Math.round(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < DAY) return join(Math.floor(ms / HOUR), "h", [Math.floor((ms % HOUR) / MINUTE), "min"]);
  return join(Math.floor(ms / DAY), "d", [Math.floor((ms % DAY) / HOUR), "h"]);
}

function join(count: number, unit: string, [rest, restUnit]: readonly [number, string]): string {
  return rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${restUnit}`;
}
