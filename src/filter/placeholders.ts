// The placeholders of rules that restore: what one looks like, and which values a session's stand for. A value has the same one
// in each turn, so that prompt caches hold: it is made of the value and a key that only this installation has.
// Pure.

export interface Placeholder {
  /** ASCII, and nothing that JSON would escape: it is spelled the same at any depth of quoting. */
  readonly text: string;
  readonly lower: string;
  readonly value: string;
  /** The value is a piece of a text with its escapes in it: it goes back as it is, whatever quotes are around it. */
  readonly isVerbatim: boolean;
  /** JSON writes the value as it is. */
  readonly isPlain: boolean;
  /** Where its core begins in it. */
  readonly offset: number;
}

/** A placeholder in a text. */
export interface Mention {
  readonly start: number;
  readonly end: number;
  readonly placeholder: Placeholder;
}

/** What is told apart of all that looks like one: found fast, and the same for no two placeholders of a book. */
const CORE = /chx[-_/][0-9a-f]{8}|24[0-3](?:\.[12]\d\d){3}/gi;
/** All that looks like a placeholder, of whatever session. */
const SHAPE = new RegExp(
  "(?:(?:c:)?/chx/|chx_)ID|chx-ID(?:@chx)?\\.example|24[0-3](?:\\.[12]\\d\\d){3}".replaceAll(
    "ID",
    "(?:[0-9a-f]{12}|[0-9a-f]{8})",
  ),
  "gi",
);
/** What the beginnings of all of them are made of, where JSON spells it as a long escape. */
const ESCAPED = "\\\\u00(?:[46][38]|[57]8|3[0-4a]|2[ef])";
/** What all of these hold. */
const MARK = /chx|24[0-3]\./i;
const LONGEST = "chx-0123456789ab@chx.example".length;

interface Kind {
  readonly name: "address" | "email" | "host" | "path" | "drive" | "other";
  /** What it takes the place of, without the affixes that stay in the text. */
  readonly of: RegExp;
  readonly make: (id: string) => string;
  readonly offset: number;
  /** The end of a JSON string that may be the beginning of one, besides the core itself. */
  readonly begins: string;
}

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const HOST = `(?:${LABEL}\\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})`;

/** In the order in which they are asked. Reserved: RFC 2606 (.example), RFC 1112 4 (240.0.0.0/4). */
const KINDS: readonly Kind[] = [
  {
    name: "address",
    of: /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/,
    make: makeAddress,
    offset: 0,
    begins: '2"|24"|24[0-3]"|24[0-3]\\.',
  },
  {
    name: "email",
    of: new RegExp(`^[a-z0-9.!#$%&'*+/=?^_\`{|}~-]{1,64}@${HOST}$`, "i"),
    make: (id) => `chx-${id}@chx.example`,
    offset: 0,
    begins: 'c"|ch"',
  },
  {
    name: "host",
    of: new RegExp(`^${HOST}$`, "i"),
    make: (id) => `chx-${id}.example`,
    offset: 0,
    begins: 'c"|ch"',
  },
  {
    name: "path",
    of: /^~?\/[^/\s][^\r\n\t"]*$/,
    make: (id) => `/chx/${id}`,
    offset: 1,
    begins: '/"|/c"|/ch"',
  },
  {
    name: "drive",
    // With forward slashes, which Windows takes, and no JSON doubles.
    of: /^(?:[a-z]:[\\/]|\\\\[^\\\s])[^\r\n\t"]*$/i,
    make: (id) => `C:/chx/${id}`,
    offset: 3,
    begins: 'c"|c:"|c:/"|c:/c"|c:/ch"',
  },
  { name: "other", of: /^/, make: (id) => `CHX_${id}`, offset: 0, begins: 'c"|ch"' },
];
const OTHER = KINDS[KINDS.length - 1] as Kind;

/** Any three numbers from 100 to 255: it is as long as any other, so that none begins another. */
function makeAddress(id: string): string {
  let number = Number.parseInt(id, 16);
  const next = (count: number): number => {
    const part = number % count;
    number = Math.floor(number / count);
    return part;
  };
  return `${240 + next(4)}.${100 + next(156)}.${100 + next(156)}.${100 + next(156)}`;
}

/** How often a value is tried in its own shape, and then in any. */
const SHAPED_TRIES = 24;
const TRIES = 400;
const SHORT_DIGITS = 8;
const LONG_DIGITS = 12;
/** What one takes in memory beside the value. */
const PLACEHOLDER_BYTES = 700;
/** Of one session. Beyond, it begins anew with what the next request holds. */
export const MOST_VALUES = 20_000;

/** What a hit consists of: the affixes stay in the text, so that `.host`, `@host` and `host` have one placeholder. */
export interface Parts {
  readonly before: string;
  readonly value: string;
  readonly after: string;
}

export function takeApart(hit: string): Parts {
  const before = /^[.@](?=[^.@])/.test(hit) && kindOf(hit.slice(1)).name === "host" ? hit.charAt(0) : "";
  const rest = hit.slice(before.length);
  const { name } = kindOf(rest);
  const after = name === "path" || name === "drive" ? (/[^\\/]([\\/]+)$/.exec(rest)?.[1] ?? "") : "";
  return { before, value: rest.slice(0, rest.length - after.length), after };
}

function kindOf(value: string): Kind {
  return KINDS.find(({ of }) => of.test(value)) ?? OTHER;
}

/** The placeholders of one session, or of one request where no session is told. */
export class Book {
  private readonly byValue = new Map<string, Placeholder>();
  private readonly byCore = new Map<string, Placeholder>();
  /** All of them in lower case; null while they are out of order. */
  private sorted: string[] | null = null;
  private readonly kinds = new Set<Kind>();
  private hint: RegExp | null = null;
  /** Some value is written otherwise in JSON, so that the quotes around its placeholder count. */
  hasSpecial = false;
  /** Bytes that it holds, about. */
  size = 0;

  /** `sign`: an HMAC in hex. */
  constructor(private readonly sign: (text: string) => string) {}

  get count(): number {
    return this.byValue.size;
  }

  /** Undefined for a value that has none yet. */
  known(value: string, isVerbatim: boolean): Placeholder | undefined {
    return this.byValue.get(keyOf(value, isVerbatim));
  }

  /** A value's placeholder, made where there is none that may be used; null where each try is in use or unusable. */
  issue(value: string, isVerbatim: boolean, isUsable: (text: string) => boolean): Placeholder | null {
    const own = kindOf(value);
    const key = keyOf(value, isVerbatim);
    for (let turn = 0; turn < TRIES; turn += 1) {
      const isShaped = !isVerbatim && turn < SHAPED_TRIES;
      const kind = isShaped ? own : OTHER;
      const digest = this.sign(turn === 0 ? key : `${turn}\0${key}`);
      const text = kind.make(digest.slice(0, turn === 0 ? SHORT_DIGITS : LONG_DIGITS));
      const core = coreOf(text);
      const taken = this.byCore.get(core);
      if (taken !== undefined && (taken.value !== value || taken.isVerbatim !== isVerbatim)) continue;
      if (!isUsable(text)) continue;
      return taken ?? this.add(kind, { key, core, text, value, isVerbatim });
    }
    return null;
  }

  private add(
    kind: Kind,
    made: {
      readonly key: string;
      readonly core: string;
      readonly text: string;
      readonly value: string;
      readonly isVerbatim: boolean;
    },
  ): Placeholder {
    const { core, isVerbatim, key, text, value } = made;
    const lower = text.toLowerCase();
    const isPlain = JSON.stringify(value).length === value.length + 2;
    const placeholder = { text, lower, value, isVerbatim, isPlain, offset: kind.offset };
    this.byValue.set(key, placeholder);
    this.byCore.set(core, placeholder);
    this.sorted = null;
    if (!this.kinds.has(kind)) {
      this.kinds.add(kind);
      this.hint = null;
    }
    this.hasSpecial ||= !isPlain;
    this.size += 2 * value.length + PLACEHOLDER_BYTES;
    return placeholder;
  }

  /** The known placeholders of a text, in any case, from left to right. */
  find(text: string): Mention[] {
    const found: Mention[] = [];
    let from = 0;
    CORE.lastIndex = 0;
    for (let match = CORE.exec(text); match !== null; match = CORE.exec(text)) {
      const placeholder = this.byCore.get(match[0].toLowerCase());
      const start = match.index - (placeholder?.offset ?? 0);
      const end = start + (placeholder?.text.length ?? 0);
      if (
        placeholder !== undefined &&
        start >= from &&
        text.slice(start, end).toLowerCase() === placeholder.lower
      ) {
        found.push({ start, end, placeholder });
        from = end;
      }
      CORE.lastIndex = Math.max(from, match.index + 1);
    }
    return found;
  }

  /** Whether a text may have any around two offsets, of whatever session. */
  mayHoldShapes(text: string, from: number, to: number): boolean {
    return MARK.test(text.slice(Math.max(0, from - LONGEST), to + LONGEST));
  }

  /** Where a text has placeholders around two offsets, and what has the shape of some other session's: start, end, start, end. */
  findShapes(text: string, from: number, to: number): number[] {
    const start = Math.max(0, from - LONGEST);
    const near = text.slice(start, to + LONGEST);
    const ranges: number[] = [];
    if (!MARK.test(near)) return ranges;
    let end = 0;
    const findForeign = (until: number): void => {
      for (const match of near.slice(end, until).matchAll(SHAPE))
        ranges.push(start + end + match.index, start + end + match.index + match[0].length);
    };
    for (const mention of this.find(near)) {
      findForeign(mention.start);
      ranges.push(start + mention.start, start + mention.end);
      ({ end } = mention);
    }
    findForeign(near.length);
    return ranges;
  }

  /** Where, at the end of a text, a placeholder may have begun; the text's length for nowhere. Not before `from`. */
  findBeginning(text: string, from: number): number {
    for (let at = Math.max(from, text.length - LONGEST); at < text.length; at += 1)
      if (this.isBeginning(text.slice(at).toLowerCase())) return at;
    return text.length;
  }

  private isBeginning(lower: string): boolean {
    this.sorted ??= [...this.byCore.values()].map((placeholder) => placeholder.lower).sort();
    const { sorted } = this;
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] ?? "") < lower) low = middle + 1;
      else high = middle;
    }
    const next = sorted[low];
    return next !== undefined && next.length > lower.length && next.startsWith(lower);
  }

  /**
   * Where, from a place on, JSON (its bytes as Latin-1) first shows that it may hold one, a string that ends in the beginning
   * of one, or the start of a block that may be signed; -1 for nowhere.
   */
  findHint(latin1: string, from: number): number {
    this.hint ??= new RegExp(
      ["chx", ESCAPED, "content_block_start", ...new Set([...this.kinds].map(({ begins }) => begins))].join(
        "|",
      ),
      "gi",
    );
    this.hint.lastIndex = from;
    return this.hint.exec(latin1)?.index ?? -1;
  }
}

function keyOf(value: string, isVerbatim: boolean): string {
  return isVerbatim ? `\0${value}` : value;
}

function coreOf(text: string): string {
  CORE.lastIndex = 0;
  return (CORE.exec(text)?.[0] ?? text).toLowerCase();
}
