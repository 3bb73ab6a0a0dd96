// Searches the sessions of a query and prints each as soon as it has a hit.
import { makeResumeFrom } from "../../../app/session/resume.ts";
import { t } from "../../../base/language.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { readFacts } from "../../../sessions/facts.ts";
import { type SessionQuery, findSessions } from "../../../sessions/find.ts";
import { type SearchHit, makeNeedle, searchSession } from "../../../sessions/search.ts";
import type { Cli } from "../../cli.ts";
import { readHere } from "./here.ts";
import { alignRows } from "../../output.ts";
import { stdoutWidth } from "./pager.ts";
import { makeSessionJson, renderSessions } from "./session-lines.ts";

export interface SearchRequest {
  readonly query: SessionQuery;
  readonly text: string;
  /** Sessions to show. */
  readonly limit: number;
  readonly mindsCase: boolean;
  readonly asJson: boolean;
}

/** Hits that are shown of one session. */
const MOST_HITS = 3;
/** What is shown before a match, so that it stands in view. */
const LEAD = 30;
const MOST_LINE = 300;

/** Whether there was any. */
export function searchSessions(cli: Cli, request: SearchRequest): boolean {
  const { query, limit, text, asJson } = request;
  const needle = makeNeedle(text, request.mindsCase);
  const context = { cli, project: query.project, showsService: query.services.length > 1 };
  const found: unknown[] = [];
  let count = 0;
  for (const place of findSessions(query)) {
    const hits = [...searchSession(place, needle)];
    if (hits.length === 0) continue;
    const facts = readFacts(place);
    if (asJson)
      found.push({
        ...makeSessionJson(facts, makeResumeFrom(facts, readHere(cli.env))),
        hits: hits.map(jsonOf),
      });
    else {
      if (count > 0) cli.out.line();
      cli.out.line([...renderSessions([facts], context), ...renderHits(hits, cli)].join("\n"));
    }
    if (++count === limit) break;
  }
  if (asJson) cli.out.json({ text, sessions: found });
  return count > 0;
}

function renderHits(hits: readonly SearchHit[], { out }: Cli): string[] {
  const rows = hits.slice(0, MOST_HITS).map((hit) => {
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
  const after = oneLine(`|${line.slice(start + length, start + length + MOST_LINE)}`).slice(1);
  return `${from > 0 ? "…" : ""}${before}${mark(match)}${after}`;
}

function jsonOf({ kind, at, line }: SearchHit): Readonly<Record<string, unknown>> {
  return {
    role: kind === "prompt" ? "user" : "assistant",
    at: at === null ? null : new Date(at).toISOString(),
    line,
  };
}
