// Adds up the requests of one day for a status: requests and failures of each service and upstream, and the last errors.
// Pure.
import { type Service, isService } from "../base/service.ts";
import type { LogRecord } from "../log/record.ts";
import { hasFailed } from "./outcome.ts";

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

const makeSums = () => ({
  requests: 0,
  failures: 0,
  upstreams: new Map<string, { requests: number; failures: number }>(),
  errors: [] as LoggedError[],
});
type Sums = ReturnType<typeof makeSums>;

export function createDayTally() {
  const services = new Map<Service, Sums>();
  return {
    /** Newest first. */
    add(record: LogRecord): void {
      if (!isService(record.service) || record.refusals !== undefined) return;
      addTo(services.getOrInsertComputed(record.service, makeSums), record);
    },
    /** A service without requests is not in it. */
    finish: (span: Pick<TodayFacts, "since_ms" | "is_complete">) =>
      new Map(
        [...services].map(([service, { errors, failures, requests, upstreams }]): [Service, TodayFacts] => [
          service,
          {
            ...span,
            requests,
            failures,
            upstreams: [...upstreams].map(([base_url, counts]) => ({ base_url, ...counts })),
            last_errors: errors,
          },
        ]),
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
  if (isFailure && sums.errors.length < MOST_ERRORS) sums.errors.push(makeError(record));
}

/** `attempts` is present when it has more than the line itself. */
function listAttempts(record: LogRecord, isFailure: boolean): { baseUrl: string; isGood: boolean }[] {
  const { attempts, upstream_base_url: last } = record;
  if (attempts === undefined) return last == null ? [] : [{ baseUrl: last, isGood: !isFailure }];
  return attempts.flatMap(({ upstream_base_url: baseUrl, verdict }) =>
    baseUrl === undefined ? [] : [{ baseUrl, isGood: verdict === "ok" }],
  );
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
