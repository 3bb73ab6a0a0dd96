// Of what failed on the way through an outbound proxy: what is the proxy's, and not the upstream's behind it.
// Pure.
import { errorCode } from "../base/errors.ts";
import type { AttemptOutcome } from "../routing/types.ts";
import type { ConnectResult } from "./connections.ts";

type ProxyOutcome = Extract<AttemptOutcome, { readonly kind: "outbound-proxy" }>;

/** Through a proxy they are about it: nobody else is looked up or connected to from here. */
const UNREACHABLE =
  /^(?:ECONNREFUSED|ConnectionRefused|ENETUNREACH|EHOSTUNREACH|EAI_|ENOTFOUND|FailedToOpenSocket|ETIMEDOUT)/;
/** What Bun 1.4.5 says where the proxy answered CONNECT with another status than 200. */
const NO_TUNNEL = "ERR_PROXY_TUNNEL";

/** What made `fetch` throw; null where it may as well be the upstream's. */
export function proxyErrorOutcome(error: unknown, proxy: string): ProxyOutcome | null {
  const code = errorCode(error) ?? "";
  if (code === NO_TUNNEL) {
    const status = error instanceof Error && "status" in error ? error.status : "";
    return refusal(String(status), proxy);
  }
  // It opened the tunnel, and what came through it was no TLS: a page of its own.
  if (code === "EPROTO") return make("silent", code, proxy);
  return UNREACHABLE.test(code) ? make("unreachable", code, proxy) : null;
}

/** How a connection through the proxy failed that was tried for its own sake. */
export function proxyConnectOutcome(
  connect: Exclude<ConnectResult, { readonly kind: "connected" }>,
  proxy: string,
): ProxyOutcome {
  const code = connect.kind === "timeout" ? null : connect.code;
  if (connect.step === "tcp") return make("unreachable", code, proxy);
  return code !== null && /^\d+$/.test(code) ? refusal(code, proxy) : make("silent", code, proxy);
}

/** Proxies that say in a header that they did not get through: RFC 9209, Squid. */
const NOT_CONNECTED =
  /error=(?:dns_|destination_(?:unavailable|ip)|connection_(?:refused|timeout|limit)|proxy_configuration)|ERR_(?:CONNECT_FAIL|DNS_FAIL|CANNOT_FORWARD|ACCESS_DENIED)/;
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** An answer to a request that was sent to the proxy as a whole, for an http upstream; null for the upstream's own. */
export function proxyPageOutcome(
  { body, headers, status }: { readonly status: number; readonly headers: Headers; readonly body: string },
  proxy: string,
): ProxyOutcome | null {
  if (status === 407) return refusal("407", proxy);
  const said = `${headers.get("proxy-status") ?? ""} ${headers.get("x-squid-error") ?? ""}`;
  if (status >= 400 && NOT_CONNECTED.test(said)) return refusal(String(status), proxy);
  const isUpstreams = /^\s*[[{]/.test(body) || headers.has("retry-after");
  return GATEWAY_STATUSES.has(status) && !isUpstreams ? make("page", String(status), proxy) : null;
}

/** A new connection through it broke, and so did one that was tried after it. */
export function proxyLostOutcome(code: string, proxy: string): ProxyOutcome {
  return make("lost", code, proxy);
}

function refusal(status: string, proxy: string): ProxyOutcome {
  return make(status === "407" ? "login" : "refused", status === "" ? null : status, proxy);
}

/** The proxy by its host and port: its address may hold a password. */
function make(failed: ProxyOutcome["failed"], code: string | null, proxy: string): ProxyOutcome {
  return { kind: "outbound-proxy", failed, proxy: new URL(proxy).host, code };
}
