// Chinese for what is said about the files and command lines of Codex and Claude Code.
// Pure.
import type { Dictionary } from "../language.ts";

export const CLIENTS_ZH: Dictionary = {
  "the environment": "环境变量",
  "another file": "另一个文件",
  "this is not a JSON object": "这不是 JSON 对象",
  "env must be an object": "env 必须是对象",
  "{0} must be a text": "{0} 必须是字符串",
  "{0}: {1} must be a text": "{0}：{1} 必须是字符串",
  "{0}: model_providers must be a table": "{0}：model_providers 必须是表",
  "{0}: model_providers.{1} must be a table": "{0}：model_providers.{1} 必须是表",
  "a NUL character": "出现 NUL 字符",
  "a carriage return without a line feed": "回车符后没有换行符",
  "the edit would have changed more than its own keys, so nothing was written":
    "这次修改会动到其他键，因此什么都没有写入",
  "please report this, with the file if you can": "请反馈此问题，方便的话附上该文件",
  "this file cannot be edited safely: the result would not be valid TOML":
    "无法安全地修改此文件：结果将不是有效的 TOML",
  "{0} is not there, and there is no safe place for it": "文件里没有 {0}，也没有可以安全写入它的位置",
  "write {0} into the file, or leave it as it is and use: ch switch on --own-provider":
    "请自行在文件中写入 {0}；或保持原样，改用：ch switch on --own-provider",
  "{0} is there already, and is not ours": "{0} 已存在，且不是我们写的",
  "give that provider another name": "给那个 provider 换个名字",
  "model_providers is an inline table, and nothing can be added to it from outside":
    "model_providers 是内联表，无法从外部追加内容",
  "write each provider as a table of its own: [model_providers.NAME]":
    "把每个 provider 写成单独的表：[model_providers.NAME]",

  "--settings sets {0}: the requests would go past the proxy": "--settings 设置了 {0}：请求会绕过代理",
  "take {0} out of it, or start claude without ch": "去掉其中的 {0}，或不经 ch 直接启动 claude",
  "--oss and --local-provider ask a model on this machine, not an upstream":
    "--oss 和 --local-provider 使用本机模型，不经过上游",
  "leave the option out, or start codex without ch": "去掉该选项，或不经 ch 直接启动 codex",
  "--remote: the requests are made by another Codex, which cannot be pointed at this proxy":
    "--remote：请求由另一个 Codex 发出，无法让它走这个代理",
  "run ch where that Codex runs": "在那个 Codex 所在的机器上运行 ch",
  '{0}: model_provider is "{1}", {2}': "{0}：model_provider 是“{1}”，{2}",
  "which is not defined": "但没有定义它",
  "which this proxy cannot stand in front of": "本代理无法代理它",
  "choose another: ch run -- codex -c model_provider=NAME": "换一个：ch run -- codex -c model_provider=NAME",
  "-c sets or replaces {0}: the requests would go past the proxy": "-c 设置或替换了 {0}：请求会绕过代理",
  "leave that -c out, or start codex without ch": "去掉那个 -c，或不经 ch 直接启动 codex",
  "{0} sets {1}, and wins over every command line": "{0} 设置了 {1}，优先于任何命令行参数",
  "take {0} out of that file, or ask who manages this machine": "从该文件中去掉 {0}，或联系本机管理员",

  "sets {0}, and wins over every file and option": "设置了 {0}，优先于所有文件和选项",
  "take it out of that file, or ask who manages this machine": "从该文件中去掉它，或联系本机管理员",
  "sets {0}: codex -p {1} goes past the proxy": "设置了 {0}：codex -p {1} 会绕过代理",
  "take it out of that file, or use: ch run -- codex -p {0}":
    "从该文件中去掉它，或使用：ch run -- codex -p {0}",
  "sets ANTHROPIC_BASE_URL, and wins over every file and option":
    "设置了 ANTHROPIC_BASE_URL，优先于所有文件和选项",
  "sets ANTHROPIC_BASE_URL: in this directory Claude Code goes past the proxy":
    "设置了 ANTHROPIC_BASE_URL：在此目录下 Claude Code 会绕过代理",
  "take it out of that file, or use: ch run -- claude": "从该文件中去掉它，或使用：ch run -- claude",
  "{0} sends Claude Code to a cloud's own endpoint": "{0} 让 Claude Code 直连云厂商的端点",
  "unset {0}, or use: ch run -- claude": "取消 {0}，或使用：ch run -- claude",
  "requests for 127.0.0.1 are sent through it": "发往 127.0.0.1 的请求会经过它",
  "export NO_PROXY=127.0.0.1 (with what NO_PROXY holds already)":
    "export NO_PROXY=127.0.0.1（保留 NO_PROXY 原有的内容）",
  "points at {0}, which is another program on this machine": "指向 {0}，那是本机上的另一个程序",
  "let only one of the two point the client": "两个工具中只让一个接管客户端",

  "{0} decides where Claude Code sends its requests, and wins":
    "Claude Code 的请求去向由 {0} 决定，它的优先级更高",
  "{0} decides where Codex sends its requests, and wins": "Codex 的请求去向由 {0} 决定，它的优先级更高",
  "ask who manages this machine": "联系本机管理员",
  "change it there, or start Codex with: ch run -- codex": "在那里修改，或这样启动 Codex：ch run -- codex",
  'Codex\'s provider is "{0}", which nothing can be put in front of':
    "Codex 的 provider 是“{0}”，无法在它前面加代理",
  "choose another model_provider in {0}, or use: {1}": "在 {0} 中换一个 model_provider，或使用：{1}",
  'Codex\'s provider is "{0}", and no file defines it': "Codex 的 provider 是“{0}”，但没有文件定义它",
  "correct model_provider in {0}, or use: {1}": "更正 {0} 中的 model_provider，或使用：{1}",
  'Codex\'s provider "{0}" is defined in {1}, which we leave alone':
    "Codex 的 provider“{0}”定义在 {1} 中，我们不改动该文件",
  "use: {0}": "使用：{0}",
  "{0} is pointed at port {1} by another codex-helper (pid {2})":
    "{0} 已被另一个 codex-helper（pid {2}）指向端口 {1}",
  "end it with Ctrl+C first, or: ch switch off --{0}": "先用 Ctrl+C 结束它，或：ch switch off --{0}",
};
