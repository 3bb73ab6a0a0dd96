// The settings around the configs, with their defaults, in the units the program counts in.
// Pure.
import type { RoutingSettings } from "../routing/types.ts";
import type { ParsedConfig } from "./parse.ts";

/** docs/config.md gives the defaults. All durations in ms. */
export interface Settings {
  readonly routing: RoutingSettings;
  readonly uploadIdleMs: number;
  readonly firstByteTotalMs: number;
  readonly maxBodyBytes: number;
}

export function resolveSettings({ shell }: Pick<ParsedConfig, "shell">): Settings {
  const routing = shell.routing ?? {};
  return {
    routing: {
      failureThreshold: routing.failure_threshold ?? 3,
      neverSentThreshold: routing.never_sent_threshold ?? 2,
      firstByteThreshold: 2,
      windowMs: (routing.window_secs ?? 60) * 1000,
      windowMinRequests: routing.window_min_requests ?? 6,
      windowFailureShare: routing.window_failure_share ?? 0.5,
      openMs: (routing.open_secs ?? 10) * 1000,
      openMaxMs: (routing.open_max_secs ?? 120) * 1000,
      lastUsableOpenMs: (routing.last_usable_open_secs ?? 2) * 1000,
      lastUsableOpenMaxMs: (routing.last_usable_open_max_secs ?? 10) * 1000,
      jitter: routing.jitter ?? 0.2,
      authDeadMs: (routing.auth_dead_secs ?? 300) * 1000,
      exhaustedMs: (routing.exhausted_secs ?? 900) * 1000,
      exhaustedMaxMs: (routing.exhausted_max_secs ?? 86_400) * 1000,
      maxUpstreamsPerRequest: routing.max_upstreams_per_request ?? 3,
      ambiguous: routing.ambiguous ?? "failover",
      returnAfterIdleMs: (routing.return_after_idle_secs ?? 300) * 1000,
    },
    uploadIdleMs: (shell.timeouts?.upload_idle_secs ?? 30) * 1000,
    firstByteTotalMs: (shell.timeouts?.first_byte_total_secs ?? 330) * 1000,
    maxBodyBytes: (shell.limits?.max_body_mib ?? 64) * 2 ** 20,
  };
}
