import { type Text, inEnglish } from "../../src/base/text.ts";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseLine, scanLog } from "../../src/log/reader.ts";
import { createLogWriter } from "../../src/log/writer.ts";
import { modeHere } from "../helpers/modes.ts";
import { makeEntry } from "./make-entry.ts";

const IS_WINDOWS = process.platform === "win32";
/** What is said of a directory in the place of a file: Windows has no error of its own for that. */
const ofDirectory = (before: string, after: string): string =>
  IS_WINDOWS
    ? expect.stringMatching(new RegExp(`^${RegExp.escape(before)}[^;]+${RegExp.escape(after)}$`))
    : `${before}it is a directory (EISDIR)${after}`;

let home = "";
let path = "";
let troubles: string[] = [];
const onTrouble = (words: Text | string): void => void troubles.push(inEnglish(words));

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "log-writer-"));
  path = join(home, "logs", "requests.jsonl");
  troubles = [];
});
afterEach(() => {
  expect(troubles).toEqual([]);
  rmSync(home, { recursive: true });
});

function ids(file = path): unknown[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => parseLine(line)?.record.id ?? "bad");
}

async function count(): Promise<{ ids: Map<string, number>; bad: number; files: string[] }> {
  const seen = new Map<string, number>();
  let bad = 0;
  await scanLog(path, {
    onRecord: ({ id }) => void seen.set(String(id), (seen.get(String(id)) ?? 0) + 1),
    onBadLine: () => (bad += 1),
  });
  return { ids: seen, bad, files: readdirSync(join(home, "logs")).sort() };
}

function spawn(...args: readonly (string | number)[]): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  return Bun.spawn(
    [
      process.execPath,
      Bun.fileURLToPath(import.meta.resolve("./append-lines.ts")),
      path,
      ...args.map(String),
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
}

async function hasStarted(child: Bun.Subprocess<"ignore", "pipe", "pipe">): Promise<void> {
  for await (const _ of child.stdout) return;
}

describe("the log writer", () => {
  test("makes the directory 0700 and the file 0600 with the first line, and nothing before", () => {
    const log = createLogWriter(path, { onTrouble });
    expect(existsSync(join(home, "logs"))).toBe(false);
    log.append(makeEntry({ id: "a" }));
    expect(statSync(join(home, "logs")).mode & 0o777).toBe(modeHere(0o700));
    expect(statSync(path).mode & 0o777).toBe(modeHere(0o600));
    expect(ids()).toEqual(["a"]);
    log.close();
  });

  test("tightens what others may read", () => {
    mkdirSync(join(home, "logs"), { mode: 0o755 });
    writeFileSync(path, "", { mode: 0o644 });
    const log = createLogWriter(path, { onTrouble });
    log.append(makeEntry());
    expect(statSync(path).mode & 0o777).toBe(modeHere(0o600));
    log.close();
  });

  test("starts a new line after one that another process left torn, at its start and later", () => {
    mkdirSync(join(home, "logs"));
    writeFileSync(path, '{"timestamp_ms":1,"id":"to');
    let now = 0;
    const log = createLogWriter(path, { onTrouble, monotonic: () => now });
    log.append(makeEntry({ id: "a" }));
    appendFileSync(path, '{"timesta');
    now += 250;
    log.append(makeEntry({ id: "b" }));
    log.append(makeEntry({ id: "c" }));
    log.close();
    expect(ids()).toEqual(["bad", "a", "bad", "b", "c"]);
    expect(readFileSync(path, "utf8")).not.toContain("\n\n");
  });

  test("goes on in a new file when the old one is deleted or moved away, and in an emptied one", () => {
    let now = 0;
    const log = createLogWriter(path, { onTrouble, monotonic: () => now });
    log.append(makeEntry({ id: "a" }));
    rmSync(path);
    now += 250;
    log.append(makeEntry({ id: "b" }));
    expect(ids()).toEqual(["b"]);
    renameSync(path, `${path}.moved`);
    now += 1000;
    log.append(makeEntry({ id: "c" }));
    expect(ids()).toEqual(["c"]);
    truncateSync(path);
    log.append(makeEntry({ id: "d" }));
    expect(ids()).toEqual(["d"]);
    log.close();
  });

  test("puts full files away and keeps the youngest of them", () => {
    const log = createLogWriter(path, { onTrouble, maxBytes: 1000, keep: 3 });
    for (let index = 0; index < 40; index += 1) log.append(makeEntry({ id: `${index}`.padStart(3, "0") }));
    log.close();
    const files = readdirSync(join(home, "logs")).filter((name) => !name.endsWith(".lock"));
    expect(files.sort()).toEqual([
      "requests.jsonl",
      "requests.jsonl.1",
      "requests.jsonl.2",
      "requests.jsonl.3",
    ]);
    for (const file of files) {
      expect(statSync(join(home, "logs", file)).size).toBeLessThanOrEqual(1000);
      expect(statSync(join(home, "logs", file)).mode & 0o777).toBe(modeHere(0o600));
    }
    const kept = files
      .sort()
      .reverse()
      .flatMap((file) => ids(join(home, "logs", file)));
    expect(kept).toEqual(kept.toSorted((a, b) => Number(a) - Number(b)));
    expect(kept.at(-1)).toBe("039");
  });

  test("a line larger than a whole file is written all the same", () => {
    const log = createLogWriter(path, { onTrouble, maxBytes: 300, keep: 3 });
    log.append(makeEntry({ id: "large", model: "x".repeat(1000) }));
    log.append(makeEntry({ id: "small" }));
    log.close();
    expect(ids(`${path}.1`)).toEqual(["large"]);
    expect(ids()).toEqual(["small"]);
  });

  test("says once that a full file cannot be put away, writes on, and says so again after it could", () => {
    const blocked = ofDirectory(`cannot rotate ${path}: `, "; it keeps growing");
    mkdirSync(`${path}.1`, { recursive: true });
    const log = createLogWriter(path, { onTrouble, maxBytes: 400, keep: 1 });
    for (const id of ["a", "b", "c", "d", "e"]) log.append(makeEntry({ id }));
    expect(ids()).toEqual(["a", "b", "c", "d", "e"]);
    expect(troubles).toEqual([blocked]);
    rmSync(`${path}.1`, { recursive: true });
    log.append(makeEntry({ id: "f" }));
    expect(ids()).toEqual(["f"]);
    rmSync(`${path}.1`);
    mkdirSync(`${path}.1`);
    for (const id of ["g", "h"]) log.append(makeEntry({ id }));
    log.close();
    expect(ids()).toEqual(["f", "g", "h"]);
    expect(troubles).toEqual([blocked, blocked]);
    troubles = [];
  });

  test("says once that lines are lost and once that they no longer are, and never throws", () => {
    mkdirSync(path, { recursive: true });
    const log = createLogWriter(path, { onTrouble });
    for (let index = 0; index < 3; index += 1) log.append(makeEntry());
    rmSync(path, { recursive: true });
    log.append(makeEntry({ id: "a" }));
    log.close();
    expect(ids()).toEqual(["a"]);
    expect(troubles).toEqual([
      ofDirectory(`cannot write ${path}: `, "; requests are not logged"),
      `${path} can be written again; 3 requests are missing from it`,
    ]);
    troubles = [];
  });

  // Windows has neither devices nor pipes among its files.
  if (IS_WINDOWS) return;

  test("writes through a link, into a device too", () => {
    mkdirSync(join(home, "logs"));
    symlinkSync("/dev/null", path);
    const log = createLogWriter(path, { onTrouble, maxBytes: 10 });
    log.append(makeEntry());
    log.append(makeEntry());
    log.close();
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(readdirSync(join(home, "logs"))).toEqual(["requests.jsonl"]);
  });

  test.each([
    ["a pipe", () => Bun.spawnSync(["mkfifo", path])],
    ["an endless device", () => symlinkSync("/dev/zero", path)],
    ["a device that is no sink", () => symlinkSync("/dev/tty", path)],
  ])("never waits for %s in its place, and says once that lines are lost", (_, plant) => {
    mkdirSync(join(home, "logs"));
    plant();
    const log = createLogWriter(path, { onTrouble });
    // More than a pipe holds.
    for (let index = 0; index < 100; index += 1) log.append(makeEntry({ model: "x".repeat(2_000) }));
    log.close();
    expect(troubles).toEqual([`cannot write ${path}: it is not a file; requests are not logged`]);
    troubles = [];
  });

  test("survives a full disk", () => {
    mkdirSync(join(home, "logs"));
    symlinkSync("/dev/full", path);
    const log = createLogWriter(path, { onTrouble });
    log.append(makeEntry());
    log.append(makeEntry());
    expect(troubles).toEqual([`cannot write ${path}: no space left (ENOSPC); requests are not logged`]);
    troubles = [];
  });
});

describe("several processes at one log", () => {
  test("three at 3,000 lines each of up to 200 KB leave every line whole", async () => {
    const children = [spawn(3000, 200_000), spawn(3000, 50), spawn(3000, 3000)];
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0]);
    const { ids: seen, bad } = await count();
    expect(bad).toBe(0);
    expect(seen.size).toBe(9000);
    expect([...seen.values()].every((times) => times === 1)).toBe(true);
  }, 60_000);

  test("a line that another is just writing is not taken for a torn one", async () => {
    const children = [spawn(3000, 3000), spawn(3000, 3000), spawn(3000, 3000)];
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0]);
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines.filter((line) => line === "")).toEqual([""]);
    expect(lines.length).toBe(9001);
  }, 60_000);

  test("a kill -9 tears at most the one line that was being written", async () => {
    const victims = [spawn(1_000_000, 200_000), spawn(1_000_000, 200_000)];
    await Promise.all(victims.map(hasStarted));
    const survivor = spawn(1500, 20_000);
    await hasStarted(survivor);
    for (const victim of victims) victim.kill("SIGKILL");
    expect(await survivor.exited).toBe(0);
    const { ids: seen, bad } = await count();
    expect(bad).toBeLessThanOrEqual(victims.length);
    const survived = [...seen.keys()].filter((id) => id.startsWith(`${survivor.pid}-`));
    expect(survived.length).toBeGreaterThanOrEqual(1500 - bad);
  }, 60_000);

  test("rotation by any of them loses no line", async () => {
    const children = [spawn(3000, 300, 600_000), spawn(3000, 300, 600_000), spawn(3000, 300, 600_000)];
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0]);
    const { ids: seen, bad, files } = await count();
    expect(files.length).toBeGreaterThan(6);
    for (const file of files.filter((name) => /\.\d+$/.test(name))) {
      expect(statSync(join(home, "logs", file)).size).toBeGreaterThan(590_000);
    }
    expect(bad).toBe(0);
    expect(seen.size).toBe(9000);
    expect([...seen.values()].every((times) => times === 1)).toBe(true);
  }, 60_000);
});

test("lines of any length are written whole, one after the other", () => {
  const log = createLogWriter(path, { onTrouble });
  const models = ["short", "x".repeat(5_000), "日".repeat(5_000), "x".repeat(40_000), "short again"];
  for (const model of models) log.append(makeEntry({ model }));
  log.close();
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).model)).toEqual(models);
});
