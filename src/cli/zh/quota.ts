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
};
