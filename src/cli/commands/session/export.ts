// `ch session export`: a whole conversation with its tools, as Markdown or JSON. For programs: not translated.
import { CLIENT_NAME } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import type { SessionFacts, TranscriptItem } from "../../../sessions/session.ts";
import { readTranscript } from "../../../sessions/transcript.ts";
import { SERVICE_ARGS } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { findOne } from "./query.ts";
import { makeSessionJson, readSwitches } from "./session-lines.ts";

const MAX_SUMMARY = 100;

export const exportCommand = defineCommand({
  description: "export a whole session as Markdown or JSON",
  examples: [
    ["ch session export 0199a2f4 > session.md", "as a document, with tool calls collapsed"],
    ["ch session export 0199a2f4 --format json", "everything, as JSON for scripts"],
  ],
  args: {
    id: { type: "positional", required: false, description: "the session's id, or the start of it" },
    format: {
      type: "enum",
      options: ["markdown", "json"],
      default: "markdown",
      valueHint: "FORMAT",
      description: "output format",
    },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    const facts = await findOne(cli, args);
    if (args.format === "json") await exportJson(cli, facts);
    else exportMarkdown(cli, facts);
  },
});

/** The names are a contract (docs/sessions.md). */
export async function exportJson(cli: Cli, facts: SessionFacts): Promise<void> {
  const items = [...readTranscript(facts)].map(({ kind, isLocal, text, tool, at }) => ({
    kind,
    at: at === null ? null : new Date(at).toISOString(),
    ...(isLocal === true ? { is_local: true } : {}),
    ...(tool === undefined ? {} : { tool }),
    text,
  }));
  const switches = await readSwitches(cli, [facts.file.format.service]);
  cli.out.json({ ...makeSessionJson(facts, cli, switches), items });
}

function exportMarkdown(cli: Cli, facts: SessionFacts): void {
  const { branch, cwd, file, model, title, firstPrompt } = facts;
  const heading = oneLine(title ?? firstPrompt ?? file.id ?? "").slice(0, MAX_SUMMARY);
  cli.out.line(`# ${heading}\n`);
  const about = { session: file.id, directory: cwd, branch, model };
  for (const [name, value] of Object.entries(about))
    if (value !== null) cli.out.line(`- ${name}: \`${oneLine(value)}\``);
  for (const item of readTranscript(facts)) cli.out.line(`\n${markdownOf(item, facts)}`);
}

function markdownOf({ kind, text, tool = "", at }: TranscriptItem, { file }: SessionFacts): string {
  const time = at === null ? "" : ` · ${new Date(at).toISOString()}`;
  if (kind === "prompt") return `## User${time}\n\n${text}`;
  if (kind === "answer") return `## ${CLIENT_NAME[file.format.service]}${time}\n\n${text}`;
  const summary = kind === "call" ? `${tool}: ${text}` : "output";
  const line = oneLine(summary.slice(0, MAX_SUMMARY)).replaceAll("<", "&lt;");
  const fence = fenceFor(text);
  return `<details><summary>${line}</summary>\n\n${fence}\n${text}\n${fence}\n\n</details>`;
}

/** Longer than any run of backticks within (CommonMark 4.5). */
function fenceFor(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  return "`".repeat(Math.max(3, longest + 1));
}
