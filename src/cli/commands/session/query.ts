// Which sessions the flags ask for, and what to say where there are none.
import { resolve } from "node:path";
import { readSessionHints } from "../../../app/session/hints.ts";
import { EXIT, UserError } from "../../../base/errors.ts";
import { t } from "../../../base/language.ts";
import { showPath } from "../../../base/paths.ts";
import { SERVICES, type Service } from "../../../base/service.ts";
import { loadConfig } from "../../../config/file.ts";
import type { SessionQuery } from "../../../sessions/find.ts";
import { type Project, readProject } from "../../../sessions/project.ts";
import { readService } from "../../args.ts";
import type { Cli } from "../../cli.ts";
import { readTime } from "../../time-arg.ts";
import { readHere } from "./here.ts";
import type { PlaceArgs } from "./place-args.ts";

/** Throws UserError for flags that exclude one another. */
export async function makeQuery(cli: Cli, args: PlaceArgs, mostFiles = Infinity): Promise<SessionQuery> {
  if (args.all === true && args.path !== undefined)
    throw new UserError(t`--all and --path exclude one another`, { exitCode: EXIT.usage });
  const { since } = args;
  return {
    homes: cli.paths,
    services: await readServices(cli, args),
    project: args.all === true ? null : readProject(resolve(readHere(cli.env), args.path ?? ".")),
    since: since === undefined ? null : readTime({ flag: "--since", value: since, now: cli.now() }),
    includesSubagents: args["include-subagents"] === true,
    includesArchived: args["include-archived"] === true,
    mostFiles,
    hints: mostFiles === Infinity ? new Set() : readSessionHints(cli.paths),
  };
}

async function readServices(cli: Cli, args: PlaceArgs): Promise<readonly Service[]> {
  const named = readService(args);
  if (args["all-services"] !== true)
    return [named ?? (await loadConfig(cli.paths.config)).defaultService ?? "codex"];
  if (named === undefined) return SERVICES;
  throw new UserError(t`--all-services excludes --codex and --claude`, { exitCode: EXIT.usage });
}

/** What there is none of, and where else to look. */
export function describeNothing(
  { project, services }: SessionQuery,
  cli: Cli,
  text?: string,
): { readonly message: string; readonly hint: string | undefined } {
  const isBoth = services.length > 1;
  const hint = [
    ...(project === null ? [] : [t`of all projects: --all`]),
    ...(isBoth ? [] : [t`of both clients: --all-services`]),
  ].join("\n");
  return { message: describeMissing(project, cli, text), hint: hint === "" ? undefined : hint };
}

function describeMissing(project: Project | null, cli: Cli, text: string | undefined): string {
  if (project === null) return text === undefined ? t`no session found` : t`no session says "${text}"`;
  const root = showPath(project.roots[0] ?? project.path, cli.env);
  return text === undefined ? t`no session in ${root}` : t`no session in ${root} says "${text}"`;
}
