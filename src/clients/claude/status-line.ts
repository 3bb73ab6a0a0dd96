// The status line in a settings.json: our command in its one key, around one that was there. Text in, text out, as with a switch;
// the journal remembers what was there, and without it our command is known by its words.
import { UserError } from "../../base/errors.ts";
import { parseJson } from "../../base/json-value.ts";
import { SERVICE_FACTS } from "../../base/service.ts";
import { t } from "../../base/text.ts";
import { replaceText } from "../../config/jsonc-edit.ts";
import {
  type KeyChange,
  type LineEdit,
  type LineOptions,
  type StatusLineEditor,
  type SwitchTarget,
  type Undo,
  withFileName,
} from "../client.ts";
import { describeIgnored } from "./facts.ts";
import { readOwnLine, writeOwnLine } from "./line-command.ts";
import { findSettingsRefusal } from "./refusal.ts";
import {
  type SettingsDocument,
  changeBelowSwitch,
  findNode,
  insert,
  readSettings,
  removeChanges,
  setString,
  sourceOf,
  without,
} from "./settings.ts";
import { CLAUDE_ENCODINGS } from "./places.ts";

const LINE = ["statusLine"] as const;
const COMMAND = ["statusLine", "command"] as const;

export function createClaudeLineEditor({ paths }: SwitchTarget): StatusLineEditor {
  const file = paths.claudeSettings;
  return {
    file,
    encodings: CLAUDE_ENCODINGS,
    install(clean, options) {
      const refusal = findSettingsRefusal(clean);
      if (refusal === null)
        return withFileName(file, () => ({ ...installLine(clean, options), remark: findRemark(clean) }));
      const hint = t`correct it, then: ch statusline install`;
      throw new UserError(describeIgnored(file, refusal), { hint });
    },
    uninstall: (clean, changes) => withFileName(file, () => uninstallLine(clean, changes)),
    below: (text, changes, change) => withFileName(file, () => changeBelowSwitch(text, changes, change)),
  };
}

/** Expects a text without a switch in it. Throws UserError, without the file's name. */
export function installLine(source: string, { changes, isThere, program }: LineOptions): LineEdit {
  const own = readOwnLine(readCommand(readSettings(source)));
  // Whoever added flags to it wants them.
  if (own !== null && isThere(own.program)) return { text: source, changes: null, wrapped: own.wrapped };
  const { text } = uninstallLine(source, changes);
  const document = readSettings(text);
  const before = readCommand(document) ?? "";
  const wrapped = before.trim() === "" ? null : before;
  const value = writeOwnLine({ program, flags: own?.flags ?? [SERVICE_FACTS.claude.flag], wrapped });
  if (findNode(document, LINE) !== undefined) return { ...setString(text, COMMAND, value), wrapped };
  const { change, text: edited } = insert(document, LINE, { type: "command", command: value });
  return { text: edited, changes: [{ path: LINE, before: null, ...change, value }], wrapped };
}

/** Throws UserError, without the file's name. `changes` null: there is no journal. */
export function uninstallLine(source: string, changes: readonly KeyChange[] | null): Undo {
  const known = changes ?? [];
  const document = readSettings(source);
  const node = findNode(document, COMMAND);
  const value = readCommand(document);
  if (node === undefined || value === undefined)
    return { text: source, keys: known.length === 0 ? [] : [{ kind: "gone", path: LINE }] };
  const written = sourceOf(document, node);
  const own = readOwnLine(value);
  const exact = known.filter((change) => change.value === value);
  if (exact.length === 0 && own === null) {
    const wasNeverWritten = known.every(({ before }) => before === written);
    return { text: source, keys: wasNeverWritten ? [] : [{ kind: "changed", path: COMMAND }] };
  }
  const restored = (text: string, isGuess: boolean): Undo => ({
    text: document.bom + text,
    keys: [{ kind: "restored", path: LINE, isGuess, value }],
  });
  const remove = (): string => without(document.text, LINE);
  if (exact.length > 0) return restored(removeChanges(document, exact, remove), false);
  // Ours with other flags, or without a journal.
  const wrapped = own?.wrapped ?? null;
  const fitting = known
    .filter(({ before }) => wrapped === null || (before !== null && parseJson(before) === wrapped))
    .map((change) => ({
      ...change,
      written: change.written.replace(JSON.stringify(change.value), () => written),
    }));
  if (fitting.length === 0 && wrapped !== null)
    return restored(replaceText(document.text, node, JSON.stringify(wrapped)), false);
  return restored(removeChanges(document, fitting, remove), fitting.length === 0);
}

/** The words that start the program of a status line of ours; null for any other line, or none. */
export function findLineProgram(source: string): readonly string[] | null {
  return readOwnLine(readCommand(readSettings(source)))?.program ?? null;
}

/** Measured: it turns the status line off, too. */
function findRemark(source: string) {
  const isOff = findNode(readSettings(source), ["disableAllHooks"])?.value === true;
  return isOff ? t`disableAllHooks is on: Claude Code shows no status line until it is removed` : undefined;
}

function readCommand(document: SettingsDocument): string | undefined {
  const value: unknown = findNode(document, COMMAND)?.value;
  return typeof value === "string" ? value : undefined;
}
