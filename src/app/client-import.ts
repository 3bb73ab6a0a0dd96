// Finds what a client is set up with and puts it into config.json, as configs of its own. Reads the client's files,
// writes only ours.
import type { Env } from "../base/env.ts";
import { UserError } from "../base/errors.ts";
import { t } from "../base/language.ts";
import type { Paths } from "../base/paths.ts";
import { CLIENT_NAME, DEFAULT_PORT, type Service } from "../base/service.ts";
import { readClaudeFacts } from "../clients/claude-facts.ts";
import { readCodexFacts } from "../clients/codex-facts.ts";
import { importClaude } from "../clients/import-claude.ts";
import { importCodex } from "../clients/import-codex.ts";
import type { Import } from "../clients/imported-config.ts";
import { isLoopback } from "../config/base-url.ts";

export interface ImportOptions {
  readonly paths: Paths;
  readonly env: Env;
  readonly cwd: string;
  readonly service: Service;
}

/** What the client has, the one in use first. Throws UserError where its files cannot be read, or hold nothing. */
export async function findImport({ paths, env, cwd, service }: ImportOptions): Promise<Import> {
  const found =
    service === "codex"
      ? importCodex(await readCodexFacts(paths), env, isOwnAddress)
      : importClaude(await readClaudeFacts({ paths, env, cwd }), env, isOwnAddress);
  if (found.configs.length > 0) return found;
  const flag = service === "codex" ? "" : " --claude";
  const why = [...new Set(found.skipped)].map((words) => ` (${words})`).join("");
  const client = CLIENT_NAME[service];
  throw new UserError(t`${client} has no provider or login that could be taken over${why}`, {
    hint: `ch config add main --base-url URL --auth-token-env NAME${flag}`,
  });
}

function isOwnAddress(baseUrl: string): boolean {
  if (!URL.canParse(baseUrl)) return false;
  const { hostname, port } = new URL(baseUrl);
  return isLoopback(hostname) && Object.values(DEFAULT_PORT).some((own) => port === String(own));
}
