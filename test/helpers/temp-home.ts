import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { resolvePaths, type Paths } from "../../src/base/paths.ts";

export interface TempHome extends Disposable {
  readonly path: string;
  /** A complete environment for a child process: this home and a PATH, nothing of the machine's user. */
  readonly env: Record<string, string>;
  readonly paths: Paths;
  /** Writes a file, given relative to the home, with its directories. Objects become JSON. */
  write(relative: string, content: unknown): string;
}

/** A home directory of its own, removed at the end. */
export function makeTempHome(env: Record<string, string> = {}): TempHome {
  const path = mkdtempSync(join(tmpdir(), "codex-helper-home-"));
  const own = {
    HOME: path,
    USERPROFILE: path,
    PATH: process.env["PATH"] ?? "",
    LANG: "C.UTF-8",
    TZ: "UTC",
    // Bun itself would keep a cache in the home.
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
    ...env,
  };
  return {
    path,
    env: own,
    paths: resolvePaths(own),
    write(relative, content) {
      const target = join(path, relative);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, typeof content === "string" ? content : JSON.stringify(content, null, 2));
      return target;
    },
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}
