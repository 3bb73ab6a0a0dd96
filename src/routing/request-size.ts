// Tells a request of too many tokens from a spent number of tokens, by what stands together in one sentence: tokens or characters,
// a limit that is passed, and the request or the model. Not by sentences of vendors.
// Pure.

/** As much of a sentence is read; every pattern is bounded, so reading is linear. */
const MAX_SENTENCE = 600;
const SENTENCE_END = /[\n;。；!！]|[.?](?=\s|$)/;

/** `words` in lower case. */
export function isOfTooManyTokens(words: string): boolean {
  return words.split(SENTENCE_END).some((sentence) => {
    const said = sentence.slice(0, MAX_SENTENCE);
    return PASSED.test(said) && SIZE.test(said) && OF_REQUEST.test(said) && !OF_SOMETHING_ELSE.test(said);
  });
}

const PASSED =
  /\b(?:exceed(?:s|ed|ing)?|too (?:long|many|large)|(?:greater|larger|longer|more) than|must be <=|limit (?:is|of) \d)|超[出过]/;
const SIZE =
  /\btokens\b|\btoken (?:count|limit|length|size|number)\b|\b(?:input|prompt|total) characters?\b|\bcontext (?:length|window|size)\b|上下文|输入字符/;
const OF_REQUEST =
  /\b(?:prompts?|inputs?|contexts?|conversation|messages?|model|requested)\b|输入|上下文|提示词|对话|会话|消息|模型/;
/** Speed, money, a key, or how long the answer may become. */
const OF_SOMETHING_ELSE =
  /\brates?\b|per[ _-]?(?:min|sec|hour|day|week|month)|\/ ?(?:min|sec)|\b[rt]p[mdh]\b|\b(?:daily|weekly|monthly|today|quota|budget|balance|credits?|usage|plan|concurren\w*)\b|\b(?:api|access|auth\w*) (?:key|token)|\b(?:output|completion) tokens\b|\bmax_(?:output_|completion_)?tokens\b|tool calls?|images?\b|\bnames?\b|(?:please )?wait\b|额度|余额|配额|每[分秒日天周月]|今日|频率|并发|令牌/;
