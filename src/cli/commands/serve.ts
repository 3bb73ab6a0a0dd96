// `ch serve`, and bare `ch`: runs the proxy in front of the user until a signal ends it, with the clients pointed at it
// meanwhile. The clients are put back before anything else is ended.
import { readCurrentDirectory } from "../current-directory.ts";
import { type Bootstrapped, bootstrap } from "../../app/import/bootstrap.ts";
import { serve } from "../../app/serve/serve.ts";
import type { Switching } from "../../app/serve/switching.ts";
import { t, tell, tellList } from "../language.ts";
import { EXIT, UserError, errorText, onUserError } from "../../base/errors.ts";
import { joinTexts } from "../../base/text.ts";
import { CLIENT_NAME, DEFAULT_SERVICE, SERVICES, type Service } from "../../base/service.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { hasJournals } from "../../clients/switch/journal.ts";
import { loadConfig } from "../../config/file.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { describeRedaction } from "../../filter/redaction.ts";
import { PORT_ARG, readPort, readService, SERVICE_ARGS, usageError } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { listenForSignals, watchBugs } from "../process-events.ts";
import { wrapIndented } from "../layout.ts";
import { requireCanvas } from "../full-screen.ts";
import type { Canvas } from "../terminal.ts";
import type { TopView } from "./top/view.ts";
import { type LogFormat, type ServeLog, createServeLog } from "../serve-log.ts";
import {
  describeHealed,
  describeLeftOpen,
  describeRestored,
  describeRun,
  describeRunning,
  describeServed,
  describeSwitched,
  describeUnswitched,
} from "../serve-screen.ts";
import { findInstances } from "../../state/instances.ts";

/** Open answers may finish for so long after the first signal. */
const DRAIN_MS = 4_000;
/** By then everything has ended, or is given up. */
const LIMIT_MS = DRAIN_MS + 1_000;
/** Of these, for the lock of the clients' files: another process may have it. */
const RESTORE_LIMIT_MS = 3_000;
/** After a second signal. */
const AT_ONCE_MS = 200;

export const command = defineCommand({
  description: "run the proxy in the foreground until Ctrl+C",
  args: {
    ...SERVICE_ARGS,
    all: { type: "boolean", description: "both services in one process" },
    ...PORT_ARG,
    switch: {
      type: "boolean",
      default: true,
      description: "",
      negativeDescription: "do not change the client's files",
    },
    "own-provider": { type: "boolean", description: "Codex: add a provider instead of changing yours" },
    force: {
      type: "boolean",
      description: "also where no upstream can be used, or the client does not read its file",
    },
    "keep-switched": { type: "boolean", description: "do not restore the client at the end" },
    quiet: { type: "boolean", alias: "q", description: "print no log of requests and events" },
    top: { type: "boolean", description: "show it on the whole screen, as ch top does" },
    log: {
      type: "enum",
      options: ["text", "json"],
      default: "text",
      valueHint: "FORMAT",
      description: "text on stderr, or a JSON object per line on stdout",
    },
  },
  examples: [
    ["ch", "Codex through the proxy on 127.0.0.1:3211"],
    ["ch serve --all --no-switch", "both services, no file changed"],
  ],
  async run(args, cli) {
    const port = readPort(args.port);
    if (args.all === true && port !== undefined) {
      throw usageError(t`--port is for one service; --all uses the default ports`);
    }
    const isPrinted = args.quiet === true || args.log !== "text";
    if (args.top === true && isPrinted) throw usageError(t`--top shows the log itself`, "ch serve --top");
    const canvas = args.top === true ? requireCanvas(cli.env, "ch serve") : null;
    const config = await loadConfig(cli.paths.config);
    const asked = readService(args, t`both at once: ch serve --all`);
    let services = args.all === true ? SERVICES : [asked ?? config.defaultService ?? DEFAULT_SERVICE];
    if (cli.isInteractive && isEmpty(config)) {
      const { setUp } = await import("./init/wizard.ts");
      const end = await setUp(cli, { service: asked, port, switches: args.switch });
      if (end.kind === "ended") return end.exitCode;
      if (args.all !== true) services = [end.service];
    }
    return await serveServices(cli, {
      services,
      port,
      switches: args.switch,
      canvas,
      log: canvas !== null ? "screen" : args.quiet === true ? "none" : args.log,
      prefersOwnProvider: args["own-provider"] === true,
      keepsSwitched: args["keep-switched"] === true,
      isForced: args.force === true,
    });
  },
});

/** Nothing is configured: whoever starts it at a terminal is asked. */
function isEmpty({ services }: ParsedConfig): boolean {
  return SERVICES.every((one) => services[one].configs.size + services[one].broken.size === 0);
}

/** Until a signal ends it. Where all of it is served already, says so instead. */
export async function serveServices(cli: Cli, options: ServeOptions): Promise<number> {
  const { port, services } = options;
  if (port === undefined && (await tellRunning(cli, services))) return EXIT.ok;
  for (const service of services) await prepare(cli, service);
  return await run(cli, {
    ...options,
    log: options.log ?? "text",
    canvas: options.canvas ?? null,
    prefersOwnProvider: options.prefersOwnProvider === true,
    keepsSwitched: options.keepsSwitched === true,
    isForced: options.isForced === true,
  });
}

type ServeOptions = Pick<RunOptions, "services" | "port" | "switches"> & Partial<RunOptions>;

/** Does another `ch` serve all of it? Then it says so, and what to do now. */
async function tellRunning({ env, now, out, paths }: Cli, services: readonly Service[]): Promise<boolean> {
  const { running } = await findInstances(paths.run);
  const serving = services.flatMap(
    (service) => running.find((one) => one.service === service && one.command === "serve") ?? [],
  );
  if (serving.length < services.length) return false;
  const { makeSwitchReport } = await import("../../app/status/switch-report.ts");
  const cwd = readCurrentDirectory(env);
  const reports = await Promise.all(
    services.map((service) => makeSwitchReport({ service, paths, env, cwd })),
  );
  for (const line of describeRunning(serving, reports, now())) out.note(line);
  return true;
}

/** What an earlier run left is put right; the first start of a service takes over what its client has. */
async function prepare({ env, isInteractive, now, out, paths }: Cli, service: Service): Promise<void> {
  if (hasJournals(paths)) {
    const { repairDeadSwitches } = await import("../../clients/switch/switch.ts");
    for (const one of await repairDeadSwitches({ paths, env })) out.note(describeHealed(one, env));
  }
  const options = { paths, env, cwd: readCurrentDirectory(env), service };
  const taken = await bootstrap(options, now).catch(
    onUserError((error) => {
      if (!isInteractive) throw error;
      const hints = [`ch init --${service}`, ...(error.hintText === undefined ? [] : [error.hintText])];
      throw new UserError(error.text, { hint: joinTexts(hints, "\n"), cause: error });
    }),
  );
  if (taken !== null) for (const line of describeImported(taken)) out.note(line);
}

export function describeImported({ configs, service, skipped }: Bootstrapped): string[] {
  const names = configs.map(({ name }) => name);
  return [
    t`imported from ${CLIENT_NAME[service]}: ${tellList(names)} (ch config list)`,
    ...skipped.map((words) => t`  skipped: ${words}`),
  ];
}

interface RunOptions {
  readonly services: readonly Service[];
  readonly port: number | undefined;
  readonly log: LogFormat;
  /** What the live view is drawn on; null without one. */
  readonly canvas: Canvas | null;
  readonly switches: boolean;
  readonly prefersOwnProvider: boolean;
  readonly keepsSwitched: boolean;
  readonly isForced: boolean;
}

async function run(cli: Cli, options: RunOptions): Promise<number> {
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
    const { openTopView } = await import("./top/view.ts");
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
  const serving = await serve({
    paths,
    env,
    services: options.services,
    port: options.port,
    startsUnusable: options.isForced,
    onRequest: log.onRequest,
    onTrouble: log.onTrouble,
    onEvent: log.onEvent,
    onNotice: log.onNotice,
    screen: { say: tell, ring: out.ring },
  });
  // Loaded when clients are served already.
  const { disableCoreDumps } = await import("../../base/core-dumps.ts");
  disableCoreDumps(false);
  let switching: Switching | null = null;
  try {
    if (options.switches && serving.isHomeWritable) {
      const { switchClients } = await import("../../app/serve/switching.ts");
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
  say(tell(describeRedaction(serving.redaction)));
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
