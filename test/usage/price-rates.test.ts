import { calcPrice } from "@pydantic/genai-prices";
import { expect, test } from "bun:test";
import fc from "fast-check";
import { loadCatalog } from "../../src/usage/price-lists.ts";
import { type BilledTokens, costOf, readBilledTokens } from "../../src/usage/price-rates.ts";
import { makeRecord } from "../log/make-record.ts";

const RATES = { input: 3, cachedInput: 0.3, cacheCreation: 3.75, cacheCreation1h: 6, output: 15 };

const tokens = (known: Partial<BilledTokens>): BilledTokens => ({
  fresh: 0,
  cached: 0,
  created: 0,
  created1h: 0,
  output: 0,
  ...known,
});

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
  expect(costOf(tokens({ created1h: 1e6 }), { ...plain, cacheCreation: 5 })).toBe(5);
});

test("a tier holds for the whole request, and is chosen by all of its input", () => {
  const rates = {
    input: { base: 1, tiers: [{ start: 200_000, price: 2 }] },
    output: { base: 10, tiers: [{ start: 200_000, price: 15 }] },
  };
  expect(costOf(tokens({ fresh: 200_000, output: 1e6 }), rates)).toBe(10.2);
  expect(costOf(tokens({ fresh: 1, cached: 200_000, output: 1e6 }), rates)).toBeCloseTo(15.400_002, 9);
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

/** A model of each kind: tiers, a date, an hour of the day, no cache price, an hour's cache. */
const MODELS = [
  ["openai", "gpt-5"],
  ["openai", "gpt-5.4"],
  ["openai", "gpt-6-sol"],
  ["openai", "gpt-5-pro"],
  ["openai", "o3"],
  ["anthropic", "claude-sonnet-4-5"],
  ["anthropic", "claude-opus-4-6"],
  ["anthropic", "claude-opus-5-5"],
  ["openai", "gpt-5.6"],
  ["deepseek", "deepseek-chat"],
  ["deepseek", "deepseek-v4-pro"],
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
        const rates = catalog.find({ service, upstreamBaseUrl: null, names: [model] })?.(at) ?? null;
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
        expect(rates).not.toBeNull();
        if (rates !== null) expect(costOf(billed, rates)).toBeCloseTo(theirs?.total_price ?? -1, 9);
      },
    ),
  );
});
