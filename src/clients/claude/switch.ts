// The switch of Claude Code: the address in the user's settings.json, seen together with the settings that override it, and
// a placeholder where there is no login.
import { UserError } from "../../base/errors.ts";
import { isRecord } from "../../base/json-value.ts";
import { joinTexts, t } from "../../base/text.ts";
import { DEFAULT_PORT, makeProxyAddress } from "../../base/service.ts";
import { valueOf } from "../../config/jsonc.ts";
import { type Edit, type SwitchEditor, type SwitchTarget, withFileName } from "../client.ts";
import { describeIgnored, readClaudeFacts } from "./facts.ts";
import { findSettingsRefusal } from "./refusal.ts";
import { type ClaudeFacts, findVariable, hasCredential, makeLayer } from "./layers.ts";
import { editClaudeSettings, readSettings, undoClaudeSettings } from "./settings.ts";
import { CLAUDE_ENCODINGS } from "./places.ts";

export function createClaudeEditor({
  paths,
  env,
  systemDirectory,
  file = paths.claudeSettings,
}: SwitchTarget): SwitchEditor {
  const ownAddresses = [makeProxyAddress("claude", DEFAULT_PORT.claude)];
  const undo: SwitchEditor["clean"] = (text, changes) =>
    withFileName(file, () => undoClaudeSettings(text, { changes, ownAddresses }));
  return {
    file,
    encodings: CLAUDE_ENCODINGS,
    findRefusal(text) {
      const refusal = findSettingsRefusal(text);
      if (refusal === null) return null;
      const ways = [
        t`correct it, or leave the file alone: ch run -- claude`,
        t`write anyway: ch switch on --claude --force`,
      ];
      return new UserError(describeIgnored(file, refusal), { hint: joinTexts(ways, "\n") });
    },
    async edit(clean, { clientToken, port }) {
      const facts = await readClaudeFacts({ paths, env, cwd: paths.claudeHome, systemDirectory });
      const address = makeProxyAddress("claude", port, clientToken);
      return withFileName(file, () => switchClaudeText(clean, { file, address, facts }));
    },
    clean: undo,
    undo: (text, changes) => Promise.resolve(undo(text, changes)),
  };
}

export interface ClaudeSwitch {
  /** The user's settings.json. */
  readonly file: string;
  readonly address: string;
  readonly facts: ClaudeFacts;
}

/** Expects a text without a switch in it. Throws UserError where the proxy would not get Claude Code's requests. */
export function switchClaudeText(clean: string, { file, address, facts }: ClaudeSwitch): Edit {
  const { root } = readSettings(clean);
  const settings = root === null ? {} : valueOf(root);
  const user = makeLayer("user", file, isRecord(settings) ? settings : {});
  const managed = facts.layers.filter(({ kind }) => kind === "managed");
  const others = facts.layers.filter(({ kind }) => kind === "environment");
  refuseOverruled({ ...facts, layers: managed }, address);
  // A project's own settings are left out: they hold for one directory, and the switch for all.
  const needsToken = !hasCredential({ ...facts, layers: [...managed, user, ...others] });
  return editClaudeSettings(clean, { address, needsToken });
}

function refuseOverruled(managed: ClaudeFacts, address: string): void {
  const found = findVariable(managed, "ANTHROPIC_BASE_URL");
  if (found === undefined || found.value === address) return;
  throw new UserError(
    t`${found.layer.where} sets where Claude Code sends its requests, and takes precedence`,
    {
      hint: t`ask the administrator of this machine`,
    },
  );
}
