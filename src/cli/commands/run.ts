// `ch run`: one client behind a proxy of its own, for as long as the client runs.
import { describeRun } from "../serve-screen.ts";
import { createServeLog } from "../serve-log.ts";
import { readCurrentDirectory } from "../current-directory.ts";
import { basename } from "node:path";
import { runClient } from "../../app/launch/run-client.ts";
import { disableCoreDumps } from "../../base/core-dumps.ts";
import { UserError } from "../../base/errors.ts";
import { t, tell, tellList } from "../language.ts";
import {
  CLIENT_NAME,
  DEFAULT_SERVICE,
  SERVICES,
  SERVICE_FACTS,
  type Service,
  mapServices,
} from "../../base/service.ts";
import { type Program, PROGRAMS, findProgram } from "../../app/launch/programs.ts";
import { loadConfig } from "../../config/file.ts";
import { hasUsable } from "../../config/resolve.ts";
import { PORT_ARG, SERVICE_ARGS, type ServiceFlags, readPort, readService, usageError } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";

const COMMANDS = SERVICES.map((service) => SERVICE_FACTS[service].command);

export const command = defineCommand({
  description: "start Codex, Claude Code or another program with a proxy of its own",
  passesThrough: true,
  args: {
    config: { type: "string", valueHint: "NAME", description: "use this config instead of the active one" },
    force: { type: "boolean", description: "also where no upstream can be used" },
    quiet: { type: "boolean", alias: "q", description: "do not say at the end what it came to" },
    port: { ...PORT_ARG.port, description: "TCP port on 127.0.0.1 (default: any free one)" },
    ...mapServices(({ name, service }) => ({
      ...SERVICE_ARGS[service],
      description: `the program is ${name} by another name, or uses its upstreams`,
    })),
  },
  examples: [
    ["ch run -- codex", "Codex with the active config; none of its files is changed"],
    ["ch run --config backup -- claude -p hello", "Claude Code with another config, in this terminal only"],
    ["ch run -- opencode", "another program that is pointed here by its variables: opencode, qwen, copilot"],
  ],
  async run(args, cli) {
    const [command, ...rest] = args._;
    if (command === undefined) throw wrongProgram(t`the program to run is missing`);
    const other = findProgram(command);
    const service =
      other === undefined ? (readService(args) ?? serviceOf(command)) : await serviceFor(cli, other, args);
    disableCoreDumps(true);
    const since = cli.now();
    const log = await createServeLog(cli, { format: "none", hasServices: false });
    const { exitCode, troubles } = await runClient({
      onRequest: log.onRequest,
      onServing: log.attach,
      screen: { say: tell, ring: cli.out.ring },
      paths: cli.paths,
      env: cli.env,
      cwd: readCurrentDirectory(cli.env),
      service,
      command,
      args: rest,
      port: readPort(args.port),
      configName: args.config,
      isForced: args.force === true,
      // Any of the three: what is piped in or out changes nothing for the keys.
      hasTerminal: [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY),
      onStart: ({ port, configName, upstreams }, remarks) => {
        for (const words of remarks) cli.out.warn(tell(words));
        if (!cli.isInteractive) return;
        const order = upstreams.map(({ label }) => label).join(" -> ");
        const name = other?.command ?? CLIENT_NAME[service];
        const line = t`${name} uses 127.0.0.1:${port}: config "${configName}", ${order}`;
        cli.out.note(line);
      },
    });
    for (const words of troubles) cli.out.warn(tell(words));
    const facts = await log.close();
    if (args.quiet !== true && facts.turns + facts.failed_requests > 0)
      cli.out.note(describeRun(facts, cli.now() - since));
    return exitCode;
  },
});

/** Whose proxy another program comes to: that of the flag, else the first with a config to use. */
async function serviceFor(cli: Cli, { command, ways }: Program, args: ServiceFlags): Promise<Service> {
  const spoken = SERVICES.filter((service) => ways[service] !== undefined);
  const named = readService(args);
  if (named !== undefined && !spoken.includes(named))
    throw wrongProgram(t`${command} does not speak the API of ${CLIENT_NAME[named]}`);
  const { services } = await loadConfig(cli.paths.config);
  return named ?? spoken.find((service) => hasUsable(services[service])) ?? spoken[0] ?? DEFAULT_SERVICE;
}

/** The service whose client has this name: "codex", "/usr/bin/claude", "codex.exe". */
function serviceOf(command: string): Service {
  const name = basename(command).replace(/\.(?:exe|cmd|ps1)$/i, "");
  const service = SERVICES.find((one) => SERVICE_FACTS[one].command === name);
  if (service !== undefined) return service;
  const known = COMMANDS.join(t` nor `);
  throw wrongProgram(t`"${name}" is neither ${known}`);
}

function wrongProgram(message: string): UserError {
  return usageError(
    message,
    [
      ...COMMANDS.map((command) => `ch run -- ${command} ...`),
      t`other programs: ${tellList(PROGRAMS.map((program) => program.command))}`,
      t`another name: ch run --codex -- NAME ...`,
    ].join("\n"),
  );
}
