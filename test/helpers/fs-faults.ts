// Preloaded into a child process: counts its calls that change files, and at one of them kills the process, fails, or lets
// another program write first. Told by the variable FS_FAULT; must be loaded before anything that imports node:fs.
import { createRequire } from "node:module";
import { basename, dirname } from "node:path";

export type FsFault =
  /** Writes the number of calls to a file at the end. */
  | { readonly kind: "count"; readonly file: string }
  /** SIGKILL before the call; where it writes bytes, before the last of them. */
  | { readonly kind: "kill"; readonly at: number }
  | { readonly kind: "fail"; readonly at: number; readonly code: string }
  /** The first calls that rename something to `file` come after another program's write. */
  | { readonly kind: "write-first"; readonly file: string; readonly texts: readonly string[] };

const CALLS = [
  "openSync",
  "writeSync",
  "fsyncSync",
  "ftruncateSync",
  "fchmodSync",
  "closeSync",
  "renameSync",
  "unlinkSync",
  "mkdirSync",
  "rmdirSync",
] as const;

type Call = (...args: unknown[]) => unknown;

const fs: Record<string, Call> = createRequire(import.meta.url)("node:fs");
const writeFile = fs["writeFileSync"];
const write = fs["writeSync"];
const fault: FsFault | null =
  process.env["FS_FAULT"] === undefined ? null : JSON.parse(process.env["FS_FAULT"]);
let seen = 0;
let written = 0;

for (const name of CALLS) {
  const original = fs[name];
  if (original === undefined) throw new Error(`node:fs has no ${name}`);
  fs[name] = (...args) => {
    seen += 1;
    strike(name, args);
    return original(...args);
  };
}

function strike(name: string, args: unknown[]): void {
  if (fault === null) return;
  if (fault.kind === "kill" && fault.at === seen) {
    const [fd, bytes] = args;
    if (name === "writeSync" && bytes instanceof Uint8Array) write?.(fd, bytes.subarray(0, bytes.length - 1));
    process.kill(process.pid, "SIGKILL");
  }
  if (fault.kind === "fail" && fault.at === seen)
    throw Object.assign(new Error(fault.code), { code: fault.code });
  // The temporary file has just been made durable: what is left is the comparison and the rename.
  if (fault.kind === "write-first" && name === "fsyncSync") {
    const text = fault.texts[written];
    if (text !== undefined && isTempOf(fault.file)) {
      written += 1;
      writeFile?.(fault.file, text);
    }
  }
}

function isTempOf(file: string): boolean {
  const names = fs["readdirSync"]?.(dirname(file));
  return Array.isArray(names) && names.some((one) => String(one).startsWith(`.${basename(file)}.`));
}

process.on("exit", () => {
  if (fault?.kind === "count") writeFile?.(fault.file, String(seen));
});
