// A whole conversation as Markdown or JSON. For programs and other tools: not translated.
import { makeResumeFrom } from "../../../app/session/resume.ts";
import { CLIENT_NAME } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import type { SessionFacts, TranscriptItem } from "../../../sessions/session.ts";
import { readTranscript } from "../../../sessions/transcript.ts";
import type { Cli } from "../../cli.ts";
import { readHere } from "./here.ts";
import { makeSessionJson } from "./session-lines.ts";

const MOST_SUMMARY = 100;

/** The names are a contract (docs/sessions.md). */
export function exportJson(cli: Cli, facts: SessionFacts): void {
  const items = [...readTranscript(cli.paths, facts)].map(({ kind, text, tool, at }) => ({
    kind,
    at: at === null ? null : new Date(at).toISOString(),
    ...(tool === undefined ? {} : { tool }),
    text,
  }));
  cli.out.json({ ...makeSessionJson(facts, makeResumeFrom(facts, readHere(cli.env))), items });
}

export function exportMarkdown(cli: Cli, facts: SessionFacts): void {
  const { branch, cwd, file, model, title, firstPrompt } = facts;
  const heading = oneLine(title ?? firstPrompt ?? file.id ?? "").slice(0, MOST_SUMMARY);
  cli.out.line(`# ${heading}\n`);
  const about = { session: file.id, directory: cwd, branch, model };
  for (const [name, value] of Object.entries(about))
    if (value !== null) cli.out.line(`- ${name}: \`${oneLine(value)}\``);
  for (const item of readTranscript(cli.paths, facts)) cli.out.line(`\n${markdownOf(item, facts)}`);
}

function markdownOf({ kind, text, tool = "", at }: TranscriptItem, { file }: SessionFacts): string {
  const time = at === null ? "" : ` · ${new Date(at).toISOString()}`;
  if (kind === "prompt") return `## User${time}\n\n${text}`;
  if (kind === "answer") return `## ${CLIENT_NAME[file.service]}${time}\n\n${text}`;
  const summary = kind === "call" ? `${tool}: ${text}` : "output";
  const line = oneLine(summary.slice(0, MOST_SUMMARY)).replaceAll("<", "&lt;");
  const fence = fenceFor(text);
  return `<details><summary>${line}</summary>\n\n${fence}\n${text}\n${fence}\n\n</details>`;
}

/** Longer than any run of backticks within (CommonMark 4.5). */
function fenceFor(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  return "`".repeat(Math.max(3, longest + 1));
}
