import { expect, test } from "bun:test";
import { createMemoryBudget } from "../../src/base/memory-budget.ts";
import { OpenList } from "../../src/base/open-list.ts";
import { NO_OWNED_NAMES } from "../../src/base/owned-names.ts";
import type { LogEntry } from "../../src/log/entry.ts";
import { createConnections } from "../../src/proxy/connections.ts";
import type { ProxyDeps } from "../../src/proxy/deps.ts";
import { handle } from "../../src/proxy/handle.ts";
import { createLaneDoor } from "../../src/proxy/lane-door.ts";
import { createSessionMemory } from "../../src/proxy/session-memory.ts";
import { createUploads } from "../../src/proxy/uploads.ts";
import { resolveSettings } from "../../src/config/settings.ts";
import { makeEmptyConfig } from "../../src/config/parse.ts";
import { createWaits } from "../../src/proxy/waiting.ts";
import { createRouter } from "../../src/routing/router.ts";

test("a request that runs into a bug of ours has its line in the log, and does not count as open for ever", async () => {
  const entries: LogEntry[] = [];
  const inFlight = { count: 0 };
  const now = Date.now;
  const { routing } = resolveSettings(makeEmptyConfig());
  const connections = createConnections(now);
  const deps: ProxyDeps = {
    service: "codex",
    clientToken: null,
    isTrustedPeer: () => true,
    instance: "one",
    allowedHosts: () => new Set(["127.0.0.1:3211"]),
    now,
    monotonic: now,
    owned: () => NO_OWNED_NAMES,
    routeState: () => {
      throw new Error("a bug");
    },
    filter: (body) => ({ kind: "filtered", body, headers: {}, redactions: 0 }),
    router: createRouter({ settings: () => routing, now, random: () => 0.5 }),
    connections,
    memory: createSessionMemory(),
    waits: () => Promise.resolve(createWaits({ now, monotonic: now, onWait() {} })),
    lanes: createLaneDoor({ now }),
    own: { token: "t", read: {}, follow: {}, act: {} },
    heartbeat: { afterMs: 1_000, everyMs: 1_000 },
    observeHeaders: () => {},
    inFlight,
    running: new OpenList(),
    uploads: createUploads(
      createMemoryBudget(() => null),
      now,
    ),
    refusals: { note() {} },
    record: (entry) => entries.push(entry),
  };
  const request = new Request("http://127.0.0.1:3211/v1/responses", {
    method: "POST",
    body: "{}",
    headers: { host: "127.0.0.1:3211" },
  });
  const problem: unknown = await handle(request, deps).catch((error: unknown) => error);
  expect(problem).toEqual(new Error("a bug"));
  connections.close();
  expect(entries).toMatchObject([{ outcome: "error", status_code: 500, path: "/v1/responses" }]);
  expect(inFlight.count).toBe(0);
});
