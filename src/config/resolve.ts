// From what config.json says to what the proxy uses: the active config's upstreams with credentials, timeouts in ms and
// the outbound proxy, and the settings around them.
// Pure.
import { type Env, readVariable } from "../base/env.ts";
import { fingerprint } from "../base/secrets.ts";
import { CLIENT_NAME, SERVICE_FACTS, SERVICES, type Service, flagFor, isOfficial } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";
import {
  type Credential,
  type ErrorRule,
  type KeySource,
  type LaneSettings,
  type ModelChains,
  type Timeouts,
  type Upstream,
  keyCommand,
} from "../base/upstream.ts";
import { durationMs } from "./at-a-limit.ts";
import { readBaseUrl } from "./base-url.ts";
import { problemOfSecret, findCredential } from "./check-upstreams.ts";
import { chooseOutboundProxy } from "./outbound-proxy.ts";
import { formatTarget } from "./name.ts";
import type { NamedConfig, ParsedConfig, ServiceConfigs } from "./parse.ts";
import type { AuthEntry, TimeoutsEntry, UpstreamEntry } from "./schema.ts";
import { DEFAULTS } from "./settings.ts";

export interface ResolveContext {
  readonly env: Env;
  /** A variable that the environment does not have, from the client's own files. */
  readonly clientSecret: (name: string) => string | undefined;
  /** Wall clock, ms. */
  readonly now: number;
  /** The process whose environment it is, where others ask for it: "the running ch (pid 4312, terminal ttys003)". */
  readonly holder?: (() => Text) | undefined;
  /** Why a command gave no key when this process ran it last. */
  readonly keyProblem?: ((source: KeySource) => Text | null) | undefined;
  /** Use this config instead of the active one. */
  readonly configName?: string | undefined;
}

export interface Ready {
  readonly kind: "ready";
  readonly configName: string;
  readonly alias: string | null;
  /** Enabled ones, in order. Never empty. */
  readonly upstreams: readonly Upstream[];
  readonly onExhausted: "continue" | "stop";
  readonly models: ModelChains | undefined;
  /** Undefined: a request is not held. */
  readonly waitMs: number | undefined;
}

/** Why there is none, for people, and what to type. */
export interface Unset {
  readonly kind: "unset";
  readonly message: Text | string;
  readonly hint: string;
}

/** The upstreams that requests of a service use. */
export function resolveConfig(
  config: ParsedConfig,
  service: Service,
  context: ResolveContext,
): Ready | Unset {
  const chosen = chooseConfig(config.services[service], service, context.configName);
  if ("kind" in chosen) return chosen;
  const upstreams = listUpstreams(config, service, chosen, context).filter(({ isEnabled }) => isEnabled);
  if (upstreams.length === 0) {
    return unset(
      t`every upstream of "${chosen.name}" is disabled`,
      `ch config enable ${chosen.name}${flagFor(service)}`,
    );
  }
  return {
    kind: "ready",
    configName: chosen.name,
    alias: chosen.alias,
    upstreams: upstreams.map(({ upstream }) => upstream),
    onExhausted: chosen.entry.on_exhausted ?? "continue",
    models: chosen.entry.models ?? undefined,
    waitMs: resolveWait(config, chosen),
  };
}

function resolveWait({ shell }: ParsedConfig, { entry }: NamedConfig): number | undefined {
  const wait = (entry.on_all_exhausted ?? shell.on_all_exhausted)?.wait;
  return wait == null ? undefined : durationMs(wait);
}

/** The config asked for, else the active one; where that is missing, the only one there is that is not just imported. */
export function chooseConfig(section: ServiceConfigs, service: Service, asked?: string): NamedConfig | Unset {
  const { active, configs, broken, mistyped } = section;
  const wanted = asked ?? active;
  const names = [...new Set([...configs.keys(), ...broken.keys()])];
  const hasWanted = wanted !== null && names.includes(wanted);
  const usable = names.filter((one) => configs.get(one)?.entry.needs_activation !== true);
  const name = hasWanted || asked !== undefined || usable.length !== 1 ? wanted : usable[0];
  const chosen = configs.get(name ?? "");
  if (chosen !== undefined) return chosen;

  const problem = broken.get(name ?? "");
  if (problem !== undefined) return unset(problem, "ch config edit");
  const client = CLIENT_NAME[service];
  if (asked !== undefined) {
    return unset(t`there is no config "${asked}" for ${client}`, `ch config list${flagFor(service)}`);
  }
  if (mistyped !== null) return unset(mistyped, "ch config edit");
  if (names.length === 0) {
    const line = `ch config add main --base-url URL --auth-token-env NAME${flagFor(service)}`;
    return unset(t`no upstream is configured for ${client}`, line);
  }
  const why =
    active === null
      ? t`${client} has no active config`
      : t`the active config of ${client} is "${active}", which does not exist`;
  return unset(why, `ch config set-active ${names[0]}${flagFor(service)}`);
}

/** Is there a config that is, or could be, in use? One that was imported and waits for its activation is none. */
export function hasUsable({ broken, configs, mistyped }: ServiceConfigs): boolean {
  return (
    mistyped !== null ||
    broken.size > 0 ||
    [...configs.values()].some(({ entry }) => entry.needs_activation !== true)
  );
}

function unset(message: Text | string, hint: string): Unset {
  return { kind: "unset", message, hint };
}

/** All upstreams of one config, the disabled ones too. */
export function listUpstreams(
  config: ParsedConfig,
  service: Service,
  named: NamedConfig,
  context: ResolveContext,
): { readonly upstream: Upstream; readonly isEnabled: boolean; readonly entry: UpstreamEntry }[] {
  const { privacy, timeouts } = config.shell;
  const makeUpstream = (entry: UpstreamEntry, position: number): Upstream => {
    const read = readBaseUrl(entry.base_url);
    const baseUrl = read.kind === "ok" ? read.url : entry.base_url;
    const label = formatTarget(named.name, position);
    const credential = resolveCredential(entry.auth ?? {}, { ...context, label, service });
    const outbound = chooseOutboundProxy(baseUrl, entry.proxy ?? undefined, context.env);
    const isVendors = isOfficial(service, baseUrl);
    const own = entry.privacy?.strip_workspaces ?? privacy?.strip_workspaces;
    const key = `${service}|${baseUrl}|${identify(credential)}`;
    return {
      key,
      service,
      configName: named.name,
      position,
      label,
      baseUrl,
      origin: URL.parse(baseUrl)?.origin ?? "",
      isOfficial: isVendors,
      credential: outbound.kind === "refused" ? { kind: "unusable", why: outbound.problem } : credential,
      headers: lowerNames(entry.headers ?? {}),
      query: entry.query ?? {},
      headersAllowed: new Set(
        [...(named.entry.headers_allowed ?? []), ...(entry.headers_allowed ?? [])].map((name) =>
          name.toLowerCase(),
        ),
      ),
      models: entry.models ?? {},
      proxy: outbound.kind === "proxy" ? outbound.url : false,
      tlsCa: entry.tls_ca ?? null,
      timeouts: resolveTimeouts(service, timeouts ?? {}, entry.timeouts ?? {}),
      onStatus: entry.on_status ?? {},
      onError: [...(entry.on_error ?? []), ...(named.entry.on_error ?? [])].map(readErrorRule),
      stripWorkspaces: (own ?? DEFAULTS.privacy.strip_workspaces) && !isVendors,
      lane: resolveLane(key, entry, { config, service }),
      keep: entry.keep ?? null,
    };
  };
  return named.entry.upstreams.map((entry, index) => ({
    entry,
    isEnabled:
      entry.enabled !== false &&
      !(entry.disabled_until != null && Date.parse(entry.disabled_until) > context.now),
    upstream: makeUpstream(entry, index + 1),
  }));
}

/**
 * The same address with the same key is one upstream, in whatever config it stands; those of one group share a limit, of whatever
 * service. Of several limits the smallest counts.
 */
function resolveLane(
  key: string,
  entry: UpstreamEntry,
  { config, service }: { readonly config: ParsedConfig; readonly service: Service },
): LaneSettings | null {
  const own = listEntries(config.services[service]).filter((other) => isSame(entry, other));
  const group = entry.limit_group ?? own.find(({ limit_group }) => limit_group != null)?.limit_group ?? null;
  const members =
    group === null
      ? own
      : [...own, ...SERVICES.flatMap((one) => listEntries(config.services[one]))].filter(
          (other) => other.limit_group === group || own.includes(other),
        );
  const limits = members.flatMap(({ max_concurrent }) => max_concurrent ?? []);
  const secs = entry.queue_secs ?? null;
  if (group === null && limits.length === 0 && secs === null) return null;
  return {
    name: group === null ? key : `group|${group}`,
    group,
    limit: limits.length === 0 ? null : Math.min(...limits),
    queueMs: secs === null ? null : secs * 1000,
  };
}

function listEntries({ configs }: ServiceConfigs): UpstreamEntry[] {
  return [...configs.values()].flatMap(({ entry }) => entry.upstreams);
}

function isSame(one: UpstreamEntry, other: UpstreamEntry): boolean {
  return one.base_url === other.base_url && JSON.stringify(one.auth) === JSON.stringify(other.auth);
}

interface Named extends ResolveContext {
  readonly label: string;
  readonly service: Service;
}

function resolveCredential(auth: AuthEntry, context: Named): Credential {
  const written = findCredential(auth);
  if (written === null) return auth.client === true ? { kind: "client" } : { kind: "none" };
  const { kind } = written;
  if (written.from === "text") return { kind, secret: written.secret };
  if (written.from === "command") {
    const { source } = written;
    return { kind: "command", as: kind, source, problem: context.keyProblem?.(source) ?? null };
  }
  const { variable } = written;
  const secret = (readVariable(context.env, variable) ?? context.clientSecret(variable))?.trim() ?? "";
  const problem = problemOfSecret(secret);
  if (secret !== "" && problem === null) return { kind, secret };
  return {
    kind: "unusable",
    why: describeVariable(variable, problem, { ...context, kind }),
    needs: { kind, variable },
  };
}

interface NeedOfKey extends Pick<Named, "holder" | "label" | "service"> {
  readonly kind: "bearer" | "api-key";
}

/** What is wrong with a variable that holds a key: null for one that is not set. What is exported elsewhere reaches no process that runs. */
export function describeVariable(
  name: string,
  problem: Text | null,
  { holder, kind, label, service }: NeedOfKey,
): Text {
  if (holder === undefined)
    return problem === null ? t`the variable ${name} is not set` : t`the variable ${name} ${problem}`;
  const what = problem === null ? t`${name} is not set in ${holder()}` : t`${name} in ${holder()} ${problem}`;
  return t`${what}: export it there and restart, or \`${keyCommand({ credential: kind, label, service })}\``;
}

/** Distinguishes two accounts at one address, without the secret. A command stays one account whatever key it prints. */
function identify(credential: Credential): string {
  if (credential.kind === "command") return `command-${fingerprint(JSON.stringify(credential.source.words))}`;
  return credential.kind === "bearer" || credential.kind === "api-key"
    ? fingerprint(credential.secret)
    : credential.kind;
}

type ErrorEntry = NonNullable<UpstreamEntry["on_error"]>[number];

function readErrorRule({ match, status, until, verdict }: ErrorEntry): ErrorRule {
  return { parts: match.toLowerCase().split("*"), status: status ?? null, verdict, until: until ?? null };
}

function lowerNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Seconds of the file to ms. */
function resolveTimeouts(service: Service, all: TimeoutsEntry, own: TimeoutsEntry): Timeouts {
  const firstByte = own.first_byte_secs ?? all.first_byte_secs;
  return {
    connectMs: (own.connect_secs ?? all.connect_secs ?? DEFAULTS.timeouts.connect_secs) * 1000,
    firstByteMs: (firstByte ?? DEFAULTS.timeouts.first_byte_secs) * 1000,
    firstByteLastMs: Math.max(firstByte ?? 0, 300) * 1000,
    nonStreamMs: (own.non_stream_secs ?? all.non_stream_secs ?? SERVICE_FACTS[service].nonStreamSecs) * 1000,
    idleMs: (own.idle_secs ?? all.idle_secs ?? DEFAULTS.timeouts.idle_secs) * 1000,
  };
}
