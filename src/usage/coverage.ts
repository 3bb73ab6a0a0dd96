// Which answers in the clients' session files came through the proxy: each is looked for among the requests of its
// conversation in the log, by its time. Nothing of this is added to totals.
// Pure.
import type { Service } from "../base/service.ts";
import type { LogRecord } from "../log/record.ts";
import { hasFailed, isGeneration } from "./outcome.ts";

/** An answer as a session's file has it. */
export interface FoundAnswer {
  readonly service: Service;
  readonly sessionId: string | null;
  /** Wall clock, ms: while the answer came, or right after. */
  readonly at: number;
}

/** Clocks are one, but rounded; a client takes a while to note what it got. */
const EARLY_MS = 50;
const LATE_MS = 5_000;

interface Request {
  readonly from: number;
  readonly to: number;
  isTaken: boolean;
}

export function createCoverage() {
  const requests = new Map<string, Request[]>();
  return {
    /** A request of the log, in any order. */
    add(record: LogRecord): void {
      const { duration_ms: duration = 0, outcome, service, session_id: session, timestamp_ms: from } = record;
      if (session === undefined || record.refusals !== undefined || !isGeneration(record)) return;
      if (hasFailed(record) && outcome !== "cut") return;
      const list = requests.getOrInsertComputed(keyOf(String(service), session), () => []);
      list.push({ from: from - EARLY_MS, to: from + duration + LATE_MS, isTaken: false });
    },
    /** Those that no request stands for: a request stands for one. */
    findMissing<T extends FoundAnswer>(answers: readonly T[]): ReadonlySet<T> {
      const missing = new Set<T>();
      for (const list of requests.values()) list.sort((one, other) => one.to - other.to);
      /** Requests of a conversation before this one ended too early for any later answer. */
      const starts = new Map<string, number>();
      for (const answer of answers.toSorted((one, other) => one.at - other.at)) {
        const key = keyOf(answer.service, answer.sessionId ?? "");
        const list = requests.get(key) ?? [];
        let start = starts.get(key) ?? 0;
        while ((list[start]?.to ?? Infinity) < answer.at) start += 1;
        starts.set(key, start);
        const request = list.slice(start).find(({ from, isTaken }) => !isTaken && from <= answer.at);
        if (request === undefined) missing.add(answer);
        else request.isTaken = true;
      }
      return missing;
    },
  };
}

function keyOf(service: string, session: string): string {
  return `${service} ${session.toLowerCase()}`;
}
