// `ch usage summary` and `ch usage tail`: what the request log adds up to, and its last lines.
// Reads the log only; the counting is in usage/summary.ts.
import { oneLine } from "../../base/terminal-text.ts";
import { followLog } from "../../log/follow.ts";
import { type StoredEntry, readLog } from "../../log/reader.ts";
import {
  FIELD_OF,
  GROUPS,
  type Group,
  type Summary,
  type SummaryRow,
  createSummarizer,
} from "../../usage/summary.ts";
import { JSON_ARG, LIMIT_ARG, SERVICE_ARGS, readService, readWholeNumber } from "../args.ts";
import { type Cli, type Command, defineCommand } from "../cli.ts";
import { describeEntry, formatMs, formatTokens } from "../request-line.ts";
import { localDay, readTime } from "../time-arg.ts";

const DEFAULT_TAIL = 20;
const MOST_TAIL = 100_000;

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "usage", description: "what requests cost, and how they went" },
    examples: [
      ["ch usage summary --since 7d", "requests and tokens of a week, by config"],
      ["ch usage tail --follow", "each request as it ends"],
    ],
    subCommands: { summary: summaryCommand(cli), tail: tailCommand(cli) },
  });
}

function summaryCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "summary", description: "add up requests and tokens" },
    examples: [
      ["ch usage summary --by model --since today", "what each model cost today"],
      ["ch usage summary --plain", "one row a line, cells separated by |"],
    ],
    args: {
      by: {
        type: "enum",
        options: [...GROUPS],
        default: "config",
        valueHint: "WHAT",
        description: "what a row stands for",
      },
      since: { type: "string", valueHint: "TIME", description: "7d, today, 2026-01-31, 2026-01-31T14:30" },
      until: { type: "string", valueHint: "TIME", description: "as --since; a day is included" },
      ...SERVICE_ARGS,
      plain: { type: "boolean", description: "for scripts that cut columns" },
      ...JSON_ARG,
    },
    async run({ args }) {
      const by: Group = GROUPS.find((group) => group === args.by) ?? "config";
      const now = cli.now();
      const since = args.since === undefined ? null : readTime({ flag: "--since", value: args.since, now });
      const until = args.until === undefined ? null : readTime({ flag: "--until", value: args.until, now });
      const service = readService(args);
      const summarizer = createSummarizer(by, localDay);
      let bad = 0;
      const onBadLine = (): void => void (bad += 1);
      for await (const batch of readLog(cli.paths.requestsLog, { order: "oldest-first", onBadLine })) {
        for (const { fields } of batch) {
          const time = Number(fields["timestamp_ms"]);
          if (since !== null && time < since) continue;
          if (until !== null && time >= until) continue;
          if (service !== undefined && fields["service"] !== service) continue;
          summarizer.add(fields);
        }
      }
      const summary = summarizer.finish();
      if (args.json === true) return cli.out.json({ by, ...summary, unreadable_lines: bad });
      if (args.plain === true) printPlain(cli, by, summary);
      else printTable(cli, by, summary);
      if (bad > 0)
        cli.out.warn(`${bad} ${bad === 1 ? "line" : "lines"} of the log cannot be read and are left out`);
    },
  });
}

/** The columns of the first version: scripts cut them. */
const PLAIN_COLUMNS = ["requests", "input_tokens", "output_tokens", "total_tokens"] as const;

function printPlain({ out }: Cli, by: Group, { rows }: Summary): void {
  out.line([by === "day" ? "day" : FIELD_OF[by], ...PLAIN_COLUMNS].join(" | "));
  for (const row of rows) {
    const name = oneLine(row.key ?? "-").replaceAll("|", "¦");
    out.line([name, ...PLAIN_COLUMNS.map((column) => row[column])].join(" | "));
  }
}

function printTable({ out }: Cli, by: Group, { rows, total, other }: Summary): void {
  if (rows.length === 0) {
    out.note("no requests in the log" + (other > 0 ? ` but ${other} that generate nothing` : ""));
    return;
  }
  const shown = rows.length > 1 ? [...rows, { ...total, key: "all" }] : rows;
  const cells = shown.map((row) => [oneLine(row.key ?? "-"), ...figures(row)]);
  const headings = [
    by,
    "requests",
    "errors",
    "failovers",
    "input",
    "cached",
    "output",
    "reasoning",
    "total",
    "ttfb p50",
    "p95",
  ];
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const align = (row: readonly string[]): string[] =>
    row.map((cell, column) => (column === 0 ? cell : cell.padStart(widths[column] ?? 0)));
  out.table(align(headings), cells.map(align));
  if (other > 0)
    out.note(
      `and ${other} other ${other === 1 ? "request, which generates" : "requests, which generate"} nothing`,
    );
}

function figures(row: SummaryRow): string[] {
  const cached = row.all_input_tokens === 0 ? 0 : row.cached_input_tokens / row.all_input_tokens;
  return [
    String(row.requests),
    String(row.errors),
    String(row.failovers),
    formatTokens(row.all_input_tokens),
    `${Math.round(cached * 100)}%`,
    formatTokens(row.output_tokens),
    formatTokens(row.reasoning_tokens),
    formatTokens(row.total_tokens),
    row.ttfb_p50_ms === null ? "-" : formatMs(row.ttfb_p50_ms),
    row.ttfb_p95_ms === null ? "-" : formatMs(row.ttfb_p95_ms),
  ];
}

function tailCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "tail", description: "show the last requests" },
    examples: [
      ["ch usage tail --limit 5", "the last five"],
      ["ch usage tail --raw --follow | jq .model", "lines as stored, as they come"],
    ],
    args: {
      ...LIMIT_ARG,
      follow: { type: "boolean", alias: "f", description: "go on with each request as it ends" },
      ...SERVICE_ARGS,
      raw: { type: "boolean", description: "the lines as they are stored (docs/requests-log.md)" },
    },
    async run({ args }) {
      const limit =
        args.limit === undefined
          ? DEFAULT_TAIL
          : readWholeNumber("--limit", args.limit, { least: 0, most: MOST_TAIL });
      const service = readService(args);
      const isWanted = ({ fields }: StoredEntry): boolean =>
        service === undefined || fields["service"] === service;
      const show = ({ raw, fields }: StoredEntry): void =>
        cli.out.line(args.raw === true ? raw : describeEntry(fields, cli.out));
      const path = cli.paths.requestsLog;
      // Begun before the log is read, so that no line falls between the two.
      const coming = args.follow === true ? followLog(path) : null;
      const next = coming?.next();
      const last = await readLast(path, limit, isWanted);
      for (const entry of last) show(entry);
      if (coming === null || next === undefined) {
        if (last.length === 0 && limit > 0) cli.out.note("no requests in the log");
        return;
      }
      const shown = new Set(last.map(({ raw }) => raw));
      for (let batch = await next; batch.done !== true; batch = await coming.next()) {
        for (const entry of batch.value) if (isWanted(entry) && !shown.delete(entry.raw)) show(entry);
      }
    },
  });
}

/** The last entries, oldest first. */
async function readLast(
  path: string,
  limit: number,
  isWanted: (entry: StoredEntry) => boolean,
): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  if (limit === 0) return entries;
  for await (const batch of readLog(path, { order: "newest-first" })) {
    for (const entry of batch) {
      if (isWanted(entry)) entries.push(entry);
      if (entries.length === limit) return entries.reverse();
    }
  }
  return entries.reverse();
}
