// From how a person says a moment in the future to that moment.
// Pure.
import { EXIT, UserError } from "../../../base/errors.ts";
import { t } from "../../language.ts";

export interface Clock {
  /** Wall clock, ms. */
  readonly now: number;
  /** IANA name: "Europe/Berlin". */
  readonly timeZone: string;
}

/**
 * "tomorrow", "18:00", "90m", "2h", "3d", "2026-12-01", "2026-12-01T09:00", with or without an offset, as ISO 8601 with
 * offset. A day begins at its midnight, here. Throws UserError for anything else and for the past.
 */
export function parseUntil(text: string, clock: Clock): string {
  const now = Temporal.Instant.fromEpochMilliseconds(clock.now).toZonedDateTimeISO(clock.timeZone);
  const until = readMoment(text.trim(), now);
  if (until === null) {
    throw new UserError(t`--until does not understand "${text}"`, {
      hint: t`tomorrow, 18:00, 90m, 2h, 3d, 2026-12-01 or 2026-12-01T09:00`,
      exitCode: EXIT.usage,
    });
  }
  if (Temporal.ZonedDateTime.compare(until, now) <= 0) {
    throw new UserError(t`--until ${text} is in the past`, { exitCode: EXIT.usage });
  }
  return until.toString({ timeZoneName: "never", smallestUnit: "second" });
}

const UNITS = { m: "minutes", h: "hours", d: "days", w: "weeks" } as const;

function readMoment(text: string, now: Temporal.ZonedDateTime): Temporal.ZonedDateTime | null {
  if (text === "tomorrow") return now.add({ days: 1 }).startOfDay();
  const [, amount = "", unit] = /^(\d{1,4})([mhdw])$/.exec(text) ?? [];
  if (unit === "m" || unit === "h" || unit === "d" || unit === "w")
    return now.add({ [UNITS[unit]]: Number(amount) });
  try {
    if (/^\d{1,2}:\d{2}$/.test(text)) {
      const today = now.withPlainTime(Temporal.PlainTime.from(text.padStart(5, "0")));
      return Temporal.ZonedDateTime.compare(today, now) > 0 ? today : today.add({ days: 1 });
    }
    if (/^\d{4}-\d{2}-\d{2}$/.test(text))
      return Temporal.PlainDate.from(text).toZonedDateTime(now.timeZoneId);
    if (/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?$/.test(text)) {
      return Temporal.PlainDateTime.from(text).toZonedDateTime(now.timeZoneId);
    }
    return Temporal.Instant.from(text).toZonedDateTimeISO(now.timeZoneId);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
