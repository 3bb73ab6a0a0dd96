import { expect, test } from "bun:test";
import * as z from "zod/mini";
import { later } from "../../src/base/later.ts";

function makeFile() {
  let made = 0;
  const schema = z.looseObject({
    part: z.nullish(
      later(() => {
        made += 1;
        return z.strictObject({ name: z.string() });
      }),
    ),
  });
  return { schema, countMade: () => made };
}

test.each([[{}], [{ part: undefined }], [{ part: null }]])(
  "a schema is not made for a value that is absent: %p",
  (file) => {
    const { countMade, schema } = makeFile();
    expect(schema.safeParse(file).data).toEqual(file);
    expect(countMade()).toBe(0);
  },
);

test("it is made once for values that are there, and is as strict as any other", () => {
  const { countMade, schema } = makeFile();
  expect(schema.safeParse({ part: { name: "one" } }).success).toBe(true);
  expect(schema.safeParse({ part: { name: 1 } }).error?.issues[0]?.path).toEqual(["part", "name"]);
  expect(countMade()).toBe(1);
});

test("where it is not optional, a missing value is a mistake", () => {
  const schema = z.looseObject({ part: later(() => z.string()) });
  expect(schema.safeParse({}).error?.issues[0]?.path).toEqual(["part"]);
});
