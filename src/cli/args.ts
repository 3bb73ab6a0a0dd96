// Flags that several commands share, and the values behind them.
// Pure.
import { EXIT, UserError } from "../base/errors.ts";
import { t } from "../base/language.ts";
import { SERVICES, type Service, mapServices } from "../base/service.ts";

export const SERVICE_ARGS = mapServices(({ name }) => ({
  type: "boolean" as const,
  description: `for ${name}`,
}));

/** What was typed of them. */
export type ServiceFlags = Readonly<Partial<Record<Service, boolean | undefined>>>;

export const JSON_ARG = {
  json: { type: "boolean", description: "the same facts for scripts, secrets masked" },
} as const;

export const PORT_ARG = {
  port: { type: "string", valueHint: "PORT", description: "TCP port on 127.0.0.1" },
} as const;

export const LIMIT_ARG = { limit: { type: "string", valueHint: "N", description: "at most N" } } as const;

/** The service that a flag names; undefined without one. Throws UserError for two; `both` is what to type then. */
export function readService(args: ServiceFlags, both = t`leave one of them out`): Service | undefined {
  const [service, other] = SERVICES.filter((one) => args[one] === true);
  if (service !== undefined && other !== undefined) {
    throw new UserError(t`--${service} and --${other} exclude one another`, {
      hint: both,
      exitCode: EXIT.usage,
    });
  }
  return service;
}

/** 1 to 65535, or undefined when the flag is absent. */
export function readPort(value: string | undefined): number | undefined {
  return value === undefined
    ? undefined
    : readWholeNumber("--port", value, {
        least: 1,
        most: 65535,
        example: 4000,
      });
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
  throw new UserError(t`${flag} takes a number from ${range.least} to ${range.most}, not "${value}"`, {
    hint: t`for example: ${flag} ${example}`,
    exitCode: EXIT.usage,
  });
}
