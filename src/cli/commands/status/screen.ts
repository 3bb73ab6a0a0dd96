// The screen of `ch status`: a line for each client with its proxy and its day, a line an upstream; below what is wrong, each
// once and the gravest first, and the command to type next.
import type { InstanceFacts, RouteFacts, UpstreamFacts } from "../../../app/ask-instance.ts";
import type { ServiceFacts, StatusFacts } from "../../../app/status/survey.ts";
import type { SwitchReport } from "../../../app/status/switch-report.ts";
import { showPath, showPathsIn } from "../../../base/paths.ts";
import { CLIENT_NAME, DEFAULT_PORT } from "../../../base/service.ts";
import { asCalled, showSpan } from "../../../base/text.ts";
import { showHost } from "../../../base/upstream.ts";
import { describeRedaction } from "../../../filter/redaction.ts";
import { type TodayFacts, type UpstreamDay, attemptsAt } from "../../../usage/today.ts";
import type { Cli } from "../../cli.ts";
import { formatUsd } from "../../figures.ts";
import { t, tell, tellEither, tellList } from "../../language.ts";
import { cutColumns, wrapFields, wrapWords } from "../../layout.ts";
import { noteBudgets } from "../../price-words.ts";
import { listQuotaCells } from "../../quota-words.ts";
import { describeUnread } from "../../switch-words.ts";
import { describeChain, describeConcurrency, showHealth } from "../../upstream-words.ts";
import { type Trouble, isSetUp, listFileProblems, listTroubles, nextCommand } from "./problems.ts";

const INDENT = "  ";
/** Where there is no room for a column as wide as the longest phrase, which then moves no other. */
const STATE_COLUMNS = 24;
/** Of a wide terminal as much as a person reads at a glance. */
const WIDEST = 120;

export async function printStatus(
  cli: Cli,
  facts: StatusFacts,
  reports: readonly SwitchReport[],
): Promise<void> {
  const { env, out } = cli;
  for (const [index, service] of facts.services.entries()) {
    if (index > 0) out.line();
    printService(
      cli,
      service,
      reports.find((one) => one.service === service.service),
    );
  }
  out.line();
  for (const line of wrapFields(describeRest(cli, facts), out.width)) out.line(out.paint("dim", line));
  for (const { allow, config, pattern, project } of facts.projects) {
    const where = config === null ? "" : t`, config ${config}`;
    const wall = allow === null ? "" : t`, a wall: only ${allow.join(", ")}`;
    const words = t`project ${project} (${pattern})${where}${wall}`;
    for (const line of wrapWords(words, out.width)) out.line(out.paint("dim", line));
  }
  const troubles = listTroubles(facts, reports, cli);
  if (troubles.length > 0) out.line();
  for (const trouble of troubles) printTrouble(cli, trouble);
  for (const { hint, message } of listFileProblems(facts)) {
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
  const next = nextCommand(facts, reports, troubles);
  if (next !== null) out.note(`\n${t`Next: ${next}`}`);
}

function printService(cli: Cli, facts: ServiceFacts, report: SwitchReport | undefined): void {
  const { out } = cli;
  const { instances, service, today } = facts;
  const [first, ...others] = instances;
  const name = out.paint("bold", CLIENT_NAME[service]);
  const proxy = first === undefined ? t`no proxy` : describeProxy(cli, first);
  const where = report === undefined ? "" : describePoint(cli, report);
  const parts = [name, tellList([where, proxy].filter((part) => part !== ""))];
  for (const line of joinEnds(parts.join(INDENT), describeToday(today), widthOf(cli))) out.line(line);
  // That is no trouble: nobody uses it here.
  if (facts.problem !== null && !isSetUp(facts))
    out.line(INDENT + out.paint("dim", tellEither(facts.problem.message_text, facts.problem.message)));
  printUpstreams(cli, first ?? facts, today);
  for (const instance of others) {
    out.line(`${INDENT}${describeProxy(cli, instance)}`);
    // Most have the same config and know the same.
    if (!isSameRoute(instance, first)) printUpstreams(cli, instance, today);
  }
}

function describeProxy(
  { now }: Cli,
  { config_name: config, pid, port, service, since_ms: since, upstreams }: InstanceFacts,
): string {
  const span = showSpan(now() - since);
  const at =
    port === DEFAULT_PORT[service]
      ? t`proxy for ${span} (pid ${pid})`
      : t`proxy on port ${port} for ${span} (pid ${pid})`;
  // The labels below have its name.
  return config === null || upstreams.length > 0 ? at : t`${at}, config ${config}`;
}

/** Where the client's own file sends it. What is wrong with that is said below. */
function describePoint({ out }: Cli, report: SwitchReport): string {
  const { listener, status } = report;
  const { isOn, isOwnerDead, owner } = status;
  if (describeUnread(report) !== null || !isOn) return t`not switched`;
  const words = owner?.kind === "user" ? t`switched by hand` : t`switched`;
  return isOwnerDead || listener?.kind !== "ours" ? out.paint("red", words) : words;
}

function describeToday(today: TodayFacts | null): string {
  if (today === null || today.requests === 0) return "";
  const { cost_usd: usd, failures, is_complete: isComplete, is_cost_complete: isWhole, requests } = today;
  const all = requests === 1 ? t`today 1 request` : t`today ${requests} requests`;
  return [
    isComplete ? all : t`today more than ${requests} requests`,
    ...(failures === 0 ? [] : [t`${failures} failed`]),
    ...(usd === null ? [] : [showUsd(usd, isWhole)]),
  ].join(t`, `);
}

function showUsd(usd: number, isWhole: boolean): string {
  return isWhole ? formatUsd(usd) : `${formatUsd(usd)}+`;
}

function widthOf({ out }: Cli): number {
  return Math.min(out.width, WIDEST);
}

/** Both on a line, the second at its end; one under the other where there is no room. */
function joinEnds(left: string, right: string, width: number): string[] {
  const gap = width - Bun.stringWidth(left) - Bun.stringWidth(right);
  if (right === "") return wrapFields(left, width);
  if (gap >= 2) return [left + " ".repeat(gap) + right];
  return [...wrapFields(left, width), `${INDENT}${right}`];
}

function isSameRoute(one: RouteFacts, other: RouteFacts | undefined): boolean {
  const stateOf = ({ upstreams }: RouteFacts): string =>
    JSON.stringify(
      upstreams.map(({ enabled, label, standing, until_ms }) => [label, enabled, standing, until_ms]),
    );
  return other !== undefined && stateOf(one) === stateOf(other);
}

/** What a cell may say, the longest first: the first that there is room for. */
type Cell = readonly string[];

/** Label, state, what is left, cost, counts, host: what does not fit is left out from the end. */
function printUpstreams(cli: Cli, { chains = [], upstreams }: RouteFacts, today: TodayFacts | null): void {
  const { out } = cli;
  for (const chain of chains)
    out.line(
      cutColumns(`${INDENT}${out.paint("dim", t`model`)}${INDENT}${describeChain(chain)}`, widthOf(cli)),
    );
  const now = cli.now();
  const rows = upstreams.map((upstream) => {
    const isThere = (one: UpstreamFacts): boolean => one.base_url === upstream.base_url;
    const labels = upstreams.filter(isThere).map(({ label }) => label);
    return {
      label: upstream.label,
      state: showHealth(out, upstream, now),
      cells: listCells(cli, upstream, today === null ? null : attemptsAt(today, upstream, labels)),
    };
  });
  const labelColumns = Math.max(0, ...rows.map(({ label }) => Bun.stringWidth(label)));
  const widths = (rows[0]?.cells ?? []).map((cell, column) =>
    cell.map((_, form) => Math.max(...rows.map(({ cells }) => Bun.stringWidth(cells[column]?.[form] ?? "")))),
  );
  const longest = Math.max(0, ...rows.map(({ state }) => Bun.stringWidth(state)));
  const figures = widths.slice(0, MAIN_CELLS).map(([whole = 0]) => whole);
  const needed = figures.reduce((sum, width) => (width > 0 ? sum + INDENT.length + width : sum), 0);
  const hasRoom = INDENT.length * 2 + labelColumns + longest + needed <= widthOf(cli);
  const stateColumns = hasRoom ? longest : Math.min(STATE_COLUMNS, longest);
  for (const { cells, label, state } of rows) {
    const head = `${INDENT}${pad(label, labelColumns)}${INDENT}${pad(state, stateColumns)}`;
    const padded = cells.map((cell, column) =>
      cell.map((text, form) => pad(text, widths[column]?.[form] ?? 0)),
    );
    out.line(fitCells(head, padded, widthOf(cli)));
  }
}

/** Figures come before counts and addresses: of each as much as there is room for, of the figures at least a little of all. */
function fitCells(head: string, cells: readonly Cell[], width: number): string {
  const chosen = new Map<number, string>();
  const lineOf = (): string =>
    [head, ...cells.flatMap((_, column) => chosen.get(column) ?? [])].join(INDENT).trimEnd();
  const choose = (column: number, forms: Cell): void => {
    const before = chosen.get(column);
    for (const form of forms) {
      chosen.set(column, form);
      if (Bun.stringWidth(lineOf()) <= width) return;
      if (before === undefined) chosen.delete(column);
      else chosen.set(column, before);
    }
  };
  const forms = cells.map((cell) => cell.filter((text) => text.trim() !== ""));
  for (const [column, own] of forms.slice(0, FIGURES).entries()) choose(column, own.slice(-1));
  for (const [column, own] of forms.entries()) choose(column, own);
  return cutColumns(lineOf(), width);
}

/** So many of the cells: what is left, until when, when it ends, what it cost; and the counts. */
const FIGURES = 4;
const MAIN_CELLS = FIGURES + 1;

function listCells({ now, out }: Cli, upstream: UpstreamFacts, day: UpstreamDay | null): Cell[] {
  const { outbound_proxy: way, sessions } = upstream;
  const failed = day === null ? 0 : day.failed_attempts;
  const attempts =
    day === null || day.attempts === 0 ? "" : day.attempts === 1 ? t`1 attempt` : t`${day.attempts} attempts`;
  const bound = sessions === 1 ? t`1 session` : t`${sessions} sessions`;
  return [
    ...listQuotaCells(upstream, now()),
    [showCostOf(day)],
    [failed === 0 ? attempts : t`${attempts}, ${failed} failed`],
    [out.paint("dim", describeConcurrency(upstream, now()))],
    [out.paint("dim", showHost(upstream.base_url))],
    [way === null ? "" : out.paint("dim", t`through ${way}`)],
    [sessions === 0 ? "" : out.paint("dim", bound)],
  ];
}

/** What an upstream cost that answered nothing, nobody asks. */
function showCostOf(day: UpstreamDay | null): string {
  if (day?.cost_usd == null || (day.cost_usd === 0 && day.attempts === day.failed_attempts)) return "";
  return showUsd(day.cost_usd, day.is_cost_complete);
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
}

/** What is set that changes what requests do; --json has all settings. */
function describeRest({ env, paths }: Cli, facts: StatusFacts): string {
  const own = facts.settings.filter(({ source }) => source !== "default");
  const named = own.slice(0, MOST_SETTINGS).map(({ default: usual, name, value }) => {
    const [words, standard] = [`${name} ${String(value)}`, String(usual)];
    return value === usual ? words : t`${words} (default ${standard})`;
  });
  const settings = [
    ...named,
    ...(own.length > named.length ? [t`${own.length - named.length} more`] : []),
    ...(facts.has_event_hook ? ["hooks.on_event"] : []),
  ];
  const path = showPath(paths.config, env);
  const rules = describeRules(facts);
  const all = settings.join(t`, `);
  return settings.length === 0 ? rules : rules + INDENT + t`${path}: ${all}`;
}

const MOST_SETTINGS = 2;

/** As the first proxy has it that runs; the warnings tell where another differs. */
function describeRules({ redaction, services }: StatusFacts): string {
  const [running] = services.flatMap(({ instances }) => instances.flatMap((one) => one.redaction ?? []));
  const words = tell(describeRedaction(running ?? redaction));
  const hits = services.reduce((sum, { today }) => sum + (today?.redactions ?? 0), 0);
  if (hits === 0) return words;
  return words + t`, ` + (hits === 1 ? t`1 redaction today` : t`${hits} redactions today`);
}

/** The command to type is never broken. */
function printTrouble({ env, out }: Cli, { colour, hint, words }: Trouble): void {
  const [first = "", ...others] = wrapWords(showPathsIn(words, env), out.width - INDENT.length);
  out.line(out.paint(colour, first));
  for (const line of others) out.line(INDENT + out.paint(colour, line));
  if (hint !== null) out.line(`${INDENT}${asCalled(showPathsIn(hint, env))}`);
}
