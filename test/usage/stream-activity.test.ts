import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createAnswerReader } from "../../src/usage/answer-reader.ts";
import { createStreamActivity } from "../../src/usage/stream-activity.ts";
import { cut } from "./scripted-stream.ts";

const PING = 'event: ping\ndata: {"type": "ping"}\n\n';
const NEWS = 'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"a"}}\n\n';

function feed(text: string, sizes: readonly number[] = [1 << 20]) {
  const activity = createStreamActivity();
  for (const chunk of cut(text, sizes)) activity.feed(chunk);
  return activity;
}

describe("one chunk", () => {
  test.each([
    [": PING\n\n", "quiet"],
    ["\n", "quiet"],
    ["\r\n\r\n: x\r\n\r\n", "quiet"],
    [PING, "ping"],
    [PING.replaceAll("\n", "\r\n"), "ping"],
    [`: x\n\n${PING}${PING}`, "ping"],
    ['data: {"type":"ping"}\n\n', "ping"],
    ['event: keepalive\ndata: {"type":"keepalive","sequence_number":7}\n\n', "ping"],
    [NEWS, "news"],
    [PING + NEWS, "news"],
    [`: x\n\n${NEWS}`, "news"],
    ["data: [DONE]\n\n", "news"],
    ['data: {"choices":[]}\n\n', "news"],
    ['data: {"type":"pingpong"}\n\n', "news"],
    ["d", "quiet"],
    ["data: x", "news"],
    ["event: pings\ndata: x\n\n", "news"],
  ] as const)("%j: %s", (text, seen) => {
    expect(createStreamActivity().feed(Buffer.from(text))).toBe(seen);
  });
});

test("however the bytes are cut, pings are counted, and comments are never news", () => {
  const piece = fc.constantFrom(
    ": PING\n\n",
    ": a longer comment of a relay\n",
    "\n",
    PING,
    PING.replaceAll("\n", "\r\n"),
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), sizes, (pieces, cuts) => {
      const pings = pieces.filter((one) => one.startsWith("event")).length;
      expect(feed(pieces.join(""), cuts).counted).toEqual({ news: 0, pings });
    }),
  );
});

test("however the bytes are cut, an event among comments and pings is news", () => {
  const noise = fc.array(fc.constantFrom(": PING\n\n", "\n", PING), { maxLength: 5 });
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(noise, noise, sizes, (before, after, cuts) => {
      const { counted } = feed([...before, NEWS, ...after].join(""), cuts);
      expect(counted.news).toBeGreaterThan(0);
      // Beside news a ping need not be counted.
      expect(counted.pings).toBeLessThanOrEqual([...before, ...after].filter((one) => one === PING).length);
    }),
  );
});

test("what begins like a ping and never ends is not kept without a limit", () => {
  const lines: readonly (readonly [string, string])[] = [
    ["event: ping\n", "data: more of it\n"],
    ["", "event: ping and so on without an end"],
    [": a comment without an end", " and more"],
  ];
  for (const [start, more] of lines) {
    const reader = createAnswerReader("messages");
    reader.feed(Buffer.from(`${NEWS}${start}`));
    for (let n = 0; n < 20_000; n += 1) reader.feed(Buffer.from(more));
    expect(reader.heldBytes).toBeLessThan(90_000);
    expect(reader.activity.pings).toBe(0);
  }
});

test.each(["data: x", "data: x\ndata: of a ping that is not over"])(
  "a ping that has begun behind an event is not taken for more of it: %j",
  (data) => {
    const activity = createStreamActivity();
    activity.feed(Buffer.from(`${NEWS}event: ping\n${data}`));
    expect(activity.position).toBe("undecided");
  },
);

test("a line behind an event with both kinds of line ends may be a ping's", () => {
  const activity = createStreamActivity();
  activity.feed(Buffer.from(`id: 1\n${NEWS.replaceAll("\n", "\r")}event: p`));
  expect(activity.position).toBe("undecided");
  const cutPing = createStreamActivity();
  cutPing.feed(Buffer.from("event: p"));
  expect([cutPing.feed(Buffer.from("ing\r: x\r")), cutPing.position]).toEqual(["quiet", "undecided"]);
});

test.each([
  ["bare CRs", NEWS.replaceAll("\n", "\r")],
  ["a line feed that is missing yet", NEWS.replaceAll("\n", "\r\n").slice(0, -1)],
  ["both kinds of line ends", `${NEWS.slice(0, -1)}\r`],
])("an event is over with its blank line: %s", (_title, text) => {
  const activity = createStreamActivity();
  activity.feed(Buffer.from(text));
  expect([activity.position, activity.feed(Buffer.from(PING))]).toEqual(["between", "ping"]);
});

test.each(["d", "event:", 'data: {"type":"'])(
  "an opening whose first bytes come alone is counted: %s",
  (first) => {
    const event = `{"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}`;
    const text = `${first.startsWith("e") ? "event: message_start\n" : ""}data: ${event}\n\n${NEWS.repeat(2_000)}`;
    const reader = createAnswerReader("messages");
    reader.feed(Buffer.from(text.slice(0, first.length)));
    for (const chunk of cut(text.slice(first.length), [60])) reader.feed(chunk);
    expect(reader.facts().usage).toMatchObject({ input_tokens: 7 });
  },
);

describe("what follows the end does not undo it", () => {
  const ends = {
    responses:
      'data: {"type":"response.completed","response":{"usage":{"input_tokens":3,"output_tokens":4}}}\n\n',
    messages:
      'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":3,"output_tokens":4}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    chat: 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\ndata: [DONE]\n\n',
  } as const;
  const lines = [": PING\n\n", "\n", ": x\n", PING];
  for (const [api, end] of Object.entries(ends))
    for (const line of lines)
      for (const size of [1, 7, 1000, 70_000])
        test(`${api}, 200 KB of ${JSON.stringify(line)} in pieces of ${size}`, () => {
          const reader = createAnswerReader(api as keyof typeof ends);
          for (const chunk of cut(end + line.repeat(Math.ceil(200_000 / line.length)), [size]))
            reader.feed(chunk);
          expect(reader.facts()).toMatchObject({
            terminal: "completed",
            isOver: true,
            usage: { input_tokens: 3, output_tokens: 4 },
          });
        });
});

describe("the end of a Chat Completions stream", () => {
  const piece = (index: number, finish: string | null = null): string =>
    `data: ${JSON.stringify({ choices: [{ index, delta: { content: "x" }, finish_reason: finish }] })}\n\n`;
  const read = (text: string) => {
    const reader = createAnswerReader("chat");
    reader.feed(Buffer.from(text));
    return reader.facts();
  };

  test.each([
    ["one of two choices has finished", piece(0) + piece(1) + piece(0, "stop"), null, false],
    ["both have", piece(0) + piece(1) + piece(0, "stop") + piece(1, "length"), "completed", false],
    [
      "both have in one chunk",
      `data: {"choices":[{"index":0,"finish_reason":"stop"},{"index":1,"finish_reason":"stop"}]}\n\n`,
      "completed",
      false,
    ],
    ["the only one has", piece(0) + piece(0, "stop"), "completed", false],
    [
      "[DONE] comes after one of two",
      piece(0) + piece(1) + piece(0, "stop") + "data: [DONE]\n\n",
      "completed",
      true,
    ],
    [
      "a usage chunk comes after the finish",
      `${piece(0, "stop")}data: {"choices":[],"usage":{"completion_tokens":1}}\n\n`,
      "completed",
      false,
    ],
    [
      "a third choice begins after two have finished",
      piece(0, "stop") + piece(1, "stop") + piece(2),
      null,
      false,
    ],
    [
      "an error comes after a finish of one of two",
      `${piece(0, "stop") + piece(1)}data: {"error":{"message":"x"}}\n\n`,
      "failed",
      true,
    ],
  ] as const)("%s", (_title, text, terminal, isOver) => {
    expect(read(text)).toMatchObject({ terminal, isOver });
  });
});
