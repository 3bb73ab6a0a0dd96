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
  let data: string[] = [];
  let heldLength = 0;
  let overflow = false;

  function takeLine(line: string): SseEvent | null {
    if (line === "") {
      const finished = data.length === 0 ? null : { event, data: data.join("\n") };
      event = null;
      data = [];
      heldLength = 0;
      return finished;
    }
    const { name, value } = readField(line);
    if (name === "data") {
      data.push(value);
      heldLength += line.length;
    } else if (name === "event") {
      event = value === "" ? null : value;
    }
    return null;
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
        const finished = takeLine(whole);
        if (finished !== null) events.push(finished);
      }
      partialLine += rest;
      if (heldLength + partialLine.length > maxEventBytes) overflow = true;
      if (overflow) {
        partialLine = "";
        data = [];
      }
      return events;
    },
  };
}

/** An event as both vendors write one: its type on the `event` line and in the data. */
export function makeSseEvent(data: { readonly type: string; readonly [key: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** "data: x" -> data, x. One blank after the colon is not part of the value; a comment has the empty name. */
function readField(line: string): { name: string; value: string } {
  const colon = line.indexOf(":");
  if (colon === -1) return { name: line, value: "" };
  const start = line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1;
  return { name: line.slice(0, colon), value: line.slice(start) };
}
