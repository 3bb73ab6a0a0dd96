import { expect, test } from "bun:test";
import fc from "fast-check";
import { cutKeys } from "../../src/cli/keys.ts";

const ESC = "\u001b";
const key = (text: string) => ({ kind: "key", text });
const text = (words: string) => ({ kind: "text", text: words });

test.each([
  ["one key", "a", [key("a")]],
  ["keys that were typed ahead", "\r\r", [key("\r"), key("\r")]],
  ["an arrow key between others", `${ESC}[B\r`, [key(`${ESC}[B`), key("\r")]],
  ["an arrow key of an application's keypad", `${ESC}OB`, [key(`${ESC}OB`)]],
  ["Esc alone", ESC, [key(ESC)]],
  ["a word and Enter", "relay\r", [text("relay"), key("\r")]],
  ["Chinese", "你好", [text("你好")]],
  [
    "several lines without marks, and the Enter after them",
    "export A=one-two\rexport B=2\r",
    [text("export A=one-two\rexport B=2"), key("\r")],
  ],
  [
    "several lines between marks, which the person sends off",
    `${ESC}[200~export A=1\nexport B=2\n${ESC}[201~`,
    [text("export A=1\nexport B=2\n")],
  ],
  ["an answer and an Enter for the next question", "y\r\r", [key("y"), key("\r"), key("\r")]],
])("%s", (_, read, pieces) => {
  expect(cutKeys(read)).toEqual({ pieces, rest: "" } as ReturnType<typeof cutKeys>);
});

test("a paste waits for its end", () => {
  const { pieces, rest } = cutKeys(`\r${ESC}[200~export A=1\n`);
  expect(pieces).toEqual([{ kind: "key", text: "\r" }]);
  expect(cutKeys(`${rest}export B=2${ESC}[201~`).pieces).toEqual([
    { kind: "text", text: "export A=1\nexport B=2" },
  ]);
});

test("nothing that is typed gets lost", () => {
  fc.assert(
    fc.property(fc.string(), (read) => {
      fc.pre(!read.includes(`${ESC}[200~`));
      const all = cutKeys(read)
        .pieces.map((piece) => piece.text)
        .join("");
      expect(all.replaceAll(/[\r\n]/g, "")).toBe(read.replaceAll(/[\r\n]/g, ""));
    }),
  );
});
