// The classifier's table: every signal of a failed attempt and what it means, in the order in which they are asked. The
// first row that matches counts. Plain data with predicates, so that the documentation is made from the same rows.
// Pure.
import { SHORTAGES } from "../base/errors.ts";
import { isRecord } from "../base/json-value.ts";
import {
  ANTHROPIC_WINDOW,
  AUTH_DEAD,
  CODEX_WINDOW,
  fixed,
  NO_END,
  type Rule,
  STATED_OR_EXHAUSTED,
  STATED_OR_BACKOFF,
  statedOr,
} from "./rule.ts";
import { hasCode, hasStatus, isUnnamed, says, type Signal } from "./signal.ts";
import { deniesModel, isModelCode } from "./one-model.ts";
import { findNetworkFault, isOfCertificate } from "./network-faults.ts";
import { isTooManyAtOnce } from "./at-once.ts";
import { findSpent, type Spent } from "./spent.ts";
import { OWN_FAULT_RULES } from "./own-faults.ts";
import { findRefused } from "./refused-thing.ts";
import { deniesKey, isOfCredential, isOfRate, mayBeSpent, saysRateLimit } from "./said-words.ts";
import type { AttemptOutcome, RefusedThing, Refusal } from "./types.ts";

/** The upstream says, or it is certain, that it did not begin to work. */
const REFUSED = { next: "next", retryClass: "B", blame: "failure", until: NO_END } as const;
/** Nothing is wrong with the upstream: another one may still do it. */
const PASSED_ON = { ...REFUSED, blame: "none" } as const;
/** It may have worked: a repetition can be billed twice. */
const AMBIGUOUS = { next: "next", retryClass: "C", blame: "failure", until: NO_END } as const;
/** No byte of the request left this machine for the upstream. */
const NEVER_SENT = { next: "next", retryClass: "A", blame: "never-sent", until: NO_END } as const;

/** The upstream was not reached, and what stands before it is at fault. */
const PROXY_FAILED = { ...NEVER_SENT, blame: "proxy" } as const;
/** It may have been the upstream's host all the same. */
const WAY_FAILED = { ...NEVER_SENT, blame: "way" } as const;

const OWN_MISTAKE = { next: "terminal", retryClass: "B", blame: "none", until: NO_END } as const;

/** No reason is known: one other upstream says whether it is this upstream or the request. */
const ELSEWHERE = { ...OWN_MISTAKE, next: "elsewhere" } as const;

const NEXT = { next: "next", retryClass: "B" } as const;
const DEAD_CREDENTIAL = { ...NEXT, blame: "auth-dead", until: AUTH_DEAD } as const;
const EXHAUSTED = {
  ...NEXT,
  blame: "exhausted",
  until: STATED_OR_EXHAUSTED,
  words: "quota exhausted",
} as const;

/** The connection. */
export const CONNECTION_RULES: readonly Rule[] = [
  {
    id: "dns",
    signal: "the name cannot be resolved (`ENOTFOUND`, `EAI_AGAIN`)",
    seen: "any",
    matches: (signal) => hasCodeLike(signal, (code) => findNetworkFault(code)?.id === "dns"),
    ...NEVER_SENT,
    isOfAddress: () => true,
    words: "DNS lookup failed",
  },
  {
    id: "local-shortage",
    signal:
      "this machine has no descriptors, memory, buffers or ports left (EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL)",
    seen: "this program",
    matches: (signal) => hasCodeLike(signal, (code) => SHORTAGES.has(code)),
    ...NEVER_SENT,
    blame: "none",
    words: "no connection could be opened: this machine is short of a resource",
  },
  {
    id: "certificate",
    signal: "the certificate is not trusted, not valid or for another name",
    seen: "any",
    matches: (signal) => hasCodeLike(signal, isOfCertificate),
    ...NEVER_SENT,
    blame: "tls",
    isOfAddress: () => true,
    words: "certificate refused",
  },
  {
    id: "never-sent",
    signal: "refused, no route, not TLS, a failed handshake",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "transport" && outcome.sent === "never",
    ...NEVER_SENT,
    isOfAddress: () => true,
    words: "cannot be reached",
  },
  {
    id: "proxy-login",
    signal: "407 of the outbound proxy",
    seen: "outbound proxies",
    matches: ({ outcome }) => isProxys(outcome, "login"),
    ...PROXY_FAILED,
    words: "the outbound proxy {proxy} wants a user and password",
  },
  {
    id: "proxy-unreachable",
    signal: "the outbound proxy's name cannot be resolved, or it accepts no connection",
    seen: "outbound proxies",
    matches: ({ outcome }) => isProxys(outcome, "unreachable"),
    ...PROXY_FAILED,
    words: "the outbound proxy {proxy} cannot be reached",
  },
  {
    id: "proxy-refused",
    signal:
      "another status than 200 to CONNECT; `Proxy-Status` or `X-Squid-Error` that say that there was no connection",
    seen: "outbound proxies",
    matches: ({ outcome }) => isProxys(outcome, "refused"),
    ...WAY_FAILED,
    words: "the outbound proxy {proxy} does not connect",
  },
  {
    id: "proxy-silent",
    signal: "no answer to CONNECT, or no TLS handshake after it, within `connect_secs`",
    seen: "outbound proxies",
    matches: ({ outcome }) => isProxys(outcome, "silent"),
    ...WAY_FAILED,
    words: "nothing comes through the outbound proxy {proxy}",
  },
  {
    id: "proxy-lost",
    signal: "a new connection that broke, while another one through the same proxy comes to nothing",
    seen: "outbound proxies",
    matches: ({ outcome }) => isProxys(outcome, "lost"),
    ...AMBIGUOUS,
    blame: "way",
    words: "the outbound proxy {proxy} broke the connection",
  },
  {
    id: "proxy-page",
    signal: "502, 503 or 504 to a request to an http upstream, without JSON or `Retry-After`",
    seen: "outbound proxies",
    matches: ({ outcome }) => isProxys(outcome, "page"),
    ...AMBIGUOUS,
    blame: "way",
    words: "the outbound proxy {proxy} has no answer",
  },
  {
    id: "connect-timeout",
    signal: "no connection within `connect_secs`",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "timeout" && outcome.phase === "connect",
    ...NEVER_SENT,
    isOfAddress: () => true,
    words: "connection timed out",
  },
  {
    id: "https-port",
    signal: "400 in words that http was sent to an https port",
    seen: "nginx, Apache, Go",
    matches: (signal) => hasStatus(signal, 400) && HTTPS_PORT_WORDS.test(textOf(signal)),
    ...NEVER_SENT,
    isOfAddress: () => true,
    words: "TLS on this port: http to an https port",
  },
  {
    id: "first-byte-timeout",
    signal: "no response headers, or no event after them, within `first_byte_secs`",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "timeout" && outcome.phase === "first-byte",
    ...AMBIGUOUS,
    blame: "first-byte",
    isOfAddress: () => true,
    words: "timed out",
  },
  {
    id: "stalled",
    signal:
      "no new event within `idle_secs`, before any output: comments, blank lines and repeated pings are none",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "timeout",
    ...AMBIGUOUS,
    words: "stopped sending before any output",
  },
  {
    id: "broken-connection",
    signal: "reset or closed before an answer, an incomplete or invalid head",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "transport",
    ...AMBIGUOUS,
    isOfAddress: () => true,
    words: "connection lost",
  },
];

/** What the request itself is at fault for. They blame no upstream. */
export const REQUEST_RULES: readonly Rule[] = [
  {
    id: "bound-history",
    signal:
      "an error that points at encrypted reasoning, thinking, a signature or a stored item of the request: by its id, its path or in words",
    seen: "OpenAI, Azure, Anthropic, relays, after a change of account",
    matches: (signal) => isAnswer(signal) && signal.context.canRepair(refusalIn(signal)),
    ...OWN_MISTAKE,
    next: "repair",
    words: "cannot read history of another account",
  },
  {
    id: "previous-response",
    signal:
      "`previous_response_not_found`, or words about `previous_response_id` or with its value: it is all of the history, and is never taken out unless the request carries its history besides",
    seen: "OpenAI, Azure, relays",
    matches: (signal) =>
      isAnswer(signal) &&
      !hasStatus(signal, 429) &&
      (hasCode(signal, "previous_response_not_found") ||
        says(signal, PREVIOUS_RESPONSE) ||
        namesPreviousResponse(signal)),
    ...PASSED_ON,
    words: "cannot continue the previous response",
  },
  ...OWN_FAULT_RULES,
  {
    id: "drift",
    signal:
      'a refusal that names a beta flag, a header, a field or a type of tool of the request: "Extra inputs are not permitted", "Unknown parameter", "invalid beta flag"',
    seen: "relays and vendors that are behind a client's release",
    matches: (signal) => mayBeDrift(signal) && refusedBy(signal).length > 0,
    ...ELSEWHERE,
    words: "does not take a part of the request",
  },
];

/** An account at its end: out of quota, rate limited, without this model. */
export const ACCOUNT_RULES: readonly Rule[] = [
  {
    id: "codex-usage-limit",
    signal: "`usage_limit_reached`, or `x-codex-rate-limit-reached-type` on a 429",
    seen: "ChatGPT backend and relays of it",
    matches: (signal) =>
      hasCode(signal, "usage_limit_reached") ||
      (hasStatus(signal, 429) && signal.headers.has("x-codex-rate-limit-reached-type")),
    ...EXHAUSTED,
    until: CODEX_WINDOW,
    words: "usage limit reached",
  },
  {
    id: "codex-not-included",
    signal: "`usage_not_included`, `codex_workspace_access_denied`, `codex_entitlement_missing`",
    seen: "ChatGPT backend",
    matches: (signal) =>
      hasCode(signal, "usage_not_included", "codex_workspace_access_denied", "codex_entitlement_missing"),
    ...DEAD_CREDENTIAL,
    words: "the account has no access to this product",
  },
  {
    id: "anthropic-model-window",
    signal: "429, unified status `rejected`, claim of one model family (`seven_day_opus` ...)",
    seen: "Anthropic subscription",
    matches: (signal) =>
      isUnifiedRejected(signal) &&
      /^seven_day_[a-z]+$/.test(signal.headers.get("anthropic-ratelimit-unified-representative-claim") ?? ""),
    ...NEXT,
    blame: "model",
    until: ANTHROPIC_WINDOW,
    words: "usage limit of this model reached",
  },
  {
    id: "anthropic-window",
    signal: "429 with `anthropic-ratelimit-unified-status: rejected`",
    seen: "Anthropic subscription",
    matches: isUnifiedRejected,
    ...EXHAUSTED,
    until: ANTHROPIC_WINDOW,
    words: "usage limit reached",
  },
  {
    id: "anthropic-spend-limit",
    signal:
      '`enforced_spend_limit_reached`, a 400 that names a spend limit, `billing_error`, "out of extra usage"',
    seen: "Anthropic",
    matches: (signal) =>
      hasCode(signal, "enforced_spend_limit_reached", "billing_error") ||
      (hasStatus(signal, 400, 403, 429) &&
        says(
          signal,
          /out of extra usage|draw from (?:your )?extra usage|spend(?:ing)? limit|credit balance is too low|workspace api usage limits/,
        )),
    ...EXHAUSTED,
    until: ANTHROPIC_WINDOW,
    words: "spend limit reached",
  },
  {
    id: "openai-quota",
    signal:
      "`insufficient_quota`, `credit_balance_exhausted`, `billing_hard_limit_reached`, organization or project limits",
    seen: "OpenAI and relays of it",
    matches: (signal) =>
      hasCode(
        signal,
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_hard_limit_reached",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
      ),
    ...EXHAUSTED,
  },
  {
    id: "model-quota",
    signal: 'words of a spent quota of one model: "exhausted your capacity on this model"',
    seen: "Google, Volcengine",
    matches: (signal) => spentIn(signal) === "model",
    ...NEXT,
    blame: "model",
    until: STATED_OR_EXHAUSTED,
    words: "usage limit of this model reached",
  },
  {
    id: "relay-quota",
    signal:
      'a code or words of a spent quota, balance, budget, plan or limit of a day or longer, English or Chinese (`insufficient_user_quota`, 余额不足, `USAGE_LIMIT_EXCEEDED`, "Budget has been exceeded"), which are not of speed, size or the number of things at once',
    seen: "relays, vendors of plans",
    matches: (signal) => spentIn(signal) === "account",
    ...EXHAUSTED,
  },
  {
    id: "in-flight-budget",
    signal: "`in_flight_budget_exhausted`",
    seen: "OpenRouter",
    matches: (signal) => hasCode(signal, "in_flight_budget_exhausted"),
    ...NEXT,
    blame: "cooldown",
    until: STATED_OR_BACKOFF,
    words: "rate limited",
  },
  {
    id: "payment-required",
    signal: "402",
    seen: "OpenRouter, relays",
    matches: (signal) => hasStatus(signal, 402) && signal.context.stopsWhenSpent !== true,
    ...EXHAUSTED,
    words: "payment required",
  },
  {
    id: "model-cooldown",
    signal: "`model_cooldown`",
    seen: "CLIProxyAPI",
    matches: (signal) => hasCode(signal, "model_cooldown"),
    ...NEXT,
    blame: "model",
    until: statedOr(60_000),
    words: "the model is cooling down",
  },
  {
    id: "model-busy",
    signal: '`server_is_overloaded`, `MODEL_CAPACITY_EXHAUSTED`, "model is at capacity"',
    seen: "OpenAI, Google",
    matches: (signal) =>
      hasCode(signal, "server_is_overloaded", "model_capacity_exhausted") ||
      (isError(signal) && says(signal, /model is at capacity|no capacity available for model/)),
    ...NEXT,
    blame: "model",
    until: statedOr(45_000),
    words: "the model is at capacity",
  },
  {
    id: "slow-down",
    signal: "`slow_down`",
    seen: "OpenAI",
    matches: (signal) => hasCode(signal, "slow_down"),
    ...NEXT,
    blame: "cooldown",
    until: statedOr(30_000),
    words: "asked to slow down",
  },
  {
    id: "model-unknown",
    signal:
      '`model_not_found`, `key_model_access_denied`, "no available channel", 无可用渠道, a message that the model does not exist, or that this key, group, plan or tier is not allowed to use it',
    seen: "OpenAI, Anthropic, LiteLLM, Bedrock, new-api, one-api",
    matches: isModelUnknown,
    ...NEXT,
    blame: "model",
    until: fixed(600_000),
    words: "does not offer this model",
  },
  {
    id: "concurrency",
    signal:
      "429, 503, 400, 403 or an error in a 200 about how many requests are open at once, pending requests or a full queue, 并发, 排队, and not about a rate",
    seen: "sub2api, claude-relay-service, relays",
    matches: isTooManyAtOnce,
    ...NEXT,
    blame: "cooldown",
    until: statedOr(5_000),
    words: "too many requests at once",
  },
  {
    id: "maybe-spent",
    signal: '429 in words of something else than a rate limit, where `on_exhausted` is "stop"',
    seen: "any",
    matches: (signal) =>
      signal.context.stopsWhenSpent === true && hasStatus(signal, 429) && !isOfRate(signal),
    ...NEXT,
    blame: "exhausted",
    until: STATED_OR_BACKOFF,
    words: "may be out of quota",
  },
  {
    id: "rate-limit",
    signal:
      "any other 429, `rate_limit_error`, `rate_limit_exceeded`, or another 4xx, a 503 or an error in a 200 that says so in words",
    seen: "any",
    matches: (signal) =>
      hasStatus(signal, 429) ||
      ((isRefusal(signal) || hasStatus(signal, 503) || isUnnamed(signal)) && saysRateLimit(signal)),
    ...NEXT,
    blame: "cooldown",
    until: STATED_OR_BACKOFF,
    words: "rate limited",
  },
];

/** Whoever answers here is not the upstream and knows nothing of keys: before the rule for 401 and 403. */
export const PAGE_RULES: readonly Rule[] = [
  {
    id: "challenge",
    signal: "a Cloudflare challenge: `cf-mitigated: challenge` or its page",
    seen: "Cloudflare",
    matches: (signal) =>
      signal.headers.get("cf-mitigated") === "challenge" ||
      (signal.isPage && CHALLENGE.test(textOf(signal)) && !hasStatus(signal, 404, 413)),
    ...REFUSED,
    words: "blocked by a browser check",
  },
  {
    id: "page",
    signal: "a web page instead of data, with 200, 401 or 403",
    seen: "captive portals, firewalls, wrong addresses",
    matches: (signal) => signal.isPage && (signal.outcome.kind !== "status" || hasStatus(signal, 401, 403)),
    ...REFUSED,
    words: "answered with a web page",
  },
  {
    id: "firewall",
    signal:
      "403 with `error code: 1010` or another of Cloudflare's own, in words or as `cloudflare_error` in JSON",
    seen: "Cloudflare",
    matches: (signal) =>
      hasStatus(signal, 403) && (says(signal, /^error code: 1\d{3}\b/) || isCloudflares(signal.facts.json)),
    ...REFUSED,
    words: "blocked by a firewall",
  },
];

/** Refused credentials. */
export const CREDENTIAL_RULES: readonly Rule[] = [
  {
    id: "region",
    signal:
      "`unsupported_country_region_territory`, or words that a country, region or location is not supported",
    seen: "OpenAI, Google",
    matches: (signal) =>
      hasCode(signal, "unsupported_country_region_territory") ||
      (hasStatus(signal, 400, 403, 451) && says(signal, COUNTRY_WORDS)),
    ...DEAD_CREDENTIAL,
    words: "not available from this network's country",
  },
  {
    id: "credential",
    signal:
      "401, 403 without words or with words of a key, an account or a permission, `invalid_api_key`, `authentication_error`, an expired key; 400 or an error in a 200 in words that the key or its account is invalid",
    seen: "any",
    matches: (signal) =>
      hasStatus(signal, 401) ||
      (hasStatus(signal, 403) &&
        isOfCredential(signal) &&
        !(signal.context.stopsWhenSpent === true && mayBeSpent(signal))) ||
      hasCode(signal, "api_key_expired", "api_key_disabled") ||
      ((hasStatus(signal, 400) || isUnnamed(signal)) && deniesKey(signal, isUnnamed(signal))),
    ...DEAD_CREDENTIAL,
    words: "refused the credential",
  },
  {
    id: "forbidden-spent",
    signal:
      '402, and 403 in words of something else or of what can be used up, where `on_exhausted` is "stop"',
    seen: "any",
    matches: (signal) => signal.context.stopsWhenSpent === true && hasStatus(signal, 402, 403),
    ...NEXT,
    blame: "exhausted",
    until: STATED_OR_EXHAUSTED,
    words: "may be out of quota",
  },
  {
    id: "not-tried",
    signal: "a request that could not be made: a missing key, an unusable address",
    seen: "this program",
    matches: (signal) => signal.outcome.kind === "not-tried",
    ...NEVER_SENT,
    blame: "none",
    words: "{why}",
  },
];

/** Gateways and broken answers. */
export const ANSWER_RULES: readonly Rule[] = [
  {
    id: "redirect",
    signal: "3xx to a POST",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "status" && outcome.status >= 300 && outcome.status < 400,
    ...REFUSED,
    words: "answered with a redirect",
  },
  {
    id: "overloaded",
    signal: "529, 503, `overloaded_error`",
    seen: "Anthropic, any",
    matches: (signal) => hasStatus(signal, 503, 529),
    ...REFUSED,
    words: "overloaded",
  },
  {
    id: "server-error",
    signal: "500, 502, 504, 520-524, 408, 424 and other 5xx",
    seen: "any; 424 is Bedrock's for a model that failed",
    matches: ({ outcome }) =>
      outcome.kind === "status" &&
      outcome.status !== 501 &&
      (outcome.status >= 500 || outcome.status === 408 || outcome.status === 424),
    ...AMBIGUOUS,
    isOfAddress: isGateways,
    words: "failed",
  },
  {
    id: "no-compaction",
    signal: "an answer to a compaction request without a `compaction` item",
    seen: "plain relays",
    matches: ({ outcome }) => outcome.kind === "bad-content" && outcome.reason === "no-compaction",
    ...AMBIGUOUS,
    blame: "none",
    words: "cannot compact a session",
  },
  {
    id: "empty-answer",
    signal:
      "200 without content, or an answer that has finished with no output and no output tokens counted, in events or JSON",
    seen: "relays",
    matches: ({ outcome }) =>
      outcome.kind === "bad-content" && (outcome.reason === "empty" || outcome.reason === "nothing"),
    ...AMBIGUOUS,
    words: "empty answer",
  },
  {
    id: "broken-answer",
    signal:
      "200 that is cut before any output, that cannot be parsed, or whose compression cannot be undone (broken, unknown, more than four in a row)",
    seen: "relays",
    matches: ({ outcome }) =>
      outcome.kind === "bad-content" && (outcome.reason === "ended-early" || outcome.reason === "malformed"),
    ...AMBIGUOUS,
    words: "the answer was cut off or unreadable",
  },
  {
    id: "wrong-form",
    signal: "events where one JSON document was asked for, or a document where events were",
    seen: "relays",
    matches: ({ outcome }) => outcome.kind === "bad-content" && outcome.reason === "wrong-form",
    ...AMBIGUOUS,
    words: "answered in the wrong form",
  },
];

/** Refusals that nothing more special explains. */
export const LEFTOVER_RULES: readonly Rule[] = [
  {
    id: "not-served",
    signal: "404, 405, 410, 426 or 501 without a known reason",
    seen: "a relay that lacks the path",
    matches: (signal) => signal.outcome.kind === "status" && hasStatus(signal, 404, 405, 410, 426, 501),
    ...ELSEWHERE,
    words: "does not serve this path",
  },
  {
    id: "bad-request-in-200",
    signal: "`invalid_request_error`, or a code like 400, 404, 422, inside a 200",
    seen: "relays, OpenRouter, LiteLLM",
    matches: (signal) =>
      signal.outcome.kind !== "status" &&
      (hasStatus(signal, 400, 404, 405, 409, 410, 415, 422) ||
        hasCode(signal, "invalid_request_error", "invalid_request")),
    ...ELSEWHERE,
    words: "called the request invalid",
  },
  {
    id: "client-error",
    signal: "any other 4xx: 400, 403, 409, 415, 422 ...",
    seen: "any",
    matches: (signal) =>
      (signal.outcome.kind === "status" && signal.outcome.status >= 400 && signal.outcome.status < 500) ||
      (signal.outcome.kind === "bad-content" && hasStatus(signal, 403)),
    ...ELSEWHERE,
    words: "refused the request",
  },
];

/** Whatever is left inside a 200, and what broke after the client had seen the beginning. */
export const LAST_RULES: readonly Rule[] = [
  {
    id: "error-in-200",
    signal: "an error event before any output (`response.failed`, `error`), or JSON `{error}`, inside a 200",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "bad-content",
    ...REFUSED,
    words: "answered with an error",
  },
  {
    id: "cut",
    signal: "a cut, a stall or an error in the middle of an answer",
    seen: "any",
    matches: ({ outcome }) => outcome.kind === "cut",
    next: "terminal",
    retryClass: "D",
    blame: "failure",
    until: NO_END,
    words: "the answer was cut off",
  },
];

/** Only for an outcome that a future version of the proxy makes and no row knows. */
export const UNKNOWN: Rule = {
  id: "unknown",
  signal: "anything else",
  seen: "any",
  matches: () => true,
  ...AMBIGUOUS,
  words: "failed",
};

/** Never falls through: the last rows of statuses, contents and cuts have no further condition. */
export const RULES: readonly Rule[] = [
  ...CONNECTION_RULES,
  ...REQUEST_RULES,
  ...ACCOUNT_RULES,
  ...PAGE_RULES,
  ...CREDENTIAL_RULES,
  ...ANSWER_RULES,
  ...LEFTOVER_RULES,
  ...LAST_RULES,
];

const HTTPS_PORT_WORDS =
  /plain http request was sent to https port|client sent an http request to an https server|speaking plain http to an ssl-enabled/i;
const COUNTRY_WORDS =
  /\b(?:user|your|client) (?:country|region|location)\b.{0,40}\bnot (?:supported|available|allowed)\b|\bcountry, region,? or territory\b.{0,10}\bnot supported\b|\bnot (?:supported|available|offered) in your (?:country|region|location)\b/;
const CHALLENGE =
  /just a moment|attention required! \| cloudflare|cf-chl|challenge-platform|cf_chl_opt|checking your browser/i;

/** https://developers.cloudflare.com/fundamentals/reference/error-responses/ */
function isCloudflares(json: unknown): boolean {
  return isRecord(json) && json["cloudflare_error"] === true;
}

/** What stands before an upstream that does not answer makes a page of its own, or says nothing. */
function isGateways(signal: Signal): boolean {
  return hasStatus(signal, 502, 504, 521, 522, 523, 530) && signal.facts.json === undefined;
}

function textOf({ outcome }: Signal): string {
  return "body" in outcome ? outcome.body : "";
}

type ProxyFailure = Extract<AttemptOutcome, { readonly kind: "outbound-proxy" }>["failed"];

function isProxys(outcome: AttemptOutcome, failed: ProxyFailure): boolean {
  return outcome.kind === "outbound-proxy" && outcome.failed === failed;
}

function hasCodeLike({ outcome }: Signal, isMeant: (code: string) => boolean): boolean {
  return outcome.kind === "transport" && outcome.sent === "never" && isMeant(outcome.code);
}

/** Whatever the status: relays wrap what their own upstream said in one of theirs. But not where it is about the account. */
function isAnswer({ outcome }: Signal): boolean {
  if (outcome.kind === "status") return outcome.status >= 400 && ![401, 402, 407].includes(outcome.status);
  return outcome.kind === "bad-content";
}

/** A longer body repeats the request, whose words say nothing. */
const MAX_REFUSAL = 4_000;

function refusalIn(signal: Signal): Refusal {
  const { codes, message } = signal.facts;
  const body = signal.isPage ? "" : textOf(signal);
  return { codes, text: body.length > MAX_REFUSAL ? message : `${message}\n${body.toLowerCase()}` };
}

const PREVIOUS_RESPONSE = /previous[_ ]response/;

function namesPreviousResponse(signal: Signal): boolean {
  const id = askedFor(signal, "previous_response_id");
  return id !== "" && signal.facts.message.includes(id.toLowerCase());
}

/** A member of the request, which is parsed only where it may have one; empty where it has none. */
function askedFor({ context: { request } }: Signal, name: "model" | "previous_response_id"): string {
  const json = request?.has({ kind: "field", name }) === true ? request.json : undefined;
  const value = isRecord(json) ? json[name] : undefined;
  return typeof value === "string" ? value : "";
}

/** Not of one that is about the account, whatever it names. */
function mayBeDrift(signal: Signal): boolean {
  return (
    isError(signal) &&
    (signal.status === null || hasStatus(signal, 400, 403, 404, 405, 409, 415, 422, 500, 501, 502)) &&
    !signal.isPage &&
    spentIn(signal) === null &&
    !isModelUnknown(signal)
  );
}

export function refusedBy({ context, facts }: Signal): readonly RefusedThing[] {
  return findRefused({ ...facts, words: facts.message }, context.request);
}

/** Words count only where something has failed for sure. */
function spentIn(signal: Signal): Spent | null {
  return isError(signal) ? findSpent(signal.facts.message, signal.facts.codes) : null;
}

/** Between "model" and the verdict stands a name, not another clause: "model x: tool y is not supported" is no match. */
const MODEL_WORDS =
  /no available (?:channel|provider)s?|get channel failed|无可用渠道|模型.{0,60}(?:不存在|不支持)|无权(?:访问|使用)(?:该)?模型|(?:no|not have) access to (?:the )?model|model(?:[^.:;,]|[.:](?! )){0,80}(?:does not exist|not found|is not supported|not available|is not a valid model)|\bis not a valid model\b|\bmodel not (?:exist|support)\b|unknown model|unsupported model|invalid model|^model: /m;

const OF_MODELS = [400, 401, 403, 404, 429, 500, 502, 503];

/** A model that is not there, or not for this key. An upstream's own 5xx counts only with words that name the model or its channels. */
function isModelUnknown(signal: Signal): boolean {
  if (signal.facts.codes.some(isModelCode)) return true;
  if (!isError(signal) || (!hasStatus(signal, ...OF_MODELS) && !isUnnamed(signal))) return false;
  const isOfAccess = hasStatus(signal, 401, 403, 404);
  const asked = isOfAccess && refusedBy(signal).length === 0 ? askedFor(signal, "model") : "";
  return (
    deniesModel(signal.facts.message, isOfAccess, asked) ||
    (!hasStatus(signal, 401, 429) && says(signal, MODEL_WORDS))
  );
}

/** Or one of its windows; but not while what lies beyond them may be used. */
function isUnifiedRejected(signal: Signal): boolean {
  const { headers } = signal;
  const isAllowed = headers.get("anthropic-ratelimit-unified-status")?.startsWith("allowed") === true;
  return hasStatus(signal, 429) && !isAllowed && [...headers].some(isRejectedWindow);
}

function isRejectedWindow([name, value]: readonly [string, string]): boolean {
  return value === "rejected" && /^anthropic-ratelimit-unified-(?!overage)(?:.+-)?status$/.test(name);
}

/** Of a 413 it is this request alone that is too much at once. */
function isRefusal({ status }: Signal): boolean {
  return status !== null && status >= 400 && status < 500 && status !== 413;
}

function isError({ outcome }: Signal): boolean {
  if (outcome.kind === "status") return outcome.status >= 400;
  return outcome.kind === "bad-content" || outcome.kind === "cut";
}
