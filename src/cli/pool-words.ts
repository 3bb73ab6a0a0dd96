// How a pool is, in the words of every screen.
import { type Text, isText, showMoment, t as text } from "../base/text.ts";
import { t, tell, tellEither } from "./language.ts";

interface PoolState {
  readonly namespace: string;
  readonly state: string;
  readonly since_ms: number | null;
  readonly why: string | null;
  readonly why_text?: unknown;
}

/** "the pool team: alone since 10:04 (the engine has no memory left)"; null where there is nothing to tell. */
export function describeAlone(pool: PoolState | undefined, now: number): string | null {
  if (pool?.state !== "alone") return null;
  const why = tellEither(isText(pool.why_text) ? pool.why_text : undefined, pool.why ?? "");
  return t`the pool ${pool.namespace}: this machine is alone since ${showMoment(pool.since_ms ?? now, now)} (${why})`;
}

const STATES: Readonly<Record<string, Text>> = {
  shared: text`shared`,
  connecting: text`connecting`,
  alone: text`alone`,
};

export function describePoolState(state: string): string {
  return tell(STATES[state] ?? state);
}

/** "pool alone since 10:04", where there is little room. */
export function describeAloneShort(pool: PoolState | undefined, now: number): string | null {
  return pool?.state === "alone" ? t`pool alone since ${showMoment(pool.since_ms ?? now, now)}` : null;
}
