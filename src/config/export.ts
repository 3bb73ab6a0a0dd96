// config.json for another machine or for other people: with its keys, or with every secret masked; and which settings
// another machine imports from it.
// Pure.
import { type JsonRecord, isRecord } from "../base/json-value.ts";
import { maskSecret, maskText } from "../base/secrets.ts";
import type { Change } from "./jsonc-edit.ts";
import type { ParsedConfig } from "./parse.ts";

/** Keys whose values are secrets whatever they look like, and objects all of whose values are. */
const SECRET_KEYS = new Set(["auth_token", "api_key"]);
const SECRET_MAPS = new Set(["headers", "query", "via"]);
/**
 * Settings around the configs that are imported from a file. Hooks are not: they are commands; notifications tell a stranger's
 * address what happens here, as a pool would; and redaction is this machine's.
 */
const NEVER = ["hooks", "notify", "filter", "share"] as const;
const SETTINGS = ["default_service", "routing", "timeouts", "privacy", "limits"] as const;
/** In the middle of every masked secret. */
const MASK = "…";

/** The whole file as JSON; comments are not kept. */
export function makeExport({ shell }: ParsedConfig, isMasked: boolean): string {
  return `${JSON.stringify(isMasked ? mask(shell, "") : shell, null, 2)}\n`;
}

/** Was this made with its secrets masked? */
export function isMaskedSecret(value: string | null | undefined): boolean {
  return value?.includes(MASK) === true;
}

/** The settings of `from` that `to` does not have. */
export function listNewSettings(from: ParsedConfig, to: ParsedConfig): Change[] {
  return SETTINGS.flatMap((key): Change[] => {
    const value = from.shell[key];
    return value == null || to.shell[key] != null ? [] : [{ kind: "set", path: [key], value }];
  });
}

/** The settings of `from` that are not imported: `to` has its own, or they never are. */
export function listKeptSettings(from: ParsedConfig, to: ParsedConfig): string[] {
  return [...SETTINGS, ...NEVER].filter((key) => {
    const isSame = JSON.stringify(from.shell[key]) === JSON.stringify(to.shell[key]);
    return from.shell[key] != null && !isSame && (NEVER.some((one) => one === key) || to.shell[key] != null);
  });
}

function mask(value: unknown, key: string): unknown {
  if (typeof value === "string") return SECRET_KEYS.has(key) ? maskSecret(value) : maskText(value);
  // Where somebody keeps their keys is nobody else's to know.
  if (Array.isArray(value) && key.endsWith("_command"))
    return value.map((one: unknown, place) => (place === 0 ? mask(one, key) : MASK));
  if (Array.isArray(value)) return value.map((one: unknown) => mask(one, key));
  if (!isRecord(value)) return value;
  const isSecret = SECRET_MAPS.has(key);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]): [string, unknown] => [
      name,
      isSecret && typeof one === "string" ? maskSecret(one) : mask(one, name),
    ]),
  ) satisfies JsonRecord;
}
