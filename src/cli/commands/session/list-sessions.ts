// Finds the sessions that a list asks for and prints them.
import { makeResumeFrom } from "../../../app/session/resume.ts";
import { t } from "../../../base/language.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { readFacts } from "../../../sessions/facts.ts";
import { type SessionQuery, findSessions } from "../../../sessions/find.ts";
import type { SessionFacts } from "../../../sessions/session.ts";
import type { Cli } from "../../cli.ts";
import { readHere } from "./here.ts";
import { type SessionJson, makeSessionJson, renderSessions } from "./session-lines.ts";

export interface ListRequest {
  readonly query: SessionQuery;
  readonly limit: number;
  readonly format: "words" | "json" | "tsv";
}

/** The columns are a contract (docs/sessions.md). */
const TSV_COLUMNS = [
  "updated_at",
  "service",
  "id",
  "turns",
  "model",
  "branch",
  "cwd",
  "provider",
  "first_prompt",
] as const;

/** Whether there was any. */
export function listSessions(cli: Cli, { query, limit, format }: ListRequest): boolean {
  const found: SessionFacts[] = [];
  let isMore = false;
  for (const place of findSessions(query)) {
    isMore = found.length === limit;
    if (isMore) break;
    found.push(readFacts(place));
  }
  // A file's time may be later than what is in it.
  found.sort((one, other) => other.updatedAt - one.updatedAt);
  const { project, services } = query;
  const asJson = (): SessionJson[] =>
    found.map((facts) => makeSessionJson(facts, makeResumeFrom(facts, readHere(cli.env))));
  if (format === "json") cli.out.json({ project: project?.roots[0] ?? null, sessions: asJson() });
  else if (format === "tsv") {
    cli.out.line(TSV_COLUMNS.join("\t"));
    for (const session of asJson())
      cli.out.line(TSV_COLUMNS.map((column) => oneLine(String(session[column] ?? ""))).join("\t"));
  } else if (found.length > 0) {
    const context = { cli, project, showsService: services.length > 1 };
    cli.out.line(renderSessions(found, context).join("\n"));
  }
  const more = 2 * limit;
  if (isMore && format === "words") cli.out.note(t`there are older ones: --limit ${more}`);
  return found.length > 0;
}
