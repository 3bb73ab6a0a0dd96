// Chinese for `ch usage`: summaries, single requests, reports, and prices.
// Pure.
import type { Dictionary } from "../language.ts";

const HELP: Dictionary = {
  '{0} takes a date, a time or an age, not "{1}"': "{0} 应为日期、时间或时长，而不是“{1}”",
  "for example: {0} today, {1} 7d, {2} 2026-01-31T14:30": "例如：{0} today、{1} 7d、{2} 2026-01-31T14:30",
  "requests, tokens and costs of a week, by config": "一周的请求数、token 与费用，按配置统计",
  "add up requests, tokens and costs": "统计请求数、token 与费用",
  "look for single requests": "查找单个请求",
  "what failed today": "今天失败的请求",
  "what took its time": "耗时较长的请求",
  "status the client got: 429, 5xx": "客户端收到的状态码：429、5xx",
  "how it went": "请求结果",
  "part of the address of one that was tried, or NAME#N": "尝试过的上游地址的一部分，或 NAME#N",
  "the config it went through": "请求所用的配置",
  "part of the model's name": "模型名称的一部分",
  "the session's id, or how it begins": "会话 id 或其开头",
  "part of the path": "路径的一部分",
  "part of an error": "错误信息的一部分",
  "took at least so long: 500ms, 30s, 2m": "耗时不少于：500ms、30s、2m",
  "one request and its attempts": "单个请求及其各次尝试",
  "an id from usage find": "usage find 给出的 id",
  "all that is known of it": "关于它的全部信息",
  "the request's id": "请求 id",
};

const REQUESTS: Dictionary = {
  "no request in the log is like that": "日志中没有符合条件的请求",
  "the last {0}; --limit shows more": "最近的 {0} 个；用 --limit 查看更多",
  "one of them: ch usage show ID": "查看其中一个：ch usage show ID",
  '--status takes a status such as 429 or 5xx, not "{0}"':
    "--status 应为 429 或 5xx 这样的状态码，而不是“{0}”",
  '--slower-than takes a time such as 500ms, 30s or 2m, not "{0}"':
    "--slower-than 应为 500ms、30s 或 2m 这样的时长，而不是“{0}”",
  'the config "{0}" has no upstream {1} that can be used': "配置“{0}”没有可用的第 {1} 个上游",
  'no request "{0}" in the log': "日志中没有请求“{0}”",
  request: "请求",
  when: "时间",
  model: "模型",
  session: "会话",
  directory: "目录",
  outcome: "结果",
  redactions: "脱敏",
  error: "错误",
  "{0}, asked for as {1}": "{0}，向上游请求的名称为 {1}",
  "first byte after {0}": "首字节 {0}",
  "{0} in": "输入 {0}",
  "{0} from the cache": "缓存读取 {0}",
  "{0} into the cache": "缓存写入 {0}",
  "{0} out": "输出 {0}",
  "{0} of it reasoning": "其中推理 {0}",
  "{0} in all": "共 {0}",
  "It was never sent to an upstream.": "该请求未发送给任何上游。",
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

const REPORT: Dictionary = {
  "draw tokens, costs, speed and failovers on one page": "把 token、费用、速度与故障转移画成一页报告",
  "a page for a browser, a phone or paper": "可在浏览器、手机上查看或打印的页面",
  "of Codex alone": "只统计 Codex",
  "where the page is written": "报告写入的文件",
  "also over a file that is no such page": "即使目标文件不是这种报告也覆盖",
  "--html FILE says where the page is to be written": "请用 --html FILE 指定报告写入的文件",
  "{0} is there already, and is no page of codex-helper": "{0} 已存在，且不是 codex-helper 的报告",
  "write over it: ch usage report --html {0} --force": "覆盖它：ch usage report --html {0} --force",
  "written: {0}": "已写入：{0}",
  "since the log began": "自日志开始",
  "since {0}": "自 {0} 起",
  "{0}, {1}, until {2}": "{0}，{1}，至 {2}",
  "Usage report": "用量报告",
  "By upstream": "按上游",
  "By model": "按模型",
  Tokens: "token",
  Cost: "费用",
  "First byte, half of the requests": "首字节：半数请求",
  "First byte, 95 of 100 requests": "首字节：95% 的请求",
  "Failovers, by who answered": "故障转移（按最终应答的上游）",
  Errors: "错误",
  others: "其他",
  "no upstream": "无上游",
  "Requests that generate nothing (model lists, token counting), not counted: {0}.":
    "未计入：{0} 个不产生内容的请求（模型列表、token 计数）。",
  "Requests of models without a price, not in the cost: {0} ({1}).":
    "未计入费用：{0} 个请求的模型没有价格：{1}。",
  "Costs are list prices times the upstream's factor, not bills.": "费用按标价乘以上游系数计算，并非账单。",
};

const COLUMNS: Dictionary = {
  hour: "小时",
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

const LOG: Dictionary = {
  "cannot put the full {0} away: {1}; it grows on": "{0} 已满但无法归档：{1}；文件将继续增长",
  "cannot write {0}: {1}; requests go on unlogged": "无法写入 {0}：{1}；请求照常进行，但不会记录",
  "{0} is written again; {1} requests are missing from it": "{0} 已恢复写入；其中缺少 {1} 个请求",
};

const PRICES: Dictionary = {
  "is not a key of a price": "不是价格条目的键",
  "must be US dollars for a million tokens: a number from 0 to 1,000,000":
    "必须是每百万 token 的美元价格：0 到 1,000,000 的数字",
  "must be text in double quotes": "必须是双引号中的文本",
  "must be a list of prices": "必须是价格列表",
  "leaves no place for prices beside it": "旁边不能再写价格",
  "needs input and output, or same_as": "需要 input 和 output，或 same_as",
};

export const USAGE_ZH: Dictionary = {
  ...HELP,
  ...SUMMARY,
  ...REQUESTS,
  ...REPORT,
  ...COLUMNS,
  ...LOG,
  ...PRICES,
};
