// Checks the upstreams of one config for what the schema cannot: addresses, credentials, duplicates; what can be sent at
// all, and what is probably a mistake.
// Pure.
import type { JSONPath } from "jsonc-parser";
import { type Service, isOfficial } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";
import { readBaseUrl } from "./base-url.ts";
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
export const CREDENTIAL_KEYS = ["auth_token", "api_key", "auth_token_env", "api_key_env"] as const;

/** About one key of `auth`. Never repeats its value. */
interface AuthRemark {
  readonly key: (typeof CREDENTIAL_KEYS)[number] | "client";
  readonly words: Text;
}

/** `baseUrl` is as `readBaseUrl` gives it. */
function checkAuth(upstream: UpstreamEntry, baseUrl: string, service: Service): Checked<AuthRemark> {
  const auth = upstream.auth ?? {};
  const warnings: AuthRemark[] = [];
  for (const key of CREDENTIAL_KEYS) {
    const value = auth[key];
    if (value == null) continue;
    if (value.trim() === "") {
      warnings.push({ key, words: t`is empty and counts as not set` });
      continue;
    }
    const words = key.endsWith("_env") ? problemOfVariable(value) : problemOfSecret(value.trim());
    if (words !== null) return { problem: { key, words }, warnings };
    if (value !== value.trim()) warnings.push({ key, words: t`has surrounding blanks, which are ignored` });
    if (/^\S{0,12}(?:\.\.\.|x{4,}$)|^your[-_]|^<.*>$/i.test(value.trim()))
      warnings.push({ key, words: t`looks like a placeholder` });
  }
  const used = chooseCredential(auth);
  const unused = CREDENTIAL_KEYS.find((key) => key !== used && !isBlank(auth[key]));
  if (used !== null && unused !== undefined)
    warnings.push({ key: unused, words: t`is not used because ${used} is set` });
  if (auth.client !== true) return { problem: null, warnings };
  if (used !== null) {
    warnings.push({ key: "client", words: t`is not used because ${used} is set` });
  } else if (!isClientOrigin(upstream, baseUrl, service)) {
    const words = t`is allowed only for the vendor's own host or the origin that the login was imported from (tags.imported_origin)`;
    return { problem: { key: "client", words }, warnings };
  }
  return { problem: null, warnings };
}

/** Which key of `auth` is the credential; null where none is given. */
export function chooseCredential(auth: AuthEntry): (typeof CREDENTIAL_KEYS)[number] | null {
  return CREDENTIAL_KEYS.find((key) => !isBlank(auth[key])) ?? null;
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

function isBlank(value: string | null | undefined): boolean {
  return value == null || value.trim() === "";
}

/** The client's own credentials may be sent to their own origin and nowhere else. */
function isClientOrigin({ tags }: UpstreamEntry, baseUrl: string, service: Service): boolean {
  return isOfficial(service, baseUrl) || tags?.["imported_origin"] === new URL(baseUrl).origin;
}
