// Flags that several commands share, and the values behind them.
// Pure.
import type { ArgsDef, ParsedArgs } from "citty";
import { EXIT, UserError } from "../base/errors.ts";
import { localDay } from "../base/text.ts";
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

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DAY = /^\d{4}-\d\d-\d\d$/;

export interface TimeArg {
  /** "--since": the beginning of a day that is named; "--until": its end. */
  readonly flag: "--since" | "--until";
  readonly value: string;
  /** Wall clock, ms. */
  readonly now: number;
}

/** Milliseconds since 1970. Days and times are local. Throws UserError that says what is accepted. */
export function readTime({ flag, value, now }: TimeArg): number {
  const ago = /^(\d{1,6})([mhdw])$/.exec(value);
  if (ago !== null) return now - Number(ago[1]) * (UNIT_MS[ago[2] ?? ""] ?? 0);
  const day = value === "today" || value === "yesterday" ? localDay(now, value === "today" ? 0 : -1) : value;
  // A date alone would be read as UTC.
  const isDay = DAY.test(day);
  const time = /^\d{4}-/.test(day) ? new Date(isDay ? `${day}T00:00` : day) : new Date(Number.NaN);
  if (Number.isNaN(time.getTime())) {
    throw usageError(
      t`${flag} takes a date, a time or an age, not "${value}"`,
      t`for example: ${flag} today, ${flag} 7d, ${flag} 2026-01-31T14:30`,
    );
  }
  if (isDay && flag === "--until") time.setDate(time.getDate() + 1);
  return time.getTime();
}

/** "2026-11-22 14:00": the local hour of a time in ms since 1970. */
export function localHour(timestampMs: number): string {
  const hour = String(new Date(timestampMs).getHours()).padStart(2, "0");
  return `${localDay(timestampMs)} ${hour}:00`;
}
