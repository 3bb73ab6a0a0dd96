// Which model an answer names: in a document, in an event, or in the beginning of a stream. Nothing of what people, models and
// tools wrote is taken for it: it is a member of the answer itself, or of the response or message that an event holds.
// Pure.
import type { Shape } from "../base/bytes.ts";
import { findTopLevelString } from "../base/json-members.ts";
import { isRecord, parseJson } from "../base/json-value.ts";
import { createSseSplitter } from "../base/sse.ts";

/** The second one: https://ai.google.dev/api/generate-content#generatecontentresponse, behind whatever path. */
const NAMES = ["model", "modelVersion"] as const;
const HOLDER = /"(?:response|message)"\s*:\s*\{/;
const LONGEST_NAME = 200;

/** Of a whole document; of several, as some send a stream without events, the last. */
export function modelOf(value: unknown): string | undefined {
  const document: unknown = Array.isArray(value) ? value.at(-1) : value;
  if (!isRecord(document)) return undefined;
  const { message, response } = document;
  for (const holder of [response, message, document]) {
    if (!isRecord(holder)) continue;
    for (const name of NAMES) {
      const model = readName(holder[name]);
      if (model !== undefined) return model;
    }
  }
  return undefined;
}

/** The same for the text of an event or a document, of which the end may be missing; nothing behind the name is read. */
export function modelInText(text: string): string | undefined {
  if (!text.includes('"model')) return undefined;
  const holder = HOLDER.exec(text);
  const inner = holder === null ? undefined : findName(text.slice(holder.index + holder[0].length - 1));
  return inner ?? findName(text);
}

/** Of events in their bytes: the first name of all of them. */
export function modelInEvents(bytes: Uint8Array): string | undefined {
  const events = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const name of NAMES) {
    const key = `"${name}"`;
    let tries = 0;
    for (let at = events.indexOf(key); at >= 0 && tries < MOST_TRIES; tries += 1) {
      const [start, end] = blockAround(events, at);
      const splitter = createSseSplitter({ maxEventBytes: Number.POSITIVE_INFINITY });
      for (const { data } of [...splitter.push(events.subarray(start, end)), ...splitter.push(BLANK)]) {
        const model = modelInText(data);
        if (model !== undefined) return model;
      }
      at = events.indexOf(key, Math.max(end, at + 1));
    }
  }
  return undefined;
}

/** So much of what is dropped of a long answer is looked at. */
const OPENING_BYTES = 256 * 1024;

/** Looks for the name in what is dropped first of a long answer; keeps copies of it until there is one. */
export function createOpening(shapeOf: () => Shape, onDrop?: (chunk: Uint8Array) => void) {
  let chunks: Uint8Array[] | null = [];
  let heldBytes = 0;
  let lookedBytes = 0;
  let model: string | undefined;
  const look = (held: readonly Uint8Array[]): void => {
    if (model !== undefined || lookedBytes === heldBytes) return;
    lookedBytes = heldBytes;
    const bytes = Buffer.concat(held);
    model = shapeOf() === "json" ? modelInText(bytes.toString()) : modelInEvents(bytes);
  };
  const add = (chunk: Uint8Array): void => {
    if (chunks === null) return;
    chunks.push(new Uint8Array(chunk));
    heldBytes += chunk.length;
    // Not for each chunk: all looks together cost no more than two at the whole.
    if (heldBytes < Math.min(2 * lookedBytes, OPENING_BYTES)) return;
    look(chunks);
    if (model === undefined && heldBytes < OPENING_BYTES) return;
    chunks = null;
    heldBytes = 0;
  };
  return {
    drop: (chunk: Uint8Array): void => {
      add(chunk);
      onDrop?.(chunk);
    },
    get model() {
      if (chunks !== null) look(chunks);
      return model;
    },
    get heldBytes() {
      return heldBytes;
    },
  };
}

/** What a model writes cannot hold such a key but as a key of an object in an event: few events are looked at. */
const MOST_TRIES = 8;
const BLANK = Buffer.from("\n\n");
const BLANKS = ["\n\n", "\n\r\n", "\r\r"];

function blockAround(bytes: Buffer, at: number): readonly [start: number, end: number] {
  const starts = BLANKS.map((blank) => {
    const found = bytes.lastIndexOf(blank, at);
    return found < 0 ? 0 : found + blank.length;
  });
  const ends = BLANKS.map((blank) => bytes.indexOf(blank, at)).filter((end) => end >= 0);
  return [Math.max(...starts), Math.min(bytes.length, ...ends)];
}

function findName(text: string): string | undefined {
  const bytes = Buffer.from(text);
  for (const name of NAMES) {
    const range = findTopLevelString(bytes, name);
    const model =
      range === null ? undefined : readName(parseJson(bytes.toString("utf8", range.start, range.end)));
    if (model !== undefined) return model;
  }
  return undefined;
}

function readName(value: unknown): string | undefined {
  const name = typeof value === "string" ? value.trim() : "";
  return name === "" || name.length > LONGEST_NAME ? undefined : name;
}
