// Adds up the requests of one day for a status: requests and failures of each service and upstream, and the last errors.
// Pure.
import { type Service, isService } from "../base/service.ts";
import type { LogRecord } from "../log/record.ts";
import { answererOf, hasFailed, listAttempts } from "./outcome.ts";
import type { SpendRow } from "./spend.ts";

/** Field names as in `status --json`. */
export interface TodayFacts {
  /** Midnight, wall clock in ms. */
  readonly since_ms: number;
  /** False where today's part of the log is too large to be read for this: there was more. */
  readonly is_complete: boolean;
  readonly requests: number;
  readonly failures: number;
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
  /** The same two by their earlier names. */
  readonly requests: number;
  readonly failures: number;
}

/** What was asked of an upstream of a config, of which `labels` are at its address. A label may have moved since. */
export function attemptsAt(
  { upstreams }: Pick<TodayFacts, "upstreams">,
  { base_url, label }: Pick<UpstreamToday, "base_url" | "label">,
  labels: readonly string[],
): Pick<UpstreamToday, "attempts" | "failed_attempts"> {
  const there = upstreams.filter((one) => one.base_url === base_url);
  const own = labels.length > 1 ? there.filter((one) => one.label === label || one.label === null) : there;
  return {
    attempts: own.reduce((sum, { attempts }) => sum + attempts, 0),
    failed_attempts: own.reduce((sum, { failed_attempts: failed }) => sum + failed, 0),
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

type Counted = {
  -readonly [Field in Exclude<keyof UpstreamToday, "requests" | "failures">]: UpstreamToday[Field];
};

const countedAt = ({ upstreams }: Counts, base_url: string, label: string | null): Counted =>
  upstreams.getOrInsertComputed(`${label} ${base_url}`, () => ({
    base_url,
    label,
    attempts: 0,
    failed_attempts: 0,
  }));
const makeCounts = () => ({
  requests: 0,
  failures: 0,
  upstreams: new Map<string, Counted>(),
});
const makeSums = () => ({ ...makeCounts(), errors: [] as LoggedError[] });
type Counts = ReturnType<typeof makeCounts>;
type Sums = ReturnType<typeof makeSums>;

/** What the ledger of spend says of a day, by service. */
export type DayCounts = ReadonlyMap<Service, Counts>;

/** The rows of one day. */
export function countDay(rows: Iterable<readonly [day: string, row: SpendRow]>): DayCounts {
  const services = new Map<Service, Counts>();
  for (const [, { attempts, failed_attempts, failures, label, requests, service, upstream }] of rows) {
    if (!isService(service)) continue;
    const sums = services.getOrInsertComputed(service, makeCounts);
    sums.requests += requests;
    sums.failures += failures;
    if (upstream === null || attempts === 0) continue;
    const counts = countedAt(sums, upstream, label);
    counts.attempts += attempts;
    counts.failed_attempts += failed_attempts;
  }
  return services;
}

export function createDayTally() {
  const services = new Map<Service, Sums>();
  return {
    add(record: LogRecord): void {
      if (!isService(record.service) || record.refusals !== undefined) return;
      addTo(services.getOrInsertComputed(record.service, makeSums), record);
    },
    /** There are as many of the last errors as are shown. */
    hasAllErrors: (counted: DayCounts): boolean =>
      [...counted].every(
        ([service, { failures }]) =>
          (services.get(service)?.errors.length ?? 0) >= Math.min(MOST_ERRORS, failures),
      ),
    /** A service without requests is not in it. `counted`: instead of the sums of what was added. */
    finish: (span: Pick<TodayFacts, "since_ms" | "is_complete">, counted: DayCounts | null = null) =>
      new Map(
        [...(counted ?? services)].map(
          ([service, { failures, requests, upstreams }]): [Service, TodayFacts] => [
            service,
            {
              ...span,
              requests,
              failures,
              upstreams: [...upstreams.values()].map((counts) => ({
                ...counts,
                requests: counts.attempts,
                failures: counts.failed_attempts,
              })),
              last_errors: services.get(service)?.errors ?? [],
            },
          ],
        ),
      ),
  };
}

function addTo(sums: Sums, record: LogRecord): void {
  const isFailure = hasFailed(record);
  sums.requests += 1;
  if (isFailure) sums.failures += 1;
  for (const { baseUrl, hasFailed: isFailed, label = null } of listAttempts(record)) {
    const counts = countedAt(sums, baseUrl, label);
    counts.attempts += 1;
    if (isFailed) counts.failed_attempts += 1;
  }
  if (!isFailure) return;
  const after = sums.errors.findIndex(({ at_ms }) => at_ms < record.timestamp_ms);
  sums.errors.splice(after < 0 ? sums.errors.length : after, 0, makeError(record));
  sums.errors.length = Math.min(sums.errors.length, MOST_ERRORS);
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
