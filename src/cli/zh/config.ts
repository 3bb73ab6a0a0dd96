// Chinese for config.json: what is wrong with it, and the commands that show and change it.
// Pure.
import type { Dictionary } from "../language.ts";

/** What is wrong with the text of the file. */
const SYNTAX: Dictionary = {
  "nested deeper than {0} levels": "嵌套超过 {0} 层",
  'the key "{0}" stands here twice': "键“{0}”在此重复出现",
  "this is not JSON": "这不是 JSON",
  "this is not a number": "这不是数字",
  "a \\u escape is wrong": "\\u 转义有误",
  "an escape in a string is wrong": "字符串中的转义有误",
  "a control character stands in a string": "字符串中有控制字符",
};

/** Each follows the name of a key or a flag. */
const VALUES: Dictionary = {
  "text in double quotes": "双引号括起的文本",
  "a number": "数字",
  "a whole number": "整数",
  "true or false": "true 或 false",
  "a list": "列表",
  "an object": "对象",
  "is too large": "过大",
  "must be {0}": "必须是 {0}",
  "must hold at least {0}": "至少要有 {0} 项",
  "must hold at most {0}": "最多只能有 {0} 项",
  "must be more than {0}": "必须大于 {0}",
  "must be at least {0}": "不能小于 {0}",
  "must be at most {0}": "不能大于 {0}",
  "must be text in double quotes, or false": "必须是双引号括起的文本或 false",
  "must be a time such as 2026-12-01T09:00:00+01:00": "必须是形如 2026-12-01T09:00:00+01:00 的时间",
  "is a name that is not allowed here": "是此处不允许的名称",
  "holds a character that is not allowed here": "含有此处不允许的字符",
  " (and {0} more)": "（另有 {0} 处）",
};

const ADDRESSES: Dictionary = {
  "is empty": "为空",
  "holds a blank or a control character": "含有空白或控制字符",
  "holds a character outside ASCII (a full-width colon or slash?)":
    "含有非 ASCII 字符（是否用了全角冒号或斜杠？）",
  "must begin with https://": "必须以 https:// 开头",
  "must be an https or http address": "必须是 https 或 http 地址",
  "holds a backslash": "含有反斜杠",
  "must not hold a query: put it into `query`": "不能带查询参数：请写入 `query`",
  "must not hold a fragment": "不能带 # 片段",
  "must not hold a user name or password: put the key into `auth`": "不能带用户名或密码：请把密钥写入 `auth`",
  "is not a valid address": "不是有效的地址",
  "has an empty or a dotted part in its path": "路径中有空段或点段",
  "ends in /v1 twice": "结尾有两个 /v1",
  "is the address of codex-helper's own proxy": "是 codex-helper 自己代理的地址",
  "is http: the key is sent unencrypted": "是 http：密钥将以明文发送",
  "is a SOCKS proxy, and only http and https proxies are supported":
    "是 SOCKS 代理，只支持 http 和 https 代理",
  "is not the address of a proxy": "不是代理地址",
  "is not the address of an http or https proxy": "不是 http 或 https 代理的地址",
};

const CREDENTIALS: Dictionary = {
  "is empty, and counts as absent": "为空，视为未设置",
  "has blanks around it, which are left out": "首尾有空白，已忽略",
  "looks like a placeholder": "看起来是占位符",
  "is not used, because {0} is there": "不会使用，因为已有 {0}",
  "is allowed for the vendor's own host, or for the origin that the login was imported from (tags.imported_origin)":
    "只允许用于官方主机，或登录所导入自的来源（tags.imported_origin）",
  "holds a character that no header can carry": "含有请求头无法携带的字符",
  "is not the name of a variable": "不是变量名",
  "the variable {0} {1}": "变量 {0} {1}",
  "is the same upstream as number {0}": "与第 {0} 个上游相同",
};

const FILE: Dictionary = {
  "{0} is of version {1}, newer than this program knows: it is read but not changed":
    "{0} 的版本是 {1}，比本程序新：只读取，不修改",
  "{0} was written by a newer version of codex-helper, and is not changed by this one":
    "{0} 由更新版本的 codex-helper 写入，本版本不会修改它",
  '{0}: the names "{1}" and "{2}" differ only in case': "{0}：名称“{1}”与“{2}”只有大小写不同",
  '{0}.active names "{1}", which is not among the configs': "{0}.active 指向“{1}”，但没有这个配置",
  "differs from the key, and is ignored": "与键不同，已忽略",
  "{0} is written in a way that cannot be changed safely at {1}": "{0} 在 {1} 处的写法无法安全修改",
  "{0} was changed by another program just now; try again": "{0} 刚被其他程序修改；请重试",
  "{0} belongs to another user": "{0} 属于其他用户",
  "other users could read {0}; now only you can": "其他用户原本可以读取 {0}；现在只有你可以",
  "other users can read {0}, and that cannot be changed: {1}": "其他用户可以读取 {0}，且无法更改：{1}",
  "{0} is valid": "{0} 有效",
  'the editor "{0}" ended with exit code {1}': "编辑器“{0}”以退出码 {1} 结束",
  "set VISUAL or EDITOR": "请设置 VISUAL 或 EDITOR",
};

const NAMES: Dictionary = {
  '"{0}" is not the name of a config or of an upstream': "“{0}”不是配置或上游的名称",
  'NAME is a config, NAME#2 its second upstream; a name has 1 to 64 letters, digits, ".", "_" or "-"':
    "NAME 是配置，NAME#2 是它的第二个上游；名称为 1 到 64 个字母、数字、“.”、“_”或“-”",
  '"{0}" cannot name a config: 1 to 64 letters, digits, ".", "_" or "-"':
    "“{0}”不能用作配置名：应为 1 到 64 个字母、数字、“.”、“_”或“-”",
  '"{0}" is one upstream, and a config is meant here: {1}': "“{0}”是一个上游，这里应为配置：{1}",
  '"{0}" is a config, and one upstream of it is meant here: {1}#1':
    "“{0}”是配置，这里应为其中一个上游：{1}#1",
  "{0} has a config of that name: --{1}": "{0} 有同名配置：--{1}",
  '{0} has no config "{1}"': "{0} 没有配置“{1}”",
  'there is no config "{0}"': "没有配置“{0}”",
  'there is no config "{0}" for {1}': "{1} 没有配置“{0}”",
  'there is a config "{0}" already': "已有配置“{0}”",
  '"{0}" is its name already': "它的名称已经是“{0}”",
  '"{0}" has 1 upstream, and no number {1}': "“{0}”有 1 个上游，没有第 {1} 个",
  '"{0}" has {1} upstreams, and no number {2}': "“{0}”有 {1} 个上游，没有第 {2} 个",
  '"{0}" has no place {1}: its last one is {2}': "“{0}”没有第 {1} 位：最后一位是 {2}",
  "{0} is the only upstream of its config": "{0} 是该配置唯一的上游",
  "no upstream is configured for {0}": "还没有为 {0} 配置上游",
  "none of the configs of {0} is active": "{0} 没有当前配置",
  'the active config of {0} is "{1}", which does not exist': "{0} 的当前配置是“{1}”，但它不存在",
  'every upstream of "{0}" is disabled': "“{0}”的所有上游都已停用",
};

const ADDING: Dictionary = {
  "--append and --force exclude one another": "--append 与 --force 不能同时使用",
  "--alias belongs to a config: leave it out with --append": "--alias 属于配置：使用 --append 时请去掉它",
  "--from-config copies address and key: leave the others out":
    "--from-config 会复制地址和密钥：请去掉其他选项",
  "--base-url is missing": "缺少 --base-url",
  "--{0} and --{1} exclude one another": "--{0} 与 --{1} 不能同时使用",
  "type or paste the key, then press Enter and Ctrl+D": "输入或粘贴密钥，然后按回车和 Ctrl+D",
  "--{0}: nothing came on standard input": "--{0}：标准输入没有内容",
  "put the key there: ch config add {0} --base-url URL --{1} < FILE":
    "请提供密钥：ch config add {0} --base-url URL --{1} < FILE",
  "--auth-token-env NAME or --auth-token-stdin": "--auth-token-env NAME 或 --auth-token-stdin",
  "--api-key-env NAME or --api-key-stdin": "--api-key-env NAME 或 --api-key-stdin",
  "the key stands in your shell's history now; {0} would keep it out of there":
    "密钥现已留在 shell 历史记录里；用 {0} 可以避免",
  'there is nothing to copy in "{0}"': "“{0}”中没有可复制的内容",
  "the variable {0} is not set here: it must be where `ch serve` runs":
    "此处未设置变量 {0}：运行 `ch serve` 的环境中必须设置",
  "{0}: added {1}, the active config": "{0}：已添加 {1}，并设为当前配置",
  "{0}: added {1}": "{0}：已添加 {1}",
  "--append adds a backup upstream to it, --force replaces it": "--append 为它添加备用上游，--force 替换它",
};

const CHANGING: Dictionary = {
  "removed {0}; the file as it was is in {1}": "已删除 {0}；原文件保存在 {1}",
  "it was the active config: ch config set-active NAME makes another one so":
    "它原是当前配置：可用 ch config set-active NAME 另选一个",
  "{0} is {1} now": "{0} 现在是 {1}",
  "{0} uses {1}, from the next request on": "{0} 从下一个请求起使用 {1}",
  "--to is missing": "缺少 --to",
  "{0} is enabled": "已启用 {0}",
  "{0} is disabled": "已停用 {0}",
  "{0} is disabled until {1}": "已停用 {0}，直到 {1}",
  "no upstream of the active config is left: {0}'s requests fail from now on":
    "当前配置已没有可用的上游：{0} 的请求从现在起都会失败",
  '--until does not understand "{0}"': "--until 无法识别“{0}”",
  "--until {0} is in the past": "--until {0} 已经过去",
  'a service is {0}, not "{1}"': "服务是 {0}，不能是“{1}”",
  "codex or claude, as the flags say it": "codex 或 claude，与选项同义",
};

const SHOWING: Dictionary = {
  ALIAS: "别名",
  UPSTREAMS: "上游",
  active: "当前配置",
  "disabled until {0}": "停用至 {0}",
  "when its quota is gone, no other upstream is used in its place": "配额用尽后，不会改用其他上游",
  "no key": "无密钥",
  "the client's own login": "客户端自己的登录",
  "bearer token": "Bearer 令牌",
  "API key": "API 密钥",
  "{0} from {1}": "{0}，来自 {1}",
  "{0} from {1}, which is not set": "{0}，来自 {1}（未设置）",
};

export const CONFIG_ZH: Dictionary = {
  ...SYNTAX,
  ...VALUES,
  ...ADDRESSES,
  ...CREDENTIALS,
  ...FILE,
  ...NAMES,
  ...ADDING,
  ...CHANGING,
  ...SHOWING,
};
