// What a running proxy remembers so that a session stays usable at its upstreams: who issued a turn state or made a response,
// which pieces of a history an upstream refused, which upstreams know compaction, and which lack an endpoint. Bounded, gone with the process.
import { setNewest } from "../base/newest.ts";
import { fingerprint } from "../base/secrets.ts";
import type { Upstream } from "../base/upstream.ts";

export type SessionMemory = ReturnType<typeof createSessionMemory>;

/** `plain`: answers the request as an ordinary turn. */
type Compaction = "native" | "plain" | "unknown";

/** A turn is short: the newest few hundred are plenty. */
const MAX_TURN_STATES = 512;
/** Of an agent that goes on from each of its responses, many days' worth. */
const MAX_RESPONSES = 4_000;
/** Pairs of session and upstream. */
const MAX_HISTORIES = 200;
/** Pairs of endpoint and upstream. */
const MAX_MISSING = 500;
const MISSING_MS = 3_600_000;
/** A failure may be an accident; the same one again is the relay's way to say that it has no such endpoint. */
const FAILURES_OF_MISSING = 2;

export function createSessionMemory() {
  const issuers = new Map<string, string>();
  /** Upstreams by the ids of responses that they made. */
  const makers = new Map<string, string>();
  const histories = new Map<string, ReadonlySet<string>>();
  const compaction = new Map<string, Compaction>();
  const missing = new Map<string, { readonly failures: number; readonly until: number }>();
  return {
    /** The turn state in an answer's headers (Codex sends it back within the turn), or null for none. */
    noteTurnState(value: string | null, upstreamKey: string): void {
      if (value !== null) setNewest(issuers, fingerprint(value), upstreamKey, MAX_TURN_STATES);
    },
    /** Did this upstream issue it? The token goes back to that upstream and to no other. */
    isTurnStateOf: (value: string, upstreamKey: string) => issuers.get(fingerprint(value)) === upstreamKey,
    /** The upstream has kept this response, and can go on from it. */
    noteResponse(id: string, upstreamKey: string): void {
      setNewest(makers, id, upstreamKey, MAX_RESPONSES);
    },
    /** Is any response known? Where none is, a request need not be looked through for the id of one. */
    get knowsResponses() {
      return makers.size > 0;
    },
    /** The key of the upstream that made the response; undefined where that is not known. */
    makerOf: (id: string) => makers.get(id),
    /** What to leave out of the session's requests to this upstream; undefined when nothing is known. */
    foreignHistory: (sessionId: string | null, upstreamKey: string) =>
      sessionId === null || histories.size === 0 ? undefined : histories.get(`${sessionId} ${upstreamKey}`),
    /** Pieces of the session's history that this upstream refused because another account wrote them. */
    noteForeignHistory(sessionId: string | null, upstreamKey: string, removed: ReadonlySet<string>): void {
      if (sessionId === null) return;
      const key = `${sessionId} ${upstreamKey}`;
      setNewest(histories, key, new Set([...(histories.get(key) ?? []), ...removed]), MAX_HISTORIES);
    },
    /** Does it answer a compaction request with a compaction item? The vendor's own hosts do; of others it is learned. */
    compactionAt: ({ isOfficial, key }: Upstream): Compaction =>
      compaction.get(key) ?? (isOfficial ? "native" : "unknown"),
    /** Did this upstream say within the hour that it does not have the endpoint? `now`: wall clock, ms. */
    lacksEndpoint: (endpoint: string, upstreamKey: string, now: number) =>
      (missing.get(`${endpoint} ${upstreamKey}`)?.until ?? 0) > now,
    /** What an attempt showed of an endpoint that is not a turn's. */
    noteEndpoint(
      endpoint: string,
      upstreamKey: string,
      was: "served" | "missing" | "failing",
      now: number,
    ): void {
      const key = `${endpoint} ${upstreamKey}`;
      if (was === "served") return void missing.delete(key);
      const failures = (missing.get(key)?.failures ?? 0) + 1;
      const isMissing = was === "missing" || failures >= FAILURES_OF_MISSING;
      setNewest(missing, key, { failures, until: isMissing ? now + MISSING_MS : 0 }, MAX_MISSING);
    },
    noteCompaction(upstream: Upstream, is: Exclude<Compaction, "unknown">): void {
      compaction.set(upstream.key, is);
    },
  };
}
