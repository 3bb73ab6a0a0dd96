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

/** NO_PROXY: names and their sub-domains, with or without a leading dot, optionally with a port; `*` for all. */
function isException(target: URL, exceptions: string): boolean {
  const host = target.hostname.toLowerCase().replace(/\.$/, "");
  const port = target.port === "" ? (target.protocol === "https:" ? "443" : "80") : target.port;
  return exceptions.split(/[\s,]+/).some((entry) => {
    if (entry === "*") return true;
    const { name, onlyPort } = readException(entry.toLowerCase());
    if (name === "" || (onlyPort !== undefined && onlyPort !== port)) return false;
    return host === name || host.endsWith(`.${name}`);
  });
}

function readException(entry: string): { name: string; onlyPort: string | undefined } {
  // An IPv6 address without brackets: its colons are no port.
  if (/^[^[\]]*:[^[\]]*:/.test(entry)) return { name: `[${entry}]`, onlyPort: undefined };
  const [, name = "", onlyPort] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  return { name: name.replace(/\.$/, ""), onlyPort };
}
