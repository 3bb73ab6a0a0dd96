import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { makeLogLine } from "../../src/log/entry.ts";
import { followLog } from "../../src/log/follow.ts";
import { readLogBackward, scanLog } from "../../src/log/reader.ts";
import type { LogRecord } from "../../src/log/record.ts";
import { anyEntry } from "./any-entry.ts";
import { makeEntry } from "./make-entry.ts";

let home = "";
let path = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "log-reader-"));
  path = join(home, "requests.jsonl");
});
afterEach(() => rmSync(home, { recursive: true }));

async function read(order: "oldest-first" | "newest-first"): Promise<{ ids: string[]; bad: number }> {
  const ids: string[] = [];
  let bad = 0;
  const onBadLine = (): void => void (bad += 1);
  const onRecord = ({ id }: LogRecord): void => void ids.push(String(id));
  if (order === "oldest-first") await scanLog(path, { onRecord, onBadLine });
  else
    for await (const batch of readLogBackward(path, { onBadLine }))
      for (const { record } of batch) onRecord(record);
  return { ids, bad };
}

const line = (id: string, length = 0): string => makeLogLine(makeEntry({ id, model: "é".repeat(length) }));

test("a log that does not exist has no entries", async () => {
  expect(await read("oldest-first")).toEqual({ ids: [], bad: 0 });
});

test("entries come from the files put away too, oldest or newest first", async () => {
  writeFileSync(`${path}.2`, line("a") + line("b"));
  writeFileSync(`${path}.1`, line("c"));
  writeFileSync(path, line("d") + line("e"));
  expect((await read("oldest-first")).ids.join("")).toBe("abcde");
  expect((await read("newest-first")).ids.join("")).toBe("edcba");
  rmSync(path);
  expect((await read("oldest-first")).ids.join("")).toBe("abc");
});

test("what is no entry is skipped and counted, in both directions", async () => {
  const nuls = "\0".repeat(5000);
  const text = [
    `${line("a")}{"timestamp_ms":1,"id":"torn\n${nuls}\n${nuls}${line("b")}`,
    `hello\n\n[1]\n{"id":"no time"}\nnull\n\r\n${line("c").trimEnd()}\r\n`,
    `{"timestamp_ms":5,"id":"d","usage":null,"status_code":0,"new":{"field":1}}`,
  ].join("");
  writeFileSync(path, text);
  expect(await read("oldest-first")).toEqual({ ids: ["a", "b", "c", "d"], bad: 6 });
  expect(await read("newest-first")).toEqual({ ids: ["d", "c", "b", "a"], bad: 6 });
});

test("lines of any length come whole, wherever the blocks that are read end", async () => {
  const lengths = fc.array(fc.constantFrom(0, 10, 500, 100_000, 524_288, 600_000, 2_200_000), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(lengths, fc.boolean(), async (sizes, hasEnd) => {
      const text = sizes.map((size, index) => line(String(index), size)).join("");
      writeFileSync(path, hasEnd ? text : text.trimEnd());
      const ids = sizes.map((_, index) => String(index));
      expect(await read("oldest-first")).toEqual({ ids, bad: 0 });
      expect(await read("newest-first")).toEqual({ ids: ids.toReversed(), bad: 0 });
    }),
    { numRuns: 15 },
  );
});

test("what is asked for since a time is there in whatever order it was written, in both directions", async () => {
  const time = fc.oneof(
    fc.integer({ min: 0, max: 40 }),
    fc.constantFrom(-3, 7.5, 1e3, 9e15, 1_795_000_000_000),
  );
  const written = fc.record({
    time,
    pad: fc.constantFrom(0, 300, 700_000),
    lead: fc.constantFrom("", "\0", " "),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(written, { maxLength: 12 }), time, async (lines, since) => {
      const text = lines.map(
        ({ lead, pad, time: at }, id) =>
          `${lead}{"timestamp_ms":${at},"id":"${id}","model":"${"é".repeat(pad)}"}\n`,
      );
      writeFileSync(path, text.join(""));
      const wanted = [...lines.keys()].filter((id) => {
        const at = lines[id]?.time ?? 0;
        return at >= since && Math.abs(at) <= 8.64e15;
      });
      const found: string[] = [];
      const add = ({ id, timestamp_ms: at }: LogRecord): void => void (at >= since && found.push(String(id)));
      await scanLog(path, { onRecord: add, since });
      for await (const batch of readLogBackward(path, { since })) for (const { record } of batch) add(record);
      expect(found).toEqual([...wanted, ...wanted.toReversed()].map(String));
    }),
    { numRuns: 40 },
  );
});

test("an endless line is one bad line and is not held", async () => {
  writeFileSync(path, line("a") + "x".repeat(40_000_000) + "\n" + line("b"));
  expect(await read("oldest-first")).toEqual({ ids: ["a", "b"], bad: 1 });
  expect(await read("newest-first")).toEqual({ ids: ["b", "a"], bad: 1 });
});

test("a file that is put away while it is read is read once and to its end", async () => {
  writeFileSync(path, line("a") + line("b"));
  const reading = readLogBackward(path);
  const first = await reading.next();
  renameSync(path, `${path}.1`);
  writeFileSync(path, line("c"));
  const entries = first.done === true ? [] : [...first.value];
  for await (const batch of reading) entries.push(...batch);
  expect(entries.map(({ record }) => record.id)).toEqual(["b", "a"]);
});

test("a file that is found under two names is read once", async () => {
  writeFileSync(path, line("a"));
  linkSync(path, `${path}.1`);
  expect((await read("oldest-first")).ids).toEqual(["a"]);
});

test("an entry keeps the line as it was found", async () => {
  const raw = '{ "timestamp_ms": 5,  "id":"x" }';
  writeFileSync(path, `${raw}\n`);
  for await (const batch of readLogBackward(path)) expect(batch[0]?.raw).toBe(raw);
});

test("what is there and cannot be read is an error that names it", async () => {
  mkdirSync(path);
  const problem = await read("oldest-first").catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(UserError);
  expect(String(problem)).toContain(path);
});

describe("scanning a log", () => {
  async function scanAll(): Promise<{ records: LogRecord[]; bad: number }> {
    const records: LogRecord[] = [];
    let bad = 0;
    await scanLog(path, { onRecord: (record) => void records.push(record), onBadLine: () => (bad += 1) });
    return { records, bad };
  }

  async function readAll(): Promise<{ records: LogRecord[]; bad: number }> {
    const records: LogRecord[] = [];
    let bad = 0;
    for await (const batch of readLogBackward(path, { onBadLine: () => (bad += 1) })) {
      for (const { record } of batch) records.push(record);
    }
    return { records: records.toReversed(), bad };
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
      onRecord: () => {},
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
      records: [{ path: "/v1/responses" }, { path: "/v1/responses", id: "z" }],
      bad: 1,
    });
  });

  test("of a log that does not exist, or of an empty one, finds nothing", async () => {
    expect(await scanAll()).toEqual({ records: [], bad: 0 });
    writeFileSync(path, "");
    expect(await scanAll()).toEqual({ records: [], bad: 0 });
  });
});

describe("what is no file in the place of the log", () => {
  const names = <Name extends string>(...all: Name[]): Name[] => (process.platform === "win32" ? [] : all);
  const planted = {
    "a pipe": () => expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0),
    "an endless device": () => symlinkSync("/dev/zero", path),
    "a link to a pipe": () => {
      expect(Bun.spawnSync(["mkfifo", `${path}.pipe`]).exitCode).toBe(0);
      symlinkSync(`${path}.pipe`, path);
    },
    "a pipe for a rotated file": () => expect(Bun.spawnSync(["mkfifo", `${path}.1`]).exitCode).toBe(0),
  };

  test.each(names("a pipe", "an endless device", "a link to a pipe", "a pipe for a rotated file"))(
    "%s is one error, in either order",
    async (what) => {
      planted[what]();
      for (const order of ["oldest-first", "newest-first"] as const) {
        const problem: unknown = await read(order).catch((error: unknown) => error);
        expect(problem).toBeInstanceOf(UserError);
        expect(String(problem)).toMatch(/requests\.jsonl(\.1)? is not a file/);
      }
    },
  );

  test.each(names("/dev/null"))("a link to %s is a log without entries", async (device) => {
    symlinkSync(device, path);
    expect(await read("oldest-first")).toEqual({ ids: [], bad: 0 });
  });

  test.each(names("a pipe", "an endless device", "a link to a pipe"))(
    "%s is followed until a log takes its place",
    async (what) => {
      planted[what]();
      const stop = new AbortController();
      const follow = followLog(path, stop.signal);
      const first = follow.next();
      rmSync(path);
      writeFileSync(path, line("a"));
      expect((await first).value).toMatchObject([{ record: { id: "a" } }]);
      stop.abort();
      await follow.next();
    },
  );
});
