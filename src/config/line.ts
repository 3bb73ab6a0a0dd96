// Configs as one line without keys, short enough for a QR code: written for another machine, and read there like any other file.
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { decodeUtf8 } from "../base/bytes.ts";
import { UserError } from "../base/errors.ts";
import { parseRecord } from "../base/json-value.ts";
import { SERVICES, mapServices } from "../base/service.ts";
import { t } from "../base/text.ts";
import type { ParsedConfig } from "./parse.ts";
import { CONFIG_RULES, type IsSecret, flatten, flattenUpstream, unflatten } from "./sync/travel.ts";

/** Followed by the version of what is behind it. */
const BEGIN = "codex-helper:1:";
/** What a QR code of the largest size holds at the lowest level of correction is 2,953 bytes. */
const MOST_BYTES = 2900;
const MOST_TEXT = 256 * 1024;

export interface Line {
  readonly line: string;
  /** By upstream: "main#1", and what of it is a key or may hold one. */
  readonly leftOut: readonly { readonly label: string; readonly keys: readonly string[] }[];
}

/** `name`: only the configs of that name; null for all. Throws UserError where there is none, or too much for a QR code. */
export function writeLine(config: ParsedConfig, name: string | null, isSecret: IsSecret): Line {
  const leftOut: { label: string; keys: readonly string[] }[] = [];
  let count = 0;
  const sections = mapServices(({ service }) => {
    const named = [...config.services[service].configs.values()].filter(
      (one) => name === null || one.name === name,
    );
    const configs = named.map((one): [string, unknown] => {
      count += 1;
      const flats = one.entry.upstreams.map((upstream) => flattenUpstream(upstream, isSecret));
      const own = flatten(one.entry, CONFIG_RULES, isSecret);
      if (own.leftOut.length > 0) leftOut.push({ label: one.name, keys: own.leftOut });
      for (const [index, flat] of flats.entries())
        if (flat.leftOut.length > 0) leftOut.push({ label: `${one.name}#${index + 1}`, keys: flat.leftOut });
      const upstreams = flats
        .filter(({ values }) => values.has("base_url"))
        .map(({ values }) => unflatten(values));
      return [one.name, { ...unflatten(own.values), upstreams }];
    });
    return configs.length === 0 ? undefined : { configs: Object.fromEntries(configs) };
  });
  if (count === 0) {
    const words = name === null ? t`there are no configs` : t`there is no config "${name}"`;
    throw new UserError(words, { hint: "ch config list" });
  }
  const bytes = deflateRawSync(JSON.stringify(sections), { level: 9 });
  const line = BEGIN + bytes.toString("base64url");
  if (line.length > MOST_BYTES) {
    throw new UserError(t`the line has ${line.length} characters, more than a QR code holds`, {
      hint: name === null ? "ch config export --line NAME" : "ch config export FILE",
    });
  }
  return { line, leftOut };
}

/** The text of a config.json. Throws UserError for a line that is damaged, or of a newer version. */
export function readLine(text: string): string {
  const line = text.trim();
  if (!line.toLowerCase().startsWith(BEGIN)) throw refuse(t`it is of a newer version`);
  const inner = inflate(line.slice(BEGIN.length));
  if (inner === null || !isConfigs(inner)) throw refuse(t`a part of it is missing or changed`);
  return inner;
}

function inflate(base64: string): string | null {
  if (!/^[A-Za-z0-9_-]+$/.test(base64)) return null;
  try {
    return decodeUtf8(inflateRawSync(Buffer.from(base64, "base64url"), { maxOutputLength: MOST_TEXT }));
  } catch {
    return null;
  }
}

/** Nothing but configs: settings do not come by a line. */
function isConfigs(text: string): boolean {
  const value = parseRecord(text);
  return value !== null && Object.keys(value).every((key) => SERVICES.some((service) => service === key));
}

function refuse(why: ReturnType<typeof t>): UserError {
  return new UserError(t`the line cannot be imported: ${why}`, { hint: "ch config export --line" });
}
