// Gives the hits of restoring rules their placeholders while one request is redacted, and sees to it that a perfect echo of the
// redacted text comes back as the text was. Loaded by the first rule that restores.
// Pure.
import { t } from "../base/text.ts";
import { mapToEscaped } from "./escapes.ts";
import { type Book, MOST_VALUES, type Placeholder, takeApart } from "./placeholders.ts";
import type { Redactor } from "./redactor.ts";
import { findInsertions, restoreText } from "./restore-text.ts";
import { type Issuer, RedactionRefused } from "./work.ts";

export interface IssuerOptions {
  readonly book: Book;
  /** A literal source that is in a placeholder would be redacted again. */
  readonly redactor: Redactor;
  /** The request: what is in it by itself stands for nothing else. */
  readonly bytes: Buffer;
}

export function createIssuer({ book, bytes, redactor }: IssuerOptions): Issuer {
  const isNatural = makeNatural(bytes);
  const holdsSource = (text: string): boolean =>
    redactor.matchers.some(({ rule, view }) => !rule.regex && view(text).includes(view(rule.source)));
  const give = (value: string, isVerbatim: boolean): Placeholder => {
    const known = book.known(value, isVerbatim);
    if (known !== undefined && !holdsSource(known.text)) return known;
    if (book.count >= MOST_VALUES)
      throw new RedactionRefused(t`the rules that restore match more than ${MOST_VALUES} different texts`);
    const made = book.issue(value, isVerbatim, (text) => !holdsSource(text) && !isNatural(text));
    if (made === null)
      throw new RedactionRefused(t`the sources leave no placeholder that contains none of them`);
    return made;
  };
  /** Of a string whose echo would come back otherwise. */
  let isVerbatim = false;
  const replaced = new Map<string, string>();
  const replace = (hit: string): string => {
    const known = isVerbatim ? undefined : replaced.get(hit);
    if (known !== undefined) return known;
    const { after, before, value } = takeApart(restoreText(book, hit));
    const made = before + give(value, isVerbatim).text + after;
    if (!isVerbatim) replaced.set(hit, made);
    return made;
  };
  /** Most hits are the same as the one before: told without a string of their own. */
  let last = { hit: "", made: "" };

  return {
    replace(text, start, end) {
      if (!isVerbatim && end - start === last.hit.length && text.startsWith(last.hit, start))
        return last.made;
      const hit = text.slice(start, end);
      const made = replace(hit);
      if (!isVerbatim) last = { hit, made };
      return made;
    },

    spare(text, ranges, isPattern) {
      if (!book.mayHoldShapes(text, ranges[0] ?? 0, ranges.at(-1) ?? 0)) return ranges;
      const spared: number[] = [];
      for (let at = 0; at < ranges.length; at += 2) {
        let [start, end] = [ranges[at] ?? 0, ranges[at + 1] ?? 0];
        const shapes = book.findShapes(text, start, end);
        let isInside = false;
        for (let shape = 0; shape < shapes.length; shape += 2) {
          const [first, last] = [shapes[shape] ?? 0, shapes[shape + 1] ?? 0];
          if (last <= start || first >= end) continue;
          isInside ||= isPattern && first <= start && end <= last;
          [start, end] = [Math.min(start, first), Math.max(end, last)];
        }
        if (isInside) continue;
        if ((spared.at(-1) ?? -1) > start) spared[spared.length - 1] = end;
        else spared.push(start, end);
      }
      return spared;
    },

    respell(token, before, after) {
      if (!isVerbatim && token === JSON.stringify(before)) return null;
      const insertions = findInsertions(book, after);
      const inner = token.slice(1, -1);
      const pieces: string[] = [];
      let [shift, from] = [0, 0];
      for (const { end, placeholder, start, text } of insertions) {
        const [first, last] = [start + shift, start + shift + text.length];
        if (before.slice(first, last) !== text) continue;
        shift += text.length - (end - start);
        const [rawStart = 0, rawEnd = 0] = mapToEscaped(inner, [first, last]);
        const raw = inner.slice(rawStart, rawEnd);
        const usual = placeholder.isVerbatim ? text : JSON.stringify(text).slice(1, -1);
        const { text: written } = raw === usual ? placeholder : give(raw, true);
        pieces.push(inner.slice(from, rawStart), written);
        from = rawEnd;
      }
      if (before.length - after.length !== shift) return null;
      return `"${pieces.join("")}${inner.slice(from)}"`;
    },

    settle(text, redact) {
      const redacted = redact();
      if (redacted === text || !book.hasSpecial || restoreText(book, redacted) === text) return redacted;
      isVerbatim = true;
      try {
        return redact();
      } finally {
        isVerbatim = false;
      }
    },
  };
}

/** As models and people write it; what nearly no request holds. */
const MARKS = ["chx", "CHX", "Chx", "240.", "241.", "242.", "243."];

/** Whether the request holds that text, in any case, where a person or a program wrote it. */
function makeNatural(bytes: Buffer): (text: string) => boolean {
  let lower: string | null | undefined;
  let written: string | undefined;
  return (text) => {
    if (lower === undefined)
      lower = MARKS.some((mark) => bytes.includes(mark)) ? bytes.toString("latin1").toLowerCase() : null;
    if (lower?.includes(text.toLowerCase()) !== true) return false;
    written ??= writtenIn(bytes).toLowerCase();
    return written.includes(text.toLowerCase());
  };
}

/** All but what a model thought and signed: there a placeholder is one that was given, also before a restart. */
function writtenIn(bytes: Buffer): string {
  const text = bytes.toString();
  try {
    return JSON.stringify(JSON.parse(text), (_key, value: unknown) => (isSigned(value) ? null : value));
  } catch {
    return text;
  }
}

function isSigned(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    value.type === "thinking" &&
    "signature" in value
  );
}
