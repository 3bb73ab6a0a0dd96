import fc from "fast-check";
import type { LogEntry } from "../../src/log/entry.ts";

const name = fc.oneof(
  fc.constantFrom("main", "gpt-6-sol", "https://中转.example/v1", "", "ok", "a", "[x]", '"', "\\", "\u2028"),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);
const count = fc.oneof(fc.nat(100_000), fc.constantFrom(0, Number.MAX_SAFE_INTEGER, 999_999_999_999_999));
const ms = fc.oneof(count, fc.double({ min: 0, max: 1e9, noNaN: true }));
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const reason = fc.record({ rule: fc.constantFrom("rate-limit", "not-tried"), status: count, why: name });
const status = fc.integer({ min: 100, max: 599 });

const figures = {
  input_tokens: maybe(count),
  output_tokens: maybe(count),
  reasoning_tokens: maybe(count),
  total_tokens: maybe(count),
  cached_input_tokens: maybe(count),
  cache_creation_tokens: maybe(count),
  cache_creation_1h_tokens: maybe(count),
  input_audio_tokens: maybe(count),
  output_audio_tokens: maybe(count),
  input_image_tokens: maybe(count),
  output_image_tokens: maybe(count),
};
const usage = fc.record({
  ...figures,
  server_tool_use: maybe(fc.record({ web_search_requests: maybe(count), web_fetch_requests: maybe(count) })),
  service_tier: maybe(name),
  speed: maybe(name),
  inference_geo: maybe(name),
  batch: maybe(fc.boolean()),
  iterations: maybe(fc.array(fc.record({ model: maybe(name), ...figures }), { maxLength: 3 })),
  partial: maybe(fc.boolean()),
});

export const anyEntry: fc.Arbitrary<LogEntry> = fc.record({
  timestamp_ms: fc.integer({ min: 0, max: 8.64e15 }),
  service: fc.constantFrom("codex", "claude"),
  method: fc.constantFrom("POST", "GET"),
  path: name,
  status_code: status,
  duration_ms: ms,
  config_name: fc.option(name),
  upstream_base_url: fc.option(name),
  usage: maybe(usage),
  usage_unknown: maybe(fc.constantFrom("unreadable", "too_large", "cut", "not_told")),
  estimate: maybe(fc.record({ tokens: count, usd: maybe(ms) })),
  id: maybe(name),
  model: maybe(name),
  upstream_model: maybe(name),
  upstream_label: maybe(name),
  chain_model: maybe(name),
  served_model: maybe(name),
  request_bytes: maybe(count),
  output_bytes: maybe(count),
  session_id: maybe(name),
  client: maybe(fc.constantFrom("codex_exec/0.171.0", "OpenAI/JS/5.20.1")),
  agent: maybe(fc.constantFrom("main", "subagent", "compaction", "auxiliary")),
  project: maybe(name),
  cwd: maybe(name),
  ttfb_ms: maybe(ms),
  waited_ms: maybe(ms),
  queued_ms: maybe(ms),
  stream: maybe(fc.boolean()),
  outcome: fc.constantFrom("ok", "client_gone", "cut", "error", "refused"),
  attempts: maybe(
    fc.array(
      fc.record({
        upstream_base_url: name,
        upstream_model: maybe(name),
        upstream_label: maybe(name),
        chain_model: maybe(name),
        served_model: maybe(name),
        status_code: maybe(status),
        error: maybe(name),
        reason: maybe(reason),
        verdict: name,
        duration_ms: ms,
        usage: maybe(usage),
      }),
      { maxLength: 3 },
    ),
  ),
  redactions: maybe(count),
  redactions_by_rule: maybe(fc.dictionary(name, fc.integer({ min: 1, max: 100_000 }), { maxKeys: 3 })),
  redactions_exempt: maybe(count),
  restored: maybe(count),
  restored_exempt: maybe(count),
  held_back: maybe(fc.array(name, { maxLength: 3 })),
  dropped: maybe(fc.array(name, { maxLength: 3 })),
  refusals: maybe(fc.integer({ min: 1, max: 100_000 })),
  error: maybe(name),
  reason: maybe(reason),
  run: maybe(name),
  seq: maybe(fc.integer({ min: 1, max: 1_000_000 })),
});
