// Holds an upstream's answer back until the client would show or act on something of it: until then an error inside a 200, an
// empty answer, a wrong form or silence is a failed attempt, and the next upstream can still be asked.
import { type Shape, shapeOf } from "../base/bytes.ts";
import { isRecord, type JsonRecord, parseJson, stringOr } from "../base/json-value.ts";
import { createSseSplitter, type SseEvent, type SseSplitter } from "../base/sse.ts";
import type { AttemptOutcome } from "../routing/types.ts";
import type { JsonDocument } from "../usage/answer-reader.ts";
import { createHeldAnswer, type HeldAnswer, type HeldState } from "../usage/held-answer.ts";
import { hasError } from "../usage/output.ts";
import { type Api, readAnswerDocument } from "../usage/stream-events.ts";
import type { AnswerBody, ReadAhead } from "./answer-body.ts";

export interface GateInput {
  readonly api: Api;
  /** The client asked for a stream of events. */
  readonly stream: boolean;
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnswerBody;
  readonly accept: Acceptance;
  /** When the wait for the first event is over; performance.now(). */
  readonly firstEventBy: number;
  /** Longest wait for the next new event from then on. */
  readonly idleMs: number;
  /** Counts what is kept beside the body; negative for what is let go. */
  readonly hold: (bytes: number) => void;
}

/** What counts as an answer to a request, and how much of one is held until it shows. */
export interface Acceptance {
  /** Beyond so much, decoded, the answer is committed, whatever has come of it. */
  readonly holdBytes: number;
  /** What an event that is no error decides about the answer; null for nothing. */
  readonly judge: (state: HeldState, event: SseEvent) => Judged;
  /** What an error status means instead of itself; null for nothing else. */
  readonly readStatus: (status: number) => BadReason | null;
}

export type Judged = "commit" | BadReason | null;

/** The opening events echo instructions and tools, each of them: tens of kilobytes are usual. */
export const HOLD_BYTES = 2 ** 20;

/** Any output will do. */
export const ANY_OUTPUT: Acceptance = {
  holdBytes: HOLD_BYTES,
  judge: (state) => (state === "output" ? "commit" : state === "empty" ? "empty" : null),
  readStatus: () => null,
};

/** What was held of an answer until it was committed or given up. */
export interface Held {
  readonly events: number;
  /** As they came, or decoded, whichever are more. */
  readonly bytes: number;
}

interface Seen {
  /** What the answer is by its first bytes. */
  readonly shape: Shape;
  /** The whole answer, where it is one JSON document that came while it was held. */
  readonly document: JsonDocument | null;
  /** Under which an upstream of the Responses API may have kept the answer; null for none. */
  readonly responseId: string | null;
}

type Decided = Seen &
  (
    | { readonly kind: "commit" }
    | {
        readonly kind: "bad";
        readonly outcome: BadContent | Extract<AttemptOutcome, { kind: "timeout" }>;
      }
  );
export type GateResult = Decided & { readonly held: Held };

export type BadContent = Extract<AttemptOutcome, { kind: "bad-content" }>;
type BadReason = BadContent["reason"];

const UTF8 = new TextDecoder();
/** Of a bad answer that is no JSON, so much goes to the verdict. */
const SHOWN_BYTES = 4 * 1024;
const SLICE_BYTES = 256;
/** Within an event: opening ones are tens of kilobytes. */
const MOST_SLICE_BYTES = 4 * 1024;
/** The first event begins with the response and its id. */
const OPENING_BYTES = 512;

/** Reads ahead in `input.body` (which keeps what was read) until the answer may be shown or is known to be bad. */
export async function holdAnswer(input: GateInput): Promise<GateResult> {
  const { body } = input;
  const holding = new Holding(input);
  try {
    for (;;) {
      const leftMs = holding.deadline - performance.now();
      const decided = leftMs <= 0 ? holding.late() : holding.take(await body.readAhead(leftMs));
      if (decided !== null) return { ...decided, held: { events: holding.events, bytes: body.heldBytes } };
    }
  } finally {
    holding.letGo();
    body.stopReadingAhead();
  }
}

/** What has come of one answer. A class, because each attempt has one: as many closures would cost more than what they do. */
class Holding {
  /** When the wait for what comes next is over; performance.now(). */
  deadline: number;
  copiedBytes = 0;
  private shape: Shape = "unknown";
  private isBegun = false;
  /** Null until the body turns out to be events. */
  private answer: HeldAnswer | null = null;
  private splitter: SseSplitter | null = null;
  /** Of a stream its beginning, for a verdict; a document whole. */
  private readonly shown: Uint8Array[] = [];
  private shownBytes = 0;

  constructor(private readonly input: GateInput) {
    this.deadline = input.firstEventBy;
  }

  get events(): number {
    return this.answer?.events ?? 0;
  }

  /** Nothing came in time. */
  late(): Decided {
    if (this.answer?.isFinished === true) return this.bad("empty", this.text());
    const outcome = { kind: "timeout", phase: this.isBegun ? "idle" : "first-byte" } as const;
    return { kind: "bad", outcome, shape: this.shape, document: null, responseId: null };
  }

  /** What the next piece decides; null for nothing. */
  take(next: ReadAhead): Decided | null {
    switch (next.kind) {
      case "bytes":
        return this.takeBytes(next.bytes);
      case "end":
        return this.end();
      case "late":
        return this.late();
      case "error":
        return this.bad("ended-early", this.text());
      // What cannot be looked into says nothing, to the client neither.
      case "unreadable":
        return this.bad("malformed", "");
      case "too-large":
        return this.tooLarge();
    }
  }

  private takeBytes(bytes: Uint8Array): Decided | null {
    const { body } = this.input;
    if (this.shape === "unknown") this.shape = shapeOf(bytes);
    const { shape } = this;
    if (shape !== "unknown" && !body.mayKeep(body.heldBytes)) return this.tooLarge();
    if (shape === "json" || this.shownBytes < SHOWN_BYTES) this.keepShown(bytes);
    if (shape === "events") {
      const decided = this.takeEvents(bytes);
      if (decided !== null) return decided;
    } else if (shape !== "unknown") {
      this.isBegun = true;
      this.deadline = performance.now() + this.input.idleMs;
    }
    if (shape !== "json") body.done(bytes);
    return body.heldBytes >= this.input.accept.holdBytes ? this.tooLarge() : null;
  }

  private keepShown(bytes: Uint8Array): void {
    const isDocument = this.shape === "json";
    // A copy, which the slice of a Buffer is not: what it was cut from is freed.
    const piece = isDocument ? bytes : Uint8Array.from(bytes.subarray(0, SHOWN_BYTES - this.shownBytes));
    this.shown.push(piece);
    this.shownBytes += piece.length;
    if (!isDocument) return;
    this.copiedBytes += piece.length;
    this.input.hold(piece.length);
  }

  /** It is decided: what a document was read out of is needed no more. */
  letGo(): void {
    const { body, hold } = this.input;
    hold(-this.copiedBytes);
    if (this.shape === "json") for (const piece of this.shown) body.done(piece);
  }

  private takeEvents(bytes: Uint8Array): Decided | null {
    const { accept, api, idleMs, stream } = this.input;
    this.splitter ??= createSseSplitter({ maxEventBytes: accept.holdBytes });
    this.answer ??= createHeldAnswer(api);
    const { isNew, judged, said } = judgeEvents(accept, this.answer, this.splitter, bytes);
    this.isBegun ||= this.answer.events > 0;
    if (isNew) this.deadline = performance.now() + idleMs;
    if (judged === null) return null;
    if (judged !== "commit") return this.bad(judged, said);
    return stream || accept !== ANY_OUTPUT ? this.commit() : this.bad("wrong-form", "");
  }

  private end(): Decided {
    if (this.shape === "unknown") return this.bad("nothing", "");
    if (this.shape === "json") return this.judgeDocument();
    if (this.shape === "page") return this.bad("html", this.text());
    return this.bad(this.answer?.isFinished === true ? "empty" : "ended-early", this.text());
  }

  private judgeDocument(): Decided {
    const { api, stream } = this.input;
    const text = this.text();
    const value = parseJson(text);
    if (value === undefined) return this.bad("malformed", text);
    const document = { text, value };
    const read = isRecord(value) && !isError(value) ? readAnswerDocument(api, value) : null;
    if (read === null) return this.bad("json-error", text);
    if (!read.hasOutput && !read.isPending) return this.bad("empty", text, document);
    return stream ? this.bad("wrong-form", "", document) : this.commit(document);
  }

  // Where any output will do, it may be an answer all the same. Where one thing is waited for, it is not seen in time.
  private tooLarge(): Decided {
    if (this.shape === "page") return this.bad("html", this.text());
    if (this.shape === "json" && this.input.stream) return this.bad("wrong-form", "");
    return this.input.accept === ANY_OUTPUT ? this.commit() : this.bad("malformed", "");
  }

  private text(): string {
    const { shown } = this;
    return UTF8.decode(shown.length === 1 ? shown[0] : Buffer.concat(shown));
  }

  private commit(document: JsonDocument | null = null): Decided {
    return { kind: "commit", shape: this.shape, document, responseId: this.responseId(document) };
  }

  private bad(reason: BadReason, said: string, document: JsonDocument | null = null): Decided {
    const { headers, status } = this.input;
    const outcome = { kind: "bad-content", reason, status, headers, body: said } as const;
    return { kind: "bad", outcome, shape: this.shape, document, responseId: this.responseId(document) };
  }

  private responseId(document: JsonDocument | null): string | null {
    if (this.input.api !== "responses") return null;
    if (isRecord(document?.value)) return stringOr(document.value["id"], null);
    const [opening] = this.shown;
    // The pieces of a document may be freed by now.
    if (this.shape !== "events" || opening === undefined) return null;
    const text = Buffer.from(opening.buffer, opening.byteOffset, Math.min(opening.length, OPENING_BYTES));
    return /"id"\s*:\s*"([^"\\]{1,256})"/.exec(text.toString("latin1"))?.[1] ?? null;
  }
}

/** Looks at a chunk's events one slice after the other, and at none after the first that decides. */
function judgeEvents(
  accept: Acceptance,
  answer: HeldAnswer,
  splitter: SseSplitter,
  bytes: Uint8Array,
): { judged: Judged; said: string; isNew: boolean } {
  let isNew = false;
  let size = SLICE_BYTES;
  for (let at = 0; at < bytes.length;) {
    const events = splitter.push(bytes.subarray(at, at + size));
    at += size;
    size = events.length === 0 ? Math.min(2 * size, MOST_SLICE_BYTES) : SLICE_BYTES;
    for (const event of events) {
      const read = answer.read(event);
      isNew ||= read.isNew;
      if (read.state === "error") return { judged: "error-event", said: event.data, isNew };
      const judged = accept.judge(read.state, event);
      if (judged !== null) return { judged, said: judged === "no-compaction" ? "" : event.data, isNew };
    }
  }
  return { judged: null, said: "", isNew };
}

/** Marked as one, in one of the ways that relays have. */
export function isError(value: JsonRecord): boolean {
  return (
    hasError(value) || value["type"] === "error" || value["success"] === false || value["status"] === "failed"
  );
}
