// Chinese for words that several areas say: names of columns, and what is wrong with a value of any file of ours.
// Pure.
import type { Dictionary } from "../language.ts";

export const SHARED_ZH: Dictionary = {
  "is missing": "缺失",
  "is not as expected": "不符合要求",
  key: "密钥",
  none: "无",
  " or ": " 或 ",
  "did you mean {0}?": "是不是想输入 {0}？",
  client: "客户端",
  config: "配置",
  upstream: "上游",
  day: "日",
  "the file": "整个文件",
  "must not be empty": "不能为空",
  disabled: "已停用",
  "cannot be used": "无法使用",
  "a key in double quotes is expected": "此处应为双引号括起的键",
  "a value is expected": "此处应有值",
  'a ":" is expected': "此处应为“:”",
  'a "," is expected': "此处应为“,”",
  'a "}" is missing': "缺少“}”",
  'a "]" is missing': "缺少“]”",
  "something follows after the end of the value": "值结束后还有其他内容",
  "a comment is not closed": "注释没有结束",
  "a string is not closed": "字符串没有结束",
};
