import { expect, test } from "bun:test";
import { createMemoryBudget, usualMemoryMib } from "../../src/base/memory-budget.ts";

const GIB = 2 ** 30;

test("the limit is 1 GiB, or a quarter of the memory there is where that is less", () => {
  expect(usualMemoryMib(64 * GIB)).toBe(1024);
  expect(usualMemoryMib(4 * GIB)).toBe(1024);
  expect(usualMemoryMib(2 * GIB)).toBe(512);
  expect(usualMemoryMib(2 ** 20)).toBe(1);
  // What a system says that does not know.
  expect(usualMemoryMib(0)).toBe(1024);
});

test("there is room up to the limit, again for what was let go, and at once for a limit that has changed", () => {
  let limitMib: number | null = 2;
  const budget = createMemoryBudget(() => limitMib);
  budget.add(2 ** 20);
  expect([budget.hasRoom(2 ** 20), budget.hasRoom(2 ** 20 + 1)]).toEqual([true, false]);
  // What has begun is counted, and not refused.
  budget.add(2 ** 21);
  expect([budget.heldBytes(), budget.hasRoom(0)]).toEqual([3 * 2 ** 20, false]);
  budget.add(-2 * 2 ** 20);
  expect(budget.hasRoom(2 ** 20)).toBe(true);
  limitMib = 1;
  expect(budget.hasRoom(1)).toBe(false);
  limitMib = null;
  expect(budget.limitBytes()).toBe(usualMemoryMib() * 2 ** 20);
});
