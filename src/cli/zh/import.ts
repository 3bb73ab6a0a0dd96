// Chinese for taking over configs from clients, other tools, files and links.
// Pure.
import type { Dictionary } from "../language.ts";

const CC_SWITCH: Dictionary = {
  "there is nothing of cc-switch in {0}": "{0} 中没有 cc-switch 的数据",
  "{0} has no table of providers that could be read": "{0} 中没有可读取的 providers 表",
  "{0} is of version {1}, newer than {2}: what it adds is not looked at":
    "{0} 的版本是 {1}，比 {2} 新：其新增内容不予读取",
  "close cc-switch and try again": "关闭 cc-switch 后重试",
  "cc-switch's failover queue": "cc-switch 的故障转移队列",
  'cc-switch\'s provider "{0}"': "cc-switch 的供应商“{0}”",
  "cc-switch signs in to that account by itself": "该账号由 cc-switch 自行登录",
  "it is a cloud's own endpoint (Bedrock and the like)": "这是云厂商自己的端点（Bedrock 等）",
  "the vendor's login (ch config import --from {0})": "官方登录（ch config import --from {0}）",
  "its key is a placeholder of cc-switch's proxy": "其密钥是 cc-switch 代理的占位符",
  "it speaks another format ({0})": "其接口是另一种格式（{0}）",
  "its address is one endpoint, and no base address can be told from it":
    "其地址是单个端点，无法得出基础地址",
  "{0} for other programs ({1})": "{0} 个用于其他程序的供应商（{1}）",
};

const CLI_PROXY: Dictionary = {
  "there is nothing of cli_proxy in {0}": "{0} 中没有 cli_proxy 的数据",
  "filter.json: copy it to ~/.codex-helper, then ch filter check":
    "filter.json：请复制到 ~/.codex-helper，然后运行 ch filter check",
  'cli_proxy\'s "{0}"': "cli_proxy 的“{0}”",
  "cli_proxy's entries by weight": "cli_proxy 的条目，按权重排序",
  "it is not an object": "不是对象",
  "the choice of an entry by model ({0}): upstreams are asked in their order":
    "按模型选择条目（{0}）：这里按顺序请求上游",
  "failureThreshold {0} ({1}): here it is routing.failure_threshold, for all configs":
    "failureThreshold {0}（{1}）：这里是 routing.failure_threshold，对所有配置生效",
};

const LINKS: Dictionary = {
  "the link": "该链接",
  "a ccswitch:// link": "ccswitch:// 链接",
  "the link cannot be taken over: {0}": "无法导入该链接：{0}",
  "{0}: it has no counterpart here": "{0}：这里没有对应项",
  "it has no key": "没有密钥",
  "it has no address": "没有地址",
  "it has no name": "没有名称",
  "it has more than {0} addresses": "地址超过 {0} 个",
  "its address is on this machine": "其地址在本机上",
  "it is not a ccswitch:// address": "不是 ccswitch:// 地址",
  "it does not begin with ccswitch://v1/import?": "不是以 ccswitch://v1/import? 开头",
  "it gives {0} twice": "{0} 出现了两次",
  "it holds no provider (resource={0})": "其中没有供应商（resource={0}）",
  "it is neither for codex nor for claude (app={0})": "既不用于 codex 也不用于 claude（app={0}）",
  "its config is of another format ({0})": "其 config 是另一种格式（{0}）",
  "its config is not text in Base64": "其 config 不是 Base64 编码的文本",
  "its config is not a JSON object": "其 config 不是 JSON 对象",
  "the link's key stands in your shell's history now": "链接中的密钥现已留在你的 shell 历史记录里",
  "a link may come from anybody: your conversations would go to {0}":
    "链接可能来自任何人：你的对话内容将发往 {0}",
};

const CLIENT_SETUP: Dictionary = {
  "one of its headers cannot be sent by a proxy": "其中有代理无法发送的请求头",
  "its {0} cannot be used": "其 {0} 无法使用",
  "{0} has no provider or login that could be taken over{1}": "{0} 没有可导入的 provider 或登录{1}",
  "Claude Code's own credentials": "Claude Code 自己的凭据",
  "Claude Code's ANTHROPIC_BASE_URL": "Claude Code 的 ANTHROPIC_BASE_URL",
  'Codex\'s provider "{0}"': "Codex 的 provider“{0}”",
  "{0}: has no base_url": "{0}：没有 base_url",
  "{0}: is this proxy itself": "{0}：就是本代理",
  "Codex's API key login": "Codex 的 API 密钥登录",
  "Codex's ChatGPT login": "Codex 的 ChatGPT 登录",
  "Codex's API key login: openai_base_url is this proxy itself":
    "Codex 的 API 密钥登录：openai_base_url 就是本代理",
  "Codex's login is in the system's key store: whose it is cannot be told":
    "Codex 的登录保存在系统密钥库中：无法得知属于谁",
};

const FILES: Dictionary = {
  "there is no file {0}": "没有文件 {0}",
  "{0} holds no configs": "{0} 中没有配置",
  "{0} (its key is masked: export it without --masked)": "{0}（密钥已脱敏：导出时请去掉 --masked）",
  "settings that come along: {0}": "一并导入的设置：{0}",
  "settings that stay as they are here: {0}": "保持本机现状的设置：{0}",
};

const SCREEN: Dictionary = {
  NAME: "名称",
  ADDRESS: "地址",
  KEY: "密钥",
  "{0}, from {1}": "{0}，来自 {1}",
  "another config is called {0}: this one becomes {1}": "已有名为 {0} 的配置：这一个命名为 {1}",
  "{0} is here already, as {1}": "{0} 已经存在，名为 {1}",
  "left out: {0}": "未导入：{0}",
  "nothing new: all of it is in {0} already": "没有新内容：全部已在 {0} 中",
  "{0}: there is nothing that could be taken over": "{0}：没有可以导入的内容",
  "written to {0}": "已写入 {0}",
  "nothing was written; the same command with --yes writes it": "尚未写入；加上 --yes 再次运行即可写入",
  "Add these?": "添加这些吗？",
  "say what to import: a FILE, or --from SOURCE": "请指明要导入什么：FILE 或 --from SOURCE",
  "--dir belongs to --from cc-switch or --from cli_proxy":
    "--dir 只能与 --from cc-switch 或 --from cli_proxy 一起使用",
  "--from and a FILE exclude one another": "--from 与 FILE 不能同时使用",
  '--from takes {0} or a ccswitch:// link, not "{1}"': "--from 可取 {0} 或 ccswitch:// 链接，不能是“{1}”",
};

const EXPORT: Dictionary = {
  "--masked and --with-keys exclude one another": "--masked 与 --with-keys 不能同时使用",
  "--force needs a FILE": "--force 需要 FILE",
  "--force replaces it": "加 --force 可覆盖",
  "there is a file {0} already": "文件 {0} 已存在",
  "these are your keys: do not show them to anybody": "其中是你的密钥：不要给任何人看",
  "the keys are masked; ch config export FILE writes them whole, for another machine":
    "密钥已脱敏；要在另一台机器上使用，请用 ch config export FILE 写出完整密钥",
  "written to {0}, with masked keys": "已写入 {0}，密钥已脱敏",
  "written to {0}, with your keys: only you can read it\n  there: ch config import {1}":
    "已写入 {0}，含完整密钥：只有你能读取\n  在另一台机器上：ch config import {1}",
};

const HELP: Dictionary = {
  "take over configs from a client, another tool or a file": "从客户端、其他工具或文件导入配置",
  "take over cc-switch's providers": "导入 cc-switch 的供应商",
  "look at a link": "查看一个链接",
  "look at an export, or another config.json": "查看导出文件或另一个 config.json",
  "an export, or another config.json": "导出文件，或另一个 config.json",
  "codex, claude, cc-switch, cli_proxy or a ccswitch:// link":
    "codex、claude、cc-switch、cli_proxy 或 ccswitch:// 链接",
  "where cc-switch or cli_proxy keeps its files, if not in the usual place":
    "cc-switch 或 cli_proxy 的数据目录，不在默认位置时填写",
  "write all configs to a file, or show them masked": "把全部配置写入文件，或脱敏后显示",
  "everything, with masked keys": "全部内容，密钥已脱敏",
  "with the keys, into a file for you alone": "含密钥，写入只有你能读取的文件",
  "a new file; its keys are whole": "新文件，其中密钥完整",
  "mask the keys in FILE too": "FILE 中的密钥也脱敏",
  "whole keys on standard output": "在标准输出中显示完整密钥",
  "replace FILE": "覆盖 FILE",
};

export const IMPORT_ZH: Dictionary = {
  ...CC_SWITCH,
  ...CLI_PROXY,
  ...LINKS,
  ...CLIENT_SETUP,
  ...FILES,
  ...SCREEN,
  ...EXPORT,
  ...HELP,
};
