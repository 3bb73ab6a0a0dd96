// Every setting around the configs with the value in force and where it comes from: config.json or the default.
// Pure.
import type { ParsedConfig } from "./parse.ts";
import type { ConfigShell } from "./schema.ts";
import { type Settings, resolveSettings } from "./settings.ts";

export interface EffectiveSetting {
  /** "routing.open_secs" */
  readonly name: string;
  readonly value: string | number | boolean;
  readonly source: "config.json" | "default";
  readonly default: string | number | boolean;
}

type Value = string | number | boolean;
type Read = (settings: Settings) => Value;

/** In the units of the file. What an upstream may set for itself is meant where it does not. */
const SETTINGS: Readonly<Record<string, Readonly<Record<string, Read | Value>>>> = {
  routing: {
    failure_threshold: ({ routing }) => routing.failureThreshold,
    never_sent_threshold: ({ routing }) => routing.neverSentThreshold,
    window_secs: ({ routing }) => routing.windowMs / 1000,
    window_min_requests: ({ routing }) => routing.windowMinRequests,
    window_failure_share: ({ routing }) => routing.windowFailureShare,
    open_secs: ({ routing }) => routing.openMs / 1000,
    open_max_secs: ({ routing }) => routing.openMaxMs / 1000,
    last_usable_open_secs: ({ routing }) => routing.lastUsableOpenMs / 1000,
    last_usable_open_max_secs: ({ routing }) => routing.lastUsableOpenMaxMs / 1000,
    jitter: ({ routing }) => routing.jitter,
    auth_dead_secs: ({ routing }) => routing.authDeadMs / 1000,
    exhausted_secs: ({ routing }) => routing.exhaustedMs / 1000,
    exhausted_max_secs: ({ routing }) => routing.exhaustedMaxMs / 1000,
    max_upstreams_per_request: ({ routing }) => routing.maxUpstreamsPerRequest,
    ambiguous: ({ routing }) => routing.ambiguous,
    return_after_idle_secs: ({ routing }) => routing.returnAfterIdleMs / 1000,
  },
  timeouts: {
    connect_secs: 10,
    first_byte_secs: 120,
    non_stream_secs: 600,
    idle_secs: 300,
    upload_idle_secs: ({ uploadIdleMs }) => uploadIdleMs / 1000,
    first_byte_total_secs: ({ firstByteTotalMs }) => firstByteTotalMs / 1000,
  },
  limits: { max_body_mib: ({ maxBodyBytes }) => maxBodyBytes / 2 ** 20 },
  privacy: { strip_workspaces: true },
};

export function listSettings({ shell }: Pick<ParsedConfig, "shell">): EffectiveSetting[] {
  const usual = resolveSettings({ shell: {} });
  return Object.entries(SETTINGS).flatMap(([group, settings]) =>
    Object.entries(settings).map(([key, read]): EffectiveSetting => {
      const given = valueIn(shell, group, key);
      const standard = typeof read === "function" ? read(usual) : read;
      return {
        name: `${group}.${key}`,
        value: given ?? standard,
        source: given === undefined ? "default" : "config.json",
        default: standard,
      };
    }),
  );
}

function valueIn(shell: ConfigShell, group: string, key: string): Value | undefined {
  const section: unknown = Object.entries(shell).find(([name]) => name === group)?.[1];
  if (typeof section !== "object" || section === null) return undefined;
  const value: unknown = Object.entries(section).find(([name]) => name === key)?.[1];
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : undefined;
}
