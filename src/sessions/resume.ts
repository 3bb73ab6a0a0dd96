// The command that goes on with a session. It is made to be copied into a shell: nothing gets in but a UUID and a quoted path.
// Pure.
import type { Service } from "../base/service.ts";
import { printable } from "../base/terminal-text.ts";
import type { SessionPlace } from "./session.ts";
import { readUuid } from "./uuid.ts";

const RESUME: Readonly<Record<Service, (id: string) => string>> = {
  codex: (id) => `codex resume ${id}`,
  claude: (id) => `claude --resume ${id}`,
};

export interface ResumeOptions {
  /** Where to go first; null to stay. */
  readonly directory: string | null;
  /** It goes on behind a proxy alone: `ch run` brings one along. */
  readonly needsProxy?: boolean;
}

/**
 * Null for a session that has no id of its own to resume by. A directory whose name could steer a terminal is left
 * out: a client started elsewhere asks, or says where it was.
 */
export function makeResumeCommand(
  { file, isSubagent }: SessionPlace,
  { directory, needsProxy = false }: ResumeOptions,
): string | null {
  const id = readUuid(file.id);
  if (id === null || isSubagent) return null;
  const isSafe = directory !== null && printable(directory) === directory && !/[\n\t]/.test(directory);
  return [
    ...(isSafe ? [`cd ${quoteWord(directory)}`] : []),
    ...(file.isArchived ? [`codex unarchive ${id}`] : []),
    `${needsProxy ? "ch run -- " : ""}${RESUME[file.service](id)}`,
  ].join(" && ");
}

/** One word for a POSIX shell, quoted only where it must be. */
function quoteWord(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) && !word.startsWith("-") ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
