import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Cost } from "../../src/usage/prices.ts";
import { type SpendRow, readSavedSpend } from "../../src/usage/saved-spend.ts";
import { type Spend, createSpend, usedIn } from "../../src/usage/spend.ts";
import { makeEntry } from "../log/make-entry.ts";

const NOON = new Date(2026, 10, 29, 12).getTime();
const DAY_MS = 86_400_000;
const A_DOLLAR: Cost = { kind: "priced", usd: 1 };
const USAGE = { input_tokens: 100, cached_input_tokens: 40, cache_creation_tokens: 10, output_tokens: 7 };

const rowsOf = (spend: Spend, period: string): SpendRow[] => [...spend.rowsOf(period)].map(([, row]) => row);
const reload = (spend: Spend, now = NOON): Spend => {
  const saved = readSavedSpend(JSON.parse(JSON.stringify(spend.save({ log: [], read_at: now }, now))));
  if (saved === null) throw new Error("the ledger cannot be read again");
  return createSpend(saved);
};
const sum = (rows: readonly SpendRow[], count: "requests" | "usd"): number =>
  rows.reduce((total, row) => total + row[count], 0);

describe("the ledger of spend", () => {
  test("adds up by local day, upstream, config, model and project, also after it was saved", () => {
    const spend = createSpend();
    const entry = makeEntry({ timestamp_ms: NOON, model: "gpt-5", cwd: "/p", usage: USAGE });
    spend.add(entry, A_DOLLAR, NOON);
    spend.add(entry, A_DOLLAR, NOON);
    spend.add({ ...entry, timestamp_ms: new Date(2026, 10, 30, 0, 0).getTime() }, A_DOLLAR, NOON);
    for (const other of [{ model: "m" }, { cwd: "/q" }, { config_name: "b" }, { service: "claude" }] as const)
      spend.add({ ...entry, ...other }, A_DOLLAR, NOON);
    for (const one of [spend, reload(spend), reload(reload(spend))]) {
      expect(rowsOf(one, "2026-11-29")).toHaveLength(5);
      expect(rowsOf(one, "2026-11-29")[0]).toMatchObject({
        service: "codex",
        config: "main",
        upstream: "https://relay.example/v1",
        model: "gpt-5",
        project: "/p",
        requests: 2,
        usd: 2,
        fresh_input_tokens: 100,
        cached_input_tokens: 80,
        cache_creation_tokens: 20,
        output_tokens: 14,
      });
      expect(sum(rowsOf(one, "2026-11"), "usd")).toBe(7);
      expect(sum(rowsOf(one, "2026-11-30"), "usd")).toBe(1);
    }
  });

  test("counts what waited for a reset when it was answered, not when it came", () => {
    const spend = createSpend();
    const late = { timestamp_ms: NOON, model: "gpt-5", usage: USAGE, waited_ms: 43_199_990 };
    spend.add(makeEntry({ ...late, duration_ms: 43_200_200 }), A_DOLLAR, NOON + DAY_MS / 2);
    // A machine was asleep: its own clock stood still.
    spend.add(makeEntry({ ...late, waited_ms: 43_200_000, duration_ms: 200 }), A_DOLLAR, NOON + DAY_MS / 2);
    spend.add(makeEntry({ timestamp_ms: NOON, usage: USAGE, duration_ms: 43_200_200 }), A_DOLLAR, NOON);
    expect(sum(rowsOf(spend, "2026-11-29"), "usd")).toBe(1);
    expect(sum(rowsOf(spend, "2026-11-30"), "usd")).toBe(2);
    const slices = [...spend.recent()].flatMap(([, own]) => [...own.keys()]);
    expect(slices.toSorted((one, other) => one - other)).toEqual([NOON, NOON + DAY_MS / 2]);
  });

  test("counts what failed attempts used at their own upstream, and what is known in part as such", () => {
    const spend = createSpend();
    const attempts = [
      {
        upstream_base_url: "https://a.example",
        verdict: "cut-reset",
        duration_ms: 1,
        usage: { input_tokens: 30, total_tokens: 30, partial: true },
      },
      { upstream_base_url: "https://relay.example/v1", verdict: "ok", duration_ms: 1 },
    ];
    const cost: Cost = { ...A_DOLLAR, attempts: [{ kind: "priced", usd: 0.5 }] };
    spend.add(makeEntry({ timestamp_ms: NOON, usage: USAGE, attempts }), cost, NOON);
    const rows = rowsOf(reload(spend), "2026-11-29");
    const at = (url: string) => rows.find(({ upstream }) => upstream === url);
    expect(at("https://a.example")).toMatchObject({
      requests: 0,
      failed_attempts: 1,
      usd: 0.5,
      fresh_input_tokens: 30,
      partial_requests: 1,
    });
    expect(at("https://relay.example/v1")).toMatchObject({ requests: 1, usd: 1, partial_requests: 0 });
    expect([...spend.recentAt("codex", "https://a.example").values()]).toEqual([0.5]);
  });

  test("counts what has no price or no usage as such, never as nothing", () => {
    const spend = createSpend();
    const entry = makeEntry({ timestamp_ms: NOON });
    spend.add({ ...entry, usage: USAGE }, { kind: "unpriced", model: "m" }, NOON);
    for (const outcome of ["ok", "cut", "client_gone"] as const)
      spend.add({ ...entry, outcome }, { kind: "unknown" }, NOON);
    // These cost nothing.
    spend.add({ ...entry, outcome: "error" }, { kind: "unknown" }, NOON);
    spend.add({ ...entry, outcome: "refused", upstream_base_url: null }, { kind: "unknown" }, NOON);
    spend.add({ ...entry, method: "GET", path: "/v1/models" }, { kind: "unknown" }, NOON);
    spend.add({ ...entry, outcome: "refused", upstream_base_url: null, refusals: 900 }, null, NOON);
    const [row] = rowsOf(reload(spend), "2026-11-29");
    expect(row).toMatchObject({ requests: 6, unpriced_requests: 1, requests_without_usage: 3, usd: 0 });
    expect(sum(rowsOf(spend, "2026-11-29"), "requests")).toBe(7);
  });

  test.each([
    ["a total without its parts", { total_tokens: 700, partial: true }, undefined, 0, 700, 1],
    [
      "a total that has more than its parts",
      { input_tokens: 20, output_tokens: 400, total_tokens: 1000, partial: true },
      undefined,
      1,
      1000,
      1,
    ],
    [
      "an input alone, of which more was expected",
      { input_tokens: 300, total_tokens: 300, partial: true },
      { tokens: 5000, usd: 4 },
      4,
      5000,
      0,
    ],
    [
      "more than was expected",
      { input_tokens: 9000, total_tokens: 9000, partial: true },
      { tokens: 5000, usd: 0.1 },
      1,
      9000,
      0,
    ],
    ["all", { input_tokens: 9, output_tokens: 1, total_tokens: 10 }, { tokens: 5000, usd: 4 }, 1, 10, 0],
  ] as const)("counts for a budget, of an answer that told %s", (_, usage, estimate, usd, tokens, open) => {
    const spend = createSpend();
    const cost: Cost = "input_tokens" in usage ? A_DOLLAR : { kind: "unknown" };
    spend.add(makeEntry({ timestamp_ms: NOON, usage, estimate }), cost, NOON);
    const [row] = rowsOf(reload(spend), "2026-11-29");
    if (row === undefined) throw new Error("no row");
    expect(usedIn(row)).toEqual({ usd, tokens, requests: 1 });
    expect(row.partial_requests - row.estimated_answers).toBe(open);
    expect(spend.additionsSince(0)?.map(({ used }) => used)).toEqual([{ usd, tokens, requests: 1 }]);
  });

  test("counts each attempt at its own upstream", () => {
    const spend = createSpend();
    const attempts = [
      { upstream_base_url: "https://a.example", verdict: "server-error", duration_ms: 1 },
      { upstream_base_url: "https://b.example", verdict: "ok", duration_ms: 1 },
    ];
    spend.add(
      makeEntry({ timestamp_ms: NOON, upstream_base_url: "https://b.example", attempts }),
      null,
      NOON,
    );
    expect(rowsOf(spend, "2026-11-29")).toMatchObject([
      { upstream: "https://b.example", requests: 1, attempts: 1, failed_attempts: 0 },
      { upstream: "https://a.example", requests: 0, attempts: 1, failed_attempts: 1 },
    ]);
  });

  test("knows which lines of a run it has, in whatever order they come", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 }), (numbers) => {
        const spend = createSpend();
        for (const seq of numbers) spend.add(makeEntry({ run: "r", seq }), null, NOON);
        for (const one of [spend, reload(spend)]) {
          for (let seq = 0; seq <= 41; seq += 1)
            expect(one.has("r", seq)).toBe(numbers.length === 0 ? undefined : numbers.includes(seq));
          expect(one.has("another", 1)).toBeUndefined();
        }
      }),
    );
  });

  test("stays small, whatever it is given, and loses no dollar of a day", () => {
    const spend = createSpend();
    for (let index = 0; index < 3_000; index += 1) {
      const names = {
        model: `m${index}`.repeat(100),
        cwd: `/${index}`,
        config_name: `c${index % 500}`,
        upstream_base_url: `https://${index}.example/${"x".repeat(300)}`,
        run: `run-${index}`,
        seq: 2 * index + 1,
      };
      spend.add(makeEntry({ timestamp_ms: NOON, usage: USAGE, ...names }), A_DOLLAR, NOON);
    }
    for (let seq = 1; seq < 1_000; seq += 2) spend.add(makeEntry({ run: "gaps", seq }), null, NOON);
    const saved = spend.save({ log: [], read_at: NOON }, NOON);
    expect(JSON.stringify(saved).length).toBeLessThan(1_000_000);
    expect(sum(rowsOf(reload(spend), "2026-11-29"), "usd")).toBeCloseTo(3_000);
    expect(spend.has("gaps", 999)).toBe(true);
  });

  test("keeps this month and the one before, also after a clock was wrong for a while", () => {
    const spend = createSpend();
    const add = (at: number): void => spend.add(makeEntry({ timestamp_ms: at, usage: USAGE }), A_DOLLAR, at);
    for (let days = 0; days < 200; days += 1) add(NOON - days * DAY_MS);
    add(new Date(2031, 0, 1).getTime());
    add(0);
    const kept = Object.keys(reload(spend).save({ log: [], read_at: NOON }, NOON).days);
    expect(kept).toHaveLength(62);
    expect([kept[0], kept.at(-1)]).toEqual(["2026-09-29", "2026-11-29"]);
    const young = createSpend();
    young.add(makeEntry({ timestamp_ms: NOON, usage: USAGE }), A_DOLLAR, NOON);
    expect(sum(rowsOf(reload(young, new Date(2031, 0, 1).getTime()), "2026-11"), "usd")).toBe(1);
  });

  const others = [null, 1, [], {}, { version: 2 }, { version: 1, days: { "2026-11-29": [{ usd: -1 }] } }];
  test.each(others.map((value) => [value]))("%j is none", (value) => {
    expect(readSavedSpend(value)).toBeNull();
  });
});
