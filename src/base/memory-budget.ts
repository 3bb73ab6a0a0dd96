// Counts what requests hold in memory: bodies for replay, what is read ahead of answers, and decoded copies. Only a request
// that has not begun may be refused for want of room: what runs has limits of its own.
import { bytesOfDecoders } from "./decoder.ts";

export type MemoryBudget = ReturnType<typeof createMemoryBudget>;

const MIB = 2 ** 20;
const USUAL_MIB = 1024;

/** 1 GiB, or a quarter of the memory of this machine, container or control group where that is less. In MiB. */
export function usualMemoryMib(machineBytes: number = process.constrainedMemory()): number {
  return machineBytes > 0 ? Math.min(USUAL_MIB, Math.ceil(machineBytes / MIB / 4)) : USUAL_MIB;
}

/** `limitMib` is what the user says; null for the usual. */
export function createMemoryBudget(limitMib: () => number | null) {
  const usualMib = usualMemoryMib();
  let heldByRequests = 0;
  const limitBytes = (): number => (limitMib() ?? usualMib) * MIB;
  return {
    limitBytes,
    heldBytes: () => heldByRequests + bytesOfDecoders(),
    hasRoom: (bytes: number) => heldByRequests + bytesOfDecoders() + bytes <= limitBytes(),
    /** Negative for what is let go. */
    add(bytes: number): void {
      heldByRequests += bytes;
    },
  };
}
