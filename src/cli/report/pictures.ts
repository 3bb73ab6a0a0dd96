// The charts of a report, with one legend: what each upstream did over time.
import { t } from "../../base/language.ts";
import { NO_UPSTREAM, type Period, type Report } from "../../usage/report.ts";
import type { Tally } from "../../usage/tally.ts";
import { formatMs, formatTokens, formatUsd } from "../figures.ts";
import { type Chart, makeBarChart, makeLineChart } from "./charts.ts";
import { escapeHtml } from "./escape.ts";

/** So many upstreams have a colour of their own; what is beyond is drawn as one. */
const MOST_COLOURS = 7;

interface Drawn {
  readonly title: string;
  readonly draw: (chart: Chart) => string;
  readonly format: (value: number) => string;
  readonly least: number;
  /** Of one upstream in one period. */
  readonly read: (tally: Tally) => number | null;
}

/** As HTML: the legend, then a figure for each thing that is drawn. */
export function makePictures({ upstreams, periods }: Report): string {
  const names = upstreams.rows.map(({ key }) => key ?? NO_UPSTREAM);
  const own = names.slice(0, names.length > MOST_COLOURS ? MOST_COLOURS - 1 : MOST_COLOURS);
  const others = names.slice(own.length);
  const charts: readonly Drawn[] = [
    {
      title: t`Tokens`,
      draw: makeBarChart,
      format: formatTokens,
      least: 4,
      read: (tally) => tally.total_tokens,
    },
    { title: t`Cost`, draw: makeBarChart, format: formatUsd, least: 0, read: (tally) => tally.cost_usd },
    {
      title: t`First byte, half of the requests`,
      draw: makeLineChart,
      format: formatMs,
      least: 0,
      read: (tally) => tally.ttfb_p50_ms,
    },
    {
      title: t`First byte, 95 of 100 requests`,
      draw: makeLineChart,
      format: formatMs,
      least: 0,
      read: (tally) => tally.ttfb_p95_ms,
    },
    {
      title: t`Failovers, by who answered`,
      draw: makeBarChart,
      format: formatCount,
      least: 4,
      read: (tally) => tally.failovers,
    },
    { title: t`Errors`, draw: makeBarChart, format: formatCount, least: 4, read: (tally) => tally.errors },
  ];
  const legend = [...own.map(showUpstream), ...(others.length > 0 ? [t`others`] : [])].map(
    (name, index) => `<span><i class="c${index}"></i>${escapeHtml(name)}</span>`,
  );
  const figures = charts.map(({ title, draw, format, least, read }) => {
    const isSum = draw === makeBarChart;
    const series = own.map((name, index) => ({
      name: showUpstream(name),
      colour: `c${index}`,
      values: periods.map((period) => valueOf(period, name, read)),
    }));
    const rest = {
      name: t`others`,
      colour: `c${own.length}`,
      values: periods.map((period) =>
        others.reduce((sum, name) => sum + (valueOf(period, name, read) ?? 0), 0),
      ),
    };
    const svg = draw({
      title,
      format,
      least,
      periods: periods.map(({ name }) => name),
      series: isSum && others.length > 0 ? [...series, rest] : series,
    });
    return `<figure><figcaption>${escapeHtml(title)}</figcaption>${svg}</figure>`;
  });
  return `<section class="legend">${legend.join("")}</section>\n<section class="charts">${figures.join("\n")}</section>`;
}

function valueOf({ byUpstream }: Period, name: string, read: Drawn["read"]): number | null {
  const tally = byUpstream.get(name);
  return tally === undefined ? null : read(tally);
}

export function showUpstream(name: string): string {
  return name === NO_UPSTREAM ? t`no upstream` : name.replace(/^https:\/\//, "");
}

function formatCount(value: number): string {
  return String(Math.round(value * 10) / 10);
}
