// Rows for an account at its end: quota gone, rate limited, key refused, model not offered. The upstream itself is well.
// Pure.
import { t } from "../base/text.ts";
import {
  ANTHROPIC_WINDOW,
  AUTH_DEAD,
  CODEX_WINDOW,
  fixed,
  NO_END,
  type Rule,
  STATED_OR_EXHAUSTED,
  STATED_OR_GROWING,
  statedOr,
} from "./rule.ts";
import { hasCode, hasStatus, says, type Signal } from "./signal.ts";

const NEXT = { next: "next", retryClass: "B" } as const;
const EXHAUSTED = {
  ...NEXT,
  blame: "exhausted",
  until: STATED_OR_EXHAUSTED,
  words: t`quota gone`,
} as const;

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
    words: t`usage limit reached`,
  },
  {
    id: "codex-not-included",
    signal: "`usage_not_included`, `codex_workspace_access_denied`, `codex_entitlement_missing`",
    seen: "ChatGPT backend",
    matches: (signal) =>
      hasCode(signal, "usage_not_included", "codex_workspace_access_denied", "codex_entitlement_missing"),
    ...NEXT,
    blame: "auth-dead",
    until: AUTH_DEAD,
    words: t`the account has no access to this product`,
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
    words: t`usage limit of this model reached`,
  },
  {
    id: "anthropic-window",
    signal: "429 with `anthropic-ratelimit-unified-status: rejected`",
    seen: "Anthropic subscription",
    matches: isUnifiedRejected,
    ...EXHAUSTED,
    until: ANTHROPIC_WINDOW,
    words: t`usage limit reached`,
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
          /out of extra usage|spend(?:ing)? limit|credit balance is too low|workspace api usage limits/,
        )),
    ...EXHAUSTED,
    until: ANTHROPIC_WINDOW,
    words: t`spend limit reached`,
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
    id: "relay-quota",
    signal:
      "`insufficient_user_quota`, `pre_consume_token_quota_failed`, 余额不足, 额度不足, 预扣费额度失败; `API_KEY_QUOTA_EXHAUSTED`, `USAGE_LIMIT_EXCEEDED`, `INSUFFICIENT_BALANCE`; daily, weekly or total cost limit",
    seen: "new-api, one-api, sub2api, claude-relay-service",
    matches: (signal) =>
      hasCode(
        signal,
        "insufficient_user_quota",
        "pre_consume_token_quota_failed",
        "api_key_quota_exhausted",
        "usage_limit_exceeded",
        "daily_limit_exceeded",
        "insufficient_balance",
        "daily_cost_limit_exceeded",
      ) ||
      (isError(signal) && says(signal, RELAY_QUOTA_WORDS)),
    ...EXHAUSTED,
  },
  {
    id: "payment-required",
    signal: "402",
    seen: "OpenRouter, relays",
    matches: (signal) => hasStatus(signal, 402),
    ...EXHAUSTED,
    words: t`payment required`,
  },
  {
    id: "model-cooldown",
    signal: "`model_cooldown`",
    seen: "CLIProxyAPI",
    matches: (signal) => hasCode(signal, "model_cooldown"),
    ...NEXT,
    blame: "model",
    until: statedOr(60_000),
    words: t`the model is cooling down`,
  },
  {
    id: "model-busy",
    signal: '`server_is_overloaded`, "model is at capacity"',
    seen: "OpenAI",
    matches: (signal) =>
      hasCode(signal, "server_is_overloaded") || (isError(signal) && says(signal, /model is at capacity/)),
    ...NEXT,
    blame: "model",
    until: statedOr(45_000),
    words: t`the model is at capacity`,
  },
  {
    id: "slow-down",
    signal: "`slow_down`",
    seen: "OpenAI",
    matches: (signal) => hasCode(signal, "slow_down"),
    ...NEXT,
    blame: "cooldown",
    until: statedOr(30_000),
    words: t`asks to slow down`,
  },
  {
    id: "model-unknown",
    signal:
      '`model_not_found`, `unsupported_model`, "no available channel", 无可用渠道, "get channel failed", words for a model that is not there',
    seen: "OpenAI, Anthropic, new-api, one-api",
    matches: isModelUnknown,
    ...NEXT,
    blame: "model",
    until: fixed(600_000),
    words: t`does not offer this model`,
  },
  {
    id: "concurrency",
    signal: "429 or 503 about concurrency, pending requests, a full queue, 并发, 排队",
    seen: "sub2api, claude-relay-service, relays",
    matches: (signal) =>
      hasStatus(signal, 429, 503) &&
      (hasCode(signal, "conn_queue_full", "concurrency_limit_exceeded") ||
        says(signal, /concurren|too many pending requests|queue is full|并发|排队/)),
    ...NEXT,
    blame: "cooldown",
    until: statedOr(5_000),
    words: t`too many requests at once`,
  },
  {
    id: "rate-limit",
    signal: "any other 429, `rate_limit_error`, `rate_limit_exceeded`",
    seen: "any",
    matches: (signal) => hasStatus(signal, 429),
    ...NEXT,
    blame: "cooldown",
    until: STATED_OR_GROWING,
    words: t`rate limited`,
  },
];

/** Rows for refused credentials; pages and challenges come before them. */
export const CREDENTIAL_RULES: readonly Rule[] = [
  {
    id: "region",
    signal: "`unsupported_country_region_territory`",
    seen: "OpenAI",
    matches: (signal) => hasCode(signal, "unsupported_country_region_territory"),
    ...NEXT,
    blame: "auth-dead",
    until: AUTH_DEAD,
    words: t`not available from this network's country`,
  },
  {
    id: "credential",
    signal: "401 or 403, `invalid_api_key`, `authentication_error`, `permission_error`, an expired key",
    seen: "any",
    matches: (signal) =>
      hasStatus(signal, 401, 403) || hasCode(signal, "api_key_expired", "api_key_disabled"),
    ...NEXT,
    blame: "auth-dead",
    until: AUTH_DEAD,
    words: t`refused the credential`,
  },
  {
    id: "not-tried",
    signal: "a request that could not be made: a missing key, an address it cannot go to",
    seen: "this program",
    matches: (signal) => signal.outcome.kind === "not-tried",
    next: "next",
    retryClass: "A",
    blame: "none",
    until: NO_END,
    words: t`not asked`,
  },
];

const RELAY_QUOTA_WORDS =
  /余额不足|额度不足|(?:余额|额度)已(?:用[尽完]|耗尽)|已欠费|预扣费额度失败|费用限制|quota is not enough|exceeded your current quota|out of credits|balance is insufficient|insufficient (?:account )?(?:balance|credits?)|(?:cost|quota|usage) limit (?:exceeded|reached)|insufficient_user_quota|requires more credits/;

/** Between "model" and the verdict stands a name, not another clause: "model x: tool y is not supported" is no match. */
const MODEL_WORDS =
  /no available (?:channel|provider)s?|get channel failed|无可用渠道|模型.{0,60}(?:不存在|不支持)|无权(?:访问|使用)(?:该)?模型|(?:no|not have) access to (?:the )?model|model(?:[^.:;,]|[.:](?! )){0,80}(?:does not exist|not found|is not supported|not available|is not a valid model)|unknown model|unsupported model|invalid model|^model: /m;

/** A model that is not there. An upstream's own 5xx counts only with words that name the model or its channels. */
function isModelUnknown(signal: Signal): boolean {
  if (hasCode(signal, "model_not_found", "unsupported_model", "model_not_supported", "invalid_model"))
    return true;
  return isError(signal) && hasStatus(signal, 400, 403, 404, 500, 503) && says(signal, MODEL_WORDS);
}

function isUnifiedRejected(signal: Signal): boolean {
  return hasStatus(signal, 429) && signal.headers.get("anthropic-ratelimit-unified-status") === "rejected";
}

/** Words count only where something has failed for sure. */
function isError({ outcome }: Signal): boolean {
  if (outcome.kind === "status") return outcome.status >= 400;
  return outcome.kind === "bad-content" || outcome.kind === "cut";
}
