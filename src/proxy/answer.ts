// Turns what the attempts came to into the client's answer, and the end of that answer into the request's record.
import { beginsJson, firstByteOf } from "../base/bytes.ts";
import { classifyAttempt } from "../routing/classify.ts";
import { makeFinalAnswer } from "../routing/final-answer.ts";
import type { AttemptOutcome, Verdict } from "../routing/types.ts";
import { createStreamTap, type TapFacts } from "../usage/stream-tap.ts";
import { type JsonDocument, readDocument } from "../usage/whole-answer.ts";
import type { Chosen, LoopInput, LoopResult } from "./attempt-loop.ts";
import type { Answer } from "./attempt.ts";
import { type DeliveryEnd, makeDelivery } from "./deliver.ts";
import type { ProxyDeps } from "./deps.ts";
import { type Ending, makeEnding } from "./ending.ts";
import type { Exchange } from "./exchange.ts";
import { CLIENT_CLOSED_REQUEST, type LocalError, makeErrorResponse } from "./local-error.ts";
import { TURN_STATE_HEADER } from "./request-headers.ts";
import { makeResponseHeaders } from "./response-headers.ts";

/** Statuses that never have a body (RFC 9110 6.4.1). */
const BODILESS = new Set([204, 205, 304]);

/** An answer of our own to a request that no upstream was asked for. */
export function answerRefusal(
  request: Request,
  exchange: Exchange,
  refusal: LocalError & { service: ProxyDeps["service"] },
): Response {
  exchange.end({ status: refusal.status, outcome: "refused", error: refusal.message });
  return makeErrorResponse(refusal.service, refusal, request.method);
}

/** The client left before there was an answer. Nobody reads this one. */
export function answerGone(exchange: Exchange): Response {
  exchange.end({ status: CLIENT_CLOSED_REQUEST, outcome: "client_gone" });
  return new Response(null, { status: CLIENT_CLOSED_REQUEST });
}

/** No upstream gave an answer: the one that makes this client behave (wait, stop, or ask again). */
export function answerFailure(
  input: LoopInput,
  exchange: Exchange,
  result: Extract<LoopResult, { kind: "all-failed" }>,
): Response {
  const { deps, request } = input;
  const final = makeFinalAnswer({
    service: deps.service,
    now: deps.now(),
    tried: exchange.tried,
    blocked: result.blocked,
  });
  if (final.kind === "last-answer" && result.last !== null) return answerFrom(input, exchange, result.last);
  exchange.end({ status: final.status, outcome: "error", error: final.message });
  return makeErrorResponse(deps.service, final, request.method);
}

/** Gives an upstream's answer to the client: what is complete at once, everything else as it comes. */
export function answerFrom(input: LoopInput, exchange: Exchange, chosen: Chosen): Response {
  const { deps, facts, request } = input;
  const { answer, upstream } = chosen;
  deps.turnStates.note(answer.headers.get(TURN_STATE_HEADER), upstream.key);
  exchange.markFirstByte();
  const init = {
    status: answer.status,
    headers: makeResponseHeaders({ upstream: answer.headers, decoded: answer.decoded }),
  };
  const { document } = answer;
  const tap = facts.api === "other" || document !== null ? null : createStreamTap(facts.api, answer.encoding);
  let lastSeen: TapFacts | null = null;
  const look = (): TapFacts | null => (lastSeen ??= tap?.finish() ?? readWhole(input, document));
  const isEvents = facts.stream && !startsLikeJson(answer);

  const conclude = (end: DeliveryEnd): void => {
    const refusal = chosen.permit === null ? (exchange.tried.at(-1)?.error ?? "") : null;
    const ending = makeEnding({ end, status: answer.status, seen: look(), isEvents, refusal });
    if (!ending.isClientGone) deps.connections.released(upstream);
    settle(input, chosen, ending);
    exchange.end(ending.record);
  };

  if (request.method === "HEAD" || BODILESS.has(answer.status)) {
    answer.abort();
    conclude("complete");
    return new Response(null, init);
  }
  // A stream is complete when it said so itself, and only then: a connection that closes cleanly is no proof.
  const isComplete = async (endedCleanly: boolean): Promise<boolean> => {
    await tap?.flush();
    const seen = look();
    if (!isEvents || chosen.permit === null || seen?.isReadable === false) return endedCleanly;
    return seen?.terminal !== null;
  };
  if (answer.body.ended && !isEvents) {
    const held = answer.body.held();
    for (const chunk of held) tap?.feed(chunk);
    // What is left to do for the record need not keep the client waiting.
    setImmediate(() => void isComplete(true).then(() => conclude("complete")));
    const [only] = held;
    return new Response(held.length === 1 && only !== undefined ? only : Buffer.concat(held), init);
  }
  const stream = makeDelivery({
    body: answer.body,
    idleMs: upstream.timeouts.idleMs,
    observe: (chunk) => tap?.feed(chunk),
    isComplete,
    isOver: () => isEvents && tap !== null && tap.finish().terminal !== null,
    abort: answer.abort,
    onEnd: conclude,
  });
  return new Response(stream, init);
}

/** Tells the router how the delivery of a chosen answer ended. Returns the verdict where it was a failure. */
export function settle(
  { deps, route }: LoopInput,
  { permit, upstream }: Pick<Chosen, "permit" | "upstream">,
  { failed, isClientGone }: Pick<Ending, "failed" | "isClientGone">,
): Verdict | null {
  if (permit === null) return null;
  if (failed === null) {
    if (isClientGone) permit.release();
    else permit.succeed();
    return null;
  }
  const outcome: AttemptOutcome = { kind: "cut", ...failed };
  const verdict = classifyAttempt(outcome, upstream, { now: deps.now(), settings: route.routing });
  permit.fail(verdict);
  return verdict;
}

function startsLikeJson({ body, encoding }: Answer): boolean {
  const [first] = body.held();
  return encoding === null && first !== undefined && beginsJson(firstByteOf(first));
}

function readWhole({ facts: { api } }: LoopInput, document: JsonDocument | null): TapFacts | null {
  if (api === "other" || document === null) return null;
  return { ...readDocument(api, document), isReadable: true };
}
