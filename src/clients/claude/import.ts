// From what Claude Code is set to, to a config of ours: its base URL or the official API, with the kind of credential
// that it uses there.
// Pure.
import { type Env, readVariable } from "../../base/env.ts";
import { t } from "../../base/text.ts";
import type { AuthEntry } from "../../config/schema.ts";
import {
  CREDENTIALS,
  type ClaudeFacts,
  type FoundVariable,
  PLACEHOLDER_TOKEN,
  findVariable,
} from "./layers.ts";
import {
  CC_SWITCH_KEY,
  type Import,
  type IsOwnAddress,
  collectImports,
  describeCcSwitchKey,
  makeImported,
} from "../imported-config.ts";

const API_URL = "https://api.anthropic.com";

/** Only what holds everywhere is taken: a project's own settings are not. */
export function importClaude(facts: ClaudeFacts, env: Env, isOwnAddress: IsOwnAddress): Import {
  const layers = facts.layers.filter(({ kind }) => kind !== "project" && kind !== "local");
  const seen = { ...facts, layers };
  const set = findVariable(seen, "ANTHROPIC_BASE_URL")?.value;
  const isSwitched = set !== undefined && isOwnAddress(set);
  // A key set beside our own address belongs to whatever stood there before; only the account's login is Anthropic's.
  const auth = isSwitched ? loginAuth(seen) : authOf(seen, env);
  const baseUrl = set === undefined || isSwitched ? API_URL : set;
  const isOfficial = baseUrl === API_URL;
  const problems = facts.problems.map(({ text }) => text);
  const from = isOfficial ? t`Claude Code's own credentials` : t`Claude Code's ANTHROPIC_BASE_URL`;
  if (!isSwitched && hasCcSwitchKey(seen)) return collectImports([describeCcSwitchKey(from), ...problems]);
  if (auth === null && isOfficial) return collectImports(problems);
  const config = makeImported({
    service: "claude",
    name: isOfficial ? "anthropic" : (URL.parse(baseUrl)?.hostname ?? "imported"),
    from,
    baseUrl,
    auth: auth ?? {},
  });
  return collectImports([config, ...problems]);
}

/** The header kind follows the source. Null where Claude Code has nothing to show. */
function authOf(facts: ClaudeFacts, env: Env): AuthEntry | null {
  const token = findVariable(facts, "ANTHROPIC_AUTH_TOKEN");
  if (token !== undefined && token.value !== PLACEHOLDER_TOKEN) {
    return isReachable("ANTHROPIC_AUTH_TOKEN", token, env)
      ? { auth_token_env: "ANTHROPIC_AUTH_TOKEN" }
      : { auth_token: token.value };
  }
  const key = findVariable(facts, "ANTHROPIC_API_KEY");
  if (key !== undefined) {
    return isReachable("ANTHROPIC_API_KEY", key, env)
      ? { api_key_env: "ANTHROPIC_API_KEY" }
      : { api_key: key.value };
  }
  return facts.layers.some((layer) => layer.hasApiKeyHelper) ? { client: true } : loginAuth(facts);
}

function hasCcSwitchKey(facts: ClaudeFacts): boolean {
  return CREDENTIALS.some((name) => findVariable(facts, name)?.value === CC_SWITCH_KEY);
}

function loginAuth(facts: ClaudeFacts): AuthEntry | null {
  return facts.hasLogin ? { client: true } : null;
}

/** Would the variable, looked up in the environment first and in the user's settings second, give this value? */
function isReachable(name: string, { value, layer }: FoundVariable, env: Env): boolean {
  const inEnvironment = readVariable(env, name);
  return inEnvironment === undefined ? layer.kind === "user" : inEnvironment === value;
}
