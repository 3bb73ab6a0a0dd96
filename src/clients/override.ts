// What can keep a client from our proxy although its own file points there; and the ways that all clients have in common:
// another program on this machine, an outbound proxy for 127.0.0.1 (clients use one there unless NO_PROXY names it), and a
// home that depends on the current directory.
// Pure.
import { type Env, readVariable } from "../base/env.ts";
import { type Service, SERVICE_FACTS } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";
import { isWhole, makeWhole } from "../base/path-forms.ts";
import { type ShellValue, inShell } from "../base/shell.ts";
import { isLoopback } from "../config/base-url.ts";
import type { IsOwnAddress } from "./imported-config.ts";

export interface Override {
  /** Stable, for scripts. */
  readonly id: "managed" | "profile" | "project" | "cloud" | "outbound-proxy" | "other-proxy" | "home";
  /** The file's path, or the variable's name. */
  readonly where: Text | string;
  /** One clause for people; holds no value of the file but addresses on this machine. */
  readonly what: Text;
  /** What to type or do. */
  readonly hint: Text | string;
  /** Of "other-proxy": the address on this machine that the client has instead of ours. */
  readonly rival?: { readonly host: string; readonly port: number };
}

const PROXY_VARIABLES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
const EXEMPTIONS = ["NO_PROXY", "no_proxy"];

/** An outbound proxy that the client would use for 127.0.0.1 too. */
export function listOutboundProxy(env: Env): Override[] {
  const name = findLoopbackProxy(env);
  if (name === undefined) return [];
  return [
    {
      id: "outbound-proxy",
      where: name,
      what: t`requests to 127.0.0.1 go through it`,
      hint: t`${inShell().set("NO_PROXY", "127.0.0.1")} (keep what NO_PROXY already contains)`,
    },
  ];
}

/** A variable by which the client's home, `path` here, depends on the directory, or the drive, that it is started in. */
export function listRelativeHome(
  service: Service,
  path: string,
  { env, platform }: { readonly env: Env; readonly platform: NodeJS.Platform },
): Override[] {
  const { home, name } = SERVICE_FACTS[service];
  const value = env[home.variable];
  if (value === undefined || isWhole(value, platform)) return [];
  if (value === "" && home.emptyMeans === "default") return [];
  const isBlank = value.trim() === "";
  return [
    {
      id: "home",
      where: home.variable,
      what: isBlank
        ? t`is blank, which ${name} takes for ${path}: started in another directory, it reads other files`
        : t`is "${value}", which ${name} takes for ${path}: started in another directory, it reads other files`,
      hint: isBlank ? inShell().unset(home.variable) : inShell().set(home.variable, meantBy(value, platform)),
    },
  ];
}

function meantBy(value: string, platform: NodeJS.Platform): ShellValue {
  const isTilde = /^~(?=[\\/]|$)/.test(value);
  if (!isTilde) return makeWhole(value, platform);
  return { variable: "HOME", ...(value.length > 2 ? { below: value.slice(2) } : {}) };
}

/** Another program on this machine has the client: two such tools undo one another's work. */
export function listOtherProxy(
  { value, where }: { readonly value: string; readonly where: Text | string },
  isOwnAddress: IsOwnAddress,
): Override[] {
  if (!URL.canParse(value) || isOwnAddress(value)) return [];
  const { host, hostname, port, protocol } = new URL(value);
  if (!isLoopback(hostname)) return [];
  return [
    {
      id: "other-proxy",
      where,
      what: t`points at ${host}, which is another program on this machine`,
      hint: t`let only one of the two manage the client`,
      rival: { host, port: Number(port) || (protocol === "https:" ? 443 : 80) },
    },
  ];
}

/** The variable that sends them there, or undefined. */
function findLoopbackProxy(env: Env): string | undefined {
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
