// Is there a stored session of Codex that can only be resumed while our own provider is defined? Only reads.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../base/errors.ts";
import { OWN_PROVIDER } from "./own-provider.ts";

/** The first line of a session's file is about 22 KB; the provider stands before its long part. */
const HEAD_BYTES = 64 * 1024;
const NEEDLE = `"model_provider":"${OWN_PROVIDER}"`;
const FOLDERS = ["sessions", "archived_sessions"];

/** Looks at the newest first. A compressed session, which cannot be looked into cheaply, counts as one that needs it. */
export async function hasStoredSession(codexHome: string): Promise<boolean> {
  const names = FOLDERS.flatMap((folder) => listRollouts(join(codexHome, folder)));
  for (const path of names.toSorted().toReversed()) {
    if (path.endsWith(".zst") || (await namesOwnProvider(path))) return true;
  }
  return false;
}

function listRollouts(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.jsonl(?:\.zst)?$/.test(name))
      .map((name) => join(folder, name));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return [];
  }
}

async function namesOwnProvider(path: string): Promise<boolean> {
  try {
    const head = await Bun.file(path).slice(0, HEAD_BYTES).text();
    return head.includes(NEEDLE);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}
