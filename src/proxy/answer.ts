// Turns what the attempts came to into the client's answer, and the end of that answer into the request's record.
import { freePiece } from "../base/decoder.ts";
import { classifyAttempt } from "../routing/classify.ts";
import { reasonInEnglish } from "../routing/reasons.ts";
import type { AttemptOutcome, Reason } from "../routing/types.ts";
import type { Api } from "../usage/stream-events.ts";
import type { Told } from "./held-usage.ts";
import { createStreamTap, type TapFacts } from "../usage/stream-tap.ts";
import { type JsonDocument, readDocument } from "../usage/answer-reader.ts";
import { type Answer, isRedirect } from "./attempt.ts";
import type { LoopRun } from "./ask-upstream.ts";
import type { Chosen } from "./chosen.ts";
import type { Converted } from "./change-form.ts";
import { BODILESS } from "./data-answer.ts";
import { type DeliveryEnd, makeDelivery } from "./deliver.ts";
import type { Exchange, ExchangeEnd } from "./exchange.ts";
import { CLIENT_CLOSED_REQUEST, type LocalError, makeErrorResponse } from "./local-error.ts";
import { makeResponseHeaders, TURN_STATE_HEADER } from "./headers.ts";
import { isForFew } from "./held-back.ts";

/** An answer of our own: no upstream was asked (`refused`), or none gave an answer that could be shown (`error`). */
export function answerLocal(exchange: Exchange, outcome: "refused" | "error", error: LocalError): Response {
  const { message, reason = { rule: "refused", why: message }, status } = error;
  exchange.end({ status, outcome, reason });
  return makeErrorResponse(exchange.service, error, exchange.method);
}

/** What the client asks for without a need for any upstream. */
export function answerHere(exchange: Exchange, body: object): Response {
  exchange.end({ status: 200, outcome: "ok" });
  return exchange.method === "HEAD" ? new Response(null) : Response.json(body);
}

/** The client left before there was an answer: this one is not read. */
export function answerGone(exchange: Exchange): Response {
  exchange.end({ status: CLIENT_CLOSED_REQUEST, outcome: "client_gone" });
  return new Response(null, { status: CLIENT_CLOSED_REQUEST });
}

/** A request that is being answered, and who hears of its end. */
export interface Answering extends LoopRun {
  readonly exchange: Exchange;
}

/** Gives the client the answer that was made of an upstream's. */
function answerConverted(
  { body, servedModel, type, usage }: Converted,
  chosen: Chosen,
  exchange: Exchange,
): Response {
  chosen.permit?.succeed();
  exchange.end({ status: 200, outcome: "ok", usage, servedModel });
  const headers = makeResponseHeaders({ upstream: chosen.answer.headers, decoded: true });
  headers.set("content-type", type);
  return new Response(body, { headers });
}

/** Gives an upstream's answer to the client: what is complete at once, everything else as it comes. */
export async function answerFrom(
  chosen: Chosen,
  { deps, exchange, hold, owned, request, restoring, route, wall }: Answering,
): Promise<Response> {
  const { answer, converted, permit, upstream } = chosen;
  deps.memory.noteTurnState(answer.headers.get(TURN_STATE_HEADER), upstream.key);
  if (answer.responseId !== null && request.facts.isContinuable) {
    deps.memory.noteResponse(answer.responseId, upstream.key);
    wall?.noteResponse(answer.responseId);
  }
  exchange.showAnswerOf(upstream);
  exchange.markFirstByte();
  if (converted !== null) return answerConverted(converted, chosen, exchange);
  const { endpoint, stream } = request.facts;
  const api = endpoint.usage;
  const init = {
    status: answer.status,
    headers: makeResponseHeaders({
      upstream: answer.headers,
      decoded: answer.decoded,
      isConfined: isRedirect(answer.status) && isForFew(request.headers, upstream, owned),
    }),
  };
  const { document } = answer;
  const isRestored = restoring !== undefined && answer.encoding === null;
  // What is dropped here may still be held there.
  const freesPieces = answer.decoded && !isRestored;
  const tap = api === null || document !== null ? null : createStreamTap(api, answer.encoding, freesPieces);
  exchange.output = tap;
  let lastSeen: TapFacts | null = null;
  const look = (): TapFacts | null => (lastSeen ??= tap?.finish() ?? readWhole(api, document));
  const isEvents = stream ? answer.shape !== "json" : answer.shape === "events";

  const conclude = (end: DeliveryEnd): void => {
    const refusal = permit === null ? exchange.shownReason() : null;
    const seen = look();
    const ending = makeEnding({ end, status: answer.status, seen, isEvents, refusal });
    const outputBytes = (exchange.isSampled && isEvents ? tap?.countShown() : null) ?? undefined;
    tap?.close();
    answer.body.close();
    const isClientGone = ending.record.outcome === "client_gone";
    if (!isClientGone) deps.connections.released(upstream);
    if (ending.cut !== null) {
      permit?.fail(classifyAttempt(ending.cut, upstream, { now: deps.now(), settings: route.routing }));
    } else if (isClientGone) permit?.release();
    else permit?.succeed();
    exchange.end({ ...ending.record, ...whyUnknown(seen), outputBytes });
  };
  const finish = (end: DeliveryEnd): void => {
    try {
      conclude(end);
    } finally {
      // What it held is free again, whatever went wrong.
      exchange.end({ status: 500, outcome: "error", reason: { rule: "bug" } });
    }
  };

  if (exchange.method === "HEAD" || BODILESS.has(answer.status)) {
    answer.abort();
    finish("complete");
    return answerHead(answer, init, exchange.method);
  }
  if (endpoint.api === null && !stream) await readKnownLength(answer, upstream.timeouts.idleMs);
  // A stream is complete when it said so itself, and only then: a connection that closes cleanly is no proof.
  const isComplete = async (endedCleanly: boolean): Promise<boolean> => {
    await tap?.flush();
    const seen = look();
    if (!isEvents || permit === null || seen?.isReadable === false) return endedCleanly;
    return seen?.terminal !== null;
  };
  const contentType = answer.headers.get("content-type");
  if (answer.body.ended && !isEvents) {
    const held = answer.body.held();
    for (const chunk of held) tap?.feed(chunk);
    // What is left to do for the record need not keep the client waiting.
    if (tap === null) setImmediate(finish, "complete");
    else setImmediate(() => void isComplete(true).then(() => finish("complete")));
    const [only] = held;
    const whole = held.length === 1 && only !== undefined ? only : Buffer.concat(held);
    return new Response(isRestored ? restoring.whole(whole, contentType) : whole, init);
  }
  const delivery = makeDelivery({
    answer,
    idleMs: upstream.timeouts.idleMs,
    observe: (chunk) => tap?.feed(chunk),
    restorer: isRestored ? restoring.open(contentType, hold) : null,
    onWritten: freesPieces && tap === null ? freePiece : null,
    isComplete,
    activity: () => (isEvents ? (tap?.activity() ?? null) : null),
    isOver: () => isEvents && tap !== null && tap.finish().isOver,
    onEnd: finish,
  });
  return new Response(delivery, init);
}

/** With the length that the upstream says a body would have; without one Bun would say that it is empty (RFC 9110 8.6). */
function answerHead({ decoded, headers, status }: Answer, init: HeadOnly, method: string): Response {
  const length = decoded || status === 204 ? null : headers.get("content-length");
  if (length !== null && /^\d+$/.test(length)) init.headers.set("content-length", length);
  else if (method === "HEAD") return new Response(makeNoBody(), init);
  return new Response(null, init);
}

interface HeadOnly {
  readonly status: number;
  readonly headers: Headers;
}

function makeNoBody(): ReadableStream {
  return new ReadableStream({
    type: "direct",
    async pull(controller) {
      await controller.end();
    },
  });
}

/** A stream of Bun's server has no Content-Length (1.4.5): so much is read before it goes out, that it may keep its own. */
export const KEPT_LENGTH_BYTES = 8 * 2 ** 20;

async function readKnownLength({ body, headers }: Answer, idleMs: number): Promise<void> {
  const length = Number(headers.get("content-length") ?? Number.NaN);
  const isEvents = headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (isEvents || !(length <= KEPT_LENGTH_BYTES)) return;
  try {
    while ((await body.readAhead(idleMs)).kind === "bytes");
  } finally {
    body.stopReadingAhead();
  }
}

function readWhole(api: Api | null, document: JsonDocument | null): TapFacts | null {
  if (api === null || document === null) return null;
  return { ...readDocument(api, document), isReadable: true };
}

function whyUnknown(seen: TapFacts | null): Pick<ExchangeEnd, "usageUnknown"> {
  if (seen === null || seen.isReadable) return {};
  return { usageUnknown: seen.isTooLarge === true ? "too_large" : "unreadable" };
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
  /** The failure that this answer itself is; null for one that counts as good. */
  readonly refusal: Reason | null;
}

interface Ending {
  /** An end as "client_gone" says nothing about the upstream. */
  readonly record: ExchangeEnd;
  /** How the answer failed the client after it had begun; null for one that was whole, or not waited for. */
  readonly cut: Cut | null;
}

type Cut = Extract<AttemptOutcome, { kind: "cut" }>;

function makeEnding({ end, isEvents, refusal, seen, status }: Delivered): Ending {
  const told: Told = { usage: seen?.usage, servedModel: seen?.servedModel };
  // A client that has its terminal event is done, and leaves without waiting for the connection's end.
  if (end === "client-gone" && !(isEvents && seen?.terminal != null))
    return { record: { status: CLIENT_CLOSED_REQUEST, outcome: "client_gone", ...told }, cut: null };
  if (end !== "complete" && end !== "client-gone") {
    const cut: Cut = { kind: "cut", reason: end, body: "" };
    return { record: { status, outcome: "cut", ...told, reason: { rule: `cut-${end}` } }, cut };
  }
  if (refusal !== null) return { record: { status, outcome: "error", ...told, reason: refusal }, cut: null };
  if (!isEvents || seen?.terminal !== "failed")
    return { record: { status, outcome: "ok", ...told }, cut: null };
  const reason: Reason =
    seen.error === undefined ? { rule: "stream-error" } : { rule: "as-told", words: seen.error };
  const cut: Cut = { kind: "cut", reason: "error-event", body: reasonInEnglish(reason) };
  return { record: { status, outcome: "error", ...told, reason }, cut };
}
