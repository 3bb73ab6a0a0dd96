// A config made from a client's own set-up, before it is written; and which addresses and names it may have.
// Pure.
import { type Text, t } from "../base/text.ts";
import type { Service } from "../base/service.ts";
import { guessBaseUrl, readBaseUrl } from "../config/base-url.ts";
import { checkUpstreams } from "../config/check-upstreams.ts";
import { isConfigName } from "../config/name.ts";
import { type AuthEntry, type UpstreamEntry, makeNamedConfig } from "../config/schema.ts";

export interface ImportedConfig {
  readonly service: Service;
  /** May be the name of another one as well. */
  readonly name: string;
  /** What it was called, where a config cannot have that name. */
  readonly alias?: Text | string;
  readonly upstreams: readonly UpstreamEntry[];
  /** Other keys that the config has, as config.json has them. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Where it was found, for people. */
  readonly from: Text | string;
}

export interface Import {
  /** The one in use now comes first, for each service. */
  readonly configs: readonly ImportedConfig[];
  /** What was left out, and why. Holds no secret. */
  readonly skipped: readonly (Text | string)[];
}

/**
 * What cc-switch writes into a client's files as its key while the client is pointed at cc-switch's own proxy:
 * https://github.com/farion1231/cc-switch, src-tauri/src/services/proxy.rs
 */
export const CC_SWITCH_KEY = "PROXY_MANAGED";

/** The words for a set-up with that key. */
export function describeCcSwitchKey(from: Text): Text {
  return t`${from}: its key is a placeholder of cc-switch's proxy: ch config import --from cc-switch`;
}

/** Is this URL a proxy of ours, as far as the caller knows? Such a one is never imported. */
export type IsOwnAddress = (baseUrl: string) => boolean;

/** A config that was made, or in words why there is none. */
export type Made = ImportedConfig | Text | string;

interface ImportedParts extends Pick<ImportedConfig, "service" | "name" | "from"> {
  readonly baseUrl: string;
  readonly auth: AuthEntry;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

/** The config, or in words why config.json could not hold it. */
export function makeImported(parts: ImportedParts): ImportedConfig | Text {
  const { service, name, from, baseUrl, auth, headers = {}, query = {} } = parts;
  const upstream: UpstreamEntry = {
    base_url: baseUrl,
    ...(Object.keys(auth).length > 0 ? { auth } : {}),
    tags: { imported_from: service, ...(auth.client === true ? originTag(baseUrl) : {}) },
    ...(Object.keys(headers).length > 0 ? { headers: { ...headers } } : {}),
    ...(Object.keys(query).length > 0 ? { query: { ...query } } : {}),
  };
  const problem = problemOfUpstream(upstream, service);
  if (problem !== null) return t`${from}: ${problem}`;
  return { service, name: toConfigName(name), upstreams: [upstream], from };
}

/** Why config.json could not hold the upstream, or null. Shows no value. */
export function problemOfUpstream(upstream: UpstreamEntry, service: Service): Text | null {
  const parsed = makeNamedConfig(() => true).safeParse({ upstreams: [upstream] });
  if (!parsed.success) {
    const key = parsed.error.issues[0]?.path.slice(2, 3).join("") ?? "";
    return key === "headers" || key === ""
      ? t`one of its headers cannot be sent by a proxy`
      : t`its ${key} cannot be used`;
  }
  const { problem } = checkUpstreams([upstream], service);
  const base = readBaseUrl(upstream.base_url);
  const isAddress = problem === null || problem.path.at(-1) === "base_url";
  const words = base.kind === "ok" && isAddress ? base.miss : problem?.words;
  if (words === undefined) return null;
  const guess = isAddress ? guessBaseUrl(upstream.base_url) : null;
  const where = problem?.path.slice(1).join(".") ?? "base_url";
  return guess === null ? t`${where} ${words}` : t`${where} ${words}; probably meant: ${guess}`;
}

/** Sorts out what could be made. */
export function collectImports(made: readonly Made[]): Import {
  return {
    configs: made.filter(isConfig),
    skipped: made.filter((one): one is Text | string => !isConfig(one)),
  };
}

function isConfig(one: Made): one is ImportedConfig {
  return typeof one !== "string" && "upstreams" in one;
}

/** The name for a config that was called so elsewhere, with that as its alias where no config can have it as its name. */
export function nameConfig(called: string): Pick<ImportedConfig, "name" | "alias"> {
  const name = toConfigName(called);
  return name === called ? { name } : { name, alias: called };
}

/** The vendors' own models: a relay knows them by these names. */
const VENDOR_MODEL = /^(?:gpt-|o\d|codex|claude-|sonnet|opus|haiku|default)/i;

/** All requests are sent with the model, unless it is a vendor's own; "" for none. */
export function mapModel(model: string): Pick<UpstreamEntry, "models"> {
  return model === "" || VENDOR_MODEL.test(model) ? {} : { models: { "*": model } };
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
