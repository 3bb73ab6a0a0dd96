// Decides which of a request's headers and parameters one upstream may not see: what the client's own files add for another
// origin, and, at any but the vendor's own API, what looks like a credential or is not known at all.
// Pure.
import {
  CLIENT_HEADERS,
  IDENTITY_HEADERS,
  isCredentialParameter,
  isForRelays,
  mayHoldCredential,
} from "../base/header-names.ts";
import { type Claim, type OwnedNames, isOwner } from "../base/owned-names.ts";
import type { Upstream } from "../base/upstream.ts";

export interface HeldBack {
  /** Lower case. */
  readonly headers: readonly string[];
  /** Those of the client's connection and login that there are, in lower case. */
  readonly ofClient: readonly string[];
  /** What else there is for this upstream alone: names that others would not get. */
  readonly own: ReadonlySet<string>;
  /** The query without what was held back, with its "?", or "". */
  readonly search: string;
  /** Everything that was held back, for people and the log: "x-relay-key", "?key". */
  readonly names: readonly string[];
}

export interface HoldBackParts {
  readonly headers: Headers;
  /** With its "?", or "". */
  readonly search: string;
  readonly upstream: Upstream;
  readonly owned: OwnedNames;
}

const NONE: ReadonlySet<string> = new Set();

export function holdBack({ headers, search, upstream, owned }: HoldBackParts): HeldBack {
  const held: string[] = [];
  let own = NONE;
  for (const [name, claims] of owned.headers) {
    const value = headers.get(name);
    if (value === null || upstream.headersAllowed.has(name)) continue;
    if (isOwner(claims, value, upstream.origin)) own = new Set([...own, name]);
    // Under a name that the client uses itself, another value is its own.
    else if (!isForRelays(name) || isMaybe(claims, value)) held.push(name);
  }
  const { ofClient, unknown } = namesOf(headers);
  if (!upstream.isOfficial)
    for (const name of unknown)
      if (!own.has(name) && !owned.headers.has(name) && !upstream.headersAllowed.has(name)) held.push(name);
  const isPlain = owned.parameters.size === 0 && (upstream.isOfficial || !mayHoldCredential(search));
  const query = isPlain ? { search, names: [] } : holdBackParameters(search, upstream, owned.parameters);
  return {
    headers: held,
    ofClient,
    own,
    search: query.search,
    names: query.names.length === 0 ? held : [...held, ...query.names],
  };
}

/** Connection and login are the client's; `unknown`: a relay may not see it, as far as the name tells. */
const namesOf = createNameMemory((all) => ({
  ofClient: all.filter((name) => CLIENT_HEADERS.has(name)),
  unknown: all.filter((name) => !CLIENT_HEADERS.has(name) && !isForRelays(name)),
}));

/**
 * What follows from the names of headers alone. One message after the other has the same names: to ask for each is cheaper than
 * to list them, and leaves no garbage.
 */
export function createNameMemory<T>(make: (names: readonly string[]) => T): (headers: Headers) => T {
  let last: { readonly names: readonly string[]; readonly value: T } | null = null;
  return (headers) => {
    if (last !== null && areNamesOf(headers, last.names)) return last.value;
    const names = [...headers.keys()];
    const value = make(names);
    // Where one is there twice (Set-Cookie), as many may be others.
    if (new Set(names).size === names.length) last = { names, value };
    return value;
  };
}

function areNamesOf(headers: Headers, names: readonly string[]): boolean {
  if (headers.count !== names.length) return false;
  for (const name of names) if (!headers.has(name)) return false;
  return true;
}

/** What every client leaves behind where a redirect leads to another origin (Fetch 4.4). */
const LEFT_BEHIND: ReadonlySet<string> = new Set(["authorization", "cookie"]);

/** Would a client take along, to where a redirect leads, what not every origin may see? A vendor may send its own login elsewhere. */
export function isForFew(headers: Headers, { credential }: Upstream, owned: OwnedNames): boolean {
  return [...headers.keys()].some(
    (name) =>
      !LEFT_BEHIND.has(name) &&
      (owned.headers.has(name) ||
        (IDENTITY_HEADERS.has(name) ? credential.kind !== "client" : !isForRelays(name))),
  );
}

function isMaybe(claims: readonly Claim[], value: string): boolean {
  return claims.some((claim) => claim.value === null || claim.value === value);
}

function holdBackParameters(
  search: string,
  upstream: Upstream,
  owned: OwnedNames["parameters"],
): { readonly search: string; readonly names: readonly string[] } {
  const names: string[] = [];
  const kept = search
    .slice(1)
    .split("&")
    .filter((pair) => {
      const [name = "", value = ""] = readPair(pair);
      const claims = owned.get(name);
      const mayPass =
        claims === undefined
          ? upstream.isOfficial || !isCredentialParameter(name)
          : isOwner(claims, value, upstream.origin);
      if (!mayPass) names.push(`?${claims?.[0]?.shown ?? name}`);
      return mayPass;
    });
  if (names.length === 0) return { search, names };
  return { search: kept.length === 0 ? "" : `?${kept.join("&")}`, names };
}

/** One parameter of a query as name, in lower case, and value, both decoded as receivers do. */
function readPair(pair: string): readonly string[] {
  if (/[%+]/.test(pair)) {
    const [name = "", value = ""] = [...new URLSearchParams(pair)][0] ?? [];
    return [name.toLowerCase(), value];
  }
  const equals = pair.indexOf("=");
  return equals < 0
    ? [pair.toLowerCase(), ""]
    : [pair.slice(0, equals).toLowerCase(), pair.slice(equals + 1)];
}
