// What the words of a 403 or a 429 are about: a refused key, a rate limit, or something else, which nothing is known of.
// Pure.
import type { Signal } from "./signal.ts";

/** A 403 without words is a refused key, as HTTP has it; so is one in words of keys, accounts and permissions. */
export function isOfCredential({ facts }: Signal): boolean {
  return (
    facts.codes.some((code) => CREDENTIAL_CODE.test(code)) ||
    saysNothing(facts.message) ||
    CREDENTIAL_WORDS.test(facts.message)
  );
}

/** Speaks of what can be used up, and of no key that is wrong in itself: whose key it was says nothing then. */
export function mayBeSpent({ facts }: Signal): boolean {
  return SPENDABLE.test(facts.message) && !WRONG_KEY.test(facts.message);
}

/** A 429 without words is a rate limit. */
export function isOfRate({ facts, isPage, outcome }: Signal): boolean {
  const page = isPage && "body" in outcome ? outcome.body.slice(0, MAX_PAGE).toLowerCase() : "";
  return (
    facts.codes.some((code) => RATE_CODE.test(code)) ||
    (saysNothing(facts.message) && page === "") ||
    RATE_WORDS.test(facts.message) ||
    RATE_WORDS.test(page)
  );
}

/** In words, whatever its codes and its status say. */
export function saysRate({ facts }: Signal): boolean {
  return RATE_WORDS.test(facts.message);
}

/** A rate limit beyond doubt, whatever the status. */
export function saysRateLimit({ facts }: Signal): boolean {
  return RATE_LIMIT_WORDS.test(facts.message);
}

/** The key itself, or whose it is, is what is wrong, whatever the status. `isUnnamed`: nothing else says what the error is. */
export function deniesKey({ facts }: Signal, isUnnamed: boolean): boolean {
  return (
    facts.codes.some((code) => KEY_CODE.test(code)) ||
    KEY_WORDS.some((pattern) => pattern.test(facts.message)) ||
    (isUnnamed && LOGIN_WORDS.test(facts.message))
  );
}

const RATE_LIMIT_WORDS =
  /\brate[ -]?limit|\btoo many requests\b|\brequests? (?:are |is )?too (?:frequent|fast)|频率.{0,2}(?:过高|超|限制)|(?:请求|访问|调用|操作)(?:过于|太|太过)?(?:频繁|过多|太多)|限流|限速|速率限制|\b(?:qps|rpm|tpm)\b.{0,40}\b(?:limit|exceed|reach)/;

const KEY_CODE = /^(?:api_?key_(?:invalid|expired|disabled|not_found)|invalid_?api_?key)$/;
const KEY_WORDS: readonly RegExp[] = [
  /\b(?:invalid|incorrect|wrong|expired|revoked) api[ _-]?key\b|\bapi[ _-]?key\b.{0,30}\b(?:not valid|invalid|incorrect|expired|revoked|disabled|not found|leaked|deleted)\b|\b(?:api|access)[ _-]?token\b.{0,20}\b(?:invalid|expired|revoked)\b/,
  /\b(?:account|organi[sz]ation|workspace) (?:has been |is |was )(?:disabled|deactivated|suspended|banned|locked|terminated)\b/,
  /(?:api ?key|令牌|密钥|access ?token).{0,8}(?:无效|不正确|错误|过期|失效|禁用)|(?:无效|错误|过期)的?(?:api ?key|令牌|密钥)|账[号户].{0,8}(?:被封|禁用|锁定|冻结|停用)/,
];
const LOGIN_WORDS =
  /\blog-?in fail|\bauth\w* fail|\bunauthori[sz]ed\b|\bunauthenticated\b|\bnot (?:logged|signed) in\b|未登录|登录已?(?:过期|失效)|(?:身份验证|身份认证|鉴权|认证|授权)(?:失败|未通过|错误)|无法进行身份验证/;

const MAX_PAGE = 4_000;
/** Letters that are left. */
const FEWEST_LETTERS = 6;
const FILLER =
  /\b(?:http|https?:\S+|error|errors|status|code|message|request|requests|forbidden|unauthorized|not allowed|denied|refused|rejected|failed|provider|upstream|server|returned|response|api|the|your|is|was|a|an|from|sorry|please|later|again|try)\b|request[ _-]?id\S*|[^\p{L}]/gu;

function saysNothing(words: string): boolean {
  const letters = words.slice(0, MAX_PAGE).replace(FILLER, "");
  // A word of Chinese is a letter or two.
  return letters.length < (/\p{Script=Han}/u.test(letters) ? 3 : FEWEST_LETTERS);
}

const CREDENTIAL_CODE =
  /authentication|unauthenticated|unauthorized|invalid_?(?:api_?)?(?:key|token)|access_?denied|disabled|deactivated|suspended|banned|account_|api_?key/;
const CREDENTIAL_WORDS =
  /\bkeys?\b|\btoken\b|\bcredentials?\b|\bauth(?:\b|enticat|ori[sz]|-)|unauth|\boauth\b|\blog(?:ged)? ?in\b|\bsign(?:ed)?[ -]?in\b|\bpermissions?\b|\baccess\b|\b(?:banned|suspended|disabled|deactivated|revoked|terminated)\b|\bmember of\b|organi[sz]ation|workspace|licen[cs]e|\bip (?:address|range)|令牌|密钥|无权|权限|鉴权|认证|授权|封禁|禁用|登录|白名单|\baccount\b.{0,40}\b(?:flagged|blocked|locked|frozen|restricted|closed)\b|账[号户].{0,6}(?:异常|冻结|封|停|锁)/;
const SPENDABLE =
  /\b(?:quotas?|balances?|credits?|allowances?|allotments?|budgets?|points|pool|cap|plan|packages?|bundle|subscription|billing|prepaid|trial)\b|额度|余额|配额|套餐|点数|积分|次数|份额|订阅/;
const WRONG_KEY =
  /\b(?:invalid|incorrect|unknown|revoked|banned|suspended|disabled|deactivated|unauthorized|unauthenticated)\b|无效|封禁|禁用|不存在/;
const RATE_CODE = /rate|thrott|too_?many|concurren|overload|busy|slow_?down|capacity/;
const RATE_WORDS =
  /\brates?\b|too (?:many|fast|frequent)|concurren|parallel|slow(?:ing)? down|\bbusy\b|overload|capacity|saturat|high (?:demand|load|traffic)|traffic|thrott|frequency|per[ _-]?(?:min|sec|hour)|\/ ?(?:min|sec)|\b[rt]pm\b|in (?:a|the) (?:queue|short)|queue|resource (?:has been )?exhausted|not ready|过快|频繁|频率|限流|限速|速率|每分钟|每秒|繁忙|拥挤|负载|饱和|请求过多|请求(?:次)?数|访问量|并发|排队|稍后/;
