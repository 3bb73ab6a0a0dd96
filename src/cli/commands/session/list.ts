// `ch session list`: the sessions of this project, the latest first.
import { t } from "../../language.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { readFacts } from "../../../sessions/facts.ts";
import { type SessionQuery, findSessions } from "../../../sessions/find.ts";
import type { SessionFacts } from "../../../sessions/session.ts";
import { readLimit, JSON_ARG, LIMIT_ARG } from "../../args.ts";
import { defineCommand } from "../../cli.ts";
import { QUERY_ARGS, makeQuery, noteNothing } from "./query.ts";
import { type SessionJson, makeSessionJson, readSwitches, renderSessions } from "./session-lines.ts";

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 1_000_000;
/** The columns are a contract (docs/sessions.md). */
const TSV_COLUMNS = [
  "updated_at",
  "service",
  "id",
  "turns",
  "model",
  "branch",
  "cwd",
  "provider",
  "first_prompt",
] as const;

export const listCommand = defineCommand({
  description: "list the sessions of this project, latest first",
  examples: [
    ["ch session list --since 12h", "sessions of the last 12 hours"],
    ["ch session list --all --all-services", "all projects, both clients"],
  ],
  args: {
    ...LIMIT_ARG,
    ...QUERY_ARGS,
    tsv: { type: "boolean", description: "one session per line, cells separated by tabs" },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const limit = readLimit(args.limit, { usual: DEFAULT_LIMIT, most: MAX_LIMIT });
    const query = await makeQuery(cli, args);
    const { sessions, isMore } = readSessions(query, limit);
    if (args.json === true) {
      const project = query.project?.roots[0] ?? null;
      const switches = await readSwitches(
        cli,
        sessions.map(({ file }) => file.format.service),
      );
      cli.out.json({ project, sessions: sessions.map((facts) => makeSessionJson(facts, cli, switches)) });
    } else if (args.tsv === true) {
      cli.out.line(TSV_COLUMNS.join("\t"));
      for (const facts of sessions) cli.out.line(makeTsvLine(makeSessionJson(facts, cli, new Map())));
    } else {
      if (sessions.length > 0) cli.out.line(renderSessions(sessions, cli, query).join("\n"));
      if (isMore) cli.out.note(t`more: --limit ${2 * limit}`);
    }
    if (sessions.length === 0) noteNothing(cli, query);
  },
});

function readSessions(query: SessionQuery, limit: number) {
  const sessions: SessionFacts[] = [];
  let isMore = false;
  for (const session of findSessions(query)) {
    const facts = readFacts(session);
    if (facts.isLocalOnly) continue;
    isMore = sessions.length === limit;
    if (isMore) break;
    sessions.push(facts);
  }
  return { sessions, isMore };
}

function makeTsvLine(session: SessionJson): string {
  return TSV_COLUMNS.map((column) => oneLine(String(session[column] ?? ""))).join("\t");
}
