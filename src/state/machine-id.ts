// Who this home is among those that share a pool: random, in a file of its own, so that what it spent counts once for it.
import { join } from "node:path";
import { PRIVATE_FILE, ensurePrivateDirectory, readText, writeFileAtomic } from "../base/files.ts";
import { withLock } from "../base/lock.ts";
import type { Paths } from "../base/paths.ts";

type MachinePaths = Pick<Paths, "home" | "machineId" | "run">;

/** Null where there is none yet. Throws UserError. */
export async function readMachineId({ machineId }: Pick<Paths, "machineId">): Promise<string | null> {
  const id = (await readText(machineId))?.trim() ?? "";
  return /^[0-9a-f]{12}$/.test(id) ? id : null;
}

/** Makes it where there is none. Throws UserError. */
export async function ensureMachineId(paths: MachinePaths): Promise<string> {
  const known = await readMachineId(paths);
  if (known !== null) return known;
  ensurePrivateDirectory(paths.home);
  ensurePrivateDirectory(paths.run);
  return await withLock(join(paths.run, "machine-id.lock"), async () => {
    // Another process may have been faster.
    const id = (await readMachineId(paths)) ?? crypto.randomUUID().replaceAll("-", "").slice(0, 12);
    writeFileAtomic(paths.machineId, `${id}\n`, { mode: PRIVATE_FILE, isLocked: true });
    return id;
  });
}
