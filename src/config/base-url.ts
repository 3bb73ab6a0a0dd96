// Says what is wrong with an upstream's address, or gives it in the one form that the rest of the program uses.
// Pure.
import { DEFAULT_PORT } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";

export type BaseUrl =
  | { readonly kind: "ok"; readonly url: string; readonly warning?: Text }
  /** Never repeats the address: it may hold a secret. */
  | { readonly kind: "bad"; readonly problem: Text };

/** What is refused, in the order in which it is checked. */
const PROBLEMS: readonly (readonly [(text: string) => boolean, Text])[] = [
  [(text) => text.trim() === "", t`is empty`],
  // oxlint-disable-next-line no-control-regex -- control characters are what is checked for
  [(text) => /[\s\u0000-\u001f\u007f]/.test(text), t`contains a blank or a control character`],
  [
    (text) => /[^\u0021-\u007e]/.test(text),
    t`contains a character outside ASCII (a full-width colon or slash?)`,
  ],
  [(text) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(text), t`must begin with https://`],
  [(text) => !/^https?:/i.test(text), t`must be an https or http address`],
  [(text) => text.includes("\\"), t`contains a backslash`],
  [(text) => text.includes("?"), t`must not contain a query: put it into \`query\``],
  [(text) => text.includes("#"), t`must not contain a fragment`],
  [
    (text) => /^\w+:\/\/[^/]*@/.test(text),
    t`must not contain a user name or password: put the key into \`auth\``,
  ],
  [(text) => !URL.canParse(text), t`is not a valid address`],
  [hasEmptyOrDotSegment, t`has an empty or dotted segment in its path`],
  [(text) => /\/v1\/v1(?:\/+)?$/.test(text), t`ends in /v1 twice`],
  [isOwnAddress, t`is the address of codex-helper's own proxy`],
];

/** Only trailing slashes are removed; anything else unusual is refused: a guess could send a key to the wrong host. */
export function readBaseUrl(text: string): BaseUrl {
  const problem = PROBLEMS.find(([applies]) => applies(text))?.[1];
  if (problem !== undefined) return { kind: "bad", problem: problem };
  const url = new URL(text);
  const normal = url.origin + url.pathname.replace(/\/+$/, "");
  return url.protocol === "http:" && !isPrivate(url.hostname)
    ? { kind: "ok", url: normal, warning: t`is http: the key is sent unencrypted` }
    : { kind: "ok", url: normal };
}

/** This machine, by a host as `URL#hostname` gives it: 127.0.0.0/8, ::1, localhost and names under it. */
export function isLoopback(hostname: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|\[::1\]|\[::\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]+\]|(?:.+\.)?localhost\.?|0\.0\.0\.0)$/i.test(
    hostname,
  );
}

/** False also for what is no address. */
export function isOnThisMachine(url: string): boolean {
  return isLoopback(URL.parse(url)?.hostname ?? "");
}

/** Checked in the text: a parsed address has its dot segments resolved already. */
function hasEmptyOrDotSegment(text: string): boolean {
  const path = text.slice(text.indexOf("://") + 3).replace(/\/+$/, "");
  return path.includes("//") || /\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path);
}

function isOwnAddress(text: string): boolean {
  const url = new URL(text);
  return isLoopback(url.hostname) && Object.values(DEFAULT_PORT).some((port) => url.port === String(port));
}

function isPrivate(hostname: string): boolean {
  return (
    isLoopback(hostname) ||
    /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cd])/i.test(hostname) ||
    (!hostname.includes(".") && !hostname.includes(":")) ||
    hostname.endsWith(".local")
  );
}
