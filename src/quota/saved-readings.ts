// Readings and recognised relays in state.json, so that several processes poll once and a restart polls nothing. Never delays
// a request; where the file cannot be written, they stay in memory. An entry that cannot be read is dropped alone: losing it
// costs one lookup.
import * as z from "zod/mini";
import { errorMessage } from "../base/errors.ts";
import { type Text, inEnglish, isText, t } from "../base/text.ts";
import { later } from "../base/later.ts";
import { type StatePaths, createSavedSections } from "../state/state-file.ts";
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
    uncapped: z.optional(z.literal(true)),
    says: z.nullable(z.enum(["ok", "low", "exhausted"])),
    at: figure,
    tried_at: figure,
    error: z.nullable(z.string().check(z.maxLength(300))),
    /** The same as data; older versions have none. */
    error_text: z.optional(z.custom<Text>(isText)),
    unsupported: z.boolean(),
    samples: z.catch(z.record(z.string(), z.array(z.tuple([figure, figure])).check(z.maxLength(200))), {}),
  }),
);
const relaySchema = later(() => z.object({ kind: z.string(), at: figure }));
/** Kept so long after the last lookup: its key is no longer configured. */
const MAX_AGE_MS = 40 * 86_400_000;
/** A record from later than this in the future is invalid: the clock was set back since. */
const CLOCK_SLACK_MS = 60_000;

export type SavedReadings = ReturnType<typeof createSavedReadings>;

export interface SavedReadingsOptions {
  readonly paths: StatePaths;
  readonly onTrouble: (words: Text | string) => void;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export function createSavedReadings({ now, onTrouble, paths }: SavedReadingsOptions) {
  const readings = new Map<string, Reading>();
  /** By host and port. */
  const relays = new Map<string, VendorName>();
  const makeRelay = (kind: VendorName, known: unknown): unknown =>
    readRelay(known) === kind ? known : { kind, at: now() };
  const sections = createSavedSections({
    paths,
    sections: ["quota", "relays"],
    make: (last) => ({
      quota: Object.fromEntries(
        [...readings]
          .filter(([, { triedAt }]) => triedAt > now() - MAX_AGE_MS)
          .map(([key, reading]) => [key, writeReading(reading)]),
      ),
      relays: Object.fromEntries(
        [...relays].map(([host, kind]) => [host, makeRelay(kind, last["relays"]?.[host])]),
      ),
    }),
    saveAfterMs: 10_000,
    onTrouble(error) {
      const problem = errorMessage(error);
      onTrouble(t`quota readings cannot be saved: ${problem}`);
    },
  });
  /** Reads what other processes have found out since. */
  const sync = (): void => {
    const { quota = {}, relays: savedRelays = {} } = sections.load();
    for (const [key, value] of Object.entries(quota)) {
      const reading = readReading(value, now());
      if (reading !== null && reading.triedAt > (readings.get(key)?.triedAt ?? -1))
        readings.set(key, reading);
    }
    for (const [host, value] of Object.entries(savedRelays)) {
      const kind = readRelay(value);
      if (kind !== null && !relays.has(host)) relays.set(host, kind);
    }
  };
  sync();
  const { flush, noteChange } = sections;
  return { readings, relays, sync, noteChange, flush };
}

/** Always in one order of keys: what is unchanged is the same text. */
export function writeReading(reading: Reading): z.infer<typeof readingSchema> {
  const { at, balance, error, isUnsupported, samples, source, triedAt } = reading;
  return {
    source,
    meters: balance?.meters.map(writeMeter) ?? null,
    unlimited: balance?.isUnlimited ?? false,
    ...(balance?.isUncapped === true ? { uncapped: balance.isUncapped } : {}),
    says: balance?.says ?? null,
    at,
    tried_at: triedAt,
    error: error === null ? null : inEnglish(error).slice(0, 300),
    ...(isText(error) ? { error_text: error } : {}),
    unsupported: isUnsupported,
    samples: Object.fromEntries(
      Object.entries(samples).map(([name, list]) => [name, list.map(([time, left]) => [time, left])]),
    ),
  };
}

function writeMeter(meter: Meter): z.infer<typeof meterSchema> {
  const { isAside, left, limit, name, resetsAt, unit, used } = meter;
  const saved = { name, left, used, limit, unit, resets_at: resetsAt };
  return isAside === true ? { ...saved, rate: isAside } : saved;
}

/** Null for anything invalid. `now`: wall clock, ms. */
export function readReading(saved: unknown, now: number): Reading | null {
  const parsed = readingSchema.safeParse(saved).data;
  if (parsed === undefined || parsed.at > now + CLOCK_SLACK_MS || parsed.tried_at > now + CLOCK_SLACK_MS) {
    return null;
  }
  const { at, meters, samples, says, source, tried_at: triedAt, uncapped, unlimited, unsupported } = parsed;
  const error = parsed.error_text ?? parsed.error;
  const balance =
    meters === null
      ? null
      : {
          isUnlimited: unlimited,
          ...(uncapped === true ? { isUncapped: uncapped } : {}),
          says,
          meters: meters.map(({ rate, resets_at: resetsAt, ...meter }) => ({
            ...meter,
            resetsAt,
            ...(rate === true ? { isAside: rate } : {}),
          })),
        };
  return { source, balance, at, triedAt, error, isUnsupported: unsupported, samples };
}

/** What a relay was recognised as; null for anything invalid. */
export function readRelay(saved: unknown): VendorName | null {
  const kind = relaySchema.safeParse(saved).data?.kind;
  return kind !== undefined && isVendorName(kind) ? kind : null;
}
