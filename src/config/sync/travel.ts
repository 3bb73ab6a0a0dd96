// Which values of config.json go to other machines, and which only where a person accepts them there; and an object of the file as
// such values, each by its path. A key never goes, nor what might be one.
// Pure.
import { type JsonRecord, isRecord } from "../../base/json-value.ts";
import { maskText } from "../../base/secrets.ts";
import { mapServices } from "../../base/service.ts";
import type { AuthEntry, UpstreamEntry } from "../schema.ts";
import { findCredential } from "../check-upstreams.ts";

/**
 * free: taken over at once. asks: it decides who gets a key or a conversation, what runs here, or what may be spent, or weakens a
 * protection, so that it is taken over only where it is accepted. stays: it belongs to one machine. key: it is a key or may hold one, and stays.
 */
export type Travel = "free" | "asks" | "stays" | "key";

interface Rule {
  readonly travel: Travel;
  /** Its values are merged as one: parts of two would make a third. */
  readonly isWhole?: true;
}

export type Rules = Readonly<Record<string, Rule>>;

const FREE: Rule = { travel: "free" };
const WHOLE: Rule = { travel: "free", isWhole: true };
const ASKS: Rule = { travel: "asks" };
const WHOLE_ASKS: Rule = { travel: "asks", isWhole: true };
const STAYS: Rule = { travel: "stays" };
const KEY: Rule = { travel: "key" };

/** By the keys of the schema, all of them. What is not here is of a newer version: it is left where it is. */
export const UPSTREAM_RULES: Rules = {
  base_url: ASKS,
  auth: WHOLE_ASKS,
  tags: FREE,
  enabled: FREE,
  disabled_until: FREE,
  models: FREE,
  headers: KEY,
  headers_allowed: WHOLE_ASKS,
  query: KEY,
  proxy: STAYS,
  tls_ca: STAYS,
  timeouts: FREE,
  on_status: FREE,
  on_error: WHOLE,
  cost_multiplier: ASKS,
  budget_usd: ASKS,
  budget: WHOLE_ASKS,
  keep: ASKS,
  max_concurrent: FREE,
  limit_group: FREE,
  queue_secs: FREE,
  privacy: ASKS,
};

export const CONFIG_RULES: Rules = {
  name: STAYS,
  alias: FREE,
  needs_activation: STAYS,
  upstreams: STAYS,
  budget_usd: ASKS,
  budget: WHOLE_ASKS,
  headers_allowed: WHOLE_ASKS,
  on_error: WHOLE,
  on_exhausted: ASKS,
  on_all_exhausted: FREE,
  models: FREE,
};

export const SETTING_RULES: Rules = {
  version: STAYS,
  default_service: STAYS,
  routing: FREE,
  timeouts: FREE,
  budget_usd: ASKS,
  budget: WHOLE_ASKS,
  budgets_by_model: ASKS,
  privacy: ASKS,
  filter: STAYS,
  on_all_exhausted: FREE,
  hooks: STAYS,
  notify: STAYS,
  alarm: FREE,
  share: STAYS,
  limits: STAYS,
  projects: STAYS,
  unknown_project: STAYS,
  ...mapServices(() => STAYS),
};

/** What an import wrote for this machine alone: among it where the client's own login may go. */
const OWN_TAG = /^imported_/;

/** A path within a config, an upstream or the settings: "alias", "timeouts/idle_secs", "models/a~1b" (RFC 6901 without the first slash). */
export type Path = string;

export type Values = ReadonlyMap<Path, unknown>;

export const escapeKey = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

export function keysOfPath(path: Path): string[] {
  return path.split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Null for what is of a newer version, or does not travel. */
export function travelOf(rules: Rules, path: Path): "free" | "asks" | null {
  const [first = "", second] = keysOfPath(path);
  const rule = Object.hasOwn(rules, first) ? rules[first] : undefined;
  if (rule === undefined || (first === "tags" && OWN_TAG.test(second ?? ""))) return null;
  return rule.travel === "free" || rule.travel === "asks" ? rule.travel : null;
}

/** Is it a secret of this machine's, does it hold one, or does it look as if it did? */
export type IsSecret = (text: string) => boolean;

const LEAST_SECRET = 6;

export function makeIsSecret(known: readonly string[]): IsSecret {
  const secrets = known.filter((secret) => secret.length >= LEAST_SECRET);
  return (text) => secrets.some((secret) => text.includes(secret)) || maskText(text) !== text;
}

export function holdsSecret(value: unknown, isSecret: IsSecret): boolean {
  if (typeof value === "string") return isSecret(value);
  if (Array.isArray(value)) return value.some((one) => holdsSecret(one, isSecret));
  if (!isRecord(value)) return false;
  return Object.entries(value).some(([key, one]) => isSecret(key) || holdsSecret(one, isSecret));
}

export interface Flat {
  readonly values: Values;
  /** Paths of what is a key or might be one: it stays. */
  readonly leftOut: readonly Path[];
}

/** The values of an object that travel. `auth` is for `flattenUpstream`. */
export function flatten(entry: JsonRecord, rules: Rules, isSecret: IsSecret): Flat {
  const values = new Map<Path, unknown>();
  const leftOut: Path[] = [];
  const add = (path: Path, value: unknown, travel: Travel): void => {
    if (value == null) return;
    if (travel === "key" || holdsSecret([path, value], isSecret)) leftOut.push(path);
    else if (travelOf(rules, path) !== null) values.set(path, value);
  };
  for (const [key, value] of Object.entries(entry)) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined || rule.travel === "stays") continue;
    if (!isRecord(value) || rule.isWhole === true) add(escapeKey(key), value, rule.travel);
    else
      for (const [name, one] of Object.entries(value))
        add(`${escapeKey(key)}/${escapeKey(name)}`, one, rule.travel);
  }
  return { values, leftOut };
}

export interface FlatUpstream extends Flat {
  /** It has a key of its own in the file: what the others say of its key does not matter here. */
  readonly hasOwnKey: boolean;
}

export function flattenUpstream(entry: UpstreamEntry, isSecret: IsSecret): FlatUpstream {
  const { auth, ...others } = entry;
  const flat = flatten(others, UPSTREAM_RULES, isSecret);
  const used = findCredential(auth);
  if (used?.from === "text")
    return { ...flat, leftOut: [`auth/${used.key}`, ...flat.leftOut], hasOwnKey: true };
  const reference = referenceOf(auth);
  if (reference === null) return { ...flat, hasOwnKey: false };
  if (holdsSecret(reference, isSecret) || printsItsWords(reference))
    return { ...flat, leftOut: [`auth/${used?.key ?? "client"}`, ...flat.leftOut], hasOwnKey: true };
  return { ...flat, values: new Map([...flat.values, ["auth", reference]]), hasOwnKey: false };
}

/** Programs that print or run what they are given: the key itself may be in it. */
const PRINTER = /(?:^|[\\/])(?:echo|printf|env|(?:ba|da|z|k|fi)?sh|cmd|powershell|pwsh)(?:\.exe)?$/i;

function printsItsWords({ api_key_command, auth_token_command }: AuthEntry): boolean {
  return PRINTER.test(auth_token_command?.[0] ?? api_key_command?.[0] ?? "");
}

/** Where the key in use comes from; null where there is none. Nothing else of `auth` counts. */
function referenceOf(auth: AuthEntry | null | undefined): AuthEntry | null {
  const used = findCredential(auth);
  if (used === null) return auth?.client === true ? { client: true } : null;
  const ttl = auth?.command_ttl_secs;
  return {
    [used.key]: auth?.[used.key],
    ...(used.from === "command" && ttl != null ? { command_ttl_secs: ttl } : {}),
  };
}

/** The object that these values make. */
export function unflatten(values: Values): JsonRecord {
  const entry: JsonRecord = {};
  for (const [path, value] of values) {
    const [first = "", second] = keysOfPath(path);
    if (first === "__proto__" || second === "__proto__") continue;
    if (second === undefined) {
      entry[first] = value;
      continue;
    }
    const inner = Object.hasOwn(entry, first) ? entry[first] : undefined;
    entry[first] = { ...(isRecord(inner) ? inner : {}), [second]: value };
  }
  return entry;
}
