// What a request of the log cost: the user's own prices, else the list prices, times the upstream's factor.
// A model without a price is unpriced, never free.
// Pure.
import { DEFAULT_SERVICE, type Service, isService } from "../base/service.ts";
import type { LogRecord } from "../log/record.ts";
import { type Catalog, type PriceOverride, type RatesAt, findRates } from "./price-lists.ts";
import { costOf, readBilledTokens } from "./price-rates.ts";

/** Whom a request went to. */
export interface Seller {
  readonly service: Service;
  readonly configName: string | null;
  readonly upstreamBaseUrl: string | null;
}

export interface PricerOptions {
  readonly catalog: Catalog;
  readonly overrides: readonly PriceOverride[];
  /** `cost_multiplier` of config.json; 1 where none is known. */
  readonly multiplierOf: (seller: Seller) => number;
}

/** What one request cost. */
export type Cost =
  | { readonly kind: "priced"; readonly usd: number }
  /** It used tokens of a model that has no price; null where the record does not name it. */
  | { readonly kind: "unpriced"; readonly model: string | null }
  /** The upstream did not say how many tokens it used. */
  | { readonly kind: "unknown" };

export type Pricer = ReturnType<typeof makePricer>;

/** One model at one upstream. */
interface Offer {
  /** What was charged for; null where the record does not name it. */
  readonly model: string | null;
  readonly ratesAt: RatesAt | null;
  readonly multiplier: number;
}

/** A log has few offers, but a client may send a million model names. */
const MOST_OFFERS = 4096;

export function makePricer(options: PricerOptions) {
  const offers = new Map<string, Offer>();

  function offerFor(record: LogRecord): Offer {
    const { service, config_name, upstream_base_url, model, upstream_model } = record;
    const key = `${service}\n${config_name}\n${upstream_base_url}\n${model}\n${upstream_model}`;
    const known = offers.get(key);
    if (known !== undefined) return known;
    const offer = makeOffer(record, options);
    if (offers.size >= MOST_OFFERS) offers.clear();
    offers.set(key, offer);
    return offer;
  }

  return {
    costOf: (record: LogRecord): Cost => {
      const tokens = readBilledTokens(record);
      if (tokens === null) return { kind: "unknown" };
      const { model, ratesAt, multiplier } = offerFor(record);
      const rates = ratesAt?.(record.timestamp_ms) ?? null;
      return rates === null
        ? { kind: "unpriced", model }
        : { kind: "priced", usd: costOf(tokens, rates) * multiplier };
    },
  };
}

function makeOffer(record: LogRecord, { catalog, overrides, multiplierOf }: PricerOptions): Offer {
  const seller: Seller = {
    service: isService(record.service) ? record.service : DEFAULT_SERVICE,
    configName: record.config_name || null,
    upstreamBaseUrl: record.upstream_base_url || null,
  };
  const names = [record.upstream_model, record.model].flatMap((name) => name || []);
  const [model = null] = names;
  return {
    model,
    ratesAt: model === null ? null : findRates({ ...seller, names }, overrides, catalog),
    multiplier: multiplierOf(seller),
  };
}

/** An upstream whose list prices are multiplied. */
export interface Markup {
  readonly service: Service;
  readonly configName: string;
  readonly upstreamBaseUrl: string;
  readonly factor: number;
}

/** The log names an upstream by its config and base URL; of two alike the first counts, as for a config since renamed. */
export function makeMultipliers(markups: readonly Markup[]): PricerOptions["multiplierOf"] {
  const factors = new Map<string, number>();
  for (const { service, configName, upstreamBaseUrl, factor } of markups) {
    factors.getOrInsert(`${service} ${configName} ${upstreamBaseUrl}`, factor);
    factors.getOrInsert(`${service} ${upstreamBaseUrl}`, factor);
  }
  return ({ service, configName, upstreamBaseUrl }) =>
    factors.get(`${service} ${configName ?? ""} ${upstreamBaseUrl ?? ""}`) ??
    factors.get(`${service} ${upstreamBaseUrl ?? ""}`) ??
    1;
}
