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

/** What else of them changes what they cost. */
export interface TokenKinds {
  readonly reasoning: number;
  readonly inputAudio: number;
  readonly inputImage: number;
  readonly outputAudio: number;
  readonly outputImage: number;
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
  const isApart = path !== undefined && (path.endsWith("/messages") || path.endsWith("/messages/"));
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

export function readKinds(usage: LoggedFigures): TokenKinds {
  return {
    reasoning: usage.reasoning_tokens ?? 0,
    inputAudio: usage.input_audio_tokens ?? 0,
    inputImage: usage.input_image_tokens ?? 0,
    outputAudio: usage.output_audio_tokens ?? 0,
    outputImage: usage.output_image_tokens ?? 0,
  };
}

/** Names of the usual tier, as vendors and relays answer it. */
const USUAL_TIERS = new Set(["", "auto", "default", "standard", "standard_only", "on_demand", "normal"]);
const TIER_NAMES: Readonly<Record<string, string>> = { batches: "batch", ultra_fast: "ultrafast" };

/** How an answer was served, where that has a price of its own. */
export function tierOf({ batch, service_tier, speed }: LoggedUsage): string | null {
  if (batch === true) return "batch";
  if (speed !== undefined && !USUAL_TIERS.has(speed)) return speed;
  const tier = service_tier?.toLowerCase() ?? "";
  return USUAL_TIERS.has(tier) ? null : (TIER_NAMES[tier] ?? tier);
}

/** US dollars; a text where the entry has no price for it: what is missing. */
export function priceOf(
  tokens: BilledTokens,
  kinds: TokenKinds | null,
  entry: PriceEntry,
  served: Served,
): number | Text {
  const hours = entry.hours?.find((one) => isWithin(one, served.at));
  const tier = served.tier === null ? undefined : findTier(entry, served.tier);
  if (served.tier !== null && tier === undefined) return t`no price for the tier ${served.tier}`;
  const factor =
    (hours?.multiplier ?? 1) *
    (tier?.multiplier ?? 1) *
    (served.region === null ? 1 : (entry.regions?.[served.region.toLowerCase()] ?? 1));
  const block = [tier, hours].find((one) => one?.input !== undefined) ?? entry;
  const size = sizeOf(tokens);
  const [limit] = entry.tiers ?? [];
  if (block !== entry && block.tiers === undefined && limit !== undefined && size > limit.above)
    return t`no price for the tier ${served.tier ?? ""} above ${limit.above} tokens`;
  const usd = sumUp(tokens, kinds, rateAt(block, size));
  return typeof usd === "number" ? (usd * factor) / 1e6 : usd;
}

type Rates = Omit<RateBlock, "multiplier" | "tiers">;

/** The rates for a request of that size. */
function rateAt(block: RateBlock, size: number): Rates {
  let rates: Rates = block;
  for (const tier of block.tiers ?? []) if (size > tier.above) rates = tier;
  return rates;
}

function sizeOf({ cached, created, created1h, fresh }: BilledTokens): number {
  return fresh + cached + created + created1h;
}

function sumUp(tokens: BilledTokens, kinds: TokenKinds | null, rates: Rates): number | Text {
  const { input = 0, output = 0 } = rates;
  const creation = rates.cache_creation ?? input;
  const written = (kinds?.reasoning ?? 0) > 0 ? (rates.output_thinking ?? output) : output;
  const sum =
    tokens.fresh * input +
    tokens.cached * (rates.cached_input ?? input) +
    tokens.created * creation +
    tokens.created1h * (rates.cache_creation_1h ?? creation) +
    tokens.output * written;
  if (kinds === null || kinds.inputAudio + kinds.inputImage + kinds.outputAudio + kinds.outputImage === 0)
    return sum;
  if (kinds.inputAudio > 0 && rates.input_audio === undefined) return t`no price for sound in the input`;
  if (kinds.outputAudio > 0 && rates.output_audio === undefined) return t`no price for sound in the output`;
  if (kinds.outputImage > 0 && rates.output_image === undefined) return t`no price for images in the output`;
  // Which of the input came from a cache, an answer does not say: sound and images count as fresh as long as there is any.
  const heard = Math.min(kinds.inputAudio, tokens.fresh);
  const seen = Math.min(kinds.inputImage, tokens.fresh - heard);
  return (
    sum +
    heard * ((rates.input_audio ?? input) - input) +
    seen * ((rates.input_image ?? input) - input) +
    Math.min(kinds.outputAudio, tokens.output) * ((rates.output_audio ?? written) - written) +
    Math.min(kinds.outputImage, tokens.output) * ((rates.output_image ?? written) - written)
  );
}

/** OpenAI's fast mode is what it called priority before. */
function findTier({ service_tiers: tiers }: PriceEntry, name: string): RateBlock | undefined {
  return tiers?.[name] ?? (name === "fast" ? tiers?.["priority"] : undefined);
}

/** The first that holds at a time. */
export function entryAt(entries: readonly PriceEntry[], at: number): PriceEntry | undefined {
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
function isWithin({ days, except, from, to, utc_offset: offset = "+00:00" }: Hours, at: number): boolean {
  const sign = offset.startsWith("-") ? -1 : 1;
  const local = at + sign * minutesOf(offset.slice(1)) * MINUTE_MS;
  const minute = Math.floor((local - Math.floor(local / DAY_MS) * DAY_MS) / MINUTE_MS);
  const [start, end] = [minutesOf(from), minutesOf(to)];
  const isOver = start >= end;
  if (isOver ? minute < start && minute >= end : minute < start || minute >= end) return false;
  const day = new Date(isOver && minute < end ? local - DAY_MS : local);
  return (
    (days === undefined || days.includes(DAYS[day.getUTCDay()] ?? "sun")) &&
    except?.includes(day.toISOString().slice(0, 10)) !== true
  );
}

function minutesOf(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
}
