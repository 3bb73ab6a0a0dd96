// Asks where the releases are which one is the newest: a small file that each release has, or the tag in the address that
// "latest" leads to. Sends no key and no header that says more than this program's version.
import { join } from "node:path";
import type { Env } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { MAX_OWN_FILE_BYTES, readText } from "../../base/files.ts";
import { isRecord, parseJson } from "../../base/json-value.ts";
import { t } from "../../base/text.ts";
import { isLoopback } from "../../config/base-url.ts";
import { chooseOutboundProxy } from "../../config/outbound-proxy.ts";
import { fetchJson } from "../../quota/fetch-json.ts";

/** In every release, beside its archives; release/make.ts writes it. */
export const RELEASE_FILE = "release.json";

const MAX_HOPS = 4;
/** https://semver.org, without the build that it allows after a "+". */
const VERSION_FORM = /^(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2}(?:-[0-9A-Za-z.-]{1,64})?$/;
/** In the address of a release's file: GitHub, Gitea and Forgejo lead there from "latest". */
const TAG = /\/releases\/download\/v?([^/]+)\/[^/]+$/;

interface AskOptions {
  readonly env: Env;
  /** Of each request. Default 8,000. */
  readonly timeoutMs?: number;
}

/**
 * The version of the newest release. `place`: the directory or the address that its files are at, without a slash at its end.
 * Throws UserError for whatever else is there; nothing of an answer is repeated.
 */
export async function askNewest(place: string, options: AskOptions): Promise<string> {
  if (isAddress(place)) return await askAddress(place, options);
  const path = join(place.replace(/^file:\/\//, ""), RELEASE_FILE);
  const text = await readText(path, MAX_OWN_FILE_BYTES);
  if (text === null) throw new UserError(t`${path}: no such file`);
  return readVersion(parseJson(text)) ?? refuse(path);
}

const isAddress = (place: string): boolean => /^https?:/i.test(place);

/** As the installers: a directory, https, or http on this machine. Throws UserError. */
export function readPlace(text: string): string {
  const url = URL.parse(text);
  const isFile = url === null || url.protocol === "file:" || /^[a-z]:[\\/]/i.test(text);
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  const isPlain = url === null || (url.username === "" && url.password === "" && url.search === "");
  if (text.trim() === "" || !(isFile || (isSafe && isPlain)))
    throw new UserError(t`not a place to look for a release: ${text}`, {
      hint: t`a directory, an https:// address, or an http:// one on this machine`,
      exitCode: 2,
    });
  return text.replace(/[\\/]+$/, "");
}

async function askAddress(place: string, { env, timeoutMs }: AskOptions): Promise<string> {
  let url = new URL(`${place}/${RELEASE_FILE}`);
  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    const outbound = chooseOutboundProxy(url.href, undefined, env);
    if (outbound.kind === "refused") throw new UserError(t`${url.host}: ${outbound.problem}`);
    const answer = await fetchJson({
      url: url.href,
      headers: {},
      proxy: outbound.kind === "proxy" ? outbound.url : false,
      signal: new AbortController().signal,
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    if (answer.kind === "json") return readVersion(answer.body) ?? refuse(url.host);
    if (answer.kind === "unsupported") throw new UserError(t`${url.host} answered ${answer.status}`);
    const next = answer.location === undefined ? null : URL.parse(answer.location, url.href);
    // Never from https to plain http.
    const isSafe = next?.protocol === "https:" || next?.origin === url.origin;
    if (next === null || !isSafe) throw new UserError(t`${url.host}: ${answer.why}`);
    const tag = next.origin === url.origin ? TAG.exec(next.pathname)?.[1] : undefined;
    const version = readVersion({ version: tag });
    if (version !== null) return version;
    url = next;
  }
  throw new UserError(t`${url.host} leads on and on`);
}

/** Null for what is no version. */
function readVersion(value: unknown): string | null {
  const version = isRecord(value) ? value["version"] : undefined;
  return typeof version === "string" && VERSION_FORM.test(version) ? version : null;
}

function refuse(where: string): never {
  throw new UserError(t`${where} does not say which release is the newest`);
}
