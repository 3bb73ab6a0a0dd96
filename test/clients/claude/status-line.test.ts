import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readOwnLine, writeOwnLine } from "../../../src/clients/claude/line-command.ts";
import {
  changeBelowSwitch,
  editClaudeSettings,
  setString,
  undoClaudeSettings,
} from "../../../src/clients/claude/settings.ts";
import { installLine, uninstallLine } from "../../../src/clients/claude/status-line.ts";
import type { KeyChange } from "../../../src/clients/client.ts";
import { readSettings, someSettings } from "./settings-arbitrary.ts";

/** Its shells read a quotation mark within a command differently: such a one is refused there. */
const IS_WINDOWS = process.platform === "win32";

const FULL = process.env["VERIFY"] === "full";
const RUNS = FULL ? 10_000 : 700;
const TIMEOUT_MS = 60_000;
const PROGRAM = ["/home/me/.local/bin/ch"];
const OWN = "/home/me/.local/bin/ch statusline --claude";
const LINE = { program: PROGRAM, isThere: () => true };
const install = (text: string, changes: readonly KeyChange[] | null = null) =>
  installLine(text, { ...LINE, changes });
const commandIn = (text: string): unknown =>
  (readSettings(text) as { statusLine?: { command?: unknown } }).statusLine?.command;

/** Settings with and without a status line of the user's, also one that is hard to quote. */
const settings = fc
  .tuple(
    someSettings,
    fc.option(
      fc.constantFrom(
        "~/mine.sh",
        ...(IS_WINDOWS ? ['echo a | tr a "b"'] : ["echo 'a'\\''b' | tr a \"b\"", "awk '{print \"$1\"}'"]),
        "",
        " ",
        "状态 \u2028",
      ),
    ),
  )
  .map(([text, line]) => {
    if (line === null) return text;
    const typed = setString(text, ["statusLine", "type"], "command").text;
    return setString(typed, ["statusLine", "command"], line).text;
  });

type Op = "on" | "off" | "install" | "uninstall";

/** What a file and its two journals go through: each step is one command, which may be killed before it writes the file. */
function walk(base: string, steps: readonly { readonly op: Op; readonly isKilled: boolean }[]): string {
  let text = base;
  let switched: readonly KeyChange[] | null = null;
  let line: readonly KeyChange[] | null = null;
  for (const { isKilled, op } of steps) {
    if (op === "on") {
      const clean: string = undoClaudeSettings(text, { changes: switched, ownAddresses: [] }).text;
      const edit = editClaudeSettings(clean, {
        address: "http://127.0.0.1:3210",
        needsToken: base.length % 2 === 0,
      });
      switched = edit.changes;
      if (!isKilled) ({ text } = edit);
      continue;
    }
    if (op === "off") {
      const clean: string = undoClaudeSettings(text, { changes: switched, ownAddresses: [] }).text;
      if (isKilled) continue;
      text = clean;
      switched = null;
      continue;
    }
    const known: readonly KeyChange[] | null = line;
    let noted: readonly KeyChange[] | null = line;
    const whole = changeBelowSwitch(text, switched ?? [], (clean) => {
      if (op === "uninstall") return uninstallLine(clean, known).text;
      const edit = install(clean, known);
      noted = edit.changes ?? known;
      return edit.text;
    });
    line = noted;
    if (switched !== null && whole.changes.length > 0)
      switched = [...whole.changes, ...(isKilled ? switched : [])];
    if (isKilled) continue;
    ({ text } = whole);
    if (op === "uninstall") line = null;
  }
  return text;
}

const OPS = fc.constantFrom<Op>("on", "off", "install", "uninstall");
const step = fc.record({ op: OPS, isKilled: fc.boolean() });
const ENDS = fc.constantFrom<readonly Op[]>(["off", "uninstall"], ["uninstall", "off"]);

describe("status line and switch, in any order", () => {
  test(
    "end with the bytes of the beginning",
    () => {
      fc.assert(
        fc.property(settings, fc.array(OPS, { maxLength: 6 }), ENDS, (text, ops, ends) => {
          expect(
            walk(
              text,
              [...ops, ...ends].map((op) => ({ op, isKilled: false })),
            ),
          ).toBe(text);
        }),
        { numRuns: RUNS, seed: 1 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "also where commands were killed between journal and file",
    () => {
      fc.assert(
        fc.property(settings, fc.array(step, { maxLength: 6 }), ENDS, (text, steps, ends) => {
          expect(walk(text, [...steps, ...ends.map((op) => ({ op, isKilled: false }))])).toBe(text);
        }),
        { numRuns: RUNS, seed: 2 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "change nothing but the one key in the eyes of a second parser",
    () => {
      fc.assert(
        fc.property(settings, (text) => {
          const { statusLine, ...before } = readSettings(text) as { statusLine?: object };
          const { statusLine: own, ...after } = readSettings(install(text).text) as { statusLine?: object };
          expect(after).toEqual(before);
          expect(own).toEqual({ type: "command", ...statusLine, command: expect.stringContaining(OWN) });
        }),
        { numRuns: RUNS, seed: 3 },
      );
    },
    TIMEOUT_MS,
  );
});

describe("a line of the user's", () => {
  const MINE =
    '{\n  "statusLine": { "type": "command", "padding": 0, "command": "~/mine.sh \\"a b\\" | head -1" },\n  "model": "opus"\n}\n';

  test("is wrapped, keeps its other members, and is restored", () => {
    const { changes, text, wrapped } = install(MINE);
    expect(wrapped).toBe('~/mine.sh "a b" | head -1');
    expect(text).toBe(
      MINE.replace(/"~\/mine.*?-1"/, () => JSON.stringify(`${OWN} --wrap '~/mine.sh "a b" | head -1'`)),
    );
    expect(uninstallLine(text, changes)).toMatchObject({
      text: MINE,
      keys: [{ kind: "restored", isGuess: false }],
    });
  });

  test("is not wrapped twice, nor is a line of ours that was set by hand", () => {
    const { changes, text } = install(MINE);
    expect(install(text, changes)).toMatchObject({ text, changes: null });
    for (const command of [
      "ch statusline --claude",
      "~/.local/bin/codex-helper statusline",
      "LANG=C ch statusline --plain",
    ])
      expect(install(JSON.stringify({ statusLine: { type: "command", command } })).changes).toBeNull();
  });

  test("that was set since stays, and what it replaced is told", () => {
    const { changes, text } = install(MINE);
    const other = setString(text, ["statusLine", "command"], "other.sh").text;
    expect(uninstallLine(other, changes)).toMatchObject({ text: other, keys: [{ kind: "changed" }] });
    const again = install(other, changes);
    expect(again.wrapped).toBe("other.sh");
    expect(uninstallLine(again.text, again.changes).text).toBe(other);
    expect(uninstallLine('{"model":"opus"}', changes)).toMatchObject({ keys: [{ kind: "gone" }] });
    expect(uninstallLine(MINE, changes)).toEqual({ text: MINE, keys: [] });
  });

  test("comes back without a journal, from our own words", () => {
    const { text } = install(MINE);
    expect(uninstallLine(text, null).text).toBe(MINE);
    const alone = install('{"model":"opus"}').text;
    expect(uninstallLine(alone, null)).toMatchObject({
      text: '{"model":"opus"}',
      keys: [{ kind: "restored", isGuess: true }],
    });
  });
});

describe("what was changed in ours by hand", () => {
  const BASE = '{\n  "model": "opus"\n}\n';
  test("flags stay when it is installed again from another place, and do not keep it from being taken out", () => {
    const { changes, text } = install(BASE);
    const edited = setString(text, ["statusLine", "command"], `${OWN} --format '{left}'`).text;
    expect(install(edited, changes).changes).toBeNull();
    const moved = installLine(edited, { program: ["/opt/ch"], isThere: () => false, changes });
    expect(commandIn(moved.text)).toBe("/opt/ch statusline --claude --format '{left}'");
    expect(uninstallLine(moved.text, moved.changes).text).toBe(BASE);
    expect(uninstallLine(edited, changes).text).toBe(BASE);
  });

  test("members beside the command go with it: Claude Code ignores a file with a line that has none", () => {
    const { changes, text } = install(BASE);
    const padded = text.replace('"type": "command"', '"type": "command", "padding": 2');
    expect(readSettings(uninstallLine(padded, changes).text)).toEqual({ model: "opus" });
  });
});

describe("a command of ours", () => {
  test.each([
    ["ch statusline", true],
    ["'/a b/ch' statusline --claude --wrap 'x | y'", true],
    ["/usr/bin/bun --smol /x/src/main.ts statusline --claude --format={left}", true],
    ['/usr/bin/bun /x/src/main.ts statusline --claude --format="{left}"', true],
    ["ch statusline | head -1", false],
    ["ch statusline; date", false],
    ["ch statusline\ndate", false],
    ["echo $(ch statusline)", false],
    ["ch statusline --bogus", false],
    ["ch statusline --wrap", false],
    ["ch status", false],
    ["branch statusline", false],
    ["my-ch statusline", false],
    ["ch 'statusline", false],
    ["node /x/main.js statusline", false],
    ["", false],
  ])("%j: %p", (command, isOwn) => {
    expect(readOwnLine(command) !== null).toBe(isOwn);
  });

  test("is read as it was written, whatever it wraps", () => {
    const word = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
      .filter((one) => !/[\0\ud800-\udfff]/u.test(one) && !(IS_WINDOWS && one.includes("'")));
    fc.assert(
      fc.property(word, fc.option(word), (wrapped, format) => {
        const line = {
          program: [IS_WINDOWS ? "C:/a b/ch" : "/a b/it's/ch"],
          flags: format === null ? [] : ["--format", format],
          wrapped,
        };
        expect(readOwnLine(writeOwnLine(line))).toEqual(line);
      }),
      { numRuns: RUNS, seed: 4 },
    );
  });
});
