// Finds which of many words a text or its bytes hold, in one pass however many there are (Aho-Corasick as a table). Letters of
// ASCII match in either case: what it says is where to look closer.
// Pure.

export type Scanner = ReturnType<typeof createScanner>;

/** `words`: ASCII, not empty. */
export function createScanner(words: readonly string[]) {
  let made: Automaton | undefined;
  const automaton = (): Automaton => (made ??= makeAutomaton(words));
  return {
    /** The offset at which the first word that begins at or after `from` begins, or -1. */
    next(bytes: Uint8Array, from: number): number {
      const { accepting, classes, longest, start, table } = automaton();
      let state = start;
      for (let at = from; at < bytes.length; at += 1) {
        state = table[state + (classes[bytes[at] ?? 0] ?? 0)] ?? start;
        if (state >= accepting) return at - (longest[state >>> SHIFT] ?? 1) + 1;
      }
      return -1;
    },
    nextInText(text: string, from: number): number {
      const { accepting, classes, longest, start, table } = automaton();
      let state = start;
      for (let at = from; at < text.length; at += 1) {
        const code = text.charCodeAt(at);
        state = code < 128 ? (table[state + (classes[code] ?? 0)] ?? start) : start;
        if (state >= accepting) return at - (longest[state >>> SHIFT] ?? 1) + 1;
      }
      return -1;
    },
    /** The places in `words` of those that the text holds, by a mark each. */
    seen(text: string): Uint8Array {
      const { accepting, classes, ends, start, table } = automaton();
      const marks = new Uint8Array(words.length);
      let state = start;
      for (let at = 0; at < text.length; at += 1) {
        const code = text.charCodeAt(at);
        state = code < 128 ? (table[state + (classes[code] ?? 0)] ?? start) : start;
        if (state >= accepting) for (const word of ends[state >>> SHIFT] ?? []) marks[word] = 1;
      }
      return marks;
    },
  };
}

/** A row of the table has a place for each class of characters: of ASCII without one of the two cases, and of all others. */
const SHIFT = 7;

interface Automaton {
  /** The row of the next state, by the row of a state and a class. */
  readonly table: Uint32Array;
  /** Class of a byte. */
  readonly classes: Uint8Array;
  readonly start: number;
  /** From this row on a word has ended. */
  readonly accepting: number;
  /** The words that end in a state, and the length of the longest of them. */
  readonly ends: readonly (readonly number[])[];
  readonly longest: readonly number[];
}

interface Node {
  readonly next: Map<number, Node>;
  readonly words: number[];
  fail: Node | null;
  row: number;
}

function makeAutomaton(words: readonly string[]): Automaton {
  const classes = new Uint8Array(256);
  for (let code = 1; code < 128; code += 1) classes[code] = code >= 65 && code <= 90 ? code + 32 : code;
  const root: Node = { next: new Map(), words: [], fail: null, row: 0 };
  const nodes = [root];
  for (const [index, word] of words.entries()) {
    let node = root;
    for (let at = 0; at < word.length; at += 1) {
      node = node.next.getOrInsertComputed(classes[word.charCodeAt(at)] ?? 0, () => {
        const made: Node = { next: new Map(), words: [], fail: null, row: 0 };
        nodes.push(made);
        return made;
      });
    }
    node.words.push(index);
  }
  // Breadth first: a node's failure is nearer to the root.
  const ordered = [root];
  for (const node of ordered) {
    for (const [code, child] of node.next) {
      let fail = node.fail;
      while (fail !== null && !fail.next.has(code)) ({ fail } = fail);
      child.fail = fail?.next.get(code) ?? root;
      child.words.push(...child.fail.words);
      ordered.push(child);
    }
  }
  const rows = [...ordered.filter(isPassing), ...ordered.filter((node) => !isPassing(node))];
  for (const [row, node] of rows.entries()) node.row = row;
  const width = 1 << SHIFT;
  const table = new Uint32Array(rows.length * width);
  for (const node of ordered) {
    const base = node.row * width;
    if (node.fail !== null) table.copyWithin(base, node.fail.row * width, (node.fail.row + 1) * width);
    for (const [code, child] of node.next) table[base + code] = child.row * width;
  }
  return {
    table,
    classes,
    start: root.row * width,
    accepting: ordered.filter(isPassing).length * width,
    ends: rows.map((node) => node.words),
    longest: rows.map((node) => Math.max(0, ...node.words.map((word) => words[word]?.length ?? 0))),
  };
}

function isPassing(node: Node): boolean {
  return node.words.length === 0;
}
