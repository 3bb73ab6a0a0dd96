// Where Claude Code says that it works: in its system prompt, and in messages of the system, which a conversation has where that
// changes. What anybody else can put into a request (a prompt, a file, the output of a tool) is none of these.
// Pure.
import { isRecord } from "../../base/json-value.ts";
import { readTexts, unescapeMarkup } from "../../sessions/record-text.ts";
import type { Whereabouts } from "../client.ts";

const DIRECTORY = /^[ \t]*(?:- )?(?:Primary w|W)orking directory: (\S.*)$/gm;
const ADDITIONAL = /^[ \t]*(?:- )?Additional working directories:(.*)\n((?:[ \t]{2,}- \S.*\n?)*)/gm;
/** What comes right before the line. */
const HEADING = /(?:^|\n)(?:# Environment(?: update)?|<env>)\n(?:[^\n]*environment[^\n]*\n)?$/;
const HEADING_CHARS = 200;
const UPDATE = "# Environment update";
const MOVED = /^(.*) \(was (.*)\)$/;

export const claudeWhereabouts: Whereabouts = {
  marks: ["orking directory: ", "orking directories:"],
  hints: [],
  mixesSessions: () => false,
  readHeaders: () => [],
  readBody(body) {
    const messages: readonly unknown[] = Array.isArray(body["messages"]) ? body["messages"] : [];
    const said = messages.flatMap((message) =>
      isRecord(message) && message["role"] === "system" ? textsOf(message["content"]) : [],
    );
    return { repositories: [], places: [...textsOf(body["system"]), ...said].flatMap(readPlaces) };
  },
};

function textsOf(content: unknown): readonly string[] {
  const parts: readonly unknown[] = Array.isArray(content) ? content : [content];
  return parts.map((part) => readTexts(typeof part === "string" ? part : [part]));
}

/** What stands under the heading is Claude Code's own; what is like it elsewhere may be a skill's or an agent's, and is held against the request. */
function readPlaces(text: string) {
  const isUpdate = text.startsWith(UPDATE);
  const lines = [...text.matchAll(DIRECTORY)];
  const own = lines.findLast(({ index }) =>
    HEADING.test(text.slice(Math.max(0, index - HEADING_CHARS), index)),
  );
  const namesIn = ([, line = ""]: readonly string[]): string[] => {
    const moved = isUpdate ? MOVED.exec(line.trim()) : null;
    return moved === null ? [line.trim()] : [moved[1] ?? "", moved[2] ?? ""];
  };
  const [cwd, ...before] = own === undefined ? [] : namesIn(own);
  const additional = [...text.matchAll(ADDITIONAL)].flatMap(([, beside = "", below = ""]) =>
    [...beside.split(","), ...below.split(/\n[ \t]*- |^[ \t]*- /)].flatMap((line) => line.trim() || []),
  );
  const others = [...before, ...lines.filter((line) => line !== own).flatMap(namesIn), ...additional];
  if (cwd === undefined && others.length === 0) return [];
  return [{ cwd: cwd === undefined ? null : unescapeMarkup(cwd), others: others.map(unescapeMarkup) }];
}
