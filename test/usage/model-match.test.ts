import { describe, expect, test } from "bun:test";
import { matchModel } from "../../src/usage/model-match.ts";

const match = (asked: string, served: string, host = "relay.example") =>
  matchModel({ model: asked, served_model: served, upstream_base_url: `https://${host}/v1` });

describe("an answer that names the same model", () => {
  const rows: readonly (readonly [why: string, asked: string, served: string, host?: string])[] = [
    ["itself", "gpt-5.5", "gpt-5.5"],
    ["its snapshot", "gpt-5.5", "gpt-5.5-2026-04-23"],
    ["its snapshot, as Anthropic writes it", "claude-opus-4-5", "claude-opus-4-5-20251101"],
    ["its snapshot, as Vertex writes it", "claude-opus-4-5", "claude-opus-4-5@20251101"],
    ["an old snapshot", "gpt-4", "gpt-4-0613"],
    ["a preview", "gemini-2.5-pro", "gemini-2.5-pro-preview-05-06"],
    ["the snapshot's alias", "claude-opus-4-5-20251101", "claude-opus-4-5"],
    ["the latest", "claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"],
    ["a larger window", "claude-sonnet-4-6[1m]", "claude-sonnet-4-6"],
    ["a larger window of a snapshot", "claude-sonnet-4-5[1m]", "claude-sonnet-4-5-20250929"],
    ["a maker", "anthropic/claude-opus-4.5", "claude-opus-4-5-20251101"],
    ["a maker in the answer", "gpt-5.5", "openai/gpt-5.5-2026-04-23"],
    ["Bedrock's name", "us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5-20251101"],
    ["capitals", "GLM-4.7", "glm-4.7"],
    ["a maker's own capitals", "deepseek-v3.2", "deepseek-ai/DeepSeek-V3.2"],
    ["an effort", "gpt-5.5-high", "gpt-5.5"],
    ["an effort in brackets", "gpt-5.5(xhigh)", "gpt-5.5-2026-04-23"],
    ["a thinking mode", "claude-opus-4-5-thinking", "claude-opus-4-5-20251101"],
    ["a variant of OpenRouter's", "deepseek/deepseek-v3.2:nitro", "deepseek/deepseek-v3.2"],
    ["the order of words", "claude-4.5-opus", "claude-opus-4-5-20251101"],
    ["a channel", "[CC]claude-opus-4-5", "claude-opus-4-5"],
    ["what the vendor chooses", "openrouter/auto", "claude-opus-4-5"],
    ["a mode of DeepSeek's", "deepseek-chat", "deepseek-v4-flash"],
    ["a vendor's own model, as it says", "claude-opus-4-5", "glm-4.7", "api.z.ai"],
    ["another vendor's", "claude-opus-4-5", "deepseek-v4-pro", "api.deepseek.com"],
    ["Kimi's, in China", "claude-opus-4-5", "kimi-k3", "api.kimi.com"],
    ["Kimi's, abroad", "claude-opus-4-5", "kimi-k3", "api.kimi.ai"],
    ["a deployment", "gpt-5.5", "gpt-4.1-2025-04-14", "mine.openai.azure.com"],
  ];
  for (const [why, asked, served, host] of rows)
    test(`${why}: ${asked} -> ${served}`, () => expect(match(asked, served, host)).toBe("same"));

  test("the user's own map: what the client asked for, or what was made of it", () => {
    const mapped = { model: "claude-opus-4-5", upstream_model: "relay-best" };
    expect(matchModel({ ...mapped, served_model: "relay-best" })).toBe("same");
    expect(matchModel({ ...mapped, served_model: "claude-opus-4-5-20251101" })).toBe("same");
    expect(matchModel({ model: "claude-opus-4-5", chain_model: "glm-4.7", served_model: "glm-4.7" })).toBe(
      "same",
    );
  });
});

describe("an answer that names another model", () => {
  const rows: readonly (readonly [asked: string, served: string, host?: string])[] = [
    ["gpt-5.5", "gpt-5.5-mini"],
    ["gpt-5.5", "gpt-5.4"],
    ["gpt-5.5", "gpt-5.5-codex"],
    ["gpt-4.1", "gpt-4.1-nano-2025-04-14"],
    ["claude-opus-4-5", "claude-sonnet-4-5-20250929"],
    ["claude-opus-4-5", "claude-opus-4-1-20250805"],
    ["claude-opus-4-5", "glm-4.7"],
    ["claude-opus-4-5", "glm-4.7", "not-z.ai.example"],
    ["gemini-3-pro", "gemini-3-flash"],
    ["deepseek-v3.2", "qwen3-coder"],
    ["grok-4", "grok-4-fast"],
    ["claude-opus-4-5", "house-blend"],
  ];
  for (const [asked, served, host] of rows)
    test(`${asked} -> ${served}`, () => expect(match(asked, served, host)).toBe("other"));
});

test("nothing is said where no name is known", () => {
  expect(matchModel({ model: "gpt-5.5" })).toBeNull();
  expect(matchModel({ served_model: "gpt-5.5" })).toBeNull();
  expect(match("our-model", "gpt-5.5")).toBeNull();
  expect(match("gpt-5.5", "unknown")).toBeNull();
});
