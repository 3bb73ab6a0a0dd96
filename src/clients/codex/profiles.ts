// The profile files of Codex (`codex -p NAME`), which lie over config.toml. Only reads.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError, errorCode } from "../../base/errors.ts";
import { readText } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import { type CodexLayer, parseToml } from "./layers.ts";

const SUFFIX = ".config.toml";

/** In the order of their names. One that cannot be read is left out: Codex would not start with it. */
export async function readCodexProfiles(paths: Paths): Promise<CodexLayer[]> {
  const read = listNames(paths.codexHome).map(async (name): Promise<CodexLayer[]> => {
    const where = join(paths.codexHome, name);
    try {
      const text = await readText(where);
      return text === null ? [] : [{ kind: "profile", where, table: parseToml(text, where) }];
    } catch (error) {
      if (error instanceof UserError) return [];
      throw error;
    }
  });
  return (await Promise.all(read)).flat();
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(SUFFIX))
      .toSorted();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return [];
  }
}
