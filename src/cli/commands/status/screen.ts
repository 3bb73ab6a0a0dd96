// The screen of `ch status`: the client, the proxies, the upstreams and the day of each service, then what is set.
import { showHost } from "../../../base/upstream.ts";
import { describeError } from "../../logged-error.ts";
import type { ServiceFacts, StatusFacts } from "../../../app/status/survey.ts";
import type { InstanceFacts, RouteFacts } from "../../../app/ask-instance.ts";
import type { SwitchReport } from "../../../app/status/switch-report.ts";
import { type LoggedError, type TodayFacts, attemptsAt } from "../../../usage/today.ts";
import { t, tell, tellEither } from "../../language.ts";
import { showPath, showPathsIn } from "../../../base/paths.ts";
import { describeRedaction } from "../../../filter/redaction.ts";
import { CLIENT_NAME, flagFor } from "../../../base/service.ts";
import { showMoment, showSpan } from "../../../base/text.ts";
import type { Cli } from "../../cli.ts";
import { describeChain, describeDetails, describeHealth, describeWaits } from "../../upstream-words.ts";
import { alignRows, wrapWords } from "../../layout.ts";
import { noteBudgets } from "../../price-words.ts";
import { describeIntruder, describeUnread } from "../../switch-words.ts";
import { listProblems, nextCommand } from "./problems.ts";

const INDENT = "  ";
/** Of the words at the left: "client", "proxy". */
const LABEL_COLUMNS = 6;

export async function printStatus(
  cli: Cli,
  facts: StatusFacts,
  reports: readonly SwitchReport[],
): Promise<void> {
  const { env, out } = cli;
  for (const [index, service] of facts.services.entries()) {
    if (index > 0) out.line();
    out.line(out.paint("bold", CLIENT_NAME[service.service]));
    const report = reports.find((one) => one.service === service.service);
    if (report !== undefined) printClient(cli, report);
    printService(cli, service);
  }
  out.line();
  out.line(describeRules(facts));
  for (const { allow, config, pattern, project } of facts.projects) {
    const where = config === null ? "" : t`, config ${config}`;
    const wall = allow === null ? "" : t`, a wall: only ${allow.join(", ")}`;
    out.line(t`project ${project} (${pattern})${where}${wall}`);
  }
  printSettings(cli, facts);
  for (const { hint, message } of listProblems(facts)) {
    const words = showPathsIn(message, env);
    out.warn(hint === null ? words : `${words}\n  ${hint}`);
  }
  await noteBudgets(
    cli,
    facts.services.flatMap(({ instances, upstreams }) => [
      ...instances.flatMap((one) => one.upstreams),
      ...upstreams,
    ]),
  );
  out.note(`\n${t`Next: ${nextCommand(facts, reports)}`}`);
}

/** As the first proxy has it that runs; the warnings tell where another differs. */
function describeRules({ redaction, services }: StatusFacts): string {
  const [running] = services.flatMap(({ instances }) => instances.flatMap((one) => one.redaction ?? []));
  return tell(describeRedaction(running ?? redaction));
}

/** Where the client's own file sends it, who wrote that, and what goes past it. */
function printClient(cli: Cli, report: SwitchReport): void {
  const { env, out } = cli;
  const { listener, overrides, service, status, tokenProblem } = report;
  const intruder = describeIntruder(report);
  const off = `ch switch off --${service}`;
  const where = describePoint(status);
  const unread = describeUnread(report);
  if (unread !== null) printRow(cli, t`client`, out.paint("red", unread));
  else if (status.isOwnerDead || intruder !== null) printRow(cli, t`client`, out.paint("red", where), off);
  else if (status.isOn && listener === null)
    printRow(cli, t`client`, out.paint("red", t`${where}, but nothing listens there`), off);
  else printRow(cli, t`client`, where);
  if ((status.isInterrupted || status.isRefused) && status.problem !== null)
    printDetail(cli, showPathsIn(tell(status.problem), env), "red");
  if (intruder !== null) printDetail(cli, intruder, "red");
  if (tokenProblem !== null)
    printDetail(cli, `${showPathsIn(tell(tokenProblem.what), env)}: ${tokenProblem.hint}`, "red");
  for (const { what, where: place } of overrides) {
    const past = `${showPath(tell(place), env)} ${tell(what)}`;
    printDetail(cli, past, "yellow");
  }
}

function describePoint({ isOn, isOwnerDead, owner, port }: SwitchReport["status"]): string {
  if (!isOn) return t`not switched`;
  const at = port ?? 0;
  if (isOwnerDead) return t`points at port ${at}, switched by a ch that is no longer running`;
  if (owner?.kind === "process") return t`points at port ${at}, switched by ch (pid ${owner.pid})`;
  return owner?.kind === "user" ? t`points at port ${at}, set by hand` : t`points at port ${at}`;
}

function printService(cli: Cli, facts: ServiceFacts): void {
  const { out } = cli;
  const now = cli.now();
  const { dead_instances: dead, instances, silent_instances: silent, today } = facts;
  for (const instance of instances) {
    const { pid, port, since_ms } = instance;
    const span = showSpan(now - since_ms);
    printRow(cli, t`proxy`, t`http://127.0.0.1:${port}, pid ${pid}, for ${span}`);
    if (instance.client_token) printDetail(cli, t`answers only clients with the client token`, "dim");
    printRefusals(cli, instance);
    for (const words of describeWaits(instance.waiting, now))
      printRow(cli, t`waits`, words, `ch routing wait${flagFor(facts.service)}`);
    printRoute(cli, instance, today);
  }
  for (const { pid, port } of silent)
    printRow(cli, t`proxy`, out.paint("red", t`http://127.0.0.1:${port}, pid ${pid}, does not answer`));
  for (const { pid, port } of dead) {
    const words = out.paint("red", t`ended unexpectedly (port ${port}, pid ${pid})`);
    printRow(cli, t`proxy`, words, "ch doctor --fix");
  }
  if (instances.length === 0) {
    if (silent.length + dead.length === 0) printRow(cli, t`proxy`, t`no proxy is running`);
    printRoute(cli, facts, today);
  }
  if (today !== null && today.requests > 0) printToday(cli, today);
}

/** Somebody tries, or a page is wrong: nothing was sent for any of these. */
function printRefusals(cli: Cli, { refusals }: InstanceFacts): void {
  if (refusals === null || refusals.count === 0) return;
  const statuses = Object.entries(refusals.by_status).map(([status, count]) => `${status} ×${count}`);
  const last = showMoment(refusals.last_at_ms ?? 0, cli.now());
  printDetail(
    cli,
    t`requests turned away: ${refusals.count} (${statuses.join(", ")}), last at ${last}`,
    "yellow",
  );
}

function printRoute(cli: Cli, route: RouteFacts, today: TodayFacts | null): void {
  const { out } = cli;
  const now = cli.now();
  const { config_name: name, problem, upstreams } = route;
  const problemWords = problem === null ? null : tellEither(problem.message_text, problem.message);
  printRow(cli, t`config`, name ?? problemWords ?? t`none`);
  if (name !== null && problemWords !== null) printRow(cli, "", problemWords);
  for (const chain of route.chains ?? []) printRow(cli, t`model`, describeChain(chain));
  const rows = alignRows(
    upstreams.map((upstream) => {
      const { colour, words } = describeHealth(upstream, now);
      return [upstream.label, out.paint(colour, words), out.paint("dim", showHost(upstream.base_url))];
    }),
    out.width - INDENT.length,
  );
  for (const [index, upstream] of upstreams.entries()) {
    out.line(`${INDENT}${rows[index] ?? ""}`);
    const labels = upstreams.flatMap(({ base_url, label }) => (base_url === upstream.base_url ? label : []));
    const counts = today === null ? null : attemptsAt(today, upstream, labels);
    for (const detail of describeDetails(upstream, now, counts)) printDetail(cli, detail, "dim");
  }
}

function printToday(
  cli: Cli,
  { failures, is_complete: isComplete, last_errors, requests }: TodayFacts,
): void {
  const all = isComplete ? t`requests: ${requests}` : t`requests: more than ${requests}`;
  printRow(cli, t`today`, failures === 0 ? all : t`${all}, failed: ${failures}`);
  for (const error of last_errors) printDetail(cli, describeFailure(error, cli.now()), "dim");
}

/** "14:02 502 relay.example gpt-5: no upstream could answer" */
function describeFailure(
  {
    at_ms,
    error,
    error_data: reason,
    model,
    status_code,
    upstream_base_url: url,
    upstream_label: label,
  }: LoggedError,
  now: number,
): string {
  const place = label ?? (url === null ? null : showHost(url));
  const facts = [tell(showMoment(at_ms, now)), status_code, place, model].filter((part) => part !== null);
  return t`${facts.join(" ")}: ${describeError({ error, reason })}`;
}

/** What differs from the defaults; --json has all of them. */
function printSettings(cli: Cli, { has_event_hook: hasHook, settings }: StatusFacts): void {
  const { env, out, paths } = cli;
  const own = settings.filter(({ source }) => source !== "default");
  if (own.length === 0 && !hasHook) return;
  const path = showPath(paths.config, env);
  out.line();
  out.line(t`Settings in ${path}`);
  for (const { default: usual, name, value } of own) {
    const words = `${name} ${String(value)}`;
    const standard = String(usual);
    out.line(value === usual ? `${INDENT}${words}` : `${INDENT}${words} ${t`(default ${standard})`}`);
  }
  if (hasHook) out.line(`${INDENT}hooks.on_event`);
}

/** `command` is what to type then: it is never broken. */
function printRow({ out }: Cli, label: string, words: string, command = ""): void {
  const width = out.width - LABEL_COLUMNS - 2 * INDENT.length;
  const whole = command === "" ? words : t`${words}: ${command}`;
  const lines = Bun.stringWidth(whole) <= width ? [whole] : [...wrapWords(words, width), command];
  for (const [index, line] of lines.filter((one) => one !== "").entries()) {
    const left = index === 0 ? label : "";
    const gap = " ".repeat(Math.max(0, LABEL_COLUMNS - Bun.stringWidth(left)));
    out.line(`${INDENT}${left}${gap}${INDENT}${line}`);
  }
}

function printDetail({ out }: Cli, words: string, colour: "dim" | "red" | "yellow"): void {
  for (const line of wrapWords(words, out.width - 2 * INDENT.length))
    out.line(`${INDENT}${INDENT}${out.paint(colour, line)}`);
}
