// Chinese for the commands that run a proxy or point a client at one: serve, run, switch, demo.
// Pure.
import type { Dictionary } from "../../base/language.ts";

export const PROXY_ZH: Dictionary = {
  "warning: ": "警告：",
  "error: ": "错误：",
  "this is a bug in codex-helper {0}; please report it with the lines below":
    "这是 codex-helper {0} 的缺陷，请附上以下内容反馈",
  "codex-helper made a mistake and goes on: {0}": "codex-helper 内部出错，继续运行：{0}",
  "a request failed inside codex-helper: {0}": "codex-helper 处理一个请求时内部出错：{0}",
  "--codex and --claude exclude one another": "--codex 和 --claude 不能同时使用",
  '{0} takes a number from {1} to {2}, not "{3}"': "{0} 应为 {1} 到 {2} 的数字，而不是“{3}”",
  "both at once: ch serve --all": "同时代理两者：ch serve --all",

  '{0} on http://127.0.0.1:{1}, config "{2}"': "{0} 代理在 http://127.0.0.1:{1}，配置“{2}”",
  "  no failover: ch config add {0} --append --base-url URL{1}":
    "  只有一个上游，无法故障转移：ch config add {0} --append --base-url URL{1}",
  "  set in {0}: {1}": "  已写入 {0}：{1}",
  "  {0} pointed here already": "  {0} 原本就指向这里",
  "  put back at Ctrl+C, or with: ch switch off --{0}": "  按 Ctrl+C 时还原，或：ch switch off --{0}",
  "  {0} was changed by somebody since: that value comes back": "  {0} 期间被改过：将还原为改后的值",
  "  open Codex conversations keep their old address; a new one, or codex resume, comes here":
    "  已打开的 Codex 会话仍用旧地址；新会话或 codex resume 会走这里",
  "  open Claude Code sessions come here from their next request on":
    "  已打开的 Claude Code 会话从下一个请求起走这里",
  "  your client's files were not touched: ch run -- {0}": "  没有改动客户端的文件：ch run -- {0}",
  "Ctrl+C stops.": "按 Ctrl+C 停止。",
  "stopping: open answers have {0} s, a second Ctrl+C ends them":
    "正在停止：未完成的应答还有 {0} 秒，再按一次 Ctrl+C 立即结束",
  "put back: {0} was made by the switch and is removed": "已还原：{0} 是切换时创建的，现已删除",
  "put back in {0}: {1}": "已还原 {0}：{1}",
  "left in {0}, because it was changed meanwhile: {1}": "{0} 中期间改过的保持不变：{1}",
  "still names this proxy in {0}: {1}; edit it by hand": "{0} 中仍指向本代理：{1}；请手动修改",
  "the client was not put back: {0}; type: ch switch off": "客户端没有还原：{0}；请输入：ch switch off",
  "--port is for one service; --all uses the default ports": "--port 只用于单个服务；--all 使用默认端口",
  "took over from {0}: {1} (ch config list)": "已从 {0} 导入：{1}（ch config list）",
  "  left out: {0}": "  未导入：{0}",
  "port {0} is taken by another codex-helper (pid {1}, serving {2})":
    "端口 {0} 已被另一个 codex-helper 占用（pid {1}，代理 {2}）",
  "port {0} is taken by {1} (pid {2})": "端口 {0} 已被 {1} 占用（pid {2}）",
  "port {0} on {1} may not be used by this user": "当前用户无权使用 {1} 的端口 {0}",
  "port {0} on {1} is taken by another program": "{1} 的端口 {0} 已被其他程序占用",
  "{0} was not pointed at the proxy: {1}": "{0} 未能指向代理：{1}",
  "without its files: ch run -- {0}": "不改动它的文件：ch run -- {0}",
  "the proxy alone: ch serve --{0} --no-switch": "只运行代理：ch serve --{0} --no-switch",
  "hooks.on_event {0}; this is said once": "hooks.on_event {0}；此提示只出现一次",
  "did not end within {0} s": "未在 {0} 秒内结束",
  "ended with exit code {0}": "退出码为 {0}",
  "cannot be started: {0}": "无法启动：{0}",
  "what was learned of the upstreams is not kept: {0}": "上游状态无法保存：{0}",
  "redaction rules cannot be read: {0}": "无法读取脱敏规则：{0}",

  "new requests": "新请求",
  "session {0}": "会话 {0}",
  "{0} is out of quota until {1}: {2}": "{0} 配额用尽，至 {1}：{2}",
  "{0} is well again": "{0} 已恢复",
  "no upstream of {0} is usable now: {1}": "{0} 目前没有可用的上游：{1}",

  "{0} is pointed at {1}": "{0} 已指向 {1}",
  "  {0} says so already": "  {0} 原本就是如此",
  "  made {0}: {1}": "  已创建 {0}：{1}",
  "  changed {0}: {1}": "  已修改 {0}：{1}",
  "  {0} was set to something else since the last switch: off puts that back":
    "  {0} 在上次切换后被改过：off 会还原为改后的值",
  "  put back with: ch switch off --{0}": "  还原：ch switch off --{0}",
  "  put back with: {0}": "  还原：{0}",
  "  put back by the running ch (pid {0}) when it stops": "  由运行中的 ch（pid {0}）在停止时还原",
  "nothing listens on 127.0.0.1:{0} yet; until then {1} gets no answer":
    "127.0.0.1:{0} 上还没有代理在运行；在此之前 {1} 得不到应答",
  "{0} was not switched: {1} is as you have it": "{0} 没有切换过：{1} 保持原样",
  "{0} was removed; what stood there before the switch is not known any more":
    "{0} 已删除；切换前的内容已无从得知",
  "  what was edited in the file meanwhile is kept": "  期间对该文件的其他修改已保留",
  "{0}: only what can be recognised was put back": "{0}：只还原了能识别的部分",
  "  ch still runs (pid {0}), and new sessions go past it": "  ch 仍在运行（pid {0}），新会话不再走它",
  "not switched": "未切换",
  on: "已切换",
  "on, to {0}": "已切换到 {0}",
  "  in {0}: {1}": "  位于 {0}：{1}",
  "  the ch that switched it (pid {0}) has died: {1}, or go on with: ch serve --{2}":
    "  切换它的 ch（pid {0}）已异常退出：{1}，或继续使用：ch serve --{2}",
  "  nobody knows who switched it; put back with: {0}": "  不清楚由谁切换；还原：{0}",
  "  nothing listens there: ch serve --{0}{1}": "  该端口上没有代理：ch serve --{0}{1}",

  '{0} asks 127.0.0.1:{1}: config "{2}", {3}': "{0} 走 127.0.0.1:{1}：配置“{2}”，{3}",
  "what to run is missing": "缺少要运行的程序",
  '"{0}" is neither codex nor claude': "“{0}”既不是 codex 也不是 claude",
  "ch run -- codex ...  or  ch run -- claude ...  or, for another name: ch run --codex -- NAME ...":
    "ch run -- codex ...  或  ch run -- claude ...  其他名称：ch run --codex -- NAME ...",
  "{0} is not a program": "{0} 不是可执行程序",
  "{0} is not on PATH": "PATH 中没有 {0}",
  "cannot start {0}: {1}": "无法启动 {0}：{1}",
  "--settings: there is no file {0}": "--settings：没有文件 {0}",
  "{0} holds {1}, which would show in the list of processes": "{0} 含有 {1}，会出现在进程列表中",
  "take it out: the upstream's key is put in by the proxy": "请去掉它：上游的密钥由代理填入",
  "{0} does not hold a JSON object": "{0} 的内容不是 JSON 对象",

  "runs out of quota": "配额用尽",
  "limits the rate": "开始限流",
  "breaks with status 500": "返回 500 错误",
  "drops the connection": "断开连接",
  "stops answering": "不再应答",
  "answers with a web page": "返回网页",
  "hides an error inside a 200": "在 200 应答里藏了一个错误",
  "becomes slow, and is waited for": "变慢，代理会等它",
  "Two pretend relays on this machine: {0} first, {1} as backup.":
    "本机上的两个模拟中转站：首选 {0}，备用 {1}。",
  "On the third turn {0} {1}.": "第三轮时 {0} {1}。",
  "turn {0}": "第 {0} 轮",
  "answered by {0}": "{0} 应答",
  "{0} turns asked, {1} answered, {2} errors seen": "{0} 轮请求，{1} 轮得到应答，看到 {2} 个错误",
  "{0} requests": "{0} 个请求",
  "  client": "  客户端",
  "\nCodex is installed. Run one real turn of it through this proxy?":
    "\n已安装 Codex。要通过此代理实际运行一轮吗？",
  "Next: ch config add main --base-url URL --auth-token-env NAME":
    "下一步：ch config add main --base-url URL --auth-token-env NAME",
  "commands without --codex or --claude mean {0} now": "现在起，不带 --codex 或 --claude 的命令默认针对 {0}",
};
