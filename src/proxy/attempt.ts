// One attempt of one request at one upstream: fetch, its timers, and the gate. Its outcome is a value.
// Never throws, blames no upstream, and knows no other one.
import type { Shape } from "../base/bytes.ts";
import { canDecode } from "../base/decoder.ts";
import { errorCode } from "../base/errors.ts";
import type { Upstream } from "../base/upstream.ts";
import type { AttemptOutcome } from "../routing/types.ts";
import type { Api } from "../usage/stream-events.ts";
import type { JsonDocument } from "../usage/answer-reader.ts";
import { AnswerBody, readAsSent, readDecoded } from "./answer-body.ts";
import { acceptsCodings, readCodings } from "./codings.ts";
import { judgeData } from "./data-answer.ts";
import type { Endpoint } from "./endpoints.ts";
import { checkConnect, type Connections, type ConnectResult, findShortage } from "./connections.ts";
import { type Acceptance, type BadContent, type Held, holdAnswer } from "./gate.ts";
import { type Told, readHeldUsage, readToldUsage } from "./held-usage.ts";
import { proxyConnectOutcome, proxyErrorOutcome, proxyLostOutcome, proxyPageOutcome } from "./outbound.ts";
import { Undeclared } from "./undeclared.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

export interface AttemptRequest extends Omit<UpstreamRequest, "heldBack"> {
  readonly upstream: Upstream;
  /** Null: it is no turn. */
  readonly api: Api | null;
  readonly judged: Endpoint["judged"];
  /** Its answers are billed, and state their usage so; null: they are not. */
  readonly usage: Api | null;
  readonly stream: boolean;
  readonly accept: Acceptance;
  /** Longest wait for the response headers, and for the first event after them. */
  readonly firstByteMs: number;
  /** Try a bare connect before the request (half-open upstreams). */
  readonly checksConnect: boolean;
  /** The request may be sent again on a fresh connection when a pooled one turns out to be dead. */
  readonly mayResend: () => boolean;
  /** The client is there as long as this is not aborted. */
  readonly clientSignal: AbortSignal;
  /** Counts what is held of the answer; negative for what is let go. */
  readonly hold: (bytes: number) => void;
  /** What an answer's bytes may come as: the client's own, or none where they have to be read. */
  readonly acceptEncoding: string | null;
}

/** An upstream's answer before it is committed. */
export interface Answer {
  readonly status: number;
  /** The upstream's own. */
  readonly headers: Headers;
  readonly body: AnswerBody;
  /** Content-Encoding of the body's bytes as they are now, or null. */
  readonly encoding: string | null;
  /** The whole of it, where it was read as JSON while it was judged. */
  readonly document: JsonDocument | null;
  /** Of the Responses API; null for none. */
  readonly responseId: string | null;
  /** By its first bytes; unknown for one that is not looked at. */
  readonly shape: Shape;
  /** Its Content-Encoding does not hold: it was undone, because the client cannot read it, or names no coding. */
  readonly decoded: boolean;
  /** Closes the connection at once, also while a read hangs. */
  readonly abort: () => void;
}

/** `held`: what was read of the answer before it was committed or given up. `told`: what it said of itself until then. */
export type AttemptResult = { readonly held: Held } & (
  | { readonly kind: "answer"; readonly answer: Answer }
  /** `answer` is there when the upstream gave one that could be shown if nothing better comes. */
  | {
      readonly kind: "failed";
      readonly outcome: AttemptOutcome;
      readonly answer: Answer | null;
      readonly told?: Told;
    }
  | { readonly kind: "client-gone"; readonly told?: Told }
);

const NOTHING_HELD: Held = { events: 0, bytes: 0 };
const GONE: AttemptResult = { kind: "client-gone", held: NOTHING_HELD };

const CONNECT_CHECK_MS = 3_000;
const REJECTED_BODY_BYTES = 64 * 1024;
/** A body comes with its head or hardly at all, and the next upstream waits for it. */
const REJECTED_BODY_MS = 2_000;
/** A 200 that is neither an answer nor an error is not shown. */
const PASSES_FOR_SUCCESS: ReadonlySet<BadContent["reason"]> = new Set(["nothing", "malformed", "html"]);
/** Statuses a Response can be made of (Fetch, "RangeError" otherwise). */
const isStatus = (status: number): boolean => Number.isInteger(status) && status >= 200 && status <= 599;

export const isRedirect = (status: number): boolean => status >= 300 && status < 400 && status !== 304;

/** Asks one upstream once; a stale kept-alive connection is replaced by a fresh one without counting as an attempt. */
export async function attempt(request: AttemptRequest, connections: Connections): Promise<AttemptResult> {
  if (request.checksConnect) {
    const connect = await checkConnect(request.url, request.upstream.proxy, CONNECT_CHECK_MS);
    if (request.clientSignal.aborted) return GONE;
    if (connect.kind !== "connected") return failed(connectOutcome(connect, request.upstream.proxy));
  }
  // Asked before sending: a connection that another request returns meanwhile is not the one that this request used.
  const mayBeStale = connections.mayHaveBeenReused(request.upstream);
  const staleAfterMs =
    mayBeStale && hasEarlyHead(request) ? connections.staleAfterMs(request.upstream) : null;
  const first = await send(request, connections, { staleAfterMs, fresh: false, isNew: !mayBeStale });
  if (!isLost(first)) return first;
  if (!mayBeStale) return await blameWay(request, first);
  if (!request.mayResend()) return first;
  const again = await send(request, connections, { staleAfterMs: null, fresh: true, isNew: true });
  return isLost(again) ? await blameWay(request, again) : again;
}

/** The head of an answer that is not streamed comes with the whole of it. */
function hasEarlyHead({ api, stream }: AttemptRequest): boolean {
  return api !== null && stream;
}

function isLost(result: AttemptResult): boolean {
  return (
    result.kind === "failed" &&
    result.outcome.kind === "transport" &&
    (result.outcome.code === "ECONNRESET" || result.outcome.code === STALE)
  );
}
/** The code of a kept connection that was given up. */
const STALE = "STALE";

/** A proxy may open a tunnel first and drop it when it gets no further: whether it has, another tunnel shows. */
async function blameWay(request: AttemptRequest, result: AttemptResult): Promise<AttemptResult> {
  const { proxy } = request.upstream;
  if (proxy === false || !request.url.startsWith("https:")) return result;
  const connect = await checkConnect(request.url, proxy, CONNECT_CHECK_MS);
  if (request.clientSignal.aborted) return GONE;
  return connect.kind === "connected" ? result : failed(proxyLostOutcome("ECONNRESET", proxy));
}

/** How it is sent. */
interface Sending {
  /** On a connection that is used for nothing else. */
  readonly fresh: boolean;
  /** No kept connection can be used for it. */
  readonly isNew: boolean;
  /** A kept connection that stays silent for so long is given up, ms; null: it is not. */
  readonly staleAfterMs: number | null;
}

async function send(
  request: AttemptRequest,
  connections: Connections,
  sending: Sending,
): Promise<AttemptResult> {
  if (request.clientSignal.aborted) return GONE;
  const { proxy, tlsCa } = request.upstream;
  const trust = tlsCa === null ? null : await connections.trustOf(tlsCa);
  if (trust?.kind === "unusable") return failed({ kind: "not-tried", why: trust.why });
  const sentAt = performance.now();
  const firstEventBy = sentAt + request.firstByteMs;
  const own = new AbortController();
  // A third of what AbortSignal.any costs.
  request.clientSignal.addEventListener("abort", () => own.abort());
  const watch = new FirstByteWatch(request, own, sending);
  let response: Response;
  const together = connections.together();
  try {
    if (together !== null) await together;
    response = await connections.fetch(sending.fresh)(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      signal: own.signal,
      redirect: "manual",
      decompress: false,
      timeout: false,
      proxy,
      ...(trust === null ? {} : { tls: { ca: trust.ca } }),
    });
    if (response.ok && hasEarlyHead(request))
      connections.noteHead(request.upstream, performance.now() - sentAt);
  } catch (error) {
    if (request.clientSignal.aborted) return GONE;
    const outcome = watch.outcome ?? transportOutcome(error, proxy);
    return failed(sending.isNew ? await connections.named(outcome, request.upstream) : outcome);
  } finally {
    connections.sent();
    watch.stop();
  }
  if (!isStatus(response.status)) {
    own.abort();
    return failed({ kind: "transport", code: "Malformed_HTTP_Response", sent: "maybe" });
  }
  return await judge(request, makeAnswer(response, request, own), firstEventBy);
}

/** Looks at the answer as far as needed to tell a good one from a failure. */
async function judge(request: AttemptRequest, answer: Answer, firstEventBy: number): Promise<AttemptResult> {
  const { status } = answer;
  if (status >= 400 || (isRedirect(status) && request.method !== "GET" && request.method !== "HEAD")) {
    const body = await readRejected(answer);
    if (request.clientSignal.aborted) return gone(answer);
    if (body === null) {
      answer.abort();
      return failed({ kind: "bad-content", reason: "malformed", status, headers: answer.headers, body: "" });
    }
    const said = { status, headers: answer.headers, body };
    const { proxy } = request.upstream;
    const page = proxy !== false && request.url.startsWith("http:") ? proxyPageOutcome(said, proxy) : null;
    if (page !== null) {
      answer.abort();
      return failed(page);
    }
    const reason = request.accept.readStatus(status);
    const outcome: AttemptOutcome =
      reason === null ? { kind: "status", ...said } : { kind: "bad-content", reason, ...said };
    return { kind: "failed", outcome, answer, held: NOTHING_HELD, told: readToldUsage(request.usage, body) };
  }
  if (request.api === null) {
    const isLookedAt = request.judged === "data" && request.method !== "HEAD";
    const bad = isLookedAt ? await judgeData(answer, request.upstream.timeouts.idleMs) : null;
    if (request.clientSignal.aborted) return gone(answer);
    if (bad === null) return { kind: "answer", answer, held: NOTHING_HELD };
    const told = readToldUsage(request.usage, bad.body);
    return { kind: "failed", outcome: bad, answer, held: NOTHING_HELD, told };
  }
  const gate = await holdAnswer({
    api: request.api,
    stream: request.stream,
    status,
    headers: answer.headers,
    body: answer.body,
    accept: request.accept,
    firstEventBy,
    idleMs: request.upstream.timeouts.idleMs,
    hold: request.hold,
  });
  const { document, held, responseId, shape } = gate;
  if (gate.kind === "commit" && !request.clientSignal.aborted)
    return { kind: "answer", answer: { ...answer, document, responseId, shape }, held };
  const reason = gate.kind === "bad" && gate.outcome.kind === "bad-content" ? gate.outcome.reason : null;
  const isBroken = gate.kind === "bad" && (reason === null || reason === "ended-early");
  // What cannot be decoded, or decodes to too much, is not decoded once more.
  const told = reason === "malformed" ? {} : await readHeldUsage(request.usage, { ...answer, isBroken });
  if (gate.kind === "commit" || request.clientSignal.aborted) {
    answer.abort();
    return { kind: "client-gone", held, told };
  }
  const { outcome } = gate;
  if (outcome.kind === "bad-content" && !PASSES_FOR_SUCCESS.has(outcome.reason))
    return { kind: "failed", outcome, answer: { ...answer, document, responseId, shape }, held, told };
  if (!answer.body.ended) answer.abort();
  return { kind: "failed", outcome, answer: null, held, told };
}

/**
 * The text of a rejected answer, as much of it as a verdict needs. What was read stays in the answer.
 * Null for one that decodes to more than is looked at: it is not shown.
 */
async function readRejected({ body }: Answer): Promise<string | null> {
  const decoder = new TextDecoder();
  const deadline = performance.now() + REJECTED_BODY_MS;
  let text = "";
  try {
    while (body.rawBytes < REJECTED_BODY_BYTES) {
      const next = await body.readAhead(deadline - performance.now());
      if (next.kind === "too-large") return null;
      if (next.kind !== "bytes") break;
      if (text.length < REJECTED_BODY_BYTES) text += decoder.decode(next.bytes, { stream: true });
      body.done(next.bytes);
    }
    return text.slice(0, REJECTED_BODY_BYTES);
  } finally {
    body.stopReadingAhead();
  }
}

function makeAnswer(response: Response, request: AttemptRequest, own: AbortController): Answer {
  const { headers, status } = response;
  const sent = headers.get("content-encoding");
  const codings = readCodings(sent);
  const applied = codings.join(", ");
  const isUndone = applied !== "" && canDecode(applied) && !acceptsCodings(request.acceptEncoding, codings);
  const encoding = applied === "" || isUndone ? null : applied;
  const sentBody = readAsSent(response, request.stream);
  const mayBeUndeclared = applied === "" && request.api !== null && response.body !== null;
  const undeclared = mayBeUndeclared ? new Undeclared(sentBody) : null;
  const source = undeclared ?? (isUndone ? readDecoded(sentBody, applied) : sentBody);
  const body = new AnswerBody(source, encoding, request.hold);
  return {
    status,
    headers,
    body,
    encoding,
    // Known once the body has begun, which is before it is shown.
    get decoded() {
      return (sent !== null && encoding === null) || undeclared?.isGzip === true;
    },
    shape: "unknown",
    document: null,
    responseId: null,
    abort() {
      own.abort();
      body.close();
    },
  };
}

/**
 * The timer of the response headers. Bun has no connect timeout, so near the connect budget a bare connect is tried
 * beside the waiting request: an address that accepts none ends the attempt long before the first-byte budget.
 */
class FirstByteWatch {
  /** Why the attempt was ended; null for what was not ended here. */
  outcome: AttemptOutcome | null = null;
  private isStopped = false;
  private timer: Timer;
  private readonly waitMs: number;
  private readonly checkMs: number;

  constructor(
    private readonly request: AttemptRequest,
    private readonly own: AbortController,
    private readonly sending: Sending,
  ) {
    const { proxy, timeouts } = request.upstream;
    const { connectMs } = timeouts;
    // A way through a proxy has more steps, each of which may take its time.
    this.checkMs = proxy === false ? Math.min(CONNECT_CHECK_MS, connectMs) : connectMs / 2;
    this.waitMs = Math.min(request.firstByteMs, sending.staleAfterMs ?? Infinity);
    const checkAfterMs = Math.min(connectMs - this.checkMs, this.waitMs);
    this.timer = setTimeout(() => this.check(this.waitMs - checkAfterMs), checkAfterMs);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private check(restMs: number): void {
    if (restMs <= 0) return this.endWait();
    this.timer = setTimeout(() => this.endWait(), restMs);
    const { upstream, url } = this.request;
    const { proxy } = upstream;
    // On a kept connection through a proxy it was sent long ago.
    if (proxy !== false && !this.sending.isNew) return;
    void checkConnect(url, proxy, this.checkMs).then((connect) => {
      if (connect.kind === "timeout") this.end(connectOutcome(connect, proxy));
    });
  }

  private endWait(): void {
    const { request, sending, waitMs } = this;
    const endLate = (): void => this.end({ kind: "timeout", phase: "first-byte" });
    if (waitMs !== sending.staleAfterMs) return endLate();
    // Not asked before: it looks through the whole of a body.
    if (request.mayResend()) return this.end({ kind: "transport", code: STALE, sent: "maybe" });
    this.timer = setTimeout(endLate, request.firstByteMs - waitMs);
  }

  private end(as: AttemptOutcome): void {
    if (this.isStopped) return;
    this.outcome = as;
    this.own.abort();
  }
}

function connectOutcome(
  connect: Exclude<ConnectResult, { kind: "connected" }>,
  proxy: string | false,
): AttemptOutcome {
  const shortage = connect.kind === "refused" ? findShortage(connect.code) : null;
  if (proxy !== false && shortage === null) return proxyConnectOutcome(connect, proxy);
  if (connect.kind === "timeout") return { kind: "timeout", phase: "connect" };
  return { kind: "transport", code: shortage ?? connect.code, sent: "never" };
}

/** Failures that happen before a byte of the request can have left (seen on Bun 1.4.5). */
const NEVER_SENT =
  /^(?:ECONNREFUSED|ConnectionRefused|ENETUNREACH|EHOSTUNREACH|EAI_|ENOTFOUND|EPROTO|ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|HOSTNAME_MISMATCH|FailedToOpenSocket)/;

function transportOutcome(error: unknown, proxy: string | false): AttemptOutcome {
  const code = errorCode(error) ?? "EUNKNOWN";
  const shortage = findShortage(code);
  if (shortage !== null) return { kind: "transport", code: shortage, sent: "never" };
  const proxys = proxy === false ? null : proxyErrorOutcome(error, proxy);
  if (proxys !== null) return proxys;
  return { kind: "transport", code, sent: NEVER_SENT.test(code) ? "never" : "maybe" };
}

function failed(outcome: AttemptOutcome): AttemptResult {
  return { kind: "failed", outcome, answer: null, held: NOTHING_HELD };
}

function gone(answer: Answer): AttemptResult {
  answer.abort();
  return GONE;
}
