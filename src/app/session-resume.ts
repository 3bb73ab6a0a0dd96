// How a session is gone on with from here, and what its client's present settings mean for it. Only reads.
import { UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { isDirectory, realPath } from "../sessions/project.ts";
import { makeResumeCommand } from "../sessions/resume.ts";
import type { SessionFacts, SessionPlace } from "../sessions/session.ts";

/** A Codex session stays with its provider, whatever config.toml says now. */
export interface ProviderChange {
  /** The provider that the session is bound to. */
  readonly stored: string;
  readonly configured: string;
  /** Where it is not, Codex refuses to resume the session. */
  readonly isStoredDefined: boolean;
}

/** The command to type in `here`, with `cd` where the session was worked on elsewhere. Null where there is none. */
export function makeResumeFrom(place: SessionPlace, here: string): string | null {
  const isElsewhere = place.cwd !== null && isDirectory(place.cwd) && realPath(place.cwd) !== realPath(here);
  return makeResumeCommand(place, isElsewhere ? place.cwd : null);
}

/** Null where resuming goes the way of the configured provider, and where that cannot be told. */
export async function findProviderChange(
  paths: Paths,
  { file, provider }: Pick<SessionFacts, "file" | "provider">,
): Promise<ProviderChange | null> {
  if (file.service !== "codex" || provider === null) return null;
  const { readCodexFacts } = await import("../clients/codex-facts.ts");
  try {
    const { activeId, providers } = await readCodexFacts(paths);
    if (activeId === provider) return null;
    const isStoredDefined = provider === "openai" || providers.some(({ id }) => id === provider);
    return { stored: provider, configured: activeId, isStoredDefined };
  } catch (error) {
    // A config.toml that cannot be read is for doctor to report.
    if (error instanceof UserError) return null;
    throw error;
  }
}
