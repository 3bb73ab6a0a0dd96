import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigStore, createConfigStore } from "../../src/config/store.ts";

const withConfigs = (...names: string[]) =>
  JSON.stringify({
    codex: {
      configs: Object.fromEntries(
        names.map((name) => [name, { upstreams: [{ base_url: "https://a.example" }] }]),
      ),
    },
  });

let directory = "";
let path = "";
let now = 0;
let store: ConfigStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "config-"));
  path = join(directory, "config.json");
  now = Date.now();
  store = createConfigStore(path, () => now);
});
afterEach(() => rmSync(directory, { recursive: true }));

function save(text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
}

/** What is in force once the store looks again. */
function look() {
  now += 1_000;
  const { config, problem, isKnown } = store.current();
  return { names: [...config.services.codex.configs.keys()], problem, isKnown, warnings: config.warnings };
}

test("no file is an empty config", () => {
  expect(look()).toEqual({ names: [], problem: null, isKnown: true, warnings: [] });
});

test("a change is in force from the next look, and only then", () => {
  save(withConfigs("a"));
  expect(look().names).toEqual(["a"]);
  save(withConfigs("a", "b"));
  now += 50;
  expect([...store.current().config.services.codex.configs.keys()]).toEqual(["a"]);
  expect(look().names).toEqual(["a", "b"]);
});

test("nothing is worked out anew while the file stays", () => {
  save(withConfigs("a"));
  look();
  const before = store.current();
  now += 10_000;
  expect(store.current()).toBe(before);
});

test("a change that keeps size and time is seen", () => {
  save(withConfigs("a"));
  const { atime, mtime } = statSync(path);
  look();
  save(withConfigs("b"));
  utimesSync(path, atime, mtime);
  expect(look().names).toEqual(["b"]);
});

test("a bad edit leaves the last good version in force, the error visible, and a good one ends it", () => {
  save(withConfigs("a"));
  look();
  save(withConfigs("a", "b").slice(0, -3));
  expect(look()).toMatchObject({ names: ["a"], isKnown: true, problem: { hint: "ch config edit" } });
  expect(store.current().problem?.message).toStartWith(`${path}:1:`);
  save(withConfigs("b"));
  expect(look()).toMatchObject({ names: ["b"], problem: null });
});

test("a config that an edit broke stays in force while the others change", () => {
  save(withConfigs("a"));
  look();
  save(withConfigs("a", "b").replace('"https://a.example"', '"a.example"'));
  const { names, warnings } = look();
  expect(names).toEqual(["b", "a"]);
  expect(warnings.join()).toContain("codex.configs.a.upstreams[0].base_url: must begin with https://");
});

test("a file that was never good is not a file without configs", () => {
  save("{");
  expect(look()).toMatchObject({ names: [], isKnown: false, problem: { hint: "ch config edit" } });
});

test("bytes that are not UTF-8 are an error, and so is a file beyond 1 MB", () => {
  writeFileSync(path, Buffer.from([0x7b, 0xff, 0x7d]));
  expect(look().problem?.message).toContain("not valid UTF-8");
  save(" ".repeat(2 ** 20 + 1));
  expect(look().problem?.message).toContain("larger than");
});

test("a removed file ends what it said", () => {
  save(withConfigs("a"));
  look();
  unlinkSync(path);
  expect(look()).toMatchObject({ names: [], problem: null });
});

if (process.platform !== "win32")
  test("mode 0644 is tightened to 0600, and that is said", () => {
    save(withConfigs("a"));
    chmodSync(path, 0o644);
    expect(look().warnings).toEqual([`other users could read ${path}; now only you can`]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

if (process.platform !== "win32")
  test("a symlink to elsewhere is followed", () => {
    const elsewhere = join(directory, "elsewhere.json");
    writeFileSync(elsewhere, withConfigs("a"), { mode: 0o644 });
    symlinkSync(elsewhere, path);
    expect(look().names).toEqual(["a"]);
    expect(statSync(elsewhere).mode & 0o777).toBe(0o600);
  });
