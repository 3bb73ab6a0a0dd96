// `ch switch on|off|status`: points a client at the proxy, restores it, and says which of the two holds.
import { readCurrentDirectory } from "../current-directory.ts";
import { EXIT, UserError } from "../../base/errors.ts";
import { t, tell, tellList } from "../language.ts";
import { chooseClientToken, requireOurs } from "../../app/port-owner.ts";
import { makeSwitchReport } from "../../app/status/switch-report.ts";
import { showPath } from "../../base/paths.ts";
import {
  CLIENT_NAME,
  DEFAULT_PORT,
  DEFAULT_SERVICE,
  SERVICES,
  type Service,
  makeProxyAddress,
} from "../../base/service.ts";
import { type SwitchGoal, showKey } from "../../clients/client.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { hasJournals } from "../../clients/switch/journal.ts";
import { repairDeadSwitches, switchOff, switchOn } from "../../clients/switch/switch.ts";
import { loadConfig } from "../../config/file.ts";
import { JSON_ARG, PORT_ARG, SERVICE_ARGS, type ServiceFlags, readPort, readService } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { describeHealed, describeRestored } from "../serve-screen.ts";
import { describeSwitch, makeSwitchJson } from "../switch-words.ts";

const onCommand = defineCommand({
  description: "point the client at the proxy, and record the original values",
  args: {
    ...SERVICE_ARGS,
    ...PORT_ARG,
    "own-provider": { type: "boolean", description: "Codex: add a provider instead of changing yours" },
    force: { type: "boolean", description: "also where the client does not read its file as it is" },
  },
  examples: [
    ["ch switch on", "Codex, to 127.0.0.1:3211"],
    ["ch switch on --claude --port 4000", "point Claude Code at another port"],
  ],
  async run(args, cli) {
    const service = await chooseService(cli, args);
    const port = readPort(args.port) ?? DEFAULT_PORT[service];
    const prefersOwnProvider = args["own-provider"] === true;
    await pointAtProxy(cli, service, { port, prefersOwnProvider, isForced: args.force === true });
  },
});

const offCommand = defineCommand({
  description: "restore the client's file",
  args: { ...SERVICE_ARGS },
  examples: [
    ["ch switch off", "Codex, or your default service"],
    ["ch switch off --claude", "Claude Code"],
  ],
  async run(args, cli) {
    const services = await chooseServicesOff(cli, args);
    const failures: unknown[] = [];
    // What a person names is restored below; what a killed proxy has left elsewhere is, too.
    const others = hasJournals(cli.paths) ? await repairDeadSwitches(cli, services) : [];
    for (const one of others) cli.out.note(describeHealed(one, cli.env));
    // One that cannot be restored does not keep the others from it.
    for (const service of services) await restore(cli, service).catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  },
});

const statusCommand = defineCommand({
  description: "show whether a client points at the proxy, and what overrides it",
  args: { ...SERVICE_ARGS, ...JSON_ARG },
  examples: [
    ["ch switch status", "both clients"],
    ["ch switch status --codex --json", "for scripts"],
  ],
  async run(args, { env, out, paths }) {
    const chosen = readService(args);
    const services = chosen === undefined ? SERVICES : [chosen];
    const reports = await Promise.all(
      services.map((service) => makeSwitchReport({ service, paths, env, cwd: readCurrentDirectory(env) })),
    );
    if (args.json === true) return out.json({ services: reports.map(makeSwitchJson) });
    for (const report of reports) for (const line of describeSwitch(report, env)) out.line(line);
  },
});

export const command = defineCommand({
  description: "point a client at the proxy, or restore it",
  examples: [
    ["ch switch on", "point Codex at 127.0.0.1:3211"],
    ["ch switch off", "restore everything"],
  ],
  default: "status",
  subCommands: { on: onCommand, off: offCommand, status: statusCommand },
});

async function chooseService({ paths }: Cli, args: ServiceFlags): Promise<Service> {
  return readService(args) ?? (await loadConfig(paths.config)).defaultService ?? DEFAULT_SERVICE;
}

/** A config.json that cannot be read keeps no client from being restored. */
async function chooseServicesOff(cli: Cli, args: ServiceFlags): Promise<readonly Service[]> {
  try {
    return [await chooseService(cli, args)];
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode === EXIT.usage) throw error;
    return SERVICES;
  }
}

async function pointAtProxy({ env, out, paths }: Cli, service: Service, goal: SwitchGoal): Promise<void> {
  const proxy = await requireOurs(goal.port, service, paths.run);
  const clientToken = await chooseClientToken(paths, proxy);
  const on = await switchOn({ service, paths, env }, { ...goal, clientToken }, { kind: "user" });
  const file = showPath(on.file, env);
  const keys = tellList(on.changes.map(({ path }) => showKey(path)));
  out.note(t`${CLIENT_NAME[service]} now points at ${makeProxyAddress(service, goal.port)}`);
  out.note(describeChange(on.isWritten ? keys : "", file, on.created.file));
  for (const { path } of on.overwritten) {
    out.note(t`  ${showKey(path)} was changed after the last switch: off restores that value`);
  }
  out.note(
    on.owner.kind === "user"
      ? t`  restore with: ch switch off --${service}`
      : t`  restored by the running ch (pid ${on.owner.pid}) when it stops`,
  );
  out.note(tell(CLIENTS[service].describeOpenSessions()));
  if (proxy !== null) return;
  const port = goal.port === DEFAULT_PORT[service] ? "" : ` --port ${goal.port}`;
  out.warn(t`nothing listens on 127.0.0.1:${goal.port} yet: ${CLIENT_NAME[service]} gets no answer`);
  out.note(`  ch serve --${service}${port}`);
}

function describeChange(keys: string, file: string, isNew: boolean): string {
  if (keys === "") return t`  ${file} already has it`;
  return isNew ? t`  created ${file}: ${keys}` : t`  changed ${file}: ${keys}`;
}

async function restore({ env, out, paths }: Cli, service: Service): Promise<void> {
  const off = await switchOff({ service, paths, env });
  if (off === null) return;
  const lines = describeRestored(off, env);
  if (lines.length === 0) {
    const [client, file] = [CLIENT_NAME[service], showPath(off.file, env)];
    out.note(
      off.isFileGone
        ? t`${client}: ${file} is gone, and its switch with it`
        : t`${client} was not switched: ${file} is unchanged`,
    );
  }
  for (const line of lines) out.note(line);
  for (const key of off.keys) {
    if (key.kind === "restored" && key.isGuess) {
      out.warn(t`${showKey(key.path)} was removed; its previous value is not known`);
    }
  }
  if (off.isEdited) out.note(t`  other edits made to the file meanwhile remain`);
  if (off.journalProblem !== null)
    out.warn(t`${off.journalProblem}: only what could be recognised was restored`);
  if (off.runningOwner !== null) {
    out.note(t`  ch is still running (pid ${off.runningOwner.pid}), but new sessions bypass it`);
  }
}
