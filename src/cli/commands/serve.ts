// `ch serve`, and bare `ch`: runs the proxy in front of the user until a signal ends it.
import { bootstrap } from "../../app/bootstrap.ts";
import { type Serving, serve, type Served } from "../../app/serve.ts";
import { EXIT, UserError } from "../../base/errors.ts";
import { CLIENT_NAME, SERVICES, type Service } from "../../base/service.ts";
import { loadConfig } from "../../config/file.ts";
import type { LogEntry } from "../../log/entry.ts";
import { PORT_ARG, readPort, readService, SERVICE_ARGS } from "../args.ts";
import { type Cli, type Command, defineCommand } from "../cli.ts";
import { listenForSignals } from "../signals.ts";

/** Open answers may finish for so long after the first signal. */
const DRAIN_MS = 4_000;

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "serve", description: "run the proxy in front of you, until Ctrl+C" },
    args: {
      ...SERVICE_ARGS,
      all: { type: "boolean", description: "both services in one process" },
      ...PORT_ARG,
      switch: {
        type: "boolean",
        default: true,
        description: "",
        negativeDescription: "leave the client's files alone (the only mode so far)",
      },
      quiet: { type: "boolean", description: "no line for each request" },
    },
    examples: [
      ["ch serve", "Codex, on 127.0.0.1:3211"],
      ["ch serve --all", "Codex and Claude Code"],
    ],
    run: async ({ args }) => {
      const port = readPort(args.port);
      if (args.all === true && port !== undefined) {
        throw new UserError("--port is for one service; --all uses the default ports", {
          exitCode: EXIT.usage,
        });
      }
      const { defaultService } = await loadConfig(cli.paths.config);
      const services = args.all === true ? SERVICES : [readService(args) ?? defaultService ?? "codex"];
      const isQuiet = args.quiet === true || !process.stderr.isTTY;
      for (const service of services) await takeOver(cli, service);
      using signals = listenForSignals();
      const serving = await serve({
        paths: cli.paths,
        env: cli.env,
        services,
        port,
        onRequest: (entry) => {
          if (!isQuiet) cli.out.note(describeRequest(entry));
        },
        onTrouble: (words) => cli.out.warn(words),
      });
      showStart(cli, serving);
      const exitCode = await signals.next();
      cli.out.note(`stopping: open answers have ${DRAIN_MS / 1000} s, a second Ctrl+C ends them`);
      await Promise.race([serving.stop(DRAIN_MS), signals.next().then(() => serving.stop(0))]);
      return exitCode;
    },
  });
}

/** The first start of a service: what its client has is taken over, and said. */
async function takeOver({ env, now, out, paths }: Cli, service: Service): Promise<void> {
  const taken = await bootstrap({ paths, env, cwd: process.cwd(), service }, now);
  if (taken === null) return;
  const names = taken.configs.map(({ name }) => name);
  out.note(`took over from ${CLIENT_NAME[service]}: ${names.join(", ")} (ch config list)`);
  for (const words of taken.skipped) out.note(`  left out: ${words}`);
}

function showStart(cli: Cli, serving: Serving): void {
  for (const one of serving.served) for (const line of describeServed(one)) cli.out.note(line);
  cli.out.note("");
  cli.out.note("Your clients' files were not changed. In another terminal: ch run -- codex");
  cli.out.note("Ctrl+C stops.");
}

function describeServed({ service, port, configName, upstreams }: Served): string[] {
  const order = upstreams.map((upstream, place) => `  ${place + 1}. ${upstream.label}  ${upstream.baseUrl}`);
  const backup =
    upstreams.length > 1 ? [] : [`  no failover: ch config add ${configName} --append --base-url URL`];
  return [`${CLIENT_NAME[service]} on http://127.0.0.1:${port}, config "${configName}"`, ...order, ...backup];
}

/** One calm line: when, what came of it, which upstream, how long, how much. */
function describeRequest(entry: LogEntry): string {
  const time = new Date(entry.timestamp_ms).toTimeString().slice(0, 8);
  const upstream = entry.upstream_base_url === null ? "-" : new URL(entry.upstream_base_url).host;
  const tokens = entry.usage?.total_tokens === undefined ? "" : `  ${entry.usage.total_tokens} tokens`;
  const hops = (entry.attempts?.length ?? 1) - 1;
  const words = hops > 0 ? `  after ${hops} other${hops > 1 ? "s" : ""}` : "";
  const error = entry.outcome === "ok" || entry.error === undefined ? "" : `  ${entry.error}`;
  return `${time}  ${entry.status_code}  ${upstream}  ${(entry.duration_ms / 1000).toFixed(1)} s${tokens}${words}${error}`;
}
