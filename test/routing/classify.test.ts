import { describe, expect, test } from "bun:test";
import { expectInEnglish } from "../helpers/expect-in-english.ts";
import fc from "fast-check";
import type { ErrorRule, OwnVerdict } from "../../src/base/upstream.ts";
import { RULES } from "../../src/routing/classify-rules.ts";
import { classify } from "../../src/routing/classify.ts";
import type { AttemptOutcome, ClassifyContext, Refusal, Verdict } from "../../src/routing/types.ts";
import { contentOutcome, DEFAULT_ROUTING, NOW, statusOutcome } from "../helpers/routing.ts";

const CONTEXT: ClassifyContext = {
  now: NOW,
  overrides: {},
  onError: [],
  settings: DEFAULT_ROUTING,
  canRepair: () => false,
};

function judge(outcome: AttemptOutcome, context: Partial<ClassifyContext> = {}): Verdict {
  return classify(outcome, { ...CONTEXT, ...context });
}

interface Case {
  readonly title: string;
  readonly outcome: AttemptOutcome;
  readonly rule: string;
  readonly next: Verdict["next"];
  readonly blame: Verdict["blame"];
  readonly retryClass: Verdict["retryClass"];
  /** The end of the blame, ms from now. */
  readonly forMs?: number | null;
}

const error = (parts: Record<string, unknown>) => ({ error: parts });
const refused = { kind: "transport", code: "ECONNREFUSED", sent: "never" } as const;
const page = "<!DOCTYPE html><html><title>Sign in</title></html>";
const firewall = JSON.stringify({
  type: "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/error-1010/",
  title: "Error 1010: Access denied",
  status: 403,
  error_code: 1010,
  error_name: "browser_signature_banned",
  cloudflare_error: true,
  retryable: false,
});
const challenge = "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>";

const next = (rule: string, blame: Verdict["blame"], retryClass: Verdict["retryClass"] = "B") =>
  ({ rule, next: "next", blame, retryClass }) as const;
const elsewhere = (rule: string) => ({ rule, next: "elsewhere", blame: "none", retryClass: "B" }) as const;
const terminal = (rule: string) => ({ rule, next: "terminal", blame: "none", retryClass: "B" }) as const;

const CASES: readonly Case[] = [
  // The request
  {
    title: "an unknown previous response",
    outcome: statusOutcome(
      400,
      error({
        code: "previous_response_not_found",
        message: "Previous response with id 'resp_1' not found.",
      }),
    ),
    ...next("previous-response", "none"),
  },
  {
    title: "an unknown previous response, 404",
    outcome: statusOutcome(404, error({ message: "previous_response_id not found" })),
    ...next("previous-response", "none"),
  },
  // Connections
  { title: "a refused connection", outcome: refused, ...next("never-sent", "never-sent", "A") },
  {
    title: "a name that does not resolve",
    outcome: { kind: "transport", code: "ENOTFOUND", sent: "never" },
    ...next("dns", "never-sent", "A"),
  },
  {
    title: "a resolver that is away",
    outcome: { kind: "transport", code: "EAI_AGAIN", sent: "never" },
    ...next("dns", "never-sent", "A"),
  },
  {
    title: "no route",
    outcome: { kind: "transport", code: "ENETUNREACH", sent: "never" },
    ...next("never-sent", "never-sent", "A"),
  },
  ...["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL"].map((code): Case => ({
    title: `a shortage of our own (${code})`,
    outcome: { kind: "transport", code, sent: "never" },
    ...next("local-shortage", "none", "A"),
  })),
  ...[
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "CERT_HAS_EXPIRED",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  ].map((code): Case => ({
    title: `a certificate error (${code})`,
    outcome: { kind: "transport", code, sent: "never" },
    ...next("certificate", "tls", "A"),
  })),
  {
    title: "a port that speaks no TLS",
    outcome: { kind: "transport", code: "EPROTO", sent: "never" },
    ...next("never-sent", "never-sent", "A"),
  },
  ...[
    "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
    "Client sent an HTTP request to an HTTPS server.\n",
    "<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.</p>",
  ].map((body): Case => ({
    title: `http to an https port (${body.slice(0, 20)})`,
    outcome: statusOutcome(400, body),
    ...next("https-port", "never-sent", "A"),
  })),
  {
    title: "a connection that is never taken",
    outcome: { kind: "timeout", phase: "connect" },
    ...next("connect-timeout", "never-sent", "A"),
  },
  {
    title: "an answer that does not come",
    outcome: { kind: "timeout", phase: "first-byte" },
    ...next("first-byte-timeout", "first-byte", "C"),
  },
  {
    title: "no new event before any output",
    outcome: { kind: "timeout", phase: "idle" },
    ...next("stalled", "failure", "C"),
  },
  ...[
    "ECONNRESET",
    "Malformed_HTTP_Response",
    "ResponseHeadersTooLarge",
    "InvalidContentLength",
    "UnrequestedUpgrade",
    "EUNKNOWN",
  ].map((code): Case => ({
    title: `a connection that breaks (${code})`,
    outcome: { kind: "transport", code, sent: "maybe" },
    ...next("broken-connection", "failure", "C"),
  })),
  ...(
    [
      ["login", "proxy", "A"],
      ["unreachable", "proxy", "A"],
      ["refused", "way", "A"],
      ["silent", "way", "A"],
      ["lost", "way", "C"],
      ["page", "way", "C"],
    ] as const
  ).map(([failed, blame, retryClass]): Case => ({
    title: `an outbound proxy: ${failed}`,
    outcome: { kind: "outbound-proxy", failed, proxy: "proxy.example:8080", code: null },
    ...next(`proxy-${failed}`, blame, retryClass),
  })),
  {
    title: "a missing key",
    outcome: { kind: "not-tried", why: "the variable K is not set" },
    ...next("not-tried", "none", "A"),
  },

  // Plain statuses
  ...[500, 502, 504, 520, 522, 524, 408].map((status): Case => ({
    title: `a plain ${status}`,
    outcome: statusOutcome(status),
    ...next("server-error", "failure", "C"),
  })),
  ...[503, 529].map((status): Case => ({
    title: `a plain ${status}`,
    outcome: statusOutcome(status),
    ...next("overloaded", "failure"),
  })),
  { title: "an nginx 502 page", outcome: statusOutcome(502, page), ...next("server-error", "failure", "C") },
  ...[301, 302, 307, 308].map((status): Case => ({
    title: `a ${status} to a POST`,
    outcome: statusOutcome(status, "", { location: "https://elsewhere.example/" }),
    ...next("redirect", "failure"),
  })),
  ...[400, 409, 415, 418].map((status): Case => ({
    title: `a plain ${status}`,
    outcome: statusOutcome(status, "no"),
    ...elsewhere("client-error"),
  })),
  { title: "413", outcome: statusOutcome(413, page), ...terminal("too-large") },
  {
    title: "422",
    outcome: statusOutcome(422, error({ type: "invalid_request_error" })),
    ...elsewhere("client-error"),
  },
  ...[404, 405, 501].map((status): Case => ({
    title: `a plain ${status}`,
    outcome: statusOutcome(status, "404 page not found"),
    ...elsewhere("not-served"),
  })),
  {
    title: "401",
    outcome: statusOutcome(401, error({ code: "invalid_api_key" })),
    ...next("credential", "auth-dead"),
    forMs: 300_000,
  },
  {
    title: "403",
    outcome: statusOutcome(403, "forbidden"),
    ...next("credential", "auth-dead"),
    forMs: 300_000,
  },
  {
    title: "402 of OpenRouter",
    outcome: statusOutcome(402, error({ code: 402, message: "This request requires more credits" })),
    ...next("relay-quota", "exhausted"),
    forMs: 900_000,
  },
  {
    title: "402 of OpenRouter for requests that are still running",
    outcome: statusOutcome(
      402,
      error({ code: 402, metadata: { error_type: "in_flight_budget_exhausted" }, message: "in flight" }),
      { "retry-after": "5" },
    ),
    ...next("in-flight-budget", "cooldown"),
    forMs: 5_000,
  },
  {
    title: "a spent quota of one model",
    outcome: statusOutcome(429, error({ message: "You have exhausted your capacity on this model." })),
    ...next("model-quota", "model"),
    forMs: 900_000,
  },
  {
    title: "a plain 402",
    outcome: statusOutcome(402),
    ...next("payment-required", "exhausted"),
    forMs: 900_000,
  },
  {
    title: "429 with Retry-After",
    outcome: statusOutcome(429, "", { "retry-after": "30" }),
    ...next("rate-limit", "cooldown"),
    forMs: 30_000,
  },
  {
    title: "429 without a time",
    outcome: statusOutcome(429),
    ...next("rate-limit", "cooldown"),
    forMs: null,
  },
  {
    title: "429 for less than a second",
    outcome: statusOutcome(429, "", { "retry-after-ms": "20" }),
    ...next("rate-limit", "cooldown"),
    forMs: 1_000,
  },
  {
    title: "429 for more than an hour",
    outcome: statusOutcome(429, "", { "retry-after": "7200" }),
    ...next("rate-limit", "exhausted"),
    forMs: 7_200_000,
  },
  {
    title: "429 for more than a day",
    outcome: statusOutcome(429, "", { "retry-after": "200000" }),
    ...next("rate-limit", "exhausted"),
    forMs: 86_400_000,
  },

  // OpenAI and ChatGPT
  {
    title: "a ChatGPT limit with its reset",
    outcome: statusOutcome(
      429,
      error({ type: "usage_limit_reached", plan_type: "plus", resets_at: (NOW + 7_200_000) / 1_000 }),
    ),
    ...next("codex-usage-limit", "exhausted"),
    forMs: 7_200_000,
  },
  {
    title: "a ChatGPT limit that only the headers date",
    outcome: statusOutcome(429, error({ type: "usage_limit_reached" }), {
      "retry-after": "5",
      "x-codex-primary-used-percent": "100",
      "x-codex-primary-window-minutes": "300",
      "x-codex-primary-reset-after-seconds": "3700",
    }),
    ...next("codex-usage-limit", "exhausted"),
    forMs: 3_700_000,
  },
  {
    title: "spent credits of a workspace",
    outcome: statusOutcome(429, "", {
      "x-codex-rate-limit-reached-type": "workspace_owner_credits_depleted",
    }),
    ...next("codex-usage-limit", "exhausted"),
    forMs: 900_000,
  },
  {
    title: "a plan without Codex",
    outcome: statusOutcome(429, error({ type: "usage_not_included" })),
    ...next("codex-not-included", "auth-dead"),
  },
  {
    title: "a workspace without access",
    outcome: statusOutcome(403, error({ code: "codex_workspace_access_denied" })),
    ...next("codex-not-included", "auth-dead"),
  },
  {
    title: "OpenAI's rate limit with the time in its words",
    outcome: statusOutcome(
      429,
      error({
        type: "requests",
        code: "rate_limit_exceeded",
        message: "Rate limit reached for gpt-5. Please try again in 20s.",
      }),
    ),
    ...next("rate-limit", "cooldown"),
    forMs: 20_000,
  },
  {
    title: "slow_down",
    outcome: statusOutcome(503, error({ code: "slow_down" })),
    ...next("slow-down", "cooldown"),
    forMs: 30_000,
  },
  {
    title: "insufficient_quota",
    outcome: statusOutcome(429, error({ type: "insufficient_quota", code: "insufficient_quota" })),
    ...next("openai-quota", "exhausted"),
    forMs: 900_000,
  },
  {
    title: "an overloaded model",
    outcome: statusOutcome(503, error({ type: "service_unavailable_error", code: "server_is_overloaded" })),
    ...next("model-busy", "model"),
    forMs: 45_000,
  },
  {
    title: "a model at capacity",
    outcome: statusOutcome(
      503,
      error({ message: "Selected model is at capacity. Please try a different model." }),
    ),
    ...next("model-busy", "model"),
  },
  {
    title: "a model that does not exist",
    outcome: statusOutcome(404, error({ code: "model_not_found", message: "The model `x` does not exist" })),
    ...next("model-unknown", "model"),
    forMs: 600_000,
  },
  {
    title: "a model that an account may not use",
    outcome: statusOutcome(400, {
      detail: "The 'gpt-9' model is not supported when using Codex with a ChatGPT account.",
    }),
    ...next("model-unknown", "model"),
  },
  {
    title: "a prompt that is too long",
    outcome: statusOutcome(400, error({ code: "context_length_exceeded" })),
    ...terminal("context-length"),
  },
  {
    title: "a forbidden prompt",
    outcome: statusOutcome(400, error({ code: "invalid_prompt" })),
    ...terminal("policy"),
  },
  {
    title: "a policy refusal",
    outcome: statusOutcome(400, error({ code: "cyber_policy" })),
    ...terminal("policy"),
  },
  {
    title: "a country that is not served",
    outcome: statusOutcome(403, error({ code: "unsupported_country_region_territory" })),
    ...next("region", "auth-dead"),
  },

  // Anthropic
  {
    title: "overloaded_error",
    outcome: statusOutcome(529, {
      type: "error",
      error: { type: "overloaded_error", message: "Overloaded" },
    }),
    ...next("overloaded", "failure"),
  },
  {
    title: "a rejected subscription window",
    outcome: statusOutcome(
      429,
      { type: "error", error: { type: "rate_limit_error" } },
      {
        "retry-after": "60",
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-representative-claim": "five_hour",
        "anthropic-ratelimit-unified-5h-status": "rejected",
        "anthropic-ratelimit-unified-5h-reset": String((NOW + 7_000_000) / 1_000),
      },
    ),
    ...next("anthropic-window", "exhausted"),
    forMs: 7_000_000,
  },
  {
    title: "a rejected window under a status of another word",
    outcome: statusOutcome(429, "", {
      "anthropic-ratelimit-unified-status": "blocked",
      "anthropic-ratelimit-unified-5h-status": "rejected",
      "anthropic-ratelimit-unified-5h-reset": String((NOW + 3_000_000) / 1_000),
    }),
    ...next("anthropic-window", "exhausted"),
    forMs: 3_000_000,
  },
  {
    title: "a rate limit while what lies beyond a spent window is used",
    outcome: statusOutcome(429, "", {
      "retry-after": "12",
      "anthropic-ratelimit-unified-status": "allowed",
      "anthropic-ratelimit-unified-5h-status": "rejected",
      "anthropic-ratelimit-unified-5h-reset": String((NOW + 3_000_000) / 1_000),
    }),
    ...next("rate-limit", "cooldown"),
    forMs: 12_000,
  },
  {
    title: "a spent window of one model family",
    outcome: statusOutcome(429, "", {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-representative-claim": "seven_day_opus",
      "anthropic-ratelimit-unified-reset": String((NOW + 7_000_000) / 1_000),
    }),
    ...next("anthropic-model-window", "model"),
    forMs: 7_000_000,
  },
  {
    title: "an API key's rate limit",
    outcome: statusOutcome(
      429,
      { type: "error", error: { type: "rate_limit_error" } },
      { "retry-after": "12" },
    ),
    ...next("rate-limit", "cooldown"),
    forMs: 12_000,
  },
  {
    title: "an enforced spend limit",
    outcome: statusOutcome(429, {
      error: { type: "rate_limit_error", details: { error_code: "enforced_spend_limit_reached" } },
    }),
    ...next("anthropic-spend-limit", "exhausted"),
  },
  {
    title: "a credit balance that is too low",
    outcome: statusOutcome(400, {
      error: {
        type: "invalid_request_error",
        message: "Your credit balance is too low to access the Anthropic API.",
      },
    }),
    ...next("anthropic-spend-limit", "exhausted"),
  },
  {
    title: "extra usage that ran out",
    outcome: statusOutcome(400, {
      error: { type: "invalid_request_error", message: "You're out of extra usage." },
    }),
    ...next("anthropic-spend-limit", "exhausted"),
  },
  {
    title: "a model Anthropic does not know",
    outcome: statusOutcome(404, { error: { type: "not_found_error", message: "model: claude-9" } }),
    ...next("model-unknown", "model"),
  },
  {
    title: "a prompt too long for Claude",
    outcome: statusOutcome(400, {
      error: { type: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum" },
    }),
    ...terminal("context-length"),
  },

  // Relays
  ...[
    {
      title: "new-api: 用户额度不足",
      status: 403,
      body: error({
        message: "用户额度不足, 剩余额度: ＄0.00",
        type: "new_api_error",
        code: "insufficient_user_quota",
      }),
    },
    {
      title: "new-api: 预扣费额度失败",
      status: 403,
      body: error({ message: "预扣费额度失败, 用户剩余额度: ＄0.01", type: "new_api_error" }),
    },
    {
      title: "one-api: 该令牌额度已用尽",
      status: 401,
      body: error({ message: "该令牌额度已用尽", type: "one_api_error" }),
    },
    {
      title: "one-api: quota is not enough",
      status: 403,
      body: error({ message: "user quota is not enough", type: "one_api_error" }),
    },
    { title: "余额不足 with a 429", status: 429, body: { message: "账户余额不足，请充值" } },
    {
      title: "sub2api: quota",
      status: 429,
      body: { code: "API_KEY_QUOTA_EXHAUSTED", message: "API key 额度已用完" },
    },
    {
      title: "sub2api: window",
      status: 429,
      body: { code: "USAGE_LIMIT_EXCEEDED", message: "weekly usage limit exceeded" },
    },
    {
      title: "sub2api: balance",
      status: 403,
      body: { code: "INSUFFICIENT_BALANCE", message: "Insufficient account balance" },
    },
    {
      title: "claude-relay-service: cost",
      status: 429,
      body: { error: "Daily cost limit exceeded", message: "已达到每日费用限制 ($60)", currentCost: 60.1 },
    },
  ].map(({ title, status, body }): Case => ({
    title,
    outcome: statusOutcome(status, body),
    ...next("relay-quota", "exhausted"),
    forMs: 900_000,
  })),
  {
    title: "claude-relay-service: cost with its reset",
    outcome: statusOutcome(402, {
      error: {
        type: "insufficient_quota",
        message: "已达到每日费用限制 ($60)",
        code: "daily_cost_limit_exceeded",
      },
      resetAt: new Date(NOW + 5_000_000).toISOString(),
    }),
    ...next("openai-quota", "exhausted"),
    forMs: 5_000_000,
  },
  {
    title: "sub2api: an expired key",
    outcome: statusOutcome(403, { code: "API_KEY_EXPIRED", message: "API key 已过期" }),
    ...next("credential", "auth-dead"),
  },
  {
    title: "new-api: 无可用渠道",
    outcome: statusOutcome(
      503,
      error({ message: "当前分组 default 下对于模型 gpt-9 无可用渠道", type: "new_api_error" }),
    ),
    ...next("model-unknown", "model"),
  },
  {
    title: "new-api: no available channel",
    outcome: statusOutcome(
      503,
      error({ message: "No available channel for model gpt-9 under group default", code: "model_not_found" }),
    ),
    ...next("model-unknown", "model"),
  },
  {
    title: "new-api: get channel failed",
    outcome: statusOutcome(500, error({ message: "get channel failed: record not found" })),
    ...next("model-unknown", "model"),
  },
  {
    title: "CLIProxyAPI: model_cooldown",
    outcome: statusOutcome(429, error({ code: "model_cooldown", reset_seconds: 33 })),
    ...next("model-cooldown", "model"),
    forMs: 33_000,
  },
  {
    title: "too many at once",
    outcome: statusOutcome(
      429,
      error({ type: "rate_limit_error", message: "Concurrency limit exceeded for user" }),
    ),
    ...next("concurrency", "cooldown"),
    forMs: 5_000,
  },
  {
    title: "a full queue in Chinese",
    outcome: statusOutcome(429, { message: "当前并发过高，请排队" }),
    ...next("concurrency", "cooldown"),
    forMs: 5_000,
  },
  {
    title: "sub2api: a hidden 401",
    outcome: statusOutcome(502, error({ type: "upstream_error", message: "Upstream authentication failed" })),
    ...next("server-error", "failure", "C"),
  },
  {
    title: "an error wrapped in an error",
    outcome: statusOutcome(500, error({ message: 'upstream: {"error":{"code":"insufficient_quota"}}' })),
    ...next("openai-quota", "exhausted"),
  },

  // Pages
  {
    title: "a Cloudflare challenge",
    outcome: statusOutcome(403, challenge),
    ...next("challenge", "failure"),
  },
  {
    title: "a challenge named in its header",
    outcome: statusOutcome(403, "", { "cf-mitigated": "challenge" }),
    ...next("challenge", "failure"),
  },
  { title: "a challenge with 503", outcome: statusOutcome(503, challenge), ...next("challenge", "failure") },
  { title: "a page with 403", outcome: statusOutcome(403, page), ...next("page", "failure") },
  { title: "a portal's page with 200", outcome: contentOutcome("html", page), ...next("page", "failure") },
  {
    title: "a firewall's one line",
    outcome: statusOutcome(403, "error code: 1010"),
    ...next("firewall", "failure"),
  },
  {
    title: "a firewall's refusal in JSON",
    outcome: statusOutcome(403, firewall),
    ...next("firewall", "failure"),
  },
  {
    title: "a firewall's rate limit",
    outcome: statusOutcome(429, "error code: 1015"),
    ...next("rate-limit", "cooldown"),
  },
  { title: "a page with 404", outcome: statusOutcome(404, page), ...elsewhere("not-served") },

  // Inside a 200
  { title: "an empty 200", outcome: contentOutcome("nothing"), ...next("empty-answer", "failure", "C") },
  {
    title: "an answer that has finished without output",
    outcome: contentOutcome("empty", '{"type":"message_stop"}'),
    ...next("empty-answer", "failure", "C"),
  },
  {
    title: "a document where events were asked for",
    outcome: contentOutcome("wrong-form"),
    ...next("wrong-form", "failure", "C"),
  },
  {
    title: "a 200 that ends early",
    outcome: contentOutcome("ended-early", "data: {"),
    ...next("broken-answer", "failure", "C"),
  },
  {
    title: "an unreadable 200",
    outcome: contentOutcome("malformed", "hello"),
    ...next("broken-answer", "failure", "C"),
  },
  {
    title: "no compaction item",
    outcome: contentOutcome("no-compaction", "{}"),
    ...next("no-compaction", "none", "C"),
  },
  {
    title: "an unknown JSON error in a 200",
    outcome: contentOutcome("json-error", error({ message: "oops" })),
    ...next("error-in-200", "failure"),
  },
  {
    title: "success: false in a 200",
    outcome: contentOutcome("json-error", { success: false, message: "余额不足" }),
    ...next("relay-quota", "exhausted"),
  },
  {
    title: "OpenRouter's numbered error in a 200",
    outcome: contentOutcome("error-event", error({ code: 429, message: "slow" })),
    ...next("rate-limit", "cooldown"),
  },
  ...(
    [
      ["server_is_overloaded", "model-busy", "model"],
      ["slow_down", "slow-down", "cooldown"],
      ["rate_limit_exceeded", "rate-limit", "cooldown"],
      ["insufficient_quota", "openai-quota", "exhausted"],
      ["usage_not_included", "codex-not-included", "auth-dead"],
      ["server_error", "error-in-200", "failure"],
      ["vector_store_timeout", "error-in-200", "failure"],
    ] as const
  ).map(([code, rule, blame]): Case => ({
    title: `response.failed with ${code}`,
    outcome: contentOutcome("error-event", {
      type: "response.failed",
      response: { status: "failed", error: { code, message: "no" } },
    }),
    ...next(rule, blame),
  })),
  ...["ContextWindowExceededError", "prompt_too_long", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"].map(
    (code): Case => ({
      title: `a 400 with the code ${code}`,
      outcome: statusOutcome(400, error({ code, message: "no" })),
      ...terminal("context-length"),
    }),
  ),
  ...["SensitiveContentDetected", "InputTextSensitiveContentDetected", "moderation_blocked"].map(
    (code): Case => ({
      title: `a 400 with the code ${code}`,
      outcome: statusOutcome(400, error({ code, message: "no" })),
      ...terminal("policy"),
    }),
  ),
  ...[429, 503, 529].map((status): Case => ({
    title: `a prompt that is too long, in a ${status} of a relay`,
    outcome: statusOutcome(status, error({ message: "All accounts failed: prompt is too long: 9 > 8" })),
    ...terminal("context-length"),
  })),
  {
    title: "a 429 about a rate that speaks of long prompts",
    outcome: statusOutcome(429, error({ message: "rate limited: the prompt is too long for your rate" })),
    ...next("rate-limit", "cooldown"),
  },
  {
    title: "a 413 of more tokens than a key may use in a minute",
    outcome: statusOutcome(
      413,
      error({
        code: "rate_limit_exceeded",
        type: "tokens",
        message: "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 7000",
      }),
    ),
    ...elsewhere("client-error"),
  },
  {
    title: "a request that a firewall blocks, without a word about its content",
    outcome: statusOutcome(400, error({ message: "Your request was blocked." })),
    ...elsewhere("client-error"),
  },
  ...(["context_length_exceeded", "invalid_prompt", "cyber_policy"] as const).map((code): Case => ({
    title: `response.failed with ${code}`,
    outcome: contentOutcome("error-event", { type: "response.failed", response: { error: { code } } }),
    ...terminal(code === "context_length_exceeded" ? "context-length" : "policy"),
  })),
  ...(
    [
      ["overloaded_error", "overloaded", "failure"],
      ["rate_limit_error", "rate-limit", "cooldown"],
      ["authentication_error", "credential", "auth-dead"],
      ["permission_error", "credential", "auth-dead"],
      ["billing_error", "anthropic-spend-limit", "exhausted"],
      ["api_error", "error-in-200", "failure"],
      ["timeout_error", "error-in-200", "failure"],
    ] as const
  ).map(([type, rule, blame]): Case => ({
    title: `Anthropic's error event ${type}`,
    outcome: contentOutcome("error-event", { type: "error", error: { type, message: "no" } }),
    ...next(rule, blame),
  })),
  {
    title: "Anthropic's error event invalid_request_error",
    outcome: contentOutcome("error-event", {
      type: "error",
      error: { type: "invalid_request_error", message: "no" },
    }),
    ...elsewhere("bad-request-in-200"),
  },
  // An error in a 200 that names no status: its words say what it is.
  ...(
    [
      [{ error: "Rate limit exceeded, try again in 30s" }, "rate-limit", "cooldown"],
      [{ success: false, message: "请求过于频繁，请稍后再试" }, "rate-limit", "cooldown"],
      [{ base_resp: { status_code: 1002, status_msg: "rate limit" } }, "rate-limit", "cooldown"],
      [{ statusCode: 429, message: "slow" }, "rate-limit", "cooldown"],
      [{ http_status: 401, message: "no" }, "credential", "auth-dead"],
      [{ error: "Invalid API key" }, "credential", "auth-dead"],
      [{ code: -1, msg: "未登录或登录已过期" }, "credential", "auth-dead"],
      [{ base_resp: { status_code: 1004, status_msg: "login fail: no key" } }, "credential", "auth-dead"],
      [{ code: 1001, msg: "Header中未收到Authorization参数，无法进行身份验证。" }, "credential", "auth-dead"],
      [{ code: 10_001, msg: "模型不存在" }, "model-unknown", "model"],
      [{ success: false, message: "并发数已达上限" }, "concurrency", "cooldown"],
      [{ Response: { Error: { Code: "x", Message: "请求频率超过限制" } } }, "rate-limit", "cooldown"],
      [{ Response: { Error: { Code: "x", Message: "账号资源包余量已用尽" } } }, "relay-quota", "exhausted"],
      [{ error_code: 18, error_msg: "Open api qps request limit reached" }, "rate-limit", "cooldown"],
      [{ error_code: 110, error_msg: "Access token invalid or no longer valid" }, "credential", "auth-dead"],
      [{ status: "434", msg: "Invalid apiKey", body: null }, "credential", "auth-dead"],
      [{ status: "435", msg: "Model not support", body: null }, "model-unknown", "model"],
      [{ success: false, message: "something is odd" }, "error-in-200", "failure"],
    ] as const
  ).map(([body, rule, blame]): Case => ({
    title: `an error in a 200: ${JSON.stringify(body)}`,
    outcome: contentOutcome("json-error", body),
    ...next(rule, blame),
  })),
  // What is wrong with a key, an account or a rate stays that, whatever the status.
  ...(
    [
      [400, { message: "API key not valid. Please pass a valid API key." }, "credential", "auth-dead"],
      [400, { message: "no", details: [{ reason: "API_KEY_INVALID" }] }, "credential", "auth-dead"],
      [400, { message: "This organization has been disabled." }, "credential", "auth-dead"],
      [400, { message: "User location is not supported for the API use." }, "region", "auth-dead"],
      [403, { code: "1112", message: "您的账户已被锁定，请联系客服解锁。" }, "credential", "auth-dead"],
      [400, { message: "Rate limit exceeded, please try again later" }, "rate-limit", "cooldown"],
      [503, { message: "请求过于频繁，请稍后再试" }, "rate-limit", "cooldown"],
      [449, { message: "You exceeded your current rate limit" }, "rate-limit", "cooldown"],
      [403, { message: "IP 不在白名单中" }, "credential", "auth-dead"],
      [403, { message: "Key limit exceeded (total limit)." }, "relay-quota", "exhausted"],
      [403, { code: 30_003, message: "Model disabled" }, "model-unknown", "model"],
      [400, { message: "x/y is not a valid model ID" }, "model-unknown", "model"],
      [400, { message: "Model Not Exist" }, "model-unknown", "model"],
      [403, { message: "您的并发数已达上限" }, "concurrency", "cooldown"],
      [400, { message: "并发数超限" }, "concurrency", "cooldown"],
      [403, { code: "SUBSCRIPTION_EXPIRED", message: "it is over" }, "relay-quota", "exhausted"],
      [429, { code: "billing_not_active", message: "no" }, "relay-quota", "exhausted"],
      [
        400,
        { message: "Third-party apps now draw from your extra usage" },
        "anthropic-spend-limit",
        "exhausted",
      ],
      [404, { code: "DeploymentNotFound", message: "no" }, "model-unknown", "model"],
      [500, { code: "model_price_error", message: "no" }, "model-unknown", "model"],
    ] as const
  ).map(([status, parts, rule, blame]): Case => ({
    title: `a ${status}: ${JSON.stringify(parts)}`,
    outcome: statusOutcome(status, error(parts)),
    ...next(rule, blame),
  })),
  ...[
    "the token at position 9 is invalid",
    "parallel tool calls are not supported with this key",
    "the request is not for this location",
    "the block at this location is not supported",
    "The prompt must be text; input was rejected",
    "The 'functions' parameter of this model is deprecated",
    "Your token has exceeded the model limit of your group",
    "this model does not support thinking",
  ].map((message): Case => ({
    title: `a 400 that is about none of that: "${message}"`,
    outcome: statusOutcome(400, error({ message })),
    ...elsewhere("client-error"),
  })),
  {
    title: "Bedrock's 424 for a model that failed",
    outcome: statusOutcome(424, { message: "The system encountered an error. Try your request again." }),
    ...next("server-error", "failure", "C"),
  },
  {
    title: "a wait in JSON within a message, with a stack behind it",
    outcome: statusOutcome(
      429,
      error({
        message: 'Error from provider(429): {"error":{"retryDelay":"40s","a":"}"}}\n at f (x.js:1:2)',
      }),
    ),
    ...next("rate-limit", "cooldown"),
    forMs: 40_000,
  },
  {
    title: "a 400 that is called an invalid request, as the vendors send it",
    outcome: statusOutcome(
      400,
      error({
        type: "invalid_request_error",
        code: "unsupported_value",
        message: "Unsupported value: 'max'",
      }),
    ),
    ...elsewhere("client-error"),
  },
  ...(
    [
      ["messages.0.content.1.image.source.base64: invalid base64 data", "invalid-image"],
      ["failed to decode image", "invalid-image"],
      ["Image does not match the provided media type image/png", "invalid-image"],
      ["The image could not be decoded", "invalid-image"],
      ["图像无法识别", "invalid-image"],
      ["Your request was rejected as a result of our safety system.", "policy"],
      ["prompt blocked due to safety", "policy"],
      ["内容安全审核未通过", "policy"],
      ["Content Exists Risk", "policy"],
      ["request blocked: PROHIBITED_CONTENT", "policy"],
      ["The content you provided or machine outputted is blocked.", "policy"],
      ["The request failed because the input text may contain sensitive information.", "policy"],
    ] as const
  ).map(([message, rule]): Case => ({
    title: `a 400 with "${message}"`,
    outcome: statusOutcome(400, error({ message })),
    ...terminal(rule),
  })),
  ...[
    "max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens",
    "tools: maximum 64 tools allowed on this channel",
    "This model does not support image input",
    "图片输入不支持",
    "prompt_cache_key: string too long",
    "instructions are too long for this channel",
  ].map((message): Case => ({
    title: `what may be one upstream's own limit: "${message}"`,
    outcome: statusOutcome(400, error({ message })),
    ...elsewhere("client-error"),
  })),
  ...[
    "input length and `max_tokens` exceed context limit: 198000 + 32000 > 200000",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "prompt token count of 130000 exceeds the limit of 128000",
    "输入超出最大上下文长度限制",
    "the request exceeds the available context size. try increasing the context size",
    "Range of input length should be [1, 98304]",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "Input tokens exceed the configured limit of 272000 tokens.",
    "Conversation is too long for this model, please compact it",
    "Input token length too long",
    "Model context limit reached",
    "The prompt is 250000 tokens, which is greater than the maximum of 200000",
    "该模型最大上下文长度为 128k，您的请求超出了限制",
    "invalid params, context window exceeds limit (2013)",
    "Invalid request: Your request exceeded model token limit: 131072",
    "tokens to keep from the initial prompt is greater than the context length",
    "Prompt 超长",
    "Total tokens 210000 exceeds model limit 200000",
    "Input length 300000 exceeds maximum allowed input length of 200000",
    "Your request is too long",
    "上下文超限",
    "会话内容超出模型最大长度",
    "消息总长度超过模型限制",
    "上下文过长，请新建会话",
  ].flatMap((message): Case[] => [
    {
      title: `a 400 with "${message}"`,
      outcome: statusOutcome(400, error({ type: "invalid_request_error", message })),
      ...terminal("context-length"),
    },
    {
      title: `an error event with "${message}"`,
      outcome: contentOutcome("error-event", error({ code: 400, message })),
      ...terminal("context-length"),
    },
    {
      title: `a relay's own 500 around "${message}"`,
      outcome: statusOutcome(500, error({ type: "upstream_error", message: `status_code=400, ${message}` })),
      ...terminal("context-length"),
    },
  ]),
  ...(
    [
      [400, elsewhere("bad-request-in-200")],
      [401, next("credential", "auth-dead")],
      [404, elsewhere("bad-request-in-200")],
      [422, elsewhere("bad-request-in-200")],
      [429, next("rate-limit", "cooldown")],
    ] as const
  ).flatMap(([status, verdict]): Case[] =>
    [status, String(status)].map((code) => ({
      title: `an error event with the code ${JSON.stringify(code)}`,
      outcome: contentOutcome("error-event", error({ message: "Provider returned error", code })),
      ...verdict,
    })),
  ),
  ...[
    "Could not process image",
    "The image data you provided does not represent a valid image",
    "messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 7340032 bytes > 5242880 bytes",
    "Could not process PDF",
    "图片格式错误",
  ].map((message): Case => ({
    title: `a 400 with "${message}"`,
    outcome: statusOutcome(400, error({ type: "invalid_request_error", message })),
    ...terminal("invalid-image"),
  })),
  ...[
    "We could not parse the JSON body of your request.",
    "The request body is not valid JSON: unexpected end of data",
    "invalid character '}' looking for beginning of value",
  ].map((message): Case => ({
    title: `a 400 with "${message}"`,
    outcome: statusOutcome(400, error({ message })),
    ...terminal("malformed-json"),
  })),
  ...[
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    "Your chosen model requires moderation and your input was flagged",
    "Output data may contain inappropriate content.",
    "输入内容违规，请修改后重试",
  ].map((message): Case => ({
    title: `a 400 with "${message}"`,
    outcome: statusOutcome(400, error({ message })),
    ...terminal("policy"),
  })),
  ...[
    "暂不支持非 Claude Code 请求",
    "Kimi For Coding is currently only available for Coding Agents.",
    "Please come back after lunch",
  ].map((message): Case => ({
    title: `a 403 in words of something else: "${message}"`,
    outcome: statusOutcome(403, error({ message })),
    ...elsewhere("client-error"),
  })),
  ...["Forbidden", "Request not allowed", "", "403 Forbidden (request id: 7)"].map((message): Case => ({
    title: `a 403 without words: "${message}"`,
    outcome: statusOutcome(403, error({ message })),
    ...next("credential", "auth-dead"),
  })),
  {
    title: "a field that is refused",
    outcome: statusOutcome(400, error({ message: "context_management: Extra inputs are not permitted" })),
    ...elsewhere("drift"),
  },
  ...[
    "You exceeded your current quota, please check your plan and billing details.",
    "You are out of credits",
    "Your account balance is insufficient",
    "账户余额已用完，请充值",
    "账户已欠费",
  ].map((message): Case => ({
    title: `a 403 with "${message}"`,
    outcome: statusOutcome(403, error({ message })),
    ...next("relay-quota", "exhausted"),
  })),
  ...[
    "该令牌无权访问模型 gpt-9",
    "This token has no access to model gpt-9",
    "Project `proj_1` does not have access to model `gpt-9`",
  ].map((message): Case => ({
    title: `a 403 with "${message}"`,
    outcome: statusOutcome(403, error({ message })),
    ...next("model-unknown", "model"),
  })),
];

describe("the verdict on", () => {
  for (const { title, outcome, forMs, ...expected } of CASES) {
    test(title, () => {
      const { rule, next, blame, retryClass, until } = judge(outcome);
      expect({ rule, next, blame, retryClass }).toEqual(expected);
      if (forMs !== undefined) expect(until === null ? null : until - NOW).toBe(forMs);
    });
  }
});

describe("words about a model", () => {
  const words = (message: string) => judge(statusOutcome(400, error({ message }))).rule;

  test("count in many wordings", () => {
    for (const message of [
      "The model `gpt-9` does not exist or you do not have access to it.",
      "model 'qwen3:8b' not found, try pulling it first",
      "deepseek/r9:free is not a valid model ID: the model x is not a valid model",
      "模型 gpt-9 不存在",
      "Unsupported model: gpt-9",
    ])
      expect({ message, rule: words(message) }).toEqual({ message, rule: "model-unknown" });
  });

  test("do not count where something about the model is refused", () => {
    for (const message of [
      "model gpt-5: tool type 'web_search' is not supported",
      "Unsupported parameter: 'temperature' is not supported with this model.",
      "This model does not support assistant message prefill",
      "This model does not support image input. Image not found",
    ])
      expect({ message, rule: words(message) }).not.toEqual({ message, rule: "model-unknown" });
  });
});

const UNHEARD = error({ message: "The well is dry until the moon is full" });

describe("where nothing after a spent quota may be asked", () => {
  const of = (status: number, body: unknown, headers?: Record<string, string>) => {
    const { blame, next: then, rule } = judge(statusOutcome(status, body, headers), { stopsWhenSpent: true });
    return [rule, then, blame];
  };

  test("a 402, 403 or 429 in words of something else may be a spent quota", () => {
    expect(of(402, UNHEARD)).toEqual(["forbidden-spent", "next", "exhausted"]);
    expect(of(403, UNHEARD)).toEqual(["forbidden-spent", "next", "exhausted"]);
    expect(of(429, UNHEARD)).toEqual(["maybe-spent", "next", "exhausted"]);
  });

  test.each([
    "Your token allowance is gone",
    "Organization has hit its cap",
    "key quota drained",
    "Your workspace used its whole monthly pool",
    "您的令牌额度已经见底",
  ])("so may a 403 that speaks of a key and of what is used up: %s", (message) => {
    expect(of(403, error({ message }))).toEqual(["forbidden-spent", "next", "exhausted"]);
    expect(judge(statusOutcome(403, error({ message }))).blame).toBe("auth-dead");
  });

  test("a refused key and a rate limit are what they are", () => {
    for (const message of [
      "Account suspended, see billing",
      "invalid key for this plan",
      "insufficient permissions",
    ])
      expect(of(403, error({ message }))).toEqual(["credential", "next", "auth-dead"]);
    expect(of(401, UNHEARD)).toEqual(["credential", "next", "auth-dead"]);
    for (const message of ["", "Forbidden", "Invalid token", "无权进行此操作"])
      expect(of(403, error({ message }))).toEqual(["credential", "next", "auth-dead"]);
    for (const message of [
      "",
      "Too Many Requests",
      "The engine is currently overloaded",
      "该模型当前访问量过大",
    ])
      expect(of(429, error({ message }))).toEqual(["rate-limit", "next", "cooldown"]);
    expect(of(403, error({ message: "speed: Extra inputs are not permitted" }))).toEqual([
      "drift",
      "elsewhere",
      "none",
    ]);
  });
});

test("what is evidence on the address, and what on the key", () => {
  const ofAddress = (outcome: AttemptOutcome): boolean => judge(outcome).isOfAddress;
  const yes: AttemptOutcome[] = [
    refused,
    { kind: "transport", code: "ENOTFOUND", sent: "never" },
    { kind: "transport", code: "CERT_HAS_EXPIRED", sent: "never" },
    { kind: "transport", code: "ECONNRESET", sent: "maybe" },
    { kind: "timeout", phase: "connect" },
    { kind: "timeout", phase: "first-byte" },
    statusOutcome(502, "<html>bad gateway</html>"),
    statusOutcome(504),
    statusOutcome(522, "error code: 522"),
  ];
  const no: AttemptOutcome[] = [
    { kind: "transport", code: "EMFILE", sent: "never" },
    { kind: "outbound-proxy", failed: "unreachable", proxy: "p:1", code: null },
    { kind: "timeout", phase: "idle" },
    statusOutcome(502, error({ message: "the channel failed" })),
    statusOutcome(500),
    statusOutcome(503),
    statusOutcome(401),
    contentOutcome("html", page),
  ];
  expect(yes.map(ofAddress)).toEqual(yes.map(() => true));
  expect(no.map(ofAddress)).toEqual(no.map(() => false));
  // What the user has said of a status is not about the address.
  expect(judge(statusOutcome(502), { overrides: { "502": "next" } }).isOfAddress).toBe(false);
});

test("every row of the table is the verdict on something", () => {
  const seen = new Set(CASES.map(({ outcome }) => judge(outcome).rule));
  for (const { outcome } of REPAIRS) seen.add(judge(outcome, { canRepair: () => true }).rule);
  seen.add(judge({ kind: "cut", reason: "reset", body: "" }).rule);
  for (const status of [403, 429])
    seen.add(judge(statusOutcome(status, UNHEARD), { stopsWhenSpent: true }).rule);
  expect(RULES.map((rule) => rule.id).filter((id) => !seen.has(id))).toEqual([]);
});

test("no two rows have the same id", () => {
  expect(new Set(RULES.map((rule) => rule.id)).size).toBe(RULES.length);
});

const REPAIRS: readonly { title: string; outcome: AttemptOutcome }[] = [
  {
    title: "encrypted reasoning",
    outcome: statusOutcome(
      400,
      error({ code: "invalid_encrypted_content", message: "The encrypted content could not be verified." }),
    ),
  },
  {
    title: "encrypted reasoning, in words",
    outcome: statusOutcome(400, error({ message: "Encrypted content could not be decrypted or parsed" })),
  },
  {
    title: "a thinking signature",
    outcome: statusOutcome(400, {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "messages.1.content.0: Invalid `signature` in `thinking` block",
      },
    }),
  },
  {
    title: "encrypted reasoning inside a 200",
    outcome: contentOutcome("error-event", {
      type: "response.failed",
      response: { error: { code: "invalid_encrypted_content" } },
    }),
  },
];

describe("a request with history of another account is repaired after a refusal of", () => {
  for (const { title, outcome } of REPAIRS) {
    test(title, () => {
      expect(judge(outcome, { canRepair: () => true })).toMatchObject({
        rule: "bound-history",
        next: "repair",
        blame: "none",
      });
      expect(judge(outcome, { canRepair: () => false }).next).not.toBe("repair");
    });
  }

  test("but not after any other 400", () => {
    const asked: Refusal[] = [];
    const canRepair = (refusal: Refusal): boolean => asked.push(refusal) < 0;
    expect(judge(statusOutcome(400, error({ code: "X", message: "Bad tool" })), { canRepair }).rule).toBe(
      "client-error",
    );
    expect(asked).toEqual([{ codes: ["x"], text: expect.stringContaining("bad tool") }]);
  });
});

describe("after the client has seen the beginning", () => {
  test("nothing is repeated, and a cut is one failure", () => {
    for (const reason of ["reset", "idle", "no-terminal-event", "error-event"] as const)
      expect(judge({ kind: "cut", reason, body: "" })).toMatchObject({
        rule: "cut",
        next: "terminal",
        retryClass: "D",
        blame: "failure",
      });
  });

  test("an error event still says what it says about the account", () => {
    const body = JSON.stringify({ error: { code: "insufficient_quota" } });
    expect(judge({ kind: "cut", reason: "error-event", body })).toMatchObject({
      next: "terminal",
      retryClass: "D",
      blame: "exhausted",
    });
    expect(
      judge({ kind: "cut", reason: "error-event", body: "context_length_exceeded: maximum context length" })
        .blame,
    ).toBe("none");
  });
});

describe("on_status", () => {
  const withRule = (
    status: number,
    word: "next" | "terminal" | "exhausted" | "auth-dead" | "cooldown",
    headers = {},
  ) => judge(statusOutcome(status, "", headers), { overrides: { [status]: word } });

  test("has the last word on a status", () => {
    expect(withRule(404, "terminal")).toMatchObject({ rule: "on-status", next: "terminal", blame: "none" });
    expect(withRule(400, "next")).toMatchObject({ next: "next", blame: "none", retryClass: "B" });
    expect(withRule(500, "next")).toMatchObject({ next: "next", blame: "failure", retryClass: "C" });
    expect(withRule(418, "exhausted")).toMatchObject({ blame: "exhausted", until: NOW + 900_000 });
    expect(withRule(500, "auth-dead")).toMatchObject({
      blame: "auth-dead",
      until: NOW + 300_000,
      retryClass: "C",
    });
    expect(withRule(403, "cooldown", { "retry-after": "9" })).toMatchObject({
      blame: "cooldown",
      until: NOW + 9_000,
    });
  });

  test("leaves other statuses alone", () => {
    expect(judge(statusOutcome(500), { overrides: { 502: "terminal" } }).rule).toBe("server-error");
  });
});

describe("on_error", () => {
  const judgeBy = (rule: Partial<ErrorRule> & { match: string }, outcome: AttemptOutcome) => {
    const { match, ...rest } = rule;
    const parts = match.split("*");
    return judge(outcome, {
      onError: [{ parts, status: null, verdict: "exhausted", until: null, ...rest }],
      overrides: { 418: "terminal" },
    });
  };
  const refusal = statusOutcome(418, {
    error: { code: "NO_MORE_TEA", message: "The Pot of today is EMPTY" },
  });

  test("goes by words and codes in any case, before on_status and every rule", () => {
    for (const match of ["pot", "the pot * empty", "no_more_tea", "*", "*today*"])
      expect({ match, ...judgeBy({ match }, refusal) }).toMatchObject({
        rule: "on-error",
        next: "next",
        retryClass: "B",
        blame: "exhausted",
        until: NOW + 900_000,
      });
    for (const match of ["empty * pot", "kettle", "pot*pot"])
      expect({ match, ...judgeBy({ match }, refusal) }).toMatchObject({ match, rule: "on-status" });
  });

  test("fits with its status only, if it has one", () => {
    expect(judgeBy({ match: "pot", status: 418 }, refusal).rule).toBe("on-error");
    expect(judgeBy({ match: "pot", status: 403 }, refusal).rule).toBe("on-status");
  });

  test("has its own end: a wait, or a time of day in a zone", () => {
    const untilOf = (until: string) => judgeBy({ match: "pot", until }, refusal).until;
    expect(untilOf("2h30m")).toBe(NOW + 9_000_000);
    expect(untilOf("90s")).toBe(NOW + 90_000);
    const inDay = (text: string) => Date.parse(text) > NOW && Date.parse(text) <= NOW + 86_400_000;
    for (const until of ["00:00 UTC", "09:30 +08:00", "03:00 Asia/Shanghai"]) {
      const end = untilOf(until) ?? 0;
      expect({ until, isAhead: inDay(new Date(end).toISOString()) }).toEqual({ until, isAhead: true });
    }
    expect(new Date(untilOf("09:30 +08:00") ?? 0).toISOString()).toEndWith("T01:30:00.000Z");
    expect(new Date(untilOf("03:00 Asia/Shanghai") ?? 0).toISOString()).toEndWith("T19:00:00.000Z");
  });

  test("says every verdict", () => {
    const of = (verdict: OwnVerdict, status = 500) =>
      judgeBy({ match: "pot", verdict }, statusOutcome(status, "the pot is empty"));
    expect(of("model")).toMatchObject({ blame: "model", until: NOW + 600_000, retryClass: "B" });
    expect(of("cooldown")).toMatchObject({ blame: "cooldown", until: null, retryClass: "B" });
    expect(of("auth-dead")).toMatchObject({ blame: "auth-dead", until: NOW + 300_000 });
    expect(of("terminal")).toMatchObject({ next: "terminal", blame: "none" });
    expect(of("next")).toMatchObject({ next: "next", blame: "failure", retryClass: "C" });
    expect(of("next", 400)).toMatchObject({ next: "next", blame: "none", retryClass: "B" });
  });

  test("looks into a 200 and a page, and at nothing that is no answer", () => {
    const bad = (reason: "error-event" | "html", body: string): AttemptOutcome => ({
      kind: "bad-content",
      reason,
      status: 200,
      headers: new Headers(),
      body,
    });
    expect(judgeBy({ match: "leer" }, bad("error-event", '{"error":"Kanne leer"}')).rule).toBe("on-error");
    expect(judgeBy({ match: "leer" }, bad("html", "<p>Kanne leer</p>")).rule).toBe("on-error");
    expect(judgeBy({ match: "*" }, { kind: "transport", code: "ECONNRESET", sent: "maybe" }).rule).toBe(
      "broken-connection",
    );
  });
});

test("a reset beyond the cap is told to the client whole, and keeps the upstream away for a day at most", () => {
  const verdict = judge(
    statusOutcome(429, error({ type: "usage_limit_reached", resets_in_seconds: 4 * 86_400 })),
  );
  expect(verdict.until).toBe(NOW + 86_400_000);
  expect(verdict.resetsAt).toBe(NOW + 4 * 86_400_000);
  expectInEnglish(verdict.source).toBe("resets_in_seconds in the body");
});

test("reasons repeat codes but never the upstream's words, which may hold a key", () => {
  const verdict = judge(
    statusOutcome(
      401,
      error({ code: "invalid_api_key", message: "Incorrect API key: sk-secret-0123456789" }),
    ),
  );
  expectInEnglish(verdict.reason).toBe("401 refused the credential (invalid_api_key)");
  expectInEnglish(judge(statusOutcome(502, "sk-secret-0123456789")).reason).toBe("502 failed");
});

test.each(["sk-relay-0123456789abcdef", "relaykeyqwertyuiopasdf", "cr_9f3ab27c"])(
  "a key in the place of a code, like %s, is not repeated",
  (key) => {
    const { reason } = judge(statusOutcome(401, error({ code: key, type: key, message: "no" })));
    expectInEnglish(reason).toBe("401 refused the credential");
  },
);

test("garbage never throws and always gives a whole verdict", () => {
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify({ error: value })),
    fc.constant("[".repeat(50_000)),
  );
  const headers = fc.dictionary(
    fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
    fc.stringMatching(/^[\x21-\x7e]{0,30}$/),
  );
  const outcome: fc.Arbitrary<AttemptOutcome> = fc.oneof(
    fc.record({
      kind: fc.constant("status" as const),
      status: fc.integer({ min: 300, max: 599 }),
      headers: headers.map((all) => new Headers(all)),
      body,
    }),
    fc.record({
      kind: fc.constant("bad-content" as const),
      reason: fc.constantFrom(
        "error-event",
        "json-error",
        "html",
        "nothing",
        "empty",
        "ended-early",
        "malformed",
        "wrong-form",
        "no-compaction",
      ),
      status: fc.constant(200),
      headers: headers.map((all) => new Headers(all)),
      body,
    }),
    fc.record({
      kind: fc.constant("cut" as const),
      reason: fc.constantFrom("reset", "idle", "no-terminal-event", "error-event"),
      body,
    }),
    fc.record({
      kind: fc.constant("transport" as const),
      code: fc.string(),
      sent: fc.constantFrom("never", "maybe"),
    }),
  );
  fc.assert(
    fc.property(outcome, fc.boolean(), (one, isRepairable) => {
      const verdict = judge(one, { canRepair: () => isRepairable });
      expect(verdict.rule).not.toBe("unknown");
      if (verdict.until !== null) {
        expect(verdict.until).toBeGreaterThan(NOW);
        expect(verdict.until).toBeLessThanOrEqual(NOW + DEFAULT_ROUTING.exhaustedMaxMs);
      }
      if (one.kind === "cut") expect(verdict).toMatchObject({ next: "terminal", retryClass: "D" });
    }),
  );
});
