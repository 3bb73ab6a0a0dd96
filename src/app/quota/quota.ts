// Puts quotas together: polls relays in the background, reads the headers of answers, counts own budgets, and informs the
// routers. Never delays a request. Also refreshes all balances at once, by the running proxies or in this process.
import type { Service } from "../../base/service.ts";
import type { Text } from "../../base/text.ts";
import { type Upstream, modelAt } from "../../base/upstream.ts";
import { readHeaderSignals } from "../../quota/header-signals.ts";
import type { LookupChoice } from "../../quota/lookup.ts";
import { type PollTarget, createPoller, needsWatching } from "../../quota/poller.ts";
import { createProvidersFile, writeDefaultProviders } from "../../quota/providers.ts";
import { makeReading, withBalance } from "../../quota/reading.ts";
import { createSavedReadings } from "../../quota/saved-readings.ts";
import { barOfReserves } from "../../quota/reserve.ts";
import { createQuotaSources, headersKey } from "../../quota/sources.ts";
import { recogniseHeaders } from "../../quota/vendors.ts";
import { joinBars } from "../../routing/availability.ts";
import type { Router } from "../../routing/router.ts";
import type { BarOf } from "../../routing/types.ts";
import { readInstances } from "../../state/instances.ts";
import { tellInstance } from "../ask-instance.ts";
import { type LiveConfig, type LiveConfigOptions, type LiveRoute, createLiveConfig } from "../live-config.ts";
import { createLivePrices } from "../spend/live-prices.ts";
import type { PoolDoor } from "../share/door.ts";
import { recallRouter } from "../router-state.ts";
import { type SpendBook, createSpendBook } from "../spend/spend-book.ts";
import { type BudgetPool, type BudgetStep, createBudgets } from "./budgets.ts";
import { appendReading } from "./readings-log.ts";

export type Quota = ReturnType<typeof createQuota>;

export interface QuotaClient {
  readonly route: LiveRoute;
  readonly router: Router;
}

export interface QuotaOptions extends LiveConfigOptions {
  readonly live: LiveConfig;
  /** Stopped by whoever gives it. Default: one of its own. */
  readonly book?: SpendBook;
  readonly onTrouble: (words: Text | string) => void;
  /** What other machines know, where they share it. */
  readonly pool?: QuotaPool;
  /** A budget has passed one of its steps. */
  readonly onStep?: (step: BudgetStep) => void;
  /** Repeats the work until stopped. Default: a timer that keeps no process alive. */
  readonly every?: (work: () => void, ms: number) => () => void;
}

type QuotaPool = BudgetPool & Pick<PoolDoor, "onBalance" | "turnOf">;

/** A check compares a few numbers; the lookups that are due run in the background. */
const CHECK_EVERY_MS = 10_000;

export function createQuota(options: QuotaOptions) {
  const { env, holder, live, now, onTrouble, paths } = options;
  const providers = createProvidersFile(paths.usageProviders, now);
  const saved = createSavedReadings({ paths, onTrouble, now });
  const { readings, relays } = saved;
  const book =
    options.book ??
    createSpendBook({ paths, prices: createLivePrices({ paths, live, now }), now, onTrouble });
  const budgets = createBudgets({ ...options, book, onChange: () => applyAll() });
  const sources = createQuotaSources({
    providers,
    saved,
    budgetOf: (upstream) => budgets.readingOf(upstream),
    env,
    holder,
    now,
  });
  const clients: QuotaClient[] = [];
  /** Keys of upstreams that answered since the last check. */
  const used = new Set<string>();
  /** The last note of each upstream to its router, as JSON. */
  const noted = new Map<string, string>();
  /** The mistake in the file that was reported last. */
  let reported: string | null = null;
  let stopLooking = (): void => {};

  /** What the owner's reserves keep away, of turns alone. */
  const reserveOf: BarOf = (upstream, { isNeutral, model }) =>
    upstream.keep === null || isNeutral === true
      ? undefined
      : barOfReserves(sources.reservesOf(upstream), model === null ? null : modelAt(upstream, model));
  const barOf = joinBars([budgets.barOf, reserveOf]);

  const apply = (upstream: Upstream, router: Router): void => {
    const note = sources.noteOf(upstream);
    const text = JSON.stringify([note, barOf(upstream, ANY)?.until]);
    if (text === (noted.get(upstream.key) ?? "[null,null]")) return;
    noted.set(upstream.key, text);
    router.noteQuota(upstream, note);
  };

  const applyAll = (): void => {
    for (const { route, router } of clients)
      for (const upstream of route.upstreams()) apply(upstream, router);
  };

  const targets = (): PollTarget[] => {
    const found = new Map<string, PollTarget>();
    for (const client of clients) {
      for (const upstream of client.route.upstreams()) {
        const choice = sources.lookupOf(upstream);
        if (choice.kind !== "lookup") continue;
        const { key } = choice.lookup;
        const isNeeded = needsWatching(client.router.report(upstream)) || found.get(key)?.isWatched === true;
        found.set(key, { lookup: choice.lookup, isWatched: isNeeded });
        if (used.delete(upstream.key)) poller.noteTraffic(key);
      }
    }
    return [...found.values()];
  };

  const poller = createPoller({
    targets,
    readings,
    readKey: live.keys.read,
    now,
    sync: saved.sync,
    turnOf: options.pool?.turnOf,
    onReading(key) {
      saved.noteChange();
      noteReading(key);
      applyAll();
    },
  });

  options.pool?.onBalance(({ key, source }, balance, at) => {
    const before = readings.get(key) ?? makeReading(source);
    if (before.triedAt > at) return;
    readings.set(key, withBalance(before, balance, at));
    saved.noteChange();
    applyAll();
  });

  const noteReading = (key: string): void => {
    const reading = readings.get(key);
    if (reading === undefined || reading.error !== null) return;
    const of = clients
      .flatMap(({ route }) => route.upstreams())
      .filter((upstream) => keyOfLookup(sources.lookupOf(upstream)) === key);
    appendReading(paths.readingsLog, reading, of);
  };

  const reportProblem = (): void => {
    const words = providers.current().problem?.message ?? null;
    if (words !== null && words !== reported) onTrouble(words);
    reported = words;
  };

  const check = (): void => {
    reportProblem();
    if (budgets.hasAny()) budgets.follow();
    applyAll();
    poller.look();
  };

  return {
    /** From now on this router is informed about the upstreams of its config. */
    attach(client: QuotaClient): void {
      clients.push(client);
      applyAll();
    },
    /** Checks what is due now, and every few seconds from then on. */
    start(): void {
      check();
      stopLooking = (options.every ?? repeatUnreferenced)(check, CHECK_EVERY_MS);
    },
    /** Sees the headers of each answer of an upstream. Cheap, and never throws. */
    observeHeaders(upstream: Upstream, headers: Headers): void {
      used.add(upstream.key);
      const kind = recogniseHeaders(headers);
      if (kind !== null) {
        const host = URL.parse(upstream.baseUrl)?.host ?? "";
        if (relays.get(host) !== kind) {
          relays.set(host, kind);
          saved.noteChange();
        }
      }
      const balance = readHeaderSignals(headers, { now: now(), isFirstParty: upstream.isOfficial });
      if (balance === null) return;
      const key = headersKey(upstream);
      readings.set(key, withBalance(readings.get(key) ?? makeReading("headers"), balance, now()));
      saved.noteChange();
      const client = clients.find(({ route }) => route.service === upstream.service);
      if (client !== undefined) apply(upstream, client.router);
    },
    /** Reads what the facts of these services need beside state.json, where `start` is not called. */
    async load(): Promise<void> {
      if (budgets.hasAny()) await budgets.load();
    },
    /** The owner's own, of everything. */
    budgets,
    /** The owner's rules: budgets and reserves. */
    barOf,
    reservesOf: (upstream: Upstream) => sources.reservesOf(upstream),
    /** What is known of an upstream, for people and scripts. */
    rowsOf: (upstream: Upstream) => sources.rowsOf(upstream),
    /** What is wrong with usage_providers.json. */
    problem: () => providers.current().problem,
    /** Polls every endpoint now, as far as its limits allow. */
    async refresh(): Promise<void> {
      saved.sync();
      await Promise.all([poller.refresh(), budgets.hasAny() ? budgets.load() : undefined]);
    },
    /** No lookup is running any more. */
    settled: () => poller.settled(),
    async stop(): Promise<void> {
      stopLooking();
      // A lookup may wait for one.
      live.keys.stop();
      await Promise.all([poller.stop(), options.book === undefined ? book.stop() : undefined]);
      budgets.stop();
      await saved.flush();
    },
  };
}

function keyOfLookup(choice: LookupChoice): string | null {
  return choice.kind === "lookup" ? choice.lookup.key : null;
}

/** Any request. */
const ANY = { upstreams: [], model: null, sessionId: null, now: 0 };

function repeatUnreferenced(work: () => void, ms: number): () => void {
  const timer = setInterval(work, ms);
  timer.unref();
  return () => clearInterval(timer);
}

/** Two requests of 8 s each, at most. */
const REFRESH_MS = 20_000;

/** `onTrouble` gets what could not be saved. Throws UserError where a proxy does not answer. */
export async function refreshQuota(
  service: Service,
  context: LiveConfigOptions,
  onTrouble: (words: Text | string) => void,
): Promise<void> {
  const instances = (await readInstances(context.paths.run)).filter((one) => one.service === service);
  if (instances.length > 0) {
    await Promise.all(instances.map((one) => tellInstance(one, "refresh", { waitMs: REFRESH_MS })));
    return;
  }
  writeDefaultProviders(context.paths);
  const live = createLiveConfig(context);
  const quota = createQuota({ ...context, live, onTrouble });
  quota.attach({ route: live.routeOf(service), router: recallRouter(service, live, context) });
  await quota.refresh();
  await quota.stop();
}
