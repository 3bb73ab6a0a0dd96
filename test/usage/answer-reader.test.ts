import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type AnswerFacts, createAnswerReader } from "../../src/usage/answer-reader.ts";
import { createByteTail } from "../../src/usage/byte-tail.ts";
import type { Api } from "../../src/usage/stream-events.ts";
import { cut, scriptedStream } from "./scripted-stream.ts";

const STREAMS = process.env["VERIFY"] === "full" ? 1000 : 300;

function read(api: Api, text: string, sizes: readonly number[] = [1 << 20]): AnswerFacts {
  const reader = createAnswerReader(api);
  for (const chunk of cut(text, sizes)) reader.feed(chunk);
  return reader.facts();
}

describe("an observed stream", () => {
  test("costs what the upstream says, to the token, however its bytes are cut", () => {
    const sizes = fc.oneof(
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }),
      fc.constantFrom([1], [7], [1400], [16_384], [1 << 20]),
    );
    fc.assert(
      fc.property(scriptedStream, sizes, ({ api, text, truth, terminal }, cuts) => {
        const facts = read(api, text, cuts);
        expect(facts.usage).toEqual(truth);
        expect(facts.terminal).toBe(terminal);
      }),
      { numRuns: STREAMS, seed: 20_261_122 },
    );
  }, 120_000);

  test("is not complete before its last blank line", () => {
    fc.assert(
      fc.property(scriptedStream, fc.nat(), ({ api, text }, place) => {
        const firstEnd = Math.max(
          1,
          text.search(/(?:completed|incomplete|stop_reason|finish_reason)"?\s*:?\s*"/),
        );
        expect(read(api, text.slice(0, place % firstEnd)).terminal).toBe(null);
      }),
      { numRuns: 40 },
    );
  });

  const completed =
    'data: {"type":"response.completed","response":{"id":"r","usage":{"input_tokens":3,"output_tokens":4}}}';
  const cases: readonly [string, Api, string, Partial<AnswerFacts>][] = [
    [
      "without the final blank line has cost its tokens but has not ended",
      "responses",
      `${completed}\n`,
      { terminal: null, usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 } },
    ],
    [
      "may go on after its end",
      "responses",
      `${completed}\n\n: bye\n\ndata: {"type":"x"}\n\nda`,
      { terminal: "completed" },
    ],
    [
      "is counted though an event of another kind with a usage of its own comes last",
      "messages",
      'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}\n\n' +
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}\n\n' +
        'event: vertex_event\ndata: {"type":"vertex_event","usage":{"traffic_type":"ON_DEMAND"}}\n\n',
      { usage: { input_tokens: 9, output_tokens: 7, total_tokens: 16 } },
    ],
    [
      "that puts an error before its [DONE] has failed",
      "chat",
      'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{},"finish_reason":"error"}],"error":{"code":502}}\n\ndata: [DONE]\n\n',
      { terminal: "failed", isOver: true },
    ],
    [
      "that puts an error and usage before its [DONE] has failed, and is counted",
      "chat",
      'data: {"error":{"code":502}}\n\ndata: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}}\n\ndata: [DONE]\n\n',
      { terminal: "failed", usage: { input_tokens: 5, output_tokens: 1, total_tokens: 6 } },
    ],
    [
      "that completes without usage has unknown usage",
      "responses",
      'data: {"type":"response.completed","response":{"usage":null}}\n\n',
      { terminal: "completed", usage: undefined },
    ],
    [
      "with response.done instead has not ended",
      "responses",
      'data: {"type":"response.done"}\n\n',
      { terminal: null },
    ],
    [
      "failed says its error",
      "responses",
      'data: {"type":"response.failed","response":{"error":{"code":"x"}}}\n\n',
      { terminal: "failed", error: '{"type":"response.failed","response":{"error":{"code":"x"}}}' },
    ],
    [
      "with an error event that still completes is complete",
      "responses",
      `event: error\ndata: {"message":"x"}\n\n${completed}\n\n`,
      { terminal: "completed" },
    ],
    [
      "that ends in an error event has failed",
      "messages",
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n',
      { terminal: "failed", error: '{"type":"error","error":{"type":"overloaded_error"}}' },
    ],
    [
      "of Messages without event lines has not ended for its client",
      "messages",
      'data: {"type":"message_stop"}\n\n',
      { terminal: null },
    ],
    [
      "of Messages that is cut has cost its input",
      "messages",
      'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":5,"output_tokens":1}}}\n\nevent: content_block_delta\ndata: {"type":"content_bl',
      {
        terminal: null,
        usage: { input_tokens: 5, output_tokens: undefined, total_tokens: 5, partial: true },
      },
    ],
    [
      "of Chat Completions may give usage in fragments",
      "chat",
      'data: {"choices":[],"usage":{"prompt_tokens":5}}\n\ndata: {"choices":[],"usage":{"completion_tokens":6}}\n\ndata: [DONE]\n\n',
      { terminal: "completed", usage: { input_tokens: 5, output_tokens: 6, total_tokens: 11 } },
    ],
    [
      "of nothing is nothing",
      "chat",
      "",
      { terminal: null, isOver: false, usage: undefined, error: undefined },
    ],
  ];
  for (const [title, api, text, expected] of cases) {
    test(title, () => {
      expect(read(api, text)).toMatchObject(expected);
      expect(read(api, text, [1])).toMatchObject(expected);
    });
  }

  test("can be asked in the middle and again at the end", () => {
    const reader = createAnswerReader("responses");
    const [first, last] = cut(`${completed}\n\n`, [40, 1000]);
    if (first === undefined || last === undefined) throw new Error("two chunks are needed");
    reader.feed(first);
    expect(reader.facts().terminal).toBe(null);
    reader.feed(last);
    expect(reader.facts()).toBe(reader.facts());
    expect(reader.facts().terminal).toBe("completed");
  });
});

describe("an observed JSON document", () => {
  const usage = { prompt_tokens: 5, completion_tokens: 6 };
  const cases: readonly [string, Api, unknown, Partial<AnswerFacts>][] = [
    [
      "of Chat Completions",
      "chat",
      { choices: [], usage },
      { terminal: "completed", usage: { input_tokens: 5, output_tokens: 6, total_tokens: 11 } },
    ],
    [
      "that is incomplete",
      "responses",
      { status: "incomplete" },
      { terminal: "incomplete", usage: undefined },
    ],
    [
      "that is an error",
      "messages",
      { type: "error", error: {} },
      { terminal: "failed", error: '{"type":"error","error":{}}' },
    ],
    [
      "with usage: null",
      "responses",
      { status: "completed", usage: null },
      { terminal: "completed", usage: undefined },
    ],
    [
      "too large to keep",
      "messages",
      { content: ["x".repeat(5e6)], usage: { input_tokens: 1, output_tokens: 2 } },
      { terminal: "completed", usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 } },
    ],
  ];
  for (const [title, api, body, expected] of cases) {
    test(title, () => {
      const text = JSON.stringify(body);
      expect(read(api, `\ufeff \n${text}`, [10_000])).toMatchObject(
        expected.error === undefined ? expected : { terminal: "failed" },
      );
      expect(read(api, text, [65_536])).toMatchObject(expected);
    });
  }

  test("that is cut short tells nothing", () => {
    expect(read("chat", '{"usage":{"prompt_tokens":1}')).toEqual({
      usage: undefined,
      terminal: null,
      isOver: false,
      error: undefined,
    });
  });
});

test("reading an answer never throws", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "data: ",
      '{"usage":',
      '{"type":"response.completed"',
      "}",
      "\n",
      "\r",
      '"',
      "\\",
      "[DONE]",
      "event: error",
      "{",
    ),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom<Api>("responses", "messages", "chat"),
      fc.array(piece, { maxLength: 40 }),
      (api, pieces) => {
        expect(read(api, pieces.join(""), [3])).toHaveProperty("terminal");
      },
    ),
  );
});

const decoder = new TextDecoder();

test("the tail keeps all of a short stream and at least the asked end of a long one", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(
      fc.string({ maxLength: 400 }),
      sizes,
      fc.integer({ min: 1, max: 100 }),
      (text, cuts, minBytes) => {
        const tail = createByteTail({ minBytes });
        const chunks = cut(text, cuts);
        for (const chunk of chunks) tail.push(chunk);
        const whole = Buffer.concat(chunks);
        const kept = Buffer.from(tail.bytes());
        const sure = whole.subarray(Math.max(0, whole.length - minBytes));
        expect(kept.subarray(kept.length - sure.length).equals(sure)).toBe(true);
        if (!tail.isCut) expect(kept.equals(whole)).toBe(true);
      },
    ),
  );
});

test("a cut tail begins with the beginning of its event, wherever chunks and line ends fall", () => {
  const eol = fc.constantFrom("\n", "\r\n", "\r");
  const size = fc.constantFrom(1, 2, 3, 5, 64, 1000);
  fc.assert(
    fc.property(eol, size, fc.integer({ min: 0, max: 5 }), (end, chunkSize, earlier) => {
      const before = `data: earlier${end}${end}`.repeat(earlier);
      const event = `event: big${end}data: ${"x".repeat(3000)}${end}${end}`;
      const tail = createByteTail({ minBytes: 100 });
      for (const chunk of cut(before + event, [chunkSize])) tail.push(chunk);
      const kept = decoder.decode(tail.bytes());
      expect(kept).toStartWith(`event: big${end}data: xxx`);
      expect(kept).toEndWith(`xxx${end}${end}`);
    }),
  );
});

test("the gap behind an event's beginning does not look like its end", () => {
  const event = `data: ${"x".repeat(249)}\n${"data: y\n".repeat(200)}\n`;
  for (let minBytes = 100; minBytes < 110; minBytes += 1) {
    const tail = createByteTail({ minBytes });
    for (const chunk of cut(event, [1])) tail.push(chunk);
    expect(decoder.decode(tail.bytes()).indexOf("\n\n")).toBe(tail.bytes().length - 2);
  }
});

test("what is kept stays small, for few large chunks as for many small ones", () => {
  for (const [count, size] of [
    [100, 100_000],
    [70_000, 3],
  ] as const) {
    const tail = createByteTail({ minBytes: 65_536 });
    for (let at = 0; at < count; at += 1) tail.push(new Uint8Array(size));
    expect(tail.bytes().length).toBeLessThanOrEqual(65_536 + Math.max(size, 8192) + 4096 + 8192);
    expect(tail.bytes().length).toBeGreaterThanOrEqual(65_536);
  }
});

test.each([
  '{"type":"message_start","message":{"id":"m","usage":{"input_tokens":20,"output_tokens":1},"content":[]}}',
  '{"message":{"usage":{"input_tokens":20,"output_tokens":1},"id":"m","content":[]},"type":"message_start"}',
])("what an opening counts as written is no output, wherever it breaks off: %s", (opening) => {
  const text = `event: message_start\ndata: ${opening}\n\n`;
  const inputs = new Set<number | undefined>();
  for (let end = 1; end <= text.length; end += 1) {
    const reader = createAnswerReader("messages");
    reader.feed(new TextEncoder().encode(text.slice(0, end)));
    const { usage } = reader.facts();
    expect(usage?.output_tokens).toBeUndefined();
    inputs.add(usage?.input_tokens);
  }
  expect(inputs).toEqual(new Set([undefined, 20]));
});
