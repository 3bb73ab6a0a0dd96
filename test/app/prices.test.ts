import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { listMarkups, loadPricer, parsePrices } from "../../src/app/prices.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { makeMultipliers } from "../../src/usage/prices.ts";
import { PRICES_SCHEMA_PATH, makePricesSchema } from "../usage/prices-schema.ts";

const DOC = join(import.meta.dir, "../../docs/prices.md");

describe("prices.json", () => {
  test("may have comments, trailing commas, a byte order mark, or nothing in it", () => {
    const text = '\ufeff// mine\n[{ "model": "a", "input": 1, "output": 2, },]';
    expect(parsePrices(text, "prices.json")).toEqual([{ model: "a", input: 1, output: 2 }]);
    expect(parsePrices("", "prices.json")).toEqual([]);
  });

  const rows: readonly (readonly [title: string, text: string, message: string])[] = [
    ["is not JSON", "[\n  {,", "prices.json:2:4: "],
    ["is no list", '{"model":"a"}', "prices.json:1:1: the file: must be a list of prices"],
    ["holds something else", '["gpt-5"]', "prices.json:1:2: [0]: must be an object"],
    [
      "has a price without output",
      '[{"model":"a","input":1}]',
      "prices.json:1:2: [0]: needs input and output, or same_as",
    ],
    [
      "has a price below zero",
      '[\n{"model":"a",\n "input":-1,"output":1}]',
      "prices.json:3:10: [0].input: must be US dollars per million tokens: a number from 0 to 1,000,000",
    ],
    [
      "has a price in words",
      '[{"model":"a","input":"1","output":1}]',
      "prices.json:1:23: [0].input: must be US dollars per million tokens: a number from 0 to 1,000,000",
    ],
    [
      "has a key that means nothing",
      '[{"model":"a","input":1,"output":1,"cached":1}]',
      "prices.json:1:45: [0].cached: is not a field of a price",
    ],
    [
      "has prices beside same_as",
      '[{"model":"a","input":1,"same_as":"b"}]',
      "prices.json:1:35: [0].same_as: cannot be combined with prices",
    ],
    [
      "names no model",
      '[{"input":1,"output":1}]',
      "prices.json:1:2: [0].model: must be text in double quotes",
    ],
    [
      "has hours that are no time of day",
      '[{"model":"a","input":1,"output":1,"hours":[{"from":"9","to":"12:00"}]}]',
      'prices.json:1:53: [0].hours[0].from: must be a time of day, such as "09:00"',
    ],
    [
      "ends on a day that does not exist",
      '[{"model":"a","input":1,"output":1,"until":"2026-13-01"}]',
      "prices.json:1:44: [0].until: must be a day or a time in UTC",
    ],
    [
      "has a tier below zero",
      '[{"model":"a","input":1,"output":1,"tiers":[{"above":-1}]}]',
      "prices.json:1:54: [0].tiers[0].above: must be a whole number of tokens",
    ],
    ["has a key twice", '[{"model":"a","model":"b"}]', 'prices.json:1:15: duplicate key "model"'],
  ];
  for (const [title, text, message] of rows) {
    test(`that ${title} is refused with its place`, () => {
      expect(() => parsePrices(text, "prices.json")).toThrow(message);
    });
  }

  test("as docs/prices.md shows it can be read", async () => {
    const [, example = ""] = /```jsonc\n([\s\S]*?)```/.exec(await Bun.file(DOC).text()) ?? [];
    expect(parsePrices(example, "prices.md")).toHaveLength(4);
  });

  test("has the schema that docs/prices.schema.json says", async () => {
    expect(await Bun.file(PRICES_SCHEMA_PATH).json()).toEqual(makePricesSchema());
  });
});

const upstreams = (...list: readonly Readonly<Record<string, unknown>>[]) => ({ upstreams: list });

test("the factor of an upstream is the one of its config, else of any with its address", () => {
  const config = parseConfig(
    JSON.stringify({
      codex: {
        configs: {
          a: upstreams(
            { base_url: "https://one.example/v1/", cost_multiplier: 0.5 },
            { base_url: "https://two.example/v1" },
          ),
          b: upstreams({ base_url: "https://one.example/v1", cost_multiplier: 0 }),
        },
      },
    }),
    "config.json",
  );
  const factorOf = makeMultipliers(listMarkups(config));
  const one = { service: "codex", upstreamBaseUrl: "https://one.example/v1" } as const;
  expect(factorOf({ ...one, configName: "a" })).toBe(0.5);
  expect(factorOf({ ...one, configName: "b" })).toBe(0);
  expect(factorOf({ ...one, configName: "renamed" })).toBe(0.5);
  expect(factorOf({ ...one, configName: "a", upstreamBaseUrl: "https://two.example/v1" })).toBe(1);
  expect(factorOf({ ...one, service: "claude", configName: "a" })).toBe(1);
  expect(factorOf({ service: "codex", configName: null, upstreamBaseUrl: null })).toBe(1);
});

test("without any file the built-in prices hold", async () => {
  const nowhere = join(import.meta.dir, "nowhere");
  const pricer = await loadPricer({
    config: join(nowhere, "c.json"),
    prices: join(nowhere, "p.json"),
    priceList: join(nowhere, "l.jsonl"),
  });
  const entry = {
    timestamp_ms: 0,
    service: "codex",
    path: "/v1/responses",
    model: "gpt-5",
    usage: { output_tokens: 1000 },
  };
  expect(pricer.costOf(entry)).toEqual({ kind: "priced", usd: 0.01 });
});
