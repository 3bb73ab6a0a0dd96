// Restores the values in a stream of events as it passes, chunks cut anywhere. Events are held, as the bytes they are, only while
// a text may be in the middle of a placeholder: without one, the very bytes go on; with one, the events that it lies in are
// written anew. An event that ends a text follows what was held of it.
// Pure.
import { isRecord, type JsonRecord, parseExact, parseJson } from "../base/json-value.ts";
import { BOUNDARY, dataOf, endsWithEvent, lastEventEnd, withData } from "./event-text.ts";
import type { Book } from "./placeholders.ts";
import { QuotingLog } from "./quoting-log.ts";
import { restoreText, spell } from "./restore-text.ts";
import {
  type Fragment,
  findEnds,
  findFragments,
  groupOf,
  readThoughtStart,
  restoreValue,
} from "./restore-value.ts";

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
  bytes: Uint8Array;
  /** Null for what is passed on as it is: comments and pings. */
  readonly data: string | null;
  readonly pieces: readonly Piece[];
  readonly hasWhole: boolean;
}

/** An event beyond this passes as it is, and all that follow. */
const MAX_EVENT_BYTES = 16 * 2 ** 20;
/** So many events wait for the rest of a placeholder at most, or so many bytes for the end of a thought. */
const MOST_WAITING = 512;
const MOST_WAITING_BYTES = 4 * 2 ** 20;
const [CR, LF] = [13, 10];
const NONE = { onRestored: null, onSealed: null };

export class EventRestorer {
  private parts: Buffer[] = [];
  private partBytes = 0;
  private queue: Held[] = [];
  private queuedBytes = 0;
  /** The pieces whose end may go on in the next one, by channel. */
  private readonly open = new Map<string, Piece[]>();
  /** Messages blocks of thinking by their group. A "signed" one is never changed. */
  private readonly thoughts = new Map<string, "signed" | "unknown">();
  /** The end of a sealed text, for counting. */
  private readonly sealedTails = new Map<string, string>();
  private waitingPings = 0;
  private isGivenUp = false;
  /** A line feed that comes next belongs to the last event. Null for one that went on at once. */
  private endsInCr = false;
  private last: Held | null = null;
  /** Null where no value is known that quotes count for: of those that come to be known later none is put in. */
  private readonly quotings: QuotingLog | null;

  constructor(
    private readonly book: Book,
    private readonly counts: Counts,
    private readonly hold: (bytes: number) => void,
  ) {
    this.quotings = book.hasSpecial ? new QuotingLog(hold) : null;
  }

  /** What may go on, in order. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    if (this.isGivenUp || chunk.length === 0) return [chunk];
    const { endsInCr, last } = this;
    this.endsInCr = false;
    if (!endsInCr || chunk[0] !== LF) return this.takeChunk(chunk);
    const [feed, rest] = [chunk.subarray(0, 1), chunk.subarray(1)];
    if (last === null || !this.queue.includes(last)) return [feed, ...this.push(rest)];
    last.bytes = Buffer.concat([last.bytes, feed]);
    this.queuedBytes += 1;
    this.hold(1);
    return this.push(rest);
  }

  private takeChunk(chunk: Uint8Array): readonly Uint8Array[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const text = bytes.toString("latin1");
    if (this.partBytes === 0 && this.isCalm() && endsWithEvent(text) && this.book.findHint(text, 0) < 0) {
      this.last = null;
      this.endsInCr = text.endsWith("\r");
      this.quotings?.passed(chunk);
      return [chunk];
    }
    const isFirst = this.partBytes === 0;
    BOUNDARY.lastIndex = 0;
    const hasEnd = BOUNDARY.test(text) || this.isEndCutThrough(text);
    this.parts.push(bytes);
    this.partBytes += bytes.length;
    this.hold(bytes.length);
    if (!hasEnd) return this.partBytes > MAX_EVENT_BYTES ? this.giveUp() : [];
    const whole = this.takeParts();
    const all = isFirst ? text : whole.toString("latin1");
    const out: Uint8Array[] = [];
    const end = this.takeEvents(whole, all, out);
    this.endsInCr = end === whole.length && whole.at(-1) === CR;
    if (end < whole.length) {
      this.parts = [whole.subarray(end)];
      this.partBytes = whole.length - end;
      this.hold(this.partBytes);
    }
    return out.length > 1 ? [Buffer.concat(out)] : out;
  }

  /** Whether a blank line begins in what is there and ends in this. */
  private isEndCutThrough(text: string): boolean {
    const tail = Buffer.concat(this.parts.slice(-4).map((part) => part.subarray(-3))).toString("latin1");
    BOUNDARY.lastIndex = 0;
    return BOUNDARY.test(tail + text.slice(0, 4));
  }

  /** Events without any hint go on together, unread. Returns where the last one ends. */
  private takeEvents(whole: Buffer, all: string, out: Uint8Array[]): number {
    let [from, passed, hint] = [0, 0, -1];
    const pass = (): void => {
      if (passed === from) return;
      const events = whole.subarray(passed, from);
      this.quotings?.passed(events);
      this.last = null;
      out.push(events);
    };
    let mayLeap = true;
    for (;;) {
      const isCalm = this.isCalm();
      if (isCalm) {
        if (hint < from) hint = this.book.findHint(all, from);
        if (hint < 0) hint = all.length;
        const end: number = mayLeap ? lastEventEnd(all, hint) : 0;
        // With other line ends, each try would look through all of them.
        mayLeap &&= end >= from;
        from = Math.max(from, end);
      }
      BOUNDARY.lastIndex = from;
      const match = BOUNDARY.exec(all);
      if (match === null) break;
      const to = match.index + match[0].length;
      if (!isCalm || hint < to) {
        pass();
        this.take(whole.subarray(from, to), out);
        passed = to;
      }
      from = to;
    }
    pass();
    return from;
  }

  /** The rest, where no more comes. */
  finish(): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    const rest = this.takeParts();
    if (rest.length > 0) this.take(rest, out);
    this.letAllGo(out);
    this.quotings?.letGo();
    return out;
  }

  private isCalm(): boolean {
    return this.queue.length === 0 && this.sealedTails.size === 0;
  }

  private takeParts(): Buffer {
    const [only] = this.parts;
    const whole = this.parts.length === 1 && only !== undefined ? only : Buffer.concat(this.parts);
    this.hold(-this.partBytes);
    this.parts = [];
    this.partBytes = 0;
    return whole;
  }

  private giveUp(): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    this.letAllGo(out);
    this.quotings?.letGo();
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

  private take(bytes: Buffer, out: Uint8Array[]): void {
    const data = dataOf(bytes.toString());
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
    if (this.waitingPings > 1) {
      this.last = null;
      out.push(bytes);
    } else this.enqueue({ bytes, data: null, pieces: [], hasWhole: false });
  }

  private read(bytes: Uint8Array, data: string, event: JsonRecord): void {
    const begun = readThoughtStart(event);
    if (begun !== null) this.thoughts.set(groupOf(event["index"]), begun);
    const delta = event["delta"];
    if (isRecord(delta) && delta["type"] === "signature_delta") this.seal(groupOf(event["index"]));
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
    if (ends === "all" || ends.length > 0) {
      this.close(ends);
      this.quotings?.ended(ends);
    }
    if (event["type"] !== "content_block_stop") return;
    this.thoughts.delete(groupOf(event["index"]));
    this.sealedTails.delete(`${groupOf(event["index"])}|thinking`);
  }

  private thoughtOf({ group }: Fragment): "signed" | "unknown" {
    return this.thoughts.get(group) ?? "signed";
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
      if (!piece.isThought || piece.group !== group) continue;
      piece.isChanged = false;
      piece.rest = "";
      const before = this.counts.sealed;
      this.countSealed(piece);
      this.counts.fragments -= this.counts.sealed - before;
    }
    this.open.delete(`${group}|thinking`);
  }

  /** Decides as much of a channel's text as can be. */
  private grow(piece: Piece): void {
    const open = [...(this.open.get(piece.channel) ?? []), piece];
    const text = open.map(({ rest }) => rest).join("");
    const mentions = this.book
      .find(text)
      .filter(({ placeholder }) => placeholder.isPlain || this.quotings !== null);
    let said = 0;
    const insertions = mentions.map(({ end, placeholder, start }) => {
      this.quotings?.said(piece, text.slice(said, start));
      said = start;
      this.counts.fragments += 1;
      const level = placeholder.isPlain ? 0 : (this.quotings?.level(piece.channel) ?? 0);
      return { start, end, text: spell(placeholder, level) };
    });
    const decided = this.book.findBeginning(text, mentions.at(-1)?.end ?? 0);
    this.quotings?.said(piece, text.slice(said, decided));
    let from = 0;
    for (const one of open) {
      const to = from + one.rest.length;
      settle(one, { text, from, to: Math.min(to, Math.max(from, decided)), insertions });
      one.rest = text.slice(Math.max(from, Math.min(to, decided)), to);
      from = to;
    }
    const stillOpen = open.filter(({ rest }) => rest !== "");
    if (stillOpen.length === 0) this.open.delete(piece.channel);
    else this.open.set(piece.channel, stillOpen);
  }

  /** What was held as a beginning was none. */
  private close(groups: readonly string[] | "all"): void {
    for (const [channel, open] of this.open) {
      for (const piece of open) {
        if (groups !== "all" && !groups.includes(piece.group)) break;
        piece.out += piece.rest;
        this.quotings?.said(piece, piece.rest);
        piece.rest = "";
      }
      if (open.every(({ rest }) => rest === "")) this.open.delete(channel);
    }
  }

  private enqueue(held: Held): void {
    this.queue.push(held);
    this.last = held;
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
    return piece.isThought && piece.isChanged && this.thoughts.get(piece.group) === "unknown";
  }

  private write({ bytes, data, hasWhole, pieces }: Held): Uint8Array {
    const changed = pieces.filter(({ isChanged }) => isChanged);
    if (data === null || (!hasWhole && changed.length === 0)) return bytes;
    const exact = parseExact(data);
    const value = hasWhole ? restoreValue(this.book, exact, NONE, pieces) : exact;
    for (const { out, path } of changed) setAt(value, path, out);
    return withData(Buffer.from(bytes).toString(), JSON.stringify(value));
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

function setAt(value: unknown, path: readonly (string | number)[], text: string): void {
  const [key, ...rest] = path;
  if (typeof value !== "object" || value === null || key === undefined) return;
  const holder = value as Record<string | number, unknown>;
  if (rest.length === 0) holder[key] = text;
  else setAt(holder[key], rest, text);
}
