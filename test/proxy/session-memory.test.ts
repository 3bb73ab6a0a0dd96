import { expect, test } from "bun:test";
import { createSessionMemory } from "../../src/proxy/session-memory.ts";

test("what was refused once is known for the session and that upstream only", () => {
  const memory = createSessionMemory();
  memory.noteForeignHistory("s", "up", new Set(["a"]));
  memory.noteForeignHistory("s", "up", new Set(["b"]));
  expect(memory.foreignHistory("s", "up")).toEqual(new Set(["a", "b"]));
  expect(memory.foreignHistory("s", "other")).toBeUndefined();
  expect(memory.foreignHistory(null, "up")).toBeUndefined();
});

test("an endpoint that an upstream lacks is known for an hour, unless it was served since", () => {
  const memory = createSessionMemory();
  const lacks = (now: number): boolean => memory.lacksEndpoint("POST /x", "up", now);
  memory.noteEndpoint("POST /x", "up", "missing", 1_000);
  expect([lacks(1_000), lacks(3_600_999), lacks(3_601_000)]).toEqual([true, true, false]);
  expect(memory.lacksEndpoint("POST /y", "up", 1_000)).toBe(false);
  expect(memory.lacksEndpoint("POST /x", "other", 1_000)).toBe(false);
  memory.noteEndpoint("POST /x", "up", "served", 2_000);
  expect(lacks(2_000)).toBe(false);
  memory.noteEndpoint("POST /x", "up", "failing", 3_000);
  expect(lacks(3_000)).toBe(false);
  memory.noteEndpoint("POST /x", "up", "failing", 4_000);
  expect(lacks(4_000)).toBe(true);
});
