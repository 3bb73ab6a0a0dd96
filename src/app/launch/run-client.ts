// Starts a client behind a proxy of its own and waits for its end: the client has the terminal, the proxy goes with it.
// Touches no file of the client.
import { existsSync, readFileSync } from "node:fs";
import { join, win32 } from "node:path";
import type { Env } from "../../base/env.ts";
import { UserError, onUserError } from "../../base/errors.ts";
import { PRIVATE_FILE, describe, removeFile, writeFileAtomic } from "../../base/files.ts";
import { type Text, t } from "../../base/text.ts";
import { type Service, makeProxyAddress } from "../../base/service.ts";
import { startOf } from "../../base/start.ts";
import type { RunAddress, RunOptions, RunPlan } from "../../clients/client.ts";
import { exemptLoopback } from "../../clients/override.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { bootstrap } from "../import/bootstrap.ts";
import { type Program, findProgram, makeVariables } from "./programs.ts";
import type { ImportOptions } from "../import/client-import.ts";
import type { LogEntry } from "../../log/entry.ts";
import type { Screen } from "../serve/notice.ts";
import { type Served, type Serving, serve } from "../serve/serve.ts";

export interface RunClientOptions extends ImportOptions {
  /** The client's name or path, and its arguments. */
  readonly command: string;
  readonly args: readonly string[];
  /** Instead of any free port. */
  readonly port: number | undefined;
  /** Instead of the active config. */
  readonly configName: string | undefined;
  /** Also where no upstream can be asked as things are set up. */
  readonly isForced: boolean;
  /** A Ctrl+C reaches the client by itself. */
  readonly hasTerminal: boolean;
  /** Sees each finished request after it was logged. */
  readonly onRequest: (entry: LogEntry) => void;
  readonly onServing: (serving: Serving) => void;
  readonly screen: Screen;
  /** Called right before the client takes over. */
  readonly onStart: (served: Served, remarks: readonly (Text | string)[]) => void;
}

/** The client is gone, and waits for no answer any more. */
const STOP_GRACE_MS = 500;
const STOP_LIMIT_MS = 1_500;
/** A client that was told to end and has not by then is ended. */
const CLIENT_LIMIT_MS = 4_000;
const FORWARDED = ["SIGTERM", "SIGHUP"] as const;
/** What a terminal sends to every program in front of it; the last one is Ctrl+Break of Windows. */
const FROM_TERMINAL = ["SIGINT", "SIGQUIT", "SIGBREAK"] as const;

/** Throws UserError, with nothing started, where the client cannot be found or pointed at us. */
export async function runClient(options: RunClientOptions) {
  const { paths, env, cwd, service, command, args, port = 0, configName } = options;
  const other = findProgram(command);
  const program = findWords(command, other?.packageName ?? CLIENTS[service].packageName, options);
  const prepared = { paths, env, cwd, program, args };
  const plan =
    other === undefined
      ? await CLIENTS[service].prepareRun(prepared)
      : await prepareProgram(other, service, prepared);
  if (configName === undefined) await bootstrap({ paths, env, cwd, service }, Date.now);
  const privateFile = join(paths.run, `client-settings-${process.pid}.json`);
  /** What went wrong meanwhile that no request could tell: kept until the terminal is free again. */
  const troubles: (Text | string)[] = [];
  let requests = 0;
  const serving = await serve({
    paths,
    env,
    services: [service],
    port,
    configName,
    command: "run",
    directory: cwd,
    startsUnusable: options.isForced,
    onRequest(entry) {
      requests += 1;
      options.onRequest(entry);
    },
    onTrouble: (words) => troubles.push(words),
    screen: options.screen,
  });
  options.onServing(serving);
  try {
    const [served] = serving.served;
    if (served === undefined) throw new Error("nothing is served");
    const planned = plan({ port: served.port, clientToken: serving.clientToken, privateFile });
    if (planned.secret !== undefined) writeFileAtomic(privateFile, planned.secret, { mode: PRIVATE_FILE });
    serving.own(planned.owned ?? []);
    options.onStart(served, planned.remarks ?? []);
    /** The client's own, or 128 + the number of the signal that ended it. */
    const exitCode = await runToEnd([...program, ...planned.args], {
      env: { ...env, ...planned.env },
      hasTerminal: options.hasTerminal,
    });
    if (other !== undefined && requests === 0 && exitCode === 0)
      troubles.push(
        t`no request of ${other.command} came here: an address in its own settings wins over the variables`,
      );
    return { exitCode, troubles };
  } finally {
    removeFile(privateFile);
    await Promise.race([serving.stop(STOP_GRACE_MS), Bun.sleep(STOP_LIMIT_MS)]);
  }
}

/** Any other program than a client: by variables alone. */
async function prepareProgram(
  program: Program,
  service: Service,
  { args, cwd, env, paths }: RunOptions,
): Promise<(address: RunAddress) => RunPlan> {
  const { defaultModel, readModel } = CLIENTS[service];
  // What is wrong with the client's files is the client's matter.
  const model = (await readModel({ paths, env, cwd }).catch(onUserError(() => null))) ?? defaultModel;
  return ({ clientToken = null, port }) => {
    const base = makeProxyAddress(service, port, clientToken);
    return {
      args,
      env: { ...makeVariables(program, service, { base, env, model }), ...exemptLoopback(env) },
    };
  };
}

/** The words that start the client. */
function findWords(
  command: string,
  packageName: string,
  { env, cwd }: RunClientOptions,
): readonly [string, ...string[]] {
  const where = { PATH: env["PATH"] ?? "", cwd };
  const program = Bun.which(command, where);
  if (program?.toLowerCase().endsWith(".cmd") === true) {
    const [first = program, ...rest] = readShim(program, readFileSync(program, "utf8")) ?? [];
    const beside = win32.join(win32.dirname(program), "node.exe");
    return [first === "node" && existsSync(beside) ? beside : first, ...rest];
  }
  if (program !== null) return [program];
  const message = /[\\/]/.test(command) ? t`${command} is not an executable` : t`${command} is not on PATH`;
  throw new UserError(message, { hint: `npm install -g ${packageName}` });
}

/**
 * The words to start instead of the command script of npm, pnpm or Yarn at `path`; null where its text is not of the kind that
 * is known. Without cmd in between nothing is read twice, and a prompt may have line breaks.
 */
export function readShim(path: string, text: string): readonly string[] | null {
  const found =
    /("%_prog%"|"%~dp0\\node\.exe"|\bnode)?[ \t]*((?:-[^\s"%]+[ \t]+)*)"%(?:~dp0|dp0%)\\?([^"%]+\.(?:exe|[cm]?js))"[ \t]+%\*/i.exec(
      text,
    );
  const [, , options = "", target] = found ?? [];
  if (target === undefined) return null;
  const file = win32.join(win32.dirname(path), target);
  return file.toLowerCase().endsWith(".exe")
    ? [file]
    : ["node", ...options.split(/[ \t]+/).filter((word) => word !== ""), file];
}

async function runToEnd(
  command: readonly string[],
  { env, hasTerminal }: { readonly env: Env; readonly hasTerminal: boolean },
): Promise<number> {
  let child: Bun.Subprocess | undefined;
  let limit: Timer | undefined;
  const forward = (signal: NodeJS.Signals): void => {
    // Told twice, it does not get the time to think. Windows has one way to end a process, whatever it is called.
    const asked = process.platform === "win32" ? "SIGTERM" : signal;
    child?.kill(limit === undefined ? asked : "SIGKILL");
    limit ??= setTimeout(() => child?.kill("SIGKILL"), CLIENT_LIMIT_MS);
  };
  const swallow = (): void => {};
  const handlers = [
    ...FORWARDED.map((signal) => [signal, forward] as const),
    ...FROM_TERMINAL.map((signal) => [signal, hasTerminal ? swallow : forward] as const),
  ];
  // Before the client starts: from its first moment on a Ctrl+C is its own.
  for (const [signal, handler] of handlers) process.on(signal, handler);
  try {
    child = start(command, env);
    return await child.exited;
  } finally {
    clearTimeout(limit);
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
}

function start(command: readonly string[], env: Env): Bun.Subprocess {
  try {
    const streams = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;
    return Bun.spawn({ ...startOf(command, env), env, ...streams });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(t`cannot start ${command[0] ?? ""}: ${describe(error)}`, { cause: error });
  }
}
