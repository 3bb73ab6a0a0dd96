import { describe, expect, test } from "bun:test";
import { deniesModel } from "../../src/routing/one-model.ts";
import { findSpent } from "../../src/routing/spent.ts";

/** Wordings of nobody in particular: they stand for the kind, the reported ones are in test/refusals. */
const MONEY = [
  "Your subscription credits have been fully consumed for this cycle",
  "Monthly spending cap reached",
  "You have exhausted all of your plan's included requests",
  "Insufficient funds on account",
  "quota is not enough",
  "You've used all your free messages today",
  "weekly limit reached",
  "Usage cap hit for the 5-hour window",
  "Your wallet is empty",
  "Please top up your account",
  "Package has run out",
  "your prepaid balance has reached zero",
  "账户可用额度已用完，请充值",
  "已超过今日使用次数上限",
  "剩余积分不够",
  "账号欠费",
  "请充值后再试",
  "Your subscription has expired",
  "No active subscription found for this group",
  "Your trial has ended",
  "Your account is not active, please check your billing details on our website.",
  "This API method requires billing to be enabled.",
  "套餐已过期，请续费",
  "没有有效的订阅",
  "当前分组无可用套餐",
];
const NOT_MONEY = [
  "Rate limit exceeded: 60 requests per minute",
  "TPM limit reached",
  "Too many requests, you have reached the limit",
  "Rate limit exceeded. Top up to get higher limits",
  "Concurrency limit exceeded for your plan",
  "context length exceeded: your plan allows 200k tokens",
  "file size limit exceeded",
  "Image limit reached: at most 20 images",
  "max_tokens exceeds the limit for this model",
  "thinking budget exceeded max_tokens",
  "reasoning budget exhausted before output",
  "retry budget exhausted",
  "tool call limit exceeded",
  "connection pool exhausted, limit reached",
  "memory limit exceeded",
  "请求过于频繁，请稍后再试",
  "每分钟请求数已达到上限",
  "上下文长度超出限制",
  "Make sure to provide a valid key for an active subscription",
  "Your current plan does not support this",
  "API key has expired",
  "令牌已过期",
  "当前分组无可用渠道",
];

test.each(MONEY)("money: %s", (words) => {
  expect(findSpent(words.toLowerCase(), [])).toBe("account");
});

test.each(NOT_MONEY)("not money: %s", (words) => {
  expect(findSpent(words.toLowerCase(), [])).toBeNull();
});

test("the quota of one model is not that of the account", () => {
  expect(findSpent("you have exhausted your quota for the gpt-9 model", [])).toBe("model");
});

describe("a key that may not use one model:", () => {
  test.each([
    "This API key is not authorized for model gpt-9",
    "Your API key does not have permission to use the specified model",
    "You don't have access to the model",
    "model gpt-9: access denied",
    "Your tier does not have access to o3",
    "Your plan doesn't include gpt-9",
    "当前令牌无权访问该模型",
    "模型 x 对当前用户禁止使用",
    "unknown provider for model claude-x",
    "The provided model identifier is invalid.",
    "This model version has reached the end of its life.",
    "The model `x` has been decommissioned and is no longer supported.",
    "Model is marked by provider as Legacy",
    "Publisher Model `projects/p/models/x` is not servable in region r.",
    "Your organization must be verified to use the model `x`.",
    "your current token plan not support model, x-9",
    "模型 x 价格未配置",
    "模型 x 已下线",
  ])("%s", (words) => {
    expect(deniesModel(words.toLowerCase(), true)).toBe(true);
  });

  test.each([
    "Invalid API key: not authorized for any model",
    "Your account is not authorized",
    "access denied",
    "Access to our models is not allowed from unsupported countries",
    "Your plan does not include the API",
    "The provided tool identifier is invalid.",
    "The parameter `functions` is deprecated",
    "令牌已过期",
  ])("not so: %s", (words) => {
    expect(deniesModel(words.toLowerCase(), true)).toBe(false);
  });

  test("its name is as good as the word", () => {
    const words = "your tier does not have access to claude-x";
    expect(deniesModel(words, true)).toBe(false);
    expect(deniesModel(words, true, "Claude-X")).toBe(true);
    expect(deniesModel("claude-x 在当前套餐中不可用", true, "claude-x")).toBe(true);
    expect(deniesModel("invalid api key for claude-x", true, "claude-x")).toBe(false);
  });

  test("a parameter that a model does not take is none, where the status is of no access", () => {
    expect(deniesModel("temperature is not allowed with this model", false)).toBe(false);
  });
});
