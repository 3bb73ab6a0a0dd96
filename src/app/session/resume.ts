// How a session is gone on with from here, and what its client's present settings mean for it. Only reads.
import { UserError } from "../../base/errors.ts";
import { realPath } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import { OWN_PROVIDER } from "../../clients/codex/own-provider.ts";
import { isDirectory } from "../../sessions/project.ts";
import { makeResumeCommand } from "../../sessions/resume.ts";
import type { SessionFacts } from "../../sessions/session.ts";

/** A Codex session stays with its provider, whatever config.toml says now. */
export interface ProviderChange {
  /** The provider that the session is bound to. */
  readonly stored: string;
  readonly configured: string;
  /** Where it is not, Codex refuses to resume the session. */
  readonly isStoredDefined: boolean;
}

/** The command to type in `here`, with `cd` where the session was worked on elsewhere. Null where there is none. */
export function makeResumeFrom(facts: SessionFacts, here: string): string | null {
  const { cwd } = facts;
  const isElsewhere = cwd !== null && isDirectory(cwd) && realPath(cwd) !== realPath(here);
  return makeResumeCommand(facts, {
    directory: isElsewhere ? cwd : null,
    needsProxy: isOurs(facts),
  });
}

/** Made behind a proxy of ours by a Codex without a provider or login: its provider is one that we made up. */
function isOurs({ file, provider }: Pick<SessionFacts, "file" | "provider">): boolean {
  return file.service === "codex" && provider === OWN_PROVIDER;
}

/** Null where resuming goes the way of the configured provider, and where that cannot be told. */
export async function findProviderChange(
  paths: Paths,
  { file, provider }: Pick<SessionFacts, "file" | "provider">,
): Promise<ProviderChange | null> {
  if (file.service !== "codex" || provider === null || isOurs({ file, provider })) return null;
  const { readCodexFacts } = await import("../../clients/codex/facts.ts");
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
