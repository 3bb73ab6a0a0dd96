// Where the machine's own settings of Claude Code may be.
// Only looks for names.
import { join } from "node:path";
import { listNames } from "../../base/files.ts";
import type { ClientFiles } from "../client.ts";

const MANAGED_DIRECTORY: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: "/Library/Application Support/ClaudeCode",
  win32: "C:\\Program Files\\ClaudeCode",
};

/** The base file is the lowest; of the others the last name wins. */
export function listManagedPaths({ systemDirectory }: Pick<ClientFiles, "systemDirectory">): string[] {
  const directory = systemDirectory ?? MANAGED_DIRECTORY[process.platform] ?? "/etc/claude-code";
  const more = join(directory, "managed-settings.d");
  const names = listNames(more).filter((name) => name.endsWith(".json"));
  const paths = names.toSorted().map((name) => join(more, name));
  return [...paths.toReversed(), join(directory, "managed-settings.json")];
}
