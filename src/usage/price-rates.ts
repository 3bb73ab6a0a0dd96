// What tokens cost at given rates: the parts of the input apart, tiers by the size of the request.
// Knows no model and no upstream.
// Pure.
import type { LogRecord } from "../log/record.ts";

/** US dollars for a million tokens. Tiered: the price of the last tier whose `start` the request's input exceeds. */
export type Rate = number | { readonly base: number; readonly tiers: readonly Tier[] };

export interface Tier {
  /** Tokens of input, cached or not. */
  readonly start: number;
  readonly price: number;
}

/** What is left out costs as much as its neighbour to the left. */
export interface Rates {
  readonly input: Rate;
  readonly cachedInput?: Rate | undefined;
  readonly cacheCreation?: Rate | undefined;
  readonly cacheCreation1h?: Rate | undefined;
  /** Reasoning included. */
  readonly output: Rate;
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

/** A request's tokens as they are billed; null when it has none, or only a total without its parts. */
export function readBilledTokens({ usage, path }: Pick<LogRecord, "usage" | "path">): BilledTokens | null {
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

/** US dollars. */
export function costOf(tokens: BilledTokens, rates: Rates): number {
  const { fresh, cached, created, created1h, output } = tokens;
  const size = fresh + cached + created + created1h;
  const creation = rates.cacheCreation ?? rates.input;
  const sum =
    fresh * priceAt(rates.input, size) +
    cached * priceAt(rates.cachedInput ?? rates.input, size) +
    created * priceAt(creation, size) +
    created1h * priceAt(rates.cacheCreation1h ?? creation, size) +
    output * priceAt(rates.output, size);
  return sum / 1e6;
}

function priceAt(rate: Rate, size: number): number {
  if (typeof rate === "number") return rate;
  let price = rate.base;
  for (const tier of rate.tiers) if (size > tier.start) price = tier.price;
  return price;
}
