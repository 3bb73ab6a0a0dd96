// Chinese for command lines that are refused, with what to type instead.
// Pure.
import type { Dictionary } from "../language.ts";

export const USAGE_ERRORS_ZH: Dictionary = {
  '"{0}" must come after "--"': '“{0}”必须写在 "--" 之后',
  "--{0} is given twice": "--{0} 给了两次",
  "--{0} takes no value": "--{0} 不带值",
  "--{0} needs a value": "--{0} 需要一个值",
  "the value of --{0} is empty": "--{0} 的值为空",
  "unknown flag {0}{1}": "未知选项 {0}{1}",
  '--{0} takes {1}, not "{2}"': "--{0} 可取 {1}，不能是“{2}”",
  "{0} is missing": "缺少 {0}",
  "{0} is empty": "{0} 为空",
  'unexpected argument "{0}"': "多余的参数“{0}”",
  "for example: {0}": "例如：{0}",
  "for example: {0} {1}": "例如：{0} {1}",
  "{0}; did you mean {1}?": "{0}；是不是想输入 {1}？",
  "{0} needs a command: {1}": "{0} 需要一个子命令：{1}",
  'unknown command "{0}"': "未知命令“{0}”",
  'unknown command "{0}"; did you mean {1}?': "未知命令“{0}”；是不是想输入 {1}？",
  "leave one of them out": "去掉其中一个",
  "--all means every upstream: there is no place for a name": "--all 指所有上游，不能再写名称",
};
