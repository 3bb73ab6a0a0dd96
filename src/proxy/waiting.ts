// Requests that are held until a limit is reset, as the owner asked: who waits for what, who goes first when it is there, and what
// ends a wait. Loaded with the first of them. A time is compared by the wall clock, so that a machine may sleep meanwhile.
import { setNewest } from "../base/newest.ts";
import type { Upstream } from "../base/upstream.ts";
import type { LimitEnd, Outlook } from "../routing/outlook.ts";

export type Waits = ReturnType<typeof createWaits>;

/** What came of asking, as far as it matters here. */
export interface Standstill {
  /** Nothing but limits was in the way: when the first of them ends, null where nobody named that. Absent: something else was. */
  readonly limitEnd?: LimitEnd | null;
  readonly isOutage?: boolean;
}

export interface HeldRequest<Result> {
  readonly sessionId: string | null;
  readonly model: string | null;
  readonly signal: AbortSignal;
  /** The longest wait in all as it is now, ms. */
  readonly limitMs: () => number;
  /** How things are for it now; null where it is not to wait any more. */
  readonly look: () => Outlook | null;
  /** What comes of asking again; `before` where it may not be asked any more. */
  readonly ask: (before: Result) => Promise<Result>;
  /** What is in its way after it was asked; null where it is answered. */
  readonly standstillOf: (result: Result) => Standstill | null;
  /** It is held from now on, or was for so long in all, ms. */
  readonly onHeld: (result: Result, waitedMs: number) => void;
}

/** Field names as in `status --json`. Wall clock, ms. */
export interface WaitFacts {
  readonly session_id: string | null;
  readonly model: string | null;
  readonly since_ms: number;
  /** Null where no end is known just now. */
  readonly until_ms: number | null;
  readonly upstream: string;
}

export interface WaitsOptions {
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Monotonic clock, ms. */
  readonly monotonic: () => number;
  /** A request begins to wait. */
  readonly onWait: (wait: LimitEnd & { readonly sessionId: string | null }) => void;
}

/** A config or a balance that has changed, and a machine that was asleep, are noticed so soon. */
const LOOK_MS = 1_000;
/** Those that follow the first one come one after the other. */
const STAGGER_MS = 250;
/** Nobody has followed for so long: the next one is a first one again. */
const PACE_MS = 10_000;
/** After a wait the network may not be there yet: a machine that has just woken up. */
const OUTAGE_MS = 120_000;
const AFTER_OUTAGE_MS = 2_000;
/** Sessions whose wait was ended, and which do not wait again before the reset they were told. */
const MOST_ENDED = 1_000;

interface Waiter {
  readonly held: Pick<HeldRequest<unknown>, "limitMs" | "look" | "model" | "sessionId" | "signal">;
  /** On both clocks. */
  readonly since: { readonly now: number; readonly monotonic: number };
  /** What it waits for, or last did. */
  end: LimitEnd;
  /** Since when no end is known, monotonic. */
  lostAt: number | null;
  /** Monotonic. */
  notBefore: number;
  /** The upstream that it asks for all others. */
  tries: string | null;
  /** Null while it asks. */
  wake: ((isGoing: boolean) => void) | null;
}

export function createWaits({ monotonic, now, onWait }: WaitsOptions) {
  /** In the order in which they came. */
  const waiters = new Set<Waiter>();
  /** By upstream: one asks, the others wait for what comes of it. */
  const trials = new Map<string, Waiter>();
  /** By upstream that has answered again: when the next one may go, monotonic. */
  const paces = new Map<string, number>();
  const ended = new Map<string | null, number>();
  let timer: Timer | null = null;
  let isClosed = false;

  const isEnded = (sessionId: string | null): boolean => (ended.get(sessionId) ?? 0) > now();

  const endWait = (waiter: Waiter): void => {
    setNewest(ended, waiter.held.sessionId, waiter.end.at, MOST_ENDED);
    waiter.wake?.(false);
  };

  const freeTrial = (waiter: Waiter): void => {
    if (waiter.tries !== null && trials.get(waiter.tries) === waiter) trials.delete(waiter.tries);
  };

  /** May it ask this upstream now? */
  const takeTurn = (waiter: Waiter, { key }: Upstream): boolean => {
    const at = monotonic();
    const pace = paces.get(key);
    if (trials.has(key) || at < waiter.notBefore || (pace !== undefined && at < pace)) return false;
    if (pace === undefined) trials.set(key, waiter);
    else paces.set(key, at + STAGGER_MS);
    waiter.tries = key;
    return true;
  };

  const leftOf = ({ held, since }: Waiter): number =>
    held.limitMs() - Math.max(now() - since.now, monotonic() - since.monotonic);

  const lookAt = (waiter: Waiter): void => {
    const outlook = waiter.held.look();
    if (outlook === null) return endWait(waiter);
    if (outlook.kind === "open") {
      if (takeTurn(waiter, outlook.upstream)) waiter.wake?.(true);
      return;
    }
    if (outlook.end === null) {
      waiter.lostAt ??= monotonic();
      if (monotonic() - waiter.lostAt > OUTAGE_MS) endWait(waiter);
      return;
    }
    waiter.lostAt = null;
    waiter.end = outlook.end;
    if (outlook.end.at - now() > leftOf(waiter)) endWait(waiter);
  };

  const lookAtAll = (): void => {
    timer = null;
    for (const [key, at] of paces) if (monotonic() - at > PACE_MS) paces.delete(key);
    try {
      for (const waiter of waiters) if (waiter.wake !== null) lookAt(waiter);
    } finally {
      // A bug that one runs into must not keep the others for ever.
      lookLater();
    }
  };

  const lookLater = (): void => {
    if (timer !== null || waiters.size === 0) return;
    const soon = [...waiters].map(({ end }) => end.at - now()).filter((ms) => ms > 0);
    timer = setTimeout(lookAtAll, Math.min(paces.size > 0 ? STAGGER_MS : LOOK_MS, ...soon));
  };

  /** Resolves when it may ask again: false where the wait is over. */
  const waitFor = async (waiter: Waiter): Promise<boolean> => {
    const { sessionId, signal } = waiter.held;
    if (signal.aborted || isClosed || isEnded(sessionId)) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const leave = (): void => resolve(false);
    signal.addEventListener("abort", leave);
    waiter.wake = resolve;
    lookLater();
    const isGoing = await promise;
    signal.removeEventListener("abort", leave);
    waiter.wake = null;
    return isGoing && !signal.aborted;
  };

  /** Takes what came of asking; false where that is worth no wait. */
  const goOn = (waiter: Waiter, { isOutage, limitEnd }: Standstill): boolean => {
    freeTrial(waiter);
    if (waiter.tries !== null) paces.delete(waiter.tries);
    waiter.tries = null;
    if (isOutage === true) {
      waiter.lostAt ??= monotonic();
      waiter.notBefore = monotonic() + AFTER_OUTAGE_MS;
      return monotonic() - waiter.lostAt <= OUTAGE_MS;
    }
    if (limitEnd === undefined) return false;
    waiter.lostAt = limitEnd === null ? (waiter.lostAt ?? monotonic()) : null;
    waiter.end = limitEnd ?? waiter.end;
    return limitEnd === null || limitEnd.at - now() <= leftOf(waiter);
  };

  return {
    /** Holds a request that has met nothing but limits, and asks again; `first` is what came of it, and may be what comes of it. */
    async hold<Result>(held: HeldRequest<Result>, first: Result): Promise<Result> {
      const end = held.standstillOf(first)?.limitEnd;
      if (end == null || isClosed || end.at - now() > held.limitMs()) return first;
      if (isEnded(held.sessionId)) return first;
      const since = { now: now(), monotonic: monotonic() };
      const waiter: Waiter = { held, since, end, lostAt: null, notBefore: 0, tries: null, wake: null };
      if (![...waiters].some((other) => other.end.upstream.key === end.upstream.key))
        onWait({ ...end, sessionId: held.sessionId });
      waiters.add(waiter);
      let result = first;
      let waitedMs = 0;
      const wait = async (): Promise<boolean> => {
        held.onHeld(result, waitedMs);
        const startedAt = now();
        const isGoing = await waitFor(waiter);
        waitedMs += Math.max(0, now() - startedAt);
        held.onHeld(result, waitedMs);
        return isGoing;
      };
      try {
        while (await wait()) {
          result = await held.ask(result);
          const standstill = held.standstillOf(result);
          if (standstill === null) {
            if (waiter.tries !== null) paces.set(waiter.tries, monotonic() + STAGGER_MS);
            break;
          }
          if (goOn(waiter, standstill)) continue;
          endWait(waiter);
          break;
        }
        return result;
      } finally {
        freeTrial(waiter);
        waiters.delete(waiter);
        if (waiters.size === 0) paces.clear();
      }
    },
    list: (): readonly WaitFacts[] =>
      [...waiters].map(({ end, held, lostAt, since }) => ({
        session_id: held.sessionId,
        model: held.model,
        since_ms: since.now,
        until_ms: lostAt === null ? end.at : null,
        upstream: end.upstream.label,
      })),
    /** Ends all waits; these sessions do not wait again before the reset that they waited for. Returns how many. */
    stop(): number {
      const all = [...waiters];
      for (const waiter of all) endWait(waiter);
      return all.length;
    },
    /** The proxy ends: nothing waits from now on. */
    close(): void {
      isClosed = true;
      for (const { wake } of waiters) wake?.(false);
      if (timer !== null) clearTimeout(timer);
    },
  };
}
