// Says what is wrong with an upstream's address, or gives it in the one form that the rest of the program uses.
// Pure.
import { DEFAULT_PORT } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";
import { mayLeadAway } from "../base/url-path.ts";

export type BaseUrl =
  /** `miss`: why no request to it can find its endpoint. A config that has such an address is kept, a new one is refused. */
  | { readonly kind: "ok"; readonly url: string; readonly warning?: Text; readonly miss?: Text }
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
  // A parser decodes escapes in a host, and passes over slashes before it: whoever reads the address sees another one.
  [(text) => !URL.canParse(text) || /^\w+:\/\/(?:\/|[^/]*%)/.test(text), t`is not a valid address`],
  [hasEmptyOrDotSegment, t`has an empty or dotted segment in its path`],
  [(text) => /\/v1\/v1(?:\/+)?$/.test(text), t`ends in /v1 twice`],
  [(text) => new URL(text).port === "0", t`has port 0, where nothing can listen`],
  [isOwnAddress, t`is the address of codex-helper's own proxy`],
];

/** Only trailing slashes are removed; anything else unusual is refused: a guess could send a key to the wrong host. */
export function readBaseUrl(text: string): BaseUrl {
  const problem = PROBLEMS.find(([applies]) => applies(text))?.[1];
  if (problem !== undefined) return { kind: "bad", problem: problem };
  const url = new URL(text);
  const normal = url.origin + url.pathname.replace(/\/+$/, "");
  const miss = findMiss(normal)?.words;
  return {
    kind: "ok",
    url: normal,
    ...(url.protocol === "http:" && !isPrivate(url.hostname)
      ? { warning: t`is http: the key is sent unencrypted` }
      : {}),
    ...(miss === undefined ? {} : { miss }),
  };
}

/** Paths of requests, which the clients add to the address themselves. */
const ENDPOINT =
  /\/(?:responses(?:\/compact)?|(?:chat\/)?completions|messages(?:\/count_tokens|\/batches)?|models)$/i;
/** Pages that the panels of relays have. What follows a version (`/v1`) is no page. */
const PAGE =
  /\/(?:(?:consoles?|dashboard|panel|admin)(?:\/(?!v\d)[\w.-]+)*|log-?in|sign-?(?:in|up)|register|top-?up|pricing|playground|profile|settings|(?:api-?)?(?:keys?|tokens?)|docs?|index\.html?)$/i;
const TWICE = /\/v1(?:\/v1)+$/;

/** The first thing at the end of an address that cannot be there, and the address without it. */
function findMiss(url: string): { readonly words: Text; readonly rest: string } | null {
  const path = URL.parse(url)?.pathname ?? "";
  const before = url.slice(0, url.length - path.length);
  const [endpoint] = ENDPOINT.exec(path) ?? [];
  if (endpoint !== undefined) {
    const rest = before + path.slice(0, -endpoint.length);
    return { words: t`ends in ${endpoint}, which every request adds by itself`, rest };
  }
  const [page] = PAGE.exec(path) ?? [];
  if (page === undefined) return null;
  return {
    words: t`ends in the path of a web page (${page}), not of an API`,
    rest: before + path.slice(0, -page.length),
  };
}

/** The address that was probably meant where this one cannot work, or null. Without a user name, query or fragment. */
export function guessBaseUrl(text: string): string | null {
  const plain = text
    .trim()
    .replace(/[?#].*$/s, "")
    .replace(/^(https?:\/\/)[^/@]*@/i, "$1");
  let url = plain.replace(/^(https?:\/\/[^/]+):0(?=\/|$)/i, "$1");
  for (;;) {
    const next = url.replace(/\/+$/, "").replace(TWICE, "/v1");
    const rest = findMiss(next)?.rest;
    if (rest === undefined && next === url) break;
    url = rest ?? next;
  }
  const read = readBaseUrl(url);
  return url === text || read.kind === "bad" ? null : read.url;
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
  return /\/\/|%2f%2f/i.test(path) || mayLeadAway(path.slice(`${path}/`.indexOf("/")));
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
