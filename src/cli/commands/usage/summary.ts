// `ch usage summary`: what the log adds up to, by group.
// Reads and prints; the counting is in usage/summary.ts.
import { t } from "../../../base/language.ts";
import { showPath } from "../../../base/paths.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { FIELD_OF, GROUPS, type Group, isTimeGroup, makeKeyOf } from "../../../usage/groups.ts";
import type { Pricer } from "../../../usage/prices.ts";
import type { Summary } from "../../../usage/summary.ts";
import { JSON_ARG, LIMIT_ARG, localDay, localHour, readWholeNumber } from "../../args.ts";
import { type Cli, type Command, defineCommand } from "../../cli.ts";
import { RANGE_ARGS, readRange, scanRange, warnOfBadLines } from "./range.ts";

export function summaryCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "summary", description: "add up requests, tokens and costs" },
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
      ...RANGE_ARGS,
      ...LIMIT_ARG,
      plain: { type: "boolean", description: "for scripts that cut columns" },
      ...JSON_ARG,
    },
    async run({ args }) {
      const by = GROUPS.find((group) => group === args.by) ?? "config";
      const range = readRange(args, cli.now());
      const limit =
        args.limit === undefined
          ? MOST_ROWS
          : readWholeNumber("--limit", args.limit, { least: 1, most: MOST_ROWS });
      const [
        { loadPricer },
        { directoryOrSession, nameDirectories },
        { createSummarizer },
        { printSummary },
      ] = await Promise.all([
        import("../../../app/prices.ts"),
        import("../../../app/session/directories.ts"),
        import("../../../usage/summary.ts"),
        import("./summary-table.ts"),
      ]);
      // The first version's columns have no cost, and a mistake in prices.json is no reason to withhold them.
      const { costOf } = args.plain === true ? UNPRICED : await loadPricer(cli.paths);
      const isPlace = by === "project" || by === "cwd";
      const keyOf = isPlace ? directoryOrSession : makeKeyOf(by, by === "hour" ? localHour : localDay);
      const summarizer = createSummarizer({ by, keyOf, costOf });
      const bad = await scanRange(cli, range, (fields) => summarizer.add(fields));
      const rename = isPlace ? await nameDirectories(cli.paths, summarizer.keys()) : undefined;
      const summary = cutRows(summarizer.finish(rename), by, limit);
      if (args.json === true) return cli.out.json({ by, ...summary, unreadable_lines: bad });
      if (args.plain === true) printPlain(cli, by, summary);
      else {
        printSummary(cli, { by, summary, trend: summarizer.trend() });
        noteUnpriced(cli, summary);
      }
      warnOfBadLines(cli, bad);
    },
  });
}

const MOST_ROWS = 1_000_000;
const UNPRICED: Pricer = { costOf: () => ({ kind: "unknown" }) };

/** The largest rows, or the last ones where they are times. */
function cutRows(summary: Summary, by: Group, limit: number): Summary {
  const { rows } = summary;
  return { ...summary, rows: isTimeGroup(by) ? rows.slice(-limit) : rows.slice(0, limit) };
}

/** The columns of the first version: scripts cut them. */
const PLAIN_COLUMNS = ["requests", "input_tokens", "output_tokens", "total_tokens"] as const;

function printPlain({ out }: Cli, by: Group, { rows }: Summary): void {
  out.line([isTimeGroup(by) ? by : FIELD_OF[by], ...PLAIN_COLUMNS].join(" | "));
  for (const row of rows) {
    const name = oneLine(row.key ?? "-").replaceAll("|", "¦");
    out.line([name, ...PLAIN_COLUMNS.map((column) => row[column])].join(" | "));
  }
}

const MOST_NAMED = 4;

export function noteUnpriced({ out, env, paths }: Cli, { total, unpriced_models: models }: Summary): void {
  const count = total.unpriced_requests;
  if (count === 0) return;
  const names =
    models.slice(0, MOST_NAMED).map(oneLine).join(", ") + (models.length > MOST_NAMED ? ", …" : "");
  const file = showPath(paths.prices, env);
  out.note(
    count === 1
      ? t`1 request is not in the cost, its model has no price: ${names}`
      : t`${count} requests are not in the cost, their models have no price: ${names}`,
  );
  out.note(t`  give it one in ${file} (docs/prices.md)`);
}
