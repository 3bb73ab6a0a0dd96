import { expect, test } from "bun:test";
import { maskText } from "../../src/base/secrets.ts";
import { escapeHarmful, oneLine, printable } from "../../src/base/terminal-text.ts";

test.each([
  ["a soft hyphen", "\u00ad"],
  ["a word joiner", "\u2060"],
  ["invisible operators", "\u2061\u2064"],
  ["deprecated format characters", "\u206a\u206f"],
  ["a Mongolian vowel separator", "\u180e"],
  ["a combining grapheme joiner", "\u034f"],
  ["Hangul fillers", "\u115f\u3164\uffa0"],
  ["interlinear annotation", "\ufff9\ufffb"],
  ["bidirectional marks", "\u202e\u2066"],
  ["tags, which spell a text that nobody sees", "\u{e0041}\u{e0042}\u{e007f}"],
  ["variation selectors, which hold bytes", "\ufe00\ufe0d\u{e0100}\u{e01ef}"],
])("%s is not printed, and is escaped in JSON", (_, hidden) => {
  expect(oneLine(`a${hidden}b`)).toBe("ab");
  expect(printable(`a${hidden}b`)).toBe("ab");
  const json = JSON.stringify(`a${hidden}b`);
  const escaped = escapeHarmful(json);
  expect(escaped).toMatch(/^[ -~]+$/);
  expect(JSON.parse(escaped)).toBe(`a${hidden}b`);
});

test.each(["你好，世界", "\u2601\ufe0f", "عربي ١٢", "\u0600", "\u00e9", "x\u0301"])("%s stays", (text) => {
  expect(oneLine(text)).toBe(text);
  expect(JSON.parse(escapeHarmful(JSON.stringify(text)))).toBe(text);
});

test.each([
  "AIzaSyA1234567890abcdefg",
  "ya29.a0AfH6SMBabcdefghijk",
  "AKIAIOSFODNN7EXAMPLE",
  "hf_abcdefghijklmnop",
  "glpat-abcdefghijklmnop",
  "xoxb-123456789-abcdefg",
  "github_pat_11ABCDEFG0abcdef",
  "x-api-key: 0123456789abcdef",
  'Authorization: "0123456789abcdef"',
  '{"api_key":"0123456789abcdef"}',
  "socks5://user:0123456789abcdef@127.0.0.1:1080",
  "wss://relay.example/?key=0123456789abcdef",
])("the mask covers %s", (text) => {
  const masked = maskText(`say ${text} again`);
  expect(masked).toContain("…");
  expect(masked).not.toMatch(/0123456789|abcdefg|IOSFODNN7/);
});

test.each([
  "gpt-5.1-codex",
  "api_key_command: op",
  "--auth-token-env NAME",
  "the token is wrong",
  "model: claude-opus-4-1",
])("the mask leaves %s alone", (text) => {
  expect(maskText(text)).toBe(text);
});
