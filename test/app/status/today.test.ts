import { expect, test } from "bun:test";
import { readToday } from "../../../src/app/status/today.ts";
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
    upstreams: [
      { base_url: A, requests: 4, failures: 2 },
      { base_url: B, requests: 1, failures: 0 },
    ],
    last_errors: [
      {
        at_ms: MIDNIGHT + 2,
        status_code: 502,
        upstream_base_url: A,
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

test("only today's part of the log is read", async () => {
  using home = makeTempHome();
  const old = Array.from({ length: 20_000 }, (_, index) =>
    line(MIDNIGHT - 1e6 - index, { id: "x".repeat(200) }),
  );
  // Nobody writes a line of today before those of other days: it would be counted if the beginning were read.
  const path = writeLog(home, [line(MIDNIGHT + 2), ...old, line(MIDNIGHT + 1)]);
  expect((await readToday({ path, now: NOW }))?.get("codex")).toMatchObject({ requests: 1 });
});

test("no log, and a directory in its place, are no reason to fail", async () => {
  using home = makeTempHome();
  expect(await readToday({ path: `${home.path}/none.jsonl`, now: NOW })).toEqual(new Map());
  expect(await readToday({ path: home.path, now: NOW })).toBeNull();
});
