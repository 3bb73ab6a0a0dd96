// What a request of the log cost: the user's own prices, else the list prices, times the upstream's factor.
// A model without a price is unpriced, never free.
// Pure.
import { DEFAULT_SERVICE, type Service, isService } from "../base/service.ts";
import type { Catalog, PricesOver } from "./price-catalog.ts";
import { type PriceOverride, findOverride, ratesOfOverride } from "./price-overrides.ts";
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
  /** It used tokens of a model that has no price; null where the entry does not name it. */
  | { readonly kind: "unpriced"; readonly model: string | null }
  /** The upstream did not say how many tokens it used. */
  | { readonly kind: "unknown" };

export interface Pricer {
  /** `fields` of a log entry of any version. */
  readonly costOf: (fields: Readonly<Record<string, unknown>>) => Cost;
}

/** What is needed of an entry to find its price. */
interface Order extends Seller {
  /** What the upstream was asked for, and charges for, before what the client asked for. */
  readonly names: readonly string[];
}

interface Offer {
  readonly service: unknown;
  readonly config: unknown;
  readonly upstream: unknown;
  readonly model: unknown;
  readonly upstreamModel: unknown;
  /** What was charged for; null where the entry does not name it. */
  readonly name: string | null;
  readonly prices: PricesOver | null;
  readonly multiplier: number;
}

/** A log holds few offers, one after the other, but anybody may ask for a million models. */
const MOST_OFFERS = 64;

export function makePricer(options: PricerOptions): Pricer {
  const offers: Offer[] = [];

  /** Compared one by one: the texts of a log that is scanned are the same objects, so this beats any map. */
  function offerFor(fields: Readonly<Record<string, unknown>>): Offer {
    const { service, config_name: config, upstream_base_url: upstream } = fields;
    const { model, upstream_model: upstreamModel } = fields;
    for (const offer of offers) {
      if (
        offer.model === model &&
        offer.upstream === upstream &&
        offer.config === config &&
        offer.upstreamModel === upstreamModel &&
        offer.service === service
      )
        return offer;
    }
    const order = readOrder(fields);
    const [name = null] = order.names;
    const prices = name === null ? null : findPrices(options, order);
    const multiplier = options.multiplierOf(sellerOf(order));
    const offer = { service, config, upstream, model, upstreamModel, name, prices, multiplier };
    if (offers.length >= MOST_OFFERS) offers.length = 0;
    offers.push(offer);
    return offer;
  }

  return {
    costOf(fields) {
      const tokens = readBilledTokens(fields);
      if (tokens === null) return { kind: "unknown" };
      const { name, prices, multiplier } = offerFor(fields);
      const rates = prices?.(Number(fields["timestamp_ms"])) ?? null;
      return rates === null
        ? { kind: "unpriced", model: name }
        : { kind: "priced", usd: costOf(tokens, rates) * multiplier };
    },
  };
}

function findPrices({ catalog, overrides }: PricerOptions, order: Order): PricesOver | null {
  const { service, upstreamBaseUrl, names } = order;
  const override = findOverride(overrides, { names, upstreamBaseUrl });
  const own = override === undefined ? null : ratesOfOverride(override);
  if (own !== null) return () => own;
  return catalog.find({ service, upstreamBaseUrl, model: override?.same_as ?? names[0] ?? "" });
}

function readOrder(fields: Readonly<Record<string, unknown>>): Order {
  const { config_name: configName, upstream_base_url: baseUrl } = fields;
  return {
    service: isService(fields["service"]) ? fields["service"] : DEFAULT_SERVICE,
    configName: isText(configName) ? configName : null,
    upstreamBaseUrl: isText(baseUrl) ? baseUrl : null,
    names: [fields["upstream_model"], fields["model"]].filter(isText),
  };
}

function sellerOf({ service, configName, upstreamBaseUrl }: Order): Seller {
  return { service, configName, upstreamBaseUrl };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
