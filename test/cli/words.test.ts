import { expect, test } from "bun:test";
import { createWords } from "../../src/cli/words.ts";

function words(columns: number | undefined) {
  let text = "";
  const stderr = {
    columns,
    width: columns ?? 80,
    hasColours: false,
    write: (more: string) => void (text += more),
  };
  return { ...createWords({ stderr, isInteractive: false }), seen: () => text };
}

test("a passing line stands over the one before it, and is taken away", () => {
  const { passing, seen } = words(40);
  passing("reading  50 %");
  passing("");
  expect(seen()).toBe("\rreading  50 %\u001b[K\r\u001b[K");
});

test("a passing line is no wider than the terminal and steers nothing", () => {
  const { passing, seen } = words(10);
  passing("正在读取日志\u001b[2J and more");
  const [line = ""] = seen().slice(1).split("\u001b[K");
  expect(Bun.stringWidth(line)).toBeLessThan(10);
  expect(line).not.toContain("\u001b");
});

test("nothing passes by where nobody looks", () => {
  const { passing, seen } = words(undefined);
  passing("reading  50 %");
  expect(seen()).toBe("");
});
