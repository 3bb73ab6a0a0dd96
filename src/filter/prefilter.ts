// Finds where patterns may match, however many they are, in one pass over a text or over JSON as it is written, its escapes read on
// the way: an automaton (Glushkov's) whose states are made when a text first leads to them. What it passes over holds no match.
// Pure.
import { type CharSet, OTHER, type Tree } from "./pattern-tree.ts";

/** How many states a request may make new. What is behind that may hold a match: a text made for it would make one a character. */
export interface Allowance {
  states: number;
}

export function newAllowance(): Allowance {
  return { states: 20_000 };
}

/** `trees`: of patterns none of which matches empty text (`matchesEmpty`). */
export function createPrefilter(trees: readonly Tree[]) {
  const layout = once(() => layOut(trees));
  const json = once(() => createAutomaton(layout(), true));
  const text = once(() => createAutomaton(layout(), false));
  return {
    /** In bytes of JSON: the end of the first match that may be in one of its strings, searched from the quote of one; or -1. */
    nextInBytes(bytes: Uint8Array, from: number, allowance: Allowance): number {
      const inJson = json();
      const codeAt = (at: number): number => bytes[at] ?? 0;
      const run = (at: number): number => runBytes(inJson, bytes, at);
      return search(inJson, { from, length: bytes.length, codeAt, run, allowance });
    },
    /** Likewise in JSON as a text. */
    nextInJson(written: string, from: number, allowance: Allowance): number {
      const inJson = json();
      const codeAt = (at: number): number => written.charCodeAt(at);
      const run = (at: number): number => runText(inJson, written, at);
      return search(inJson, { from, length: written.length, codeAt, run, allowance });
    },
    /** By a mark each: which of the patterns may match in a text as it is. */
    seen(plain: string, allowance: Allowance): Uint8Array {
      const inText = text();
      const marks = new Uint8Array(trees.length);
      inText.row = 0;
      for (let at = runText(inText, plain, 0); at < plain.length; at = runText(inText, plain, at + 1)) {
        const next = inText.step(plain.charCodeAt(at), allowance);
        if (next === GIVEN_UP) return marks.fill(1);
        if (next <= FOUND) for (const pattern of inText.foundIn(FOUND - next)) marks[pattern] = 1;
        inText.row = next <= FOUND ? FOUND - next : next;
      }
      return marks;
    },
  };
}

/** What is made when it is first asked for. */
export function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

interface Search {
  readonly from: number;
  readonly length: number;
  readonly codeAt: (at: number) => number;
  /** Goes on to what is not an ordinary step. */
  readonly run: (at: number) => number;
  readonly allowance: Allowance;
}

function search(automaton: Automaton, { allowance, codeAt, from, length, run }: Search): number {
  automaton.row = 0;
  for (let at = run(from); at < length; at = run(at + 1)) {
    const code = codeAt(at);
    const isLong = automaton.isLongEscape(code);
    const next = isLong
      ? automaton.stepTo(readHex(codeAt, at + 1), allowance)
      : automaton.step(code, allowance);
    if (next < 0) return at;
    automaton.row = next;
    if (isLong) at += 4;
  }
  return -1;
}

/** The two loops that all bytes and characters go through: nothing else is in them. */
function runBytes(automaton: Automaton, bytes: Uint8Array, from: number): number {
  const { classes, table } = automaton;
  let { row } = automaton;
  let at = from;
  for (; at < bytes.length; at += 1) {
    const next = table[row + (classes[bytes[at] ?? 0] ?? 0)] ?? UNKNOWN;
    if (next < 0) break;
    row = next;
  }
  automaton.row = row;
  return at;
}

function runText(automaton: Automaton, text: string, from: number): number {
  const { classes, other, table } = automaton;
  let { row } = automaton;
  let at = from;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const next = table[row + (code < OTHER ? (classes[code] ?? 0) : other)] ?? UNKNOWN;
    if (next < 0) break;
    row = next;
  }
  automaton.row = row;
  return at;
}

/** Not a state: not made yet; too many have been made. From FOUND down: a state in which a match has ended. */
const [UNKNOWN, GIVEN_UP, FOUND] = [-1, -2, -3];
const MOST_STATES = 8000;

const [QUOTE, BACKSLASH, LETTER_U] = [0x22, 0x5c, 0x75];
const SHORT: ReadonlyMap<number, number> = new Map(
  [...'""\\\\//b\bf\fn\nr\rt\t'.matchAll(/(.)([^])/g)].map(([, letter = "", meant = ""]) => [
    letter.charCodeAt(0),
    meant.charCodeAt(0),
  ]),
);

/** What a text has led to. */
interface State {
  /** The class of the last character, at which any pattern may begin; none at the start. */
  readonly kind: number;
  /** The places where that character goes on with a pattern, in order. */
  readonly places: readonly number[];
  /** Behind a backslash. */
  readonly isEscape: boolean;
  readonly found: readonly number[];
}

interface Automaton {
  readonly classes: Uint8Array;
  /** The class of all that is not ASCII. */
  readonly other: number;
  /** The row of the next state, by the row of a state and a class; negative for what is not ordinary. The first state has row 0. */
  table: Int32Array;
  /** Of the state in which a search is. */
  row: number;
  readonly foundIn: (row: number) => readonly number[];
  readonly isLongEscape: (code: number) => boolean;
  /** The next state, for a character as it is written. */
  readonly step: (code: number, allowance: Allowance) => number;
  /** The next state, for the character that a long escape stands for. */
  readonly stepTo: (code: number, allowance: Allowance) => number;
}

function createAutomaton({ ends, first, follow, sets }: Layout, isJson: boolean): Automaton {
  const { classes, samples } = classify(sets, isJson);
  const width = samples.length;
  const isIn = (place: number, kind: number): boolean => sets[place]?.[samples[kind] ?? OTHER] !== 0;
  const firstOf = samples.map((_, kind) => first.filter((place) => isIn(place, kind)));
  const endsOfFirst = firstOf.map((places) => places.flatMap((place) => ends[place] ?? []));
  /** By two classes: where the second goes on with what began at the first. */
  const second = new Map<number, readonly number[]>();
  const secondOf = (kind: number, next: number): readonly number[] =>
    second.getOrInsertComputed(kind * width + next, () => [
      ...new Set(firstOf[kind]?.flatMap((place) => (follow[place] ?? []).filter((one) => isIn(one, next)))),
    ]);
  let states: State[] = [];
  let rows = new Map<string, number>();

  const clear = (): void => {
    automaton.table.fill(UNKNOWN);
    [states, rows] = [[START], new Map([[keyOf(START), 0]])];
  };
  const rowOf = (state: State, allowance: Allowance): number => {
    const key = keyOf(state);
    const known = rows.get(key);
    if (known !== undefined) return known;
    if ((allowance.states -= 1) < 0) return GIVEN_UP;
    if (states.length >= MOST_STATES) clear();
    const row = states.length * width;
    if (row + width > automaton.table.length) {
      const larger = new Int32Array(automaton.table.length * 2).fill(UNKNOWN);
      larger.set(automaton.table);
      automaton.table = larger;
    }
    states.push(state);
    rows.set(key, row);
    return row;
  };
  const enter = ({ kind, places }: State, code: number, allowance: Allowance): number => {
    const next = classes[Math.min(code, OTHER)] ?? 0;
    const reached = new Set(secondOf(kind, next));
    for (const place of places) for (const one of follow[place] ?? []) if (isIn(one, next)) reached.add(one);
    const ordered = [...reached].toSorted((one, other) => one - other);
    const found = [...(endsOfFirst[next] ?? []), ...ordered.flatMap((place) => ends[place] ?? [])];
    const row = rowOf({ kind: next, places: ordered, isEscape: false, found }, allowance);
    return found.length === 0 || row === GIVEN_UP ? row : FOUND - row;
  };
  const enterWritten = (state: State, code: number, allowance: Allowance): number => {
    const { isEscape } = state;
    // In JSON an escape that there is not: whoever decodes it finds out.
    const meant = isEscape ? SHORT.get(code) : code;
    if (meant === undefined) return GIVEN_UP;
    if (isEscape) return enter(state, meant, allowance);
    if (isJson && code === QUOTE) return 0;
    if (isJson && code === BACKSLASH) return rowOf({ ...state, isEscape: true, found: [] }, allowance);
    return enter(state, code, allowance);
  };
  const current = (): State => states[automaton.row / width] ?? START;
  const automaton: Automaton = {
    classes,
    other: classes[OTHER] ?? 0,
    table: new Int32Array(64 * width),
    row: 0,
    foundIn: (row) => states[row / width]?.found ?? [],
    isLongEscape: (code) => code === LETTER_U && current().isEscape,
    step(code, allowance) {
      const at = automaton.row + (classes[Math.min(code, OTHER)] ?? 0);
      const known = automaton.table[at] ?? UNKNOWN;
      if (known !== UNKNOWN) return known;
      const state = current();
      const next = enterWritten(state, code, allowance);
      // Unless all have been cleared on the way.
      if (next !== GIVEN_UP && current() === state) automaton.table[at] = next;
      return next;
    },
    stepTo: (code, allowance) => enter(current(), code, allowance),
  };
  clear();
  return automaton;
}

const START: State = { kind: -1, places: [], isEscape: false, found: [] };

function keyOf({ isEscape, kind, places }: State): string {
  return `${isEscape ? "\\" : ""}${kind} ${places.join()}`;
}

/** The number of four hex digits; of what are none, a number that is no character of ASCII. */
function readHex(codeAt: (place: number) => number, from: number): number {
  const digits = String.fromCharCode(...[0, 1, 2, 3].map((place) => codeAt(from + place)));
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : OTHER;
}

/** Characters that no set tells apart are of one class. `samples`: a character of each. */
function classify(sets: readonly CharSet[], isJson: boolean) {
  const classes = new Uint8Array(256);
  const split = (isIn: (code: number) => boolean): void => {
    const numbers = new Map<number, number>();
    for (let code = 0; code <= OTHER; code += 1) {
      const kind = (classes[code] ?? 0) * 2 + (isIn(code) ? 1 : 0);
      classes[code] = numbers.getOrInsertComputed(kind, () => numbers.size);
    }
  };
  const distinct = new Map(sets.map((set) => [Buffer.from(set).toString("latin1"), set]));
  for (const set of distinct.values()) split((code) => set[code] !== 0);
  if (isJson) for (const special of [LETTER_U, ...SHORT.keys()]) split((code) => code === special);
  const samples: number[] = [];
  for (let code = 0; code <= OTHER; code += 1) samples[classes[code] ?? 0] ??= code;
  classes.fill(classes[OTHER] ?? 0, OTHER);
  return { classes, samples };
}

/** The characters of all patterns by number: which each may be, and which come next. */
interface Layout {
  readonly sets: readonly CharSet[];
  readonly first: readonly number[];
  readonly follow: readonly (readonly number[])[];
  /** The patterns that end there. */
  readonly ends: readonly (readonly number[])[];
}

interface Part {
  readonly isOptional: boolean;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

type Repeat = Extract<Tree, { kind: "repeat" }>;

const EMPTY: Part = { isOptional: true, first: [], last: [] };
const ONLY_OTHER: CharSet = new Uint8Array(OTHER + 1).fill(1, OTHER);
/** More repetitions than these are any number. */
const MOST_COPIES = 12;
const MOST_COPIES_OF_GROUPS = 3;

function layOut(trees: readonly Tree[]): Layout {
  const sets: CharSet[] = [];
  const follow: number[][] = [];
  const ends: number[][] = [];
  const first: number[] = [];
  const addPlace = (set: CharSet): number => {
    follow.push([]);
    ends.push([]);
    return sets.push(set) - 1;
  };
  const link = (from: Part, to: Part): void => {
    for (const place of from.last) follow[place] = [...new Set([...(follow[place] ?? []), ...to.first])];
  };
  const addSet = (set: CharSet): Part => {
    const place = addPlace(set);
    if (set[OTHER] === 0) return { isOptional: false, first: [place], last: [place] };
    // One beyond ASCII is several bytes.
    const more = addPlace(ONLY_OTHER);
    follow[place] = [more];
    follow[more] = [more];
    return { isOptional: false, first: [place], last: [place, more] };
  };
  const append = (before: Part, part: Part): Part => {
    link(before, part);
    return {
      isOptional: before.isOptional && part.isOptional,
      first: before.isOptional ? [...before.first, ...part.first] : before.first,
      last: part.isOptional ? [...before.last, ...part.last] : part.last,
    };
  };
  const lay = (tree: Tree, mostCopies: number): Part => {
    if (tree.kind === "set") return addSet(tree.set);
    if (tree.kind === "sequence") {
      // How long something is in front of the first fixed letter would be counted from every character of a text on.
      const fixed = tree.parts.findIndex(isLetter);
      return tree.parts.reduce(
        (before: Part, part, index) => append(before, lay(part, index < fixed ? 1 : mostCopies)),
        EMPTY,
      );
    }
    if (tree.kind === "choice") {
      const parts = tree.parts.map((part) => lay(part, mostCopies));
      return {
        isOptional: parts.some(({ isOptional }) => isOptional),
        first: parts.flatMap((part) => part.first),
        last: parts.flatMap((part) => part.last),
      };
    }
    return layRepeat(tree, mostCopies);
  };
  const layRepeat = ({ max, min, part }: Repeat, mostCopies: number): Part => {
    if (max === 0) return EMPTY;
    const copies = Math.max(
      1,
      Math.min(min, mostCopies, part.kind === "set" ? MOST_COPIES : MOST_COPIES_OF_GROUPS),
    );
    let whole = EMPTY;
    let copy = EMPTY;
    for (let count = 0; count < copies; count += 1) {
      copy = lay(part, mostCopies);
      whole = append(whole, copy);
    }
    if (max > copies) link(copy, copy);
    return min === 0 ? { ...whole, isOptional: true } : whole;
  };
  for (const [pattern, tree] of trees.entries()) {
    const whole = lay(tree, MOST_COPIES);
    first.push(...whole.first);
    for (const place of whole.last) ends[place]?.push(pattern);
  }
  return { sets, first, follow, ends };
}

function isLetter(tree: Tree): boolean {
  return (
    tree.kind === "set" &&
    tree.set.subarray(0, OTHER).reduce((sum, mark) => sum + (mark === 0 ? 0 : 1), 0) <= 2
  );
}

/** Whether the tree matches where there is nothing: it finds no place. */
export function matchesEmpty(tree: Tree): boolean {
  switch (tree.kind) {
    case "set":
      return false;
    case "sequence":
      return tree.parts.every(matchesEmpty);
    case "choice":
      return tree.parts.some(matchesEmpty);
    case "repeat":
      return tree.min === 0 || matchesEmpty(tree.part);
  }
}
