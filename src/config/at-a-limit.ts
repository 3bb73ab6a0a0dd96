// What config.json says of limits: how many requests an account takes at once, and what is done when every upstream is at its limit:
// models that stand in for one another, and how long to wait.
// Pure.
import * as z from "zod/mini";
import { CONFIG_NAME } from "./name.ts";
import { maybe } from "./schema-words.ts";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "1h30m", as the schema has it. */
export function durationMs(text: string): number {
  let ms = 0;
  for (const [, amount, unit = ""] of text.matchAll(/(\d+)([smhd])/g))
    ms += Number(amount) * (UNIT_MS[unit] ?? 0);
  return ms;
}

/** "6h", "90m", "1d12h". */
const DURATION = /^(?:\d{1,6}[smhd]){1,4}$/;
const LONGEST_WAIT_MS = 8 * 86_400_000;
export const onAllExhausted = (about: string) =>
  maybe(
    z.looseObject({
      wait: maybe(
        z.string().check(
          z.regex(DURATION),
          z.refine((wait) => durationMs(wait) > 0 && durationMs(wait) <= LONGEST_WAIT_MS),
        ),
        'The longest wait for a reset: "6h", "90m". At most 8d. Default: none.',
      ),
    }),
    about,
  );

/** Of a config, and of whatever else may choose models. */
export const modelChains = (about: string) =>
  maybe(
    z.record(
      z.string(),
      z.array(z.string().check(z.minLength(1), z.maxLength(256))).check(z.minLength(1), z.maxLength(8)),
    ),
    about,
  );

/** "5h", "7d", "week", "7d opus": as quota readings name them. */
const PLAN_WINDOW = /^(?:\d{1,4}[mhd]|day|week|month|quota|key)(?: [a-z0-9_.-]{1,40})?$/i;

/** Of an upstream: what its account allows at once. */
export const makeAccountKeys = () => ({
  keep: () =>
    maybe(
      z.record(z.string().check(z.regex(PLAN_WINDOW)), z.number().check(z.positive(), z.maximum(99))),
      'Percent of a window of its plan that is left to you: `{ "5h": 20, "7d": 10 }`.',
    ),
  max_concurrent: () =>
    maybe(
      z.int().check(z.minimum(1), z.maximum(1000)),
      "Requests that may be open there at once. Default: what it says itself.",
    ),
  limit_group: () =>
    maybe(
      z.string().check(z.regex(CONFIG_NAME)),
      "Upstreams with the same name here share one limit: keys of one account.",
    ),
  queue_secs: () =>
    maybe(
      z.number().check(z.minimum(0), z.maximum(3600)),
      "Longest wait for a place there before the next upstream is asked. Default 10; longer where there is no other.",
    ),
});
