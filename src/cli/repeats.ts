// The lines of a running log: a day begins with its date, and what happens again is counted instead of repeated, in place
// where the last line can be written over, else on a line a minute. However much goes wrong, troubles take a line a minute.
// Pure, but for what it is given to write with.
import { showDay } from "../base/text.ts";
import { t, tell } from "./language.ts";
import { cutMiddle } from "./layout.ts";
import type { Data } from "./output.ts";
import { showClock } from "./request-line.ts";

export interface PageOptions {
  readonly paint: Data["paint"];
  /** Columns, as they are now. */
  readonly width: () => number;
  /** Writes one line. */
  readonly print: (line: string) => void;
  /** Writes over the last line; null where that cannot be done. */
  readonly replace: ((line: string) => void) | null;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** Under the label, behind the time. */
export const INDENT = " ".repeat("00:00:00  ".length);
const MINUTE = 60_000;

type Page = ReturnType<typeof createPage>;

export function createPage({ now, paint, print, replace }: PageOptions) {
  const since = now();
  /** The local day of the last line, wall clock in ms; its end is the next one's start. The first local time of a process takes 6 ms. */
  let day: ReturnType<typeof dayOf> | null = null;
  /** Whose the last line is. */
  let owner: object | null = null;
  return {
    isLast: (whose: object) => owner === whose,
    canReplace: replace !== null,
    /** `at`: of what it tells, wall clock in ms. */
    write(line: string, at: number, whose: object | null = null): void {
      day ??= dayOf(since);
      if (at < day.start || at >= day.end) {
        day = dayOf(at);
        print(paint("dim", `-- ${tell(showDay(at))} --`));
      }
      print(line);
      owner = whose;
    },
    replace: (line: string): void => replace?.(line),
    interrupt(): void {
      owner = null;
    },
  };
}

function dayOf(at: number): { readonly start: number; readonly end: number } {
  const date = new Date(at);
  const start = date.setHours(0, 0, 0, 0);
  return { start, end: date.setDate(date.getDate() + 1) };
}

export interface Said {
  /** The whole line; asked for only where it is shown. */
  readonly line: () => string;
  /** The same in few words, without its time. */
  readonly short: string;
  /** In fewer, beside others. */
  readonly brief?: string;
  /** A request that got no good answer. */
  readonly isFailure?: boolean;
  /** Good news waits for nothing. */
  readonly isGood?: boolean;
}

interface Kind extends Said {
  readonly since: number;
  readonly lastAt: number;
  readonly count: number;
  /** Of these, how many no line has told. */
  readonly untold: number;
  readonly hasLine: boolean;
}

/** So many lines may come at once; then one comes free in this time. Ten minutes of whatever are a dozen lines. */
const BURST = 3;
const REFILL_MS = 75_000;
/** What was not seen for so long is new. */
const FORGET_MS = 5 * MINUTE;
const MOST_KINDS = 100;
const SHORTEST_WAIT_MS = 1_000;

export interface RepeatsOptions extends Pick<PageOptions, "now" | "width"> {
  readonly page: Page;
  /** Does the work once, later, and returns how to prevent that. */
  readonly later: (work: () => void, ms: number) => () => void;
}

export function createRepeats({ later, now, page, width }: RepeatsOptions) {
  const kinds = new Map<string, Kind>();
  /** What the last lines tell, as long as none of others is behind them. */
  const run = { keys: new Set<string>(), hasCounter: false };
  let budget = BURST;
  let filledAt = now();
  let writtenAt = Number.NEGATIVE_INFINITY;
  let cancel: (() => void) | null = null;

  const mayWrite = (at: number): boolean => {
    budget = Math.min(BURST, budget + Math.max(0, at - filledAt) / REFILL_MS);
    filledAt = at;
    return budget >= 1;
  };
  const write = (line: string, at: number, keys: Iterable<string>): void => {
    budget -= 1;
    writtenAt = at;
    page.write(line, at, run);
    run.keys = new Set(keys);
    for (const key of run.keys) noteTold(key);
  };
  const noteTold = (key: string): void => {
    const kind = kinds.get(key);
    if (kind !== undefined) kinds.set(key, { ...kind, untold: 0, hasLine: true });
  };
  const writeLine = (key: string, { line }: Said, at: number): void => {
    write(line(), at, [key]);
    run.hasCounter = false;
  };

  /** "same, 12 times since 04:32"; by name where it is not right under the line that says it. */
  const describeCount = (keys: readonly string[], isUnder: boolean): string => {
    const counted = keys.flatMap((key) => kinds.get(key) ?? []);
    const since = showClock(Math.min(...counted.map((kind) => kind.since))).slice(0, "00:00".length);
    const count = counted.reduce((sum, kind) => sum + kind.count, 0);
    const [only] = counted;
    if (isUnder && counted.length === 1) return t`same, ${count} times since ${since}`;
    const room = width() - INDENT.length;
    if (only !== undefined && counted.length === 1) {
      const end = t`, ${count} times since ${since}`;
      return cutMiddle(only.short, room - Bun.stringWidth(end)) + end;
    }
    const names = counted
      .toSorted((one, other) => other.count - one.count)
      .map((kind) => `${kind.brief ?? kind.short} ×${kind.count}`);
    const head = t`${count} times since ${since}: `;
    for (let shown = names.length; ; shown -= 1) {
      const rest = names.length - shown;
      const list = names.slice(0, shown).join("; ") + (rest === 0 ? "" : t`; ${rest} more`);
      if (shown <= 1 || Bun.stringWidth(head + list) <= room)
        return head + cutMiddle(list, room - Bun.stringWidth(head));
    }
  };

  const writePending = (at: number, due: readonly (readonly [string, Kind])[]): void => {
    // One that no line has told yet gets its own; the others wait for the next minute.
    const fresh = due.findLast(([, { hasLine }]) => !hasLine);
    if (fresh !== undefined) return writeLine(...fresh, at);
    const keys = due.map(([key]) => key);
    const isUnder =
      page.isLast(run) && keys.length === 1 && run.keys.size === 1 && run.keys.has(keys[0] ?? "");
    write(INDENT + describeCount(keys, isUnder), at, keys);
    run.hasCounter = true;
  };
  const pending = () => [...kinds].filter(([, { untold }]) => untold > 0);
  const plan = (): void => {
    if (cancel !== null || pending().length === 0) return;
    const wait = Math.max(SHORTEST_WAIT_MS, writtenAt + MINUTE - now(), Math.ceil((1 - budget) * REFILL_MS));
    cancel = later(() => {
      cancel = null;
      const at = now();
      const due = pending();
      if (due.length > 0 && mayWrite(at)) writePending(at, due);
      plan();
    }, wait);
  };
  /** False where the last line is another's, or stays as it is. */
  const countInPlace = (key: string, at: number): boolean => {
    if (!page.canReplace || !page.isLast(run)) return false;
    if (!run.hasCounter && !mayWrite(at)) return false;
    const keys = [...run.keys, key];
    const line = INDENT + describeCount([...new Set(keys)], true);
    if (run.hasCounter) page.replace(line);
    else write(line, at, keys);
    run.hasCounter = true;
    run.keys.add(key);
    for (const one of run.keys) noteTold(one);
    return true;
  };

  return {
    say(key: string, said: Said): void {
      const at = now();
      const known = kinds.get(key);
      const isNew = known === undefined || at - known.lastAt > FORGET_MS;
      const { count, hasLine, since, untold } = isNew
        ? { count: 0, hasLine: false, since: at, untold: 0 }
        : known;
      // The newest come last.
      kinds.delete(key);
      kinds.set(key, { ...said, since, lastAt: at, count: count + 1, untold: untold + 1, hasLine });
      if (kinds.size > MOST_KINDS) kinds.delete([...kinds.keys()][0] ?? "");
      const mayTell = mayWrite(at) || (said.isGood === true && budget >= 0);
      if (!hasLine && mayTell) writeLine(key, said, at);
      else if (!countInPlace(key, at)) plan();
    },
    /** A request is answered again: how often that failed is told now. */
    flushFailures(): void {
      const at = now();
      const isDue = ({ isFailure = false, untold }: Kind): boolean => isFailure && untold > 0;
      if (!kinds.values().some(isDue) || !mayWrite(at)) return;
      writePending(
        at,
        [...kinds].filter(([, kind]) => isDue(kind)),
      );
    },
    close(): void {
      cancel?.();
      cancel = null;
      const due = pending();
      const [first] = due;
      if (first === undefined) return;
      const keys = due.map(([key]) => key);
      if (due.length === 1 && !first[1].hasLine) writeLine(...first, now());
      else write(INDENT + describeCount(keys, false), now(), keys);
    },
  };
}
