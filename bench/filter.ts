// What redaction costs, as ratios taken in one run: a large Codex body with and without matches, next to parsing and
// writing the same body; time per MB of hostile bodies.  bun bench/filter.ts
import { inEnglish } from "../src/base/text.ts";
import { signText } from "../src/base/secrets.ts";
import { Book } from "../src/filter/placeholders.ts";
import { type RequestFilter, makeRequestFilter } from "../src/filter/request-filter.ts";
import { Restoring } from "../src/filter/restoring.ts";
import { NO_RULES, parseRules } from "../src/filter/rules.ts";

const ROUNDS = 101;
const MB = 1e6;

function makeCodexBody(targetBytes: number): Buffer {
  const tool = (index: number): object => ({
    type: "function",
    name: `tool_${index}`,
    description: "Reads, searches and edits files of the project. ".repeat(20),
    parameters: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
  });
  const source =
    'export function read(path: string) {\n\tif (path === "") throw new Error("é \\u001b");\n}\n';
  const turn = (index: number): object[] => [
    {
      type: "function_call",
      name: "shell",
      call_id: `call_${index}`,
      arguments: JSON.stringify({ command: ["bash", "-lc", `sed -n '1,200p' src/file-${index}.ts`] }),
    },
    { type: "function_call_output", call_id: `call_${index}`, output: `\u001b[1m${source.repeat(40)}` },
    { type: "reasoning", summary: [], encrypted_content: "gAAA".repeat(400) },
  ];
  const tools = { type: "additional_tools", tools: Array.from({ length: 30 }, (_, index) => tool(index)) };
  const input: object[] = [tools];
  for (let size = 0, index = 0; size < targetBytes - 40_000; index += 1) {
    const items = turn(index);
    input.push(...items);
    size += JSON.stringify(items).length;
  }
  return Buffer.from(JSON.stringify({ model: "gpt-6.1-sol", stream: true, input, store: false }));
}

function medianMs(run: () => unknown): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    run();
    times.push(performance.now() - start);
  }
  return times.toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? 0;
}

function makeFilter(rules: unknown): RequestFilter {
  const parsed = rules === null ? NO_RULES : parseRules(JSON.stringify(rules), "rules");
  return makeRequestFilter({
    rules: parsed,
    service: "codex",
    now: () => performance.now(),
    book: () => new Book((one) => signText("a key", one)),
  });
}

const body = makeCodexBody(560_000);
const text = body.toString();
const domains = Array.from({ length: 20 }, (_, index) => `host-${index}.your-company.com`);
const literals = domains.map((source) => ({ op: "replace", source, target: "[HOST]" }));
const anyCase = literals.map((rule) => ({ ...rule, ignore_case: true }));
const restoring = literals.map((rule, index) => (index % 4 === 0 ? { ...rule, restore: true } : rule));
const pattern = [{ op: "replace", source: "sk-[A-Za-z0-9]{20,}", target: "[KEY]", regex: true }];
// A domain in one string of 50, and all 20 in one: a session that has seen them keeps sending them.
let place = 0;
const matching = Buffer.from(text.replaceAll("src/file-", () => `src/${domains[(place += 1) % 20] ?? ""}/`));

const parseMs = medianMs(() => JSON.stringify(JSON.parse(text)));
const report = (name: string, ms: number): void =>
  console.log(`${name.padEnd(52)} ${ms.toFixed(3).padStart(9)} ms  ${(ms / parseMs).toFixed(2)}x`);
console.log(`a Codex body of ${body.length} bytes, median of ${ROUNDS}`);
report("JSON.parse + JSON.stringify", parseMs);
const cases: [string, unknown, Buffer][] = [
  ["no rules", null, body],
  ["20 literals, no match", literals, body],
  ["20 literals, matches in many strings", literals, matching],
  ["20 literals that ignore case, no match", anyCase, body],
  ["20 literals that ignore case, many matches", anyCase, matching],
  ["one pattern, no match", pattern, body],
  ["20 literals of which 5 restore, no match", restoring, body],
  ["20 literals of which 5 restore, many matches", restoring, matching],
];
for (const [name, rules, bytes] of cases) {
  const filter = makeFilter(rules);
  report(
    name,
    medianMs(() => filter.filterBody(bytes, "application/json")),
  );
}

/** The events of a long answer, as an upstream sends them, and what is done with each while a session has placeholders. */
const book = new Book((one) => signText("a key", one));
const placeholders = [...domains.slice(0, 4), String.raw`C:\Users\a "user"`].map(
  (value) => book.issue(value, false, () => true)?.text ?? "",
);
const saying = (word: string, everyNth: number): Buffer[] =>
  Array.from({ length: 2000 }, (_, place) => {
    const data = {
      type: "response.function_call_arguments.delta",
      sequence_number: place,
      item_id: "fc_1",
      output_index: 0,
      delta: place === 0 ? '{"text":"' : place % everyNth === 0 ? ` at ${word} ` : ` word \\"${place}\\",`,
    };
    return Buffer.from(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
  });
console.log("\n2,000 events of an answer, in the restorer alone");
for (const [name, stream] of [
  ["none with a placeholder", saying("", Infinity)],
  ["one of 100 with a host's", saying(placeholders[0] ?? "", 100)],
  ["one of 100 with a quoted text's", saying(placeholders.at(-1) ?? "", 100)],
] as const) {
  const ms = medianMs(() => {
    const restorer = new Restoring(book).open("text/event-stream", () => {});
    for (const event of stream) restorer?.push(event);
    restorer?.finish();
  });
  console.log(`${name.padEnd(52)} ${ms.toFixed(3).padStart(9)} ms`);
}

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
const hostile: [string, string, unknown][] = [
  ["one string of 60 MB", JSON.stringify({ a: "x host-1.your-company.com ".repeat(2_400_000) }), literals],
  ["60 MB without a match", JSON.stringify({ a: "lorem ipsum ".repeat(5_000_000) }), literals],
  ["100,000 levels of arrays", `${"[".repeat(1e5)}"ab"${"]".repeat(1e5)}`, [{ op: "remove", source: "ab" }]],
  [
    "aaa…bbb, remove ab",
    JSON.stringify(`${"a".repeat(5e6)}${"b".repeat(5e6)}`),
    [{ op: "remove", source: "ab" }],
  ],
  [
    "every character escaped",
    `"${"host-1.your-company.com ".split("").map(escaped).join("").repeat(7e4)}"`,
    literals,
  ],
  ["backslashes", JSON.stringify("\\".repeat(5e6)), [{ op: "remove", source: "\\/" }]],
  [
    "(a+)+$ on aaa…",
    JSON.stringify(`${"a".repeat(5e6)}!`),
    [{ op: "remove", source: "(a+)+$", regex: true }],
  ],
  [
    "x[^y]*y|x on xxx…",
    JSON.stringify("x".repeat(1e6)),
    [{ op: "remove", source: "x[^y]*y|x", regex: true }],
  ],
  [
    "(.{0,240}){2}q",
    JSON.stringify("a q".repeat(3e5)),
    [{ op: "remove", source: "(.{0,240}){2}q", regex: true }],
  ],
];
console.log("\nhostile bodies, once each");
for (const [name, json, rules] of hostile) {
  const bytes = Buffer.from(json);
  const start = performance.now();
  const result = makeFilter(rules).filterBody(bytes, "application/json");
  const ms = performance.now() - start;
  const mb = bytes.length / MB;
  const perMb = (ms / mb).toFixed(1).padStart(9);
  console.log(`${name.padEnd(28)} ${mb.toFixed(1).padStart(6)} MB ${perMb} ms/MB  ${describe(result)}`);
}

function describe(result: ReturnType<RequestFilter["filterBody"]>): string {
  return result.kind === "ok"
    ? `${result.hits.reduce((sum, hits) => sum + hits, 0)} hits`
    : inEnglish(result.message);
}
