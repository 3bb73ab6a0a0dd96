import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Shell, findShell, inShell } from "../../src/base/shell.ts";

const MACHINE =
  "C:\\Program Files\\WindowsPowerShell\\Modules;C:\\Windows\\system32\\WindowsPowerShell\\v1.0\\Modules";

describe("the person's shell", () => {
  test.each([
    ["a terminal of Linux", "linux", { PSModulePath: "/root/.local/share/powershell/Modules" }, "posix"],
    ["a terminal of macOS", "darwin", {}, "posix"],
    ["nothing that tells", "win32", {}, "cmd"],
    ["cmd", "win32", { PSModulePath: MACHINE, PROMPT: "$P$G" }, "cmd"],
    [
      "cmd, with modules of another program",
      "win32",
      {
        PSModulePath: `${MACHINE};C:\\Program Files (x86)\\Microsoft SQL Server\\150\\Tools\\PowerShell\\Modules\\`,
      },
      "cmd",
    ],
    [
      "Windows PowerShell",
      "win32",
      { PSModulePath: `C:\\Users\\ann\\Documents\\WindowsPowerShell\\Modules;${MACHINE}` },
      "powershell",
    ],
    [
      "Windows PowerShell with documents elsewhere",
      "win32",
      { PSModulePath: `D:\\OneDrive\\文档\\WindowsPowerShell\\Modules;${MACHINE}` },
      "powershell",
    ],
    [
      "PowerShell 7 without a profile directory",
      "win32",
      { PSModulePath: `c:\\program files\\powershell\\7\\Modules;${MACHINE}` },
      "powershell",
    ],
    ["Git Bash", "win32", { MSYSTEM: "MINGW64", PSModulePath: MACHINE }, "posix"],
    ["Cygwin", "win32", { SHELL: "/bin/bash" }, "posix"],
    [
      "Git Bash, as Windows sees it",
      "win32",
      { SHELL: "C:\\Program Files\\Git\\usr\\bin\\bash.exe" },
      "posix",
    ],
    ["a shell of its own that is none of these", "win32", { SHELL: "C:\\nu.exe" }, "cmd"],
  ] as const)("in %s", (_, platform, env, name) => {
    expect(findShell(env, platform)).toBe(name);
  });
});

const SHELLS = ["posix", "powershell", "cmd"] as const;

test.each([
  ["main", "main", "main", "main"],
  ["a b", "'a b'", "'a b'", '"a b"'],
  ["", "''", "''", '""'],
  ["it's", `'it'\\''s'`, "'it''s'", `"it's"`],
  ["C:\\a b\\", "'C:\\a b\\'", "'C:\\a b\\'", '"C:\\a b\\\\"'],
  ["a&calc", "'a&calc'", "'a&calc'", '"a&calc"'],
  ["$(id)", "'$(id)'", "'$(id)'", '"$(id)"'],
  // PowerShell takes a smart quotation mark for a plain one: without care this runs a program.
  [
    "\u2019; calc; \u2018",
    "'\u2019; calc; \u2018'",
    "'\u2019\u2019; calc; \u2018\u2018'",
    '"\u2019; calc; \u2018"',
  ],
  ["100%", "100%", "'100%'", '"100"^%'],
  ["%PATH%", "%PATH%", "'%PATH%'", '^%"PATH"^%'],
  ['say "hi"', `'say "hi"'`, `'say "hi"'`, '"say ""hi"""'],
])("the word %j", (word, posix, powershell, cmd) => {
  expect(SHELLS.map((name) => inShell(name).quote(word))).toEqual([posix, powershell, cmd]);
});

test("in quotation marks nothing of cmd's is left outside, whatever the word", () => {
  const letters = fc.constantFrom(...Array.from(`a "&|<>^%!()\\'`));
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 20 }), (word) => {
      let isQuoted = false;
      let outside = "";
      for (const letter of inShell("cmd").quote(word)) {
        if (letter === '"') isQuoted = !isQuoted;
        else if (!isQuoted) outside += letter;
      }
      expect(isQuoted).toBe(false);
      expect(outside.replaceAll("^%", "")).toMatch(/^[\w./:+=-]*$/);
    }),
  );
});

const LINES: readonly [string, (shell: Shell) => string, ...string[]][] = [
  ["a variable", (shell) => shell.set("X", "..."), "export X=...", "$env:X = '...'", "set X=..."],
  ["one with a blank", (shell) => shell.set("X", "a b"), "export X='a b'", "$env:X = 'a b'", 'set "X=a b"'],
  [
    "what another has",
    (shell) => shell.set("X", { variable: "Y" }),
    'export X="$Y"',
    "$env:X = $env:Y",
    'set "X=%Y%"',
  ],
  [
    "a path below the current directory",
    (shell) => shell.set("X", { variable: "PWD", below: "a/$b" }),
    'export X="$PWD/a/\\$b"',
    '$env:X = "$PWD\\a\\`$b"',
    'set "X=%CD%\\a\\$b"',
  ],
  [
    "a path below the home",
    (shell) => shell.set("X", { variable: "HOME", below: "a" }),
    'export X="$HOME/a"',
    '$env:X = "$HOME\\a"',
    'set "X=%USERPROFILE%\\a"',
  ],
  [
    "two variables",
    (shell) => shell.setAll({ A: "1", B: "2,3" }),
    "export A=1 B=2,3",
    "$env:A = '1'; $env:B = '2,3'",
    'set "A=1" && set "B=2,3"',
  ],
  ["no variable", (shell) => shell.unset("X"), "unset X", "Remove-Item Env:X", "set X="],
  [
    "a variable for a command",
    (shell) => shell.once("X", "C:\\a", "ch x"),
    "X='C:\\a' ch x",
    "$env:X = 'C:\\a'; ch x",
    'set "X=C:\\a" && ch x',
  ],
  [
    "a directory",
    (shell) => shell.enter("D:\\my src"),
    "cd 'D:\\my src'",
    "cd 'D:\\my src'",
    'cd /d "D:\\my src"',
  ],
  [
    "a directory with a wildcard's name",
    (shell) => shell.enter("D:\\[x]"),
    "cd 'D:\\[x]'",
    "cd -LiteralPath 'D:\\[x]'",
    'cd /d "D:\\[x]"',
  ],
  [
    "one command after the other",
    (shell) => shell.chain(["a", "b", "c"]),
    "a && b && c",
    "a; if ($?) { b; if ($?) { c } }",
    "a && b && c",
  ],
  ["one command", (shell) => shell.chain(["a"]), "a", "a", "a"],
  ["files to remove", (shell) => shell.remove(["a", "b c"]), "rm a 'b c'", "del a, 'b c'", 'del a "b c"'],
  [
    "a directory to make",
    (shell) => shell.makeDirectory("a b"),
    "mkdir -p 'a b'",
    "mkdir 'a b'",
    'mkdir "a b"',
  ],
  ["files to look at", (shell) => shell.list("a b", "*"), "ls -ld 'a b'*", "dir 'a b*'", 'dir "a b*"'],
  [
    "output for nobody",
    (shell) => shell.quiet("op read x"),
    "op read x > /dev/null",
    "op read x > $null",
    "op read x > NUL",
  ],
];

test.each(LINES)("a line to type: %s", (_, write, ...lines) => {
  expect(SHELLS.map((name) => write(inShell(name)))).toEqual(lines);
});
