// Reads a line of requests.jsonl as entry.ts writes it straight from its bytes, several times as fast as JSON.parse.
// A line of any other shape is refused, for JSON.parse to judge: what is accepted says exactly what that would say.
import { type BytePattern, hasPattern, makePattern } from "./byte-pattern.ts";
import { createTextReader } from "./text-reader.ts";

export interface LineScanner {
  /** The fields of the line that begins at `start` and ends in a newline; null for a line of another shape. */
  readonly scan: (start: number) => ScannedFields | null;
  /** Where the line behind the last one that was not refused begins. */
  readonly next: () => number;
}

/** What reports read of an entry; what it does not have is undefined. */
export type ScannedFields = Readonly<Record<ScannedField, unknown>>;
type ScannedField = Exclude<(typeof FIELDS)[number], { kind: "passed over" }>["name"];

type Kind = "number" | "text" | "usage" | "list" | "passed over";

/** In the order of entry.ts. */
const FIELDS = [
  { name: "timestamp_ms", kind: "number" },
  { name: "service", kind: "text" },
  { name: "method", kind: "text" },
  { name: "path", kind: "text" },
  { name: "status_code", kind: "number" },
  { name: "duration_ms", kind: "number" },
  { name: "config_name", kind: "text" },
  { name: "upstream_base_url", kind: "text" },
  { name: "usage", kind: "usage" },
  { name: "id", kind: "passed over" },
  { name: "model", kind: "text" },
  { name: "upstream_model", kind: "text" },
  { name: "session_id", kind: "text" },
  { name: "cwd", kind: "text" },
  { name: "ttfb_ms", kind: "number" },
  { name: "stream", kind: "passed over" },
  { name: "outcome", kind: "text" },
  { name: "attempts", kind: "list" },
  { name: "redactions", kind: "passed over" },
  { name: "redactions_exempt", kind: "passed over" },
  { name: "error", kind: "passed over" },
] as const satisfies readonly { name: string; kind: Kind }[];

const USAGE = [
  "input_tokens",
  "output_tokens",
  "reasoning_tokens",
  "total_tokens",
  "cached_input_tokens",
  "cache_creation_tokens",
  "cache_creation_1h_tokens",
] as const;

/** A block must go on for so many bytes behind its last newline. */
export const SCAN_MARGIN = 64;

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const NEWLINE = 0x0a;
/** So many are a number without loss. */
const MAX_DIGITS = 15;
/** Equal to nothing that a line can hold. */
const REFUSED = Symbol("refused");

interface Key {
  /** With quotes and colon. */
  readonly pattern: BytePattern;
  readonly kind: Kind;
}

const KEYS = FIELDS.map(({ name, kind }) => makeKey(name, kind));
const USAGE_KEYS = USAGE.map((name) => makeKey(name, "number"));
const WORDS: readonly (readonly [BytePattern, boolean | null])[] = [
  [patternOf("null"), null],
  [patternOf("true"), true],
  [patternOf("false"), false],
];

/**
 * Reads lines in a block, whose bytes may be others at each call. One scanner a program: the compiler treats what is made
 * once as constant, and a second one makes both half as fast.
 */
export function createLineScanner(bytes: Buffer): LineScanner {
  const block = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts = createTextReader(bytes);
  const values: unknown[] = [];
  const figures: unknown[] = [];
  let at = 0;

  /** Keys in their order, each at most once. False for anything else. */
  function readObject(keys: readonly Key[], found: unknown[]): boolean {
    if (bytes[at] !== OPEN) return false;
    at += 1;
    let isKeyDue = true;
    for (let index = 0; index < keys.length; index += 1) {
      found[index] = undefined;
      const key = keys[index];
      if (!isKeyDue || key === undefined || !hasPattern(block, at, key.pattern)) continue;
      at += key.pattern.length;
      const value = readValue(key.kind);
      if (value === REFUSED) return false;
      found[index] = value;
      isKeyDue = bytes[at] === COMMA;
      if (isKeyDue) at += 1;
    }
    if (isKeyDue || bytes[at] !== CLOSE) return false;
    at += 1;
    return true;
  }

  function readValue(kind: Kind): unknown {
    if (kind === "number") return readNumber();
    if (kind === "usage") return readObject(USAGE_KEYS, figures) ? makeUsage(figures) : REFUSED;
    if (kind === "list") return readList();
    if (bytes[at] !== QUOTE) return readWord();
    const text = kind === "text" ? texts.read(at) : texts.pass(at) ? undefined : null;
    if (text === null) return REFUSED;
    at = texts.end();
    return text;
  }

  /** A whole number without sign and exponent. */
  function readNumber(): unknown {
    const start = at;
    let end = start;
    let value = 0;
    for (let digit = digitAt(end); digit >= 0 && digit <= 9; digit = digitAt(end)) {
      value = value * 10 + digit;
      end += 1;
    }
    const length = end - start;
    if (length === 0 || length > MAX_DIGITS || (length > 1 && digitAt(start) === 0)) return REFUSED;
    at = end;
    return value;
  }

  function digitAt(index: number): number {
    return (bytes[index] ?? 0) - ZERO;
  }

  function readWord(): unknown {
    for (const [pattern, value] of WORDS) {
      if (!hasPattern(block, at, pattern)) continue;
      at += pattern.length;
      return value;
    }
    return readNumber();
  }

  /** Lists are rare: their end is looked for, and JSON.parse reads them. */
  function readList(): unknown {
    const start = at;
    let end = start;
    for (let depth = 0, isText = false; ; end += 1) {
      const byte = bytes[end] ?? 0;
      if (byte < 0x20 || byte === BACKSLASH) return REFUSED;
      if (byte === QUOTE) isText = !isText;
      else if (!isText && byte === OPEN_LIST) depth += 1;
      else if (!isText && byte === CLOSE_LIST) depth -= 1;
      if (depth === 0) break;
    }
    at = end + 1;
    try {
      return JSON.parse(bytes.toString("utf8", start, at));
    } catch {
      return REFUSED;
    }
  }

  return {
    scan(start) {
      at = start;
      if (!readObject(KEYS, values) || bytes[at] !== NEWLINE || values[0] === undefined) return null;
      at += 1;
      return makeFields(values);
    },
    next: () => at,
  };
}

function makeKey(name: string, kind: Kind): Key {
  return { pattern: patternOf(`"${name}":`), kind };
}

function patternOf(text: string): BytePattern {
  const bytes = new TextEncoder().encode(text);
  return makePattern(new DataView(bytes.buffer, bytes.byteOffset), 0, bytes.length);
}

/** Written out: objects of one shape are made and read several times as fast as any others. */
function makeFields(values: readonly unknown[]): ScannedFields {
  return {
    timestamp_ms: values[0],
    service: values[1],
    method: values[2],
    path: values[3],
    status_code: values[4],
    duration_ms: values[5],
    config_name: values[6],
    upstream_base_url: values[7],
    usage: values[8],
    model: values[10],
    upstream_model: values[11],
    session_id: values[12],
    cwd: values[13],
    ttfb_ms: values[14],
    outcome: values[16],
    attempts: values[17],
  };
}

function makeUsage(values: readonly unknown[]): Readonly<Record<(typeof USAGE)[number], unknown>> {
  return {
    input_tokens: values[0],
    output_tokens: values[1],
    reasoning_tokens: values[2],
    total_tokens: values[3],
    cached_input_tokens: values[4],
    cache_creation_tokens: values[5],
    cache_creation_1h_tokens: values[6],
  };
}
