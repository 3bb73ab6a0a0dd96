// The charts of a report as static SVG, with one legend: stacked bars and lines of what each upstream did over time.
// Readable on a phone: small, and scaled by the page.
import { t } from "../language.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { NO_UPSTREAM, type Period, type Report } from "../../usage/report.ts";
import { formatMs, formatTokens, formatUsd } from "../figures.ts";

/** So many upstreams have a colour of their own; what is beyond is drawn as one. */
const MOST_COLOURS = 7;

type Figure = "total_tokens" | "cost_usd" | "ttfb_p50_ms" | "ttfb_p95_ms" | "failovers" | "errors";

interface Drawn extends Pick<Chart, "title" | "format" | "least"> {
  readonly draw: (chart: Chart) => string;
  /** Of one upstream in one period. */
  readonly figure: Figure;
}

/** As HTML: the legend, then a figure for each thing that is drawn. */
export function makePictures({ upstreams, periods }: Report): string {
  const names = upstreams.rows.map(({ key }) => key ?? NO_UPSTREAM);
  const own = names.slice(0, names.length > MOST_COLOURS ? MOST_COLOURS - 1 : MOST_COLOURS);
  const others = names.slice(own.length);
  const charts: readonly Drawn[] = [
    { title: t`Tokens`, draw: makeBarChart, format: formatTokens, least: 4, figure: "total_tokens" },
    { title: t`Cost`, draw: makeBarChart, format: formatUsd, least: 0, figure: "cost_usd" },
    { title: t`First byte, median`, draw: makeLineChart, format: formatMs, least: 0, figure: "ttfb_p50_ms" },
    {
      title: t`First byte, 95th percentile`,
      draw: makeLineChart,
      format: formatMs,
      least: 0,
      figure: "ttfb_p95_ms",
    },
    {
      title: t`Failovers, by the upstream that answered`,
      draw: makeBarChart,
      format: formatCount,
      least: 4,
      figure: "failovers",
    },
    { title: t`Errors`, draw: makeBarChart, format: formatCount, least: 4, figure: "errors" },
  ];
  const legend = [...own.map(showUpstream), ...(others.length > 0 ? [t`others`] : [])].map(
    (name, index) => `<span><i class="c${index}"></i>${escapeHtml(name)}</span>`,
  );
  const figures = charts.map(({ draw, figure, ...chart }) => {
    const isSum = draw === makeBarChart;
    const series = own.map((name, index) => ({
      name: showUpstream(name),
      colour: `c${index}`,
      values: periods.map((period) => valueOf(period, name, figure)),
    }));
    const rest = {
      name: t`others`,
      colour: `c${own.length}`,
      values: periods.map((period) =>
        others.reduce((sum, name) => sum + (valueOf(period, name, figure) ?? 0), 0),
      ),
    };
    const svg = draw({
      ...chart,
      periods: periods.map(({ name }) => name),
      series: isSum && others.length > 0 ? [...series, rest] : series,
    });
    return `<figure><figcaption>${escapeHtml(chart.title)}</figcaption>${svg}</figure>`;
  });
  return `<section class="legend">${legend.join("")}</section>\n<section class="charts">${figures.join("\n")}</section>`;
}

function valueOf({ byUpstream }: Period, name: string, figure: Figure): number | null {
  return byUpstream.get(name)?.[figure] ?? null;
}

export function showUpstream(name: string): string {
  return name === NO_UPSTREAM ? t`no upstream` : name.replace(/^https:\/\//, "");
}

function formatCount(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export interface Series {
  readonly name: string;
  /** CSS class that gives the colour. */
  readonly colour: string;
  /** One for each period; null where nothing is known. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly title: string;
  readonly periods: readonly string[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** The scale goes up to this at least: 4 for what is counted, so that no grid line means half a thing. */
  readonly least: number;
}

const WIDTH = 420;
const HEIGHT = 190;
const LEFT = 52;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;
const TICKS = 4;
const BAR_SHARE = 0.78;
const WIDEST_BAR = 36;

/** Stacked bars. */
export function makeBarChart(chart: Chart): string {
  const sums = chart.periods.map((_, index) =>
    chart.series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  const top = niceTop(Math.max(chart.least, ...sums));
  const step = PLOT_WIDTH / Math.max(1, chart.periods.length);
  const width = Math.min(WIDEST_BAR, step * BAR_SHARE);
  const bars = chart.periods.flatMap((period, index) => {
    let below = 0;
    return chart.series.flatMap(({ name, colour, values }) => {
      const value = values[index] ?? 0;
      if (value <= 0) return [];
      const height = (value / top) * PLOT_HEIGHT;
      const y = TOP + PLOT_HEIGHT - below - height;
      below += height;
      const x = LEFT + step * (index + 0.5) - width / 2;
      const words = escapeHtml(`${period}, ${name}: ${chart.format(value)}`);
      return `<rect class="${colour}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"><title>${words}</title></rect>`;
    });
  });
  return makeSvg(chart, top, bars);
}

/** A line for each series; a gap where nothing is known. */
export function makeLineChart(chart: Chart): string {
  const top = niceTop(
    Math.max(chart.least, ...chart.series.flatMap(({ values }) => values.map((value) => value ?? 0))),
  );
  const step = PLOT_WIDTH / Math.max(1, chart.periods.length);
  const lines = chart.series.flatMap(({ name, colour, values }) => {
    const points = values.flatMap((value, index) => {
      if (value === null) return [];
      const place = { x: LEFT + step * (index + 0.5), y: TOP + PLOT_HEIGHT * (1 - value / top) };
      return [{ ...place, index, value }];
    });
    const path = points
      .map(
        ({ x, y, index }, at) => `${points[at - 1]?.index === index - 1 ? "L" : "M"}${round(x)} ${round(y)}`,
      )
      .join("");
    const dots = points.map(({ x, y, index, value }) => {
      const words = escapeHtml(`${chart.periods[index] ?? ""}, ${name}: ${chart.format(value)}`);
      return `<circle class="${colour}" cx="${round(x)}" cy="${round(y)}" r="2.5"><title>${words}</title></circle>`;
    });
    return [`<path class="line ${colour}" d="${path}"/>`, ...dots];
  });
  return makeSvg(chart, top, lines);
}

function makeSvg({ title, periods, format }: Chart, top: number, marks: readonly string[]): string {
  const grid = Array.from({ length: TICKS + 1 }, (_, index) => {
    const y = round(TOP + PLOT_HEIGHT * (1 - index / TICKS));
    const label = escapeHtml(format((top * index) / TICKS));
    return `<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${y + 3.5}" text-anchor="end">${label}</text>`;
  });
  const y = HEIGHT - 7;
  const first = `<text x="${LEFT}" y="${y}">${escapeHtml(periods[0] ?? "")}</text>`;
  const last = `<text x="${WIDTH - RIGHT}" y="${y}" text-anchor="end">${escapeHtml(periods.at(-1) ?? "")}</text>`;
  const label = escapeHtml(title);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">`,
    ...grid,
    ...marks,
    first,
    ...(periods.length > 1 ? [last] : []),
    "</svg>",
  ].join("\n");
}

/** A round figure that nothing exceeds, and whose quarters are round too. */
function niceTop(greatest: number): number {
  if (greatest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(greatest));
  return ([1.2, 1.6, 2, 2.4, 3.2, 4, 8].find((factor) => factor * power >= greatest) ?? 12) * power;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text of any origin inside HTML and SVG, and inside attributes in quotes. */
export function escapeHtml(text: string): string {
  return oneLine(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
