// What a price may say: the shape of an entry of prices.json and, with a vendor instead of an upstream, of a line of the
// price lists. Numbers are US dollars per million tokens unless a description says otherwise.
// Pure.
import * as z from "zod/mini";
import { english } from "../base/text.ts";

const RATE = english`must be US dollars per million tokens: a number from 0 to 1,000,000`;
const rate = z.optional(z.number(RATE).check(z.minimum(0, RATE), z.maximum(1_000_000, RATE)));
const FACTOR = english`must be a number from 0 to 1,000`;
const factor = z.number(FACTOR).check(z.minimum(0, FACTOR), z.maximum(1_000, FACTOR));
const OBJECT = english`must be an object`;
const text = z
  .string(english`must be text in double quotes`)
  .check(z.minLength(1, english`must not be empty`));
const WHEN = english`must be a day or a time in UTC, such as "2026-08-17" or "2026-08-16T16:00:00Z"`;
const when = z.string(WHEN).check(
  z.regex(/^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?$/, WHEN),
  z.refine((value) => !Number.isNaN(Date.parse(value)), WHEN),
);
const TOKENS = english`must be a whole number of tokens`;
const CLOCK = english`must be a time of day, such as "09:00"`;
const clock = z.string(CLOCK).check(z.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, CLOCK));
const DAY = english`must be mon, tue, wed, thu, fri, sat or sun`;
const DATE = english`must be a day, such as "2026-10-01"`;
const OFFSET = english`must be a distance from UTC, such as "+08:00"`;

const rates = {
  input: rate.check(z.describe("Input that was neither read from a cache nor written to one.")),
  cached_input: rate.check(z.describe("Input read from the upstream's cache. Default: as input.")),
  cache_creation: rate.check(z.describe("Input written to that cache. Default: as input.")),
  cache_creation_1h: rate.check(z.describe("Input written to it for an hour. Default: as cache_creation.")),
  output: rate.check(z.describe("Output, reasoning included.")),
  output_thinking: rate.check(
    z.describe("All output of a request that reasoned, where that costs something else. Default: as output."),
  ),
  input_audio: rate.check(
    z.describe("Sound in the input. Default: unknown, so that such a request is unpriced."),
  ),
  input_image: rate.check(z.describe("Images in the input. Default: as input.")),
  output_audio: rate.check(z.describe("Sound in the output. Default: unknown.")),
  output_image: rate.check(z.describe("Images in the output. Default: unknown.")),
};

const tier = z.strictObject(
  {
    above: z
      .int(TOKENS)
      .check(
        z.minimum(0, TOKENS),
        z.describe(
          "For a request whose input, cached or not, is more than so many tokens: all of it costs this.",
        ),
      ),
    ...rates,
  },
  OBJECT,
);
const tiers = z
  .optional(z.array(tier, english`must be a list`))
  .check(z.describe("By the size of the input. Of several that apply, the last counts."));

const block = {
  multiplier: z.optional(factor).check(z.describe("Times the usual rates, instead of rates.")),
  ...rates,
  tiers,
};

const hours = z.strictObject(
  {
    days: z
      .optional(
        z.array(z.enum(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], DAY), english`must be a list`),
      )
      .check(z.describe("Default: every day.")),
    except: z
      .optional(z.array(z.string(DATE).check(z.regex(/^\d{4}-\d{2}-\d{2}$/, DATE)), english`must be a list`))
      .check(z.describe("Days on which these hours do not apply, such as holidays.")),
    from: clock.check(z.describe("Included.")),
    to: clock.check(z.describe("Not included; may be before `from`, over midnight.")),
    utc_offset: z
      .optional(z.string(OFFSET).check(z.regex(/^[+-]\d{2}:\d{2}$/, OFFSET)))
      .check(z.describe('Of the clock meant, such as "+08:00". Default: UTC.')),
    ...block,
  },
  OBJECT,
);

/** What a price says, whoever's it is. */
const entry = {
  model: z.union([text, z.array(text)], english`must be text in double quotes`),
  since: z.optional(when).check(z.describe("From then on. A day begins at midnight UTC.")),
  until: z.optional(when).check(z.describe("Before then.")),
  ...rates,
  tiers,
  web_search: rate.check(z.describe("US dollars for a thousand web searches of the upstream's own tool.")),
  hours: z
    .optional(z.array(hours, english`must be a list`))
    .check(
      z.describe("Hours of the day, on all or some days, with other rates. The first that applies counts."),
    ),
  service_tiers: z
    .optional(z.record(z.string(), z.strictObject(block, OBJECT), OBJECT))
    .check(
      z.describe(
        "Rates by the tier that the answer names: priority, flex, batch, fast and so on. A request in one that is not here, other than the standard one, is unpriced.",
      ),
    ),
  regions: z
    .optional(z.record(z.string(), factor, OBJECT))
    .check(z.describe("Factors by where the model ran, as the answer says it, such as us.")),
  source: z.optional(text).check(z.describe("Where the price is from.")),
  as_of: z.optional(when).check(z.describe("When it was read there.")),
  note: z.optional(text).check(z.describe("Why this price and not another one.")),
};

const RATES = Object.keys(rates) as (keyof typeof rates)[];

const overrideSchema = z
  .strictObject(
    {
      ...entry,
      model: entry.model.check(
        z.describe(
          "The model as the client or the upstream calls it, case-insensitive; or a list of names. A * at the end matches any suffix.",
        ),
      ),
      upstream: z
        .optional(text)
        .check(z.describe("Host name or base URL of the upstream it applies to. Default: all.")),
      same_as: z
        .optional(text)
        .check(z.describe("The model of the built-in list whose prices apply, instead of prices here.")),
    },
    OBJECT,
  )
  .check(
    z.superRefine((one, context) => {
      const isPriced = RATES.some((name) => one[name] !== undefined);
      if (one.same_as !== undefined && isPriced)
        context.addIssue({
          code: "custom",
          path: ["same_as"],
          message: english`cannot be combined with prices`,
        });
      if (one.same_as === undefined && (one.input === undefined || one.output === undefined))
        context.addIssue({ code: "custom", path: [], message: english`needs input and output, or same_as` });
    }),
  );

/** prices.json. Of several entries that match, the first applies. */
export const priceFileSchema = z.array(overrideSchema, english`must be a list of prices`);

/** A line of a price list. Without input and output the model has no price there, and the note says why. */
export const listedPriceSchema = z.strictObject(
  {
    vendor: text.check(z.describe("Whose list it is: an id of price-vendors.ts.")),
    ...entry,
    instead_of: z
      .optional(z.strictObject({ input: z.number(), output: z.number() }, OBJECT))
      .check(
        z.describe(
          "What the list said when this line was decided: it holds only as long as the list says so.",
        ),
      ),
  },
  OBJECT,
);

export type PriceOverride = z.infer<typeof overrideSchema>;
export type ListedPrice = z.infer<typeof listedPriceSchema>;
type Entry = Omit<ListedPrice, "vendor" | "model" | "instead_of">;
/** What is needed of either to price a request. */
export type PriceEntry = Readonly<Entry>;
export type RateBlock = Readonly<z.infer<z.ZodMiniObject<typeof block>>>;
