// Room in the budgets for one answer after the other: what it is expected to use is held from before its attempt until its line
// is in the log, in the sight of all processes at this home. First held, then looked: of two that take the last room at once,
// at least one sees the other.
import { UserError, errorText } from "../../base/errors.ts";
import { type Text, t } from "../../base/text.ts";
import { type Upstream, modelAt } from "../../base/upstream.ts";
import type { Paths } from "../../base/paths.ts";
import type { Budget } from "../../config/budgets.ts";
import type { LogEntry } from "../../log/entry.ts";
import type { LogRecord } from "../../log/record.ts";
import type { BudgetQuestion, NoRoom, Room } from "../../proxy/deps.ts";
import { covers } from "../../quota/budget.ts";
import { type Expected, createExpectedUse, sumOf } from "../../quota/expected-use.ts";
import { type BilledTokens, isCacheApart, readBilledTokens } from "../../usage/price-rates.ts";
import { type BudgetPlace, NO_USE, type Used, addUse } from "../../usage/recent-use.ts";
import type { SpendBook } from "../spend/spend-book.ts";
import { type Holding, type PlacedUse, createSharedUses } from "./shared-uses.ts";

interface RoomsOptions {
  readonly paths: Pick<Paths, "run">;
  readonly book: SpendBook;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly onTrouble: (words: Text | string) => void;
}

/** Why there is no room: for now, while answers in flight may need it, or until the budget has some again. */
export type Block = NoRoom;

interface Placed {
  readonly place: BudgetPlace;
  /** Of the place. */
  readonly key: string;
}

interface Answer extends Placed {
  readonly upstream: Upstream;
  readonly ask: BudgetQuestion;
  readonly use: Used;
  readonly estimate: NonNullable<LogEntry["estimate"]>;
}

/** What an answer is taken to have written where nobody said, and none of its model is known. */
const GUESSED_OUTPUT = 2_000;
/** So long an answer waits for the end of others that may need the room. */
const MOST_WAIT_MS = 10_000;
const LOOK_AGAIN_MS = 100;
const MOST_SEEN = 1_000;
/** Several answers are shown at once where that is a hundredth of what is left at most; fewer than the least are not worth it. */
const LEASED = { share: 100, least: 16, most: 64 };

const NO_PRICE = {};

/** What the budgets that an answer concerns say. */
export interface Limits {
  /** Why there is no room; null where there is. `own`: what is held for this answer itself. */
  readonly findBlock: (own: Used) => Block | null;
  /** How often so much is left in the tightest of them. */
  readonly spare: (use: Used) => number;
}

export function createRooms({ book, now, onTrouble, paths }: RoomsOptions) {
  const shared = createSharedUses(paths, now);
  const expected = createExpectedUse();
  const own = new Map<string, PlacedUse>();
  /** Waiting for room. */
  const waiting = new Set<() => void>();
  /** Lines of others that are looked for no more. */
  const seen = new Set<string>();
  const prices = new Map<string, boolean>();
  let others: readonly Holding[] = [];
  let lost: readonly PlacedUse[] = [];
  let isTold = false;

  /** Without the file, this process alone is counted. */
  const tryShared = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!isTold) onTrouble(t`budgets are counted in this process alone: ${errorText(error)}`);
      isTold = true;
    }
  };
  const look = (): void => tryShared(() => ({ holdings: others, lost } = shared.read()));
  /** Of what the others see as held, what further answers at that place may take before more has to be seen. */
  let lease: { readonly key: string; left: Used } | null = null;
  let isIdle = true;
  const publish = (key = "", ahead: Used = NO_USE): void => {
    lease = ahead.requests === 0 ? null : { key, left: ahead };
    tryShared(() => {
      const uses = [...own].map(([at, one]) =>
        lease !== null && at === key ? { ...one, use: addUse(one.use, ahead) } : one,
      );
      shared.write({ ...book.lastLine(), uses });
    });
  };
  /** While there is a lease, what ended stays held in the sight of the others: they may not have read its line. */
  const publishEnd = (): void => {
    if (lease === null) publish();
  };
  /** First seen by the others, then looked at them. That takes time: far from every limit it is for several answers at once. */
  const show = ({ key, use }: Answer, spare: Limits["spare"]): void => {
    isIdle = false;
    const left = lease?.key === key ? lease.left : NO_USE;
    const { requests, tokens, usd } = use;
    if (lease !== null && left.requests >= requests && left.tokens >= tokens && left.usd >= usd) {
      lease.left = addUse(left, use, -1);
      return;
    }
    const many = Math.min(LEASED.most, Math.floor(spare(use) / LEASED.share));
    publish(key, many < LEASED.least ? NO_USE : addUse(NO_USE, use, many));
    look();
  };
  const add = ({ key, place, use }: Answer, sign: 1 | -1): void => {
    const sum = addUse(own.get(key)?.use ?? NO_USE, use, sign);
    if (sum.requests <= 0) own.delete(key);
    else own.set(key, { place, use: sum, at: now() });
  };
  /** A line that another process has written, and that is not counted here yet. */
  const findNews = (): string | undefined => {
    if (others.length === 0) return undefined;
    const spend = book.spend();
    return others
      .filter(({ run, seq }) => run !== "" && seq > 0 && spend?.has(run, seq) !== true)
      .map(({ run, seq }) => `${run} ${seq}`)
      .find((line) => !seen.has(line));
  };

  const priceOf = (upstream: Upstream, ask: BudgetQuestion, tokens: BilledTokens): number | null => {
    const cost = book.costOf()?.(makeRecord(upstream, ask, { tokens, at: now() }));
    return cost?.kind === "priced" ? cost.usd : null;
  };
  const expect = (upstream: Upstream, ask: BudgetQuestion, { key, place }: Placed): Answer => {
    const { isGuess, least, tokens }: Expected = expected.expect(ask);
    const usd = priceOf(upstream, ask, tokens);
    const likely = isGuess ? { ...tokens, output: GUESSED_OUTPUT } : tokens;
    const likelyUsd = isGuess ? priceOf(upstream, ask, likely) : usd;
    const sum = sumOf(tokens);
    return {
      upstream,
      ask,
      place,
      key,
      use: { usd: Math.max(usd ?? 0, least.usd ?? 0), tokens: Math.max(sum, least.tokens), requests: 1 },
      estimate: {
        ...(likelyUsd === null ? NO_PRICE : { usd: likelyUsd }),
        tokens: Math.round(isGuess ? sumOf(likely) : sum),
      },
    };
  };
  const makeRoom = (answer: Answer): Room => {
    const { ask, estimate, upstream } = answer;
    let isEnded = false;
    return {
      upstream,
      estimate,
      end(entry) {
        if (isEnded) return;
        isEnded = true;
        add(answer, -1);
        const isOurs = entry?.upstream_base_url === upstream.baseUrl;
        const tokens = isOurs ? readBilledTokens(entry) : null;
        if (tokens !== null && entry !== null) {
          const cost = book.costAt(entry);
          expected.note(ask, tokens, cost?.kind === "priced" ? cost.usd : null);
        }
        publishEnd();
        for (const wake of waiting) wake();
        waiting.clear();
      },
    };
  };
  const undo = (answer: Answer): void => {
    add(answer, -1);
    publishEnd();
  };
  const someoneEnds = (signal: AbortSignal): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    const timer = setTimeout(resolve, LOOK_AGAIN_MS);
    return promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(resolve);
    });
  };

  const reserveLater = async (answer: () => Answer, { findBlock, spare }: Limits): Promise<Room | NoRoom> => {
    try {
      await book.load();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { reason: { rule: "budget-unknown", why: errorText(error) }, endsLine: false, isForNow: false };
    }
    const { signal } = answer().ask;
    const startedAt = performance.now();
    for (;;) {
      const one = answer();
      add(one, 1);
      show(one, spare);
      for (let news = findNews(); news !== undefined; news = findNews()) {
        await book.refresh();
        // Not before: to another answer it is news until then. What is not there now, nothing will bring.
        if (seen.size > MOST_SEEN) seen.clear();
        seen.add(news);
        look();
      }
      const block = findBlock(one.use);
      if (block === null) return makeRoom(one);
      undo(one);
      if (!block.isForNow || signal.aborted || performance.now() - startedAt > MOST_WAIT_MS) return block;
      tryShared(() => shared.bury());
      await someoneEnds(signal);
    }
  };

  return {
    look,
    /** Where nothing was asked since the last call, the others see what is held and no more. */
    settle(): void {
      if (isIdle && lease !== null) publish();
      isIdle = true;
    },
    /** What answers in flight are expected to use. */
    heldOf(budget: Budget, since: number): number {
      let held = sumFor(budget, since, own.values())[budget.unit];
      for (const { uses } of others) held += sumFor(budget, since, uses)[budget.unit];
      return held;
    },
    /** What processes that were killed had in flight. */
    hasLost: () => lost.length > 0,
    lostOf: (budget: Budget, since: number): Used => sumFor(budget, since, lost),
    hasPrice(upstream: Upstream, model: string): boolean {
      const key = `${upstream.key} ${upstream.configName} ${model}`;
      const known = prices.get(key);
      if (known !== undefined) return known;
      if (prices.size > MOST_SEEN) prices.clear();
      const ask = { model, method: "POST", path: "/v1/responses", upstreamModel: modelAt(upstream, model) };
      const tokens = { fresh: 1, cached: 0, created: 0, created1h: 0, output: 1 };
      const costOf = book.costOf();
      const cost = costOf?.(makeRecord(upstream, ask, { tokens, at: now() }));
      const isPriced = cost === undefined || cost.kind === "priced";
      if (costOf !== null) prices.set(key, isPriced);
      return isPriced;
    },
    /** Prices may be others from now on. */
    forgetPrices: () => prices.clear(),
    /** Room for one answer, or why there is none. */
    reserve(
      upstream: Upstream,
      ask: BudgetQuestion,
      placed: Placed,
      limits: Limits,
    ): Room | NoRoom | Promise<Room | NoRoom> {
      if (book.spend() === null) return reserveLater(() => expect(upstream, ask, placed), limits);
      const answer = expect(upstream, ask, placed);
      add(answer, 1);
      show(answer, limits.spare);
      const block = findNews() === undefined ? limits.findBlock(answer.use) : undefined;
      if (block === null) return makeRoom(answer);
      undo(answer);
      if (block?.isForNow === false) return block;
      return reserveLater(() => expect(upstream, ask, placed), limits);
    },
    close: () => tryShared(() => shared.close()),
  };
}

function sumFor({ scope }: Budget, since: number, uses: Iterable<PlacedUse>): Used {
  let sum = NO_USE;
  for (const { at, place, use } of uses) if (at >= since && covers(scope, place)) sum = addUse(sum, use);
  return sum;
}

/** As it would be in the log. */
function makeRecord(
  { baseUrl, configName, service }: Upstream,
  { method, model, path, upstreamModel }: Pick<BudgetQuestion, "method" | "model" | "path" | "upstreamModel">,
  { at, tokens }: { readonly tokens: BilledTokens; readonly at: number },
): LogRecord {
  const { cached, created, created1h, fresh, output } = tokens;
  return {
    timestamp_ms: at,
    service,
    method,
    path,
    config_name: configName,
    upstream_base_url: baseUrl,
    model: model ?? undefined,
    upstream_model: upstreamModel === model ? undefined : (upstreamModel ?? undefined),
    usage: {
      input_tokens: isCacheApart(path) ? fresh : fresh + cached + created + created1h,
      cached_input_tokens: cached,
      cache_creation_tokens: created + created1h,
      cache_creation_1h_tokens: created1h,
      output_tokens: output,
    },
  };
}
