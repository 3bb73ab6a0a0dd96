import { beforeAll, describe, expect, test } from "bun:test";
import { type Catalog, loadCatalog } from "../../src/usage/price-lists.ts";
import type { PriceOverride } from "../../src/usage/price-schema.ts";
import { type Cost, type Seller, makePricer } from "../../src/usage/prices.ts";
import { makeRecord } from "../log/make-record.ts";

let catalog: Catalog;
beforeAll(async () => {
  catalog = await loadCatalog();
});

interface Asked {
  readonly entry?: Readonly<Record<string, unknown>>;
  readonly overrides?: readonly PriceOverride[];
  readonly multiplierOf?: (seller: Seller) => number;
}

/** A request with a million tokens in and none out, so that the cost is the price. */
function priceOf({ entry = {}, overrides = [], multiplierOf = () => 1 }: Asked): Cost {
  const { costOf } = makePricer({ catalog, overrides, multiplierOf });
  return costOf(
    makeRecord({
      timestamp_ms: Date.UTC(2026, 10, 23),
      service: "codex",
      path: "/v1/responses",
      config_name: "main",
      upstream_base_url: "https://relay.example/v1",
      usage: { input_tokens: 100_000 },
      ...entry,
    }),
  );
}

const priced = (usd: number): Cost => ({ kind: "priced", usd: expect.closeTo(usd, 9) });

describe("a model is found in the list", () => {
  const rows: readonly (readonly [name: string, entry: Readonly<Record<string, unknown>>, usd: number])[] = [
    ["by its name", { model: "gpt-5" }, 0.125],
    ["in any case", { model: "GPT-5" }, 0.125],
    ["with a date", { model: "gpt-5-2025-08-07" }, 0.125],
    ["under a relay's name for it", { model: "openai/gpt-5" }, 0.125],
    ["behind two prefixes", { model: "vip/openai/gpt-5" }, 0.125],
    ["behind a prefix that nobody knows", { model: "cheap-relay/gpt-5" }, 0.125],
    ["with the effort in its name", { model: "gpt-5-codex-high" }, 0.125],
    ["for Claude", { service: "claude", model: "claude-opus-5-5", path: "/v1/messages" }, 0.4],
    ["with Claude Code's bracket", { service: "claude", model: "claude-opus-5-5[1m]" }, 0.4],
    ["with a thinking variant", { service: "claude", model: "claude-opus-5-5-thinking" }, 0.4],
    ["of another maker than the client's", { model: "deepseek-chat" }, 0.028],
    ["by the name that the upstream was asked for", { model: "gpt-5", upstream_model: "gpt-5-mini" }, 0.025],
    [
      "at the upstream's own list before all others",
      { model: "openai/gpt-5", upstream_base_url: "https://openrouter.ai/api/v1" },
      0.125,
    ],
  ];
  for (const [title, entry, usd] of rows) {
    test(title, () => expect(priceOf({ entry })).toEqual(priced(usd)));
  }
});

describe("a model without a price is unpriced, never free", () => {
  test("when nobody knows it", () => {
    expect(priceOf({ entry: { model: "my-own" } })).toMatchObject({ kind: "unpriced", model: "my-own" });
  });
  test("when the upstream was asked for something unknown, though the client was not", () => {
    const entry = { model: "gpt-5", upstream_model: "mystery" };
    expect(priceOf({ entry })).toMatchObject({ kind: "unpriced", model: "mystery" });
  });
  test("when it is not sold by the token", () => {
    expect(priceOf({ entry: { model: "whisper-1" } }).kind).toBe("unpriced");
  });
  test("when the entry does not name it", () => {
    expect(priceOf({})).toMatchObject({ kind: "unpriced", model: null });
  });
  test("and one without tokens is neither", () => {
    expect(priceOf({ entry: { model: "gpt-5", usage: undefined } })).toEqual({ kind: "unknown" });
  });
});

test("a price that depends on the date is the one of the request's day", () => {
  const at = (timestamp_ms: number) => priceOf({ entry: { model: "o3", timestamp_ms } });
  expect(at(Date.UTC(2025, 5, 9))).toEqual(priced(1));
  expect(at(Date.UTC(2025, 5, 10))).toEqual(priced(0.2));
});

describe("the user's own prices", () => {
  test("come before the list", () => {
    const overrides = [{ model: "gpt-5", input: 9, output: 9 }];
    expect(priceOf({ entry: { model: "gpt-5" }, overrides })).toEqual(priced(0.9));
  });
  test("the first entry that fits holds", () => {
    const overrides = [
      { model: "gpt-5", upstream: "other.example", input: 1, output: 1 },
      { model: "gpt-*", upstream: "relay.example", input: 2, output: 2 },
      { model: "gpt-5", input: 3, output: 3 },
    ];
    expect(priceOf({ entry: { model: "gpt-5" }, overrides })).toEqual(priced(0.2));
    const entry = { model: "GPT-5", upstream_base_url: "https://third.example/v1" };
    expect(priceOf({ entry, overrides })).toEqual(priced(0.3));
  });
  test("name an upstream by its host, with or without port, or by its base URL", () => {
    for (const upstream of ["r.example", "r.example:8443", "https://r.example:8443/v1/", "R.example"]) {
      const entry = { model: "x", upstream_base_url: "https://r.example:8443/v1" };
      expect(priceOf({ entry, overrides: [{ model: "x", upstream, input: 1, output: 1 }] })).toEqual(
        priced(0.1),
      );
    }
  });
  test("hold for the client's name of a model, too", () => {
    const entry = { model: "gpt-5", upstream_model: "mystery" };
    expect(priceOf({ entry, overrides: [{ model: "gpt-5", input: 4, output: 4 }] })).toEqual(priced(0.4));
  });
  test("may say that a model costs what another one does", () => {
    const overrides = [{ model: "relay-best", same_as: "gpt-5" }];
    expect(priceOf({ entry: { model: "relay-best" }, overrides })).toEqual(priced(0.125));
  });
  test("the list holds before a price that is to come, and after one that has ended", () => {
    const entry = { model: "gpt-5" };
    for (const [times, usd] of [
      [{ since: "2026-12-01" }, 0.125],
      [{ since: "2026-11-01" }, 0.9],
      [{ until: "2026-11-01" }, 0.125],
      [{ since: "2026-11-01", until: "2026-12-01" }, 0.9],
    ] as const)
      expect(priceOf({ entry, overrides: [{ model: "gpt-5", input: 9, output: 9, ...times }] })).toEqual(
        priced(usd),
      );
  });

  test("may say all that the list can: names, times, tiers, hours, how it was served, where", () => {
    const [until, since] = ["2026-11-01", "2026-11-01"];
    const overrides: PriceOverride[] = [
      { model: ["mine", "mine-*"], until, input: 1, output: 1 },
      {
        model: ["mine", "mine-*"],
        since,
        input: 2,
        output: 2,
        tiers: [{ above: 100_000, input: 4, output: 4 }],
        hours: [{ days: ["tue"], from: "00:00", to: "24:00", multiplier: 0.5 }],
        service_tiers: {
          priority: { input: 8, output: 8, tiers: [{ above: 100_000, input: 9, output: 9 }] },
        },
        regions: { us: 1.5 },
        web_search: 1000,
      },
    ];
    const at = (day: number, usage: object = {}, tokens = 100_000) =>
      priceOf({
        entry: {
          model: "mine-2",
          timestamp_ms: Date.UTC(2026, 10, day),
          usage: { input_tokens: tokens, ...usage },
        },
        overrides,
      });
    expect(at(0)).toEqual(priced(0.1));
    expect(at(23)).toEqual(priced(0.2));
    expect(at(23, {}, 200_000)).toEqual(priced(0.8));
    expect(at(24)).toEqual(priced(0.1));
    expect(at(23, { service_tier: "priority" })).toEqual(priced(0.8));
    expect(at(23, { service_tier: "priority" }, 200_000)).toEqual(priced(1.8));
    expect(at(23, { inference_geo: "us" })).toEqual(priced(0.3));
    expect(at(23, { server_tool_use: { web_search_requests: 2 } })).toEqual(priced(2.2));
    expect(at(23, { service_tier: "flex" }).kind).toBe("unpriced");
  });
  test("fall back on the model that they name where their own time is over", () => {
    const overrides: PriceOverride[] = [
      { model: "mine", until: "2026-11-01", input: 1, output: 1 },
      { model: "mine", same_as: "gpt-5" },
    ];
    expect(priceOf({ entry: { model: "mine" }, overrides })).toEqual(priced(0.125));
    const entry = { model: "mine", timestamp_ms: Date.UTC(2026, 9, 1) };
    expect(priceOf({ entry, overrides })).toEqual(priced(0.1));
  });
  test("may say that a model is free", () => {
    const overrides = [{ model: "home", input: 0, output: 0 }];
    expect(priceOf({ entry: { model: "home" }, overrides })).toEqual(priced(0));
  });
});

test("the upstream's factor is applied to whatever the price is", () => {
  const seen: Seller[] = [];
  const multiplierOf = (seller: Seller): number => {
    seen.push(seller);
    return 0.2;
  };
  expect(priceOf({ entry: { model: "gpt-5" }, multiplierOf })).toEqual(priced(0.025));
  expect(seen).toEqual([
    { service: "codex", configName: "main", upstreamBaseUrl: "https://relay.example/v1" },
  ]);
});
