// Where the price of a model comes from: the user's prices.json, else the public list of @pydantic/genai-prices, which is
// never asked to fetch a newer one. Finds the model behind the names that relays give it; what it does not find has no price.
// Pure.
import type { ConditionalPrice } from "@pydantic/genai-prices";
import * as z from "zod/mini";
import { english } from "../base/text.ts";
import { SERVICE_FACTS, type Service } from "../base/service.ts";
import type { Rate, Rates } from "./price-rates.ts";

const RATE = english`must be US dollars per million tokens: a number from 0 to 1,000,000`;
const rate = z.optional(z.number(RATE).check(z.minimum(0, RATE), z.maximum(1_000_000, RATE)));
const text = z
  .string(english`must be text in double quotes`)
  .check(z.minLength(1, english`must not be empty`));

const overrideSchema = z
  .strictObject(
    {
      model: text.check(
        z.describe(
          "The model as the client or the upstream calls it, case-insensitive. A * at the end matches any suffix.",
        ),
      ),
      upstream: z
        .optional(text)
        .check(z.describe("Host name or base URL of the upstream it applies to. Default: all.")),
      same_as: z
        .optional(text)
        .check(z.describe("The model of the built-in list whose prices apply, instead of prices here.")),
      input: rate.check(z.describe("US dollars per million tokens of input.")),
      cached_input: rate.check(z.describe("For input read from the upstream's cache. Default: as input.")),
      cache_creation: rate.check(z.describe("For input written to that cache. Default: as input.")),
      cache_creation_1h: rate.check(
        z.describe("For input written to it for an hour. Default: as cache_creation."),
      ),
      output: rate.check(z.describe("US dollars per million tokens of output, reasoning included.")),
    },
    english`must be an object`,
  )
  .check(
    z.superRefine((entry, context) => {
      const isPriced = RATES.some((name) => entry[name] !== undefined);
      if (entry.same_as !== undefined && isPriced)
        context.addIssue({
          code: "custom",
          path: ["same_as"],
          message: english`cannot be combined with prices`,
        });
      if (entry.same_as === undefined && (entry.input === undefined || entry.output === undefined))
        context.addIssue({ code: "custom", path: [], message: english`needs input and output, or same_as` });
    }),
  );

const RATES = ["input", "cached_input", "cache_creation", "cache_creation_1h", "output"] as const;

/** prices.json. Of several entries that match, the first applies. */
export const priceFileSchema = z.array(overrideSchema, english`must be a list of prices`);

export type PriceOverride = z.infer<typeof overrideSchema>;

/** A model as a request named it. */
export interface AskedModel {
  readonly service: Service;
  readonly upstreamBaseUrl: string | null;
  /** What the upstream was asked for, and charges for, before what the client asked for. */
  readonly names: readonly string[];
}

/** The rates at a time (wall clock, ms): some change by date, some by the hour. */
export type RatesAt = (atMs: number) => Rates | null;

export interface Catalog {
  /** Null for a model that the list does not have. Takes 100 us: remember it. */
  readonly find: (asked: AskedModel) => RatesAt | null;
}

/** The user's own price, else that of the list. Null for a model without a price. */
export function findRates(
  asked: AskedModel,
  overrides: readonly PriceOverride[],
  catalog: Catalog,
): RatesAt | null {
  const override = findOverride(overrides, asked);
  const own = override === undefined ? null : ratesOfOverride(override);
  if (own !== null) return () => own;
  return catalog.find(override?.same_as === undefined ? asked : { ...asked, names: [override.same_as] });
}

function findOverride(
  overrides: readonly PriceOverride[],
  { names, upstreamBaseUrl }: AskedModel,
): PriceOverride | undefined {
  const lowered = names.map((name) => name.toLowerCase());
  return overrides.find(
    ({ model, upstream }) =>
      lowered.some((name) => matches(model.toLowerCase(), name)) &&
      (upstream === undefined || isUpstream(upstream, upstreamBaseUrl)),
  );
}

/** Null for an entry that only names another model. */
function ratesOfOverride(override: PriceOverride): Rates | null {
  const { input, output } = override;
  if (input === undefined || output === undefined) return null;
  return {
    input,
    cachedInput: override.cached_input,
    cacheCreation: override.cache_creation,
    cacheCreation1h: override.cache_creation_1h,
    output,
  };
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isUpstream(wanted: string, baseUrl: string | null): boolean {
  if (baseUrl === null) return false;
  const url = URL.parse(baseUrl);
  const given = wanted.toLowerCase().replace(/\/+$/, "");
  return given === baseUrl.toLowerCase() || given === url?.host || given === url?.hostname;
}

/** Reads the list (30 ms), so only for a report that shows costs. */
export async function loadCatalog(): Promise<Catalog> {
  const library = await import("@pydantic/genai-prices");
  return { find: (asked) => find(library, asked) };
}

type Library = typeof import("@pydantic/genai-prices");

/** The upstream's own list first, then the maker in its name, then the vendor of the client that asks. */
function find(
  library: Library,
  { service, upstreamBaseUrl, names: [model = ""] }: AskedModel,
): RatesAt | null {
  const { findProvider } = library;
  for (const { name, maker } of spellings(model)) {
    const providers = [
      upstreamBaseUrl === null ? undefined : findProvider({ providerApiUrl: upstreamBaseUrl })?.id,
      maker === undefined ? undefined : findProvider({ providerId: maker })?.id,
      SERVICE_FACTS[service].vendor,
      findProvider({ modelId: name })?.id,
    ];
    for (const providerId of new Set(providers)) {
      const rates = providerId === undefined ? null : makeRatesAt(library, name, providerId);
      if (rates !== null) return rates;
    }
  }
  return null;
}

const DAY_MS = 86_400_000;

/** Asks the library once for each period and time of day between which the price may change. */
function makeRatesAt({ calcPrice }: Library, model: string, providerId: string): RatesAt | null {
  const look = (atMs: number) => calcPrice({}, model, { providerId, timestamp: new Date(atMs) });
  const first = look(0);
  const rates = first === null ? null : makeRates(first.model_price);
  if (first === null || rates === null) return null;
  const { prices } = first.model;
  if (!Array.isArray(prices)) return () => rates;
  const days = listChanges(prices, "start_date");
  const times = listChanges(prices, "time_of_date");
  const known: (Rates | null | undefined)[] = [];
  return (atMs) => {
    const slot =
      countUpTo(days, atMs) * (times.length + 1) +
      countUpTo(times, atMs - Math.floor(atMs / DAY_MS) * DAY_MS);
    const found = known[slot];
    if (found !== undefined) return found;
    return (known[slot] = makeRates(look(atMs)?.model_price ?? {}));
  };
}

/** When prices change: ms since 1970 for dates, ms since midnight (UTC) for times of day. */
function listChanges(prices: readonly ConditionalPrice[], type: "start_date" | "time_of_date"): number[] {
  return prices.flatMap(({ constraint }) => {
    if (constraint?.type !== type) return [];
    if (constraint.type === "start_date") return [Date.parse(constraint.start_date)];
    return [constraint.start_time, constraint.end_time].map((time) => Date.parse(`1970-01-01T${time}`));
  });
}

function countUpTo(changes: readonly number[], at: number): number {
  let count = 0;
  for (const change of changes) if (change <= at) count += 1;
  return count;
}

/** "[1m]", which Claude Code puts behind a name. */
const BRACKET = /\[[^\]]*\]$/;
/** Relays put the effort into the name. It changes how many tokens are used, not their price. */
const EFFORT = /-(?:none|minimal|low|medium|high|xhigh|max|thinking)$/;

/** The names under which a model may be listed, the most exact first. `maker`: "openai" in "openai/gpt-5". */
function spellings(model: string): { name: string; maker?: string | undefined }[] {
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
