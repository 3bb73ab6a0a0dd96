// Tells a spent quota from everything else that is "exceeded", "reached" or "exhausted", by families of words in either order
// and by what stands around them; not by sentences of vendors. A new wording is a new file in test/refusals, rarely a new word.
// Pure.
import { findWaitMs } from "./durations.ts";

/** Whose quota is spent: the account's, or that of one model while others go on. */
export type Spent = "account" | "model";

/** A rolling limit of a day that names so short a wait is a rate limit: Groq's tokens per day. */
const LONGEST_RATE_WAIT_MS = 3_600_000;
/** The rest of a longer sentence is not read. Every pattern is bounded too, so reading is linear. */
const MAX_SENTENCE = 600;

/** What `words` (lower case) and `codes` of a refusal say of money; null for nothing. */
export function findSpent(words: string, codes: readonly string[]): Spent | null {
  if (codes.some((code) => RATE_CODE.test(code))) return null;
  const all = words.split(SENTENCE_END).map((sentence) => sentence.slice(0, MAX_SENTENCE));
  const sentences = all.filter((sentence) => !OTHER_LIMIT.test(sentence));
  const found = sentences.map((sentence) => readSentence(sentence, words));
  if (found.includes("model")) return "model";
  const isOther = sentences.length < all.length;
  return found.includes("account") || (!isOther && codes.some(isSpentCode)) ? "account" : null;
}

/** `daily_cost_limit_exceeded`, `InsufficientBalance`, `AccountOverdueError`, in lower case. */
export function isSpentCode(code: string): boolean {
  return PLAN_CODE.test(code) || (!OTHER_CODE.test(code) && SPENT_CODE.some((pattern) => pattern.test(code)));
}

function readSentence(sentence: string, words: string): Spent | null {
  const isRate = RATE.test(sentence);
  const isOfPeriod = PERIOD.test(sentence);
  if (isRate && !isOfPeriod) return null;
  if (OF_ONE_MODEL.test(sentence)) return "model";
  if (MONEY.some((pattern) => pattern.test(sentence))) return "account";
  if (!isOfPeriod || !LIMIT_OF_PERIOD.some((pattern) => pattern.test(sentence))) return null;
  const waitMs = isRate ? findWaitMs(words) : null;
  return waitMs !== null && waitMs <= LONGEST_RATE_WAIT_MS ? null : "account";
}

const SENTENCE_END = /[\n;。；!！]|[.?](?=\s|$)/;

/** What else has limits: speed, length, size, the number of things at once. A sentence of these is none of money. */
const OTHER_LIMIT =
  /per[ _-]?(?:min|sec|request)|\/ ?(?:min|sec)|\b[rt]pm\b|(?:within|in) (?:a|one|1) minute|concurren|parallel|in-flight|context|\bfiles?\b|storage|images?\b|uploads?\b|\bsize\b|\bbytes?\b|\d ?mb\b|\blength\b|peak load|check quota|(?<!fewer )max_tokens|budget_tokens|\b(?:output|completion|thinking|reasoning|retry) (?:tokens?|budgets?)\b|stop_sequences|tool calls?|每分钟|分钟内|每秒|并发|排队|上下文|文件|图片|长度|大小|存储/;
/** A limit of speed, unless it is one of a day or longer. */
const RATE = /\brate[ -]?limit|too many requests|requests? (?:limit|quota)|请求(?:次)?数|频率/;
const PERIOD =
  /\bper[ -]?(?:day|week|month)|\b(?:daily|weekly|monthly|today|this (?:day|week|month|period))\b|\b\d{1,2}[ -]?(?:h(?:ou)?rs?|days?)\b|billing (?:cycle|period)|\b[rt]pd\b|今日|今天|当日|本日|每[日天周月]|本[周月]|日限|周限|月限|小时/;

const NOUN =
  "quotas?|balances?|credits?|budgets?|allowances?|allocation|funds|wallet|usage|premium requests?|(?:spend(?:ing)?|usage|costs?|billing|plan|session|key) (?:limits?|caps?)|free messages|package|plan";
const STATE =
  "exhaust(?:ed|s)?|exceed(?:s|ed|ing)?|reach(?:es|ed)?|hit|insufficient|used up|used all|run out|ran out|out of|depleted|not enough|not sufficient|too low|overdue|in arrears|past due|consumed|spent|crossed|is empty|is zero|lacks?";
const ADJACENT = "out of|no|over|zero|insufficient|not enough|lack(?:s|ing)?";
const HELD = "quotas?|balances?|credits?|budgets?|allowances?|funds|extra usage";
const NOUN_ZH =
  "额度|余额|余量|配额|套餐|资源包|限额|费用|消费|积分|点数|次数|用量|流量|使用(?:上限|限制|限额)";
const STATE_ZH =
  "不足|不够|用[尽完光]|耗[尽完光]|达到?(?:了)?(?:上限|限制|限额)|达上限|已达|达到|超[出过限额]|已满|欠费";

/** In either order, at a bounded distance. */
const MONEY: readonly RegExp[] = [
  new RegExp(`\\b(?:${NOUN})\\b.{0,40}?\\b(?:${STATE})\\b`),
  new RegExp(`\\b(?:${STATE})\\b.{0,40}?\\b(?:${NOUN})\\b`),
  new RegExp(`\\b(?:${ADJACENT}) (?:\\S{1,20} ){0,3}?(?:${HELD})\\b`),
  /\b(?:hit|reached) (?:your|the) limit\b/,
  /\bpayment (?:is |was )?(?:past due|overdue|required)|\bin arrears\b|can only afford|more credits|spend(?:ing)? limit|\b(?:top[ -]up|recharge)\b(?!.{0,60}\b(?:increase|higher|raise|upgrade)\b)/,
  new RegExp(`(?:${NOUN_ZH}).{0,12}?(?:${STATE_ZH})`),
  new RegExp(`(?:${STATE_ZH}).{0,16}?(?:${NOUN_ZH})`),
  /欠费|预扣费额度失败|余额为(?:零|0)|请(?:先|及时)?充值/,
  ...endedPlan(),
];

/** A plan that has ended, or that was never bought, and billing that is switched off. */
function endedPlan(): readonly RegExp[] {
  const plan = "plan|package|subscription|membership|trial";
  const ended = "expired|ended|lapsed|inactive|not active|cancell?ed|suspended|paused";
  return [
    new RegExp(`\\b(?:${plan})\\b.{0,40}?\\b(?:${ended})\\b`),
    new RegExp(
      `\\bno (?:active|valid|current) (?:\\S{1,20} )?(?:${plan})s?\\b|\\brenew(?:ing)? your (?:${plan})\\b`,
    ),
    /\bbilling (?:is |has )?(?:not (?:enabled|active)|disabled|inactive)|\brequires billing\b|\bcheck your billing\b/,
    /(?:套餐|订阅|会员|资源包).{0,12}(?:到期|过期|失效|停用|暂停)|(?:没有|无|未(?:找到|开通|购买|订阅)).{0,4}(?:有效|可用|激活|任何)?的?(?:订阅|套餐|资源包|会员)/,
  ];
}

/** "Daily call limit reached", "free-models-per-day limit exceeded", "too many tokens per day". */
const LIMIT_OF_PERIOD: readonly RegExp[] = [
  new RegExp(`\\blimits?\\b.{0,60}?\\b(?:${STATE})\\b`),
  new RegExp(`\\b(?:${STATE})\\b.{0,60}?\\blimits?\\b`),
  /\btoo many \w{1,20} per[ -]?(?:day|week|month)\b/,
];

const OF_ONE_MODEL = new RegExp(
  `\\b(?:${STATE})\\b.{0,30}?\\b(?:capacity|quota|limit|allowance) (?:on|of|for) (?:this|the)(?: \\S{1,80})? model\\b`,
);

const CODE_NOUN = "quota|balance|credit|budget|allowance|funds?|wallet|usage|spend|billing|plan";
const CODE_STATE =
  "insufficient|exhaust|exceed|deplet|reached|overdue|arrear|not_?enough|used_?up|empty|limit";
const SPENT_CODE: readonly RegExp[] = [
  new RegExp(`(?:${CODE_NOUN})[\\w.-]{0,20}?(?:${CODE_STATE})`),
  new RegExp(`(?:${CODE_STATE})[\\w.-]{0,20}?(?:${CODE_NOUN})`),
  /(?:daily|weekly|monthly|cost)[\w.-]{0,20}?limit|arrearage|account_?overdue|payment_required|free_?tier_?only|pre_consume_token_quota_failed/,
];
/** `SUBSCRIPTION_EXPIRED`, `billing_not_active`. */
const PLAN_CODE =
  /(?:subscription|plan|membership)_(?:has_)?(?:expired|inactive|ended|not_found|suspended)|billing_(?:not_active|inactive|disabled)/;
/** Limits of speed and of things, by their codes. */
const OTHER_CODE = /rate|in_?flight|concurren|thrott|file|storage|size|context|model|disabled|expired|\s/;
/** The vendor itself says that a quota is one of speed: Gemini's quota id, DashScope's throttling. */
const RATE_CODE = /per_?(?:minute|second)|throttling/;
