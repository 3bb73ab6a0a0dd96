// A usage report as one HTML page that needs nothing else: no script, no network; for a screen, a phone and paper.
// Its style, for light and dark screens, a phone and paper, is in page-style.txt.
import style from "./page-style.txt" with { type: "text" };
import type { AuditedUpstream } from "../../app/audit/log-audit.ts";
import { t, tell, tellList } from "../language.ts";
import { CHECK_NAMES, STATE_NAMES, describeFinding } from "../audit-words.ts";
import { NO_UPSTREAM, type Report, type Top } from "../../usage/report.ts";
import type { SummaryRow } from "../../usage/summary.ts";
import { type Tally, isWhole } from "../../usage/tally.ts";
import { noteUnknown, showCost, showFailedCost, showMs, showTokens } from "../figures.ts";
import { cutName, escapeHtml, groupThousands, showCount } from "./html.ts";
import { listKinds, makeAvailability, makePictures, showUpstream } from "./pictures.ts";

export interface PageOptions {
  readonly report: Report;
  /** What the report is about, under its title. */
  readonly range: string;
  /** What the change is against, or why none is shown. */
  readonly before: Before;
  /** What the same requests say of each relay. Default: nothing. */
  readonly audit?: readonly AuditedUpstream[];
  /** "zh" or "en", for the browser's fonts. */
  readonly language: string;
  readonly version: string;
  /** The day of the list of prices. */
  readonly pricesAsOf: string;
  /** A project's name or a directory, as people read it. */
  readonly showPlace: (place: string) => string;
}

export interface Before {
  readonly isKnown: boolean;
  readonly words: string;
}

/** By which we know a page of ours. */
export const PAGE_MARK = '<meta name="generator" content="codex-helper">';

export function makePage(options: PageOptions): string {
  const { audit = [], before, language, pricesAsOf, range, report, showPlace, version } = options;
  const { availability, models, projects, sessions, upstreams } = report;
  const title = t`Usage report`;
  const place = (name: string | null): string => (name === null ? t`not known` : showPlace(name));
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
      ? [`<p>${escapeHtml(t`no requests in the log`)}</p>`, makeAvailability(availability)]
      : [
          makeTiles(upstreams.total, before.isKnown ? report.before : null),
          `<p class="note">${escapeHtml(before.words)}</p>`,
          makePictures(report),
          makeAvailability(availability),
          makeAudit(audit),
          makeTable(t`By upstream`, upstreams, ({ key, labels = [] }) =>
            [...labels, showUpstream(key ?? NO_UPSTREAM)].join(" "),
          ),
          makeTable(t`By model`, models, ({ key }) => key ?? t`not known`),
          makeTable(t`By project`, projects, ({ key }) => place(key)),
          makeTable(t`By session`, sessions, ({ key, labels: [at = null] = [] }) =>
            key === null ? t`not known` : [place(at), key],
          ),
          ...makeNotes(report, pricesAsOf).map((note) => `<p class="note">${escapeHtml(note)}</p>`),
        ]),
    `<footer>codex-helper ${escapeHtml(version)}</footer>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

interface TileFigure {
  readonly label: string;
  readonly show: (tally: Tally) => string;
  readonly of: (tally: Tally) => number | null;
}

/** `before`: of the span before; null where there is none to compare with. */
function makeTiles(total: Tally, before: Tally | null): string {
  const tiles: readonly TileFigure[] = [
    { label: t`requests`, show: (one) => showCount(one.requests), of: (one) => one.requests },
    {
      label: t`tokens`,
      show: (one) => showTokens(one, one.total_tokens),
      of: (one) => one.total_tokens,
    },
    { label: t`cost`, show: showMoney, of: (one) => one.cost_usd },
    { label: t`failed`, show: (one) => showCount(one.errors), of: (one) => one.errors },
    { label: t`failovers`, show: (one) => showCount(one.failovers), of: (one) => one.failovers },
    { label: t`ttfb p50`, show: (one) => showMs(one.ttfb_p50_ms), of: (one) => one.ttfb_p50_ms },
  ];
  const cells = tiles.map(({ label, show, of }) => {
    const change = before === null ? null : showChange(of(total), of(before));
    const told =
      change === null || before === null
        ? ""
        : `<span title="${escapeHtml(t`before: ${show(before)}`)}">${escapeHtml(change)}</span>`;
    return `<div><b>${escapeHtml(show(total))}</b><span>${escapeHtml(label)}</span>${told}</div>`;
  });
  return `<section class="tiles">${cells.join("")}</section>`;
}

/** "+12 %", "-5 %"; null where a figure is not known. */
export function showChange(now: number | null, before: number | null): string | null {
  if (now === null || before === null) return null;
  if (now === before) return t`unchanged`;
  if (before === 0) return t`none before`;
  const percent = Math.round((now / before - 1) * 100);
  if (percent === 0) return now > before ? "< +1 %" : "> -1 %";
  return `${percent > 0 ? "+" : ""}${groupThousands(String(percent))} %`;
}

function showMoney(tally: Tally): string {
  return groupThousands(showCost(tally));
}

interface TableColumn {
  readonly heading: string;
  readonly show: (row: Tally) => string;
  /** What is shown under a pointer: the figure to its last digit. */
  readonly exact?: (row: Tally) => string;
}

function makeTable(
  title: string,
  { rest, rows, total }: Top,
  nameOf: (row: SummaryRow) => string | readonly string[],
): string {
  const count = (heading: string, of: (row: Tally) => number): TableColumn => ({
    heading,
    show: (row) => showCount(of(row)),
  });
  const tokens = (heading: string, of: (row: Tally) => number): TableColumn => ({
    heading,
    show: (row) => showTokens(row, of(row)),
    exact: (row) => showCount(of(row)) + (isWhole(row, "tokens") ? "" : "+"),
  });
  const columns: readonly TableColumn[] = [
    count(t`requests`, (row) => row.requests),
    count(t`failed`, (row) => row.errors),
    count(t`failovers`, (row) => row.failovers),
    ...listKinds().map(([heading, of]) => tokens(heading, of)),
    tokens(t`total`, (row) => row.total_tokens),
    { heading: t`cost`, show: showMoney },
    ...(total.failed_attempts > 0
      ? [{ heading: t`failed attempts`, show: (row: Tally) => groupThousands(showFailedCost(row)) }]
      : []),
    { heading: t`ttfb p50`, show: (row) => showMs(row.ttfb_p50_ms) },
    { heading: t`p95`, show: (row) => showMs(row.ttfb_p95_ms) },
    {
      heading: t`tok/s`,
      show: ({ output_tokens_per_sec: speed }) => (speed === null ? "-" : showCount(Math.round(speed))),
    },
  ];
  const cell = ({ exact, show }: TableColumn, row: Tally): string => {
    const title = exact === undefined ? "" : ` title="${escapeHtml(exact(row))}"`;
    return `<td${title}>${escapeHtml(show(row))}</td>`;
  };
  const line = (name: string | readonly string[], row: Tally): string => {
    const [first = "", ...more] = [name].flat().map((one) => escapeHtml(cutName(one)));
    const below = more.map((one) => `<span>${one}</span>`).join("");
    return `<tr><th scope="row" title="${[first, ...more].join(" ")}">${first}${below}</th>${columns.map((column) => cell(column, row)).join("")}</tr>`;
  };
  const head = columns.map(({ heading }) => `<th scope="col">${escapeHtml(heading)}</th>`).join("");
  return [
    `<section><h2>${escapeHtml(title)}</h2><div class="wide"><table>`,
    `<thead><tr><th></th>${head}</tr></thead><tbody>`,
    ...rows.map((row) => line(nameOf(row), row)),
    ...(rest === null ? [] : [line(t`and ${showCount(rest.count)} more`, rest.all)]),
    `</tbody><tfoot>${line(t`all`, total)}</tfoot></table></div></section>`,
  ].join("\n");
}

const MOST_AUDITED = 20;

/** A row an upstream, in words: docs/audit.md says what each means. */
function makeAudit(audit: readonly AuditedUpstream[]): string {
  if (audit.length === 0) return "";
  const head = Object.values(CHECK_NAMES).map((name) => `<th scope="col">${escapeHtml(tell(name))}</th>`);
  const rows = audit.slice(0, MOST_AUDITED).map(({ baseUrl, findings, label }) => {
    const name = escapeHtml(cutName([label ?? "", showUpstream(baseUrl)].join(" ").trim()));
    const cells = findings.map((finding) => {
      const words = tell(describeFinding(finding));
      return `<td title="${escapeHtml(words)}">${escapeHtml(finding.state === "differs" ? words : tell(STATE_NAMES[finding.state]))}</td>`;
    });
    return `<tr><th scope="row">${name}</th>${cells.join("")}</tr>`;
  });
  return [
    `<section><h2>${escapeHtml(t`What the traffic says (ch audit)`)}</h2><div class="wide"><table>`,
    `<thead><tr><th></th>${head.join("")}</tr></thead><tbody>`,
    ...rows,
    "</tbody></table></div></section>",
  ].join("\n");
}

const MOST_NAMED = 10;

function makeNotes({ upstreams }: Report, pricesAsOf: string): string[] {
  const { other, total, unpriced_models: models } = upstreams;
  const names = tellList(models.slice(0, MOST_NAMED).map(cutName));
  const count = total.unpriced_requests;
  return [
    ...noteUnknown(total),
    ...(other > 0
      ? [t`Requests that generate nothing (model lists, token counting), not counted: ${showCount(other)}.`]
      : []),
    ...(count > 0
      ? [t`Requests of models without a price, not included in the cost: ${showCount(count)} (${names}).`]
      : []),
    t`Costs are estimates (list price of ${pricesAsOf} times the upstream's cost_multiplier), not bills.`,
  ];
}
