// `ch usage report --html FILE`: the log as one page to look at, send or print.
import { UserError } from "../../../base/errors.ts";
import { PRIVATE_FILE, readText, statOrNull, writeFileAtomic } from "../../../base/files.ts";
import { showPath } from "../../../base/paths.ts";
import { quoteWord } from "../../../base/shell.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { languageOf, t, tellList } from "../../language.ts";
import { describeVersion } from "../../../base/version.ts";
import { CLIENT_NAME, SERVICES } from "../../../base/service.ts";
import { defineCommand } from "../../cli.ts";
import { localDay } from "../../../base/text.ts";
import { usageError } from "../../args.ts";
import { cutPath } from "../../figures.ts";
import { notePrices } from "../../price-words.ts";
import type { Before } from "../../report/page.ts";
import { LOCAL_NAMES, type Span, spanBefore } from "../../time-words.ts";
import {
  RANGE_ARGS,
  type Range,
  makeRange,
  readRange,
  scanRange,
  warnOfBadLines,
  warnOfRemovedPrices,
} from "./range.ts";

export const reportCommand = defineCommand({
  description: "write a one-page report of tokens, costs and availability",
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
    const [
      { loadPricer },
      { nameDirectories, projectOrDirectory },
      { findFirstTime },
      { createReport },
      { stateOfRule },
      { PAGE_MARK, makePage },
      { createLogAudit },
    ] = await Promise.all([
      import("../../../app/prices.ts"),
      import("../../../app/session/directories.ts"),
      import("../../../log/reader.ts"),
      import("../../../usage/report.ts"),
      import("../../../routing/logged-attempts.ts"),
      import("../../report/page.ts"),
      import("../../../app/audit/log-audit.ts"),
    ]);
    const isStdout = file === "-";
    if (!isStdout) await refuseForeign(file, { mark: PAGE_MARK, isForced: args.force === true });
    const pricer = await loadPricer(cli.paths);
    const builder = createReport({
      costOf: pricer.costOf,
      dayOf: LOCAL_NAMES.day,
      hourOf: LOCAL_NAMES.hour,
      projectOf: projectOrDirectory,
      stateOf: stateOfRule,
    });
    const { costOf } = pricer;
    const audit = createLogAudit({ paths: cli.paths, costOf, hourOf: LOCAL_NAMES.hour, since: range.since });
    const earlier = spanBefore(range, cli.now());
    const both = earlier === null ? range : makeRange({ ...range, since: earlier.since });
    const bad = await scanRange(cli, both, (record) => {
      if (!range.includes(record)) return builder.addBefore(record);
      builder.add(record);
      audit.add(record);
    });
    const report = builder.finish(await nameDirectories(cli.paths, builder.projects()));
    const page = makePage({
      report,
      audit: (await audit.finish()).upstreams,
      range: describeRange(range, cli.now()),
      before: describeBefore(earlier, await findFirstTime(cli.paths.requestsLog), report.before.requests > 0),
      language: languageOf(cli.env),
      version: describeVersion(),
      pricesAsOf: pricer.asOf,
      showPlace: (place) => cutPath(showPath(oneLine(place), cli.env), PLACE_COLUMNS),
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

const PLACE_COLUMNS = 60;

/** Says why there is nothing to compare with, rather than to compare with a part. */
function describeBefore(earlier: Span | null, logStart: number | null, hasRequests: boolean): Before {
  if (earlier === null || logStart === null || logStart > earlier.since) {
    const start = logStart === null ? "-" : `${localDay(logStart)} ${localTime(logStart)}`;
    return { isKnown: false, words: t`The log has no data before ${start} to compare with.` };
  }
  const [from, to] = [localDay(earlier.since), localDay(earlier.until - 1)];
  return hasRequests
    ? { isKnown: true, words: t`Changes are against the span before, ${from} to ${to}.` }
    : { isKnown: false, words: t`No requests in the span before, ${from} to ${to}, to compare with.` };
}

function localTime(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

function describeRange({ since, until, service }: Range, now: number): string {
  const from = since === null ? t`since the start of the log` : t`since ${localDay(since)}`;
  const to = until === null ? localDay(now) : localDay(until - 1);
  const whose = tellList((service === undefined ? SERVICES : [service]).map((one) => CLIENT_NAME[one]));
  return t`${whose}, ${from}, until ${to}`;
}
