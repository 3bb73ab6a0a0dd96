// Tells news from mere signs of life in a stream of events as it passes: comments and blank lines say nothing, pings say that
// somebody is there. Looks at the two ends of a chunk, and into it only where it begins like a comment or a ping.
// Pure.

/** `quiet`: comments and blank lines alone. `ping`: pings beside them. */
export type Activity = "news" | "ping" | "quiet";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const LETTER = { d: 0x64, e: 0x65, k: 0x6b, p: 0x70 } as const;
/** As vendors and relays send them: whole lines, and the beginnings of lines. */
const PING_LINES = ["event: ping", "event:ping", "event: keepalive", "event:keepalive"];
const PING_STARTS = ["ping", "keepalive"].flatMap((type) => [
  `data: {"type":"${type}"`,
  `data: {"type": "${type}"`,
  `data:{"type":"${type}"`,
]);
/** A longer chunk that begins like a ping holds more than that. */
const LONGEST_PINGS = 4096;

export function createStreamActivity() {
  const counted = { news: 0, pings: 0 };
  /** Of the line that is not over: `unsure` may still become a ping. */
  let line: "start" | "comment" | "text" | "unsure" = "start";
  let prefix = "";
  let endedWithCr = false;
  /** Lines of an event that is not over. */
  let pending: "none" | "ping" | "news" = "none";

  function readPartial(text: string): void {
    if (text === "") line = "start";
    else if (text.startsWith(":")) line = "comment";
    else if (text.length > LONGEST_PINGS) line = "text";
    else if (pending === "ping" && "data:".startsWith(text.slice(0, 5))) line = "unsure";
    else line = mayBecomePing(text) ? "unsure" : "text";
    prefix = line === "unsure" ? text : "";
    if (line === "text") pending = "news";
  }

  /** True for the end of an event that was a ping. */
  function readLine(text: string): boolean {
    if (text === "") {
      const isPing = pending === "ping";
      pending = "none";
      return isPing;
    }
    if (text.startsWith(":")) return false;
    const isPing =
      PING_LINES.includes(text) || beginsPing(text) || (pending === "ping" && text.startsWith("data:"));
    pending = isPing && pending !== "news" ? "ping" : "news";
    return false;
  }

  function readSlowly(chunk: Uint8Array): Activity {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    const lines = (endedWithCr && text.startsWith("\n") ? text.slice(1) : text).split(/\r\n|\n|\r/);
    let pings = 0;
    let isNews = false;
    const note = (): void => {
      isNews ||= pending === "news";
    };
    lines.forEach((piece, index) => {
      const isWhole = index < lines.length - 1;
      const whole = line === "comment" ? `:${piece}` : prefix + piece;
      if (isWhole) {
        prefix = "";
        line = "start";
        pings += readLine(whole) ? 1 : 0;
      } else readPartial(whole);
      note();
    });
    counted.pings += pings;
    return isNews ? "news" : pings > 0 ? "ping" : "quiet";
  }

  function isPlainNews(chunk: Uint8Array): boolean {
    if (line === "text") return true;
    const [first] = chunk;
    if (line !== "start" || pending === "ping" || first === COLON || first === LF || first === CR)
      return false;
    return chunk.length > LONGEST_PINGS || !mayBePing(chunk);
  }

  return {
    /** How many chunks held news so far, and how many pings there were. */
    get counted(): { readonly news: number; readonly pings: number } {
      return counted;
    },
    /** What has begun and is not over: an event that counts, one that may still be a ping, a comment, or nothing. */
    get position(): "event" | "undecided" | "comment" | "between" {
      if (pending === "news" || line === "text") return "event";
      if (pending === "ping" || line === "unsure") return "undecided";
      return line === "comment" ? "comment" : "between";
    },
    feed(chunk: Uint8Array): Activity {
      if (chunk.length === 0) return "quiet";
      let seen: Activity = "news";
      if (isPlainNews(chunk)) endAt(chunk);
      else seen = readSlowly(chunk);
      endedWithCr = chunk.at(-1) === CR;
      if (seen === "news") counted.news += 1;
      return seen;
    },
  };

  /** A chunk of news nearly always ends where an event ends. */
  function endAt(chunk: Uint8Array): void {
    const end = chunk.length;
    const boundary = endsWithBlankLine(chunk) ? end : endOfLastBlankLine(chunk);
    prefix = "";
    line = chunk[end - 1] === LF || chunk[end - 1] === CR ? "start" : "text";
    pending = boundary === end ? "none" : "news";
    if (boundary < 0 || boundary === end) return;
    line = "start";
    pending = "none";
    readSlowly(chunk.subarray(boundary));
  }
}

function endsWithBlankLine(chunk: Uint8Array): boolean {
  const end = chunk.length;
  const before = chunk[end - 2];
  const last = chunk[end - 1];
  if (last === CR) return before === CR || before === LF;
  return (
    last === LF && (before === LF || (before === CR && (chunk[end - 3] === LF || chunk[end - 3] === CR)))
  );
}

/** -1 for none. */
function endOfLastBlankLine(chunk: Uint8Array): number {
  const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return Math.max(endOf(text, "\n\n"), endOf(text, "\n\r"), endOf(text, "\r\r"));
}

function endOf(text: Buffer, found: string): number {
  const at = text.lastIndexOf(found);
  return at < 0 ? -1 : at + found.length;
}

function beginsPing(text: string): boolean {
  return PING_STARTS.some((start) => text.startsWith(start));
}

function mayBecomePing(text: string): boolean {
  return beginsPing(text) || [...PING_LINES, ...PING_STARTS].some((ping) => ping.startsWith(text));
}

/** Its first line may be one of a ping. */
function mayBePing(chunk: Uint8Array): boolean {
  if (chunk.length <= 16) return true;
  const isTypeAt = (at: number): boolean => chunk[at] === LETTER.p || chunk[at] === LETTER.k;
  if (chunk[0] === LETTER.e) return isTypeAt(6) || isTypeAt(7);
  return chunk[0] === LETTER.d && (isTypeAt(14) || isTypeAt(15) || isTypeAt(16));
}
