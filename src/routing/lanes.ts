// Who may ask an upstream that takes only so many requests at once, and who waits for it: sessions in turn. What is open is not
// counted here but asked of those who hold the permits, so that no place is ever lost or given out twice.
// Pure.

/** A request that wants a place. One object for as long as the request lasts. */
export interface Claimant {
  /** Requests without a session take turns as one. */
  readonly sessionId: string | null;
  /** When the request first came, in any unit that grows. */
  readonly arrival: number;
}

/** One that waits, in one line or in several. */
export interface Waiter extends Claimant {
  /** The place is its own from now on. */
  readonly grant: (lane: Lane) => void;
}

export interface LaneLimit {
  readonly limit: number;
  /** `learned`: from what the upstream said. */
  readonly source: "config" | "learned";
  /** When it ends, wall clock in ms; null for one that does not. */
  readonly until: number | null;
}

/** A refusal says something of the next hour. */
const LEARNED_MS = 3_600_000;
const MAX_SESSIONS = 256;

/** The places of one upstream, or of all that share a limit. */
export class Lane {
  /** Keys of the upstreams. */
  readonly members = new Set<string>();
  /** The user's own limit; null for none. */
  configured: number | null = null;
  private learned: LaneLimit | null = null;
  /** Given out, and not yet seen as open. */
  private promised = 0;
  /** Left, and perhaps still open at the upstream. */
  lingering = 0;
  /** By session, each the earliest request first. */
  private readonly waiters = new Map<string | null, Waiter[]>();
  /** When each session last got a place; the longest ago first. */
  private readonly turns = new Map<string | null, number>();
  private turn = 0;

  /** `openOf`: requests that are open at an upstream of that key. `now`: wall clock, ms. */
  constructor(
    private readonly openOf: (key: string) => number,
    private readonly now: () => number,
  ) {}

  get inUse(): number {
    let sum = this.promised + this.lingering;
    for (const key of this.members) sum += this.openOf(key);
    return sum;
  }

  get waiting(): number {
    let sum = 0;
    for (const waiters of this.waiters.values()) sum += waiters.length;
    return sum;
  }

  /** The one in force: of two the smaller. */
  get limit(): LaneLimit | null {
    const { configured, learned } = this;
    const own: LaneLimit | null =
      configured === null ? null : { limit: configured, source: "config", until: null };
    if (learned === null || Number(learned.until) <= this.now()) return own;
    return own === null || learned.limit < own.limit ? learned : own;
  }

  /**
   * One of its upstreams refused a request for being one too many. `others`: how many were open beside it; `stated`: the limit that
   * it named. With no other one open it was somebody else's: then nothing is learned, and the answer is false.
   */
  learn(others: number, stated: number | null): boolean {
    if (others < 1) return false;
    const limit = Math.min(others, stated ?? others);
    this.learned = { limit, source: "learned", until: this.now() + LEARNED_MS };
    return true;
  }

  forget(): void {
    this.learned = null;
  }

  /** Takes a place where one is free and nobody waits for it. */
  take({ sessionId }: Claimant): boolean {
    if (this.waiters.size > 0 || !this.hasRoom()) return false;
    this.give(sessionId);
    return true;
  }

  join(waiter: Waiter): void {
    const own = this.waiters.get(waiter.sessionId) ?? [];
    const later = own.findIndex(({ arrival }) => arrival > waiter.arrival);
    own.splice(later < 0 ? own.length : later, 0, waiter);
    this.waiters.set(waiter.sessionId, own);
  }

  leave(waiter: Waiter): void {
    const own = this.waiters.get(waiter.sessionId)?.filter((one) => one !== waiter) ?? [];
    if (own.length > 0) this.waiters.set(waiter.sessionId, own);
    else this.waiters.delete(waiter.sessionId);
  }

  /** What was given out is open by now, or was not wanted. */
  arrived(): void {
    this.promised -= 1;
  }

  /** Gives free places to those who wait. To be called whenever there may be one. */
  pump(): void {
    for (let next = this.nextWaiter(); next !== undefined && this.hasRoom(); next = this.nextWaiter()) {
      this.leave(next);
      this.give(next.sessionId);
      next.grant(this);
    }
  }

  private hasRoom(): boolean {
    const { limit } = this;
    return limit === null || this.inUse < limit.limit;
  }

  private give(sessionId: string | null): void {
    this.promised += 1;
    this.turns.delete(sessionId);
    this.turns.set(sessionId, (this.turn += 1));
    const oldest = this.turns.keys().next();
    if (this.turns.size > MAX_SESSIONS && oldest.done !== true) this.turns.delete(oldest.value);
  }

  /** Of the session that has had no place for longest. */
  private nextWaiter(): Waiter | undefined {
    let best: Waiter | undefined;
    for (const [first] of this.waiters.values()) {
      if (first === undefined) continue;
      if (best === undefined || this.isBefore(first, best)) best = first;
    }
    return best;
  }

  private isBefore(one: Waiter, other: Waiter): boolean {
    const [turn, others] = [this.turns.get(one.sessionId) ?? 0, this.turns.get(other.sessionId) ?? 0];
    return turn < others || (turn === others && one.arrival < other.arrival);
  }
}
