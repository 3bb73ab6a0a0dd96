import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { assess } from "../../src/quota/balance.ts";
import { readHeaderSignals } from "../../src/quota/header-signals.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const HOUR = 3_600_000;

function read(headers: Readonly<Record<string, string>>, isFirstParty = true) {
  return readHeaderSignals(new Headers(headers), { now: NOW, isFirstParty });
}

const stateOf = (...given: Parameters<typeof read>): string | undefined => {
  const balance = read(...given);
  return balance === null ? undefined : assess(balance, NOW).state;
};

describe("a ChatGPT plan's headers", () => {
  const headers = {
    "x-codex-primary-used-percent": "42.5",
    "x-codex-primary-window-minutes": "10080",
    "x-codex-primary-reset-at": String((NOW + 50 * HOUR) / 1_000),
    "x-codex-secondary-used-percent": "10",
    "x-codex-secondary-window-minutes": "300",
    "x-codex-secondary-reset-after-seconds": "3600",
  };

  test("give both windows, named by their length, with their resets", () => {
    expect(read(headers)?.meters).toEqual([
      { name: "7d", unit: "%", limit: 100, used: 42.5, left: 57.5, resetsAt: NOW + 50 * HOUR },
      { name: "5h", unit: "%", limit: 100, used: 10, left: 90, resetsAt: NOW + HOUR },
    ]);
  });

  test("say exhausted when a window is used up, unless there are credits", () => {
    const spent = { ...headers, "x-codex-secondary-used-percent": "100" };
    expect(stateOf(spent)).toBe("exhausted");
    expect(stateOf({ ...spent, "x-codex-credits-has-credits": "True" })).toBe("low");
    expect(stateOf(spent, false)).toBe("low");
  });
});

test("a window that a ChatGPT plan does not have is none", () => {
  const week = {
    "x-codex-primary-used-percent": "0",
    "x-codex-primary-window-minutes": "10080",
    "x-codex-primary-reset-at": String((NOW + 50 * HOUR) / 1_000),
  };
  for (const minutes of [{}, { "x-codex-secondary-window-minutes": "0" }]) {
    const absent = { "x-codex-secondary-used-percent": "0", "x-codex-secondary-reset-at": "0", ...minutes };
    expect(read({ ...week, ...absent })?.meters.map(({ name }) => name)).toEqual(["7d"]);
  }
  const spent = { "x-codex-secondary-used-percent": "100", "x-codex-secondary-reset-at": "0" };
  expect(read({ ...week, ...spent })?.meters[1]).toMatchObject({
    name: "secondary",
    left: 0,
    resetsAt: null,
  });
  expect(stateOf({ ...week, ...spent })).toBe("exhausted");
  expect(stateOf({ ...week, ...spent, "x-codex-credits-has-credits": "1" })).toBe("low");
});

// https://github.com/stablyai/orca/pull/2107
test.each([
  ["299", "5h"],
  ["300", "5h"],
  ["301", "5h"],
  ["10079", "7d"],
  ["1440", "1d"],
  ["43199", "month"],
  ["15", "15m"],
  ["90", "90m"],
])("a window of %s minutes is called %s", (minutes, name) => {
  const headers = { "x-codex-primary-used-percent": "1", "x-codex-primary-window-minutes": minutes };
  expect(read(headers)?.meters.map((meter) => meter.name)).toEqual([name]);
});

describe("a Claude plan's headers", () => {
  const headers = {
    "anthropic-ratelimit-unified-status": "allowed",
    "anthropic-ratelimit-unified-5h-utilization": "0.31",
    "anthropic-ratelimit-unified-5h-reset": String((NOW + HOUR) / 1_000),
    "anthropic-ratelimit-unified-7d-utilization": "0.8",
    "anthropic-ratelimit-unified-7d-reset": String((NOW + 90 * HOUR) / 1_000),
  };

  test("give the windows of five hours and of the week", () => {
    expect(read(headers)?.meters).toMatchObject([
      { name: "5h", used: 31, resetsAt: NOW + HOUR },
      { name: "7d", used: 80, left: 20, resetsAt: NOW + 90 * HOUR },
    ]);
  });

  test("give a week of one model beside them, which keeps no other model away", () => {
    const opus = {
      ...headers,
      "anthropic-ratelimit-unified-7d_opus-utilization": "1",
      "anthropic-ratelimit-unified-7d_opus-reset": String((NOW + 80 * HOUR) / 1_000),
      "anthropic-ratelimit-unified-overage-utilization": "1",
    };
    expect(read(opus)?.meters.map(({ isAside, left, name }) => [name, left, isAside ?? false])).toEqual([
      ["5h", 69, false],
      ["7d", 20, false],
      ["7d opus", 0, true],
    ]);
    expect(stateOf(opus)).toBe("ok");
    const refused = { ...opus, "anthropic-ratelimit-unified-status": "rejected" };
    expect(
      stateOf({ ...refused, "anthropic-ratelimit-unified-representative-claim": "seven_day_opus" }),
    ).toBe("ok");
    expect(stateOf({ ...refused, "anthropic-ratelimit-unified-representative-claim": "seven_day" })).toBe(
      "exhausted",
    );
  });

  test("say by their status whether the account still works", () => {
    const full = { ...headers, "anthropic-ratelimit-unified-5h-utilization": "1.02" };
    expect(stateOf(headers)).toBe("ok");
    // Beyond the plan, and paid for.
    expect(stateOf(full)).toBe("low");
    expect(stateOf({ ...headers, "anthropic-ratelimit-unified-status": "allowed_warning" })).toBe("low");
    expect(stateOf({ ...full, "anthropic-ratelimit-unified-status": "rejected" })).toBe("exhausted");
    expect(stateOf({ ...full, "anthropic-ratelimit-unified-status": "rejected" }, false)).toBe("low");
  });
});

test("the speed limits of an API key are shown, and never a reason to go elsewhere", () => {
  const openai = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "6m0s",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "29000",
    "x-ratelimit-reset-tokens": "20ms",
  };
  expect(read(openai)?.meters).toMatchObject([
    { name: "requests", left: 0, limit: 500, resetsAt: NOW + 360_000, isAside: true },
    { name: "tokens", left: 29_000, limit: 30_000, resetsAt: NOW + 20, isAside: true },
  ]);
  expect(stateOf(openai)).toBe("ok");
  const anthropic = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": new Date(NOW + 1_000).toISOString(),
  };
  expect(read(anthropic)?.meters).toMatchObject([{ name: "requests", left: 49, resetsAt: NOW + 1_000 }]);
});

test.each([
  ["60", NOW + 60_000],
  ["1.5", NOW + 1_500],
  ["2m59.56s", NOW + 179_560],
  [String(NOW / 1_000 + 30), NOW + 30_000],
  [String(NOW + 30_000), NOW + 30_000],
  [new Date(NOW + 30_000).toISOString(), NOW + 30_000],
  ["soon", null],
])("a speed limit that is reset at %s", (reset, at) => {
  const headers = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "1",
    "x-ratelimit-reset-requests": reset,
  };
  expect(read(headers)?.meters.map(({ resetsAt }) => resetsAt)).toEqual([at]);
});

test("U35: headers of any content are read without a throw, and odd ones say nothing", () => {
  const names = [
    "x-codex-primary-used-percent",
    "x-codex-primary-window-minutes",
    "x-codex-primary-reset-at",
    "anthropic-ratelimit-unified-status",
    "anthropic-ratelimit-unified-5h-utilization",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
  ];
  const value = fc.oneof(
    fc.constantFrom("", "NaN", "-1", "1e999", "100", "0", "allowed", "soon"),
    fc.string({ unit: "grapheme-ascii" }).map((text) => text.replace(/[^!-~]/g, "")),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value), (headers) => {
      for (const { left, limit, used } of read(headers)?.meters ?? []) {
        for (const figure of [left, limit, used]) {
          if (figure !== null) expect(Number.isFinite(figure) && figure >= 0).toBe(true);
        }
      }
    }),
  );
  for (const odd of ["", "NaN", "-5", "1e999", "full"]) {
    expect(stateOf({ "x-codex-primary-used-percent": odd })).toBeUndefined();
  }
  expect(stateOf({ "anthropic-ratelimit-unified-status": "rejected" })).toBeUndefined();
  expect(stateOf({ "content-type": "text/event-stream" })).toBeUndefined();
});
