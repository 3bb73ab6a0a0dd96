import { expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { formatTarget, parseTarget } from "../../src/config/name.ts";

test.each([
  ["main", { name: "main", position: null }],
  ["main#1", { name: "main", position: 1 }],
  ["a.b-c_d#64", { name: "a.b-c_d", position: 64 }],
  ["主力#2", { name: "主力", position: 2 }],
])("%s", (text, target) => {
  expect(parseTarget(text)).toEqual(target);
  if (target.position !== null) expect(formatTarget(target.name, target.position)).toBe(text);
});

test.each([
  "",
  "#1",
  "main#",
  "main#0",
  "main#-1",
  "main#1.5",
  "main#x",
  "main#1#2",
  "a b",
  "../x",
  "__proto__",
  "x".repeat(65),
  "main\n",
])("%j names nothing: wrong usage", (text) => {
  const attempt = () => parseTarget(text);
  expect(attempt).toThrow(UserError);
  expect(attempt).toThrow(expect.objectContaining({ exitCode: 2 }));
});
