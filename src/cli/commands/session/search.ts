// `ch session search`: finds a text in prompts and answers, and prints each session as soon as it has a hit.
import { t } from "../../language.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { readFacts } from "../../../sessions/facts.ts";
import { findSessions } from "../../../sessions/find.ts";
import { type SearchHit, makeNeedle, searchSession } from "../../../sessions/search.ts";
import { readLimit, JSON_ARG, LIMIT_ARG } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { alignRows } from "../../layout.ts";
import { stdoutWidth } from "./pager.ts";
import { QUERY_ARGS, makeQuery, noteNothing } from "./query.ts";
import { makeSessionJson, readSwitches, renderSessions } from "./session-lines.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000_000;
/** Hits that are shown of one session. */
const MAX_HITS = 3;
/** Characters shown before a match, so that it is in view. */
const LEAD = 30;
const MAX_LINE = 300;

export const searchCommand = defineCommand({
  description: "search prompts and answers for a text, latest first",
  examples: [
    ["ch session search 'flaky test'", "in the sessions of this project"],
    ["ch session search TODO --match-case --all --since 30d", "in all projects, the last 30 days"],
  ],
  args: {
    text: { type: "positional", required: true, description: "the text to find, taken literally" },
    "match-case": { type: "boolean", description: "case-sensitive" },
    limit: { ...LIMIT_ARG.limit, description: "show at most N sessions" },
    ...QUERY_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const limit = readLimit(args.limit, { usual: DEFAULT_LIMIT, most: MAX_LIMIT });
    const query = await makeQuery(cli, args);
    const { text } = args;
    const needle = makeNeedle(text, args["match-case"] === true);
    const found: unknown[] = [];
    const services = query.formats.map(({ service }) => service);
    const switches = await readSwitches(cli, args.json === true ? services : []);
    let count = 0;
    for (const session of findSessions(query)) {
      const hits = [...searchSession(session, needle)];
      if (hits.length === 0) continue;
      const facts = readFacts(session);
      if (args.json === true)
        found.push({ ...makeSessionJson(facts, cli, switches), hits: hits.map(jsonOf) });
      else {
        if (count > 0) cli.out.line();
        cli.out.line([...renderSessions([facts], cli, query), ...renderHits(hits, cli)].join("\n"));
      }
      if (++count === limit) break;
    }
    if (args.json === true) cli.out.json({ text, sessions: found });
    if (count > 0) return 0;
    noteNothing(cli, query, text);
    return 1;
  },
});

function renderHits(hits: readonly SearchHit[], { out }: Cli): string[] {
  const rows = hits.slice(0, MAX_HITS).map((hit) => {
    const who = hit.kind === "prompt" ? t`you` : t`answer`;
    return [`  ${out.paint("dim", who)}`, showLine(hit, (match) => out.paint("yellow", match))];
  });
  const rest = hits.length - rows.length;
  const more = rest > 0 ? [["", out.paint("dim", rest === 1 ? t`and 1 more` : t`and ${rest} more`)]] : [];
  return alignRows([...rows, ...more], stdoutWidth(out));
}

/** The match in its line; the line's beginning is left out where the match would not be seen. */
function showLine({ line, start, length }: SearchHit, mark: (match: string) => string): string {
  const from = Math.max(0, start - LEAD);
  const before = oneLine(`${line.slice(from, start)}|`).slice(0, -1);
  const match = oneLine(line.slice(start, start + length));
  const after = oneLine(`|${line.slice(start + length, start + length + MAX_LINE)}`).slice(1);
  return `${from > 0 ? "…" : ""}${before}${mark(match)}${after}`;
}

function jsonOf({ kind, at, line }: SearchHit): Readonly<Record<string, unknown>> {
  return {
    role: kind === "prompt" ? "user" : "assistant",
    at: at === null ? null : new Date(at).toISOString(),
    line,
  };
}
