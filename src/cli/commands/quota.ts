// `ch quota`: what is left on each upstream, how fresh that is, and how long it will last.
import type { UpstreamFacts } from "../../app/ask-instance.ts";
import { refreshQuota } from "../../app/quota/quota.ts";
import { type ServiceFacts, type StatusFacts, surveyStatus } from "../../app/status/survey.ts";
import { UserError } from "../../base/errors.ts";
import { t, tell, tellEither } from "../language.ts";
import { CLIENT_NAME } from "../../base/service.ts";
import { loadConfig } from "../../config/file.ts";
import { UNKNOWN_ROW } from "../../quota/sources.ts";
import { JSON_ARG, SERVICE_ARGS, type ServiceFlags } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import {
  describeEnd,
  describeQuotaState,
  isWorthShowing,
  makeBar,
  showLeft,
  showRough,
  showSource,
  showUsed,
} from "../quota-words.ts";
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
  printTable(cli, found);
  for (const problem of quotaProblems(found, facts)) cli.out.warn(problem);
  cli.out.note(`\n${next}`);
}

function makeJson(found: ServiceFacts, facts: StatusFacts): Record<string, unknown> {
  return {
    service: found.service,
    config_name: found.config_name,
    problem: quotaProblems(found, facts)[0] ?? null,
    upstreams: found.upstreams.map(({ base_url, label, quota, standing, until_ms, usage_exhausted }) => ({
      label,
      base_url,
      standing,
      usage_exhausted,
      until_ms,
      quota,
    })),
  };
}

function printTable(cli: Cli, { config_name, service, upstreams }: ServiceFacts): void {
  const { out } = cli;
  const now = cli.now();
  out.line(t`${CLIENT_NAME[service]}, config ${config_name ?? ""}`);
  const isWide = out.width >= 100;
  const rows = upstreams.flatMap((upstream) => {
    const known = upstream.quota.filter(isWorthShowing);
    return (known.length === 0 ? [UNKNOWN_ROW] : known).map((row, index) => {
      const { colour, words } = describeQuotaState(row.state);
      return [
        index === 0 ? upstream.label : "",
        out.paint(colour, words),
        out.paint(colour, makeBar(row)),
        showLeft(row),
        showUsed(row, isWide),
        showRough(row.resets_at_ms === null ? null : row.resets_at_ms - now),
        showRough(row.read_at_ms === null ? null : Math.max(0, now - row.read_at_ms)),
        showSource(row),
      ];
    });
  });
  const headings = [t`upstream`, t`state`, "", t`left`, t`used`, t`resets in`, t`age`, t`source`];
  out.table(headings, rows);
  for (const upstream of upstreams) for (const line of describeRows(upstream, now)) out.line(line);
}

/** What does not fit into a column: when it will run out, and why nothing newer is known. */
function describeRows({ label, quota }: UpstreamFacts, now: number): string[] {
  const [first] = quota
    .filter(({ runs_out_at_ms: end }) => end !== null)
    .toSorted((one, other) => Number(one.runs_out_at_ms) - Number(other.runs_out_at_ms));
  const end = first === undefined ? null : describeEnd(first, now);
  const errors = quota.flatMap((row) =>
    row.error === null
      ? []
      : [t`${label}: ${showSource({ ...row, window: null })}: ${tellEither(row.error_text, row.error)}`],
  );
  return [...(end === null ? [] : [t`${label} ${end}, at the rate of the last few hours`]), ...errors];
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
