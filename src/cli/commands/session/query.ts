// Which session or sessions the flags ask for, and what to say where there are none.
import { readCurrentDirectory } from "../../current-directory.ts";
import { dirname, resolve } from "node:path";
import { loadFormats } from "../../../app/session/formats.ts";
import { UserError } from "../../../base/errors.ts";
import { t } from "../../language.ts";
import { lookAt } from "../../../base/files.ts";
import { findUserHome, showPath } from "../../../base/paths.ts";
import { quoteWord } from "../../../base/shell.ts";
import { DEFAULT_SERVICE, SERVICES, type Service } from "../../../base/service.ts";
import { loadConfig } from "../../../config/file.ts";
import { readFacts } from "../../../sessions/facts.ts";
import {
  type SessionQuery,
  findById,
  findLatest,
  findSessions,
  readRecentIds,
} from "../../../sessions/find.ts";
import { type Project, readProject } from "../../../sessions/project.ts";
import { readUuid } from "../../../sessions/record-text.ts";
import type { SessionFacts, SessionFormat } from "../../../sessions/session.ts";
import { SERVICE_ARGS, type Typed, readService, usageError } from "../../args.ts";
import { readTime } from "../../time-words.ts";
import type { Cli } from "../../cli.ts";

/** Where systems have their users' homes. */
const HOMES: ReadonlySet<string> = new Set(["/home", "/Users", "/var/home"]);
/** Files that are read to say where else sessions may be. */
const MOST_FILES = 4_000;

export const QUERY_ARGS = {
  path: { type: "string", valueHint: "DIR", description: "sessions of the project that contains DIR" },
  all: { type: "boolean", description: "sessions of all projects" },
  since: { type: "string", valueHint: "TIME", description: "sessions changed since: 12h, today, 2026-01-31" },
  ...SERVICE_ARGS,
  "all-services": { type: "boolean", description: "sessions of both clients" },
  "include-subagents": { type: "boolean", description: "include sessions of sub-agents" },
  "include-archived": { type: "boolean", description: "include archived sessions" },
} as const;

export type QueryArgs = Typed<typeof QUERY_ARGS>;

/** Throws UserError for flags that exclude one another. */
export async function makeQuery(cli: Cli, args: QueryArgs, maxFiles = Infinity): Promise<SessionQuery> {
  if (args.all === true && args.path !== undefined)
    throw usageError(t`--all and --path cannot be used together`);
  const { since } = args;
  const formats = await loadFormats(cli.paths, await readServices(cli, args));
  const histories = [...formats.map(({ promptHistory }) => promptHistory), cli.paths.requestsLog];
  return {
    formats,
    project: args.all === true ? null : readProject(resolve(readCurrentDirectory(cli.env), args.path ?? ".")),
    since: since === undefined ? null : readTime({ flag: "--since", value: since, now: cli.now() }),
    includesSubagents: args["include-subagents"] === true,
    includesArchived: args["include-archived"] === true,
    maxFiles,
    recentIds: maxFiles === Infinity ? new Set() : readRecentIds(histories),
  };
}

async function readServices(cli: Cli, args: QueryArgs): Promise<readonly Service[]> {
  const named = readService(args);
  if (args["all-services"] !== true)
    return [named ?? (await loadConfig(cli.paths.config)).defaultService ?? DEFAULT_SERVICE];
  if (named === undefined) return SERVICES;
  throw usageError(t`--all-services cannot be used with --codex or --claude`);
}

/**
 * The session that `args.id` names, of any client unless a flag names one; without an id the latest of the query. Throws
 * UserError where there is none, with similar ids.
 */
export async function findOne(
  cli: Cli,
  args: QueryArgs & { readonly id?: string | undefined },
): Promise<SessionFacts> {
  if (args.id === undefined) return requireLatest(cli, await makeQuery(cli, args));
  const service = readService(args);
  const formats = await loadFormats(cli.paths, service === undefined ? SERVICES : [service]);
  const { session, near } = findById(formats, args.id);
  if (session !== null) return readFacts(session);
  const hint = near.map((id) => `ch session show ${id}`).join("\n");
  if (near.length > 0 && readUuid(args.id) === null)
    throw new UserError(t`several sessions have an id that begins with ${args.id}`, { hint });
  throw new UserError(t`no session with the id ${args.id}`, {
    hint: hint === "" ? "ch session list --all --all-services" : hint,
  });
}

/** Throws UserError where a query finds nothing. */
export function requireLatest(cli: Cli, query: SessionQuery): SessionFacts {
  const latest = findLatest(query);
  if (latest !== null) return latest;
  const { message, hint } = describeNothing(query, cli);
  throw new UserError(message, { hint });
}

/** Says that a query finds nothing, on stderr. `text` is what was searched for. */
export function noteNothing(cli: Cli, query: SessionQuery, text?: string): void {
  const { message, hint } = describeNothing(query, cli, text);
  cli.out.note(message);
  if (hint !== undefined) cli.out.note(hint.replace(/^/gm, "  "));
}

/** What was not found, and where else to look. */
function describeNothing({ project, formats }: SessionQuery, cli: Cli, text?: string) {
  const isEveryClient = formats.length > 1;
  const moved = project === null ? null : findMoved(formats, project, cli);
  const hint = [
    ...(moved === null ? [] : [t`before your home was renamed: ch session list --path ${quoteWord(moved)}`]),
    ...(project === null ? [] : [t`in all projects: --all`]),
    ...(isEveryClient ? [] : [t`for both clients: --all-services`]),
  ].join("\n");
  return { message: describeMissing(project, cli, text), hint: hint === "" ? undefined : hint };
}

/** Where the project was while the home had another name, by the sessions that were there: that home is gone. */
function findMoved(formats: readonly SessionFormat[], { roots, path }: Project, { env }: Cli): string | null {
  const way = /^~(\/.+)$/.exec(showPath(roots[0] ?? path, env))?.[1];
  if (way === undefined) return null;
  const everywhere = {
    formats,
    project: null,
    since: null,
    includesSubagents: false,
    includesArchived: false,
  };
  for (const { cwd } of findSessions({ ...everywhere, maxFiles: MOST_FILES, recentIds: new Set() })) {
    const at = cwd === null ? -1 : `${cwd}/`.indexOf(`${way}/`);
    const old = cwd?.slice(0, Math.max(0, at)) ?? "";
    const isHome = HOMES.has(dirname(old)) || dirname(old) === dirname(findUserHome(env));
    if (old !== "" && isHome && lookAt(old) === null) return old + way;
  }
  return null;
}

function describeMissing(project: Project | null, cli: Cli, text: string | undefined): string {
  if (project === null) return text === undefined ? t`no session found` : t`no session contains "${text}"`;
  const root = showPath(project.roots[0] ?? project.path, cli.env);
  return text === undefined ? t`no session in ${root}` : t`no session in ${root} contains "${text}"`;
}
