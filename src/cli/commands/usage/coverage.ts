// `ch usage coverage`: which turns of this project did not come through the proxy, by the clients' own session files. What
// they used is shown with --tokens, and is in no other total. The comparing is in usage/coverage.ts.
import { resolve } from "node:path";
import type { CoverageReport, SessionCoverage } from "../../../app/session/coverage.ts";
import { showPath } from "../../../base/paths.ts";
import { CLIENT_NAME, SERVICES } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { localDay, showMoment } from "../../../base/text.ts";
import { readProject } from "../../../sessions/project.ts";
import type { Tally } from "../../../usage/tally.ts";
import { JSON_ARG, LIMIT_ARG, readLimit, usageError } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { readCurrentDirectory } from "../../current-directory.ts";
import { cutPath, formatTokens, showCost } from "../../figures.ts";
import { t, tell } from "../../language.ts";
import { notePrices } from "../../price-words.ts";
import { RANGE_ARGS, readRange, warnOfRemovedPrices } from "./range.ts";

const DAYS_MS = 7 * 86_400_000;
const SHOWN = 10;
const MOST_SHOWN = 1_000_000;
const PATH_COLUMNS = 40;

export const coverageCommand = defineCommand({
  description: "find turns of this project that did not come through ch",
  examples: [
    ["ch usage coverage --since 2026-11", "this project, both clients, since November"],
    ["ch usage coverage --all --tokens", "all projects, with what these turns used"],
  ],
  args: {
    ...RANGE_ARGS,
    since: {
      ...RANGE_ARGS.since,
      description: "default 7d; also today, last-week, 2026-01, 2026-01-31T14:30",
    },
    path: { type: "string", valueHint: "DIR", description: "sessions of the project that contains DIR" },
    all: { type: "boolean", description: "sessions of all projects" },
    tokens: { type: "boolean", description: "show tokens and list prices of what did not come through" },
    ...LIMIT_ARG,
    ...JSON_ARG,
  },
  async run(args, cli) {
    if (args.all === true && args.path !== undefined)
      throw usageError(t`--all and --path cannot be used together`);
    const now = cli.now();
    const { service, since, until } = readRange(args, now);
    const limit = readLimit(args.limit, { usual: SHOWN, most: MOST_SHOWN });
    const directory = resolve(readCurrentDirectory(cli.env), args.path ?? ".");
    const project = args.all === true ? null : readProject(directory);
    const [{ readCoverage }, { loadPricer }] = await Promise.all([
      import("../../../app/session/coverage.ts"),
      import("../../../app/prices.ts"),
    ]);
    const pricer = args.tokens === true ? await loadPricer(cli.paths) : null;
    const report = await readCoverage({
      paths: cli.paths,
      services: service === undefined ? SERVICES : [service],
      project,
      since: since ?? now - DAYS_MS,
      until: until ?? Number.MAX_SAFE_INTEGER,
      costOf: pricer?.costOf ?? null,
    });
    if (args.json === true) {
      cli.out.json({ project: project?.roots[0] ?? null, ...report, until_ms: until });
    } else {
      printReport(cli, report, limit);
    }
    if (pricer === null) return;
    notePrices(cli, pricer, args.json !== true && report.clients.length > 0);
    await warnOfRemovedPrices(cli);
  },
});

function printReport(cli: Cli, report: CoverageReport, limit: number): void {
  const { out } = cli;
  const { clients, log_since_ms: logSince, since_ms: since } = report;
  if (clients.length === 0) out.note(t`no turns since ${localDay(since)}`);
  else printClients(cli, report);
  if (logSince !== null)
    out.note(
      t`turns before ${tell(showMoment(logSince, cli.now()))} are not compared: the log no longer has them`,
    );
  const missing = report.sessions.filter((session) => session.turns_missing > 0);
  if (clients.length > 0 && missing.length === 0) out.note(t`all of them came through ch`);
  if (missing.length === 0) return;
  out.line();
  printSessions(cli, missing.slice(0, limit));
  if (missing.length > limit) out.note(t`more: --limit ${2 * limit}`);
  out.note(t`where the clients send their requests: ch switch status`);
}

function printClients({ out }: Cli, { clients }: CoverageReport): void {
  const hasTokens = clients.some(({ missing }) => missing !== undefined);
  const headings = [t`client`, t`turns`, t`not through ch`, t`requests`, t`not through ch`];
  out.table(
    [...headings, ...(hasTokens ? [t`input`, t`output`, t`total`, t`cost`] : [])],
    clients.map(({ missing, service, ...counts }) => [
      CLIENT_NAME[service],
      String(counts.turns),
      String(counts.turns_missing),
      String(counts.requests),
      String(counts.requests_missing),
      ...(missing === undefined ? [] : showTally(missing)),
    ]),
  );
}

function showTally(tally: Tally): string[] {
  const { all_input_tokens: input, output_tokens: output, total_tokens: total } = tally;
  return [...[input, output, total].map(formatTokens), showCost(tally)];
}

function printSessions({ env, now, out }: Cli, sessions: readonly SessionCoverage[]): void {
  out.table(
    [t`last turn`, t`client`, t`session`, t`not through ch`, t`directory`],
    sessions.map((session) => [
      tell(showMoment(session.last_ms, now())),
      CLIENT_NAME[session.service],
      oneLine(session.id ?? "-"),
      t`${session.turns_missing} of ${session.turns}`,
      cutPath(showPath(oneLine(session.cwd ?? "-"), env), PATH_COLUMNS),
    ]),
  );
}
