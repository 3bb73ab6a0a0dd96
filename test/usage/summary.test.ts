import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type LogRecord, readRecord } from "../../src/log/record.ts";
import { GROUPS, type Group, makeKeyOf } from "../../src/usage/groups.ts";
import type { Cost } from "../../src/usage/prices.ts";
import { type Summary, createSummarizer, createTrend, makeSteps } from "../../src/usage/summary.ts";
import { isGeneration } from "../../src/usage/outcome.ts";
import { createHistogram, isWhole } from "../../src/usage/tally.ts";
import { makeRecord } from "../log/make-record.ts";

const DAY_MS = 86_400_000;
const dayOf = (timestampMs: number): string => `day ${Math.floor(timestampMs / DAY_MS)}`;
const UNKNOWN: Cost = { kind: "unknown" };

function summarize(by: Group, records: readonly LogRecord[], costOf = (_: LogRecord) => UNKNOWN): Summary {
  const summarizer = createSummarizer({ by, keyOf: makeKeyOf(by, dayOf) });
  for (const record of records) summarizer.add(record, costOf(record));
  return summarizer.finish();
}

type Fields = Readonly<Record<string, unknown>>;

const request = (fields: Fields = {}): LogRecord =>
  makeRecord({
    timestamp_ms: 5,
    service: "codex",
    method: "POST",
    path: "/v1/responses",
    status_code: 200,
    config_name: "main",
    outcome: "ok",
    ...fields,
  });

describe("a summary", () => {
  test("adds up tokens by group, the largest first, and all of them", () => {
    const { rows, total } = summarize("config", [
      request({
        usage: {
          input_tokens: 10,
          output_tokens: 5,
          total_tokens: 15,
          cached_input_tokens: 8,
          reasoning_tokens: 2,
        },
      }),
      request({ config_name: "backup", usage: { input_tokens: 100, output_tokens: 50, total_tokens: 150 } }),
      request(),
      request({ config_name: null, usage: null }),
    ]);
    expect(rows.map(({ key, requests, total_tokens }) => [key, requests, total_tokens])).toEqual([
      ["backup", 1, 150],
      ["main", 2, 15],
      [null, 1, 0],
    ]);
    expect(total).toMatchObject({
      requests: 4,
      input_tokens: 110,
      output_tokens: 55,
      reasoning_tokens: 2,
      total_tokens: 165,
      cached_input_tokens: 8,
      all_input_tokens: 110,
    });
  });

  test("takes as input of Claude what came from and went to the cache, too", () => {
    const usage = {
      input_tokens: 4,
      output_tokens: 30,
      total_tokens: 1234,
      cached_input_tokens: 1000,
      cache_creation_tokens: 200,
    };
    const { total } = summarize("service", [request({ service: "claude", path: "/v1/messages", usage })]);
    expect(total).toMatchObject({ input_tokens: 4, all_input_tokens: 1204, cache_creation_tokens: 200 });
  });

  test("tells errors from clients that left, in entries of the first version too", () => {
    const { total } = summarize("config", [
      ...["error", "cut", "refused", "ok", "client_gone"].map((outcome) => request({ outcome })),
      ...[200, 500, 499, "x"].map((status_code) => request({ outcome: undefined, status_code })),
    ]);
    expect(total).toMatchObject({ requests: 9, errors: 4 });
  });

  test("counts requests that took more than one attempt as failovers", () => {
    const { total } = summarize("config", [
      request({ attempts: [{}, {}, {}] }),
      request({ attempts: [{}] }),
      request({ attempts: 5 }),
    ]);
    expect(total.failovers).toBe(1);
  });

  test("leaves requests that generate nothing apart", () => {
    const { total, other, rows } = summarize("config", [
      request({ method: "GET", path: "/v1/models" }),
      request({ path: "/v1/messages/count_tokens", usage: { total_tokens: 5 } }),
      request({ path: "/v1/chat/completions" }),
    ]);
    expect([total.requests, total.total_tokens, other, rows.length]).toEqual([1, 0, 2, 1]);
  });

  test("is the same with and without lines that stand for refused requests", () => {
    const own = [
      request(),
      request({ outcome: "error", status_code: 502 }),
      request({ method: "GET", path: "/v1/models" }),
    ];
    const refused = ["/v1/responses", "/v1/models", "/"].map((path) =>
      request({ path, outcome: "refused", status_code: 403, config_name: null, refusals: 9_700 }),
    );
    for (const by of GROUPS)
      expect(summarize(by, [...refused, ...own, ...refused])).toEqual(summarize(by, own));
    expect(summarize("config", [request({ outcome: "refused", status_code: 413 })]).total.errors).toBe(1);
  });

  test.each([
    ["codex_exec/0.171.0", "codex"],
    ["codex-tui/0.172.0", "codex"],
    ["claude-cli/2.1.332", "claude"],
    ["opencode/1.18.33", "opencode"],
    ["QwenCode/0.15.10", "QwenCode"],
    ["OpenAI/JS/5.20.1", "OpenAI/JS"],
    [undefined, null],
  ])("calls the program of %s %s", (client, name) => {
    expect(summarize("client", [request({ client })]).rows[0]?.key ?? null).toBe(name);
  });

  test("groups by every field that it names, days in their order", () => {
    const fields = {
      service: "claude",
      config_name: "c",
      upstream_base_url: "u",
      model: "m",
      served_model: "n",
      session_id: "s",
      client: "OpenAI/JS/5.20.1",
      agent: "subagent",
      cwd: "p",
    };
    const keys = GROUPS.map((by) => summarize(by, [request(fields)]).rows[0]?.key);
    expect(keys).toEqual([
      "c",
      "u",
      "m",
      "n",
      "s",
      "OpenAI/JS",
      "subagent",
      "p",
      "p",
      "day 0",
      "day 0",
      "day 0",
      "day 0",
      "claude",
    ]);
    const days = summarize(
      "day",
      [2, 0, 1].map((day) => request({ timestamp_ms: day * DAY_MS, usage: { total_tokens: 1 } })),
    );
    expect(days.rows.map(({ key }) => key)).toEqual(["day 0", "day 1", "day 2"]);
  });

  test("names a time anew when its quarter of an hour is over", () => {
    const keyOf = makeKeyOf("hour", (ms) => `quarter ${ms / 900_000}`);
    const times = [0, 899_999, 900_000, 0, -1].map((timestamp_ms) => keyOf(makeRecord({ timestamp_ms })));
    expect(times).toEqual(["quarter 0", "quarter 0", "quarter 1", "quarter 0", `quarter ${-1 / 900_000}`]);
    expect(readRecord({ timestamp_ms: "0" })).toBeNull();
  });

  test("adds up costs, and tells requests that have no price apart", () => {
    const costOf = ({ model }: LogRecord): Cost => {
      if (model === "free") return { kind: "priced", usd: 0 };
      if (model === "priced") return { kind: "priced", usd: 0.1 };
      return typeof model === "string" ? { kind: "unpriced", model } : UNKNOWN;
    };
    const models = ["priced", "priced", "priced", "free", "b", "a", "a", undefined];
    const { rows, total, unpriced_models } = summarize(
      "model",
      models.map((model) => request({ model, usage: { total_tokens: 1 } })),
      costOf,
    );
    expect(rows.map((row) => [row.key, row.cost_usd, row.unpriced_requests])).toEqual([
      ["priced", 0.3, 0],
      ["a", null, 2],
      ["free", 0, 0],
      ["b", null, 1],
      [null, null, 0],
    ]);
    expect([total.cost_usd, total.unpriced_requests]).toEqual([0.3, 3]);
    expect(unpriced_models).toEqual(["a", "b"]);
  });

  const failed = {
    upstream_base_url: "https://a.example",
    verdict: "error-in-200",
    usage: { input_tokens: 50, output_tokens: 7, total_tokens: 57 },
  };
  const good = { upstream_base_url: "https://b.example", verdict: "ok" };
  const FAILED_OVER = {
    upstream_base_url: "https://b.example",
    usage: { input_tokens: 50, output_tokens: 1, total_tokens: 51 },
    attempts: [failed, good],
  };

  test("counts what failed attempts used, at their own upstream, and how many there were", () => {
    const costOf = (): Cost => ({ kind: "priced", usd: 1, attempts: [{ kind: "priced", usd: 0.25 }] });
    const { rows, total } = summarize("upstream", [request(FAILED_OVER)], costOf);
    expect(rows.map((row) => [row.key, row.requests, row.total_tokens, row.cost_usd])).toEqual([
      ["https://a.example", 0, 57, 0.25],
      ["https://b.example", 1, 51, 1],
    ]);
    expect(total).toMatchObject({
      requests: 1,
      total_tokens: 108,
      all_input_tokens: 100,
      cost_usd: 1.25,
      failed_attempts: 1,
      failed_attempts_tokens: 57,
      failed_attempts_cost_usd: 0.25,
      partial_attempts: 0,
    });
    expect([isWhole(total, "tokens"), isWhole(total, "cost")]).toEqual([true, true]);
  });

  test("says what it does not know: requests without usage, with a part of it, without a price", () => {
    const rows: readonly (readonly [what: string, known: Fields, cost: Cost])[] = [
      ["requests_without_usage", { usage_unknown: "not_told" }, UNKNOWN],
      ["requests_without_usage", { usage_unknown: "unreadable" }, UNKNOWN],
      ["requests_without_usage", { outcome: "cut" }, UNKNOWN],
      ["requests_without_usage", { outcome: "client_gone", status_code: 499 }, UNKNOWN],
      [
        "partial_requests",
        { usage: { input_tokens: 3, total_tokens: 3, partial: true } },
        { kind: "priced", usd: 1 },
      ],
      [
        "unpriced_requests",
        { usage: { input_tokens: 3, total_tokens: 3 } },
        { kind: "unpriced", model: "m" },
      ],
      [
        "partial_attempts",
        { ...FAILED_OVER, attempts: [{ ...failed, usage: { ...failed.usage, partial: true } }, good] },
        { kind: "priced", usd: 1 },
      ],
      [
        "unpriced_attempts",
        FAILED_OVER,
        { kind: "priced", usd: 1, attempts: [{ kind: "unpriced", model: "m" }] },
      ],
    ];
    const named = { upstream_base_url: "https://b.example" };
    for (const [what, known, cost] of rows) {
      const { total } = summarize("upstream", [request({ ...named, ...known })], () => cost);
      expect([what, Reflect.get(total, what)]).toEqual([what, 1]);
      expect([what, isWhole(total, "cost"), isWhole(total, "tokens")]).toEqual([
        what,
        false,
        what.startsWith("unpriced"),
      ]);
    }
    // These used nothing.
    const nothing = [
      { outcome: "error", status_code: 429 },
      { outcome: "refused", upstream_base_url: null },
    ];
    for (const known of nothing) {
      const { total } = summarize("upstream", [request({ ...named, ...known })], () => UNKNOWN);
      expect(isWhole(total, "cost")).toBe(true);
    }
  });

  test("gives all that was read as the API said it, without reasoning", () => {
    const usage = {
      input_tokens: 10,
      cached_input_tokens: 4,
      output_tokens: 5,
      reasoning_tokens: 9,
      total_tokens: 24,
    };
    expect(summarize("config", [request({ usage })]).total.all_input_tokens).toBe(10);
    expect(summarize("config", [request({ path: "/v1/messages/", usage })]).total.all_input_tokens).toBe(14);
  });

  test("gives tokens a second over the time of requests that went well", () => {
    const timed = (known: Fields): LogRecord =>
      request({ duration_ms: 2000, usage: { output_tokens: 100 }, ...known });
    const perSec = (records: readonly LogRecord[]) =>
      summarize("config", records).total.output_tokens_per_sec;
    expect(perSec([timed({}), timed({ duration_ms: 6000 })])).toBe(25);
    expect(perSec([timed({}), timed({ outcome: "cut" }), timed({ usage: {} })])).toBe(50);
    expect(perSec([timed({ outcome: "cut" })])).toBeNull();
  });

  test("makes one group of those that get one name", () => {
    const summarizer = createSummarizer({
      by: "session",
      keyOf: makeKeyOf("session", dayOf),
    });
    for (const session_id of ["s1", "s2", "s2", "s3", undefined])
      summarizer.add(request({ session_id }), UNKNOWN);
    expect([...summarizer.keys()]).toEqual(["s1", "s2", "s3", null]);
    const rename = (key: string | null): string | null => (key === "s1" || key === "s2" ? "/code/app" : null);
    for (const _twice of [1, 2]) {
      const { rows, total } = summarizer.finish(rename);
      expect(rows.map(({ key, requests }) => [key, requests])).toEqual([
        ["/code/app", 3],
        [null, 2],
      ]);
      expect(total.requests).toBe(5);
    }
  });

  test("of all is what its rows are together", () => {
    const entry = fc.record({
      config_name: fc.constantFrom("a", "b", null),
      ttfb_ms: fc.integer({ min: 0, max: 5000 }),
      duration_ms: fc.nat(9000),
      outcome: fc.constantFrom("ok", "error"),
      usage: fc.record({ input_tokens: fc.nat(99), output_tokens: fc.nat(99), total_tokens: fc.nat(300) }),
    });
    const costOf = ({ ttfb_ms }: LogRecord): Cost => ({ kind: "priced", usd: Number(ttfb_ms) });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1 }), (entries) => {
        const made = entries.map((one) => request(one));
        const { total } = summarize("config", made, costOf);
        const { key, ...alone } = summarize("service", made, costOf).rows[0] ?? { key: "" };
        expect(key).toBe("codex");
        expect<unknown>(alone).toEqual(total);
      }),
    );
  });

  test("never throws and never counts what is no count", () => {
    const odd = fc.dictionary(
      fc.constantFrom("usage", "ttfb_ms", "attempts", "status_code", "config_name", "timestamp_ms"),
      fc.anything(),
    );
    fc.assert(
      fc.property(fc.array(odd), fc.constantFrom(...GROUPS), (entries, by) => {
        const { total } = summarize(
          by,
          entries.flatMap((entry) => readRecord({ ...request(), ...entry }) ?? []),
        );
        for (const figure of [
          total.requests,
          total.total_tokens,
          total.all_input_tokens,
          total.ttfb_p50_ms ?? 0,
        ]) {
          expect(figure).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});

test("the paths that generate", () => {
  const paths = [
    "/v1/responses",
    "/responses",
    "/v1/responses/compact",
    "/v1/messages",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses/",
    "/v1/messages//",
    "/v1/images/generations",
  ];
  expect(paths.filter((path) => isGeneration({ method: "POST", path }))).toEqual(paths);
  const others = ["/v1/models", "/v1/messages/count_tokens", "/v1/responses/resp_1", "/v1/embeddings"];
  expect(others.filter((path) => isGeneration({ method: "POST", path }))).toEqual([]);
  expect(isGeneration({ method: "GET", path: "/v1/responses" })).toBe(false);
  const usage = { input_tokens: 3, total_tokens: 3 };
  expect(isGeneration({ method: "POST", path: "/v1/embeddings", usage })).toBe(true);
});

describe("a histogram", () => {
  test("has no quantile without figures", () => {
    expect(createHistogram().quantile(0.5)).toBe(null);
  });

  test("gives quantiles that are right to 1 % (and to the next whole number)", () => {
    const figure = fc.integer({ min: 0, max: 10_000_000 });
    const figures = fc.oneof(
      fc.array(figure, { minLength: 1, maxLength: 80 }),
      fc.array(figure, { minLength: 65, maxLength: 300 }),
    );
    fc.assert(
      fc.property(figures, fc.constantFrom(0.5, 0.95, 1), (values, q) => {
        const histogram = createHistogram();
        const other = createHistogram();
        for (const [index, value] of values.entries()) (index % 3 === 0 ? other : histogram).add(value);
        histogram.merge(other);
        const exact = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)] ?? 0;
        expect(Math.abs((histogram.quantile(q) ?? Number.NaN) - exact)).toBeLessThanOrEqual(exact * 0.01 + 1);
      }),
    );
  });
});

describe("a trend", () => {
  const HOUR = 3_600_000;
  const stepsOf = (points: readonly (readonly [hour: number, tokens: number])[], most: number) => {
    const trend = createTrend();
    for (const [hour, tokens] of points) trend.add(hour * HOUR, tokens, tokens / 10);
    return makeSteps(trend.finish(), most);
  };

  test("is nothing for a single hour", () => {
    expect(stepsOf([], 10)).toBeNull();
    expect(
      stepsOf(
        [
          [5, 1],
          [5.5, 2],
        ],
        10,
      ),
    ).toBeNull();
  });

  test("has a step for each hour where there is room, with empty ones between", () => {
    const steps = stepsOf(
      [
        [3, 7],
        [0, 1],
        [0.5, 2],
      ],
      10,
    );
    expect(steps).toMatchObject({ fromMs: 0, toMs: 4 * HOUR });
    expect(steps?.points.map(({ tokens }) => tokens)).toEqual([3, 0, 0, 7]);
  });

  test("loses nothing, however few steps there may be", () => {
    const point = fc.tuple(fc.nat(5000), fc.nat(1000));
    fc.assert(
      fc.property(fc.array(point, { minLength: 2 }), fc.integer({ min: 1, max: 80 }), (points, most) => {
        const steps = stepsOf(points, most);
        if (steps === null) return;
        expect(steps.points.length).toBeLessThanOrEqual(most);
        const sum = steps.points.reduce((all, { tokens }) => all + tokens, 0);
        expect(sum).toBe(points.reduce((all, [, tokens]) => all + tokens, 0));
      }),
    );
  });
});
