// The forms of a path, which are other ones on Windows. The system is an argument: each can be asked for on any machine.
// Pure.
import { posix, win32 } from "node:path";
import type { ShellValue } from "./shell.ts";

export const pathsOf = (platform: NodeJS.Platform) => (platform === "win32" ? win32 : posix);

/** Absolute, and on Windows with its drive: "\\x" is on whatever drive is the current one. */
export function isWhole(path: string, platform: NodeJS.Platform): boolean {
  return platform === "win32" ? /^(?:[a-z]:[\\/]|[\\/]{2})/i.test(path) : posix.isAbsolute(path);
}

/**
 * What was meant by a path that is not whole: below the current directory, or "/c/Users/ann", as Git Bash has it. That one it
 * translates itself where it passes it to a program, but not what it finds in a file.
 */
export function makeWhole(path: string, platform: NodeJS.Platform): ShellValue {
  const [, drive, rest = ""] = (platform === "win32" && /^\/([a-z])(?:\/(.*))?$/i.exec(path)) || [];
  if (drive === undefined) return { variable: "PWD", below: path };
  return `${drive.toUpperCase()}:\\${rest.replaceAll("/", "\\")}`;
}
