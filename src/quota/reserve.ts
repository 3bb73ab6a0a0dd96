// What an owner keeps of a plan's windows for himself: how much of each is left by the newest reading, and whether that is less than
// he keeps. A reading that is out of date, or none, keeps nothing back.
// Pure.
import type { Bar, Reason } from "../routing/types.ts";
import { assessReading, type Reading } from "./reading.ts";

export interface Reserve {
  /** As it was written: "5h", "7d opus". */
  readonly window: string;
  /** Percent of the window that is kept. */
  readonly keep: number;
  /** Percent that is left; null where nothing tells. */
  readonly left: number | null;
  /** `kept`: no more may be used. `stale`: the last reading is out of date. `unknown`: none has told of this window. */
  readonly state: "kept" | "free" | "stale" | "unknown";
  /** Wall clock, ms, of the reading. */
  readonly at: number | null;
  /** When the window is full again, wall clock in ms. */
  readonly resetsAt: number | null;
}

/** One that names a window, and how often it is read, ms. */
interface Source {
  readonly reading: Reading;
  readonly intervalMs: number;
}

/** In the order of the file. `now`: wall clock, ms. */
export function readReserves(
  keep: Readonly<Record<string, number>>,
  sources: readonly Source[],
  now: number,
): readonly Reserve[] {
  return Object.entries(keep).map(([window, percent]) => readReserve(window, percent, sources, now));
}

function readReserve(window: string, keep: number, sources: readonly Source[], now: number): Reserve {
  const name = canonical(window);
  const [newest] = sources
    .flatMap(({ intervalMs, reading }) => {
      const meter = reading.balance?.meters.find((one) => canonical(one.name) === name);
      const share = meter?.left == null || meter.limit === null ? null : (100 * meter.left) / meter.limit;
      if (meter === undefined || share === null) return [];
      return [{ reading, intervalMs, share, resetsAt: meter.resetsAt }];
    })
    .toSorted((one, other) => other.reading.at - one.reading.at);
  const base = { window, keep };
  if (newest === undefined) return { ...base, left: null, state: "unknown", at: null, resetsAt: null };
  const { intervalMs, reading, resetsAt, share } = newest;
  const { at } = reading;
  if (resetsAt !== null && resetsAt <= now) return { ...base, left: 100, state: "free", at, resetsAt: null };
  if (assessReading(reading, now, intervalMs) === null)
    return { ...base, left: share, state: "stale", at, resetsAt };
  return { ...base, left: share, state: share <= keep ? "kept" : "free", at, resetsAt };
}

/** The one that keeps a request away, and of several the one that lasts. A window of one model keeps only that model's away. */
export function barOfReserves(reserves: readonly Reserve[], model: string | null): Bar | undefined {
  const [last] = reserves
    .filter(({ state, window }) => state === "kept" && isOfModel(window, model))
    .toSorted((one, other) => (other.resetsAt ?? Infinity) - (one.resetsAt ?? Infinity));
  if (last === undefined) return undefined;
  const { at, resetsAt: until } = last;
  const reason = reasonOfReserve(last);
  return { availability: "exhausted", reason, source: { rule: "reserve" }, since: at, until };
}

function reasonOfReserve({ keep, left, window }: Reserve): Reason {
  return { rule: "kept-back", left: Math.round(left ?? 0), keep, name: showWindow(window) };
}

/** "5 h", "7 d opus". */
export function showWindow(window: string): string {
  return window.replace(/^(\d+)([hdm])(?=$| )/i, "$1 $2");
}

function isOfModel(window: string, model: string | null): boolean {
  const [, name] = window.toLowerCase().split(" ");
  return name === undefined || model?.toLowerCase().includes(name) === true;
}

const MINUTES: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1_440 };
const WORDS: Readonly<Record<string, string>> = { day: "1440", week: "10080", month: "month" };

/** The same window by its length in minutes, however it is called: "7d", "168h", "week". */
function canonical(window: string): string {
  const [span = "", ...model] = window.toLowerCase().split(/[ _-]/);
  const [, count, unit = ""] = /^(\d+)([mhd])$/.exec(span) ?? [];
  const minutes = count === undefined ? 0 : Number(count) * (MINUTES[unit] ?? 0);
  const length = minutes >= 28 * 1_440 ? "month" : minutes > 0 ? String(minutes) : (WORDS[span] ?? span);
  return [length, ...model].join(" ");
}
