import { expect, test } from "bun:test";
import fc from "fast-check";
import { wrapFields } from "../../src/cli/wrap.ts";

const LINE =
  "11-22 14:03:05  codex   200  1.2 s  relay.example  gpt-5.2-codex  1.00k in, 900 cached, 45 out  after slow.example";

test("a line of fields is broken between them, the rest indented", () => {
  expect(wrapFields(LINE, 80)).toEqual([
    "11-22 14:03:05  codex   200  1.2 s  relay.example  gpt-5.2-codex",
    "  1.00k in, 900 cached, 45 out  after slow.example",
  ]);
  expect(wrapFields(LINE, 200)).toEqual([LINE]);
});

test("a field that is longer than a line is broken at its blanks", () => {
  expect(wrapFields("codex  the upstream went silent in the middle of it", 24)).toEqual([
    "codex",
    "  the upstream went",
    "  silent in the middle",
    "  of it",
  ]);
});

test("no line is wider than it may be, and no word is lost", () => {
  const word = fc.stringMatching(/^[a-z中文]{1,12}$/);
  const fields = fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fields, fc.integer({ min: 30, max: 90 }), (words, width) => {
      const lines = wrapFields(words.map((some) => some.join(" ")).join("  "), width);
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
      expect(
        lines
          .join(" ")
          .split(/ +/)
          .filter((one) => one !== ""),
      ).toEqual(words.flat());
    }),
  );
});
