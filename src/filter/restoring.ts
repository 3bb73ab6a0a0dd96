// What gives the values back in the answers to one request, and the placeholders of the sessions of this process. Loaded by the
// first rule that restores. Holds no value on the disk.
// Pure.
import { decodeUtf8, shapeOf } from "../base/bytes.ts";
import { setNewest } from "../base/newest.ts";
import { signText } from "../base/secrets.ts";
import { Book, MOST_VALUES } from "./placeholders.ts";
import { type Counts, EventRestorer } from "./restore-events.ts";
import { restoreText } from "./restore-text.ts";
import { restoreDocument } from "./restore-value.ts";

/** Gives the bytes of one answer with the values in them. */
export interface AnswerRestorer {
  readonly push: (chunk: Uint8Array) => readonly Uint8Array[];
  /** The rest, where no more comes. */
  readonly finish: () => readonly Uint8Array[];
}

/** Of all sessions together; the one that was used longest ago goes first. */
const MOST_BYTES = 32 * 2 ** 20;
const MOST_BYTES_OF_ONE = 16 * 2 ** 20;
const MOST_SESSIONS = 1000;
/** A document beyond this passes as it is. */
const MAX_DOCUMENT_BYTES = 16 * 2 ** 20;
/** No text: nothing of it is looked at. */
const BINARY =
  /^(?:audio|image|video|font)\/|^application\/(?:octet-stream|pdf|zip|gzip|x-tar|vnd\.openxmlformats)|^multipart\//i;
const EVENT_LINE = /^[\s\uFEFF]*(?:(?:data|event|id|retry)?:|(?:data|event|id|retry)[\r\n])/;

export type SessionBooks = ReturnType<typeof createSessionBooks>;

/** `key`: asked once, for the first value. `hold` counts what all books take in memory; negative for what is let go. */
export function createSessionBooks(key: () => string, hold: (bytes: number) => void) {
  const books = new Map<string, Book>();
  let known: string | undefined;
  /** What was told of the books, as they were at the last request. */
  let counted = 0;
  const sign = (text: string): string => signText((known ??= key()), text);
  const drop = (): void => {
    let bytes = 0;
    for (const { size } of books.values()) bytes += size;
    for (const [id, { size }] of books) {
      if (bytes <= MOST_BYTES) break;
      books.delete(id);
      bytes -= size;
    }
    hold(bytes - counted);
    counted = bytes;
  };
  return {
    /** Null: of a request that belongs to none. What a full one stood for, the next request says again. */
    of(sessionId: string | null): Book {
      if (sessionId === null) return new Book(sign);
      const before = books.get(sessionId);
      const isFull =
        before !== undefined && (before.size > MOST_BYTES_OF_ONE || before.count > MOST_VALUES / 2);
      const book = setNewest(
        books,
        sessionId,
        before === undefined || isFull ? new Book(sign) : before,
        MOST_SESSIONS,
      );
      drop();
      return book;
    },
  };
}

/** Of one request. Each attempt's answer has a restorer of its own. */
export class Restoring {
  private readonly counts: Counts = { fragments: 0, whole: 0, sealed: 0 };

  constructor(private readonly book: Book) {}

  /** Placeholders that were given back, copies of the same text not counted. */
  get restored(): number {
    return Math.max(this.counts.fragments, this.counts.whole);
  }

  /** Those in what an upstream signed or encrypted, which stayed. */
  get sealed(): number {
    return this.counts.sealed;
  }

  text(text: string): string {
    return restoreText(this.book, text);
  }

  /** A whole body, decoded; the same bytes where nothing is to be restored. */
  whole(bytes: Uint8Array, contentType: string | null): Uint8Array {
    const restorer = this.open(contentType, () => {});
    if (restorer === null) return bytes;
    const pieces = [...restorer.push(bytes), ...restorer.finish()];
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  }

  /** For the decoded bytes of an answer. Null where it is no text. `hold` counts what is kept of it. */
  open(contentType: string | null, hold: (bytes: number) => void): AnswerRestorer | null {
    if (BINARY.test(contentType ?? "")) return null;
    const { book, counts } = this;
    const isLabelled = contentType?.startsWith("text/event-stream") === true;
    let events: EventRestorer | null = null;
    let held: Uint8Array[] = [];
    let heldBytes = 0;
    let isDocument = false;
    let isTooLarge = false;
    const letGo = (): Buffer => {
      const all = Buffer.concat(held);
      hold(-heldBytes);
      held = [];
      heldBytes = 0;
      return all;
    };
    return {
      push(chunk) {
        if (events !== null) return events.push(chunk);
        if (isTooLarge) return [chunk];
        held.push(chunk);
        heldBytes += chunk.length;
        hold(chunk.length);
        if (!isDocument) {
          const start = Buffer.concat(held).toString("utf8", 0, 64);
          const shape = shapeOf(Buffer.from(start));
          if (shape === "unknown") return [];
          if (shape === "events" && (isLabelled || EVENT_LINE.test(start))) {
            events = new EventRestorer(book, counts, hold);
            return events.push(letGo());
          }
          isDocument = shape === "json" || start.length >= "event:".length;
        }
        if (heldBytes <= MAX_DOCUMENT_BYTES) return [];
        isTooLarge = true;
        return [letGo()];
      },
      finish() {
        if (events !== null) return events.finish();
        const all = letGo();
        return all.length === 0 ? [] : [restoreBody(book, all, counts)];
      },
    };
  }
}

function restoreBody(book: Book, bytes: Buffer, counts: Counts): Uint8Array {
  if (book.findHint(bytes.toString("latin1"), 0) < 0) return bytes;
  const text = decodeUtf8(bytes, { keepsBom: true });
  if (text === null) return bytes;
  let restored = 0;
  const changed = restoreDocument(book, text, {
    onRestored: () => (restored += 1),
    onSealed: () => (counts.sealed += 1),
  });
  counts.whole = Math.max(counts.whole, restored);
  return changed === text ? bytes : Buffer.from(changed);
}
