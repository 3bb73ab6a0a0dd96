// Turns what the attempts came to into the client's answer, and the end of that answer into the request's record.
import { beginsJson, firstByteOf } from "../base/bytes.ts";
import { kept } from "../base/language.ts";
import type { Service } from "../base/service.ts";
import { classifyAttempt } from "../routing/classify.ts";
import type { AttemptOutcome, Permit, RoutingSettings, Verdict } from "../routing/types.ts";
import type { Api } from "../usage/stream-events.ts";
import { createStreamTap, type TapFacts } from "../usage/stream-tap.ts";
import { type JsonDocument, readDocument } from "../usage/whole-answer.ts";
import type { Chosen, Converted } from "./attempt-loop.ts";
import type { Answer } from "./attempt.ts";
import { type DeliveryEnd, makeDelivery } from "./deliver.ts";
import type { ProxyDeps } from "./deps.ts";
import type { Exchange, ExchangeEnd } from "./exchange.ts";
import { CLIENT_CLOSED_REQUEST, type LocalError, makeErrorResponse } from "./local-error.ts";
import { makeResponseHeaders, TURN_STATE_HEADER } from "./headers.ts";
import type { ClientRequest } from "./upstream-request.ts";

/** Statuses that never have a body (RFC 9110 6.4.1). */
const BODILESS = new Set([204, 205, 304]);

/** Who asked, and where the end of the request is written down. */
export interface Asked {
  readonly service: Service;
  readonly method: string;
  readonly exchange: Exchange;
}

/** An answer of our own: no upstream was asked (`refused`), or none gave an answer that could be shown (`error`). */
export function answerLocal(
  { exchange, method, service }: Asked,
  outcome: "refused" | "error",
  error: LocalError,
): Response {
  exchange.end({ status: error.status, outcome, error: error.message });
  return makeErrorResponse(service, error, method);
}

/** The client left before there was an answer: this one is not read. */
export function answerGone(exchange: Exchange): Response {
  exchange.end({ status: CLIENT_CLOSED_REQUEST, outcome: "client_gone" });
  return new Response(null, { status: CLIENT_CLOSED_REQUEST });
}

/** What an answer is given with: the request that it is to, and who hears of its end. */
export interface Delivery {
  readonly request: Pick<ClientRequest, "facts" | "method">;
  readonly exchange: Exchange;
  readonly routing: RoutingSettings;
  readonly deps: Pick<ProxyDeps, "connections" | "memory" | "now">;
}

/** Gives the client the answer that was made of an upstream's. */
function answerConverted({ stream, usage }: Converted, permit: Permit | null, exchange: Exchange): Response {
  permit?.succeed();
  exchange.markFirstByte();
  exchange.end({ status: 200, outcome: "ok", usage });
  return new Response(stream, { headers: { "content-type": "text/event-stream" } });
}

/** Gives an upstream's answer to the client: what is complete at once, everything else as it comes. */
export function answerFrom(chosen: Chosen, { deps, exchange, request, routing }: Delivery): Response {
  const { answer, converted, permit, upstream } = chosen;
  if (converted !== null) return answerConverted(converted, permit, exchange);
  const { api, stream } = request.facts;
  deps.memory.noteTurnState(answer.headers.get(TURN_STATE_HEADER), upstream.key);
  exchange.markFirstByte();
  const init = {
    status: answer.status,
    headers: makeResponseHeaders({ upstream: answer.headers, decoded: answer.decoded }),
  };
  const { document } = answer;
  const tap = api === null || document !== null ? null : createStreamTap(api, answer.encoding);
  let lastSeen: TapFacts | null = null;
  const look = (): TapFacts | null => (lastSeen ??= tap?.finish() ?? readWhole(api, document));
  const isEvents = stream && !startsLikeJson(answer);

  const conclude = (end: DeliveryEnd): void => {
    const refusal = permit === null ? (exchange.tried.at(-1)?.error ?? "") : null;
    const ending = makeEnding({ end, status: answer.status, seen: look(), isEvents, refusal });
    if (!ending.isClientGone) deps.connections.released(upstream);
    if (permit !== null)
      settle(permit, ending, (outcome) =>
        classifyAttempt(outcome, upstream, { now: deps.now(), settings: routing }),
      );
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
    if (!isEvents || permit === null || seen?.isReadable === false) return endedCleanly;
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
  const delivery = makeDelivery({
    body: answer.body,
    idleMs: upstream.timeouts.idleMs,
    observe: (chunk) => tap?.feed(chunk),
    isComplete,
    isOver: () => isEvents && tap !== null && tap.finish().terminal !== null,
    abort: answer.abort,
    onEnd: conclude,
  });
  return new Response(delivery, init);
}

/** Tells the router how the delivery of a chosen answer ended. */
function settle(
  permit: Permit,
  { failed, isClientGone }: Ending,
  judge: (outcome: AttemptOutcome) => Verdict,
): void {
  if (failed !== null) permit.fail(judge({ kind: "cut", ...failed }));
  else if (isClientGone) permit.release();
  else permit.succeed();
}

function startsLikeJson({ body, encoding }: Answer): boolean {
  const [first] = body.held();
  return encoding === null && first !== undefined && beginsJson(firstByteOf(first));
}

function readWhole(api: Api | null, document: JsonDocument | null): TapFacts | null {
  if (api === null || document === null) return null;
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
