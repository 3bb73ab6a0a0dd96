// Chinese for completion by the shell.
// Pure.
import type { Dictionary } from "../language.ts";

export const COMPLETION_ZH: Dictionary = {
  "commands, flags and names completed by your shell": "让 shell 补全命令、选项和名称",
  "let your shell complete commands, flags and names": "让 shell 补全命令、选项和名称",
  "the script for bash": "bash 的补全脚本",
  "the script for zsh": "zsh 的补全脚本",
  "the script for fish": "fish 的补全脚本",
  "the script for PowerShell": "PowerShell 的补全脚本",
  "in this bash; in ~/.bashrc for every one": "用于当前 bash；写入 ~/.bashrc 则每次生效",
  "loaded when it is needed": "需要时才加载",
  "in this zsh; in ~/.zshrc, after compinit, for every one":
    "用于当前 zsh；写入 ~/.zshrc（在 compinit 之后）则每次生效",
  "into a directory of your $fpath": "放入 $fpath 中的目录",
  "in this fish": "用于当前 fish",
  "for every fish": "每次启动 fish 时生效",
  "in this PowerShell": "用于当前 PowerShell",
  "into a file that your $PROFILE loads": "写入由 $PROFILE 加载的文件",
  "the names that the scripts offer, one a line": "补全脚本所列的名称，每行一个",
  "configs and upstreams": "配置和上游",
  "Claude Code's sessions of this project": "Claude Code 在本项目中的会话",
  "targets or sessions": "targets 或 sessions",
  "there are names of targets and of sessions": "可列出 targets 或 sessions 的名称",
};
