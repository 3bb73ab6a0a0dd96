// Reads one decoded answer while it passes and tells what it amounts to: tokens, terminal event, error.
// Keeps its end (and the message_start of a Messages stream) and reads that once; never parses event by event.
// Pure.
import { type Shape, shapeOf } from "../base/bytes.ts";
import { isRecord, parseJson } from "../base/json-value.ts";
import { type SseEvent, createSseSplitter } from "../base/sse.ts";
import { readTailMember } from "../base/json-members.ts";
import { createStreamActivity } from "./stream-activity.ts";
import { hasError } from "./output.ts";
import { type Api, type EventReading, kindOfEvent, readEvent } from "./stream-events.ts";
import { type Usage, readUsage } from "./usage.ts";

export interface AnswerFacts {
  readonly usage: Usage | undefined;
  /** The end that the answer announced; null when there was none: it was cut, or is not over yet. */
  readonly terminal: "completed" | "failed" | "incomplete" | null;
  /** That was the end of the API itself, after which nothing comes, and not only the reason for it. */
  readonly isOver: boolean;
  /** The data of the error event or the JSON error, as sent. May hold anything: mask it before it is shown. */
  readonly error: string | undefined;
}

/** More than any terminal event but the largest; of those the end is enough. */
const EVENTS_TAIL_BYTES = 64 * 1024;
/** An answer in one JSON document is kept whole up to here; of a larger one the end is searched. */
const JSON_TAIL_BYTES = 1024 * 1024;
const OPENING_SLICE_BYTES = 4 * 1024;
/** What goes on for longer is kept, whatever it is. */
const LONGEST_PING_BYTES = 4 * 1024;

/**
 * Reads one decoded answer body: an event stream or one JSON document, told apart by the first character (an
 * event stream cannot begin with a brace, and content types lie). `onDrop` gets each chunk that is not kept any longer.
 */
export function createAnswerReader(api: Api, onDrop?: (chunk: Uint8Array) => void) {
  let tail = createByteTail(EVENTS_TAIL_BYTES, onDrop);
  let shape: Shape = "unknown";
  let facts: AnswerFacts | null = null;
  const opening = api === "messages" ? createOpening() : null;
  const activity = createStreamActivity();
  /** What was kept ends in a comment, or in what may be a ping. */
  let isDangling = false;
  /** Something of no meaning was left out since. */
  let hasGap = false;
  /** The beginning of what may be a ping. */
  let undecided: Uint8Array[] = [];
  let undecidedBytes = 0;
  const keep = (piece: Uint8Array): void => {
    tail.push(piece);
    if (shape === "events") opening?.feed(piece);
  };
  // Whatever keeps a line warm after the end must not push that end out of what is kept.
  const isLeftOut = (chunk: Uint8Array, before: typeof activity.position): boolean => {
    const seen = activity.feed(chunk);
    if (seen === "news" || before === "event" || shape !== "events") return false;
    const isMore = before === "undecided" && seen === "quiet";
    if (isMore && undecidedBytes + chunk.length > LONGEST_PING_BYTES) return false;
    hasGap ||= !isMore;
    undecidedBytes = isMore ? undecidedBytes + chunk.length : chunk.length;
    if (activity.position !== "undecided") {
      undecided = [];
      undecidedBytes = 0;
    } else if (isMore) undecided.push(chunk);
    else undecided = before === "comment" ? [COLON, chunk] : [chunk];
    return true;
  };
  /** As far as what follows cannot be read without it. */
  const keepWhatWasLeftOut = (before: typeof activity.position): void => {
    if (hasGap && isDangling) keep(BLANK_LF);
    if (hasGap && undecided.length === 0 && before === "comment") keep(COLON);
    for (const piece of undecided) keep(piece);
    undecided = [];
    undecidedBytes = 0;
    hasGap = false;
  };
  return {
    /** Sees the next chunk. Keeps a reference, so the chunk must not be changed afterwards. */
    feed(chunk: Uint8Array): void {
      if (shape === "unknown") {
        shape = shapeOf(chunk);
        if (shape === "json") tail = createByteTail(JSON_TAIL_BYTES, onDrop);
      }
      if (!hasGap && !isDangling && undecidedBytes === 0 && activity.isWholeNews(chunk)) {
        facts = null;
        tail.push(chunk);
        if (shape === "events") opening?.feed(chunk);
        return;
      }
      const before = activity.position;
      if (isLeftOut(chunk, before)) return;
      facts = null;
      if (hasGap || undecidedBytes > 0) keepWhatWasLeftOut(before);
      keep(chunk);
      isDangling = activity.position === "undecided" || activity.position === "comment";
    },
    /** How many chunks said anything so far, and how many pings there were. */
    get activity() {
      return activity.counted;
    },
    /** Bytes that are kept at this moment. */
    get heldBytes() {
      return tail.heldBytes + undecidedBytes;
    },
    /** What the bytes so far come to. Worked out once; cheap enough for once a request, not for once a chunk. */
    facts: (): AnswerFacts =>
      (facts ??=
        shape === "json"
          ? readWholeAnswer(api, new TextDecoder().decode(tail.bytes()), tail.isCut)
          : readTail(api, tail.bytes(), opening?.usage())),
  };
}

/** Reads the first events of a Messages stream until the usage of message_start is known. */
function createOpening() {
  const splitter = createSseSplitter({ maxEventBytes: EVENTS_TAIL_BYTES });
  let bytesLeft = EVENTS_TAIL_BYTES;
  let usage: unknown;
  return {
    feed(chunk: Uint8Array): void {
      for (let at = 0; at < chunk.length && bytesLeft > 0; at += OPENING_SLICE_BYTES) {
        const slice = chunk.subarray(at, at + OPENING_SLICE_BYTES);
        bytesLeft -= slice.length;
        for (const event of splitter.push(slice)) {
          usage ??= readTailMember(event.data, "usage", 2);
          if (usage !== undefined || kindOfEvent("messages", event) === "output") bytesLeft = 0;
        }
      }
    },
    usage: (): unknown => usage,
  };
}

/** Walks back from the end, event by event, until the terminal event and the last usage are found. */
function readTail(api: Api, bytes: Uint8Array, openingUsage: unknown): AnswerFacts {
  const snapshots: unknown[] = [];
  const begun = new Set<unknown>();
  const finished = new Set<unknown>();
  let usage = readUsage(api, [openingUsage]);
  let isCounted = false;
  let terminal: AnswerFacts["terminal"] = null;
  let isOver = false;
  let isSettled = false;
  let error: string | undefined;
  for (const { event, isDispatched } of eventsFromEnd(bytes, () =>
    isSettled ? USAGE_NEEDLE : terminal === null ? NEEDLES[api] : ANY_NEEDLE,
  )) {
    const snapshot = isCounted ? null : readTailMember(event.data, "usage", api === "responses" ? 2 : 1);
    if (typeof snapshot === "object" && snapshot !== null) {
      snapshots.unshift(snapshot);
      usage = readUsage(api, [openingUsage, ...snapshots]);
      // The output that message_start counts is a beginning: the whole of it comes at the end.
      const isWhole = readUsage(api, snapshots)?.output_tokens !== undefined;
      isCounted = usage?.input_tokens !== undefined && isWhole;
    }
    if (!isSettled && isDispatched) {
      const { choices, kind } = readLate(api, event);
      if (kind === "error" || kind === "failed") error ??= event.data;
      // Relays close an answer behind an error too: blocks, message_stop, [DONE].
      if (kind === "error" && terminal === "completed") terminal = "failed";
      if (kind === "failed" || kind === "completed" || kind === "incomplete") terminal ??= kind;
      isOver = terminal !== null;
      // Clients of these two APIs are content with the reason for the end, without the event after it.
      if (kind === "finish" && api === "messages") terminal = "completed";
      for (const choice of choices) begun.add(choice.index);
      for (const choice of choices) if (choice.isFinished) finished.add(choice.index);
      isSettled = terminal !== null && (api === "responses" || kind === "output" || terminal === "failed");
    }
    if (isSettled && isCounted) break;
  }
  if (begun.size > 0 && begun.size === finished.size) terminal ??= "completed";
  if (terminal !== null || error === undefined) return { usage, terminal, isOver, error };
  return { usage, terminal: "failed", isOver: true, error };
}

const COLON = Buffer.from(":");
/** An event that matters holds one of these: all others are passed over unread. */
const USAGE_NEEDLE = [Buffer.from('"usage"')];
/** What precedes the end tells whether that was one: of this little is read until there is output. */
const ANY_NEEDLE = [COLON];
const NEEDLES: Readonly<Record<Api, readonly Buffer[]>> = {
  responses: needles("response.completed", "response.failed", "response.incomplete", "error"),
  messages: needles("message_stop", "message_delta", "error"),
  chat: needles("[DONE]", '"choices"', "error"),
};

function needles(...texts: readonly string[]): readonly Buffer[] {
  return [...USAGE_NEEDLE, ...texts.map((text) => Buffer.from(text))];
}

/** An event whose beginning is lost may still name its type at its end. */
function readLate(api: Api, event: SseEvent): Pick<EventReading, "choices" | "kind"> {
  const reading = readEvent(api, event);
  const type = api === "responses" && reading.kind === "held" ? readTailMember(event.data, "type", 1) : null;
  if (typeof type !== "string") return reading;
  const kind = kindOfEvent("responses", { event: null, data: JSON.stringify({ type }) });
  return kind === "completed" || kind === "failed" || kind === "incomplete" ? { ...reading, kind } : reading;
}

/**
 * The events of an event stream's end, last first, that hold one of the needles. The very last one may lack its blank
 * line: clients do not see it then (`isDispatched` false), but the upstream has counted it.
 */
function* eventsFromEnd(
  bytes: Uint8Array,
  needles: () => readonly Buffer[],
): Generator<{ event: SseEvent; isDispatched: boolean }> {
  let isLast = true;
  for (const block of blocksFromEnd(bytes)) {
    if (needles().some((needle) => block.includes(needle))) {
      const splitter = createSseSplitter({ maxEventBytes: Number.POSITIVE_INFINITY });
      const dispatched = splitter.push(block);
      const unfinished = splitter.push(BLANK_LF);
      for (const event of unfinished) yield { event, isDispatched: !isLast };
      for (const event of dispatched.toReversed()) yield { event, isDispatched: true };
    }
    isLast = false;
  }
}

/**
 * Stretches that end behind the first half of a blank line, last first. Each holds whole events: one, or several where
 * lines end in bare CRs, which no known upstream sends. The last holds what follows the last blank line.
 */
function* blocksFromEnd(bytes: Uint8Array): Generator<Buffer> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blanks = text.includes(CR) ? [BLANK_LF, BLANK_CRLF] : [BLANK_LF];
  for (let end = text.length; end > 0;) {
    const blank = end < 2 ? -1 : Math.max(...blanks.map((line) => text.lastIndexOf(line, end - 2)));
    yield text.subarray(blank + 1, end);
    end = blank + 1;
  }
}

const BLANK_LF = Buffer.from("\n\n");
const BLANK_CRLF = Buffer.from("\n\r\n");
const LF = 0x0a;
const CR = 0x0d;

/** An answer, and its text as it was sent. */
export interface JsonDocument {
  readonly text: string;
  readonly value: unknown;
}

/** What a document of which `text` is all, or only the end, comes to. From an end only usage is known. */
function readWholeAnswer(api: Api, text: string, isCut: boolean): AnswerFacts {
  if (isCut) {
    return {
      usage: readUsage(api, [readTailMember(text, "usage", 1)]),
      terminal: text.trimEnd().endsWith("}") ? "completed" : null,
      isOver: false,
      error: undefined,
    };
  }
  return readDocument(api, { text, value: parseJson(text) });
}

export function readDocument(api: Api, { text, value }: JsonDocument): AnswerFacts {
  if (!isRecord(value)) return { usage: undefined, terminal: null, isOver: false, error: undefined };
  const hasFailed = hasError(value) || value["type"] === "error" || value["status"] === "failed";
  return {
    usage: readUsage(api, [value["usage"]]),
    terminal: hasFailed ? "failed" : value["status"] === "incomplete" ? "incomplete" : "completed",
    isOver: true,
    error: hasFailed ? text : undefined,
  };
}

const NOTHING = new Uint8Array();
const EVENT_START_BYTES = 256;
/** So many small chunks are joined into larger pieces: their objects would outweigh their bytes. */
const MAX_CHUNKS = 1024;
const PIECE_BYTES = 8 * 1024;

/**
 * The end of an event stream's bytes: references to the last chunks, and the beginning of the event that runs into them.
 * Looks at a chunk only when it drops it.
 */
export function createByteTail(minBytes: number, onDrop?: (chunk: Uint8Array) => void) {
  let chunks: Uint8Array[] = [];
  let first = 0;
  let size = 0;
  let eventStart: Uint8Array = NOTHING;
  let hasGap = false;
  /** The bytes before the chunk that is dropped, as many as a blank line may be cut through. */
  let before: Uint8Array = NOTHING;
  let isCut = false;

  function drop(chunk: Uint8Array): void {
    const end = endOfLastBlankLine(before, chunk);
    if (end >= 0) eventStart = NOTHING;
    if (end < chunk.length) {
      const rest = chunk.subarray(Math.max(end, 0));
      const room = EVENT_START_BYTES - eventStart.length;
      hasGap = rest.length > room;
      if (room > 0) eventStart = Buffer.concat([eventStart, rest.subarray(0, room)]);
    }
    before =
      chunk.length >= 2 && onDrop === undefined
        ? chunk
        : Buffer.concat([before.subarray(-2), chunk.subarray(-2)]);
    isCut = true;
    size -= chunk.length;
    chunks[first] = NOTHING;
    first += 1;
    onDrop?.(chunk);
  }

  return {
    push(chunk: Uint8Array): void {
      if (chunk.length === 0) return;
      chunks.push(chunk);
      size += chunk.length;
      let oldest = chunks[first];
      while (oldest !== undefined && size - oldest.length >= minBytes) {
        drop(oldest);
        oldest = chunks[first];
      }
      if (chunks.length < MAX_CHUNKS) return;
      chunks = split(Buffer.concat(chunks.slice(first)), Math.max(PIECE_BYTES, (2 * size) / MAX_CHUNKS));
      first = 0;
    },
    /**
     * The kept end, at least `minBytes` of it (all, if the stream is shorter). Where something was dropped it begins
     * with up to 256 bytes of the event that was cut through, so that one can tell what the event was.
     */
    bytes: (): Uint8Array =>
      Buffer.concat([hasGap ? trimLineEnd(eventStart) : eventStart, ...chunks.slice(first)]),
    get heldBytes() {
      return size;
    },
    /** True once anything was dropped. */
    get isCut() {
      return isCut;
    },
  };
}

const BLANK_LINES = ["\n\n", "\n\r\n", "\r\r"].map((text) => Buffer.from(text));

/** Where the last blank line that ends in `chunk` ends; it may begin in `before`. -1 when there is none. */
function endOfLastBlankLine(before: Uint8Array, chunk: Uint8Array): number {
  const length = chunk.length;
  if (chunk[length - 1] === LF && chunk[length - 2] === LF) return length;
  const within = lastBlankLine(chunk);
  if (within >= 0) return within;
  const seam = Buffer.concat([before.subarray(-2), chunk.subarray(0, 2)]);
  return lastBlankLine(seam) - Math.min(before.length, 2);
}

function lastBlankLine(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Math.max(
    ...BLANK_LINES.map((blank) => {
      const at = buffer.lastIndexOf(blank);
      return at < 0 ? -1 : at + blank.length;
    }),
  );
}

/** The gap behind the beginning must not look like a blank line. */
function trimLineEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (bytes[end - 1] === LF || bytes[end - 1] === CR) end -= 1;
  return bytes.subarray(0, end);
}

function split(bytes: Uint8Array, pieceBytes: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / pieceBytes);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
}
