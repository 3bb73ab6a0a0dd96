// Chinese for the screen of `ch status`.
// Pure.
import type { Dictionary } from "../language.ts";

export const STATUS_ZH: Dictionary = {
  proxy: "代理",
  today: "今天",
  "pointed at port {0}": "指向端口 {0}",
  "pointed at port {0}, by hand": "指向端口 {0}（手动切换）",
  "pointed at port {0} by the ch with pid {1}": "指向端口 {0}（由 ch 切换，pid {1}）",
  "pointed at port {0} by a ch that has died": "指向端口 {0}，但当时的 ch 已异常退出",
  "{0}, where nothing listens": "{0}，那里没有程序监听",
  "http://127.0.0.1:{0}, pid {1}, for {2}": "http://127.0.0.1:{0}，pid {1}，已运行 {2}",
  "http://127.0.0.1:{0}, pid {1}, does not answer": "http://127.0.0.1:{0}，pid {1}，没有响应",
  "the one on port {0} (pid {1}) has died": "端口 {0} 上的代理（pid {1}）已异常退出",
  "no proxy runs": "没有代理在运行",
  "requests: {0}": "请求 {0} 个",
  "requests: more than {0}": "请求超过 {0} 个",
  "{0}, failed: {1}": "{0}，失败 {1} 个",
  "Set in {0}": "{0} 中的设置",
  "(default {0})": "（默认 {0}）",
  "1 request today": "今天 1 个请求",
  "{0} requests today": "今天 {0} 个请求",
  "through the proxy {0}": "经由网络代理 {0}",
};
