// Chinese for `ch usage`: summaries, single requests, reports, and prices.
// Pure.
import type { Dictionary } from "../../base/language.ts";

const HELP: Dictionary = {
  "requests, tokens and costs of a week, by config": "一周的请求数、token 与费用，按配置统计",
  "add up requests, tokens and costs": "统计请求数、token 与费用",
};

const SUMMARY: Dictionary = {
  "reading the log": "正在读取日志",
  "1 line of the log cannot be read and is left out": "日志中有 1 行无法读取，已跳过",
  "{0} lines of the log cannot be read and are left out": "日志中有 {0} 行无法读取，已跳过",
  "no requests in the log": "日志中没有请求",
  "no requests in the log but {0} that generate nothing": "日志中只有 {0} 个不产生内容的请求",
  "and 1 other request, which generates nothing": "另有 1 个不产生内容的请求",
  "and {0} other requests, which generate nothing": "另有 {0} 个不产生内容的请求",
  "no room for: {0} (--json has them)": "宽度不够，未显示：{0}（--json 中有）",
  "1 request is not in the cost, its model has no price: {0}": "有 1 个请求未计入费用，其模型没有价格：{0}",
  "{0} requests are not in the cost, their models have no price: {1}":
    "有 {0} 个请求未计入费用，其模型没有价格：{1}",
  "  give it one in {0} (docs/prices.md)": "  可在 {0} 中设定价格（见 docs/prices.md）",
};

const COLUMNS: Dictionary = {
  all: "合计",
  errors: "错误",
  failovers: "故障转移",
  input: "输入",
  cached: "缓存",
  output: "输出",
  reasoning: "推理",
  total: "总计",
  cost: "费用",
  "ttfb p50": "首字节 p50",
  p95: "p95",
  "tok/s": "token/秒",
  unpriced: "无价格",
};

const PRICES: Dictionary = {
  "the file": "整个文件",
  "is not a key of a price": "不是价格条目的键",
  "must be US dollars for a million tokens: a number from 0 to 1,000,000":
    "必须是每百万 token 的美元价格：0 到 1,000,000 的数字",
  "must be text in double quotes": "必须是双引号中的文本",
  "must not be empty": "不能为空",
  "must be a list of prices": "必须是价格列表",
  "leaves no place for prices beside it": "旁边不能再写价格",
  "needs input and output, or same_as": "需要 input 和 output，或 same_as",
};

export const USAGE_ZH: Dictionary = { ...HELP, ...SUMMARY, ...COLUMNS, ...PRICES };
