// Targets for files and links that others write: the clients' own files, the log, a link to import.
import fc from "fast-check";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../../src/base/errors.ts";
import { inEnglish } from "../../../src/base/text.ts";
import { editClaudeSettings, undoClaudeSettings } from "../../../src/clients/claude/settings.ts";
import { type CodexRoute, editCodexToml, undoCodexToml } from "../../../src/clients/codex/toml.ts";
import { importLink } from "../../../src/clients/import/link.ts";
import { isOnThisMachine, readBaseUrl } from "../../../src/config/base-url.ts";
import { makeLogLine } from "../../../src/log/entry.ts";
import { readLogBackward, scanLog } from "../../../src/log/reader.ts";
import { type LogRecord, readRecord } from "../../../src/log/record.ts";
import { readSettings, someSettings, withKeys } from "../../clients/claude/settings-arbitrary.ts";
import { readToml, someToml, withRoute } from "../../clients/codex/toml-arbitrary.ts";
import { codexSettings } from "../../helpers/cc-switch-home.ts";
import { anyEntry } from "../../log/any-entry.ts";
import { defineTarget, pick, tryParse } from "../target.ts";

const CODEX_ADDRESS = "http://127.0.0.1:3211/v1";
const CLAUDE_ADDRESS = "http://127.0.0.1:3210";

function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** Null for what a parser that is not ours does not take. */
function read<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch {
    return null;
  }
}

function same(one: unknown, other: unknown, what: string): void {
  if (!Bun.deepEquals(one, other))
    throw new Error(`${what}: ${JSON.stringify(one)} is not ${JSON.stringify(other)}`);
}

function routeOf({ id, kind }: { readonly id: string; readonly kind: string }): CodexRoute {
  if (kind === "provider") return { kind, id };
  return { kind: kind === "own" ? "own" : "openai" };
}

export const TOML = defineTarget({
  promise: "on and off again gives config.toml its own bytes, and a second parser sees only our keys change",
  covers: [
    "clients/codex/toml.ts",
    "clients/codex/toml-document.ts",
    "clients/codex/toml-mark.ts",
    "clients/codex/toml-splice.ts",
  ],
  words: [
    "openai_base_url",
    "model_provider",
    "[model_providers.r]",
    "[model_providers]",
    "[[x]]",
    "base_url = ",
    '"codex_proxy"',
    `"${CODEX_ADDRESS}"`,
    " # codex-helper: was ",
    " # codex-helper: added",
    "'''",
    '"""',
    "\r\n",
    "\n",
    "= {",
    "}",
    "\\u0041",
    "\\e",
    "1979-05-27",
    "0x1F",
    "\ufeff",
  ],
  arbitrary: someToml.map(({ route, text }) => ({
    text,
    kind: route.kind as string,
    id: route.kind === "provider" ? route.id : "",
  })),
  check({ id, kind, text: drawn }) {
    // As a file is read.
    const text = drawn.toWellFormed();
    const route = routeOf({ id, kind });
    attempt(() =>
      undoCodexToml(text, { changes: null, ownAddresses: [CODEX_ADDRESS], keepsOwnTable: false }),
    );
    const edit = attempt(() => editCodexToml(text, route, CODEX_ADDRESS));
    if (edit === null) return "refused";
    if (edit.changes.length === 0) {
      same(edit.text, text, "nothing to change");
      return "nothing to change";
    }
    const options = { changes: edit.changes, ownAddresses: [CODEX_ADDRESS], keepsOwnTable: false };
    same(undoCodexToml(edit.text, options).text, text, "on, then off");
    const before = read(() => readToml(text));
    if (before === null) throw new Error("edited what a second parser does not take");
    same(readToml(edit.text), withRoute(before, route, CODEX_ADDRESS), "after on");
    const hasMarks = text.includes("codex-helper:");
    const guessed = undoCodexToml(edit.text, { ...options, changes: null });
    // Line ends of a value may be read as either (https://toml.io/en/v1.1.0#string).
    const plain = (table: unknown): string => JSON.stringify(table, showBigInt).replaceAll("\\r\\n", "\\n");
    if (!hasMarks) same(plain(readToml(guessed.text)), plain(before), "off without a journal");
    return `${route.kind} ${edit.changes.length} ${hasMarks}`;
  },
});

export const SETTINGS = defineTarget({
  promise:
    "on and off again gives settings.json its own bytes, and a second parser sees only our keys change",
  covers: ["clients/claude/settings.ts", "config/jsonc-edit.ts", "config/jsonc.ts"],
  words: [
    '"env"',
    '"ANTHROPIC_BASE_URL"',
    '"ANTHROPIC_AUTH_TOKEN"',
    `"${CLAUDE_ADDRESS}"`,
    ": ",
    ",",
    "{",
    "}",
    "//",
    "/* */",
    "\n",
    "\r\n",
    "\\u0065",
    "null",
    "\ufeff",
  ],
  arbitrary: fc.record({ text: someSettings, needsToken: fc.boolean() }),
  check({ needsToken, text: drawn }) {
    const text = drawn.toWellFormed();
    const options = { changes: null, ownAddresses: [CLAUDE_ADDRESS] };
    attempt(() => undoClaudeSettings(text, options));
    const edit = attempt(() => editClaudeSettings(text, { address: CLAUDE_ADDRESS, needsToken }));
    if (edit === null) return "refused";
    const undo = undoClaudeSettings(edit.text, { ...options, changes: edit.changes });
    same(undo.text, text, "on, then off");
    const before = read(() => readSettings(text));
    if (before !== null)
      same(readSettings(edit.text), withKeys(before, CLAUDE_ADDRESS, needsToken), "after on");
    return `${edit.changes.length} ${before === null}`;
  },
});

function showBigInt(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

const BLOCKS = { none: 0, forward: 256 * 1024, backward: 1024 * 1024 } as const;

export const LOG = defineTarget({
  promise: "the log gives the same entries forward, backward and line by line, whatever is damaged",
  covers: ["log/reader.ts", "log/record.ts"],
  words: [
    "\n",
    "\r\n",
    "\0",
    "\0\0\n",
    '{"timestamp_ms":1}\n',
    '{"timestamp_ms":1e999}',
    '"timestamp_ms"',
    "\u2028",
    "{torn\n",
    "[1]\n",
  ],
  arbitrary: fc.record({
    files: fc.array(
      fc
        .array(
          fc.oneof(
            { weight: 4, arbitrary: anyEntry.map((entry) => makeLogLine(entry)) },
            fc.constantFrom("\n", "{torn\n", "\0\0\n", "[1]\r\n", '{"timestamp_ms":1}'),
          ),
          { maxLength: 5 },
        )
        .map((lines) => lines.join("")),
      { minLength: 1, maxLength: 3 },
    ),
    /** Bytes that were damaged, of the first file. */
    damage: fc.array(fc.nat({ max: 5000 }), { maxLength: 3 }),
    /** Where a block that is read ends within the text. */
    block: fc.constantFrom(0, 0, 0, 0, 1, 2),
    offset: fc.nat({ max: 400 }),
  }),
  async check({ block, damage, files, offset }) {
    const directory = mkdtempSync(join(tmpdir(), "fuzz-log-"));
    const path = join(directory, "requests.jsonl");
    const texts = files.slice(0, 3).map((text, index) => {
      const bytes = Buffer.from(text);
      if (index > 0) return bytes;
      for (const at of damage) if (bytes.length > 0) bytes[at % bytes.length] = (at * 7) % 256;
      const kind = pick(["none", "forward", "backward"] as const, block);
      const filling = Buffer.alloc(Math.max(0, BLOCKS[kind] - (offset % 500)), "y");
      if (kind === "none") return bytes;
      return Buffer.concat(
        kind === "forward" ? [filling, Buffer.from("\n"), bytes] : [bytes, Buffer.from("\n"), filling],
      );
    });
    try {
      for (const [index, bytes] of texts.entries())
        writeFileSync(index === 0 ? path : `${path}.${index}`, bytes);
      let [forwardBad, backwardBad, expectedBad] = [0, 0, 0];
      const forward: LogRecord[] = [];
      await scanLog(path, {
        onRecord: (record) => void forward.push(record),
        onBadLine: () => void (forwardBad += 1),
      });
      const backward: LogRecord[] = [];
      for await (const batch of readLogBackward(path, { onBadLine: () => void (backwardBad += 1) }))
        for (const { record } of batch) backward.push(record);
      const expected: LogRecord[] = [];
      for (const line of texts.toReversed().flatMap((bytes) => splitLines(bytes))) {
        const record = readRecord(tryParse(line.replace(/^\0+/, "")));
        if (record !== null) expected.push(record);
        else if (line.trim() !== "") expectedBad += 1;
      }
      same(forward, expected, "forward");
      same(backward.toReversed(), expected, "backward");
      same([forwardBad, backwardBad], [expectedBad, expectedBad], "lines that are no entries");
      return `${Math.min(4, expected.length)} ${Math.min(3, expectedBad)} ${block % 3} ${texts.length}`;
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
});

function splitLines(bytes: Buffer): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let at = 0; at <= bytes.length; at += 1) {
    if (at < bytes.length && bytes[at] !== 0x0a) continue;
    lines.push(bytes.toString("utf8", start, at));
    start = at + 1;
  }
  return lines;
}

const SECRET = "sk-0123456789-very-secret-abcdef";
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const PARAMETERS = [
  "resource",
  "app",
  "name",
  "endpoint",
  "apiKey",
  "model",
  "notes",
  "config",
  "configFormat",
  "apiFormat",
];

export const LINK = defineTarget({
  promise: "a link is a config that can be used, or one error without its key",
  covers: [
    "clients/import/link.ts",
    "clients/import/cc-switch-provider.ts",
    "clients/imported-config.ts",
    "config/base-url.ts",
    "config/name.ts",
  ],
  words: [
    ...PARAMETERS,
    "provider",
    "codex",
    "claude",
    "https://r.example/v1",
    "http://127.0.0.1",
    "http://[::1]",
    "localhost",
    ",",
    "json",
    "toml",
    "%00",
    "\u202e",
    base64("{}"),
    base64('{"env":{}}'),
    base64("[model_providers.x]\n"),
  ],
  arbitrary: fc.record({
    parameters: fc.array(
      fc.record({
        name: fc.constantFrom(...PARAMETERS, "usageScript"),
        value: fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.base64String(),
          fc.constantFrom(
            "codex",
            "claude",
            "provider",
            "json",
            "toml",
            base64(JSON.stringify(codexSettings("https://r.example/v1", SECRET))),
          ),
        ),
      }),
      { maxLength: 4 },
    ),
    start: fc.oneof(
      { weight: 4, arbitrary: fc.constant("ccswitch://v1/import") },
      { weight: 1, arbitrary: fc.string() },
    ),
    app: fc.nat({ max: 1 }),
  }),
  check({ app, parameters, start }) {
    const base = new Map([
      ["resource", "provider"],
      ["app", pick(["codex", "claude"], app)],
      ["name", "Relay"],
      ["endpoint", "https://r.example/v1"],
      ["apiKey", SECRET],
    ]);
    for (const { name, value } of parameters) base.set(name, value.toWellFormed());
    const link = `${start}?${new URLSearchParams([...base]).toString()}`;
    try {
      const { configs } = importLink(link);
      for (const { upstreams } of configs) {
        if (upstreams.length === 0) throw new Error("a config without an upstream");
        for (const { base_url: url } of upstreams) {
          const problem = readBaseUrl(url);
          if (problem.kind === "bad") throw new Error(`an address that cannot be used: ${url}`);
          if (isOnThisMachine(url)) throw new Error(`an address on this machine: ${url}`);
        }
      }
      return `taken ${configs[0]?.upstreams.length} ${configs[0]?.service}`;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const words = `${error.message} ${inEnglish(error.text)}`;
      const isKey =
        base.get("apiKey") === SECRET &&
        ![...base].some(([name, value]) => name !== "apiKey" && value.includes(SECRET));
      if (isKey && words.includes(SECRET)) throw new Error("the key is in the error");
      return `refused ${inEnglish(error.text)
        .replace(/[("`].*/s, "")
        .slice(0, 60)}`;
    }
  },
});
