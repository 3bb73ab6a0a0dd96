// Turns what the attempts came to into the client's answer, and the end of that answer into the request's record.
import { classify } from "../routing/classify.ts";
import { makeFinalAnswer } from "../routing/final-answer.ts";
import type { AttemptOutcome, Permit, Verdict } from "../routing/types.ts";
import { createStreamTap, type TapFacts } from "../usage/stream-tap.ts";
import type { Chosen, LoopInput, LoopResult } from "./attempt-loop.ts";
import type { Answer } from "./attempt.ts";
import { type DeliveryEnd, makeDelivery } from "./deliver.ts";
import type { ProxyDeps } from "./deps.ts";
import { CLIENT_CLOSED_REQUEST, type Exchange } from "./exchange.ts";
import { type LocalError, makeErrorResponse } from "./local-error.ts";
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
  const tap = facts.api === "other" ? null : createStreamTap(facts.api, answer.encoding);
  let lastSeen: TapFacts | null = null;
  const look = (): TapFacts | null => (lastSeen ??= tap?.finish() ?? null);
  const isEvents = facts.stream && !startsLikeJson(answer);

  const conclude = (end: DeliveryEnd): void => {
    const seen = look();
    const usage = seen?.usage;
    const { status } = answer;
    // A client that has its terminal event is done, and leaves without waiting for the connection's end.
    if (end === "client-gone" && !(isEvents && seen?.terminal != null)) {
      chosen.permit?.release();
      exchange.end({ status: CLIENT_CLOSED_REQUEST, outcome: "client_gone", usage });
      return;
    }
    deps.connections.released(upstream);
    const failure =
      isEvents && seen?.terminal === "failed" ? (seen.error ?? "the stream ended in an error") : null;
    const cut = end === "complete" || end === "client-gone" ? null : end;
    if (chosen.permit !== null) settle(input, chosen.permit, { cut, failure });
    if (cut !== null) exchange.end({ status, outcome: "cut", usage, error: CUT_WORDS[cut] });
    else if (chosen.permit === null)
      exchange.end({ status, outcome: "error", usage, error: lastError(exchange) });
    else
      exchange.end({
        status,
        outcome: failure === null ? "ok" : "error",
        usage,
        error: failure ?? undefined,
      });
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
    for (const chunk of answer.body.held()) tap?.feed(chunk);
    void isComplete(true).then(() => conclude("complete"));
    return new Response(Buffer.concat(answer.body.held()), init);
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

const CUT_WORDS: Readonly<Record<Exclude<DeliveryEnd, "complete" | "client-gone">, string>> = {
  reset: "the upstream broke off in the middle of the answer",
  idle: "the upstream went silent in the middle of the answer",
  "no-terminal-event": "the upstream ended the stream before the answer was complete",
};

interface Ending {
  /** How the stream broke off; null for one that came to its end. */
  readonly cut: keyof typeof CUT_WORDS | null;
  /** The error event that a complete stream ended in. */
  readonly failure: string | null;
}

/** Tells the router how the delivery of a chosen answer ended. Returns the verdict where it was a failure. */
export function settle(input: LoopInput, permit: Permit, { cut, failure }: Ending): Verdict | null {
  const { deps, route } = input;
  if (cut === null && failure === null) {
    permit.succeed();
    return null;
  }
  const outcome: AttemptOutcome = { kind: "cut", reason: cut ?? "error-event", body: failure ?? "" };
  const verdict = classify(outcome, {
    service: deps.service,
    now: deps.now(),
    overrides: {},
    settings: route.routing,
    hasBoundHistory: false,
  });
  permit.fail(verdict);
  return verdict;
}

function lastError(exchange: Exchange): string | undefined {
  return exchange.tried.at(-1)?.error ?? undefined;
}

function startsLikeJson(answer: Answer): boolean {
  const [first] = answer.body.held();
  return (
    answer.encoding === null &&
    first !== undefined &&
    /^\s*[{[]/.test(Buffer.from(first.subarray(0, 64)).toString("latin1"))
  );
}
