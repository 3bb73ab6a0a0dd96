import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { inEnglish } from "../../src/base/text.ts";
import { type Plan, planAdd, planSetDefaultService } from "../../src/config/edit.ts";
import {
  type ConfigPaths,
  type ConfigStore,
  createConfigStore,
  keepVersion,
  loadConfig,
  updateConfig,
} from "../../src/config/file.ts";
import { modeHere } from "../helpers/modes.ts";

let home = "";
let paths: ConfigPaths;
const NOW = 1_795_000_000_000;

beforeEach(() => {
  home = join(mkdtempSync(join(tmpdir(), "config-")), "home");
  paths = { home, config: join(home, "config.json"), backups: join(home, "backups"), run: join(home, "run") };
});
afterEach(() => rmSync(join(home, ".."), { recursive: true }));

const addConfig = (name: string): Plan =>
  planAdd({
    service: "codex",
    name,
    alias: undefined,
    upstreams: [{ base_url: "https://a.example" }],
    isReplacing: false,
  });
const update = (plan: Plan, now = NOW) => updateConfig(paths, plan, () => now);
const refusal = (plan: Plan) => update(plan).catch((error: unknown) => error);
const read = () => readFileSync(paths.config, "utf8");
const names = async () => [...(await loadConfig(paths.config)).services.codex.configs.keys()];
const backups = () => readdirSync(paths.backups).toSorted();

test("the first update makes the home and a file that only its owner can read", async () => {
  expect(await names()).toEqual([]);
  await update(addConfig("a"));
  expect(await names()).toEqual(["a"]);
  expect(statSync(home).mode & 0o777).toBe(modeHere(0o700));
  expect(statSync(paths.config).mode & 0o777).toBe(modeHere(0o600));
  expect(existsSync(paths.backups)).toBe(false);
});

test("the last five versions are kept, private, the newest last", async () => {
  const versions: string[] = [];
  for (const name of ["a", "b", "c", "d", "e", "f", "g", "h"]) {
    await update(addConfig(name));
    versions.push(read());
  }
  expect(backups()).toHaveLength(5);
  const kept = backups().map((name) => readFileSync(join(paths.backups, name), "utf8"));
  expect(kept).toEqual(versions.slice(2, 7));
  for (const name of backups())
    expect(statSync(join(paths.backups, name)).mode & 0o777).toBe(modeHere(0o600));
});

test("other files among the backups are left alone", () => {
  keepVersion(paths.backups, Buffer.from("1"), NOW);
  writeFileSync(join(paths.backups, "mine.json"), "");
  for (let version = 0; version < 7; version += 1)
    keepVersion(paths.backups, Buffer.from("2"), NOW + version);
  expect(backups()).toContain("mine.json");
  expect(backups()).toHaveLength(6);
});

test("a plan that changes nothing writes nothing", async () => {
  await update(planSetDefaultService("claude"));
  const { ino, mtimeNs } = statSync(paths.config, { bigint: true });
  await update(planSetDefaultService("claude"));
  expect(statSync(paths.config, { bigint: true })).toMatchObject({ ino, mtimeNs });
});

test.each(["{", '{"codex": {"configs": ', '{"version": 2}', '{"a":1,"a":2}', '{"routing":{"jitter":"x"}}'])(
  "%j is never overwritten",
  async (text) => {
    await update(addConfig("a"));
    writeFileSync(paths.config, text);
    expect(await refusal(addConfig("b"))).toBeInstanceOf(UserError);
    expect(read()).toBe(text);
    expect(existsSync(paths.backups)).toBe(false);
  },
);

test("bytes that are not UTF-8 are never overwritten", async () => {
  await update(addConfig("a"));
  const bytes = Buffer.from([0x7b, 0xff, 0x7d]);
  writeFileSync(paths.config, bytes);
  expect(await refusal(addConfig("b"))).toBeInstanceOf(UserError);
  expect(readFileSync(paths.config)).toEqual(bytes);
});

test("a file that another program changes during the update is not overwritten", async () => {
  await update(addConfig("a"));
  const meddling: Plan = (config) => {
    writeFileSync(paths.config, "{}");
    return addConfig("b")(config);
  };
  expect(String(await refusal(meddling))).toContain(`another program has just changed ${paths.config}`);
  expect(read()).toBe("{}");
});

test("a link is followed, and stays a link", async () => {
  await update(addConfig("a"));
  const elsewhere = join(home, "elsewhere.json");
  writeFileSync(elsewhere, read());
  rmSync(paths.config);
  symlinkSync(elsewhere, paths.config);
  await update(addConfig("b"));
  expect(readFileSync(elsewhere, "utf8")).toContain('"b"');
  expect(statSync(elsewhere).mode & 0o777).toBe(modeHere(0o600));
});

test("updates from several processes at once all arrive", async () => {
  const script = `
    import { updateConfig } from ${JSON.stringify(join(import.meta.dir, "../../src/config/file.ts"))};
    import { planAdd } from ${JSON.stringify(join(import.meta.dir, "../../src/config/edit.ts"))};
    const paths = ${JSON.stringify(paths)};
    for (const at of [0, 1, 2]) {
      const name = process.argv[1] + at;
      const upstreams = [{ base_url: "https://a.example" }];
      await updateConfig(paths, planAdd({ service: "codex", name, alias: undefined, upstreams, isReplacing: false }), Date.now);
    }`;
  const processes = ["x", "y", "z"].map((name) =>
    Bun.spawn([process.execPath, "-e", script, name], { stderr: "pipe" }),
  );
  for (const process of processes) expect(await process.exited).toBe(0);
  expect((await names()).toSorted()).toEqual(["x0", "x1", "x2", "y0", "y1", "y2", "z0", "z1", "z2"]);
});

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

test("what is asked right after a change is answered by it", () => {
  save(withConfigs("a"));
  look();
  save(withConfigs("a", "b"));
  now += 50;
  expect([...store.refresh().config.services.codex.configs.keys()]).toEqual(["a", "b"]);
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
  expect(warnings.map(inEnglish).join()).toContain(
    "codex.configs.a.upstreams[0].base_url: must begin with https://",
  );
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

test.each([
  ["nothing", ""],
  ["a byte order mark", "\ufeff"],
  ["white space", " \n\t"],
  ["its comment", "// my relays\n"],
  ["its first half", withConfigs("a", "b").slice(0, 40)],
  ["all but its end", withConfigs("a", "b").slice(0, -1)],
  ["bytes that are not written yet", "\0".repeat(100)],
])("a file that is just being saved, with %s so far, leaves the last good version in force", (_, soFar) => {
  save(withConfigs("a"));
  look();
  save(soFar);
  expect(look()).toMatchObject({ names: ["a"], isKnown: true, problem: { hint: "ch config edit" } });
  save(withConfigs("a", "b"));
  expect(look()).toMatchObject({ names: ["a", "b"], problem: null });
});

test("a removed file leaves the last good version in force, and that is told until there is one again", () => {
  save(withConfigs("a"));
  look();
  unlinkSync(path);
  for (let times = 0; times < 3; times += 1) {
    expect(look()).toMatchObject({ names: ["a"], isKnown: true, problem: { hint: "ch config edit" } });
    expect(store.current().problem?.message).toBe(`${path} was removed`);
  }
  save("{");
  expect(look()).toMatchObject({ names: ["a"], isKnown: true });
  save("");
  expect(look()).toMatchObject({ names: ["a"], isKnown: true });
  save(withConfigs("b"));
  expect(look()).toMatchObject({ names: ["b"], problem: null });
});

test("a file that says that there is no config is believed", () => {
  save(withConfigs("a"));
  look();
  save("{}");
  expect(look()).toMatchObject({ names: [], problem: null, isKnown: true });
});

test("a file that was empty from the start is no problem, and a warning", () => {
  save("");
  expect(look()).toMatchObject({ names: [], problem: null, warnings: [{ text: "{0} is empty" }] });
});

test("mode 0644 is tightened to 0600, and that is said", () => {
  save(withConfigs("a"));
  chmodSync(path, 0o644);
  // Windows has no such mode: the access list of the user's directory keeps others out.
  const warnings = [`other users could read ${path}; it is private now`];
  expect(look().warnings.map(inEnglish)).toEqual(process.platform === "win32" ? [] : warnings);
  expect(statSync(path).mode & 0o777).toBe(modeHere(0o600));
});

test("a symlink to elsewhere is followed", () => {
  const elsewhere = join(directory, "elsewhere.json");
  writeFileSync(elsewhere, withConfigs("a"), { mode: 0o644 });
  symlinkSync(elsewhere, path);
  expect(look().names).toEqual(["a"]);
  expect(statSync(elsewhere).mode & 0o777).toBe(modeHere(0o600));
});
