import { expect, test } from "bun:test";
import { PICTURES, drawDemo, wordsOf } from "./demo-pictures.ts";

test.each(PICTURES)("the picture of the demo in $lang says what it prints", async ({ lang, path }) => {
  const words = wordsOf(await Bun.file(path).text());
  expect(words.length).toBeGreaterThan(20);
  expect(wordsOf(await drawDemo(lang))).toEqual(words);
});
