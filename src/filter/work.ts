// Counts what the rules do to one request and stops them when they do too much of it.
// Pure.
import { type Text, inEnglish, t } from "../base/text.ts";
import { newAllowance } from "./prefilter.ts";
import type { RuleSet } from "./rules.ts";

/** The rules cannot be applied within bounds: the request must not be sent. `text` is for the user. */
export class RedactionRefused extends Error {
  override readonly name = "RedactionRefused";

  constructor(readonly text: Text) {
    super(inEnglish(text));
  }
}

/** Gives the hits of rules that restore their placeholders. */
export interface Issuer {
  /** What a hit in a text is replaced with. */
  readonly replace: (text: string, start: number, end: number) => string;
  /** The matches without those inside of placeholders; one that cuts a placeholder takes all of it. */
  readonly spare: (text: string, ranges: readonly number[], isPattern: boolean) => readonly number[];
  /** A nested string token with its new value; what was not redacted keeps its spelling. Null where that cannot be told. */
  readonly respell: (token: string, before: string, after: string) => string | null;
  /** Redacts a whole string. Where quotes count and its echo would come back otherwise, its values are bound as they are spelled. */
  readonly settle: (text: string, redact: () => string) => string;
}

export type Work = ReturnType<typeof createWork>;

/** A request may become this many times as long, and a bit: rules shorten texts or lengthen them a little. */
const MAX_GROWTH_FACTOR = 4;
const FREE_GROWTH_CHARS = 2 ** 20;
/** For all patterns and one request. Patterns are linear; this is for a huge body or a far-looking pattern. */
const MAX_PATTERN_MS = 2000;

/** `size`: bytes or characters of the request. `now`: a monotonic clock, ms. `issuer`: null where no rule restores. */
export function createWork(
  { numbers, rules }: Pick<RuleSet, "numbers" | "rules">,
  size: number,
  { issuer, now }: { readonly now: () => number; readonly issuer: Issuer | null },
) {
  let end: number | undefined;
  const limit = size * (MAX_GROWTH_FACTOR - 1) + FREE_GROWTH_CHARS;
  let grown = 0;
  return {
    issuer,
    allowance: newAllowance(),
    /** Replacements, by the rule's place in the file. */
    hits: rules.map(() => 0),
    /** Matches in places that are never changed, likewise. */
    exemptHits: rules.map(() => 0),
    /** Throws RedactionRefused once the patterns have had their time, which begins with the first call. */
    deadline: (): void => {
      const at = now();
      if (at > (end ??= at + MAX_PATTERN_MS))
        throw new RedactionRefused(t`the patterns took longer than ${MAX_PATTERN_MS / 1000} s`);
    },
    /** Books `chars` more characters (or fewer). Throws RedactionRefused when the request has grown too much. */
    grow: (chars: number, ruleIndex: number): void => {
      grown += chars;
      if (grown > limit)
        throw new RedactionRefused(t`rule ${numbers[ruleIndex] ?? 0} makes the request too large`);
    },
  };
}
