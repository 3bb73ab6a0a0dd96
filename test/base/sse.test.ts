import { describe, expect, test } from "bun:test";
import { type SseEvent, createSseSplitter } from "../../src/base/sse.ts";
import { shortRound } from "../fuzz/short-round.ts";

const encoder = new TextEncoder();

function split(chunks: readonly Uint8Array[], maxEventBytes = 1 << 20): SseEvent[] {
  const splitter = createSseSplitter({ maxEventBytes });
  return chunks.flatMap((chunk) => splitter.push(chunk));
}

function splitText(text: string): SseEvent[] {
  return split([encoder.encode(text)]);
}

describe("the SSE splitter", () => {
  const cases: readonly [string, string, SseEvent[]][] = [
    ["gives name and data", "event: a\ndata: b\n\n", [{ event: "a", data: "b" }]],
    ["needs no event line", "data: b\n\n", [{ event: null, data: "b" }]],
    ["takes CRLF ends", "event: a\r\ndata: b\r\n\r\n", [{ event: "a", data: "b" }]],
    ["takes CR ends", "event: a\rdata: b\r\r", [{ event: "a", data: "b" }]],
    ["joins data lines", "data: a\ndata:b\ndata\n\n", [{ event: null, data: "a\nb\n" }]],
    ["takes one blank off a value, no more", "data:  a\n\n", [{ event: null, data: " a" }]],
    ["skips comments", ": hello\n\n:\ndata: a\n\n", [{ event: null, data: "a" }]],
    ["drops a BOM", "\ufeffdata: a\n\n", [{ event: null, data: "a" }]],
    ["skips events without data", "event: ping\n\ndata: a\n\n", [{ event: null, data: "a" }]],
    [
      "ignores id, retry and unknown fields",
      "id: 1\nretry: 2\nx: 3\ndata: a\n\n",
      [{ event: null, data: "a" }],
    ],
    ["keeps the colons of a value", "data: a:b\n\n", [{ event: null, data: "a:b" }]],
    ["keeps back an event without its blank line", "data: a\n", []],
  ];
  for (const [title, text, expected] of cases) {
    test(title, () => {
      expect(splitText(text)).toEqual(expected);
    });
  }

  test("gives the same events however the bytes are cut", () => shortRound("sse", 300));

  test("says overflow for an event over the limit, in one chunk or in many, and gives nothing after it", () => {
    const bytes = encoder.encode(`data: ok\n\ndata: ${"x".repeat(100)}\n\ndata: late\n\n`);
    for (const chunks of [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte))]) {
      const splitter = createSseSplitter({ maxEventBytes: 50 });
      expect(chunks.flatMap((chunk) => splitter.push(chunk))).toEqual([{ event: null, data: "ok" }]);
      expect(splitter.overflow).toBe(true);
    }
  });

  test("counts all data lines of an event together, and starts anew with the next event", () => {
    const many = createSseSplitter({ maxEventBytes: 30 });
    many.push(encoder.encode("data: 12345\n".repeat(3)));
    expect(many.overflow).toBe(true);
    const apart = createSseSplitter({ maxEventBytes: 30 });
    apart.push(encoder.encode("data: 12345\n\n".repeat(30)));
    expect(apart.overflow).toBe(false);
  });
});
