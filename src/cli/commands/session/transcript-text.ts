// A conversation for a person to read: who said what, and one line for each tool that was used.
import { t } from "../../../base/language.ts";
import { showPath } from "../../../base/paths.ts";
import { CLIENT_NAME } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { showMoment } from "../../../base/time-words.ts";
import type { SessionFacts, TranscriptItem } from "../../../sessions/session.ts";
import type { Cli } from "../../cli.ts";

const MOST_CALL = 100;

/** One part after the other, as it is read. */
export function* renderTranscript(
  cli: Cli,
  facts: SessionFacts,
  items: Iterable<TranscriptItem>,
): Generator<string> {
  const { out } = cli;
  const { branch, cwd, file, model } = facts;
  const about = [cwd === null ? null : showPath(cwd, cli.env), branch, model];
  yield `${out.paint("bold", CLIENT_NAME[file.service])}  ${file.id ?? ""}`;
  yield out.paint("dim", about.flatMap((part) => (part === null ? [] : [oneLine(part)])).join(" · "));
  let before: TranscriptItem["kind"] | null = null;
  for (const item of items) {
    const isTalk = item.kind === "prompt" || item.kind === "answer";
    if (isTalk || before === "prompt" || before === "answer" || before === null) yield "";
    yield isTalk ? renderTalk(item, facts, cli) : out.paint("dim", renderTool(item));
    before = item.kind;
  }
}

function renderTalk({ kind, text, at }: TranscriptItem, { file }: SessionFacts, { out, now }: Cli): string {
  const who = kind === "prompt" ? out.paint("cyan", t`you`) : out.paint("green", CLIENT_NAME[file.service]);
  const when = at === null ? "" : `  ${out.paint("dim", showMoment(at, now()))}`;
  return `${who}${when}\n${text.trim()}`;
}

function renderTool({ kind, text, tool = "" }: TranscriptItem): string {
  if (kind === "call") {
    const asked = oneLine(text.slice(0, 10 * MOST_CALL));
    return `  ${oneLine(tool)}: ${asked.length > MOST_CALL ? `${asked.slice(0, MOST_CALL)}…` : asked}`;
  }
  const lines = text.trimEnd().split("\n").length;
  return lines === 1 ? t`    1 line` : t`    ${lines} lines`;
}
