import fc from "fast-check";
import { expect, test } from "bun:test";
import { type Column, alignRows, fitColumns, wrapFields, wrapWords } from "../../src/cli/layout.ts";

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

test("Chinese is broken beside its characters, a path stays whole, and no line begins with a mark that closes", () => {
  expect(wrapWords("无法读取脱敏规则：~/.codex-helper/filter.json，继续使用之前的版本", 30)).toEqual([
    "无法读取脱敏规则：",
    "~/.codex-helper/filter.json，",
    "继续使用之前的版本",
  ]);
  expect(wrapWords("按什么分组：config、upstream、model", 21)).toEqual([
    "按什么分组：config、",
    "upstream、model",
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

const column = (heading: string, rank: number, cells: readonly string[]): Column => ({
  heading,
  rank,
  cells,
  isFigure: rank > 0,
});

test("leaves out the greatest rank first, and says so in the table's order", () => {
  const columns = [
    column("name", 0, ["a"]),
    column("cost", 3, ["$1"]),
    column("tokens", 1, ["12.3k"]),
    column("p95", 2, ["1 s"]),
  ];
  expect(fitColumns(columns, 100)).toMatchObject({ hidden: [], spare: 100 - 4 - 2 - 4 - 2 - 6 - 2 - 3 });
  expect(fitColumns(columns, 20)).toMatchObject({ headings: ["name", "tokens", "p95"], hidden: ["cost"] });
  expect(fitColumns(columns, 12)).toMatchObject({
    headings: ["name", "tokens"],
    hidden: ["cost", "p95"],
    spare: 0,
  });
  expect(fitColumns(columns, 1)).toMatchObject({ headings: ["name"] });
});

test("aligns figures at their end, by what a terminal shows of them", () => {
  const { headings, rows } = fitColumns([column("名", 0, ["中转站", "a"]), column("n", 1, ["5", "500"])], 80);
  expect(alignRows([headings, ...rows], undefined)).toEqual(["名        n", "中转站    5", "a       500"]);
});

test("no line is wider than the terminal but for names that never go", () => {
  const cell = fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), fc.constantFrom("中转站", "12.3k"));
  const any = fc.integer({ min: 0, max: 4 }).chain((count) => {
    const cells = fc.array(cell, { minLength: count, maxLength: count });
    return fc.array(
      fc.record({ heading: cell, rank: fc.integer({ min: 1, max: 9 }), cells, isFigure: fc.boolean() }),
      { minLength: 1 },
    );
  });
  fc.assert(
    fc.property(any, fc.integer({ min: 1, max: 120 }), (columns, width) => {
      const { headings, rows, hidden, spare } = fitColumns(columns, width);
      expect(headings.length + hidden.length).toBe(columns.length);
      for (const row of rows) expect(row.length).toBe(headings.length);
      if (headings.length === 0) return;
      const widest = Math.max(
        ...alignRows([headings, ...rows], undefined).map((line) => Bun.stringWidth(line)),
      );
      expect(widest + spare).toBeLessThanOrEqual(width);
    }),
  );
});
