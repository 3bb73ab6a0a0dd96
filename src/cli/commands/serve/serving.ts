// Behind the doors that `ch serve` has opened: the log, the proxies and the live view, until a signal ends them. The clients are put
// back before anything else is ended.
import type { Doors } from "../../../app/serve/doors.ts";
import { serve } from "../../../app/serve/serve.ts";
import type { Switching } from "../../../app/serve/switching.ts";
import { EXIT, errorText } from "../../../base/errors.ts";
import { CLIENT_NAME, type Service } from "../../../base/service.ts";
import { CLIENTS } from "../../../clients/registry.ts";
import { describeRedaction } from "../../../filter/redaction.ts";
import type { Cli } from "../../cli.ts";
import { t, tell } from "../../language.ts";
import { wrapIndented } from "../../layout.ts";
import { listenForSignals, watchBugs } from "../../process-events.ts";
import { type LogFormat, type ServeLog, createServeLog } from "../../serve-log.ts";
import {
  describeLeftOpen,
  describeRestored,
  describeRun,
  describeServed,
  describeSwitched,
  describeUnswitched,
} from "../../serve-screen.ts";
import type { Canvas } from "../../terminal.ts";
import type { TopView } from "../top/view.ts";

/** Open answers may finish for so long after the first signal. */
const DRAIN_MS = 4_000;
/** By then everything has ended, or is given up. */
const LIMIT_MS = DRAIN_MS + 1_000;
/** Of these, for the lock of the clients' files: another process may have it. */
const RESTORE_LIMIT_MS = 3_000;
/** After a second signal. */
const AT_ONCE_MS = 200;

export interface RunOptions {
  readonly doors: Doors;
  readonly services: readonly Service[];
  readonly log: LogFormat;
  /** What the live view is drawn on; null without one. */
  readonly canvas: Canvas | null;
  readonly switches: boolean;
  readonly prefersOwnProvider: boolean;
  readonly keepsSwitched: boolean;
  readonly isForced: boolean;
}

/** Returns the exit code. Throws UserError with nothing left running or changed. */
export async function serveUntilSignal(cli: Cli, options: RunOptions): Promise<number> {
  const { now, out } = cli;
  const since = now();
  let view: TopView | null = null;
  const log = await createServeLog(cli, {
    format: options.log,
    hasServices: options.services.length > 1,
    hasScreen: () => view !== null,
  });
  using signals = listenForSignals();
  using bugs = watchBugs((words) => {
    view?.say(words);
    log.onTrouble(words);
  });
  const left = Promise.withResolvers<number>();
  const ended = Promise.race([signals.next(), bugs.tooMany, left.promise]);
  const again = ended.then(() => signals.next());
  const starting = start(cli, options, log);
  // Where it waits for something (a lock, a slow disk), a signal ends it: nothing is changed by then, or the journal knows.
  const limit = ended.then(() => Promise.race([Bun.sleep(RESTORE_LIMIT_MS), again]));
  const started = await Promise.race([starting, limit.then(() => null)]);
  if (started === null) return await ended;
  const { serving, switching } = started;
  view = await openView(cli, options);
  // Without it the proxy is stopped as well: whoever sees nothing cannot.
  view?.ended.then(left.resolve, () => left.resolve(EXIT.bug));
  const exitCode = await ended;
  // Behind the ^C that the terminal shows.
  if (view === null && exitCode === 130 && process.stderr.isTTY) out.note("");
  await view?.close();
  view = null;
  const deadline = Bun.sleep(LIMIT_MS);
  if (!options.keepsSwitched) await restore(cli, switching);
  if (serving.openAnswers() > 0) {
    out.note(
      t`stopping: running requests have ${DRAIN_MS / 1000} s to finish, press Ctrl+C again to end them`,
    );
  }
  // While their connections are there.
  const open = await Promise.race([serving.listOpenSessions(), again.then(() => [])]);
  const atOnce = again.then(() => Promise.race([serving.stop(0), Bun.sleep(AT_ONCE_MS)]));
  await Promise.race([serving.stop(DRAIN_MS), atOnce, deadline]);
  const facts = await log.close();
  const said = `${describeRun(facts, now() - since)}${describeLeftOpen(open)}`;
  const isWide = process.stderr.isTTY && Bun.stringWidth(said) > out.surface.width();
  out.note(isWide ? said.replaceAll(/[;；] ?/g, "\n") : said);
  await log.drain();
  return exitCode;
}

/** Null where none is wanted, and where it fails: the proxy runs without it. */
async function openView(cli: Cli, { canvas, services }: RunOptions): Promise<TopView | null> {
  if (canvas === null) return null;
  try {
    const { openTopView } = await import("../top/view.ts");
    return await openTopView(cli, canvas, { services, endsProxy: true });
  } catch (error) {
    cli.out.warn(tell(errorText(error)));
    return null;
  }
}

/** Serves, switches the clients, and says so. Throws UserError with nothing left running or changed. */
async function start(cli: Cli, options: RunOptions, log: ServeLog) {
  const { env, out, paths } = cli;
  const say = (...lines: readonly string[]): void => {
    for (const line of lines)
      out.note(process.stderr.isTTY ? wrapIndented(line, out.width).join("\n") : line);
  };
  const serving = await serve(
    {
      paths,
      env,
      services: options.services,
      onRequest: log.onRequest,
      onTrouble: log.onTrouble,
      onEvent: log.onEvent,
      onNotice: log.onNotice,
      screen: { say: tell, ring: out.ring },
    },
    options.doors,
  );
  // Loaded when clients are served already.
  const { disableCoreDumps } = await import("../../../base/core-dumps.ts");
  disableCoreDumps(false);
  let switching: Switching | null = null;
  try {
    if (options.switches && serving.isHomeWritable) {
      const { switchClients } = await import("../../../app/serve/switching.ts");
      switching = await switchClients({
        paths,
        env,
        proxies: serving.served,
        clientToken: serving.clientToken,
        ...options,
      });
    }
  } catch (error) {
    await serving.stop(0);
    throw error;
  }
  for (const one of serving.served) {
    const switched = switching?.switched.find(({ service }) => service === one.service);
    say(...describeServed(one));
    if (switched === undefined) say(...describeUnswitched(one, serving.clientToken !== null));
    else say(...describeSwitched(switched, env), tell(CLIENTS[one.service].describeOpenSessions()));
  }
  // Nothing is said of what was never set up: ch status does.
  if (serving.redaction.state !== "none") say(tell(describeRedaction(serving.redaction)));
  say(t`Press Ctrl+C to stop.`);
  log.attach(serving);
  return { serving, switching };
}

/** Comes first at the end, and a failure of it keeps nothing else from ending. */
async function restore({ env, out }: Cli, switching: Switching | null): Promise<void> {
  if (switching === null) return;
  const restored = await Promise.race([switching.restore(), Bun.sleep(RESTORE_LIMIT_MS)]);
  if (restored === undefined)
    return out.warn(t`the clients could not be restored in time; run: ch switch off`);
  const { done, failed } = restored;
  for (const off of done) {
    for (const line of describeRestored(off, env)) out.note(line);
  }
  for (const { error, service } of failed) {
    const why = errorText(error);
    out.warn(t`${CLIENT_NAME[service]} was not restored: ${why}; run: ch switch off --${service}`);
  }
}
