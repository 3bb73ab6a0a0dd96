// Which keys the schema of config.json has at each place: for those in a file that it does not know, and for a path that
// somebody types.
// Pure.
import * as z from "zod/mini";
import { similarNames } from "../base/similar-names.ts";
import { type Text, t } from "../base/text.ts";

type Schema = z.core.$ZodType;

/** What a value may be, without what only says that it may be absent or when the schema is made. */
function unwrap(schema: Schema): Schema {
  if (schema instanceof z.ZodMiniOptional || schema instanceof z.ZodMiniNullable)
    return unwrap(schema.def.innerType);
  if (schema instanceof z.ZodMiniPipe) return unwrap(schema.def.out);
  return schema instanceof z.ZodMiniLazy ? unwrap(schema.def.getter()) : schema;
}

/** The keys of an object; null for what takes any key, or none. */
export function keysOf(schema: Schema): string[] | null {
  const bare = unwrap(schema);
  return bare instanceof z.ZodMiniObject ? Object.keys(bare.def.shape) : null;
}

/** The schema of a member or an entry; null where there can be none of that name. */
export function memberOf(schema: Schema, key: string | number): Schema | null {
  const bare = unwrap(schema);
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

/** `unknown key "upstraems" (did you mean "upstreams"?)` */
export function didYouMean(key: string, known: readonly string[]): Text {
  const near = similarNames(key, known).map((name) => t`"${name}"`);
  if (near.length === 0) return t`unknown key "${key}"`;
  const or = t` or `;
  const meant = near.reduce((all, name) => t`${all}${or}${name}`);
  return t`unknown key "${key}" (did you mean ${meant}?)`;
}
