import { expect, test } from "bun:test";
import fc from "fast-check";
import { OpenList } from "../../src/base/open-list.ts";

test("it has what was added and not taken out, the oldest first, as a set has", () => {
  const steps = fc.array(fc.record({ isAdded: fc.boolean(), item: fc.integer({ min: 0, max: 12 }) }));
  fc.assert(
    fc.property(steps, (all) => {
      const list = new OpenList<number>();
      const set = new Set<number>();
      for (const { isAdded, item } of all) {
        if (!isAdded) expect(list.delete(item)).toBe(set.delete(item));
        else if (!set.has(item)) {
          list.add(item);
          set.add(item);
        }
        expect([...list]).toEqual([...set]);
        expect(list.size).toBe(set.size);
      }
    }),
  );
});
