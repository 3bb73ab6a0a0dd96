// From what config.json says to what the proxy uses: the active config's upstreams with credentials, timeouts in ms and
// the outbound proxy, and the settings around them.
// Pure.
import { type Env, readVariable } from "../base/env.ts";
import { fingerprint } from "../base/secrets.ts";
import { OFFICIAL_HOSTS, type Service } from "../base/service.ts";
import type { Credential, Timeouts, Upstream } from "../base/upstream.ts";
import { readBaseUrl } from "./base-url.ts";
import { chooseOutboundProxy } from "./outbound-proxy.ts";
import type { NamedConfig, ParsedConfig } from "./parse.ts";
import type { AuthEntry, TimeoutsEntry, UpstreamEntry } from "./schema.ts";

export interface ResolveContext {
  readonly env: Env;
  /** A variable that the environment does not have, from the client's own files. */
  readonly clientSecret: (name: string) => string | undefined;
  /** Wall clock, ms. */
  readonly now: number;
  /** Use this config instead of the active one. */
  readonly configName?: string | undefined;
}

export type Resolved =
  | {
      readonly kind: "ready";
      readonly configName: string;
      readonly alias: string | null;
      /** Enabled ones, in order. Never empty. */
      readonly upstreams: readonly Upstream[];
      readonly onExhausted: "continue" | "stop";
    }
  /** `message` and `hint` are for people. */
  | { readonly kind: "unset"; readonly message: string; readonly hint: string };

/** The config that requests of a service use, and why there is none. */
export function resolveConfig(config: ParsedConfig, service: Service, context: ResolveContext): Resolved {
  const flag = service === "claude" ? " --claude" : "";
  const section = config.services[service];
  const unset = (message: string, hint: string): Resolved => ({
    kind: "unset",
    message,
    hint: `${hint}${flag}`,
  });
  const name =
    context.configName ??
    section.active ??
    (section.configs.size === 1 ? [...section.configs.keys()][0] : undefined);
  if (
    name === undefined ||
    (context.configName === undefined && section.configs.size === 0 && section.broken.size === 0)
  ) {
    return section.configs.size === 0
      ? unset(
          `no upstream is configured for ${service}`,
          "ch config add main --base-url URL --auth-token-env NAME",
        )
      : unset(`no config of ${service} is active`, `ch config set-active ${[...section.configs.keys()][0]}`);
  }
  const problem = section.broken.get(name);
  if (problem !== undefined)
    return unset(`the config "${name}" cannot be used: ${problem}`, "ch config edit");
  const only =
    section.configs.size === 1 && context.configName === undefined
      ? [...section.configs.values()][0]
      : undefined;
  const chosen = section.configs.get(name) ?? only;
  if (chosen === undefined) return unset(`there is no config "${name}" for ${service}`, "ch config list");
  const upstreams = listUpstreams(config, service, chosen, context).filter(({ isEnabled }) => isEnabled);
  if (upstreams.length === 0)
    return unset(`every upstream of "${chosen.name}" is disabled`, `ch config enable ${chosen.name}#1`);
  return {
    kind: "ready",
    configName: chosen.name,
    alias: chosen.alias,
    upstreams: upstreams.map(({ upstream }) => upstream),
    onExhausted: chosen.entry.on_exhausted ?? "continue",
  };
}

/** All upstreams of one config, the disabled ones too. */
export function listUpstreams(
  config: ParsedConfig,
  service: Service,
  named: NamedConfig,
  context: ResolveContext,
): { readonly upstream: Upstream; readonly isEnabled: boolean; readonly entry: UpstreamEntry }[] {
  return named.entry.upstreams.map((entry, index) => ({
    entry,
    isEnabled:
      entry.enabled !== false &&
      !(entry.disabled_until != null && Date.parse(entry.disabled_until) > context.now),
    upstream: makeUpstream({ config, service, named, entry, index, context }),
  }));
}

interface UpstreamParts {
  readonly config: ParsedConfig;
  readonly service: Service;
  readonly named: NamedConfig;
  readonly entry: UpstreamEntry;
  readonly index: number;
  readonly context: ResolveContext;
}

function makeUpstream({ config, service, named, entry, index, context }: UpstreamParts): Upstream {
  const read = readBaseUrl(entry.base_url);
  const baseUrl = read.kind === "ok" ? read.url : entry.base_url;
  const credential = resolveCredential(entry.auth ?? {}, context);
  const outbound = chooseOutboundProxy(baseUrl, entry.proxy ?? undefined, context.env);
  const host = new URL(baseUrl).hostname;
  const strip = entry.privacy?.strip_workspaces ?? config.shell.privacy?.strip_workspaces ?? true;
  return {
    key: `${service}|${baseUrl}|${identify(credential)}`,
    service,
    configName: named.name,
    position: index + 1,
    label: `${named.name}#${index + 1}`,
    baseUrl,
    credential: outbound.kind === "refused" ? { kind: "unusable", why: outbound.problem } : credential,
    headers: lowerNames(entry.headers ?? {}),
    query: entry.query ?? {},
    models: entry.models ?? {},
    proxy: outbound.kind === "proxy" ? outbound.url : false,
    timeouts: resolveTimeouts(service, config.shell.timeouts ?? {}, entry.timeouts ?? {}),
    onStatus: entry.on_status ?? {},
    stripWorkspaces: strip && !OFFICIAL_HOSTS[service].includes(host),
  };
}

function resolveCredential(auth: AuthEntry, context: ResolveContext): Credential {
  if (auth.auth_token != null) return { kind: "bearer", secret: auth.auth_token.trim() };
  if (auth.api_key != null) return { kind: "api-key", secret: auth.api_key.trim() };
  const named = auth.auth_token_env ?? auth.api_key_env;
  if (named != null) {
    const secret = (readVariable(context.env, named) ?? context.clientSecret(named))?.trim();
    if (secret === undefined || secret === "")
      return { kind: "unusable", why: `the variable ${named} is not set` };
    return { kind: auth.auth_token_env != null ? "bearer" : "api-key", secret };
  }
  return auth.client === true ? { kind: "client" } : { kind: "none" };
}

/** What tells two accounts at one address apart, without the secret. */
function identify(credential: Credential): string {
  return credential.kind === "bearer" || credential.kind === "api-key"
    ? fingerprint(credential.secret)
    : credential.kind;
}

function lowerNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Seconds of the file to ms. Claude Code gives up on a silent answer after 300 s: it must hear from us before. */
function resolveTimeouts(service: Service, all: TimeoutsEntry, own: TimeoutsEntry): Timeouts {
  const firstByte = own.first_byte_secs ?? all.first_byte_secs;
  return {
    connectMs: (own.connect_secs ?? all.connect_secs ?? 10) * 1000,
    firstByteMs: (firstByte ?? 120) * 1000,
    firstByteLastMs: Math.max(firstByte ?? 0, 300) * 1000,
    nonStreamMs: (own.non_stream_secs ?? all.non_stream_secs ?? (service === "claude" ? 280 : 600)) * 1000,
    idleMs: (own.idle_secs ?? all.idle_secs ?? 300) * 1000,
  };
}
