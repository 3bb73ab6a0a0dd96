import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { loadPricer } from "../../../src/app/prices.ts";
import { resolvePaths } from "../../../src/base/paths.ts";
import type { LogRecord } from "../../../src/log/record.ts";
import { createAudit } from "../../../src/usage/audit/audit.ts";
import { type Balances, checkCharge, checkModel } from "../../../src/usage/audit/checks.ts";
import { createObserver } from "../../../src/usage/audit/observe.ts";
import { makeRelays } from "./relays.ts";

const NOWHERE = resolve("/nonexistent");
const { costOf } = await loadPricer(
  resolvePaths({ HOME: NOWHERE, USERPROFILE: NOWHERE, CODEX_HELPER_HOME: NOWHERE }),
);
const observe = createObserver(costOf);
const observations = (records: readonly LogRecord[]) =>
  records.flatMap((record) => observe(record)).map(({ observation }) => observation);

function answer(at: number, more: Partial<LogRecord> = {}): LogRecord {
  return {
    timestamp_ms: at,
    service: "codex",
    method: "POST",
    path: "/v1/responses",
    status_code: 200,
    outcome: "ok",
    duration_ms: 1_000,
    upstream_base_url: "https://a.example/v1",
    upstream_label: "main#1",
    id: `id-${at}`,
    session_id: `s-${Math.floor(at / 100_000)}`,
    model: "gpt-5.5",
    served_model: "gpt-5.5",
    usage: { input_tokens: 10_000, output_tokens: 500, total_tokens: 10_500 },
    ...more,
  };
}
const answers = (count: number, more: (at: number) => Partial<LogRecord> = () => ({})): LogRecord[] =>
  Array.from({ length: count }, (_, index) => answer(index * 60_000, more(index)));

describe("the model", () => {
  test("one answer of another model is said, and is not enough", () => {
    const found = checkModel(
      observations(answers(50, (at) => (at === 7 ? { served_model: "glm-4.7" } : {}))),
    );
    expect(found).toMatchObject({ state: "unknown", count: 1, needed: 3, requests: ["id-420000"] });
  });

  test("nor are many of one session", () => {
    const records = answers(50, (at) => (at < 10 ? { served_model: "glm-4.7", session_id: "one" } : {}));
    expect(checkModel(observations(records)).state).toBe("unknown");
  });

  test("an attempt that the client did not see counts", () => {
    const attempts = [
      {
        upstream_base_url: "https://b.example/v1",
        upstream_label: "main#2",
        verdict: "ended-early",
        served_model: "glm-4.7",
        usage: { input_tokens: 9, output_tokens: 1 },
      },
      { upstream_base_url: "https://a.example/v1", upstream_label: "main#1", verdict: "ok", shown: true },
    ];
    expect(
      observe(answer(0, { attempts })).map(({ label, observation: { match } }) => [label, match]),
    ).toEqual([
      ["main#1", "same"],
      ["main#2", "other"],
    ]);
  });
});

describe("the charge", () => {
  const usd = costOf(answer(0));
  const each = usd.kind === "priced" ? usd.usd : Number.NaN;
  /** Read each ten minutes: ten answers in each. */
  const balances = (times: number, more: (index: number) => number = () => 0): Balances => {
    let left = 100;
    return Array.from({ length: 60 }, (_, index) => {
      if (index > 0) left -= 10 * each * times * (1 + 0.2 * Math.sin(index)) + more(index);
      return [index * 600_000 + 30_000, left] as const;
    });
  };
  /** With as much in each stretch as the balance says. */
  const own = observations(
    answers(600, (at) => ({
      usage: {
        input_tokens: Math.round(10_000 * (1 + 0.2 * Math.sin(Math.floor((at - 1) / 10) + 1))),
        output_tokens: Math.round(500 * (1 + 0.2 * Math.sin(Math.floor((at - 1) / 10) + 1))),
      },
    })),
  );

  test("what is computed is consistent, a multiplier is found with its range", () => {
    expect(checkCharge(own, balances(1))).toMatchObject({ state: "consistent" });
    const found = checkCharge(own, balances(1.5));
    expect(found.state).toBe("differs");
    expect(found.ratio?.[0]).toBeCloseTo(1.5, 1);
  });

  test("less than computed is no finding", () => {
    expect(checkCharge(own, balances(0.3))).toMatchObject({ state: "consistent" });
  });

  test("another user of the account, steady or not, is no multiplier", () => {
    expect(
      checkCharge(
        own,
        balances(1, () => 5 * each),
      ).state,
    ).not.toBe("differs");
    expect(
      checkCharge(
        own,
        balances(1, (index) => (index % 3) * 10 * each),
      ).state,
    ).not.toBe("differs");
  });

  test("a top-up takes its stretch out", () => {
    const found = checkCharge(
      own,
      balances(1.5, (index) => (index % 10 === 0 ? -40 : 0)),
    );
    expect(found.state).toBe("differs");
    expect(found.ratio?.[0]).toBeCloseTo(1.5, 1);
  });

  test("without prices or readings there is not enough data", () => {
    expect(checkCharge(own, [])).toMatchObject({ state: "unknown", count: 0, needed: 8 });
    const unpriced = observations(
      answers(600, () => ({ model: "house-blend", served_model: "house-blend" })),
    );
    expect(checkCharge(unpriced, balances(1)).state).toBe("unknown");
  });
});

test("of made-up relays the honest ones are left alone, and those that cheat are found by what they do", () => {
  const relays = makeRelays(5, { costOf, dishonest: 1, of: 2_000 });
  const audit = createAudit();
  for (const { records } of relays)
    for (const record of records) for (const one of observe(record)) audit.add(one);
  const balances = new Map(relays.map((relay) => [relay.label, relay.balances]));
  const found = audit
    .finish((label) => balances.get(label?.replace("#2", "#1") ?? "") ?? null)
    .map(({ findings, label }) => [
      relays.find((relay) => relay.label === label?.replace("#2", "#1"))?.habit,
      findings.filter(({ state }) => state === "differs").map(({ check }) => check),
    ]);
  expect(Object.fromEntries(found)).toEqual({
    plain: [],
    "its own snapshots": [],
    "aliases and makers": [],
    "[1m] and maps of the user's": [],
    "top-ups every day": [],
    "a clock that is five minutes late": [],
    "a key that others use": [],
    "two keys of one account": [],
    "a system prompt of its own": [],
    "slow, and often cut": [],
    "another model in 5 %": ["model"],
    "another model in 30 %": ["model"],
    "another model in 100 %": ["model"],
    "tokens x1.2": ["input", "output"],
    "tokens x2": ["input", "output"],
    "a hidden multiplier of 1.5": ["charge"],
    "cache reads billed as fresh": ["charge"],
    "cache reads counted as fresh": ["cache"],
    "outputs padded by 40 %": ["output"],
    "inputs cut at 25,000 tokens": ["large"],
  });
});
