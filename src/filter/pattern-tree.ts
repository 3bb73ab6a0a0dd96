// Reads a pattern (RE2 syntax, or what JavaScript shares with it) as a tree of characters, to look for it cheaply: the tree matches
// wherever the pattern does, and may match elsewhere. Assertions are left out, and all characters beyond ASCII are alike.
// Pure.

/** Which characters: for each of ASCII, and at OTHER for all others together, whether it is among them. 0 is no. */
export type CharSet = Uint8Array;
export const OTHER = 128;
const [MAYBE, YES] = [1, 2];

export type Tree =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "sequence"; readonly parts: readonly Tree[] }
  | { readonly kind: "choice"; readonly parts: readonly Tree[] }
  /** `max`: Infinity for any number. */
  | { readonly kind: "repeat"; readonly part: Tree; readonly min: number; readonly max: number };

/** Null for what is not read here: then nothing is known of where the pattern matches. */
export function readPattern(source: string, ignoresCase: boolean): Tree | null {
  try {
    return read(source, ignoresCase);
  } catch (error) {
    if (error instanceof NotRead) return null;
    throw error;
  }
}

class NotRead extends Error {}

function read(source: string, ignoresCase: boolean): Tree {
  let at = 0;
  let isFolded = ignoresCase;
  const take = (word: string): boolean => {
    if (!source.startsWith(word, at)) return false;
    at += word.length;
    return true;
  };
  const takeAs = (regex: RegExp): RegExpExecArray | null => {
    regex.lastIndex = at;
    const found = regex.exec(source);
    if (found !== null) at += found[0].length;
    return found;
  };
  const next = (): string => {
    const letter = String.fromCodePoint(source.codePointAt(at) ?? stop());
    at += letter.length;
    return letter;
  };

  const readChoice = (): Tree => {
    const outer = isFolded;
    const parts = [readSequence()];
    while (take("|")) parts.push(readSequence());
    isFolded = outer;
    return parts.length === 1 ? (parts[0] ?? stop()) : { kind: "choice", parts };
  };
  const readSequence = (): Tree => {
    const parts: Tree[] = [];
    while (at < source.length && source[at] !== "|" && source[at] !== ")") {
      if (takeAs(ASSERTION) !== null) continue;
      const quoted = takeAs(QUOTED)?.[1];
      if (quoted !== undefined) {
        const letters = Array.from(quoted).map((letter) => one(letter));
        if (letters.length > 0) parts.push(...letters.slice(0, -1), readRepeats(letters.at(-1) ?? stop()));
        continue;
      }
      const flags = takeAs(FLAGS);
      if (flags !== null) isFolded = foldedBy(flags[1] ?? "", isFolded);
      else parts.push(readRepeats(readAtom()));
    }
    return { kind: "sequence", parts };
  };
  const readAtom = (): Tree => {
    const group = takeAs(GROUP);
    if (group !== null) {
      const outer = isFolded;
      isFolded = foldedBy(group[1] ?? "", isFolded);
      const inner = readChoice();
      isFolded = outer;
      return take(")") ? inner : stop();
    }
    if (take("[")) return { kind: "set", set: readClass() };
    if (take(".")) return { kind: "set", set: emptySet().fill(MAYBE) };
    const set = readSetEscape();
    if (set !== null) return { kind: "set", set: isFolded ? withOtherCases(set) : set };
    return one(take("\\") ? readEscape() : /[()*+?\\]/.test(source[at] ?? "(") ? stop() : next());
  };
  const readRepeats = (atom: Tree): Tree => {
    const found = takeAs(REPEAT);
    if (found === null) return atom;
    const [, sign, min = "", comma, max = ""] = found;
    if (sign === "?") return { kind: "repeat", part: atom, min: 0, max: 1 };
    if (sign !== undefined) return { kind: "repeat", part: atom, min: sign === "+" ? 1 : 0, max: Infinity };
    const most = comma === undefined ? Number(min) : max === "" ? Infinity : Number(max);
    return { kind: "repeat", part: atom, min: Number(min), max: most };
  };
  const readClass = (): CharSet => {
    const isNegated = take("^");
    const set = emptySet();
    for (let isFirst = true; isFirst || !take("]"); isFirst = false) {
      const named = takeAs(NAMED);
      const known = named === null ? readSetEscape() : namedSet(named[2] ?? "", named[1] === "^");
      if (known !== null) {
        addAll(set, known);
        continue;
      }
      const low = take("\\") ? readEscape() : next();
      const isRange = source[at] === "-" && source[at + 1] !== "]";
      if (isRange) at += 1;
      const high = isRange ? (take("\\") ? readEscape() : next()) : low;
      addRange(set, low, high);
    }
    if (isFolded) withOtherCases(set);
    return isNegated ? allBut(set) : set;
  };
  const readSetEscape = (): CharSet | null => {
    const found = takeAs(SET_ESCAPE);
    if (found === null) return null;
    const letter = found[1];
    return letter === undefined
      ? emptySet().fill(MAYBE)
      : namedSet(letter.toLowerCase(), letter !== letter.toLowerCase());
  };
  /** Behind its backslash. */
  const readEscape = (): string => {
    const [whole = "", braced, plain] = takeAs(HEX) ?? [];
    if (whole !== "")
      return String.fromCodePoint(Math.min(Number.parseInt(braced ?? plain ?? "", 16), 0xffff));
    const letter = next();
    const control = CONTROLS[letter];
    return control ?? (/[^0-9A-Za-z\u0080-\u{10ffff}]/u.test(letter) ? letter : stop());
  };
  const one = (letter: string): Tree => {
    const set = emptySet();
    addRange(set, letter, letter);
    return { kind: "set", set: isFolded ? withOtherCases(set) : set };
  };

  const tree = readChoice();
  return at === source.length ? tree : stop();
}

/** Begins, ends and edges of words: they match no character. */
const ASSERTION = /[\^$]|\\[AbBz]/y;
const QUOTED = /\\Q([^]*?)(?:\\E|$)/y;
const FLAGS = /\(\?([imsU-]+)\)/y;
const GROUP = /\((?:\?(?:P?<[A-Za-z0-9_]+>|([imsU-]*):))?(?!\?)/y;
const REPEAT = /(?:([*+?])|\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\})\??/y;
const NAMED = /\[:(\^?)([a-z]+):\]/y;
/** Sets by name of Unicode are read as any character. */
const SET_ESCAPE = /\\(?:([dDsSwW])|[pP](?:[A-Z]|\{\^?[A-Za-z_]+\}))/y;
const HEX = /x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/y;
const CONTROLS: Readonly<Record<string, string>> = {
  a: "\x07",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const NAMES: Readonly<Record<string, RegExp>> = {
  d: /[0-9]/,
  s: /\s/,
  w: /\w/,
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /[^]/,
  blank: /[\t ]/,
  // oxlint-disable-next-line no-control-regex -- that is what the class is
  cntrl: /[\u0000-\u001f\u007f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t-\r ]/,
  upper: /[A-Z]/,
  word: /\w/,
  xdigit: /[0-9A-Fa-f]/,
};

function namedSet(name: string, isNegated: boolean): CharSet {
  const regex = NAMES[name] ?? stop();
  const set = emptySet();
  for (let code = 0; code < OTHER; code += 1) if (regex.test(String.fromCharCode(code))) set[code] = YES;
  // The engines do not agree on what a space is.
  if (name === "s") [set[0x0b], set[OTHER]] = [MAYBE, MAYBE];
  return isNegated ? allBut(set) : set;
}

function emptySet(): CharSet {
  return new Uint8Array(OTHER + 1);
}

/** Of those beyond ASCII, some may be in both. */
function allBut(set: CharSet): CharSet {
  return set.map((mark, code) => (code === OTHER ? MAYBE : YES - mark));
}

function add(set: CharSet, code: number, mark: number): void {
  set[code] = Math.max(set[code] ?? 0, mark);
}

function addAll(set: CharSet, more: CharSet): void {
  for (const [code, mark] of more.entries()) add(set, code, mark);
}

function addRange(set: CharSet, low: string, high: string): void {
  const last = high.codePointAt(0) ?? 0;
  for (let code = low.codePointAt(0) ?? 0; code <= Math.min(last, OTHER - 1); code += 1) add(set, code, YES);
  if (last >= OTHER) add(set, OTHER, MAYBE);
}

/** Two letters have a third case beyond ASCII: the Kelvin sign and the long s. */
function withOtherCases(set: CharSet): CharSet {
  const beyond = Math.min(set[OTHER] ?? 0, MAYBE);
  for (let upper = 65; upper <= 90; upper += 1) {
    const lower = upper + 32;
    const hasThird = lower === "k".charCodeAt(0) || lower === "s".charCodeAt(0);
    const mark = Math.max(set[upper] ?? 0, set[lower] ?? 0, hasThird ? beyond : 0);
    [set[upper], set[lower]] = [mark, mark];
    if (hasThird) add(set, OTHER, Math.min(mark, MAYBE));
  }
  return set;
}

function foldedBy(flags: string, isFolded: boolean): boolean {
  const [on = "", off = ""] = flags.split("-");
  return off.includes("i") ? false : on.includes("i") || isFolded;
}

function stop(): never {
  throw new NotRead();
}
