// Names of configs, and how a person points at one upstream of a config: "main" and "main#2".
// Pure.
import { EXIT, UserError } from "../base/errors.ts";
import { t } from "../base/text.ts";

export const CONFIG_NAME = /^[\p{L}\p{N}._-]{1,64}$/u;

export interface Target {
  readonly name: string;
  /** 1-based place in the config; null when the whole config is meant. */
  readonly position: number | null;
}

/** Reads NAME or NAME#N, N counting from 1. Throws UserError (wrong usage) for anything else. */
export function parseTarget(text: string): Target {
  const [, name = "", place] = /^([^#]*)(?:#([1-9]\d{0,3}))?$/s.exec(text) ?? [];
  if (!isConfigName(name)) {
    throw new UserError(t`"${text}" is not the name of a config or of an upstream`, {
      hint: t`NAME is a config, NAME#2 its second upstream; a name has 1 to 64 letters, digits, ".", "_" or "-"`,
      exitCode: EXIT.usage,
    });
  }
  return { name, position: place === undefined ? null : Number(place) };
}

/** `__proto__` matches the pattern, but no object can be trusted to hold it as a key. */
export function isConfigName(name: string): boolean {
  return CONFIG_NAME.test(name) && name !== "__proto__";
}

/** "main#2" */
export function formatTarget(name: string, position: number): string {
  return `${name}#${position}`;
}
