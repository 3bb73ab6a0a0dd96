// `ch usage prices --update`: a newer list in the place of the one in use. Old prices stay for requests of the past, and what
// the new list does not have stays as it was. Nothing is fetched unless a person types it.
import { join } from "node:path";
import type { Env } from "../../base/env.ts";
import { UserError, errorCode } from "../../base/errors.ts";
import {
  MAX_FILE_BYTES,
  PRIVATE_FILE,
  ensurePrivateDirectory,
  readGiven,
  readText,
  writeFileAtomic,
} from "../../base/files.ts";
import { isRecord } from "../../base/json-value.ts";
import type { Paths } from "../../base/paths.ts";
import { t } from "../../base/text.ts";
import { VERSION } from "../../base/version.ts";
import { chooseOutboundProxy } from "../../config/outbound-proxy.ts";
import { describeConnection } from "../../routing/reasons.ts";
import { importPrices } from "../../usage/price-import.ts";
import { readBuiltInList, readPriceLines } from "../../usage/price-lists.ts";
import { keyOf } from "../../usage/price-names.ts";
import { type ListedPrice, listedPriceSchema } from "../../usage/price-schema.ts";

export const PUBLIC_LIST =
  "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json";

export interface PriceChange {
  readonly vendor: string;
  readonly model: string;
  /** Null for a model that is new. */
  readonly before: ListedPrice | null;
  readonly after: ListedPrice;
}

export interface PriceUpdate {
  readonly from: string;
  /** "2026-11-29": the day of the list that was in use, and of the one that is now. */
  readonly previous: string;
  readonly as_of: string;
  readonly changes: readonly PriceChange[];
  /** How many prices the new list has, and how many stay that it does not have. */
  readonly read: number;
  readonly kept: number;
  /** Where the file before it is; null where there was none. */
  readonly backup: string | null;
}

export interface UpdateContext {
  readonly paths: Pick<Paths, "priceList" | "backups" | "home">;
  readonly env: Env;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** `from`: a file or an address; default the public list. Throws UserError, and then nothing has changed. */
export async function updatePrices(from: string, { env, now, paths }: UpdateContext): Promise<PriceUpdate> {
  const today = new Date(now()).toISOString().slice(0, 10);
  const given = readList(await (isAddress(from) ? fetchText(from, env) : readFile(from)), from);
  const current = await readText(paths.priceList);
  const lines = readPriceLines(current ?? (await readBuiltInList()));
  const asOf = given.asOf ?? today;
  const { changes, merged } = merge(lines.prices, given.prices, today);
  let backup: string | null = null;
  if (current !== null) {
    ensurePrivateDirectory(paths.backups);
    backup = join(paths.backups, `price-list.jsonl.${now()}`);
    writeFileAtomic(backup, current, { mode: PRIVATE_FILE });
  }
  const header = { as_of: asOf, sources: { list: from, previous: lines.header } };
  ensurePrivateDirectory(paths.home);
  const text = [header, ...merged].map((line) => `${JSON.stringify(line)}\n`).join("");
  writeFileAtomic(paths.priceList, text, { mode: PRIVATE_FILE });
  return {
    from,
    previous: lines.asOf,
    as_of: asOf,
    changes,
    read: given.prices.length,
    kept: merged.length - given.prices.length,
    backup,
  };
}

const isAddress = (from: string): boolean => /^https?:\/\//i.test(from);

async function readFile(path: string): Promise<string> {
  const bytes = await readGiven(path);
  if (bytes === null) throw new UserError(t`${path}: no such file`);
  if (bytes.byteLength > MAX_FILE_BYTES) throw new UserError(t`${path} is too large for a list of prices`);
  return new TextDecoder().decode(bytes);
}

const TIMEOUT_MS = 60_000;

async function fetchText(url: string, env: Env): Promise<string> {
  const address = URL.parse(url);
  if (address === null) throw new UserError(t`${url} is not an address`);
  const outbound = chooseOutboundProxy(url, undefined, env);
  if (outbound.kind === "refused") throw new UserError(t`${url}: ${outbound.problem}`);
  try {
    const response = await fetch(url, {
      headers: { "user-agent": `codex-helper/${VERSION}` },
      proxy: outbound.kind === "proxy" ? outbound.url : false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new UserError(t`${address.host} answered ${response.status}`);
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body ?? []) {
      size += part.byteLength;
      if (size > MAX_FILE_BYTES) throw new UserError(t`${url} is too large for a list of prices`);
      parts.push(part);
    }
    return new TextDecoder().decode(Buffer.concat(parts));
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = describeConnection(errorCode(error) ?? "");
    throw new UserError(t`${address.host}: ${why}; nothing has changed`, {
      hint: t`save the list with a browser, then: ch usage prices --update --from FILE`,
      cause: error,
    });
  }
}

interface GivenList {
  /** The day that a list of our own form says. */
  readonly asOf: string | null;
  readonly prices: readonly ListedPrice[];
}

function readList(text: string, from: string): GivenList {
  const prices = readJson(text);
  if (prices !== null && prices.length > 0) return { asOf: null, prices };
  try {
    const own = readPriceLines(text);
    return { asOf: own.asOf, prices: own.prices.map((price) => listedPriceSchema.parse(price)) };
  } catch (error) {
    throw new UserError(t`${from} is no list of prices`, {
      hint: t`it must be the JSON of LiteLLM or of genai-prices, or a file that this command wrote`,
      cause: error,
    });
  }
}

/** The public lists; null for what is none of them. */
function readJson(text: string): ListedPrice[] | null {
  try {
    const value: unknown = JSON.parse(text);
    const list = isRecord(value) && Array.isArray(value["providers"]) ? value["providers"] : value;
    return importPrices(list)?.filter((price) => listedPriceSchema.safeParse(price).success) ?? null;
  } catch {
    return null;
  }
}

/** A price that changes today holds from today on, and the one before until then. */
function merge(lines: readonly ListedPrice[], given: readonly ListedPrice[], today: string) {
  const changes: PriceChange[] = [];
  const known = new Map<string, ListedPrice>();
  for (const line of lines)
    if (line.until === undefined || line.until > today)
      for (const name of [line.model].flat()) known.getOrInsert(`${line.vendor} ${keyOf(name)}`, line);
  const replaced = new Map<ListedPrice, Set<string>>();
  const fresh: ListedPrice[] = [];
  const ended: ListedPrice[] = [];
  for (const price of given) {
    for (const model of [price.model].flat()) {
      const key = `${price.vendor} ${keyOf(model)}`;
      const before = known.get(key);
      if (before !== undefined && ratesOf(before) === ratesOf(price)) continue;
      const after = {
        ...price,
        model,
        ...(before !== undefined && price.since === undefined && { since: today }),
      };
      if (before !== undefined) {
        replaced.getOrInsertComputed(before, () => new Set()).add(keyOf(model));
        ended.push({ ...before, model, until: today });
      }
      fresh.push(after);
      changes.push({ vendor: price.vendor, model, before: before ?? null, after });
    }
  }
  const staying = lines.flatMap((line) => {
    const gone = replaced.get(line);
    if (gone === undefined) return [line];
    const names = [line.model].flat().filter((name) => !gone.has(keyOf(name)));
    return names.length === 0 ? [] : [{ ...line, model: names }];
  });
  return { changes, merged: [...staying, ...ended, ...fresh] };
}

/**
 * Of a price, what a newer list may change: not where it is from, and not what the lists are known to disagree about, the fee
 * of a search and whether a tier begins at a number or above it.
 */
function ratesOf({
  input,
  cached_input,
  cache_creation,
  cache_creation_1h,
  output,
  ...price
}: ListedPrice): string {
  const { hours, service_tiers, tiers } = price;
  const rates = {
    input,
    cached_input,
    cache_creation,
    cache_creation_1h,
    output,
    hours,
    service_tiers,
    tiers,
  };
  return JSON.stringify(sortKeys(rates), (name, value: unknown) =>
    name === "above" && typeof value === "number" ? Math.round(value / 100) * 100 : value,
  );
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, member]) => [name, sortKeys(member)]),
  );
}
