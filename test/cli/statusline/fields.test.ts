import { describe, expect, test } from "bun:test";
import type { FoundFacts, LineFacts, SavedLine } from "../../../src/app/status/line-facts.ts";
import { type LineInput, USUAL_FORMAT, makeLine } from "../../../src/cli/statusline/fields.ts";

const NOW = Date.parse("2026-11-30T09:00:00Z");
const MIN = 60_000;
const LEFT = {
  left: 14.1,
  limit: 20,
  read_at_ms: NOW - 2 * MIN,
  resets_at_ms: null,
  state: "ok",
  unit: "USD",
  used: null,
  window: "total",
} as const;
const FACTS: LineFacts = {
  service: "claude",
  now_ms: NOW,
  upstream: { label: "main#2", state: "ok", until_ms: null },
  from: "main#1",
  left: LEFT,
  budget: { share: 0.31, is_spent: false, until_ms: NOW + 60 * MIN },
  today: { usd: 3.41, is_partial: false },
  session: { usd: 0.44, is_partial: true },
  cached_share: 0.889,
};
const WHOLE =
  "main#2 <- main#1 | $14.10 left | today $3.41 | session $0.44+ | budget ██░░░ 31 % | 88 % cached | 43 % context";
const LAST: SavedLine = { at_ms: NOW - 7_200_000, label: "main#2", left: LEFT, budget: FACTS.budget };

const running = (facts: Partial<LineFacts> = {}): FoundFacts => ({
  kind: "running",
  facts: { ...FACTS, ...facts },
});
const none = (last: SavedLine | null, at = NOW - MIN): FoundFacts => ({
  kind: "none",
  today: { usd: 3.41, is_partial: false },
  at,
  last,
});
const show = (found: FoundFacts, width = 200, format = USUAL_FORMAT): string => {
  const input: LineInput = { found, client: { context_window: { used_percentage: 43 } }, now: NOW };
  return makeLine(input, { format, width, paint: (_, words) => words });
};

test("a running proxy's facts, whole", () => {
  expect(show(running())).toBe(WHOLE);
});

describe("facts have their age behind them", () => {
  test.each([
    [4 * MIN, "$14.10 left"],
    [5 * MIN, "$14.10 left"],
    [5 * MIN + 1, "$14.10 left (5 min ago)"],
    [130 * MIN, "$14.10 left (2 h 10 min ago)"],
  ])("when they are %p ms old: %s", (age, words) => {
    const left = { ...LEFT, read_at_ms: NOW - age };
    expect(show(running({ left }), 200, "{left}")).toBe(words);
    expect(show(none({ ...LAST, left }), 200, "{left}")).toBe(words);
  });

  test("those of the day, too, where they are the file's", () => {
    expect(show(none(null, NOW - 6 * MIN), 200, "{today}")).toBe("today $3.41 (6 min ago)");
    expect(show(none(null), 200, "{today}")).toBe("today $3.41");
  });

  test("what a proxy knew last is not passed off as what is", () => {
    expect(show(none({ ...LAST, left: { ...LEFT, read_at_ms: LAST.at_ms } }))).toBe(
      "ch is not running (last main#2) | $14.10 left (2 h ago) | today $3.41 | budget ██░░░ 31 % (2 h ago) | 43 % context",
    );
  });
});

test("a proxy that hangs is said to, with what was known last", () => {
  const silent: FoundFacts = { kind: "silent", today: null, at: null, last: { ...LAST, budget: null } };
  expect(show(silent)).toBe("ch does not answer (last main#2) | $14.10 left | 43 % context");
  expect(show({ ...silent, last: null })).toBe("ch does not answer | 43 % context");
});

describe.each([1, 7, 24, 40, 80, 140])("%i columns", (width) => {
  test.each([
    ["a running proxy", running()],
    ["none", none(LAST)],
    ["one that hangs", { ...none(LAST), kind: "silent" } as FoundFacts],
    [
      "wide characters",
      running({ upstream: { label: "甲方中转站#1", state: "exhausted", until_ms: NOW + MIN }, from: null }),
    ],
  ])("are never exceeded: %s", (_, found) => {
    const line = show(found, width);
    expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
    expect(line).not.toMatch(/[\n\r]|\| *$/);
  });
});

test("ranks from the left stay longest", () => {
  expect(show(running(), 80)).toBe("main#2 <- main#1 | $14.10 left | today $3.41 | session $0.44+");
  expect(show(running(), 40)).toBe("main#2 <- main#1 | $14.10 left");
});
