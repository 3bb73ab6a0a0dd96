import { expect, test } from "bun:test";
import { createCostAlarm } from "../../../src/app/serve/cost-alarm.ts";
import { inEnglish } from "../../../src/base/text.ts";
import type { AlarmEntry } from "../../../src/config/notify.ts";
import type { LogRecord } from "../../../src/log/record.ts";
import { readBilledTokens } from "../../../src/usage/price-rates.ts";
import type { Cost } from "../../../src/usage/prices.ts";
import { makeRecord } from "../../log/make-record.ts";

const MINUTE_MS = 60_000;

/** Dollars a million tokens: 5 fresh, 6 written to the cache, 0.5 read from it, 25 put out. */
function costOf(record: LogRecord): Cost {
  const tokens = readBilledTokens(record);
  if (tokens === null) return { kind: "unknown" };
  const { cached, created, created1h, fresh, output } = tokens;
  const micro = 5 * fresh + 0.5 * cached + 6 * created + 10 * created1h + 25 * output;
  return { kind: "priced", usd: micro / 1e6 };
}

function setUp(limits: AlarmEntry) {
  const note = createCostAlarm();
  let at = Date.parse("2026-11-30T12:00:00");
  return (fields: Readonly<Record<string, unknown>>, laterMs = MINUTE_MS) => {
    at += laterMs;
    const record = makeRecord({
      timestamp_ms: at,
      method: "POST",
      path: "/v1/messages",
      session_id: "s",
      model: "claude-opus-5-5",
      upstream_label: "main#1",
      outcome: "ok",
      status_code: 200,
      ...fields,
    });
    return note(record, costOf, limits).map(({ alarm, lost, usd }) => ({
      alarm,
      usd: Number(usd.toFixed(3)),
      ...(lost === null ? {} : { tokens: lost.tokens, cause: inEnglish(lost.cause) }),
    }));
  };
}

const messages = (input: number, cached: number, written = 0) => ({
  usage: {
    input_tokens: input,
    cached_input_tokens: cached,
    cache_creation_tokens: written,
    output_tokens: 0,
  },
});

test("a turn above the alarm is told, a cheaper one and one without a price are not", () => {
  const turn = setUp({ turn_usd: 1 });
  expect(turn(messages(199_000, 0))).toEqual([]);
  expect(turn(messages(200_000, 0))).toEqual([{ alarm: "turn", usd: 1 }]);
  expect(turn({})).toEqual([]);
  expect(turn({ ...messages(900_000, 0), path: "/v1/messages/count_tokens" })).toEqual([]);
});

test("an hour is told once, and again after one that cost less", () => {
  const turn = setUp({ hour_usd: 1 });
  const alarms = [1, 10, 20, 5].map((minutes) => turn(messages(80_000, 0), minutes * MINUTE_MS));
  expect(alarms).toEqual([[], [], [{ alarm: "hour", usd: 1.2 }], []]);
  expect(turn(messages(80_000, 0), 90 * MINUTE_MS)).toEqual([]);
  expect(turn(messages(120_000, 0))).toEqual([{ alarm: "hour", usd: 1 }]);
});

test("a turn that reads its conversation again says what it cost, and what changed before it", () => {
  const turn = setUp({ cache_break_usd: 0.5 });
  expect(turn(messages(0, 0, 180_000))).toEqual([]);
  expect(turn(messages(2_000, 180_000, 1_000))).toEqual([]);
  // Written to the cache again at 6 instead of read at 0.5.
  expect(turn({ ...messages(0, 0, 190_000), upstream_label: "main#2" })).toEqual([
    {
      alarm: "cache_break",
      usd: 1.006,
      tokens: 183_000,
      cause: "the upstream changed from main#1 to main#2",
    },
  ]);
  expect(
    turn({ ...messages(0, 0, 190_000), upstream_label: "main#2", model: "claude-sonnet-5" }),
  ).toMatchObject([{ cause: "the model changed from claude-opus-5-5 to claude-sonnet-5" }]);
  const same = { upstream_label: "main#2", model: "claude-sonnet-5" };
  expect(turn({ ...messages(0, 0, 190_000), ...same }, 9 * MINUTE_MS)).toMatchObject([
    { cause: "the turn before was 9 min ago" },
  ]);
  expect(turn({ ...messages(190_000, 0), ...same })).toMatchObject([
    { usd: 0.855, cause: "neither upstream nor model changed" },
  ]);
});

test("for Responses, where the cached tokens are a part of the input", () => {
  const turn = setUp({ cache_break_usd: 0.5 });
  const responses = (input: number, cached: number) => ({
    path: "/v1/responses",
    usage: { input_tokens: input, cached_input_tokens: cached, output_tokens: 10 },
  });
  expect(turn(responses(150_000, 0))).toEqual([]);
  expect(turn(responses(152_000, 149_000))).toEqual([]);
  expect(turn(responses(154_000, 0))).toMatchObject([{ usd: 0.684, tokens: 152_000 }]);
});

test.each([
  ["the first turn of a session", [messages(0, 0, 300_000)]],
  ["another session", [messages(0, 0, 300_000), { ...messages(0, 0, 300_000), session_id: "t" }]],
  ["a sub-agent of the same one", [messages(0, 0, 300_000), { ...messages(0, 0, 300_000), agent: "sub" }]],
  ["after a compaction", [messages(0, 0, 300_000), messages(0, 0, 200_000)]],
  ["most of it came from the cache", [messages(0, 0, 300_000), messages(100_000, 200_000)]],
  ["it cost less than the alarm", [messages(0, 0, 50_000), messages(50_000, 0)]],
  [
    "a failed turn",
    [messages(0, 0, 300_000), { ...messages(300_000, 0), status_code: 500, outcome: "error" }],
  ],
  ["how much was used is not known", [messages(0, 0, 300_000), {}]],
] as const)("no cache was lost: %s", (_, turns) => {
  const turn = setUp({ cache_break_usd: 0.5 });
  expect(turns.flatMap((fields) => turn(fields))).toEqual([]);
});
