import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Api } from "../../src/usage/stream-events.ts";
import { type Usage, readUsage } from "../../src/usage/usage.ts";

type Row = readonly [title: string, api: Api, snapshots: readonly unknown[], expected: Usage | undefined];

const ROWS: readonly Row[] = [
  [
    "of Responses: cached is a part of input, reasoning a part of output",
    "responses",
    [
      {
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 80 },
        output_tokens: 50,
        output_tokens_details: { reasoning_tokens: 40 },
        total_tokens: 150,
      },
    ],
    {
      input_tokens: 100,
      output_tokens: 50,
      reasoning_tokens: 40,
      total_tokens: 150,
      cached_input_tokens: 80,
    },
  ],
  [
    "of Chat Completions has other names",
    "chat",
    [
      {
        prompt_tokens: 100,
        prompt_tokens_details: { cached_tokens: 80 },
        completion_tokens: 50,
        completion_tokens_details: { reasoning_tokens: 40 },
      },
    ],
    {
      input_tokens: 100,
      output_tokens: 50,
      reasoning_tokens: 40,
      total_tokens: 150,
      cached_input_tokens: 80,
    },
  ],
  [
    "of Messages: what the cache took part in is no part of input, but of the total",
    "messages",
    [
      {
        input_tokens: 4,
        cache_read_input_tokens: 1000,
        cache_creation_input_tokens: 200,
        output_tokens: 30,
        output_tokens_details: { thinking_tokens: 20 },
      },
    ],
    {
      input_tokens: 4,
      output_tokens: 30,
      reasoning_tokens: 20,
      total_tokens: 1234,
      cached_input_tokens: 1000,
      cache_creation_tokens: 200,
    },
  ],
  [
    "of Messages tells what is kept for an hour from what is written to the cache",
    "messages",
    [
      {
        input_tokens: 4,
        output_tokens: 30,
        cache_creation_input_tokens: 200,
        cache_creation: { ephemeral_5m_input_tokens: 50, ephemeral_1h_input_tokens: 150 },
      },
    ],
    {
      input_tokens: 4,
      output_tokens: 30,
      total_tokens: 234,
      cache_creation_tokens: 200,
      cache_creation_1h_tokens: 150,
    },
  ],
  [
    "of Responses: what is written to the cache is a part of input",
    "responses",
    [
      {
        input_tokens: 100,
        output_tokens: 5,
        input_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
      },
    ],
    {
      input_tokens: 100,
      output_tokens: 5,
      total_tokens: 105,
      cached_input_tokens: 60,
      cache_creation_tokens: 30,
    },
  ],
  [
    "of Messages is start and delta together",
    "messages",
    [{ input_tokens: 4, cache_read_input_tokens: 10, output_tokens: 1 }, { output_tokens: 30 }],
    { input_tokens: 4, output_tokens: 30, total_tokens: 44, cached_input_tokens: 10 },
  ],
  [
    "of Messages: a zero in the delta wipes nothing out",
    "messages",
    [
      { input_tokens: 4, output_tokens: 1 },
      { input_tokens: 0, output_tokens: 30 },
    ],
    { input_tokens: 4, output_tokens: 30, total_tokens: 34 },
  ],
  [
    "of Messages: what only the delta knows counts",
    "messages",
    [
      { input_tokens: 0, output_tokens: 0 },
      { input_tokens: 9, output_tokens: 30 },
    ],
    { input_tokens: 9, output_tokens: 30, total_tokens: 39 },
  ],
  [
    "is the last snapshot, not the sum",
    "chat",
    [
      { prompt_tokens: 5, completion_tokens: 1 },
      { prompt_tokens: 5, completion_tokens: 2 },
    ],
    { input_tokens: 5, output_tokens: 2, total_tokens: 7 },
  ],
  [
    "may come in the other API's names",
    "responses",
    [{ input_tokens: 0, prompt_tokens: 5, output_tokens: 0, completion_tokens: 2 }],
    { input_tokens: 5, output_tokens: 2, total_tokens: 7 },
  ],
  [
    "may come as numeric strings and floats",
    "responses",
    [{ input_tokens: "5", output_tokens: 2.0, total_tokens: " 7 " }],
    { input_tokens: 5, output_tokens: 2, total_tokens: 7 },
  ],
  [
    "keeps a total that the upstream gives, and is partial where the parts are less",
    "responses",
    [{ input_tokens: 5, output_tokens: 2, total_tokens: 9 }],
    { input_tokens: 5, output_tokens: 2, total_tokens: 9, partial: true },
  ],
  [
    "keeps a real zero beside known figures",
    "responses",
    [{ input_tokens: 5, output_tokens: 0, output_tokens_details: { reasoning_tokens: 0 } }],
    { input_tokens: 5, output_tokens: 0, reasoning_tokens: 0, total_tokens: 5 },
  ],
  ["that is null is not usage", "responses", [null], undefined],
  [
    "that is nothing but zeros is not usage",
    "chat",
    [{ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
    undefined,
  ],
  ["without a known name is not usage", "chat", [{ tokens: 7 }], undefined],
  [
    "leaves out what is negative, huge or no number",
    "chat",
    [{ prompt_tokens: -1, completion_tokens: 7, total_tokens: 1e300, cached_tokens: "many" }],
    { output_tokens: 7, total_tokens: 7, partial: true },
  ],
  [
    "of DeepSeek has its own name for cached",
    "chat",
    [{ prompt_tokens: 9, completion_tokens: 1, prompt_cache_hit_tokens: 6 }],
    { input_tokens: 9, output_tokens: 1, total_tokens: 10, cached_input_tokens: 6 },
  ],
];

for (const [title, api, snapshots, expected] of ROWS) {
  test(`usage ${title}`, () => {
    expect(readUsage(api, snapshots)).toEqual(expected);
  });
}

test("reading usage never throws, and never gives zeros alone or anything but whole numbers", () => {
  const names = fc.constantFrom(
    "input_tokens",
    "prompt_tokens",
    "output_tokens",
    "total_tokens",
    "input_tokens_details",
    "cached_tokens",
  );
  const snapshot = fc.oneof(
    fc.anything(),
    fc.dictionary(names, fc.oneof(fc.anything(), fc.integer(), fc.double())),
  );
  fc.assert(
    fc.property(
      fc.constantFrom<Api>("responses", "messages", "chat"),
      fc.array(snapshot, { maxLength: 3 }),
      (api, snapshots) => {
        const usage = readUsage(api, snapshots);
        const figures = Object.values(usage ?? { none: 1 }).filter((figure) => typeof figure === "number");
        expect(figures.every((figure) => Number.isSafeInteger(figure) && figure >= 0)).toBe(true);
        expect(figures.some((figure) => figure > 0)).toBe(true);
      },
    ),
  );
});
