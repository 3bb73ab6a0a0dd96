// What the router keeps in memory: one record an upstream, one line a service. Storage only; the rules are elsewhere.
import type { Service } from "../base/service.ts";
import { type Upstream, modelAt } from "../base/upstream.ts";
import { type Health, HEALTHY } from "./health.ts";
import { type Assessment, assess } from "./availability.ts";
import type { Permit, QuotaNote } from "./types.ts";

export interface UpstreamRecord {
  health: Health;
  quota: QuotaNote | undefined;
  /** The permit of the probe that is out, and since when (wall clock, ms). */
  probe: Permit | null;
  probeSince: number;
  /** Attempts, and those that were counted against it. */
  requests: number;
  failures: number;
}

/** The upstreams of a service in the user's order, as last asked for. */
export interface Line {
  upstreams: readonly Upstream[];
  readonly order: string;
  /** Key of the upstream that served the last request of a session that was with none. */
  front: string | undefined;
  isAllDown: boolean;
}

export type Records = ReturnType<typeof createRecords>;

/** A probe that was never settled counts as over then: no answer may take so long to begin. */
const PROBE_LEASE_MS = 900_000;

/** `now`: wall clock, ms. */
export function createRecords(now: () => number) {
  const records = new Map<string, UpstreamRecord>();
  const lines = new Map<Service, Line>();

  const of = (key: string): UpstreamRecord => {
    const known = records.get(key);
    if (known !== undefined) return known;
    const made = { health: HEALTHY, quota: undefined, probe: null, probeSince: 0, requests: 0, failures: 0 };
    records.set(key, made);
    return made;
  };

  return {
    of,
    all: () => records.entries(),
    look(upstream: Upstream, model: string | null, isLastResort: boolean): Assessment {
      const record = of(upstream.key);
      const at = now();
      return assess({
        health: record.health,
        quota: record.quota,
        probeSince:
          record.probe !== null && at - record.probeSince < PROBE_LEASE_MS ? record.probeSince : null,
        model: model === null ? null : modelAt(upstream, model),
        now: at,
        isLastResort,
      });
    },
    /** Did the user change active, order or enabled since the last request? */
    isEdited(upstreams: readonly Upstream[]): boolean {
      const [first] = upstreams;
      const line = first === undefined ? undefined : lines.get(first.service);
      return line !== undefined && line.upstreams !== upstreams && line.order !== orderOf(upstreams);
    },
    /** Takes notice of a request's upstreams; true when they were edited. */
    noteOrder(upstreams: readonly Upstream[]): boolean {
      const [first] = upstreams;
      const line = first === undefined ? undefined : lines.get(first.service);
      if (first === undefined || line?.upstreams === upstreams) return false;
      const order = orderOf(upstreams);
      if (line?.order === order) {
        line.upstreams = upstreams;
        return false;
      }
      lines.set(first.service, { upstreams, order, front: undefined, isAllDown: false });
      return line !== undefined;
    },
    /** The line in force. Another object after each edit. */
    lineOf: (service: Service): Line | undefined => lines.get(service),
    /** Keys in order, by service, joined by newlines. */
    orders: (): ReadonlyMap<Service, string> =>
      new Map([...lines].map(([service, line]) => [service, line.order])),
    /** The order in which an earlier process left a service. */
    loadOrder(service: Service, order: string): void {
      lines.set(service, { upstreams: [], order, front: undefined, isAllDown: false });
    },
  };
}

function orderOf(upstreams: readonly Upstream[]): string {
  return upstreams.map((upstream) => upstream.key).join("\n");
}
