// What keeps Codex from our proxy although config.toml points there: managed files, profiles, outbound proxies, other tools.
// Reads nothing.
import type { Env } from "../../base/env.ts";
import { quoteWord } from "../../base/shell.ts";
import { t } from "../../base/text.ts";
import type { IsOwnAddress } from "../imported-config.ts";
import { type Override, listOtherProxy, listOutboundProxy } from "../override.ts";
import { showKey } from "../client.ts";
import { type CodexFacts, makeCodexFacts } from "./facts.ts";
import { type CodexLayer, isTable, valueAt } from "./layers.ts";
import { profileName } from "./places.ts";

export interface CodexOverrideFacts {
  readonly facts: CodexFacts;
  readonly profiles: readonly CodexLayer[];
  readonly env: Env;
  readonly isOwnAddress: IsOwnAddress;
}

export function listCodexOverrides({ facts, profiles, env, isOwnAddress }: CodexOverrideFacts): Override[] {
  const managed = facts.layers.filter(({ kind }) => kind === "managed");
  const { activeKind, active, openaiBaseUrl } = facts;
  const baseUrl = activeKind === "custom" ? active?.baseUrl : openaiBaseUrl;
  return [
    ...managed.filter(setsTarget).map(({ where, table }): Override => ({
      id: "managed",
      where,
      what: t`sets ${keysOfTarget(table)} and overrides every file and option`,
      hint: t`remove it from that file, or ask the administrator of this machine`,
    })),
    ...profiles
      .filter((profile) => isElsewhere(profile, facts, isOwnAddress))
      .map(({ where, table }): Override => {
        const name = quoteWord(profileName(where));
        return {
          id: "profile",
          where,
          what: t`sets ${keysOfTarget(table)}: codex -p ${name} bypasses the proxy`,
          hint: t`remove it from that file, or use: ch run -- codex -p ${name}`,
        };
      }),
    ...listOutboundProxy(env),
    ...(baseUrl === undefined ? [] : listOtherProxy(baseUrl, isOwnAddress)),
  ];
}

/** Does Codex, started with the profile, ask another address than without, that is not ours? */
function isElsewhere(profile: CodexLayer, facts: CodexFacts, isOwnAddress: IsOwnAddress): boolean {
  if (!setsTarget(profile)) return false;
  const below = facts.layers.filter(({ kind }) => kind !== "managed");
  const managed = facts.layers.filter(({ kind }) => kind === "managed");
  const target = targetOf(makeCodexFacts([...below, profile, ...managed], facts.login));
  return target !== targetOf(facts) && (target === undefined || !isOwnAddress(target));
}

/** Where its requests go; undefined for its own default, or a provider that nothing defines. */
function targetOf({ active, activeKind, openaiBaseUrl }: CodexFacts): string | undefined {
  return (activeKind === "openai" ? openaiBaseUrl : active?.baseUrl)?.value;
}

function setsTarget({ table }: CodexLayer): boolean {
  return keysOfTarget(table) !== "";
}

/** The keys of a file that decide where Codex's requests go, for people. */
function keysOfTarget(table: CodexLayer["table"]): string {
  const providers = valueAt(table, ["model_providers"]);
  const ids = isTable(providers) ? Object.keys(providers) : [];
  return [["model_provider"], ["openai_base_url"], ...ids.map((id) => ["model_providers", id, "base_url"])]
    .filter((path) => valueAt(table, path) !== undefined)
    .map(showKey)
    .join(", ");
}
