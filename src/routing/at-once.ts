// Tells "too many at once" from "too many in a time", by families of words in one sentence; and reads how many are allowed. A new
// wording is a new file in test/refusals, rarely a new word.
// Pure.
import { hasStatus, isUnnamed, type Signal } from "./signal.ts";

/** The upstream refuses to do more at once: it, or what waits there. */
export function isTooManyAtOnce(signal: Signal): boolean {
  const { facts } = signal;
  // Another status is of much else: then it has to say that there are too many.
  if ((hasStatus(signal, 400, 403) || isUnnamed(signal)) && !EXCEEDED.test(facts.message)) return false;
  if (!hasStatus(signal, 400, 403, 429, 503) && !isUnnamed(signal)) return false;
  return facts.codes.some((code) => CODE.test(code) || QUEUE_CODE.test(code)) || saysSo(facts.message, QUEUE);
}

/**
 * How many requests the account may have open, where the refusal is about that: `stated` is null where it names no number. Null for
 * what is about something else: a full queue, or a server that is busy with others.
 */
export function readAtOnce({ facts, status }: Signal): { readonly stated: number | null } | null {
  const isCoded = facts.codes.some((code) => CODE.test(code));
  if (status !== 429 || !(isCoded || saysSo(facts.message, null))) return null;
  return { stated: findStated(facts.message) };
}

function saysSo(words: string, others: RegExp | null): boolean {
  const sentences = words.split(SENTENCE_END).map((sentence) => sentence.slice(0, MAX_SENTENCE));
  const isOfRate = sentences.some((sentence) => RATE.test(sentence));
  return sentences.some((sentence) => {
    if (RATE.test(sentence)) return false;
    const said = sentence.replace(ADVICE, "");
    if (!AT_ONCE.test(said) && others?.test(said) !== true) return false;
    // Beside a rate it has to be more than a figure of the plan.
    return !isOfRate || EXCEEDED.test(said);
  });
}

function findStated(words: string): number | null {
  for (const pattern of STATED) {
    const count = Number(pattern.exec(words)?.[1] ?? 0);
    if (count >= 1 && count <= MOST_STATED) return count;
  }
  return null;
}

const MAX_SENTENCE = 600;
const MOST_STATED = 1_000;
const SENTENCE_END = /[\n;。；!！]|[.?](?=\s|$)/;

const THING =
  "requests?|calls?|sessions?|connections?|streams?|tasks?|jobs?|generations?|conversations?|completions?|agents?";
/** At the same time. Each word of Chinese has it inside: 并发数, 并发请求. */
const AT_ONCE = new RegExp(
  [
    "concurren",
    `\\bparallel (?:${THING}|limit)`,
    `\\b(?:${THING})\\b.{0,20}\\bin parallel\\b`,
    "simultaneous",
    `\\bin[- ]?flight (?:${THING}|limit)`,
    `\\b(?:${THING})\\b.{0,20}\\bin[- ]?flight\\b`,
    `\\btoo many (?:open|active|running|ongoing|outstanding|pending) (?:${THING})`,
    `\\b(?:open|active|running|ongoing|outstanding|pending) (?:${THING}) (?:limit|exceed|reach)`,
    `\\b(?:${THING})\\b.{0,20}\\bat (?:once|(?:the same|a|one) time)\\b`,
    "并发",
    "并行",
    "同时(?:进行|处理|请求|发起|连接|运行|调用|会话|使用|生成|在线|执行)",
  ].join("|"),
);
/** What waits at the upstream: it says that it is busy, and nothing of how many one account may have. */
const QUEUE =
  /\bqueue (?:is |was )?(?:full|limit|overflow)|\bfull queue\b|too many (?:queued|waiting)|排队|队列(?:已)?满/;
/** So many in a time. */
const RATE =
  /per[ _-]?(?:min|sec|hour|day|request)|\/ ?(?:m|s|min|sec|h|hour)\b|\b[rtq]p[ms]\b|\b[rt]pd\b|\bqps\b|\b(?:in|within|every|each) (?:a |an |one |the last |\d{1,4} ?)?(?:min|sec|hour|s\b)|frequen|每(?:分钟|秒|小时|天|日)|分钟内|秒内|小时内|频率|频繁|速率/;
/** What to do about it says nothing of what happened. */
const ADVICE =
  /\b(?:reduc\w{0,3}|lower\w{0,3}|decreas\w{0,3}|limiting|limit your|control\w{0,4}|increas\w{0,3}|rais\w{0,3}|upgrad\w{0,3}|higher|more)\b (?:\w{1,12} ){0,3}(?:concurren\w{0,4}|parallel\w{0,4})|(?:降低|减少|减小|控制|调低|提高|提升|增加|升级|限制)(?:您?的)?(?:请求)?(?:并发|并行)(?!数?(?:过|已|超|达))/g;
const EXCEEDED =
  /exceed|too many|reach|\bhit\b|\bover\b|\bfull\b|maximum|not allowed|过多|过高|超|达到?|上限|已满|太多|太高/;

/** `concurrency_limit_exceeded`, `TooManyConcurrentRequests`, `max_parallel_requests`. */
const CODE = /concurren|parallel_?(?:req|limit|call)|simultaneous|in_?flight_?(?:req|limit)/;
const QUEUE_CODE = /conn_queue_full|queue_?full/;

/** "limit: 3", "max_parallel_requests: 3", "最大并发数为 5"; not what is open now, and no time. */
const FIGURE = "\\b(\\d{1,4})\\b(?! ?(?:ms|s|sec|seconds?|min|minutes?|h|hours?|m)\\b| ?[秒分小%])";
const STATED: readonly RegExp[] = [
  new RegExp(
    `(?:limit|max|allow|at most|up to|only|上限|最大|最多|限制|限额|不超过|允许)(?:(?!current|now|当前|目前)[^\\d\\n。]){0,60}?${FIGURE}`,
  ),
  new RegExp(`\\b(\\d{1,4}) ?(?:concurrent|parallel|simultaneous)`),
  new RegExp(`concurren\\w{0,4}(?:(?!current)[^\\d\\n.]){0,20}?${FIGURE}`),
  /(?:并发|并行)[^\d\n。当前目]{0,12}?(\d{1,4})(?!\d| ?[秒分小%])/,
];
