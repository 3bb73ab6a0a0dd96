import { describe, expect, test } from "bun:test";
import { createItemReader } from "../../../src/clients/codex/session-items.ts";
import {
  makeOlderRollout,
  makeOldestRollout,
  makeRollout,
  makeSessionId,
} from "../../helpers/session-files.ts";

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
  const { read } = createItemReader();
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
