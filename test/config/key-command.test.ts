// The command that prints a key, as it is written: what is accepted, what is shown, how a typed line is split.
import { expect, test } from "bun:test";
import { problemOfCommand, shellWordOf, showCommand, splitWords } from "../../src/config/key-command.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { inEnglish } from "../../src/base/text.ts";

const problemOf = (words: readonly string[]): string | null => {
  const problem = problemOfCommand(words);
  return problem === null ? null : inEnglish(problem);
};

test.each([
  [["op", "read", "op://vault/item/key"]],
  [["/usr/bin/pass", "show", "relay"]],
  [["C:\\Program Files\\op\\op.exe", "read", "x"]],
  [["/Applications/My Vault/vault"]],
  [["sh", "-c", "pass show relay | head -1"]],
])("%p can be run", (words) => {
  expect([problemOf(words), shellWordOf(words)]).toEqual([null, null]);
});

test.each([
  [[""], "names no program"],
  [["  ", "x"], "names no program"],
  [["op read op://vault/item/key"], "must have the program and each argument as a word of its own"],
  [["./key.sh"], "must begin with a program on PATH, or with an absolute path"],
  [["bin/key"], "must begin with a program on PATH"],
  [["~/bin/key"], "must begin with a program on PATH"],
  [["op", "a\0b"], "contains a NUL character"],
  [["op", "…"], "is masked"],
])("%p cannot: %s", (words, said) => {
  expect(problemOf(words)).toStartWith(said);
});

test.each(["|", "&&", ">", "2>>", ";", "$(id)", "`id`", "~/key", "$HOME", "${HOME}"])(
  "%s is a word that only a shell would read",
  (word) => expect(shellWordOf(["cat", "x", word])).toBe(word),
);

test.each([
  ["op read 'op://my vault/item/key'", ["op", "read", "op://my vault/item/key"]],
  [`powershell -Command "Get-Secret -Name \\"a b\\""`, ["powershell", "-Command", 'Get-Secret -Name "a b"']],
  [`"C:\\Program Files\\op.exe" read`, ["C:\\Program Files\\op.exe", "read"]],
  ["a '' b\\ c  d", ["a", "", "b c", "d"]],
  ["--x='1 2'y", ["--x=1 2y"]],
  ["op 'read", null],
  ["", []],
])("the line %s is split as it is meant", (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

test("what is shown is one line, can be typed again, and masks what looks like a secret", () => {
  const words = ["curl", "-H", "Authorization: Bearer abcdef123456", "it's\u001b[31m red\n"];
  expect(showCommand(words)).toBe(`curl -H 'Authorization: Bearer …' 'it'\\''s red'`);
  expect(splitWords(showCommand(["op", "read", "op://a b/c'd"]))).toEqual(["op", "read", "op://a b/c'd"]);
});

test.each([
  [
    "a text",
    '"op read x"',
    'must be a list of words, such as ["op", "read", "op://vault/item/key"]: no shell runs it',
  ],
  ["no words", "[]", "must contain at least 1"],
  ["a number among the words", '["op", 1]', "must be text in double quotes"],
  ["one word of many", '["op read x"]', "must have the program and each argument as a word of its own"],
])("%s is refused in words, with its place", (_, value, said) => {
  const text = `{ "codex": { "configs": { "main": { "upstreams": [{ "base_url": "https://a.example/v1", "auth": { "auth_token_command": ${value} } }] } } } }`;
  const problem = parseConfig(text, "config.json").services.codex.broken.get("main");
  expect(inEnglish(problem ?? "")).toContain(said);
  expect(inEnglish(problem ?? "")).toContain("auth_token_command");
});
