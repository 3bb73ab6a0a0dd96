// What the live view knows: the proxies that were heard, their upstreams and requests, and what is read beside them. Gives rows
// in an order that stays: a row moves only where something before it has come or gone.
// Pure.
import type { InstanceFacts, RunningPart, UpstreamFacts } from "../../../app/ask-instance.ts";
import type { ProxyNews } from "../../../app/serve/watch.ts";
import { type Service, SERVICES } from "../../../base/service.ts";
import { setNewest } from "../../../base/newest.ts";
import type { LogRecord } from "../../../log/record.ts";
import type { Instance } from "../../../state/instances.ts";
import { isGeneration } from "../../../usage/outcome.ts";
import { type TodayFacts, type UpstreamDay, attemptsAt } from "../../../usage/today.ts";

export interface ProxyRow {
  readonly instance: Instance;
  /** Null before it has said anything. */
  readonly facts: InstanceFacts | null;
  readonly running: RunningPart | null;
  readonly isSilent: boolean;
}

export interface UpstreamRow {
  readonly kind: "upstream";
  readonly id: string;
  readonly service: Service;
  readonly facts: UpstreamFacts;
  /** Requests that are there now, of all proxies. */
  readonly inFlight: number;
  /** Median of the newest, ms; null where nothing is known. */
  readonly firstByteMs: number | null;
  /** Null where the log cannot be read. */
  readonly today: UpstreamDay | null;
}

/** A config that could be active. */
export interface ConfigRow {
  readonly kind: "config";
  readonly id: string;
  readonly service: Service;
  readonly name: string;
  readonly upstreams: number;
}

export type RunningRequest = RunningPart["requests"][number];

export interface RequestRow {
  readonly kind: "request";
  readonly id: string;
  readonly service: Service;
  /** Null for one that has ended. */
  readonly running: RunningRequest | null;
  /** Null for one that runs. */
  readonly record: LogRecord | null;
  /** "" where it is not known. */
  readonly project: string;
}

export type Row = UpstreamRow | ConfigRow | RequestRow;

export type TopModel = ReturnType<typeof createTopModel>;

const MOST_ENDED = 50;
const MOST_TIMES = 50;

export function createTopModel() {
  const proxies = new Map<string, ProxyRow>();
  const ended = new Map<string, { readonly service: Service; readonly record: LogRecord }>();
  const times = new Map<string, number[]>();
  let today: ReadonlyMap<Service, TodayFacts> | null = null;
  let configs: readonly ConfigRow[] = [];
  let projectOf = (_session: string): string | undefined => undefined;

  const note = (record: LogRecord): void => {
    const service = SERVICES.find((one) => one === record.service);
    if (service === undefined || record.refusals !== undefined) return;
    const id = record.id ?? `${record.timestamp_ms}`;
    setNewest(ended, id, { service, record }, MOST_ENDED);
    const { ttfb_ms: first, upstream_label: label } = record;
    if (label === undefined || first === undefined || record.outcome !== "ok" || !isGeneration(record))
      return;
    const all = times.getOrInsertComputed(`${service} ${label}`, () => []);
    all.push(first);
    if (all.length > MOST_TIMES) all.shift();
  };
  const listProxies = (): ProxyRow[] =>
    [...proxies.values()].toSorted(
      (one, other) =>
        SERVICES.indexOf(one.instance.service) - SERVICES.indexOf(other.instance.service) ||
        one.instance.since - other.instance.since,
    );

  const listUpstreams = (): UpstreamRow[] => {
    const rows = new Map<string, UpstreamRow>();
    for (const { facts, instance, running } of listProxies()) {
      const { service } = instance;
      const all = facts?.upstreams ?? [];
      for (const upstream of all) {
        const id = `${service} ${upstream.label}`;
        const here = running?.in_flight[upstream.label] ?? 0;
        const known = rows.get(id);
        if (known !== undefined) {
          rows.set(id, { ...known, inFlight: known.inFlight + here });
          continue;
        }
        const labels = all.filter((one) => one.base_url === upstream.base_url).map(({ label }) => label);
        const day = today?.get(service);
        rows.set(id, {
          kind: "upstream",
          id,
          service,
          facts: upstream,
          inFlight: here,
          firstByteMs: medianOf(times.get(id) ?? []),
          today: day === undefined ? null : attemptsAt(day, upstream, labels),
        });
      }
    }
    return [...rows.values()];
  };

  const listRequests = (): RequestRow[] => {
    const nameOf = (project: string | null | undefined, session: string | null | undefined): string =>
      project ?? (session == null ? undefined : projectOf(session)) ?? "";
    const running = listProxies().flatMap(({ instance, running: part }) =>
      (part?.requests ?? []).map((request): RequestRow => ({
        kind: "request",
        id: request.id,
        service: instance.service,
        running: request,
        record: null,
        project: nameOf(request.project, request.session_id),
      })),
    );
    const ids = new Set(running.map(({ id }) => id));
    const over = [...ended]
      .filter(([id]) => !ids.has(id))
      .map(([id, { record, service }]): RequestRow => ({
        kind: "request",
        id,
        service,
        running: null,
        record,
        project: nameOf(record.project, record.session_id),
      }));
    return [
      ...running.toSorted(
        (one, other) => (one.running?.started_at_ms ?? 0) - (other.running?.started_at_ms ?? 0),
      ),
      ...over.toReversed(),
    ];
  };

  return {
    hear(instance: Instance, news: ProxyNews): void {
      const key = `${instance.pid} ${instance.service} ${instance.port}`;
      const row = proxies.get(key) ?? { instance, facts: null, running: null, isSilent: false };
      if (news.kind === "gone") proxies.delete(key);
      else if (news.kind === "silent") proxies.set(key, { ...row, running: null, isSilent: true });
      else if (news.kind === "proxy") proxies.set(key, { ...row, facts: news.facts, isSilent: false });
      else if (news.kind === "running") proxies.set(key, { ...row, running: news.part, isSilent: false });
      else if (news.kind === "request") {
        note(news.record);
        // Its line comes with the next state: it does not run any more.
        const { running } = row;
        if (running !== null)
          proxies.set(key, {
            ...row,
            running: { ...running, requests: running.requests.filter(({ id }) => id !== news.record.id) },
          });
      }
    },
    /** A request that ended before one looked. Oldest first. */
    note,
    noteToday(facts: ReadonlyMap<Service, TodayFacts> | null): void {
      today = facts;
    },
    noteConfigs(rows: readonly ConfigRow[]): void {
      configs = rows;
    },
    noteProjects(of: typeof projectOf): void {
      projectOf = of;
    },
    /** Sessions of the requests whose project is not told. */
    sessions: (): string[] =>
      listRequests().flatMap(({ project, record, running }) => {
        const session = running?.session_id ?? record?.session_id;
        return project === "" && session != null ? [session] : [];
      }),
    proxies: listProxies,
    /** Of all clients; null where nothing is known. */
    today: (): Pick<TodayFacts, "cost_usd" | "failures" | "is_cost_complete" | "requests"> | null =>
      today === null ? null : sumUp([...today.values()]),
    upstreams: listUpstreams,
    /** Those that no proxy uses now, of the clients that have a proxy. */
    configs: (): ConfigRow[] => {
      const all = listProxies();
      return configs.filter(({ name, service }) => {
        const own = all.filter(({ instance }) => instance.service === service);
        return own.length > 0 && own.every(({ facts }) => facts !== null && facts.config_name !== name);
      });
    },
    requests: listRequests,
    runningCount: (): number => listProxies().reduce((sum, { running }) => sum + (running?.count ?? 0), 0),
  };
}

function medianOf(figures: readonly number[]): number | null {
  const sorted = figures.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

function sumUp(days: readonly TodayFacts[]) {
  return days.reduce(
    (sum, { cost_usd: usd, failures, is_cost_complete: isWhole, requests }) => ({
      requests: sum.requests + requests,
      failures: sum.failures + failures,
      cost_usd: usd === null ? sum.cost_usd : (sum.cost_usd ?? 0) + usd,
      is_cost_complete: sum.is_cost_complete && isWhole,
    }),
    { requests: 0, failures: 0, cost_usd: null as number | null, is_cost_complete: true },
  );
}
