// Finds a text in what was asked and answered in a session. Only reads.
import { errorCode } from "../base/errors.ts";
import { hasMark, linesFromStart, openSource, parseLine } from "./files.ts";
import type { Session, TranscriptItem } from "./session.ts";

export interface SearchHit extends Pick<TranscriptItem, "kind" | "at"> {
  /** The line of the message with the first match in it. */
  readonly line: string;
  /** Where the match begins in the line, and how long it is, in UTF-16 code units. */
  readonly start: number;
  readonly length: number;
}

type Needle = ReturnType<typeof makeNeedle>;

/** Literal. Ignores case unless `isCaseSensitive`. */
export function makeNeedle(text: string, isCaseSensitive: boolean) {
  const flags = isCaseSensitive ? "u" : "iu";
  const written = JSON.stringify(text).slice(1, -1);
  return {
    /** In a decoded text. */
    inText: new RegExp(escape(text), flags),
    /** In a line of a session's file, as JSON writes the text. */
    inJson: new RegExp(escape(written), flags),
  };
}

/** One hit for each message that has the text, in the order of the file. Of a file that cannot be read: none. */
export function* searchSession({ file }: Session, needle: Needle): Generator<SearchHit> {
  try {
    using source = openSource(file.path, file.bytes);
    const items = file.format.createItemReader(file);
    for (const line of linesFromStart(source, source.bytes)) {
      if (!hasMark(line, items.messageMarks) || !needle.inJson.test(line.toString("utf8"))) continue;
      const record = parseLine(line);
      for (const item of record === null ? [] : items.read(record)) {
        const isMessage = item.kind === "prompt" || item.kind === "answer";
        const hit = isMessage ? findIn(item, needle) : null;
        if (hit !== null) yield hit;
      }
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

function findIn({ kind, at, text }: TranscriptItem, { inText }: Needle): SearchHit | null {
  const match = inText.exec(text);
  if (match === null) return null;
  const begin = match.index === 0 ? 0 : text.lastIndexOf("\n", match.index - 1) + 1;
  const after = text.indexOf("\n", match.index + match[0].length);
  return {
    kind,
    at,
    line: text.slice(begin, after < 0 ? text.length : after),
    start: match.index - begin,
    length: match[0].length,
  };
}

/** `RegExp.escape` writes a leading letter as \x61, which the `u` flag takes; its \- is no escape there. */
function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
