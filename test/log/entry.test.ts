import { expect, test } from "bun:test";
import { logEntrySchema } from "../../src/log/entry-schema.ts";
import { type LogEntry, makeLogLine } from "../../src/log/entry.ts";
import { makeEntry } from "./make-entry.ts";
import { LOG_SCHEMA_PATH, makeLogSchema } from "./log-schema.ts";

const FULL: LogEntry = {
  timestamp_ms: 1_730_000_000_000,
  service: "codex",
  method: "POST",
  path: "/v1/responses",
  status_code: 200,
  duration_ms: 1234,
  config_name: "main",
  upstream_base_url: "https://relay.example/v1",
  usage: {
    input_tokens: 123,
    output_tokens: 456,
    reasoning_tokens: 0,
    total_tokens: 579,
    cached_input_tokens: 100,
    cache_creation_tokens: 7,
  },
  usage_unknown: "too_large",
  estimate: { usd: 0.25, tokens: 4_000 },
  id: "abc",
  model: "gpt-5",
  upstream_model: "gpt-5-relay",
  upstream_label: "main#1",
  chain_model: "gpt-5-mini",
  served_model: "gpt-5-mini-2026-01-01",
  request_bytes: 4_321,
  output_bytes: 1_234,
  session_id: "s",
  client: "codex_exec/0.171.0",
  agent: "subagent",
  project: "acme",
  cwd: "/home/u/project",
  ttfb_ms: 80,
  queued_ms: 70,
  waited_ms: 60,
  stream: true,
  outcome: "ok",
  attempts: [
    {
      upstream_base_url: "https://a.example",
      status_code: 502,
      error: "bad gateway",
      reason: { rule: "server-error", status: 502 },
      verdict: "server-error",
      duration_ms: 5,
    },
    { upstream_base_url: "https://relay.example/v1", verdict: "ok", duration_ms: 1200 },
  ],
  redactions: 2,
  redactions_by_rule: { "rule-1": 1, "secrets/github-token": 1 },
  redactions_exempt: 1,
  restored: 3,
  restored_exempt: 1,
  held_back: ["x-relay-key", "?key"],
  dropped: ["context_management"],
  refusals: 3,
  error: "none",
  reason: { rule: "not-tried", why: "none" },
  run: "3f9a01c2",
  seq: 17,
};

test("a line has the founding fields first, then the others, whatever order the entry was built in", () => {
  const line = makeLogLine(reversed(FULL));
  expect(line).toBe(`${JSON.stringify(FULL)}\n`);
  expect(Object.keys(JSON.parse(line))).toEqual(Object.keys(logEntrySchema.shape));
  expect(Object.keys(JSON.parse(line)).slice(0, 9).join()).toBe(
    "timestamp_ms,service,method,path,status_code,duration_ms,config_name,upstream_base_url,usage",
  );
});

/** The same entry with its keys in the opposite order. */
function reversed(entry: LogEntry): LogEntry {
  const keys = Object.fromEntries(
    Object.keys(entry)
      .map((key) => [key, null] as const)
      .toReversed(),
  );
  return Object.assign(keys, entry);
}

const SMALL: LogEntry = {
  timestamp_ms: 1,
  service: "claude",
  method: "POST",
  path: "/v1/messages",
  status_code: 502,
  duration_ms: 2,
  config_name: null,
  upstream_base_url: null,
  outcome: "error",
};

test("what is not known is absent, and null only where no upstream was tried", () => {
  expect(makeLogLine(SMALL)).toBe(`${JSON.stringify(SMALL)}\n`);
  expect(makeLogLine({ ...SMALL, usage: { input_tokens: undefined } })).toBe(makeLogLine(SMALL));
  expect(JSON.parse(makeLogLine({ ...SMALL, usage: { output_tokens: 3 } })).usage).toEqual({
    output_tokens: 3,
  });
});

test("a line is one line, whatever stands in the texts", () => {
  const line = makeLogLine({ ...SMALL, model: "a\nb\r\u0000\ud800", error: "x\n\ny" });
  expect(line.trimEnd()).not.toMatch(/[\r\n\0]/);
  expect(JSON.parse(line).error).toBe("x\n\ny");
});

test("a DEL is escaped also where all else is ASCII", () => {
  expect(makeLogLine({ ...SMALL, model: "a\u007fb" })).toContain('"model":"a\\u007fb"');
});

test("a line is harmless in a terminal, and says the same", () => {
  const model = "a\u001b[31m\u0085\u202e\u2028é日\ufeff";
  const line = makeLogLine({ ...SMALL, model });
  expect(line).not.toMatch(/[^\n -~é日]/);
  expect(JSON.parse(line).model).toBe(model);
});

test("no query, no key and no userinfo gets into a line", () => {
  const planted = "sk-planted-0123456789abcdef";
  const error = `401 for https://user:pw@relay.example/v1?key=${planted}: Bearer ${planted} ${planted}`;
  const line = makeLogLine({
    ...SMALL,
    path: `/v1/messages?beta=true&key=${planted}#x`,
    error,
    reason: { rule: "as-told", words: error, cause: { rule: "not-tried", why: error } },
    attempts: [{ upstream_base_url: "https://relay.example", error, verdict: "auth", duration_ms: 1 }],
  });
  expect(line).not.toContain(planted);
  expect(line).not.toContain("user:pw");
  expect(JSON.parse(line).path).toBe("/v1/messages");
});

test("a whole web page as an error is cut short", () => {
  expect(makeLogLine({ ...SMALL, error: "x".repeat(100_000) }).length).toBeLessThan(3000);
});

test("every line fits the schema", () => {
  for (const entry of [FULL, SMALL])
    expect(logEntrySchema.parse(JSON.parse(makeLogLine(entry)))).toEqual(entry);
});

test("docs/requests-log.schema.json is what the code says", async () => {
  expect(await Bun.file(LOG_SCHEMA_PATH).json()).toEqual(makeLogSchema());
});

test("no part of a key stands where an error is cut", () => {
  for (let before = 1980; before < 2010; before += 1) {
    const error = `${"x".repeat(before)} sk-planted-secret-of-some-length`;
    const line = makeLogLine(makeEntry({ outcome: "error", error }));
    expect([before, line.includes("planted")]).toEqual([before, false]);
    expect(JSON.parse(line).error.length).toBeLessThanOrEqual(2000);
  }
});

test.each([
  "/" + "a".repeat(60_000),
  "/" + "日".repeat(5_000),
  "/" + "\u{1f600}".repeat(3_000),
  "/a?" + "b".repeat(9_000),
])("of a path that a web page may choose, the first 2 KB are written, never half a character", (path) => {
  const written: string = JSON.parse(makeLogLine({ ...SMALL, path })).path;
  expect(Buffer.byteLength(written)).toBeLessThanOrEqual(2048);
  expect(written.isWellFormed()).toBe(true);
  expect(path.startsWith(written)).toBe(true);
  expect(Buffer.byteLength(written)).toBeGreaterThanOrEqual(path.startsWith("/a?") ? 2 : 2044);
});

test("a path of 2 KB is written whole", () => {
  const path = `/${"a".repeat(2047)}`;
  expect(JSON.parse(makeLogLine({ ...SMALL, path })).path).toBe(path);
});

test("a character that nobody sees hides no key from the mask, and none stays in a name", () => {
  const key = "sk-ant-api03-0123456789abcdef";
  for (const hidden of ["\u200b", "\u{e0041}", "\u00ad", "\u001b[31m", "\u202e"]) {
    const split = `a ${key.slice(0, 9)}${hidden}${key.slice(9)} b`;
    const line = makeLogLine({
      ...FULL,
      model: split,
      served_model: split,
      error: split,
      held_back: [split],
    });
    const entry = JSON.parse(line) as LogEntry;
    for (const text of [entry.model, entry.served_model, entry.error, entry.held_back?.[0]])
      expect(text).toBe("a sk-… b");
  }
});
