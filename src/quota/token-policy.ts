// May this token be sent to this address? The one place that decides it, before anything is sent.
// Pure.
import { kept } from "../base/language.ts";
import { isPrivateHost, isWithin, registrableDomain } from "./registrable-domain.ts";

export interface TokenQuestion {
  /** Where the token would go. */
  readonly url: string;
  /** Whose token it is: the upstream's own, or that of a variable named for this very endpoint. */
  readonly owner: "upstream" | "endpoint";
  readonly upstreamBaseUrl: string;
  /** That the user listed for the provider. */
  readonly domains: readonly string[];
}

/** Why not, in words; null where it may. */
export function refusalOf({ domains, owner, upstreamBaseUrl, url }: TokenQuestion): string | null {
  const target = URL.parse(url);
  const upstream = URL.parse(upstreamBaseUrl);
  if (target === null || upstream === null) return kept`the endpoint is not an address`;
  const { hostname: host, origin, protocol } = target;
  if (target.username !== "" || target.password !== "") return kept`the endpoint holds a password`;
  const isOwnOrigin = origin === upstream.origin;
  if (isPrivateHost(host) && !isOwnOrigin)
    return kept`${host} is a private address and not the upstream's own`;
  // Where the upstream itself is asked by http, its key is in the open already.
  if (protocol !== "https:" && !(protocol === "http:" && isOwnOrigin)) {
    return kept`the endpoint at ${host} is not https`;
  }
  if (owner === "endpoint" || isOwnOrigin) return null;
  const own = registrableDomain(upstream.hostname);
  const isRelated =
    host === upstream.hostname ||
    (own !== null && own === registrableDomain(host)) ||
    domains.some((domain) => isWithin(host, domain));
  return isRelated ? null : kept`${host} is neither the upstream's own domain nor one of the listed domains`;
}
