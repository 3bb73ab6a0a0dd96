// Remembers, per session, which pieces of its history another account wrote and the present upstream refused: they are
// taken out before the next request instead of after the next refusal.

export interface ForeignHistory {
  /** What to leave out of this session's requests to this upstream; undefined when nothing is known. */
  knownFor(sessionId: string | null, upstreamKey: string): ReadonlySet<string> | undefined;
  remember(sessionId: string | null, upstreamKey: string, removed: ReadonlySet<string>): void;
}

const SESSIONS_KEPT = 200;

export function createForeignHistory(): ForeignHistory {
  const pieces = new Map<string, ReadonlySet<string>>();
  return {
    knownFor: (sessionId, upstreamKey) =>
      sessionId === null ? undefined : pieces.get(`${sessionId} ${upstreamKey}`),
    remember(sessionId, upstreamKey, removed) {
      if (sessionId === null) return;
      const key = `${sessionId} ${upstreamKey}`;
      const all = new Set([...(pieces.get(key) ?? []), ...removed]);
      pieces.delete(key);
      pieces.set(key, all);
      const [oldest] = pieces.keys();
      if (pieces.size > SESSIONS_KEPT && oldest !== undefined) pieces.delete(oldest);
    },
  };
}
