// Holds an upstream's answer back until it is clear that it is one: while only harmless prologue has arrived nothing is
// shown to the client, so that an error inside a 200 can still be given to the next upstream.
import { beginsJson, firstByteOf } from "../base/bytes.ts";
import { isRecord, type JsonRecord, parseJson } from "../base/json-value.ts";
import { createSseSplitter, type SseSplitter } from "../base/sse.ts";
import type { AttemptOutcome } from "../routing/types.ts";
import { type Api, type EventKind, kindOfEvent } from "../usage/stream-events.ts";
import type { JsonDocument } from "../usage/answer-reader.ts";
import type { AnswerBody } from "./answer-body.ts";

export interface GateInput {
  readonly api: Api;
  /** The client asked for a stream of events. */
  readonly stream: boolean;
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnswerBody;
  readonly accept: Acceptance;
}

/** What counts as an answer to a request, and how long one is held until it shows. */
export interface Acceptance {
  /** After so much or so long the answer is committed, whatever has come of it. */
  readonly holdBytes: number;
  readonly holdMs: number;
  /** What an event that is no error decides about the answer; null for nothing. */
  readonly judge: (kind: EventKind, data: string) => Judged;
  /** What an error status means instead of itself; null for nothing else. */
  readonly readStatus: (status: number) => BadContent["reason"] | null;
}

export type Judged = "commit" | { readonly reason: BadContent["reason"]; readonly data: string } | null;

/** Any output will do. */
export const ANY_OUTPUT: Acceptance = {
  holdBytes: 64 * 1024,
  holdMs: 10_000,
  judge(kind, data) {
    // The end right after the beginning: the client would show an empty turn as a success.
    if (kind === "completed") return { reason: "empty", data };
    return kind === "output" || kind === "incomplete" ? "commit" : null;
  },
  readStatus: () => null,
};

export type GateResult =
  /** `document`: the whole answer, where it is one JSON document that came while it was held. */
  | { readonly kind: "commit"; readonly document: JsonDocument | null }
  | { readonly kind: "bad"; readonly outcome: BadContent };

export type BadContent = Extract<AttemptOutcome, { kind: "bad-content" }>;

/** Of a bad answer that is no JSON, so much goes to the verdict. */
const SHOWN_BYTES = 4 * 1024;
const SLICE_BYTES = 256;
const LESS_THAN = 0x3c;
const COMMIT: GateResult = { kind: "commit", document: null };

type Shape = "unknown" | "events" | "json" | "html";
type BadReason = BadContent["reason"];

/** Reads ahead in `input.body` (which keeps what was read) until the answer may be shown or is known to be bad. */
export async function holdAnswer(input: GateInput): Promise<GateResult> {
  try {
    return await readAnswer(input);
  } finally {
    input.body.stopReadingAhead();
  }
}

async function readAnswer(input: GateInput): Promise<GateResult> {
  const { holdBytes, holdMs } = input.accept;
  const deadline = performance.now() + holdMs;
  let splitter: SseSplitter | null = null;
  let shape: Shape = "unknown";
  /** Of a stream its beginning, for a verdict; a document whole. */
  const shown: Uint8Array[] = [];
  let shownBytes = 0;
  const text = (): string => new TextDecoder().decode(shown.length === 1 ? shown[0] : Buffer.concat(shown));
  const bad = (reason: BadReason, body: string): GateResult => ({
    kind: "bad",
    outcome: { kind: "bad-content", reason, status: input.status, headers: input.headers, body },
  });
  // Where any output will do, it may be an answer all the same. Where one thing is waited for, it is not seen in time.
  const tooLarge = input.accept === ANY_OUTPUT ? COMMIT : bad("malformed", "");
  for (;;) {
    const next = await input.body.readAhead(deadline - performance.now());
    if (next.kind === "late" || next.kind === "unreadable") return COMMIT;
    if (next.kind === "too-large") return tooLarge;
    if (next.kind === "error") return bad("ended-early", text());
    if (next.kind === "end") {
      if (shape === "unknown") return bad("empty", "");
      if (shape === "json") {
        const whole = text();
        const value = parseJson(whole);
        const reason = judgeJson(value, input);
        return reason === null ? { kind: "commit", document: { text: whole, value } } : bad(reason, whole);
      }
      return bad(shape === "events" ? "ended-early" : "html", text());
    }
    if (shape === "unknown") shape = shapeOf(next.bytes, input.headers);
    if (shape !== "unknown" && !input.body.mayKeep(input.body.heldBytes)) return tooLarge;
    if (shape === "json" || shownBytes < SHOWN_BYTES) {
      shown.push(shape === "json" ? next.bytes : next.bytes.subarray(0, SHOWN_BYTES - shownBytes));
      shownBytes += next.bytes.length;
    }
    if (shape === "events") {
      splitter ??= createSseSplitter({ maxEventBytes: holdBytes });
      const judged = judgeEvents(input, splitter, next.bytes);
      if (judged === "commit") return COMMIT;
      if (judged !== null) return bad(judged.reason, judged.data);
    }
    if (input.body.heldBytes >= holdBytes) {
      if (shape === "html") return bad("html", text());
      return input.body.rawBytes >= holdBytes ? COMMIT : tooLarge;
    }
  }
}

/** Looks at a chunk's events one slice after the other, and at none after the first that decides. */
function judgeEvents(input: GateInput, splitter: SseSplitter, bytes: Uint8Array): Judged {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    for (const event of splitter.push(bytes.subarray(at, at + SLICE_BYTES))) {
      const kind = kindOfEvent(input.api, event);
      const { data } = event;
      if (kind === "error" || kind === "failed") return { reason: "error-event", data };
      const judged = input.accept.judge(kind, data);
      if (judged !== null) return judged;
    }
  }
  return null;
}

/** What the first bytes are. An event stream may be sent with any content type; a page never passes for an answer. */
function shapeOf(bytes: Uint8Array, headers: Headers): Shape {
  const first = firstByteOf(bytes);
  if (first === null) return "unknown";
  if (beginsJson(first)) return "json";
  const isPage = first === LESS_THAN || headers.get("content-type")?.startsWith("text/html") === true;
  return isPage ? "html" : "events";
}

/** Why a whole document is no answer; null for one. */
function judgeJson(value: unknown, { api, stream }: GateInput): BadReason | null {
  if (value === undefined) return "malformed";
  if (!isRecord(value) || isError(value) || !isAnswer(api, value)) return "json-error";
  // A whole JSON answer to a client that waits for events is no answer: it would ask again.
  return stream && api !== "messages" ? "malformed" : null;
}

/** Marked as one, in one of the ways that relays have. */
export function isError(value: JsonRecord): boolean {
  const error = value["error"];
  if (error !== null && error !== undefined && error !== "" && error !== false) return true;
  return value["type"] === "error" || value["success"] === false || value["status"] === "failed";
}

/** Relays answer with errors of their own making too: what has nothing of an answer is none. */
function isAnswer(api: GateInput["api"], value: JsonRecord): boolean {
  switch (api) {
    case "responses":
      return value["object"] === "response" || Array.isArray(value["output"]);
    case "messages":
      return value["type"] === "message" || Array.isArray(value["content"]);
    case "chat":
      return Array.isArray(value["choices"]);
  }
}
