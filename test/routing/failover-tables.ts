// The tables of docs/failover.md, made from the classifier's own rows. `bun test/routing/failover-tables.ts` writes them
// anew.
import { KEPT_LENGTH_BYTES } from "../../src/proxy/answer.ts";
import { LINGER_MS, PING_IDLE_TIMES } from "../../src/proxy/deliver.ts";
import { HEARTBEAT_SECS, OTHERS_HEAD_SECS } from "../../src/proxy/heartbeat.ts";
import { HOLD_BYTES } from "../../src/proxy/gate.ts";
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
import { SERVICE_FACTS, SERVICES, type Service } from "../../src/base/service.ts";
import { type Endpoint, ENDPOINTS } from "../../src/proxy/endpoints.ts";
import { makeErrorEvent, makeErrorResponse } from "../../src/proxy/local-error.ts";
import { makeFinalAnswer } from "../../src/routing/final-answer.ts";
import { DROPPABLE } from "../../src/routing/droppable.ts";
import { OWN_FAULTS } from "../../src/routing/own-faults.ts";
import type { Rule } from "../../src/routing/rule.ts";
import type { Blame, Verdict } from "../../src/routing/types.ts";
import { EVENT_ROWS, type EventKind, HELD_ROW } from "../../src/usage/stream-events.ts";
import { makeMarkdownTable, replaceBetween } from "../helpers/markdown-table.ts";
import { makeVerdict, NOW } from "../helpers/routing.ts";
import { makeUpstream } from "../helpers/upstream.ts";

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
  proxy: "the outbound proxy: one failure, never sent",
  way: "the outbound proxy, unless it led to another host since",
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
  elsewhere: "one other upstream; if it says the same, the client sees it",
};

const FINAL_MARKS = ["<!-- the final answers: begin -->", "<!-- the final answers: end -->"] as const;
const ENDPOINT_MARKS = ["<!-- the endpoints: begin -->", "<!-- the endpoints: end -->"] as const;
const EVENT_MARKS = ["<!-- what an answer is: begin -->", "<!-- what an answer is: end -->"] as const;
const FAULT_MARKS = [
  "<!-- the request's own faults: begin -->",
  "<!-- the request's own faults: end -->",
] as const;
const DROP_MARKS = ["<!-- what may be left out: begin -->", "<!-- what may be left out: end -->"] as const;
const MARKS = ["<!-- the classifier's rows: begin -->", "<!-- the classifier's rows: end -->"] as const;

/** The document with its tables as the code has them. Throws where the marks are missing. */
export async function withTables(text: string): Promise<string> {
  const made = [
    [MARKS, makeTables()],
    [ENDPOINT_MARKS, makeEndpointTable()],
    [EVENT_MARKS, makeAnswerTables()],
    [FAULT_MARKS, makeFaultTable()],
    [DROP_MARKS, makeDropTable()],
    [FINAL_MARKS, await makeFinalAnswerTable()],
  ] as const;
  return made.reduce((so, [marks, table]) => replaceBetween(so, marks, table), text);
}

const FAILED = "a failed attempt";
const MEANING: Readonly<Record<EventKind, string>> = {
  held: "held",
  output: "output",
  error: FAILED,
  failed: FAILED,
  finish: "the model has finished: with output tokens counted it is output, else held",
  completed: "the end: with content or output tokens counted it is output, else an empty answer",
  incomplete: "the end: with content or output tokens counted it is output, else an empty answer",
};

function makeAnswerTables(): string {
  const apis = { responses: "Responses", messages: "Messages", chat: "Chat Completions" } as const;
  const rows = Object.entries(apis).flatMap(([api, name]) =>
    EVENT_ROWS[api as keyof typeof apis].map(({ kind, seen }) => [name, seen, MEANING[kind]]),
  );
  return [
    makeMarkdownTable([["API", "event", "it is"], ...rows, ["all", HELD_ROW.seen, MEANING[HELD_ROW.kind]]]),
    makeMarkdownTable([["what", "rule"], ...HOLD_ROWS]),
  ].join("\n\n");
}

const WAITS = SERVICES.map((service) => SERVICE_FACTS[service])
  .map(({ headSecs, name }) => `${headSecs} s (${name})`)
  .join(", ");

/** What no row of an event says, with the figures of the code. */
const HOLD_ROWS: readonly (readonly [what: string, rule: string])[] = [
  [
    "a JSON document",
    "output if any of its items, blocks or choices shows something or it counts output tokens; it is not empty while its `status` is `queued` or `in_progress`",
  ],
  [
    "an end that names a refusal or a full context",
    "output, with no text too: the client shows it (`stop_reason` `refusal` or `model_context_window_exceeded`, `finish_reason` or `incomplete_details` `content_filter`)",
  ],
  ["the model's first count in `message_start`", "counts nothing: it is made before there is any output"],
  ["an `error` without a word or a code in it", 'is none (`{}`, `{"message": "", "code": null}`)'],
  ["every upstream answers empty", "the last empty answer is passed on as it came"],
  [
    "the prologue",
    `up to ${HOLD_BYTES / 2 ** 20} MiB are held, counted decoded; an answer that is longer without any output is passed on`,
  ],
  ["time", "no answer is passed on because of the time it takes"],
  ["no event", "within `first_byte_secs`: `first-byte-timeout`"],
  [
    "after the first event",
    "`first_byte_secs` does not apply any more; without a new event within `idle_secs`: `stalled`. Comments, blank lines, repeated pings, repeated echoes and repeated empty deltas are not new",
  ],
  [
    "the client meanwhile",
    `waits without a head for ${WAITS} or ${OTHERS_HEAD_SECS} s (others); then it gets one, a keep-alive event each ${HEARTBEAT_SECS} s, and the final answer as an event of the stream`,
  ],
  [
    "silence after output",
    `the answer is cut after \`idle_secs\` with nothing but comments and blank lines; pings keep it alive for ${PING_IDLE_TIMES} times \`idle_secs\``,
  ],
  [
    "the end of a Chat Completions stream",
    "`[DONE]`, or a `finish_reason` for every choice that was begun; what breaks off before that is cut",
  ],
  [
    "after the end of the API",
    `(\`response.completed\`, \`message_stop\`, \`[DONE]\`) an upstream that keeps its connection open is left after ${LINGER_MS / 1000} s; comments that follow change nothing`,
  ],
  [
    "after a reason for the end alone",
    "(`stop_reason`, `finish_reason`) the stream goes on until the upstream ends it, or for `idle_secs`",
  ],
  [
    "what a body is",
    "its first character says it, not its `Content-Type`: `<` a web page, `{` or `[` JSON, anything else events",
  ],
  [
    "the wrong form",
    "events for `stream: false`, or one JSON document for `stream: true`: the next upstream. Where no other answers, a document is made of the events, or events of the document, if nothing is lost; else it is passed on as it is. Chat Completions are always passed on as they are",
  ],
  [
    "`Content-Encoding`",
    "`gzip`, `deflate` (with or without its zlib header), `br`, `zstd`, and up to four in a row; other registered codings cannot be undone and are a failed attempt; any other word (`none`, `utf-8`, `binary`) is no coding; a turn's answer that begins as gzip without any is decoded",
  ],
  ["`Accept-Encoding`", "a coding that the client does not accept, or with `q=0`, is undone for it"],
  [
    "`Content-Length`",
    `kept for \`HEAD\`, and for a body of known length up to ${KEPT_LENGTH_BYTES / 2 ** 20} MiB that is not a turn's; longer ones are sent in chunks`,
  ],
  ["`Upgrade`", "a WebSocket is refused with 426; any other upgrade is ignored"],
  ["`Trailer`, `Expect`", "`Trailer` is passed on, trailers are not; `Expect` is answered here"],
];

function makeFaultTable(): string {
  const rows = OWN_FAULTS.map(({ id, seen, signal, sources }) => [
    `\`${id}\``,
    `${signal} (${seen})`,
    sources.map((url, index) => `[${index + 1}](${url})`).join(" "),
  ]);
  return makeMarkdownTable([["rule", "what is seen (from whom)", "sources"], ...rows]);
}

const KIND = { beta: "`anthropic-beta`", field: "field", header: "header", tool: "tool" } as const;

function makeDropTable(): string {
  const rows = DROPPABLE.map(({ fields = [], kind, name, reason, source, unless = [], values }) => [
    KIND[kind],
    [`\`${name}\``, ...fields.map((field) => `with \`${field}\``)].join(" "),
    [
      reason,
      ...(values === undefined ? [] : [`only ${values.join(", ")}`]),
      ...(unless.length === 0 ? [] : [`not with ${unless.map((path) => `\`${path}\``).join(", ")}`]),
      ...(kind === "tool" ? ["not where it is the only tool"] : []),
    ].join("; "),
    `[source](${source})`,
  ]);
  return makeMarkdownTable([["what", "name", "what is lost", ""], ...rows]);
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

function headWithinOf({ counts, headWithin }: Endpoint): string {
  if (typeof headWithin === "number") return `${headWithin / 1_000} s`;
  return counts === "no" ? `\`${headWithin}\`` : `\`${headWithin}\`, not streamed \`non_stream_secs\``;
}

function makeEndpointTable(): string {
  const rows = ENDPOINTS.map((endpoint) => [
    endpoint.shown,
    JUDGED[endpoint.judged],
    AMBIGUOUS[endpoint.keeps],
    COUNTS[endpoint.counts],
    headWithinOf(endpoint),
  ]);
  return makeMarkdownTable([
    ["request", "is a 2xx judged?", "fails over", "changes availability?", "headers within"],
    ...rows,
  ]);
}

/** What all upstreams did, in one word each. */
const STATES: readonly (readonly [what: string, verdict: Partial<Verdict>])[] = [
  ["down", { blame: "failure" }],
  ["rate limited, for 20 s", { blame: "cooldown", until: NOW + 20_000 }],
  ["out of quota, for 2 h", { blame: "exhausted", until: NOW + 7_200_000 }],
  ["credential refused, key missing", { rule: "credential", blame: "auth-dead", until: NOW + 300_000 }],
];

/**
 * Measured with Codex 0.169.0 and 0.171.0, Claude Code 2.1.330 and 2.1.332; `bun bench/outage.ts` shows that they survive. In the
 * order of STATES.
 */
const SEEN: Readonly<Record<Service, readonly string[]>> = {
  codex: [
    "asks 30 times, over 290 s at 10 s each; shows the words after the fifth",
    "asks 30 times, each after the stated time; shows the words after the fifth",
    "asks once; shows the words beside its own, with the time of the reset",
    "asks once; shows the words",
  ],
  claude: [
    "asks 11 times, over 215 s at 10 s each; shows the words at each",
    "asks 11 times, each after the stated time or later; shows the words at each",
    "asks once; shows the words",
    "asks once; shows the words",
  ],
};

async function makeFinalAnswerTable(): Promise<string> {
  const rows: string[][] = [];
  for (const service of SERVICES)
    for (const [place, [what, verdict]] of STATES.entries()) {
      const final = makeFinalAnswer({
        service,
        isOwnClient: true,
        isNeutral: false,
        now: NOW,
        tried: [{ upstream: makeUpstream({ service }), verdict: makeVerdict(verdict) }],
        candidates: [],
      });
      const retryAfterSecs = verdict.blame === "failure" ? "1 to 10" : final.retryAfterSecs;
      const make = (): Response => makeErrorResponse(service, { ...final, message: "..." });
      const answer = make();
      const event = await makeErrorEvent(SERVICE_FACTS[service].api, make());
      const { error } = (await answer.json()) as { error: { type: string } };
      const said = /"(?:code|type)":"(?!error"|response)[a-z_]+"/.exec(event)?.[0] ?? "";
      rows.push([
        SERVICE_FACTS[service].name,
        what,
        [
          `${answer.status} \`${error.type}\``,
          ...(retryAfterSecs === undefined ? [] : [`\`Retry-After: ${retryAfterSecs}\``]),
          ...(answer.headers.has("x-should-retry") ? ["`x-should-retry: false`"] : []),
          ...(answer.headers.has("x-codex-promo-message") ? ["`x-codex-promo-message`"] : []),
        ].join(", "),
        SEEN[service][place] ?? "",
        `\`${said.replaceAll('"', "").replace(":", ": ")}\`${event.includes("try again in") ? ", the time in its words" : ""}`,
      ]);
    }
  return makeMarkdownTable([
    ["client", "all upstreams are", "answer", "what the client does", "once the stream has begun"],
    ...rows,
  ]);
}

if (import.meta.main) {
  await Bun.write(FAILOVER_DOC_PATH, await withTables(await Bun.file(FAILOVER_DOC_PATH).text()));
}
