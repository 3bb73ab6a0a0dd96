// Checks the upstreams of one config for what the schema cannot: addresses, credentials, duplicates; what can be sent at
// all, and what is probably a mistake.
// Pure.
import type { JSONPath } from "jsonc-parser";
import { type Service, isOfficial } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";
import type { KeySource, NeededKey } from "../base/upstream.ts";
import { readBaseUrl } from "./base-url.ts";
import { makeKeySource, problemOfCommand, shellWordOf } from "./key-command.ts";
import { checkProxyUrl } from "./outbound-proxy.ts";
import type { AuthEntry, UpstreamEntry } from "./schema.ts";

export interface Remark {
  /** Below `upstreams`. */
  readonly path: JSONPath;
  readonly words: Text;
}

interface Checked<T> {
  /** The first reason why it cannot be used, or null. */
  readonly problem: T | null;
  readonly warnings: readonly T[];
}

export function checkUpstreams(upstreams: readonly UpstreamEntry[], service: Service): Checked<Remark> {
  const warnings: Remark[] = [];
  const seen = new Map<string, number>();
  for (const [index, upstream] of upstreams.entries()) {
    const base = readBaseUrl(upstream.base_url);
    const baseAt = [index, "base_url"];
    if (base.kind === "bad") return { problem: { path: baseAt, words: base.problem }, warnings };
    for (const words of [base.warning, base.miss])
      if (words !== undefined) warnings.push({ path: baseAt, words });

    const auth = checkAuth(upstream, base.url, service);
    const inAuth = ({ key, words }: AuthRemark): Remark => ({ path: [index, "auth", key], words });
    if (auth.problem !== null) return { problem: inAuth(auth.problem), warnings };
    warnings.push(...auth.warnings.map(inAuth));

    const proxy = typeof upstream.proxy === "string" ? checkProxyUrl(upstream.proxy) : null;
    if (proxy !== null) return { problem: { path: [index, "proxy"], words: proxy }, warnings };

    if (upstream.tls_ca != null && !/^(?:\/|[a-z]:[\\/])/i.test(upstream.tls_ca))
      return { problem: { path: [index, "tls_ca"], words: t`is not an absolute path` }, warnings };

    const identity = JSON.stringify([base.url, upstream.auth ?? null, upstream.models ?? null]);
    const first = seen.get(identity);
    if (first !== undefined)
      warnings.push({ path: [index], words: t`is the same upstream as number ${first + 1}` });
    else seen.set(identity, index);
  }
  return { problem: null, warnings };
}

/** In the order in which they are used. */
export const CREDENTIAL_KEYS = [
  "auth_token",
  "api_key",
  "auth_token_env",
  "api_key_env",
  "auth_token_command",
  "api_key_command",
] as const;

/** About one key of `auth`. Never repeats its value. */
interface AuthRemark {
  readonly key: (typeof CREDENTIAL_KEYS)[number] | "client" | "command_ttl_secs";
  readonly words: Text;
}

/** `baseUrl` is as `readBaseUrl` gives it. */
function checkAuth(upstream: UpstreamEntry, baseUrl: string, service: Service): Checked<AuthRemark> {
  const auth = upstream.auth ?? {};
  const warnings: AuthRemark[] = [];
  for (const key of CREDENTIAL_KEYS) {
    const value = auth[key];
    if (value == null) continue;
    if (isBlank(value)) {
      warnings.push({ key, words: t`is empty and counts as not set` });
      continue;
    }
    if (typeof value !== "string") {
      const words = problemOfCommand(value);
      if (words !== null) return { problem: { key, words }, warnings };
      const shells = shellWordOf(value);
      if (shells !== null) warnings.push({ key, words: t`has "${shells}" as a word: no shell reads it` });
      continue;
    }
    const words = key.endsWith("_env") ? problemOfVariable(value) : problemOfSecret(value.trim());
    if (words !== null) return { problem: { key, words }, warnings };
    if (value !== value.trim()) warnings.push({ key, words: t`has surrounding blanks, which are ignored` });
    if (/^\S{0,12}(?:\.\.\.|x{4,}$)|^your[-_]|^<.*>$/i.test(value.trim()))
      warnings.push({ key, words: t`looks like a placeholder` });
  }
  const used = findCredential(auth);
  const unused = CREDENTIAL_KEYS.find((key) => key !== used?.key && !isBlank(auth[key]));
  if (used !== null && unused !== undefined)
    warnings.push({ key: unused, words: t`is not used because ${used.key} is set` });
  if (auth.command_ttl_secs != null && used?.from !== "command")
    warnings.push({ key: "command_ttl_secs", words: t`is not used without a command` });
  if (auth.client !== true) return { problem: null, warnings };
  if (used !== null) {
    warnings.push({ key: "client", words: t`is not used because ${used.key} is set` });
  } else if (!isClientOrigin(upstream, baseUrl, service)) {
    const words = t`is allowed only for the vendor's own host or the origin that the login was imported from (tags.imported_origin)`;
    return { problem: { key: "client", words }, warnings };
  }
  return { problem: null, warnings };
}

/** The credential of an `auth`, as it is written there. */
export type WrittenCredential = {
  readonly key: (typeof CREDENTIAL_KEYS)[number];
  /** How it is sent. */
  readonly kind: NeededKey["kind"];
} & (
  | { readonly from: "text"; readonly secret: string }
  | { readonly from: "variable"; readonly variable: string }
  | { readonly from: "command"; readonly source: KeySource }
);

/** Null where none is given. */
export function findCredential(auth: AuthEntry | null | undefined): WrittenCredential | null {
  const key = CREDENTIAL_KEYS.find((one) => !isBlank(auth?.[one]));
  const value = key === undefined ? undefined : auth?.[key];
  if (key === undefined || value == null) return null;
  const kind = key.startsWith("auth_token") ? "bearer" : "api-key";
  if (typeof value !== "string")
    return { key, kind, from: "command", source: makeKeySource(value, auth?.command_ttl_secs) };
  return key.endsWith("_env")
    ? { key, kind, from: "variable", variable: value.trim() }
    : { key, kind, from: "text", secret: value.trim() };
}

/** Why a text cannot be sent in a header, or null: Headers takes Latin-1 without control characters, or throws. */
export function problemOfSecret(text: string): Text | null {
  return /^[\u0020-\u007e\u00a0-\u00ff]*$/.test(text)
    ? null
    : t`contains a character that is not allowed in a header`;
}

/** Why a text cannot name a variable, or null. */
export function problemOfVariable(text: string): Text | null {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text.trim()) ? null : t`is not the name of a variable`;
}

function isBlank(value: string | readonly string[] | null | undefined): boolean {
  return value == null || (typeof value === "string" && value.trim() === "");
}

/** The client's own credentials may be sent to their own origin and nowhere else. */
function isClientOrigin({ tags }: UpstreamEntry, baseUrl: string, service: Service): boolean {
  return isOfficial(service, baseUrl) || tags?.["imported_origin"] === new URL(baseUrl).origin;
}
