// The pictures of a report: tokens by kind, what each upstream did over time with one legend for all, and how each was.
import { t } from "../language.ts";
import type { Availability, Counts, State, Strip } from "../../usage/availability.ts";
import { STATES } from "../../usage/availability.ts";
import { NO_UPSTREAM, type Period, type Report } from "../../usage/report.ts";
import { type Tally, freshTokens } from "../../usage/tally.ts";
import { formatMs, formatTokens, formatUsd } from "../figures.ts";
import { findTicks } from "./axis.ts";
import { type Chart, type Series, makeBarChart, makeLineChart } from "./charts.ts";
import { cutName, escapeHtml, groupThousands, makeTitle, showCount } from "./html.ts";

/** So many have room under a chart. */
const MOST_LABELS = { hour: 8, day: 9, month: 7 } as const;
/** So many upstreams have a colour of their own; what is beyond is drawn as one. */
const MOST_COLOURS = 7;

type Figure = "total_tokens" | "cost_usd" | "ttfb_p50_ms" | "ttfb_p95_ms" | "failovers" | "errors";

interface Drawn extends Pick<Chart, "empty" | "exact" | "format" | "least" | "title"> {
  readonly draw: (chart: Chart) => string;
  /** Of one upstream in one period. */
  readonly figure: Figure;
}

const showMoney = (usd: number): string => groupThousands(formatUsd(usd));
const showLongMs = (ms: number): string => groupThousands(formatMs(ms));

function listDrawn(): readonly Drawn[] {
  const tokens = { format: formatTokens, exact: showCount, least: 4 };
  const cost = { format: showMoney, least: 0 };
  const time = { draw: makeLineChart, format: formatMs, exact: showLongMs, least: 0 };
  const count = { draw: makeBarChart, format: showCount, least: 4 };
  const noTime = t`no answer began`;
  return [
    {
      title: t`Tokens by upstream`,
      draw: makeBarChart,
      ...tokens,
      figure: "total_tokens",
      empty: noTokens(),
    },
    { title: t`Cost`, draw: makeBarChart, ...cost, figure: "cost_usd", empty: t`no request has a price` },
    { title: t`First byte, median`, ...time, figure: "ttfb_p50_ms", empty: noTime },
    { title: t`First byte, 95th percentile`, ...time, figure: "ttfb_p95_ms", empty: noTime },
    {
      title: t`Failovers, by the upstream that answered`,
      ...count,
      figure: "failovers",
      empty: t`no failovers`,
    },
    { title: t`Failed requests`, ...count, figure: "errors", empty: t`no failed requests` },
  ];
}

function noTokens(): string {
  return t`no upstream said what was used`;
}

/** As HTML: tokens by kind, the legend of the upstreams, a figure for each thing that is drawn. */
export function makePictures({ periods, unit, upstreams }: Report): string {
  const names = upstreams.rows.map(({ key }) => key ?? NO_UPSTREAM);
  const isMore = names.length > MOST_COLOURS || upstreams.rest !== null;
  const own = names.slice(0, isMore ? MOST_COLOURS - 1 : MOST_COLOURS);
  const others = isMore ? t`others` : null;
  const shown = new Set(own);
  const legend = [...own.map(showUpstream), ...(others === null ? [] : [others])].map(
    (name, index) => `<span><i class="c${index}"></i>${escapeHtml(name)}</span>`,
  );
  const periodNames = periods.map(({ name }) => name);
  const scale = { periods: periodNames, ticks: findTicks(periodNames, unit, MOST_LABELS[unit]) };
  const figures = listDrawn().map(({ draw, figure, ...chart }) => {
    const series = own.map((name, index) => ({
      name: showUpstream(name),
      colour: `c${index}`,
      values: periods.map(({ byUpstream }) => byUpstream.get(name)?.[figure] ?? null),
    }));
    const rest = (name: string): Series => ({
      name,
      colour: `c${own.length}`,
      values: periods.map((period) => sumOthers(period, shown, figure)),
    });
    const isSum = draw === makeBarChart;
    const all = isSum && others !== null ? [...series, rest(others)] : series;
    return makeFigure(chart.title, draw({ ...chart, ...scale, series: all }));
  });
  return [
    `<section class="charts">${makeKinds(periods, scale)}${makeOutcomes(periods, scale)}</section>`,
    `<section class="legend upstreams">${legend.join("")}</section>`,
    `<section class="charts">${figures.join("\n")}</section>`,
  ].join("\n");
}

function sumOthers({ byUpstream }: Period, shown: ReadonlySet<string>, figure: Figure): number {
  return [...byUpstream].reduce(
    (sum, [name, tally]) => sum + (shown.has(name) ? 0 : (tally[figure] ?? 0)),
    0,
  );
}

/** What tokens are split into. */
export const listKinds = (): readonly (readonly [name: string, of: (tally: Tally) => number])[] => [
  [t`fresh`, freshTokens],
  [t`cached`, ({ cached_input_tokens: cached }) => cached],
  [t`output`, ({ output_tokens: output }) => output],
];

type Scale = Pick<Chart, "periods" | "ticks">;

function makeKinds(periods: readonly Period[], scale: Scale): string {
  const series = listKinds().map(([name, of], index) => ({
    name,
    colour: `k${index}`,
    values: periods.map(({ all }) => of(all)),
  }));
  const title = t`Tokens`;
  const chart = { title, format: formatTokens, exact: showCount, least: 4, empty: noTokens() };
  return makeFigure(title, makeBarChart({ ...chart, ...scale, series }), series);
}

function makeOutcomes(periods: readonly Period[], scale: Scale): string {
  const series = [
    {
      name: t`not failed`,
      colour: COLOUR_OF_STATE.fine,
      values: periods.map(({ all }) => all.requests - all.errors),
    },
    { name: t`failed`, colour: COLOUR_OF_STATE.failing, values: periods.map(({ all }) => all.errors) },
  ];
  const title = t`Requests`;
  return makeFigure(title, makeBarChart({ title, format: showCount, least: 4, ...scale, series }), series);
}

function makeFigure(title: string, drawn: string, own: readonly Series[] = []): string {
  const legend = own.map(({ name, colour }) => `<span><i class="${colour}"></i>${escapeHtml(name)}</span>`);
  const key = own.length === 0 ? "" : `<div class="legend">${legend.join("")}</div>`;
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>${key}${drawn}</figure>`;
}

export function showUpstream(name: string): string {
  return name === NO_UPSTREAM ? t`no upstream` : cutName(name.replace(/^https:\/\//, ""));
}

const COLOUR_OF_STATE: Readonly<Record<State, string>> = { fine: "a0", spent: "a1", failing: "a2" };
/** From the ground up. */
const STACKED = ["fine", "spent", "failing"] as const satisfies readonly State[];
const STRIP_HEIGHT = 20;
/** Of the height: one failure among a thousand answers is seen. */
const LEAST_SHARE = 0.2;
/** So many days have room under a strip on a phone. */
const MOST_STRIP_LABELS = 7;
/** Further to the right, a label would stand out of the page. */
const MOST_LEFT = 0.88;

/** As HTML: a strip for each upstream, from the first request to the last. */
export function makeAvailability({ left, periods, strips, unit }: Availability): string {
  if (strips.length === 0) return "";
  const words: Readonly<Record<State, string>> = { fine: t`fine`, spent: t`spent`, failing: t`failing` };
  const legend = [
    ...STACKED.map((state) => [COLOUR_OF_STATE[state], words[state]]),
    ["none", t`not asked`],
  ].map(([colour = "", name = ""]) => `<span><i class="${colour}"></i>${escapeHtml(name)}</span>`);
  const rows = strips.map((strip) => {
    const cells = strip.cells.map((counts, index) => {
      const told = STATES.flatMap((state) =>
        counts === undefined || counts[state] === 0 ? [] : [`${words[state]}: ${showCount(counts[state])}`],
      );
      const title = makeTitle([periods[index] ?? "", ...(told.length === 0 ? [t`not asked`] : told)]);
      return makeCell(index, counts, title);
    });
    const svg = `<svg viewBox="0 0 ${periods.length} ${STRIP_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(nameStrip(strip))}">${cells.join("")}</svg>`;
    return `<div class="strip"><p><b>${escapeHtml(nameStrip(strip))}</b> <span>${escapeHtml(tellShare(strip))}</span></p>${svg}</div>`;
  });
  const axis = findTicks(periods, unit, MOST_STRIP_LABELS).flatMap(({ index, label }) =>
    label === "" || index / periods.length > MOST_LEFT
      ? []
      : [`<span style="left:${((index / periods.length) * 100).toFixed(2)}%">${escapeHtml(label)}</span>`],
  );
  return [
    `<section class="strips"><h2>${escapeHtml(t`Availability`)}</h2><div class="legend">${legend.join("")}</div>`,
    ...rows,
    `<div class="axis">${axis.join("")}</div>`,
    ...(left > 0 ? [`<p class="note">${escapeHtml(t`and ${showCount(left)} more`)}</p>`] : []),
    "</section>",
  ].join("\n");
}

function makeCell(index: number, counts: Readonly<Counts> | undefined, title: string): string {
  const met = STACKED.filter((state) => (counts?.[state] ?? 0) > 0);
  const sum = met.reduce((all, state) => all + Math.max(LEAST_SHARE, shareOf(counts, state)), 0);
  let top = STRIP_HEIGHT;
  const parts = met.map((state) => {
    const height = (Math.max(LEAST_SHARE, shareOf(counts, state)) / sum) * STRIP_HEIGHT;
    top -= height;
    return `<rect class="${COLOUR_OF_STATE[state]}" x="${index}.04" y="${top.toFixed(1)}" width=".92" height="${height.toFixed(1)}"/>`;
  });
  return `${parts.join("")}<rect class="hit" x="${index}" y="0" width="1" height="${STRIP_HEIGHT}">${title}</rect>`;
}

function shareOf(counts: Readonly<Counts> | undefined, state: State): number {
  if (counts === undefined) return 0;
  return counts[state] / STATES.reduce((sum, one) => sum + counts[one], 0);
}

function nameStrip({ baseUrl, label }: Strip): string {
  const host = baseUrl === null ? [] : [showUpstream(baseUrl)];
  return [...(label === null ? [] : [cutName(label)]), ...host].join("  ");
}

function tellShare({ asked, fine }: Strip): string {
  if (asked === 0) return t`never asked`;
  const share = Math.floor((fine / asked) * 1000) / 10;
  return t`asked: ${showCount(asked)}, fine: ${share} %`;
}
