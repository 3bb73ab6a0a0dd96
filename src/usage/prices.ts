// What a request of the log cost: the user's own prices, else the list prices, times the upstream's factor.
// A model without a price is unpriced, never free.
// Pure.
import { DEFAULT_SERVICE, type Service, isService } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";
import type { LogRecord } from "../log/record.ts";
import { billedAttempts } from "./outcome.ts";
import { type Catalog, type FoundPrice, findPrice } from "./price-lists.ts";
import {
  type BilledTokens,
  type LoggedFigures,
  type LoggedUsage,
  type Served,
  entryAt,
  priceOf,
  readBilledTokens,
  tierOf,
} from "./price-rates.ts";
import type { PriceOverride } from "./price-schema.ts";

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

/** What one request cost. `attempts`: what the failed ones did that said what they used, in their order. */
export type Cost = AttemptCost & { readonly attempts?: readonly AttemptCost[] };
export type AttemptCost =
  | { readonly kind: "priced"; readonly usd: number }
  /** It used tokens, or was served in a way, that nobody has a price for. `model`: null where the record does not name it. */
  | { readonly kind: "unpriced"; readonly model: string | null; readonly why?: Text }
  /** The upstream did not say how many tokens it used. */
  | { readonly kind: "unknown" };

export interface Pricer {
  readonly costOf: (record: LogRecord) => Cost;
  /** "2026-11-29": the day of the list. */
  readonly asOf: string;
}

/** One model at one upstream. */
interface Offer {
  /** What was charged for; null where the record does not name it. */
  readonly model: string | null;
  readonly price: FoundPrice | Text;
  /** Of the upstream and of its host. */
  readonly factor: number;
}

/** An offer, and whose it is. */
interface KnownOffer extends Pick<
  LogRecord,
  "config_name" | "service" | "upstream_base_url" | "upstream_model"
> {
  readonly offer: Offer;
  readonly pass: string | undefined;
}

/** A log has few offers, but a client may send a million model names. */
const MOST_OFFERS = 4096;

export function makePricer(options: PricerOptions): Pricer {
  /** By model, which parts most of them. */
  const offers = new Map<string | undefined, KnownOffer[]>();
  let count = 0;

  /** `model`: of a pass within an answer, where that is another than the request's. */
  function offerFor(record: LogRecord, pass?: string): Offer {
    const { service, config_name, upstream_base_url, upstream_model } = record;
    const model = record.chain_model ?? record.model;
    const list = offers.getOrInsertComputed(pass ?? model, () => []);
    for (const known of list)
      if (
        known.upstream_base_url === upstream_base_url &&
        known.config_name === config_name &&
        known.service === service &&
        known.pass === pass &&
        (pass !== undefined || known.upstream_model === upstream_model)
      )
        return known.offer;
    const offer = makeOffer(record, pass === undefined ? [upstream_model, model] : [pass], options);
    list.push({ offer, service, config_name, upstream_base_url, upstream_model, pass });
    if ((count += 1) < MOST_OFFERS) return offer;
    offers.clear();
    count = 0;
    return offer;
  }

  function costOf(record: LogRecord): Cost {
    const attempts = billedAttempts(record);
    const own = costOfOne(record);
    return attempts.length === 0 ? own : { ...own, attempts: attempts.map(costOfOne) };
  }

  function costOfOne(record: LogRecord): AttemptCost {
    const { path, timestamp_ms: at } = record;
    const usage: LoggedUsage | undefined = record.usage;
    const tokens = readBilledTokens(record);
    if (usage === undefined || tokens === null) return { kind: "unknown" };
    const served = { at, tier: tierOf(usage), region: usage.inference_geo ?? null };
    const offer = offerFor(record);
    const searches = usage.server_tool_use?.web_search_requests ?? 0;
    const { iterations: passes } = usage;
    if (passes === undefined && searches === 0) return costBy(offer, tokens, usage, served);
    let usd = 0;
    for (const pass of passes ?? [usage]) {
      const part = readBilledTokens({ usage: pass, path });
      if (part === null) continue;
      const cost = costBy("model" in pass ? offerFor(record, pass.model) : offer, part, pass, served);
      if (cost.kind !== "priced") return cost;
      usd += cost.usd;
    }
    const fee = searches === 0 ? 0 : feeOf(offer, at);
    return fee === null
      ? { kind: "unpriced", model: offer.model, why: t`no price for web searches` }
      : { kind: "priced", usd: usd + fee * searches };
  }
  return { costOf, asOf: options.catalog.asOf };
}

function costBy(
  { factor, model, price }: Offer,
  tokens: BilledTokens,
  figures: LoggedFigures,
  served: Served,
): AttemptCost {
  if (!("entries" in price)) return { kind: "unpriced", model, why: price };
  const entry = entryAt(price.entries, served.at);
  const usd =
    entry === undefined ? t`no price for the time of the request` : priceOf(tokens, figures, entry, served);
  return typeof usd === "number"
    ? { kind: "priced", usd: usd * factor }
    : { kind: "unpriced", model, why: usd };
}

/** US dollars for one web search; null where nobody says. */
function feeOf({ factor, price }: Offer, at: number): number | null {
  if (!("entries" in price)) return null;
  const perThousand = entryAt(price.entries, at)?.web_search ?? price.vendor?.web_search;
  return perThousand === undefined ? null : (perThousand / 1000) * factor;
}

function makeOffer(
  record: LogRecord,
  asked: readonly (string | null | undefined)[],
  { catalog, overrides, multiplierOf }: PricerOptions,
): Offer {
  const seller: Seller = {
    service: isService(record.service) ? record.service : DEFAULT_SERVICE,
    configName: record.config_name || null,
    upstreamBaseUrl: record.upstream_base_url || null,
  };
  const names = asked.flatMap((name) => name || []);
  const price = findPrice({ ...seller, names }, overrides, catalog);
  return {
    model: names[0] ?? null,
    price,
    factor: multiplierOf(seller) * ("entries" in price ? price.hostFactor : 1),
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
