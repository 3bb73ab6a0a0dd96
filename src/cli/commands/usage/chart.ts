// `ch usage summary --chart`: a bar for each group, as long as its tokens, in parts by kind; the figures stand beside it.
// As wide as the terminal; each kind has a sign of its own, so that no colour is needed.
import { t } from "../../language.ts";
import { type Group, type TimeGroup, isTimeGroup } from "../../../usage/groups.ts";
import type { Rest, SummaryRow, Trend } from "../../../usage/summary.ts";
import { type Tally, createTally, freshTokens } from "../../../usage/tally.ts";
import type { Cli } from "../../cli.ts";
import { showCost, showTokens } from "../../figures.ts";
import { type Column, fitColumns, fitFields } from "../../layout.ts";
import type { Colour } from "../../output.ts";
import { LOCAL_NAMES } from "../../time-words.ts";

/** A month of days. */
export const MOST_BARS = 31;
const LEAST_BAR = 12;
const WIDEST_BAR = 72;
const GAP = 2;

interface Kind {
  readonly sign: string;
  readonly colour: Colour;
  readonly of: (tally: Tally) => number;
}

/** Signs that have a counterpart in ASCII. */
const KINDS: readonly Kind[] = [
  { sign: "█", colour: "cyan", of: freshTokens },
  { sign: "▒", colour: "green", of: ({ cached_input_tokens: cached }) => cached },
  { sign: "░", colour: "yellow", of: ({ output_tokens: output }) => output },
];

export interface ChartOptions {
  readonly by: Group;
  readonly heading: string;
  readonly nameOf: (row: SummaryRow) => string;
  /** The groups in their order; where these are times, without a gap. */
  readonly rows: readonly SummaryRow[];
  readonly rest: Rest | null;
  readonly total: Tally;
}

export function printChart({ out }: Cli, { by, heading, nameOf, rest, rows, total }: ChartOptions): void {
  const bare = (key: string, tally: Tally): SummaryRow => ({ ...tally, key });
  const others =
    rest === null
      ? []
      : [bare(isTimeGroup(by) ? t`${rest.count} earlier` : t`and ${rest.count} more`, rest.all)];
  const shown = [
    ...(isTimeGroup(by) ? others : []),
    ...rows,
    ...(isTimeGroup(by) ? [] : others),
    ...(rows.length + others.length > 1 ? [bare(t`all`, total)] : []),
  ];
  const drawn = new Set(rows);
  const names = {
    heading,
    cells: shown.map((row) => (drawn.has(row) ? nameOf(row) : (row.key ?? ""))),
    rank: 0,
  };
  const {
    headings,
    rows: cells,
    spare,
  } = fitColumns([names, ...makeColumns(shown)], Math.max(0, out.width - LEAST_BAR - GAP));
  const columns = Math.min(WIDEST_BAR, LEAST_BAR + spare);
  const greatest = rows.reduce((most, { total_tokens: tokens }) => Math.max(most, tokens), 0);
  const paint = (colour: Colour, text: string): string => out.paint(colour, text);
  out.table(
    [headings[0] ?? "", "", ...headings.slice(1)],
    cells.map(([name = "", ...figures], index) => {
      const row = shown[index];
      const share = row === undefined || !drawn.has(row) || greatest === 0 ? 0 : row.total_tokens / greatest;
      const bar = row === undefined ? "" : makeParts(row, { share, columns, paint });
      return [name, bar + " ".repeat(columns - Bun.stringWidth(bar)), ...figures];
    }),
  );
  if (greatest === 0) {
    out.line(t`no upstream said what was used`);
    return;
  }
  const words = [t`fresh`, t`cached`, t`output`];
  const legend = KINDS.map(({ colour, of, sign }, index) => {
    return `${out.paint(colour, sign)} ${words[index]} ${showTokens(total, of(total))}`;
  });
  out.line(fitFields(legend.join("  "), out));
}

interface Bar {
  /** Of the columns that it takes, 0 to 1. */
  readonly share: number;
  readonly columns: number;
  readonly paint: (colour: Colour, text: string) => string;
}

/** Anything above nothing is seen; its parts are as large as their kinds. */
export function makeParts(row: Tally, { columns, paint, share }: Bar): string {
  const length = share > 0 ? Math.max(1, Math.round(share * columns)) : 0;
  const sum = KINDS.reduce((all, { of }) => all + of(row), 0);
  if (sum === 0) return paint("cyan", "█".repeat(length));
  let [tokens, end] = [0, 0];
  return KINDS.map(({ colour, of, sign }) => {
    tokens += of(row);
    const from = end;
    end = Math.round((tokens / sum) * length);
    return paint(colour, sign.repeat(end - from));
  }).join("");
}

function makeColumns(rows: readonly Tally[]): Column[] {
  const figures = (rank: number, heading: string, show: (row: Tally) => string): Column => ({
    heading,
    cells: rows.map(show),
    rank,
    isFigure: true,
  });
  return [
    figures(1, t`tokens`, (row) => showTokens(row, row.total_tokens)),
    figures(2, t`cost`, showCost),
    figures(3, t`requests`, ({ requests }) => String(requests)),
  ];
}

const HALF_HOUR_MS = 1_800_000;
/** A clock that was wrong once must not take a minute. */
const MOST_STEPS = 200_000;

interface Times {
  readonly by: TimeGroup;
  readonly most: number;
  /** Those with a row. */
  readonly known: ReadonlySet<string | null>;
}

/** The last `most` hours, days, weeks or months up to the last with a row, without a gap, the oldest first. */
export function listTimes(trend: Trend, { by, known, most }: Times): string[] {
  const [first = 0] = trend[0] ?? [];
  const [last = 0] = trend.at(-1) ?? [];
  const names: string[] = [];
  // An hour of the trend may lie in two of the place's, of which one has no row.
  const end = last + HALF_HOUR_MS;
  for (let at = end, steps = 0; at >= first && steps < MOST_STEPS; at -= HALF_HOUR_MS, steps += 1) {
    const name = LOCAL_NAMES[by](at);
    if (names.at(-1) === name || (names.length === 0 && !known.has(name))) continue;
    if (names.length === most) return names.toReversed();
    names.push(name);
  }
  return names.slice(0, names.findLastIndex((name) => known.has(name)) + 1).toReversed();
}

/** A row for each of these times; of one without a request, an empty one. */
export function fillTimes(names: readonly string[], rows: readonly SummaryRow[]): SummaryRow[] {
  const found = new Map(rows.map((row) => [row.key, row]));
  const nothing = createTally().finish();
  return names.map((key) => found.get(key) ?? { ...nothing, key });
}
