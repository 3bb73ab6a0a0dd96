// What a report shows: all requests, by upstream, model, project and session, over time, and beside those of the span before;
// and how each upstream was.
// Pure.
import type { LogRecord } from "../log/record.ts";
import { type Availability, type AvailabilityOptions, createAvailability } from "./availability.ts";
import { type KeyOf, makeKeyOf } from "./groups.ts";
import type { Pricer } from "./prices.ts";
import { billedAttempts, isGeneration } from "./outcome.ts";
import { type Rename, type Rest, type Summary, UNKNOWN, createSummarizer } from "./summary.ts";
import { type Tally, type TallyBuilder, createTally } from "./tally.ts";
import { type NameTime, type Unit, createTimeline } from "./timeline.ts";

/** The largest groups, and the others as one. */
export type Top = Summary & { readonly rest: Rest | null };

export interface Report {
  readonly upstreams: Top;
  readonly models: Top;
  readonly projects: Top;
  readonly sessions: Top;
  readonly unit: Unit;
  /** Without a gap: hours where there are few days, months where there are too many for a picture. */
  readonly periods: readonly Period[];
  readonly availability: Availability;
  /** Of the span before. */
  readonly before: Tally;
}

export interface Period {
  /** "2026-11-22 14:00", "2026-11-22" or "2026-11". */
  readonly name: string;
  /** By upstream, named as in the summary; what had no request is not in it. */
  readonly byUpstream: ReadonlyMap<string, Tally>;
  /** Of all of them. */
  readonly all: Tally;
}

export interface ReportOptions {
  readonly costOf: Pricer["costOf"];
  /** "2026-11-22": the local day of a time in ms since 1970. */
  readonly dayOf: NameTime;
  /** "2026-11-22 14:00": its hour. Without it, nothing goes by the hour. */
  readonly hourOf?: NameTime;
  /** The project or directory of a request; what it gives may be renamed at the end. */
  readonly projectOf?: KeyOf;
  readonly stateOf?: AvailabilityOptions["stateOf"];
}

/** What the picture calls requests that never came to an upstream. */
export const NO_UPSTREAM = "-";
/** Up to so many days are drawn by the hour. */
const MOST_DAYS_OF_HOURS = 2;
const MOST_ROWS = 20;

export function createReport({
  costOf,
  dayOf,
  hourOf,
  projectOf = ({ cwd, project }) => project || cwd || null,
  stateOf = () => "failing",
}: ReportOptions) {
  const nameTime = hourOf ?? dayOf;
  const upstreamOf = makeKeyOf("upstream", dayOf);
  const upstreams = createSummarizer({ by: "upstream", keyOf: upstreamOf });
  const models = createSummarizer({ by: "model", keyOf: makeKeyOf("model", dayOf) });
  const projects = createSummarizer({ by: "project", keyOf: projectOf });
  const sessions = createSummarizer({
    by: "session",
    keyOf: makeKeyOf("session", dayOf),
    labelOf: projectOf,
  });
  const summarizers = [upstreams, models, projects, sessions];
  const availability = createAvailability({ hourOf: nameTime, stateOf });
  const before = createTally();
  const timeline = createTimeline<Tallies>({
    make: makeTallies,
    merge: mergeTallies,
    hourOf: nameTime,
    mostDaysOfHours: hourOf === undefined ? 0 : MOST_DAYS_OF_HOURS,
  });
  return {
    add(record: LogRecord): void {
      if (record.refusals !== undefined) return;
      const cost = costOf(record);
      for (const summarizer of summarizers) summarizer.add(record, cost);
      availability.add(record);
      if (!isGeneration(record)) return;
      const tallies = timeline.at(record);
      const tallyOf = (one: LogRecord): TallyBuilder =>
        tallies.getOrInsertComputed(upstreamOf(one) ?? NO_UPSTREAM, createTally);
      addTo(tallyOf, record, cost);
    },
    /** A request of the span before. */
    addBefore(record: LogRecord): void {
      if (record.refusals !== undefined || !isGeneration(record)) return;
      addTo(() => before, record, costOf(record));
    },
    projects: projects.keys,
    /** `rename` gives a project or directory the name that it is shown with. */
    finish(rename?: Rename): Report {
      const { unit, periods } = timeline.finish();
      const bySession = sessions.finishTop(MOST_ROWS);
      return {
        upstreams: upstreams.finishTop(MOST_ROWS),
        models: models.finishTop(MOST_ROWS),
        projects: projects.finishTop(MOST_ROWS, rename),
        sessions: {
          ...bySession,
          rows: bySession.rows.map(({ labels = [], ...row }) => ({
            ...row,
            labels: labels.flatMap((label) => (rename === undefined ? label : (rename(label) ?? []))),
          })),
        },
        unit,
        periods: periods.map(({ name, value }) => finishPeriod(name, value ?? makeTallies())),
        availability: availability.finish(),
        before: before.finish(),
      };
    },
  };
}

/** What a request used, and what each of its failed attempts did, where these belong. */
function addTo(
  tallyOf: (record: LogRecord) => TallyBuilder,
  record: LogRecord,
  cost: ReturnType<Pricer["costOf"]>,
): void {
  tallyOf(record).add(record, cost);
  for (const [index, attempt] of billedAttempts(record).entries())
    tallyOf(attempt).addAttempt(attempt, cost.attempts?.[index] ?? UNKNOWN);
}

/** By upstream. */
type Tallies = Map<string, TallyBuilder>;
const makeTallies = (): Tallies => new Map();

function mergeTallies(one: Tallies, other: Tallies): void {
  for (const [upstream, tally] of other) one.getOrInsertComputed(upstream, createTally).merge(tally);
}

function finishPeriod(name: string, tallies: Tallies): Period {
  const all = createTally();
  for (const tally of tallies.values()) all.merge(tally);
  return {
    name,
    byUpstream: new Map([...tallies].map(([upstream, tally]) => [upstream, tally.finish()])),
    all: all.finish(),
  };
}
