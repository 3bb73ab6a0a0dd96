// Waits for a place at an upstream that takes only so many requests at once. Loaded when a limit is set or was learned.
// Gives places out and nothing else: whether the upstream may be asked at all is the router's to say.
import type { Upstream } from "../base/upstream.ts";
import { type Claimant, Lane, type Waiter } from "../routing/lanes.ts";
import type { LaneEvent, LaneFacts, RouterEvent } from "../routing/types.ts";

export interface LanesOptions {
  /** Requests that are open at an upstream of that key, of all services. */
  readonly openOf: (key: string) => number;
  /** All upstreams that are in use now: what config.json says of them counts, not what it said when a request came. */
  readonly upstreams: () => readonly Upstream[];
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Somebody has to wait where nobody did a while ago, or a limit was learned. */
  readonly onChange: (event: Extract<RouterEvent, LaneEvent>) => void;
}

/** A place that was given. */
export interface Entry {
  readonly upstream: Upstream;
  /** To be called once, as soon as the request is admitted there or is known not to be. */
  readonly arrived: () => void;
}

export interface Wait extends Claimant {
  /** The client is there as long as this is not aborted. */
  readonly signal: AbortSignal;
  readonly waitMs: number;
}

export type Lanes = ReturnType<typeof createLanes>;

/** What changes without an answer that ends is looked at so often: the file, the hour of a learned limit. */
const LOOK_EVERY_MS = 250;
/** A connection that we close is closed there so much later. */
const LINGER_MS = 250;
/** A queue that was told of is no news for so long. */
const TOLD_MS = 60_000;

export function createLanes({ now, onChange, openOf, upstreams }: LanesOptions) {
  const lanes = new Map<string, Lane>();
  const told = new Map<Lane, number>();
  let looking: ReturnType<typeof setInterval> | null = null;
  let seen: readonly Upstream[] = [];
  /** What the file says of each upstream, by its key. */
  let rules: ReadonlyMap<string, Rule> = new Map();

  /** A request may have been planned by an older file: the newest one says where an upstream belongs. */
  const laneOf = (upstream: Upstream): Lane => {
    const { key } = upstream;
    const rule = rules.get(key);
    const { limit, name } = rule ?? ruleOf(upstream);
    const known = lanes.get(name);
    const lane = known ?? new Lane(openOf, now);
    if (known === undefined) lanes.set(name, lane);
    if (known === undefined || rule !== undefined) lane.configured = limit;
    lane.members.add(key);
    return lane;
  };
  const refresh = (): void => {
    const current = upstreams();
    if (current.length === seen.length && current.every((one, place) => one === seen[place])) return;
    seen = current;
    rules = new Map(current.map((upstream) => [upstream.key, ruleOf(upstream)]));
    for (const upstream of current) {
      const own = laneOf(upstream);
      for (const lane of lanes.values()) if (lane !== own) lane.members.delete(upstream.key);
    }
  };
  const pumpAll = (): void => {
    for (const lane of lanes.values()) lane.pump();
  };
  const look = (): void => {
    refresh();
    pumpAll();
    if ([...lanes.values()].some(({ waiting }) => waiting > 0)) return;
    if (looking !== null) clearInterval(looking);
    looking = null;
  };
  const factsOf = (upstream: Upstream): LaneFacts | null => {
    const lane = laneOf(upstream);
    const { inUse, limit, waiting } = lane;
    return limit === null ? null : { ...limit, inUse, waiting, group: upstream.lane?.group ?? null };
  };
  const tell = (upstream: Upstream, lane: Lane): void => {
    const facts = factsOf(upstream);
    const isNews = now() - (told.get(lane) ?? -Infinity) >= TOLD_MS;
    told.set(lane, now());
    if (isNews && facts !== null) onChange({ kind: "queue", upstream, facts });
  };
  const makeEntry = (upstream: Upstream, lane: Lane): Entry => ({
    upstream,
    arrived() {
      lane.arrived();
      lane.pump();
    },
  });

  return {
    /** A place at one of these, now or within `waitMs`; null where none came free, or the client left. */
    enter(wanted: readonly Upstream[], wait: Wait): Entry | null | Promise<Entry | null> {
      refresh();
      const asked = wanted.map((upstream) => ({ upstream, lane: laneOf(upstream) }));
      const free = asked.find(({ lane }) => lane.take(wait));
      if (free !== undefined) return makeEntry(free.upstream, free.lane);
      const { arrival, sessionId, signal, waitMs } = wait;
      if (waitMs <= 0 || signal.aborted) return null;
      return new Promise((resolve) => {
        const end = (entry: Entry | null): void => {
          clearTimeout(timer);
          signal.removeEventListener("abort", leave);
          for (const { lane, waiter } of waiters) lane.leave(waiter);
          resolve(entry);
        };
        const leave = (): void => end(null);
        const waiters = asked.map(({ lane, upstream }) => {
          const waiter: Waiter = { sessionId, arrival, grant: () => end(makeEntry(upstream, lane)) };
          return { lane, waiter };
        });
        const timer = setTimeout(leave, waitMs);
        signal.addEventListener("abort", leave);
        for (const { lane, waiter } of waiters) lane.join(waiter);
        looking ??= setInterval(look, LOOK_EVERY_MS);
        for (const { lane, upstream } of asked) tell(upstream, lane);
      });
    },
    /** A permit was settled: there may be room, as soon as the upstream has heard of it. */
    settled: (key: string, isLeft: boolean): void => {
      const lane = isLeft ? [...lanes.values()].find(({ members }) => members.has(key)) : undefined;
      if (lane !== undefined) {
        lane.lingering += 1;
        setTimeout(() => {
          lane.lingering -= 1;
          lane.pump();
        }, LINGER_MS);
      }
      pumpAll();
    },
    /** It refused one for being too many, whose permit is not settled yet. True where that says how many it takes. */
    learn(upstream: Upstream, stated: number | null): boolean {
      refresh();
      const lane = laneOf(upstream);
      const before = lane.limit;
      if (!lane.learn(lane.inUse - 1, stated)) return false;
      const facts = factsOf(upstream);
      if (facts !== null && facts.source === "learned" && facts.limit !== before?.limit)
        onChange({ kind: "limit-learned", upstream, facts });
      return true;
    },
    /** Null where it has no limit. */
    factsOf(upstream: Upstream): LaneFacts | null {
      refresh();
      return factsOf(upstream);
    },
    /** What was learned of one upstream, or of all. */
    forget(key?: string): void {
      for (const lane of lanes.values()) if (key === undefined || lane.members.has(key)) lane.forget();
      pumpAll();
    },
  };
}

interface Rule {
  readonly name: string;
  readonly limit: number | null;
}

function ruleOf({ key, lane }: Upstream): Rule {
  return { name: lane?.name ?? key, limit: lane?.limit ?? null };
}
