import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { withLock, withLockSync } from "../../src/base/lock.ts";
import { modeHere } from "../helpers/modes.ts";

const LOCK_MODULE = join(import.meta.dir, "../../src/base/lock.ts");

function tempDir(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "lock-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts a process that runs `body` with `withLock`, `path` and `fs` in scope, and prints what it prints. */
function startHolder(path: string, body: string) {
  const script = `import { withLock, withLockSync } from ${JSON.stringify(LOCK_MODULE)};
    import * as fs from "node:fs"; const path = ${JSON.stringify(path)}; ${body}`;
  return Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  for await (const chunk of stream) return new TextDecoder().decode(chunk).trim();
  return "";
}

describe("the lock between processes", () => {
  test("gives back what the work returned, and makes its file private", async () => {
    using dir = tempDir();
    const path = join(dir.path, "run", "lock");
    expect(await withLock(path, () => 1)).toBe(1);
    expect(await withLock(path, async () => await Promise.resolve(2))).toBe(2);
    expect(withLockSync(path, () => 3)).toBe(3);
    expect(statSync(path).mode & 0o777).toBe(modeHere(0o600));
    expect(statSync(join(dir.path, "run")).mode & 0o777).toBe(modeHere(0o700));
  });

  test("is free again after work that throws, and passes the error on", async () => {
    using dir = tempDir();
    const path = join(dir.path, "lock");
    const fail = (): never => {
      throw new Error("work failed");
    };
    expect(await failureOf(withLock(path, fail))).toHaveProperty("message", "work failed");
    expect(() => withLockSync(path, fail)).toThrow("work failed");
    expect(await withLock(path, () => "free", { timeoutMs: 0 })).toBe("free");
  });

  test("excludes two callers of the same process", async () => {
    using dir = tempDir();
    const path = join(dir.path, "lock");
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(path, async () => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise(setImmediate);
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(1);
  });

  test("says who to wait for when the time is up", async () => {
    using dir = tempDir();
    const path = join(dir.path, "lock");
    const release = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const holder = withLock(path, async () => {
      entered.resolve();
      await release.promise;
    });
    await entered.promise;
    const failure = await failureOf(withLock(path, () => 0, { timeoutMs: 20 }));
    expect(failure).toBeInstanceOf(UserError);
    expect(String(failure)).toContain("another ch is holding the lock");
    expect(() => withLockSync(path, () => 0, { timeoutMs: 20 })).toThrow(UserError);
    release.resolve();
    await holder;
    expect(withLockSync(path, () => "free", { timeoutMs: 0 })).toBe("free");
  });

  test("is free at once when its holder is killed", async () => {
    using dir = tempDir();
    const path = join(dir.path, "lock");
    const holder = startHolder(
      path,
      `await withLock(path, async () => { console.log("held"); setInterval(() => {}, 60_000); await new Promise(() => {}); });`,
    );
    expect(await firstLine(holder.stdout)).toBe("held");
    expect(await failureOf(withLock(path, () => 0, { timeoutMs: 0 }))).toBeInstanceOf(UserError);
    holder.kill("SIGKILL");
    await holder.exited;
    expect(await withLock(path, () => "free", { timeoutMs: 1000 })).toBe("free");
  });

  test("loses no step of four processes that count together", async () => {
    using dir = tempDir();
    const path = join(dir.path, "lock");
    const counter = join(dir.path, "counter");
    writeFileSync(counter, "0");
    const step = `fs.writeFileSync(${JSON.stringify(counter)}, String(Number(fs.readFileSync(${JSON.stringify(counter)}, "utf8")) + 1))`;
    const counters = [
      `for (let i = 0; i < 50; i++) await withLock(path, () => { ${step} });`,
      `for (let i = 0; i < 50; i++) withLockSync(path, () => { ${step} });`,
    ];
    const children = [...counters, ...counters].map((body) => startHolder(path, body));
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0, 0]);
    expect(readFileSync(counter, "utf8")).toBe("200");
  });

  test("refuses a place where no lock can be made, in words", async () => {
    using dir = tempDir();
    const file = join(dir.path, "file");
    writeFileSync(file, "");
    expect(await failureOf(withLock(join(file, "lock"), () => 0))).toBeInstanceOf(UserError);
    expect(() => withLockSync(dir.path, () => 0)).toThrow(UserError);
  });
});
