import { expect, test } from "bun:test";
import { appendFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { readNews } from "../../../src/app/spend/spend-book.ts";
import { readToday } from "../../../src/app/status/today.ts";
import type { Cost } from "../../../src/usage/prices.ts";
import { createSpend } from "../../../src/usage/spend.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const NOW = new Date(2026, 10, 23, 15).getTime();
const MIDNIGHT = new Date(2026, 10, 23).getTime();
const A = "https://a.example/v1";
const B = "https://b.example/v1";

const line = (timestamp_ms: number, parts: object = {}): object => ({
  timestamp_ms,
  service: "codex",
  status_code: 200,
  upstream_base_url: A,
  outcome: "ok",
  model: "m",
  ...parts,
});

function writeLog(home: TempHome, lines: readonly (object | string)[]): string {
  const texts = lines.map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
  return home.write(".codex-helper/logs/requests.jsonl", `${texts.join("\n")}\n`);
}

test("requests, failures and attempts since midnight are counted, by service and address", async () => {
  using home = makeTempHome();
  const path = writeLog(home, [
    line(MIDNIGHT - 1, { outcome: "error", status_code: 500 }),
    line(MIDNIGHT),
    line(MIDNIGHT + 1, {
      upstream_base_url: B,
      attempts: [
        { upstream_base_url: A, verdict: "http-503", status_code: 503 },
        { upstream_base_url: B, verdict: "ok", status_code: 200 },
      ],
    }),
    "not a line of ours",
    line(MIDNIGHT + 2, { outcome: "error", status_code: 502, error: "no upstream could answer" }),
    line(MIDNIGHT + 3, { outcome: "client_gone", status_code: 499 }),
    line(MIDNIGHT + 3, { outcome: "refused", status_code: 403, upstream_base_url: null, refusals: 900 }),
    line(MIDNIGHT + 4, { service: "claude", outcome: "refused", status_code: 413, upstream_base_url: null }),
  ]);
  const today = await readToday({ path, now: NOW });
  expect(today?.get("codex")).toEqual({
    since_ms: MIDNIGHT,
    is_complete: true,
    requests: 4,
    failures: 1,
    redactions: 0,
    // Nobody asked for prices.
    cost_usd: null,
    is_cost_complete: false,
    upstreams: [
      { base_url: A, label: null, attempts: 4, failed_attempts: 2, ...UNPRICED, requests: 4, failures: 2 },
      { base_url: B, label: null, attempts: 1, failed_attempts: 0, ...UNPRICED, requests: 1, failures: 0 },
    ],
    last_errors: [
      {
        at_ms: MIDNIGHT + 2,
        status_code: 502,
        upstream_base_url: A,
        upstream_label: null,
        model: "m",
        error: "no upstream could answer",
      },
    ],
  });
  expect(today?.get("claude")).toMatchObject({
    requests: 1,
    failures: 1,
    upstreams: [],
    last_errors: [{ status_code: 413, upstream_base_url: null, error: "refused" }],
  });
});

const UNPRICED = { cost_usd: null, is_cost_complete: false };

test("the day costs what its requests cost, of each upstream too, with the ledger or without", async () => {
  using home = makeTempHome();
  const usage = { input_tokens: 10, output_tokens: 1, total_tokens: 11 };
  const path = writeLog(home, [
    line(MIDNIGHT, { usage }),
    line(MIDNIGHT + 1, { usage, upstream_base_url: B }),
    line(MIDNIGHT + 2, { usage, upstream_base_url: B, model: "unknown" }),
  ]);
  const costOf = ({ model }: { model?: string | undefined }): Cost =>
    model === "unknown" ? { kind: "unpriced", model } : { kind: "priced", usd: 0.5 };
  const spend = createSpend();
  const read = await readNews(path, { spend, marks: [], readAt: null }, { costOf, now: () => NOW });
  const saved = spend.save({ log: [...(read?.marks ?? [])], read_at: NOW }, NOW);
  const ledger = home.write(".codex-helper/spend.json", JSON.stringify(saved));
  for (const options of [{}, { ledger }]) {
    const today = (await readToday({ path, now: NOW, loadPrices: async () => costOf, ...options }))?.get(
      "codex",
    );
    expect(today).toMatchObject({ cost_usd: 1, is_cost_complete: false });
    const upstreams = today?.upstreams.map((one) => [one.base_url, one.cost_usd, one.is_cost_complete]);
    expect(new Set(upstreams?.map(String))).toEqual(new Set([`${A},0.5,true`, `${B},0.5,false`]));
  }
});

/** More than a mebibyte. */
const OLD = Array.from({ length: 20_000 }, (_, index) =>
  line(MIDNIGHT - 1e6 - index, { id: "x".repeat(200) }),
);

test("lines of today are counted wherever two logs were joined, and of another day's none", async () => {
  using home = makeTempHome();
  const tomorrow = line(MIDNIGHT + 86_400_000, { outcome: "error", error: "a clock that is ahead" });
  const last = line(MIDNIGHT + 5, { outcome: "error", error: "last" });
  const first = line(MIDNIGHT + 1, { outcome: "error", error: "first" });
  const path = writeLog(home, [last, ...OLD, tomorrow, line(MIDNIGHT + 3), ...OLD, "no line of ours", first]);
  const { last_errors: errors, ...counts } = (await readToday({ path, now: NOW }))?.get("codex") ?? {};
  expect(counts).toMatchObject({ is_complete: true, requests: 3, failures: 2 });
  expect(errors?.map(({ error }) => error)).toEqual(["last", "first"]);
});

test("the ledger's figures and those of the log alone are the same, whatever was joined to the log", async () => {
  using home = makeTempHome();
  const tagged = (run: string, seq: number, at = MIDNIGHT + seq): object => line(at, { run, seq });
  const mine = [tagged("mine", 1), tagged("mine", 2)];
  const path = writeLog(home, mine);
  const spend = createSpend();
  const read = await readNews(path, { spend, marks: [], readAt: null }, { costOf: null, now: () => NOW });
  const saved = spend.save({ log: [...(read?.marks ?? [])], read_at: NOW }, NOW);
  const ledger = home.write(".codex-helper/spend.json", JSON.stringify(saved));
  const requests = async (): Promise<unknown[]> =>
    Promise.all(
      [{ ledger }, {}].map(async (options) => {
        const today = await readToday({ path, now: NOW, ...options });
        return today?.get("codex")?.requests;
      }),
    );
  expect(await requests()).toEqual([2, 2]);
  // Another machine's, of today and older, before it and behind it: put into the file, and in a new one.
  const other = [...OLD.slice(0, 9), tagged("other", 1), tagged("other", 2), ...OLD.slice(0, 9)];
  appendFileSync(path, other.map((one) => `${JSON.stringify(one)}\n`).join(""));
  expect(await requests()).toEqual([4, 4]);
  rmSync(path);
  writeLog(home, [...other, ...mine, tagged("other", 3), tagged("mine", 3)]);
  expect(await requests()).toEqual([6, 6]);
});

test("what the ledger may have counted is left out, and said; what it cannot have is counted", async () => {
  using home = makeTempHome();
  const tagged = (run: string, seq: number): object => line(MIDNIGHT + seq, { run, seq });
  const mine = [tagged("mine", 1), tagged("mine", 2)];
  const path = writeLog(home, mine);
  const spend = createSpend();
  const read = await readNews(path, { spend, marks: [], readAt: null }, { costOf: null, now: () => NOW });
  const saved = spend.save({ log: [...(read?.marks ?? [])], read_at: NOW }, NOW);
  const ledger = home.write(".codex-helper/spend.json", JSON.stringify(saved));
  const counted = async (): Promise<unknown[]> => {
    const facts = (await readToday({ path, now: NOW, ledger }))?.get("codex");
    return [facts?.requests, facts?.is_complete];
  };
  // Another machine's log in the place of a rotated file, later than the log was read.
  writeFileSync(`${path}.1`, `${JSON.stringify(tagged("other", 1))}\n`);
  utimesSync(`${path}.1`, NOW / 1000 + 60, NOW / 1000 + 60);
  expect(await counted()).toEqual([3, true]);
  rmSync(`${path}.1`);
  // As another program writes the same lines.
  const spaced = [...mine, tagged("third", 1)].map((one) => JSON.stringify(one).replaceAll('":', '": '));
  rmSync(path);
  writeLog(home, spaced);
  expect(await counted()).toEqual([3, true]);
  // Of a version that gave lines no number.
  rmSync(path);
  writeLog(home, [line(MIDNIGHT + 7), ...mine]);
  expect(await counted()).toEqual([2, false]);
});

test("a day that is too much to be read is said not to be complete", async () => {
  using home = makeTempHome();
  const path = writeLog(
    home,
    Array.from({ length: 700 }, (_, index) => line(MIDNIGHT + index, { id: "x".repeat(50_000) })),
  );
  const { is_complete, requests = 0 } = (await readToday({ path, now: NOW }))?.get("codex") ?? {};
  expect([is_complete, requests > 600 && requests < 700]).toEqual([false, true]);
});

test("no log, and a directory in its place, are no reason to fail", async () => {
  using home = makeTempHome();
  expect(await readToday({ path: `${home.path}/none.jsonl`, now: NOW })).toEqual(new Map());
  expect(await readToday({ path: home.path, now: NOW })).toBeNull();
});
