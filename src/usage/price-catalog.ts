// The public list prices of models, from the data of @pydantic/genai-prices, which is never asked to fetch newer ones.
// Finds the model behind the names that relays give it; what it does not find has no price.
import type { calcPrice, findProvider } from "@pydantic/genai-prices";
import { SERVICE_FACTS, type Service } from "../base/service.ts";
import type { Rate, Rates } from "./price-rates.ts";

export interface Wanted {
  readonly service: Service;
  readonly upstreamBaseUrl: string | null;
  /** As the upstream was asked for it. */
  readonly model: string;
}

/** The prices at a time (wall clock, ms): they change by date, some by the hour. */
export type PricesOver = (atMs: number) => Rates | null;

export interface Catalog {
  /** Null for a model that the data does not have. Takes 100 us: remember it. */
  readonly find: (wanted: Wanted) => PricesOver | null;
}

/** Reads the data (30 ms), so only for a report that shows costs. */
export async function loadCatalog(): Promise<Catalog> {
  const { calcPrice, findProvider } = await import("@pydantic/genai-prices");
  return { find: (wanted) => find({ calcPrice, findProvider }, wanted) };
}

interface Library {
  readonly calcPrice: typeof calcPrice;
  readonly findProvider: typeof findProvider;
}

/** The upstream's own list first, then the maker that the name tells, then the one whose client asks. */
function find(library: Library, { service, upstreamBaseUrl, model }: Wanted): PricesOver | null {
  for (const { name, maker } of spellings(model)) {
    const providers = [
      upstreamBaseUrl === null ? undefined : library.findProvider({ providerApiUrl: upstreamBaseUrl })?.id,
      maker === undefined ? undefined : library.findProvider({ providerId: maker })?.id,
      SERVICE_FACTS[service].vendor,
      library.findProvider({ modelId: name })?.id,
    ];
    for (const providerId of new Set(providers)) {
      const prices = providerId === undefined ? null : pricesOver(library, name, providerId);
      if (prices !== null) return prices;
    }
  }
  return null;
}

const MINUTE_MS = 60_000;

function pricesOver({ calcPrice }: Library, model: string, providerId: string): PricesOver | null {
  const look = (atMs: number) => calcPrice({}, model, { providerId, timestamp: new Date(atMs) });
  const first = look(0);
  const rates = first === null ? null : makeRates(first.model_price);
  if (first === null || rates === null) return null;
  if (!Array.isArray(first.model.prices)) return () => rates;
  let known = { minute: 0, rates: rates as Rates | null };
  return (atMs) => {
    const minute = Math.floor(atMs / MINUTE_MS);
    if (minute !== known.minute) {
      known = { minute, rates: makeRates(look(minute * MINUTE_MS)?.model_price ?? {}) };
    }
    return known.rates;
  };
}

/** "[1m]", which Claude Code puts behind a name. */
const BRACKET = /\[[^\]]*\]$/;
/** Relays put the effort into the name. It changes how many tokens are used, not their price. */
const EFFORT = /-(?:none|minimal|low|medium|high|xhigh|max|thinking)$/;

interface Spelling {
  readonly name: string;
  /** "openai" in "openai/gpt-5". */
  readonly maker?: string | undefined;
}

/** The names under which a model may stand in the list, the most exact first. */
function spellings(model: string): Spelling[] {
  const whole = model.trim().toLowerCase().replace(BRACKET, "");
  const parts = whole.split("/");
  const bare = parts.at(-1) ?? whole;
  const maker = parts.at(-2);
  return [
    { name: whole },
    ...(bare === whole ? [] : [{ name: bare, maker }]),
    ...(EFFORT.test(bare) ? [{ name: bare.replace(EFFORT, ""), maker }] : []),
  ];
}

type ModelPrice = Readonly<Record<string, Rate | undefined>>;

/** Null for what is not sold by the token. */
function makeRates(price: ModelPrice): Rates | null {
  const { input_mtok: input, output_mtok: output } = price;
  if (input === undefined || output === undefined) return null;
  return {
    input,
    output,
    cachedInput: price["cache_read_mtok"],
    cacheCreation: price["cache_write_mtok"],
    cacheCreation1h: price["cache_write_1h_mtok"],
  };
}
