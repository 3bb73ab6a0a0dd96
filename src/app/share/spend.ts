// What was spent of the owner's budgets on all machines: each tells its own sums, which only grow, so that telling them twice, late or
// again after the engine lost them counts nothing twice. The sums of the others are in memory; in what order they come means nothing.
import { localDay } from "../../base/text.ts";
import type { Budget } from "../../config/budgets.ts";
import { type Count, covers, spanOf } from "../../quota/budget.ts";
import { SLICE_MS } from "../../usage/recent-use.ts";
import { type Spend, usedIn } from "../../usage/spend.ts";
import { EngineError, type Link } from "./engine.ts";
import { SCRIPTS, identify, type makeLayout } from "./layout.ts";

export interface SharedSpendOptions {
  readonly layout: ReturnType<typeof makeLayout>;
  readonly machine: string;
  readonly run: string;
  /** Null while alone. */
  readonly link: () => Link | null;
  /** The pool's; null before it was met. */
  readonly secret: () => string | null;
  /** How many machines the pool has. */
  readonly machines: () => number;
  readonly source: SpendSource;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** The others have spent something. */
  readonly onChange: () => void;
}

/** What this machine has spent. */
export interface SpendSource {
  readonly list: () => readonly Budget[];
  /** Null where that is not known yet. */
  readonly spend: () => Spend | null;
  /** Is one of them nearly spent? */
  readonly isNear: () => boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOURS_MS = 5 * HOUR_MS;
/** Of a window's sums: longer than the window in every time zone. */
const KEPT_MS = { "5h": 7 * HOUR_MS, day: 3 * DAY_MS, week: 10 * DAY_MS, month: 40 * DAY_MS } as const;
/** Far from every limit sums are told so often at most: with many machines less often, so that each hears some 200 a second. */
const PACE = { leastMs: 50, mostMs: 2_000, perMachineMs: 5 };
const CHANGE_MS = 100;
const NOTHING: ReadonlyMap<string, number> = new Map();

export function createSharedSpend(options: SharedSpendOptions) {
  const { layout, link, machine, machines, now, onChange, run, secret, source } = options;
  /** By budget and window, by machine. */
  const others = new Map<string, Map<string, number>>();
  const told = new Map<string, number>();
  const ids = new WeakMap<Budget, { readonly of: string; readonly id: string }>();
  let version = 0;
  let isFlushing = false;
  let isDue = false;
  let flushedAt = 0;
  let timer: Timer | null = null;
  let changing: Timer | null = null;
  /** What was told of last. */
  let last: { readonly spend: Spend; readonly version: number; readonly day: string } | null = null;
  let known = new WeakMap<Budget, { readonly version: number; readonly at: number; readonly used: number }>();

  const idOf = (budget: Budget): string | null => {
    const key = secret();
    if (key === null) return null;
    const before = ids.get(budget);
    if (before?.of === key) return before.id;
    const id = identify(key, `budget\n${describeScope(budget)}\n${budget.unit}\n${budget.per}`);
    ids.set(budget, { of: key, id });
    return id;
  };
  const sumOf = (id: string, window: string): number => {
    let sum = 0;
    for (const amount of others.get(`${id} ${window}`)?.values() ?? []) sum += amount;
    return sum;
  };
  /** At one moment most ask for the same. */
  const usedByOthers = (budget: Budget): number => {
    if (others.size === 0) return 0;
    const at = Math.floor(now() / 1_000);
    const before = known.get(budget);
    if (before?.version === version && before.at === at) return before.used;
    const id = idOf(budget);
    const used =
      id === null ? 0 : windowsOf(budget, now()).reduce((sum, window) => sum + sumOf(id, window), 0);
    known.set(budget, { version, at, used });
    return used;
  };
  /** False for what was known, and for what this machine has told itself. */
  const take = (id: string, window: string, whose: string, amount: number): boolean => {
    if (whose === machine || !(amount >= 0)) return false;
    const sums = others.getOrInsertComputed(`${id} ${window}`, () => new Map());
    if (amount <= (sums.get(whose) ?? 0)) return false;
    sums.set(whose, amount);
    version += 1;
    return true;
  };

  const flush = async (to: Link): Promise<void> => {
    const spend = source.spend();
    if (spend === null) return;
    const next = { spend, version: spend.version(), day: localDay(now()) };
    if (last?.spend === spend && last.version === next.version && last.day === next.day) return;
    const work: Promise<unknown>[] = [];
    for (const budget of source.list()) {
      const id = idOf(budget);
      if (id === null) continue;
      for (const [window, amount] of sumsOf(spend, budget, now())) {
        const name = `${id} ${window}`;
        if (amount <= (told.get(name) ?? 0)) continue;
        const message = JSON.stringify({ kind: "s", id, at: 0, window, machine, amount, run });
        const words = [machine, amount, KEPT_MS[budget.per], layout.channel, message];
        work.push(
          to.run(SCRIPTS.spend, [layout.spend(id, window)], words).then(() => told.set(name, amount)),
        );
      }
    }
    await Promise.all(work);
    last = next;
  };
  /** Whoever decides looks at the sums themselves. */
  const change = (): void => {
    changing ??= setTimeout(() => {
      changing = null;
      onChange();
    }, CHANGE_MS).unref();
  };
  const start = (): void => {
    timer = null;
    const to = link();
    if (to === null || isFlushing) return;
    isDue = false;
    isFlushing = true;
    flushedAt = now();
    // What fails is told again when the engine is back.
    flush(to)
      .catch(onEngineError)
      .finally(() => {
        isFlushing = false;
        if (isDue) note();
      });
  };
  /** This machine may have spent something. Returns at once. */
  const note = (): void => {
    isDue = true;
    if (isFlushing || timer !== null) return;
    const { leastMs, mostMs, perMachineMs } = PACE;
    const pace = source.isNear() ? 0 : Math.min(mostMs, Math.max(leastMs, machines() * perMachineMs));
    const waitMs = Math.min(pace, Math.max(0, flushedAt + pace - now()));
    timer = setTimeout(start, waitMs);
    timer.unref();
  };

  return {
    note,
    /** A count of this machine with what the others have spent in the same window. */
    join(budget: Budget, own: Count, limit: number): Count {
      const more = usedByOthers(budget);
      if (more === 0) return own;
      const used = own.used + more;
      const opensAt = budget.per === "5h" && used >= limit ? opensWhen(budget, limit, used) : own.opensAt;
      return { ...own, used, opensAt };
    },
    usedByOthers,
    /** What the engine has of all budgets, and then what it has not. */
    async meet(to: Link): Promise<void> {
      told.clear();
      last = null;
      known = new WeakMap();
      await Promise.all(
        source.list().flatMap((budget) => {
          const id = idOf(budget);
          return id === null
            ? []
            : windowsOf(budget, now()).map(async (window) => {
                const answer = await to.send("HGETALL", [layout.spend(id, window)]);
                if (typeof answer !== "object" || answer === null) return;
                for (const [whose, amount] of Object.entries(answer)) take(id, window, whose, Number(amount));
              });
        }),
      );
      await flush(to);
      change();
    },
    take(news: {
      readonly id: string;
      readonly window: unknown;
      readonly machine: unknown;
      readonly amount: unknown;
    }): void {
      const { amount, id, machine: whose, window } = news;
      if (typeof window !== "string" || typeof whose !== "string" || typeof amount !== "number") return;
      if (take(id, window, whose, amount)) change();
    },
    stop(): void {
      for (const one of [timer, changing]) clearTimeout(one ?? undefined);
    },
  };

  /** As of a budget of hours here: once enough of its slices are out of the window. */
  function opensWhen(budget: Budget, limit: number, used: number): number {
    const id = idOf(budget) ?? "";
    const spend = source.spend();
    const own = spend === null ? NOTHING : sumsOf(spend, budget, now());
    let left = used;
    for (const window of windowsOf(budget, now())) {
      left -= sumOf(id, window) + (own.get(window) ?? 0);
      if (left < limit) return (Number(window.slice(1)) + 1) * SLICE_MS + HOURS_MS;
    }
    return now();
  }
}

/** The same on machines whose configs say the same. */
function describeScope({ scope }: Budget): string {
  switch (scope.kind) {
    case "all":
      return "all";
    case "config":
      return `config\n${scope.service}\n${scope.configName}`;
    case "upstream":
      return `upstream\n${scope.service}\n${scope.baseUrl}`;
    case "model":
      return `model\n${scope.pattern.source}`;
    case "project":
      return `project\n${[...scope.projects].toSorted().join("\n")}`;
  }
}

/** The names of what is counted now: each machine's own day, week or month, or the slices of five hours, the oldest first. */
function windowsOf({ per }: Budget, now: number): string[] {
  if (per === "day") return [`d${localDay(now)}`];
  if (per === "week") return [`w${localDay(spanOf("week", now).start)}`];
  if (per === "month") return [`m${localDay(now).slice(0, 7)}`];
  const first = Math.floor((now - HOURS_MS) / SLICE_MS);
  return Array.from({ length: HOURS_MS / SLICE_MS + 1 }, (_, index) => `h${first + index}`);
}

/** What this machine has spent, by window. */
function sumsOf(spend: Spend, budget: Budget, now: number): ReadonlyMap<string, number> {
  const { per, scope, unit } = budget;
  const windows = windowsOf(budget, now);
  const sums = new Map<string, number>();
  const add = (window: string, amount: number): void => {
    if (amount > 0) sums.set(window, (sums.get(window) ?? 0) + amount);
  };
  if (per === "5h") {
    for (const [place, slices] of spend.recent())
      if (covers(scope, place))
        for (const [at, used] of slices) {
          const window = `h${Math.floor(at / SLICE_MS)}`;
          if (windows.includes(window)) add(window, used[unit]);
        }
    return sums;
  }
  const [first, last] = [localDay(spanOf(per, now).start), localDay(now)];
  for (const [day, row] of spend.rowsOf(""))
    if (day >= first && day <= last && covers(scope, row)) add(windows[0] ?? "", usedIn(row)[unit]);
  return sums;
}

function onEngineError(error: unknown): void {
  if (!(error instanceof EngineError)) throw error;
}
