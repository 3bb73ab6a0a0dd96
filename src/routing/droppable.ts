// What may be left out of a request without changing what its turn means: hints for caches, prices, display and statistics, and
// the flags that allow them. Whatever is not listed here is never left out. Each row says why, and who reported it refused.
// Pure.
import type { RefusedThing } from "./types.ts";

export interface Droppable extends RefusedThing {
  /** Of a field: everywhere that it may stand. Default: where its name says. */
  readonly paths?: readonly string[];
  /** Members that a flag allows: they go with it. */
  readonly fields?: readonly string[];
  /** Not where the request has one of these members: it needs what is refused. */
  readonly unless?: readonly string[];
  /** Only with one of these values. */
  readonly values?: readonly string[];
  /** What is lost. */
  readonly reason: string;
  /** A public report that an upstream refuses it, or the vendor's page that says what it does. */
  readonly source: string;
}

const beta = (name: string, row: Omit<Droppable, "kind" | "name">): Droppable => ({
  kind: "beta",
  name,
  ...row,
});
const field = (name: string, row: Omit<Droppable, "kind" | "name">): Droppable => ({
  kind: "field",
  name,
  ...row,
});

const BETA_HEADERS = "https://platform.claude.com/docs/en/api/beta-headers";
const RESPONSES = "https://platform.openai.com/docs/api-reference/responses/create";

/** Where a cache's marks may stand. Not in the arguments of a tool call: those are the conversation. */
const cached = (name: string): readonly string[] =>
  ["", "system.*.", "tools.*.", "messages.*.content.*.", "messages.*.content.*.content.*."].map(
    (place) => `${place}${name}`,
  );

/** Names of members as in refusals, with `*` for any element. */
export const DROPPABLE: readonly Droppable[] = [
  beta("context-management-2025-06-27", {
    fields: ["context_management"],
    reason: "old tool results and thoughts stay in the context",
    source: "https://github.com/anthropics/claude-code/issues/21612",
  }),
  beta("prompt-caching-scope-2026-01-05", {
    fields: ["cache_control.scope"],
    reason: "the cache is not shared between users",
    source: "https://github.com/QuantumNous/new-api/issues/2975",
  }),
  beta("prompt-caching-2024-07-31", {
    reason: "caching has long been usual",
    source: "https://github.com/zed-industries/zed/issues/42715",
  }),
  beta("extended-cache-ttl-2025-04-11", {
    fields: ["cache_control.ttl"],
    reason: "the cache lasts 5 minutes instead of an hour",
    source: "https://platform.claude.com/docs/en/build-with-claude/prompt-caching",
  }),
  beta("effort-2025-11-24", {
    fields: ["output_config.effort"],
    unless: ["output_config.format"],
    reason: "the model works at its usual effort, high",
    source: "https://github.com/anthropics/claude-code/issues/53855",
  }),
  beta("context-1m-2025-08-07", {
    reason: "a prompt that does not fit is refused as too long",
    source: "https://github.com/router-for-me/CLIProxyAPIPlus/issues/533",
  }),
  beta("structured-outputs-2025-12-15", {
    unless: ["output_format", "output_config.format"],
    reason: "nothing, where no form is asked for",
    source: "https://github.com/QuantumNous/new-api/issues/2975",
  }),
  beta("interleaved-thinking-2025-05-14", {
    reason: "the model thinks before tool calls and not between them",
    source: "https://platform.claude.com/docs/en/build-with-claude/extended-thinking",
  }),
  beta("fine-grained-tool-streaming-2025-05-14", {
    fields: ["tools.*.eager_input_streaming"],
    reason: "the arguments of a tool call come at once",
    source: "https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming",
  }),
  beta("token-efficient-tools-2025-02-19", {
    reason: "tool calls take more tokens",
    source: "https://github.com/pacifio/cersei/issues/20",
  }),
  beta("advanced-tool-use-2025-11-20", {
    fields: ["tools.*.defer_loading", "tools.*.input_examples"],
    reason: "every tool is in the context from the start",
    source: "https://github.com/BerriAI/litellm/pull/36855",
  }),
  beta("advisor-tool-2026-03-01", {
    reason: "no advice of a second model",
    source: "https://github.com/anthropics/claude-code/issues/70563",
  }),
  beta("tool-search-tool-2025-10-19", {
    fields: ["tools.*.defer_loading"],
    reason: "every tool is in the context from the start",
    source: "https://github.com/BerriAI/litellm/pull/36855",
  }),
  beta("per-turn-control-2026-07-01", {
    fields: ["messages.*.output_config.effort"],
    reason: "the effort stays the same within the conversation",
    source: "https://github.com/router-for-me/CLIProxyAPI/pull/5563",
  }),
  beta("mid-conversation-tool-changes-2026-07-01", {
    reason: "nothing, where the tools do not change",
    source: "https://github.com/router-for-me/CLIProxyAPI/pull/5563",
  }),
  beta("thinking-token-count-2026-05-13", { reason: "thoughts are not counted apart", source: BETA_HEADERS }),
  beta("redact-thinking-2026-02-12", { reason: "thoughts are shown", source: BETA_HEADERS }),
  beta("fast-mode-2026-02-01", {
    fields: ["speed"],
    reason: "the usual speed and price",
    source: "https://platform.claude.com/docs/en/build-with-claude/fast-mode",
  }),
  beta("claude-code-20250219", { reason: "it names the client", source: BETA_HEADERS }),

  field("context_management", {
    reason: "old tool results and thoughts stay in the context",
    source: "https://github.com/anthropics/claude-code/issues/21612",
  }),
  field("output_config.effort", {
    values: ["low", "medium", "high"],
    reason: "the model works at its usual effort, high",
    source: "https://platform.claude.com/docs/en/build-with-claude/effort",
  }),
  field("messages.*.output_config.effort", {
    values: ["low", "medium", "high"],
    reason: "the effort stays the same within the conversation",
    source: "https://github.com/router-for-me/CLIProxyAPI/pull/5563",
  }),
  field("thinking.display", {
    reason: "thoughts are shown as usual",
    source: "https://platform.claude.com/docs/en/build-with-claude/extended-thinking",
  }),
  field("tools.*.defer_loading", {
    reason: "every tool is in the context from the start",
    source: "https://github.com/anthropics/claude-code/issues/82549",
  }),
  field("tools.*.input_examples", {
    reason: "examples of a tool's arguments, which its schema describes",
    source: "https://github.com/anthropics/claude-code/issues/69618",
  }),
  field("tools.*.eager_input_streaming", {
    reason: "the arguments of a tool call come at once",
    source: "https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming",
  }),
  field("cache_control.scope", {
    paths: cached("cache_control.scope"),
    reason: "the cache is not shared between users",
    source: "https://github.com/QuantumNous/new-api/issues/2975",
  }),
  field("cache_control.ttl", {
    paths: cached("cache_control.ttl"),
    reason: "the cache lasts 5 minutes instead of an hour",
    source: "https://platform.claude.com/docs/en/build-with-claude/prompt-caching",
  }),
  field("cache_control", {
    paths: cached("cache_control"),
    reason: "nothing is cached: the same answer at the full price",
    source: "https://platform.claude.com/docs/en/build-with-claude/prompt-caching",
  }),
  field("speed", {
    reason: "the usual speed and price",
    source: "https://platform.claude.com/docs/en/build-with-claude/fast-mode",
  }),
  field("metadata", { reason: "labels of the request for the vendor's lists", source: RESPONSES }),
  field("client_metadata", { reason: "labels of the request for the vendor's lists", source: RESPONSES }),
  field("user", { reason: "whose request it is, for the vendor's statistics", source: RESPONSES }),
  field("safety_identifier", {
    reason: "whose request it is, for the vendor's statistics",
    source: RESPONSES,
  }),
  field("service_tier", {
    reason: "the usual speed and price",
    source: "https://github.com/router-for-me/CLIProxyAPIPlus/issues/437",
  }),
  field("prompt_cache_key", {
    reason: "the cache is found less often",
    source: "https://platform.openai.com/docs/guides/prompt-caching",
  }),
  field("prompt_cache_retention", {
    reason: "the cache lasts as long as usual",
    source: "https://github.com/router-for-me/CLIProxyAPI/issues/897",
  }),
  field("include", {
    reason: "encrypted reasoning and sources do not come with the answer",
    source: RESPONSES,
  }),
  field("text.verbosity", { reason: "the model is as wordy as usual", source: RESPONSES }),
  field("reasoning.summary", { reason: "no summary of the reasoning is shown", source: RESPONSES }),
  field("reasoning.context", {
    reason: "which of its earlier thoughts the model sees is left to the vendor",
    source: "https://openrouter.ai/docs/client-sdks/typescript/models/reasoningcontext",
  }),
  field("stream_options", { reason: "how the stream is padded and counted", source: RESPONSES }),

  // An upstream that refuses them could not run them: they run on the vendor's side.
  {
    kind: "tool",
    name: "web_search",
    reason: "no search on the upstream's side; the client's own tools stay",
    source: "https://github.com/lidge-jun/opencodex/issues/5002",
  },
  {
    kind: "tool",
    name: "web_search_preview",
    reason: "no search on the upstream's side; the client's own tools stay",
    source: "https://github.com/CommandCodeAI/command-code/issues/885",
  },
  {
    kind: "tool",
    name: "image_generation",
    reason: "no pictures made on the upstream's side; the client's own tools stay",
    source: "https://github.com/CommandCodeAI/command-code/issues/885",
  },

  { kind: "header", name: "openai-beta", reason: "flags of the vendor's own API", source: RESPONSES },
  {
    kind: "header",
    name: "x-codex-turn-metadata",
    reason: "labels of the request for the vendor's lists",
    source: RESPONSES,
  },
  {
    kind: "header",
    name: "anthropic-dangerous-direct-browser-access",
    reason: "for browsers alone",
    source: "https://github.com/anthropics/anthropic-sdk-typescript",
  },
];

const ROWS: ReadonlyMap<string, Droppable> = new Map(
  DROPPABLE.map((row) => [`${row.kind} ${row.name}`, row]),
);

export function rowOf({ kind, name }: RefusedThing): Droppable | undefined {
  return ROWS.get(`${kind} ${name}`);
}

export function pathsOf({ name, paths = [name] }: Droppable): readonly string[] {
  return paths;
}

/** The row of a member by the path at which it was refused. */
export function rowOfPath(path: string): Droppable | undefined {
  return DROPPABLE.find((row) => row.kind === "field" && pathsOf(row).includes(path));
}

/** For the log and for people. */
export function nameOfThing({ kind, name }: RefusedThing): string {
  if (kind === "beta" && name === "*") return "anthropic-beta";
  return kind === "tool" || kind === "header" ? `${kind} ${name}` : name;
}
