// How each upstream was over time, as the log's attempts and refusals tell it: it answered, it failed, its quota was spent, or
// it was not asked. docs/usage.md says what counts as what.
// Pure.
import { isRecord } from "../base/json-value.ts";
import type { LogRecord, RecordedAttempt } from "../log/record.ts";
import { hasFailed } from "./outcome.ts";
import { type NameTime, type Unit, createTimeline } from "./timeline.ts";

export const STATES = ["fine", "failing", "spent"] as const;
export type State = (typeof STATES)[number];
/** How often each was met. */
export type Counts = Record<State, number>;

export interface Strip {
  /** "main#2"; null where no line says what it was called. */
  readonly label: string | null;
  /** Null for one that the log knows by its label alone. */
  readonly baseUrl: string | null;
  /** Attempts of requests at it, and how many of them neither failed nor met a spent quota. */
  readonly asked: number;
  readonly fine: number;
  /** One for each of the availability's periods; undefined: it was not asked. */
  readonly cells: readonly (Readonly<Counts> | undefined)[];
}

export interface Availability {
  readonly unit: Unit;
  readonly periods: readonly string[];
  readonly strips: readonly Strip[];
  /** Upstreams that were asked less than these, and are left out. */
  readonly left: number;
}

export interface AvailabilityOptions {
  readonly hourOf: NameTime;
  /** What a failed attempt with the verdict of that rule says of the upstream; null: nothing. */
  readonly stateOf: (rule: string) => State | null;
}

/** Up to so many days are shown by the hour. */
const MOST_DAYS_OF_HOURS = 8;
const MOST_STRIPS = 12;
/** Of upstreams, by address and label. A hostile log must not fill the memory. */
const MOST_KNOWN = 1_000;

interface Known {
  readonly label: string | null;
  baseUrl: string | null;
  asked: number;
  fine: number;
}

type Cell = Map<Known, Counts>;

export function createAvailability({ hourOf, stateOf }: AvailabilityOptions) {
  const known = new Map<string, Known>();
  const byLabel = new Map<string, Known>();
  const timeline = createTimeline<Cell>({
    make: () => new Map(),
    merge: mergeCells,
    hourOf,
    mostDaysOfHours: MOST_DAYS_OF_HOURS,
  });
  const find = (label: string | null, baseUrl: string | null): Known | null => {
    const key = `${label ?? ""}\n${baseUrl ?? ""}`;
    const namesake = label === null ? undefined : byLabel.get(label);
    const found = known.get(key) ?? (baseUrl === null || namesake?.baseUrl === null ? namesake : undefined);
    if (found === undefined && known.size >= MOST_KNOWN) return null;
    const one = found ?? { label, baseUrl, asked: 0, fine: 0 };
    // It was known by its label alone until now.
    one.baseUrl ??= baseUrl;
    known.set(key, one);
    if (label !== null) byLabel.set(label, one);
    return one;
  };
  const count = (record: LogRecord, upstream: Known | null, state: State): void => {
    if (upstream === null) return;
    timeline.at(record).getOrInsertComputed(upstream, makeCounts)[state] += 1;
  };
  return {
    add(record: LogRecord): void {
      if (record.refusals !== undefined) return;
      for (const { label, baseUrl, state } of listStates(record, stateOf)) {
        const upstream = find(label, baseUrl);
        count(record, upstream, state);
        if (upstream === null) continue;
        upstream.asked += 1;
        if (state === "fine") upstream.fine += 1;
      }
      for (const { label, state } of listNotAsked(record.reason)) count(record, find(label, null), state);
    },
    finish(): Availability {
      const { unit, periods } = timeline.finish();
      const all = [...new Set(known.values())].toSorted((a, b) => b.asked - a.asked);
      const shown = all.slice(0, MOST_STRIPS).toSorted(byLabelThenUrl);
      return {
        unit,
        periods: periods.map(({ name }) => name),
        strips: shown.map((one) => ({ ...one, cells: periods.map(({ value }) => value?.get(one)) })),
        left: all.length - shown.length,
      };
    },
  };
}

function makeCounts(): Counts {
  return { fine: 0, failing: 0, spent: 0 };
}

function mergeCells(one: Cell, other: Cell): void {
  for (const [upstream, counts] of other) {
    const sums = one.getOrInsertComputed(upstream, makeCounts);
    for (const state of STATES) sums[state] += counts[state];
  }
}

const BY_NUMBER = new Intl.Collator("en", { numeric: true });

function byLabelThenUrl(a: Known, b: Known): number {
  return (
    BY_NUMBER.compare(a.label ?? "", b.label ?? "") || BY_NUMBER.compare(a.baseUrl ?? "", b.baseUrl ?? "")
  );
}

interface Met {
  readonly label: string | null;
  readonly baseUrl: string | null;
  readonly state: State;
}

/** `attempts` is present when it has more than the line itself. */
function listStates(record: LogRecord, stateOf: AvailabilityOptions["stateOf"]): Met[] {
  const { attempts, upstream_base_url: last, upstream_label: label } = record;
  const isBroken = hasFailed(record);
  if (attempts === undefined) {
    return last == null
      ? []
      : [{ label: label ?? null, baseUrl: last, state: isBroken ? "failing" : "fine" }];
  }
  return attempts.flatMap((attempt): Met[] => {
    const { upstream_base_url: baseUrl, upstream_label } = attempt;
    const state = stateOfAttempt(attempt, { isBroken, stateOf });
    return baseUrl === undefined || state === null ? [] : [{ label: upstream_label ?? null, baseUrl, state }];
  });
}

function stateOfAttempt(
  { reason, shown, verdict = "unknown" }: RecordedAttempt,
  { isBroken, stateOf }: Pick<AvailabilityOptions, "stateOf"> & { readonly isBroken: boolean },
): State | null {
  // An answer that was accepted may have broken off later.
  if (verdict === "ok") return shown === true && isBroken ? "failing" : "fine";
  if (verdict === "client-gone") return "fine";
  // Of a rule of the user's own, the reason has the verdict.
  return stateOf(verdict === "on-status" || verdict === "on-error" ? (reason?.rule ?? verdict) : verdict);
}

/** As the story of a request that no upstream answered has them. What is not here was kept from it by something else. */
const STATE_OF_AVAILABILITY: Readonly<Record<string, State>> = {
  exhausted: "spent",
  cooling: "failing",
  open: "failing",
  "auth-dead": "failing",
};
const MOST_STORIES = 100;

/** Those that a request without an answer would have asked, had they not been in such a state. */
function listNotAsked(reason: LogRecord["reason"]): Pick<Met, "label" | "state">[] {
  const stories: unknown = reason?.["stories"];
  if (!Array.isArray(stories)) return [];
  return stories.slice(0, MOST_STORIES).flatMap((story: unknown) => {
    if (!isRecord(story) || story["rule"] !== "story-not-asked") return [];
    const { label, standing } = story;
    if (typeof label !== "string" || typeof standing !== "string") return [];
    const state = Object.hasOwn(STATE_OF_AVAILABILITY, standing)
      ? STATE_OF_AVAILABILITY[standing]
      : undefined;
    // The model that would have been asked for there stands behind it.
    return state === undefined ? [] : [{ label: label.replace(/ \(.*\)$/s, ""), state }];
  });
}
