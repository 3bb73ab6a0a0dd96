// Runs a real client in a throw-away home and ends its whole process group.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { within } from "./wait.ts";

/** Where packages are installed: the pinned ones, unless others are named. */
export const MODULES = process.env["REAL_CLIENTS"] ?? join(import.meta.dir, "../../node_modules");
/** Far more than a turn takes, and less than a client's endless retries. */
const LONGEST_RUN_MS = 60_000;

export interface ClientHome extends Disposable {
  /** The client's HOME, and the directory it runs in. */
  readonly path: string;
}

export interface ClientResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A home of its own, removed at the end. */
export function makeClientHome(): ClientHome {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "codex-helper-client-")));
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export interface ClientRun {
  readonly command: readonly string[];
  readonly home: ClientHome;
  readonly env: Readonly<Record<string, string>>;
  /** Default: the home. */
  readonly cwd?: string | undefined;
}

/** Runs a command to its end with nothing on stdin and no variable but those named. Rejects when it does not end. */
export async function runClient({ command, cwd, env, home }: ClientRun): Promise<ClientResult> {
  const child = Bun.spawn([...command], {
    cwd: cwd ?? home.path,
    env: {
      HOME: home.path,
      USERPROFILE: home.path,
      PATH: process.env["PATH"] ?? "",
      LANG: "C.UTF-8",
      TERM: "xterm",
      ...env,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // A group of its own, so that whatever it leaves behind goes with it.
    detached: true,
  });
  const outcome = Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  try {
    const [stdout, stderr, code] = await within(outcome, {
      deadlineMs: LONGEST_RUN_MS,
      what: `the end of ${command.slice(0, 2).join(" ")}`,
    });
    return { code, stdout, stderr };
  } finally {
    endGroup(child.pid);
  }
}

export function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}
