// Says what is wrong with an upstream's address, or gives it in the one form that the rest of the program uses.
// Pure.
import { DEFAULT_PORT } from "../base/service.ts";

export type BaseUrl =
  | { readonly kind: "ok"; readonly url: string; readonly warning?: string }
  | { readonly kind: "bad"; readonly problem: string };

const OWN_PORTS = new Set(Object.values(DEFAULT_PORT).map(String));

/** Only trailing slashes are taken off; anything else that is odd is refused, because a guess could send a key astray. */
export function readBaseUrl(text: string): BaseUrl {
  const bad = (problem: string): BaseUrl => ({ kind: "bad", problem });
  if (text.trim() === "") return bad("it is empty");
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return bad("it holds a blank or a control character");
  if (/[^\u0021-\u007e]/.test(text))
    return bad("it holds a character outside ASCII (a full-width colon or slash?)");
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return bad('it must begin with "https://"');
  if (!URL.canParse(text)) return bad("it is not a valid URL");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    return bad(`${url.protocol} is not supported, only https and http`);
  if (url.username !== "" || url.password !== "")
    return bad("it must not hold a user name or password; use auth");
  if (url.search !== "" || text.includes("?")) return bad("it must not hold a query; use query");
  if (url.hash !== "" || text.includes("#")) return bad("it must not hold a fragment");
  if (text.includes("\\")) return bad("it holds a backslash");
  const path = url.pathname.replace(/\/+$/, "");
  if (/\/v1\/v1$/.test(path)) return bad("it ends in /v1 twice");
  if (/(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i.test(text.slice(text.indexOf("://") + 3)) || path.includes("//")) {
    return bad("its path holds an empty or dotted part");
  }
  if (isLoopback(url.hostname) && OWN_PORTS.has(url.port))
    return bad("it is the address of this proxy itself");
  const normal = `${url.protocol}//${url.host}${path}`;
  if (url.protocol === "http:" && !isPrivate(url.hostname)) {
    return { kind: "ok", url: normal, warning: "http sends the key unencrypted" };
  }
  return { kind: "ok", url: normal };
}

/** 127.0.0.0/8, ::1, localhost and names under it. */
export function isLoopback(hostname: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|\[::1\]|::1|(?:.+\.)?localhost|0\.0\.0\.0)$/i.test(hostname);
}

function isPrivate(hostname: string): boolean {
  return (
    isLoopback(hostname) ||
    /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cd])/i.test(hostname) ||
    !hostname.includes(".") ||
    hostname.endsWith(".local")
  );
}
