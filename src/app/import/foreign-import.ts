// Reads what may be taken over: a config.json or an export of one, the files of other programs of this kind, a link.
// Writes nothing.
import { isAbsolute, join, resolve } from "node:path";
import type { Env } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { decodeText } from "../../base/bytes.ts";
import { readGiven } from "../../base/files.ts";
import { t, type Text, inEnglish } from "../../base/text.ts";
import { findUserHome } from "../../base/paths.ts";
import { SERVICES, type Service } from "../../base/service.ts";
import { type Import, type ImportedConfig, problemOfUpstream } from "../../clients/imported-config.ts";
import { FOREIGN_DIRECTORY, type ForeignTool } from "../../clients/import/tools.ts";
import { showCommand } from "../../config/key-command.ts";
import { formatTarget } from "../../config/name.ts";
import { isMaskedSecret } from "../../config/export.ts";
import { type ParsedConfig, parseConfig } from "../../config/parse.ts";
import type { UpstreamEntry } from "../../config/schema.ts";

export interface FileImport extends Import {
  readonly config: ParsedConfig;
  /** What prints keys by the file, masked, by "main#1": whether it is left out or not. */
  readonly commands: readonly { readonly label: string; readonly command: string }[];
}

/**
 * What runs programs here is left out unless `allowsCommands`. Throws UserError where there is no such file, or it is not one
 * of ours.
 */
export async function readFileImport(path: string, allowsCommands: boolean): Promise<FileImport> {
  const bytes = await readGiven(path);
  if (bytes === null) throw new UserError(t`file not found: ${path}`);
  return readConfigImport(decodeText(bytes, path), path, allowsCommands);
}

/** The same of a line without keys. Throws UserError where it is damaged. */
export async function readLineImport(line: string, allowsCommands: boolean): Promise<FileImport> {
  const { readLine } = await import("../../config/line.ts");
  return readConfigImport(readLine(line), "codex-helper:", allowsCommands);
}

/** More than anybody could look through before they are taken over. */
const MOST_CONFIGS = 1000;

function readConfigImport(text: string, path: string, allowsCommands: boolean): FileImport {
  const config = parseConfig(text, path);
  const all = SERVICES.map((service) => config.services[service]);
  const count = all.reduce((sum, { broken, configs }) => sum + configs.size + broken.size, 0);
  if (count > MOST_CONFIGS) throw new UserError(t`${path} has ${count} configs, more than ${MOST_CONFIGS}`);
  const skipped: Text[] = SERVICES.flatMap((service) => [...config.services[service].broken.values()]);
  const configs: ImportedConfig[] = [];
  const commands: { label: string; command: string }[] = [];
  for (const service of SERVICES) {
    const { active, configs: named } = config.services[service];
    const ordered = [...named.values()].toSorted(
      (one, other) => Number(other.name === active) - Number(one.name === active),
    );
    for (const { name, entry } of ordered) {
      const { upstreams: written, alias, ...extra } = entry;
      for (const [index, { auth }] of written.entries())
        for (const words of [auth?.auth_token_command, auth?.api_key_command])
          if (words != null)
            commands.push({ label: formatTarget(name, index + 1), command: showCommand(words) });
      const upstreams = allowsCommands ? written : written.map(withoutCommand);
      const problem = upstreams
        .map((upstream) => problemElsewhere(upstream, service))
        .find((one) => one !== null);
      if (problem != null) {
        skipped.push(t`"${name}": ${problem}`);
        continue;
      }
      const words = alias == null ? {} : { alias };
      configs.push({ service, name, ...words, upstreams, extra, from: path });
    }
  }
  if (configs.length + skipped.length === 0) throw new UserError(t`${path} contains no configs`);
  return { config, configs, commands, skipped: skipped.map((words) => explainMask(words, text)) };
}

/** Whoever made the file would choose what runs on this machine. */
function withoutCommand(upstream: UpstreamEntry): UpstreamEntry {
  if (upstream.auth == null) return upstream;
  const { auth_token_command, api_key_command, command_ttl_secs: _ttl, ...auth } = upstream.auth;
  if (auth_token_command == null && api_key_command == null) return upstream;
  const { auth: _auth, ...others } = upstream;
  return Object.keys(auth).length === 0 ? others : { ...others, auth };
}

/** A file may not say itself where the client's own login belongs: `imported_origin` counts on the machine it was made on. */
function problemElsewhere(upstream: UpstreamEntry, service: Service): Text | null {
  const { imported_origin: _, ...tags } = upstream.tags ?? {};
  return problemOfUpstream({ ...upstream, tags }, service);
}

/** A masked export parses as far as its keys, which no header can carry. */
function explainMask(words: Text, text: string): Text {
  return isMaskedSecret(text) && /auth_token|api_key/.test(inEnglish(words))
    ? t`${words} (its key is masked: export it without --masked)`
    : words;
}

export interface ForeignImport extends Import {
  /** The directory or file that was read; null for a link. */
  readonly source: string | null;
}

/** `directory` is where the tool keeps its files, if not in the usual place. Throws UserError where there are none. */
export async function findForeignImport(
  tool: ForeignTool,
  directory: string | undefined,
  env: Env,
): Promise<ForeignImport> {
  const given = directory ?? join(findUserHome(env), FOREIGN_DIRECTORY[tool]);
  const source = isAbsolute(given) ? given : resolve(given);
  if (tool === "cli_proxy") {
    const { importCliProxy, readCliProxy } = await import("../../clients/import/cli-proxy.ts");
    return { ...importCliProxy(await readCliProxy(source)), source };
  }
  if (tool === "claude-code-router") {
    const { importRouterConfig, readRouterConfig } =
      await import("../../clients/import/claude-code-router.ts");
    return { ...importRouterConfig(await readRouterConfig(source)), source };
  }
  const { importCcSwitch } = await import("../../clients/import/cc-switch.ts");
  const { readCcSwitch } = await import("../../clients/import/cc-switch-files.ts");
  const { providers, notes, file } = await readCcSwitch(source);
  const { configs, skipped } = importCcSwitch(providers);
  return { configs, skipped: [...skipped, ...notes], source: file };
}

/** A ccswitch:// link. Throws UserError where it cannot be taken over. */
export async function readLinkImport(link: string): Promise<ForeignImport> {
  const { importLink } = await import("../../clients/import/link.ts");
  return { ...importLink(link), source: null };
}
