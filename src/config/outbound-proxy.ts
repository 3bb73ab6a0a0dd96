// Which outbound proxy a request to an upstream goes through (SPEC 3.1): the upstream's own word, then the usual
// variables; never for loopback.
// Pure.
import { type Env, readVariable } from "../base/env.ts";
import { isLoopback } from "./base-url.ts";

export type OutboundProxy =
  | { readonly kind: "direct" }
  | { readonly kind: "proxy"; readonly url: string; readonly source: string }
  /** Bun would go direct without a word: better to say so. */
  | { readonly kind: "refused"; readonly problem: string };

/** `own` is the upstream's `proxy`: a URL, false for none, undefined to follow the environment. */
export function chooseOutboundProxy(
  baseUrl: string,
  own: string | false | undefined,
  env: Env,
): OutboundProxy {
  const target = new URL(baseUrl);
  if (own === false || isLoopback(target.hostname)) return { kind: "direct" };
  if (own !== undefined) return check(own, "proxy of the upstream");
  const names = target.protocol === "https:" ? ["HTTPS_PROXY", "https_proxy"] : ["HTTP_PROXY", "http_proxy"];
  const name = [...names, "ALL_PROXY", "all_proxy"].find((one) => readVariable(env, one) !== undefined);
  if (name === undefined) return { kind: "direct" };
  const exceptions = readVariable(env, "NO_PROXY") ?? readVariable(env, "no_proxy") ?? "";
  if (isException(target, exceptions)) return { kind: "direct" };
  return check(readVariable(env, name) ?? "", name);
}

function check(text: string, source: string): OutboundProxy {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) return { kind: "refused", problem: `${source} is not a valid URL` };
  const { protocol } = new URL(url);
  if (protocol === "http:" || protocol === "https:") return { kind: "proxy", url, source };
  return {
    kind: "refused",
    problem: `${source} is a ${protocol.slice(0, -1)} proxy, and only http and https proxies are supported`,
  };
}

/** NO_PROXY: names and their sub-domains, with or without a leading dot, optionally with a port; `*` for all. */
function isException(target: URL, exceptions: string): boolean {
  const host = target.hostname.toLowerCase();
  const port = target.port === "" ? (target.protocol === "https:" ? "443" : "80") : target.port;
  return exceptions.split(/[\s,]+/).some((entry) => {
    if (entry === "*") return true;
    const [, name = "", onlyPort] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (name === "" || (onlyPort !== undefined && onlyPort !== port)) return false;
    return host === name || host.endsWith(`.${name}`);
  });
}
