// How a request for compaction is asked: first of upstreams that may know how, as the client sent it; then of all others
// for a summary in words, which is wrapped as the item that the client waits for.
import type { PlanRequest } from "../routing/types.ts";
import type { Answer } from "./attempt.ts";
import type { Pass } from "./attempt-loop.ts";
import { collectAnswer, type CollectLimits, type Converted, readEvents } from "./change-form.ts";
import { askForSummary, COMPACTION_ITEM, makeCompactionStream, readSummary } from "./compaction.ts";
import { ANY_OUTPUT } from "./gate.ts";
import type { SessionMemory } from "./session-memory.ts";

/** A summary is a few pages; an answer beyond this is none. */
const MAX_SUMMARY_BYTES = 8 * 2 ** 20;

/** Each unknown upstream is asked once for an item, and it is remembered what it answered. */
export function* makeCompactionPasses(
  plan: PlanRequest,
  body: Uint8Array,
  memory: Pick<SessionMemory, "compactionAt">,
): Generator<Pass> {
  const known = plan.upstreams.map((upstream) => ({ upstream, compaction: memory.compactionAt(upstream) }));
  const among = (["native", "unknown"] as const).flatMap((wanted) =>
    known.filter(({ compaction }) => compaction === wanted).map(({ upstream }) => upstream),
  );
  if (among.length > 0) yield { plan: { ...plan, among }, body, accept: COMPACTION_ITEM, bindsAccount: true };
  yield {
    plan,
    body: askForSummary(body),
    accept: ANY_OUTPUT,
    // Nothing is shown before it is whole, so that the next upstream can be asked after one that is cut.
    convert: { run: summarize, failure: { rule: "no-summary" } },
  };
}

async function summarize(answer: Answer, limits: Omit<CollectLimits, "maxBytes">): Promise<Converted | null> {
  const whole = await collectAnswer(answer, { ...limits, maxBytes: MAX_SUMMARY_BYTES });
  // With the values themselves: it is redacted again when it is unfolded, whatever is known of the session by then.
  const told = whole === null ? null : (limits.restoring?.whole(whole, null) ?? whole);
  const summary = told === null ? null : readSummary(readEvents(told));
  return summary === null
    ? null
    : {
        body: makeCompactionStream(summary),
        type: "text/event-stream",
        usage: summary.tokens,
        servedModel: summary.model,
      };
}
