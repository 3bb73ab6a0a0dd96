import { describe, expect, test } from "bun:test";
import { identifyProcess, isRunning, readTaskName } from "../../src/base/process-identity.ts";

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

  test.each([
    ['\r\n"codex-helper.exe","4711","Console","1","61,234 K"\r\n', "codex-helper.exe"],
    ['"a, b.exe","14711","Console","1","8 K"\r\n"svc.exe","4711","Services","0","8 K"\r\n', "svc.exe"],
    ["INFO: No tasks are running which match the specified criteria.\r\n", null],
  ])("is the name of its program on Windows: %j", (output, name) => {
    expect(readTaskName(output, 4711)).toBe(name);
  });
});
