// The settings around the configs: their defaults, the effective ones in the units of the program, and the list of all with
// the source of each.
// Pure.
import type { RoutingSettings } from "../routing/types.ts";
import type { ParsedConfig } from "./parse.ts";

/** docs/config.md gives the defaults. All durations in ms. */
export interface Settings {
  readonly routing: RoutingSettings;
  readonly uploadIdleMs: number;
  readonly firstByteTotalMs: number;
  readonly maxBodyBytes: number;
  /** Null where the machine decides: see base/memory-budget.ts. */
  readonly memoryMib: number | null;
  /** Only clients with the client token are answered; as it was when the proxy started. */
  readonly demandsToken: boolean;
}

type Value = string | number | boolean;

export interface EffectiveSetting {
  /** "routing.open_secs" */
  readonly name: string;
  readonly value: Value;
  readonly source: "config.json" | "default";
  readonly default: Value;
}

/** By the names and in the units of the file. An upstream may have timeouts and privacy of its own. */
export const DEFAULTS = {
  routing: {
    failure_threshold: 3,
    never_sent_threshold: 2,
    window_secs: 60,
    window_min_requests: 6,
    window_failure_share: 0.5,
    open_secs: 10,
    open_max_secs: 120,
    last_usable_open_secs: 2,
    last_usable_open_max_secs: 10,
    jitter: 0.2,
    auth_dead_secs: 300,
    exhausted_secs: 900,
    exhausted_max_secs: 86_400,
    max_upstreams_per_request: 3,
    ambiguous: "failover" as RoutingSettings["ambiguous"],
    drift: "adapt" as RoutingSettings["drift"],
    return_after_idle_secs: 300,
  },
  timeouts: {
    connect_secs: 10,
    first_byte_secs: 120,
    non_stream_secs: 600,
    idle_secs: 300,
    upload_idle_secs: 30,
    first_byte_total_secs: 330,
  },
  limits: { max_body_mib: 64, memory_mib: 1024, client_token: false },
  privacy: { strip_workspaces: true },
};
const GROUPS = ["routing", "timeouts", "limits", "privacy"] as const;

export function resolveSettings({ shell }: Pick<ParsedConfig, "shell">): Settings {
  const routing = withDefaults(DEFAULTS.routing, shell.routing);
  const timeouts = withDefaults(DEFAULTS.timeouts, shell.timeouts);
  const limits = withDefaults(DEFAULTS.limits, shell.limits);
  return {
    routing: {
      failureThreshold: routing.failure_threshold,
      neverSentThreshold: routing.never_sent_threshold,
      firstByteThreshold: 2,
      windowMs: routing.window_secs * 1000,
      windowMinRequests: routing.window_min_requests,
      windowFailureShare: routing.window_failure_share,
      openMs: routing.open_secs * 1000,
      openMaxMs: routing.open_max_secs * 1000,
      lastUsableOpenMs: routing.last_usable_open_secs * 1000,
      lastUsableOpenMaxMs: routing.last_usable_open_max_secs * 1000,
      jitter: routing.jitter,
      authDeadMs: routing.auth_dead_secs * 1000,
      exhaustedMs: routing.exhausted_secs * 1000,
      exhaustedMaxMs: routing.exhausted_max_secs * 1000,
      maxUpstreamsPerRequest: routing.max_upstreams_per_request,
      ambiguous: routing.ambiguous,
      drift: routing.drift,
      returnAfterIdleMs: routing.return_after_idle_secs * 1000,
    },
    uploadIdleMs: timeouts.upload_idle_secs * 1000,
    firstByteTotalMs: timeouts.first_byte_total_secs * 1000,
    maxBodyBytes: limits.max_body_mib * 2 ** 20,
    memoryMib: shell.limits?.memory_mib ?? null,
    demandsToken: limits.client_token,
  };
}

/**
 * All of them, in the units of the file. For those that an upstream may set too: where it does not. `memoryMib` is this
 * machine's default.
 */
export function listSettings(
  { shell }: Pick<ParsedConfig, "shell">,
  memoryMib: number = DEFAULTS.limits.memory_mib,
): EffectiveSetting[] {
  const defaults = { ...DEFAULTS, limits: { ...DEFAULTS.limits, memory_mib: memoryMib } };
  return GROUPS.flatMap((group) => {
    const given = new Map<string, unknown>(Object.entries(shell[group] ?? {}));
    return Object.entries<Value>(defaults[group]).map(([key, usual]): EffectiveSetting => {
      const value = given.get(key);
      const isSet = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
      return {
        name: `${group}.${key}`,
        value: isSet ? value : usual,
        source: isSet ? "config.json" : "default",
        default: usual,
      };
    });
  });
}

type Given<T> = { readonly [Key in keyof T]?: T[Key] | null | undefined };

/** Null means absent. */
function withDefaults<T extends object>(usual: T, given: Given<T> | null | undefined): T {
  return {
    ...usual,
    ...Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value != null)),
  };
}
