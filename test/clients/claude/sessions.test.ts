import { describe, expect, test } from "bun:test";
import { resolvePaths } from "../../../src/base/paths.ts";
import { claudeSessions } from "../../../src/clients/claude/sessions.ts";

type Json = Record<string, unknown>;

describe("the conversation in a transcript of Claude Code", () => {
  const format = claudeSessions(resolvePaths({ HOME: "/home/me" }, "linux"));
  const file = {
    format,
    path: "/a",
    id: null,
    modifiedAt: 0,
    bytes: 0,
    isArchived: false,
    isSubagent: false,
  };
  const read = (record: Json): string[] =>
    format
      .createItemReader(file)
      .read(record)
      .map(({ kind, text, tool = "" }) => `${kind}${tool === "" ? "" : ` ${tool}`}: ${text}`);

  test.each<[string, Json, string[]]>([
    ["a prompt", { type: "user", message: { content: "hi" } }, ["prompt: hi"]],
    [
      "a prompt in parts",
      { type: "user", message: { content: [{ type: "text", text: "hi" }, { type: "image" }] } },
      ["prompt: hi"],
    ],
    [
      "a tool's result",
      {
        type: "user",
        message: { content: [{ type: "tool_result", content: [{ type: "text", text: "out" }] }] },
      },
      ["output: out"],
    ],
    [
      "an answer with a tool",
      {
        type: "assistant",
        message: {
          content: [
            { type: "text", text: "yes" },
            { type: "tool_use", name: "Bash", input: { command: "ls" } },
          ],
        },
      },
      ["answer: yes", "call Bash: ls"],
    ],
    ["no thoughts", { type: "assistant", message: { content: [{ type: "thinking", thinking: "hm" }] } }, []],
    ["no message of the client's own", { type: "user", isMeta: true, message: { content: "hi" } }, []],
    ["no summary as a prompt", { type: "user", isCompactSummary: true, message: { content: "hi" } }, []],
    ["no sub-agent among the rest", { type: "user", isSidechain: true, message: { content: "hi" } }, []],
    ["nothing of another type", { type: "progress", message: { content: "hi" } }, []],
  ])("has %s", (_name, record, expected) => {
    expect(read(record)).toEqual(expected);
  });
});
