// Configs and upstreams as people and scripts may see them: every secret masked.
// Pure.
import { type Text, showMoment } from "../../../base/text.ts";
import { t } from "../../language.ts";
import { maskSecret, maskText } from "../../../base/secrets.ts";
import type { Service } from "../../../base/service.ts";
import { readBaseUrl } from "../../../config/base-url.ts";
import { findCredential } from "../../../config/check-upstreams.ts";
import { maskWord, showCommand } from "../../../config/key-command.ts";
import { formatTarget } from "../../../config/name.ts";
import type { NamedConfig, ParsedConfig } from "../../../config/parse.ts";
import { chooseConfig } from "../../../config/resolve.ts";
import type { UpstreamEntry } from "../../../config/schema.ts";

/** Field names are a contract with scripts: they are only ever added to. */
export type UpstreamView = Readonly<ReturnType<typeof viewUpstream>>;

export interface CredentialView {
  readonly kind: "bearer" | "api-key" | "client" | "none";
  readonly variable: string | null;
  /** A variable that holds nothing is not set. */
  readonly is_set: boolean;
  readonly masked: string | null;
  /** The words of the command that prints it, what looks like a secret masked. */
  readonly command: readonly string[] | null;
}

export interface ConfigView {
  readonly name: string;
  readonly alias: string | null;
  readonly is_active: boolean;
  readonly on_exhausted: "continue" | "stop";
  /** Requested model -> those that stand in for one another. */
  readonly models: Readonly<Record<string, readonly string[]>>;
  /** The longest wait for a reset; null where nothing waits. */
  readonly wait: string | null;
  /** Why it cannot be used, or null. */
  readonly problem: Text | string | null;
  readonly upstreams: readonly UpstreamView[];
}

export interface ViewContext {
  readonly config: ParsedConfig;
  readonly service: Service;
  readonly readVariable: (name: string) => string | undefined;
  /** Whether the process that serves has it; null where none runs, or it does not say. Default: this process decides. */
  readonly isSetThere?: (name: string) => boolean | null;
}

/** All configs of a service in the order of the file; those that cannot be used come last. */
export function viewConfigs(context: ViewContext): ConfigView[] {
  const { configs, broken } = context.config.services[context.service];
  const usable = [...configs.values()].map((named) => viewConfig(named, context));
  const unusable = [...broken].map(([name, problem]) => ({
    name,
    alias: null,
    is_active: context.config.services[context.service].active === name,
    on_exhausted: "continue" as const,
    models: {},
    wait: null,
    problem,
    upstreams: [],
  }));
  return [...usable, ...unusable];
}

function viewConfig(named: NamedConfig, context: ViewContext): ConfigView {
  const active = chooseConfig(context.config.services[context.service], context.service);
  return {
    name: named.name,
    alias: named.alias,
    is_active: active === named,
    on_exhausted: named.entry.on_exhausted ?? "continue",
    models: named.entry.models ?? {},
    wait: (named.entry.on_all_exhausted ?? context.config.shell.on_all_exhausted)?.wait ?? null,
    problem: null,
    upstreams: named.entry.upstreams.map((entry, index) =>
      viewUpstream(entry, formatTarget(named.name, index + 1), context),
    ),
  };
}

function viewUpstream(entry: UpstreamEntry, target: string, context: ViewContext) {
  const base = readBaseUrl(entry.base_url);
  return {
    target,
    base_url: base.kind === "ok" ? base.url : "",
    credential: viewCredential(entry, context),
    enabled: entry.enabled !== false,
    disabled_until: entry.disabled_until ?? null,
    tags: JSON.parse(maskText(JSON.stringify(entry.tags ?? {}))) as object,
    models: entry.models ?? {},
    headers: maskValues(entry.headers ?? {}),
    query: maskValues(entry.query ?? {}),
    proxy: typeof entry.proxy === "string" ? maskText(entry.proxy) : (entry.proxy ?? null),
    tls_ca: entry.tls_ca ?? null,
    timeouts: entry.timeouts ?? {},
    on_status: entry.on_status ?? {},
    on_error: entry.on_error ?? [],
    cost_multiplier: entry.cost_multiplier ?? 1,
    budget_usd: entry.budget_usd ?? null,
    budget: [entry.budget ?? []].flat(),
    keep: entry.keep ?? {},
    max_concurrent: entry.max_concurrent ?? null,
    limit_group: entry.limit_group ?? null,
    queue_secs: entry.queue_secs ?? null,
    privacy: entry.privacy ?? {},
  };
}

function viewCredential(
  { auth }: UpstreamEntry,
  { isSetThere, readVariable }: Pick<ViewContext, "isSetThere" | "readVariable">,
): CredentialView {
  const written = findCredential(auth);
  const view = { variable: null, is_set: true, masked: null, command: null };
  if (written === null) return { ...view, kind: auth?.client === true ? "client" : "none" };
  const { kind } = written;
  if (written.from === "text") return { ...view, kind, masked: maskSecret(written.secret) };
  if (written.from === "command") return { ...view, kind, command: written.source.words.map(maskWord) };
  const { variable } = written;
  const secret = readVariable(variable)?.trim() ?? "";
  const is_set = isSetThere?.(variable) ?? secret !== "";
  return { ...view, kind, variable, is_set, masked: secret === "" ? null : maskSecret(secret) };
}

function maskValues(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, maskSecret(value)]));
}

/** "bearer token sk-a…wxyz from KEY" */
export function describeCredential({ command, kind, variable, is_set, masked }: CredentialView): string {
  if (kind === "none") return t`no key`;
  if (kind === "client") return t`the client's own login`;
  const name = kind === "bearer" ? t`bearer token` : t`API key`;
  if (command !== null) return t`${name} from the command: ${showCommand(command)}`;
  const from = variable ?? "";
  if (!is_set) return t`${name} from ${from}, which is not set`;
  // It is set where it is needed, and this terminal does not have it.
  if (masked === null) return t`${name} from ${from}`;
  const shown = `${name} ${masked}`;
  return variable === null ? shown : t`${shown} from ${from}`;
}

/** "disabled", "disabled until ...", or "" for one that is asked. */
export function describeState(view: UpstreamView, now: number): string {
  if (!view.enabled) return t`disabled`;
  const until = view.disabled_until === null ? 0 : Date.parse(view.disabled_until);
  return until > now ? t`disabled until ${showMoment(until, now)}` : "";
}
