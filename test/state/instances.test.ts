import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identifyProcess } from "../../src/base/process-identity.ts";
import {
  type Instance,
  readInstances,
  removeDeadInstances,
  removeInstance,
  writeInstance,
} from "../../src/state/instances.ts";
import { modeHere } from "../helpers/modes.ts";

let home = "";
let run = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "instances-"));
  run = join(home, "run");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function makeInstance(pid: number, changed: Partial<Instance> = {}): Instance {
  const started = identifyProcess(pid)?.started ?? null;
  return {
    pid,
    started,
    service: "codex",
    port: 3211,
    token: "secret",
    command: "serve",
    since: 1,
    ...changed,
  };
}

describe("instance records", () => {
  test("are private, and gone when their process says so", async () => {
    const mine = makeInstance(process.pid);
    writeInstance(run, mine);
    expect(await readInstances(run)).toEqual([mine]);
    expect(statSync(join(run, readdirSync(run)[0] ?? "")).mode & 0o777).toBe(modeHere(0o600));
    expect(statSync(run).mode & 0o777).toBe(modeHere(0o700));
    removeInstance(run, mine);
    expect(await readInstances(run)).toEqual([]);
  });

  test("of one process for two services stand beside one another, the oldest first", async () => {
    const claude = makeInstance(process.pid, { service: "claude", port: 3210, since: 2 });
    const codex = makeInstance(process.pid, { since: 3 });
    writeInstance(run, codex);
    writeInstance(run, claude);
    expect(await readInstances(run)).toEqual([claude, codex]);
  });

  test("of a killed process count no more, and can be cleared away", async () => {
    const child = Bun.spawn([process.execPath, "-e", "setInterval(() => {}, 1000)"]);
    const dead = makeInstance(child.pid);
    writeInstance(run, dead);
    expect(await readInstances(run)).toEqual([dead]);
    child.kill("SIGKILL");
    await child.exited;
    expect(await readInstances(run)).toEqual([]);
    writeInstance(run, makeInstance(process.pid));
    await removeDeadInstances(run);
    expect(readdirSync(run)).toHaveLength(1);
  });

  test("of an id that another process has by now count no more", async () => {
    writeInstance(run, makeInstance(process.pid, { started: "long ago" }));
    expect(await readInstances(run)).toEqual([]);
  });

  test("that cannot be read are left out, and no directory means none", async () => {
    expect(await readInstances(run)).toEqual([]);
    writeInstance(run, makeInstance(process.pid));
    writeFileSync(join(run, "instance-1-codex.json"), '{"pid":');
    writeFileSync(join(run, "instance-2-codex.json"), '{"pid":"2"}');
    expect(await readInstances(run)).toHaveLength(1);
  });
});
