// Looks at files that may not be there, may be directories, or may be somebody else's. Never throws, changes nothing.
import { readdirSync, type Stats, statSync } from "node:fs";

export function lookAt(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** A file or directory that others than its owner may use. Windows has no such modes. */
export function isOpenToOthers(path: string): boolean {
  const stats = process.platform === "win32" ? null : lookAt(path);
  return stats !== null && (stats.isFile() || stats.isDirectory()) && (stats.mode & 0o077) !== 0;
}

/** Bytes of a file; 0 for anything else. */
export function sizeOf(path: string): number {
  const stats = lookAt(path);
  return stats?.isFile() === true ? stats.size : 0;
}

export function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
