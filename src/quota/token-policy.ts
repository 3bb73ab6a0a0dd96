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

/** What is not an address of the public internet (RFC 6890, RFC 4291 2.4), and names that only a machine or a local network has. */
function isPrivateHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name.startsWith("[")) return !PUBLIC_6.test(name);
  return /(?:^|\.)(?:localhost|local|internal|home\.arpa)$/.test(name) || PRIVATE_4.test(name);
}

/** 2000::/3 without 6to4, Teredo and documentation: what is outside may lead to any IPv4 address. */
const PUBLIC_6 = /^\[(?!2002:|2001:(?:0?:|db8:))[23][0-9a-f]{3}:/;
const PRIVATE_4 =
  /^(?:0|10|127|169\.254|172\.(?:1[6-9]|2\d|3[01])|192\.0\.0|192\.168|198\.1[89]|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])|22[4-9]|2[34]\d|25[0-5])(?:\.\d+)+$/;

function isAddress(domain: string): boolean {
  return /^[\d.]+$/.test(domain);
}
