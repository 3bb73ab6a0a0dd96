// The user's own prices: the shape of prices.json, and which of its entries a request falls under.
// Pure.
import * as z from "zod/mini";
import { kept } from "../base/language.ts";
import type { Rates } from "./price-rates.ts";

const RATE = kept`must be US dollars for a million tokens: a number from 0 to 1,000,000`;
const rate = z.optional(z.number(RATE).check(z.minimum(0, RATE), z.maximum(1_000_000, RATE)));
const TEXT = kept`must be text in double quotes`;
const EMPTY = kept`must not be empty`;

const overrideSchema = z
  .strictObject(
    {
      model: z
        .string(TEXT)
        .check(
          z.minLength(1, EMPTY),
          z.describe(
            "The model as the client or the upstream calls it, in any case. A * at the end: any rest.",
          ),
        ),
      upstream: z
        .optional(z.string(TEXT).check(z.minLength(1, EMPTY)))
        .check(z.describe("Host name or base URL of the upstream it is for. Default: all.")),
      same_as: z
        .optional(z.string(TEXT).check(z.minLength(1, EMPTY)))
        .check(z.describe("The model of the built-in list whose prices hold, instead of prices here.")),
      input: rate.check(z.describe("US dollars for a million tokens of input.")),
      cached_input: rate.check(z.describe("For input read from the upstream's cache. Default: as input.")),
      cache_creation: rate.check(z.describe("For input written to that cache. Default: as input.")),
      cache_creation_1h: rate.check(
        z.describe("For input written to it for an hour. Default: as cache_creation."),
      ),
      output: rate.check(z.describe("US dollars for a million tokens of output, reasoning included.")),
    },
    kept`must be an object`,
  )
  .check(
    z.superRefine((entry, context) => {
      const isPriced = RATES.some((name) => entry[name] !== undefined);
      if (entry.same_as !== undefined && isPriced)
        context.addIssue({
          code: "custom",
          path: ["same_as"],
          message: kept`leaves no place for prices beside it`,
        });
      if (entry.same_as === undefined && (entry.input === undefined || entry.output === undefined))
        context.addIssue({ code: "custom", path: [], message: kept`needs input and output, or same_as` });
    }),
  );

const RATES = ["input", "cached_input", "cache_creation", "cache_creation_1h", "output"] as const;

/** prices.json. Of several entries that fit, the first holds. */
export const priceFileSchema = z.array(overrideSchema, kept`must be a list of prices`);

export type PriceOverride = z.infer<typeof overrideSchema>;

export interface AskedModel {
  /** As the client and the upstream call it. */
  readonly names: readonly string[];
  readonly upstreamBaseUrl: string | null;
}

export function findOverride(
  overrides: readonly PriceOverride[],
  { names, upstreamBaseUrl }: AskedModel,
): PriceOverride | undefined {
  const lowered = names.map((name) => name.toLowerCase());
  return overrides.find(
    ({ model, upstream }) =>
      lowered.some((name) => fits(model.toLowerCase(), name)) &&
      (upstream === undefined || isUpstream(upstream, upstreamBaseUrl)),
  );
}

/** Null for an entry that only names another model. */
export function ratesOfOverride(override: PriceOverride): Rates | null {
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

function fits(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isUpstream(wanted: string, baseUrl: string | null): boolean {
  if (baseUrl === null) return false;
  const url = URL.parse(baseUrl);
  const given = wanted.toLowerCase().replace(/\/+$/, "");
  return given === baseUrl.toLowerCase() || given === url?.host || given === url?.hostname;
}
