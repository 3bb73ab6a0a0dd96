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
const LONGEST_PING_LINE = 32;
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
    else if (pending === "news") line = "text";
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
    if (line === "unsure" && pending === "none") return !mayBecomePing(prefix + firstLine(chunk));
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
    /** Whole events that are news, after whole events: all of nearly every stream. Is counted then, else to be fed. */
    isWholeNews(chunk: Uint8Array): boolean {
      if (line !== "start" || pending !== "none" || !endsWithBlankLine(chunk)) return false;
      const first = chunk[0];
      if (first === COLON || first === LF || first === CR) return false;
      if (chunk.length <= LONGEST_PINGS && mayBePing(chunk)) return false;
      counted.news += 1;
      endedWithCr = false;
      return true;
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
    const isAtLineEnd = chunk[end - 1] === LF || chunk[end - 1] === CR;
    prefix = "";
    line = isAtLineEnd ? "start" : "text";
    pending = endsWithBlankLine(chunk) ? "none" : "news";
    if (pending === "none" || endsInText(chunk)) return;
    const boundary = endOfLastBlankLine(chunk);
    if (boundary < 0) return;
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

/** -1 for none. By hand: `lastIndexOf` takes twenty times as long for what is not there. */
function endOfLastBlankLine(chunk: Uint8Array): number {
  for (let at = chunk.length - 1; at > 0; at -= 1) {
    const last = chunk[at];
    if (last !== LF && last !== CR) continue;
    const before = last === LF && chunk[at - 1] === CR ? chunk[at - 2] : chunk[at - 1];
    if (before === LF || before === CR) return at + 1;
  }
  return -1;
}

/** As much of it as tells a ping. */
function firstLine(chunk: Uint8Array): string {
  const start = chunk.subarray(0, LONGEST_PING_LINE);
  const text = Buffer.from(start.buffer, start.byteOffset, start.byteLength).toString("latin1");
  return text.replace(/[\r\n][^]*$/, "");
}

function beginsPing(text: string): boolean {
  return PING_STARTS.some((start) => text.startsWith(start));
}

function mayBecomePing(text: string): boolean {
  return beginsPing(text) || [...PING_LINES, ...PING_STARTS].some((ping) => ping.startsWith(text));
}

/** The event that is not over counts: each of its lines is certainly no comment, no ping and not empty. */
function endsInText(chunk: Uint8Array): boolean {
  let start = chunk.lastIndexOf(LF, chunk.length - 2) + 1;
  while (start > 1 && chunk[start - 2] !== LF) {
    if (!isText(chunk, start)) return false;
    start = chunk.lastIndexOf(LF, start - 2) + 1;
  }
  // From its first byte on a chunk is known to count, or begins in the middle of an event that does.
  return (start < 2 || isText(chunk, start)) && !chunk.includes(CR, start);
}

function isText(chunk: Uint8Array, start: number): boolean {
  return chunk[start] !== COLON && !mayBePing(chunk, start);
}

/** The line that begins there may be one of a ping. */
function mayBePing(chunk: Uint8Array, start = 0): boolean {
  if (chunk.length - start <= 16) return true;
  const isTypeAt = (at: number): boolean => chunk[start + at] === LETTER.p || chunk[start + at] === LETTER.k;
  if (chunk[start] === LETTER.e) return isTypeAt(6) || isTypeAt(7);
  return chunk[start] === LETTER.d && (isTypeAt(14) || isTypeAt(15) || isTypeAt(16));
}
