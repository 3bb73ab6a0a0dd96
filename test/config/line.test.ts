import { expect, test } from "bun:test";
import fc from "fast-check";
import { deflateRawSync } from "node:zlib";
import { UserError } from "../../src/base/errors.ts";
import { readLine, writeLine } from "../../src/config/line.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { makeIsSecret } from "../../src/config/sync/travel.ts";

const KEY = "sk-literal-0123456789";
const write = (value: unknown, name: string | null = null) =>
  writeLine(parseConfig(JSON.stringify(value), "config.json"), name, makeIsSecret([KEY]));
const upstream = (index: number) => ({
  base_url: `https://relay-${index}.example/v1`,
  auth: { auth_token_env: `RELAY_${index}_KEY` },
});

test("holds configs, and neither keys nor what belongs to this machine", () => {
  const { leftOut, line } = write({
    hooks: { on_event: "run" },
    codex: {
      active: "main",
      configs: {
        main: {
          alias: "主",
          upstreams: [
            upstream(1),
            {
              base_url: "https://b.example/v1",
              auth: { api_key: KEY },
              headers: { "x-a": "b" },
              proxy: "http://p:1",
            },
          ],
        },
      },
    },
  });
  expect(line).toMatch(/^codex-helper:1:[\w-]{20,400}$/);
  expect(leftOut).toEqual([{ label: "main#2", keys: ["auth/api_key", "headers/x-a"] }]);
  expect(JSON.parse(readLine(` ${line}\n`))).toEqual({
    codex: {
      configs: { main: { alias: "主", upstreams: [upstream(1), { base_url: "https://b.example/v1" }] } },
    },
  });
});

test("of three configs with three upstreams each fits into a third of the largest QR code", () => {
  const main = { alias: "monthly", upstreams: [1, 2, 3].map(upstream) };
  const configs = { main, spare: main, work: { ...main, models: { "*": "gpt-5.6" } } };
  expect(write({ codex: { configs } }).line.length).toBeLessThan(1000);
});

test("too much for a QR code, or a name that is not there, is an error with the next command", () => {
  const random = (index: number) => ({ ...upstream(index), tags: { note: crypto.randomUUID() } });
  const configs = Object.fromEntries(
    Array.from({ length: 64 }, (_, index) => [`c${index}`, { upstreams: [random(index)] }]),
  );
  expect(() => write({ codex: { configs } })).toThrow(/more than a QR code holds/);
  expect(write({ codex: { configs } }, "c1").line.length).toBeLessThan(400);
  expect(() => write({ codex: { configs } }, "nope")).toThrow('there is no config "nope"');
});

test.each([
  ["of a newer version", "codex-helper:2:abc"],
  ["that is cut", (line: string) => line.slice(0, -6)],
  ["with another character", (line: string) => `${line}!`],
  [
    "that holds settings",
    `codex-helper:1:${deflateRawSync('{"hooks":{"on_event":"x"}}').toString("base64url")}`,
  ],
  [
    "that would fill the memory",
    `codex-helper:1:${deflateRawSync(" ".repeat(2 ** 22)).toString("base64url")}`,
  ],
])("a line %s is refused", (_name, change) => {
  const { line } = write({ codex: { configs: { main: { upstreams: [upstream(1)] } } } });
  expect(() => readLine(typeof change === "string" ? change : change(line))).toThrow(UserError);
});

test("garbage never throws anything else", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        readLine(`codex-helper:1:${text}`);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
  );
});
