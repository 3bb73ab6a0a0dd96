// Which keys the schema of config.json has at each place: for those in a file that it does not know, and for a path that
// somebody types.
// Pure.
import type { JSONPath } from "jsonc-parser";
import * as z from "zod/mini";
import { isRecord } from "../base/json-value.ts";
import { similarNames } from "../base/similar-names.ts";
import { type Text, t } from "../base/text.ts";

type Schema = z.core.$ZodType;

/** What a value may be, without what only says that it may be absent or when the schema is made. `isList`: of several forms the list. */
function unwrap(schema: Schema, isList = false): Schema {
  if (schema instanceof z.ZodMiniOptional || schema instanceof z.ZodMiniNullable)
    return unwrap(schema.def.innerType, isList);
  if (schema instanceof z.ZodMiniPipe) return unwrap(schema.def.out, isList);
  if (schema instanceof z.ZodMiniLazy) return unwrap(schema.def.getter(), isList);
  if (!(schema instanceof z.ZodMiniUnion)) return schema;
  const forms = schema.def.options.map((one) => unwrap(one, isList));
  const isMeant = (one: Schema): boolean =>
    isList ? one instanceof z.ZodMiniArray : one instanceof z.ZodMiniObject || one instanceof z.ZodMiniRecord;
  return forms.find(isMeant) ?? schema;
}

/** The keys of an object; null for what takes any key, or none. */
export function keysOf(schema: Schema): string[] | null {
  const bare = unwrap(schema);
  return bare instanceof z.ZodMiniObject ? Object.keys(bare.def.shape) : null;
}

/** The schema of a member or an entry; null where there can be none of that name. */
export function memberOf(schema: Schema, key: string | number): Schema | null {
  const bare = unwrap(schema, typeof key === "number");
  if (bare instanceof z.ZodMiniArray) return typeof key === "number" ? bare.def.element : null;
  if (typeof key === "number") return null;
  if (bare instanceof z.ZodMiniRecord)
    return z.safeParse(bare.def.keyType, key).success ? bare.def.valueType : null;
  const shape: Readonly<Record<string, Schema>> = bare instanceof z.ZodMiniObject ? bare.def.shape : {};
  return Object.hasOwn(shape, key) ? (shape[key] ?? null) : null;
}

/** A map whose values have no members: what is typed after its name is one key, dots and all. */
export function isFlatMap(schema: Schema): boolean {
  const bare = unwrap(schema);
  if (!(bare instanceof z.ZodMiniRecord)) return false;
  const value = unwrap(bare.def.valueType);
  return !(value instanceof z.ZodMiniObject || value instanceof z.ZodMiniRecord);
}

export interface UnknownKey {
  readonly path: JSONPath;
  /** What was probably meant, the nearest first. */
  readonly near: readonly string[];
  /** The keys of what may hold such a key, where none is near. */
  readonly homes: readonly string[];
}

/** Keys of notes: JSON had no comments. `$schema` is for editors. */
const NOTE = /^(?:[$_#]|\/\/)/;

/** The keys of a value that its schema does not know, at every level, in the order of the file. */
export function findUnknownKeys(root: Schema, value: unknown): UnknownKey[] {
  const look = (schema: Schema, at: unknown, path: JSONPath): UnknownKey[] => {
    if (Array.isArray(at)) {
      const element = memberOf(schema, 0);
      const entries: readonly unknown[] = at;
      return element === null
        ? []
        : entries.flatMap((entry, index) => look(element, entry, [...path, index]));
    }
    if (!isRecord(at)) return [];
    const known = keysOf(schema);
    return Object.entries(at).flatMap(([key, inner]): UnknownKey[] => {
      const member = memberOf(schema, key);
      if (member !== null) return look(member, inner, [...path, key]);
      if (known === null || NOTE.test(key)) return [];
      const near = nearKeys(key, known);
      return [{ path: [...path, key], near, homes: near.length > 0 ? [] : findHomes(root, key) }];
    });
  };
  return look(root, value, []);
}

/** With a typing error or two, or a part of the name: "url" for base_url. */
function nearKeys(key: string, known: readonly string[]): string[] {
  const near = similarNames(key, known);
  if (near.length > 0) return near;
  const word = key.toLowerCase();
  return known.filter((name) => name.split("_").includes(word)).slice(0, 3);
}

/** The keys of the objects, lists and maps that have it somewhere else. */
function findHomes(root: Schema, key: string): string[] {
  const found = new Set<string>();
  const look = (schema: Schema, name: string): void => {
    const bare = unwrap(schema);
    if (bare instanceof z.ZodMiniArray) return look(bare.def.element, name);
    if (bare instanceof z.ZodMiniRecord) return look(bare.def.valueType, name);
    for (const known of keysOf(bare) ?? []) {
      if (known === key && name !== "") found.add(name);
      const member = memberOf(bare, known);
      if (member !== null) look(member, known);
    }
  };
  look(root, "");
  return [...found].slice(0, 2);
}

/** `unknown key "upstraems" (did you mean "upstreams"?)` */
export function describeUnknownKey(key: string, { homes, near }: Pick<UnknownKey, "homes" | "near">): Text {
  if (near.length > 0) return t`unknown key "${key}" (did you mean ${listChoices(near)}?)`;
  if (homes.length > 0) return t`unknown key "${key}" here (it belongs in ${listChoices(homes)})`;
  return t`unknown key "${key}"`;
}

function listChoices(names: readonly string[]): Text {
  const [first = t``, ...others] = names.map((name) => t`"${name}"`);
  const or = t` or `;
  return others.reduce((all, name) => t`${all}${or}${name}`, first);
}

/** The same of a key that somebody types. */
export function didYouMean(key: string, known: readonly string[]): Text {
  return describeUnknownKey(key, { near: nearKeys(key, known), homes: [] });
}
