// Where a time axis has its marks: hours of a day, days, the Mondays of weeks, or months, so many as have room.
// Pure.
import type { Unit } from "../../usage/timeline.ts";

export interface Tick {
  /** Of the period that begins there. */
  readonly index: number;
  /** "06:00", "11-23", "2026-11"; empty where there is no room for one. */
  readonly label: string;
}

/** Up to so many days, each has a mark. */
const MOST_SINGLE_DAYS = 8;
const HOURS_APART = [1, 2, 3, 6, 12] as const;
const DAY_LETTERS = "2026-11-22".length;

/** `names` are those of a timeline's periods; `mostLabels`: so many of them fit side by side. */
export function findTicks(names: readonly string[], unit: Unit, mostLabels: number): Tick[] {
  if (unit === "hour") return labelSome(findHours(names, mostLabels), names, mostLabels);
  const all = names.map((_, index) => index);
  const weeks = unit === "day" && names.length > MOST_SINGLE_DAYS;
  return labelSome(weeks ? all.filter((index) => isMonday(names[index])) : all, names, mostLabels);
}

/** Hours that divide a day, or midnights where there are too many of them. */
function findHours(names: readonly string[], mostLabels: number): number[] {
  const hours = names.map((name) => Number(name.slice(DAY_LETTERS + 1, DAY_LETTERS + 3)));
  for (const apart of HOURS_APART) {
    const found = hours.flatMap((hour, index) => (hour % apart === 0 ? [index] : []));
    if (found.length <= mostLabels) return found;
  }
  return hours.flatMap((hour, index) => {
    const isFirst = index === 0 ? hour === 0 : dayOf(names[index - 1]) !== dayOf(names[index]);
    return isFirst ? [index] : [];
  });
}

function labelSome(indexes: readonly number[], names: readonly string[], mostLabels: number): Tick[] {
  const every = Math.ceil(indexes.length / Math.max(1, mostLabels));
  return indexes.map((index, at) => ({ index, label: at % every === 0 ? shorten(names, index) : "" }));
}

/** What tells it from its neighbours: of a day its month and day, of an hour that begins a day the day. */
function shorten(names: readonly string[], index: number): string {
  const name = names[index] ?? "";
  if (name.length < DAY_LETTERS) return name;
  const hour = name.slice(DAY_LETTERS + 1);
  return hour !== "" && hour !== "00:00" ? hour : dayOf(name).slice("2026-".length);
}

function dayOf(name = ""): string {
  return name.slice(0, DAY_LETTERS);
}

function isMonday(name = ""): boolean {
  return new Date(`${dayOf(name)}T00:00:00Z`).getUTCDay() === 1;
}
