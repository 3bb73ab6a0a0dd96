// What happened since midnight, from the end of requests.jsonl: requests and failures of each service and upstream, and the
// last errors. Reads no more of the log than today's part, and never the whole of a huge one.
import { UserError } from "../../base/errors.ts";
import { isRecord, stringOr } from "../../base/json-value.ts";
import { type Service, isService } from "../../base/service.ts";
import { readLog } from "../../log/reader.ts";

/** Field names as in `status --json`. */
export interface TodayFacts {
  /** Midnight, wall clock in ms. */
  readonly since_ms: number;
  /** False where today's part of the log is too large to be read for this: there was more. */
  readonly is_complete: boolean;
  readonly requests: number;
  /** Answered with an error, cut off or refused; a client that left is no failure. */
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
}

export interface TodayOptions {
  readonly path: string;
  /** Wall clock, ms. */
  readonly now: number;
}

const MOST_BATCHES = 32;
const MOST_ERRORS = 3;
const FAILED = new Set(["error", "cut", "refused"]);

/** By service; null where the log cannot be read. A service without requests today is not in it. */
export async function readToday({
  now,
  path,
}: TodayOptions): Promise<ReadonlyMap<Service, TodayFacts> | null> {
  const since = midnightOf(now);
  const tallies = new Map<Service, Tally>();
  let batches = 0;
  let isComplete = true;
  try {
    for await (const entries of readLog(path, { order: "newest-first" })) {
      const today = entries.filter(({ fields }) => Number(fields["timestamp_ms"]) >= since);
      for (const { fields } of today) addTo(tallies, fields);
      // Lines stand in the order in which requests ended, so a long one may stand after midnight's.
      if (today.length === 0) break;
      batches += 1;
      isComplete = batches < MOST_BATCHES;
      if (!isComplete) break;
    }
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
  return new Map(
    [...tallies].map(([service, { errors, failures, requests, upstreams }]) => [
      service,
      {
        since_ms: since,
        is_complete: isComplete,
        requests,
        failures,
        upstreams: [...upstreams].map(([base_url, counts]) => ({ base_url, ...counts })),
        last_errors: errors,
      },
    ]),
  );
}

/** A day on which nothing was asked so far. */
export function makeQuietDay(now: number): TodayFacts {
  const counts = { requests: 0, failures: 0, upstreams: [], last_errors: [] };
  return { since_ms: midnightOf(now), is_complete: true, ...counts };
}

function midnightOf(now: number): number {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  return midnight.getTime();
}

interface Tally {
  requests: number;
  failures: number;
  readonly upstreams: Map<string, { requests: number; failures: number }>;
  readonly errors: LoggedError[];
}

function makeTally(): Tally {
  return { requests: 0, failures: 0, upstreams: new Map(), errors: [] };
}

type Fields = Readonly<Record<string, unknown>>;

function addTo(tallies: Map<Service, Tally>, fields: Fields): void {
  const { service } = fields;
  if (!isService(service)) return;
  const tally = tallies.get(service) ?? makeTally();
  tallies.set(service, tally);
  const isFailure = FAILED.has(stringOr(fields["outcome"], ""));
  tally.requests += 1;
  if (isFailure) tally.failures += 1;
  for (const { baseUrl, isGood } of listAttempts(fields, isFailure)) {
    const counts = tally.upstreams.get(baseUrl) ?? { requests: 0, failures: 0 };
    tally.upstreams.set(baseUrl, counts);
    counts.requests += 1;
    if (!isGood) counts.failures += 1;
  }
  if (isFailure && tally.errors.length < MOST_ERRORS) tally.errors.push(makeError(fields));
}

/** `attempts` is there when it says more than the line itself. */
function listAttempts(fields: Fields, isFailure: boolean): { baseUrl: string; isGood: boolean }[] {
  const { attempts, upstream_base_url: last } = fields;
  if (Array.isArray(attempts)) {
    return attempts.filter(isRecord).flatMap((attempt) => {
      const baseUrl = stringOr(attempt["upstream_base_url"], null);
      return baseUrl === null ? [] : [{ baseUrl, isGood: attempt["verdict"] === "ok" }];
    });
  }
  return typeof last === "string" ? [{ baseUrl: last, isGood: !isFailure }] : [];
}

function makeError(fields: Fields): LoggedError {
  const status = fields["status_code"];
  return {
    at_ms: Number(fields["timestamp_ms"]),
    status_code: typeof status === "number" ? status : null,
    upstream_base_url: stringOr(fields["upstream_base_url"], null),
    model: stringOr(fields["model"], null),
    error: stringOr(fields["error"], stringOr(fields["outcome"], "error")),
  };
}
