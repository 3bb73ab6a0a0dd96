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
