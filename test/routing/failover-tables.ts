// The tables of docs/failover.md, made from the classifier's own rows. `bun test/routing/failover-tables.ts` writes them
// anew.
import { RULES } from "../../src/routing/classify-rules.ts";
import {
  ACCOUNT_RULES,
  ANSWER_RULES,
  CONNECTION_RULES,
  CREDENTIAL_RULES,
  LAST_RULES,
  LEFTOVER_RULES,
  PAGE_RULES,
  REQUEST_RULES,
} from "../../src/routing/classify-rules.ts";
import { type Endpoint, ENDPOINTS } from "../../src/proxy/endpoints.ts";
import type { Rule } from "../../src/routing/rule.ts";
import type { Blame } from "../../src/routing/types.ts";
import { makeMarkdownTable, replaceBetween } from "../helpers/markdown-table.ts";

export const FAILOVER_DOC_PATH = `${import.meta.dir}/../../docs/failover.md`;

/** Section by section, in the order in which the rows are tried. */
export const SECTIONS: readonly (readonly [title: string, rules: readonly Rule[]])[] = [
  ["The connection", CONNECTION_RULES],
  ["The request itself", REQUEST_RULES],
  ["The account", ACCOUNT_RULES],
  ["A web page instead of an answer", PAGE_RULES],
  ["The credential", CREDENTIAL_RULES],
  ["The answer", ANSWER_RULES],
  ["Other refusals", LEFTOVER_RULES],
  ["Other errors", LAST_RULES],
];

const BLAME: Readonly<Record<Blame, string>> = {
  none: "-",
  failure: "one failure",
  "never-sent": "one failure, never sent",
  "first-byte": "one failure, first byte",
  tls: "the breaker opens at once",
  cooldown: "rate limited",
  exhausted: "out of quota",
  "auth-dead": "credential refused",
  model: "this model only",
};

const NEXT: Readonly<Record<Rule["next"], string>> = {
  next: "the next upstream",
  terminal: "the client sees it",
  repair: "the same upstream, request repaired",
};

const ENDPOINT_MARKS = ["<!-- the endpoints: begin -->", "<!-- the endpoints: end -->"] as const;
const MARKS = ["<!-- the classifier's rows: begin -->", "<!-- the classifier's rows: end -->"] as const;

/** The document with its tables as the code has them. Throws where the marks are missing. */
export function withTables(text: string): string {
  return replaceBetween(replaceBetween(text, MARKS, makeTables()), ENDPOINT_MARKS, makeEndpointTable());
}

function makeTables(): string {
  if (SECTIONS.flatMap(([, rules]) => rules).some((rule, index) => rule !== RULES[index]))
    throw new Error("the sections are not the rows in their order");
  return SECTIONS.map(([title, rules]) => `### ${title}\n\n${makeTable(rules)}`).join("\n\n");
}

function makeTable(rules: readonly Rule[]): string {
  const rows = rules.map((rule) => [
    `\`${rule.id}\``,
    `${rule.signal} (${rule.seen})`,
    NEXT[rule.next],
    rule.retryClass,
    BLAME[rule.blame],
    rule.until.words,
  ]);
  return makeMarkdownTable([
    ["rule", "what is seen (from whom)", "then", "class", "counted as", "how long"],
    ...rows,
  ]);
}

const JUDGED: Readonly<Record<Endpoint["judged"], string>> = {
  turn: "held until it shows output",
  data: "a web page, an empty body, an error in a 200",
  no: "no",
};

const AMBIGUOUS: Readonly<Record<Endpoint["keeps"], string>> = {
  nothing: "A, B, C",
  "if-asked": "A, B; C unless `store` or `background` is set",
  something: "A, B",
};

const COUNTS: Readonly<Record<Endpoint["counts"], string>> = {
  yes: "yes",
  "if-served": "yes, except for 404, 405 and 501",
  no: "no",
};

function makeEndpointTable(): string {
  const rows = ENDPOINTS.map((endpoint) => [
    endpoint.shown,
    JUDGED[endpoint.judged],
    AMBIGUOUS[endpoint.keeps],
    COUNTS[endpoint.counts],
  ]);
  return makeMarkdownTable([["request", "is a 2xx judged?", "fails over", "changes availability?"], ...rows]);
}

if (import.meta.main) {
  await Bun.write(FAILOVER_DOC_PATH, withTables(await Bun.file(FAILOVER_DOC_PATH).text()));
}
