// How many JSON strings are around a place in each text that an answer's events make. Nearly no answer needs to know: what went
// by is only kept, and read once a value comes up that quotes count for, or when it is too much to keep.
// Pure.
import { isRecord, parseJson } from "../base/json-value.ts";
import { setNewest } from "../base/newest.ts";
import { BOUNDARY, dataOf } from "./event-text.ts";
import { Quoting } from "./restore-text.ts";
import { findEnds, findFragments, type Fragment } from "./restore-value.ts";

type Said = Pick<Fragment, "channel" | "group" | "text">;
type Groups = readonly string[] | "all";

type Entry =
  /** Whole events, as they went on unread. */
  | { readonly kind: "events"; readonly pieces: Uint8Array[] }
  | { readonly kind: "said"; readonly said: Said }
  /** The texts of these groups are over. */
  | { readonly kind: "ended"; readonly groups: Groups };

const MOST_KEPT = 2 ** 20;
/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 64;
/** More than any answer has at once. */
const MOST_TEXTS = 1024;

export class QuotingLog {
  private entries: Entry[] = [];
  private keptBytes = 0;
  private readonly texts = new Map<string, { readonly group: string; readonly quoting: Quoting }>();

  constructor(private readonly hold: (bytes: number) => void) {}

  passed(events: Uint8Array): void {
    const last = this.entries.at(-1);
    if (last?.kind === "events") last.pieces.push(events);
    else this.entries.push({ kind: "events", pieces: [events] });
    this.keep(events.length);
  }

  said({ channel, group }: Omit<Said, "text">, text: string): void {
    if (text === "") return;
    this.entries.push({ kind: "said", said: { channel, group, text } });
    this.keep(text.length);
  }

  ended(groups: Groups): void {
    this.entries.push({ kind: "ended", groups });
    this.keep(0);
  }

  /** Behind all that was said so far. */
  level(channel: string): number {
    // A text that is no JSON never becomes any: what was said since then need not be read.
    if (this.texts.get(channel)?.quoting.isPlain !== true) this.read();
    return this.texts.get(channel)?.quoting.level ?? 0;
  }

  letGo(): void {
    this.entries = [];
    this.hold(-this.keptBytes);
    this.keptBytes = 0;
  }

  private keep(bytes: number): void {
    this.keptBytes += bytes + ENTRY_BYTES;
    this.hold(bytes + ENTRY_BYTES);
    if (this.keptBytes > MOST_KEPT) this.read();
  }

  private read(): void {
    for (const entry of this.entries) {
      if (entry.kind === "said") this.feed(entry.said);
      else if (entry.kind === "ended") this.end(entry.groups);
      else this.readEvents(Buffer.concat(entry.pieces).toString());
    }
    this.letGo();
  }

  private readEvents(text: string): void {
    for (const event of text.split(BOUNDARY)) {
      const value = parseJson(dataOf(event));
      if (!isRecord(value)) continue;
      for (const fragment of findFragments(value)) this.feed(fragment);
      this.end(findEnds(value));
    }
  }

  private feed({ channel, group, text }: Said): void {
    const { quoting } =
      this.texts.get(channel) ??
      setNewest(this.texts, channel, { group, quoting: new Quoting() }, MOST_TEXTS);
    quoting.feed(text);
  }

  private end(groups: Groups): void {
    if (groups === "all") this.texts.clear();
    else if (groups.length > 0)
      for (const [channel, { group }] of this.texts) if (groups.includes(group)) this.texts.delete(channel);
  }
}
