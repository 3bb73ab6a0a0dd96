// Rows for what the request itself is at fault for, and for what can be mended in it. They blame no upstream.
// Pure.
import { t } from "../base/text.ts";
import { NO_END, type Rule } from "./rule.ts";
import { hasCode, hasStatus, says, type Signal } from "./signal.ts";

const OWN_MISTAKE = { next: "terminal", retryClass: "B", blame: "none", until: NO_END } as const;

export const REQUEST_RULES: readonly Rule[] = [
  {
    id: "bound-history",
    signal:
      "an error about encrypted reasoning, a thinking signature or an unknown `previous_response_id`, and the request carries such",
    seen: "OpenAI, Anthropic, after a change of account",
    matches: (signal) => signal.context.hasBoundHistory && isAnswer(signal) && isAboutBoundHistory(signal),
    next: "repair",
    retryClass: "B",
    blame: "none",
    until: NO_END,
    words: t`cannot read history of another account`,
  },
  {
    id: "context-length",
    signal: "`context_length_exceeded`, `string_above_max_length`, or words for a prompt that is too long",
    seen: "OpenAI, Anthropic, relays",
    matches: (signal) =>
      hasCode(signal, ...CONTEXT_CODES) || (mayBeAboutLength(signal) && says(signal, CONTEXT_WORDS)),
    ...OWN_MISTAKE,
    words: t`the prompt is too long for the model`,
  },
  {
    id: "policy",
    signal: "`invalid_prompt`, `cyber_policy`, a content filter",
    seen: "OpenAI, Azure, new-api",
    matches: (signal) =>
      hasCode(
        signal,
        "invalid_prompt",
        "cyber_policy",
        "content_filter",
        "content_policy_violation",
        "prompt_blocked",
        "sensitive_words_detected",
      ),
    ...OWN_MISTAKE,
    words: t`refused for its content`,
  },
  {
    id: "too-large",
    signal: "413, `request_too_large`",
    seen: "any",
    matches: (signal) => hasStatus(signal, 413),
    ...OWN_MISTAKE,
    words: t`the request is too large`,
  },
  {
    id: "unprocessable",
    signal: "422",
    seen: "any",
    matches: (signal) => signal.outcome.kind === "status" && hasStatus(signal, 422),
    ...OWN_MISTAKE,
    words: t`the request cannot be processed`,
  },
];

/** Rows for refusals that nothing more special explains; they come after all others. */
export const LEFTOVER_RULES: readonly Rule[] = [
  {
    id: "not-served",
    signal: "404, 405, 410, 426 or 501 without a known reason",
    seen: "a relay that lacks the path",
    matches: (signal) => signal.outcome.kind === "status" && hasStatus(signal, 404, 405, 410, 426, 501),
    next: "next",
    retryClass: "B",
    blame: "none",
    until: NO_END,
    words: t`does not serve this address`,
  },
  {
    id: "bad-request-in-200",
    signal: "`invalid_request_error`, or a code like 400, 404, 422, inside a 200",
    seen: "relays, OpenRouter, LiteLLM",
    matches: (signal) =>
      signal.outcome.kind !== "status" &&
      (hasStatus(signal, 400, 404, 405, 409, 410, 415, 422) ||
        hasCode(signal, "invalid_request_error", "invalid_request")),
    next: "next",
    retryClass: "B",
    blame: "none",
    until: NO_END,
    words: t`called the request invalid`,
  },
  {
    id: "client-error",
    signal: "any other 4xx: 400, 409, 415 ...",
    seen: "any",
    matches: (signal) =>
      signal.outcome.kind === "status" && signal.outcome.status >= 400 && signal.outcome.status < 500,
    ...OWN_MISTAKE,
    words: t`refused the request`,
  },
];

function isAnswer(signal: Signal): boolean {
  return signal.outcome.kind === "status"
    ? signal.outcome.status === 400 || signal.outcome.status === 404 || signal.outcome.status === 422
    : signal.outcome.kind === "bad-content";
}

const CONTEXT_CODES = [
  "context_length_exceeded",
  "context_too_large",
  "model_max_prompt_tokens_exceeded",
  "string_above_max_length",
];
const CONTEXT_WORDS =
  /prompt is too long|maximum context length|exceeds? (?:the |your )?(?:model'?s? )?context (?:window|limit|length)|input is too long|token count (?:\S+ |of \S+ )?exceeds the (?:maximum|limit)|(?:超[出过]|大于).{0,12}上下文/;

/** A relay's 500 counts too: it stands around what its own upstream said, and the next would say the same. */
function mayBeAboutLength(signal: Signal): boolean {
  return signal.outcome.kind !== "status" || hasStatus(signal, 400, 403, 413, 422, 500, 502);
}

function isAboutBoundHistory(signal: Signal): boolean {
  return (
    hasCode(
      signal,
      "invalid_encrypted_content",
      "previous_response_not_found",
      "thinking_signature_invalid",
    ) ||
    says(
      signal,
      /encrypted[ _]content|previous_response_id|previous response|invalid [`'"]?signature|signature[`'"]? (?:in|field|is)|thinking[`'"]? (?:or [`'"]?redacted_thinking[`'"]? )?blocks?/,
    )
  );
}
