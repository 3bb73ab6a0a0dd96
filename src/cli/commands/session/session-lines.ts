// How a session looks in a list: two lines for a person, one object for a script.
import { readCurrentDirectory } from "../../current-directory.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import type { Service } from "../../../base/service.ts";
import { t } from "../../language.ts";
import { showPath } from "../../../base/paths.ts";
import type { SessionQuery } from "../../../sessions/find.ts";
import { relativeToProject } from "../../../sessions/project.ts";
import { type Switched, makeResumeFrom } from "../../../sessions/resume.ts";
import type { SessionFacts } from "../../../sessions/session.ts";
import type { Cli } from "../../cli.ts";
import { localDay } from "../../../base/text.ts";
import { alignRows } from "../../layout.ts";
import { stdoutWidth } from "./pager.ts";

/** What the lines need not say, because all sessions of the list have it in common. */
type Context = Pick<SessionQuery, "formats" | "project">;

/** Of a prompt, where no terminal sets a limit. */
const MAX_PROMPT = 200;
/** The time in an id of version 7: enough to tell it from others. */
const SHORT_ID = 13;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MAX_DAYS = 14;

/** Two lines for each: when and what was asked; the id, and what else tells it from others. */
export function renderSessions(sessions: readonly SessionFacts[], cli: Cli, context: Context): string[] {
  const width = stdoutWidth(cli.out);
  const asked = alignRows(
    sessions.map((facts) => [cli.out.paint("cyan", showAge(facts.updatedAt, cli.now())), promptOf(facts)]),
    width,
  );
  const about = alignRows(
    sessions.map((facts) => [
      `  ${facts.file.id ?? t`no id`}  ${cli.out.paint("dim", describe(facts, cli, context))}`,
    ]),
    width,
  );
  return asked.flatMap((line, index) => [line, about[index] ?? ""]);
}

function promptOf({ firstPrompt, title }: SessionFacts): string {
  const text = title ?? firstPrompt;
  if (text === null) return t`(no prompt)`;
  return oneLine(text.slice(0, 10 * MAX_PROMPT)).slice(0, MAX_PROMPT);
}

function describe(facts: SessionFacts, { env }: Cli, { formats, project }: Context): string {
  const { branch, cwd, file, forkedFrom, isFork, model, turns } = facts;
  const count = facts.isTurnsMinimum ? `${turns}+` : String(turns);
  const directory =
    cwd === null ? null : project === null ? showPath(cwd, env) : relativeToProject(project, cwd);
  const parent = forkedFrom?.slice(0, SHORT_ID) ?? null;
  const parts = [
    formats.length > 1 ? file.format.service : null,
    branch,
    turns === 1 && !facts.isTurnsMinimum ? t`1 turn` : t`${count} turns`,
    model,
    directory === "." ? null : directory,
    isFork ? (parent === null ? t`fork` : t`fork of ${parent}`) : null,
    facts.isSubagent ? t`sub-agent` : null,
    file.isArchived ? t`archived` : null,
  ];
  return parts.flatMap((part) => (part === null || part === "" ? [] : [oneLine(part)])).join(" · ");
}

/** "3 h ago"; the day, where that is long ago. Both in ms of the wall clock. */
export function showAge(at: number, now: number): string {
  const age = now - at;
  if (age < MINUTE_MS) return t`just now`;
  const minutes = Math.floor(age / MINUTE_MS);
  if (age < HOUR_MS) return t`${minutes} min ago`;
  const hours = Math.floor(age / HOUR_MS);
  if (age < DAY_MS) return t`${hours} h ago`;
  const days = Math.floor(age / DAY_MS);
  return days <= MAX_DAYS ? t`${days} d ago` : localDay(at);
}

/** Which clients come to a proxy by themselves, of those that are asked for. */
export type Switches = ReadonlyMap<Service, Switched>;

export async function readSwitches({ env, paths }: Cli, services: Iterable<Service>): Promise<Switches> {
  const { readSwitchStatus } = await import("../../../clients/switch/status.ts");
  const states = [...new Set(services)].map(async (service) => {
    const { isOn, isOwnerDead, keys } = await readSwitchStatus({ service, paths, env });
    return [service, { isOn: isOn && !isOwnerDead, keys }] as const;
  });
  return new Map(await Promise.all(states));
}

/** The command that resumes a session from here. */
export function makeResume(facts: SessionFacts, { env }: Cli, switches: Switches): string | null {
  const switched = switches.get(facts.file.format.service) ?? { isOn: false, keys: [] };
  return makeResumeFrom(facts, readCurrentDirectory(env), switched);
}

export type SessionJson = Readonly<Record<string, string | number | boolean | null>>;

/** The names are a contract (docs/sessions.md). */
export function makeSessionJson(facts: SessionFacts, cli: Cli, switches: Switches): SessionJson {
  const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
  return {
    service: facts.file.format.service,
    id: facts.file.id,
    cwd: facts.cwd,
    started_at: time(facts.startedAt),
    updated_at: time(facts.updatedAt),
    first_prompt: facts.firstPrompt,
    title: facts.title,
    branch: facts.branch,
    turns: facts.turns,
    turns_is_minimum: facts.isTurnsMinimum,
    model: facts.model,
    provider: facts.provider,
    is_fork: facts.isFork,
    forked_from: facts.forkedFrom,
    is_subagent: facts.isSubagent,
    is_archived: facts.file.isArchived,
    file: facts.file.path,
    resume: makeResume(facts, cli, switches),
  };
}
