import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import type { TempHome } from "./temp-home.ts";

const ROOT = join(import.meta.dir, "../..");

/** The program from source, as it is now. */
export const FROM_SOURCE: readonly string[] = [
  process.execPath,
  "--max-http-header-size=65536",
  join(ROOT, "src/main.ts"),
];

const { TEST_PROGRAM } = process.env;
/** How the program is started: from source, or the file that TEST_PROGRAM names (from the root of the project). */
export const PROGRAM: readonly string[] =
  TEST_PROGRAM === undefined ? FROM_SOURCE : [resolve(ROOT, TEST_PROGRAM)];

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly home: TempHome;
  readonly program?: readonly string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
}

/** Runs one command line to its end. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const child = Bun.spawn([...(options.program ?? PROGRAM), ...args], {
    cwd: options.cwd ?? options.home.path,
    env: { ...options.home.env, ...options.env },
    stdin: options.stdin === undefined ? "ignore" : new TextEncoder().encode(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

export interface RunningCli extends AsyncDisposable {
  readonly child: Subprocess<"ignore", "pipe", "pipe">;
  /** Everything on stderr so far. */
  stderr(): string;
  /** The first match on stderr, waiting for it; rejects when the program ends without one. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal and gives the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number>;
}

/** Starts a command that runs until it is told to stop. */
export function startCli(args: readonly string[], options: CliOptions): RunningCli {
  const child = Bun.spawn([...(options.program ?? PROGRAM), ...args], {
    cwd: options.cwd ?? options.home.path,
    env: { ...options.home.env, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  let isOver = false;
  let wake = Promise.withResolvers<void>();
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      text += decoder.decode(chunk, { stream: true });
      wake.resolve();
      wake = Promise.withResolvers();
    }
    isOver = true;
    wake.resolve();
  })();
  return {
    child,
    stderr: () => text,
    async waitFor(pattern) {
      for (;;) {
        const match = pattern.exec(text);
        if (match !== null) return match;
        if (isOver) throw new Error(`ended without ${pattern}:\n${text}`);
        await wake.promise;
      }
    },
    async stop(signal = "SIGINT") {
      child.kill(signal);
      const code = await child.exited;
      await reading;
      return code;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      await reading;
    },
  };
}
