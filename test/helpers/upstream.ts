import { isOfficial } from "../../src/base/service.ts";
import type { Upstream } from "../../src/base/upstream.ts";

/** A resolved upstream with defaults that a test does not care about. */
export function makeUpstream(parts: Partial<Upstream> = {}): Upstream {
  const baseUrl = parts.baseUrl ?? "https://relay.example/v1";
  const service = parts.service ?? "codex";
  return {
    key: `${service}|${baseUrl}|none`,
    service,
    configName: "main",
    position: 1,
    label: "main#1",
    baseUrl,
    origin: new URL(baseUrl).origin,
    isOfficial: isOfficial(service, baseUrl),
    credential: { kind: "none" },
    headers: {},
    query: {},
    headersAllowed: new Set(),
    models: {},
    proxy: false,
    tlsCa: null,
    timeouts: {
      connectMs: 10_000,
      firstByteMs: 120_000,
      firstByteLastMs: 300_000,
      nonStreamMs: 600_000,
      idleMs: 300_000,
    },
    onStatus: {},
    onError: [],
    stripWorkspaces: false,
    lane: null,
    keep: null,
    ...parts,
  };
}
