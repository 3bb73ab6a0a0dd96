// `ch serve`, and bare `ch`: runs the proxy in front of the user until a signal ends it, with the clients pointed at it
// meanwhile. Here is what comes before clients can connect; all else is loaded behind open doors.
import { readCurrentDirectory } from "../current-directory.ts";
import { type ServingConfig, openConfig, openDoors } from "../../app/serve/doors.ts";
import { t } from "../language.ts";
import { EXIT, UserError, onUserError } from "../../base/errors.ts";
import { joinTexts } from "../../base/text.ts";
import { DEFAULT_SERVICE, SERVICES, type Service } from "../../base/service.ts";
import { hasJournals } from "../../clients/switch/journal.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { hasUsable } from "../../config/resolve.ts";
import { PORT_ARG, readPort, readService, SERVICE_ARGS, usageError } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { findInstances } from "../../state/instances.ts";
import type { RunOptions } from "./serve/serving.ts";

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
    const canvas = args.top === true ? await requireCanvas(cli) : null;
    const opened = openConfig(cli);
    const config = opened.read();
    const asked = readService(args, t`both at once: ch serve --all`);
    let services = args.all === true ? SERVICES : [asked ?? config.defaultService ?? DEFAULT_SERVICE];
    if (cli.isInteractive && isEmpty(config)) {
      const { setUp } = await import("./init/wizard.ts");
      const end = await setUp(cli, { service: asked, port, switches: args.switch });
      if (end.kind === "ended") return end.exitCode;
      if (args.all !== true) services = [end.service];
    }
    return await serveServices(cli, {
      config: opened,
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

async function requireCanvas({ env }: Cli) {
  const screen = await import("../full-screen.ts");
  return screen.requireCanvas(env, "ch serve");
}

/** Until a signal ends it. Where all of it is served already, says so instead. */
export async function serveServices(cli: Cli, options: ServeOptions): Promise<number> {
  const { port, services } = options;
  if (port === undefined && (await tellRunning(cli, services))) return EXIT.ok;
  const config = options.config ?? openConfig(cli);
  for (const service of services) await prepare(cli, service, config);
  const { env, paths } = cli;
  const doors = await openDoors({
    paths,
    env,
    config,
    services,
    port,
    startsUnusable: options.isForced === true,
  });
  const { serveUntilSignal } = await import("./serve/serving.ts");
  return await serveUntilSignal(cli, {
    ...options,
    doors,
    log: options.log ?? "text",
    canvas: options.canvas ?? null,
    prefersOwnProvider: options.prefersOwnProvider === true,
    keepsSwitched: options.keepsSwitched === true,
    isForced: options.isForced === true,
  });
}

type ServeOptions = Pick<RunOptions, "services" | "switches"> &
  Partial<RunOptions> & {
    /** Instead of the services' default. */
    readonly port: number | undefined;
    /** Read already. */
    readonly config?: ServingConfig;
  };

/** Does another `ch` serve all of it? Then it says so, and what to do now. */
async function tellRunning({ env, now, out, paths }: Cli, services: readonly Service[]): Promise<boolean> {
  const { running } = await findInstances(paths.run);
  const serving = services.flatMap(
    (service) => running.find((one) => one.service === service && one.command === "serve") ?? [],
  );
  if (serving.length < services.length) return false;
  const [{ makeSwitchReport }, { describeRunning }] = await Promise.all([
    import("../../app/status/switch-report.ts"),
    import("../serve-screen.ts"),
  ]);
  const cwd = readCurrentDirectory(env);
  const reports = await Promise.all(
    services.map((service) => makeSwitchReport({ service, paths, env, cwd })),
  );
  for (const line of describeRunning(serving, reports, now())) out.note(line);
  return true;
}

/** What an earlier run left is put right; the first start of a service takes over what its client has. */
async function prepare(
  { env, isInteractive, now, out, paths }: Cli,
  service: Service,
  config: ServingConfig,
): Promise<void> {
  if (hasJournals(paths)) {
    const [{ repairDeadSwitches }, { describeHealed }] = await Promise.all([
      import("../../clients/switch/switch.ts"),
      import("../serve-screen.ts"),
    ]);
    for (const one of await repairDeadSwitches({ paths, env })) out.note(describeHealed(one, env));
  }
  if (hasUsable(config.read().services[service])) return;
  const [{ bootstrap }, { describeImported }] = await Promise.all([
    import("../../app/import/bootstrap.ts"),
    import("../serve-screen.ts"),
  ]);
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
