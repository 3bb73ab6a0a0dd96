import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UserError } from "../../../src/base/errors.ts";
import { PLACEHOLDER_TOKEN } from "../../../src/clients/claude/layers.ts";
import { editClaudeSettings, undoClaudeSettings } from "../../../src/clients/claude/settings.ts";
import type { KeyChange, UndoOptions } from "../../../src/clients/client.ts";
import { NASTY_SETTINGS, REFUSED_SETTINGS } from "./nasty-settings.ts";
import { asObject, readSettings as read, someSettings, withKeys } from "./settings-arbitrary.ts";

const ADDRESS = "http://127.0.0.1:3210";
const OTHER_ADDRESS = "http://127.0.0.1:4000";
const FULL = process.env["VERIFY"] === "full";
const RUNS = FULL ? 10_000 : 1500;
const FEWER_RUNS = FULL ? 3000 : 500;
const TIMEOUT_MS = 60_000;

const NO_JOURNAL: UndoOptions = { changes: null, ownAddresses: [ADDRESS] };
const journal = (changes: readonly KeyChange[]): UndoOptions => ({ ...NO_JOURNAL, changes });
const TOKEN = fc.boolean();

describe("on, then off", () => {
  test(
    "gives the same bytes for any file",
    () => {
      fc.assert(
        fc.property(someSettings, TOKEN, (text, needsToken) => {
          const edit = editClaudeSettings(text, { address: ADDRESS, needsToken });
          expect(undoClaudeSettings(edit.text, journal(edit.changes)).text).toBe(text);
        }),
        { numRuns: RUNS, seed: 1 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "changes only our keys in the eyes of a second parser",
    () => {
      fc.assert(
        fc.property(someSettings, TOKEN, (text, needsToken) => {
          const edit = editClaudeSettings(text, { address: ADDRESS, needsToken });
          expect(read(edit.text)).toEqual(withKeys(read(text), ADDRESS, needsToken));
        }),
        { numRuns: FEWER_RUNS, seed: 2 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "is the same after a second on",
    () => {
      fc.assert(
        fc.property(someSettings, TOKEN, (text, needsToken) => {
          const edit = editClaudeSettings(text, { address: ADDRESS, needsToken });
          const other = editClaudeSettings(undoClaudeSettings(edit.text, journal(edit.changes)).text, {
            address: OTHER_ADDRESS,
            needsToken,
          });
          const clean = undoClaudeSettings(other.text, journal([...other.changes, ...edit.changes])).text;
          expect(editClaudeSettings(clean, { address: ADDRESS, needsToken })).toEqual(edit);
        }),
        { numRuns: FEWER_RUNS, seed: 3 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "takes only its keys out of a file that was written anew meanwhile",
    () => {
      fc.assert(
        fc.property(someSettings, TOKEN, (text, needsToken) => {
          const edit = editClaudeSettings(text, { address: ADDRESS, needsToken });
          const anew = JSON.stringify({ ...asObject(read(edit.text)), added: [1] }, null, 3);
          const undo = undoClaudeSettings(anew, journal(edit.changes));
          expect(read(undo.text)).toEqual({ ...asObject(read(text)), added: [1] });
        }),
        { numRuns: FEWER_RUNS, seed: 4 },
      );
    },
    TIMEOUT_MS,
  );

  test("throws nothing but an explanation for any text", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      '"env"',
      ":",
      ",",
      '"ANTHROPIC_BASE_URL"',
      `"${ADDRESS}"`,
      "[",
      "]",
      "1",
      "//",
      "/*",
      "*/",
      "\n",
      "\r",
      " ",
      '"',
      "\u0000",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 9 }), (parts) => {
        const text = parts.join("");
        for (const act of [
          () => editClaudeSettings(text, { address: ADDRESS, needsToken: true }),
          () => undoClaudeSettings(text, NO_JOURNAL),
        ]) {
          try {
            act();
          } catch (error) {
            expect(error).toBeInstanceOf(UserError);
          }
        }
      }),
      { numRuns: RUNS, seed: 5 },
    );
  });
});

describe("nasty files", () => {
  for (const [name, text] of NASTY_SETTINGS) {
    for (const needsToken of [false, true]) {
      test(`${name}${needsToken ? ", with a placeholder" : ""}`, () => {
        const edit = editClaudeSettings(text, { address: ADDRESS, needsToken });
        expect(read(edit.text)).toEqual(withKeys(read(text), ADDRESS, needsToken));
        const undo = undoClaudeSettings(edit.text, journal(edit.changes));
        expect(undo.text).toBe(text);
        expect(undo.keys).toEqual(
          edit.changes.map(({ path, value }) => ({ kind: "restored", path, isGuess: false, value })),
        );
        expect(undoClaudeSettings(text, journal(edit.changes))).toEqual({ text, keys: [] });
      });
    }
  }

  for (const [name, text, reason] of REFUSED_SETTINGS) {
    test(`refuses ${name}`, () => {
      const edit = (): unknown => editClaudeSettings(text, { address: ADDRESS, needsToken: true });
      expect(edit).toThrow(UserError);
      expect(edit).toThrow(reason);
    });
  }
});

describe("off", () => {
  const text = '{\n  "env": {\n    "ANTHROPIC_BASE_URL": "https://relay.example"\n  }\n}\n';
  const on = editClaudeSettings(text, { address: ADDRESS, needsToken: false });

  test("leaves a value that the user has set meanwhile", () => {
    const edited = on.text.replace(ADDRESS, "https://new.example");
    expect(undoClaudeSettings(edited, journal(on.changes))).toEqual({
      text: edited,
      keys: [{ kind: "changed", path: ["env", "ANTHROPIC_BASE_URL"] }],
    });
  });

  test("leaves a key removed that the user has removed meanwhile, and says so", () => {
    expect(undoClaudeSettings("{}", journal(on.changes))).toEqual({
      text: "{}",
      keys: [{ kind: "gone", path: ["env", "ANTHROPIC_BASE_URL"] }],
    });
  });

  test("without a journal, knows its address at any port by the placeholder beside it", () => {
    const on = editClaudeSettings('{"a":1}', { address: OTHER_ADDRESS, needsToken: true });
    const undo = undoClaudeSettings(on.text, NO_JOURNAL);
    expect(read(undo.text)).toEqual({ a: 1, env: {} });
    expect(undo.keys.map(({ kind }) => kind)).toEqual(["restored", "restored"]);
    const alone = editClaudeSettings("{}", { address: OTHER_ADDRESS, needsToken: false });
    expect(undoClaudeSettings(alone.text, NO_JOURNAL)).toEqual({ text: alone.text, keys: [] });
  });

  test("recognises its values without a journal, and calls that a guess", () => {
    const made = editClaudeSettings('{\n  "a": 1\n}\n', { address: ADDRESS, needsToken: true });
    const undo = undoClaudeSettings(made.text, NO_JOURNAL);
    expect(read(undo.text)).toEqual({ a: 1, env: {} });
    expect(undo.keys.map((key) => key.kind === "restored" && key.isGuess)).toEqual([true, true]);
    expect(made.text).toContain(PLACEHOLDER_TOKEN);
  });

  test("leaves another program's local address alone", () => {
    const foreign = '{"env":{"ANTHROPIC_BASE_URL":"http://127.0.0.1:3456"}}';
    expect(undoClaudeSettings(foreign, NO_JOURNAL)).toEqual({ text: foreign, keys: [] });
  });
});
