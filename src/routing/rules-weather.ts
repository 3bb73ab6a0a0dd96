// Rows for an upstream, or the way to it, that is not well: connections, time, gateways, pages, broken answers.
// Pure.
import { isRecord } from "../base/json-value.ts";
import { t } from "../base/text.ts";
import { NO_END, type Rule } from "./rule.ts";
import { hasStatus, says, type Signal } from "./signal.ts";

/** The upstream says, or it is certain, that it did not begin to work. */
const REFUSED = { next: "next", retryClass: "B", until: NO_END } as const;
/** It may have worked: a repetition can be billed twice. */
const AMBIGUOUS = { next: "next", retryClass: "C", blame: "failure", until: NO_END } as const;
/** No byte of the request left this machine for the upstream. */
const NEVER_SENT = { next: "next", retryClass: "A", blame: "never-sent", until: NO_END } as const;

export const CONNECTION_RULES: readonly Rule[] = [
  {
    id: "dns",
    signal: "the name cannot be looked up (`ENOTFOUND`, `EAI_AGAIN`)",
    seen: "the way there",
    matches: (signal) => hasCodeLike(signal, /^(?:ENOTFOUND|EAI_|ENODATA|DNS)/),
    ...NEVER_SENT,
    words: t`DNS lookup failed`,
  },
  {
    id: "certificate",
    signal: "the certificate is not trusted, not valid or for another name",
    seen: "the way there",
    matches: (signal) =>
      hasCodeLike(
        signal,
        /CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(?:GET|VERIFY|DECODE|DECRYPT)|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH/,
      ),
    ...NEVER_SENT,
    blame: "tls",
    words: t`certificate refused`,
  },
  {
    id: "never-sent",
    signal: "refused, no route, not TLS, a handshake that fails",
    seen: "the way there",
    matches: ({ outcome }) => outcome.kind === "transport" && outcome.sent === "never",
    ...NEVER_SENT,
    words: t`cannot be reached`,
  },
  {
    id: "connect-timeout",
    signal: "no connection within `connect_secs`",
    seen: "the way there",
    matches: ({ outcome }) => outcome.kind === "timeout" && outcome.phase === "connect",
    ...NEVER_SENT,
    words: t`takes no connection`,
  },
  {
    id: "first-byte-timeout",
    signal: "no response headers within `first_byte_secs`",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "timeout",
    ...AMBIGUOUS,
    blame: "first-byte",
    words: t`no answer in time`,
  },
  {
    id: "broken-connection",
    signal: "reset or closed before an answer, half a head, an unreadable head",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "transport",
    ...AMBIGUOUS,
    words: t`broke the connection`,
  },
];

/** Who answers here is not the upstream and knows nothing of keys: these rows come before the one for 401 and 403. */
export const PAGE_RULES: readonly Rule[] = [
  {
    id: "challenge",
    signal: "a Cloudflare challenge: `cf-mitigated: challenge` or its page",
    seen: "Cloudflare",
    matches: (signal) =>
      signal.headers.get("cf-mitigated") === "challenge" ||
      (signal.isPage && CHALLENGE.test(textOf(signal)) && !hasStatus(signal, 404, 413)),
    ...REFUSED,
    blame: "failure",
    words: t`a browser check stands before it`,
  },
  {
    id: "page",
    signal: "a web page where data is due, with 200, 401 or 403",
    seen: "captive portals, firewalls, wrong addresses",
    matches: (signal) => signal.isPage && (signal.outcome.kind !== "status" || hasStatus(signal, 401, 403)),
    ...REFUSED,
    blame: "failure",
    words: t`answered with a web page`,
  },
  {
    id: "firewall",
    signal:
      "403 with `error code: 1010` or another of Cloudflare's own, in words or as `cloudflare_error` in JSON",
    seen: "Cloudflare",
    matches: (signal) =>
      hasStatus(signal, 403) && (says(signal, /^error code: 1\d{3}\b/) || isCloudflares(signal.facts.json)),
    ...REFUSED,
    blame: "failure",
    words: t`a firewall before it refuses this client`,
  },
];

export const ANSWER_RULES: readonly Rule[] = [
  {
    id: "redirect",
    signal: "3xx to a POST",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "status" && outcome.status >= 300 && outcome.status < 400,
    ...REFUSED,
    blame: "failure",
    words: t`answered with a redirect`,
  },
  {
    id: "overloaded",
    signal: "529, 503, `overloaded_error`",
    seen: "Anthropic, any",
    matches: (signal) => hasStatus(signal, 503, 529),
    ...REFUSED,
    blame: "failure",
    words: t`overloaded`,
  },
  {
    id: "server-error",
    signal: "500, 502, 504, 520-524, 408 and other 5xx",
    seen: "any",
    matches: ({ outcome }) =>
      outcome.kind === "status" &&
      outcome.status !== 501 &&
      (outcome.status >= 500 || outcome.status === 408),
    ...AMBIGUOUS,
    words: t`failed`,
  },
  {
    id: "no-compaction",
    signal: "an answer to a compaction request that holds no `compaction` item",
    seen: "plain relays",
    matches: ({ outcome }) => outcome.kind === "bad-content" && outcome.reason === "no-compaction",
    ...AMBIGUOUS,
    blame: "none",
    words: t`cannot compact a session`,
  },
  {
    id: "empty-answer",
    signal: "200 without content",
    seen: "relays",
    matches: ({ outcome }) => outcome.kind === "bad-content" && outcome.reason === "empty",
    ...AMBIGUOUS,
    words: t`answered with nothing`,
  },
  {
    id: "broken-answer",
    signal: "200 that breaks off before any output, or that cannot be read",
    seen: "relays",
    matches: ({ outcome }) =>
      outcome.kind === "bad-content" && (outcome.reason === "ended-early" || outcome.reason === "malformed"),
    ...AMBIGUOUS,
    words: t`the answer was cut short or unreadable`,
  },
];

/** The last rows: whatever is left inside a 200, and what broke after the client had seen the beginning. */
export const LAST_RULES: readonly Rule[] = [
  {
    id: "error-in-200",
    signal: "an error event before any output (`response.failed`, `error`), or JSON `{error}`, inside a 200",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "bad-content",
    ...REFUSED,
    blame: "failure",
    words: t`answered with an error`,
  },
  {
    id: "cut",
    signal: "broken off, silent or failed in the middle of an answer",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "cut",
    next: "terminal",
    retryClass: "D",
    blame: "failure",
    until: NO_END,
    words: t`broke off in the middle of an answer`,
  },
];

const CHALLENGE =
  /just a moment|attention required! \| cloudflare|cf-chl|challenge-platform|cf_chl_opt|checking your browser/i;

/** https://developers.cloudflare.com/fundamentals/reference/error-responses/ */
function isCloudflares(json: unknown): boolean {
  return isRecord(json) && json["cloudflare_error"] === true;
}

function textOf({ outcome }: Signal): string {
  return "body" in outcome ? outcome.body : "";
}

function hasCodeLike({ outcome }: Signal, pattern: RegExp): boolean {
  return outcome.kind === "transport" && outcome.sent === "never" && pattern.test(outcome.code);
}
