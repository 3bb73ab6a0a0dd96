import { readFileSync } from "node:fs";

/** The most memory that a process ever had, in MB. Linux only. */
export function peakMb(pid: number | "self"): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;
}
