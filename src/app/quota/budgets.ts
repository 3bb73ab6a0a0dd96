// The user's own budgets: what was spent at each upstream this month by the log, kept up to date while requests end, in this
// process and in others. Does nothing where no upstream has a budget.
import { setTimeout } from "node:timers/promises";
import { errorText } from "../../base/errors.ts";
import { type Text, inEnglish, t } from "../../base/text.ts";
import type { Upstream } from "../../base/upstream.ts";
import { followLog } from "../../log/follow.ts";
import { type StoredEntry, readLogBackward } from "../../log/reader.ts";
import type { LogRecord } from "../../log/record.ts";
import { type BudgetLimits, createLedger } from "../../quota/ledger.ts";
import type { Reading } from "../../quota/reading.ts";
import type { Pricer } from "../../usage/prices.ts";
import type { LiveConfig, LiveConfigOptions } from "../live-config.ts";

interface BudgetsOptions extends Omit<LiveConfigOptions, "env"> {
  readonly live: LiveConfig;
  readonly onTrouble: (words: Text | string) => void;
  readonly onChange: () => void;
}

const CACHED_MS = 5_000;
const RETRY_MS = 2_000;
/** The longest month, and a request that took a day. */
const LOOK_BACK_MS = 32 * 86_400_000;

export function createBudgets({ live, now, onChange, onTrouble, paths }: BudgetsOptions) {
  const ledger = createLedger();
  /** So that a month is not summed again for each answer. */
  const readings = new Map<string, Reading>();
  /** Ids of requests that both the first reading and the following may see. */
  const newest = new Set<unknown>();
  let costOf: Pricer["costOf"] | null = null;
  let loading: Promise<void> | null = null;
  let told: string | null = null;
  const stopped = new AbortController();
  let followed: Promise<void> | null = null;

  const limitsOf = ({ configName, position, service }: Upstream): BudgetLimits | null => {
    const named = live.current().config.services[service].configs.get(configName);
    const budget = named?.entry.upstreams[position - 1]?.budget_usd;
    const limits = { day: budget?.day ?? null, month: budget?.month ?? null };
    return limits.day === null && limits.month === null ? null : limits;
  };

  const add = (record: LogRecord): void => {
    const { service, timestamp_ms: at, upstream_base_url: baseUrl } = record;
    const cost = costOf?.(record);
    if (cost === undefined || cost.kind === "unknown") return;
    ledger.add(`${String(service)} ${String(baseUrl)}`, at, cost.kind === "priced" ? cost.usd : null);
    readings.clear();
  };

  const read = async (): Promise<void> => {
    try {
      // The list of prices is large, and few have a budget.
      const { loadPricer } = await import("../prices.ts");
      ({ costOf } = await loadPricer(paths, live.current().config));
      const since = now() - LOOK_BACK_MS;
      for await (const entries of readLogBackward(paths.requestsLog)) {
        for (const { record } of entries) {
          if (newest.size < 1_000) newest.add(record.id);
          add(record);
        }
        if (stopped.signal.aborted || entries.every(({ record }) => record.timestamp_ms < since)) break;
      }
    } catch (error) {
      const problem = errorText(error);
      if (inEnglish(problem) !== told) onTrouble(t`budgets cannot be counted: ${problem}`);
      told = inEnglish(problem);
    }
  };
  /** Reads this month's log, once; again where the prices could not be read, which may just be saved. Never rejects. */
  const load = async (): Promise<void> => {
    await (loading ??= read());
    if (costOf === null) loading = null;
  };

  const followFrom = async (entries: AsyncGenerator<StoredEntry[]>): Promise<void> => {
    // Opened before the log is read, so that nothing falls between the two.
    let next = entries.next();
    await load();
    while (costOf === null && !stopped.signal.aborted) {
      await setTimeout(RETRY_MS, undefined, { signal: stopped.signal }).catch(() => {});
      await load();
    }
    onChange();
    for (let batch = await next; batch.done !== true; batch = await next) {
      for (const { record } of batch.value) if (!newest.has(record.id)) add(record);
      onChange();
      next = entries.next();
    }
  };

  return {
    has: (upstream: Upstream) => limitsOf(upstream) !== null,
    /** Null where the upstream has no budget, or the log has not been read yet. */
    readingOf(upstream: Upstream): Reading | null {
      const limits = limitsOf(upstream);
      if (limits === null || costOf === null) return null;
      const known = readings.get(upstream.key);
      if (known !== undefined && Math.abs(now() - known.at) < CACHED_MS) return known;
      const reading = ledger.read(`${upstream.service} ${upstream.baseUrl}`, limits, now());
      readings.set(upstream.key, reading);
      return reading;
    },
    load,
    /** Counts every request that ends from now on; loads first. */
    follow(): void {
      if (stopped.signal.aborted) return;
      followed ??= followFrom(followLog(paths.requestsLog, stopped.signal));
    },
    async stop(): Promise<void> {
      stopped.abort();
      await followed;
    },
  };
}
