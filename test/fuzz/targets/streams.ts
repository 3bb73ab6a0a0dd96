// Targets for what an upstream sends: bytes of a stream, compressed or not, cut anywhere.
import fc from "fast-check";
import { bytesOfDecoders, createDecoder, DecodeError } from "../../../src/base/decoder.ts";
import { type SseEvent, createSseSplitter } from "../../../src/base/sse.ts";
import { AnswerBody } from "../../../src/proxy/answer-body.ts";
import { ANY_OUTPUT, holdAnswer } from "../../../src/proxy/gate.ts";
import { createAnswerReader } from "../../../src/usage/answer-reader.ts";
import { createStreamActivity } from "../../../src/usage/stream-activity.ts";
import type { Api } from "../../../src/usage/stream-events.ts";
import {
  chatEvents,
  messagesError,
  messagesEvents,
  messagesPrologue,
  responsesEvents,
  responsesFailed,
  responsesPrologue,
  sse,
} from "../../helpers/answers.ts";
import { CODINGS } from "../../helpers/bombs.ts";
import { scriptedStream } from "../../usage/scripted-stream.ts";
import { cutAt, defineTarget, eachByte, pick } from "../target.ts";

const equal = (one: unknown, other: unknown, what: string): void => {
  if (!Bun.deepEquals(one, other, true))
    throw new Error(
      `${what}: ${JSON.stringify(one)?.slice(0, 2000)} is not ${JSON.stringify(other)?.slice(0, 2000)}`,
    );
};
const cuts = fc.array(fc.nat({ max: 5000 }), { maxLength: 12 });
const SSE_WORDS = [
  "data: ",
  "event: ",
  "data",
  ":",
  "\n\n",
  "\r\n\r\n",
  "\r\r",
  "\n\r\n",
  "id: 1\n",
  "retry: 5\n",
  "\ufeff",
];

/** By the letter of https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation. */
function readBySpecification(bytes: Uint8Array): SseEvent[] {
  const text = new TextDecoder().decode(bytes);
  const events: SseEvent[] = [];
  let [data, type, line] = ["", "", ""];
  const endLine = (): void => {
    if (line === "") {
      if (data !== "") events.push({ event: type === "" ? null : type, data: data.slice(0, -1) });
      [data, type] = ["", ""];
    } else if (!line.startsWith(":")) {
      const [field = "", ...rest] = line.split(":");
      const value = rest.join(":").replace(/^ /, "");
      if (field === "data") data += `${value}\n`;
      if (field === "event") type = value;
    }
    line = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const unit = text[at] ?? "";
    if (unit === "\n" && text[at - 1] === "\r") continue;
    if (unit === "\n" || unit === "\r") endLine();
    else line += unit;
  }
  return events;
}

export const SSE = defineTarget({
  promise: "an event stream gives the events of the specification, however its bytes are cut",
  covers: ["base/sse.ts"],
  words: SSE_WORDS,
  arbitrary: fc.record({
    text: fc
      .array(
        fc.oneof(
          fc.constantFrom(...SSE_WORDS, "\n", "\r", "\r\n", "é", "😀", " "),
          fc.string({ unit: "binary", maxLength: 12 }),
        ),
        { maxLength: 24 },
      )
      .map((parts) => parts.join("")),
    /** Bytes that are no UTF-8. */
    garbage: fc.array(fc.nat({ max: 5000 }), { maxLength: 2 }),
    cuts,
    maxEventBytes: fc.oneof(fc.constant(100_000), fc.nat({ max: 40 })),
  }),
  check({ cuts: places, garbage, maxEventBytes, text }) {
    const bytes = Buffer.from(text);
    for (const at of garbage) if (bytes.length > 0) bytes[at % bytes.length] = 0xff - (at % 64);
    const split = (chunks: readonly Uint8Array[]): { events: SseEvent[]; overflow: boolean } => {
      const splitter = createSseSplitter({ maxEventBytes });
      return { events: chunks.flatMap((chunk) => splitter.push(chunk)), overflow: splitter.overflow };
    };
    const whole = split([bytes]);
    equal(split(cutAt(bytes, places)), whole, "cut");
    equal(split(eachByte(bytes)), whole, "byte by byte");
    const expected = readBySpecification(bytes);
    equal(whole.events, whole.overflow ? expected.slice(0, whole.events.length) : expected, "specification");
    return `${whole.overflow ? "overflow" : "read"} ${Math.min(3, expected.length)}`;
  },
});

const APIS = ["responses", "messages", "chat"] as const;
const apiOf = (name: string): Api => APIS.find((api) => api === name) ?? "responses";
const PING = 'event: ping\ndata: {"type": "ping"}\n\n';

export const ACTIVITY = defineTarget({
  promise:
    "pings and comments are told from news, and an answer comes to the same, however its bytes are cut",
  covers: ["usage/stream-activity.ts", "usage/answer-reader.ts", "usage/stream-events.ts", "usage/usage.ts"],
  words: [
    ...SSE_WORDS,
    PING,
    PING.replaceAll("\n", "\r\n"),
    ": PING\n\n",
    "event: keepalive\n",
    'data:{"type":"ping"',
    "[DONE]",
    '"usage":',
    "null",
    '"error":',
  ],
  arbitrary: fc
    .record({
      stream: scriptedStream,
      noise: fc.array(fc.tuple(fc.nat(), fc.constantFrom(PING, ": PING\n\n", "\n", ": x")), { maxLength: 6 }),
      cuts,
      end: fc.nat(),
    })
    .filter(({ stream: { text } }) => text.length < 6000)
    .map(({ cuts: places, end, noise, stream: { api, text: whole } }) => {
      let text = end % 3 === 0 ? whole.slice(0, end % whole.length) : whole;
      for (const [at, one] of noise)
        text = text.slice(0, at % text.length) + one + text.slice(at % text.length);
      return { api: api as string, text, cuts: places };
    }),
  check({ api, cuts: places, text }) {
    // Longer ones are kept in part.
    const bytes = Buffer.from(text).subarray(0, 60_000);
    const read = (chunks: readonly Uint8Array[]) => {
      const activity = createStreamActivity();
      const reader = createAnswerReader(apiOf(api));
      for (const chunk of chunks) {
        activity.feed(chunk);
        reader.feed(chunk);
      }
      const { news, pings } = activity.counted;
      return {
        facts: reader.facts(),
        news: news > 0,
        pings: news > 0 ? null : pings,
        position: activity.position,
      };
    };
    const slowly = read(eachByte(bytes));
    equal(read([bytes]), slowly, "whole");
    equal(read(cutAt(bytes, places)), slowly, "cut");
    const { facts, news, position } = slowly;
    return `${facts.terminal} ${facts.usage === undefined} ${facts.isOver} ${news} ${position}`;
  },
});

const typed = (data: { type: string } & Record<string, unknown>): string => sse(data.type, data);
const chat = (delta: object): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
/** What says nothing, what a client would show, what ends without a word more, what fails. */
const PIECES: Readonly<
  Record<Api, Readonly<Record<"empty" | "output" | "end" | "error", readonly string[]>>>
> = {
  responses: {
    empty: [
      responsesPrologue()[0] ?? "",
      responsesPrologue()[1] ?? "",
      typed({ type: "response.output_item.added", output_index: 0, item: { type: "message", content: [] } }),
      typed({ type: "response.output_text.delta", output_index: 0, delta: "" }),
      typed({ type: "keepalive" }),
      typed({ type: "vendor.event", value: { x: [] } }),
    ],
    output: [
      typed({ type: "response.output_text.delta", output_index: 0, delta: "x" }),
      ...responsesEvents({ shellCommand: ["ls"] }).slice(2, 3),
    ],
    end: [
      typed({ type: "response.completed", response: { id: "r", status: "completed", output: [] } }),
      typed({ type: "response.incomplete", response: { id: "r", status: "incomplete", output: [] } }),
    ],
    error: [responsesFailed("server_error"), typed({ type: "error", code: "x", message: "y" })],
  },
  messages: {
    empty: [
      messagesPrologue()[0] ?? "",
      messagesPrologue()[1] ?? "",
      typed({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
      typed({ type: "content_block_stop", index: 0 }),
      typed({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "" } }),
    ],
    output: messagesEvents().slice(3, 4),
    end: [
      typed({ type: "message_delta", delta: { stop_reason: "end_turn" } }),
      typed({ type: "message_stop" }),
    ],
    error: [messagesError()],
  },
  chat: {
    empty: [
      chat({ role: "assistant", content: "" }),
      chat({}),
      chat({ tool_calls: [{ index: 0, function: { name: "" } }] }),
    ],
    output: [chat({ content: "x" }), chatEvents()[1] ?? ""],
    end: [
      "data: [DONE]\n\n",
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\n`,
    ],
    error: [`data: ${JSON.stringify({ error: { message: "x" } })}\n\n`],
  },
};

export const GATE = defineTarget({
  promise:
    "an answer is shown to the byte or not at all: never an empty one, never after an error, however its bytes are cut",
  covers: ["proxy/gate.ts", "proxy/answer-body.ts", "usage/held-answer.ts", "usage/stream-events.ts"],
  words: [": x\n\n", "\n", "\r\n", ": ", "{", "<html>", "data: {}\n\n", "event: x\n", '"error":', "[DONE]"],
  arbitrary: fc.record({
    api: fc.nat({ max: 2 }),
    stream: fc.boolean(),
    /** Kind and number of each event. */
    events: fc.array(fc.record({ kind: fc.constantFrom(0, 0, 0, 1, 2, 3), number: fc.nat({ max: 9 }) }), {
      maxLength: 10,
    }),
    /** Between them: comments alone, so that it stays known what the whole is. */
    comments: fc.array(fc.constantFrom("", "", ": x\n\n", "\n", ": é"), { maxLength: 4 }),
    /** Instead of events. */
    raw: fc.oneof(
      { weight: 3, arbitrary: fc.constant("") },
      { weight: 1, arbitrary: fc.oneof(fc.json(), fc.string()) },
    ),
    coding: fc.constantFrom(0, 0, 1, 2, 3, 4),
    cuts,
  }),
  async check({ api: apiNumber, coding, comments, cuts: places, events, raw, stream }) {
    const api = pick(APIS, apiNumber);
    const kinds = ["empty", "output", "end", "error"] as const;
    const chosen = events
      .map(({ kind, number }) => ({ kind: pick(kinds, kind), number }))
      .map(({ kind, number }) => ({ kind, text: pick(PIECES[api][kind], number) }));
    const said = chosen.map(({ text }, at) => comment(comments[at]) + text).join("");
    const text = Buffer.from(raw === "" ? said : raw);
    const packed = coding === 0 ? null : pick(CODINGS, coding - 1);
    const bytes = packed === null ? text : packed[1](text);
    const decide = async (chunks: readonly Uint8Array[]) => {
      let held = 0;
      const waiting = chunks.filter(({ length }) => length > 0);
      const source = {
        pull: () =>
          Promise.resolve(waiting.length === 0 ? { done: true } : { done: false, value: waiting.shift() }),
      };
      const body = new AnswerBody(source, packed?.[0] ?? null, (count) => (held += count));
      const result = await holdAnswer({
        api,
        stream,
        status: 200,
        headers: new Headers(),
        body,
        accept: ANY_OUTPUT,
        firstEventBy: performance.now() + 60_000,
        idleMs: 60_000,
        hold: (count) => (held += count),
      });
      const shown: Uint8Array[] = [...body.held()];
      for await (const next of body.rest()) shown.push(next);
      equal(Buffer.concat(shown).equals(bytes), true, "the bytes of the answer");
      body.close();
      equal(held, 0, "bytes still counted as held");
      return result.kind === "commit"
        ? "commit"
        : result.outcome.kind === "bad-content"
          ? result.outcome.reason
          : result.outcome.kind;
    };
    const decided = await decide([bytes]);
    equal(await decide(cutAt(bytes, places)), decided, "cut");
    if (bytes.length < 3000) equal(await decide(eachByte(bytes)), decided, "byte by byte");
    if (raw === "") {
      const first = chosen.find(({ kind }) => kind !== "empty");
      const output = chosen.findIndex(({ kind }) => kind === "output");
      const error = chosen.findIndex(({ kind }) => kind === "error");
      if (decided === "commit" && (output < 0 || (error >= 0 && error < output)))
        throw new Error("shown without output before an error");
      if (first?.kind === "output" && stream) equal(decided, "commit", "output first");
    }
    return `${api} ${stream} ${decided} ${coding % 5}`;
  },
});

/** A whole number of comment lines. */
function comment(text = ""): string {
  const lines = text.split(/[\r\n]+/).filter((line) => line !== "");
  return lines.map((line) => `: ${line}\n\n`).join("");
}

export const DECODER = defineTarget({
  promise:
    "compressed bytes come out as node:zlib has them, or not at all, within the limit, and nothing stays held",
  covers: ["base/decoder.ts"],
  words: ["\x1f\x8b", "\x28\xb5\x2f\xfd", "x".repeat(100)],
  arbitrary: fc.record({
    codings: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }),
    text: fc.string({ maxLength: 200 }),
    times: fc.oneof(fc.constant(1), fc.nat({ max: 3000 })),
    damage: fc.oneof(
      fc.constant<{ at: number; by: number }[]>([]),
      fc.array(fc.record({ at: fc.nat(), by: fc.nat({ max: 255 }) }), { maxLength: 3 }),
    ),
    /** So many bytes of the end are missing. */
    missing: fc.oneof(fc.constant(0), fc.nat({ max: 40 })),
    trailing: fc.oneof(fc.constant(""), fc.string({ maxLength: 8 })),
    maxBytes: fc.oneof(fc.constant(2 ** 24), fc.nat({ max: 4000 })),
    cuts,
  }),
  async check({ codings, cuts: places, damage, maxBytes, missing, text, times, trailing }) {
    const original = Buffer.from(text.slice(0, 2000).repeat(1 + (times % 3000)));
    const used = codings.slice(0, 3).map((one) => pick(CODINGS, one));
    const name = used.map(([coding]) => coding).join(", ");
    if (name === "") return "none";
    let packed = Buffer.from(used.reduce<Uint8Array>((bytes, [, compress]) => compress(bytes), original));
    packed = Buffer.concat([packed.subarray(0, Math.max(0, packed.length - missing)), Buffer.from(trailing)]);
    for (const { at, by } of damage)
      if (packed.length > 0) packed[at % packed.length] = (packed[at % packed.length] ?? 0) ^ (by & 255);
    const heldBefore = bytesOfDecoders();
    const run = async (chunks: readonly Uint8Array[]) => {
      const decoder = createDecoder(name, { maxBytes, burstBytes: 2 ** 24 });
      if (decoder === null) throw new Error(`no decoder for ${name}`);
      const pieces: Uint8Array[] = [];
      let problem: string | null = null;
      try {
        for (const chunk of chunks)
          for await (const piece of decoder.decode(chunk)) pieces.push(Buffer.from(piece));
        for await (const piece of decoder.finish()) pieces.push(Buffer.from(piece));
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        ({ problem } = error);
      }
      decoder.close();
      return { output: Buffer.concat(pieces), problem };
    };
    const whole = await run([packed]);
    const cut = await run(cutAt(packed, places));
    const isWhole = damage.every(({ by }) => (by & 255) === 0) && missing === 0 && trailing === "";
    for (const { output, problem } of [whole, cut]) {
      if (output.length > maxBytes)
        throw new Error(`${output.length} bytes came out, ${maxBytes} were allowed`);
      if (isWhole && original.length <= maxBytes && used.length === 1) equal(problem, null, "problem");
      if (isWhole && problem === null) equal(output.equals(original), true, "the same bytes");
      if (isWhole && original.length > maxBytes) equal(problem, "too-large", "problem");
      const byZlib = used.length === 1 && problem === null ? unpack(name, packed) : null;
      if (byZlib !== null) equal(output.equals(byZlib), true, "the same bytes as node:zlib");
    }
    // What follows the end may be ignored or refused, and libzstd sees some damage only in a frame that comes whole.
    if (trailing === "" && damage.length === 0)
      equal(cut.problem === null, whole.problem === null, "whether there is a problem, when cut");
    equal(bytesOfDecoders(), heldBefore, "bytes still counted as held");
    return `${name} ${whole.problem} ${isWhole}`;
  },
});

function unpack(coding: string, bytes: Buffer): Buffer | null {
  const zlib = process.getBuiltinModule("node:zlib");
  const decode = {
    gzip: zlib.gunzipSync,
    deflate: zlib.inflateSync,
    br: zlib.brotliDecompressSync,
    zstd: zlib.zstdDecompressSync,
  }[coding];
  try {
    return decode?.(bytes, { maxOutputLength: 2 ** 25 }) ?? null;
  } catch {
    return null;
  }
}
