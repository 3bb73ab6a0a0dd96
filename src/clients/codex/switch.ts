// The switch of Codex: which key of config.toml moves, seen together with the files above and below it, and whether
// a stored session still needs the provider that we made.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError, errorCode, ignoreSystemError } from "../../base/errors.ts";
import { lookAt } from "../../base/files.ts";
import { joinTexts, t } from "../../base/text.ts";
import { DEFAULT_PORT, makeProxyAddress } from "../../base/service.ts";
import { type Edit, type SwitchEditor, type SwitchTarget, type Undo, withFileName } from "../client.ts";
import { type CodexFacts, makeCodexFacts, readCodexFacts } from "./facts.ts";
import { type CodexLayer, parseToml } from "./layers.ts";
import { isUsableLogin } from "./login.ts";
import { OWN_PROVIDER } from "./own-provider.ts";
import { describeRefused, findConfigRefusal } from "./refusal.ts";
import { type CodexRoute, type CodexUndoOptions, editCodexToml, undoCodexToml } from "./toml.ts";
import { CODEX_ENCODINGS } from "./places.ts";

export function createCodexEditor({
  paths,
  systemDirectory,
  file = paths.codexConfig,
}: SwitchTarget): SwitchEditor {
  const ownAddresses = [makeProxyAddress("codex", DEFAULT_PORT.codex)];
  const undo = (text: string, options: Omit<CodexUndoOptions, "ownAddresses">): Undo =>
    withFileName(file, () => undoCodexToml(text, { ...options, ownAddresses }));
  return {
    file,
    encodings: CODEX_ENCODINGS,
    findRefusal(text) {
      const refusal = findConfigRefusal(text);
      if (refusal === null) return null;
      const ways = [t`correct that line`, t`write anyway: ch switch on --codex --force`];
      return new UserError(describeRefused(file, refusal), { hint: joinTexts(ways, "\n") });
    },
    async edit(clean, { clientToken, isForced, port, prefersOwnProvider }) {
      const facts = await readCodexFacts(paths, { systemDirectory });
      const address = makeProxyAddress("codex", port, clientToken);
      const options = { file, address, prefersOwnProvider, facts };
      const edit = withFileName(file, () => switchCodexText(clean, options));
      if (isForced !== true) refuseSpoilt(file, clean, edit.text);
      return edit;
    },
    clean: (text, changes) => undo(text, { changes, keepsOwnTable: true }),
    async undo(text, changes) {
      const keepsOwnTable = text.includes(OWN_PROVIDER) && (await hasStoredSession(paths.codexHome));
      return undo(text, { changes, keepsOwnTable });
    },
  };
}

export interface CodexSwitch {
  /** The user's config.toml, for messages and to find its layer. */
  readonly file: string;
  readonly address: string;
  /** `--own-provider` */
  readonly prefersOwnProvider: boolean;
  readonly facts: CodexFacts;
}

/** The first line of a session's file is about 22 KB; the provider comes before its long part. */
const HEAD_BYTES = 64 * 1024;
const NEEDLE = `"model_provider":"${OWN_PROVIDER}"`;
const FOLDERS = ["sessions", "archived_sessions"];
const OWN_PROVIDER_LINE = "ch switch on --own-provider";

/** Expects a text without a switch in it. Throws UserError where the proxy would not get Codex's requests. */
export function switchCodexText(clean: string, options: CodexSwitch): Edit {
  const facts = factsWith(clean, options);
  const edit = editCodexToml(clean, chooseRoute(facts, options), options.address);
  refuseOverruled(factsWith(edit.text, options), options);
  return edit;
}

/** The new address may contradict what else is set for the provider. */
function refuseSpoilt(file: string, clean: string, text: string): void {
  const refusal = findConfigRefusal(clean) === null ? findConfigRefusal(text) : null;
  if (refusal === null) return;
  const ways = [
    t`with a provider beside it: ${OWN_PROVIDER_LINE}`,
    t`without changing the file: ch run -- codex`,
  ];
  throw new UserError(describeRefused(file, refusal), { hint: joinTexts(ways, "\n") });
}

/** A session of Codex belongs to its provider's id, so the id stays wherever it can. */
function chooseRoute(facts: CodexFacts, { file, prefersOwnProvider }: CodexSwitch): CodexRoute {
  if (prefersOwnProvider) return { kind: "own" };
  const { activeId, active, activeKind } = facts;
  switch (activeKind) {
    case "openai":
      // Without a login Codex would stop at its sign-in screen.
      return { kind: isUsableLogin(facts.login) ? "openai" : "own" };
    case "other-builtin":
      throw new UserError(t`Codex's provider is "${activeId}", which cannot be proxied`, {
        hint: t`choose another model_provider in ${file}, or use: ${OWN_PROVIDER_LINE}`,
      });
    case "undefined":
      throw new UserError(t`Codex's provider is "${activeId}", and no file defines it`, {
        hint: t`correct model_provider in ${facts.activeSource?.where ?? file}, or use: ${OWN_PROVIDER_LINE}`,
      });
    case "custom": {
      const places = active?.definedIn ?? [];
      if (places.some(({ where }) => where === file)) return { kind: "provider", id: activeId };
      throw new UserError(
        t`Codex's provider "${activeId}" is defined in ${places[0]?.where ?? ""}, which codex-helper does not edit`,
        {
          hint: t`use: ${OWN_PROVIDER_LINE}`,
        },
      );
    }
  }
}

function refuseOverruled(facts: CodexFacts, { address }: CodexSwitch): void {
  const found = facts.activeKind === "custom" ? facts.active?.baseUrl : facts.openaiBaseUrl;
  if (found?.value === address) return;
  const where = found?.kind === "user" ? facts.activeSource?.where : found?.where;
  const winner = where ?? t`another file`;
  throw new UserError(t`${winner} sets where Codex sends its requests, and takes precedence`, {
    hint: t`change it there, or start Codex with: ch run -- codex`,
  });
}

/** The facts as they would be with another text in the user's file. */
function factsWith(text: string, { file, facts }: CodexSwitch): CodexFacts {
  const user: CodexLayer = { kind: "user", where: file, table: parseToml(text, file) };
  const below = facts.layers.filter(({ kind }) => kind === "system");
  const above = facts.layers.filter(({ kind }) => kind !== "system" && kind !== "user");
  return makeCodexFacts([...below, user, ...above], facts.login);
}

/**
 * Is there a stored session that can only be resumed while our provider is defined? Looks at the newest first. A compressed
 * one, which cannot be looked into cheaply, counts as one that needs it.
 */
async function hasStoredSession(codexHome: string): Promise<boolean> {
  const names = FOLDERS.flatMap((folder) => listRollouts(join(codexHome, folder)));
  for (const path of names.toSorted().toReversed()) {
    if (path.endsWith(".zst") || (await namesOwnProvider(path))) return true;
  }
  return false;
}

function listRollouts(folder: string): string[] {
  const names = ignoreSystemError(() => readdirSync(folder, { recursive: true, encoding: "utf8" }), []);
  return names.filter((name) => /\.jsonl(?:\.zst)?$/.test(name)).map((name) => join(folder, name));
}

async function namesOwnProvider(path: string): Promise<boolean> {
  // Opening a pipe would wait for a writer.
  if (lookAt(path)?.isFile() !== true) return false;
  try {
    const head = await Bun.file(path).slice(0, HEAD_BYTES).text();
    return head.includes(NEEDLE);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}
