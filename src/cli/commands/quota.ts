// `ch quota`: what is left on each upstream, how fresh that is, and how long it will last.
import { refreshQuota } from "../../app/quota/quota.ts";
import { type ServiceFacts, type StatusFacts, surveyStatus } from "../../app/status/survey.ts";
import { UserError } from "../../base/errors.ts";
import { t, tell, tellEither } from "../language.ts";
import { CLIENT_NAME } from "../../base/service.ts";
import { loadConfig } from "../../config/file.ts";
import type { QuotaRow } from "../../quota/sources.ts";
import { JSON_ARG, SERVICE_ARGS, type ServiceFlags } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { alignRows, wrapWords } from "../layout.ts";
import { noteBudgets } from "../price-words.ts";
import {
  describeEnd,
  describeLeft,
  describeQuotaState,
  isWorthShowing,
  makeBar,
  showRough,
  showSource,
  showWindow,
} from "../quota-words.ts";
import {
  describeConcurrency,
  describeFix,
  describeReserves,
  describeWhy,
  showHealth,
} from "../upstream-words.ts";
import { chooseService } from "./config/target.ts";

const listCommand = defineCommand({
  description: "show the latest readings of each upstream; sends nothing",
  examples: [
    ["ch quota list", "the upstreams of the default service"],
    ["ch quota list --claude --json", "those of Claude Code, as JSON"],
  ],
  args: { ...SERVICE_ARGS, ...JSON_ARG },
  run: (args, cli) => printQuota(cli, args, t`Next: ch quota refresh`),
});

const refreshCommand = defineCommand({
  description: "read every balance now, then list them",
  examples: [
    ["ch quota refresh", "the upstreams of the default service"],
    ["ch quota refresh --codex --json", "those of Codex, as JSON"],
  ],
  args: { ...SERVICE_ARGS, ...JSON_ARG },
  async run(args, cli) {
    const service = chooseService(args, await loadConfig(cli.paths.config));
    await refreshQuota(service, cli, (words) => cli.out.warn(tell(words)));
    await printQuota(cli, args, t`Next: ch status`);
  },
});

export const command = defineCommand({
  description: "what is left on each upstream, and how long it lasts",
  examples: [
    ["ch quota", "the latest readings"],
    ["ch quota refresh", "query every upstream now"],
  ],
  default: "list",
  subCommands: { list: listCommand, refresh: refreshCommand },
});

async function printQuota(
  cli: Cli,
  args: ServiceFlags & { readonly json?: boolean | undefined },
  next: string,
): Promise<void> {
  const service = chooseService(args, await loadConfig(cli.paths.config));
  const facts = await surveyStatus([service], cli);
  const [found] = facts.services;
  if (found === undefined) return;
  if (args.json === true) return cli.out.json(makeJson(found, facts));
  if (found.config_name === null) {
    const { problem } = found;
    if (problem === null) throw new UserError(t`no upstream is configured`);
    throw new UserError(problem.message_text ?? problem.message, {
      hint: problem.hint_text ?? problem.hint ?? undefined,
    });
  }
  printUpstreams(cli, found);
  await noteBudgets(cli, found.upstreams, true);
  for (const problem of quotaProblems(found, facts)) cli.out.warn(problem);
  cli.out.note(`\n${next}`);
}

function makeJson(found: ServiceFacts, facts: StatusFacts): Record<string, unknown> {
  return {
    service: found.service,
    config_name: found.config_name,
    problem: quotaProblems(found, facts)[0] ?? null,
    upstreams: found.upstreams,
  };
}

/** Each upstream with its state as all screens have it, and below it what each source says is left. */
function printUpstreams(cli: Cli, { config_name, service, upstreams }: ServiceFacts): void {
  const { out } = cli;
  const now = cli.now();
  out.line(t`${CLIENT_NAME[service]}, config ${config_name ?? ""}`);
  const labels = Math.max(...upstreams.map(({ label }) => label.length));
  const shown = upstreams.map(({ quota }) => quota.filter(isWorthShowing));
  const figures = shown.flat().filter(hasFigures);
  const lines = alignRows(
    figures.map((row) => describeRow(row, now, out)),
    out.width - INDENT.length,
  );
  for (const [index, upstream] of upstreams.entries()) {
    out.line(`${upstream.label.padEnd(labels)}  ${showHealth(out, upstream, now)}`);
    // Without a key nothing can be asked for, either.
    const lack = upstream.problem === null ? "" : describeWhy(upstream, now);
    for (const line of wrapWords(lack, out.width - 2 * INDENT.length))
      if (line !== "") out.line(`${INDENT}${out.paint("red", line)}`);
    const fix = describeFix(upstream);
    // Of a balance it is this screen.
    if (fix !== null && !fix.startsWith("ch quota")) out.line(`${INDENT}${fix}`);
    for (const words of [describeConcurrency(upstream, now), ...describeReserves(upstream, now)])
      for (const line of wrapWords(words, out.width - INDENT.length))
        if (line !== "") out.line(`${INDENT}${out.paint("dim", line)}`);
    const rows = shown[index] ?? [];
    if (rows.length === 0) out.line(`${INDENT}${out.paint("dim", t`unknown`)}`);
    for (const row of rows) {
      const { colour: rowColour, words: instead } = describeQuotaState(row.state);
      const where = [
        showWindow(row),
        out.paint(rowColour, instead),
        out.paint("dim", describeOrigin(row, now)),
      ];
      const line = hasFigures(row) ? (lines[figures.indexOf(row)] ?? "") : where.filter(Boolean).join(INDENT);
      out.line(`${INDENT}${line}`);
      for (const note of describeNotes(row, now))
        for (const line of wrapWords(note, out.width - 2 * INDENT.length))
          out.line(`${INDENT}${INDENT}${out.paint("dim", line)}`);
    }
  }
}

const INDENT = "  ";

/** What, how full, how much, when it is full again, who says so. */
function describeRow(row: QuotaRow, now: number, { paint }: Cli["out"]): string[] {
  const { colour } = describeQuotaState(row.state);
  const resets = showRough(row.resets_at_ms === null ? null : row.resets_at_ms - now);
  return [
    showWindow(row),
    paint(colour, makeBar(row)),
    describeLeft(row),
    resets === "" ? "" : t`resets in ${resets}`,
    paint("dim", describeOrigin(row, now)),
  ];
}

/** Others have words in the place of figures: "no limit", "out of date". */
function hasFigures({ left, state }: QuotaRow): boolean {
  return left !== null && state !== "stale";
}

/** "packycode, 2 min ago" */
function describeOrigin(row: QuotaRow, now: number): string {
  const age = showRough(row.read_at_ms === null ? null : Math.max(0, now - row.read_at_ms));
  const source = showSource({ ...row, window: null });
  return age === "" ? source : t`${source}, ${age} ago`;
}

/** What does not fit into a column: when it will run out, and why nothing newer is known. */
function describeNotes(row: QuotaRow, now: number): string[] {
  const end = describeEnd(row, now);
  return [
    ...(end === null ? [] : [t`${end}, at the pace of the last hours`]),
    ...(row.error === null ? [] : [tellEither(row.error_text, row.error)]),
  ];
}

/** Each once. */
function quotaProblems(found: ServiceFacts, facts: StatusFacts): string[] {
  const problems = [...found.instances, facts].flatMap((one) => [one.quota_problem, one.prices_problem]);
  return [
    ...new Set(
      problems.flatMap((problem) =>
        problem === null ? [] : [tellEither(problem.message_text, problem.message)],
      ),
    ),
  ];
}
