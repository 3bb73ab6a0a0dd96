// Finds what a client is set up with and puts it into config.json, as configs of its own. Reads the client's files,
// writes only ours.
import type { Env } from "../base/env.ts";
import { UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { CLIENT_NAME, DEFAULT_PORT, type Service } from "../base/service.ts";
import { readClaudeFacts } from "../clients/claude-facts.ts";
import { readCodexFacts } from "../clients/codex-facts.ts";
import { importClaude } from "../clients/import-claude.ts";
import { importCodex } from "../clients/import-codex.ts";
import type { Import, ImportedConfig } from "../clients/imported-config.ts";
import { isLoopback } from "../config/base-url.ts";
import type { Plan } from "../config/edit.ts";
import type { ParsedConfig } from "../config/parse.ts";

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
  throw new UserError(`${CLIENT_NAME[service]} has no provider or login that could be taken over${why}`, {
    hint: `ch config add main --base-url URL --auth-token-env NAME${flag}`,
  });
}

/** Those that config.json does not have yet, under names that are free there. */
export function placeImports(
  configs: readonly ImportedConfig[],
  config: ParsedConfig,
  service: Service,
): ImportedConfig[] {
  const section = config.services[service];
  const taken = new Set(
    [...section.configs.keys(), ...section.broken.keys()].map((name) => name.toLowerCase()),
  );
  const known = new Set([...section.configs.values()].map(({ entry }) => identify(entry.upstreams)));
  const placed: ImportedConfig[] = [];
  for (const one of configs) {
    if (known.has(identify(one.upstreams))) continue;
    let name = one.name;
    for (let number = 2; taken.has(name.toLowerCase()); number += 1)
      name = `${one.name.slice(0, 60)}-${number}`;
    taken.add(name.toLowerCase());
    placed.push({ ...one, name });
  }
  return placed;
}

/** Adds them; the first becomes the active config of a service that has none. */
export function planImport(service: Service, configs: readonly ImportedConfig[]): Plan {
  return (config) => {
    const placed = placeImports(configs, config, service);
    const section = config.services[service];
    const [first] = placed;
    const isFirst = section.configs.size + section.broken.size === 0 && first !== undefined;
    return [
      ...(isFirst ? [{ kind: "set" as const, path: [service, "active"], value: first.name }] : []),
      ...placed.map(({ name, upstreams }) => ({
        kind: "set" as const,
        path: [service, "configs", name],
        value: { upstreams },
      })),
    ];
  };
}

/** What the client asks is the same; tags are words for people. */
function identify(upstreams: ImportedConfig["upstreams"]): string {
  return JSON.stringify(
    upstreams.map(({ base_url, auth, headers, query }) => [base_url, auth ?? {}, headers ?? {}, query ?? {}]),
  );
}

function isOwnAddress(baseUrl: string): boolean {
  if (!URL.canParse(baseUrl)) return false;
  const { hostname, port } = new URL(baseUrl);
  return isLoopback(hostname) && Object.values(DEFAULT_PORT).some((own) => port === String(own));
}
