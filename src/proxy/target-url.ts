// Joins an upstream's base URL with the path a client asked for. The result never leaves the base.
// Pure.
import { SERVICE_FACTS, type Service } from "../base/service.ts";
import { mayLeadAway } from "../base/url-path.ts";

export interface TargetParts {
  readonly service: Service;
  /** Scheme, host and optional path, without a trailing slash, query or fragment. */
  readonly baseUrl: string;
  /** Starts with "/"; no query. */
  readonly path: string;
  /** The client's query with its "?", or "". */
  readonly search: string;
  /** Parameters of the upstream's own. They win over the client's of the same name. */
  readonly query: Readonly<Record<string, string>>;
}

/**
 * The URL to ask, or null when the client's path would lead off the base's origin or path prefix.
 * Built by joining text: resolving a path such as "//other.example/x" against a base would change the host.
 */
export function joinTargetUrl(parts: TargetParts): string | null {
  const { basePath } = SERVICE_FACTS[parts.service];
  const base = readBase(parts.baseUrl, basePath);
  if (base === null) return null;
  const path = withoutBase(parts.path, basePath);
  if (!isPlainPath(path) && !staysInside(base, path)) return null;
  return base + path + mergeQuery(parts.search, parts.query);
}

/** The few that a process has: to parse one costs more than all the rest. */
const bases = { "": new Map<string, string | null>(), "/v1": new Map<string, string | null>() };
const MOST_BASES = 256;

function readBase(baseUrl: string, basePath: "" | "/v1"): string | null {
  const mine = bases[basePath];
  const known = mine.get(baseUrl);
  if (known !== undefined) return known;
  const root = URL.parse(baseUrl);
  const base = root === null || !isBase(root) ? null : root.origin + joinBase(root.pathname, basePath);
  if (mine.size >= MOST_BASES) mine.clear();
  mine.set(baseUrl, base);
  return base;
}

/** What would be lost of another one, its user name for example, must not decide where a request goes. */
function isBase({ hash, password, protocol, search, username }: URL): boolean {
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === "";
}

/** A path without anything a URL parser could read as a host, a parent directory or a separator. */
function isPlainPath(path: string): boolean {
  return path === "" || /^(?:\/(?!\.{1,2}(?:[/;]|$))[A-Za-z0-9._~:@!$&'()*+,;=-]+)+\/?$/.test(path);
}

/** The base's path for a client whose paths carry "/v1" themselves, or are relative to a base that has it. */
function joinBase(pathname: string, basePath: "" | "/v1"): string {
  const path = pathname.replace(/\/+$/, "");
  if (basePath === "") return path.endsWith("/v1") ? path.slice(0, -3) : path;
  return path === "" ? basePath : path;
}

function withoutBase(path: string, basePath: string): string {
  return path === basePath || path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path;
}

/** What a receiver may read as a host, a separator or a dotted segment, at first sight. */
const LEADS_AWAY = /\\|%5c|%2f%2f|(?:^|\/|%2f)(?:\.|%2e){1,2}(?:\/|%2f|$)/i;

/** Reads the joined URL as any receiver would and compares origin and prefix with the base's. */
function staysInside(base: string, path: string): boolean {
  const joined =
    path.startsWith("//") || LEADS_AWAY.test(path) || mayLeadAway(path) ? null : URL.parse(base + path);
  if (joined === null) return false;
  const root = new URL(base);
  const prefix = root.pathname.endsWith("/") ? root.pathname : `${root.pathname}/`;
  return (
    joined.origin === root.origin &&
    joined.username === "" &&
    joined.password === "" &&
    (joined.pathname === root.pathname || joined.pathname.startsWith(prefix)) &&
    // A parser takes tabs, line breaks and blanks at the end out: what stood apart may be a dotted segment then.
    !LEADS_AWAY.test(joined.pathname.slice(root.pathname.length))
  );
}

function mergeQuery(search: string, query: Readonly<Record<string, string>>): string {
  const names = Object.keys(query);
  if (names.length === 0) return search;
  const others = search
    .replace(/^\?/, "")
    .split("&")
    .filter((pair) => pair !== "" && !names.includes(decodeName(pair)));
  const added = names.map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(query[name] ?? "")}`);
  return `?${[...others, ...added].join("&")}`;
}

/** As receivers read it: a plus is a blank. */
function decodeName(pair: string): string {
  return [...new URLSearchParams(pair).keys()][0] ?? "";
}
