// Chinese for what `ch doctor` says and does.
// Pure.
import type { Dictionary } from "../language.ts";

const FRAME: Dictionary = {
  "ok  ": "正常",
  info: "提示",
  warn: "警告",
  fail: "失败",
  "in order: {0} (ch doctor --all shows them)": "正常项：{0} 个（ch doctor --all 查看）",
  "Next: {0}": "下一步：{0}",
  "fixed: {0}": "已修复：{0}",
  "not fixed: {0}": "未能修复：{0}",
  "cannot make {0} private: {1}": "无法将 {0} 设为仅自己可读：{1}",
  "put back {0}": "已还原 {0}",
  "removed the records of proxies that have died: {0}": "已删除失效代理的记录：{0} 条",
  "made {0} private": "已将 {0} 设为仅自己可读",
};

const OWN_FILES: Dictionary = {
  "there is no config.json yet": "还没有 config.json",
  "config.json is in order": "config.json 正常",
  "redaction rules are in order, or there are none": "脱敏规则正常，或没有规则",
  "the sources of balances are in order, or the usual ones": "余额来源正常，或使用默认来源",
  "your own prices are in order, or there are none": "自定义价格正常，或没有设置",
  "mend {0}": "请修正 {0}",
  "{0} cannot be read and counts as empty; the next proxy writes it anew":
    "{0} 无法读取，按空文件处理；下次启动代理会重新写入",
  "what the last proxy remembered can be read, or there is nothing": "上次代理留下的状态可读，或没有",
  "requests can be logged": "可以记录请求日志",
  "requests are not logged in {0}: {1}": "请求没有记录到 {0}：{1}",
  "{0} has grown to {1} MiB: it could not be put away when it was full":
    "{0} 已增长到 {1} MiB：写满后未能归档",
  "it is not a file": "它不是文件",
  "our files can be kept in {0}": "可以在 {0} 中保存文件",
  "nothing can be kept in {0}: {1}": "无法在 {0} 中保存文件：{1}",
  "it is not a directory": "它不是目录",
  "make it a directory of yours, or name another: export CODEX_HELPER_HOME=...":
    "把它改成你自己的目录，或另指定一个：export CODEX_HELPER_HOME=...",
  "there is room on the disk": "磁盘空间充足",
  "only {0} MiB are free on the disk of {1}": "{1} 所在磁盘仅剩 {0} MiB",
  "only you can read our files": "我们的文件仅你可读",
  "others may read {0}": "其他用户可以读取 {0}",
  "others may read {0} of our files, as {1}": "其他用户可以读取我们的 {0} 个文件，例如 {1}",
  "{0} belongs to the older codex-helper and is left alone": "{0} 属于旧版 codex-helper，不作改动",
};

const UPSTREAMS: Dictionary = {
  "{0} uses config {1}, upstreams: {2}": "{0} 使用配置 {1}，上游 {2} 个",
  "{0} is not set up here": "{0} 尚未在此设置",
  "{0} has somewhere to fail over to": "{0} 有可供故障转移的上游",
  "{0} has a single upstream: there is no failover": "{0} 只有一个上游，无法故障转移",
  "{0}: the key is there": "{0}：密钥已就绪",
  "{0}: the key itself stands in config.json": "{0}：密钥明文写在 config.json 中",
  "name a variable instead: auth_token_env": "建议改用环境变量：auth_token_env",
  "{0} is asked through the proxy {1} ({2})": "{0} 经由网络代理 {1} 访问（{2}）",
  "the desktop uses the proxy {0}; upstreams are asked without it":
    "系统设置了网络代理 {0}，但访问上游时不会用到它",
  "the clock agrees with the upstreams'": "本机时钟与上游一致",
  "this machine's clock is {0} min behind that of {1}": "本机时钟比 {1} 慢 {0} 分钟",
  "this machine's clock is {0} min ahead of that of {1}": "本机时钟比 {1} 快 {0} 分钟",
  "set the clock by the network: timedatectl set-ntp true": "通过网络校时：timedatectl set-ntp true",
  "{0}: {1} is reachable ({2}; {3} ms)": "{0}：{1} 可连接（{2}；{3} 毫秒）",
  'check HTTPS_PROXY, or set "proxy": false for this upstream':
    '检查 HTTPS_PROXY，或为该上游设置 "proxy": false',
  "no answer from DNS for {0}": "DNS 查询 {0} 没有应答",
  "DNS does not know {0} ({1})": "DNS 查不到 {0}（{1}）",
  "{0} does not answer: no TCP connection within 3 s": "{0} 没有响应：3 秒内未能建立 TCP 连接",
  "{0} refuses the TCP connection ({1})": "{0} 拒绝 TCP 连接（{1}）",
  "{0} accepts connections, but not a TLS handshake": "{0} 接受连接，但未完成 TLS 握手",
  "{0} fails the TLS handshake ({1})": "与 {0} 的 TLS 握手失败（{1}）",
};

const CLIENTS: Dictionary = {
  "{0} is not switched": "{0} 未切换到代理",
  "{0} is pointed at port {1}, and the proxy that did it is gone ({2})":
    "{0} 指向端口 {1}，但当时的代理已不在（{2}）",
  "{0} is pointed at port {1}, where no proxy answers ({2})": "{0} 指向端口 {1}，但那里没有代理应答（{2}）",
  "ch serve --{0} --port {1}, or: ch switch off --{2}": "ch serve --{0} --port {1}，或：ch switch off --{2}",
  "{0} is pointed at the proxy on port {1}": "{0} 指向端口 {1} 上的代理",
  "{0} is set up here ({1}) and may point the clients elsewhere":
    "本机装有 {0}（{1}），它可能改动客户端的指向",
  "{0} is not on the search path": "PATH 中找不到 {0}",
  "{0} is there ({1})": "{0} 已安装（{1}）",
  "{0} {1} is older than the oldest one tried here ({2})": "{0} {1} 比测试过的最旧版本（{2}）还旧",
  "{0} {1} is newer than the newest one tried here ({2})": "{0} {1} 比测试过的最新版本（{2}）还新",
  "{0} {1} is one that was tried here": "{0} {1} 是测试过的版本",
};

const CLIENT_FILES: Dictionary = {
  "CODEX_HOME names {0}, which is no directory: Codex does not start":
    "CODEX_HOME 指向 {0}，但它不是目录：Codex 无法启动",
  "mkdir -p {0}, or: unset CODEX_HOME": "mkdir -p {0}，或：unset CODEX_HOME",
  "mend that line: Codex does not start with it": "请修正该行：否则 Codex 无法启动",
  "Codex can work with its provider": "Codex 的 provider 可用",
  '{0} sets "profile", which Codex refuses': '{0} 设置了 "profile"，Codex 会拒绝',
  "move the profile into its own file, and start: codex -p NAME":
    "把该 profile 移到单独的文件，并这样启动：codex -p NAME",
  '{0} names the provider "{1}", which no file defines: Codex does not start':
    "{0} 指定了 provider “{1}”，但没有文件定义它：Codex 无法启动",
  "define it under [model_providers.{0}]": "在 [model_providers.{0}] 下定义它",
  "set model_provider to one of: {0}": "把 model_provider 设为其中之一：{0}",
  'provider "{0}" has wire_api = "chat", which Codex no longer supports':
    'provider “{0}”的 wire_api = "chat" 已不被 Codex 支持',
  'provider "{0}" has no name: Codex does not start': "provider “{0}”没有 name：Codex 无法启动",
  'provider "{0}" is named "OpenAI": Codex then expects what only OpenAI\'s own service can do':
    'provider “{0}”的 name 是 "OpenAI"：Codex 会要求只有 OpenAI 官方才支持的功能',
  "Codex has no login: its screen asks for one, also behind the proxy":
    "Codex 没有登录：即使走代理，也会停在登录界面",
  "codex login, or: ch serve --own-provider": "codex login，或：ch serve --own-provider",
  "Codex's provider wants the variable {0}, which this shell does not have":
    "Codex 的 provider 需要环境变量 {0}，当前 shell 中没有",
  "OPENAI_BASE_URL is set, and Codex does not read it": "设置了 OPENAI_BASE_URL，但 Codex 不读取它",
  "mend it: Claude Code takes such a file for an empty one": "请修正：Claude Code 会把这样的文件当作空文件",
  "{0} sets an ANTHROPIC_BASE_URL that ends in /v1: Claude Code asks for /v1/v1/messages":
    "{0} 设置的 ANTHROPIC_BASE_URL 以 /v1 结尾：Claude Code 会请求 /v1/v1/messages",
  "take the /v1 away": "去掉 /v1",
  "Claude Code has a credential, or is not in use here": "Claude Code 有凭据，或未在此使用",
  "Claude Code has no credential, and asks to log in until it is switched":
    "Claude Code 没有凭据，切换到代理之前会要求登录",
  "the shell's ANTHROPIC_BASE_URL sends Claude Code past the proxy until it is switched":
    "shell 中的 ANTHROPIC_BASE_URL 使 Claude Code 绕过代理，直到切换为止",
  "unset ANTHROPIC_BASE_URL, or: ch switch on --claude":
    "unset ANTHROPIC_BASE_URL，或：ch switch on --claude",
  "{0} takes {1} GiB": "{0} 占用 {1} GiB",
  "{0} has grown to {1} GiB": "{0} 已增长到 {1} GiB",
  "close Codex, then remove it: Codex makes it anew": "关闭 Codex 后删除它：Codex 会重新创建",
};

const MACHINE: Dictionary = {
  "the proxy for {0} on port {1} (pid {2}) does not answer": "端口 {1} 上 {0} 的代理（pid {2}）没有响应",
  "the proxy for {0} on port {1} (pid {2}) is of version {3}, this is {4}":
    "端口 {1} 上 {0} 的代理（pid {2}）是版本 {3}，当前程序是 {4}",
  "stop it and start it again: ch serve": "停止后重新启动：ch serve",
  "a proxy for {0} runs on port {1} (pid {2})": "{0} 的代理正在端口 {1} 上运行（pid {2}）",
  "proxies that ended without clearing up: {0}": "异常退出、留有记录的代理：{0} 个",
  "port {0} of {1}'s proxy is free or ours": "{1} 代理的端口 {0} 空闲或由我们占用",
  "port {0} of {1}'s proxy is reserved by the system": "{1} 代理的端口 {0} 被系统保留",
  "port {0} of {1}'s proxy is taken by another program": "{1} 代理的端口 {0} 被其他程序占用",
  "port {0} of {1}'s proxy is taken by {2}": "{1} 代理的端口 {0} 被 {2} 占用",
};

const PROBE: Dictionary = {
  "One small request with its key goes to each of these:": "将带密钥向以下各上游发送一个小请求：",
  "Each costs about 30 tokens; what the upstream counts is shown.": "每个约 30 token，结果会显示上游的计数。",
  "Send them?": "发送吗？",
  "nobody is there to be asked: nothing was sent": "无人可以确认，没有发送任何请求",
  '"{0}" goes with --probe': "“{0}”需要与 --probe 一起使用",
  "there is no upstream to ask": "没有可以询问的上游",
  'there is no upstream "{0}"': "没有上游“{0}”",
  "{0}: it takes the client's own login, which is not ours to try":
    "{0}：使用客户端自己的登录，我们不代为尝试",
  "{0}: the key was taken": "{0}：密钥有效",
  "{0}: the key was refused: {1}": "{0}：密钥被拒绝：{1}",
  "{0}: whether the key is good is not known": "{0}：无法判断密钥是否有效",
  "{0}: no answer from {1}: {2}": "{0}：{1} 没有正常应答：{2}",
  "{0}: {1} answers, first output after {2} ms": "{0}：{1} 正常应答，首个输出 {2} 毫秒",
  "{0} tokens in, {1} out": "输入 {0}、输出 {1} token",
  "{0}: {1} answers, first output after {2} ms; cost: {3}": "{0}：{1} 正常应答，首个输出 {2} 毫秒；花费：{3}",
};

export const DOCTOR_ZH: Dictionary = {
  ...FRAME,
  ...OWN_FILES,
  ...UPSTREAMS,
  ...CLIENTS,
  ...CLIENT_FILES,
  ...MACHINE,
  ...PROBE,
};
