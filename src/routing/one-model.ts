// Tells a key, group or plan that may not use one model from a key that is refused altogether, by what is denied: a model, in
// words that stand near each other in either order. A new wording is a new file in test/refusals.
// Pure.

/** As much of a sentence is read; every pattern is bounded, so reading is linear. */
const MAX_SENTENCE = 600;
/** A shorter name of a model may be a part of any word. */
const SHORTEST_NAME = 4;

/** `key_model_access_denied`, `model_not_allowed`, `Model.AccessDenied`, `ModelNotOpen`, in lower case. */
export function isModelCode(code: string): boolean {
  return MODEL_CODE.test(code);
}

/**
 * `words` (lower case) of a refusal. `isOfAccess`: by its status it denies access, and speaks of no parameter. `asked`: the model
 * of the request, which is as good as the word.
 */
export function deniesModel(words: string, isOfAccess: boolean, asked = ""): boolean {
  const said = asked.length < SHORTEST_NAME ? words : words.replaceAll(asked.toLowerCase(), "model $&");
  const sentences = said.split(SENTENCE_END).map((sentence) => sentence.slice(0, MAX_SENTENCE));
  const patterns = isOfAccess ? [...PLAIN, ...OF_ACCESS] : PLAIN;
  return sentences.some(
    (sentence) => !OF_THE_KEY.test(sentence) && patterns.some((pattern) => pattern.test(sentence)),
  );
}

const MODEL_CODE =
  /model[\w.]{0,12}?(?:access_?denied|not_?(?:found|allowed|open|supported|available|enabled)|forbidden|restricted|price_?error|deprecated)|^(?:unsupported|invalid|unknown)_?model$|^deployment_?not_?found$/;

const SENTENCE_END = /[\n;。；!！]|[.?](?=\s|$)/;
/** Then the key itself is what is wrong, or where it is used. */
const OF_THE_KEY =
  /\b(?:invalid|incorrect|expired|revoked|disabled) (?:api[ _-]?)?(?:key|token)\b|\bcountr(?:y|ies)\b|\bterritor|\ball models\b/;

const WHAT = "(?:(?:the|this|any|requested|specified) ){0,2}(?:model|group)\\b";
const GRADE = "(?:plan|tier|group|subscription)";

/** Whatever the status: what is denied is a model beyond doubt. */
const PLAIN: readonly RegExp[] = [
  new RegExp(`\\bnot (?:allowed|authori[sz]ed|permitted|entitled) to (?:access|use|call) ${WHAT}`),
  new RegExp(`(?:\\b(?:no|not have|without)|n.t have) access to ${WHAT}`),
  /\bno \S{1,30} has access to (?:the )?requested model|\b(?:model access|access to (?:the |this )?model) (?:is )?denied/,
  /\bmodel \S{1,80} is not (?:allowed|available|enabled) (?:for|on|in|with) (?:this|your|the)/,
  new RegExp(`\\bmodel requires an? (?:\\S{1,20} )?(?:upgrade|${GRADE})`),
  new RegExp(`\\b${GRADE} (?:does )?not (?:yet )?(?:include access to|support) \\S`),
  /\bunknown provider for model\b|\bmodel (?:id|identifier)\b.{0,100}(?:\bis invalid\b|\bis(?: not|n.t) (?:valid|supported)|\bon-demand throughput\b)/,
  /^(?!.*\b(?:parameter|field|argument|header|option|property)\b).*\bmodel\b.{0,100}\b(?:end of (?:its )?life|deprecated|retired|decommissioned|discontinued|as legacy|no longer (?:available|supported|offered))\b/,
  /\bmodel\b.{0,120}\b(?:ratio|price|pricing)\b.{0,20}\bnot (?:set|configured)\b|\bmodel\b.{0,200}\bnot servable\b|\bverified to use the model\b|\bmodel (?:is |has been |was )?disabled\b/,
  /模型.{0,80}(?:倍率|价格|定价).{0,8}未(?:配置|设置)|模型.{0,40}已(?:下[线架]|停用|弃用|废弃)/,
  new RegExp(`\\bnot available (?:on|in|for|with) your (?:current )?(?:\\S{1,20} )?${GRADE}`),
  /\bnot support (?:this|the) (?:requested )?model|\bsupport the requested model|\bnot activated the model|\bnot found the model/,
  /\bmodel (?:\S{1,80} )?(?:not supported|does not support the \S{1,20} plan)/,
  /(?:暂无|没有|无)(?:该|此|当前)?模型.{0,12}权限|无权(?:访问|使用)(?:该|此|当前)?(?:模型|分组)/,
  /模型.{0,40}(?:未开[通放]|无权限|没有权限|不可用|不在可用)|(?:套餐|分组|等级).{0,12}(?:暂?未开放|不支持|不包含|不可用)/,
];

const DENIED =
  "not (?:\\w{2,12} )?(?:allowed|authori[sz]ed|permitted|entitled|enabled|activated|available|included)|(?:no|without|lacks?|not have|\\w{0,5}n.t have|denied) (?:access|permissions?)|access (?:is )?denied|forbidden|restricted";
/** Where a status already denies access (401, 403, 404), a model nearby says to what. */
const OF_ACCESS: readonly RegExp[] = [
  new RegExp(`\\b(?:${DENIED})\\b.{0,40}?\\bmodels?\\b`),
  new RegExp(`\\bmodels?\\b.{0,80}?\\b(?:${DENIED})\\b`),
  new RegExp(
    `\\b${GRADE} (?:does not|doesn.t|cannot|can.t) (?:have access to|include|support|use|cover|allow) \\S{0,40}\\d`,
  ),
  /(?:无权|没有权限|无权限|未授权|禁止|不允许|不支持|不能).{0,16}模型|模型.{0,40}(?:无权|未授权|禁止|不允许|不支持|受限)/,
];
