// A summary as a table that fits the terminal, with bars or a sparkline.
// What there is no room for is left out, the least asked for first, and named.
import type { Env } from "../../../base/env.ts";
import { kept, t, translate } from "../../../base/language.ts";
import { showPath } from "../../../base/paths.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { type Group, isTimeGroup } from "../../../usage/groups.ts";
import type { Summary, SummaryRow } from "../../../usage/summary.ts";
import type { Tally } from "../../../usage/tally.ts";
import { type Trend, makeSteps } from "../../../usage/trend.ts";
import { makeBar, makeSparkline } from "../../bars.ts";
import type { Cli } from "../../cli.ts";
import { type Column, cutColumns, fitColumns } from "../../layout.ts";
import { cutPath, formatTokens, showCost, showMs } from "../../figures.ts";
import { localDay, localHour } from "../../args.ts";

export interface PrintedSummary {
  readonly by: Group;
  readonly summary: Summary;
  readonly trend: Trend;
}

const HEADINGS: Readonly<Record<Group, string>> = {
  config: kept`config`,
  upstream: kept`upstream`,
  model: kept`model`,
  session: kept`session`,
  project: kept`directory`,
  cwd: kept`directory`,
  day: kept`day`,
  hour: kept`hour`,
  service: kept`client`,
};
const BAR_COLUMNS = 12;
const WIDEST_BAR = 40;
const SPARK_COLUMNS = 60;
const LEAST_NAME_COLUMNS = 20;
const NAME_SHARE = 0.35;

export function printSummary({ out, env }: Cli, { by, summary, trend }: PrintedSummary): void {
  const { rows, total, other } = summary;
  if (rows.length === 0) {
    out.note(
      other === 0 ? t`no requests in the log` : t`no requests in the log but ${other} that generate nothing`,
    );
    return;
  }
  const width = out.isTerminal ? out.width : Number.POSITIVE_INFINITY;
  const shown: SummaryRow[] =
    total.requests === rows[0]?.requests ? [...rows] : [...rows, { ...total, key: t`all` }];
  const names = {
    heading: translate(HEADINGS[by]),
    cells: shown.map(({ key }) => showName(key, { by, width, env })),
    rank: 0,
  };
  const hasBars = isTimeGroup(by) && rows.length > 1;
  const {
    headings,
    rows: cells,
    hidden,
    spare,
  } = fitColumns([names, ...makeColumns(shown)], hasBars ? width - BAR_COLUMNS - 2 : width);
  if (hasBars) {
    const bars = makeBars(rows, Math.min(WIDEST_BAR, BAR_COLUMNS + spare));
    out.table(
      [...headings, ""],
      cells.map((row, index) => [...row, out.paint("cyan", bars[index] ?? "")]),
    );
  } else out.table(headings, cells);
  if (!hasBars)
    for (const line of describeTrend(trend, Math.min(SPARK_COLUMNS, out.width - 10))) out.line(line);
  if (hidden.length > 0) out.note(t`no room for: ${hidden.join(", ")} (--json has them)`);
  if (other === 1) out.note(t`and 1 other request, which generates nothing`);
  if (other > 1) out.note(t`and ${other} other requests, which generate nothing`);
}

interface NameContext {
  readonly by: Group;
  readonly width: number;
  readonly env: Env;
}

function showName(key: string | null, { by, width, env }: NameContext): string {
  const most = Math.max(LEAST_NAME_COLUMNS, Math.floor(width * NAME_SHARE));
  const name = oneLine(key ?? "-");
  if (by === "project" || by === "cwd") return cutPath(showPath(name, env), most);
  return cutColumns(by === "upstream" ? name.replace(/^https:\/\//, "") : name, most);
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
    figures(2, t`errors`, ({ errors }) => String(errors)),
    figures(4, t`failovers`, ({ failovers }) => String(failovers)),
    figures(5, t`input`, (row) => formatTokens(row.all_input_tokens)),
    figures(7, t`cached`, (row) => `${percentCached(row)}%`),
    figures(5, t`output`, (row) => formatTokens(row.output_tokens)),
    figures(9, t`reasoning`, (row) => formatTokens(row.reasoning_tokens)),
    figures(1, t`total`, (row) => formatTokens(row.total_tokens)),
    figures(1, t`cost`, showCost),
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
  const labels = [t`tokens`, t`cost`];
  const width = Math.max(...labels.map((label) => Bun.stringWidth(label)));
  const line = (label: string, picture: string): string =>
    `${label}${" ".repeat(width - Bun.stringWidth(label))}  ${picture}`.trimEnd();
  const name = toMs - fromMs > 2 * DAY_MS ? localDay : localHour;
  const [from, to] = [name(fromMs), name(toMs - 1)];
  const between = " ".repeat(Math.max(1, points.length - from.length - to.length));
  const pictures = [
    line(t`tokens`, makeSparkline(points.map(({ tokens }) => tokens))),
    ...(points.some(({ usd }) => usd > 0)
      ? [line(t`cost`, makeSparkline(points.map(({ usd }) => usd)))]
      : []),
  ];
  return ["", ...pictures, line("", from === to ? from : from + between + to)];
}

const DAY_MS = 86_400_000;
