// Restores the values in a stream of events as it passes, chunks cut anywhere. Events are held, as the bytes they are, only while
// a text may be in the middle of a placeholder: without one, the very bytes go on; with one, the events that it lies in are
// written anew. An event that ends a text follows what was held of it.
// Pure.
import { isRecord, type JsonRecord, parseExact, parseJson } from "../base/json-value.ts";
import type { Book } from "./placeholders.ts";
import { Quoting, restoreText, spell } from "./restore-text.ts";
import { type Fragment, findEnds, findFragments, readThoughtStart, restoreValue } from "./restore-value.ts";

export interface Counts {
  /** In pieces of texts, in the strings of one event at most, and where nothing may be changed. */
  fragments: number;
  whole: number;
  sealed: number;
}

/** A piece of a text in an event that is held. */
interface Piece extends Fragment {
  /** What goes out in its place, so far. */
  out: string;
  /** What may belong to a placeholder that goes on in the next piece. */
  rest: string;
  isChanged: boolean;
}

interface Held {
  readonly bytes: Uint8Array;
  /** Null for what is passed on as it is: comments and pings. */
  readonly data: string | null;
  readonly pieces: readonly Piece[];
  readonly hasWhole: boolean;
}

/** The text that pieces of one channel make. */
interface Channel {
  open: Piece[];
  readonly quoting: Quoting | null;
}

const BOUNDARY = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))/g;
const ENDS = ["\n\n", "\r\n\r\n", "\r\r"];
/** An event beyond this passes as it is, and all that follow. */
const MAX_EVENT_BYTES = 16 * 2 ** 20;
/** So many events wait for the rest of a placeholder at most, or so many bytes for the end of a thought. */
const MOST_WAITING = 512;
const MOST_WAITING_BYTES = 4 * 2 ** 20;
const NONE = { onRestored: null, onSealed: null };

export class EventRestorer {
  private parts: Uint8Array[] = [];
  private partBytes = 0;
  private queue: Held[] = [];
  private queuedBytes = 0;
  private readonly channels = new Map<string, Channel>();
  /** Messages blocks of thinking by their group. A "signed" one is never changed. */
  private readonly thoughts = new Map<string, "signed" | "unknown">();
  /** The end of a sealed text, for counting. */
  private readonly sealedTails = new Map<string, string>();
  private waitingPings = 0;
  private isGivenUp = false;
  /** Values that came to be known later may need quotes that were not counted. */
  private readonly countsQuotes: boolean;

  constructor(
    private readonly book: Book,
    private readonly counts: Counts,
    private readonly hold: (bytes: number) => void,
  ) {
    this.countsQuotes = book.hasSpecial;
  }

  /** What may go on, in order. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    if (this.isGivenUp || chunk.length === 0) return [chunk];
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const text = bytes.toString("latin1");
    if (this.isCalm() && ENDS.some((end) => text.endsWith(end)) && !this.isOfInterest(text)) return [chunk];
    // A blank line may be cut through.
    const tail =
      this.parts.length === 0 ? "" : Buffer.concat(this.parts.slice(-4)).toString("latin1").slice(-3);
    BOUNDARY.lastIndex = 0;
    this.parts.push(bytes);
    this.partBytes += bytes.length;
    this.hold(bytes.length);
    if (!BOUNDARY.test(tail + text)) return this.partBytes > MAX_EVENT_BYTES ? this.giveUp() : [];
    const whole = this.takeParts();
    const all = whole.toString("latin1");
    const out: Uint8Array[] = [];
    let from = 0;
    BOUNDARY.lastIndex = 0;
    for (let match = BOUNDARY.exec(all); match !== null; match = BOUNDARY.exec(all)) {
      this.take(whole.subarray(from, BOUNDARY.lastIndex), all.slice(from, BOUNDARY.lastIndex), out);
      from = BOUNDARY.lastIndex;
    }
    if (from < whole.length) {
      this.parts = [whole.subarray(from)];
      this.partBytes = whole.length - from;
      this.hold(this.partBytes);
    }
    return out;
  }

  /** The rest, where no more comes. */
  finish(): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    const rest = this.takeParts();
    if (rest.length > 0) this.take(rest, rest.toString("latin1"), out);
    this.letAllGo(out);
    return out;
  }

  private isCalm(): boolean {
    return this.partBytes === 0 && this.passesUnread();
  }

  private passesUnread(): boolean {
    return this.queue.length === 0 && this.sealedTails.size === 0 && !this.countsQuotes;
  }

  private isOfInterest(latin1: string): boolean {
    return this.book.mayBeIn(latin1) || latin1.includes("content_block_start");
  }

  private takeParts(): Buffer {
    const whole = Buffer.concat(this.parts);
    this.hold(-this.partBytes);
    this.parts = [];
    this.partBytes = 0;
    return whole;
  }

  private giveUp(): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    this.letAllGo(out);
    this.isGivenUp = true;
    out.push(this.takeParts());
    return out;
  }

  private letAllGo(out: Uint8Array[]): void {
    this.close("all");
    // A thought that has no end yet may still be signed.
    for (const [group, is] of this.thoughts) if (is === "unknown") this.seal(group);
    this.drain(out);
  }

  private take(bytes: Uint8Array, latin1: string, out: Uint8Array[]): void {
    if (this.passesUnread() && !this.isOfInterest(latin1)) {
      out.push(bytes);
      return;
    }
    const data = dataOf(Buffer.from(latin1, "latin1").toString());
    const event = data === "" ? undefined : parseJson(data);
    if (data === "" || (isRecord(event) && event["type"] === "ping")) this.passBy(bytes, out);
    else if (isRecord(event)) this.read(bytes, data, event);
    else {
      this.close("all");
      this.enqueue({ bytes: this.restoreRaw(bytes), data: null, pieces: [], hasWhole: false });
    }
    if (this.queue.length > MOST_WAITING) this.close("all");
    if (this.queuedBytes > MOST_WAITING_BYTES) this.letAllGo(out);
    this.drain(out);
  }

  /** The first of them keeps its place; a client must not miss all signs of life for what may never come. */
  private passBy(bytes: Uint8Array, out: Uint8Array[]): void {
    if (this.queue.length > 0) this.waitingPings += 1;
    if (this.waitingPings > 1) out.push(bytes);
    else this.enqueue({ bytes, data: null, pieces: [], hasWhole: false });
  }

  private read(bytes: Uint8Array, data: string, event: JsonRecord): void {
    const begun = readThoughtStart(event);
    if (begun !== null) this.thoughts.set(groupOf(event), begun);
    const delta = event["delta"];
    if (isRecord(delta) && delta["type"] === "signature_delta") this.seal(groupOf(event));
    const fragments = findFragments(event);
    let restored = 0;
    const value = restoreValue(
      this.book,
      event,
      { onRestored: () => (restored += 1), onSealed: () => (this.counts.sealed += 1) },
      fragments,
    );
    this.counts.whole = Math.max(this.counts.whole, restored);
    const pieces = fragments.flatMap((fragment) => {
      const isSealed = fragment.isThought && this.thoughtOf(fragment) === "signed";
      if (isSealed) this.countSealed(fragment);
      return isSealed ? [] : [{ ...fragment, out: "", rest: fragment.text, isChanged: false }];
    });
    this.enqueue({ bytes, data, pieces, hasWhole: value !== event });
    for (const piece of pieces) this.grow(piece);
    const ends = findEnds(event);
    if (ends === "all" || ends.length > 0) this.close(ends);
    if (event["type"] !== "content_block_stop") return;
    this.thoughts.delete(groupOf(event));
    this.sealedTails.delete(`${groupOf(event)}|thinking`);
  }

  private thoughtOf({ channel }: Fragment): "signed" | "unknown" {
    return this.thoughts.get(channel.slice(0, channel.indexOf("|"))) ?? "signed";
  }

  private countSealed({ channel, text }: Fragment): void {
    const all = (this.sealedTails.get(channel) ?? "") + text;
    const mentions = this.book.find(all);
    this.counts.sealed += mentions.length;
    const tail = all.slice(this.book.findBeginning(all, mentions.at(-1)?.end ?? 0));
    if (tail === "") this.sealedTails.delete(channel);
    else this.sealedTails.set(channel, tail);
  }

  /** A signature came, or may come: what was held of the thought goes out as it is. */
  private seal(group: string): void {
    this.thoughts.set(group, "signed");
    for (const piece of this.queue.flatMap(({ pieces }) => pieces)) {
      if (!piece.isThought || !piece.channel.startsWith(`${group}|`)) continue;
      piece.isChanged = false;
      piece.rest = "";
      const before = this.counts.sealed;
      this.countSealed(piece);
      this.counts.fragments -= this.counts.sealed - before;
    }
    for (const [name, channel] of this.channels) if (name.startsWith(`${group}|thinking`)) channel.open = [];
  }

  /** Decides as much of a channel's text as can be. */
  private grow(piece: Piece): void {
    const channel: Channel = this.channels.get(piece.channel) ?? {
      open: [],
      quoting: this.countsQuotes ? new Quoting() : null,
    };
    this.channels.set(piece.channel, channel);
    channel.open.push(piece);
    const text = channel.open.map(({ rest }) => rest).join("");
    const mentions = this.book
      .find(text)
      .filter(({ placeholder }) => placeholder.isPlain || this.countsQuotes);
    let fed = 0;
    const insertions = mentions.map(({ end, placeholder, start }) => {
      channel.quoting?.feed(text.slice(fed, start));
      fed = start;
      this.counts.fragments += 1;
      return { start, end, text: spell(placeholder, channel.quoting?.level ?? 0) };
    });
    const decided = this.book.findBeginning(text, mentions.at(-1)?.end ?? 0);
    channel.quoting?.feed(text.slice(fed, decided));
    let from = 0;
    for (const one of channel.open) {
      const to = from + one.rest.length;
      settle(one, { text, from, to: Math.min(to, Math.max(from, decided)), insertions });
      one.rest = text.slice(Math.max(from, Math.min(to, decided)), to);
      from = to;
    }
    channel.open = channel.open.filter(({ rest }) => rest !== "");
  }

  /** What was held as a beginning was none. */
  private close(groups: readonly string[] | "all"): void {
    for (const [name, channel] of this.channels) {
      if (groups !== "all" && !groups.includes(name.slice(0, name.indexOf("|")))) continue;
      for (const piece of channel.open) {
        piece.out += piece.rest;
        piece.rest = "";
      }
      this.channels.delete(name);
    }
  }

  private enqueue(held: Held): void {
    this.queue.push(held);
    this.queuedBytes += held.bytes.length;
    this.hold(held.bytes.length);
  }

  private drain(out: Uint8Array[]): void {
    let count = 0;
    for (const held of this.queue) {
      if (held.pieces.some((piece) => this.isUndecided(piece))) break;
      out.push(this.write(held));
      this.queuedBytes -= held.bytes.length;
      this.hold(-held.bytes.length);
      count += 1;
    }
    if (count > 0) this.queue.splice(0, count);
    if (this.queue.length === 0) this.waitingPings = 0;
  }

  private isUndecided(piece: Piece): boolean {
    if (piece.rest !== "") return true;
    return (
      piece.isThought &&
      piece.isChanged &&
      this.thoughts.get(piece.channel.slice(0, piece.channel.indexOf("|"))) === "unknown"
    );
  }

  private write({ bytes, data, hasWhole, pieces }: Held): Uint8Array {
    const changed = pieces.filter(({ isChanged }) => isChanged);
    if (data === null || (!hasWhole && changed.length === 0)) return bytes;
    const exact = parseExact(data);
    const value = hasWhole ? restoreValue(this.book, exact, NONE, pieces) : exact;
    for (const { out, path } of changed) setAt(value, path, out);
    return writeData(Buffer.from(bytes).toString(), JSON.stringify(value));
  }

  /** Data that is no JSON. A line break in a value would end the line. */
  private restoreRaw(bytes: Uint8Array): Uint8Array {
    const text = Buffer.from(bytes).toString();
    const restored = restoreText(this.book, text);
    return restored === text || restored.split(/[\r\n]/).length !== text.split(/[\r\n]/).length
      ? bytes
      : Buffer.from(restored);
  }
}

/** Adds what is decided of a piece: its part of the text, and the values whose placeholders begin in it. */
function settle(
  piece: Piece,
  decided: {
    readonly text: string;
    readonly from: number;
    readonly to: number;
    readonly insertions: readonly { readonly start: number; readonly end: number; readonly text: string }[];
  },
): void {
  const { insertions, text, to } = decided;
  let at = decided.from;
  for (const { end, start, text: value } of insertions) {
    if (end <= at || start >= to) continue;
    piece.isChanged = true;
    if (start >= at) piece.out += text.slice(at, start) + value;
    at = Math.min(end, to);
  }
  piece.out += text.slice(at, to);
}

const groupOf = ({ index }: JsonRecord): string => (typeof index === "number" ? String(index) : "");

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
function dataOf(event: string): string {
  return event
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .flatMap((line) => (/^data(?::|$)/.test(line) ? [line.slice(line.startsWith("data: ") ? 6 : 5)] : []))
    .join("\n");
}

/** The event with other data, in one line. */
function writeData(event: string, data: string): Uint8Array {
  let isWritten = false;
  const lines = event.split(/(?<=\r\n|\n|\r(?!\n))/).flatMap((line) => {
    const prefix = /^\uFEFF?data(?:: ?|(?=[\r\n]|$))/.exec(line)?.[0];
    if (prefix === undefined) return [line];
    if (isWritten) return [];
    isWritten = true;
    return [prefix + data + (/[\r\n]+$/.exec(line)?.[0] ?? "")];
  });
  return Buffer.from(lines.join(""));
}

function setAt(value: unknown, path: readonly (string | number)[], text: string): void {
  const [key, ...rest] = path;
  if (typeof value !== "object" || value === null || key === undefined) return;
  const holder = value as Record<string | number, unknown>;
  if (rest.length === 0) holder[key] = text;
  else setAt(holder[key], rest, text);
}
