// What a request of the log cost: the user's own prices, else the list prices, times the upstream's factor.
// A model without a price is unpriced, never free.
// Pure.
import type { Service } from "../base/service.ts";
import { type PriceOverride, findOverride, ratesOfOverride } from "./price-overrides.ts";
import type { Catalog } from "./price-catalog.ts";
import { type Rates, costOf, readBilledTokens } from "./price-rates.ts";

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

export function makePricer({ catalog, overrides, multiplierOf }: PricerOptions): Pricer {
  function ratesFor(names: readonly string[], seller: Seller, atMs: number): Rates | null {
    const [model = ""] = names;
    const { service, upstreamBaseUrl } = seller;
    const override = findOverride(overrides, { names, upstreamBaseUrl });
    const listed = override?.same_as ?? model;
    return (
      (override && ratesOfOverride(override)) ??
      catalog.ratesOf({ service, upstreamBaseUrl, model: listed, atMs })
    );
  }

  return {
    costOf(fields) {
      const tokens = readBilledTokens(fields);
      if (tokens === null) return { kind: "unknown" };
      // What the upstream was asked for is what it charges for.
      const names = [fields["upstream_model"], fields["model"]].filter(isText);
      const [model] = names;
      if (model === undefined) return { kind: "unpriced", model: null };
      const seller = readSeller(fields);
      const rates = ratesFor(names, seller, Number(fields["timestamp_ms"]));
      return rates === null
        ? { kind: "unpriced", model }
        : { kind: "priced", usd: costOf(tokens, rates) * multiplierOf(seller) };
    },
  };
}

function readSeller(fields: Readonly<Record<string, unknown>>): Seller {
  const { config_name: configName, upstream_base_url: baseUrl } = fields;
  return {
    service: fields["service"] === "claude" ? "claude" : "codex",
    configName: isText(configName) ? configName : null,
    upstreamBaseUrl: isText(baseUrl) ? baseUrl : null,
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
