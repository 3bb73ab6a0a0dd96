// A config made from a client's own set-up, before it is written; and which addresses and names it may have.
// Pure.
import type { Service } from "../base/service.ts";
import { checkUpstreams } from "../config/check-upstreams.ts";
import { isConfigName } from "../config/name.ts";
import { type AuthEntry, type UpstreamEntry, namedConfigSchema } from "../config/schema.ts";

export interface ImportedConfig {
  /** May be the name of another one as well. */
  readonly name: string;
  readonly upstreams: readonly UpstreamEntry[];
  /** Where it was found, for people. */
  readonly from: string;
}

export interface Import {
  /** The one the client uses now comes first. */
  readonly configs: readonly ImportedConfig[];
  /** What was left out, and why. Holds no secret. */
  readonly skipped: readonly string[];
}

/** Is this URL a proxy of ours, as far as the caller knows? Such a one is never imported. */
export type IsOwnAddress = (baseUrl: string) => boolean;

export interface ImportedParts {
  readonly service: Service;
  readonly name: string;
  readonly from: string;
  readonly baseUrl: string;
  readonly auth: AuthEntry;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

/** The config, or in words why config.json could not hold it. */
export function makeImported(parts: ImportedParts): ImportedConfig | string {
  const { service, name, from, baseUrl, auth, headers = {}, query = {} } = parts;
  const upstream: UpstreamEntry = {
    base_url: baseUrl,
    ...(Object.keys(auth).length > 0 ? { auth } : {}),
    tags: { imported_from: service, ...(auth.client === true ? originTag(baseUrl) : {}) },
    ...(Object.keys(headers).length > 0 ? { headers: { ...headers } } : {}),
    ...(Object.keys(query).length > 0 ? { query: { ...query } } : {}),
  };
  if (!namedConfigSchema.safeParse({ upstreams: [upstream] }).success) {
    return `${from}: one of its headers cannot be sent by a proxy`;
  }
  const { problem } = checkUpstreams([upstream], service);
  if (problem !== null) return `${from}: ${problem.path.slice(1).join(".")} ${problem.words}`;
  return { name: toConfigName(name), upstreams: [upstream], from };
}

/** Sorts out what could be made. */
export function collectImports(made: readonly (ImportedConfig | string)[]): Import {
  return {
    configs: made.filter((one) => typeof one !== "string"),
    skipped: made.filter((one) => typeof one === "string"),
  };
}

/** The nearest name that a config may have. */
function toConfigName(text: string): string {
  const name = text
    .replace(/[^\p{L}\p{N}._-]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);
  return isConfigName(name) ? name : "imported";
}

/** The login may go back to where the client itself sends it. */
function originTag(baseUrl: string): Record<string, string> {
  return URL.canParse(baseUrl) ? { imported_origin: new URL(baseUrl).origin } : {};
}
