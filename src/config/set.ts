// Sets single values of config.json by their paths. Each is checked against the schema before anything is written.
// Pure.
import type { JSONPath } from "jsonc-parser";
import * as z from "zod/mini";
import { EXIT, UserError } from "../base/errors.ts";
import { isRecord } from "../base/json-value.ts";
import { type Service, flagFor } from "../base/service.ts";
import { type Text, joinTexts, t } from "../base/text.ts";
import { type Plan, noSuchPosition } from "./edit.ts";
import type { Change } from "./jsonc-edit.ts";
import { formatPath } from "./jsonc.ts";
import { type Target, formatTarget } from "./name.ts";
import type { ParsedConfig } from "./parse.ts";
import {
  describeUnknownKey,
  didYouMean,
  findUnknownKeys,
  isFlatMap,
  keysOf,
  memberOf,
} from "./schema-keys.ts";
import { DESCRIBABLE, describeFirstIssue } from "./schema-words.ts";
import { wholeConfigFile } from "./schema.ts";

/** One value as it was typed. It may be a secret: no message has it. */
export interface Setting {
  /** "--base-url": for messages. */
  readonly flag: string;
  /** Keys, or as they are typed: "timeouts.idle_secs", "models.gpt-5.6", "on_error[0].match". */
  readonly path: JSONPath | string;
  /** Null takes it out of the file. */
  readonly value: unknown;
  /** The same without a reading as JSON, for a text without its quotes. */
  readonly asText?: string;
}

export interface SetTarget {
  readonly service: Service;
  /** An upstream, a config (or the only upstream of it), or the whole file (null). */
  readonly target: Target | null;
}

/** What a plan changes, for people: "main#1: base_url". Filled in when the plan is made. */
export type Changed = { readonly place: string; readonly key: string; readonly isRemoved: boolean }[];

export function planSet(about: SetTarget, settings: readonly Setting[], changed: Changed): Plan {
  return (config) => {
    changed.length = 0;
    return settings.flatMap((setting): Change[] => {
      const { base, isEntry, keys, place, schema } = findPlace(config, about, setting);
      const path = sameHeader(config, [...base, ...keys]);
      const value = isEntry && setting.value === null ? null : checkValue(schema, setting, keys);
      const present = valueAt(config.shell, path);
      if (JSON.stringify(present) === JSON.stringify(value) || (present === undefined && value === null))
        return [];
      changed.push({ place, key: formatPath(keys), isRemoved: value === null });
      return [value === null ? { kind: "remove", path } : { kind: "set", path, value }];
    });
  };
}

interface Place {
  /** Path of what is meant in the file. */
  readonly base: JSONPath;
  /** The typed path below it. */
  readonly keys: JSONPath;
  readonly schema: z.core.$ZodType;
  /** One of a map, which may be without it. */
  readonly isEntry: boolean;
  /** "main#1", "main", and "" for the file. */
  readonly place: string;
}

/** A key of the config where the name of one was typed and it has such a key; else of its only upstream. */
function findPlace(config: ParsedConfig, { service, target }: SetTarget, setting: Setting): Place {
  if (target === null) return followPath({ base: [], place: "" }, wholeConfigFile(), setting);
  const { name, position } = target;
  const base = [service, "configs", name];
  const upstreams = valueAt(config.shell, [...base, "upstreams"]);
  const count = Array.isArray(upstreams) ? upstreams.length : 0;
  if (position !== null && position > count) throw noSuchPosition(name, position, count, flagFor(service));
  const ofConfig = schemaAt(base);
  const ofUpstream = schemaAt([...base, "upstreams", 0]);
  const first = typeof setting.path === "string" ? /^[^.[]*/.exec(setting.path)?.[0] : setting.path[0];
  const has = (schema: z.core.$ZodType): boolean => keysOf(schema)?.includes(String(first)) === true;
  // What has a flag of its own is an upstream's where both have such a key.
  const isOfUpstream = has(ofUpstream) && (position !== null || setting.flag !== "--json");
  if (has(ofConfig) && !isOfUpstream) {
    if (position === null) return followPath({ base, place: name }, ofConfig, setting);
    throw misuse(t`${setting.flag}: "${String(first)}" belongs to the config, not to one upstream`, {
      hint: `ch config set ${name}${flagFor(service)} ${setting.flag} ...`,
    });
  }
  if (position === null && count !== 1) {
    // A key of neither is a mistake whichever upstream is meant.
    if (!has(ofUpstream)) return followPath({ base, place: name }, ofConfig, setting, ofUpstream);
    const labels = Array.from({ length: count }, (_, index) => formatTarget(name, index + 1));
    throw misuse(t`"${name}" has ${count} upstreams, and ${setting.flag} is for one of them`, {
      hint: joinTexts(
        labels.map((label) => `ch config set ${label}${flagFor(service)} ${setting.flag} ...`),
        "\n",
      ),
    });
  }
  const at = position ?? 1;
  const place = formatTarget(name, at);
  return followPath({ base: [...base, "upstreams", at - 1], place }, ofUpstream, setting, ofConfig);
}

/** Throws UserError for a key that the schema does not have; `other` has keys that may have been meant, too. */
function followPath(
  about: Pick<Place, "base" | "place">,
  schema: z.core.$ZodType,
  { flag, path }: Setting,
  other?: z.core.$ZodType,
): Place {
  const keys: (string | number)[] = [];
  let rest = path;
  let here = schema;
  let isEntry = false;
  while (rest.length > 0) {
    const step = typeof rest === "string" ? readStep(rest, here) : { key: rest[0], rest: rest.slice(1) };
    const next = step.key === undefined ? null : memberOf(here, step.key);
    if (step.key === undefined || next === null) {
      const others = here === schema && other !== undefined ? (keysOf(other) ?? []) : [];
      const known = [...new Set([...(keysOf(here) ?? []), ...others])];
      const shown = step.key === undefined ? String(rest) : String(step.key);
      if (keysOf(here) === null) throw misuse(t`${flag} "${shown}" is not an allowed name`);
      throw misuse(t`${flag}: ${didYouMean(shown, known)}`, {
        hint: t`known here: ${joinTexts(known, ", ")}`,
      });
    }
    keys.push(step.key);
    isEntry = keysOf(here) === null && typeof step.key === "string";
    here = next;
    ({ rest } = step);
  }
  return { ...about, keys, schema: here, isEntry };
}

/** The next key of a path as it is typed. In a map of names all that follows is one: names of models have dots. */
function readStep(text: string, schema: z.core.$ZodType): { key: string | number | undefined; rest: string } {
  const bare = text.replace(/^\./, "");
  const [quoted, inside = ""] = /^\["((?:[^"\\]|\\.)*)"\]/.exec(bare) ?? [];
  if (quoted !== undefined)
    return { key: JSON.parse(`"${inside}"`) as string, rest: bare.slice(quoted.length) };
  const [index, digits] = /^\[(\d{1,4})\]/.exec(bare) ?? [];
  if (index !== undefined) return { key: Number(digits), rest: bare.slice(index.length) };
  if (isFlatMap(schema)) return { key: bare, rest: "" };
  const [key] = /^[^.[\]]+/.exec(bare) ?? [];
  return { key, rest: bare.slice(key?.length ?? 0) };
}

/** Throws UserError that says what is wrong with it, without repeating it. */
function checkValue(
  schema: z.core.$ZodType,
  { asText, flag, path, value }: Setting,
  keys: JSONPath,
): unknown {
  const parsed = z.safeParse(schema, value, DESCRIBABLE);
  if (parsed.success) {
    const [unknown] = findUnknownKeys(schema, value);
    if (unknown === undefined) return value;
    throw misuse(t`${flag}: ${describeUnknownKey(String(unknown.path.at(-1)), unknown)}`);
  }
  if (asText !== undefined && value !== null && z.safeParse(schema, asText, DESCRIBABLE).success)
    return asText;
  const { path: inside, words } = describeFirstIssue(parsed.error);
  const what = typeof path === "string" || inside.length > 0 ? ` ${formatPath([...keys, ...inside])}` : "";
  throw misuse(t`${flag}${what} ${words}`);
}

function schemaAt(path: JSONPath): z.core.$ZodType {
  return path.reduce<z.core.$ZodType>((schema, key) => memberOf(schema, key) ?? schema, wholeConfigFile());
}

/** The name as the file has it: in another case it is the same header. */
function sameHeader({ shell }: ParsedConfig, path: JSONPath): JSONPath {
  const name = path.at(-1);
  const headers = path.at(-2) === "headers" ? valueAt(shell, path.slice(0, -1)) : undefined;
  if (!isRecord(headers)) return path;
  const present = Object.keys(headers).find((one) => one.toLowerCase() === String(name).toLowerCase());
  return present === undefined ? path : path.with(-1, present);
}

function valueAt(value: unknown, path: JSONPath): unknown {
  return path.reduce<unknown>((at, key) => {
    if (Array.isArray(at)) return at[Number(key)];
    return isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, value);
}

function misuse(message: Text, options: { readonly hint?: Text | string | undefined } = {}): UserError {
  return new UserError(message, { ...options, exitCode: EXIT.usage });
}
