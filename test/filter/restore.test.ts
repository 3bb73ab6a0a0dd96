import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Book } from "../../src/filter/placeholders.ts";
import { makeRequestFilter } from "../../src/filter/request-filter.ts";
import { createSessionBooks, Restoring } from "../../src/filter/restoring.ts";
import { parseRules } from "../../src/filter/rules.ts";
import { expectOk, JSON_TYPE, makeBook } from "./filtered.ts";
import { readAnswerFiles, textOf } from "../helpers/answer-file.ts";
import { cycle, NODE, UNIT, WAYS, write } from "./rules-arbitrary.ts";

const HOST = "db.your-company.com";
const PATH = "C:\\Users\\alice";
const KEY = '-----BEGIN "x" \\ \n\tqq=\n-----END';
const RULES = [
  { op: "replace", source: HOST, restore: true, ignore_case: true },
  { op: "replace", source: PATH, restore: true },
  { op: "replace", source: KEY, restore: true },
  { op: "replace", source: "/home/alice/", restore: true },
  { op: "replace", source: "[a-z]+@[a-z]+\\.example", regex: true, restore: true },
  { op: "replace", source: "\\b10\\.\\d+\\.\\d+\\.\\d+", regex: true, restore: true },
];

interface Session {
  readonly book: Book;
  readonly redact: (body: string) => string;
}

function open(rules: unknown = RULES, book = makeBook()): Session {
  const filter = makeRequestFilter({
    rules: parseRules(JSON.stringify(rules), "filter.json"),
    service: "codex",
    now: () => performance.now(),
    book: () => book,
  });
  return {
    book,
    redact: (body) => Buffer.from(expectOk(filter.filterBody(Buffer.from(body), JSON_TYPE)).value).toString(),
  };
}

/** A text as it leaves in a request. */
const redactText = ({ redact }: Session, text: string): string =>
  (JSON.parse(redact(JSON.stringify({ input: text }))) as { input: string }).input;

/** All that comes of bytes given in pieces of these sizes. */
function pass(book: Book, bytes: Uint8Array, sizes: readonly number[] = []): Uint8Array {
  const restorer = new Restoring(book).open("text/event-stream", () => {});
  const out: Uint8Array[] = [];
  let at = 0;
  for (let n = 0; at < bytes.length; n += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[n % sizes.length] ?? 1);
    out.push(...(restorer?.push(bytes.subarray(at, at + size)) ?? []));
    at += size;
  }
  out.push(...(restorer?.finish() ?? []));
  return Buffer.concat(out);
}

interface ApiShape {
  /** The events of an answer that says a text in pieces, and again as a whole where the API does. */
  readonly events: (pieces: readonly string[]) => string;
  /** What a client makes of them: each form in which the text is said. */
  readonly read: (events: readonly unknown[]) => readonly string[];
}

const sse = (events: readonly object[], named = true): string =>
  events
    .map((event) => {
      const name = named && "type" in event ? `event: ${String(event.type)}\n` : "";
      return `${name}data: ${JSON.stringify(event)}\n\n`;
    })
    .join("");

const APIS: Readonly<Record<string, ApiShape>> = {
  "text of Responses": {
    events: (pieces) => {
      const at = { item_id: "m", output_index: 0, content_index: 0 };
      const text = pieces.join("");
      const item = { type: "message", content: [{ type: "output_text", text }] };
      return sse([
        ...pieces.map((delta) => ({ type: "response.output_text.delta", ...at, delta })),
        { type: "response.output_text.done", ...at, text },
        { type: "response.output_item.done", output_index: 0, item },
        { type: "response.completed", response: { id: "r", output: [item], usage: { input_tokens: 1 } } },
      ]);
    },
    read: (events) => [
      joined(events, "delta"),
      ...all(events, "text"),
      ...all(events, "item", "content", 0, "text"),
      ...all(events, "response", "output", 0, "content", 0, "text"),
    ],
  },
  "arguments of Responses": {
    events: (pieces) => {
      const at = { item_id: "f", output_index: 0 };
      const whole = pieces.join("");
      return sse([
        ...pieces.map((delta) => ({ type: "response.function_call_arguments.delta", ...at, delta })),
        { type: "response.function_call_arguments.done", ...at, arguments: whole },
        {
          type: "response.output_item.done",
          output_index: 0,
          item: { type: "function_call", arguments: whole },
        },
      ]);
    },
    read: (events) => [
      joined(events, "delta"),
      ...all(events, "arguments"),
      ...all(events, "item", "arguments"),
    ],
  },
  "text of Messages": {
    events: (pieces) =>
      sse([
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        ...pieces.map((text) => ({
          type: "content_block_delta",
          index: 0,
          delta: { type: "text_delta", text },
        })),
        { type: "content_block_stop", index: 0 },
        { type: "message_delta", delta: { stop_reason: "end_turn" } },
      ]),
    read: (events) => [joined(events, "delta", "text")],
  },
  "input of Messages": {
    events: (pieces) =>
      sse([
        { type: "content_block_start", index: 1, content_block: { type: "tool_use", id: "t", input: {} } },
        ...pieces.map((json) => ({
          type: "content_block_delta",
          index: 1,
          delta: { type: "input_json_delta", partial_json: json },
        })),
        { type: "content_block_stop", index: 1 },
      ]),
    read: (events) => [joined(events, "delta", "partial_json")],
  },
  "unsigned thoughts of Messages": {
    events: (pieces) =>
      sse([
        { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
        ...pieces.map((thinking) => ({
          type: "content_block_delta",
          index: 0,
          delta: { type: "thinking_delta", thinking },
        })),
        { type: "content_block_stop", index: 0 },
      ]),
    read: (events) => [joined(events, "delta", "thinking")],
  },
  "text and tool calls of Chat": {
    events: (pieces) =>
      sse(
        pieces.map((content, n) => ({
          choices: [
            {
              index: 0,
              delta: {
                role: "assistant",
                content,
                reasoning_content: content,
                tool_calls: [{ index: 3, id: "c", function: { name: "f", arguments: content } }],
              },
              finish_reason: n === pieces.length - 1 ? "stop" : null,
            },
          ],
        })),
        false,
      ) + "data: [DONE]\n\n",
    read: (events) => [
      joined(events, "choices", 0, "delta", "content"),
      joined(events, "choices", 0, "delta", "reasoning_content"),
      joined(events, "choices", 0, "delta", "tool_calls", 0, "function", "arguments"),
    ],
  },
};

/** The strings at a place of the events, of those that have one. */
const all = (events: readonly unknown[], ...path: readonly (string | number)[]): string[] =>
  events.flatMap((event) => {
    const found = path.reduce<unknown>(
      (at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined),
      event,
    );
    return typeof found === "string" ? [found] : [];
  });

const joined = (events: readonly unknown[], ...path: readonly (string | number)[]): string =>
  all(events, ...path).join("");

function readEvents(bytes: Uint8Array): unknown[] {
  return Buffer.from(bytes)
    .toString()
    .split("\n\n")
    .flatMap((event) => {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      return data === undefined || data === "data: [DONE]" ? [] : [JSON.parse(data.slice(6)) as unknown];
    });
}

/** Cuts a text into pieces anywhere, also within a placeholder, an escape or a pair of surrogates' text. */
function cutText(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0, n = 0; at < text.length; n += 1) {
    let size = sizes[n % sizes.length] ?? 1;
    // Half of a pair has no UTF-8.
    if (/[\ud800-\udbff]/.test(text.charAt(at + size - 1))) size += 1;
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces.length === 0 ? [""] : pieces;
}

const WORD = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(HOST, HOST.toUpperCase(), "Db.Your-company.com", PATH, KEY) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("/home/alice/", "bob@mail.example", "eve@mail.example", "10.1.2.3"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("CHX_", "chx-", "c", "C:/", "/chx/", "240.", "2", "/", "@chx.example"),
  },
  { weight: 3, arbitrary: fc.string({ unit: UNIT, maxLength: 6 }) },
);
const TEXT = fc.oneof(
  fc.array(WORD, { maxLength: 8 }).map((words) => words.join("")),
  fc.array(WORD, { maxLength: 4 }).map((words) => JSON.stringify({ path: words.join(" "), more: words })),
  fc
    .array(WORD, { maxLength: 3 })
    .map((words) => JSON.stringify([JSON.stringify({ [words.join("")]: words })])),
  fc.array(WORD, { maxLength: 4 }).map((words) => `{"a":"${words.join("")}`),
  fc
    .tuple(NODE, WAYS, fc.array(WORD, { maxLength: 2 }))
    .map(([node, ways, words]) =>
      write({ list: [node, { text: words.join("a") }, { nested: { text: words.join("") } }] }, cycle(ways)),
    ),
);
const SIZES = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });
const RUNS = { numRuns: process.env["VERIFY"] === "full" ? 5_000 : 250 };

describe("what a perfect echo returns is what the text was, and no upstream sees a source", () => {
  for (const [name, api] of Object.entries(APIS)) {
    test(name, () => {
      fc.assert(
        fc.property(TEXT, SIZES, SIZES, fc.boolean(), (text, pieces, chunks, isUpper) => {
          const session = open();
          const sent = redactText(session, text);
          for (const source of [PATH, KEY, "/home/alice/"]) expect(sent.includes(source)).toBe(false);
          expect(sent.toLowerCase().includes(HOST)).toBe(false);
          expect(/[a-z]+@mail\.example|\b10\.1\.2\.3/.test(sent)).toBe(false);
          const said = isUpper
            ? session.book
                .find(sent)
                .reduceRight(
                  (all, { end, start }) =>
                    all.slice(0, start) + all.slice(start, end).toUpperCase() + all.slice(end),
                  sent,
                )
            : sent;
          const answer = Buffer.from(api.events(cutText(said, pieces)));
          const got = pass(session.book, answer, chunks);
          for (const one of api.read(readEvents(got))) expect(one).toBe(text);
          // The next turn: what was restored is sent again.
          expect(redactText(session, text)).toBe(sent);
        }),
        RUNS,
      );
    });
  }
});

test("a recorded answer that mentions no placeholder goes on byte by byte, chunked in any way", async () => {
  const { book, redact } = open();
  redact(JSON.stringify({ input: [HOST, PATH, KEY, "/home/alice/x", "bob@mail.example", "10.1.2.3"] }));
  let bytes = 0;
  for (const { answer } of await readAnswerFiles()) {
    const said = Buffer.from(textOf(answer));
    for (const sizes of [[], [1], [7, 1, 64], [300]]) {
      if (said.length > 32 * 1024 && sizes[0] === 1) continue;
      expect(Buffer.from(pass(book, said, sizes)).equals(said)).toBe(true);
    }
    bytes += said.length;
  }
  expect(bytes).toBeGreaterThan(50_000);
});

test("a signed thought stays as it is, whether its beginning says so or not", () => {
  const { book, redact } = open();
  const placeholder = /chx-\w+\.example/.exec(redact(JSON.stringify({ input: HOST })))?.[0] ?? "";
  for (const begun of [{ thinking: "" }, { thinking: "", signature: "" }]) {
    const events = sse([
      { type: "content_block_start", index: 0, content_block: { type: "thinking", ...begun } },
      ...cutText(`at ${placeholder} then`, [4]).map((thinking) => ({
        type: "content_block_delta",
        index: 0,
        delta: { type: "thinking_delta", thinking },
      })),
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "EqQB" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_stop" },
    ]);
    const restoring = new Restoring(book);
    const restorer = restoring.open("text/event-stream", () => {});
    const got = [...(restorer?.push(Buffer.from(events)) ?? []), ...(restorer?.finish() ?? [])];
    expect(Buffer.concat(got).toString()).toBe(events);
    expect([restoring.restored, restoring.sealed]).toEqual([0, 1]);
  }
  const document = {
    content: [
      { type: "thinking", thinking: placeholder, signature: "x" },
      { type: "text", text: placeholder },
    ],
  };
  const whole = new Restoring(book).whole(Buffer.from(JSON.stringify(document)), JSON_TYPE);
  expect(JSON.parse(Buffer.from(whole).toString())).toEqual({
    content: [document.content[0], { type: "text", text: HOST }],
  });
});

/** The arguments that Messages tool calls bring, by block; each piece is [block, text], null for the block's end. */
const callEvents = (pieces: readonly (readonly [number, string | null])[]): Buffer =>
  Buffer.from(
    sse(
      pieces.map(([index, text]) =>
        text === null
          ? { type: "content_block_stop", index }
          : {
              type: "content_block_delta",
              index,
              delta: { type: "input_json_delta", partial_json: text },
            },
      ),
    ),
  );

test("quotes count from a text's first piece on, however much of it went by before the value came up", () => {
  const { book, redact } = open();
  const [path = ""] = (JSON.parse(redact(JSON.stringify([PATH]))) as string[]).map(String);
  expect(path).toMatch(/^C:\/chx\//);
  const input = (block: number, events: readonly unknown[]): string =>
    events
      .filter((event) => (event as { index: number }).index === block)
      .map((event) => joined([event], "delta", "partial_json"))
      .join("");
  const filler = Array.from({ length: 9_000 }, (_, n) => [1, `"line \\" ${n} [{\\\\",`] as const);
  for (const more of [filler.slice(0, 3), filler]) {
    const said = callEvents([
      [0, '{"a":'],
      [1, "["],
      ...more,
      [0, '"see '],
      [1, '"at '],
      [0, path.slice(0, 4)],
      [1, `${path}"]`],
      [0, `${path.slice(4)}\\\\"}`],
    ]);
    const events = readEvents(pass(book, said));
    expect(JSON.parse(input(0, events))).toEqual({ a: `see ${PATH}\\` });
    expect((JSON.parse(input(1, events)) as string[]).at(-1)).toBe(`at ${PATH}`);
  }
});

test("a text that ends takes its quotes with it, and one that is only delayed does not", () => {
  const { book, redact } = open();
  const [path = ""] = (JSON.parse(redact(JSON.stringify([PATH]))) as string[]).map(String);
  const ended = callEvents([
    [0, '{"open":"'],
    [0, null],
    [0, `${path} x`],
  ]);
  expect(joined(readEvents(pass(book, ended)), "delta", "partial_json")).toBe(`{"open":"${PATH} x`);
  // What no event can be read of says nothing of the texts around it.
  const cut = [[0, '{"open":"c'] as const, [0, `${path}"}`] as const].map((piece) => callEvents([piece]));
  const odd = Buffer.concat([cut[0] as Buffer, Buffer.from("data: [odd\n\n"), cut[1] as Buffer]);
  expect(JSON.parse(joined(readOdd(pass(book, odd)), "delta", "partial_json"))).toEqual({ open: `c${PATH}` });
});

const readOdd = (bytes: Uint8Array): unknown[] =>
  readEvents(Buffer.from(Buffer.from(bytes).toString().replace("data: [odd\n\n", "")));

test("the last line feed of an event goes where its event goes, also when it comes alone", () => {
  const { book } = open();
  book.issue(HOST, false, () => true);
  const said = (text: string): string =>
    sse([{ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }]);
  const ping = sse([{ type: "ping" }]);
  // A beginning that is held, and pings of which the second does not wait.
  for (const events of [said("c") + ping + said("d"), said("c") + ping + ping + said("hx-"), said("c")]) {
    const bytes = Buffer.from(events.replaceAll("\n", "\r\n"));
    expect(Buffer.from(pass(book, bytes, [1])).toString()).toBe(Buffer.from(pass(book, bytes)).toString());
  }
});

test("the values of all sessions together are bounded and counted, and those used longest ago go first", () => {
  let held = 0;
  const books = createSessionBooks(
    () => "a key",
    (bytes) => (held += bytes),
  );
  const fill = (session: string, values: number, length: number): Book => {
    const book = books.of(session);
    for (let n = 0; n < values; n += 1)
      book.issue(`${session} ${n} ${"x".repeat(length)}`, false, () => true);
    return book;
  };
  const first = fill("s-1", 10, 100);
  expect(books.of("s-1")).toBe(first);
  expect(held).toBeGreaterThan(10 * 100);
  for (let n = 2; n < 20; n += 1) fill(`s-${n}`, 15, 200_000);
  books.of("s-20");
  expect(held).toBeLessThanOrEqual(32 * 2 ** 20);
  expect(held).toBeGreaterThan(20 * 2 ** 20);
  expect(books.of("s-1")).not.toBe(first);
  // One that is too large by itself begins anew; of a request without a session nothing is kept.
  const large = fill("s-large", 3, 5_000_000);
  expect(books.of("s-large")).not.toBe(large);
  const before = held;
  books.of(null).issue("x".repeat(1e6), false, () => true);
  books.of(null);
  expect(held).toBe(before);
});

test("events are found however their lines end, and however often the ends change", () => {
  const session = open();
  const stand = redactText(session, HOST);
  const event = (text: string, end: string): string => `data: {"delta":"${text}"}${end}`;
  const END = fc.constantFrom("\n\n", "\r\n\r\n", "\r\r", "\n\n\n", "\n\r\n", "\r\n\n");
  const TEXT = fc.constantFrom("word", `at ${stand}`, "c", stand.slice(0, 7));
  const EVENTS = fc.array(fc.tuple(TEXT, END), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(EVENTS, fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 }), (events, sizes) => {
      const sent = events.map(([text, end]) => event(text, end)).join("");
      const wanted = events.map(([text, end]) => event(text.replace(stand, HOST), end)).join("");
      expect(Buffer.from(pass(session.book, Buffer.from(sent), sizes)).toString()).toBe(wanted);
    }),
  );
});
