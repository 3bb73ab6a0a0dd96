// The latest session of a query, and what there is to say before it is resumed.
import { type ProviderChange, findProviderChange, makeResumeFrom } from "../../../app/session/resume.ts";
import { UserError } from "../../../base/errors.ts";
import { t } from "../../../base/language.ts";
import { readFacts } from "../../../sessions/facts.ts";
import { type SessionQuery, findSessions } from "../../../sessions/find.ts";
import type { SessionFacts } from "../../../sessions/session.ts";
import type { Cli } from "../../cli.ts";
import { readHere } from "./here.ts";
import { makeSessionJson, renderSessions } from "./session-lines.ts";

/** Null where there is none. */
export function findLast(query: SessionQuery): SessionFacts | null {
  for (const mostFiles of new Set([query.mostFiles, Infinity])) {
    const first = findSessions({ ...query, mostFiles }).next();
    if (first.done !== true) return readFacts(first.value);
  }
  return null;
}

export interface LastContext {
  readonly query: SessionQuery;
  readonly format: "words" | "json" | "id";
}

export async function showLast(cli: Cli, facts: SessionFacts, { query, format }: LastContext): Promise<void> {
  if (format === "id") {
    const { id, path } = facts.file;
    if (id === null) throw new UserError(t`the session in ${path} has no id`);
    return cli.out.line(id);
  }
  const resume = makeResumeFrom(facts, readHere(cli.env));
  if (format === "json") return cli.out.json(makeSessionJson(facts, resume));
  const { project, services } = query;
  cli.out.line(renderSessions([facts], { cli, project, showsService: services.length > 1 }).join("\n"));
  if (resume !== null) cli.out.line(`\n${cli.out.paint("bold", resume)}`);
  const change = await findProviderChange(cli.paths, facts);
  if (change !== null) warnOf(cli, change);
}

function warnOf({ out }: Cli, { stored, configured, isStoredDefined }: ProviderChange): void {
  if (isStoredDefined)
    out.warn(
      t`this session belongs to the provider "${stored}" and goes on with it, though Codex is set to "${configured}"`,
    );
  else
    out.warn(
      t`this session belongs to the provider "${stored}", which config.toml does not define: Codex will not resume it`,
    );
}
