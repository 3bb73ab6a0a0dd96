// `ch usage export`: tokens and costs as rows for a spreadsheet or a script, by month and project: what accounting is sent.
import { t } from "../../language.ts";
import { GROUPS, type Group, type KeyOf, isTimeGroup, makeKeyOf } from "../../../usage/groups.ts";
import { type SummaryRow, createSummarizer } from "../../../usage/summary.ts";
import { JSON_ARG, usageError } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { notePrices } from "../../price-words.ts";
import { LOCAL_NAMES } from "../../time-words.ts";
import { RANGE_ARGS, readRange, scanRange, warnOfBadLines, warnOfRemovedPrices } from "./range.ts";

const FIGURES = [
  "requests",
  "all_input_tokens",
  "cached_input_tokens",
  "cache_creation_tokens",
  "output_tokens",
  "total_tokens",
  "cost_usd",
  "unpriced_requests",
  "requests_without_usage",
  "partial_requests",
] as const satisfies readonly (keyof SummaryRow)[];
/** What was read, cached or not, is the input. */
const NAMES: Readonly<Partial<Record<(typeof FIGURES)[number], string>>> = {
  all_input_tokens: "input_tokens",
};

export const exportCommand = defineCommand({
  description: "print tokens and costs by month and project, as CSV or JSON",
  examples: [
    ["ch usage export --csv --since last-month --until last-month", "what accounting is sent"],
    ["ch usage export --json --by month,project,model", "finer, for a script"],
  ],
  args: {
    csv: { type: "boolean", description: "as CSV. The default" },
    ...JSON_ARG,
    by: {
      type: "string",
      default: "month,project",
      valueHint: "WHAT",
      description: "what to part by, as in usage summary, separated by commas",
    },
    ...RANGE_ARGS,
  },
  async run(args, cli) {
    if (args.csv === true && args.json === true) throw usageError(t`either --csv or --json`);
    const by = readGroups(args.by);
    const { bad, pricer, rows, total, unpriced_models } = await readRows(cli, by, readRange(args, cli.now()));
    const date = pricer.problem === null ? pricer.asOf : null;
    if (args.json === true) {
      cli.out.json({
        by,
        list_date: date,
        currency: "USD",
        rows: rows.map(({ names, row }) => ({ ...nameAll(by, names), ...figuresOf(row) })),
        total: figuresOf(total),
        unpriced_models,
        unreadable_lines: bad,
      });
    } else {
      const headings = [...by, ...FIGURES.map((figure) => NAMES[figure] ?? figure), "list_date"];
      cli.out.line(headings.join(","));
      for (const { names, row } of rows) {
        const figures = FIGURES.map((figure) => row[figure] ?? "");
        cli.out.line([...names.map(asCell), ...figures, date ?? ""].join(","));
      }
    }
    notePrices(cli, pricer, false);
    await warnOfRemovedPrices(cli);
    warnOfBadLines(cli, bad);
  },
});

function readGroups(text: string): Group[] {
  const names = text.split(",").map((name) => name.trim());
  return names.map((name) => {
    const group = GROUPS.find((one) => one === name);
    if (group === undefined) throw usageError(t`--by must be of ${GROUPS.join(", ")}, not "${name}"`);
    return group;
  });
}

async function readRows(cli: Cli, by: readonly Group[], range: ReturnType<typeof readRange>) {
  const [{ loadPricer }, { directoryOrSession, nameDirectories, projectOrDirectory }] = await Promise.all([
    import("../../../app/prices.ts"),
    import("../../../app/session/directories.ts"),
  ]);
  const pricer = await loadPricer(cli.paths);
  const keys = by.map((group): KeyOf => {
    if (group === "project") return projectOrDirectory;
    if (group === "cwd") return directoryOrSession;
    return makeKeyOf(group, LOCAL_NAMES[isTimeGroup(group) ? group : "day"]);
  });
  const summarizer = createSummarizer({
    by: "month",
    keyOf: (record) => JSON.stringify(keys.map((keyOf) => keyOf(record))),
  });
  const bad = await scanRange(cli, range, (record) => summarizer.add(record, pricer.costOf(record)));
  const isPlace = by.map((group) => group === "project" || group === "cwd");
  const places = [...summarizer.keys()].flatMap((key) => readKey(key).filter((_, index) => isPlace[index]));
  const nameOf = places.length === 0 ? undefined : await nameDirectories(cli.paths, new Set(places));
  const rename = (key: string | null): string =>
    JSON.stringify(
      readKey(key).map((name, index) =>
        isPlace[index] === true && nameOf !== undefined ? nameOf(name) : name,
      ),
    );
  const { rows, ...rest } = summarizer.finish(rename);
  return { ...rest, bad, pricer, rows: rows.map((row) => ({ names: readKey(row.key), row })) };
}

function readKey(key: string | null): (string | null)[] {
  return JSON.parse(key ?? "[]") as (string | null)[];
}

function nameAll(by: readonly Group[], names: readonly (string | null)[]): Record<string, string | null> {
  return Object.fromEntries(by.map((group, index) => [group, names[index] ?? null]));
}

function figuresOf(row: Omit<SummaryRow, "key">): Record<string, number | null> {
  return Object.fromEntries(FIGURES.map((figure) => [NAMES[figure] ?? figure, row[figure]]));
}

/** RFC 4180. What a spreadsheet would take for a formula is text. */
function asCell(name: string | null): string {
  const text =
    name === null ? "" : /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r]/.test(name) ? `'${name}` : name;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
