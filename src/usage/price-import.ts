// Reads the public lists of prices, LiteLLM's and that of genai-prices, into lines of our own. What is not sold by the
// token, or by a vendor that price-vendors.ts does not have, is left out.
// Pure.
import { type JsonRecord, isRecord } from "../base/json-value.ts";
import type { ListedPrice, RateBlock } from "./price-schema.ts";
import { PRICE_VENDORS } from "./price-vendors.ts";

/** Null for a list of neither kind. */
export function importPrices(list: unknown): ListedPrice[] | null {
  if (Array.isArray(list)) return list.some(isGenaiProvider) ? list.flatMap(importProvider) : null;
  if (!isRecord(list)) return null;
  const models = isRecord(list["rates"]) ? list["rates"] : list;
  const isLitellm = Object.values(models).some((one) => isRecord(one) && "input_cost_per_token" in one);
  return isLitellm ? Object.entries(models).flatMap(([name, one]) => importLitellm(name, one)) : null;
}

type Draft = { -readonly [Name in keyof RateBlock]: RateBlock[Name] };
type Tier = NonNullable<RateBlock["tiers"]>[number];
type RateName = Exclude<keyof RateBlock, "multiplier" | "tiers">;

// https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json

const FIELD =
  /^(input_cost_per_token|output_cost_per_token|cache_read_input_token_cost|cache_creation_input_token_cost|input_cost_per_image_token|input_cost_per_audio_token|output_cost_per_audio_token|output_cost_per_image_token|output_cost_per_reasoning_token)(_above_1hr)?(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority|ultrafast))?$/;
const RATE_OF: Readonly<Record<string, RateName>> = {
  input_cost_per_token: "input",
  output_cost_per_token: "output",
  cache_read_input_token_cost: "cached_input",
  cache_creation_input_token_cost: "cache_creation",
  input_cost_per_image_token: "input_image",
  input_cost_per_audio_token: "input_audio",
  output_cost_per_audio_token: "output_audio",
  output_cost_per_image_token: "output_image",
  output_cost_per_reasoning_token: "output_thinking",
};

/** Dollars a token as dollars a million, without the noise of binary fractions. */
function perMillion(value: number): number {
  return Number((value * 1e6).toPrecision(12));
}

function importLitellm(name: string, one: unknown): ListedPrice[] {
  if (!isRecord(one)) return [];
  const provider = one["litellm_provider"] ?? one["provider"];
  const vendor = PRICE_VENDORS.find(({ litellm }) => litellm?.some((id) => id === provider));
  const mode = one["mode"] ?? "chat";
  if (vendor === undefined || (mode !== "chat" && mode !== "responses" && mode !== "completion")) return [];
  const model = nameInLitellm(name);
  const standard: Draft = {};
  const service_tiers: Record<string, Draft> = {};
  for (const [field, value] of Object.entries(one)) {
    const [, part, hour, above, service] = FIELD.exec(field) ?? [];
    const rate = RATE_OF[part ?? ""];
    if (rate === undefined || typeof value !== "number") continue;
    const tierName = service === "batches" ? "batch" : service;
    const block = tierName === undefined ? standard : (service_tiers[tierName] ??= {});
    const target = above === undefined ? block : tierAt(block, Number(above) * 1000);
    target[hour === undefined ? rate : "cache_creation_1h"] = perMillion(value);
  }
  addRanges(standard, one["tiered_pricing"]);
  for (const [service, block] of Object.entries(service_tiers))
    if (service === "flex" || name.includes("claude-")) addCacheRates(block, standard);
  if (model === null || standard.input === undefined || standard.output === undefined) return [];
  const factors = isRecord(one["provider_specific_entry"]) ? one["provider_specific_entry"] : {};
  if (typeof factors["fast"] === "number") service_tiers["fast"] = { multiplier: factors["fast"] };
  for (const block of [standard, ...Object.values(service_tiers)]) simplify(block);
  const search = one["search_context_cost_per_query"];
  const medium = isRecord(search) ? search["search_context_size_medium"] : undefined;
  return [
    {
      vendor: vendor.id,
      model,
      ...standard,
      ...(typeof medium === "number" && { web_search: Number((medium * 1000).toPrecision(6)) }),
      ...(Object.keys(service_tiers).length > 0 && { service_tiers }),
      ...(typeof factors["us"] === "number" && { regions: { us: factors["us"] } }),
    },
  ];
}

/** "azure/eu/gpt-5" is "eu/gpt-5" of its vendor. Null for what is sold by the hour. */
function nameInLitellm(name: string): string | null {
  if (name.includes("-month-commitment/")) return null;
  return name.replace(
    /^(?:azure|azure_ai|bedrock\/invoke|bedrock|vertex_ai|gemini|xai|zai|deepseek|moonshot|minimax|volcengine|dashscope|qwencloud|openai|anthropic)\//,
    "",
  );
}

function tierAt(block: Draft, above: number): Tier {
  block.tiers ??= [];
  const known = block.tiers.find((tier) => tier.above === above);
  if (known !== undefined) return known;
  const tier: Tier = { above };
  block.tiers.push(tier);
  block.tiers.sort((one, other) => one.above - other.above);
  return tier;
}

/**
 * The rates of the cache that the list leaves out of a tier whose vendor changes all rates alike:
 * https://platform.claude.com/docs/en/about-claude/pricing, "stack with other pricing modifiers such as the Batch API
 * discount"; https://developers.openai.com/api/docs/pricing, half of each for flex. Read 2026-11.
 */
function addCacheRates(block: Draft, standard: Draft): void {
  scaleCache(block, standard);
  for (const tier of block.tiers ?? [])
    scaleCache(tier, standard.tiers?.find(({ above }) => above === tier.above) ?? {});
}

function scaleCache(rates: Omit<Draft, "tiers">, usual: Omit<Draft, "tiers">): void {
  const { input } = rates;
  if (input === undefined || !usual.input) return;
  for (const name of ["cached_input", "cache_creation", "cache_creation_1h"] as const) {
    const rate = usual[name];
    if (rate !== undefined) rates[name] ??= Number(((rate * input) / usual.input).toPrecision(6));
  }
}

/** Prices by ranges of the input's size. */
function addRanges(block: Draft, ranges: unknown): void {
  if (!Array.isArray(ranges)) return;
  for (const range of ranges.filter(isRecord)) {
    const [from] = Array.isArray(range["range"]) ? range["range"] : [];
    if (typeof from !== "number") continue;
    const target = from === 0 ? block : tierAt(block, from);
    for (const [field, rate] of Object.entries(RATE_OF)) {
      const value = range[field];
      if (typeof value === "number") target[rate] = perMillion(value);
    }
  }
}

/** What only repeats the usual rate is left out. */
function simplify(block: Draft): void {
  for (const one of [block, ...(block.tiers ?? [])]) {
    if (one.output_thinking === one.output) delete one.output_thinking;
    if (one.input_image === one.input) delete one.input_image;
  }
}

// https://github.com/pydantic/genai-prices/tree/main/prices

const GENAI_RATE: Readonly<Record<string, RateName>> = {
  input_mtok: "input",
  output_mtok: "output",
  cache_read_mtok: "cached_input",
  cache_write_mtok: "cache_creation",
  cache_write_1h_mtok: "cache_creation_1h",
  input_audio_mtok: "input_audio",
  output_audio_mtok: "output_audio",
  input_image_mtok: "input_image",
  output_image_mtok: "output_image",
};

function isGenaiProvider(one: unknown): boolean {
  return isRecord(one) && Array.isArray(one["models"]) && typeof one["api_pattern"] === "string";
}

function importProvider(provider: unknown): ListedPrice[] {
  if (!isRecord(provider) || !Array.isArray(provider["models"])) return [];
  const vendor = PRICE_VENDORS.find(({ genai }) => genai !== undefined && genai === provider["id"]);
  if (vendor === undefined) return [];
  return provider["models"].filter(isRecord).flatMap((model) => {
    // Google's list has what its cloud sells of others, too.
    const isForeign = vendor.id === "gemini" && String(model["id"]).startsWith("claude-");
    return importModel(isForeign ? "vertex" : vendor.id, model);
  });
}

function importModel(vendor: string, { id, match, prices }: JsonRecord): ListedPrice[] {
  if (typeof id !== "string") return [];
  const names = [...new Set([id, ...namesOf(match)])];
  const model = names.length === 1 ? id : names;
  const periods = Array.isArray(prices) ? prices.filter(isRecord) : [{ prices }];
  // Hours of the day cannot be joined with dates there, so that such prices are wrong for part of the time.
  if (periods.some((one) => isRecord(one["constraint"]) && one["constraint"]["type"] !== "start_date"))
    return [];
  const starts = periods.map((one) =>
    isRecord(one["constraint"]) ? one["constraint"]["start_date"] : undefined,
  );
  return periods.flatMap((period, at): ListedPrice[] => {
    const block = readGenaiPrices(period["prices"]);
    if (block === null && !id.endsWith(":free")) return [];
    const [since, until] = [starts[at], starts[at + 1]];
    return [
      {
        vendor,
        model,
        ...(typeof since === "string" && { since }),
        ...(typeof until === "string" && { until }),
        ...(block ?? { input: 0, output: 0 }),
      },
    ];
  });
}

/** Names that are named whole; a pattern may be anything. */
function namesOf(match: unknown): string[] {
  if (!isRecord(match)) return [];
  if (Array.isArray(match["or"])) return match["or"].flatMap(namesOf);
  const name = match["equals"] ?? match["starts_with"];
  return typeof name === "string" ? [name] : [];
}

function readGenaiPrices(prices: unknown): Draft | null {
  if (!isRecord(prices)) return null;
  const block: Draft & { web_search?: number } = {};
  for (const [field, value] of Object.entries(prices)) {
    const rate = GENAI_RATE[field];
    if (field === "web_searches_kcount" && typeof value === "number") block.web_search = value;
    if (rate === undefined) continue;
    if (typeof value === "number") block[rate] = value;
    if (!isRecord(value) || typeof value["base"] !== "number" || !Array.isArray(value["tiers"])) continue;
    block[rate] = value["base"];
    for (const { start, price } of value["tiers"].filter(isRecord))
      if (typeof start === "number" && typeof price === "number") tierAt(block, start)[rate] = price;
  }
  return block.input === undefined || block.output === undefined ? null : block;
}
