// The two clients in one shape: which file a switch edits, and how a text goes in and out of it.
import type { Env } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import { DEFAULT_PORT, type Service } from "../../base/service.ts";
import { readClaudeFacts } from "../claude/facts.ts";
import { undoClaudeSettings } from "../claude/settings.ts";
import { readCodexFacts } from "../codex/facts.ts";
import { undoCodexToml } from "../codex/toml-undo.ts";
import type { Edit, KeyChange, Undo } from "../key-change.ts";
import { hasStoredSession } from "../codex/own-provider-sessions.ts";
import { OWN_PROVIDER } from "../codex/own-provider.ts";
import { makeProxyAddress } from "../proxy-address.ts";
import { switchClaudeText } from "../claude/switch.ts";
import { switchCodexText } from "../codex/switch.ts";

/** Which client is switched, and where its settings are looked for. */
export interface SwitchTarget {
  readonly service: Service;
  readonly paths: Paths;
  readonly env: Env;
  /** Where the machine's own files of the client lie, if not in the usual place. */
  readonly systemDirectory?: string;
}

export interface SwitchGoal {
  readonly port: number;
  /** Codex: a provider of our own, instead of the address of the present one. */
  readonly prefersOwnProvider: boolean;
}

/** Everything here throws UserError with the file's name for a file that we dare not edit. */
export interface SwitchEditor {
  readonly file: string;
  /** Points a text without a switch in it at the proxy. */
  edit(clean: string, goal: SwitchGoal): Promise<Edit>;
  /** Takes a switch out, but for a provider of ours that may be needed again. `changes` null: there is no journal. */
  clean(text: string, changes: readonly KeyChange[] | null): Undo;
  /** Takes a switch out, with everything that no stored session needs. */
  undo(text: string, changes: readonly KeyChange[] | null): Promise<Undo>;
}

export function createSwitchEditor(target: SwitchTarget): SwitchEditor {
  return target.service === "codex" ? createCodexEditor(target) : createClaudeEditor(target);
}

function createCodexEditor({ paths, systemDirectory }: SwitchTarget): SwitchEditor {
  const file = paths.codexConfig;
  const ownAddresses = [makeProxyAddress("codex", DEFAULT_PORT.codex)];
  const undo: SwitchEditor["clean"] = (text, changes) =>
    named(file, () => undoCodexToml(text, { changes, ownAddresses, keepsOwnTable: true }));
  return {
    file,
    async edit(clean, { port, prefersOwnProvider }) {
      const facts = await readCodexFacts(paths, systemDirectory === undefined ? {} : { systemDirectory });
      const address = makeProxyAddress("codex", port);
      return named(file, () => switchCodexText(clean, { file, address, prefersOwnProvider, facts }));
    },
    clean: undo,
    async undo(text, changes) {
      const keepsOwnTable = text.includes(OWN_PROVIDER) && (await hasStoredSession(paths.codexHome));
      return keepsOwnTable
        ? undo(text, changes)
        : named(file, () => undoCodexToml(text, { changes, ownAddresses, keepsOwnTable }));
    },
  };
}

function createClaudeEditor({ paths, env, systemDirectory }: SwitchTarget): SwitchEditor {
  const file = paths.claudeSettings;
  const ownAddresses = [makeProxyAddress("claude", DEFAULT_PORT.claude)];
  const undo: SwitchEditor["clean"] = (text, changes) =>
    named(file, () => undoClaudeSettings(text, { changes, ownAddresses }));
  return {
    file,
    async edit(clean, { port }) {
      const facts = await readClaudeFacts({
        paths,
        env,
        cwd: paths.claudeHome,
        ...(systemDirectory === undefined ? {} : { managedDirectory: systemDirectory }),
      });
      const address = makeProxyAddress("claude", port);
      return named(file, () => switchClaudeText(clean, { file, address, facts }));
    },
    clean: undo,
    undo: (text, changes) => Promise.resolve(undo(text, changes)),
  };
}

/** Adds the file's name to the errors of those who only know its text. */
function named<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError) || error.message.includes(file)) throw error;
    throw new UserError(`${file}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
