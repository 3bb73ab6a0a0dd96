// Holds an upstream's answer back until the client would show or act on something of it: until then an error inside a 200, an
// empty answer, a wrong form or silence is a failed attempt, and the next upstream can still be asked.
import { type Shape, shapeOf } from "../base/bytes.ts";
import { isRecord, type JsonRecord, parseJson } from "../base/json-value.ts";
import { createSseSplitter, type SseEvent, type SseSplitter } from "../base/sse.ts";
import type { AttemptOutcome } from "../routing/types.ts";
import type { JsonDocument } from "../usage/answer-reader.ts";
import { createHeldAnswer, type HeldAnswer, type HeldState } from "../usage/held-answer.ts";
import { hasError } from "../usage/output.ts";
import { type Api, readAnswerDocument } from "../usage/stream-events.ts";
import type { AnswerBody } from "./answer-body.ts";

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

/** Of a bad answer that is no JSON, so much goes to the verdict. */
const SHOWN_BYTES = 4 * 1024;
const SLICE_BYTES = 256;

/** Reads ahead in `input.body` (which keeps what was read) until the answer may be shown or is known to be bad. */
export async function holdAnswer(input: GateInput): Promise<GateResult> {
  const held: Holding = { answer: null };
  let copied = 0;
  const countCopy = (bytes: number): void => {
    copied += bytes;
    input.hold(bytes);
  };
  try {
    const decided = await readAnswer(input, held, countCopy);
    return { ...decided, held: { events: held.answer?.events ?? 0, bytes: input.body.heldBytes } };
  } finally {
    input.hold(-copied);
    input.body.stopReadingAhead();
  }
}

interface Holding {
  /** Null until the body turns out to be events. */
  answer: HeldAnswer | null;
}

async function readAnswer(
  input: GateInput,
  holding: Holding,
  countCopy: (bytes: number) => void,
): Promise<Decided> {
  const { accept, body, idleMs } = input;
  const { holdBytes } = accept;
  let shape: Shape = "unknown";
  let splitter: SseSplitter | null = null;
  let isBegun = false;
  let deadline = input.firstEventBy;
  /** Of a stream its beginning, for a verdict; a document whole. */
  const shown: Uint8Array[] = [];
  let shownBytes = 0;
  const text = (): string => new TextDecoder().decode(shown.length === 1 ? shown[0] : Buffer.concat(shown));
  const commit = (document: JsonDocument | null = null): Decided => ({ kind: "commit", shape, document });
  const bad = (reason: BadReason, said: string, document: JsonDocument | null = null): Decided => ({
    kind: "bad",
    outcome: { kind: "bad-content", reason, status: input.status, headers: input.headers, body: said },
    shape,
    document,
  });
  const late = (): Decided =>
    holding.answer?.isFinished === true
      ? bad("empty", text())
      : {
          kind: "bad",
          outcome: { kind: "timeout", phase: isBegun ? "idle" : "first-byte" },
          shape,
          document: null,
        };
  // Where any output will do, it may be an answer all the same. Where one thing is waited for, it is not seen in time.
  const tooLarge = (): Decided => {
    if (shape === "page") return bad("html", text());
    if (shape === "json" && input.stream) return bad("wrong-form", "");
    return accept === ANY_OUTPUT ? commit() : bad("malformed", "");
  };
  for (;;) {
    const now = performance.now();
    if (now >= deadline) return late();
    const next = await body.readAhead(deadline - now);
    if (next.kind === "late") return late();
    // What cannot be looked into says nothing, to the client neither.
    if (next.kind === "unreadable") return bad("malformed", "");
    if (next.kind === "too-large") return tooLarge();
    if (next.kind === "error") return bad("ended-early", text());
    if (next.kind === "end") {
      if (shape === "unknown") return bad("nothing", "");
      if (shape === "json") return judgeDocument(text(), input, { bad, commit });
      if (shape === "page") return bad("html", text());
      return bad(holding.answer?.isFinished === true ? "empty" : "ended-early", text());
    }
    if (shape === "unknown") shape = shapeOf(next.bytes);
    if (shape !== "unknown" && !body.mayKeep(body.heldBytes)) return tooLarge();
    if (shape === "json" || shownBytes < SHOWN_BYTES) {
      const piece = shape === "json" ? next.bytes : next.bytes.slice(0, SHOWN_BYTES - shownBytes);
      shown.push(piece);
      shownBytes += piece.length;
      if (shape === "json") countCopy(piece.length);
    }
    if (shape === "events") {
      splitter ??= createSseSplitter({ maxEventBytes: holdBytes });
      const answer = (holding.answer ??= createHeldAnswer(input.api));
      const { isNew, judged, said } = judgeEvents(input, answer, splitter, next.bytes);
      isBegun ||= answer.events > 0;
      if (isNew) deadline = performance.now() + idleMs;
      if (judged === "commit")
        return input.stream || accept !== ANY_OUTPUT ? commit() : bad("wrong-form", "");
      if (judged !== null) return bad(judged, said);
    } else if (shape !== "unknown") {
      isBegun = true;
      deadline = performance.now() + idleMs;
    }
    if (shape !== "json") body.done(next.bytes);
    if (body.heldBytes >= holdBytes) return tooLarge();
  }
}

/** Looks at a chunk's events one slice after the other, and at none after the first that decides. */
function judgeEvents(
  { accept }: GateInput,
  answer: HeldAnswer,
  splitter: SseSplitter,
  bytes: Uint8Array,
): { judged: Judged; said: string; isNew: boolean } {
  let isNew = false;
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    for (const event of splitter.push(bytes.subarray(at, at + SLICE_BYTES))) {
      const read = answer.read(event);
      isNew ||= read.isNew;
      if (read.state === "error") return { judged: "error-event", said: event.data, isNew };
      const judged = accept.judge(read.state, event);
      if (judged !== null) return { judged, said: judged === "no-compaction" ? "" : event.data, isNew };
    }
  }
  return { judged: null, said: "", isNew };
}

interface Deciding {
  readonly bad: (reason: BadReason, said: string, document?: JsonDocument) => Decided;
  readonly commit: (document: JsonDocument) => Decided;
}

function judgeDocument(text: string, { api, stream }: GateInput, { bad, commit }: Deciding): Decided {
  const value = parseJson(text);
  if (value === undefined) return bad("malformed", text);
  const document = { text, value };
  const read = isRecord(value) && !isError(value) ? readAnswerDocument(api, value) : null;
  if (read === null) return bad("json-error", text);
  if (!read.hasOutput && !read.isPending) return bad("empty", text, document);
  return stream ? bad("wrong-form", "", document) : commit(document);
}

/** Marked as one, in one of the ways that relays have. */
export function isError(value: JsonRecord): boolean {
  return (
    hasError(value) || value["type"] === "error" || value["success"] === false || value["status"] === "failed"
  );
}
