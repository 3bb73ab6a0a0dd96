// `ch bench`: says what it would send and about what it costs, asks, and shows the upstreams beside each other.
import { type BenchResult, type Contender, type Round, estimate, runBench } from "../../app/bench/bench.ts";
import { planTestRequests } from "../../app/doctor/test-request.ts";
import { EXIT, UserError } from "../../base/errors.ts";
import { quoteWord } from "../../base/shell.ts";
import { SERVICE_FACTS, flagFor } from "../../base/service.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { showHost } from "../../base/upstream.ts";
import { describe, reasonInEnglish } from "../../routing/reasons.ts";
import { matchModel } from "../../usage/model-match.ts";
import { JSON_ARG, SERVICE_ARGS, readService, usageError } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { readCurrentDirectory } from "../current-directory.ts";
import { formatMs, formatUsd } from "../figures.ts";
import { t, tell, tellList } from "../language.ts";
import { alignRows } from "../layout.ts";

const DEFAULT_ROUNDS = 3;
const MOST_ROUNDS = 20;

export const command = defineCommand({
  description: "compare upstreams by the same prompts: speed, cache, model, features",
  examples: [
    ["ch bench", "the upstreams of the active configs"],
    ["ch bench main backup#1 --rounds 5", "these, five times each"],
  ],
  args: {
    name: {
      type: "positional",
      required: false,
      valueHint: "NAME...",
      description: "NAME or NAME#N; default: the active configs",
    },
    rounds: { type: "string", valueHint: "N", description: "how often each is asked. Default 3, at most 20" },
    model: { type: "string", valueHint: "MODEL", description: "the model to ask for" },
    yes: { type: "boolean", description: "do not ask for confirmation" },
    ...SERVICE_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const { env, now, out, paths } = cli;
    const rounds = readRounds(args.rounds);
    const names = args._.length === 0 ? [null] : args._;
    const service = readService(args);
    const examine = { paths, env, now, cwd: readCurrentDirectory(env) };
    const plans = await Promise.all(
      names.map((target) =>
        planTestRequests({ target, service: service ?? null, model: args.model ?? null }, examine),
      ),
    );
    const [plan] = plans;
    const contenders = distinct(plans.flatMap(({ asked }) => asked));
    if (plan === undefined || contenders.length === 0) return EXIT.failed;
    const usd = await estimate(contenders, { now, paths, rounds });
    for (const line of describePlan(contenders, rounds, usd)) out.note(line);
    if (args.yes !== true) {
      const typed = [
        args.rounds === undefined ? [] : ["--rounds", String(rounds)],
        args.model === undefined ? [] : ["--model", quoteWord(args.model)],
      ].flat();
      const line =
        ["ch bench", ...args._, ...typed].join(" ") + (service === undefined ? "" : flagFor(service));
      if (!cli.isInteractive)
        throw new UserError(t`no terminal to ask for confirmation: nothing was sent`, {
          hint: `${line} --yes`,
        });
      if (!(await out.confirm(t`Send them?`))) return EXIT.ok;
    }
    const { keys } = plan.live;
    const options = { ...examine, rounds, keys, routing: plan.live.settings().routing };
    const results = await runBench(contenders, options, (done) => {
      if (cli.isInteractive) out.note(t`  round ${done} of ${rounds}`);
    });
    if (args.json === true) out.json({ rounds, upstreams: results.map(makeJson) });
    else printResults(cli, results);
    return results.some((one) => one.rounds.length > 0) ? EXIT.ok : EXIT.failed;
  },
});

function readRounds(typed: string | undefined): number {
  if (typed === undefined) return DEFAULT_ROUNDS;
  const rounds = Number(typed);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MOST_ROUNDS)
    throw usageError(t`--rounds takes a number from 1 to ${MOST_ROUNDS}, not ${typed}`);
  return rounds;
}

/** One that was named twice is asked once. */
function distinct(contenders: readonly Contender[]): readonly Contender[] {
  return [
    ...new Map(contenders.map((one) => [`${one.upstream.service} ${one.upstream.label}`, one])).values(),
  ];
}

/** "main#1", and "main#1 Claude Code" where both services have one. */
function namerOf(contenders: readonly Contender[]): (upstream: Contender["upstream"]) => string {
  const isBoth = new Set(contenders.map(({ upstream }) => upstream.service)).size > 1;
  return ({ label, service }) => (isBoth ? `${label} ${SERVICE_FACTS[service].name}` : label);
}

function describePlan(contenders: readonly Contender[], rounds: number, usd: number | null): string[] {
  const nameIt = namerOf(contenders);
  const rows = contenders.map(({ model, upstream }) => [nameIt(upstream), showHost(upstream.baseUrl), model]);
  const cost = usd === null ? t`what they cost is not known` : t`about ${formatUsd(usd)} in all`;
  return [
    rounds === 1
      ? t`These are asked once each, with their keys:`
      : t`These are asked ${rounds} times each, with their keys:`,
    ...alignRows(rows, undefined).map((row) => `  ${row}`),
    t`A round is about 5,000 tokens in and 300 out: ${cost}. About seven small requests come before and after.`,
  ];
}

const median = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null).toSorted((one, other) => one - other);
  return known[Math.floor((known.length - 1) / 2)] ?? null;
};

/** Of the rounds after the first: that one fills the cache. */
function cacheOf(rounds: readonly Round[]): number | null {
  return median(rounds.slice(1).map(({ cachedShare }) => cachedShare));
}

/** US dollars; null where that of one round is not known. */
function costOf(rounds: readonly Round[]): number | null {
  return rounds.reduce<number | null>((sum, { usd }) => (sum === null || usd === null ? null : sum + usd), 0);
}

function servedBy({ rounds }: BenchResult): string | null {
  return rounds.find(({ servedModel }) => servedModel !== null)?.servedModel ?? null;
}

function makeJson(result: BenchResult): unknown {
  const { failed, features, first, rounds, upstream } = result;
  return {
    service: upstream.service,
    label: upstream.label,
    base_url: upstream.baseUrl,
    model: first.model,
    served_model: servedBy(result),
    answers: first.asked?.answers ?? false,
    problem: problemOf(result, reasonInEnglish),
    first_byte_ms: median(rounds.map(({ firstByteMs }) => firstByteMs)),
    tokens_per_second: median(rounds.map(({ tokensPerSecond }) => tokensPerSecond)),
    cached_share: cacheOf(rounds),
    usd: costOf(rounds),
    failed_rounds: failed,
    rounds: rounds.map((round) => ({
      first_byte_ms: round.firstByteMs,
      tokens_per_second: round.tokensPerSecond,
      cached_share: round.cachedShare,
      served_model: round.servedModel,
      usd: round.usd,
    })),
    features:
      features === null
        ? null
        : {
            takes: features.takes,
            lacks: features.lacks,
            without: features.dropped,
            refuses: features.refused,
          },
  };
}

function problemOf<T>(
  { first }: BenchResult,
  tellReason: (reason: NonNullable<NonNullable<BenchResult["first"]["asked"]>["reason"]>) => T,
): T | string | null {
  if (first.unusable !== null) return tell(first.unusable.why);
  if (first.isOwnLogin) return t`it takes the client's own login`;
  if (first.asked === null) return t`it cannot be reached`;
  return first.asked.reason === null ? null : tellReason(first.asked.reason);
}

function printResults({ out }: Cli, results: readonly BenchResult[]): void {
  const number = (value: number | null, show: (known: number) => string): string =>
    value === null ? "-" : show(value);
  const answered = results.filter(({ rounds }) => rounds.length > 0);
  const nameIt = namerOf(results);
  if (answered.length > 0)
    out.table(
      [t`upstream`, t`first byte`, t`tok/s`, t`cached`, t`cost`, t`failed`, t`model`],
      answered.map((result) => {
        const { failed, first, rounds, upstream } = result;
        const served = servedBy(result);
        const match = matchModel({
          model: first.model,
          served_model: served ?? undefined,
          upstream_base_url: upstream.baseUrl,
        });
        const name = oneLine(served ?? first.model);
        return [
          nameIt(upstream),
          number(median(rounds.map(({ firstByteMs }) => firstByteMs)), formatMs),
          number(median(rounds.map(({ tokensPerSecond }) => tokensPerSecond)), (speed) =>
            String(Math.round(speed)),
          ),
          number(cacheOf(rounds), (share) => `${Math.round(100 * share)}%`),
          number(costOf(rounds), formatUsd),
          String(failed),
          match === "other" ? out.paint("yellow", t`${name}, not ${first.model}`) : name,
        ];
      }),
    );
  for (const result of results) {
    const problem = problemOf(result, (reason) => tell(describe(reason)));
    if (result.rounds.length === 0)
      out.line(
        `${nameIt(result.upstream)}: ${problem ?? t`it answered the first request and none of the rounds`}`,
      );
  }
  for (const { features, upstream } of answered) {
    if (features === null) continue;
    const lacks = [...features.lacks, ...features.dropped, ...features.refused];
    const words = [
      features.takes.length === 0 ? null : t`takes ${tellList(features.takes)}`,
      lacks.length === 0 ? null : t`refuses ${tellList(lacks)}`,
    ].filter((part) => part !== null);
    out.line(out.paint("dim", `${nameIt(upstream)}: ${tellList(words)}`));
  }
}
