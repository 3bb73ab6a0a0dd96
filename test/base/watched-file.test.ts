import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { type WatchedFile, createWatchedFile } from "../../src/base/watched-file.ts";

let directory = "";
let path = "";
let parsed = 0;
let now = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "watched-"));
  path = join(directory, "file.json");
  parsed = 0;
  now = Date.now();
});
afterEach(() => rmSync(directory, { recursive: true }));

function watch(): WatchedFile<number> {
  return createWatchedFile({
    path,
    maxBytes: 1024,
    parse: (text) => {
      parsed += 1;
      if (!/^\d+$/.test(text)) throw new UserError("not a number");
      return Number(text);
    },
    now: () => now,
  });
}

test("a missing file is missing until it appears and after it is gone", () => {
  const file = watch();
  expect(file.current()).toEqual({ kind: "missing" });
  writeFileSync(path, "1");
  expect(file.current()).toEqual({ kind: "ok", value: 1 });
  rmSync(path);
  expect(file.current()).toEqual({ kind: "missing" });
});

test("a link to nothing is told from nothing, and a way that ends at a file from both", () => {
  const file = watch();
  expect(file.current()).toEqual({ kind: "missing" });
  symlinkSync(join(directory, "vault", "file.json"), path);
  const dangling = file.current();
  expect(dangling).toEqual({ kind: "missing", isDanglingLink: true });
  expect(file.current()).toBe(dangling);
  mkdirSync(join(directory, "vault"));
  writeFileSync(join(directory, "vault", "file.json"), "1");
  expect(file.current()).toEqual({ kind: "ok", value: 1 });
  rmSync(join(directory, "vault"), { recursive: true });
  writeFileSync(join(directory, "vault"), "");
  const unreachable = file.current();
  expect(unreachable).toMatchObject({ kind: "broken", last: 1, isUnreachable: true });
  expect(file.current()).toBe(unreachable);
  rmSync(path);
  expect(file.current()).toEqual({ kind: "missing" });
});

test("a file at rest is parsed once and gives the same object", () => {
  writeFileSync(path, "1");
  now += 3_600_000;
  const file = watch();
  const first = file.current();
  expect(file.current()).toBe(first);
  expect(parsed).toBe(1);
});

test("a touched file with the same content is not parsed again", () => {
  writeFileSync(path, "1");
  const file = watch();
  const first = file.current();
  utimesSync(path, new Date(1000), new Date(1000));
  expect(file.current()).toBe(first);
  expect(parsed).toBe(1);
});

test("a change that leaves size and modification time alone is seen", () => {
  writeFileSync(path, "1");
  const { mtime, atime } = statSync(path);
  const file = watch();
  file.current();
  writeFileSync(path, "2");
  utimesSync(path, atime, mtime);
  expect(file.current()).toEqual({ kind: "ok", value: 2 });
});

test("a file that changed a moment ago is compared by content each time", () => {
  const file = watch();
  for (let value = 0; value < 10; value += 1) {
    writeFileSync(path, String(value));
    expect(file.current()).toEqual({ kind: "ok", value });
  }
});

test("a bad edit keeps the last good value and names the problem; a good one ends it", () => {
  writeFileSync(path, "1");
  const file = watch();
  file.current();
  writeFileSync(path, "x");
  const broken = file.current();
  expect(broken).toMatchObject({ kind: "broken", last: 1, problem: { message: "not a number" } });
  expect(file.current()).toBe(broken);
  writeFileSync(path, "1");
  expect(file.current()).toEqual({ kind: "ok", value: 1 });
});

test("a file that was never good has no last value", () => {
  writeFileSync(path, "x");
  expect(watch().current()).toMatchObject({ kind: "broken", last: null });
});

test("a directory, a file that is too long and bytes that are not UTF-8 are broken", () => {
  mkdirSync(path);
  expect(watch().current()).toMatchObject({ kind: "broken", problem: { message: `${path} is not a file` } });
  rmSync(path, { recursive: true });
  writeFileSync(path, "1".repeat(1025));
  expect(watch().current()).toMatchObject({
    kind: "broken",
    problem: { message: `${path} is larger than 1 KB` },
  });
  writeFileSync(path, Uint8Array.of(0xff));
  expect(watch().current()).toMatchObject({
    kind: "broken",
    problem: { message: `${path} is not valid UTF-8 (line 1): save it as UTF-8` },
  });
});

test("a part of the path that is a file is a broken file, not a crash", () => {
  writeFileSync(path, "1");
  const file = createWatchedFile({
    path: join(path, "inner"),
    maxBytes: 10,
    parse: (text) => text,
    now: () => now,
  });
  // Windows has one error for this and for a file that is not there.
  expect(file.current().kind).toBe(process.platform === "win32" ? "missing" : "broken");
});

test("a byte order mark is not a part of the text", () => {
  writeFileSync(path, "\uFEFF7");
  expect(watch().current()).toEqual({ kind: "ok", value: 7 });
});
