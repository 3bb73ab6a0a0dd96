// Polls balances in the background: one lookup at a time for each endpoint and token, no more often than allowed, after
// traffic and for as long as an upstream is avoided. Never delays a request; `stop` ends all of it.
import { t } from "../base/text.ts";
import type { JsonRecord } from "../base/json-value.ts";
import type { ReadKey } from "../base/upstream.ts";
import type { Availability } from "../routing/types.ts";
import { type JsonAnswer, fetchJson } from "./fetch-json.ts";
import type { Balance } from "./balance.ts";
import type { Lookup } from "./lookup.ts";
import { type Reading, makeReading, withBalance, withError } from "./reading.ts";

export interface PollTarget {
  readonly lookup: Lookup;
  /** Poll it again without waiting for traffic. */
  readonly isWatched: boolean;
}

export interface PollerOptions {
  /** Everything that may be polled now. */
  readonly targets: () => readonly PollTarget[];
  readonly readings: Map<string, Reading>;
  /** Gets the key of the lookup. */
  readonly onReading: (key: string) => void;
  /** May this process ask now, where several machines share what they read; null where none do. Never rejects. */
  readonly turnOf?: ((lookup: Lookup, isForced: boolean) => Promise<Turn> | null) | undefined;
  /** Reads what other processes found out; called before anything is asked. */
  readonly sync: () => void;
  readonly readKey: ReadKey;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** `held`: another machine has asked, or is asking. */
export type Turn =
  | {
      readonly kind: "go";
      /** Must be called; null where nothing was read. */ readonly done: (balance: Balance | null) => void;
    }
  | { readonly kind: "held" };

/** A host that the user did not configure gets one request in this time at most, of all its upstreams together. */
const LEAST_AUTOMATIC_MS = 60_000;
/** Pause for an endpoint that does not offer it: a configured one, and a recognised one. */
const UNSUPPORTED_MS = 3_600_000;
const UNSUPPORTED_AUTOMATIC_MS = 24 * 3_600_000;
const SITE_MS = 24 * 3_600_000;

export function createPoller(options: PollerOptions) {
  const { now, onReading, readKey, readings, sync, targets, turnOf } = options;
  const busy = new Map<string, Promise<void>>();
  const withTraffic = new Set<string>();
  /** By host, of lookups that have no reading yet. Wall clock, ms. */
  const asked = new Map<string, number>();
  /** By address: in what a site counts changes no more than once in months. */
  const sites = new Map<string, Site>();
  const stopping = new AbortController();

  /** Undefined where it is not our turn. */
  const askInTurn = async (lookup: Lookup, siteOf: AskContext["siteOf"], isForced: boolean) => {
    const turn = await (turnOf?.(lookup, isForced) ?? null);
    if (turn?.kind === "held" || stopping.signal.aborted) return undefined;
    const found = await askFor(lookup, { readKey, signal: stopping.signal, siteOf });
    turn?.done("error" in found ? null : found);
    return found;
  };

  const ask = (lookup: Lookup, isForced = false): Promise<void> => {
    const { key } = lookup;
    const known = busy.get(key);
    if (known !== undefined) return known;
    withTraffic.delete(key);
    asked.set(lookup.host, now());
    const siteOf = async (askSite: AskSite): Promise<Site> => {
      const place = lookup.siteUrl ?? "";
      const before = sites.get(place);
      if (before !== undefined && Math.abs(now() - before.at) < SITE_MS) return before;
      const answer = await askSite();
      const site = { at: now(), facts: answer.kind === "json" ? answer.body : (before?.facts ?? null) };
      sites.set(place, site);
      return site;
    };
    const asking = askInTurn(lookup, siteOf, isForced).then((found) => {
      busy.delete(key);
      if (found === undefined || stopping.signal.aborted) return;
      const before = readings.get(key) ?? makeReading(lookup.source);
      readings.set(
        key,
        "error" in found ? withError(before, { ...found, now: now() }) : withBalance(before, found, now()),
      );
      onReading(key);
    });
    busy.set(key, asking);
    return asking;
  };

  const isDue = ({ isWatched, lookup }: PollTarget): boolean => {
    const reading = readings.get(lookup.key);
    if (reading === undefined) return true;
    const passed = now() - reading.triedAt;
    // A clock that was set back must not stop polling for ever.
    if (passed >= 0 && passed < pauseOf(reading, lookup)) return false;
    return isWatched || withTraffic.has(lookup.key);
  };

  const mayAsk = ({ host, isAutomatic, urls }: Lookup): boolean => {
    if (!isAutomatic) return true;
    const before = [...readings]
      .filter(([key]) => key.includes(`@${host}|`))
      .map(([, { triedAt }]) => triedAt);
    const passed = now() - Math.max(asked.get(host) ?? 0, ...before);
    return passed < 0 || passed >= LEAST_AUTOMATIC_MS * urls.length;
  };

  /** No lookup is running any more. */
  const settled = async (): Promise<void> => {
    await Promise.all(busy.values());
  };

  return {
    /** The upstreams of this lookup are in use: their balance changes. */
    noteTraffic: (key: string): void => void withTraffic.add(key),
    /** Starts the lookups that are due. Returns at once. */
    look(): void {
      if (stopping.signal.aborted) return;
      if (!targets().some(isDue)) return;
      sync();
      for (const target of targets()) if (isDue(target) && mayAsk(target.lookup)) void ask(target.lookup);
    },
    /** Polls all now. */
    async refresh(): Promise<void> {
      const asking: Promise<void>[] = [];
      for (const { lookup } of targets()) if (mayAsk(lookup)) asking.push(ask(lookup, true));
      await Promise.all(asking);
    },
    settled,
    async stop(): Promise<void> {
      stopping.abort();
      await settled();
    },
  };
}

/** Its balance decides where requests go now: it is avoided, or used last. */
export function needsWatching(report: { isExhausted: boolean; availability: Availability }): boolean {
  return report.isExhausted || report.availability === "low";
}

function pauseOf(reading: Reading, { intervalMs, isAutomatic }: Lookup): number {
  if (!reading.isUnsupported) return intervalMs;
  return isAutomatic ? UNSUPPORTED_AUTOMATIC_MS : UNSUPPORTED_MS;
}

interface Site {
  readonly at: number;
  readonly facts: JsonRecord | null;
}

interface AskContext {
  readonly readKey: ReadKey;
  readonly signal: AbortSignal;
  readonly siteOf: (ask: AskSite) => Promise<Site>;
}

/** What is left, or why that is not known. Never rejects. */
async function askFor(lookup: Lookup, { readKey, signal, siteOf }: AskContext) {
  const { headersWith, method, proxy, read, siteUrl, tlsCa, token, urls } = lookup;
  const bodies: JsonRecord[] = [];
  const trust = tlsCa === null ? null : (await import("../base/trust.ts")).createTrust(Date.now)(tlsCa);
  if (trust?.kind === "unusable") return { error: trust.why, isUnsupported: false };
  const way = { proxy, signal, ...(trust === null ? {} : { ca: trust.ca }) };
  let key = typeof token === "string" ? ({ kind: "key", secret: token } as const) : await readKey(token);
  if (key.kind === "none") return { error: key.why, isUnsupported: false };
  for (const url of urls) {
    const ask = (secret: string) => fetchJson({ url, method, headers: headersWith(secret), ...way });
    let answer = await ask(key.secret);
    if (answer.kind === "unsupported" && answer.status === 401 && typeof token !== "string") {
      // It may have been replaced since the command ran.
      const other = await readKey(token, key.secret);
      if (other.kind === "key" && other.secret !== key.secret) {
        key = other;
        answer = await ask(key.secret);
      }
    }
    if (answer.kind !== "json") return { error: answer.why, isUnsupported: answer.kind === "unsupported" };
    bodies.push(answer.body);
  }
  const site = siteUrl === null ? null : await siteOf(() => fetchJson({ url: siteUrl, headers: {}, ...way }));
  return (
    read(bodies, site?.facts ?? null) ?? {
      error: t`the answer contains no known figures`,
      isUnsupported: false,
    }
  );
}

type AskSite = () => Promise<JsonAnswer>;
