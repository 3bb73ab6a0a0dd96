// What a switch means for Codex: which key of config.toml moves, seen together with the files that lie over and under it.
import { UserError } from "../../base/errors.ts";
import { t } from "../../base/language.ts";
import { type CodexFacts, makeCodexFacts } from "./facts.ts";
import { type CodexLayer, parseToml } from "./layers.ts";
import { isUsableLogin } from "./login.ts";
import { type CodexRoute, editCodexToml } from "./toml.ts";
import type { Edit } from "../key-change.ts";

export interface CodexSwitch {
  /** The user's config.toml, for messages and to find its layer. */
  readonly file: string;
  readonly address: string;
  /** `--own-provider` */
  readonly prefersOwnProvider: boolean;
  readonly facts: CodexFacts;
}

const OWN_PROVIDER_LINE = "ch switch on --own-provider";

/** Expects a text without a switch in it. Throws UserError where the proxy would not get Codex's requests. */
export function switchCodexText(clean: string, options: CodexSwitch): Edit {
  const facts = factsWith(clean, options);
  const edit = editCodexToml(clean, chooseRoute(facts, options), options.address);
  refuseOverruled(factsWith(edit.text, options), options);
  return edit;
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
      throw new UserError(t`Codex's provider is "${activeId}", which nothing can be put in front of`, {
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
        t`Codex's provider "${activeId}" is defined in ${places[0]?.where ?? ""}, which we leave alone`,
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
  throw new UserError(t`${winner} decides where Codex sends its requests, and wins`, {
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
