// Flags that several commands share, and the values behind them.
// Pure.
import type { ArgsDef, ParsedArgs } from "citty";
import { EXIT, UserError } from "../base/errors.ts";
import { t } from "./language.ts";
import { SERVICES, type Service, mapServices } from "../base/service.ts";

export const SERVICE_ARGS = mapServices(({ name }) => ({
  type: "boolean" as const,
  description: `for ${name}`,
}));

/** What was typed of them. */
export type Typed<T extends ArgsDef> = { readonly [K in keyof T]?: ParsedArgs<T>[K] | undefined };

export type ServiceFlags = Typed<typeof SERVICE_ARGS>;

export const JSON_ARG = {
  json: { type: "boolean", description: "print JSON for scripts, secrets masked" },
} as const;

export const PORT_ARG = {
  port: { type: "string", valueHint: "PORT", description: "TCP port on 127.0.0.1" },
} as const;

export const LIMIT_ARG = {
  limit: { type: "string", valueHint: "N", description: "show at most N" },
} as const;

/** A command line that is wrong; `hint` is what to type instead. */
export function usageError(message: string, hint?: string): UserError {
  return new UserError(message, { hint, exitCode: EXIT.usage });
}

/** The service that a flag names; undefined without one. Throws UserError for two; `both` is what to type then. */
export function readService(args: ServiceFlags, both = t`remove one of them`): Service | undefined {
  const [service, other] = SERVICES.filter((one) => args[one] === true);
  if (service !== undefined && other !== undefined) {
    throw usageError(t`--${service} and --${other} cannot be used together`, both);
  }
  return service;
}

/** 1 to 65535, or undefined when the flag is absent. */
export function readPort(value: string | undefined): number | undefined {
  return value === undefined
    ? undefined
    : readWholeNumber("--port", value, { least: 1, most: 65535, example: 4000 });
}

/** What `--limit` says, or `usual` when it is absent. */
export function readLimit(
  value: string | undefined,
  { usual, least = 1, most }: { readonly usual: number; readonly least?: number; readonly most: number },
): number {
  return value === undefined ? usual : readWholeNumber("--limit", value, { least, most });
}

/** A whole number in a range. Throws UserError that names the flag. */
export function readWholeNumber(
  flag: string,
  value: string,
  range: { readonly least: number; readonly most: number; readonly example?: number },
): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= range.least && number <= range.most) return number;
  const example = range.example ?? Math.max(1, range.least);
  throw usageError(
    t`${flag} takes a number from ${range.least} to ${range.most}, not "${value}"`,
    t`for example: ${flag} ${example}`,
  );
}
