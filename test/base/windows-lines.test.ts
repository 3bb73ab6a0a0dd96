import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { splitEditor, writeCommandLine, writeScriptLine } from "../../src/base/windows-lines.ts";

const SCRIPT = "C:\\Users\\ann\\npm dir\\tool.cmd";

test("a command of a person's goes to cmd with its own quotation marks", () => {
  expect(writeCommandLine('"C:\\a b\\hook.exe" --to "x & y"')).toEqual([
    "/d",
    "/s",
    "/c",
    '""C:\\a b\\hook.exe" --to "x & y""',
  ]);
});

/** What the program behind a script is given: what cmd leaves, read as the C library reads it. */
function receive(line: string): string[] {
  // cmd: the outer marks go, `%cd:~,%` is empty.
  const passed = line.replace(/^"|"$/g, "").replaceAll("%cd:~,%", "");
  const words: string[] = [];
  let word: string | null = null;
  let isQuoted = false;
  for (let at = 0; at < passed.length; at += 1) {
    const slashes = /^\\+/.exec(passed.slice(at))?.[0].length ?? 0;
    if (slashes > 0) {
      const isBeforeMark = passed[at + slashes] === '"';
      word = (word ?? "") + "\\".repeat(isBeforeMark ? Math.floor(slashes / 2) : slashes);
      at += slashes - 1;
      if (isBeforeMark && slashes % 2 === 1) throw new Error("cmd does not know an escaped mark");
    } else if (passed[at] === '"') {
      word ??= "";
      if (isQuoted && passed[at + 1] === '"') {
        word += '"';
        at += 1;
      } else isQuoted = !isQuoted;
    } else if (passed[at] === " " && !isQuoted) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + (passed[at] ?? "");
  }
  return word === null ? words : [...words, word];
}

/** What stands outside of quotation marks, where `&` and the like would be read. */
function outside(line: string): string {
  let isQuoted = false;
  return Array.from(line)
    .filter((letter) => {
      if (letter === '"') isQuoted = !isQuoted;
      return letter !== '"' && !isQuoted;
    })
    .join("");
}

describe("the words for a script", () => {
  test.each([
    "a b",
    'say "hi"',
    '" & calc & "',
    '\\" & calc',
    "100%",
    "%PATH%",
    "a^b",
    "a|b>c<d",
    "(x)",
    "a!b",
    "C:\\dir\\",
    "C:\\a b\\\\",
    "",
    "中 文",
    "--flag=x y",
  ])("bring %j as it is", (word) => {
    const line = writeScriptLine(SCRIPT, [word, "last"])?.at(-1) ?? "";
    expect(receive(line)).toEqual([SCRIPT, word, "last"]);
  });

  test("bring whatever there is as it is, and nothing of it to cmd", () => {
    const letters = fc.constantFrom(...Array.from(`a "&|<>^%!()\\'=,;`));
    fc.assert(
      fc.property(fc.array(fc.string({ unit: letters, maxLength: 12 }), { maxLength: 4 }), (args) => {
        const line = writeScriptLine(SCRIPT, args)?.at(-1) ?? "";
        expect(receive(line)).toEqual([SCRIPT, ...args]);
        expect(outside(line.slice(1, -1)).trim()).toBe("");
        // Never a name between two percent signs.
        expect(line.replaceAll("%%cd:~,%", "")).not.toContain("%");
      }),
    );
  });

  test.each(["a\nb", "a\r", "\0"])("cannot have %j in them", (word) => {
    expect(writeScriptLine(SCRIPT, [word])).toBeNull();
  });
});

describe("an editor of Windows", () => {
  const CODE = "C:\\Program Files\\Microsoft VS Code\\bin\\code.cmd";
  const NOTEPAD = "C:\\Program Files\\Notepad++\\notepad++.exe";
  const isFile = (path: string): boolean => [CODE, NOTEPAD].includes(path);

  test.each([
    ["notepad", ["notepad"]],
    ["code --wait", ["code", "--wait"]],
    [`"${CODE}" --wait`, [CODE, "--wait"]],
    [`${CODE}`, [CODE]],
    [`${NOTEPAD} -multiInst -nosession`, [NOTEPAD, "-multiInst", "-nosession"]],
    [
      "'C:/Program Files/Notepad++/notepad++.exe' -multiInst",
      ["C:/Program Files/Notepad++/notepad++.exe", "-multiInst"],
    ],
    ['vim -c "set tw=72"', ["vim", "-c", "set tw=72"]],
    ["C:\\no\\such thing.exe", ["C:\\no\\such", "thing.exe"]],
    ['"unclosed editor', ["unclosed editor"]],
  ])("%s", (value, words) => {
    expect(splitEditor(value, isFile)).toEqual(words);
  });
});
