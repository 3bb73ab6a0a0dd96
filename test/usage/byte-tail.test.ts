import { expect, test } from "bun:test";
import fc from "fast-check";
import { createByteTail } from "../../src/usage/byte-tail.ts";
import { cut } from "./scripted-stream.ts";

const decoder = new TextDecoder();

test("the tail keeps all of a short stream and at least the asked end of a long one", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(
      fc.string({ maxLength: 400 }),
      sizes,
      fc.integer({ min: 1, max: 100 }),
      (text, cuts, minBytes) => {
        const tail = createByteTail(minBytes);
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
      const tail = createByteTail(100);
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
    const tail = createByteTail(minBytes);
    for (const chunk of cut(event, [1])) tail.push(chunk);
    expect(decoder.decode(tail.bytes()).indexOf("\n\n")).toBe(tail.bytes().length - 2);
  }
});

test("what is kept stays small, for few large chunks as for many small ones", () => {
  for (const [count, size] of [
    [100, 100_000],
    [70_000, 3],
  ] as const) {
    const tail = createByteTail(65_536);
    for (let at = 0; at < count; at += 1) tail.push(new Uint8Array(size));
    expect(tail.bytes().length).toBeLessThanOrEqual(65_536 + Math.max(size, 8192) + 256);
    expect(tail.bytes().length).toBeGreaterThanOrEqual(65_536);
  }
});
