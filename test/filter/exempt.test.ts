import { expect, test } from "bun:test";
import type { Service } from "../../src/base/service.ts";
import { JSON_TYPE, expectOk, makeFilter } from "./filtered.ts";

const RULE = { op: "replace", source: "corp", target: "[X]" };

function filtered(request: unknown, service: Service = "codex"): { request: unknown; exempt: number } {
  const body = Buffer.from(JSON.stringify(request));
  const result = expectOk(makeFilter([RULE], service).filterBody(body, JSON_TYPE));
  return { request: JSON.parse(Buffer.from(result.value).toString()), exempt: result.exemptHits[0] ?? 0 };
}

test("a Codex request keeps encrypted content, tool schemas and tool names, and loses the rest", () => {
  const tool = (corp: string): object => ({
    type: "function",
    name: "mcp_corp_search",
    description: `searches ${corp}`,
    parameters: { properties: { corp: { type: "string", enum: ["corp"], description: "corp" } } },
  });
  const request = (corp: string): object => ({
    input: [
      { type: "additional_tools", tools: [{ type: "namespace", name: "ns_corp", tools: [tool(corp)] }] },
      { type: "custom", tools: [{ type: "custom", name: "patch", format: { definition: "corp" } }] },
      { type: "reasoning", encrypted_content: "corp", summary: [{ text: corp }] },
      { type: "compaction", encrypted_content: "corp" },
      { type: "function_call", name: "mcp_corp_search", namespace: "ns_corp", arguments: `{"q":"${corp}"}` },
      { type: "custom_tool_call", name: "patch", input: `*** ${corp}` },
      { type: "message", role: "user", name: corp, content: [{ type: "input_text", text: corp }] },
    ],
    tools: [tool(corp)],
    tool_choice: { type: "function", name: "mcp_corp_search" },
    instructions: corp,
  });
  const result = filtered(request("corp"));
  expect(result.request).toEqual(request("[X]"));
  expect(result.exempt).toBe(15);
});

test("a Claude request keeps signatures, tool schemas and tool names, and loses the rest", () => {
  const request = (corp: string): object => ({
    system: [{ type: "text", text: corp }],
    messages: [
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: corp, signature: "corp" },
          { type: "redacted_thinking", data: "corp" },
          { type: "text", text: corp, citations: [{ cited_text: corp, encrypted_index: "corp" }] },
          {
            type: "tool_use",
            id: "t",
            name: "corp_read",
            input: { path: corp, signature: corp, tools: corp, data: corp, encrypted_index: corp },
          },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: corp }] },
          { type: "document", source: { type: "text", media_type: "text/plain", data: corp } },
        ],
      },
    ],
    tools: [{ name: "corp_read", description: corp, input_schema: { description: "corp" } }],
  });
  const result = filtered(request("corp"), "claude");
  expect(result.request).toEqual(request("[X]"));
  expect(result.exempt).toBe(6);
});

test("a tool's input is anybody's JSON: encrypted_content means nothing there", () => {
  const make = (corp: string): object => ({
    messages: [
      { content: [{ type: "tool_use", input: { encrypted_content: corp, tools: [{ name: corp }] } }] },
    ],
  });
  expect(filtered(make("corp"), "claude").request).toEqual(make("[X]"));
});

test("JSON inside a string has no exempt places", () => {
  const make = (corp: string): object => ({
    input: [{ output: JSON.stringify({ encrypted_content: corp }) }],
  });
  expect(filtered(make("corp")).request).toEqual(make("[X]"));
});

test("a name is kept only if a tool is called so", () => {
  const make = (name: string): object => ({
    input: [{ type: "function_call", name, arguments: "{}" }],
    tools: [],
  });
  expect(filtered(make("corp")).request).toEqual(make("[X]"));
});

test("chat completions: functions and their calls", () => {
  const make = (corp: string): object => ({
    messages: [{ role: "assistant", tool_calls: [{ function: { name: "corp_f", arguments: corp } }] }],
    tools: [
      { type: "function", function: { name: "corp_f", description: corp, parameters: { title: "corp" } } },
    ],
  });
  expect(filtered(make("corp")).request).toEqual(make("[X]"));
});

test("signature and data are kept in the blocks that have them, and nowhere else", () => {
  const make = (corp: string): object => ({
    messages: [
      {
        role: "assistant",
        data: corp,
        signature: corp,
        content: [
          { signature: "corp", type: "thinking", thinking: corp, data: corp },
          { data: "corp", signature: corp, type: "redacted_thinking" },
          { type: "text", text: corp, signature: corp, data: corp },
          { type: "image", data: corp },
          { data: corp },
          { type: corp, data: corp },
          { type: "tool_result", content: [{ type: "text", text: corp, data: corp, signature: corp }] },
        ],
      },
    ],
  });
  const result = filtered(make("corp"), "claude");
  expect(result.request).toEqual(make("[X]"));
  expect(result.exempt).toBe(2);
});

test("only the block's own string is kept: not a list or an object in its place", () => {
  const make = (corp: string): object => ({
    messages: [
      {
        content: [
          { type: "thinking", signature: [corp, { a: corp }] },
          { type: "redacted_thinking", data: { signature: corp, data: corp } },
        ],
      },
    ],
  });
  const result = filtered(make("corp"), "claude");
  expect(result.request).toEqual(make("[X]"));
  expect(result.exempt).toBe(0);
});

test("a block with two types is of neither", () => {
  const body = '{"messages":[{"content":[{"type":"thinking","signature":"corp","type":"text"}]}]}';
  const result = expectOk(makeFilter([RULE], "claude").filterBody(Buffer.from(body), JSON_TYPE));
  expect(Buffer.from(result.value).toString()).toBe(body.replace("corp", "[X]"));
});

test("the same in a Codex request: its items have neither field", () => {
  const make = (corp: string): object => ({
    input: [
      { type: "message", content: [{ type: "input_text", text: corp, signature: corp, data: corp }] },
      { type: "reasoning", encrypted_content: "corp", signature: corp, data: corp },
    ],
  });
  const result = filtered(make("corp"));
  expect(result.request).toEqual(make("[X]"));
  expect(result.exempt).toBe(1);
});
