// Answers a request for compaction: by an upstream that knows how, else by a summary of our own wrapping.
import { kept } from "../base/language.ts";
import { createDecodedCopy } from "../base/decoder.ts";
import { createSseSplitter } from "../base/sse.ts";
import { answerFailure, answerFrom, answerGone, settle } from "./answer.ts";
import type { Answer } from "./attempt.ts";
import { type Chosen, type LoopInput, runAttempts } from "./attempt-loop.ts";
import { askForSummary, makeCompactionStream, readSummary } from "./compaction.ts";
import type { Exchange } from "./exchange.ts";

/** A summary is a few pages; an answer beyond this is none. */
const MAX_SUMMARY_BYTES = 8 * 2 ** 20;

/** Upstreams that may know compaction are asked first; each unknown one is asked once and remembered. */
export async function answerCompaction(input: LoopInput, exchange: Exchange): Promise<Response> {
  const { deps, plan } = input;
  const capable = plan.upstreams.filter((upstream) => deps.memory.compactionAt(upstream) !== "plain");
  let last: Chosen | null = null;
  const native = capable.toSorted(
    (a, b) => rank(deps.memory.compactionAt(a)) - rank(deps.memory.compactionAt(b)),
  );
  if (native.length > 0) {
    const result = await runAttempts(
      { ...input, needsCompaction: true, plan: { ...plan, among: native } },
      exchange.tried,
    );
    for (const { upstream, verdict } of exchange.tried) {
      if (verdict?.rule === "no-compaction") deps.memory.noteCompaction(upstream, "plain");
    }
    if (result.kind === "client-gone") return answerGone(exchange);
    if (result.kind === "answer" && result.chosen.permit !== null) {
      const { upstream } = result.chosen;
      deps.memory.noteCompaction(upstream, "native");
      // The item can be read by this account alone: the session stays with it.
      if (plan.sessionId !== null) deps.router.pin(plan.sessionId, upstream);
      return answerFrom(input, exchange, result.chosen);
    }
    if (result.kind === "answer") return answerFrom(input, exchange, result.chosen);
    // The refusal of a trigger that the client need not know of is no answer to show.
    if (result.last !== null && deps.memory.compactionAt(result.last.upstream) !== "plain")
      last = result.last;
  }
  return await answerWithSummary({ ...input, body: askForSummary(input.body) }, exchange, last);
}

const rank = (known: "native" | "plain" | "unknown"): number => (known === "native" ? 0 : 1);

/**
 * Asks one upstream after the other for a summary in words. Nothing is shown before it is whole, so one that breaks off
 * is a failed attempt like any other. `last` is the answer of an upstream that was asked before and failed: to be shown
 * if nothing newer comes.
 */
async function answerWithSummary(
  input: LoopInput,
  exchange: Exchange,
  last: Chosen | null,
): Promise<Response> {
  const result = await runAttempts(input, exchange.tried);
  if (result.kind === "client-gone") return answerGone(exchange);
  if (result.kind === "all-failed")
    return answerFailure(input, exchange, { ...result, last: result.last ?? last });
  const { answer, permit, upstream } = result.chosen;
  if (permit === null) return answerFrom(input, exchange, result.chosen);
  const events = await collectEvents(answer, upstream.timeouts.idleMs);
  input.deps.connections.released(upstream);
  if (input.request.signal.aborted) {
    permit.release();
    return answerGone(exchange);
  }
  const summary = events === null ? null : readSummary(events);
  if (summary === null) {
    const verdict = settle(input, result.chosen, {
      failed: { reason: "no-terminal-event", body: "" },
      isClientGone: false,
    });
    const tried = exchange.tried.pop();
    if (tried !== undefined)
      exchange.tried.push({ ...tried, verdict, error: kept`gave no summary of the conversation` });
    return await answerWithSummary(input, exchange, last);
  }
  permit.succeed();
  exchange.markFirstByte();
  exchange.end({ status: 200, outcome: "ok", usage: summary.tokens });
  return new Response(makeCompactionStream(summary), { headers: { "content-type": "text/event-stream" } });
}

/** All events of an answer; null when it broke off, went silent, went on too long, or cannot be read. */
async function collectEvents(answer: Answer, idleMs: number): Promise<{ data: string }[] | null> {
  const splitter = createSseSplitter({ maxEventBytes: MAX_SUMMARY_BYTES });
  const copy = answer.encoding === null ? undefined : createDecodedCopy(answer.encoding);
  if (copy === null) return null;
  const events: { data: string }[] = [];
  let bytes = 0;
  const idle = setTimeout(answer.abort, idleMs);
  try {
    const take = async (chunk: Uint8Array): Promise<void> => {
      idle.refresh();
      bytes += chunk.length;
      events.push(...splitter.push(copy === undefined ? chunk : await copy.push(chunk)));
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
    answer.abort();
  }
}
