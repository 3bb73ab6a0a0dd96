// Counts the requests that the guard turns away. A web page can send thousands a second: a line for each would push the
// user's own requests out of the log, so that one line a minute stands for all of them.
import type { Service } from "../base/service.ts";
import type { LogEntry } from "../log/entry.ts";
import { makeRequestId, sayWhy } from "./exchange.ts";
import type { Refusal, RefusedRequest } from "./guard.ts";

/** Counted since the proxy started. Field names as in `status --json`. */
export type RefusalFacts = Readonly<{
  count: number;
  by_status: Record<string, number>;
  /** Wall clock, ms; null for none so far. */
  last_at_ms: number | null;
}>;

export interface RefusalsOptions {
  readonly service: Service;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Takes the line that stands for one request or many. */
  readonly record: (entry: LogEntry) => void;
  /** Does the work once, later, and returns how to prevent that. Default: a timer that keeps no process alive. */
  readonly later?: (work: () => void, ms: number) => () => void;
}

const LINE_EVERY_MS = 60_000;
/** What anybody can cause at will. A client's own mistakes (426, 400) have a line each. */
const COUNTED: ReadonlySet<Refusal["status"]> = new Set([401, 403, 405, 421, 508]);

export function isCounted({ status }: Refusal): boolean {
  return COUNTED.has(status);
}

export function createRefusals(options: RefusalsOptions) {
  const { later = setUnreferenced, now, record, service } = options;
  const byStatus = new Map<number, number>();
  let count = 0;
  let lastAt: number | null = null;
  let pending = 0;
  let last: RefusedRequest | null = null;
  let cancel: (() => void) | null = null;

  const writeLine = (): void => {
    if (last === null || lastAt === null || pending === 0) return;
    const { method, path, refusal } = last;
    const entry: LogEntry = {
      timestamp_ms: lastAt,
      service,
      method,
      path,
      status_code: refusal.status,
      duration_ms: 0,
      config_name: null,
      upstream_base_url: null,
      id: makeRequestId(lastAt),
      outcome: "refused",
      refusals: pending,
      ...sayWhy({ rule: "refused", why: refusal.message }),
    };
    pending = 0;
    last = null;
    record(entry);
  };
  const endMinute = (): void => {
    cancel = pending === 0 ? null : later(endMinute, LINE_EVERY_MS);
    writeLine();
  };

  return {
    /** The first after a quiet minute is written at once, those that follow within a minute together. */
    note(request: RefusedRequest): void {
      count += 1;
      pending += 1;
      lastAt = now();
      last = request;
      byStatus.set(request.refusal.status, (byStatus.get(request.refusal.status) ?? 0) + 1);
      if (cancel === null) endMinute();
    },
    facts: (): RefusalFacts => ({ count, by_status: Object.fromEntries(byStatus), last_at_ms: lastAt }),
    /** Writes what has not been written yet. */
    close(): void {
      cancel?.();
      cancel = null;
      writeLine();
    },
  };
}

function setUnreferenced(work: () => void, ms: number): () => void {
  const timer = setTimeout(work, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
