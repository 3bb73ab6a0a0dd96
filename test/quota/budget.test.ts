import { expect, test } from "bun:test";
import fc from "fast-check";
import { createSpans, spanOf } from "../../src/quota/budget.ts";

const START = new Date(2026, 9, 31, 23, 59, 58).getTime();

test("the remembered window is the one that the calendar says, at every moment and with a clock that is set back", () => {
  const steps = fc.array(
    fc.tuple(fc.constantFrom("5h", "day", "week", "month"), fc.integer({ min: -2_000, max: 2_000 })),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const remembered = createSpans();
      let now = START;
      for (const [per, step] of list) {
        now += step;
        const { end, start } = remembered(per, now);
        expect({ end, start }).toEqual(spanOf(per, now));
      }
    }),
  );
});

test.each(["day", "month"] as const)(
  "a window of a %s ends within the second in which it is remembered",
  (per) => {
    const remembered = createSpans();
    const { end } = remembered(per, START);
    expect(remembered(per, end - 1).end).toBe(end);
    expect(remembered(per, end).start).toBe(end);
  },
);
