// The settings that Claude Code goes by, from high to low, and which of them decides a variable.
// Pure.
import type { Text } from "../../base/text.ts";
import { readVariable } from "../../base/env.ts";
import { isRecord } from "../../base/json-value.ts";

/** Claude Code wants some credential before it asks; the proxy puts the real one in its place. */
export const PLACEHOLDER_TOKEN = "codex-helper";

/** Each sends the requests to a cloud's own endpoint, past ANTHROPIC_BASE_URL. */
export const CLOUD_SWITCHES = [
  "BEDROCK",
  "VERTEX",
  "FOUNDRY",
  "MANTLE",
  "ANTHROPIC_AWS",
  "ANTHROPIC_GOOGLE_CLOUD",
].map((cloud) => `CLAUDE_CODE_USE_${cloud}`);

export type ClaudeLayerKind = "managed" | "command-line" | "local" | "project" | "user" | "environment";

export interface ClaudeLayer {
  readonly kind: ClaudeLayerKind;
  /** The file's path, or "the environment". */
  readonly where: Text | string;
  readonly env: Readonly<Record<string, string>>;
  /** A command of the user's makes the key. */
  readonly hasApiKeyHelper: boolean;
}

export interface ClaudeFacts {
  /** The highest first. Settings of any file win over the process environment. */
  readonly layers: readonly ClaudeLayer[];
  /** Signed in with an account. */
  readonly hasLogin: boolean;
  /** Files that Claude Code ignores because they cannot be read. Hold nothing of their content. */
  readonly problems: readonly { readonly path: string; readonly text: Text | string }[];
}

export interface FoundVariable {
  readonly value: string;
  readonly layer: ClaudeLayer;
}

/** The value that Claude Code uses, and who set it. A blank one counts as unset. */
export function findVariable(facts: ClaudeFacts, name: string): FoundVariable | undefined {
  for (const layer of facts.layers) {
    const value = readVariable(layer.env, name);
    if (value !== undefined) return { value, layer };
  }
  return undefined;
}

/** Settings of one JSON object, as a layer. */
export function makeLayer(kind: ClaudeLayerKind, where: Text | string, settings: object): ClaudeLayer {
  const env = "env" in settings && isRecord(settings.env) ? settings.env : {};
  // Claude Code makes texts of numbers and of true and false.
  const texts = Object.entries(env).flatMap(([name, value]: [string, unknown]): [string, string][] =>
    ["string", "number", "boolean"].includes(typeof value) ? [[name, String(value)]] : [],
  );
  return {
    kind,
    where,
    env: Object.fromEntries(texts),
    hasApiKeyHelper: "apiKeyHelper" in settings && typeof settings.apiKeyHelper === "string",
  };
}
