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

/** Sessions beyond this are forgotten, the longest unused first. A few hundred bytes each. */
const MAX_SESSIONS = 2_000;

export type Affinity = ReturnType<typeof createAffinity>;

export function createAffinity() {
  /** The least recently used first: what is used moves to the end. */
  const sessions = new Map<string, BoundSession>();

  /** The last one: it is there already. */
  let newest: string | null = null;

  const put = (session: BoundSession): void => {
    const { sessionId } = session;
    if (sessionId !== newest) sessions.delete(sessionId);
    sessions.set(sessionId, session);
    newest = sessionId;
    if (sessions.size <= MAX_SESSIONS) return;
    const oldest = sessions.keys().next();
    if (oldest.done !== true) sessions.delete(oldest.value);
  };

  return {
    /** What the session is bound to; undefined for a new one, and for one so long idle that it may start anew. */
    bindingOf(sessionId: string, at: Moment): SessionBinding | undefined {
      const session = sessions.get(sessionId);
      return session !== undefined && isAlive(session, at) ? session : undefined;
    },
    /** The session is served by this upstream now. A pinned one stays where it is pinned. */
    bind(session: Omit<BoundSession, "isPinned">): void {
      const before = sessions.get(session.sessionId);
      put(
        before?.isPinned === true ? { ...before, lastAt: session.lastAt } : { ...session, isPinned: false },
      );
    },
    /** The session is alive. */
    touch(sessionId: string, now: number): void {
      const session = sessions.get(sessionId);
      if (session !== undefined) put({ ...session, lastAt: now });
    },
    pin: (session: Omit<BoundSession, "isPinned">) => put({ ...session, isPinned: true }),
    /** Lets every session of a service start anew, except the pinned ones. */
    release(service: Service): void {
      for (const session of sessions.values())
        if (!session.isPinned && session.service === service) sessions.delete(session.sessionId);
    },
    /** Those that have not lapsed, the least recently used first. */
    all: (at: Moment): readonly BoundSession[] =>
      [...sessions.values()].filter((session) => isAlive(session, at)),
    load: (saved: readonly BoundSession[]) => saved.forEach(put),
  };
}

function isAlive({ isPinned, lastAt }: BoundSession, { idleMs, now }: Moment): boolean {
  return isPinned || now - lastAt <= idleMs;
}
