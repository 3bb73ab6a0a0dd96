// An entry of the log with what a test cares about.
import type { LogEntry } from "../../src/log/entry.ts";

export function makeEntry(known: Partial<LogEntry> = {}): LogEntry {
  return {
    timestamp_ms: 1_730_000_000_000,
    service: "codex",
    method: "POST",
    path: "/v1/responses",
    status_code: 200,
    duration_ms: 1000,
    config_name: "main",
    upstream_base_url: "https://relay.example/v1",
    outcome: "ok",
    ...known,
  };
}
