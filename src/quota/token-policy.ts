// May this token be sent to this address? The one place that decides it, before anything is sent.
// Pure.
import { type Text, t } from "../base/text.ts";

export interface TokenUse {
  /** Where the token would go. */
  readonly url: string;
  /** Whose token it is: the upstream's own, or that of a variable named for this very endpoint. */
  readonly owner: "upstream" | "endpoint";
  readonly upstreamBaseUrl: string;
  /** Those that the user lists for the provider. */
  readonly domains: readonly string[];
}

/** Why not; null where it may. */
export function refusalOf({ domains, owner, upstreamBaseUrl, url }: TokenUse): Text | null {
  const target = URL.parse(url);
  const upstream = URL.parse(upstreamBaseUrl);
  if (target === null || upstream === null) return t`the endpoint is not a valid URL`;
  const { hostname: host, origin, protocol } = target;
  if (target.username !== "" || target.password !== "") return t`the endpoint contains a password`;
  const isOwnOrigin = origin === upstream.origin;
  if (isPrivateHost(host) && !isOwnOrigin)
    return t`${host} is a private address that is not the upstream's own`;
  // An upstream that is itself asked by http has its key in the open already.
  if (protocol !== "https:" && !(protocol === "http:" && isOwnOrigin)) {
    return t`the endpoint at ${host} is not https`;
  }
  if (owner === "endpoint" || isOwnOrigin) return null;
  const isRelated =
    host === upstream.hostname ||
    domains.some((domain) => isWithin(host, domain)) ||
    isSameOwner(host, upstream.hostname);
  return isRelated ? null : t`${host} is neither the upstream's own domain nor one of the listed domains`;
}

/**
 * What one owner has registered, by the Public Suffix List with its private part: "relay.example" of "api.relay.example",
 * "x.workers.dev" of "a.x.workers.dev". Null for an address, a single label and a suffix: such a host has no relatives.
 */
export function registrableDomain(host: string): string | null {
  // The list is large, and needed only where a token would go to another host than its upstream's.
  const { getDomain } = require("tldts") as typeof import("tldts");
  return getDomain(host, { allowPrivateDomains: true });
}

function isSameOwner(host: string, other: string): boolean {
  const domain = registrableDomain(host);
  return domain !== null && domain === registrableDomain(other);
}

/** Is the host this domain, or below it? */
export function isWithin(host: string, domain: string): boolean {
  const name = host.toLowerCase();
  return name === domain || (domain.includes(".") && !isAddress(domain) && name.endsWith(`.${domain}`));
}

/** Loopback and the ranges of private networks (RFC 1918, 4193, 6598, link-local), and names that only they have. */
function isPrivateHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (/^(?:::1|f[cd][0-9a-f]{2}:.*|fe80:.*)$/.test(name)) return true;
  return /^(?:127|10)\.\d+\.\d+\.\d+$|^192\.168\.\d+\.\d+$|^169\.254\.\d+\.\d+$|^172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+$|^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+$/.test(
    name,
  );
}

function isAddress(domain: string): boolean {
  return /^[\d.]+$/.test(domain);
}
