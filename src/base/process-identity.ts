// Tells one process from all others, past and future: its id alone is given to the next one after a while.
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { errorCode, ignoreSystemError } from "./errors.ts";
import { startOf } from "./start.ts";
import { type Text, t } from "./text.ts";

export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in the system's own words; on Windows its program's name. null where the system does not tell. */
  readonly started: string | null;
}

/** The running process of that id; null when there is none. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  if (!isAlive(pid)) return null;
  if (process.platform === "linux") {
    const started = readLinuxStart(pid);
    return started === null ? null : { pid, started };
  }
  if (process.platform === "win32") {
    return { pid, started: pid === process.pid ? basename(process.execPath) : askForName(pid) };
  }
  return { pid, started: askForStart(pid) };
}

/** Is it still that process? Where the system does not tell when one began, the id decides. */
export function isRunning({ pid, started }: ProcessIdentity): boolean {
  const now = identifyProcess(pid);
  return now !== null && (now.started === null || started === null || now.started === started);
}

/** "the running ch (pid 4312, terminal ttys003)" */
export function describeProcess({
  pid,
  terminal,
}: {
  readonly pid: number;
  readonly terminal: string | null;
}): Text {
  return terminal === null
    ? t`the running ch (pid ${pid})`
    : t`the running ch (pid ${pid}, terminal ${terminal})`;
}

/** The terminal of this process, as `ps` names it: "ttys003", "pts/3"; null where it has none or the system does not tell. */
export function findTerminal(): string | null {
  if (process.platform === "win32") return null;
  if (process.platform === "linux") {
    const links = [0, 1, 2].map((fd) => ignoreSystemError(() => readlinkSync(`/proc/self/fd/${fd}`), ""));
    return links.map((link) => /^\/dev\/(pts\/\d+|tty\w+)$/.exec(link)?.[1]).find(Boolean) ?? null;
  }
  const name = askPs("tty=", process.pid);
  return name === null || name.startsWith("?") ? null : name;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return errorCode(error) === "EPERM";
  }
}

/** Field 22 of /proc/PID/stat, in ticks since the boot, with the boot's id; null for a process that only waits to be reaped. */
function readLinuxStart(pid: number): string | null {
  return ignoreSystemError(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name in brackets, and may hold blanks and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return null;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}:${fields[19] ?? ""}`;
  }, null);
}

/** Everywhere else with a POSIX `ps`. */
function askForStart(pid: number): string | null {
  return askPs("lstart=", pid);
}

function askPs(column: string, pid: number): string | null {
  const asked = Bun.spawnSync(["ps", "-o", column, "-p", String(pid)], {
    env: { LC_ALL: "C", PATH: "/bin:/usr/bin" },
  });
  const words = asked.stdout.toString().trim();
  return words === "" ? null : words;
}

/** Windows tells a start only through tools that take half a second; the name at least is not another program's. */
function askForName(pid: number): string | null {
  try {
    const asked = Bun.spawnSync(startOf(["tasklist", "/FI", `PID eq ${pid}`, "/FO", "CSV", "/NH"]));
    return readTaskName(asked.stdout.toString(), pid);
  } catch {
    return null;
  }
}

/** The name in `tasklist`'s row of that process, `"codex-helper.exe","4711",...`; null when it has none. */
export function readTaskName(output: string, pid: number): string | null {
  return new RegExp(`^"([^"]+)","${pid}"`, "m").exec(output)?.[1] ?? null;
}
