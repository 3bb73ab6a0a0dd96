// What tokens cost by an entry of a price list: the parts of the input apart, tiers by the size of the request and by how it
// was served, hours of the day. Knows no model and no upstream.
// Pure.
import { type Text, t } from "../base/text.ts";
import type { PriceEntry, RateBlock } from "./price-schema.ts";

type Count = number | undefined;

/** What is read of the usage of a log record, or of one pass of the model within it. */
export interface LoggedFigures {
  readonly input_tokens?: Count;
  readonly output_tokens?: Count;
  readonly reasoning_tokens?: Count;
  readonly cached_input_tokens?: Count;
  readonly cache_creation_tokens?: Count;
  readonly cache_creation_1h_tokens?: Count;
  readonly input_audio_tokens?: Count;
  readonly input_image_tokens?: Count;
  readonly output_audio_tokens?: Count;
  readonly output_image_tokens?: Count;
}

export interface LoggedUsage extends LoggedFigures {
  readonly service_tier?: string | undefined;
  readonly speed?: string | undefined;
  readonly inference_geo?: string | undefined;
  readonly batch?: boolean | undefined;
  readonly server_tool_use?: { readonly web_search_requests?: Count } | undefined;
  /** The passes that the figures are the sum of. */
  readonly iterations?: readonly (LoggedFigures & { readonly model?: string | undefined })[] | undefined;
}

/** The tokens of one request, each in one part only. */
export interface BilledTokens {
  /** Neither read from a cache nor written to one. */
  readonly fresh: number;
  readonly cached: number;
  readonly created: number;
  readonly created1h: number;
  readonly output: number;
}

/** When and how a request was served. */
export interface Served {
  /** Wall clock, ms. */
  readonly at: number;
  /** As `tierOf` says it; null for the usual one. */
  readonly tier: string | null;
  /** Where the model ran, as the answer said it. */
  readonly region: string | null;
}

/** Whether the input leaves out what the cache took part in: in Messages it does. */
export function isCacheApart(path: string | undefined): boolean {
  return (
    path !== undefined && (path.endsWith("/messages") || (path.endsWith("/") && /\/messages\/+$/.test(path)))
  );
}

/** A request's tokens as they are billed; null when it has none, or only a total without its parts. */
export function readBilledTokens({
  usage,
  path,
}: {
  readonly usage?: LoggedFigures | undefined;
  readonly path?: string | undefined;
}): BilledTokens | null {
  if (usage === undefined) return null;
  const given = usage.input_tokens ?? 0;
  const cachedInput = usage.cached_input_tokens ?? 0;
  const creation = usage.cache_creation_tokens ?? 0;
  const output = usage.output_tokens ?? 0;
  if (given + cachedInput + creation + output === 0) return null;
  const created1h = Math.min(usage.cache_creation_1h_tokens ?? 0, creation);
  // For Anthropic's API, cached tokens are no part of the input; for OpenAI's they are.
  const isApart = isCacheApart(path);
  // A relay may claim more cached tokens than it was given.
  const cached = isApart ? cachedInput : Math.min(cachedInput, given);
  const created = isApart ? creation : Math.min(creation, given - cached);
  return {
    fresh: isApart ? given : given - cached - created,
    cached,
    created: Math.max(0, created - created1h),
    created1h: Math.min(created, created1h),
    output,
  };
}

/** Names of the usual tier, as vendors and relays answer it. */
const USUAL_TIERS = new Set([
  "",
  "auto",
  "default",
  "standard",
  "standard_only",
  "on_demand",
  "normal",
  "unspecified",
]);
const TIER_NAMES: Readonly<Record<string, string>> = { batches: "batch", ultra_fast: "ultrafast" };

/** How an answer was served, where that has a price of its own. */
export function tierOf({ batch, service_tier, speed: told }: LoggedUsage): string | null {
  if (batch === true) return "batch";
  const speed = told?.toLowerCase();
  if (speed !== undefined && !USUAL_TIERS.has(speed)) return speed;
  if (service_tier === undefined) return null;
  const tier = service_tier.toLowerCase();
  return USUAL_TIERS.has(tier) ? null : (TIER_NAMES[tier] ?? tier);
}

/**
 * US dollars; a text where the entry has no price for it: what is missing. `figures`: what the tokens were read from, for the
 * kinds among them.
 */
export function priceOf(
  tokens: BilledTokens,
  figures: LoggedFigures,
  entry: PriceEntry,
  served: Served,
): number | Text {
  const { at, region, tier: name } = served;
  const hours = entry.hours?.find((one) => isWithin(one, at));
  const tier = name === null ? undefined : findTier(entry, name);
  if (name !== null && tier === undefined) return t`no price for the tier ${name}`;
  const block = tier?.input !== undefined ? tier : hours?.input !== undefined ? hours : entry;
  const size = tokens.fresh + tokens.cached + tokens.created + tokens.created1h;
  const [limit] = entry.tiers ?? NO_TIERS;
  if (block !== entry && block.tiers === undefined && limit !== undefined && size > limit.above)
    return t`no price for the tier ${name ?? ""} above ${limit.above} tokens`;
  const rates = rateAt(block, size);
  if (rates.input === undefined) return t`no price for an input of ${size} tokens`;
  const sum = sumUp(tokens, figures, rates);
  if (typeof sum !== "number") return sum;
  const times = (hours?.multiplier ?? 1) * (tier?.multiplier ?? 1);
  const where = region === null ? 1 : (entry.regions?.[region.toLowerCase()] ?? 1);
  return (sum * times * where) / 1e6;
}

const NO_TIERS: readonly Tier[] = [];
type Tier = NonNullable<RateBlock["tiers"]>[number];
type Rates = Omit<RateBlock, "multiplier" | "tiers">;

/** The rates for a request of that size. */
function rateAt(block: RateBlock, size: number): Rates {
  let rates: Rates = block;
  for (const tier of block.tiers ?? NO_TIERS) if (size > tier.above) rates = tier;
  return rates;
}

function sumUp(tokens: BilledTokens, figures: LoggedFigures, rates: Rates): number | Text {
  const { input = 0, output = 0 } = rates;
  const { cached, created, created1h, fresh } = tokens;
  const creation = rates.cache_creation ?? input;
  const hasReasoned = rates.output_thinking !== undefined && (figures.reasoning_tokens ?? 0) > 0;
  const written = hasReasoned ? (rates.output_thinking ?? output) : output;
  const sum =
    fresh * input +
    cached * (rates.cached_input ?? input) +
    created * creation +
    created1h * (rates.cache_creation_1h ?? creation) +
    tokens.output * written;
  const {
    input_audio_tokens: heard = 0,
    input_image_tokens: seen = 0,
    output_audio_tokens: said = 0,
    output_image_tokens: drawn = 0,
  } = figures;
  if (heard + seen + said + drawn === 0) return sum;
  if (heard > 0 && rates.input_audio === undefined) return t`no price for sound in the input`;
  if (said > 0 && rates.output_audio === undefined) return t`no price for sound in the output`;
  if (drawn > 0 && rates.output_image === undefined) return t`no price for images in the output`;
  // Which of the input came from a cache, an answer does not say: sound and images count as fresh as long as there is any.
  const freshSound = Math.min(heard, fresh);
  const freshImages = Math.min(seen, fresh - freshSound);
  return (
    sum +
    freshSound * ((rates.input_audio ?? input) - input) +
    freshImages * ((rates.input_image ?? input) - input) +
    Math.min(said, tokens.output) * ((rates.output_audio ?? written) - written) +
    Math.min(drawn, tokens.output) * ((rates.output_image ?? written) - written)
  );
}

/** OpenAI's fast mode is what it called priority before. */
function findTier({ service_tiers: tiers }: PriceEntry, name: string): RateBlock | undefined {
  return tiers?.[name] ?? (name === "fast" ? tiers?.["priority"] : undefined);
}

/** The first that holds at a time. */
export function entryAt(entries: readonly PriceEntry[], at: number): PriceEntry | undefined {
  const [first] = entries;
  if (first !== undefined && first.since === undefined && first.until === undefined) return first;
  return entries.find(
    ({ since, until }) =>
      (since === undefined || at >= Date.parse(since)) && (until === undefined || at < Date.parse(until)),
  );
}

type Hours = NonNullable<PriceEntry["hours"]>[number];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A window over midnight belongs to the day on which it begins. */
function isWithin({ days, except, from, to, utc_offset: offset }: Hours, at: number): boolean {
  const sign = offset?.startsWith("-") === true ? -1 : 1;
  const local = offset === undefined ? at : at + sign * minutesOf(offset, 1) * MINUTE_MS;
  const dayNumber = Math.floor(local / DAY_MS);
  const minute = (local - dayNumber * DAY_MS) / MINUTE_MS;
  const start = minutesOf(from, 0);
  const end = minutesOf(to, 0);
  const isOver = start >= end;
  if (isOver ? minute < start && minute >= end : minute < start || minute >= end) return false;
  const day = isOver && minute < end ? dayNumber - 1 : dayNumber;
  // The first day of 1970 was a Thursday.
  if (days?.includes(DAYS[(((day + 4) % 7) + 7) % 7] ?? "sun") === false) return false;
  return except?.includes(new Date(day * DAY_MS).toISOString().slice(0, 10)) !== true;
}

/** "09:30", beginning at an index; without making a string, because every request asks. */
function minutesOf(clock: string, index: number): number {
  const digit = (at: number): number => clock.charCodeAt(index + at) - ZERO;
  return (digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4);
}

const ZERO = "0".charCodeAt(0);
