// The public list prices of models, from the data of @pydantic/genai-prices, which is never asked to fetch newer ones.
// Finds the model behind the names that relays give it; what it does not find has no price.
import type { calcPrice, findProvider } from "@pydantic/genai-prices";
import type { Service } from "../base/service.ts";
import type { Rate, Rates } from "./price-rates.ts";

export interface Sale {
  readonly service: Service;
  readonly upstreamBaseUrl: string | null;
  /** As the upstream was asked for it. */
  readonly model: string;
  /** Prices change by date, some by the hour. Wall clock, ms. */
  readonly atMs: number;
}

export interface Catalog {
  /** Null for a model that the data does not have. */
  readonly ratesOf: (sale: Sale) => Rates | null;
}

/** Reads the data (30 ms), so only for a report that shows costs. */
export async function loadCatalog(): Promise<Catalog> {
  const { calcPrice, findProvider } = await import("@pydantic/genai-prices");
  return createCatalog({ calcPrice, findProvider });
}

interface Library {
  readonly calcPrice: typeof calcPrice;
  readonly findProvider: typeof findProvider;
}

interface Found {
  readonly providerId: string;
  readonly model: string;
  /** Null where they depend on the time. */
  readonly rates: Rates | null;
}

/** A search takes 100 us; a log holds few models, but anybody may ask for a million names. */
const MOST_REMEMBERED = 10_000;
const MINUTE_MS = 60_000;

function createCatalog(library: Library): Catalog {
  const found = new Map<string, Found | null>();
  const dated = new Map<string, Rates | null>();
  return {
    ratesOf(sale) {
      const key = `${sale.service} ${sale.upstreamBaseUrl ?? ""} ${sale.model}`;
      const one = remember(found, key, () => find(library, sale));
      if (one === null || one.rates !== null) return one?.rates ?? null;
      const minute = Math.floor(sale.atMs / MINUTE_MS);
      return remember(dated, `${minute} ${key}`, () => {
        const timestamp = new Date(minute * MINUTE_MS);
        const price = library.calcPrice({}, one.model, { providerId: one.providerId, timestamp });
        return price === null ? null : makeRates(price.model_price);
      });
    },
  };
}

function remember<T>(memory: Map<string, T>, key: string, find: () => T): T {
  const known = memory.get(key);
  if (known !== undefined) return known;
  if (memory.size >= MOST_REMEMBERED) memory.clear();
  const value = find();
  memory.set(key, value);
  return value;
}

/** The upstream's own list first, then the maker that the name tells, then the one whose client asks. */
function find(library: Library, sale: Sale): Found | null {
  const { service, upstreamBaseUrl } = sale;
  const timestamp = new Date(sale.atMs);
  for (const { name, maker } of spellings(sale.model)) {
    const providers = [
      upstreamBaseUrl === null ? undefined : library.findProvider({ providerApiUrl: upstreamBaseUrl })?.id,
      maker === undefined ? undefined : library.findProvider({ providerId: maker })?.id,
      HOME[service],
      library.findProvider({ modelId: name })?.id,
    ];
    for (const providerId of new Set(providers)) {
      if (providerId === undefined) continue;
      const price = library.calcPrice({}, name, { providerId, timestamp });
      const rates = price === null ? null : makeRates(price.model_price);
      if (price === null || rates === null) continue;
      return { providerId, model: name, rates: Array.isArray(price.model.prices) ? null : rates };
    }
  }
  return null;
}

const HOME: Readonly<Record<Service, string>> = { codex: "openai", claude: "anthropic" };

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
