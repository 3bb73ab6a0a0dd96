// Where the machine's own settings of Claude Code may be, and in which encodings it reads a file.
// Only looks for names.
import { join } from "node:path";
import { listNames } from "../../base/files.ts";
import type { Encoding } from "../../base/bytes.ts";
import type { ClientFiles } from "../client.ts";

/** UTF-16 with its byte order mark. Tried: test/real-clients/files.test.ts. */
export const CLAUDE_ENCODINGS: readonly Encoding[] = ["UTF-8", "UTF-16LE"];

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
