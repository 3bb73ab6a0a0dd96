// The ledger of spend: what was used by local day, upstream, config, model and project, so that budgets and today's figures
// outlive the log. Knows which lines of the log it has, so that none counts twice. A cost is counted at the price of then.
// Pure.
import { localDay } from "../base/text.ts";
import type { LogRecord } from "../log/record.ts";
import { billedAttempts, hasFailed, isGeneration, lacksUsage, listAttempts } from "./outcome.ts";
import type { AttemptCost, Cost } from "./prices.ts";
import { type BilledTokens, readBilledTokens } from "./price-rates.ts";
import { type BudgetPlace, NO_USE, OTHERS, type Used, createRecentUse } from "./recent-use.ts";
import type { SavedSpend, SpendRow } from "./saved-spend.ts";

type Row = { -readonly [Name in keyof SpendRow]: SpendRow[Name] };
type Place = BudgetPlace & Pick<SpendRow, "label" | "project">;

/** What one answer has added, for a count that goes on from where it was. */
export interface Addition {
  /** "2026-11-29": the local day that has it. */
  readonly day: string;
  /** The row of the day. */
  readonly row: BudgetPlace;
  readonly used: Used;
  /** The same in the last hours, wall clock in ms; null for what is not in them. */
  readonly recent: { readonly place: BudgetPlace; readonly at: number } | null;
  readonly unpriced: number;
  readonly estimated: number;
  /** Of which is not known what they used, or not all of it: negative where that was estimated. */
  readonly uncertain: number;
}

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
/** Who counts less often than after so many counts everything anew. */
const KEPT_ADDITIONS = 64;
/** All places on earth begin their days at a quarter of an hour. */
const QUARTER_MS = 900_000;

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
  const runs = new Map(
    Object.entries(saved?.runs ?? {}).map(([run, { at, seq }]) => [run, { at, seq: [...seq] }]),
  );
  const unsure = new Set(saved?.unsure);
  let [quarter, day] = [Number.NaN, ""];
  let version = 0;
  /** The newest ones, each at the place of its version. */
  const additions: Addition[] = [];
  /** Most answers are of the place of the one before. */
  let latest: { readonly day: string; readonly place: Place; readonly row: Row } | null = null;

  /** The last one is kept: lines go by time. */
  const dayOf = (at: number): string => {
    const next = Math.floor(at / QUARTER_MS);
    if (next !== quarter) [quarter, day] = [next, localDay(at)];
    return day;
  };
  const rowAt = (at: number, place: Place): Row => {
    const day = dayOf(at);
    if (latest?.day === day && isSamePlace(latest.place, place)) return latest.row;
    const row = findRow(
      days.getOrInsertComputed(day, () => new Map<string, Row>()),
      place,
    );
    latest = { day, place, row };
    return row;
  };
  const findRow = (rows: Map<string, Row>, place: Place): Row => {
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
  /** What one answer used, or was expected to where nobody said all of it. */
  const addUsed = (row: Row, record: LogRecord, cost: AttemptCost | null): void => {
    const { usage } = record;
    const tokens = readBilledTokens(record);
    const isPartial = usage?.partial === true;
    const isUnsaid = lacksUsage(record);
    const isWhole = (): boolean => usage !== undefined && !hasFailed(record) && isGeneration(record);
    const isAnswer = tokens !== null || isUnsaid || isWhole();
    if (!isAnswer && !isPartial) return;
    if (isPartial) row.partial_requests += 1;
    if (isUnsaid) row.requests_without_usage += 1;
    const isEstimated = isAnswer && (tokens === null || isPartial) && record.estimate !== undefined;
    const isUnpriced = tokens !== null && cost?.kind === "unpriced";
    if (isEstimated) row.estimated_answers += 1;
    if (isUnpriced) row.unpriced_requests += 1;
    if (isAnswer) row.answers = answersOf(row) + 1;
    let used = tokens === null ? NO_USE : addTokens(row, tokens, cost);
    if (isAnswer && (tokens === null || isPartial)) used = addBeyond(row, record, used);
    const at = spentAt(record);
    version += 1;
    additions[version % KEPT_ADDITIONS] = {
      day: dayOf(at),
      row,
      used,
      recent: isAnswer ? { place: recent.add(at, row, used), at } : null,
      unpriced: Number(isUnpriced),
      estimated: Number(isEstimated),
      uncertain: Number(isPartial) + Number(isUnsaid) - Number(isEstimated),
    };
  };
  const addTokens = (row: Row, tokens: BilledTokens, cost: AttemptCost | null): Used => {
    const { cached, created, created1h, fresh, output } = tokens;
    row.fresh_input_tokens += fresh;
    row.cached_input_tokens += cached;
    row.cache_creation_tokens += created + created1h;
    row.output_tokens += output;
    const usd = cost?.kind === "priced" ? cost.usd : 0;
    row.usd += usd;
    return { usd, tokens: fresh + cached + created + created1h + output, requests: 1 };
  };
  /** What a total has beyond its parts, and what was expected beyond both. */
  const addBeyond = (row: Row, { estimate, usage }: LogRecord, used: Used): Used => {
    const tokens = Math.max(used.tokens, usage?.total_tokens ?? 0, estimate?.tokens ?? 0);
    const usd = Math.max(used.usd, estimate?.usd ?? 0);
    row.estimated_usd += usd - used.usd;
    row.estimated_tokens += tokens - used.tokens;
    return { usd, tokens, requests: 1 };
  };

  return {
    /** Whether the line of that number is counted. Undefined for a run that is not known. */
    has(run: string, seq: number): boolean | undefined {
      const stretches = runs.get(run)?.seq;
      // Most ask for one of the newest.
      for (let at = (stretches?.length ?? 0) - 2; at >= 0; at -= 2)
        if (seq >= (stretches?.[at] ?? 0)) return seq <= (stretches?.[at + 1] ?? 0);
      return stretches === undefined ? undefined : false;
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
        const known = runs.getOrInsertComputed(run, () => ({ at: now, seq: [] }));
        known.at = now;
        known.seq = insert(known.seq, seq);
      }
      if (record.refusals !== undefined) return;
      const place = placeOf(record);
      const row = rowAt(at, place);
      row.answers = answersOf(row);
      row.requests += 1;
      if (hasFailed(record)) row.failures += 1;
      row.redactions += record.redactions ?? 0;
      for (const { baseUrl, hasFailed: isFailed, label } of listAttempts(record)) {
        const upstream = nameOf(baseUrl, LONGEST_URL);
        const tried = rowAt(at, { ...place, upstream, label: nameOf(label) });
        tried.attempts += 1;
        if (isFailed) tried.failed_attempts += 1;
      }
      addUsed(row, record, cost);
      for (const [index, attempt] of billedAttempts(record).entries())
        addUsed(rowAt(at, placeOf(attempt)), attempt, cost?.attempts?.[index] ?? null);
    },
    /** The rows of a local day, or of a month: "2026-11-29", "2026-11". */
    *rowsOf(period: string): Generator<readonly [day: string, row: SpendRow]> {
      for (const [name, rows] of days)
        if (name.startsWith(period)) for (const row of rows.values()) yield [name, row];
    },
    /** Moves with everything that was used. */
    version: () => version,
    /** What was added since a version, the oldest first; null where that is too long ago. */
    additionsSince(since: number): readonly Addition[] | null {
      if (since > version || version - since > KEPT_ADDITIONS) return null;
      const found: Addition[] = [];
      for (let at = since + 1; at <= version; at += 1) {
        const one = additions[at % KEPT_ADDITIONS];
        if (one !== undefined) found.push(one);
      }
      return found;
    },
    /** What was used in the last hours, by the start of its slice. */
    recent: () => recent.all(),
    /** Dollars of the last hours at an upstream, by the start of their slice. */
    recentAt: (service: string, upstream: string) => recent.dollarsAt(service, upstream),
    projects: (): ReadonlySet<string | null> =>
      new Set([...days.values()].flatMap((rows) => [...rows.values()].map(({ project }) => project))),
    /** Rows of projects that get one name become one. */
    renameProjects(rename: (project: string | null) => string | null): void {
      latest = null;
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
    /** As it is kept, with how far and when the log was read: old days are forgotten. `now`: wall clock, ms. */
    save({ log, read_at }: Pick<SavedSpend, "log" | "read_at">, now: number): SavedSpend {
      const byDistance = [...days.keys()].toSorted((one, other) => distance(one, now) - distance(other, now));
      for (const name of byDistance.slice(KEPT_DAYS)) days.delete(name);
      const kept = [...days].toSorted(([one], [other]) => (one < other ? -1 : 1));
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
  return `${service}\n${config ?? ""}\n${upstream ?? ""}\n${label ?? ""}\n${model ?? ""}\n${project ?? ""}\n${rule ?? ""}`;
}

function isSamePlace(one: Place, other: Place): boolean {
  return (
    one.model === other.model &&
    one.upstream === other.upstream &&
    one.project === other.project &&
    one.config === other.config &&
    one.label === other.label &&
    one.rule === other.rule &&
    one.service === other.service
  );
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
  redactions: 0,
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
function insert(stretches: number[], seq: number): number[] {
  const last = stretches.length - 1;
  if (stretches[last] === seq - 1) {
    stretches[last] = seq;
    return stretches;
  }
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
