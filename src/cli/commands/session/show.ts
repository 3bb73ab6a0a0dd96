// `ch session show`: a conversation for a person to read: who said what, and one line for each use of a tool.
import { t, tell } from "../../language.ts";
import { showPath } from "../../../base/paths.ts";
import { CLIENT_NAME } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { showMoment } from "../../../base/text.ts";
import type { SessionFacts, TranscriptItem } from "../../../sessions/session.ts";
import { readTranscript } from "../../../sessions/transcript.ts";
import { JSON_ARG } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { exportJson } from "./export.ts";
import { page } from "./pager.ts";
import { QUERY_ARGS, findOne } from "./query.ts";

const MAX_CALL = 100;

export const showCommand = defineCommand({
  description: "read a session, without the output of tools",
  examples: [
    ["ch session show", "the last session of this project"],
    ["ch session show 0199a2f4", "a session, by the start of its id"],
  ],
  args: {
    id: { type: "positional", required: false, description: "the session's id, or the start of it" },
    pager: { type: "boolean", default: true, negativeDescription: "print everything, without a pager" },
    ...QUERY_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const facts = await findOne(cli, args);
    if (args.json === true) return await exportJson(cli, facts);
    await page(cli, renderTranscript(cli, facts, readTranscript(facts)), args.pager);
  },
});

/** One part after the other, as it is read. */
function* renderTranscript(
  cli: Cli,
  facts: SessionFacts,
  items: Iterable<TranscriptItem>,
): Generator<string> {
  const { out } = cli;
  const { branch, cwd, file, model } = facts;
  const about = [cwd === null ? null : showPath(cwd, cli.env), branch, model];
  yield `${out.paint("bold", CLIENT_NAME[file.format.service])}  ${file.id ?? ""}`;
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
  const who =
    kind === "prompt" ? out.paint("cyan", t`you`) : out.paint("green", CLIENT_NAME[file.format.service]);
  const when = at === null ? "" : `  ${out.paint("dim", tell(showMoment(at, now())))}`;
  return `${who}${when}\n${text.trim()}`;
}

function renderTool({ kind, text, tool = "" }: TranscriptItem): string {
  if (kind === "call") {
    const asked = oneLine(text.slice(0, 10 * MAX_CALL));
    return `  ${oneLine(tool)}: ${asked.length > MAX_CALL ? `${asked.slice(0, MAX_CALL)}…` : asked}`;
  }
  const lines = text.trimEnd().split("\n").length;
  return lines === 1 ? t`    1 line` : t`    ${lines} lines`;
}
