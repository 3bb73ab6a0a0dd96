// Puts together what requests cost: the built-in list, prices.json, and the factors of config.json.
import { existsSync } from "node:fs";
import { UserError, onUserError } from "../base/errors.ts";
import { MAX_OWN_FILE_BYTES, readText } from "../base/files.ts";
import { fromEnglish, t } from "../base/text.ts";
import type { Paths } from "../base/paths.ts";
import { SERVICES } from "../base/service.ts";
import { readBaseUrl } from "../config/base-url.ts";
import { loadConfig } from "../config/file.ts";
import { formatPath, placeOf, readJsonc, valueOf } from "../config/jsonc.ts";
import type { ParsedConfig } from "../config/parse.ts";
import { BUILT_IN_AS_OF, type Catalog, loadCatalog } from "../usage/price-lists.ts";
import { readBilledTokens } from "../usage/price-rates.ts";
import { type PriceOverride, priceFileSchema } from "../usage/price-schema.ts";
import { findInstances } from "../state/instances.ts";
import { type Problem, askInstance, instanceSchema } from "./ask-instance.ts";
import { type Markup, type Pricer, makeMultipliers, makePricer } from "../usage/prices.ts";

export interface ReportPricer extends Pricer {
  /** Why nothing has a price: prices.json is broken, and would have prices of its own. */
  readonly problem: UserError | null;
}

/**
 * For a report: the list takes 10 ms to read. `known`: the config that is in force, where one is; else it is read.
 * Throws UserError with the place of a mistake in config.json.
 */
export async function loadPricer(
  paths: Pick<Paths, "config" | "prices" | "priceList">,
  known?: ParsedConfig,
): Promise<ReportPricer> {
  const [catalog, { overrides, problem }, config] = await Promise.all([
    loadOwnCatalog(paths),
    readOverrides(paths),
    known ?? loadConfig(paths.config),
  ]);
  const pricer = makePricer({ catalog, overrides, multiplierOf: makeMultipliers(listMarkups(config)) });
  return { ...pricer, ...(problem !== null && { costOf: withoutPrices(problem) }), problem };
}

/** "2026-11-29": the day of the list in use, without reading it whole. */
export async function readListDate({ priceList }: Pick<Paths, "priceList">): Promise<string> {
  const head = await Bun.file(priceList)
    .slice(0, MOST_HEAD_BYTES)
    .text()
    .catch(() => "");
  return /^\{"as_of":"(\d{4}-\d{2}-\d{2})"/.exec(head)?.[1] ?? BUILT_IN_AS_OF;
}

const MOST_HEAD_BYTES = 100;

/** Where a mistake in prices.json leaves none, it is the problem. */
export async function readOverrides({ prices }: Pick<Paths, "prices">) {
  try {
    const text = await readText(prices, MAX_OWN_FILE_BYTES);
    return { overrides: text === null ? [] : parsePrices(text, prices), problem: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { overrides: [], problem: error };
  }
}

function withoutPrices({ text }: UserError): Pricer["costOf"] {
  const why = typeof text === "string" ? fromEnglish(text) : text;
  return (record) =>
    readBilledTokens(record) === null
      ? { kind: "unknown" }
      : { kind: "unpriced", model: record.upstream_model ?? record.chain_model ?? record.model ?? null, why };
}

/** The list that was fetched last, else the built-in one, also where that which was fetched is damaged. */
export async function loadOwnCatalog({ priceList }: Pick<Paths, "priceList">): Promise<Catalog> {
  const fetched = await readText(priceList).catch(onUserError(() => null));
  if (fetched === null) return await loadCatalog();
  return await loadCatalog(fetched).catch(() => loadCatalog());
}

/** `file` is for messages. Throws UserError that begins with file, line and column. */
export function parsePrices(text: string, file: string): PriceOverride[] {
  const source = readJsonc(text.replace(/^\ufeff/, ""), file);
  if (source.root === null) return [];
  const parsed = priceFileSchema.safeParse(valueOf(source.root));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...(issue?.path ?? []), ...unknown].filter((part) => typeof part !== "symbol");
  const words = unknown.length > 0 ? t`is not a field of a price` : fromEnglish(issue?.message ?? "");
  const name = formatPath(path) || t`the file`;
  throw new UserError(t`${placeOf(source, path)}: ${name}: ${words}`);
}

/** What a running proxy says of a prices.json that is gone: it still has it. Null where there is nothing to say. */
export async function findRemovedPrices({
  prices,
  run,
}: Pick<Paths, "prices" | "run">): Promise<Problem | null> {
  if (existsSync(prices)) return null;
  const { running } = await findInstances(run);
  const facts = await Promise.all(
    running.map(async (one) => instanceSchema.safeParse(await askInstance(one, "status")).data),
  );
  return facts.find((one) => one?.prices_problem != null)?.prices_problem ?? null;
}

/** Every upstream with the factor of its prices, in the order of the file. */
export function listMarkups(config: ParsedConfig): Markup[] {
  return SERVICES.flatMap((service) =>
    [...config.services[service].configs.values()].flatMap(({ name, entry }) =>
      entry.upstreams.flatMap(({ base_url, cost_multiplier }) => {
        const read = readBaseUrl(base_url);
        if (read.kind === "bad") return [];
        return [{ service, configName: name, upstreamBaseUrl: read.url, factor: cost_multiplier ?? 1 }];
      }),
    ),
  );
}
