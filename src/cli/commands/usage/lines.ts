// Requests of the log as lines, those of another day under its date, with what each cost.
import { onUserError } from "../../../base/errors.ts";
import { showPathsIn } from "../../../base/paths.ts";
import type { LogRecord } from "../../../log/record.ts";
import type { Cli } from "../../cli.ts";
import { t, tellList } from "../../language.ts";
import { cutMiddle } from "../../layout.ts";
import { INDENT, createPage } from "../../repeats.ts";
import { describeRecord, listWay } from "../../request-line.ts";

/** The function that prints one. A mistake in prices.json or config.json is no reason to withhold it. */
export async function createLinePrinter(
  { env, now, out, paths }: Cli,
  options: { readonly hasService: boolean; readonly withId?: boolean },
): Promise<(record: LogRecord) => void> {
  const { loadPricer } = await import("../../../app/prices.ts");
  const pricer = await loadPricer(paths).catch(onUserError(() => null));
  // A line for a program is as long as it is.
  const width = (): number => (out.isTerminal ? out.width : Infinity);
  const page = createPage({ paint: out.paint, width, print: out.line, replace: null, now });
  const tidy = (text: string): string => showPathsIn(text, env);
  const widths = new Map<string, number>();
  return (record) => {
    const cost = pricer?.costOf(record) ?? null;
    const line = describeRecord(record, out.paint, { ...options, cost, tidy, width: width(), widths });
    const way = tellList(listWay(record).map(({ words }) => words));
    const isOneLine = !out.isTerminal || way === "";
    page.write(isOneLine && way !== "" ? t`${line}  after ${way}` : line, record.timestamp_ms);
    if (!isOneLine) out.line(out.paint("dim", cutMiddle(INDENT + t`after ${way}`, width())));
  };
}
