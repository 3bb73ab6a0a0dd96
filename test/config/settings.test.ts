import { expect, test } from "bun:test";
import { parseConfig } from "../../src/config/parse.ts";
import { resolveSettings } from "../../src/config/settings.ts";

test("without a word in the file the defaults are in force, in milliseconds and bytes", () => {
  expect(resolveSettings(parseConfig("{}", "config.json"))).toEqual({
    routing: {
      failureThreshold: 3,
      neverSentThreshold: 2,
      firstByteThreshold: 2,
      windowMs: 60_000,
      windowMinRequests: 6,
      windowFailureShare: 0.5,
      openMs: 10_000,
      openMaxMs: 120_000,
      lastUsableOpenMs: 2_000,
      lastUsableOpenMaxMs: 10_000,
      jitter: 0.2,
      authDeadMs: 300_000,
      exhaustedMs: 900_000,
      exhaustedMaxMs: 86_400_000,
      maxUpstreamsPerRequest: 3,
      ambiguous: "failover",
      returnAfterIdleMs: 300_000,
    },
    uploadIdleMs: 30_000,
    firstByteTotalMs: 330_000,
    maxBodyBytes: 64 * 2 ** 20,
  });
});

test("what the file says is in force, and null says nothing", () => {
  const file = {
    routing: { failure_threshold: 5, open_secs: 0.5, ambiguous: "never", jitter: null },
    timeouts: { upload_idle_secs: 60 },
    limits: { max_body_mib: 1 },
  };
  const settings = resolveSettings(parseConfig(JSON.stringify(file), "config.json"));
  expect(settings.routing).toMatchObject({
    failureThreshold: 5,
    openMs: 500,
    ambiguous: "never",
    jitter: 0.2,
  });
  expect(settings).toMatchObject({ uploadIdleMs: 60_000, maxBodyBytes: 2 ** 20 });
});
