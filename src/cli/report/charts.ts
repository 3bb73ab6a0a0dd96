// Charts of a report as static SVG: stacked bars and lines over time. Each mark, and each stretch of time as a whole, says
// its values under a pointer. Readable on a phone: small, and scaled by the page.
import { t } from "../language.ts";
import type { Tick } from "./axis.ts";
import { escapeHtml, makeTitle } from "./html.ts";

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
  /** For the scale. */
  readonly format: (value: number) => string;
  /** For a single value; absent: as the scale has it. */
  readonly exact?: (value: number) => string;
  /** The scale goes up to this at least: 4 for what is counted, so that no grid line means half a thing. */
  readonly least: number;
  readonly ticks?: readonly Tick[];
  /** What is said in place of an empty grid. */
  readonly empty?: string;
}

const WIDTH = 420;
const HEIGHT = 190;
const LEFT = 52;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;
const GRID_LINES = 4;
const BAR_SHARE = 0.78;
const WIDEST_BAR = 36;
/** Of a letter of the scale. */
const LETTER_WIDTH = 6.4;

/** Stacked bars. */
export function makeBarChart(chart: Chart): string {
  const sums = chart.periods.map((_, index) =>
    chart.series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  if (!sums.some((sum) => sum > 0)) return makeEmpty(chart);
  const top = niceTop(Math.max(chart.least, ...sums));
  const { exact = chart.format } = chart;
  const step = stepOf(chart);
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
      const title = makeTitle([`${period}, ${name}: ${exact(value)}`]);
      return `<rect class="${colour}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}">${title}</rect>`;
    });
  });
  const sumOf = (index: number): string[] => {
    const parts = chart.series.filter(({ values }) => (values[index] ?? 0) > 0);
    return parts.length > 1 ? [t`all: ${exact(sums[index] ?? 0)}`] : [];
  };
  return makeSvg(chart, top, [...makeColumns(chart, sumOf), ...bars]);
}

/** A line for each series; a gap where nothing is known. */
export function makeLineChart(chart: Chart): string {
  const known = chart.series.flatMap(({ values }) => values.filter((value) => value !== null));
  if (known.length === 0) return makeEmpty(chart);
  const top = niceTop(Math.max(chart.least, ...known));
  const { exact = chart.format } = chart;
  const step = stepOf(chart);
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
      const title = makeTitle([`${chart.periods[index] ?? ""}, ${name}: ${exact(value)}`]);
      return `<circle class="${colour}" cx="${round(x)}" cy="${round(y)}" r="2.5">${title}</circle>`;
    });
    return [`<path class="line ${colour}" d="${path}"/>`, ...dots];
  });
  return makeSvg(chart, top, [...makeColumns(chart, () => []), ...lines]);
}

/** The whole height of each period, behind the marks: a bar of a pixel is hard to point at. */
function makeColumns(chart: Chart, more: (index: number) => string[]): string[] {
  const { exact = chart.format, periods, series } = chart;
  const step = stepOf(chart);
  return periods.map((period, index) => {
    const values = series.flatMap(({ name, values: all }) => {
      const value = all[index] ?? null;
      return value === null || value === 0 ? [] : [`${name}: ${exact(value)}`];
    });
    const title = makeTitle([period, ...(values.length === 0 ? [t`nothing`] : values), ...more(index)]);
    return `<rect class="hit" x="${round(LEFT + step * index)}" y="${TOP}" width="${round(step)}" height="${PLOT_HEIGHT}">${title}</rect>`;
  });
}

function makeEmpty({ title, empty = t`no data` }: Chart): string {
  return `<p class="empty">${escapeHtml(empty === "" ? title : empty)}</p>`;
}

function makeSvg(chart: Chart, top: number, marks: readonly string[]): string {
  const { title, format, ticks = [] } = chart;
  const grid = Array.from({ length: GRID_LINES + 1 }, (_, index) => {
    const y = round(TOP + PLOT_HEIGHT * (1 - index / GRID_LINES));
    const label = escapeHtml(format((top * index) / GRID_LINES));
    return `<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${y + 3.5}" text-anchor="end">${label}</text>`;
  });
  const step = stepOf(chart);
  const axis = ticks.map(({ index, label }) => {
    const x = round(LEFT + step * index);
    const hasRoom = x + label.length * LETTER_WIDTH <= WIDTH;
    const words =
      label === "" || !hasRoom ? "" : `<text x="${x + 2}" y="${HEIGHT - 7}">${escapeHtml(label)}</text>`;
    return `<path class="grid" d="M${x} ${TOP}V${TOP + PLOT_HEIGHT + (words === "" ? 4 : 16)}"/>${words}`;
  });
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">`,
    ...grid,
    ...axis,
    ...marks,
    "</svg>",
  ].join("\n");
}

function stepOf({ periods }: Chart): number {
  return PLOT_WIDTH / Math.max(1, periods.length);
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
