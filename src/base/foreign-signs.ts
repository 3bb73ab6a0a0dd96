// What stands where a file cannot have it: signs that an input method for Chinese, a word processor or a web page made (“ ” ：， and
// the like), NUL bytes that a crash left, a conflict of git. Within strings such signs are as good as any other.
// Pure.
import { type Text, t } from "./text.ts";

export interface ForeignSign {
  readonly offset: number;
  readonly words: Text;
}

/** Those that Unicode's compatibility forms do not tell: https://www.unicode.org/reports/tr15/ */
const ASCII: Readonly<Record<string, string>> = {
  ...Object.fromEntries("“”„‟「」『』«»".split("").map((sign) => [sign, '"'])),
  ...Object.fromEntries("‘’‚‛".split("").map((sign) => [sign, "'"])),
  "【": "[",
  "】": "]",
  "、": ",",
  "。": ".",
  "–": "-",
  "—": "-",
};
/** A quotation mark that closes or opens nothing but what ASCII's would. */
const QUOTE_AT_EDGE = /[“”„‟](?=[^\S\n]*(?:[,:}\]\r\n]|$))|(?<=[,:{[=][^\S\n]*)[“”„‟]/g;
/** https://git-scm.com/docs/git-merge#_how_conflicts_are_presented */
const CONFLICT = /^(?:<{7}|\|{7}|={7}|>{7})(?: |\r?$)/;
const IN_A_LINE = /(?<!\\)"/g;

/**
 * The sign because of which nothing can be read at a place, which is `length` long; null where none is to blame. `quote`: what stands
 * around a string.
 */
export function findForeignSign(
  text: string,
  { length = 1, offset, quote }: { readonly offset: number; readonly length?: number; readonly quote?: '"' },
): ForeignSign | null {
  const [start, end] = [text.lastIndexOf("\n", offset - 1) + 1, text.indexOf("\n", offset)];
  const line = text.slice(start, end < 0 ? text.length : end);
  if (CONFLICT.test(line)) return { offset: start, words: t`a conflict of git that is not resolved` };
  const [token = ""] = text.slice(offset, offset + Math.max(1, length)).split(/["\n]/, 1);
  for (let at = offset; at < offset + token.length; at += 1) {
    const words = describeSign(text, at, quote);
    if (words !== null) return { offset: at, words };
  }
  // A string that such a sign was to end, or begin, goes on: there is an odd number of those that count.
  if ((line.match(IN_A_LINE)?.length ?? 0) % 2 === 0) return null;
  for (const { index } of line.matchAll(QUOTE_AT_EDGE)) {
    if (isPaired(line, index)) continue;
    const words = describeSign(text, start + index, quote);
    if (words !== null) return { offset: start + index, words };
  }
  return null;
}

/** A quotation within a string has both of them. */
function isPaired(line: string, index: number): boolean {
  return line[index] === "”" && line.slice(0, index).lastIndexOf("“") > line.slice(0, index).lastIndexOf('"');
}

function describeSign(text: string, offset: number, quote: string | undefined): Text | null {
  const sign = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  if (sign === "'" && quote !== undefined) return t`${sign} instead of ${quote}`;
  if (sign === "\u0000") return t`a NUL character`;
  if (sign <= "~") return null;
  const code = `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  if (/[\p{Cf}\p{Cc}]/u.test(sign)) return t`an invisible character (${code})`;
  if (/\p{Z}/u.test(sign)) return t`a space other than the usual one (${code})`;
  const ascii = ASCII[sign] ?? sign.normalize("NFKC");
  if (!/^[!-~]$/.test(ascii)) return null;
  return t`${sign} (${code}) instead of ${ascii === "'" ? (quote ?? ascii) : ascii}`;
}
