// Readings and recognised relays as state.json holds them. What is odd is dropped alone: losing it loses one question.
// Pure.
import * as z from "zod/mini";
import { later } from "../base/later.ts";
import type { Meter } from "./balance.ts";
import type { Reading } from "./reading.ts";
import { type VendorName, isVendorName } from "./vendors.ts";

const figure = later(() => z.number().check(z.nonnegative()));
const meterSchema = later(() =>
  z.object({
    name: z.string().check(z.maxLength(64)),
    left: z.nullable(figure),
    used: z.nullable(figure),
    limit: z.nullable(figure),
    unit: z.string().check(z.maxLength(32)),
    resets_at: z.nullable(figure),
    rate: z.optional(z.literal(true)),
  }),
);
const readingSchema = later(() =>
  z.object({
    source: z.string().check(z.maxLength(64)),
    meters: z.nullable(z.array(meterSchema).check(z.maxLength(32))),
    unlimited: z.boolean(),
    says: z.nullable(z.enum(["ok", "low", "exhausted"])),
    at: figure,
    tried_at: figure,
    error: z.nullable(z.string().check(z.maxLength(300))),
    unsupported: z.boolean(),
    samples: z.catch(z.record(z.string(), z.array(z.tuple([figure, figure])).check(z.maxLength(200))), {}),
  }),
);
const relaySchema = later(() => z.object({ kind: z.string(), at: figure }));
/** A clock that was set back since: the record cannot be dated. */
const CLOCK_SLACK_MS = 60_000;

/** In one order of the keys always: what nobody changed is the same text. */
export function writeReading(reading: Reading): z.infer<typeof readingSchema> {
  const { at, balance, error, isUnsupported, samples, source, triedAt } = reading;
  return {
    source,
    meters: balance?.meters.map(writeMeter) ?? null,
    unlimited: balance?.isUnlimited ?? false,
    says: balance?.says ?? null,
    at,
    tried_at: triedAt,
    error,
    unsupported: isUnsupported,
    samples: Object.fromEntries(
      Object.entries(samples).map(([name, list]) => [name, list.map(([time, left]) => [time, left])]),
    ),
  };
}

function writeMeter(meter: Meter): z.infer<typeof meterSchema> {
  const { isRate, left, limit, name, resetsAt, unit, used } = meter;
  const saved = { name, left, used, limit, unit, resets_at: resetsAt };
  return isRate === true ? { ...saved, rate: isRate } : saved;
}

/** Null for anything that is not believable. `now`: wall clock, ms. */
export function readReading(saved: unknown, now: number): Reading | null {
  const parsed = readingSchema.safeParse(saved).data;
  if (parsed === undefined || parsed.at > now + CLOCK_SLACK_MS || parsed.tried_at > now + CLOCK_SLACK_MS) {
    return null;
  }
  const { at, error, meters, samples, says, source, tried_at: triedAt, unlimited, unsupported } = parsed;
  const balance =
    meters === null
      ? null
      : {
          isUnlimited: unlimited,
          says,
          meters: meters.map(({ rate, resets_at: resetsAt, ...meter }) => ({
            ...meter,
            resetsAt,
            ...(rate === true ? { isRate: rate } : {}),
          })),
        };
  return { source, balance, at, triedAt, error, isUnsupported: unsupported, samples };
}

/** What a relay was recognised as; null for anything else. */
export function readRelay(saved: unknown): VendorName | null {
  const kind = relaySchema.safeParse(saved).data?.kind;
  return kind !== undefined && isVendorName(kind) ? kind : null;
}
