import { expect, test } from "bun:test";
import fc from "fast-check";
import { nearNames } from "../../src/cli/near.ts";

const NAMES = ["serve", "run", "demo", "usage", "filter", "config", "switch", "status", "session"];

test.each([
  ["serv", ["serve"]],
  ["srve", ["serve"]],
  ["sevre", ["serve"]],
  ["swtich", ["switch"]],
  ["FILTER", ["filter"]],
  ["conf", ["config"]],
  ["stats", ["status"]],
  ["rnu", ["run"]],
  ["x", []],
  ["", []],
  ["kubernetes", []],
])("%s is near %j", (word, near) => {
  expect(nearNames(word, NAMES)).toEqual(near);
});

test("a name is nearest to itself, and to itself with one character lost, doubled or swapped", () => {
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), fc.nat(), (name, place) => {
      const at = place % name.length;
      const lost = name.slice(0, at) + name.slice(at + 1);
      const doubled = name.slice(0, at) + name.charAt(at) + name.slice(at);
      for (const typed of [name, doubled, ...(name.length > 3 ? [lost] : [])]) {
        expect(nearNames(typed, NAMES)).toContain(name);
      }
      expect(nearNames(name, NAMES)[0]).toBe(name);
    }),
  );
});

test("never more than three, and only names that there are", () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string(), { maxLength: 20 }), (typed, names) => {
      const near = nearNames(typed, names);
      expect(near.length).toBeLessThanOrEqual(3);
      expect(near.every((name) => names.includes(name))).toBe(true);
    }),
  );
});
