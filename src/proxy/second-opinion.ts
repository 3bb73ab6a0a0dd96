// Refusals that no known reason explains, of one request: they are kept while others are asked. Where another upstream answers, the
// one that refused is remembered for it; where it says the same, the request is at fault and the client sees the first of them.
import type { Upstream } from "../base/upstream.ts";
import type { PlanRequest, RefusedThing, RequestTraits, Verdict } from "../routing/types.ts";
import type { Router } from "../routing/router.ts";
import type { Answer } from "./attempt.ts";
import type { Chosen } from "./chosen.ts";
import { findMoreDrops } from "./drop.ts";

export interface KeptRefusal {
  readonly upstream: Upstream;
  readonly verdict: Verdict;
  /** Not read any further; null where there was none that can be shown. */
  readonly answer: Answer | null;
}

/** Things that are left out of one request after each other: an upstream names them one at a time. */
const MOST_DROPS = 4;

/** A class, because each request has one, and most have nothing in it. */
export class Refusals {
  private readonly kept: KeptRefusal[] = [];

  add(refusal: KeptRefusal): void {
    this.kept.push(refusal);
  }

  /** The newest repeats another: no third one is asked. What is named may be taken elsewhere all the same. */
  isSaidAgain(): boolean {
    const last = this.kept.at(-1);
    if (last === undefined || last.verdict.refused !== undefined) return false;
    return this.kept.slice(0, -1).some(({ verdict }) => saysSame(verdict, last.verdict));
  }

  /** Another upstream answered. That an endpoint is missing is remembered elsewhere, but for turns. */
  noteAnswered(plan: PlanRequest, { learned }: Pick<Router, "learned">, by: Upstream, isTurn: boolean): void {
    const { model, traits } = plan;
    if (traits === undefined) return;
    for (const { upstream, verdict } of this.kept)
      if (upstream.key !== by.key && (isTurn || verdict.rule !== "not-served"))
        learned.noteRefusal(upstream.key, model, traits, verdict.refused);
  }

  /** The upstreams that may take the request without something, in the order in which they were asked, and without what. */
  *withoutRefused(
    traits: RequestTraits,
  ): Generator<
    { readonly upstream: Upstream; readonly drops: readonly RefusedThing[] },
    void,
    Verdict | null
  > {
    let left = MOST_DROPS;
    for (const { upstream, verdict } of this.kept) {
      const drops: RefusedThing[] = [];
      for (let refusal: Verdict | null = verdict; refusal !== null && left > 0; left -= 1) {
        const more = findMoreDrops(refusal.refused ?? [], traits, drops);
        if (more.length === 0) break;
        drops.push(...more);
        refusal = yield { upstream, drops: [...drops] };
      }
    }
  }

  /** What the client sees where nothing better comes; the others are dropped. */
  first(): Chosen | null {
    const [first] = this.kept;
    const shown = first?.answer == null ? undefined : first;
    for (const { answer } of this.kept) if (answer !== shown?.answer) answer?.abort();
    this.kept.length = 0;
    if (shown?.answer == null) return null;
    return { upstream: shown.upstream, answer: shown.answer, converted: null, permit: null };
  }

  /** None of them is shown. */
  drop(): void {
    for (const { answer } of this.kept) if (answer?.body.ended === false) answer.abort();
    this.kept.length = 0;
  }
}

function saysSame(one: Verdict, other: Verdict): boolean {
  return one.reason.status === other.reason.status && plain(one) === plain(other);
}

/** Without what differs from answer to answer: ids, times, counts. */
function plain({ said = "" }: Verdict): string {
  return said
    .replace(/\S*\d\S*/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
