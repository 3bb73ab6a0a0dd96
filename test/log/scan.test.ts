import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logEntrySchema } from "../../src/log/entry-schema.ts";
import { type LogEntry, makeLogLine } from "../../src/log/entry.ts";
import { SCAN_MARGIN, createLineScanner } from "../../src/log/line-scanner.ts";
import { parseLine, readLog } from "../../src/log/reader.ts";
import { scanLog } from "../../src/log/scan.ts";
import { makeEntry } from "./make-entry.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Of an entry: what no report reads is not scanned. */
const PASSED_OVER = new Set(["id", "stream", "redactions", "redactions_exempt", "error"]);

function reportedOf(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => !PASSED_OVER.has(name) && value !== undefined),
  );
}

const block = Buffer.alloc(100_000);
const scanner = createLineScanner(block);

/** What the fast path makes of a line; null when it leaves it to JSON.parse. */
function scan(line: Uint8Array): Fields | null {
  block.set(line);
  block[line.length] = 0x0a;
  const fields = scanner.scan(0);
  if (fields !== null) expect(scanner.next()).toBe(line.length + 1);
  return fields === null ? null : reportedOf(fields);
}

const name = fc.oneof(
  fc.constantFrom("main", "gpt-6-sol", "https://中转.example/v1", "", "ok", "a", "[x]", '"', "\\", "\u2028"),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);
const count = fc.oneof(fc.nat(100_000), fc.constantFrom(0, Number.MAX_SAFE_INTEGER, 999_999_999_999_999));
const ms = fc.oneof(count, fc.double({ min: 0, max: 1e9, noNaN: true }));
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const status = fc.integer({ min: 100, max: 599 });

const anyEntry: fc.Arbitrary<LogEntry> = fc.record({
  timestamp_ms: ms,
  service: fc.constantFrom("codex", "claude"),
  method: fc.constantFrom("POST", "GET"),
  path: name,
  status_code: status,
  duration_ms: ms,
  config_name: fc.option(name),
  upstream_base_url: fc.option(name),
  usage: maybe(
    fc.record({
      input_tokens: maybe(count),
      output_tokens: maybe(count),
      reasoning_tokens: maybe(count),
      total_tokens: maybe(count),
      cached_input_tokens: maybe(count),
      cache_creation_tokens: maybe(count),
      cache_creation_1h_tokens: maybe(count),
    }),
  ),
  id: maybe(name),
  model: maybe(name),
  upstream_model: maybe(name),
  session_id: maybe(name),
  cwd: maybe(name),
  ttfb_ms: maybe(ms),
  stream: maybe(fc.boolean()),
  outcome: fc.constantFrom("ok", "client_gone", "cut", "error", "refused"),
  attempts: maybe(
    fc.array(
      fc.record({
        upstream_base_url: name,
        status_code: maybe(status),
        error: maybe(name),
        verdict: name,
        duration_ms: ms,
      }),
      { maxLength: 3 },
    ),
  ),
  redactions: maybe(count),
  redactions_exempt: maybe(count),
  error: maybe(name),
});

describe("the fast path", () => {
  test("knows every field of the log, in the writer's order", () => {
    const full: Record<string, unknown> = { ...reportedOf(makeEntry()) };
    for (const field of Object.keys(logEntrySchema.shape)) {
      const example = { usage: { cache_creation_1h_tokens: 1 }, attempts: [{ verdict: "ok" }], stream: true };
      full[field] ??= Reflect.get(example, field) ?? (/_ms$|redactions/.test(field) ? 7 : "x");
    }
    const inOrder = Object.fromEntries(Object.keys(logEntrySchema.shape).map((key) => [key, full[key]]));
    expect(scan(Buffer.from(JSON.stringify(inOrder)))).toEqual(reportedOf(inOrder));
    const usage = Object.keys(logEntrySchema.shape.usage.def.innerType.shape);
    const counted = { ...inOrder, usage: Object.fromEntries(usage.map((key, index) => [key, index])) };
    expect(scan(Buffer.from(JSON.stringify(counted)))).toEqual(reportedOf(counted));
  });

  test("takes ordinary lines", () => {
    const usage = { input_tokens: 12_000, output_tokens: 0, total_tokens: 12_000 };
    const attempt = { upstream_base_url: "https://a.example", verdict: "no [channel]", duration_ms: 5 };
    for (const known of [
      {},
      { usage },
      { attempts: [attempt, attempt] },
      { config_name: null, cwd: "/家" },
    ]) {
      expect(scan(Buffer.from(makeLogLine(makeEntry(known)).trimEnd()))).not.toBeNull();
    }
  });

  test("says of a line of ours what JSON.parse says, or leaves it to it", () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const line = makeLogLine(entry).trimEnd();
        const fields = scan(Buffer.from(line));
        if (fields !== null) expect(fields).toEqual(reportedOf(JSON.parse(line)));
        else expect(line).toMatch(/\\|\d\.\d|\de|\d{16}/);
      }),
    );
  });

  test("takes no damaged line for another than JSON.parse does", () => {
    const byte = fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\01e.-+ntf\t\0\n')), fc.nat(255));
    const damage = fc.record({ at: fc.nat(), remove: fc.nat(3), insert: fc.array(byte, { maxLength: 3 }) });
    fc.assert(
      fc.property(anyEntry, fc.array(damage, { minLength: 1, maxLength: 3 }), (entry, damages) => {
        const bytes = [...Buffer.from(makeLogLine(entry).trimEnd())];
        for (const { at, remove, insert } of damages) bytes.splice(at % bytes.length, remove, ...insert);
        const line = Buffer.from(bytes.filter((one) => one !== 0x0a));
        const fields = scan(line);
        if (fields === null) return;
        const parsed = parseLine(line.toString("utf8"));
        expect(parsed).not.toBeNull();
        expect(fields).toEqual(reportedOf(parsed?.fields ?? {}));
      }),
    );
  });

  test("refuses what is JSON only almost, or not in the writer's order", () => {
    for (const line of [
      '{"timestamp_ms":1,}',
      '{"timestamp_ms":01}',
      '{"timestamp_ms":1}}',
      '{"timestamp_ms":1',
      '{"timestamp_ms":}',
      '{"service":"codex"}',
      '{"service":"codex","timestamp_ms":1}',
      '{"timestamp_ms":1,"service":"codex","service":"claude"}',
      '{"timestamp_ms":1,"usage":{"input_tokens":1,}}',
      '{"timestamp_ms":1,"attempts":[}',
      '{"timestamp_ms":1,"attempts":["a]}',
      '{"timestamp_ms":1,"path":"a\tb"}',
      '{"timestamp_ms":1,"later":1}',
      "{}",
      "",
    ]) {
      expect([line, scan(Buffer.from(line))]).toEqual([line, null]);
    }
  });

  test("tells apart texts that begin alike", () => {
    const ids = Array.from({ length: 300 }, (_, index) => `0198a7c1-7b1e-7000-8000-${index}`);
    const seen = [...ids, ...ids].map(
      (session_id) => scan(Buffer.from(makeLogLine(makeEntry({ session_id })).trimEnd()))?.["session_id"],
    );
    expect(seen).toEqual([...ids, ...ids]);
  });
});

describe("scanning a log", () => {
  let path = "";
  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), "log-scan-")), "requests.jsonl");
  });
  afterEach(() => rmSync(join(path, ".."), { recursive: true }));

  async function scanAll(): Promise<{ entries: Fields[]; bad: number }> {
    const entries: Fields[] = [];
    let bad = 0;
    const onEntry = (fields: Fields): void => void entries.push(reportedOf(fields));
    await scanLog(path, { onEntry, onBadLine: () => (bad += 1) });
    return { entries, bad };
  }

  async function readAll(): Promise<{ entries: Fields[]; bad: number }> {
    const entries: Fields[] = [];
    let bad = 0;
    for await (const batch of readLog(path, { order: "oldest-first", onBadLine: () => (bad += 1) })) {
      for (const { fields } of batch) entries.push(reportedOf(fields));
    }
    return { entries, bad };
  }

  test("finds the entries that reading it finds, in files of any size, with lines of any length", async () => {
    const line = fc.oneof(
      { weight: 5, arbitrary: anyEntry.map((entry) => makeLogLine(entry)) },
      {
        weight: 2,
        arbitrary: fc
          .constantFrom(100, 524_288, 1_048_576, 2_200_000)
          .map((length) => makeLogLine(makeEntry({ model: "é".repeat(length / 2), cwd: "\\" }))),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom("\n", "{torn\n", "\0\0\n", '\0{"timestamp_ms":1}\n', "[1]\r\n"),
      },
    );
    const file = fc.array(line, { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 3 }), fc.boolean(), async (files, isTorn) => {
        for (const [index, lines] of files.entries()) {
          const text = lines.join("");
          writeFileSync(index === 0 ? path : `${path}.${index}`, isTorn ? text.trimEnd() : text);
        }
        expect(await scanAll()).toEqual(await readAll());
        for (const index of files.keys()) rmSync(index === 0 ? path : `${path}.${index}`);
      }),
      { numRuns: 40 },
    );
  });

  test("reports how far it is, up to the whole", async () => {
    writeFileSync(path, makeLogLine(makeEntry({ model: "x".repeat(3_000_000) })));
    writeFileSync(`${path}.1`, makeLogLine(makeEntry()));
    const seen: [number, number][] = [];
    await scanLog(path, {
      onEntry: () => {},
      onBadLine: () => {},
      onProgress: (read, total) => void seen.push([read, total]),
    });
    const [, total = 0] = seen.at(-1) ?? [];
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.at(-1)).toEqual([total, total]);
    expect(seen.map(([read]) => read)).toEqual(seen.map(([read]) => read).toSorted((a, b) => a - b));
  });

  test("skips a line that is too long to be one, and goes on behind it", async () => {
    const last = makeLogLine(makeEntry({ id: "z" }));
    writeFileSync(
      path,
      `${makeLogLine(makeEntry())}{"timestamp_ms":1,"x":"${"y".repeat(17 * 1024 * 1024)}"}\n${last}`,
    );
    expect(await scanAll()).toMatchObject({
      entries: [{ path: "/v1/responses" }, { path: "/v1/responses" }],
      bad: 1,
    });
  });

  test("of a log that does not exist, or of an empty one, finds nothing", async () => {
    expect(await scanAll()).toEqual({ entries: [], bad: 0 });
    writeFileSync(path, "");
    expect(await scanAll()).toEqual({ entries: [], bad: 0 });
  });
});

test("a block needs no more room behind its last line than it is given", () => {
  const line = Buffer.from(makeLogLine(makeEntry()));
  const tight = Buffer.concat([line, Buffer.alloc(SCAN_MARGIN)]);
  for (let end = 0; end < line.length - 1; end += 1) {
    const cutLine = Buffer.from(tight);
    cutLine[end] = 0x0a;
    expect(createLineScanner(cutLine.subarray(0, end + 1 + SCAN_MARGIN)).scan(0)).toBeNull();
  }
  expect(createLineScanner(tight).scan(0)).not.toBeNull();
});
