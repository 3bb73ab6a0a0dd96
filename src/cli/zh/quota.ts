// Chinese for quotas: usage_providers.json, readings, `ch quota`.
// Pure.
import type { Dictionary } from "../../base/language.ts";

export const QUOTA_ZH: Dictionary = {
  "stands here twice": "重复出现",
  "is not as expected": "不符合预期",
  "must be an https address": "必须是 https 地址",
  'can hold "*" for kind auto only': '只有 kind 为 auto 时才能含 "*"',
  "is missing": "缺失",
  "needs a preset, or an endpoint and paths": "需要 preset，或者 endpoint 和 paths",
  "the endpoint is not an address": "endpoint 不是有效地址",
  "the endpoint holds a password": "endpoint 中含有密码",
  "{0} is a private address and not the upstream's own": "{0} 是内网地址，且不是该上游自己的地址",
  "the endpoint at {0} is not https": "{0} 上的 endpoint 不是 https",
  "{0} is neither the upstream's own domain nor one of the listed domains":
    "{0} 既不是该上游自己的域名，也不在所列 domains 中",
  "the answer is larger than 1 MB": "响应超过 1 MB",
  "the answer is not JSON": "响应不是 JSON",
  "no answer within {0} s": "{0} 秒内没有响应",
  "given up": "已放弃",
  "the connection failed ({0})": "连接失败（{0}）",
  "the endpoint answered {0}": "endpoint 返回 {0}",
  "the answer has no figures that are known here": "响应中没有可识别的数字",
  "the variable {0} is not set": "未设置环境变量 {0}",
  "the token holds a character that is not allowed": "令牌中含有不允许的字符",
  "token_env needs an endpoint": "token_env 需要同时给出 endpoint",
  "{0} says that nothing is left": "{0} 表示已无余量",
  "{0}% used ({1})": "已用 {0}%（{1}）",
  "{0} {1} left ({2})": "剩余 {0} {1}（{2}）",
  "{0} of {1} {2} left ({3})": "剩余 {0} / {1} {2}（{3}）",
};
