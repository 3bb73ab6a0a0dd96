// Which outbound proxy a request to an upstream goes through: the upstream's own setting, else the usual variables, which
// never apply to this machine's own addresses.
// Pure.
import { type Env, readVariable } from "../base/env.ts";
import { type Text, t } from "../base/text.ts";
import { isLoopback } from "./base-url.ts";

export type OutboundProxy =
  | { readonly kind: "direct" }
  /** `source` is the variable, or "proxy". */
  | { readonly kind: "proxy"; readonly url: string; readonly source: string }
  /** Bun would connect directly without a warning. */
  | { readonly kind: "refused"; readonly problem: Text };

/**
 * `own` is the upstream's `proxy`: a URL, false for none, undefined to follow the environment. A lower-case variable
 * wins over the upper-case one, as in curl.
 */
export function chooseOutboundProxy(
  baseUrl: string,
  own: string | false | undefined,
  env: Env,
): OutboundProxy {
  if (own === false) return { kind: "direct" };
  if (own !== undefined) return take(own, "proxy");
  const target = new URL(baseUrl);
  if (isLoopback(target.hostname)) return { kind: "direct" };
  const scheme = target.protocol === "https:" ? "https_proxy" : "http_proxy";
  const name = [scheme, "all_proxy"]
    .flatMap((one) => [one, one.toUpperCase()])
    .find((one) => readVariable(env, one) !== undefined);
  if (name === undefined) return { kind: "direct" };
  const exceptions = readVariable(env, "no_proxy") ?? readVariable(env, "NO_PROXY") ?? "";
  if (isException(target, exceptions)) return { kind: "direct" };
  return take(readVariable(env, name)?.trim() ?? "", name);
}

/** Why a proxy's address cannot be used, or null. Never repeats it: it may hold a password. */
export function checkProxyUrl(text: string): Text | null {
  const url = withScheme(text);
  if (/^socks/i.test(url)) return t`is a SOCKS proxy, and only http and https proxies are supported`;
  if (!URL.canParse(url) || /\s/.test(url)) return t`is not the address of a proxy`;
  return /^https?:$/.test(new URL(url).protocol) ? null : t`is not the address of an http or https proxy`;
}

function take(text: string, source: string): OutboundProxy {
  const problem = checkProxyUrl(text);
  if (problem !== null) return { kind: "refused", problem: t`${source} ${problem}` };
  return { kind: "proxy", url: withScheme(text), source };
}

/** "host:8080" is an http proxy. */
function withScheme(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
}

/**
 * NO_PROXY as curl and Go read it: parted by commas, semicolons or blanks; `*` for all, names with their sub-domains
 * (`x`, `.x`, `*.x`), addresses, ranges of addresses (`10.0.0.0/8`), each but a range optionally with a port; and
 * `<local>` for names without a dot.
 */
function isException(target: URL, exceptions: string): boolean {
  const host = target.hostname.toLowerCase().replace(/\.$/, "");
  const port = target.port === "" ? (target.protocol === "https:" ? "443" : "80") : target.port;
  const address = readAddress(host);
  return exceptions
    .toLowerCase()
    .split(/[\s,;]+/)
    .some((entry) => {
      if (entry === "*") return true;
      if (entry === "<local>") return address === null && !host.includes(".");
      if (entry.includes("/")) return address !== null && isInRange(address, entry);
      const { name, onlyPort } = readException(entry);
      if (name === "" || (onlyPort !== undefined && onlyPort !== port)) return false;
      if (address !== null) return isSameAddress(address, readAddress(name));
      return host === name || host.endsWith(`.${name}`);
    });
}

function readException(entry: string): { name: string; onlyPort: string | undefined } {
  // An IPv6 address without brackets: its colons are no port.
  if (/^[^[\]]*:[^[\]]*:/.test(entry)) return { name: entry, onlyPort: undefined };
  const [, name = "", onlyPort] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  return { name: name.replace(/\.$/, ""), onlyPort };
}

interface Address {
  readonly bits: bigint;
  readonly length: 32 | 128;
}

const isSameAddress = (a: Address, b: Address | null): boolean => a.length === b?.length && a.bits === b.bits;

function isInRange(address: Address, range: string): boolean {
  const [, text = "", size = ""] = /^(.*)\/(\d{1,3})$/.exec(range) ?? [];
  const base = readAddress(text);
  if (base === null || base.length !== address.length || Number(size) > base.length) return false;
  const rest = BigInt(base.length - Number(size));
  return base.bits >> rest === address.bits >> rest;
}

/** Null for a name. An IPv4 address that is written as an IPv6 one is the IPv4 address. */
function readAddress(text: string): Address | null {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split(".").map(Number);
    return parts.some((part) => part > 255) ? null : { bits: joinBits(parts, 8n), length: 32 };
  }
  const [, inner = ""] = /^\[?([0-9a-f:.]*:[0-9a-f:.]*)\]?$/.exec(text) ?? [];
  // One form for all: lower-case groups without leading zeros, the longest row of zeros as "::".
  const hostname = inner === "" ? undefined : URL.parse(`http://[${inner}]`)?.hostname;
  if (hostname === undefined) return null;
  const [left = [], right = []] = hostname
    .slice(1, -1)
    .split("::")
    .map((half) => (half === "" ? [] : half.split(":")));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const bits = joinBits(
    [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16)),
    16n,
  );
  return bits >> 32n === 0xffffn ? { bits: bits & 0xffff_ffffn, length: 32 } : { bits, length: 128 };
}

function joinBits(parts: readonly number[], width: bigint): bigint {
  return parts.reduce((bits, part) => (bits << width) | BigInt(part), 0n);
}
