// Holds an upstream's answer back until it is clear that it is one: while only harmless prologue has arrived nothing is
// shown to the client, so that an error inside a 200 can still be given to the next upstream.
import { beginsJson, firstByteOf } from "../base/bytes.ts";
import { type JsonRecord, isRecord } from "../base/json-value.ts";
import { createSseSplitter, type SseSplitter } from "../base/sse.ts";
import type { AttemptOutcome } from "../routing/types.ts";
import { kindOfEvent } from "../usage/stream-events.ts";
import type { JsonDocument } from "../usage/whole-answer.ts";
import type { AnswerBody } from "./answer-body.ts";
import type { Api } from "./request-facts.ts";

export interface GateInput {
  readonly api: Exclude<Api, "other">;
  /** The client asked for a stream of events. */
  readonly stream: boolean;
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnswerBody;
  /** Only an answer with a compaction item will do, however long it takes to come. */
  readonly needsCompaction: boolean;
}

export type GateResult =
  /** `document`: the whole answer, where it is one JSON document that came while it was held. */
  | { readonly kind: "open"; readonly document: JsonDocument | null }
  | { readonly kind: "bad"; readonly outcome: BadContent };

export type BadContent = Extract<AttemptOutcome, { kind: "bad-content" }>;

/** After so much or so long the answer is let go, whatever has come of it. */
const HOLD_BYTES = 64 * 1024;
const HOLD_MS = 10_000;
/** A compaction item holds a whole conversation, and the model writes it in one go. */
const COMPACTION_HOLD_BYTES = 16 * 2 ** 20;
const COMPACTION_HOLD_MS = 300_000;
/** Of an answer that turns out bad so much is kept for a verdict. */
const KEPT_BYTES = 4 * 1024;
const SLICE_BYTES = 256;
const LESS_THAN = 0x3c;
const OPEN: GateResult = { kind: "open", document: null };

type Shape = "unknown" | "events" | "json" | "html";
type BadReason = BadContent["reason"];

/** Reads ahead in `input.body` (which keeps what was read) until the answer may be shown or is known to be bad. */
export async function holdAnswer(input: GateInput): Promise<GateResult> {
  const holdBytes = input.needsCompaction ? COMPACTION_HOLD_BYTES : HOLD_BYTES;
  const deadline = performance.now() + (input.needsCompaction ? COMPACTION_HOLD_MS : HOLD_MS);
  let splitter: SseSplitter | null = null;
  let shape: Shape = "unknown";
  /** Of a stream its beginning, for a verdict; a document whole. */
  const kept: Uint8Array[] = [];
  let keptBytes = 0;
  const text = (): string => new TextDecoder().decode(kept.length === 1 ? kept[0] : Buffer.concat(kept));
  const bad = (reason: BadReason, body: string): GateResult => ({
    kind: "bad",
    outcome: { kind: "bad-content", reason, status: input.status, headers: input.headers, body },
  });
  for (;;) {
    const next = await input.body.readAhead(deadline - performance.now());
    if (next.kind === "late" || next.kind === "unreadable") return OPEN;
    if (next.kind === "error") return bad("ended-early", text());
    if (next.kind === "end") {
      if (shape === "unknown") return bad("empty", "");
      if (shape === "json") return judgeJson(text(), input, bad);
      return bad(shape === "events" ? "ended-early" : "html", text());
    }
    if (shape === "unknown") shape = shapeOf(next.bytes, input.headers);
    if (shape === "json" || keptBytes < KEPT_BYTES) {
      kept.push(shape === "json" ? next.bytes : next.bytes.subarray(0, KEPT_BYTES - keptBytes));
      keptBytes += next.bytes.length;
    }
    if (shape === "events") {
      splitter ??= createSseSplitter({ maxEventBytes: holdBytes });
      const judged = judgeEvents(input, splitter, next.bytes);
      if (judged === "open") return OPEN;
      if (judged !== null) return bad(judged.reason, judged.data);
    }
    if (input.body.heldBytes >= holdBytes) return shape === "html" ? bad("html", text()) : OPEN;
  }
}

type Judged = "open" | { readonly reason: BadReason; readonly data: string } | null;

/** Looks at a chunk's events one slice after the other, and at none after the first that decides. */
function judgeEvents(input: GateInput, splitter: SseSplitter, bytes: Uint8Array): Judged {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    for (const event of splitter.push(bytes.subarray(at, at + SLICE_BYTES))) {
      const kind = kindOfEvent(input.api, event);
      const { data } = event;
      if (kind === "error" || kind === "failed") return { reason: "error-event", data };
      if (kind === "prologue" || kind === "other") continue;
      if (!input.needsCompaction) {
        // The end right after the beginning: the client would show an empty turn as a success.
        return kind === "completed" ? { reason: "empty", data } : "open";
      }
      if (isCompactionItem(data)) return "open";
      if (kind === "completed" || isOtherOutput(data)) return { reason: "no-compaction", data: "" };
    }
  }
  return null;
}

const isCompactionItem = (data: string): boolean => /"type"\s*:\s*"compaction"/.test(data);

/** Text or a tool call: an upstream that takes the trigger for an ordinary turn. */
const isOtherOutput = (data: string): boolean =>
  /"type"\s*:\s*"(?:response\.output_text\.|message"|function_call)/.test(data);

/** What the first bytes are. An event stream may be sent with any content type; a page never passes for an answer. */
function shapeOf(bytes: Uint8Array, headers: Headers): Shape {
  const first = firstByteOf(bytes);
  if (first === null) return "unknown";
  if (beginsJson(first)) return "json";
  const isPage = first === LESS_THAN || headers.get("content-type")?.startsWith("text/html") === true;
  return isPage ? "html" : "events";
}

function judgeJson(
  text: string,
  input: GateInput,
  bad: (reason: BadReason, body: string) => GateResult,
): GateResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad("malformed", text);
  }
  if (!isRecord(value) || isError(value) || !isAnswer(input.api, value)) return bad("json-error", text);
  // A whole JSON answer to a client that waits for events is no answer: it would ask again.
  if (input.stream && input.api !== "messages") return bad("malformed", text);
  return { kind: "open", document: { text, value } };
}

function isError(value: JsonRecord): boolean {
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
