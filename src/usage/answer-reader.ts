// Reads one decoded answer while it passes and tells what it amounts to: tokens, terminal event, error.
// Keeps its end and reads that once; of what is dropped before it looks only at what tells tokens.
// Pure.
import { type Shape, shapeOf } from "../base/bytes.ts";
import { isRecord, type JsonRecord, parseJson, stringOr } from "../base/json-value.ts";
import { type SseEvent, createSseSplitter } from "../base/sse.ts";
import { readTailMember } from "../base/json-members.ts";
import { createByteTail } from "./byte-tail.ts";
import { BLANK_LF, eventsFromEnd, type LateBytes, TailBytes } from "./late-events.ts";
import { createStreamActivity } from "./stream-activity.ts";
import { findInPart, findInText, findUsage, mayTellUsage, type UsageFound } from "./find-usage.ts";
import { hasError } from "./output.ts";
import { createOpening, modelInEvents, modelInText, modelOf } from "./served-model.ts";
import {
  type Api,
  type EventReading,
  countShown,
  meanWritten,
  kindOfEvent,
  readAnswerDocument,
  readEvent,
} from "./stream-events.ts";
import { type Usage, readUsage, tierOf, withoutZeroOutput } from "./usage.ts";

export interface AnswerFacts {
  readonly usage: Usage | undefined;
  /** The model that it names. */
  readonly servedModel?: string | undefined;
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
/** What a stream begins with, until the usage of its first event is known. */
const OPENING_BYTES = 16 * 1024;
/** Of the beginning: most openings are a few of these, and the event behind them is not read. */
const SLICE_BYTES = 256;
const MOST_LOST = 8;
/** What goes on for longer is kept, whatever it is. */
const LONGEST_PING_BYTES = 4 * 1024;

/**
 * Reads one decoded answer body: an event stream or one JSON document, told apart by the first character (an
 * event stream cannot begin with a brace, and content types lie). `onDrop` gets each chunk that is not kept any longer.
 */
export function createAnswerReader(api: Api, onDrop?: (chunk: Uint8Array) => void) {
  /** Usage that events had which are kept no longer, oldest first. */
  const lost: UsageFound[] = [];
  const onLost = (events: Buffer): void => {
    if (!mayTellUsage(events)) return;
    lost.push(...findInEvents(api, events));
    // The first one is that of the beginning.
    while (lost.length > MOST_LOST) lost.splice(1, 1);
  };
  let shape: Shape = "unknown";
  const opening = createOpening(() => shape, onDrop);
  let tail = createByteTail({ minBytes: EVENTS_TAIL_BYTES, onDrop: opening.drop, onLost });
  let facts: AnswerFacts | null = null;
  const written = { chunks: 0, bytes: 0 };
  const activity = createStreamActivity();
  /** What was kept ends in a comment, or in what may be a ping. */
  let isDangling = false;
  /** Something of no meaning was left out since. */
  let hasGap = false;
  /** The beginning of what may be a ping. */
  let undecided: Uint8Array[] = [];
  let undecidedBytes = 0;
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
    if (hasGap && isDangling) tail.push(BLANK_LF);
    if (hasGap && undecided.length === 0 && before === "comment") tail.push(COLON);
    for (const piece of undecided) tail.push(piece);
    undecided = [];
    undecidedBytes = 0;
    hasGap = false;
  };
  return {
    /** Sees the next chunk. Keeps a reference, so the chunk must not be changed afterwards. */
    feed(chunk: Uint8Array): void {
      if (shape === "unknown") {
        shape = shapeOf(chunk);
        if (shape === "json")
          tail = createByteTail({ minBytes: JSON_TAIL_BYTES, isDocument: true, onDrop: opening.drop });
      }
      if (!hasGap && !isDangling && undecidedBytes === 0 && activity.isWholeNews(chunk)) {
        facts = null;
        tail.push(chunk);
        return;
      }
      const before = activity.position;
      if (isLeftOut(chunk, before)) return;
      facts = null;
      if (hasGap || undecidedBytes > 0) keepWhatWasLeftOut(before);
      tail.push(chunk);
      isDangling = activity.position === "undecided" || activity.position === "comment";
    },
    /** How many chunks said anything so far, and how many pings there were. */
    get activity() {
      return activity.counted;
    },
    get shape() {
      return shape;
    },
    /** About so many tokens of output so far; null for what is no stream. Judged by the newest chunks, so that it costs little. */
    countWritten(): number | null {
      if (shape !== "events") return null;
      const { news } = activity.counted;
      const fresh = news - written.chunks;
      if (fresh > 0) written.bytes += fresh * meanWritten(api, tail.newest(Math.min(fresh, SAMPLE_CHUNKS)));
      written.chunks = news;
      return Math.round(written.bytes / BYTES_PER_TOKEN);
    },
    countShown: () => (shape !== "events" || tail.isCut ? null : countShown(api, tail.bytes())),
    /** Bytes that are kept at this moment. */
    get heldBytes() {
      return tail.heldBytes + undecidedBytes + opening.heldBytes;
    },
    /** Nothing more is asked of it: what it keeps goes to `onDrop`, too. */
    close(): void {
      tail.letGo();
    },
    /** What the bytes so far come to. Worked out once; cheap enough for once a request, not for once a chunk. */
    facts(): AnswerFacts {
      const read = shape === "json" ? readWholeAnswer : readTail;
      return (facts ??= read(api, new TailBytes(tail), {
        lost,
        openingModel: opening.model,
        isCut: tail.isCut,
      }));
    },
  };
}

const SAMPLE_CHUNKS = 16;
/** Of English prose and of code; Chinese has three bytes to a sign, and somewhat less than a token. */
const BYTES_PER_TOKEN = 4;

/** What was dropped before the end that is kept. */
interface Before {
  readonly lost: readonly UsageFound[];
  readonly openingModel: string | undefined;
  readonly isCut: boolean;
}

/** Walks back from the end, event by event, until the terminal event and the last usage are found. */
function readTail(api: Api, bytes: TailBytes, { isCut, lost, openingModel }: Before): AnswerFacts {
  let read: Beginning | undefined;
  const beginning = (): Beginning => (read ??= readBeginning(api, bytes));
  const first = !isCut && api === "messages" ? beginning().told : null;
  const earlier = first === null ? lost : [first];
  /** Asked when everything else is known: nearly always the end has told it by then. */
  let tells: boolean | null = null;
  const mayTellMore = (): boolean => (tells ??= mayTellUsage(bytes.all));
  const found: UsageFound[] = [];
  const begun = new Set<unknown>();
  const finished = new Set<unknown>();
  let usage: Usage | undefined;
  let isCounted = false;
  /** The newest usage is that of an end, or comes with or behind the error: it is the last word. */
  let isOfEnd = false;
  let isBehindError = false;
  let terminal: AnswerFacts["terminal"] = null;
  let isOver = false;
  let isSettled = false;
  let error: string | undefined;
  let servedModel: string | undefined;
  const needles = (): readonly Buffer[] => (isSettled ? [] : terminal === null ? NEEDLES[api] : ANY_NEEDLE);
  for (const { event, isDispatched, mayTell } of eventsFromEnd(
    bytes,
    needles,
    () => !isCounted && (!isSettled || mayTellMore()),
  )) {
    const hadError = error !== undefined;
    // Messages name theirs at the beginning alone. Else the end has the last word, as in the clients' own libraries.
    if (api !== "messages") servedModel ??= modelInText(event.data);
    const reading: LateReading | null = isSettled && !mayTell ? null : readLate(api, event);
    if (!isSettled && isDispatched && reading !== null) {
      const { choices, kind }: LateReading = reading;
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
    const told = mayTell && !isCounted ? findInText(api, event.data) : null;
    if (told !== null) {
      if (found.length === 0) {
        isOfEnd = reading !== null && ENDS.has(reading.kind);
        isBehindError = !hadError;
      }
      found.unshift(told);
      usage = sumUp(api, [...earlier, ...found]);
      isCounted = isComplete(usage);
    }
    if (isSettled && (isCounted || !mayTellMore())) break;
  }
  if (found.length === 0 && earlier.length > 0) usage = sumUp(api, earlier);
  if (usage?.output_tokens === 0 && hasWritten(api, bytes)) usage = withoutZeroOutput(usage);
  if (begun.size > 0 && begun.size === finished.size) terminal ??= "completed";
  if (terminal === null && error !== undefined) {
    terminal = "failed";
    isOver = true;
  }
  const isLast = terminal === null ? isOfEnd : terminal !== "failed" || (found.length > 0 && isBehindError);
  return {
    usage: usage === undefined || isLast ? usage : { ...usage, partial: true },
    servedModel: servedModel ?? openingModel ?? beginning().model ?? modelInEvents(bytes.all),
    terminal,
    isOver,
    error,
  };
}

const ENDS: ReadonlySet<EventReading["kind"]> = new Set(["completed", "failed", "incomplete", "finish"]);

/** A zero may be what stands for an unknown figure, which an earlier event may have told. */
function isComplete(usage: Usage | undefined): boolean {
  return usage?.input_tokens !== undefined && (usage.output_tokens ?? 0) > 0;
}

function hasWritten(api: Api, bytes: LateBytes): boolean {
  const all = eventsFromEnd(
    bytes,
    () => ANY_NEEDLE,
    () => false,
  );
  return all.some(({ event, isDispatched }) => isDispatched && kindOfEvent(api, event) === "output");
}

/** Usage out of what was found, oldest first. */
function sumUp(api: Api, found: readonly UsageFound[]): Usage | undefined {
  const usage = readUsage(
    api,
    found.map((one) => one.usage),
  );
  const tier = found.findLast((one) => one.tier !== undefined)?.tier;
  return usage === undefined || tier === undefined ? usage : { ...tierOf(tier), ...usage };
}

/** As much of it as is needed, oldest first. */
function findInEvents(api: Api, bytes: Uint8Array): UsageFound[] {
  const found: UsageFound[] = [];
  for (const { event, mayTell } of eventsFromEnd(
    { last: null, all: bytes },
    () => [],
    () => true,
  )) {
    const told = mayTell ? findInText(api, event.data) : null;
    if (told === null) continue;
    found.unshift(told);
    if (isComplete(sumUp(api, found))) break;
  }
  return found;
}

/**
 * What a stream says before its first output, where it is kept whole: its model and, of Messages, what was read. Their end says
 * what was written.
 */
function readBeginning(api: Api, bytes: TailBytes): Beginning {
  const splitter = createSseSplitter({ maxEventBytes: OPENING_BYTES });
  let model: string | undefined;
  let told: UsageFound | null = null;
  let left = OPENING_BYTES;
  for (const slice of bytes.beginning(SLICE_BYTES)) {
    for (const event of splitter.push(slice)) {
      model ??= modelInText(event.data);
      if (api === "messages") told ??= findInText(api, event.data);
      const isAll = model !== undefined && (told !== null || api !== "messages");
      if (isAll || kindOfEvent(api, event) === "output") return { model, told };
    }
    left -= slice.length;
    if (left <= 0) break;
  }
  return { model, told };
}

interface Beginning {
  readonly model: string | undefined;
  readonly told: UsageFound | null;
}

const COLON = Buffer.from(":");
/** What precedes the end tells whether that was one: of this little is read until there is output. */
const ANY_NEEDLE = [COLON];
/** An event that matters holds one of these, or tokens: all others are passed over unread. */
const NEEDLES: Readonly<Record<Api, readonly Buffer[]>> = {
  responses: needles("response.completed", "response.failed", "response.incomplete", "error"),
  messages: needles("message_stop", "message_delta", "error"),
  chat: needles("[DONE]", '"choices"', "error"),
};

function needles(...texts: readonly string[]): readonly Buffer[] {
  return texts.map((text) => Buffer.from(text));
}

type LateReading = Pick<EventReading, "choices" | "kind">;

/** An event whose beginning is lost may still name its type at its end. */
function readLate(api: Api, event: SseEvent): LateReading {
  const reading = readEvent(api, event);
  const type = api === "responses" && reading.kind === "held" ? readTailMember(event.data, "type", 1) : null;
  if (typeof type !== "string") return reading;
  const kind = kindOfEvent("responses", { event: null, data: JSON.stringify({ type }) });
  return kind === "completed" || kind === "failed" || kind === "incomplete" ? { ...reading, kind } : reading;
}

/** An answer, and its text as it was sent. */
export interface JsonDocument {
  readonly text: string;
  readonly value: unknown;
}

/** What a document of which this is all, or only the end, comes to. From an end only usage is known. */
function readWholeAnswer(api: Api, { all: bytes }: LateBytes, { isCut, openingModel }: Before): AnswerFacts {
  const text = new TextDecoder().decode(bytes);
  if (isCut) {
    const found = findInPart(api, text);
    return {
      usage: found === null ? undefined : sumUp(api, [found]),
      servedModel: openingModel ?? stringOr(readTailMember(text, "model", 1), undefined),
      terminal: text.trimEnd().endsWith("}") ? "completed" : null,
      isOver: false,
      error: undefined,
    };
  }
  // As Ollama streams: one document a line, of which the last has the usage.
  const value = parseJson(text) ?? parseJson(text.trimEnd().slice(text.trimEnd().lastIndexOf("\n") + 1));
  return readDocument(api, { text, value });
}

export function readDocument(api: Api, { text, value }: JsonDocument): AnswerFacts {
  if (typeof value !== "object" || value === null)
    return { usage: undefined, terminal: null, isOver: false, error: undefined };
  const found = findUsage(api, value);
  const { status, type }: JsonRecord = isRecord(value) ? value : {};
  const hasFailed = isRecord(value) && (hasError(value) || type === "error" || status === "failed");
  const usage = found === null ? undefined : sumUp(api, [found]);
  const isUncounted = usage?.output_tokens === 0 && readAnswerDocument(api, value)?.hasText === true;
  return {
    usage: isUncounted ? withoutZeroOutput(usage) : usage,
    servedModel: modelOf(value),
    terminal: hasFailed ? "failed" : status === "incomplete" ? "incomplete" : "completed",
    isOver: true,
    error: hasFailed ? text : undefined,
  };
}
