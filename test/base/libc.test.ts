import { expect, test } from "bun:test";
import { openLibc } from "../../src/base/libc.ts";

const GETPID = { getpid: { args: [], returns: "int" } } as const;

test("a function of it is called, where there are such functions", () => {
  const pid = process.platform === "win32" ? undefined : process.pid;
  expect(openLibc(GETPID)?.getpid()).toBe(pid);
});

test("one that it does not have is none", () => {
  expect(openLibc({ no_such_function: GETPID.getpid })).toBeNull();
});
