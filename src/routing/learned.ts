// What refusals have taught of upstreams: which kind of request one does not take, for an hour, and what it takes once something is
// left out, until the client's next version. Every entry has an end; nothing here forgets by timer.
import type { RefusedThing, RequestTraits } from "./types.ts";

export interface Learned {
  /** `refuses`: another upstream answered what this one refused. `without`: it answered once these things were left out. */
  readonly kind: "refuses" | "without";
  /** Of the upstream. */
  readonly key: string;
  /** The client's name and version. */
  readonly client: string;
  /** Of what was refused; null for what holds for all. */
  readonly endpoint: string | null;
  readonly model: string | null;
  /** Empty where the refusal named nothing. */
  readonly things: readonly RefusedThing[];
  /** Wall clock, ms. */
  readonly since: number;
  readonly until: number;
}

const REFUSES_MS = 3_600_000;
const WITHOUT_MS = 7 * 86_400_000;
export const LEARNED_MAX_MS = WITHOUT_MS;
const MAX_ENTRIES = 500;

const NOTHING: readonly RefusedThing[] = [];

/** `now`: wall clock, ms. `onChange` hears of the upstream of each entry that is new. */
export function createLearned(now: () => number, onChange: (key: string) => void = () => {}) {
  /** The oldest first. */
  const entries = new Map<string, Learned>();

  const isInForce = ({ since, until }: Learned): boolean => until > now() && since <= now() + 60_000;
  const put = (entry: Learned): void => {
    const name = nameOf(entry);
    entries.delete(name);
    entries.set(name, entry);
    const oldest = entries.keys().next();
    if (entries.size > MAX_ENTRIES && oldest.done !== true) entries.delete(oldest.value);
    onChange(entry.key);
  };
  const findWithout = (key: string, client: string): Learned | undefined => {
    const found = entries.get(
      nameOf({ kind: "without", key, client, endpoint: null, model: null, things: [] }),
    );
    return found !== undefined && isInForce(found) ? found : undefined;
  };

  return {
    isEmpty: () => entries.size === 0,
    /** Does the upstream refuse such requests? */
    refusalOf(key: string, model: string | null, request: RequestTraits): Learned | undefined {
      if (entries.size === 0) return undefined;
      const left = findWithout(key, request.client)?.things ?? NOTHING;
      return [...entries.values()].find(
        (entry) =>
          entry.kind === "refuses" &&
          entry.key === key &&
          entry.model === model &&
          entry.client === request.client &&
          entry.endpoint === request.endpoint &&
          isInForce(entry) &&
          entry.things.every((thing) => request.has(thing)) &&
          // What is left out for it by now is no reason.
          (entry.things.length === 0 ||
            !entry.things.every((thing) => left.some((one) => isSame(one, thing)))),
      );
    },
    /** What to leave out of its requests. */
    dropsFor(key: string, request: RequestTraits): readonly RefusedThing[] {
      return entries.size === 0 ? NOTHING : (findWithout(key, request.client)?.things ?? NOTHING);
    },
    noteRefusal(key: string, model: string | null, request: RequestTraits, things = NOTHING): void {
      const { client, endpoint } = request;
      const since = now();
      put({ kind: "refuses", key, client, endpoint, model, things, since, until: since + REFUSES_MS });
    },
    /** It took the request without these. */
    noteDrops(key: string, { client }: Pick<RequestTraits, "client">, things: readonly RefusedThing[]): void {
      const before = findWithout(key, client)?.things ?? NOTHING;
      const all = [...before, ...things.filter((thing) => !before.some((one) => isSame(one, thing)))];
      const since = now();
      const base = { kind: "without", key, client, endpoint: null, model: null } as const;
      put({ ...base, things: all, since, until: since + WITHOUT_MS });
    },
    of: (key: string): readonly Learned[] =>
      [...entries.values()].filter((entry) => entry.key === key && isInForce(entry)),
    all: (): readonly Learned[] => [...entries.values()].filter(isInForce),
    load(saved: readonly Learned[]): void {
      for (const entry of saved) put(entry);
    },
    drop(key: string, isMeant: (entry: Learned) => boolean): void {
      for (const [name, entry] of entries) if (entry.key === key && isMeant(entry)) entries.delete(name);
    },
    reset(key?: string): void {
      for (const [name, entry] of entries) if (key === undefined || entry.key === key) entries.delete(name);
    },
  };
}

/** Under which it is kept: it begins with the upstream's key. */
export function nameOf(entry: Omit<Learned, "since" | "until">): string {
  const { client, endpoint, key, kind, model, things } = entry;
  const names = kind === "without" ? [] : things.map((thing) => `${thing.kind} ${thing.name}`);
  return [key, client, kind, endpoint, model, ...names].join("|");
}

function isSame(one: RefusedThing, other: RefusedThing): boolean {
  return one.kind === other.kind && one.name === other.name;
}
