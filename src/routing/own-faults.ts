// What proves that a request itself is at fault, so that every upstream would refuse it: the client sees the refusal at once.
// Everything else that is refused without a known reason is asked of another upstream first. Each row has its sources.
// Pure.
import { NO_END, type Rule } from "./rule.ts";
import { isOfTooManyTokens } from "./request-size.ts";
import { saysRate } from "./said-words.ts";
import { hasCode, hasStatus, says, type Signal } from "./signal.ts";

interface OwnFault extends Pick<Rule, "id" | "signal" | "seen" | "words"> {
  readonly codes: readonly string[];
  /** Of which a code may be made, in lower case. */
  readonly codesLike?: RegExp;
  /** In lower case; they count with these statuses, and inside a 200. */
  readonly says?: RegExp;
  /** The same for what no single pattern tells. */
  readonly means?: (words: string) => boolean;
  readonly statuses: readonly number[];
  /** Each of these proves it without words. */
  readonly always?: readonly number[];
  /** What besides must be so. */
  readonly holds?: (signal: Signal) => boolean;
  readonly sources: readonly string[];
}

export const OWN_FAULTS: readonly OwnFault[] = [
  {
    id: "context-length",
    signal: "`context_length_exceeded`, `string_above_max_length`, or a message that the prompt is too long",
    seen: "OpenAI, Anthropic, relays",
    codes: [
      "context_length_exceeded",
      "context_too_large",
      "context_window_exceeded",
      "exceed_context_size_error",
      "model_max_prompt_tokens_exceeded",
      "string_above_max_length",
    ],
    codesLike:
      /(?:context|prompt|input|conversation)_?(?:window|length|size|token)?_?(?:limit)?_?(?:exceed|too_?l(?:ong|arge))|content_length_exceeds/,
    means: isOfTooManyTokens,
    says: /(?:prompt|input|conversation|context|history) (?:is|are|was) too (?:long|large)|(?:maximum|max) (?:context|prompt|input) length|exceed(?:s|ed|ing)? (?:the |your |this )?(?:model'?s? )?(?:available |maximum |max )?context (?:window|limit|length|size)|context (?:window|length|size|limit) (?:is |was |has been )?(?:exceed|overflow|full|reached)|(?:greater|larger|longer) than the (?:\S+ )?context (?:window|length|size)|exceed(?:s|ed) (?:the )?model token limit|(?:prompt|input) (?:length )?exceeds (?:the )?max|input tokens exceed|(?:total|prompt) tokens (?:\d+ )?exceed(?:s|ed)? (?:the )?(?:model|context|max)|(?:prompt|input) length (?:of )?\d+ (?:exceeds|is over)|request is too long|context overflow|conversation has grown too long|range of input length should|reduce (?:the length of )?(?:the |your )(?:messages|prompt|input|conversation)\b|token count (?:\S+ |of \S+ )?exceeds the (?:maximum|limit)|(?:超[出过]|大于).{0,12}上下文|(?:上下文|输入|会话|对话|提示词|prompt).{0,8}(?:过长|太长|超长|超[出过].{0,6}(?:长度|最大限制))|上下文超限|长度超[出过]/,
    // A relay's own status counts too: it stands around what its own upstream said, and the next would say the same.
    statuses: [400, 403, 413, 422, 429, 500, 502, 503, 529],
    sources: [
      "https://platform.claude.com/docs/en/build-with-claude/context-windows",
      "https://github.com/router-for-me/CLIProxyAPI/issues/3695",
    ],
    words: "the prompt is too long for the model",
  },
  {
    id: "policy",
    signal:
      "`invalid_prompt`, `cyber_policy`, a content filter, or words that the content was flagged or is against a usage policy",
    seen: "OpenAI, Anthropic, Azure, DashScope, OpenRouter, new-api",
    codes: [
      "invalid_prompt",
      "cyber_policy",
      "content_filter",
      "content_policy_violation",
      "responsibleaipolicyviolation",
      "data_inspection_failed",
      "datainspectionfailed",
      "prompt_blocked",
      "moderation_blocked",
      "prohibited_content",
    ],
    codesLike: /sensitive|content_?(?:policy|moderation|risk|safety)|policy_?violation/,
    says: /content management policy|content[- ]filter(?:ing)? policy|(?:violat\w+|against) (?:our |the |\w+'s )?(?:usage|content|safety) polic|input was flagged|(?:prompt|request|input|content) (?:was|has been) flagged|inappropriate content|by (?:our|the) safety system|result of our safety system|content exists risk|\bprohibited[_ ]content\b|new_sensitive|\bsensitive (?:information|content|words?|topics?)\b|\b(?:content|prompt|input|output)\b[^.;\n]{0,40} (?:is|was|were|are|been|gets) (?:blocked|filtered)\b|(?:blocked|rejected) (?:by|due to) (?:\w+ )?(?:safety|moderation)|(?:内容|输入|提示词).{0,12}(?:违规|敏感|不合规|不当)|敏感词|内容(?:安全|审[核查]).{0,8}(?:拦截|[未不]通过)/,
    statuses: [400, 403, 422, 451, 500],
    sources: [
      "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/concepts/content-filter",
      "https://openrouter.ai/docs/api/reference/errors-and-debugging",
      "https://help.aliyun.com/zh/model-studio/error-code",
    ],
    words: "refused because of its content",
  },
  {
    id: "too-large",
    signal: "413, `request_too_large`, but for one that is about a rate",
    seen: "any",
    codes: [],
    statuses: [],
    always: [413],
    // Groq's: more tokens at once than the key may use in a minute.
    holds: (signal) => !hasCode(signal, "rate_limit_exceeded"),
    sources: [
      "https://platform.claude.com/docs/en/api/errors",
      "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14",
    ],
    words: "the request is too large",
  },
  {
    id: "invalid-image",
    signal:
      "`invalid_image`, or words that an image or PDF of the request cannot be read, is too large or of an unknown format",
    seen: "OpenAI, Anthropic",
    codes: [
      "invalid_image",
      "invalid_image_format",
      "invalid_image_url",
      "invalid_base64_image",
      "image_parse_error",
      "image_too_large",
      "image_too_small",
      "unsupported_image_media_type",
      "empty_image_file",
    ],
    says: /could not proces. (?:image|pdf)|\bimage does not match the (?:provided|declared|specified) (?:media|mime|content) type|(?:image|pdf)\b.{0,60}(?:does not represent a valid|is not a valid|not valid|is corrupt|exceeds? (?:the )?(?:\d|max)|too large|dimensions exceed)|unsupported image (?:format|type|media)|invalid (?:base64 )?(?:image|pdf)(?! (?:input|part))|(?:image|pdf)\b.{0,40}invalid base64|(?:could not|cannot|failed to|unable to) (?:decode|read|parse) (?:the )?(?:image|pdf)\b|(?:image|pdf) (?:\w+ )?(?:could not|cannot) be (?:decoded|read|parsed|processed)|maximum of \d+ pdf pages|pdf (?:is )?password[- ]protected|图[片像].{0,12}(?:格式(?:错误|不正确)|无法(?:解析|识别|解码)|损坏|过大)/,
    statuses: [400, 413, 422, 500],
    sources: [
      "https://platform.claude.com/docs/en/build-with-claude/vision",
      "https://platform.openai.com/docs/guides/images-vision",
    ],
    words: "an image of the request cannot be used",
  },
  {
    id: "malformed-json",
    signal: "words that the body is no JSON, where it is none",
    seen: "any",
    codes: ["json_invalid", "invalid_json", "malformed_json"],
    says: /(?:could not|couldn.t|failed to|cannot|can.t|unable to|error) (?:decode|deseriali[sz]e|pars)\w*.{0,40}json(?! body into)|(?:invalid|malformed|bad) json(?! (?:payload received|schema))|json (?:decode|parse|parsing|syntax) error|not (?:a )?valid json|unexpected end of json|looking for beginning of value|in json at position/,
    statuses: [400, 422],
    // The same words come from a relay that cannot read a coding, or what its own upstream says.
    holds: ({ context }) => context.request === undefined || context.request.json === undefined,
    sources: [
      "https://platform.openai.com/docs/guides/error-codes",
      "https://fastapi.tiangolo.com/tutorial/handling-errors/",
    ],
    words: "the body is not JSON",
  },
];

export const OWN_FAULT_RULES: readonly Rule[] = OWN_FAULTS.map(
  ({ always = [], holds = () => true, id, seen, signal, words, ...fault }): Rule => ({
    id,
    signal,
    seen,
    words,
    matches: (answer) => (hasStatus(answer, ...always) || isNamed(answer, fault)) && holds(answer),
    next: "terminal",
    retryClass: "B",
    blame: "none",
    until: NO_END,
  }),
);

type Named = Pick<OwnFault, "codes" | "codesLike" | "means" | "says" | "statuses">;

function isNamed(answer: Signal, { codes, codesLike, means, says: pattern, statuses }: Named): boolean {
  if (hasCode(answer, ...codes)) return true;
  if (!mayMean(answer, statuses)) return false;
  return (
    answer.facts.codes.some((code) => codesLike?.test(code) === true) ||
    (pattern !== undefined && says(answer, pattern)) ||
    means?.(answer.facts.message) === true
  );
}

function mayMean(signal: Signal, statuses: readonly number[]): boolean {
  if (signal.outcome.kind === "bad-content" || signal.outcome.kind === "cut") return true;
  return hasStatus(signal, ...statuses) && !(signal.status === 429 && saysRate(signal));
}
