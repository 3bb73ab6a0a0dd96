// Every answer of test/answers, given to the real proxy in three chunkings and three codings.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AnswerRunner, startAnswerRunner } from "../helpers/answer-corpus.ts";
import {
  type AnswerFile,
  checkTogether,
  readAnswerFile,
  readAnswerFiles,
  textOf,
} from "../helpers/answer-file.ts";
import { isSetAside } from "../helpers/corpus.ts";

const LARGE = 32 * 1024;
const files = await readAnswerFiles();
let runner: AnswerRunner;
beforeAll(async () => {
  runner = await startAnswerRunner();
});
afterAll(() => runner[Symbol.asyncDispose]());

const groups = Map.groupBy(files, ({ file }) => (isSetAside(file) ? "answers set aside" : "answers"));
for (const [group, of] of groups) {
  describe(group, () => {
    for (const file of of) {
      // All decoders share one limit: what they hold much of is not decoded beside other answers.
      const add = textOf(file.answer).length < LARGE ? test.concurrent : test;
      add(`${file.name} (${file.file})`, async () => {
        expect(await runner.run(file)).toEqual([]);
      });
    }
  });
}

describe("the corpus itself", () => {
  const good = {
    name: "A good answer",
    source: "https://github.com/example/relay/issues/1",
    api: "chat",
    answer: { body: [] },
    expect: { verdict: "ok", client: "first" },
  };

  test("refuses a file that does not say where it is from", () => {
    for (const source of [
      undefined,
      "",
      "a friend",
      "https://example.com",
      { client: "codex" },
      { client: "curl 8.0.0", seen: "x" },
    ])
      expect(() => readAnswerFile("x.json", JSON.stringify({ ...good, source }))).toThrow("x.json: ");
  });

  test("refuses more than five answers of one source", () => {
    const make = (n: number): AnswerFile =>
      readAnswerFile(`${n}.json`, JSON.stringify({ ...good, name: `A good answer ${n}` }));
    expect(() => checkTogether([1, 2, 3, 4, 5].map(make))).not.toThrow();
    expect(() => checkTogether([1, 2, 3, 4, 5, 6].map(make))).toThrow(
      "6 answers are made from https://github.com/example",
    );
  });
});
