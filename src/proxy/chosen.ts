// Of the answers that a request's attempts got: the one that the client sees, and the one that is better than none, which is kept
// and not read any further while the other upstreams are asked.
import type { Upstream } from "../base/upstream.ts";
import type { Candidate, Permit, Reason, Verdict } from "../routing/types.ts";
import type { Answer } from "./attempt.ts";
import type { Converted } from "./change-form.ts";
import type { Held } from "./gate.ts";
import type { Told } from "./held-usage.ts";

/** One attempt, as the log shows it. */
export interface Tried {
  readonly upstream: Upstream;
  readonly verdict: Verdict | null;
  readonly status: number | null;
  /** Null when the upstream's answer was accepted. */
  readonly reason: Reason | null;
  readonly durationMs: number;
  /** The model that this upstream was asked for. */
  readonly model: string | null;
  /** The same before the upstream's own map: the client's, or another one of its chain. */
  readonly named: string | null;
  /** What was read of its answer before that was committed or given up. */
  readonly held: Held;
  /** What it said of itself, where the client does not get it. */
  readonly told?: Told | undefined;
  /** What it went without because the upstream refuses it. */
  readonly dropped: readonly string[];
}

/** False for an upstream that was passed over, as nothing could be sent to it: its key is not set. It is no attempt. */
export function wasAsked({ verdict }: Pick<Tried, "verdict">): boolean {
  return verdict?.rule !== "not-tried";
}

/** The answer that the client gets. */
export interface Chosen {
  readonly upstream: Upstream;
  readonly answer: Answer;
  /** What the client gets in the answer's place. */
  readonly converted: Converted | null;
  /** To be settled by how the delivery ends; null for an error that is the client's to see: that is settled already. */
  readonly permit: Permit | null;
}

/** A failed attempt's answer, read whole. */
export interface Refused extends Chosen {
  readonly verdict: Verdict;
}

/** The newest. But of several that say no to the request itself, it is the first that the client sees. */
export function betterRefusal(before: Refused | null, refused: Refused): Refused {
  const isSame = before?.verdict.blame === "none" && refused.verdict.blame === "none";
  if (!isSame) return refused;
  refused.answer.abort();
  return before;
}

/** An answer in the wrong form, or an empty one. */
export interface Spare {
  readonly chosen: Chosen & { readonly permit: Permit };
  readonly verdict: Verdict;
  readonly tried: Tried;
}

/** The newest, but never an empty one instead of one that holds something. The other is dropped. */
export function betterSpare(before: Spare | null, spare: Spare): Spare {
  if (before === null) return spare;
  const isBetter = before.verdict.rule !== "wrong-form" || spare.verdict.rule === "wrong-form";
  dropSpare(isBetter ? before : spare);
  return isBetter ? spare : before;
}

export function dropSpare({ chosen, verdict }: Spare): void {
  chosen.permit.fail(verdict);
  chosen.answer.abort();
}

/**
 * No other upstream has answered. A wrong form is still to be changed, and its permit to be settled. An empty answer goes out
 * as it came where it is what they all say; else it is dropped.
 */
export function useSpare(spare: Spare, tried: Tried[], blocked: readonly Candidate[]): Chosen | null {
  const { chosen, tried: used, verdict } = spare;
  const isWrongForm = verdict.rule === "wrong-form";
  const saysEmpty = (reason: Reason | null): boolean => reason?.rule === "empty-answer";
  const isUnanimous =
    tried.every(({ reason }) => saysEmpty(reason)) &&
    blocked.every(({ reason, until }) => until === null || saysEmpty(reason));
  if (!isWrongForm && !isUnanimous) {
    dropSpare(spare);
    return null;
  }
  // The last attempt of the log is the one that answered.
  tried.splice(tried.indexOf(used), 1);
  if (isWrongForm) {
    tried.push({ ...used, verdict: null, reason: null });
    chosen.permit.begun();
    return chosen;
  }
  tried.push(used);
  chosen.permit.fail(verdict);
  return { ...chosen, permit: null };
}
