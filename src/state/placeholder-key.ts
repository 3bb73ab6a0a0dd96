// The key that placeholders of redacted values are made with: random, one for this user, in a file of its own. Where it is lost
// there is a new one, and every value gets a new placeholder.
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import {
  PRIVATE_FILE,
  ensurePrivateDirectory,
  isOpenToOthers,
  readTextOrNull,
  writeFileAtomic,
} from "../base/files.ts";
import { withLockSync } from "../base/lock.ts";
import type { Paths } from "../base/paths.ts";
import type { Text } from "../base/text.ts";

type KeyPaths = Pick<Paths, "home" | "placeholderKey" | "run">;

/** Null where there is none, or what is there is none. */
export function readPlaceholderKey({ placeholderKey }: Pick<Paths, "placeholderKey">): string | null {
  const key = readTextOrNull(placeholderKey)?.trim() ?? "";
  return /^[0-9a-f]{64}$/.test(key) ? key : null;
}

/** Made where there is none, and for its owner alone. Where it cannot be written, it holds for this process alone, and `onTrouble` hears why. */
export function ensurePlaceholderKey(paths: KeyPaths, onTrouble: (words: Text | string) => void): string {
  const known = readPlaceholderKey(paths);
  if (known !== null && !isOpenToOthers(paths.placeholderKey)) return known;
  const made = known ?? makePlaceholderKey();
  try {
    ensurePrivateDirectory(paths.home);
    ensurePrivateDirectory(paths.run);
    return withLockSync(join(paths.run, "placeholder-key.lock"), () => {
      // Another process may have been faster.
      const key = readPlaceholderKey(paths) ?? made;
      writeFileAtomic(paths.placeholderKey, `${key}\n`, { mode: PRIVATE_FILE, isLocked: true });
      return key;
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    onTrouble(error.text);
    return made;
  }
}

/** 256 random bits. */
export function makePlaceholderKey(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
