// Finds what other programs of this kind are set up with. Reads their files, writes nothing.
import { isAbsolute, join, resolve } from "node:path";
import type { Env } from "../../base/env.ts";
import { findUserHome } from "../../base/paths.ts";
import type { Import } from "../../clients/imported-config.ts";

export type ForeignTool = "cc-switch" | "cli_proxy";

/** Where each keeps its files, below the home directory. */
const DIRECTORY: Readonly<Record<ForeignTool, string>> = { "cc-switch": ".cc-switch", cli_proxy: ".clp" };

export interface ForeignImport extends Import {
  /** The directory or file that was read; null for a link. */
  readonly source: string | null;
}

/** `directory` is where the tool's files lie, when it is not the usual place. Throws UserError where there are none. */
export async function findForeignImport(
  tool: ForeignTool,
  directory: string | undefined,
  env: Env,
): Promise<ForeignImport> {
  const given = directory ?? join(findUserHome(env), DIRECTORY[tool]);
  const source = isAbsolute(given) ? given : resolve(given);
  if (tool === "cli_proxy") {
    const { importCliProxy, readCliProxy } = await import("../../clients/import/cli-proxy.ts");
    return { ...importCliProxy(await readCliProxy(source)), source };
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
