// `ch usage summary`: what the log adds up to, by group; as a table that fits the terminal, with bars or a sparkline.
// Columns that do not fit are hidden, the least important first, and named. The counting is in usage/summary.ts.
import { showHost } from "../../../base/upstream.ts";
import type { Env } from "../../../base/env.ts";
import { type Text, t as text } from "../../../base/text.ts";
import { t, tell, tellList } from "../../language.ts";
import { showPath } from "../../../base/paths.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { FIELD_OF, GROUPS, type Group, isTimeGroup, makeKeyOf } from "../../../usage/groups.ts";
import type { Pricer } from "../../../usage/prices.ts";
import {
  type Summary,
  type SummaryRow,
  type Trend,
  createSummarizer,
  makeSteps,
} from "../../../usage/summary.ts";
import type { Tally } from "../../../usage/tally.ts";
import { JSON_ARG, LIMIT_ARG, type Typed, readLimit, usageError } from "../../args.ts";
import { makeBar, makeSparkline } from "../../bars.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { cutPath, noteUnknown, showCost, showFailedCost, showMs, showTokens } from "../../figures.ts";
import { LOCAL_NAMES, readTime } from "../../time-words.ts";
import { type Column, alignRows, cutColumns, fitColumns, wrapWords } from "../../layout.ts";
import { notePrices } from "../../price-words.ts";
import { RANGE_ARGS, readRange, scanRange, warnOfBadLines, warnOfRemovedPrices } from "./range.ts";

const SUMMARY_ARGS = {
  by: {
    type: "enum",
    options: [...GROUPS, "rule"] as string[],
    default: "config",
    valueHint: "WHAT",
    description: "what to group by",
  },
  ...RANGE_ARGS,
  ...LIMIT_ARG,
  session: {
    type: "string",
    valueHint: "ID",
    description: "requests of one session, by the start of its id",
  },
  chart: { type: "boolean", description: "draw bars: fresh, cached and output tokens" },
  plain: { type: "boolean", description: "print plain rows for scripts" },
  ...JSON_ARG,
} as const;

type SummaryArgs = Typed<typeof SUMMARY_ARGS>;

export const summaryCommand = defineCommand({
  description: "show totals of requests, tokens and costs",
  examples: [
    ["ch usage summary --by model --since today", "cost per model today"],
    ["ch usage summary --by day --chart --since 14d", "a bar per day"],
    ["ch usage summary --by rule --since 7d", "what redaction rules found"],
    ["ch usage summary --plain", "one row per line, cells separated by |"],
  ],
  args: SUMMARY_ARGS,
  run: summarize,
});

export const overviewCommand = defineCommand({
  description: "show the totals of today and of this month",
  examples: [
    ["ch usage overview", "by config; ch usage alone does the same"],
    ["ch usage overview --by model", "by model"],
  ],
  args: SUMMARY_ARGS,
  async run(args, cli) {
    const { limit, plain, session, since, until } = args;
    refuseTwoForms(args);
    if ([limit, session, since, until].some((value) => value !== undefined) || plain === true)
      return await summarize(args, cli);
    const day = readTime({ flag: "--since", value: "today", now: cli.now() });
    if (args.by === "rule") {
      const { overviewRules } = await import("./rules.ts");
      return await overviewRules(cli, args, {
        day,
        month: readRange({ ...args, since: "this-month" }, cli.now()),
      });
    }
    const read = await readSummaries(cli, { ...args, since: "this-month" }, [day, 0]);
    const { bad, by, parts, pricer } = read;
    const [today, month] = parts;
    if (today === undefined || month === undefined) return;
    if (args.json === true)
      return await printJson(cli, read, { by, today: today.summary, month: month.summary });
    const { out } = cli;
    const hidden = new Set<string>();
    for (const [title, part, nothing] of [
      [t`Today`, today, t`no requests today`],
      [t`This month`, month, t`no requests this month`],
    ] as const) {
      out.line(out.paint("bold", title));
      if (part.summary.rows.length === 0) out.line(out.paint("dim", nothing));
      else if (args.chart === true) await drawChart(cli, by, part, null);
      else for (const name of printTable(cli, by, part.summary)) hidden.add(name);
      if (part === today) out.line();
    }
    noteRest(cli, [...hidden], month.summary);
    await notePricing(cli, month.summary, pricer);
    warnOfBadLines(cli, bad);
  },
});

async function summarize(args: SummaryArgs, cli: Cli): Promise<void> {
  refuseTwoForms(args);
  const limit = readLimit(args.limit, { usual: MOST_ROWS, most: MOST_ROWS });
  if (args.by === "rule") {
    const { summarizeRules } = await import("./rules.ts");
    return await summarizeRules(cli, { ...args, limit }, readRange(args, cli.now()));
  }
  const read = await readSummaries(cli, args, [0]);
  const { bad, by, parts, pricer } = read;
  const [part] = parts;
  if (part === undefined) return;
  const summary = cutRows(part.summary, by, limit);
  if (args.json === true) return await printJson(cli, read, { by, ...summary });
  if (args.plain === true) printPlain(cli, by, summary);
  else {
    if (summary.rows.length === 0) noteNothing(cli, summary);
    else if (args.chart === true) {
      await drawChart(cli, by, part, args.limit === undefined ? null : limit);
      noteRest(cli, [], summary);
    } else printSummary(cli, by, summary, part.trend);
    await notePricing(cli, summary, pricer);
  }
  warnOfBadLines(cli, bad);
}

function refuseTwoForms({ chart, json, plain }: SummaryArgs): void {
  const other = json === true ? "json" : plain === true ? "plain" : null;
  if (chart === true && other !== null)
    throw usageError(t`--${"chart"} and --${other} cannot be used together`);
}

/** `limit`: null for as many as are usual. */
async function drawChart(
  cli: Cli,
  by: Group,
  { known, top, trend }: Part,
  limit: number | null,
): Promise<void> {
  const { MOST_BARS, fillTimes, listTimes, printChart } = await import("./chart.ts");
  const most = limit ?? MOST_BARS;
  const times = isTimeGroup(by) ? listTimes(trend(), { by, known, most }) : null;
  const { rest, rows, total } = top(times === null ? most : times.filter((time) => known.has(time)).length);
  const { env, out } = cli;
  printChart(cli, {
    by,
    heading: tell(HEADINGS[by]),
    nameOf: (row) => showName(row, { by, width: out.width, env }),
    rows: times === null ? rows : fillTimes(times, rows),
    rest,
    total,
  });
}

/** One pass over the log, and a summary of what is in the range from each of the times on. */
async function readSummaries(cli: Cli, args: SummaryArgs, times: readonly number[]) {
  const by = GROUPS.find((group) => group === args.by) ?? "config";
  const range = readRange(args, cli.now());
  const [{ loadPricer }, { directoryOrSession, nameDirectories, projectOrDirectory }] = await Promise.all([
    import("../../../app/prices.ts"),
    import("../../../app/session/directories.ts"),
  ]);
  // The first version's columns have no cost, and a mistake in prices.json is no reason to withhold them.
  const pricer = args.plain === true ? null : await loadPricer(cli.paths);
  const { costOf } = pricer ?? UNPRICED;
  const isPlace = by === "project" || by === "cwd";
  const keyOf =
    by === "project"
      ? projectOrDirectory
      : isPlace
        ? directoryOrSession
        : makeKeyOf(by, LOCAL_NAMES[isTimeGroup(by) ? by : "day"]);
  const summarizers = times.map((from) => ({ from, one: createSummarizer({ by, keyOf }) }));
  const bad = await scanRange(cli, range, (record) => {
    const cost = costOf(record);
    for (const { from, one } of summarizers) if (record.timestamp_ms >= from) one.add(record, cost);
  });
  const keys = new Set(summarizers.flatMap(({ one }) => [...one.keys()]));
  const rename = isPlace ? await nameDirectories(cli.paths, keys) : undefined;
  const parts = summarizers.map(({ one }) => ({
    summary: one.finish(rename),
    trend: one.trend,
    known: new Set(one.keys()),
    top: (most: number) => one.finishTop(most, rename),
  }));
  return { by, pricer, bad, parts };
}

type Read = Awaited<ReturnType<typeof readSummaries>>;
type Part = Read["parts"][number];

async function printJson(cli: Cli, { bad, pricer }: Read, figures: object): Promise<void> {
  const prices = { prices_as_of: pricer?.asOf, prices_problem: pricer?.problem?.message ?? null };
  cli.out.json({ ...figures, ...prices, unreadable_lines: bad });
  if (pricer !== null) notePrices(cli, pricer, false);
  await warnOfRemovedPrices(cli);
}

async function notePricing(cli: Cli, summary: Summary, pricer: Read["pricer"]): Promise<void> {
  if (pricer?.problem === null) noteUnpriced(cli, summary);
  if (pricer !== null) notePrices(cli, pricer, summary.total.cost_usd !== null);
  await warnOfRemovedPrices(cli);
}

const MOST_ROWS = 1_000_000;
const UNPRICED: Pick<Pricer, "costOf"> = { costOf: () => ({ kind: "unknown" }) };

/** The largest rows, or the last ones where they are times. */
function cutRows(summary: Summary, by: Group, limit: number): Summary {
  const { rows } = summary;
  return { ...summary, rows: isTimeGroup(by) ? rows.slice(-limit) : rows.slice(0, limit) };
}

/** The columns of the first version: scripts cut them. */
const PLAIN_COLUMNS = ["requests", "input_tokens", "output_tokens", "total_tokens"] as const;

function printPlain({ out }: Cli, by: Group, { rows }: Summary): void {
  out.line([isTimeGroup(by) ? by : FIELD_OF[by], ...PLAIN_COLUMNS].join(" | "));
  for (const row of rows) {
    const name = oneLine(row.key ?? "-").replaceAll("|", "¦");
    out.line([name, ...PLAIN_COLUMNS.map((column) => row[column])].join(" | "));
  }
}

const MOST_NAMED = 4;

function noteUnpriced({ out, env, paths }: Cli, { total, unpriced_models: models }: Summary): void {
  const count = total.unpriced_requests;
  if (count === 0) return;
  const names =
    tellList(models.slice(0, MOST_NAMED).map(oneLine)) + (models.length > MOST_NAMED ? ", …" : "");
  const file = showPath(paths.prices, env);
  out.note(
    count === 1
      ? t`1 request is not included in the cost because what it used has no price: ${names}`
      : t`${count} requests are not included in the cost because what they used has no price: ${names}`,
  );
  out.note(t`  add a price in ${file} (docs/prices.md)`);
}

const HEADINGS: Readonly<Record<Group, Text>> = {
  config: text`config`,
  upstream: text`upstream`,
  model: text`model`,
  "served-model": text`model named`,
  session: text`session`,
  client: text`client`,
  agent: text`agent`,
  project: text`project`,
  cwd: text`directory`,
  month: text`month`,
  week: text`week`,
  day: text`day`,
  hour: text`hour`,
  service: text`client`,
};
/** As the log has them. */
const AGENT_NAMES: ReadonlyMap<string, Text> = new Map([
  ["main", text`the conversation`],
  ["subagent", text`sub-agents`],
  ["compaction", text`compaction`],
  ["auxiliary", text`titles and the like`],
]);
const BAR_COLUMNS = 12;
const WIDEST_BAR = 40;
const SPARK_COLUMNS = 60;
const LEAST_NAME_COLUMNS = 20;
const NAME_SHARE = 0.35;

function noteNothing({ out }: Cli, { other }: Summary): void {
  out.note(
    other === 0
      ? t`no requests in the log`
      : t`only ${other} requests in the log, none of which generates output`,
  );
}

function printSummary(cli: Cli, by: Group, summary: Summary, trend: Part["trend"]): void {
  const { out } = cli;
  const hidden = printTable(cli, by, summary);
  if (!hasBars(by, summary.rows))
    for (const line of describeTrend(trend(), Math.min(SPARK_COLUMNS, out.width - 10))) out.line(line);
  noteRest(cli, hidden, summary);
}

function hasBars(by: Group, rows: readonly SummaryRow[]): boolean {
  return isTimeGroup(by) && rows.length > 1;
}

/** Gives the headings of the columns that did not fit. */
function printTable({ out, env }: Cli, by: Group, { rows, total }: Summary): readonly string[] {
  const width = out.isTerminal ? out.width : Number.POSITIVE_INFINITY;
  const shown: SummaryRow[] =
    rows.length === 1 && total.requests === rows[0]?.requests
      ? [...rows]
      : [...rows, { ...total, key: t`all` }];
  const names = {
    heading: tell(HEADINGS[by]),
    cells: shown.map((row) => showName(row, { by, width, env })),
    rank: 0,
  };
  const barColumns = hasBars(by, rows) ? BAR_COLUMNS + 2 : 0;
  const fitted = fitColumns([names, ...makeColumns(shown)], width - barColumns);
  if (barColumns > 0) {
    const bars = makeBars(rows, Math.min(WIDEST_BAR, BAR_COLUMNS + fitted.spare));
    out.table(
      [...fitted.headings, ""],
      fitted.rows.map((row, index) => [...row, out.paint("cyan", bars[index] ?? "")]),
    );
  } else out.table(fitted.headings, fitted.rows);
  return fitted.hidden;
}

/** What the figures do not say. */
function noteRest({ out }: Cli, hidden: readonly string[], { other, total }: Summary): void {
  const notes = [
    ...(hidden.length > 0 ? [t`hidden, terminal too narrow: ${tellList(hidden)} (--json has them)`] : []),
    ...noteUnknown(total),
    ...(other === 1 ? [t`and 1 other request that generates nothing`] : []),
    ...(other > 1 ? [t`and ${other} other requests that generate nothing`] : []),
  ];
  for (const words of notes) out.note(out.isTerminal ? wrapWords(words, out.width).join("\n") : words);
}

interface NameContext {
  readonly by: Group;
  readonly width: number;
  readonly env: Env;
}

function showName({ key, labels = [] }: SummaryRow, { by, width, env }: NameContext): string {
  const most = Math.max(LEAST_NAME_COLUMNS, Math.floor(width * NAME_SHARE));
  const name = oneLine(key ?? "-");
  if (by === "agent") return tell(AGENT_NAMES.get(name) ?? name);
  if (by === "project" || by === "cwd") return cutPath(showPath(name, env), most);
  if (by !== "upstream") return cutColumns(name, most);
  if (labels.length === 0) return cutColumns(name.replace(/^https:\/\//, ""), most);
  return cutColumns(`${oneLine(labels.join(", "))}  ${showHost(name)}`, most);
}

function makeColumns(rows: readonly Tally[]): Column[] {
  const figures = (rank: number, heading: string, show: (row: Tally) => string): Column => ({
    heading,
    cells: rows.map(show),
    rank,
    isFigure: true,
  });
  return [
    figures(0, t`requests`, ({ requests }) => String(requests)),
    figures(2, t`failed`, ({ errors }) => String(errors)),
    figures(4, t`failovers`, ({ failovers }) => String(failovers)),
    figures(5, t`input`, (row) => showTokens(row, row.all_input_tokens)),
    figures(7, t`cached`, (row) => `${percentCached(row)}%`),
    figures(5, t`output`, (row) => showTokens(row, row.output_tokens)),
    figures(9, t`reasoning`, (row) => showTokens(row, row.reasoning_tokens)),
    figures(1, t`total`, (row) => showTokens(row, row.total_tokens)),
    figures(1, t`cost`, showCost),
    ...(rows.some((row) => row.failed_attempts > 0) ? [figures(4, t`failed attempts`, showFailedCost)] : []),
    figures(3, t`ttfb p50`, (row) => showMs(row.ttfb_p50_ms)),
    figures(8, t`p95`, (row) => showMs(row.ttfb_p95_ms)),
    figures(6, t`tok/s`, (row) =>
      row.output_tokens_per_sec === null ? "-" : row.output_tokens_per_sec.toFixed(0),
    ),
  ];
}

function percentCached({ all_input_tokens: all, cached_input_tokens: cached }: Tally): number {
  return all === 0 ? 0 : Math.round((cached / all) * 100);
}

function makeBars(rows: readonly SummaryRow[], columns: number): string[] {
  const greatest = Math.max(...rows.map((row) => row.total_tokens));
  return rows.map((row) => (greatest === 0 ? "" : makeBar(row.total_tokens / greatest, columns)));
}

/** Tokens and cost over time, and when that was; nothing for a single hour. */
function describeTrend(trend: Trend, columns: number): string[] {
  const steps = makeSteps(trend, columns);
  if (steps === null) return [];
  const { points, fromMs, toMs } = steps;
  const name = toMs - fromMs > 2 * DAY_MS ? LOCAL_NAMES.day : LOCAL_NAMES.hour;
  const [from, to] = [name(fromMs), name(toMs - 1)];
  const between = " ".repeat(Math.max(1, points.length - from.length - to.length));
  const rows = [
    [t`tokens`, makeSparkline(points.map(({ tokens }) => tokens))],
    ...(points.some(({ usd }) => usd > 0) ? [[t`cost`, makeSparkline(points.map(({ usd }) => usd))]] : []),
    ["", from === to ? from : from + between + to],
  ];
  return ["", ...alignRows(rows, undefined)];
}

const DAY_MS = 86_400_000;
