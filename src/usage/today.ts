// Adds up the requests of one day for a status: requests and failures of each service and upstream, and the last errors.
// Pure.
import { type Service, isService } from "../base/service.ts";
import type { LogRecord } from "../log/record.ts";
import { answererOf, hasFailed } from "./outcome.ts";
import type { SpendRow } from "./saved-spend.ts";

/** Field names as in `status --json`. */
export interface TodayFacts {
  /** Midnight, wall clock in ms. */
  readonly since_ms: number;
  /** False where today's part of the log is too large to be read for this: there was more. */
  readonly is_complete: boolean;
  readonly requests: number;
  readonly failures: number;
  /** Hits of the rules of redaction. */
  readonly redactions: number;
  /** By list prices; null where nothing is known of any. */
  readonly cost_usd: number | null;
  /** False where a part has no price, or did not say what it used. */
  readonly is_cost_complete: boolean;
  /** By address, and by label where the log has one. */
  readonly upstreams: readonly UpstreamToday[];
  /** The newest first. */
  readonly last_errors: readonly LoggedError[];
}

export interface UpstreamToday {
  readonly base_url: string;
  /** As it was called then; null in lines of an older version. */
  readonly label: string | null;
  readonly attempts: number;
  readonly failed_attempts: number;
  readonly cost_usd: number | null;
  readonly is_cost_complete: boolean;
  /** Attempts by their earlier names. */
  readonly requests: number;
  readonly failures: number;
}

/** What an upstream did on a day. */
export type UpstreamDay = Omit<UpstreamToday, "base_url" | "label" | "requests" | "failures">;

/** What was asked of an upstream of a config, of which `labels` are at its address. A label may have moved since. */
export function attemptsAt(
  { upstreams }: Pick<TodayFacts, "upstreams">,
  { base_url, label }: Pick<UpstreamToday, "base_url" | "label">,
  labels: readonly string[],
): UpstreamDay {
  const there = upstreams.filter((one) => one.base_url === base_url);
  const own = labels.length > 1 ? there.filter((one) => one.label === label || one.label === null) : there;
  return {
    attempts: own.reduce((sum, { attempts }) => sum + attempts, 0),
    failed_attempts: own.reduce((sum, { failed_attempts: failed }) => sum + failed, 0),
    cost_usd: own.reduce<number | null>(
      (sum, { cost_usd: usd }) => (usd === null ? sum : (sum ?? 0) + usd),
      null,
    ),
    is_cost_complete: own.every(({ is_cost_complete: isWhole }) => isWhole),
  };
}

export interface LoggedError {
  readonly at_ms: number;
  readonly status_code: number | null;
  /** Whose answer it was; null for one of ours. */
  readonly upstream_base_url: string | null;
  readonly upstream_label: string | null;
  readonly model: string | null;
  /** Secrets are masked where it is logged. */
  readonly error: string;
  /** The same as data, where the line has it. */
  readonly error_data?: LogRecord["reason"];
}

const MOST_ERRORS = 3;

const makeSums = () => ({ attempts: 0, failed_attempts: 0, usd: 0, unknown: 0 });
const makeCounts = () => ({
  requests: 0,
  failures: 0,
  redactions: 0,
  upstreams: new Map<
    string,
    Pick<UpstreamToday, "base_url" | "label"> & { sums: ReturnType<typeof makeSums> }
  >(),
  sums: makeSums(),
});

/** What the ledger of spend says of a day, by service. */
export type DayCounts = ReadonlyMap<Service, ReturnType<typeof makeCounts>>;

/** The rows of one day. */
export function countDay(rows: Iterable<readonly [day: string, row: SpendRow]>): DayCounts {
  const services = new Map<Service, ReturnType<typeof makeCounts>>();
  for (const [, row] of rows) {
    const { failures, label, redactions, requests, service, upstream } = row;
    if (!isService(service)) continue;
    const counts = services.getOrInsertComputed(service, makeCounts);
    counts.requests += requests;
    counts.failures += failures;
    counts.redactions += redactions;
    addTo(counts.sums, row);
    if (upstream === null || (row.attempts === 0 && row.usd === 0)) continue;
    const at = { base_url: upstream, label };
    addTo(
      counts.upstreams.getOrInsertComputed(`${label} ${upstream}`, () => ({ ...at, sums: makeSums() })).sums,
      row,
    );
  }
  return services;
}

function addTo(sums: ReturnType<typeof makeSums>, row: SpendRow): void {
  sums.attempts += row.attempts;
  sums.failed_attempts += row.failed_attempts;
  sums.usd += row.usd;
  sums.unknown += row.unpriced_requests + row.requests_without_usage + row.partial_requests;
}

/** `isPriced`: there were prices for what is not in the ledger yet. */
function makeCost(
  { unknown, usd }: ReturnType<typeof makeSums>,
  isPriced: boolean,
): Pick<UpstreamDay, "cost_usd" | "is_cost_complete"> {
  const isWhole = isPriced && unknown === 0;
  return { cost_usd: usd === 0 && !isWhole ? null : usd, is_cost_complete: isWhole };
}

/** The day as `status --json` has it, from its counts and its last errors. A service without requests is not in it. */
export function makeDay(
  { isPriced, ...span }: Pick<TodayFacts, "since_ms" | "is_complete"> & { readonly isPriced: boolean },
  counted: DayCounts,
  errors: ReadonlyMap<Service, readonly LoggedError[]>,
): Map<Service, TodayFacts> {
  return new Map(
    [...counted].map(
      ([service, { failures, redactions, requests, sums, upstreams }]): [Service, TodayFacts] => [
        service,
        {
          ...span,
          requests,
          failures,
          redactions,
          ...makeCost(sums, isPriced),
          upstreams: [...upstreams.values()].map(({ base_url, label, sums: own }) => ({
            base_url,
            label,
            attempts: own.attempts,
            failed_attempts: own.failed_attempts,
            ...makeCost(own, isPriced),
            requests: own.attempts,
            failures: own.failed_attempts,
          })),
          last_errors: errors.get(service) ?? [],
        },
      ],
    ),
  );
}

/** The last errors of the day by service, the newest first. */
export function createLastErrors() {
  const services = new Map<Service, LoggedError[]>();
  return {
    all: services as ReadonlyMap<Service, readonly LoggedError[]>,
    add(record: LogRecord): void {
      if (!isService(record.service) || record.refusals !== undefined || !hasFailed(record)) return;
      const errors = services.getOrInsertComputed(record.service, () => []);
      const after = errors.findIndex(({ at_ms }) => at_ms < record.timestamp_ms);
      errors.splice(after < 0 ? errors.length : after, 0, makeError(record));
      errors.length = Math.min(errors.length, MOST_ERRORS);
    },
    /** There are as many as are shown. */
    isFull: (counted: DayCounts): boolean =>
      [...counted].every(
        ([service, { failures }]) => (services.get(service)?.length ?? 0) >= Math.min(MOST_ERRORS, failures),
      ),
  };
}

function makeError(record: LogRecord): LoggedError {
  const answerer = answererOf(record);
  return {
    at_ms: record.timestamp_ms,
    status_code: record.status_code ?? null,
    upstream_base_url: answerer?.url ?? null,
    upstream_label: answerer?.label ?? null,
    model: record.model ?? null,
    error: record.error ?? record.outcome ?? "error",
    ...(record.reason === undefined ? {} : { error_data: record.reason }),
  };
}
