import { expect, test } from "bun:test";
import fc from "fast-check";
import { logEntrySchema } from "../../src/log/entry-schema.ts";
import { makeLogLine } from "../../src/log/entry.ts";
import { parseLine } from "../../src/log/reader.ts";
import { readRecord } from "../../src/log/record.ts";
import { anyEntry } from "./any-entry.ts";
import { makeEntry } from "./make-entry.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Of a line: what nothing reads is in no record. */
const NOT_READ = new Set(["stream", "held_back", "dropped"]);

function readOf(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) => !NOT_READ.has(name) && value !== undefined && value !== null,
    ),
  );
}

const read = (line: string): Fields | null => {
  const entry = parseLine(line);
  return entry === null ? null : JSON.parse(JSON.stringify(entry.record));
};

test("a record knows every field of the log", () => {
  const full: Record<string, unknown> = { ...makeEntry() };
  for (const field of Object.keys(logEntrySchema.shape)) {
    const example = {
      usage: {},
      attempts: [{ verdict: "ok" }],
      stream: true,
      reason: { rule: "ok" },
      estimate: { tokens: 7 },
      redactions_by_rule: { "rule-1": 7 },
    };
    full[field] ??=
      Reflect.get(example, field) ??
      (/_(?:ms|bytes)$|redactions|restored|refusals|seq/.test(field) ? 7 : "x");
  }
  const { iterations, server_tool_use: tools, ...shape } = logEntrySchema.shape.usage.def.innerType.shape;
  const count = (fields: object): Fields =>
    Object.fromEntries(
      Object.entries(fields).map(([name, { def }], index) => [
        name,
        def.innerType.def.type === "string" ? "x" : def.innerType.def.type === "boolean" ? true : index,
      ]),
    );
  const usage = {
    ...count(shape),
    server_tool_use: count(tools.def.innerType.shape),
    iterations: [count(iterations.def.innerType.def.element.shape)],
  };
  const attempt = { verdict: "ok", upstream_model: "x", usage };
  const counted = { ...full, usage, attempts: [attempt] };
  expect(read(JSON.stringify(counted))).toEqual(readOf(counted));
});

test("says of a line of ours what JSON.parse says", () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      const line = makeLogLine(entry).trimEnd();
      expect(read(line)).toEqual(readOf(JSON.parse(line)));
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
      const found = parseLine(Buffer.from(bytes).toString("utf8"));
      if (found === null) return;
      const parsed: Fields = JSON.parse(found.raw);
      for (const [name, value] of Object.entries(found.record)) {
        if (value !== undefined && typeof value !== "object") expect(parsed[name]).toBe(value);
      }
    }),
  );
});

test("refuses what is JSON only almost, and what has no time", () => {
  for (const line of [
    '{"timestamp_ms":1,}',
    '{"timestamp_ms":01}',
    '{"timestamp_ms":1}}',
    '{"timestamp_ms":1',
    '{"timestamp_ms":}',
    '{"timestamp_ms":"1"}',
    '{"timestamp_ms":null}',
    '{"timestamp_ms":1e999}',
    '{"timestamp_ms":-8640000000000001}',
    '{"service":"codex"}',
    '{"timestamp_ms":1,"path":"a\tb"}',
    "[1]",
    "null",
    "{}",
    "",
  ]) {
    expect([line, read(line)]).toEqual([line, null]);
  }
});

test("takes lines of any version: a field in any order, an unknown one, one of another type", () => {
  expect(read('{"service":"codex","later":{"a":1},"timestamp_ms":1.5}')).toEqual({
    timestamp_ms: 1.5,
    service: "codex",
  });
  const wrong = {
    timestamp_ms: 1,
    service: 5,
    status_code: "200",
    usage: [1],
    attempts: [{ verdict: 1, duration_ms: -1 }, null, "x"],
    duration_ms: -1,
    cwd: null,
  };
  expect(read(JSON.stringify(wrong))).toEqual({ timestamp_ms: 1, usage: undefined, attempts: [{}] });
});

test("never throws, and lets no value of another type in", () => {
  const names = Object.keys(logEntrySchema.shape);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.anything()), (fields) => {
      const record = readRecord({ timestamp_ms: 0, ...fields });
      const { attempts = [], redactions_by_rule = {}, usage = {}, ...flat } = record ?? {};
      for (const value of [flat, redactions_by_rule, usage, ...attempts].flatMap((part) =>
        Object.values(part),
      )) {
        expect(["undefined", "string", "number"]).toContain(typeof value);
        if (typeof value === "number") expect(Number.isFinite(value)).toBe(true);
      }
    }),
  );
});
