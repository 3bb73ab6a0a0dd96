// Adds up the requests of one day for a status: requests and failures of each service and upstream, and the last errors.
// Pure.
import { type Service, isService } from "../base/service.ts";
import type { LogRecord } from "../log/record.ts";
import { hasFailed, listAttempts } from "./outcome.ts";
import type { SpendRow } from "./spend.ts";

/** Field names as in `status --json`. */
export interface TodayFacts {
  /** Midnight, wall clock in ms. */
  readonly since_ms: number;
  /** False where today's part of the log is too large to be read for this: there was more. */
  readonly is_complete: boolean;
  readonly requests: number;
  readonly failures: number;
  /** Attempts by address: two upstreams of one address are not told apart in the log. */
  readonly upstreams: readonly {
    readonly base_url: string;
    readonly requests: number;
    readonly failures: number;
  }[];
  /** The newest first. */
  readonly last_errors: readonly LoggedError[];
}

export interface LoggedError {
  readonly at_ms: number;
  readonly status_code: number | null;
  readonly upstream_base_url: string | null;
  readonly model: string | null;
  /** Secrets are masked where it is logged. */
  readonly error: string;
  /** The same as data, where the line has it. */
  readonly error_data?: LogRecord["reason"];
}

const MOST_ERRORS = 3;

const makeCounts = () => ({
  requests: 0,
  failures: 0,
  upstreams: new Map<string, { requests: number; failures: number }>(),
});
const makeSums = () => ({ ...makeCounts(), errors: [] as LoggedError[] });
type Counts = ReturnType<typeof makeCounts>;
type Sums = ReturnType<typeof makeSums>;

/** What the ledger of spend says of a day, by service. */
export type DayCounts = ReadonlyMap<Service, Counts>;

/** The rows of one day. */
export function countDay(rows: Iterable<readonly [day: string, row: SpendRow]>): DayCounts {
  const services = new Map<Service, Counts>();
  for (const [, { attempts, failed_attempts, failures, requests, service, upstream }] of rows) {
    if (!isService(service)) continue;
    const sums = services.getOrInsertComputed(service, makeCounts);
    sums.requests += requests;
    sums.failures += failures;
    if (upstream === null || attempts === 0) continue;
    const counts = sums.upstreams.getOrInsertComputed(upstream, () => ({ requests: 0, failures: 0 }));
    counts.requests += attempts;
    counts.failures += failed_attempts;
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
              upstreams: [...upstreams].map(([base_url, counts]) => ({ base_url, ...counts })),
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
  for (const { baseUrl, isGood } of listAttempts(record, isFailure)) {
    const counts = sums.upstreams.getOrInsertComputed(baseUrl, () => ({ requests: 0, failures: 0 }));
    counts.requests += 1;
    if (!isGood) counts.failures += 1;
  }
  if (!isFailure) return;
  const after = sums.errors.findIndex(({ at_ms }) => at_ms < record.timestamp_ms);
  sums.errors.splice(after < 0 ? sums.errors.length : after, 0, makeError(record));
  sums.errors.length = Math.min(sums.errors.length, MOST_ERRORS);
}

function makeError(record: LogRecord): LoggedError {
  return {
    at_ms: record.timestamp_ms,
    status_code: record.status_code ?? null,
    upstream_base_url: record.upstream_base_url ?? null,
    model: record.model ?? null,
    error: record.error ?? record.outcome ?? "error",
    ...(record.reason === undefined ? {} : { error_data: record.reason }),
  };
}
