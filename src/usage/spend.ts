// The ledger of spend: what was used by local day, upstream, config, model and project, so that budgets and today's figures
// outlive the log. Knows which lines of the log it has, so that none counts twice. A cost is counted at the price of then.
// Pure.
import * as z from "zod/mini";
import { later } from "../base/later.ts";
import { localDay } from "../base/text.ts";
import type { LogRecord } from "../log/record.ts";
import { billedAttempts, hasFailed, isGeneration, lacksUsage, listAttempts } from "./outcome.ts";
import type { AttemptCost, Cost } from "./prices.ts";
import { readBilledTokens } from "./price-rates.ts";
import { type BudgetPlace, OTHERS, type Used, createRecentUse, figure, recentSchema } from "./recent-use.ts";

const count = later(() => z._default(figure, 0));
const name = later(() => z.nullable(z.string()));
const rowSchema = later(() =>
  z.object({
    service: z.string(),
    config: name,
    upstream: name,
    /** What it was called then: another key of its address has another one. */
    label: z._default(name, null),
    model: name,
    project: name,
    /** The rule of config.json for its directory. */
    rule: z._default(name, null),
    /** Whose last attempt was there. */
    requests: count,
    failures: count,
    attempts: count,
    failed_attempts: count,
    usd: count,
    /** Not in `usd`: the model had no price. */
    unpriced_requests: count,
    /** Not in `usd` nor in the tokens: the upstream did not say. */
    requests_without_usage: count,
    /** Of requests and failed attempts: more was used than is in the tokens. */
    partial_requests: count,
    /** Each token is in one of the four. */
    fresh_input_tokens: count,
    cached_input_tokens: count,
    cache_creation_tokens: count,
    output_tokens: count,
    /** Answers that used tokens, or may have; before they were counted, requests that did not fail. */
    answers: z.optional(figure),
    /** Of answers of which nobody said what they used: what was expected of them, for budgets alone. */
    estimated_answers: count,
    estimated_usd: count,
    estimated_tokens: count,
  }),
);
const spendSchema = later(() =>
  z.object({
    version: z.literal(1),
    /** When the log was read last, wall clock in ms. */
    read_at: z.nullable(figure),
    log: z.array(z.object({ ino: figure, bytes: figure, head: z.string(), tail: z.string() })),
    /** The lines of each run of a proxy that are counted, as first and last number of each stretch. */
    runs: z.record(z.string(), z.object({ at: figure, seq: z.array(figure) })),
    /** What was used in the last hours, for forecasts and budgets of hours: from when, and how many dollars; tokens, answers. */
    recent: recentSchema,
    days: z.record(z.string(), z.array(rowSchema)),
    /** Days with lines of which nothing tells whether they are counted: they were left out. */
    unsure: z.optional(z.array(z.string())),
  }),
);

export type SpendRow = Readonly<z.infer<typeof rowSchema>>;
type Row = z.infer<typeof rowSchema>;
export type SavedSpend = z.infer<typeof spendSchema>;
type Place = BudgetPlace & Pick<SpendRow, "label" | "project">;

/** The nearest so many: this month and the one before. Counted, so that a clock that is wrong for a while drops none. */
const KEPT_DAYS = 62;
/** Of a day: what comes beyond is added up without model and project, and at last without upstream. */
const MOST_ROWS = 200;
const MOST_NAMED_ROWS = 250;
const MOST_ROWS_AT_ALL = 300;
const LONGEST_NAME = 300;
const LONGEST_URL = 2_000;
const MOST_RUNS = 200;
const MOST_STRETCHES = 50;
/** All places on earth begin their days at a quarter of an hour. */
const QUARTER_MS = 900_000;

/** Null for what is no ledger. */
export function readSavedSpend(value: unknown): SavedSpend | null {
  return spendSchema.safeParse(value).data ?? null;
}

export type Spend = ReturnType<typeof createSpend>;

/** `saved`: what is counted already. */
export function createSpend(saved: SavedSpend | null = null) {
  const days = new Map(
    Object.entries(saved?.days ?? {}).map(([day, rows]) => [
      day,
      new Map(rows.map((row) => [keyOf(row), { ...NOTHING, ...row }])),
    ]),
  );
  const recent = createRecentUse(saved?.recent);
  const runs = new Map(Object.entries(saved?.runs ?? {}));
  const unsure = new Set(saved?.unsure);
  let [quarter, day] = [Number.NaN, ""];
  let version = 0;

  /** The last one is kept: lines go by time. */
  const dayOf = (at: number): string => {
    const next = Math.floor(at / QUARTER_MS);
    if (next !== quarter) [quarter, day] = [next, localDay(at)];
    return day;
  };
  const rowAt = (at: number, place: Place): Row => {
    const rows = days.getOrInsertComputed(dayOf(at), () => new Map<string, Row>());
    // Directories first: no budget is for one.
    const named = { ...place, project: OTHERS };
    const folded = { ...named, model: OTHERS };
    for (const [one, most] of [
      [place, MOST_ROWS],
      [named, MOST_NAMED_ROWS],
      [folded, MOST_ROWS_AT_ALL],
    ] as const) {
      const key = keyOf(one);
      const known = rows.get(key);
      if (known !== undefined) return known;
      if (rows.size < most) return addRow(rows, key, one);
    }
    const last = { ...folded, config: OTHERS, upstream: OTHERS, label: null, rule: OTHERS };
    return rows.get(keyOf(last)) ?? addRow(rows, keyOf(last), last);
  };
  /** What one answer used, or was expected to where nobody said. */
  const addUsed = (row: Row, record: LogRecord, cost: AttemptCost | null): void => {
    const { usage } = record;
    if (usage?.partial === true) row.partial_requests += 1;
    const tokens = readBilledTokens(record);
    const isWhole = usage !== undefined && !hasFailed(record) && isGeneration(record);
    const isAnswer = tokens !== null || isWhole || lacksUsage(record);
    if (isAnswer) row.answers = answersOf(row) + 1;
    if (tokens === null) {
      if (isAnswer) addEstimate(row, record);
      return;
    }
    row.fresh_input_tokens += tokens.fresh;
    row.cached_input_tokens += tokens.cached;
    row.cache_creation_tokens += tokens.created + tokens.created1h;
    row.output_tokens += tokens.output;
    if (cost?.kind === "unpriced") row.unpriced_requests += 1;
    const usd = cost?.kind === "priced" ? cost.usd : 0;
    row.usd += usd;
    const { cached, created, created1h, fresh, output } = tokens;
    const sum = fresh + cached + created + created1h + output;
    recent.add(spentAt(record), row, { usd, tokens: sum, requests: 1 });
  };
  const addEstimate = (row: Row, record: LogRecord): void => {
    const { estimate } = record;
    const { tokens = 0, usd = 0 } = estimate ?? {};
    if (estimate !== undefined) row.estimated_answers += 1;
    row.estimated_usd += usd;
    row.estimated_tokens += tokens;
    recent.add(spentAt(record), row, { usd, tokens, requests: 1 });
  };

  return {
    /** Whether the line of that number is counted. Undefined for a run that is not known. */
    has(run: string, seq: number): boolean | undefined {
      const stretches = runs.get(run)?.seq;
      return stretches?.some((first, at) => at % 2 === 0 && first <= seq && seq <= (stretches[at + 1] ?? 0));
    },
    /** Whether a line that ended then, wall clock in ms, may be of a run that was counted and is not known any more. */
    mayForget(endedAt: number): boolean {
      return runs.size >= MOST_RUNS && endedAt <= Math.min(...[...runs.values()].map(({ at }) => at));
    },
    /** Leaves out a line that may be counted already. */
    skip({ refusals, timestamp_ms: at }: LogRecord): void {
      if (refusals === undefined) unsure.add(dayOf(at));
    },
    /** Whether a day, "2026-11-29", has all of its lines. */
    isSure: (name: string): boolean => !unsure.has(name),
    /** `cost` null: not asked for, so that no dollars are counted. `now`: wall clock, ms. */
    add(record: LogRecord, cost: Cost | null, now: number): void {
      const { run, seq } = record;
      const at = spentAt(record);
      if (run !== undefined && seq !== undefined) {
        const known = runs.get(run)?.seq ?? [];
        runs.delete(run);
        runs.set(run, { at: now, seq: insert(known, seq) });
      }
      version += 1;
      if (record.refusals !== undefined) return;
      const place = placeOf(record);
      const row = rowAt(at, place);
      row.answers = answersOf(row);
      row.requests += 1;
      if (hasFailed(record)) row.failures += 1;
      for (const { baseUrl, hasFailed: isFailed, label } of listAttempts(record)) {
        const upstream = nameOf(baseUrl, LONGEST_URL);
        const tried = rowAt(at, { ...place, upstream, label: nameOf(label) });
        tried.attempts += 1;
        if (isFailed) tried.failed_attempts += 1;
      }
      if (lacksUsage(record)) row.requests_without_usage += 1;
      addUsed(row, record, cost);
      for (const [index, attempt] of billedAttempts(record).entries())
        addUsed(rowAt(at, placeOf(attempt)), attempt, cost?.attempts?.[index] ?? null);
    },
    /** The rows of a local day, or of a month: "2026-11-29", "2026-11". */
    *rowsOf(period: string): Generator<readonly [day: string, row: SpendRow]> {
      for (const [name, rows] of days)
        if (name.startsWith(period)) for (const row of rows.values()) yield [name, row];
    },
    /** Moves with everything that is added. */
    version: () => version,
    /** What was used in the last hours, by the start of its slice. */
    recent: () => recent.all(),
    /** Dollars of the last hours at an upstream, by the start of their slice. */
    recentAt: (service: string, upstream: string) => recent.dollarsAt(service, upstream),
    projects: (): ReadonlySet<string | null> =>
      new Set([...days.values()].flatMap((rows) => [...rows.values()].map(({ project }) => project))),
    /** Rows of projects that get one name become one. */
    renameProjects(rename: (project: string | null) => string | null): void {
      for (const rows of days.values()) {
        for (const [key, row] of rows) {
          const project = rename(row.project);
          if (project === row.project) continue;
          rows.delete(key);
          const renamed = { ...row, project: nameOf(project) };
          const there = rows.get(keyOf(renamed));
          if (there === undefined) rows.set(keyOf(renamed), renamed);
          else mergeInto(there, row);
        }
      }
    },
    /** As it is kept, with how far and when the log was read: old days are left out. `now`: wall clock, ms. */
    save({ log, read_at }: Pick<SavedSpend, "log" | "read_at">, now: number): SavedSpend {
      const kept = [...days]
        .toSorted(([one], [other]) => distance(one, now) - distance(other, now))
        .slice(0, KEPT_DAYS)
        .toSorted(([one], [other]) => (one < other ? -1 : 1));
      return {
        version: 1,
        read_at,
        log,
        runs: Object.fromEntries(
          [...runs].toSorted(([, one], [, other]) => one.at - other.at).slice(-MOST_RUNS),
        ),
        recent: recent.save(now),
        ...(unsure.size === 0 ? {} : { unsure: [...unsure].toSorted().slice(-KEPT_DAYS) }),
        days: Object.fromEntries(kept.map(([name, rows]) => [name, [...rows.values()].map(withoutZeros)])),
      };
    },
  };
}

/** What waited for a budget to open is spent from what that has then, and not on the day that it came. */
function spentAt({ duration_ms = 0, timestamp_ms, waited_ms = 0 }: LogRecord): number {
  return waited_ms > 0 ? timestamp_ms + Math.max(duration_ms, waited_ms) : timestamp_ms;
}

/** No directory begins so. */
const SESSION = "session:";

/** A project is the directory of its sessions; which one that is, the log does not say. */
export function sessionOfProject(project: string | null): string | null {
  return project?.startsWith(SESSION) === true ? project.slice(SESSION.length) : null;
}

function placeOf(record: LogRecord): Place {
  const { config_name, cwd, project, service, session_id: session, upstream_model } = record;
  const model = record.chain_model ?? record.model;
  return {
    service: String(service),
    config: nameOf(config_name),
    upstream: nameOf(record.upstream_base_url, LONGEST_URL),
    label: nameOf(record.upstream_label),
    model: nameOf(model || upstream_model),
    project: nameOf(project || cwd || (session ? SESSION + session : null)),
    rule: nameOf(project),
  };
}

function nameOf(text: string | null | undefined, longest = LONGEST_NAME): string | null {
  return text ? text.slice(0, longest) : null;
}

function keyOf({ config, label, model, project, rule, service, upstream }: Place): string {
  return [service, config, upstream, label, model, project, rule].join("\n");
}

/** What a row has in each unit of a budget. */
export function usedIn(row: SpendRow): Used {
  const counted =
    row.fresh_input_tokens + row.cached_input_tokens + row.cache_creation_tokens + row.output_tokens;
  return {
    usd: row.usd + row.estimated_usd,
    tokens: counted + row.estimated_tokens,
    requests: answersOf(row),
  };
}

function answersOf({ answers, failures, requests }: SpendRow): number {
  return answers ?? requests - failures;
}

function addRow(
  rows: Map<string, Row>,
  key: string,
  { config, label, model, project, rule, service, upstream }: Place,
): Row {
  const row = { ...NOTHING, service, config, upstream, label, model, project, rule };
  rows.set(key, row);
  return row;
}

const NOTHING = {
  requests: 0,
  failures: 0,
  attempts: 0,
  failed_attempts: 0,
  usd: 0,
  unpriced_requests: 0,
  requests_without_usage: 0,
  partial_requests: 0,
  fresh_input_tokens: 0,
  cached_input_tokens: 0,
  cache_creation_tokens: 0,
  output_tokens: 0,
  estimated_answers: 0,
  estimated_usd: 0,
  estimated_tokens: 0,
};
const COUNTS = Object.keys(NOTHING) as (keyof typeof NOTHING)[];

function mergeInto(row: Row, other: SpendRow): void {
  row.answers = answersOf(row) + answersOf(other);
  for (const count of COUNTS) row[count] += other[count];
}

/** ms between two days; what is no day that can be told is farthest away. */
function distance(day: string, now: number): number {
  const at = Date.parse(day);
  return Number.isNaN(at) ? Infinity : Math.abs(at - now);
}

/** Absent is zero, and so are these. */
function withoutZeros({ label, rule, ...row }: SpendRow): Row {
  const counts = Object.entries(row).filter(([, value]) => value !== 0);
  const names = Object.entries({ label, rule }).filter(([, value]) => value !== null);
  return Object.fromEntries([...counts, ...names]) as Row;
}

/** Stretches with one more number in them, in order and apart from each other. */
function insert(stretches: readonly number[], seq: number): number[] {
  const last = stretches.at(-1);
  if (last !== undefined && last + 1 === seq) return [...stretches.slice(0, -1), seq];
  const pairs = Array.from({ length: stretches.length / 2 }, (_, at) => [
    stretches[at * 2] ?? 0,
    stretches[at * 2 + 1] ?? 0,
  ]);
  const joined: number[][] = [];
  for (const [first = 0, end = 0] of [...pairs, [seq, seq]].toSorted(([a = 0], [b = 0]) => a - b)) {
    const before = joined.at(-1);
    if (before !== undefined && first <= (before[1] ?? 0) + 1) before[1] = Math.max(before[1] ?? 0, end);
    else joined.push([first, end]);
  }
  // A line that was lost leaves a gap; the oldest will not come any more.
  if (joined.length > MOST_STRETCHES) joined.splice(0, 2, [joined[0]?.[0] ?? 0, joined[1]?.[1] ?? 0]);
  return joined.flat();
}
