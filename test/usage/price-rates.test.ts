import { calcPrice } from "@pydantic/genai-prices";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadCatalog } from "../../src/usage/price-lists.ts";
import { inEnglish } from "../../src/base/text.ts";
import {
  type BilledTokens,
  type LoggedFigures,
  type Served,
  entryAt,
  priceOf,
  readBilledTokens,
  tierOf,
} from "../../src/usage/price-rates.ts";
import type { PriceEntry } from "../../src/usage/price-schema.ts";
import { makeRecord } from "../log/make-record.ts";

const RATES = { input: 3, cached_input: 0.3, cache_creation: 3.75, cache_creation_1h: 6, output: 15 };
const NOW: Served = { at: Date.UTC(2026, 10, 23), tier: null, region: null };

const tokens = (known: Partial<BilledTokens>): BilledTokens => ({
  fresh: 0,
  cached: 0,
  created: 0,
  created1h: 0,
  output: 0,
  ...known,
});
const costOf = (billed: BilledTokens, entry: PriceEntry, served: Partial<Served> = {}): number | string => {
  const cost = priceOf(billed, {}, entry, { ...NOW, ...served });
  return typeof cost === "number" ? cost : inEnglish(cost);
};

test("each part of the input has its own price", () => {
  const million = 1_000_000;
  expect(costOf(tokens({ fresh: million }), RATES)).toBe(3);
  expect(costOf(tokens({ cached: million }), RATES)).toBe(0.3);
  expect(costOf(tokens({ created: million }), RATES)).toBe(3.75);
  expect(costOf(tokens({ created1h: million }), RATES)).toBe(6);
  expect(costOf(tokens({ output: million }), RATES)).toBe(15);
});

test("a part without a price of its own costs as much as its neighbour", () => {
  const plain = { input: 2, output: 10 };
  expect(costOf(tokens({ cached: 1e6, created: 1e6, created1h: 1e6 }), plain)).toBe(6);
  expect(costOf(tokens({ created1h: 1e6 }), { ...plain, cache_creation: 5 })).toBe(5);
});

test("a tier holds for the whole request, and is chosen by all of its input", () => {
  const rates = { input: 1, output: 10, tiers: [{ above: 200_000, input: 2, output: 15 }] };
  expect(costOf(tokens({ fresh: 200_000, output: 1e6 }), rates)).toBe(10.2);
  expect(costOf(tokens({ fresh: 1, cached: 200_000, output: 1e6 }), rates)).toBeCloseTo(15.400_002, 9);
});

describe("how a request was served", () => {
  const served = {
    ...RATES,
    tiers: [{ above: 1000, input: 6, output: 30 }],
    service_tiers: {
      priority: { input: 5, output: 20, tiers: [{ above: 1000, input: 10, output: 40 }] },
      batch: { multiplier: 0.5 },
    },
    regions: { us: 1.1 },
  };
  const million = tokens({ output: 1e6 });
  const rows: readonly (readonly [
    title: string,
    served: Partial<Served>,
    billed: BilledTokens,
    cost: number | string,
  ])[] = [
    ["a tier has rates of its own", { tier: "priority" }, million, 20],
    ["and by size, too", { tier: "priority" }, tokens({ fresh: 1e6 }), 10],
    [
      "or a factor on all of the usual ones",
      { tier: "batch" },
      tokens({ cached: 1000, output: 1e6 }),
      7.500_15,
    ],
    ["also where these go by size", { tier: "batch" }, tokens({ fresh: 1e6 }), 3],
    ["fast is what priority is called now", { tier: "fast" }, million, 20],
    ["one without a price has none", { tier: "flex" }, million, "no price for the tier flex"],
    ["where the model ran is a factor", { region: "US" }, million, 16.5],
    ["or is none", { region: "global" }, million, 15],
    ["on top of a tier", { tier: "batch", region: "us" }, million, 8.25],
  ];
  test.each(rows)("%s", (_, how, billed, cost) => {
    const found = costOf(billed, served, how);
    expect(typeof found === "number" ? Number(found.toFixed(9)) : found).toBe(cost);
  });

  test.each([
    [{ service_tier: "default" }, null],
    [{ service_tier: "Priority" }, "priority"],
    [{ service_tier: "standard", speed: "fast" }, "fast"],
    [{ service_tier: "standard", speed: "standard" }, null],
    [{ service_tier: "batch" }, "batch"],
    [{ batch: true }, "batch"],
    [{}, null],
  ])("%o is the tier %p", (usage, tier) => expect(tierOf(usage)).toBe(tier));
});

describe("hours of the day", () => {
  const weekdays = ["mon", "tue", "wed", "thu", "fri"] as const;
  const entry = {
    input: 1,
    output: 2,
    hours: [
      {
        days: [...weekdays],
        except: ["2026-10-01"],
        from: "09:00",
        to: "12:00",
        utc_offset: "+08:00",
        multiplier: 2,
      },
      { from: "22:00", to: "02:00", days: ["sat" as const], input: 5, output: 10 },
    ],
  };
  const rows: readonly (readonly [title: string, at: string, cost: number])[] = [
    ["from the first minute", "2026-11-23T01:00:00Z", 4],
    ["to before the last", "2026-11-23T03:59:59Z", 4],
    ["and not in it", "2026-11-23T04:00:00Z", 2],
    ["nor before", "2026-11-23T00:59:59Z", 2],
    ["not at the weekend", "2026-11-22T02:00:00Z", 2],
    ["not on a holiday", "2026-10-01T02:00:00Z", 2],
    ["over midnight, of the day on which they begin", "2026-11-22T01:30:00Z", 10],
    ["not on the night before", "2026-11-21T01:30:00Z", 2],
  ];
  test.each(rows)("%s", (_, at, cost) => {
    expect(costOf(tokens({ output: 1e6 }), entry, { at: Date.parse(at) })).toBe(cost);
  });
});

test("sound, images and thought have their own prices, or the request has none", () => {
  const priced = (figures: LoggedFigures, entry: PriceEntry) =>
    priceOf(tokens({ fresh: 1e6, output: 1e6 }), figures, entry, NOW);
  const plain = { input: 1, output: 2 };
  expect(priced({ reasoning_tokens: 5 }, { ...plain, output_thinking: 8 })).toBe(9);
  expect(priced({ reasoning_tokens: 5 }, plain)).toBe(3);
  expect(priced({ input_audio_tokens: 250_000 }, { ...plain, input_audio: 5 })).toBe(4);
  expect(priced({ input_image_tokens: 500_000 }, plain)).toBe(3);
  expect(priced({ input_image_tokens: 500_000 }, { ...plain, input_image: 3 })).toBe(4);
  expect(priced({ output_image_tokens: 500_000 }, { ...plain, output_image: 4 })).toBe(4);
  for (const known of [{ input_audio_tokens: 1 }, { output_audio_tokens: 1 }, { output_image_tokens: 1 }])
    expect(typeof priced(known, plain)).toBe("object");
});

test("cached tokens are a part of OpenAI's input and stand beside Anthropic's", () => {
  const usage = { input_tokens: 100, cached_input_tokens: 80, output_tokens: 5 };
  expect(readBilledTokens({ path: "/v1/responses", usage })).toEqual(
    tokens({ fresh: 20, cached: 80, output: 5 }),
  );
  expect(readBilledTokens({ path: "/v1/messages", usage })).toEqual(
    tokens({ fresh: 100, cached: 80, output: 5 }),
  );
});

test("what is written to a cache for an hour is a part of all that is written to it", () => {
  const usage = { input_tokens: 10, cache_creation_tokens: 70, cache_creation_1h_tokens: 50 };
  expect(readBilledTokens({ path: "/v1/messages", usage })).toEqual(
    tokens({ fresh: 10, created: 20, created1h: 50 }),
  );
  expect(
    readBilledTokens({ path: "/v1/responses", usage: { input_tokens: 100, cache_creation_tokens: 70 } }),
  ).toEqual(tokens({ fresh: 30, created: 70 }));
});

test("an entry that does not say what its tokens were cannot be billed", () => {
  for (const usage of [undefined, null, {}, { total_tokens: 100 }, { input_tokens: "100" }, "x"]) {
    expect(readBilledTokens(makeRecord({ path: "/v1/responses", usage }))).toBeNull();
  }
});

const count = fc.oneof(fc.nat(1000), fc.nat(1_000_000));

test("never bills a token twice, and loses none", () => {
  fc.assert(
    fc.property(
      fc.record({ input_tokens: count, cached_input_tokens: count, cache_creation_tokens: count }),
      fc.constantFrom("/v1/responses", "/v1/messages", "/v1/chat/completions"),
      (usage, path) => {
        const billed = readBilledTokens({ path, usage });
        const { fresh = 0, cached = 0, created = 0, created1h = 0 } = billed ?? {};
        const apart = usage.cached_input_tokens + usage.cache_creation_tokens;
        const all = usage.input_tokens + (path === "/v1/messages" ? apart : 0);
        expect(fresh + cached + created + created1h).toBe(all);
        expect(Math.min(fresh, cached, created, created1h)).toBeGreaterThanOrEqual(0);
      },
    ),
  );
});

/** A model of each kind on which both lists agree: tiers, a date, no cache price, an hour's cache. */
const MODELS = [
  ["openai", "gpt-5"],
  ["openai", "gpt-5-pro"],
  ["openai", "gpt-6-sol"],
  ["openai", "o3"],
  ["anthropic", "claude-opus-4-6"],
  ["anthropic", "claude-opus-5-5"],
  ["x-ai", "grok-4.5"],
  ["minimax", "minimax-m3"],
  ["moonshotai", "kimi-k2.6"],
] as const;

test("agrees with the library whose prices these are", async () => {
  const catalog = await loadCatalog();
  const atMs = fc.integer({ min: Date.UTC(2025, 0), max: Date.UTC(2026, 11) });
  fc.assert(
    fc.property(
      fc.constantFrom(...MODELS),
      atMs,
      fc.record({ fresh: count, cached: count, created: count, created1h: count, output: count }),
      ([providerId, model], at, billed) => {
        const service = providerId === "anthropic" ? "claude" : "codex";
        const found = catalog.find({ service, upstreamBaseUrl: null, names: [model] });
        const entry = "entries" in found ? entryAt(found.entries, at) : undefined;
        const written = billed.created + billed.created1h;
        const theirs = calcPrice(
          {
            input_tokens: billed.fresh + billed.cached + written,
            cache_read_tokens: billed.cached,
            cache_write_tokens: written,
            cache_write_1h_tokens: billed.created1h,
            output_tokens: billed.output,
          },
          model,
          { providerId, timestamp: new Date(at) },
        );
        expect(entry).toBeDefined();
        if (entry !== undefined)
          expect(costOf(billed, entry, { at })).toBeCloseTo(theirs?.total_price ?? -1, 9);
      },
    ),
  );
});
