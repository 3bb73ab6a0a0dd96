// What a session's file says of the session. Of a long file only both ends are read. Only reads.
import { ignoreSystemError } from "../base/errors.ts";
import {
  END_BYTES,
  findInLines,
  hasMark,
  linesFromEnd,
  linesFromStart,
  openSource,
  parseLine,
} from "./files.ts";
import { readTimestamp } from "./record-text.ts";
import type { ByteSource, MutableFacts, Session, SessionFacts, SessionFile } from "./session.ts";

/** Never throws: of a file that cannot be read nothing is known. */
export function readSession(file: SessionFile): Session {
  const read = (): Session => {
    using source = openSource(file.path, file.bytes);
    return { ...file.format.readSession(file, source), updatedAt: readLastTime(source) ?? file.modifiedAt };
  };
  const { isSubagent, modifiedAt } = file;
  return ignoreSystemError(read, { file, cwd: null, isSubagent, updatedAt: modifiedAt });
}

function readLastTime(source: ByteSource): number | null {
  return findInLines(linesFromEnd(source, END_BYTES), ['"timestamp":'], (record) =>
    readTimestamp(record["timestamp"]),
  );
}

/** All that a list shows. Never throws: of a file that cannot be read, what its name says is known. */
export function readFacts(session: Session): SessionFacts {
  const { file } = session;
  const facts: MutableFacts = {
    ...session,
    startedAt: null,
    firstPrompt: null,
    title: null,
    branch: null,
    model: null,
    provider: null,
    turns: 0,
    isTurnsMinimum: false,
    isLocalOnly: false,
    isFork: false,
    forkedFrom: null,
  };
  const read = (): void => {
    using source = openSource(file.path, file.bytes);
    facts.isTurnsMinimum = source.bytes > 2 * END_BYTES;
    readBothEnds(source, facts);
  };
  ignoreSystemError(read, undefined);
  return facts;
}

function readBothEnds(source: ByteSource, facts: MutableFacts): void {
  const { format } = facts.file;
  const items = format.createItemReader(facts.file);
  const factReader = format.createFactReader(facts);
  const marks = [...items.messageMarks, ...factReader.marks];
  let isLocal = false;
  for (const line of linesOfBothEnds(source)) {
    const record = hasMark(line, marks) ? parseLine(line) : null;
    if (record === null) continue;
    factReader.read(record);
    for (const item of items.read(record)) {
      if (item.kind !== "prompt") continue;
      isLocal ||= item.isLocal === true;
      if (item.isLocal === true) continue;
      facts.turns += 1;
      facts.firstPrompt ??= item.text;
    }
  }
  facts.isLocalOnly = isLocal && facts.turns === 0 && !facts.isTurnsMinimum;
}

function* linesOfBothEnds(source: ByteSource): Generator<Buffer> {
  if (source.bytes <= 2 * END_BYTES) return yield* linesFromStart(source, source.bytes);
  yield* linesFromStart(source, END_BYTES);
  yield* [...linesFromEnd(source, END_BYTES)].reverse();
}
