// How a request for compaction is asked: first of upstreams that may know how, as the client sent it; then of all others
// for a summary in words, which is wrapped as the item that the client waits for.
import { createDecoder } from "../base/decoder.ts";
import { createSseSplitter } from "../base/sse.ts";
import type { PlanRequest } from "../routing/types.ts";
import type { Answer } from "./attempt.ts";
import type { Converted, Pass } from "./attempt-loop.ts";
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

async function summarize(answer: Answer, idleMs: number): Promise<Converted | null> {
  const events = await collectEvents(answer, idleMs);
  const summary = events === null ? null : readSummary(events);
  return summary === null ? null : { stream: makeCompactionStream(summary), usage: summary.tokens };
}

/** All events of an answer; null when it was cut, went silent, is too long, or cannot be read. */
async function collectEvents(answer: Answer, idleMs: number): Promise<{ data: string }[] | null> {
  const splitter = createSseSplitter({ maxEventBytes: MAX_SUMMARY_BYTES });
  const limits = { maxBytes: MAX_SUMMARY_BYTES, burstBytes: MAX_SUMMARY_BYTES };
  const decoder = answer.encoding === null ? undefined : createDecoder(answer.encoding, limits);
  if (decoder === null) return null;
  const events: { data: string }[] = [];
  let bytes = 0;
  const idle = setTimeout(answer.abort, idleMs);
  try {
    const read = (piece: Uint8Array): void => {
      bytes += piece.length;
      decoder?.keep(bytes);
      events.push(...splitter.push(piece));
    };
    const take = async (chunk: Uint8Array): Promise<void> => {
      idle.refresh();
      if (decoder === undefined) return read(chunk);
      for await (const piece of decoder.decode(chunk)) read(piece);
    };
    for (const chunk of answer.body.held()) await take(chunk);
    for (let chunk = await answer.body.next(); chunk !== null; chunk = await answer.body.next()) {
      await take(chunk);
      if (bytes > MAX_SUMMARY_BYTES) return null;
    }
    return events;
  } catch {
    return null;
  } finally {
    clearTimeout(idle);
    decoder?.close();
    answer.abort();
  }
}
