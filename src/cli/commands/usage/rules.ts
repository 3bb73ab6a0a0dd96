// `ch usage --by rule`: what the rules of redaction found. A request in which several found something is in the row of each, so
// that rows have neither tokens nor costs. The counting is in usage/redactions.ts.
import { tell, t } from "../../language.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { showMoment } from "../../../base/text.ts";
import { type RuleRow, type RuleSummary, createRuleTally } from "../../../usage/redactions.ts";
import { makeBar } from "../../bars.ts";
import type { Cli } from "../../cli.ts";
import { type Column, cutColumns, fitColumns } from "../../layout.ts";
import { type Range, scanRange, warnOfBadLines } from "./range.ts";

export interface RuleForm {
  readonly chart?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly plain?: boolean | undefined;
}

/** Of all requests in the range. */
export async function summarizeRules(
  cli: Cli,
  { chart, json, limit, plain }: RuleForm & { readonly limit: number },
  range: Range,
): Promise<void> {
  const { out } = cli;
  const tally = createRuleTally();
  const bad = await scanRange(cli, range, (record) => tally.add(record));
  const found = tally.finish();
  const rows = found.rows.slice(0, limit);
  if (json === true) return out.json({ by: "rule", ...found, rows, unreadable_lines: bad });
  if (plain === true) {
    out.line(["rule", ...PLAIN_COLUMNS].join(" | "));
    for (const row of rows) {
      const name = oneLine(row.key ?? "-").replaceAll("|", "¦");
      out.line([name, ...PLAIN_COLUMNS.map((column) => row[column])].join(" | "));
    }
  } else {
    if (rows.length === 0) out.note(t`no redactions in the log`);
    else printRules(cli, { ...found, rows }, chart);
    noteExempt(cli, found);
  }
  warnOfBadLines(cli, bad);
}

/** Of today and of the month. `day`: midnight, wall clock in ms. */
export async function overviewRules(
  cli: Cli,
  { chart, json }: RuleForm,
  { day, month: range }: { readonly day: number; readonly month: Range },
): Promise<void> {
  const { out } = cli;
  const tallies = { today: createRuleTally(), month: createRuleTally() };
  const bad = await scanRange(cli, range, (record) => {
    tallies.month.add(record);
    if (record.timestamp_ms >= day) tallies.today.add(record);
  });
  const [today, month] = [tallies.today.finish(), tallies.month.finish()];
  if (json === true) return out.json({ by: "rule", today, month, unreadable_lines: bad });
  for (const [title, found, nothing] of [
    [t`Today`, today, t`no redactions today`],
    [t`This month`, month, t`no redactions this month`],
  ] as const) {
    out.line(out.paint("bold", title));
    if (found.rows.length === 0) out.line(out.paint("dim", nothing));
    else printRules(cli, found, chart);
    if (found === today) out.line();
  }
  noteExempt(cli, month);
  warnOfBadLines(cli, bad);
}

const PLAIN_COLUMNS = ["redactions", "requests", "sessions"] as const;
const LEAST_NAME_COLUMNS = 20;
const BAR_COLUMNS = 12;
const WIDEST_BAR = 40;

function printRules({ now, out }: Cli, { rows, total }: RuleSummary, chart = false): void {
  const width = out.isTerminal ? out.width : Number.POSITIVE_INFINITY;
  const most = Math.max(LEAST_NAME_COLUMNS, Math.floor(width / 2));
  const shown: Partial<RuleRow>[] = rows.length === 1 ? [...rows] : [...rows, { ...total, key: t`all` }];
  const column = (heading: string, rank: number, show: (row: Partial<RuleRow>) => string): Column => ({
    heading,
    cells: shown.map(show),
    rank,
    isFigure: rank > 0,
  });
  const barColumns = chart && rows.length > 1 ? BAR_COLUMNS + 2 : 0;
  const fitted = fitColumns(
    [
      column(t`rule`, 0, ({ key }) => cutColumns(oneLine(key ?? "-"), most)),
      column(t`redactions`, 1, ({ redactions }) => String(redactions)),
      column(t`requests`, 2, ({ requests }) => String(requests)),
      column(t`sessions`, 3, ({ sessions }) => String(sessions)),
      column(t`last`, 4, ({ last_at_ms: at }) => (at === undefined ? "" : tell(showMoment(at, now())))),
    ],
    width - barColumns,
  );
  if (barColumns === 0) return out.table(fitted.headings, fitted.rows);
  const columns = Math.min(WIDEST_BAR, BAR_COLUMNS + fitted.spare);
  const greatest = Math.max(...rows.map(({ redactions }) => redactions));
  const bars = rows.map(({ redactions }) => makeBar(redactions / greatest, columns));
  out.table(
    [...fitted.headings, ""],
    fitted.rows.map((row, index) => [...row, out.paint("cyan", bars[index] ?? "")]),
  );
}

/** What was found and not changed. */
function noteExempt({ out }: Cli, { total: { redactions_exempt: count } }: RuleSummary): void {
  if (count > 0)
    out.note(t`matches in keys, encrypted content, signatures and tools, left as they are: ${count}`);
}
