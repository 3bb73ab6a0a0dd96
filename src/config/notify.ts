// What config.json says of notifications: of which events, when none is shown, and which way they take.
// Pure.
import * as z from "zod/mini";
import type { RouterEvent } from "../routing/types.ts";
import { described, maybe } from "./schema-words.ts";

export const EVENT_KINDS = [
  "hop",
  "exhausted",
  "recovered",
  "waiting",
  "queue",
  "limit-learned",
  "all-down",
  "budget",
  "model-mismatch",
  "cost-alarm",
] as const satisfies readonly (RouterEvent["kind"] | "budget" | "model-mismatch" | "cost-alarm")[];

export type EventKind = (typeof EVENT_KINDS)[number];

/** Those that a person waits for, or has to do something about. */
const USUAL: readonly EventKind[] = ["hop", "exhausted", "recovered", "all-down", "budget", "cost-alarm"];

/** Two times of day, "22:00-08:00". */
const QUIET = /^\s*([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)\s*$/;

export type Via = "desktop" | "bell" | { readonly url: string };

/** Minutes since local midnight; over midnight where `from` is the later one. */
interface Quiet {
  readonly from: number;
  readonly to: number;
}

export interface NotifySettings {
  readonly on: readonly EventKind[];
  readonly quiet: Quiet | null;
  readonly via: Via;
}

const dollars = (about: string) => maybe(z.number().check(z.positive()), about);

/** US dollars, by `prices.json` and the list of prices. */
export const makeAlarm = () =>
  z.looseObject({
    turn_usd: dollars("What one turn may cost."),
    hour_usd: dollars("What all turns of an hour may cost."),
    cache_break_usd: dollars("What it may cost that a turn reads again what was in the prompt cache."),
  });
export type AlarmEntry = z.infer<ReturnType<typeof makeAlarm>>;

export const makeNotify = () =>
  z.looseObject({
    on: maybe(z.array(z.enum(EVENT_KINDS)), `Of which events. Default: ${USUAL.join(", ")}.`),
    quiet: maybe(
      z.string().check(z.refine((text) => readQuiet(text) !== null)),
      'Local times between which none is shown, such as "22:00-08:00": what happens then is told once they are over.',
    ),
    via: maybe(
      z.union([
        z.enum(["desktop", "bell"]),
        z.looseObject({
          url: described(z.string().check(z.refine(isNoticeUrl)), "Gets a POST of JSON for each."),
        }),
      ]),
      'desktop (default), bell (of the terminal that the proxy runs in), or { "url": "https://..." }, which gets a POST of JSON.',
    ),
  });

type NotifyEntry = z.infer<ReturnType<typeof makeNotify>>;

/** Null where none is wanted. */
export function resolveNotify(entry: NotifyEntry | null | undefined): NotifySettings | null {
  if (entry == null) return null;
  return {
    on: entry.on ?? USUAL,
    quiet: entry.quiet == null ? null : readQuiet(entry.quiet),
    via: entry.via ?? "desktop",
  };
}

/** By the local clock, whatever a change of it skips or repeats. `now`: wall clock, ms. */
export function isQuiet({ from, to }: Quiet, now: number): boolean {
  const date = new Date(now);
  const minute = date.getHours() * 60 + date.getMinutes();
  return from < to ? from <= minute && minute < to : from <= minute || minute < to;
}

function readQuiet(text: string): Quiet | null {
  const [, ...parts] = QUIET.exec(text) ?? [];
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = parts.map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  // A whole day, or none of it: nobody can tell.
  return parts.length === 0 || from === to || to > DAY_MINUTES ? null : { from, to };
}

const DAY_MINUTES = 24 * 60;

/** Its path and parameters may be secret, as those of a webhook are; a name and password would be sent by nobody. */
function isNoticeUrl(text: string): boolean {
  const url = /\s/.test(text) ? null : URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
}
