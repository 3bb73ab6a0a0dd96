// Would a client send its requests for 127.0.0.1 through an outbound proxy? Both clients do so unless NO_PROXY names it.
// Pure.
import { type Env, readVariable } from "../base/env.ts";

const PROXY_VARIABLES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
const EXEMPTIONS = ["NO_PROXY", "no_proxy"];

/** The variable that sends them there, or undefined. */
export function findLoopbackProxy(env: Env): string | undefined {
  if (EXEMPTIONS.some((name) => covers(readVariable(env, name) ?? ""))) return undefined;
  return PROXY_VARIABLES.find((name) => readVariable(env, name) !== undefined);
}

/** What to set so that requests for 127.0.0.1 go straight; nothing where they do. */
export function exemptLoopback(env: Env): Record<string, string> {
  if (findLoopbackProxy(env) === undefined) return {};
  const before = readVariable(env, "NO_PROXY") ?? readVariable(env, "no_proxy");
  const value = before === undefined ? "127.0.0.1" : `${before},127.0.0.1`;
  return { NO_PROXY: value, no_proxy: value };
}

function covers(list: string): boolean {
  return list.split(",").some((entry) => /^(?:\*|127\.0\.0\.1|127\.0\.0\.0\/8)$/.test(entry.trim()));
}
