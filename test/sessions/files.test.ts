import { describe, expect, test } from "bun:test";
import { closeSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { linesFromEnd, linesFromStart, openSource } from "../../src/sessions/files.ts";
import type { ByteSource } from "../../src/sessions/session.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

/** Lines of all lengths, around the sizes of the steps in which a file is read. */
const lines = fc.array(
  fc.oneof(
    fc.string({ maxLength: 40, unit: "binary" }),
    fc.integer({ min: 15_000, max: 90_000 }).map((length) => "ü".repeat(length / 2)),
  ),
  { maxLength: 12 },
);

function sourceOf(text: string): ByteSource {
  const bytes = Buffer.from(text);
  return {
    bytes: bytes.length,
    read: (position, length) => bytes.subarray(position, position + length),
    [Symbol.dispose]() {},
  };
}

const textsOf = (found: Iterable<Buffer>): string[] => [...found].map((line) => line.toString());
const nonEmpty = (text: string): string[] => text.split("\n").filter((line) => line !== "");

describe("the lines of a file", () => {
  test("are the same from its start as from its end, whatever they hold and however it is cut into blocks", () => {
    fc.assert(
      fc.property(lines, fc.boolean(), (given, isEnded) => {
        const text = Buffer.from(given.join("\n") + (isEnded ? "\n" : "")).toString();
        const source = sourceOf(text);
        const expected = nonEmpty(text);
        const forwards: string[] = [];
        for (const line of linesFromStart(source, source.bytes)) forwards.push(line.toString());
        expect(forwards).toEqual(expected);
        expect(textsOf(linesFromEnd(source, source.bytes)).reverse()).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test("are whole within a limit: one that the limit cuts is left out", () => {
    const text = `${["a", "b", "c"].map((letter) => letter.repeat(10_000)).join("\n")}\n`;
    const source = sourceOf(text);
    expect(textsOf(linesFromStart(source, 25_000)).map((line) => line[0])).toEqual(["a", "b"]);
    expect(textsOf(linesFromEnd(source, 25_000)).map((line) => line[0])).toEqual(["c", "b"]);
  });

  test("are read from behind a hole of 500 MB, without holding it", () => {
    using home = makeTempHome();
    const path = join(home.path, "huge");
    const fd = openSync(path, "w");
    writeSync(fd, "first\n");
    ftruncateSync(fd, 500 * 1024 * 1024);
    writeSync(fd, "\nlast\n", 500 * 1024 * 1024);
    closeSync(fd);
    using source = openSource(path, statSync(path).size);
    const before = process.memoryUsage().rss;
    const found: string[] = [];
    for (const line of linesFromStart(source, source.bytes)) found.push(line.toString());
    expect(found).toEqual(["first", "last"]);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    expect([...linesFromEnd(source, 1024)].map((line) => line.toString())[0]).toBe("last");
  });

  test("come out of a compressed file, and a broken one fails with a system error's code", () => {
    using home = makeTempHome();
    const path = join(home.path, "a.zst");
    const bytes = zstdCompressSync(Buffer.from("one\ntwo\n"));
    const fd = openSync(path, "w");
    writeSync(fd, bytes);
    closeSync(fd);
    using source = openSource(path, bytes.length);
    expect(textsOf(linesFromStart(source, 100))).toEqual(["one", "two"]);
    home.write("broken.zst", "no zstd at all");
    expect(() => openSource(join(home.path, "broken.zst"), 14)).toThrow(
      expect.objectContaining({ code: expect.any(String) }),
    );
  });
});
