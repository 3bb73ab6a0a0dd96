// Puts what happened into stretches of time: hours while there are few days, then days, and months where there are too many
// days for a picture. Without a gap from the first to the last.
// Pure.
import type { LogRecord } from "../log/record.ts";
import { makeKeyOf } from "./groups.ts";

/** "2026-11-22 14:00", "2026-11-22" or "2026-11": the local hour, day or month of a time in ms since 1970. */
export type NameTime = (timestampMs: number) => string;
export type Unit = "hour" | "day" | "month";

export interface Period<T> {
  readonly name: string;
  /** Undefined where nothing happened. */
  readonly value: T | undefined;
}

export interface TimelineOptions<T> {
  readonly make: () => T;
  /** Adds all that the other one holds. */
  readonly merge: (one: T, other: T) => void;
  readonly hourOf: NameTime;
  /** Up to so many days are kept by the hour; 0: none. */
  readonly mostDaysOfHours: number;
}

const LENGTHS: Readonly<Record<Unit, number>> = {
  hour: "2026-11-22 14:00".length,
  day: "2026-11-22".length,
  month: "2026-11".length,
};
const MOST_DAYS = 92;

export function createTimeline<T>({ make, merge, hourOf, mostDaysOfHours }: TimelineOptions<T>) {
  const keyOf = makeKeyOf("hour", hourOf);
  let unit: Unit = mostDaysOfHours > 0 ? "hour" : "day";
  let cells = new Map<string, T>();
  const days = new Set<string>();
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const shorten = (next: Unit): void => {
    const folded = new Map<string, T>();
    for (const [name, value] of cells)
      merge(folded.getOrInsertComputed(name.slice(0, LENGTHS[next]), make), value);
    cells = folded;
    unit = next;
  };
  return {
    at(record: LogRecord): T {
      const { timestamp_ms: time } = record;
      first = Math.min(first, time);
      last = Math.max(last, time);
      const hour = keyOf(record) ?? "";
      if (unit === "hour") {
        days.add(hour.slice(0, LENGTHS.day));
        // So many days from noon to noon are of one day more.
        if (days.size > mostDaysOfHours + 1) shorten("day");
      }
      return cells.getOrInsertComputed(hour.slice(0, LENGTHS[unit]), make);
    },
    finish(): { readonly unit: Unit; readonly periods: readonly Period<T>[] } {
      if (cells.size === 0) return { unit, periods: [] };
      if (unit === "hour" && last - first > mostDaysOfHours * DAY_MS) shorten("day");
      if (unit === "day" && last - first > MOST_DAYS * DAY_MS) shorten("month");
      const names = listNames(first, last, { unit, nameOf: hourOf });
      return { unit, periods: names.map((name) => ({ name, value: cells.get(name) })) };
    },
  };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Each less than the shortest of its kind, but the hour. */
const STEPS_MS: Readonly<Record<Unit, number>> = { hour: HOUR_MS, day: DAY_MS / 2, month: 20 * DAY_MS };
/** A clock that was wrong once must not make a page of a million days. */
const MOST_STEPS = 2_000;

export interface Naming {
  readonly unit: Unit;
  readonly nameOf: NameTime;
}

/** The names of all units from one time to another, ms since 1970, both included. */
export function listNames(from: number, to: number, { unit, nameOf }: Naming): string[] {
  const names: string[] = [];
  const step = STEPS_MS[unit];
  const add = (time: number): void => {
    const name = nameOf(time).slice(0, LENGTHS[unit]);
    if (names.at(-1) !== name) names.push(name);
  };
  for (let time = from, count = 0; time < to && count < MOST_STEPS; time += step, count += 1) add(time);
  add(to);
  return names;
}
