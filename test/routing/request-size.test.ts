import { expect, test } from "bun:test";
import { isOfTooManyTokens } from "../../src/routing/request-size.ts";

/** Wordings of nobody in particular: they stand for the kind, the reported ones are in test/refusals. */
const TOO_MANY = [
  "Input token length too long",
  "The total number of tokens in the conversation exceeds the limit",
  "messages exceed the maximum token limit of the model",
  "tokens exceed the limit of the model: 200000",
  "Token limit exceeded: 200001 tokens in prompt, maximum 200000",
  "The prompt is 250000 tokens, which is greater than the maximum of 200000",
  "inputs tokens + max_new_tokens must be <= 32768. Given: 40000 inputs tokens",
  "input characters limit is 393216",
  "Error from provider: requested 140000 tokens, more than this model can take",
  "输入tokens超过模型限制",
  "该模型最大上下文长度为 128k，您的请求超出了限制",
];
const SOMETHING_ELSE = [
  "Too many tokens, please wait before trying again.",
  "Rate limit exceeded: too many input tokens for this model",
  "Tokens per minute exceeded for model gpt-9",
  "The model's daily token limit is exceeded",
  "Your token quota for this model has been exceeded",
  "API token exceeded the limit of this model",
  "max_tokens: 64000 is more than this model allows",
  "The model gives at most 4096 output tokens, 9000 are too many",
  "tools.3.name: more than 64 characters in the model's input",
  "The number of messages exceeds the limit",
  "该令牌的模型额度已超出限制",
  "模型每分钟 token 数超过限制",
];

test.each(TOO_MANY)("too many tokens: %s", (words) => {
  expect(isOfTooManyTokens(words.toLowerCase())).toBeTrue();
});

test.each(SOMETHING_ELSE)("something else: %s", (words) => {
  expect(isOfTooManyTokens(words.toLowerCase())).toBeFalse();
});
