// What is left on an upstream, in words and bars for a person.
// Pure.
import { showAmount, showRest } from "../quota/amounts.ts";
import { type QuotaRow, describeWindow } from "../quota/sources.ts";
import { type Text, t as text, showMoment, showSpan } from "../base/text.ts";
import { t, tell } from "./language.ts";
import type { Colour, ColouredText } from "./output.ts";

const STATES: Readonly<Record<string, { readonly words: Text; readonly colour: Colour }>> = {
  ok: { words: text`ok`, colour: "green" },
  unlimited: { words: text`no limit`, colour: "green" },
  no_key_limit: { words: text`no limit on this key; credit not told`, colour: "dim" },
  low: { words: text`low`, colour: "yellow" },
  exhausted: { words: text`exhausted`, colour: "red" },
  unknown: { words: text`unknown`, colour: "dim" },
  stale: { words: text`out of date`, colour: "dim" },
  error: { words: text`lookup failed`, colour: "yellow" },
};
/** Windows that have a word of their own. */
const WINDOWS: Readonly<Record<string, Text>> = {
  balance: text`balance`,
  key: text`key`,
  quota: text`quota`,
  day: text`day`,
  week: text`week`,
  month: text`month`,
  requests: text`requests`,
  tokens: text`tokens`,
};
/** Sources that are no provider of the user's. */
const SOURCES: Readonly<Record<string, Text>> = { budget: text`your budget`, headers: text`headers` };
const BAR_CELLS = 6;

/** States of other versions are shown as they are. */
export function describeQuotaState(state: string): ColouredText {
  const { colour, words } = STATES[state] ?? { words: state, colour: "dim" as const };
  return { words: tell(words), colour };
}

/** How full it is, in six cells; nothing where no limit is known. */
export function makeBar({ left, limit, used }: QuotaRow): string {
  const whole = limit ?? (left !== null && used !== null ? left + used : null);
  if (left === null || whole === null || whole <= 0) return "";
  const share = Math.min(1, left / whole);
  // Neither full nor empty until it is.
  const cells = share >= 1 ? BAR_CELLS : Math.min(BAR_CELLS - 1, Math.ceil(share * BAR_CELLS));
  return "█".repeat(cells) + "░".repeat(BAR_CELLS - cells);
}

/** "packycode, month". */
export function showSource(row: QuotaRow): string {
  const name = tell(SOURCES[row.source] ?? row.source);
  return row.window === null ? name : `${name}, ${showWindow(row)}`;
}

/** "month", "5 h", "7 d opus"; "" where none is known. */
export function showWindow({ window }: QuotaRow): string {
  return tell(WINDOWS[window ?? ""] ?? describeWindow(window ?? ""));
}

/** The time in one unit: "6 h", "2 min". A moment that has passed is none. */
export function showRough(ms: number | null): string {
  if (ms === null || ms < 0) return "";
  const units = [86_400_000, 3_600_000, 60_000];
  const unit = units.find((one) => ms >= one) ?? 1_000;
  return tell(showSpan(Math.round(ms / unit) * unit));
}

/** "runs out between 16:40 and 18:10"; null where nothing says so. `now`: wall clock, ms. */
export function describeEnd(
  { runs_out_at_ms: from, runs_out_by_ms: to }: QuotaRow,
  now: number,
): string | null {
  if (from === null) return null;
  const [first, last] = [tell(showMoment(from, now)), tell(showMoment(to ?? from, now))];
  return first === last ? t`runs out around ${first}` : t`runs out between ${first} and ${last}`;
}

/** How much is left and until when, as cells of a line of `ch status`: of each what fits, the longest first. */
export function listQuotaCells({ quota }: { readonly quota: readonly QuotaRow[] }, now: number): string[][] {
  const row = findTightest(quota);
  const free = quota.find(({ state }) => state === "unlimited" || state === "no_key_limit");
  if (row === undefined)
    return [free === undefined ? ["", "", ""] : [tellFree(free), t`no limit`, ""], [""], [""]];
  const { resets_at_ms: resetsAt } = row;
  const bar = makeBar(row);
  const left = describeLeft(row);
  const forms = [`${left} (${showWindow(row)})`, left, ""].map((words) => `${bar}  ${words}`.trim());
  const resets = resetsAt === null ? "" : t`resets ${showMoment(resetsAt, now)}`;
  const end = describeEnd(row, now) ?? "";
  const soonest = row.runs_out_at_ms === null ? "" : t`runs out from ${showMoment(row.runs_out_at_ms, now)}`;
  const isOneTime = (row.runs_out_by_ms ?? row.runs_out_at_ms) === row.runs_out_at_ms;
  return [forms, [resets], isOneTime ? [end] : [end, soonest]];
}

/** The one that ends first says most. */
function findTightest(quota: readonly QuotaRow[]): QuotaRow | undefined {
  const rows = quota.filter((row) => row.left !== null && !isRate(row) && row.state !== "stale");
  return rows.toSorted((one, other) => shareLeft(one) - shareLeft(other))[0];
}

/** "████░░  $7.70": as few columns as that takes; "" where nothing is known. */
export function showTightest({ quota }: { readonly quota: readonly QuotaRow[] }): string {
  const row = findTightest(quota);
  if (row === undefined) return "";
  const { left, unit } = row;
  return `${makeBar(row)}  ${unit === "%" ? describeLeft(row) : showRest(left ?? 0, null, unit ?? "")}`.trim();
}

function tellFree({ source, state }: QuotaRow): string {
  return state === "unlimited"
    ? t`no limit (${source})`
    : t`no limit on this key; credit not told (${source})`;
}

function shareLeft({ left, limit, unit, used }: QuotaRow): number {
  if (unit === "%") return 1 - (used ?? 0) / 100;
  const whole = limit ?? (left ?? 0) + (used ?? 0);
  return whole > 0 ? (left ?? 0) / whole : 1;
}

/** A speed limit that is full again says nothing any more. */
export function isWorthShowing(row: QuotaRow): boolean {
  return row.left !== null || !isRate(row);
}

/** By the names of the headers that tell them. */
function isRate({ source, window }: QuotaRow): boolean {
  return source === "headers" && /requests|tokens/.test(window ?? "");
}

/** "$7.70 of $20.00 left", "93% used": money to the cent, percents whole, anything else as it is. */
export function describeLeft({ left, limit, unit, used }: QuotaRow): string {
  if (unit === "%") return t`${Math.round(used ?? 0)}% used`;
  const rest = showRest(left ?? 0, limit, unit ?? "");
  return limit === null ? t`${rest} left` : t`${rest} of ${showAmount(limit, unit ?? "")} left`;
}
