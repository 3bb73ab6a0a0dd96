// Which temporary files a write, or `ch doctor --fix`, takes away: those of killed writers of our own, and nothing else.
import { describe, expect, test } from "bun:test";
import { chownSync, lstatSync, mkdirSync, readdirSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../src/base/files.ts";
import { findLeftovers } from "../../src/base/leftovers.ts";
import { removeDeadInstances } from "../../src/state/instances.ts";
import { runCli } from "../helpers/cli.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const DEAD = await (async () => {
  const child = Bun.spawn([process.execPath, "--version"], { stdout: "ignore" });
  await child.exited;
  return child.pid;
})();
const MINUTE = 60_000;

function plant(home: TempHome, name: string, ageMs: number): string {
  const path = home.write(`.codex-helper/${name}`, "sk-half-written");
  utimesSync(path, new Date(), new Date(Date.now() - ageMs));
  return name;
}

const left = (home: TempHome): string[] =>
  readdirSync(home.paths.home).filter((name) => name.endsWith(".tmp") || name.includes("tmp"));

const FOREIGN_NAMES = [
  ".config.json.tmp",
  `config.json.${DEAD}.0123abcd.tmp`,
  `.config.json.${DEAD}.0123abcd.tmp.bak`,
  `.config.json.${DEAD}.0123ABCD.tmp`,
  `.config.json.${DEAD}.0123abc.tmp`,
  `.config.json.x.0123abcd.tmp`,
];

describe("a write", () => {
  test("removes what a killed write of the same file left", () => {
    using home = makeTempHome();
    plant(home, `.config.json.${DEAD}.0123abcd.tmp`, MINUTE);
    const other = plant(home, `.state.json.${DEAD}.0123abcd.tmp`, MINUTE);
    writeFileAtomic(home.paths.config, "{}");
    expect(left(home)).toEqual([other]);
  });

  test("under the lock removes it at once, else when it is no longer fresh", () => {
    using home = makeTempHome();
    const fresh = plant(home, `.config.json.${DEAD}.0123abcd.tmp`, 0);
    writeFileAtomic(home.paths.config, "{}");
    expect(left(home)).toEqual([fresh]);
    writeFileAtomic(home.paths.config, "{}", { isLocked: true });
    expect(left(home)).toEqual([]);
  });

  test("leaves what a running process may be writing, for an hour", () => {
    using home = makeTempHome();
    const busy = plant(home, `.config.json.${process.ppid}.0123abcd.tmp`, 30 * MINUTE);
    writeFileAtomic(home.paths.config, "{}", { isLocked: true });
    expect(left(home)).toEqual([busy]);
    plant(home, busy, 61 * MINUTE);
    writeFileAtomic(home.paths.config, "{}", { isLocked: true });
    expect(left(home)).toEqual([]);
  });

  test("of a process that has the number of a killed one removes the other's", () => {
    using home = makeTempHome();
    plant(home, `.config.json.${process.pid}.0123abcd.tmp`, MINUTE);
    writeFileAtomic(home.paths.config, "{}");
    expect(left(home)).toEqual([]);
  });

  test("leaves every name that is not ours, directories and links", () => {
    using home = makeTempHome();
    for (const name of FOREIGN_NAMES) plant(home, name, 90 * MINUTE);
    mkdirSync(join(home.paths.home, `.config.json.${DEAD}.0123abce.tmp`));
    const link = join(home.paths.home, `.config.json.${DEAD}.0123abcf.tmp`);
    symlinkSync("/etc/passwd", link);
    writeFileAtomic(home.paths.config, "{}", { isLocked: true });
    expect(left(home).toSorted()).toEqual(
      [...FOREIGN_NAMES, `.config.json.${DEAD}.0123abce.tmp`, `.config.json.${DEAD}.0123abcf.tmp`].toSorted(),
    );
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  test("leaves another user's, as far as there is one to try it with", () => {
    using home = makeTempHome();
    const path = plant(home, `.config.json.${DEAD}.0123abcd.tmp`, 90 * MINUTE);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(join(home.paths.home, path), 65_534, 65_534);
    expect(findLeftovers(home.paths.home)).toHaveLength(isRoot ? 0 : 1);
  });
});

test("ch doctor --fix removes them in every directory of ours, and beside the clients' files", async () => {
  using home = makeTempHome();
  const names = [
    `.codex-helper/.config.json.${DEAD}.0123abcd.tmp`,
    `.codex-helper/run/.switch-codex-1.json.${DEAD}.0123abcd.tmp`,
    `.codex-helper/backups/.config.json.1.${DEAD}.0123abcd.tmp`,
    `.codex/.config.toml.${DEAD}.0123abcd.tmp`,
  ];
  for (const name of names) utimesSync(home.write(name, "x"), new Date(), new Date(Date.now() - MINUTE));
  const foreign = home.write(`.codex/.other.toml.${DEAD}.0123abcd.tmp`, "x");
  utimesSync(foreign, new Date(), new Date(Date.now() - MINUTE));
  const { stderr } = await runCli(["doctor", "--fix"], { home });
  expect(stderr).toContain("fixed: removed temporary files: 4");
  const all = readdirSync(home.path, { recursive: true, encoding: "utf8" });
  expect(all.filter((name) => name.endsWith(".tmp"))).toEqual([foreign.slice(home.path.length + 1)]);
});

test("the next change of config.json removes what a killed one left, of the earlier versions too", async () => {
  using home = makeTempHome();
  plant(home, `.config.json.${DEAD}.0123abcd.tmp`, 0);
  plant(home, `backups/.config.json.1700000000000.${DEAD}.0123abcd.tmp`, 0);
  const args = ["config", "add", "main", "--base-url", "https://relay.example/v1", "--auth-token-env", "K"];
  expect(await runCli(args, { home })).toMatchObject({ code: 0 });
  expect([...left(home), ...readdirSync(home.paths.backups)]).toEqual([]);
});

test("the next proxy removes what killed ones left of their records", async () => {
  using home = makeTempHome();
  plant(home, `run/.instance-${DEAD}-codex.json.${DEAD}.0123abcd.tmp`, MINUTE);
  await removeDeadInstances(home.paths.run);
  expect(readdirSync(home.paths.run)).toEqual([]);
});
