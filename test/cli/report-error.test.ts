import { expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { reportError } from "../../src/cli/report-error.ts";
import type { Words } from "../../src/cli/words.ts";

function report(error: unknown, env: Record<string, string> = {}): { code: number; lines: string[] } {
  const lines: string[] = [];
  const words: Words = {
    note: (text) => lines.push(text),
    warn: (text) => lines.push(`warning: ${text}`),
    error: (text, hint) => lines.push(`error: ${text}`, ...(hint === undefined ? [] : [`  ${hint}`])),
    passing: () => {},
    openPrompts: () => Promise.reject(new Error("no terminal")),
    confirm: () => Promise.resolve(false),
  };
  return { code: reportError(error, words, env), lines };
}

test("an expected failure is one message, what to type, and its own exit code", () => {
  const error = new UserError("no config", { hint: "ch config add", exitCode: 1 });
  expect(report(error)).toEqual({ code: 1, lines: ["error: no config", "  ch config add"] });
});

test("what citty refuses is wrong usage", () => {
  const error = Object.assign(new Error("Missing"), { name: "CLIError" });
  expect(report(error)).toEqual({ code: 2, lines: ["error: Missing", "  ch --help"] });
});

test("a bug shows its stack and those of its causes, and exits with 70", () => {
  const { code, lines } = report(
    new TypeError("broken", { cause: new Error("deeper", { cause: "deepest" }) }),
  );
  const text = lines.join("\n");
  expect(code).toBe(70);
  expect(text).toStartWith("error: this is a bug in ch");
  expect(text).toMatch(
    /TypeError: broken\n {4}at .*report-error\.test\.ts[^]*\ncaused by: Error: deeper\n {4}at [^]*\ncaused by: "deepest"/,
  );
});

test("causes that go in a circle come to an end", () => {
  const error = new Error("round");
  error.cause = error;
  expect(
    report(error)
      .lines.join("\n")
      .match(/caused by/g),
  ).toHaveLength(4);
});

test("anything can be thrown", () => {
  expect(report({ odd: 1 }).lines[1]).toContain("odd: 1");
  expect(report(null)).toMatchObject({ code: 70 });
  expect(report(undefined)).toMatchObject({ code: 70 });
});

test.each([
  [
    "error",
    new UserError("token s3cr3t-of-mine refused", { hint: "ch config add --auth-token s3cr3t-of-mine" }),
  ],
  ["bug", new Error("token s3cr3t-of-mine", { cause: new Error("Bearer abcdefgh12345678") })],
])("no secret is shown: %s", (_kind, error) => {
  const text = report(error, { RELAY_TOKEN: "s3cr3t-of-mine", EMPTY_KEY: "" }).lines.join("\n");
  expect(text).not.toContain("s3cr3t-of-mine");
  expect(text).not.toContain("abcdefgh12345678");
  expect(text).toContain("…");
});
