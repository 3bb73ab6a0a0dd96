// What the last proxies left, with what was read of balances and spent of budgets: the state as the next proxy begins with it.
// Loaded only where no proxy tells it.
import type { Service } from "../../base/service.ts";
import { createQuota } from "../quota/quota.ts";
import { recallRouter } from "../router-state.ts";
import { type LivePrices, createLivePrices } from "../spend/live-prices.ts";
import { createSpendBook } from "../spend/spend-book.ts";
import { type LiveConfig, type LiveConfigOptions, createLiveConfig } from "../live-config.ts";
import { makeRouteFacts } from "./facts.ts";

export interface RecallOptions extends LiveConfigOptions {
  /** Read already. */
  readonly live?: LiveConfig;
  readonly prices?: LivePrices;
}

export async function recallRoutes(options: RecallOptions) {
  const { live = createLiveConfig(options), now } = options;
  const prices = options.prices ?? createLivePrices({ ...options, live });
  await prices.look();
  const onTrouble = (): void => {};
  const book = createSpendBook({ ...options, prices, onTrouble });
  const quota = createQuota({ ...options, live, book, onTrouble });
  await quota.load();
  /** `configName`: another one than the active. */
  const recall = (service: Service, configName?: string) => {
    const router = recallRouter(service, live, { ...options, barOf: quota.barOf });
    const route = live.routeOf(service, configName);
    quota.attach({ route, router });
    return { route, router, quota, now: now() };
  };
  return {
    live,
    recall,
    factsOf: (service: Service, configName?: string) => makeRouteFacts(recall(service, configName)),
  };
}
