// What a request of the log cost: the user's own prices, else the list prices, times the upstream's factor.
// A model without a price is unpriced, never free.
// Pure.
import { DEFAULT_SERVICE, type Service, isService } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";
import type { LogRecord } from "../log/record.ts";
import { type Catalog, type FoundPrice, findPrice } from "./price-lists.ts";
import { type LoggedUsage, entryAt, priceOf, readBilledTokens, readKinds, tierOf } from "./price-rates.ts";
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

/** What one request cost. */
export type Cost =
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
  readonly price: FoundPrice | Text;
  readonly multiplier: number;
}

/** A log has few offers, but a client may send a million model names. */
const MOST_OFFERS = 4096;

export function makePricer(options: PricerOptions): Pricer {
  const offers = new Map<string, Offer>();

  /** `names`: what was charged for, before what the client asked for. */
  function offerFor(record: LogRecord, names: readonly (string | null | undefined)[]): Offer {
    const { service, config_name, upstream_base_url } = record;
    const key = `${service}\n${config_name}\n${upstream_base_url}\n${names.join("\n")}`;
    const known = offers.get(key);
    if (known !== undefined) return known;
    const offer = makeOffer(record, names, options);
    if (offers.size >= MOST_OFFERS) offers.clear();
    offers.set(key, offer);
    return offer;
  }

  function costOf(record: LogRecord): Cost {
    const { model, path, timestamp_ms: at, upstream_model } = record;
    const usage: LoggedUsage | undefined = record.usage;
    if (usage === undefined || readBilledTokens(record) === null) return { kind: "unknown" };
    const served = { at, tier: tierOf(usage), region: usage.inference_geo ?? null };
    const asked = [upstream_model, model];
    let usd = searchFee(usage, offerFor(record, asked), at);
    for (const pass of usage.iterations ?? [usage]) {
      const tokens = readBilledTokens({ usage: pass, path });
      if (tokens === null || typeof usd !== "number") continue;
      const names = "model" in pass && pass.model !== undefined ? [pass.model] : asked;
      const { multiplier, price } = offerFor(record, names);
      const entry = "entries" in price ? entryAt(price.entries, at) : undefined;
      const cost =
        entry === undefined
          ? "entries" in price
            ? t`no price for the time of the request`
            : price
          : priceOf(tokens, hasKinds(pass) ? readKinds(pass) : null, entry, served);
      if (typeof cost !== "number")
        return { kind: "unpriced", model: names.find(Boolean) ?? null, why: cost };
      usd += cost * multiplier * ("entries" in price ? price.hostFactor : 1);
    }
    return typeof usd === "number"
      ? { kind: "priced", usd }
      : { kind: "unpriced", model: asked.find(Boolean) ?? null, why: usd };
  }
  return { costOf, asOf: options.catalog.asOf };
}

/** US dollars; a text where there were searches and nobody says what they cost. */
function searchFee(usage: LoggedUsage, { multiplier, price }: Offer, at: number): number | Text {
  const searches = usage.server_tool_use?.web_search_requests ?? 0;
  if (searches === 0 || !("entries" in price)) return 0;
  const perThousand = entryAt(price.entries, at)?.web_search ?? price.vendor?.web_search;
  return perThousand === undefined
    ? t`no price for web searches`
    : (searches / 1000) * perThousand * multiplier;
}

/** Most requests have neither: they need no look at the kinds of their tokens. */
function hasKinds(usage: LoggedUsage): boolean {
  return (
    usage.reasoning_tokens !== undefined ||
    usage.input_audio_tokens !== undefined ||
    usage.input_image_tokens !== undefined ||
    usage.output_audio_tokens !== undefined ||
    usage.output_image_tokens !== undefined
  );
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
  return {
    price: findPrice({ ...seller, names }, overrides, catalog),
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
