// The target for answers with placeholders: events of all APIs and what is none, cut anywhere.
import fc from "fast-check";
import { restoreText } from "../../../src/filter/restore-text.ts";
import { Restoring } from "../../../src/filter/restoring.ts";
import { makeBook } from "../../filter/filtered.ts";
import { cutAt, defineTarget, eachByte, pick } from "../target.ts";

const VALUES = [
  "db.your-company.com",
  "C:\\Users\\alice",
  '-----BEGIN "x" \\ \n\tqq=\n-----END',
  "/home/alice",
  "bob@your-company.com",
  "10.1.2.3",
];
const BOOK = makeBook();
/** As they are said: in a text, `<0>` is the first one, `<0^>` the same in capitals. */
const PLACEHOLDERS = VALUES.map((value) => BOOK.issue(value, false, () => true)?.text ?? "");
const fill = (text: string): string =>
  text.replace(/<(\d)(\^?)>/g, (_token, place: string, capitals: string) => {
    const placeholder = pick(PLACEHOLDERS, Number(place));
    return capitals === "" ? placeholder : placeholder.toUpperCase();
  });

const WORDS = [
  ...VALUES.map((_value, place) => `<${place}>`),
  "<0^>",
  "c",
  "chx-",
  "CHX_",
  "24",
  "/ch",
  '"',
  "\\",
  "\\\\",
  '{"a":"',
  '"}',
  '["{\\"b\\":\\"',
  "\n",
  "\\u0063hx",
  "é",
];

/** An event that brings the next piece of a text. */
const SHAPES: readonly ((piece: string, index: number) => object)[] = [
  (delta, index) => ({ type: "response.output_text.delta", item_id: "m", output_index: index, delta }),
  (delta, index) => ({ type: "response.function_call_arguments.delta", output_index: index, delta }),
  (text, index) => ({ type: "content_block_delta", index, delta: { type: "text_delta", text } }),
  (partial_json, index) => ({ type: "content_block_delta", index, delta: { partial_json } }),
  (content, index) => ({ choices: [{ index, delta: { content }, finish_reason: null }] }),
  (text, index) => ({
    choices: [{ index, delta: { tool_calls: [{ index: 0, function: { arguments: text } }] } }],
  }),
];

const BREAKS = ["\n", "\r\n", "\r"];
/** What is no piece of a text, or no event at all. */
const ODD = [
  'event: ping\ndata: {"type":"ping"}',
  ": comment",
  "data: [DONE]",
  "data: <0> {",
  'data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}',
  'data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"at <0>, ch"}}',
  'data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"<1>"}}',
  'data: {"type":"content_block_stop","index":0}',
  'data: {"type":"response.completed",\ndata: "text":"<0>"}',
  "data",
  "\ufeffdata: x",
];

export const RESTORING = defineTarget({
  promise:
    "an answer comes to the same however it is cut, without a placeholder to the very bytes but for the order of pings, and its texts to the values",
  covers: [
    "filter/restore-events.ts",
    "filter/restore-text.ts",
    "filter/restore-value.ts",
    "filter/restoring.ts",
    "filter/quoting-log.ts",
    "filter/event-text.ts",
  ],
  words: WORDS,
  arbitrary: fc.record({
    words: fc.array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: "binary", maxLength: 5 })), {
      maxLength: 14,
    }),
    /** Lengths of the pieces of the text. */
    pieces: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
    shape: fc.nat({ max: 5 }),
    lineBreak: fc.nat({ max: 2 }),
    /** Before which pieces something odd comes: place, which. */
    odd: fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 10 })), { maxLength: 4 }),
    garbage: fc.array(fc.nat({ max: 5000 }), { maxLength: 1 }),
    cuts: fc.array(fc.nat({ max: 5000 }), { maxLength: 12 }),
  }),
  check({ cuts, garbage, lineBreak, odd: drawn, pieces, shape, words }) {
    const odd = drawn.map(([place, which]) => ({ place, event: ODD[which] ?? ODD[0] ?? "" }));
    const text = fill(words.join("")).toWellFormed();
    const make = pick(SHAPES, shape);
    const end = pick(BREAKS, lineBreak);
    const said = cutText(text, pieces);
    const events = said.flatMap((piece, at) => [
      ...odd.filter(({ place }) => place === at).map(({ event }) => fill(event)),
      `data: ${JSON.stringify(make(piece, 1))}`,
    ]);
    const bytes = Buffer.from(events.map((event) => event.replaceAll("\n", end) + end + end).join(""));
    for (const at of garbage) if (bytes.length > 0) bytes[at % bytes.length] = 0xff - (at % 64);

    const whole = pass([bytes]);
    for (const [how, chunks] of [
      ["cut", cutAt(bytes, cuts)],
      ["byte by byte", eachByte(bytes)],
    ] as const)
      if (!pass(chunks).equals(whole))
        throw new Error(`${how}: ${pass(chunks).toString()} is not ${whole.toString()}`);
    const count = BOOK.find(text).length;
    const isMentioned = count > 0 || odd.some(({ event }) => event.includes("<"));
    if (!isMentioned && garbage.length === 0 && withoutPings(whole) !== withoutPings(bytes))
      throw new Error(`changed without a placeholder: ${bytes.toString()} to ${whole.toString()}`);
    if (garbage.length > 0 || odd.length > 0) return `odd ${whole.equals(bytes) ? "same" : "changed"}`;
    const got = readPieces(whole, pick(SHAPES, shape)).join("");
    const wanted = restoreText(BOOK, text);
    if (got !== wanted) throw new Error(`${JSON.stringify(got)} is not ${JSON.stringify(wanted)}`);
    return `${shape} ${Math.min(4, count)}`;
  },
});

/** A second one does not wait for what is held of a text. */
const withoutPings = (bytes: Buffer): string =>
  bytes
    .toString("latin1")
    .replace(/(?:event: ping[\n\r]+data: \{"type":"ping"\}|: comment|data)[\n\r]+/g, "");

/** All that comes of an answer; nothing of it is still counted as held. */
function pass(chunks: readonly Uint8Array[]): Buffer {
  let held = 0;
  const restorer = new Restoring(BOOK).open("text/event-stream", (bytes) => (held += bytes));
  if (restorer === null) throw new Error("no restorer of events");
  const out = chunks.flatMap((chunk) => [...restorer.push(chunk)]);
  out.push(...restorer.finish());
  if (held !== 0) throw new Error(`${held} bytes are still counted`);
  return Buffer.concat(out);
}

/** The strings of the events that differ from those of an event with an empty piece. */
function readPieces(bytes: Buffer, make: (piece: string, index: number) => object): string[] {
  const mark = "\u0001mark";
  const [before = "", after = ""] = JSON.stringify(make(mark, 1)).split(JSON.stringify(mark));
  return bytes
    .toString()
    .split(/(?:\r\n|\n|\r)+/)
    .filter((line) => line !== "")
    .map((line) => {
      if (!line.startsWith(`data: ${before}`) || !line.endsWith(after))
        throw new Error(`not an event: ${line}`);
      return String(JSON.parse(line.slice(6 + before.length, line.length - after.length)));
    });
}

/** Pieces of these lengths in turns; half of a pair of surrogates has no UTF-8. */
function cutText(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const size = 1 + (Math.trunc(Math.abs(sizes[pieces.length % sizes.length] ?? 8)) % 20);
    const isHalved = /[\ud800-\udbff]/.test(text.charAt(at + size - 1));
    pieces.push(text.slice(at, (at += size + (isHalved ? 1 : 0))));
  }
  return pieces.length === 0 ? [""] : pieces;
}
