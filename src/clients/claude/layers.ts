// The settings that Claude Code goes by, from high to low, and which of them decides a variable.
// Pure.
import type { Text } from "../../base/text.ts";
import { readVariable } from "../../base/env.ts";
import { type JsonRecord, isRecord } from "../../base/json-value.ts";

/** Claude Code wants some credential before it asks; the proxy puts the real one in its place. */
export const PLACEHOLDER_TOKEN = "codex-helper";

export const BASE_URL = "ANTHROPIC_BASE_URL";
/** Headers that are added to every request. */
export const CUSTOM_HEADERS = "ANTHROPIC_CUSTOM_HEADERS";

/** Variables that hold what Claude Code shows an upstream. */
export const CREDENTIALS = ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"];

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

/** Has Claude Code anything to show an upstream? */
export function hasCredential(facts: ClaudeFacts): boolean {
  const hasHelper = facts.layers.some(({ hasApiKeyHelper }) => hasApiKeyHelper);
  return facts.hasLogin || hasHelper || CREDENTIALS.some((name) => findVariable(facts, name) !== undefined);
}

/** The variables as Claude Code sees them. `layers` go from high to low. */
export function mergeEnv(layers: readonly ClaudeLayer[]): ClaudeLayer["env"] {
  return Object.assign({}, ...layers.toReversed().map(({ env }) => env));
}

/** Settings of one JSON object, as a layer. */
export function makeLayer(kind: ClaudeLayerKind, where: Text | string, settings: object): ClaudeLayer {
  const { env, apiKeyHelper }: JsonRecord = { ...settings };
  // Claude Code makes texts of numbers and of true and false.
  const texts = Object.entries(isRecord(env) ? env : {}).flatMap(([name, value]): [string, string][] =>
    ["string", "number", "boolean"].includes(typeof value) ? [[name, String(value)]] : [],
  );
  return {
    kind,
    where,
    env: Object.fromEntries(texts),
    hasApiKeyHelper: typeof apiKeyHelper === "string",
  };
}
