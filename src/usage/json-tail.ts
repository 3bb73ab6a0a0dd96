// Finds a member of a JSON object from its end: the beginning may be missing, and nothing before the member is read.
// Pure.

/**
 * The value of the last `"key":` that stands `depth` objects deep (1: a member of the outermost one), parsed.
 * Undefined when there is none, or none that parses. A match inside a string is not possible: quotes are escaped there.
 */
export function readTailMember(json: string, key: string, depth: number): unknown {
  const quoted = `"${key}"`;
  let closes = 0;
  let end = json.length;
  for (let at = json.lastIndexOf(quoted); at >= 0; at = at === 0 ? -1 : json.lastIndexOf(quoted, at - 1)) {
    const colon = skipSpace(json, at + quoted.length);
    if (json[colon] !== ":" || json[at - 1] === "\\") continue;
    closes += countCloses(json, at, end);
    end = at;
    if (closes !== depth) continue;
    const start = skipSpace(json, colon + 1);
    try {
      return JSON.parse(json.slice(start, endOfValue(json, start)));
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** How many more objects and arrays are closed than opened in a stretch that begins outside of a string. */
function countCloses(json: string, start: number, end: number): number {
  let closes = 0;
  for (let at = start; at < end; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) closes += 1;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) closes -= 1;
  }
  return closes;
}

/** The index behind the value that begins at `start`. */
function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
    else if (code !== COMMA || depth > 0) continue;
    if (depth < 0 || code === COMMA) return at;
    if (depth === 0) return at + 1;
  }
  return json.length;
}

/** The index of the quote that closes the string opened at `start`. */
function endOfString(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); at >= 0; at = json.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (json.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return json.length;
}

function skipSpace(json: string, start: number): number {
  let at = start;
  while (/\s/.test(json[at] ?? "")) at += 1;
  return at;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
