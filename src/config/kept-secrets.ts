// What of a removed upstream's secrets is still in files of ours: earlier versions of config.json above all.
import { type ParseError, parse } from "jsonc-parser";
import { dirname, join } from "node:path";
import { type Env, readVariable } from "../base/env.ts";
import { MAX_OWN_FILE_BYTES, listNames, readTextOrNull, removeFile, sizeOf } from "../base/files.ts";
import { isRecord, stringEntries } from "../base/json-value.ts";
import type { Paths } from "../base/paths.ts";
import { SERVICES } from "../base/service.ts";
import type { ParsedConfig } from "./parse.ts";

export interface Holders {
  /** Earlier versions of config.json, the oldest first. */
  readonly backups: readonly string[];
  /** Whatever else: a journal that is needed to restore a client, a file of the user's own. */
  readonly others: readonly string[];
}

const SECRET_NAME = /auth|cookie|key|secret|token/i;

/** The files that hold a secret which config.json had before and has no more. The texts are those of config.json. */
export function findHolders(
  paths: Pick<Paths, "backups" | "config" | "home" | "run">,
  { after, before }: { readonly before: string; readonly after: string },
): Holders {
  const secrets = listSecrets(before).filter((secret) => !holds(after, [secret]));
  if (secrets.length === 0) return { backups: [], others: [] };
  const holders = [paths.backups, paths.run, paths.home]
    .flatMap((directory) => listNames(directory).map((name) => join(directory, name)))
    .filter((path) => {
      const size = sizeOf(path);
      if (path === paths.config || size === 0 || size > MAX_OWN_FILE_BYTES) return false;
      return holds(readTextOrNull(path) ?? "", secrets);
    })
    .toSorted();
  return {
    backups: holders.filter((path) => dirname(path) === paths.backups),
    others: holders.filter((path) => dirname(path) !== paths.backups),
  };
}

/** Throws UserError. */
export function purgeBackups({ backups }: Holders): void {
  for (const path of backups) removeFile(path);
}

/** As written, or in a string of JSON that escapes it; in a version that no longer parses, as far as it does. */
function holds(text: string, secrets: readonly string[]): boolean {
  if (text === "") return false;
  const strings = [text, ...listStrings(read(text))];
  return secrets.some((secret) => strings.some((one) => one.includes(secret)));
}

/** Credentials of all upstreams, wherever they are in the file. */
export function listSecrets(text: string): string[] {
  const found: string[] = [];
  const look = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) look(one);
    if (!isRecord(value)) return;
    const auth = stringEntries(value["auth"]).filter(([name]) => name === "auth_token" || name === "api_key");
    const named = [value["headers"], value["query"]]
      .flatMap(stringEntries)
      .filter(([name]) => SECRET_NAME.test(name));
    // Of an outbound proxy, or of a pool.
    const addresses = [value["proxy"], value["url"]].filter(
      (one): one is string => typeof one === "string" && one.includes("@"),
    );
    found.push(...[...auth, ...named].map(([, secret]) => secret), ...addresses);
    for (const one of Object.values(value)) look(one);
  };
  look(read(text));
  return [...new Set(found)].filter((secret) => secret !== "");
}

function listStrings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(listStrings);
  return isRecord(value) ? Object.entries(value).flatMap(([name, one]) => [name, ...listStrings(one)]) : [];
}

function read(text: string): unknown {
  const errors: ParseError[] = [];
  return parse(text.replace(/^\ufeff/, ""), errors, { allowTrailingComma: true });
}

/** Of the variables that it names, where they are set. */
export function valuesOfVariables(config: ParsedConfig, env: Env): string[] {
  const auths = SERVICES.flatMap((service) =>
    [...config.services[service].configs.values()].flatMap(({ entry }) =>
      entry.upstreams.map(({ auth }) => auth),
    ),
  );
  return auths
    .flatMap((auth) => [auth?.auth_token_env, auth?.api_key_env])
    .flatMap((name) => (name == null ? [] : (readVariable(env, name.trim()) ?? [])));
}
