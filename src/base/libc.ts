// The C library, for the few calls that Bun has none for. Opened by the path from which this process has it already: a bare
// name would be looked up in the current directory, too, which belongs to nobody we trust.
import { type FFIFunction, dlopen } from "bun:ffi";
import { readFileSync } from "node:fs";
import { ignoreSystemError } from "./errors.ts";

const MAC_LIBRARY = "/usr/lib/libSystem.B.dylib";
/** glibc's, or musl's loader, which is its library. */
const LINUX_LIBRARY = /\s(\/\S+\/(?:libc\.so\.6|libc-[\d.]+\.so|(?:ld-|libc\.)musl-[^/\s]+))$/m;

/** Its functions of these names; null where they cannot be called. */
export function openLibc<const Functions extends Record<string, FFIFunction>>(functions: Functions) {
  const path = findLibrary();
  if (path === null) return null;
  try {
    return dlopen(path, functions).symbols;
  } catch {
    // Not every build of Bun can.
    return null;
  }
}

function findLibrary(): string | null {
  if (process.platform === "darwin") return MAC_LIBRARY;
  if (process.platform !== "linux") return null;
  const maps = ignoreSystemError(() => readFileSync("/proc/self/maps", "latin1"), "");
  return LINUX_LIBRARY.exec(maps)?.[1] ?? null;
}
