// Keeps this process's memory, with all keys in it, out of a core file, and from programs that could attach to it. Without effect
// where the system has no such call (Windows). What this process starts is as it would be without us.
import { openLibc } from "./libc.ts";

/** prctl(2). Unlike a limit it also holds where cores are piped to a program, and ends at the next exec. */
const PR_SET_DUMPABLE = 4;
/** setrlimit(2) on macOS. */
const RLIMIT_CORE = 4;

/** `startsPrograms`: macOS has only a limit, which they would inherit. */
export function disableCoreDumps(startsPrograms: boolean): void {
  if (process.platform === "linux") {
    const args = ["int", "u64", "u64", "u64", "u64"] as const;
    openLibc({ prctl: { args, returns: "int" } })?.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n);
  }
  if (process.platform === "darwin" && !startsPrograms) {
    // The soft limit and the hard one.
    const none = new BigUint64Array(2);
    openLibc({ setrlimit: { args: ["int", "ptr"], returns: "int" } })?.setrlimit(RLIMIT_CORE, none);
  }
}
