// `ch usage report --html FILE`: the log as one page to look at, send or print.
import { UserError } from "../../../base/errors.ts";
import { PRIVATE_FILE, readText, statOrNull, writeFileAtomic } from "../../../base/files.ts";
import { quoteWord } from "../../../base/paths.ts";
import { languageOf, t, tellList } from "../../language.ts";
import { describeVersion } from "../../../base/version.ts";
import { CLIENT_NAME, SERVICES } from "../../../base/service.ts";
import { defineCommand } from "../../cli.ts";
import { localDay } from "../../../base/text.ts";
import { usageError } from "../../args.ts";
import { notePrices } from "../../price-words.ts";
import {
  RANGE_ARGS,
  type Range,
  readRange,
  scanRange,
  warnOfBadLines,
  warnOfRemovedPrices,
} from "./range.ts";

export const reportCommand = defineCommand({
  description: "write a one-page report of tokens, costs, speed and failovers",
  examples: [
    ["ch usage report --html usage.html --since 30d", "the last 30 days, to view in a browser or to print"],
    ["ch usage report --html codex.html --codex", "Codex only"],
  ],
  args: {
    html: { type: "string", valueHint: "FILE", description: "the file to write; - for standard output" },
    force: { type: "boolean", description: "overwrite FILE even if it is not such a report" },
    ...RANGE_ARGS,
  },
  async run(args, cli) {
    const file = args.html;
    if (file === undefined || file === "") {
      throw usageError(t`--html FILE sets the file to write`, "ch usage report --html usage.html");
    }
    const range = readRange(args, cli.now());
    const [{ loadPricer }, { createReport }, { PAGE_MARK, makePage }] = await Promise.all([
      import("../../../app/prices.ts"),
      import("../../../usage/report.ts"),
      import("../../report/page.ts"),
    ]);
    const isStdout = file === "-";
    if (!isStdout) await refuseForeign(file, { mark: PAGE_MARK, isForced: args.force === true });
    const pricer = await loadPricer(cli.paths);
    const builder = createReport({ costOf: pricer.costOf, dayOf: localDay });
    const bad = await scanRange(cli, range, (record) => builder.add(record));
    const page = makePage({
      report: builder.finish(),
      range: describeRange(range, cli.now()),
      language: languageOf(cli.env),
      version: describeVersion(),
      pricesAsOf: pricer.asOf,
    });
    if (isStdout) cli.out.line(page.trimEnd());
    else writeFileAtomic(file, page, { mode: PRIVATE_FILE });
    warnOfBadLines(cli, bad);
    notePrices(cli, pricer, false);
    await warnOfRemovedPrices(cli);
    if (!isStdout) cli.out.note(t`wrote ${file}`);
  },
});

/** Throws UserError for a device, a pipe or a directory, which no file may replace, and for a file that we did not write. */
async function refuseForeign(
  file: string,
  { mark, isForced }: { readonly mark: string; readonly isForced: boolean },
): Promise<void> {
  const stats = statOrNull(file);
  if (stats === null) return;
  if (!stats.isFile())
    throw new UserError(t`${file} is not a file`, { hint: t`to standard output: ch usage report --html -` });
  const text = isForced ? mark : await readText(file).catch(() => null);
  if (text?.includes(mark) === true) return;
  throw new UserError(t`${file} already exists and is not a report of codex-helper`, {
    hint: t`overwrite it: ch usage report --html ${quoteWord(file)} --force`,
  });
}

function describeRange({ since, until, service }: Range, now: number): string {
  const from = since === null ? t`since the start of the log` : t`since ${localDay(since)}`;
  const to = until === null ? localDay(now) : localDay(until - 1);
  const whose = tellList((service === undefined ? SERVICES : [service]).map((one) => CLIENT_NAME[one]));
  return t`${whose}, ${from}, until ${to}`;
}
