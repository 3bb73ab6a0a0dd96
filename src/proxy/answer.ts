// Turns what the attempts came to into the client's answer, and the end of that answer into the request's record.
import { beginsJson, firstByteOf } from "../base/bytes.ts";
import { kept } from "../base/language.ts";
import { classifyAttempt } from "../routing/classify.ts";
import { makeFinalAnswer } from "../routing/final-answer.ts";
import type { AttemptOutcome, Verdict } from "../routing/types.ts";
import { createStreamTap, type TapFacts } from "../usage/stream-tap.ts";
import { type JsonDocument, readDocument } from "../usage/whole-answer.ts";
import type { Chosen, LoopInput, LoopResult } from "./attempt-loop.ts";
import type { Answer } from "./attempt.ts";
import { type DeliveryEnd, makeDelivery } from "./deliver.ts";
import type { ProxyDeps } from "./deps.ts";
import type { Exchange, ExchangeEnd } from "./exchange.ts";
import { CLIENT_CLOSED_REQUEST, type LocalError, makeErrorResponse } from "./local-error.ts";
import { makeResponseHeaders, TURN_STATE_HEADER } from "./headers.ts";

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
  deps.memory.noteTurnState(answer.headers.get(TURN_STATE_HEADER), upstream.key);
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

/** A delivery that has ended. */
interface Delivered {
  readonly end: DeliveryEnd;
  /** The upstream's status. */
  readonly status: number;
  /** What the answer said; null for one that is not looked at. */
  readonly seen: TapFacts | null;
  /** The answer was a stream of events. */
  readonly isEvents: boolean;
  /** The failure that this answer is itself, in words; null for one that was taken as good. */
  readonly refusal: string | null;
}

interface Ending {
  readonly record: ExchangeEnd;
  /** How the answer failed the client after it had begun; null for one that came to its end, or was not waited for. */
  readonly failed: { readonly reason: CutReason | "error-event"; readonly body: string } | null;
  /** The client left before its answer was whole: it says nothing about the upstream. */
  readonly isClientGone: boolean;
}

type CutReason = Exclude<DeliveryEnd, "complete" | "client-gone">;

const CUT_WORDS: Readonly<Record<CutReason, string>> = {
  reset: kept`the upstream broke off in the middle of the answer`,
  idle: kept`the upstream went silent in the middle of the answer`,
  "no-terminal-event": kept`the upstream ended the stream before the answer was complete`,
};

function makeEnding({ end, isEvents, refusal, seen, status }: Delivered): Ending {
  const usage = seen?.usage;
  // A client that has its terminal event is done, and leaves without waiting for the connection's end.
  if (end === "client-gone" && !(isEvents && seen?.terminal != null)) {
    const record = { status: CLIENT_CLOSED_REQUEST, outcome: "client_gone", usage } as const;
    return { record, failed: null, isClientGone: true };
  }
  if (end !== "complete" && end !== "client-gone") {
    const record = { status, outcome: "cut", usage, error: CUT_WORDS[end] } as const;
    return { record, failed: { reason: end, body: "" }, isClientGone: false };
  }
  if (refusal !== null) {
    return { record: { status, outcome: "error", usage, error: refusal }, failed: null, isClientGone: false };
  }
  if (isEvents && seen?.terminal === "failed") {
    const error = seen.error ?? kept`the stream ended in an error`;
    const failed = { reason: "error-event", body: error } as const;
    return { record: { status, outcome: "error", usage, error }, failed, isClientGone: false };
  }
  return { record: { status, outcome: "ok", usage }, failed: null, isClientGone: false };
}
