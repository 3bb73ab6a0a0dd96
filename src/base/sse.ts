// Splits a byte stream of server-sent events into events, for the few kilobytes that are looked at one by one.
// Not for the hot path: it decodes and copies. Knows nothing of what an event means.
// Pure.

/** One dispatched event: `data` lines joined by "\n", `event` null when no `event:` line preceded them. */
export interface SseEvent {
  readonly event: string | null;
  readonly data: string;
}

export type SseSplitter = Readonly<ReturnType<typeof createSseSplitter>>;

/**
 * Splits by the rules of https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation:
 * LF, CRLF or CR ends, comments skipped, an event without `data` not given, a BOM dropped, bad UTF-8 replaced.
 * `maxEventBytes` bounds what one unfinished event may hold (in UTF-16 units, of which there are never more than bytes).
 */
export function createSseSplitter({ maxEventBytes }: { readonly maxEventBytes: number }) {
  const decoder = new TextDecoder();
  let partialLine = "";
  let endedWithCr = false;
  let event: string | null = null;
  /** The lines of it so far; null for none. */
  let data: string | null = null;
  let heldLength = 0;
  let overflow = false;

  function endEvent(): SseEvent | null {
    const finished = data === null ? null : { event, data };
    event = null;
    data = null;
    heldLength = 0;
    return finished;
  }

  function takeField(line: string): void {
    if (line.startsWith("data")) {
      const value = valueAfter(line, 4);
      if (value === null) return;
      data = data === null ? value : `${data}\n${value}`;
      heldLength += line.length;
    } else if (line.startsWith("event")) {
      const value = valueAfter(line, 5);
      if (value !== null) event = value === "" ? null : value;
    }
  }

  return {
    /** True once a single event outgrew the limit. Nothing is given from then on, and nothing is held. */
    get overflow(): boolean {
      return overflow;
    },
    /** The events that end within this chunk. Chunks may be cut anywhere; an unfinished last event is never given. */
    push(chunk: Uint8Array): SseEvent[] {
      if (overflow) return [];
      let text = decoder.decode(chunk, { stream: true });
      if (text === "") return [];
      if (endedWithCr && text.startsWith("\n")) text = text.slice(1);
      endedWithCr = text.endsWith("\r");

      const lines = text.includes("\r") ? text.split(/\r\n|\r|\n/) : text.split("\n");
      const rest = lines.pop() ?? "";
      const events: SseEvent[] = [];
      for (const line of lines) {
        const whole = partialLine + line;
        partialLine = "";
        if (heldLength + whole.length > maxEventBytes) overflow = true;
        if (overflow) break;
        if (whole !== "") takeField(whole);
        else {
          const finished = endEvent();
          if (finished !== null) events.push(finished);
        }
      }
      partialLine += rest;
      if (heldLength + partialLine.length > maxEventBytes) overflow = true;
      if (overflow) {
        partialLine = "";
        data = null;
      }
      return events;
    },
  };
}

/** An event as both vendors write one: its type on the `event` line and in the data. */
export function makeSseEvent(data: { readonly type: string; readonly [key: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

const COLON = 0x3a;
const BLANK = 0x20;

/** What a field whose name ends there holds; null where the name goes on. One blank after the colon is not part of it. */
function valueAfter(line: string, nameEnd: number): string | null {
  if (line.length === nameEnd) return "";
  if (line.charCodeAt(nameEnd) !== COLON) return null;
  return line.slice(line.charCodeAt(nameEnd + 1) === BLANK ? nameEnd + 2 : nameEnd + 1);
}
