// A usage report as one HTML page that needs nothing else: no script, no network; for a screen, a phone and paper.
import { t, tellList } from "../language.ts";
import { NO_UPSTREAM, type Report } from "../../usage/report.ts";
import type { SummaryRow } from "../../usage/summary.ts";
import type { Tally } from "../../usage/tally.ts";
import { formatTokens, showCost, showMs } from "../figures.ts";
import { escapeHtml, makePictures, showUpstream } from "./charts.ts";

export interface PageOptions {
  readonly report: Report;
  /** What the report is about, under its title. */
  readonly range: string;
  /** "zh" or "en", for the browser's fonts. */
  readonly language: string;
  readonly version: string;
}

/** By which we know a page of ours. */
export const PAGE_MARK = '<meta name="generator" content="codex-helper">';

export function makePage({ report, range, language, version }: PageOptions): string {
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
    `<style>${STYLE}</style>`,
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
          ...makeNotes(report).map((note) => `<p class="note">${escapeHtml(note)}</p>`),
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
    [t`tokens`, formatTokens(total.total_tokens)],
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
    [t`input`, (row) => formatTokens(row.all_input_tokens)],
    [t`cached`, (row) => formatTokens(row.cached_input_tokens)],
    [t`output`, (row) => formatTokens(row.output_tokens)],
    [t`total`, (row) => formatTokens(row.total_tokens)],
    [t`cost`, showCost],
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
    ...rows.map((row) => line(showUpstream(row.key ?? NO_UPSTREAM), row)),
    `</tbody><tfoot>${line(t`all`, total)}</tfoot></table></div></section>`,
  ].join("\n");
}

const MOST_NAMED = 10;

function makeNotes({ upstreams }: Report): string[] {
  const { other, total, unpriced_models: models } = upstreams;
  const names = tellList(models.slice(0, MOST_NAMED));
  const count = total.unpriced_requests;
  return [
    ...(other > 0
      ? [t`Requests that generate nothing (model lists, token counting), not counted: ${other}.`]
      : []),
    ...(count > 0
      ? [t`Requests of models without a price, not included in the cost: ${count} (${names}).`]
      : []),
    t`Costs are estimates (list price times the upstream's cost_multiplier), not bills.`,
  ];
}

/** Light and dark screens, a phone, and paper. */
const STYLE = `
:root{color-scheme:light dark;--ink:#1d232b;--soft:#66707c;--line:#dfe3e8;--paper:#fff;--card:#f6f7f9}
.c0{--c:#2f6fde}.c1{--c:#e08a1e}.c2{--c:#2a9d6f}.c3{--c:#b5498e}.c4{--c:#7a5bd0}.c5{--c:#1795a8}.c6{--c:#8a929c}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.25rem;max-width:64rem;color:var(--ink);background:var(--paper);
  font:15px/1.45 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:1.75rem 0 .5rem}
header p,.note,footer{color:var(--soft);margin:.2rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.6rem;margin:1.1rem 0}
.tiles div{background:var(--card);border-radius:.5rem;padding:.6rem .75rem}
.tiles b{display:block;font-size:1.2rem;font-variant-numeric:tabular-nums}.tiles span{color:var(--soft);font-size:.85rem}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;font-size:.85rem}
.legend span{overflow-wrap:anywhere}
.legend i{display:inline-block;width:.7rem;height:.7rem;border-radius:.15rem;margin-right:.4rem;background:var(--c)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:.5rem 1.5rem}
figure{margin:.75rem 0 0}figcaption{font-weight:600;font-size:.95rem}
svg{display:block;width:100%;height:auto}
svg text{font-size:11px;fill:var(--soft)}svg rect,svg circle{fill:var(--c)}
.line{fill:none;stroke:var(--c);stroke-width:1.5}.grid{stroke:var(--line)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .55rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th{font-weight:500}thead th{color:var(--soft)}tbody th,tfoot th{text-align:left}
tbody th{max-width:18rem;overflow:hidden;text-overflow:ellipsis}tfoot th,tfoot td{font-weight:700;border:0}
.note{font-size:.85rem}footer{margin-top:1.5rem;font-size:.8rem}
@media (prefers-color-scheme:dark){:root{--ink:#e4e7eb;--soft:#9aa4b0;--line:#343b44;--paper:#15191e;--card:#1f252c}}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--card:#fff}
  body{padding:0;max-width:none;font-size:10pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
  .tiles{grid-template-columns:repeat(6,1fr)}.tiles div{border:1px solid var(--line)}
  .charts{grid-template-columns:1fr 1fr}figure,tr,.tiles{break-inside:avoid}h2{break-after:avoid}tfoot{display:table-row-group}.wide{overflow:visible}
  table{font-size:7.5pt}th,td{padding:.2rem .3rem}tbody th{max-width:11rem;white-space:normal;overflow-wrap:anywhere}}
@page{margin:14mm}
`;
