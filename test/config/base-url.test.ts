import { expect, test } from "bun:test";
import fc from "fast-check";
import { inEnglish } from "../../src/base/text.ts";
import { guessBaseUrl, readBaseUrl } from "../../src/config/base-url.ts";

const problemOf = (text: string): string | null => {
  const read = readBaseUrl(text);
  const words = read.kind === "bad" ? read.problem : read.miss;
  return words === undefined ? null : inEnglish(words);
};

test.each<[string, RegExp, string | null]>([
  ["https://a.example/v1/responses", /ends in \/responses,/, "https://a.example/v1"],
  ["https://a.example/v1/responses/", /ends in \/responses,/, "https://a.example/v1"],
  ["https://a.example/v1/responses/compact", /ends in \/responses\/compact,/, "https://a.example/v1"],
  ["https://a.example/v1/chat/completions", /ends in \/chat\/completions,/, "https://a.example/v1"],
  ["https://a.example/v1/Chat/Completions", /ends in/, "https://a.example/v1"],
  ["https://a.example/v1/completions", /ends in \/completions,/, "https://a.example/v1"],
  ["https://a.example/v1/messages", /ends in \/messages,/, "https://a.example/v1"],
  ["https://a.example/anthropic/v1/messages/count_tokens", /ends in/, "https://a.example/anthropic/v1"],
  ["https://a.example/v1/models", /ends in \/models,/, "https://a.example/v1"],
  ["https://a.example/responses", /ends in/, "https://a.example"],
  ["https://a.example/v1/v1", /twice/, "https://a.example/v1"],
  ["https://a.example/v1/v1/responses", /ends in/, "https://a.example/v1"],
  ["https://a.example/v1/v1/v1", /twice/, "https://a.example/v1"],
  ["https://a.example/v1?key=secret", /query/, "https://a.example/v1"],
  ["https://a.example/v1/responses?api-version=2026", /query/, "https://a.example/v1"],
  ["https://a.example/#/console", /fragment/, "https://a.example"],
  ["https://a.example/console", /web page \(\/console\)/, "https://a.example"],
  ["https://a.example/console/token", /web page \(\/console\/token\)/, "https://a.example"],
  ["https://a.example/panel/#/keys", /fragment/, "https://a.example"],
  ["https://a.example/login", /web page/, "https://a.example"],
  ["https://a.example/api-keys", /web page/, "https://a.example"],
  ["https://a.example/index.html", /web page/, "https://a.example"],
  ["https://a.example:0/v1", /port 0/, "https://a.example/v1"],
  ["https://user:secret@a.example/v1/messages", /user name/, "https://a.example/v1"],
  ["ftp://a.example/v1", /https or http/, null],
  ["https://", /.*/, null],
])("%s cannot work", (text, words, guess) => {
  expect(problemOf(text)).toMatch(words);
  expect(guessBaseUrl(text)).toBe(guess);
});

test.each([
  "https://a.example",
  "https://a.example/v1",
  "https://a.example/openai/v1",
  "https://a.example/api/coding/paas/v4",
  "https://a.example/apps/anthropic",
  "https://chatgpt.example/backend-api/codex",
  "https://a.example/console/v1",
  "https://a.example/admin/v1beta/openai",
  "https://a.example/my-responses",
  "https://a.example/messages-relay",
  "https://console.example/v1",
  "https://a.example/models/gpt/v1",
])("%s may work", (text) => {
  expect(problemOf(text)).toBeNull();
});

test("an address that was guessed is a good one, and needs no other guess", () => {
  const segment = fc.constantFrom(
    "v1",
    "responses",
    "chat",
    "completions",
    "console",
    "token",
    "api",
    "messages",
    "login",
    "x",
  );
  const end = fc.constantFrom("", "/", "//", "?a=b", "#/x", "/?");
  fc.assert(
    fc.property(
      fc.array(segment, { maxLength: 6 }),
      end,
      fc.constantFrom("", ":0", ":8443"),
      (path, tail, port) => {
        const text = `https://a.example${port}${path.map((one) => `/${one}`).join("")}${tail}`;
        const guess = guessBaseUrl(text);
        if (guess === null) return;
        expect(problemOf(guess)).toBeNull();
        expect(guessBaseUrl(guess)).toBeNull();
      },
    ),
  );
});

test("no text makes a guess throw", () => {
  fc.assert(
    fc.property(fc.string(), fc.webUrl({ withQueryParameters: true, withFragments: true }), (text, url) => {
      guessBaseUrl(text);
      guessBaseUrl(url);
      guessBaseUrl(url + text);
    }),
  );
});
