import { describe, expect, test } from "bun:test";
import { expectInEnglish } from "../helpers/expect-in-english.ts";
import fc from "fast-check";
import { findResetTime } from "../../src/routing/reset-time.ts";
import { NOW } from "../helpers/routing.ts";

const DAY = 86_400_000;

function find(headers: Record<string, string>, json?: unknown, message = "") {
  return findResetTime({ headers: new Headers(headers), json, message, now: NOW });
}

/** The wait that is found, in ms. */
function wait(headers: Record<string, string>, json?: unknown, message = ""): number | null {
  const hint = find(headers, json, message);
  return hint === null ? null : hint.atMs - NOW;
}

describe("Retry-After", () => {
  const cases: [string, number | null][] = [
    ["120", 120_000],
    [" 7 ", 7_000],
    ["1.5", 1_500],
    ["0", null],
    ["-1", null],
    ["soon", null],
    ["", null],
    ["100000000000", null],
    ["1e11", null],
    ["1e3", null],
    ["0x10", null],
    ["5, 5", null],
    ["Infinity", null],
    ["2027", 2_027_000],
    ["Fri, 02 Jan 2026 03:05:05 GMT", 60_000],
    ["Friday, 02-Jan-26 03:05:05 GMT", 60_000],
    ["Fri Jan  2 03:05:05 2026", 60_000],
    ["Fri, 2 Jan 2026 03:05:05 GMT", 60_000],
    ["Fri, 02 Jan 2026 03:05:05 UTC", 60_000],
    ["Fri, 02 Jan 2026 11:05:05 +0800", 60_000],
    ["Fri, 02 Jan 2026 03:05:05 XYZ", null],
    ["Fri, 02 Jan 2026 03:04:04 GMT", null],
    ["Fri, 16 Jan 2026 03:04:04 GMT", null],
    ["2026-01-02", null],
    ["Fri, 99 Jan 2026 03:05:05 GMT", null],
  ];
  for (const [value, expected] of cases) {
    test(`"${value}" means ${expected === null ? "nothing" : `${expected} ms`}`, () => {
      expect(wait({ "retry-after": value })).toBe(expected);
    });
  }

  test("has its source named", () => {
    expectInEnglish(find({ "retry-after": "3" })?.source).toBe("retry-after header");
  });
});

test("the more exact source wins, in the order of the documentation", () => {
  const headers = { "retry-after-ms": "250", "retry-after": "7" };
  const body = { error: { retry_after_ms: 900, resets_at: (NOW + 50_000) / 1_000, resets_in_seconds: 70 } };
  expect(wait(headers, body)).toBe(250);
  expect(wait({ "retry-after": "7" }, body)).toBe(7_000);
  expect(wait({}, body)).toBe(900);
  expect(wait({}, { error: { resets_at: (NOW + 50_000) / 1_000, resets_in_seconds: 70 } })).toBe(50_000);
  expect(wait({}, { error: { resets_in_seconds: "70" } }, "try again in 3s")).toBe(70_000);
  expect(wait({}, { error: { details: [{}, { retryDelay: "12.3s" }] } }, "try again in 3s")).toBe(12_300);
  expect(wait({ "x-ratelimit-reset-requests": "6m0s" }, {}, "try again in 3s")).toBe(360_000);
  expect(wait({}, {}, "please try again in 3s")).toBe(3_000);
});

test("a source that is past, too far ahead or unreadable gives way to the next one", () => {
  expect(wait({ "retry-after": "-1" }, { resets_in_seconds: 5 })).toBe(5_000);
  expect(wait({}, { resets_at: 1_600_000_000, resets_in_seconds: 5 })).toBe(5_000);
  expect(wait({}, { resets_at: (NOW + 9 * DAY) / 1_000 })).toBeNull();
  expect(wait({}, { resets_at: (NOW + 7 * DAY) / 1_000 })).toBe(7 * DAY);
  expect(wait({}, { resets_at: "later", resets_in_seconds: null }, "no time here")).toBeNull();
});

test("absolute times may be seconds, milliseconds or RFC 3339", () => {
  for (const resets_at of [(NOW + 1_000) / 1_000, NOW + 1_000, String(NOW + 1_000), "2026-01-02T03:04:06Z"])
    expect(wait({}, { resets_at })).toBe(1_000);
  expect(wait({}, { resetAt: "2026-01-02T04:04:05.000+01:00" })).toBeNull();
  expect(wait({}, { resetAt: "2026-01-02T05:04:06.000+02:00" })).toBe(1_000);
});

describe("ChatGPT's windows", () => {
  const window = (name: string, parts: Record<string, string | number>) =>
    Object.fromEntries(
      Object.entries(parts).map(([key, value]) => [`x-codex-${name}-${key}`, String(value)]),
    );

  test("of the spent ones the latest counts, whichever is called primary", () => {
    const week = window("primary", {
      "used-percent": 100,
      "window-minutes": 10_080,
      "reset-after-seconds": 90_000,
    });
    const hours = window("secondary", {
      "used-percent": 100,
      "window-minutes": 300,
      "reset-after-seconds": 600,
    });
    expect(wait({ ...week, ...hours })).toBe(90_000_000);
  });

  test("one that is not spent does not count", () => {
    const week = window("primary", {
      "used-percent": 40,
      "window-minutes": 10_080,
      "reset-after-seconds": 90_000,
    });
    const hours = window("secondary", {
      "used-percent": 100,
      "window-minutes": 300,
      "reset-at": (NOW + 600_000) / 1_000,
    });
    expectInEnglish(find({ ...week, ...hours })).toEqual({
      atMs: NOW + 600_000,
      source: "x-codex-secondary-reset-at header",
    });
  });

  test("with none spent the shortest counts", () => {
    const week = window("primary", { "window-minutes": 10_080, "reset-after-seconds": 90_000 });
    const hours = window("secondary", { "window-minutes": 300, "reset-after-seconds": 600 });
    expect(wait({ ...week, ...hours })).toBe(600_000);
  });
});

test("of Anthropic's windows the longest rejected one counts", () => {
  const unified = (parts: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(parts).map(([name, value]) => [`anthropic-ratelimit-unified-${name}`, value]),
    );
  const at = (ms: number) => String((NOW + ms) / 1_000);
  const headers = {
    "5h-status": "rejected",
    "5h-reset": at(3_600_000),
    "7d-status": "rejected",
    "7d-reset": at(2 * DAY),
    "overage-status": "rejected",
    "overage-reset": at(5 * DAY),
    reset: at(60_000),
  };
  expect(wait(unified(headers))).toBe(2 * DAY);
  expect(wait(unified({ ...headers, "7d-status": "allowed" }))).toBe(3_600_000);
  expect(wait(unified({ status: "rejected", reset: at(60_000) }))).toBe(60_000);
});

test("of rate limit buckets the empty one counts, else the last to refill", () => {
  const reset = { "x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s" };
  expect(wait({ ...reset, "x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "9" })).toBe(
    1_000,
  );
  expect(wait(reset)).toBe(360_000);
  expect(wait({ "x-ratelimit-reset": String(NOW + 5_000) })).toBe(5_000);
  expect(wait({ "anthropic-ratelimit-tokens-reset": "2026-01-02T03:04:35Z" })).toBe(30_000);
});

test("waits are read out of running text, also Chinese", () => {
  const cases: [string, number | null][] = [
    ["Rate limit reached. Please try again in 1.5s. Visit ...", 1_500],
    ["try again in 250ms", 250],
    ["Try again in 1h2m3s", 3_723_000],
    ["please try again in 20 minutes", 1_200_000],
    ["retry again after 5 seconds", 5_000],
    ["请在 30 秒后重试", 30_000],
    ["将在 5 分钟后重置", 300_000],
    ["Please retry after 20 seconds. Please go here ...", 20_000],
    ["You exceeded your current quota. Please retry in 34.07s.", 34_070],
    ["will not retry in 5 attempts", null],
    ["rate limited. Retry-After: 60", 60_000],
    ['upstream said {"retry_after": "1.5s"}', 1_500],
    ["retry-after=250ms", 250],
    ["retry_after: soon", null],
    ["cooling down for 60 seconds", 60_000],
    ["Next request available in 60 seconds", 60_000],
    ["This model is available in 2 regions", null],
    ["try again in a while", null],
    ["try again in 5 parsecs", null],
    ["try again later", null],
  ];
  for (const [message, expected] of cases)
    expect({ message, wait: wait({}, {}, message) }).toEqual({ message, wait: expected });
});

describe("a wait is read however it is spelled:", () => {
  const secs = (text: string) => ({ error: { message: text } });
  const cases: [title: string, headers: Record<string, string>, body: unknown, ms: number][] = [
    ["Retry-After with a unit", { "retry-after": "60s" }, {}, 60_000],
    ["Retry-After in quotes", { "retry-after": '"60"' }, {}, 60_000],
    ["Retry-After as ISO 8601", { "retry-after": "2026-01-02T03:05:05Z" }, {}, 60_000],
    ["Retry-After as an epoch", { "retry-after": String((NOW + 60_000) / 1_000) }, {}, 60_000],
    ["Retry-After as a duration of ISO 8601", { "retry-after": "PT1M" }, {}, 60_000],
    ["X-RateLimit-Reset in seconds", { "x-ratelimit-reset": "60" }, {}, 60_000],
    ["X-RateLimit-Reset in ms of the epoch", { "x-ratelimit-reset": String(NOW + 60_000) }, {}, 60_000],
    ["X-RateLimit-Reset as ISO 8601", { "x-ratelimit-reset": "2026-01-02T11:05:05+08:00" }, {}, 60_000],
    ["ratelimit-reset of the IETF's draft", { "ratelimit-reset": "60" }, {}, 60_000],
    ["RateLimit of the IETF's draft", { ratelimit: "limit=10, remaining=0, reset=60" }, {}, 60_000],
    ["RateLimit as a structured field", { ratelimit: '"default";r=0;t=60' }, {}, 60_000],
    ["the empty one of two", { "x-ratelimit-reset": "9", ratelimit: '"default";r=0;t=60' }, {}, 60_000],
    ["Retry-After in words", { "retry-after": "1 minute" }, {}, 60_000],
    ["X-Retry-After", { "x-retry-after": "60" }, {}, 60_000],
    ["a vendor's header in ms", { "x-ms-retry-after-ms": "60000" }, {}, 60_000],
    ["a vendor's header", { "x-ratelimit-retry-after": "60" }, {}, 60_000],
    ["Retry-After before a vendor's", { "retry-after": "60", "x-ms-retry-after-ms": "90000" }, {}, 60_000],
    ["rateLimitResetAt", {}, { rateLimitResetAt: "2026-01-02T03:05:05Z" }, 60_000],
    ["blocked_until", {}, { blocked_until: (NOW + 60_000) / 1_000 }, 60_000],
    ["a date in Chinese", {}, secs("额度将于2026年1月2日 15:05 重置"), 14_455_000],
    ["a day and a month in Chinese", {}, secs("将于 1月5日 08:00 自动恢复"), 248_155_000],
    ["the next day in Chinese", {}, secs("今日额度已用完，将于次日 00:00 重置"), 46_555_000],
    ["the next hour of a day in Chinese", {}, secs("明天0点重置额度"), 46_555_000],
    ["midnight", {}, secs("Daily limit reached, resets at midnight (UTC)"), 75_355_000],
    ["next_reset_at", {}, { data: { next_reset_at: "2026-01-02T03:05:05Z" } }, 60_000],
    ["retry_at", {}, { error: { retry_at: (NOW + 60_000) / 1_000 } }, 60_000],
    ["wait_seconds", {}, { error: { wait_seconds: 60 } }, 60_000],
    ["cooldown_seconds", {}, { error: { cooldown_seconds: 60 } }, 60_000],
    ["several units in Chinese", {}, secs("1小时30分钟后重试"), 5_400_000],
    ["Chinese with the wait at the end", {}, secs("请等待 60 秒"), 60_000],
    ["Chinese with a measure word", {}, secs("请 2 个小时后再试"), 7_200_000],
    ["retry_after_seconds", {}, { error: { retry_after_seconds: 60 } }, 60_000],
    ["retryAfter", {}, { retryAfter: "60s" }, 60_000],
    ["retryAfterMs", {}, { retryAfterMs: 60_000 }, 60_000],
    ["reset_time", {}, { data: { reset_time: "2026-01-02T03:05:05Z" } }, 60_000],
    ["reset_time as an epoch", {}, { data: { reset_time: (NOW + 60_000) / 1_000 } }, 60_000],
    ["resets-in", {}, { "resets-in": "1m" }, 60_000],
    ["a header that the body repeats", {}, { metadata: { headers: { "X-RateLimit-Reset": "60" } } }, 60_000],
    ["a clock's way", {}, secs("Quota will be replenished in 02:15:10."), 8_110_000],
    ["hours, minutes and seconds", {}, secs("Your quota will reset after 0h59m30s."), 3_570_000],
    ["days and hours", {}, secs("It will reset in 4 days 19 hours."), 414_000_000],
    ["minutes and seconds in words", {}, secs("Please wait 2 minutes and 5 seconds."), 125_000],
    ["days in Chinese", {}, secs("将在 2 天后重置"), 172_800_000],
  ];
  for (const [title, headers, body, ms] of cases)
    test(title, () => {
      const { error } = body as { error?: { message?: string } };
      expect(wait(headers, body, error?.message ?? "")).toBe(ms);
    });
});

const ZONES = [
  "UTC",
  "Asia/Shanghai",
  "Asia/Kolkata",
  "Europe/Berlin",
  "America/New_York",
  "America/Recife",
  "Pacific/Kiritimati",
  "Pacific/Pago_Pago",
  "+05:45",
  "-09:30",
];
const ahead = fc.integer({ min: 2, max: 7 * 86_400 }).map((secs) => NOW + secs * 1_000);
const zone = fc.constantFrom(...ZONES);

test("a time of any zone is read to the second, in every way in which it is written", () => {
  fc.assert(
    fc.property(ahead, zone, (at, timeZone) => {
      const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone);
      const [date, time] = [
        local.toPlainDate().toString(),
        local.toPlainTime().toString({ smallestUnit: "second" }),
      ];
      const offset = local.offset;
      const named = timeZone.includes("/") || timeZone === "UTC" ? `(${timeZone})` : `UTC${offset}`;
      const month = local
        .toPlainDate()
        .toLocaleString("en", { month: "short", day: "numeric", year: "numeric" });
      for (const text of [
        `resets at ${date}T${time}${offset}`,
        `Your limit will reset at ${date} ${time} ${offset.replace(":", "")} CST.`,
        `You will regain access on ${date} at ${time} ${named}.`,
        `将在 ${date} ${time}${offset} 重置`,
        `try again at ${month}, ${time} ${named}`,
      ])
        expect({ text, at: find({}, {}, text)?.atMs }).toEqual({ text, at });
      expect(find({}, { reset_time: `${date} ${time} ${offset}` })?.atMs).toBe(at);
    }),
  );
});

test("a time of day is its next one in the zone that is named", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_439 }), zone, (minutes, timeZone) => {
      const at = NOW - 5_000 + minutes * 60_000;
      const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone);
      const hour = local.hour % 12 === 0 ? 12 : local.hour % 12;
      const minute = String(local.minute).padStart(2, "0");
      const named = timeZone.includes("/") || timeZone === "UTC" ? timeZone : `GMT${timeZone}`;
      for (const text of [
        `You've hit your limit · resets ${hour}:${minute}${local.hour < 12 ? "am" : "pm"} (${named})`,
        `Resets at ${local.hour}:${minute} ${named}.`,
      ])
        expect({ text, at: find({}, {}, text)?.atMs }).toEqual({ text, at });
    }),
  );
});

test("a time without a zone is China's, or UTC's where that has passed; a time of day alone is none", () => {
  expect(wait({}, {}, "Your limit will reset at 2026-01-02 12:04:05")).toBe(3_600_000);
  expect(wait({}, {}, "Your limit will reset at 2026-01-02 04:04:05")).toBe(3_600_000);
  expect(wait({}, {}, "Your limit will reset at 2026-01-02 02:04:05")).toBeNull();
  expect(wait({}, {}, "5-hour limit reached ∙ resets 2am")).toBeNull();
  expect(wait({}, {}, "the model of 2026-01-05 04:04:05 is unknown")).toBeNull();
  expect(wait({}, {}, "resets at 2026-02-30 04:04:05 UTC, or 99:99 UTC")).toBeNull();
  expect(wait({}, {}, "resets 8pm (Mars/Olympus)")).toBeNull();
  expect(wait({}, {}, "将于 2月30日 08:00 重置")).toBeNull();
  expect(wait({}, {}, "1月5日 08:00 的模型不存在")).toBeNull();
});

test("whatever comes, the time is in the future and at most 8 days ahead, and nothing is thrown", () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.constant("1e400"),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  );
  fc.assert(
    fc.property(value, fc.jsonValue(), fc.string(), (header, json, message) => {
      const headers = new Headers();
      const text = String(header).replace(/[^\x20-\x7e]/g, "");
      for (const name of [
        "retry-after",
        "retry-after-ms",
        "x-codex-primary-reset-at",
        "x-ratelimit-reset",
        "ratelimit",
        "ratelimit-reset",
      ])
        headers.set(name, text);
      const hint = findResetTime({ headers, json: { resets_at: header, inner: json }, message, now: NOW });
      if (hint === null) return;
      expect(hint.atMs).toBeGreaterThan(NOW);
      expect(hint.atMs).toBeLessThanOrEqual(NOW + 8 * DAY);
    }),
  );
});

test("a body that is deep or wide is searched only so far", () => {
  let deep: unknown = { resets_in_seconds: 5 };
  for (let depth = 0; depth < 50; depth += 1) deep = { inner: deep };
  expect(wait({}, deep)).toBeNull();
  expect(wait({}, { list: Array.from({ length: 5_000 }, () => ({})), resets_in_seconds: 5 })).toBeNull();
});
