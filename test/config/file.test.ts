import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { type ConfigPaths, keepVersion, loadConfig, updateConfig } from "../../src/config/file.ts";
import { type Plan, planAdd, planSetDefaultService } from "../../src/config/edit.ts";

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
  expect(statSync(home).mode & 0o777).toBe(0o700);
  expect(statSync(paths.config).mode & 0o777).toBe(0o600);
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
  for (const name of backups()) expect(statSync(join(paths.backups, name)).mode & 0o777).toBe(0o600);
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
  expect(String(await refusal(meddling))).toContain("was changed by another program just now");
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
  expect(statSync(elsewhere).mode & 0o777).toBe(0o600);
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
