import { describe, expect, test } from "bun:test";
import { identifyProcess, isRunning } from "../../src/base/process-identity.ts";

describe("the identity of a process", () => {
  test("holds while it runs", () => {
    const self = identifyProcess(process.pid);
    expect(self).toEqual({ pid: process.pid, started: expect.any(String) });
    expect(self !== null && isRunning(self)).toBe(true);
  });

  test("ends with it, and is nobody else's with the same id", async () => {
    const child = Bun.spawn([process.execPath, "-e", "setInterval(() => {}, 1000)"]);
    const identity = identifyProcess(child.pid);
    expect(identity !== null && isRunning(identity)).toBe(true);
    child.kill("SIGKILL");
    await child.exited;
    expect(identity !== null && isRunning(identity)).toBe(false);
    expect(isRunning({ pid: process.pid, started: "another time" })).toBe(false);
  });

  test("is decided by the id alone where the start is not known", () => {
    expect(isRunning({ pid: process.pid, started: null })).toBe(true);
  });
});
