// What the args of a command say of its flags and arguments, read once for all who ask: the guard, the help screens, the
// suggestions and the completions.
// Pure.
import type { ArgsDef } from "citty";

export interface Flag {
  readonly name: string;
  /** As it is shown: "--json", and "--no-switch" for one that is on by default. */
  readonly spelling: string;
  readonly isOnByDefault: boolean;
  readonly aliases: readonly string[];
  /** English. Of a flag that is on by default: what happens without. */
  readonly description: string;
  /** Null for a flag without a value. */
  readonly value: FlagValue | null;
  /** May be given several times: `splitRepeated` gives the values. */
  readonly isRepeatable: boolean;
  /** Works, and is in no list: something else is better. */
  readonly isUnlisted: boolean;
  /** Its value is the command after `--`: `splitRepeated` gives the words. */
  readonly takesRest: boolean;
}

interface FlagValue {
  readonly hint: string;
  /** The accepted values; undefined for any. */
  readonly choices: readonly string[] | undefined;
  readonly default: string | undefined;
}

export interface Positional {
  readonly name: string;
  /** "NAME", "NAME..." */
  readonly shown: string;
  /** It may be the first of several. */
  readonly takesMany: boolean;
  readonly isRequired: boolean;
  /** English. */
  readonly description: string;
}

export function listFlags(args: ArgsDef): Flag[] {
  return Object.entries(args).flatMap(([name, definition]) => {
    if (definition.type === "positional") return [];
    const isOnByDefault = definition.type === "boolean" && definition.default === true;
    const words = isOnByDefault ? definition.negativeDescription : definition.description;
    return {
      name,
      spelling: `--${isOnByDefault ? "no-" : ""}${name}`,
      isOnByDefault,
      aliases: "alias" in definition ? [definition.alias ?? []].flat() : [],
      description: words ?? "",
      value: definition.type === "boolean" ? null : describeValue(definition),
      isRepeatable: "isRepeatable" in definition && definition.isRepeatable === true,
      isUnlisted: "isUnlisted" in definition && definition.isUnlisted === true,
      takesRest: "takesRest" in definition && definition.takesRest === true,
    };
  });
}

/** No argument of a program can hold it. */
const SEPARATOR = "\0";

/** The values of a flag that was typed several times, as one for citty, which keeps the last of them only. */
export const joinRepeated = (values: readonly string[]): string => values.join(SEPARATOR);

export const splitRepeated = (value: string | undefined): string[] => value?.split(SEPARATOR) ?? [];

function describeValue(definition: ArgsDef[string]): FlagValue {
  return {
    hint: definition.valueHint ?? "VALUE",
    choices: definition.type === "enum" ? (definition.options ?? []) : undefined,
    default: definition.default === undefined ? undefined : String(definition.default),
  };
}

export function listPositionals(args: ArgsDef): Positional[] {
  return Object.entries(args)
    .filter(([, { type }]) => type === "positional")
    .map(([name, definition]) => ({
      name,
      shown: `${name.toUpperCase()}${takesMany(definition) ? "..." : ""}`,
      takesMany: takesMany(definition),
      isRequired: definition.required !== false && definition.default === undefined,
      description: definition.description ?? "",
    }));
}

function takesMany({ valueHint = "" }: { readonly valueHint?: string | undefined }): boolean {
  return valueHint.endsWith("...");
}
