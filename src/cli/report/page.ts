// A usage report as one HTML page that needs nothing else: no script, no network; for a screen, a phone and paper.
// Its style, for light and dark screens, a phone and paper, is in page-style.txt.
import style from "./page-style.txt" with { type: "text" };
import { t, tellList } from "../language.ts";
import { NO_UPSTREAM, type Report } from "../../usage/report.ts";
import type { SummaryRow } from "../../usage/summary.ts";
import type { Tally } from "../../usage/tally.ts";
import { noteUnknown, showCost, showFailedCost, showMs, showTokens } from "../figures.ts";
import { escapeHtml, makePictures, showUpstream } from "./charts.ts";

export interface PageOptions {
  readonly report: Report;
  /** What the report is about, under its title. */
  readonly range: string;
  /** "zh" or "en", for the browser's fonts. */
  readonly language: string;
  readonly version: string;
  /** The day of the list of prices. */
  readonly pricesAsOf: string;
}

/** By which we know a page of ours. */
export const PAGE_MARK = '<meta name="generator" content="codex-helper">';

export function makePage({ report, range, language, version, pricesAsOf }: PageOptions): string {
  const { upstreams, models } = report;
  const title = t`Usage report`;
  return [
    "<!doctype html>",
    `<html lang="${escapeHtml(language)}">`,
    "<head>",
    '<meta charset="utf-8">',
    PAGE_MARK,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title>`,
    "<style>",
    `${style}</style>`,
    "</head>",
    "<body>",
    `<header><h1>${escapeHtml(title)}</h1><p>${escapeHtml(range)}</p></header>`,
    ...(upstreams.total.requests === 0
      ? [`<p>${escapeHtml(t`no requests in the log`)}</p>`]
      : [
          makeTiles(upstreams.total),
          makePictures(report),
          makeTable(t`By upstream`, upstreams.rows, upstreams.total),
          makeTable(t`By model`, models.rows, models.total),
          ...makeNotes(report, pricesAsOf).map((note) => `<p class="note">${escapeHtml(note)}</p>`),
        ]),
    `<footer>codex-helper ${escapeHtml(version)}</footer>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

function makeTiles(total: Tally): string {
  const tiles: readonly (readonly [label: string, value: string])[] = [
    [t`requests`, String(total.requests)],
    [t`tokens`, showTokens(total, total.total_tokens)],
    [t`cost`, showCost(total)],
    [t`errors`, String(total.errors)],
    [t`failovers`, String(total.failovers)],
    [t`ttfb p50`, showMs(total.ttfb_p50_ms)],
  ];
  const cells = tiles.map(
    ([label, value]) => `<div><b>${escapeHtml(value)}</b><span>${escapeHtml(label)}</span></div>`,
  );
  return `<section class="tiles">${cells.join("")}</section>`;
}

function makeTable(title: string, rows: readonly SummaryRow[], total: Tally): string {
  const columns: readonly (readonly [heading: string, show: (row: Tally) => string])[] = [
    [t`requests`, (row) => String(row.requests)],
    [t`errors`, (row) => String(row.errors)],
    [t`failovers`, (row) => String(row.failovers)],
    [t`input`, (row) => showTokens(row, row.all_input_tokens)],
    [t`cached`, (row) => showTokens(row, row.cached_input_tokens)],
    [t`output`, (row) => showTokens(row, row.output_tokens)],
    [t`total`, (row) => showTokens(row, row.total_tokens)],
    [t`cost`, showCost],
    ...(total.failed_attempts > 0 ? [[t`failed attempts`, showFailedCost] as const] : []),
    [t`ttfb p50`, (row) => showMs(row.ttfb_p50_ms)],
    [t`p95`, (row) => showMs(row.ttfb_p95_ms)],
    [t`tok/s`, (row) => (row.output_tokens_per_sec === null ? "-" : row.output_tokens_per_sec.toFixed(0))],
  ];
  const cells = (row: Tally): string =>
    columns.map(([, show]) => `<td>${escapeHtml(show(row))}</td>`).join("");
  const line = (name: string, row: Tally): string =>
    `<tr><th scope="row">${escapeHtml(name)}</th>${cells(row)}</tr>`;
  const head = columns.map(([heading]) => `<th scope="col">${escapeHtml(heading)}</th>`).join("");
  return [
    `<section><h2>${escapeHtml(title)}</h2><div class="wide"><table>`,
    `<thead><tr><th></th>${head}</tr></thead><tbody>`,
    ...rows.map((row) => line([...(row.labels ?? []), showUpstream(row.key ?? NO_UPSTREAM)].join(" "), row)),
    `</tbody><tfoot>${line(t`all`, total)}</tfoot></table></div></section>`,
  ].join("\n");
}

const MOST_NAMED = 10;

function makeNotes({ upstreams }: Report, pricesAsOf: string): string[] {
  const { other, total, unpriced_models: models } = upstreams;
  const names = tellList(models.slice(0, MOST_NAMED));
  const count = total.unpriced_requests;
  return [
    ...noteUnknown(total),
    ...(other > 0
      ? [t`Requests that generate nothing (model lists, token counting), not counted: ${other}.`]
      : []),
    ...(count > 0
      ? [t`Requests of models without a price, not included in the cost: ${count} (${names}).`]
      : []),
    t`Costs are estimates (list price of ${pricesAsOf} times the upstream's cost_multiplier), not bills.`,
  ];
}
