// From an upstream and the user's providers to one lookup that may be sent, or to the reason why none is.
// Pure.
import { type Env, readVariable } from "../base/env.ts";
import type { JsonRecord } from "../base/json-value.ts";
import { type Text, t } from "../base/text.ts";
import { fingerprint } from "../base/secrets.ts";
import type { KeySource, Upstream } from "../base/upstream.ts";
import type { Balance } from "./balance.ts";
import type { Provider } from "./providers.ts";
import { isWithin, refusalOf } from "./token-policy.ts";
import {
  VENDORS,
  type Vendor,
  type VendorName,
  makePathVendor,
  readBodies,
  recogniseHost,
  urlsOf,
} from "./vendors.ts";

export interface Lookup {
  /** Provider, host and credential: two keys of one relay are two. Holds no secret. */
  readonly key: string;
  /** The provider's id. */
  readonly source: string;
  readonly intervalMs: number;
  /** For rate limits. */
  readonly host: string;
  /** Recognised, not configured by the user. */
  readonly isAutomatic: boolean;
  readonly method: "GET" | "POST";
  readonly urls: readonly string[];
  /** What the site says of itself, asked without the token; the lookup works without it. */
  readonly siteUrl: string | null;
  /** The token, or the command that prints it. */
  readonly token: string | KeySource;
  readonly headersWith: (token: string) => Readonly<Record<string, string>>;
  /** Outbound proxy URL, or false. */
  readonly proxy: string | false;
  /** The upstream's `tls_ca`, where its own host is asked. */
  readonly tlsCa: string | null;
  readonly read: (bodies: readonly JsonRecord[], site: JsonRecord | null) => Balance | null;
}

export type LookupChoice =
  | { readonly kind: "lookup"; readonly lookup: Lookup }
  /** No provider knows this upstream's balance, or not yet. */
  | { readonly kind: "none" }
  /** A provider does, and must not be asked. */
  | { readonly kind: "refused"; readonly source: string; readonly why: Text | string };

export interface LookupInput {
  readonly upstream: Upstream;
  readonly providers: readonly Provider[];
  readonly env: Env;
  /** The process whose environment it is, where others ask for it. */
  readonly holder?: (() => Text) | undefined;
  /** What the relay at a host was recognised as. */
  readonly vendorAt: (host: string) => VendorName | null;
  /** Wall clock, ms. */
  readonly now: number;
}

export function chooseLookup({ env, holder, now, providers, vendorAt, upstream }: LookupInput): LookupChoice {
  const base = URL.parse(upstream.baseUrl);
  if (base === null) return { kind: "none" };
  const host = base.hostname;
  const provider = providers.find(({ domains }) =>
    domains.some((domain) => domain === "*" || isWithin(host, domain)),
  );
  if (provider === undefined) return { kind: "none" };
  if (provider.problem !== null) return { kind: "refused", source: provider.id, why: provider.problem };
  const vendor = chooseVendor(provider, recogniseHost(host) ?? vendorAt(base.host));
  if (vendor === null) return { kind: "none" };

  const { id, tokenEnv, tokenSource } = provider;
  const refuse = (why: Text): LookupChoice => ({ kind: "refused", source: id, why });
  const isNamed = tokenSource !== null || tokenEnv !== null;
  const token =
    tokenSource ?? (tokenEnv === null ? ownToken(upstream) : (readVariable(env, tokenEnv)?.trim() ?? null));
  if (token === null) {
    if (tokenEnv === null) return { kind: "none" };
    if (holder === undefined) return refuse(t`the variable ${tokenEnv} is not set`);
    return refuse(t`${tokenEnv} is not set in ${holder()}: export it there and restart`);
  }
  if (typeof token === "string" && !/^[\u0021-\u007e]+$/.test(token))
    return refuse(t`the token contains a character that is not allowed`);
  // A token of its own is for the configured endpoint; without one, where it belongs is unknown.
  if (isNamed && provider.endpoint === null && provider.preset === null)
    return refuse(t`${tokenSource === null ? "token_env" : "token_command"} needs an endpoint`);
  const root = upstream.baseUrl.replace(/\/v1$/, "");
  const urls =
    provider.endpoint === null ? urlsOf(vendor, root, now) : endpointsOf(provider.endpoint, vendor, now);
  const owner = isNamed ? "endpoint" : "upstream";
  const { domains } = provider;
  for (const url of urls) {
    const why = refusalOf({ url, owner, upstreamBaseUrl: upstream.baseUrl, domains });
    if (why !== null) return refuse(why);
  }
  const asked = URL.parse(urls[0] ?? "")?.host ?? host;
  return {
    kind: "lookup",
    lookup: {
      key: `${id}@${asked}|${fingerprint(typeof token === "string" ? token : JSON.stringify(token.words))}`,
      source: id,
      host: asked,
      intervalMs: provider.intervalMs,
      isAutomatic: provider.kind === "auto",
      method: vendor.method ?? "GET",
      urls,
      siteUrl: vendor.site === undefined ? null : siteUrlOf(urls[0], vendor),
      token,
      headersWith: (one) =>
        vendor.auth === "bearer" ? { authorization: `Bearer ${one}` } : { "x-api-key": one },
      proxy: upstream.proxy,
      tlsCa: asked === base.host ? upstream.tlsCa : null,
      read: (bodies, site) =>
        readBodies(vendor, bodies, { site, path: base.pathname, endpoint: urls[0] ?? "", now }),
    },
  };
}

function chooseVendor({ kind, paths, preset }: Provider, recognised: VendorName | null): Vendor | null {
  if (kind === "auto") return recognised === null ? null : VENDORS[recognised];
  if (kind !== "json_path") return VENDORS[kind];
  if (preset !== null) return VENDORS[preset];
  const given = Object.entries(paths ?? {}).filter(([, value]) => value != null);
  return makePathVendor(Object.fromEntries(given));
}

/** A vendor with two requests is asked below the endpoint, which then is the relay's root. */
function endpointsOf(endpoint: string, vendor: Vendor, now: number): readonly string[] {
  const usual = urlsOf(vendor, endpoint.replace(/\/$/, ""), now);
  return usual.length > 1 ? usual : [endpoint];
}

/** Beside the address that is asked. */
function siteUrlOf(url: string | undefined, { site }: Vendor): string | null {
  const asked = URL.parse(url ?? "");
  const root = asked?.pathname.replace(/\/(?:v1\/)?(?:api|dashboard)\/.*$/, "") ?? "";
  return asked === null ? null : `${asked.origin}${root}${site}`;
}

function ownToken({ credential }: Upstream): string | KeySource | null {
  if (credential.kind === "command") return credential.source;
  return credential.kind === "bearer" || credential.kind === "api-key" ? credential.secret : null;
}
