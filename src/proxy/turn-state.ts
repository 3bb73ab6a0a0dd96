// Remembers which upstream issued a Codex turn state, so that the token goes back to that upstream and to no other.
import { fingerprint } from "../base/secrets.ts";

export interface TurnStates {
  /** Call with the header of an answer, or null. */
  note(value: string | null, upstreamKey: string): void;
  /** True when this upstream issued the value. */
  isFrom(value: string, upstreamKey: string): boolean;
}

/** A turn is short: the newest few hundred are plenty. */
const KEPT = 512;

export function createTurnStates(): TurnStates {
  const issuers = new Map<string, string>();
  return {
    note(value, upstreamKey) {
      if (value === null) return;
      const id = fingerprint(value);
      issuers.delete(id);
      issuers.set(id, upstreamKey);
      const [oldest] = issuers.keys();
      if (issuers.size > KEPT && oldest !== undefined) issuers.delete(oldest);
    },
    isFrom: (value, upstreamKey) => issuers.get(fingerprint(value)) === upstreamKey,
  };
}
