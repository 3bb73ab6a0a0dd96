// What requests cost by prices.json and config.json as they are now. Loads nothing before it is asked, and the parser of
// prices.json only where there is one.
import { existsSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import { statOrNull } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import { t } from "../../base/text.ts";
import { type KeptFile, createKeptFile } from "../../config/kept-file.ts";
import type { Catalog } from "../../usage/price-lists.ts";
import type { PriceOverride } from "../../usage/price-schema.ts";
import type { Pricer } from "../../usage/prices.ts";
import type { LiveConfig } from "../live-config.ts";

export type LivePrices = ReturnType<typeof createLivePrices>;

export interface LivePricesOptions {
  readonly paths: Pick<Paths, "prices" | "priceList">;
  readonly live: Pick<LiveConfig, "current">;
  /** Wall clock, ms. */
  readonly now: () => number;
}

const LOOK_EVERY_MS = 1_000;
const NONE: readonly PriceOverride[] = [];

export function createLivePrices({ live, now, paths }: LivePricesOptions) {
  let file: KeptFile<PriceOverride[]> | null = null;
  let catalog: Catalog | null = null;
  let listedMs = 0;
  let made: { readonly from: readonly unknown[]; readonly pricer: Pricer } | null = null;

  let lookedAt = Number.NEGATIVE_INFINITY;

  /** Cheap: reads only what has changed. */
  const look = async () => {
    lookedAt = now();
    if (file === null && existsSync(paths.prices)) {
      const { parsePrices } = await import("../prices.ts");
      file ??= createKeptFile({ path: paths.prices, parse: parsePrices, now });
    }
    return file?.current() ?? { value: null, problem: null };
  };
  return {
    look,
    /** Why prices.json as it is now is not in force. One that appears is noticed a second later. */
    problem(): UserError | null {
      if (file === null && Math.abs(now() - lookedAt) >= LOOK_EVERY_MS) void look();
      const { problem = null, value = null } = file?.current() ?? {};
      const isTold = problem === null || value === null || !existsSync(paths.prices);
      return isTold ? problem : new UserError(t`${problem.text}; the last valid version stays in use`);
    },
    /** By the prices in force. The list takes 10 ms and a few MB. Throws UserError where there never were good ones. */
    async costOf(): Promise<Pricer["costOf"]> {
      const { problem, value } = await look();
      if (value === null && problem !== null) throw problem;
      const overrides = value ?? NONE;
      const { config } = live.current();
      const changedMs = statOrNull(paths.priceList)?.mtimeMs ?? 0;
      const from = [overrides, config, changedMs];
      if (made?.from.every((part, at) => part === from[at]) === true) return made.pricer.costOf;
      const [{ listMarkups, loadOwnCatalog }, { makeMultipliers, makePricer }] = await Promise.all([
        import("../prices.ts"),
        import("../../usage/prices.ts"),
      ]);
      // A newer list may have been fetched meanwhile.
      if (catalog === null || changedMs !== listedMs)
        [catalog, listedMs] = [await loadOwnCatalog(paths), changedMs];
      const multiplierOf = makeMultipliers(listMarkups(config));
      const pricer = makePricer({ catalog, overrides, multiplierOf });
      made = { from, pricer };
      return pricer.costOf;
    },
  };
}
