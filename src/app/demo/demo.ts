// The failover demonstration: two pretend relays, the real proxy between them and a client, a few turns, and what
// happened to each. Leaves nothing behind.
import { createMemoryBudget } from "../../base/memory-budget.ts";
import type { Upstream } from "../../base/upstream.ts";
import { makeEmptyConfig } from "../../config/parse.ts";
import { resolveSettings } from "../../config/settings.ts";
import type { LogEntry } from "../../log/entry.ts";
import { startProxy } from "../../proxy/server.ts";
import { createUploads } from "../../proxy/uploads.ts";
import { createRouter } from "../../routing/router.ts";
import { type DemoFault, type DemoRelay, startDemoRelays } from "./demo-relays.ts";

export type Demo = ReturnType<typeof startDemo>;
export type DemoTurn = Awaited<ReturnType<Demo["turn"]>>;

/** The primary answers so often before it fails. */
const GOOD_TURNS = 2;
/** A person watches: a silent relay is given up sooner than in real use. */
const FIRST_BYTE_MS = 3_000;

export function startDemo(fault: DemoFault) {
  const relays = startDemoRelays(fault, GOOD_TURNS);
  const byUrl = new Map([relays.primary, relays.backup].map((relay) => [relay.baseUrl, relay]));
  const upstreams = [relays.primary, relays.backup].map(makeDemoUpstream);
  const { routing, firstByteTotalMs, maxBodyBytes, uploadIdleMs } = resolveSettings(makeEmptyConfig());
  const entries: LogEntry[] = [];
  const route = {
    configName: "demo",
    upstreams,
    ownedHeaders: new Set<string>(),
    routing,
    onExhausted: "continue" as const,
    firstByteTotalMs,
    limits: { maxBytes: maxBodyBytes, uploadIdleMs },
  };
  const proxy = startProxy({
    service: "codex",
    port: 0,
    routeState: () => ({ kind: "ready", route }),
    router: createRouter({ settings: () => routing, now: Date.now, random: Math.random }),
    filter: (body) => ({ kind: "filtered", body, headers: {}, redactions: 0 }),
    record: (entry) => entries.push(entry),
    refusals: { note() {} },
    onBug: () => {},
    inFlight: { count: 0 },
    uploads: createUploads(
      createMemoryBudget(() => null),
      () => performance.now(),
    ),
    own: { token: crypto.randomUUID(), read: {}, follow: {}, act: {} },
  });
  const proxyUrl = `http://127.0.0.1:${proxy.port}/v1`;
  let number = 0;
  return {
    relays,
    /** Where a client would be pointed: "http://127.0.0.1:PORT/v1". */
    proxyUrl,
    /** Asks one turn through the proxy, as a client would. */
    async turn() {
      number += 1;
      const status = await askOnce(proxyUrl);
      const entry = entries.at(-1);
      const name = (url: string | null | undefined): string => byUrl.get(url ?? "")?.name ?? "?";
      return {
        number,
        /** Status that the client got. */
        status,
        /** Name of the relay whose answer it was, or null. */
        answeredBy: entry?.outcome === "ok" ? name(entry.upstream_base_url) : null,
        /** The relays asked before, and what came of it. */
        before: (entry?.attempts ?? [])
          .filter((attempt) => attempt.error !== undefined)
          .map((attempt) => ({ relay: name(attempt.upstream_base_url), attempt })),
        durationMs: entry?.duration_ms ?? 0,
      };
    },
    async [Symbol.asyncDispose]() {
      await proxy.stop(1_000);
      await relays[Symbol.asyncDispose]();
    },
  };
}

/** One turn as Codex asks it; resolves when the whole answer was read. */
async function askOnce(proxyUrl: string): Promise<number> {
  const response = await fetch(`${proxyUrl}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", "session-id": "demo" },
    body: JSON.stringify({ model: "demo", stream: true, input: [] }),
    proxy: false,
  });
  await response.text();
  return response.status;
}

function makeDemoUpstream(relay: DemoRelay, index: number): Upstream {
  return {
    key: `codex|${relay.baseUrl}|none`,
    service: "codex",
    configName: "demo",
    position: index + 1,
    label: `demo#${index + 1}`,
    baseUrl: relay.baseUrl,
    origin: new URL(relay.baseUrl).origin,
    isOfficial: false,
    credential: { kind: "none" },
    headers: {},
    query: {},
    headersAllowed: new Set(),
    models: {},
    proxy: false,
    timeouts: {
      connectMs: FIRST_BYTE_MS,
      firstByteMs: FIRST_BYTE_MS,
      firstByteLastMs: FIRST_BYTE_MS,
      nonStreamMs: FIRST_BYTE_MS,
      idleMs: FIRST_BYTE_MS,
    },
    onStatus: {},
    onError: [],
    tlsCa: null,
    stripWorkspaces: false,
    lane: null,
    keep: null,
  };
}
