// From what Codex is set to, to configs of ours: every provider its own, the active one first, keys by reference where
// there is something to refer to.
// Pure.
import { type Env, readVariable } from "../../base/env.ts";
import { type Text, isText, t } from "../../base/text.ts";
import type { AuthEntry } from "../../config/schema.ts";
import type { CodexFacts } from "./facts.ts";
import { showKey } from "../client.ts";
import { isTable, valueAt } from "./layers.ts";
import type { CodexProvider } from "./provider.ts";
import {
  CC_SWITCH_KEY,
  type Import,
  type IsOwnAddress,
  type Made,
  collectImports,
  describeCcSwitchKey,
  makeImported,
  nameConfig,
} from "../imported-config.ts";

const API_URL = "https://api.openai.com/v1";
const CHATGPT_URL = "https://chatgpt.com/backend-api/codex";
/** Name of the key in auth.json, which our variables fall back to. */
const API_KEY = "OPENAI_API_KEY";

export interface CodexImport extends Context {
  /** What it would do with each profile file, or why it would not start with it. */
  readonly profiles: readonly {
    readonly name: string;
    readonly where: string;
    readonly facts: CodexFacts | Text | string;
  }[];
}

/** `env` tells which variables hold what auth.json does, and the values of env_http_headers. */
export function importCodex({ profiles, ...context }: CodexImport): Import {
  const { facts } = context;
  const isActive = ({ id }: CodexProvider): boolean => id === facts.activeId;
  const custom = facts.providers
    .filter(({ id }) => id !== "openai")
    .toSorted((a, b) => Number(isActive(b)) - Number(isActive(a)))
    .flatMap((provider) => importProvider(provider, context));
  const official = importLogin(context);
  return collectImports([
    ...(facts.activeKind === "custom" ? [...custom, ...official] : [...official, ...custom]),
    ...profiles.flatMap((profile) => importProfile(profile, context)),
    ...listLegacyProfiles(facts),
  ]);
}

/** What a profile has of its own. What it only chooses, or leaves as it is, is imported already. */
function importProfile(
  { facts, name, where }: CodexImport["profiles"][number],
  { env, isOwnAddress }: Context,
): Made[] {
  if (typeof facts === "string" || isText(facts)) return [facts];
  const context = { facts, env, isOwnAddress };
  const isOwn = (kinds: CodexProvider["definedIn"]): boolean => kinds.some(({ kind }) => kind === "profile");
  const own = facts.providers
    .filter(({ definedIn, id }) => id !== "openai" && isOwn(definedIn))
    .flatMap((provider) => importProvider(provider, context));
  const official = facts.openaiBaseUrl?.kind === "profile" && facts.activeKind === "openai";
  const login = facts.login.kind === "none" ? [t`openai_base_url: Codex has no login`] : importLogin(context);
  const made = [...own, ...(official ? login.map((one) => rename(one, name)) : [])];
  return made.map((one) =>
    typeof one !== "string" && "upstreams" in one
      ? { ...one, from: t`${one.from} (${where})` }
      : t`${where}: ${one}`,
  );
}

function rename(made: Made, name: string): Made {
  return typeof made !== "string" && "upstreams" in made ? { ...made, ...nameConfig(name) } : made;
}

/** Tables of config.toml that Codex takes no notice of any more; the providers that they name are imported with the others. */
function listLegacyProfiles({ layers }: CodexFacts): Text[] {
  return layers.flatMap(({ table, where }) => {
    const profiles = valueAt(table, ["profiles"]);
    const names = isTable(profiles) ? Object.keys(profiles) : [];
    return names.map(
      (name) => t`${where}: ${showKey(["profiles", name])}: Codex no longer reads such a table`,
    );
  });
}

interface Context {
  readonly facts: CodexFacts;
  readonly env: Env;
  readonly isOwnAddress: IsOwnAddress;
}

function importProvider(provider: CodexProvider, { facts, env, isOwnAddress }: Context): Made[] {
  const { id, baseUrl } = provider;
  const from = t`Codex's provider "${id}"`;
  if (baseUrl === undefined) return [t`${from}: has no base_url`];
  if (isOwnAddress(baseUrl.value)) return [t`${from}: it is this proxy`];
  if (keyOf(provider, facts, env) === CC_SWITCH_KEY) return [describeCcSwitchKey(from)];
  const fromEnv = Object.entries(provider.envHttpHeaders).flatMap(([name, variable]) => {
    const value = readVariable(env, variable);
    return value === undefined ? [] : [[name, value]];
  });
  const config = makeImported({
    service: "codex",
    name: id,
    from,
    baseUrl: baseUrl.value,
    auth: authOf(provider, facts, env),
    headers: { ...provider.httpHeaders, ...Object.fromEntries(fromEnv) },
    query: provider.queryParams,
  });
  return [config];
}

/** The order in which Codex itself chooses (CLI 0.169: env_key wins over the login). */
function authOf(provider: CodexProvider, facts: CodexFacts, env: Env): AuthEntry {
  if (provider.envKey !== undefined) return { auth_token_env: provider.envKey };
  if (provider.bearerToken !== undefined) return { auth_token: provider.bearerToken };
  if (provider.hasAuthCommand) return { client: true };
  return provider.requiresOpenaiAuth ? loginAuth(facts, env) : {};
}

/** The key itself, where one is written down or set. */
function keyOf({ bearerToken, envKey, requiresOpenaiAuth }: CodexProvider, { login }: CodexFacts, env: Env) {
  if (envKey !== undefined) return readVariable(env, envKey);
  return bearerToken ?? (requiresOpenaiAuth && login.kind === "api-key" ? login.key : undefined);
}

/** A key is named, not copied, unless the variable of that name holds another one: it would win. */
function loginAuth({ login }: CodexFacts, env: Env): AuthEntry {
  switch (login.kind) {
    case "api-key": {
      const shadow = readVariable(env, API_KEY);
      return shadow === undefined || shadow.trim() === login.key
        ? { auth_token_env: API_KEY }
        : { auth_token: login.key };
    }
    case "chatgpt":
    case "keyring":
      return { client: true };
    case "none":
    case "unreadable":
      return {};
  }
}

/** The custom provider whose key the login's key is, where one of them is in use: nobody set up OpenAI with it then. */
function findKeyOwner({ facts, env, isOwnAddress }: Context, key: string): CodexProvider | undefined {
  if (facts.activeKind !== "custom") return undefined;
  const isTaken = ({ baseUrl, bearerToken, envKey, requiresOpenaiAuth }: CodexProvider): boolean => {
    if (baseUrl === undefined || isOwnAddress(baseUrl.value)) return false;
    if (envKey !== undefined) return (readVariable(env, envKey) ?? (envKey === API_KEY ? key : "")) === key;
    return bearerToken === undefined ? requiresOpenaiAuth : bearerToken === key;
  };
  const isActive = ({ id }: CodexProvider): boolean => id === facts.activeId;
  const owners = facts.providers.filter((one) => one.id !== "openai" && isTaken(one));
  return owners.find(isActive) ?? owners[0];
}

/** The built-in provider, where there is a login. */
function importLogin(context: Context): Made[] {
  const { facts, env, isOwnAddress } = context;
  const { login, openaiBaseUrl } = facts;
  if (login.kind === "none") return [];
  if (login.kind === "unreadable") return [login.problem];
  if (login.kind === "keyring") return [t`Codex's login is in the system keychain: its account is not known`];
  const isKey = login.kind === "api-key";
  if (login.kind === "api-key" && login.key === CC_SWITCH_KEY)
    return [describeCcSwitchKey(t`Codex's API key login`)];
  const isSwitched = openaiBaseUrl !== undefined && isOwnAddress(openaiBaseUrl.value);
  // A key used with our own address belongs to whatever stood there before; an account's tokens are always OpenAI's.
  if (isSwitched && isKey) return [t`Codex's API key login: openai_base_url is this proxy`];
  const owner =
    login.kind === "api-key" && openaiBaseUrl === undefined ? findKeyOwner(context, login.key) : undefined;
  if (owner !== undefined) return [t`Codex's API key login: its key is that of provider "${owner.id}"`];
  const set = isSwitched ? undefined : openaiBaseUrl?.value;
  const config = makeImported({
    service: "codex",
    name: isKey ? "openai" : "chatgpt",
    from: isKey ? t`Codex's API key login` : t`Codex's ChatGPT login`,
    baseUrl: set ?? (isKey ? API_URL : CHATGPT_URL),
    auth: loginAuth(facts, env),
  });
  return [config];
}
