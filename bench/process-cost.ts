// What a process has used so far: its CPU clock as the kernel keeps it, and its memory from /proc. Linux with glibc.
import { dlopen } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

const { symbols } = dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });

/** CPU seconds of all its threads, those that have ended too, and of the processes that it has started; user and system, to the microsecond. */
export function cpuSeconds(pid: number): number {
  const time = new BigInt64Array(2);
  // The id of a process's CPU clock: clock_getcpuclockid(3).
  const failed = symbols.clock_gettime((~pid << 3) | 2, time) !== 0;
  const own = failed ? 0 : Number(time[0]) + Number(time[1]) / 1e9;
  return childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), own);
}

/** Resident memory in MB: now, and at its highest. */
export function memoryMb(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const read = (name: string): number =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024);
  return { now: read("VmRSS"), peak: read("VmHWM") };
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    // It, or one of its threads, has just ended.
    return [];
  }
}
