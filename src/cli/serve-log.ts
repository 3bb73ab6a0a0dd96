// What `serve` and `run` make of the requests that end: lines for a person, JSON lines for a program, or nothing but the sums that
// the end tells. All of it after the answer: a request that ends is put into a list, and that is all its own work.
import { inEnglish, type Text } from "../base/text.ts";
import type { ToldEvent } from "../app/serve/events.ts";
import { type RunFacts, createRunTally } from "../app/serve/run-tally.ts";
import type { Serving } from "../app/serve/serve.ts";
import { type LogEntry, makeLogLine } from "../log/entry.ts";
import type { Cost, Pricer } from "../usage/prices.ts";
import type { Cli } from "./cli.ts";
import { tell } from "./language.ts";

export const LOG_FORMATS = ["text", "json", "screen", "none"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface ServeLogOptions {
  readonly format: LogFormat;
  readonly hasServices: boolean;
  /** A screen is there that shows warnings itself. Default: there is none. */
  readonly hasScreen?: () => boolean;
}

export type ServeLog = Awaited<ReturnType<typeof createServeLog>>;

/** Whoever only sums up has time. */
const SUM_UP_EVERY = 500;
/** Files that are changed while nothing is asked are looked at so often. */
const LOOK_EVERY_MS = 2_000;
/** So long a line's cost is by the prices that the line before was told by: to look for newer ones costs more than the line. */
const SAME_PRICES_MS = 250;

export async function createServeLog(
  cli: Cli,
  { format, hasScreen = () => false, hasServices }: ServeLogOptions,
) {
  const { now, out } = cli;
  const tally = createRunTally();
  let queue: LogEntry[] = [];
  let isDue = false;
  let draining: Promise<void> | null = null;
  let prices: { readonly costOf: Pricer["costOf"] | null; readonly at: number } | null = null;
  let serving: Serving | null = null;
  let looking: Timer | undefined;
  const isQuiet = format === "none";
  const isLive = format === "text" && !out.surface.leadsNowhere;
  let drainOutput = (): Promise<void> => Promise.resolve();
  const live = isLive ? await openLiveLog(cli, hasServices, () => serving?.openAnswers() !== 0) : null;

  const writeJson = (line: object): void => out.line(JSON.stringify(line));
  const take = (entry: LogEntry, cost: Cost | null): void => {
    tally.add(entry, cost);
    live?.request(entry, cost);
    for (const [label, words] of serving?.fixesOf(entry) ?? []) live?.fix(label, tell(words));
    if (format === "json") out.line(makeJsonLine(entry, cost));
  };
  const takeAll = (costOf: Pricer["costOf"] | null): void => {
    while (queue.length > 0) {
      const due = queue;
      queue = [];
      for (const entry of due) take(entry, costOf?.(entry) ?? null);
    }
  };
  const drain = async (): Promise<void> => {
    const costOf = (await serving?.costOf().catch(() => null)) ?? null;
    prices = { costOf, at: now() };
    takeAll(costOf);
    draining = null;
  };
  const drainNow = (): void => {
    isDue = false;
    if (draining !== null) return;
    if (prices !== null && Math.abs(now() - prices.at) < SAME_PRICES_MS) takeAll(prices.costOf);
    else draining = drain();
  };
  const drainSoon = (): void => {
    if (serving === null || isDue || draining !== null) return;
    if (!isLive && format !== "json") {
      if (queue.length >= SUM_UP_EVERY) draining = drain();
      return;
    }
    isDue = true;
    // Beside the answers that are being given, not between them.
    setImmediate(drainNow);
  };

  return {
    onRequest: (entry: LogEntry): void => {
      queue.push(entry);
      drainSoon();
    },
    onEvent: (event: ToldEvent): void => {
      live?.event(event);
      if (format === "json") writeJson(event.json);
    },
    onNotice: (words: Text): void => {
      live?.notice(tell(words));
      if (format === "json") writeJson({ event: "reloaded", timestamp_ms: now(), text: inEnglish(words) });
    },
    /** Also where nothing else is logged. */
    onTrouble: (words: Text | string): void => {
      if (!hasScreen()) out.warn(tell(words));
      live?.interrupt();
      if (format === "json") writeJson({ event: "warning", timestamp_ms: now(), text: inEnglish(words) });
    },
    /** Requests are served: what they cost can be looked up. */
    attach: (started: Serving): void => {
      serving = started;
      if (!isQuiet) drainOutput = cli.writeBehind();
      drainSoon();
      if (!isQuiet) looking = setInterval(() => started.lookAtFiles(), LOOK_EVERY_MS).unref();
    },
    /** Nothing comes any more: what the run came to. */
    async close(): Promise<RunFacts> {
      clearInterval(looking);
      await draining;
      await drain();
      live?.close();
      const facts = tally.finish();
      if (format === "json") writeJson({ event: "stopped", timestamp_ms: now(), ...facts });
      return facts;
    },
    /** Resolves when everything is written, also what others said; soon where nobody reads it. */
    drain: () => drainOutput(),
  };
}

async function openLiveLog({ now, out }: Cli, hasServices: boolean, isBusy: () => boolean) {
  const { createLiveLog } = await import("./live-log.ts");
  return createLiveLog({
    ...out.surface,
    hasServices,
    isBusy,
    now,
    later(work, ms) {
      const timer = setTimeout(work, ms).unref();
      return () => clearTimeout(timer);
    },
  });
}

/** The line of requests.jsonl, and what it cost. */
function makeJsonLine(entry: LogEntry, cost: Cost | null): string {
  const usd = cost?.kind === "priced" ? cost.usd : null;
  const line = makeLogLine(entry).trimEnd();
  return `{"event":"request",${line.slice(1, -1)},"cost_usd":${usd}}`;
}
