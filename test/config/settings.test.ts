import { expect, test } from "bun:test";
import * as z from "zod/mini";
import { parseConfig } from "../../src/config/parse.ts";
import { wholeConfigFile } from "../../src/config/schema.ts";
import { listSettings, resolveSettings } from "../../src/config/settings.ts";

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
      drift: "adapt",
      returnAfterIdleMs: 300_000,
    },
    uploadIdleMs: 30_000,
    firstByteTotalMs: 330_000,
    maxBodyBytes: 64 * 2 ** 20,
    memoryMib: null,
    demandsToken: false,
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

const GROUPS = ["routing", "timeouts", "limits", "privacy"] as const;

test("every setting that config.json knows is listed, and no other", () => {
  const known = GROUPS.flatMap((group) =>
    Object.keys(wholeConfigFile().shape[group].def.innerType.def.innerType.shape).map(
      (key) => `${group}.${key}`,
    ),
  );
  expect(listSettings({ shell: {} }).map(({ name }) => name)).toEqual(known);
});

test("the defaults are those that the schema's descriptions name", () => {
  for (const { name, value } of listSettings({ shell: {} })) {
    const [group = "", key = ""] = name.split(".");
    const shape = wholeConfigFile().shape[group as "routing"].def.innerType.def.innerType.shape;
    const words = z.globalRegistry.get(shape[key as "jitter"])?.description ?? "";
    expect({ name, words }).toEqual({ name, words: expect.stringContaining(`Default ${String(value)}`) });
  }
});

test("the default of the memory budget is this machine's", () => {
  const listed = listSettings({ shell: {} }, 512).find(({ name }) => name === "limits.memory_mib");
  expect(listed).toMatchObject({ value: 512, default: 512, source: "default" });
});

test("what the file sets is shown as such, in the value that is in force", () => {
  const text =
    '{"routing":{"open_secs":5,"ambiguous":"never"},"limits":{"max_body_mib":8},"timeouts":{"idle_secs":60}}';
  const parsed = parseConfig(text, "config.json");
  const set = listSettings(parsed).filter(({ source }) => source === "config.json");
  expect(set).toEqual([
    { name: "routing.open_secs", value: 5, source: "config.json", default: 10 },
    { name: "routing.ambiguous", value: "never", source: "config.json", default: "failover" },
    { name: "timeouts.idle_secs", value: 60, source: "config.json", default: 300 },
    { name: "limits.max_body_mib", value: 8, source: "config.json", default: 64 },
  ]);
  expect(resolveSettings(parsed)).toMatchObject({ routing: { openMs: 5000 }, maxBodyBytes: 8 * 2 ** 20 });
});
