// `ch status`: which proxies run, where requests go, and how each upstream stands.
import { type ServiceFacts, type StatusFacts, surveyStatus } from "../../app/survey.ts";
import { makeSwitchReport, type SwitchReport } from "../../app/switch-report.ts";
import type { InstanceFacts, Problem, RouteFacts, UpstreamFacts } from "../../app/status-facts.ts";
import { showPath } from "../../base/paths.ts";
import { CLIENT_NAME, SERVICES } from "../../base/service.ts";
import { showSpan } from "../../base/time-words.ts";
import { VERSION } from "../../base/version.ts";
import { JSON_ARG, SERVICE_ARGS, readService } from "../args.ts";
import { type Cli, type Command, defineCommand } from "../cli.ts";
import { alignRows } from "../output.ts";
import { makeSwitchJson } from "../switch-words.ts";
import { describeDetails, describeHealth } from "../upstream-words.ts";

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "status", description: "what runs, where requests go, how each upstream is" },
    examples: [
      ["ch status", "both services"],
      ["ch status --codex --json", "the same for a script"],
    ],
    args: { ...SERVICE_ARGS, ...JSON_ARG },
    async run({ args }) {
      const service = readService(args);
      const services = service === undefined ? SERVICES : [service];
      const { env, paths } = cli;
      const [facts, reports] = await Promise.all([
        surveyStatus(services, cli),
        Promise.all(
          services.map((one) => makeSwitchReport({ service: one, paths, env, cwd: process.cwd() })),
        ),
      ]);
      if (args.json === true) {
        const clients = reports.map(makeSwitchJson);
        return cli.out.json({ version: VERSION, ...facts, clients });
      }
      printStatus(cli, facts, reports);
    },
  });
}

function printStatus(cli: Cli, facts: StatusFacts, reports: readonly SwitchReport[]): void {
  const { env, out, paths } = cli;
  for (const [index, service] of facts.services.entries()) {
    if (index > 0) out.line();
    printService(
      cli,
      service,
      reports.find((one) => one.service === service.service),
    );
  }
  const settings = Object.entries(facts.settings);
  if (settings.length > 0) {
    out.line();
    out.line(`Set in ${showPath(paths.config, env)}`);
    for (const [name, value] of settings) out.line(`  ${name} ${String(value)}`);
  }
  for (const problem of listProblems(facts)) out.warn(withHint(problem));
  out.note("");
  const isLeftOver = reports.some(({ status }) => status.isOwnerDead);
  out.note(`Next: ${isLeftOver ? "ch doctor --fix" : nextCommand(facts)}`);
}

/** Where the client's own file sends it. */
function printClient({ out }: Cli, { isListening, service, status }: SwitchReport): void {
  const where = status.isOn ? `pointed at port ${status.port}` : "not switched";
  const off = `ch switch off --${service}`;
  if (status.isOwnerDead) out.line(`  client  ${out.paint("red", `${where} by a ch that has died`)}: ${off}`);
  else if (status.isOn && isListening === false)
    out.line(`  client  ${out.paint("red", `${where}, where nothing listens`)}: ${off}`);
  else out.line(`  client  ${where}`);
}

function printService(cli: Cli, facts: ServiceFacts, report: SwitchReport | undefined): void {
  const { out } = cli;
  out.line(out.paint("bold", CLIENT_NAME[facts.service]));
  if (report !== undefined) printClient(cli, report);
  if (facts.instances.length === 0) {
    printRoute(cli, facts, "no proxy runs");
    return;
  }
  for (const instance of facts.instances) printRoute(cli, instance, describeInstance(instance, cli.now()));
}

function describeInstance({ pid, port, since_ms }: InstanceFacts, now: number): string {
  return `http://127.0.0.1:${port}, pid ${pid}, for ${showSpan(now - since_ms)}`;
}

function printRoute(cli: Cli, route: RouteFacts, proxy: string): void {
  const { out } = cli;
  out.line(`  proxy   ${proxy}`);
  out.line(`  config  ${route.config_name ?? route.problem?.message ?? "none"}`);
  if (route.config_name !== null && route.problem !== null) out.line(`          ${route.problem.message}`);
  const now = cli.now();
  const rows = alignRows(
    route.upstreams.map((upstream) => {
      const { colour, words } = describeHealth(upstream, now);
      return [upstream.label, out.paint(colour, words), out.paint("dim", hostOf(upstream))];
    }),
    out.width - 2,
  );
  for (const [index, upstream] of route.upstreams.entries()) {
    out.line(`  ${rows[index] ?? ""}`);
    for (const detail of describeDetails(upstream, now).flatMap((line) => wrap(line, out.width - 4)))
      out.line(`    ${out.paint("dim", detail)}`);
  }
}

function hostOf({ base_url }: UpstreamFacts): string {
  return URL.parse(base_url)?.host ?? base_url;
}

function wrap(text: string, width: number): string[] {
  return Bun.wrapAnsi(text, width).split("\n");
}

/** Each once: two proxies read the same files. */
function listProblems({ config_problem, filter_problem, quota_problem, services }: StatusFacts): Problem[] {
  const problems = services
    .flatMap(({ instances }) =>
      instances.flatMap((one) => [one.config_problem, one.filter_problem, one.quota_problem]),
    )
    .concat(config_problem, filter_problem, quota_problem);
  const byMessage = new Map(
    problems.flatMap((problem) => (problem === null ? [] : [[problem.message, problem]])),
  );
  return [...byMessage.values()];
}

function withHint({ hint, message }: Problem): string {
  return hint === null ? message : `${message}\n  ${hint}`;
}

/** What to type, by the gravest thing there is. */
function nextCommand({ services }: StatusFacts): string {
  const unset = services.find(({ problem }) => problem?.hint != null);
  const hasRoute = services.some(({ problem }) => problem === null);
  if (!hasRoute && unset?.problem?.hint != null) return unset.problem.hint;
  if (services.every(({ instances }) => instances.length === 0)) return "ch serve";
  return "ch routing explain";
}
