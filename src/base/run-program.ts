// Runs a program of the user's, without a shell unless it is a command line, with a limit of time and of output. What does not
// end in time is ended, with all that it has started. Its output is never interpreted here.
import type { Env } from "./env.ts";
import { UserError, errorCode, errorText } from "./errors.ts";
import { startOf, startOfCommand } from "./start.ts";
import { type Text, t } from "./text.ts";

export interface ProgramRun {
  /** What went wrong; null for nothing. */
  readonly problem: Text | null;
  /** Null where it was not started, or was ended. */
  readonly exitCode: number | null;
  /** What it printed, where that is read: it may hold anything. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env: Env;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Default: that of this process. */
  readonly cwd?: string;
  /** Default: its own words stay unread. */
  readonly isRead?: boolean;
}

/** Of each of its two streams. */
const MOST_OUTPUT_BYTES = 16 * 1024;
/** What it has started in the background may hold its output open. */
const LINGER_MS = 200;

/** Words, or a command line for the system's shell. `input` is its standard input. Never throws. */
export async function runProgram(
  program: readonly string[] | string,
  input: string,
  { cwd, env, isRead = false, signal, timeoutMs }: RunOptions,
): Promise<ProgramRun> {
  try {
    const child = Bun.spawn({
      ...(typeof program === "string" ? startOfCommand(program) : startOf(program, env)),
      env: { ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: new TextEncoder().encode(input),
      stdout: isRead ? "pipe" : "ignore",
      stderr: isRead ? "pipe" : "ignore",
      windowsHide: true,
    });
    const end = (): void => void endTree(child.pid).then(() => child.kill("SIGKILL"));
    const timer = setTimeout(end, timeoutMs);
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted === true) end();
    const streams = [child.stdout, child.stderr].map(readSome);
    const exitCode = await child.exited;
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    await Promise.race([Promise.all(streams.map(({ whole }) => whole)), Bun.sleep(LINGER_MS)]);
    const [stdout = "", stderr = ""] = streams.map((stream) => stream.end());
    if (child.signalCode !== null)
      return { stdout, stderr, exitCode: null, problem: t`did not finish within ${timeoutMs / 1_000} s` };
    return { stdout, stderr, exitCode, problem: exitCode === 0 ? null : t`exited with code ${exitCode}` };
  } catch (error) {
    const why = error instanceof UserError ? error.text : errorText(error);
    const problem = errorCode(error) === "ENOENT" ? t`was not found` : t`cannot be started: ${why}`;
    return { problem, exitCode: null, stdout: "", stderr: "" };
  }
}

/** What a program has started outlives it. */
async function endTree(pid: number): Promise<void> {
  if (process.platform === "win32") {
    const { cmd } = startOf(["taskkill", "/pid", String(pid), "/t", "/f"]);
    await Bun.spawn(cmd, { stdout: "ignore", stderr: "ignore" }).exited;
    return;
  }
  for (const one of await listDescendants(pid).catch(() => []))
    try {
      process.kill(one, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
}

async function listDescendants(pid: number): Promise<number[]> {
  const ps = Bun.spawn(["ps", "-A", "-o", "pid=", "-o", "ppid="], { stdout: "pipe", stderr: "ignore" });
  const rows = (await new Response(ps.stdout).text())
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    rows.flatMap(([child = 0, of]) => (of === parent && child !== parent ? [child, ...below(child)] : []));
  return below(pid);
}

function readSome(stream: ReadableStream<Uint8Array> | undefined) {
  const reader = stream?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const read = async (): Promise<void> => {
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
      if (text.length < MOST_OUTPUT_BYTES) text += decoder.decode(part.value, { stream: true });
  };
  const end = (): string => {
    reader?.cancel().catch(() => {});
    return text.slice(0, MOST_OUTPUT_BYTES);
  };
  return { whole: read().catch(() => {}), end };
}
