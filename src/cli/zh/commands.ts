// Chinese for the table of commands and for the frame of the help screens.
// Pure.
import type { Dictionary } from "../language.ts";

export const COMMANDS_ZH: Dictionary = {
  "run the proxy in front of you (bare ch does it too)": "在前台运行代理（直接输入 ch 也一样）",
  "point a client at the proxy, and put it back": "让客户端走代理，或还原",
  "start a client behind a proxy of its own": "启动客户端，并为它单独开一个代理",
  "what is odd, and what to type": "检查异常，并给出该输入的命令",
  "see a failover happen, without a key": "不用密钥，亲眼看一次故障转移",
  "what runs, where requests go, how each upstream is": "正在运行什么、请求去往何处、各上游状态如何",
  "the order of the next request, and a fresh start": "下一个请求的上游顺序；清除健康记录",
  "see and change your upstreams": "查看和修改上游",
  "Codex or Claude Code, where no flag says": "未加参数时默认使用 Codex 还是 Claude Code",
  "what requests cost, and how they went": "请求的花费与结果",
  "check and try the redaction rules": "检查并试用脱敏规则",
};
