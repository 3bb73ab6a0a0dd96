// Token counts of one answer, and what else changes its price, in the names of requests.jsonl, made from whatever an API,
// a vendor or a relay calls them. docs/usage.md explains every rule.
// Pure.
import { isRecord, type JsonRecord } from "../base/json-value.ts";
import type { Figures, RecordedUsage } from "../log/record.ts";
import { Findings, type Name, type Tool } from "./usage-names.ts";

/** What is not known is absent, never zero. What each figure includes: log/entry-schema.ts. */
export type Usage = RecordedUsage;

type Api = "responses" | "messages" | "chat";

/**
 * Usage out of objects that an answer had it in, oldest first. Each is a snapshot of the whole, not an increment: the later
 * one wins field by field, except that a zero does not wipe out a figure (relays fill unknown fields with zeros).
 * Undefined when no figure above zero is known; partial where a part is not told.
 */
export function readUsage(api: Api, snapshots: readonly unknown[]): Usage | undefined {
  const records = snapshots.filter(isRecord);
  const findings = new Findings();
  for (const record of records) findings.merge(record);
  const own = readFigures(api, findings);
  const passes = readPasses(api, records, own);
  const { figures, isWhole } = passes === null ? own : addUp(own, passes);
  if ((figures.total_tokens ?? 0) === 0) return undefined;
  const tools = readTools(findings);
  const tier = readTier(records);
  const speed = readWord(records, "speed");
  const place = readWord(records, "inference_geo");
  const usage: Writable = figures;
  if (tools !== null) usage.server_tool_use = tools;
  if (tier !== undefined) Object.assign(usage, tierOf(tier));
  if (speed !== undefined) usage.speed = speed;
  if (place !== undefined) usage.inference_geo = place;
  if (passes !== null)
    usage.iterations = passes.map(({ figures: told, model }) =>
      model === undefined ? told : { model, ...told },
    );
  if (!isWhole) usage.partial = true;
  return usage;
}

type Writable = { -readonly [name in keyof Usage]: Usage[name] };

/** The same where something was written although an upstream counts none: that zero means that it was not counted. */
export function withoutZeroOutput({ output_tokens: _, ...usage }: Usage): Usage {
  return { ...usage, partial: true };
}

/** A tier, and whether that means a batch. */
export function tierOf(tier: string): Pick<Usage, "batch" | "service_tier"> {
  return tier === "batch" ? { service_tier: tier, batch: true } : { service_tier: tier };
}

/** A short word as APIs name tiers, speeds and places; undefined for anything else. */
export function wordOf(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w.:-]{1,40}$/.test(value) ? value : undefined;
}

/** Gemini's API says it as `serviceTier`, Vertex AI as the kind of its traffic. */
function readTier(records: readonly JsonRecord[]): string | undefined {
  const told = readWord(records, "service_tier") ?? readWord(records, "serviceTier");
  if (told !== undefined) return told;
  // https://docs.cloud.google.com/vertex-ai/generative-ai/docs/priority-paygo
  const traffic = readWord(records, "trafficType")?.toLowerCase();
  return traffic === undefined || /^on_demand$|unspecified/.test(traffic)
    ? undefined
    : traffic.replace("on_demand_", "");
}

function readWord(records: readonly JsonRecord[], name: string): string | undefined {
  return wordOf(records.findLast((record) => wordOf(record[name]) !== undefined)?.[name]);
}

interface Read {
  readonly figures: { -readonly [name in keyof Figures]: Figures[name] };
  /** Nothing is known to be missing. */
  readonly isWhole: boolean;
}

/** The figures, as the API of the request counts them, whatever API they were counted for. */
function readFigures(api: Api, findings: Findings): Read {
  const of = (name: Name): number | undefined => findings.figure(name);
  const cached = of("cached_input_tokens");
  const created1h = of("cache_creation_1h_tokens");
  // The parts may be told without their sum.
  const parts = (created1h ?? 0) + (of("cache_creation_5m_tokens") ?? 0);
  const created = parts > 0 ? Math.max(of("cache_creation_tokens") ?? 0, parts) : of("cache_creation_tokens");
  const inCache = (cached ?? 0) + (created ?? 0);
  const given = of("total_tokens") ?? 0;
  const citations = of("citation_tokens") ?? 0;
  let reasoning = of("reasoning_tokens");
  let output = of("output_tokens");
  let input = of("input_tokens");
  const uncached = input === undefined ? of("uncached_input_tokens") : undefined;
  input ??= uncached;
  if (input !== undefined) input += (of("tool_input_tokens") ?? 0) + citations;
  // Nothing is written without a prompt: that zero means that it was not counted.
  if (input === 0 && inCache === 0 && (output ?? reasoning ?? 0) > 0) input = undefined;

  let all = input;
  if (input !== undefined && inCache > 0) {
    const sizes = {
      input,
      inCache,
      most: Math.max(cached ?? 0, created ?? 0),
      output: output ?? 0,
      reasoning: reasoning ?? 0,
      given,
    };
    const isWithin = uncached === undefined && isCacheWithin(api, findings, sizes);
    all = isWithin ? Math.max(input, api === "messages" ? inCache : 0) : input + inCache;
    input = api === "messages" ? all - inCache : all;
  }
  if (api !== "messages") {
    if (all === undefined && output !== undefined && given > output) all = input = given - output;
    if (all !== undefined && output === undefined && given > all && !reasoning) output = given - all;
  }
  // More than the output is no part of it, unless the total says that the output is all: then it is miscounted.
  const exceeds = output !== undefined && (reasoning ?? 0) > output;
  const isMiscounted = exceeds && output !== 0 && citations === 0 && given === (all ?? 0) + (output ?? 0);
  const isBeside =
    (exceeds && !isMiscounted) ||
    findings.placeOf("output_tokens")?.isBeside === true ||
    given === (all ?? 0) + (output ?? 0) + (reasoning ?? 0);
  if (isMiscounted) reasoning = undefined;
  if (reasoning !== undefined && reasoning > 0 && isBeside) output = (output ?? 0) + reasoning;

  const counted = (api === "messages" && all === undefined ? inCache : (all ?? 0)) + (output ?? 0);
  const total = api === "messages" && counted > 0 ? counted : Math.max(given, counted);
  const figures = {
    input_tokens: input,
    output_tokens: output,
    reasoning_tokens: reasoning,
    total_tokens: total,
    cached_input_tokens: cached,
    cache_creation_tokens: created,
    cache_creation_1h_tokens: created1h,
    input_audio_tokens: of("input_audio_tokens") || undefined,
    output_audio_tokens: of("output_audio_tokens") || undefined,
    input_image_tokens: of("input_image_tokens") || undefined,
    output_image_tokens: of("output_image_tokens") || undefined,
  };
  return {
    figures,
    // What only reads, as embeddings do, has no output to tell.
    isWhole:
      all !== undefined && total === counted && !isMiscounted && (output !== undefined || given === all),
  };
}

interface Sizes {
  readonly input: number;
  readonly inCache: number;
  /** The larger one of what came from the cache and what went there. */
  readonly most: number;
  readonly output: number;
  readonly reasoning: number;
  readonly given: number;
}

const IN_CACHE = [
  "cached_input_tokens",
  "cache_creation_tokens",
  "cache_creation_1h_tokens",
  "cache_creation_5m_tokens",
] as const;

/** Whether the input contains what came from and went to the cache: by the names, and where they do not say by the total. */
function isCacheWithin(
  api: Api,
  findings: Findings,
  { given, inCache, input, most, output, reasoning }: Sizes,
): boolean {
  let isBeside = false;
  let isWithin = findings.placeOf("input_tokens")?.isWithin === true;
  const isInputWithin = isWithin;
  for (const name of IN_CACHE) {
    const place = (findings.figure(name) ?? 0) > 0 ? findings.placeOf(name) : null;
    isBeside ||= place?.isBeside === true;
    isWithin ||= place?.isWithin === true;
  }
  // A part is no more than its whole: gateways put Anthropic's figures under OpenAI's names as they are.
  if (most > input) return false;
  if (api === "messages" && isBeside && !isInputWithin) return false;
  if (given > 0 && given === input + output) return true;
  // Reasoning beside the output may be as much as what the cache took part in: then the names say it.
  if (isWithin && !isBeside && given === input + output + reasoning) return true;
  if (given > 0 && given === input + inCache + output) return false;
  return isWithin || !isBeside;
}

/**
 * The passes of the model that an answer took, which its own figures may not contain, as those of a compaction alone; null
 * for a single one of which they say all.
 */
function readPasses(
  api: Api,
  records: readonly JsonRecord[],
  own: Read,
): (Read & { readonly model?: string })[] | null {
  const told = records.findLast(({ iterations }) => Array.isArray(iterations) && iterations.length > 0)?.[
    "iterations"
  ];
  if (!Array.isArray(told)) return null;
  const passes = told
    .filter(isRecord)
    .slice(0, MOST_PASSES)
    .map((pass) => {
      const findings = new Findings();
      findings.merge(pass);
      const { model } = pass;
      const isName = typeof model === "string" && model !== "" && model.length <= LONGEST_MODEL;
      return { ...(isName ? { model } : {}), ...readFigures(api, findings) };
    });
  const isTold = passes.every(
    ({ figures, model }) =>
      model === undefined && (figures.total_tokens ?? 0) <= (own.figures.total_tokens ?? 0),
  );
  return isTold && passes.length < 2 ? null : passes;
}

const MOST_PASSES = 100;
const LONGEST_MODEL = 100;

/** The sum of the passes; what none of them tells is as the answer says it. */
function addUp(own: Read, passes: readonly Read[]): Read {
  const sums = { ...own.figures };
  for (const name of FIGURES) {
    const told = passes.filter(({ figures }) => figures[name] !== undefined);
    if (told.length > 0) sums[name] = told.reduce((sum, { figures }) => sum + (figures[name] ?? 0), 0);
  }
  return { figures: sums, isWhole: passes.every(({ isWhole }) => isWhole) };
}

const FIGURES = [
  "input_tokens",
  "output_tokens",
  "reasoning_tokens",
  "total_tokens",
  "cached_input_tokens",
  "cache_creation_tokens",
  "cache_creation_1h_tokens",
] as const;

const TOOLS = [
  "web_search_requests",
  "web_fetch_requests",
  "code_execution_requests",
  "file_search_requests",
  "x_search_requests",
] as const satisfies readonly Tool[];

/** Null where none was used. */
function readTools(findings: Findings): NonNullable<Usage["server_tool_use"]> | null {
  let used: Partial<Record<Tool, number>> | null = null;
  for (const name of TOOLS) {
    const calls = findings.figure(name) ?? 0;
    if (calls > 0) (used ??= {})[name] = calls;
  }
  return used;
}
