// What the router keeps in memory: one record an upstream, one line a service. Storage only; the rules are elsewhere.
import { SERVICES, type Service } from "../base/service.ts";
import { addressOf, type Upstream, modelAt } from "../base/upstream.ts";
import { behindHold, type Health, HEALTHY } from "./health.ts";
import { assess } from "./availability.ts";
import type { Assessment, Permit, PlanRequest, QuotaNote, Reason } from "./types.ts";

export interface UpstreamRecord {
  health: Health;
  quota: QuotaNote | undefined;
  /** The permit of the probe that is out, and since when (wall clock, ms). */
  probe: Permit | null;
  probeSince: number;
  /** Turns that are open there: their permits are not settled. */
  open: number;
  /** Attempts, and those that were counted against it. */
  attempts: number;
  failures: number;
  /** The last refusal that blames nobody, and when (wall clock, ms). */
  refusal: { readonly at: number; readonly reason: Reason } | null;
}

/** The upstreams of a service in the user's order, as last asked for. */
export interface Line {
  upstreams: readonly Upstream[];
  readonly order: string;
  /** Key of the upstream that served the last request of a session that was with none. */
  front: string | undefined;
  isAllDown: boolean;
}

/** An outbound proxy, shared by the upstreams that are reached through it. */
export interface ProxyRecord {
  readonly record: UpstreamRecord;
  /** Moves with each thing that is learned of it. */
  clock: number;
  /** When each host was last not reached through it. */
  readonly missed: Map<string, number>;
  /** The host that was last reached, and when. */
  reached: { readonly host: string; readonly at: number } | null;
}

/** An address whose last answer did not come from a server, shared by the keys that lead to it. */
export interface FailingAddress {
  /** Of the upstream that failed last. */
  readonly key: string;
  /** So many failures since it last answered. */
  readonly count: number;
  /** Pauses in a row. */
  readonly pauses: number;
  /** Wall clock, ms. */
  readonly until: number;
  readonly reason: Reason;
}

export type Records = ReturnType<typeof createRecords>;

/** A probe that was never settled counts as over then: no answer may take so long to begin. */
const PROBE_LEASE_MS = 900_000;
const MAX_MISSED = 64;

/** `now`: wall clock, ms. */
export function createRecords(now: () => number) {
  const records = new Map<string, UpstreamRecord>();
  const lines = new Map<string, Line>();
  /** By the upstreams' `proxy`. */
  const proxies = new Map<string, ProxyRecord>();
  const addresses = new Map<string, FailingAddress>();

  const of = (key: string): UpstreamRecord => {
    const known = records.get(key);
    if (known !== undefined) return known;
    const made = {
      health: HEALTHY,
      quota: undefined,
      probe: null,
      probeSince: 0,
      attempts: 0,
      open: 0,
      failures: 0,
      refusal: null,
    };
    records.set(key, made);
    return made;
  };

  const proxyOf = (upstream: Upstream): ProxyRecord | null => {
    if (upstream.proxy === false) return null;
    const known = proxies.get(upstream.proxy);
    if (known !== undefined) return known;
    const record = of(proxyKey(upstream) ?? "");
    const made = { record, clock: 0, missed: new Map<string, number>(), reached: null };
    proxies.set(upstream.proxy, made);
    return made;
  };

  /** The upstream's address, while that is failing. */
  const failingOf = (upstream: Upstream): FailingAddress | null => {
    if (addresses.size === 0) return null;
    const failing = addresses.get(addressOf(upstream));
    return failing !== undefined && now() < failing.until ? failing : null;
  };

  return {
    of,
    all: () => records.entries(),
    proxyOf,
    failingOf,
    /** No server there read the request. `pauseMs`: how long its other keys are left alone, by how many pauses there were. */
    noteAddressFailed(upstream: Upstream, reason: Reason, pauseMs: (pauses: number) => number): void {
      const at = now();
      const before = addresses.get(addressOf(upstream));
      const isNew = before === undefined || at >= before.until;
      const pauses = (before?.pauses ?? 0) + (isNew ? 1 : 0);
      addresses.set(addressOf(upstream), {
        key: upstream.key,
        count: (before?.count ?? 0) + 1,
        pauses,
        until: isNew ? at + pauseMs(pauses - 1) : before.until,
        reason,
      });
    },
    /** A server there answered, whatever it said. */
    noteAddressAnswered(upstream: Upstream): void {
      if (addresses.size > 0) addresses.delete(addressOf(upstream));
    },
    /** The upstream was reached through its proxy. */
    noteReached(proxy: ProxyRecord, { origin }: Upstream): void {
      proxy.missed.delete(origin);
      proxy.reached = { host: origin, at: (proxy.clock += 1) };
    },
    /** It was not. True where the proxy led to another host since the last time that it was not. */
    noteMissed(proxy: ProxyRecord, { origin }: Upstream): boolean {
      const { missed, reached } = proxy;
      const before = missed.get(origin) ?? Infinity;
      if (missed.size >= MAX_MISSED) missed.clear();
      missed.set(origin, (proxy.clock += 1));
      return reached !== null && reached.host !== origin && reached.at > before;
    },
    look(
      upstream: Upstream,
      { model, place }: Pick<PlanRequest, "model" | "place">,
      isLastResort: boolean,
    ): Assessment {
      const record = of(upstream.key);
      const hold = proxyOf(upstream)?.record.health.holds.open;
      const at = now();
      return assess({
        health: hold === undefined ? record.health : behindHold(record.health, hold),
        quota: record.quota,
        probeSince:
          record.probe !== null && at - record.probeSince < PROBE_LEASE_MS ? record.probeSince : null,
        model: model === null ? null : modelAt(upstream, model),
        now: at,
        isLastResort: isLastResort && (place === undefined || place === "last"),
        isSubstitute: place !== undefined && place !== "first",
      });
    },
    /** Did the user change active, order or enabled since the last request? */
    isEdited({ line: name, upstreams }: Ordered): boolean {
      const line = lines.get(nameOfLine(upstreams, name));
      return line !== undefined && line.upstreams !== upstreams && line.order !== orderOf(upstreams);
    },
    /** Takes notice of a request's upstreams; true when they were edited. */
    noteOrder({ line: given, upstreams }: Ordered): boolean {
      const name = nameOfLine(upstreams, given);
      const line = lines.get(name);
      if (upstreams.length === 0 || line?.upstreams === upstreams) return false;
      const order = orderOf(upstreams);
      if (line?.order === order) {
        line.upstreams = upstreams;
        return false;
      }
      lines.set(name, { upstreams, order, front: undefined, isAllDown: false });
      return line !== undefined;
    },
    /** The line in force: a project may have one of its own. Another object after each edit. */
    lineOf: (service: Service, name?: string): Line | undefined =>
      lines.get(name === undefined ? service : `${service} ${name}`),
    /** Keys in order, by service, joined by newlines. Lines of projects are not kept. */
    orders: (): ReadonlyMap<Service, string> =>
      new Map(
        SERVICES.flatMap((service) => {
          const line = lines.get(service);
          return line === undefined ? [] : [[service, line.order] as const];
        }),
      ),
    /** The order in which an earlier process left a service. */
    loadOrder(service: Service, order: string): void {
      lines.set(service, { upstreams: [], order, front: undefined, isAllDown: false });
    },
  };
}

type Ordered = Pick<PlanRequest, "line" | "upstreams">;

function nameOfLine([first]: readonly Upstream[], name: string | undefined): string {
  const service = first?.service ?? "";
  return name === undefined ? service : `${service} ${name}`;
}

/** The key of what is held against the proxy before an upstream, in the memory of its service. Never its password. */
export function proxyKey({ proxy, service }: Upstream): string | null {
  return proxy === false ? null : `${service}|proxy|${URL.parse(proxy)?.host ?? ""}`;
}

function orderOf(upstreams: readonly Upstream[]): string {
  return upstreams.map((upstream) => upstream.key).join("\n");
}
