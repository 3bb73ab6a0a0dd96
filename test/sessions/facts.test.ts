import { describe, expect, test } from "bun:test";
import { closeSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import type { Service } from "../../src/base/service.ts";
import { readFacts, readSession } from "../../src/sessions/facts.ts";
import type { SessionFacts } from "../../src/sessions/session.ts";
import {
  makeFormats,
  makeOlderRollout,
  makeOldestRollout,
  makeRollout,
  makeSessionId,
  makeTranscript,
} from "../helpers/session-files.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

const AT = Date.UTC(2026, 10, 20, 12);
const ID = makeSessionId(AT);
const shape = { id: ID, cwd: "/code/app", at: AT, prompts: ["first prompt", "second"] };

interface Given {
  readonly service?: Service;
  readonly name?: string;
}

function factsOf(
  home: TempHome,
  content: string | Uint8Array,
  { service = "codex", name = "a.jsonl" }: Given = {},
): SessionFacts {
  const path = join(home.path, name);
  const fd = openSync(path, "w");
  writeSync(fd, Buffer.from(content));
  closeSync(fd);
  return factsOfFile(home, path, service);
}

function factsOfFile(home: TempHome, path: string, service: Service): SessionFacts {
  const { mtimeMs, size } = statSync(path);
  const file = {
    format: makeFormats(home.paths)[service],
    path,
    id: ID,
    modifiedAt: mtimeMs,
    bytes: size,
    isArchived: false,
    isSubagent: false,
  };
  return readFacts(readSession(file));
}

describe("the facts of a session", () => {
  test.each([
    ["Codex 0.169", makeRollout, { model: "gpt-6.1-sol", provider: "test_relay", branch: "main" }],
    ["Codex of autumn 2025", makeOlderRollout, { model: "gpt-5", provider: null, branch: null }],
    ["Codex of summer 2025", makeOldestRollout, { model: null, provider: null, branch: "main" }],
  ])("are read from a rollout of %s", (_name, make, expected) => {
    using home = makeTempHome();
    expect(factsOf(home, make({ ...shape, branch: "main" }))).toMatchObject({
      cwd: "/code/app",
      firstPrompt: "first prompt",
      turns: 2,
      isTurnsMinimum: false,
      isSubagent: false,
      isFork: false,
      startedAt: AT,
      ...expected,
    });
  });

  const bare = (...records: object[]): string =>
    [{ id: ID, timestamp: new Date(AT).toISOString(), instructions: null }, ...records]
      .map((record) => JSON.stringify(record))
      .join("\n");
  const asked = { type: "message", role: "user", content: [{ type: "input_text", text: "look around" }] };
  const call = (input: object) => ({
    type: "function_call",
    name: "shell",
    arguments: JSON.stringify(input),
    call_id: "c",
  });
  test.each([
    ["a command was run", [call({ command: ["ls"], workdir: "/code/app" })]],
    [
      "the second command was run",
      [call({ command: ["ls"] }), call({ command: ["ls"], workdir: "/code/app" })],
    ],
    [
      "a local shell was used",
      [
        {
          type: "local_shell_call",
          action: { type: "exec", command: ["ls"], working_directory: "/code/app" },
        },
      ],
    ],
    [
      "the model was told in words",
      [
        {
          type: "message",
          role: "user",
          content: [
            {
              type: "input_text",
              text: "<environment_context>\nCurrent working directory: /code/app\nApproval policy: never\n</environment_context>",
            },
          ],
        },
      ],
    ],
  ])("of spring 2025 have the directory in which %s", (_name, records) => {
    using home = makeTempHome();
    const facts = factsOf(home, bare(asked, ...records));
    expect(facts).toMatchObject({
      cwd: "/code/app",
      firstPrompt: "look around",
      turns: 1,
      updatedAt: expect.any(Number),
    });
    expect(factsOf(home, bare(asked, call({ command: ["ls"], workdir: "src" }))).cwd).toBeNull();
  });

  test("are read from a transcript of Claude Code, with the name that the user gave", () => {
    using home = makeTempHome();
    const title = JSON.stringify({ type: "custom-title", customTitle: "my title", sessionId: ID });
    expect(factsOf(home, `${makeTranscript(shape)}${title}\n`, { service: "claude" })).toMatchObject({
      cwd: "/code/app",
      firstPrompt: "first prompt",
      turns: 2,
      title: "my title",
      branch: "main",
      model: "claude-opus-5-5",
      isFork: false,
    });
  });

  test("say that a session of Claude Code was moved to another directory", () => {
    using home = makeTempHome();
    const moved = JSON.stringify({ type: "relocated", relocatedCwd: "/code/new", sessionId: ID });
    expect(factsOf(home, `${makeTranscript(shape)}${moved}\n`, { service: "claude" }).cwd).toBe("/code/new");
  });

  test("know a fork of Claude Code by its mark, and by a history older than its first prompt", () => {
    using home = makeTempHome();
    const parent = "11111111-2222-4333-8444-555555555555";
    const marked = makeTranscript(shape).replaceAll(
      '"type":"user"',
      `"type":"user","forkedFrom":{"sessionId":"${parent}"}`,
    );
    expect(factsOf(home, marked, { service: "claude" })).toMatchObject({ isFork: true, forkedFrom: parent });
    const queued = JSON.stringify({ type: "queue-operation", timestamp: new Date(AT + 9e5).toISOString() });
    const copied = factsOf(home, `${queued}\n${makeTranscript(shape)}`, { service: "claude" });
    expect(copied).toMatchObject({ isFork: true, forkedFrom: null });
  });

  test("count at least the turns at both ends of a file of 500 MB", () => {
    using home = makeTempHome();
    const path = join(home.path, "huge.jsonl");
    const text = makeRollout(shape);
    const fd = openSync(path, "w");
    writeSync(fd, text);
    ftruncateSync(fd, 500 * 1024 * 1024);
    writeSync(
      fd,
      `\n${makeRollout({ ...shape, prompts: ["third"], laterCwd: "/code/late" })}`,
      500 * 1024 * 1024,
    );
    closeSync(fd);
    expect(factsOfFile(home, path, "codex")).toMatchObject({
      cwd: "/code/late",
      firstPrompt: "first prompt",
      turns: 3,
      isTurnsMinimum: true,
    });
  });

  test("find a first prompt that stands behind 300 KB of instructions", () => {
    using home = makeTempHome();
    const facts = factsOf(home, makeRollout({ ...shape, instructions: "ü".repeat(150_000) }));
    expect(facts.firstPrompt).toBe("first prompt");
  });

  test("come out of a compressed rollout", () => {
    using home = makeTempHome();
    const facts = factsOf(home, zstdCompressSync(Buffer.from(makeRollout(shape))), { name: "a.jsonl.zst" });
    expect(facts).toMatchObject({ cwd: "/code/app", turns: 2 });
  });
});

describe("a damaged session file is listed with what is known", () => {
  const whole = makeRollout(shape);
  const [first = "", ...rest] = whole.split("\n");

  test.each([
    ["its first line is missing", rest.join("\n"), { cwd: "/code/app", turns: 2, provider: null }],
    ["its first line is torn", [first.slice(0, 300), ...rest].join("\n"), { cwd: "/code/app", turns: 2 }],
    [
      "its first record has another shape",
      [JSON.stringify({ type: "session_meta", payload: [1] }), ...rest].join("\n"),
      { turns: 2 },
    ],
    [
      "its first record's fields have other types",
      [
        JSON.stringify({
          type: "session_meta",
          payload: { id: 5, cwd: {}, git: "x", source: 7, timestamp: 1 },
        }),
        ...rest,
      ].join("\n"),
      { cwd: "/code/app", turns: 2, startedAt: null, branch: null },
    ],
    [
      "it has records of unknown types",
      `${whole}{"type":"new_thing","payload":{"cwd":"/x"}}\n[1]\nnull\n"x"\n`,
      { cwd: "/code/app", turns: 2 },
    ],
    [
      "its last line is half-written",
      whole + '{"timestamp":"2026-11-20T12:00:01Z","type":"turn_context","payload":{"cwd":"/half',
      { cwd: "/code/app", turns: 2 },
    ],
    ["it is empty", "", { cwd: null, turns: 0, firstPrompt: null }],
    ["it holds nothing but zeros", "\0".repeat(100_000), { cwd: null, turns: 0 }],
    ["it is no text", "\xff\xfe\n\x80\n", { cwd: null, turns: 0 }],
  ])("when %s", (_name, content, expected) => {
    using home = makeTempHome();
    expect(factsOf(home, content)).toMatchObject({ ...expected, isSubagent: false });
  });

  test("when it is compressed and broken, or gone", () => {
    using home = makeTempHome();
    expect(factsOf(home, "no zstd", { name: "b.jsonl.zst" })).toMatchObject({ cwd: null, turns: 0 });
    const file = {
      format: makeFormats(home.paths).codex,
      id: ID,
      modifiedAt: AT,
      bytes: 9,
      isArchived: false,
      isSubagent: false,
    };
    const gone = readFacts(readSession({ ...file, path: join(home.path, "nowhere.jsonl") }));
    expect(gone).toMatchObject({ cwd: null, updatedAt: AT });
  });

  test("whatever its lines hold", () => {
    using home = makeTempHome();
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom("user", "message", "session_meta", "turn_context", "assistant"),
    );
    const names = [
      "type",
      "payload",
      "message",
      "role",
      "content",
      "cwd",
      "git",
      "source",
      "timestamp",
      "item",
      "text",
    ];
    const record = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(value, fc.dictionary(fc.constantFrom(...names), value)),
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            record.map((one) => JSON.stringify(one)),
            fc.string(),
          ),
          { maxLength: 8 },
        ),
        fc.constantFrom<Service>("codex", "claude"),
        (content, service) => {
          const facts = factsOf(home, content.join("\n"), { service });
          expect(facts.cwd === null || typeof facts.cwd === "string").toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
