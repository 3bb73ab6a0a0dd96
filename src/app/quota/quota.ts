// Puts quotas together: asks relays in the background, reads what answers say in passing, counts own budgets, and tells the
// routers. Never in a request's way.
import type { Env } from "../../base/env.ts";
import type { UserError } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import type { Service } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import { readHeaderSignals } from "../../quota/header-signals.ts";
import { type PollTarget, createPoller } from "../../quota/poller.ts";
import { createProvidersFile } from "../../quota/providers-file.ts";
import { makeReading, withBalance } from "../../quota/reading.ts";
import { recogniseHeaders } from "../../quota/vendors.ts";
import type { Router } from "../../routing/router.ts";
import type { LiveConfig } from "../live-config.ts";
import { createBudgets } from "./budgets.ts";
import type { QuotaRow } from "../instance-answers.ts";
import { createQuotaSources, headersKey } from "./sources.ts";
import { createQuotaState } from "./state.ts";

export interface Quota {
  /** From now on this router is told how the upstreams of its config stand. */
  attach(client: QuotaClient): void;
  /** Looks at once, and every few seconds from then on. */
  start(): void;
  /** Sees the headers of each answer of an upstream. Cheap, and never throws. */
  observeHeaders(upstream: Upstream, headers: Headers): void;
  /** Reads what the facts of these services need beside state.json: for a look without `start`. */
  load(services: readonly Service[]): Promise<void>;
  /** What is known of an upstream, for people and scripts. */
  rowsOf(upstream: Upstream): QuotaRow[];
  /** What is wrong with usage_providers.json. */
  problem(): UserError | null;
  /** Asks every place now, as far as it may be asked again. */
  refresh(): Promise<void>;
  /** Nothing is being asked any more. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface QuotaClient {
  readonly service: Service;
  readonly router: Router;
  /** Instead of the active config. */
  readonly configName?: string | undefined;
}

export interface QuotaOptions {
  readonly paths: Paths;
  readonly env: Env;
  readonly live: LiveConfig;
  readonly onTrouble: (words: string) => void;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Does the work again and again until told to stop. Default: a timer that keeps no process alive. */
  readonly every?: (work: () => void, ms: number) => () => void;
}

/** A look compares a few numbers; what it finds due is asked without anybody waiting. */
const LOOK_EVERY_MS = 10_000;

export function createQuota(options: QuotaOptions): Quota {
  const { env, live, now, onTrouble, paths } = options;
  const providers = createProvidersFile(paths.usageProviders, now);
  const state = createQuotaState({ paths, onTrouble, now });
  const { readings, relays } = state;
  const budgets = createBudgets({ paths, live, now, onTrouble, onChange: () => applyAll() });
  const sources = createQuotaSources({ providers, state, budgets, env, now });
  const clients: QuotaClient[] = [];
  const routers = new Map<Service, Router>();
  /** Keys of upstreams that answered since the last look. */
  const used = new Set<string>();
  /** What each upstream's router was told last, as JSON. */
  const noted = new Map<string, string>();
  /** The mistake in the file that the user was told of. */
  let reported: string | null = null;
  let stopLooking = (): void => {};

  const apply = (upstream: Upstream, router: Router): void => {
    const note = sources.noteOf(upstream);
    const text = JSON.stringify(note);
    if (text === (noted.get(upstream.key) ?? "null")) return;
    noted.set(upstream.key, text);
    router.noteQuota(upstream, note);
  };

  const upstreamsOf = ({
    configName,
    service,
  }: Pick<QuotaClient, "service" | "configName">): readonly Upstream[] => {
    const route = live.routeState(service, configName);
    return route.kind === "ready" ? route.route.upstreams : [];
  };

  const applyAll = (): void => {
    for (const client of clients) for (const upstream of upstreamsOf(client)) apply(upstream, client.router);
  };

  const targets = (): PollTarget[] => {
    const found = new Map<string, PollTarget>();
    for (const client of clients) {
      for (const upstream of upstreamsOf(client)) {
        const choice = sources.lookupOf(upstream);
        if (choice.kind !== "lookup") continue;
        const { key } = choice.lookup;
        const { isExhausted, standing } = client.router.report(upstream);
        const isAvoided = isExhausted || standing === "low" || found.get(key)?.isAvoided === true;
        found.set(key, { lookup: choice.lookup, isAvoided });
        if (used.delete(upstream.key)) poller.noteTraffic(key);
      }
    }
    return [...found.values()];
  };

  const poller = createPoller({
    targets,
    readings,
    now,
    sync: () => void state.sync(),
    onReading() {
      state.noteChange();
      applyAll();
    },
  });

  const hasBudgets = (whose: readonly Pick<QuotaClient, "service" | "configName">[]): boolean =>
    whose.some((client) => upstreamsOf(client).some((upstream) => budgets.has(upstream)));

  const reportProblem = (): void => {
    const words = providers.current().problem?.message ?? null;
    if (words !== null && words !== reported) onTrouble(words);
    reported = words;
  };

  const look = (): void => {
    reportProblem();
    if (hasBudgets(clients)) budgets.follow();
    applyAll();
    poller.look();
  };

  return {
    attach(client) {
      clients.push(client);
      routers.set(client.service, client.router);
      applyAll();
    },
    start() {
      look();
      stopLooking = (options.every ?? everyUnheld)(look, LOOK_EVERY_MS);
    },
    observeHeaders(upstream, headers) {
      used.add(upstream.key);
      const kind = recogniseHeaders(headers);
      if (kind !== null) {
        const host = URL.parse(upstream.baseUrl)?.host ?? "";
        if (relays.get(host) !== kind) {
          relays.set(host, kind);
          state.noteChange();
        }
      }
      const balance = readHeaderSignals(headers, { now: now(), isFirstParty: upstream.isOfficial });
      if (balance === null) return;
      const key = headersKey(upstream);
      readings.set(key, withBalance(readings.get(key) ?? makeReading("headers"), balance, now()));
      state.noteChange();
      const router = routers.get(upstream.service);
      if (router !== undefined) apply(upstream, router);
    },
    async load(services) {
      if (hasBudgets(services.map((service) => ({ service })))) await budgets.load();
    },
    rowsOf: (upstream) => sources.rowsOf(upstream),
    problem: () => providers.current().problem,
    async refresh() {
      state.sync();
      await Promise.all([poller.refresh(), hasBudgets(clients) ? budgets.load() : undefined]);
    },
    settled: () => poller.settled(),
    async stop() {
      stopLooking();
      await Promise.all([poller.stop(), budgets.stop()]);
      await state.flush();
    },
  };
}

function everyUnheld(work: () => void, ms: number): () => void {
  const timer = setInterval(work, ms);
  timer.unref();
  return () => clearInterval(timer);
}
