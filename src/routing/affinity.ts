// Remembers which upstream a session is with, so that its prompt cache and its encrypted history stay where they are.
// Holds ids and times only; who is usable is not its business.
import type { Service } from "../base/service.ts";

export interface SessionBinding {
  readonly key: string;
  /** The session's history can be read by this account alone (compaction): it does not move. */
  readonly isPinned: boolean;
}

export interface BoundSession extends SessionBinding {
  readonly sessionId: string;
  readonly service: Service;
  /** Last sign of life, wall clock in ms. */
  readonly lastAt: number;
}

interface Moment {
  /** Wall clock, ms. */
  readonly now: number;
  /** A session without a request for longer than this may start anew. */
  readonly idleMs: number;
}

export interface Affinity {
  /** Where the session is; undefined for a new one, and for one so long idle that it may start anew. */
  homeOf(sessionId: string, at: Moment): SessionBinding | undefined;
  /** The session is served by this upstream now. A pinned one stays where it is pinned. */
  settle(stay: Omit<BoundSession, "isPinned">): void;
  /** The session is alive. */
  touch(sessionId: string, now: number): void;
  pin(stay: Omit<BoundSession, "isPinned">): void;
  /** Lets every session of a service start anew, except the pinned ones. */
  release(service: Service): void;
  /** Those that have not lapsed, the least recently used first. */
  all(at: Moment): readonly BoundSession[];
  load(stays: readonly BoundSession[]): void;
}

/** Sessions beyond this are forgotten, the longest unused first. A few hundred bytes each. */
const MAX_SESSIONS = 2_000;

export function createAffinity(): Affinity {
  /** The least recently used first: what is used moves to the end. */
  const stays = new Map<string, BoundSession>();

  const put = (stay: BoundSession): void => {
    stays.delete(stay.sessionId);
    stays.set(stay.sessionId, stay);
    if (stays.size <= MAX_SESSIONS) return;
    const oldest = stays.keys().next();
    if (oldest.done !== true) stays.delete(oldest.value);
  };

  return {
    homeOf(sessionId, at) {
      const stay = stays.get(sessionId);
      return stay !== undefined && isAlive(stay, at) ? stay : undefined;
    },
    settle(stay) {
      const before = stays.get(stay.sessionId);
      put(before?.isPinned === true ? { ...before, lastAt: stay.lastAt } : { ...stay, isPinned: false });
    },
    touch(sessionId, now) {
      const stay = stays.get(sessionId);
      if (stay !== undefined) put({ ...stay, lastAt: now });
    },
    pin: (stay) => put({ ...stay, isPinned: true }),
    release(service) {
      for (const stay of stays.values())
        if (!stay.isPinned && stay.service === service) stays.delete(stay.sessionId);
    },
    all: (at) => [...stays.values()].filter((stay) => isAlive(stay, at)),
    load: (saved) => saved.forEach(put),
  };
}

function isAlive({ isPinned, lastAt }: BoundSession, { idleMs, now }: Moment): boolean {
  return isPinned || now - lastAt <= idleMs;
}
