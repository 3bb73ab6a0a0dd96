// Finds what a client is set up with and puts it into config.json, as configs of its own. Reads the client's files,
// writes only ours.
import { UserError } from "../../base/errors.ts";
import { inEnglish, joinTexts, t } from "../../base/text.ts";
import { CLIENT_NAME, DEFAULT_PORT, SERVICES, type Service, flagFor } from "../../base/service.ts";
import type { ClientFiles } from "../../clients/client.ts";
import type { Import } from "../../clients/imported-config.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { readUnswitched } from "../../clients/switch/status.ts";
import { isOnThisMachine } from "../../config/base-url.ts";
import { readInstances } from "../../state/instances.ts";

export interface ImportOptions extends Omit<ClientFiles, "systemDirectory"> {
  readonly service: Service;
}

/**
 * What the client has, or had before it was switched to us; the one in use first. Throws UserError where its files cannot
 * be read.
 */
export async function readImport({ paths, env, cwd, service }: ImportOptions): Promise<Import> {
  const [unswitched, instances] = await Promise.all([
    Promise.all(SERVICES.map((one) => readUnswitched({ service: one, paths, env }))),
    readInstances(paths.run),
  ]);
  const ports = new Set([
    ...Object.values(DEFAULT_PORT),
    ...unswitched.map(({ port }) => port),
    ...instances.map(({ port }) => port),
  ]);
  const isOwnAddress = (baseUrl: string): boolean =>
    isOnThisMachine(baseUrl) && ports.has(Number(new URL(baseUrl).port));
  const userText = unswitched.find((one) => one.service === service)?.text;
  return await CLIENTS[service].findImport({ paths, env, cwd, userText, isOwnAddress });
}

/** The same. Throws UserError also where they hold nothing. */
export async function findImport(options: ImportOptions): Promise<Import> {
  const { service } = options;
  const found = await readImport(options);
  if (found.configs.length > 0) return found;
  const why = joinTexts(
    [...new Map(found.skipped.map((words) => [inEnglish(words), words])).values()].map(
      (words) => t` (${words})`,
    ),
    "",
  );
  const client = CLIENT_NAME[service];
  throw new UserError(t`no upstream is configured for ${client}, and it has none to import${why}`, {
    hint: `ch config add main --base-url URL --auth-token-env NAME${flagFor(service)}`,
  });
}
