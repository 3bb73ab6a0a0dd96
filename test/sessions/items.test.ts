import { describe, expect, test } from "bun:test";
import { readClaudeItems } from "../../src/sessions/claude-items.ts";
import { createCodexReader } from "../../src/sessions/codex-items.ts";
import { cleanPrompt } from "../../src/sessions/prompt-text.ts";
import { makeOlderRollout, makeOldestRollout, makeRollout, makeSessionId } from "../helpers/session-files.ts";

const AT = Date.UTC(2026, 10, 20, 12);
const shape = {
  id: makeSessionId(AT),
  cwd: "/code/app",
  at: AT,
  prompts: ["go on", "go on"],
  answer: "done",
};

type Json = Record<string, unknown>;
const codexItems = (records: readonly Json[]): string[] => {
  const read = createCodexReader();
  return records
    .flatMap((record) => read(record))
    .map(({ kind, text, tool }) => `${kind}${tool === undefined ? "" : ` ${tool}`}: ${text}`);
};

describe("the conversation in a Codex rollout", () => {
  test.each([
    ["0.169", makeRollout],
    ["autumn 2025", makeOlderRollout],
    ["summer 2025", makeOldestRollout],
  ])("has each message of %s once, also where the same is said twice", (_name, make) => {
    const records = make(shape)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Json);
    expect(codexItems(records)).toEqual(["prompt: go on", "answer: done", "prompt: go on", "answer: done"]);
  });

  test("is read from events alone, and from items alone", () => {
    const records = makeRollout(shape)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Json);
    const expected = ["prompt: go on", "answer: done", "prompt: go on", "answer: done"];
    expect(codexItems(records.filter(({ type }) => type !== "response_item"))).toEqual(expected);
    expect(codexItems(records.filter(({ type }) => type !== "event_msg"))).toEqual(expected);
  });

  test.each<[string, Json, string[]]>([
    [
      "a function",
      { type: "function_call", name: "exec_command", arguments: '{"cmd":"ls"}' },
      ["call exec_command: ls"],
    ],
    [
      "a shell command as words",
      { type: "function_call", name: "shell", arguments: '{"command":["bash","-lc","make it"]}' },
      ["call shell: make it"],
    ],
    [
      "a patch",
      { type: "custom_tool_call", name: "apply_patch", input: "*** Begin" },
      ["call apply_patch: *** Begin"],
    ],
    ["a local shell", { type: "local_shell_call", action: { command: ["ls", "-l"] } }, ["call shell: ls -l"]],
    [
      "arguments that are no JSON",
      { type: "function_call", name: "f", arguments: "{half" },
      ["call f: {half"],
    ],
    ["an output", { type: "function_call_output", output: "hi" }, ["output: hi"]],
    [
      "an output in parts",
      { type: "function_call_output", output: [{ text: "a" }, { text: "b" }] },
      ["output: a\nb"],
    ],
    ["a thought", { type: "reasoning", encrypted_content: "x" }, []],
    ["a developer's message", { type: "message", role: "developer", content: [{ text: "x" }] }, []],
  ])("shows %s", (_name, payload, expected) => {
    expect(codexItems([{ type: "response_item", payload }])).toEqual(expected);
  });
});

describe("the conversation in a transcript of Claude Code", () => {
  const read = (record: Json): string[] =>
    readClaudeItems(record, false).map(
      ({ kind, text, tool = "" }) => `${kind}${tool === "" ? "" : ` ${tool}`}: ${text}`,
    );

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

describe("what a person typed", () => {
  test.each<[string, string | null]>([
    ["fix it", "fix it"],
    ["<environment_context>\n<cwd>/x</cwd>\n</environment_context>", null],
    ["<user_instructions>\nbe brief\n</user_instructions>", null],
    ["# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>a</INSTRUCTIONS>", null],
    ["# Context from my IDE setup:\n\n## Open tabs:\n- a.ts\n\n## My request for Codex:\nfix it\n", "fix it"],
    ["<system-reminder>\nx\n</system-reminder>\nfix it", "fix it"],
    [
      "<command-message>x</command-message>\n<command-name>/review</command-name>\n<command-args>now</command-args>",
      "/review now",
    ],
    ["<command-name>/clear</command-name>", "/clear"],
    ["<local-command-stdout></local-command-stdout>", null],
    ["<bash-input>ls</bash-input>", "!ls"],
    ["Caveat: The messages below were generated by the user while running local commands.", null],
    ["[Request interrupted by user for tool use]", null],
    ["what does <div> mean?", "what does <div> mean?"],
    ["", null],
  ])("%j is %j", (text, expected) => {
    expect(cleanPrompt(text)).toBe(expected);
  });
});
