// What a usage object calls each figure, by API, vendor and relay, and the figures that one has. A table: a new spelling is
// one more word in it.
// Pure.
import { isRecord, type JsonRecord } from "../base/json-value.ts";
import type { Figures, RecordedUsage } from "../log/record.ts";

export type Tool = keyof NonNullable<RecordedUsage["server_tool_use"]>;
export type Name =
  | keyof Figures
  | Tool
  | "cache_creation_5m_tokens"
  | "citation_tokens"
  | "tool_input_tokens"
  | "uncached_input_tokens";

/**
 * Where each figure may be in a usage object, the best name first; a dot leads into an object, or to the member of a list
 * that bears the name as its label; one at the end means a plain number there. Behind a name, how it goes with the others:
 * `*` an input that contains what the cache took part in, or such a part of the input; `+` beside the input, or an output
 * beside its reasoning.
 */
const NAMES: Readonly<Record<Name, readonly string[]>> = {
  input_tokens: [
    "input_tokens",
    "prompt_tokens *",
    // Bedrock's Converse, and the metrics at the end of its streams.
    "inputTokens",
    "inputTokenCount",
    "promptTokens *",
    // Gemini and Vertex.
    "promptTokenCount *",
    "prompt_token_count *",
    // Ollama.
    "prompt_eval_count *",
    "input_token_count",
    "inputTextTokenCount",
    // Gemini's Interactions: https://ai.google.dev/api/interactions-api
    "total_input_tokens *",
    "totalInputTokens *",
    // llama.cpp: its own route, and the timings beside the usage or in its place.
    "tokens_evaluated *",
    "prompt_n",
    // Hunyuan.
    "PromptTokens *",
  ],
  // DeepSeek, and the AI SDK: the input that no cache took part in.
  uncached_input_tokens: ["prompt_cache_miss_tokens", "inputTokenDetails.noCacheTokens"],
  output_tokens: [
    "output_tokens",
    "completion_tokens",
    "outputTokens",
    "outputTokenCount",
    "completionTokens",
    "candidatesTokenCount +",
    "candidates_token_count +",
    "responseTokenCount +",
    "eval_count",
    "output_token_count",
    // Text Generation Inference, LM Studio.
    "generated_tokens",
    "total_output_tokens",
    "totalOutputTokens",
    "tokens_predicted",
    "predicted_n",
    "CompletionTokens",
  ],
  reasoning_tokens: [
    "output_tokens_details.reasoning_tokens",
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.thinking_tokens",
    "completion_tokens_details.thinking_tokens",
    "output_token_details.reasoning",
    "reasoning_tokens",
    "thinking_tokens",
    "reasoningTokens",
    "thoughtsTokenCount",
    "thoughts_token_count",
    "total_thought_tokens",
    "totalThoughtTokens",
    "reasoning_output_tokens",
    "outputTokenDetails.reasoningTokens",
    "outputTokensDetails.reasoningTokens",
    "completionTokensDetails.reasoningTokens",
  ],
  // Gemini: what its own tools brought to read.
  tool_input_tokens: [
    "toolUsePromptTokenCount",
    "tool_use_prompt_token_count",
    "total_tool_use_tokens",
    "totalToolUseTokens",
  ],
  // Perplexity's deep research: what it read, which no other of its figures contains.
  citation_tokens: ["citation_tokens"],
  total_tokens: ["total_tokens", "totalTokens", "totalTokenCount", "total_token_count", "TotalTokens"],
  cached_input_tokens: [
    "cache_read_input_tokens +",
    "input_tokens_details.cached_tokens *",
    "prompt_tokens_details.cached_tokens *",
    // DeepSeek, then Kimi.
    "prompt_cache_hit_tokens *",
    "cached_tokens *",
    "cacheReadInputTokens +",
    "cacheReadInputTokenCount +",
    "cachedContentTokenCount *",
    "cached_content_token_count *",
    "cachedInputTokens *",
    "cached_input_tokens *",
    "prompt_tokens_details.cache_read_tokens *",
    "input_token_details.cache_read *",
    // Realtime and transcriptions.
    "input_token_details.cached_tokens *",
    // Mistral has three names for it.
    "num_cached_tokens *",
    "prompt_token_details.cached_tokens *",
    "inputTokenDetails.cacheReadTokens *",
    "inputTokensDetails.cachedTokens *",
    "promptTokensDetails.cachedTokens *",
    "total_cached_tokens *",
    "totalCachedTokens *",
    "cache_read_tokens +",
    "cache_n +",
  ],
  cache_creation_tokens: [
    "cache_creation_input_tokens +",
    "input_tokens_details.cache_write_tokens *",
    "prompt_tokens_details.cache_write_tokens *",
    "cacheWriteInputTokens +",
    "cacheWriteInputTokenCount +",
    "input_tokens_details.cache_creation_tokens *",
    "prompt_tokens_details.cache_creation_tokens *",
    "input_tokens_details.cached_creation_tokens *",
    "prompt_tokens_details.cached_creation_tokens *",
    "prompt_tokens_details.cache_creation_input_tokens *",
    "input_token_details.cache_creation *",
    "prompt_cache_write_tokens *",
    "inputTokenDetails.cacheWriteTokens *",
    "cache_write_tokens *",
    "cache_creation_tokens +",
  ],
  cache_creation_1h_tokens: [
    "cache_creation.ephemeral_1h_input_tokens +",
    "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens *",
    "claude_cache_creation_1_h_tokens +",
    // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CacheDetail.html
    "cacheDetails.1h +",
  ],
  cache_creation_5m_tokens: [
    "cache_creation.ephemeral_5m_input_tokens +",
    "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens *",
    "claude_cache_creation_5_m_tokens +",
    "cacheDetails.5m +",
  ],
  input_audio_tokens: [
    "input_tokens_details.audio_tokens",
    "prompt_tokens_details.audio_tokens",
    "input_token_details.audio_tokens",
    "input_token_details.audio",
    // Gemini: lists by modality, in the spellings of its APIs and libraries.
    "promptTokensDetails.audio",
    "prompt_tokens_details.audio",
    "input_tokens_by_modality.audio",
    "inputTokensByModality.audio",
  ],
  output_audio_tokens: [
    "output_tokens_details.audio_tokens",
    "completion_tokens_details.audio_tokens",
    "output_token_details.audio_tokens",
    "output_token_details.audio",
    "candidatesTokensDetails.audio",
    "candidates_tokens_details.audio",
    "responseTokensDetails.audio",
    "output_tokens_by_modality.audio",
    "outputTokensByModality.audio",
  ],
  input_image_tokens: [
    "input_tokens_details.image_tokens",
    "prompt_tokens_details.image_tokens",
    "input_token_details.image_tokens",
    "promptTokensDetails.image",
    "prompt_tokens_details.image",
    "input_tokens_by_modality.image",
    "inputTokensByModality.image",
  ],
  output_image_tokens: [
    "output_tokens_details.image_tokens",
    "completion_tokens_details.image_tokens",
    "candidatesTokensDetails.image",
    "candidates_tokens_details.image",
    "responseTokensDetails.image",
    "output_tokens_by_modality.image",
    "outputTokensByModality.image",
  ],
  web_search_requests: [
    "server_tool_use.web_search_requests",
    // xAI, Perplexity; OpenAI beside the usage.
    "server_side_tool_usage_details.web_search_calls",
    "num_search_queries",
    "tool_usage.web_search.num_requests",
    // Ark, Model Studio.
    "tool_usage.web_search.",
    "x_tools.web_search.count",
  ],
  web_fetch_requests: ["server_tool_use.web_fetch_requests"],
  code_execution_requests: [
    "server_tool_use.code_execution_requests",
    "server_side_tool_usage_details.code_interpreter_calls",
  ],
  file_search_requests: [
    "server_side_tool_usage_details.file_search_calls",
    "tool_usage.file_search.num_requests",
  ],
  x_search_requests: ["server_side_tool_usage_details.x_search_calls"],
};

interface Place {
  /** Of its name. */
  readonly slot: number;
  readonly rank: number;
  readonly isWithin: boolean;
  readonly isBeside: boolean;
}
interface Tree extends Map<string, Place | Tree> {}

function makeTree(): Tree {
  const tree: Tree = new Map();
  for (const [slot, spellings] of Object.values(NAMES).entries()) {
    for (const [rank, spelling] of spellings.entries()) {
      const [path = "", mark] = spelling.split(" ");
      const keys = path.split(".");
      const last = keys.pop() ?? "";
      let at = tree;
      for (const key of keys) {
        const inner = at.getOrInsertComputed(key, (): Tree => new Map());
        if (inner instanceof Map) at = inner;
      }
      at.set(last, { slot, rank, isWithin: mark === "*", isBeside: mark === "+" });
    }
  }
  return tree;
}
const TREE = makeTree();

/** By name the place in a list: made once, where a map is made for each answer. */
const SLOTS = Object.fromEntries(Object.keys(NAMES).map((name, slot) => [name, slot])) as Readonly<
  Record<Name, number>
>;
const NOTHING: readonly (Found | undefined)[] = Object.keys(NAMES).map(() => undefined);

interface Found {
  readonly place: Place;
  readonly figure: number;
}

/** The figures of an answer, each from the best place that it was at. A class, because each answer has one. */
export class Findings {
  private readonly found = NOTHING.slice();
  private isEmpty = true;

  figure(name: Name): number | undefined {
    return this.found[SLOTS[name]]?.figure;
  }

  /** How it goes with the others, by its name; null for none. */
  placeOf(name: Name): Pick<Place, "isBeside" | "isWithin"> | null {
    return this.found[SLOTS[name]]?.place ?? null;
  }

  /** What this object says takes the place of what is known. */
  merge(record: JsonRecord): void {
    if (this.isEmpty) return this.take(record);
    const own = new Findings();
    own.take(record);
    // Some begin with the whole prompt and part it at the end: then an input of zero is a count.
    const parted = this.inCache === 0 ? own.inCache : 0;
    const isParted = parted > 0 && (this.figure("input_tokens") ?? 0) >= parted;
    for (const [slot, found] of own.found.entries()) {
      if (found === undefined) continue;
      const isCount = found.figure > 0 || (isParted && slot === SLOTS.input_tokens);
      if (isCount || this.found[slot] === undefined) this.found[slot] = found;
    }
  }

  private get inCache(): number {
    return (this.figure("cached_input_tokens") ?? 0) + (this.figure("cache_creation_tokens") ?? 0);
  }

  private take(record: JsonRecord): void {
    this.collect(record, TREE);
    // Kimi, of a prompt that came from the cache as a whole: nothing is left beside it.
    if (record["input_tokens"] !== -1 || this.inCache === 0) return;
    this.found[SLOTS.input_tokens] ??= { place: BESIDE_CACHE, figure: 0 };
  }

  private collect(record: JsonRecord, tree: Tree): void {
    for (const key of Object.keys(record)) {
      const place = tree.get(key);
      if (place === undefined) continue;
      const value = record[key];
      if (place instanceof Map) {
        if (isRecord(value)) this.collect(value, place);
        else if (Array.isArray(value)) this.collect(byLabel(value), place);
        else if (place.has("")) this.collect({ "": value }, place);
        continue;
      }
      const figure = figureOf(value);
      if (figure === undefined) continue;
      const known = this.found[place.slot];
      const isBetter =
        known === undefined || (figure === 0) === (known.figure === 0)
          ? place.rank < (known?.place.rank ?? Number.POSITIVE_INFINITY)
          : figure > 0;
      if (!isBetter) continue;
      this.found[place.slot] = { place, figure };
      this.isEmpty = false;
    }
  }
}

const BESIDE_CACHE: Place = {
  slot: SLOTS.input_tokens,
  rank: NAMES.input_tokens.length,
  isWithin: false,
  isBeside: false,
};

/** A list of counts by their labels: [{ modality: "AUDIO", tokenCount: 9 }] of Gemini, [{ ttl: "1h", inputTokens: 9 }] of Bedrock. */
function byLabel(list: readonly unknown[]): JsonRecord {
  const sums = new Map<string, number>();
  for (const one of list.slice(0, MOST_LABELS)) {
    if (!isRecord(one)) continue;
    const { inputTokens, modality, token_count, tokenCount, tokens, ttl } = one;
    const label = modality ?? ttl;
    const figure = figureOf(tokenCount ?? token_count ?? tokens ?? inputTokens);
    if (typeof label !== "string" || figure === undefined) continue;
    sums.set(label.toLowerCase(), (sums.get(label.toLowerCase()) ?? 0) + figure);
  }
  return Object.fromEntries(sums);
}

const MOST_LABELS = 32;

/** No answer counts more, and sums of these are exact. */
const MOST_TOKENS = 1e12;

/** A count: a number or a numeric string; what is negative, huge or no number is unknown. */
function figureOf(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  return typeof number === "number" && number >= 0 && number <= MOST_TOKENS ? Math.trunc(number) : undefined;
}

/** Whether an object has such figures itself or in its passes, so many of input, output and total at least. */
export function hasFigures(record: JsonRecord, least: number): boolean {
  const { iterations: passes } = record;
  if (Array.isArray(passes) && passes.some((pass) => isRecord(pass) && hasFigures(pass, least))) return true;
  let count = 0;
  for (const key of Object.keys(record)) {
    const place = TREE.get(key);
    if (place === undefined || place instanceof Map || (figureOf(record[key]) ?? 0) === 0) continue;
    if (MAIN.has(place.slot)) count += 1;
  }
  return count >= least;
}

const MAIN: ReadonlySet<number> = new Set([
  SLOTS.input_tokens,
  SLOTS.output_tokens,
  SLOTS.total_tokens,
  SLOTS.cached_input_tokens,
  SLOTS.cache_creation_tokens,
]);

/** Of what an answer begins with: nothing of what it is going to write. */
export function withoutOutput(record: JsonRecord): JsonRecord {
  const kept = Object.entries(record).filter(
    ([key]) => !/^total|^iterations$|output|completion|candidates|reasoning|thinking|thoughts/i.test(key),
  );
  return Object.fromEntries(kept);
}
