// Finds the price of a model: the user's prices.json, else the list of the vendor that was asked, else that of the model's maker.
// A list is lines of price-list.txt, over them price-overlay.txt. What is not in a list has no price.
// Pure.
import { isRecord } from "../base/json-value.ts";
import { type Text, joinTexts, t } from "../base/text.ts";
import { SERVICE_FACTS, type Service } from "../base/service.ts";
import { type Spelling, inRegion, keyOf, listSpellings } from "./price-names.ts";
import type { ListedPrice, PriceEntry, PriceOverride } from "./price-schema.ts";
import { type Host, PRICE_VENDORS, type PriceVendor, readHost } from "./price-vendors.ts";

/** A model as a request named it. */
export interface AskedModel {
  readonly service: Service;
  readonly upstreamBaseUrl: string | null;
  /** What the upstream was asked for, and charges for, before what the client asked for. */
  readonly names: readonly string[];
}

/** The entries that hold for a model, and why. */
export interface FoundPrice {
  /** Each for a time; the first that holds at the time of a request counts. */
  readonly entries: readonly PriceEntry[];
  /** The name it is listed under. */
  readonly listedAs: string;
  /** Null for the user's own price. */
  readonly vendor: PriceVendor | null;
  readonly why: Text;
  /** A factor for where the upstream's host is: 1 but for few. */
  readonly hostFactor: number;
}

export interface Catalog {
  /** "2026-11-29": the day of the list. */
  readonly asOf: string;
  readonly isUpdated: boolean;
  /** A text where the model has no price: why not. Takes some 20 us: remember it. */
  readonly find: (asked: AskedModel) => FoundPrice | Text;
  /** Whose lists there are, the longest first. */
  readonly vendors: () => {
    readonly id: string;
    readonly name: string;
    readonly hosts: readonly string[];
    readonly models: number;
  }[];
}

/** The user's own price, else that of the list. */
export function findPrice(
  asked: AskedModel,
  overrides: readonly PriceOverride[],
  catalog: Catalog,
): FoundPrice | Text {
  const own = findOverrides(overrides, asked);
  const [first] = own;
  if (first === undefined) return catalog.find(asked);
  const listed = own.flatMap(({ same_as: same }) =>
    same === undefined ? [] : [findAnywhere({ ...asked, names: [same] }, catalog)],
  );
  const found = listed.find((one) => "entries" in one);
  if (first.same_as !== undefined)
    return found === undefined
      ? (listed[0] ?? t`the list does not have it`)
      : { ...found, why: t`prices.json says that it costs what ${first.same_as} does` };
  return {
    entries: [
      ...own.filter(({ same_as: same }) => same === undefined),
      ...(found?.entries ?? listedBeside(own, asked, catalog)),
    ],
    listedAs: [first.model].flat().join(", "),
    vendor: null,
    why: t`prices.json has it`,
    hostFactor: 1,
  };
}

/** The list holds at other times than the user's own prices do: who enters a price to come keeps those of before. */
function listedBeside(
  own: readonly PriceOverride[],
  asked: AskedModel,
  catalog: Catalog,
): readonly PriceEntry[] {
  if (own.some(({ since, until }) => since === undefined && until === undefined)) return [];
  const listed = catalog.find(asked);
  // The factor of a host cannot hold for a part of the entries.
  return "entries" in listed && listed.hostFactor === 1 ? listed.entries : [];
}

/** The user says what it costs: where its upstream does not list that, its maker does. */
function findAnywhere(asked: AskedModel, catalog: Catalog): FoundPrice | Text {
  const found = catalog.find(asked);
  return "entries" in found ? found : catalog.find({ ...asked, upstreamBaseUrl: null });
}

/** All that match, up to the first that holds for ever. */
function findOverrides(
  overrides: readonly PriceOverride[],
  { names, upstreamBaseUrl }: AskedModel,
): PriceOverride[] {
  const lowered = names.map((name) => name.toLowerCase());
  const matching = overrides.filter(
    ({ model, upstream }) =>
      [model].flat().some((pattern) => lowered.some((name) => matches(pattern.toLowerCase(), name))) &&
      (upstream === undefined || isUpstream(upstream, upstreamBaseUrl)),
  );
  const last = matching.findIndex(
    ({ same_as, since, until }) => same_as !== undefined || (since === undefined && until === undefined),
  );
  return matching.slice(0, last === -1 ? undefined : last + 1);
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isUpstream(wanted: string, baseUrl: string | null): boolean {
  if (baseUrl === null) return false;
  const url = URL.parse(baseUrl);
  const given = wanted.toLowerCase().replace(/\/+$/, "");
  return given === baseUrl.toLowerCase() || given === url?.host || given === url?.hostname;
}

/** The day of the built-in list. */
export const BUILT_IN_AS_OF = "2026-11-29";

/** What the lists are read from: a JSON value a line, the first one of the list about itself. */
export interface PriceListTexts {
  readonly list: string;
  readonly overlay: string;
  readonly isUpdated: boolean;
}

type Index = Map<string, Map<string, ListedPrice[]>>;

/** The list that is part of this program, or one in its place that the user fetched. Takes some 10 ms. */
export async function loadCatalog(updated: string | null = null): Promise<Catalog> {
  const [list, { default: overlay }] = await Promise.all([
    updated ?? readBuiltInList(),
    import("./price-overlay.txt", { with: { type: "text" } }),
  ]);
  return makeCatalog({ list, overlay, isUpdated: updated !== null });
}

export async function readBuiltInList(): Promise<string> {
  return (await import("./price-list.txt", { with: { type: "text" } })).default;
}

/** Throws for what is no list. */
export function makeCatalog({ list, overlay, isUpdated }: PriceListTexts): Catalog {
  const { asOf, prices } = readPriceLines(list);
  const index = makeIndex(prices);
  layOver(index, readLines(overlay) as ListedPrice[], asOf);
  for (const names of index.values()) addUndated(names);
  return {
    asOf,
    isUpdated,
    find: (asked) => find(index, asked),
    vendors: () =>
      PRICE_VENDORS.flatMap(({ hosts, id, name }) => {
        const models = index.get(id)?.size ?? 0;
        return models === 0 ? [] : [{ id, name, hosts, models }];
      }).toSorted((one, other) => other.models - one.models),
  };
}

/** Throws for what is no list. */
export function readPriceLines(list: string) {
  const [header, ...lines] = readLines(list);
  const asOf = isRecord(header) ? header["as_of"] : undefined;
  if (typeof asOf !== "string") throw new TypeError("not a list of prices");
  return { asOf, header, prices: lines as ListedPrice[] };
}

function readLines(text: string): unknown[] {
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
}

function makeIndex(prices: readonly ListedPrice[]): Index {
  const index: Index = new Map();
  for (const price of prices)
    for (const name of [price.model].flat()) {
      const names = index.getOrInsertComputed(price.vendor, () => new Map<string, ListedPrice[]>());
      const entries = names.getOrInsertComputed(keyOf(name), (): ListedPrice[] => []);
      if (!entries.includes(price)) entries.push(price);
    }
  return index;
}

/**
 * A line that says what it was taken instead of holds as long as the list says that; one of the past always; any other
 * where the list has nothing. So a newer list is not held back by what was decided about an older one.
 */
function layOver(index: Index, overlay: readonly ListedPrice[], asOf: string): void {
  for (const [vendor, names] of makeIndex(overlay)) {
    const known = index.getOrInsertComputed(vendor, () => new Map<string, ListedPrice[]>());
    for (const [key, prices] of names) {
      const listed = known.get(key) ?? [];
      const current = listed.find(
        ({ since = "", until }) => since <= asOf && (until === undefined || until > asOf),
      );
      const replacing = prices.filter(
        ({ instead_of: instead }) =>
          instead !== undefined && current?.input === instead.input && current.output === instead.output,
      );
      const adding = prices.filter(
        ({ instead_of: instead, until }) =>
          instead === undefined && (until !== undefined || current === undefined),
      );
      // What is replaced had its time, too.
      const times = {
        ...(current?.since && { since: current.since }),
        ...(current?.until && { until: current.until }),
      };
      known.set(key, [
        ...adding,
        ...replacing.map((price) => ({ ...times, ...price })),
        ...listed.filter((price) => price !== current || replacing.length === 0),
      ]);
    }
  }
}

/** A name without a date means a snapshot where all of them cost the same. Bedrock's "-v1:0" is part of a date. */
function addUndated(names: Map<string, ListedPrice[]>): void {
  const snapshots = new Map<string, ListedPrice[][]>();
  for (const [key, prices] of names) {
    const undated = key
      .replace(/(?<=claude-[\w-]*\d[\w-]*)-v\d+(?::\d+)?$/, "")
      .replace(/[-@](?:20\d{6}|20\d\d-\d\d-\d\d|2[4-9]\d{4})$/, "");
    if (undated !== key && !names.has(undated)) snapshots.getOrInsertComputed(undated, () => []).push(prices);
  }
  for (const [key, [first = [], ...others]] of snapshots)
    if (others.every((other) => ratesOf(other) === ratesOf(first))) names.set(key, first);
}

function ratesOf(prices: readonly ListedPrice[]): string {
  return JSON.stringify(
    prices.map(({ model: _, note: _note, source: _source, as_of: _asOf, ...rates }) => rates),
  );
}

const MAKERS = PRICE_VENDORS.filter(({ isMaker }) => isMaker === true);

function find(
  index: Index,
  { names: [model = ""], service, upstreamBaseUrl }: AskedModel,
): FoundPrice | Text {
  if (model === "") return t`the request names no model`;
  const spellings = listSpellings(model);
  const host = upstreamBaseUrl === null ? null : readHost(upstreamBaseUrl);
  if (host !== null) {
    const { region, vendor } = host;
    const inHost = vendor.id === "bedrock" ? spellings.flatMap((one) => inRegion(one, region)) : spellings;
    for (const seller of withFallbacks(vendor))
      for (const spelling of inHost) {
        const found = look(index, seller, spelling);
        if (found !== null) return explain(found, spelling, host);
      }
    return index.has(vendor.id)
      ? t`${vendor.name}, which was asked, does not list it`
      : t`no list of ${vendor.name}, which was asked, is known`;
  }
  const { vendor: own } = SERVICE_FACTS[service];
  const makers = [...MAKERS.filter(({ id }) => id === own), ...MAKERS.filter(({ id }) => id !== own)];
  for (const spelling of spellings) {
    const named = PRICE_VENDORS.find(({ id }) => id === spelling.vendor);
    const sellers =
      named === undefined ? makers : named.isMaker === true ? [named, ...makers] : withFallbacks(named);
    for (const seller of sellers) {
      const found = look(index, seller, spelling);
      if (found !== null) return explain(found, spelling, null);
    }
  }
  const routed = PRICE_VENDORS.find(({ id }) => id === "openrouter");
  for (const spelling of routed === undefined ? [] : spellings.filter(({ key }) => key.includes("/"))) {
    const found = routed === undefined ? null : look(index, routed, spelling);
    if (found !== null) return explain(found, spelling, null);
  }
  return t`no list has it`;
}

interface Looked {
  readonly seller: PriceVendor;
  readonly prices: readonly ListedPrice[];
}

function look(index: Index, seller: PriceVendor, { key }: Spelling): Looked | null {
  const prices = index.get(seller.id)?.get(key);
  return prices === undefined ? null : { seller, prices };
}

function withFallbacks(vendor: PriceVendor): PriceVendor[] {
  const next = PRICE_VENDORS.find(({ id }) => id === vendor.falls_back_to);
  return next === undefined ? [vendor] : [vendor, next];
}

function explain({ prices, seller }: Looked, spelling: Spelling, host: Host | null): FoundPrice | Text {
  const { changes, key } = spelling;
  const [first] = prices;
  if (first?.input === undefined || first.output === undefined)
    return first?.note === undefined ? t`it is not sold by the token` : t`${first.note}`;
  const listedAs = [first.model].flat().find((name) => keyOf(name) === key) ?? [first.model].flat()[0] ?? key;
  const { name } = seller;
  const whose =
    host === null
      ? t`${name} lists it`
      : seller === host.vendor
        ? t`${name}, which was asked, lists it`
        : t`${host.vendor.name}, which was asked, sells it as ${name} lists it`;
  const { regional } = seller;
  const isRegional = regional?.of.test(key) === true && (spelling.region ?? host?.region ?? "") !== "";
  return {
    entries: prices,
    listedAs,
    vendor: seller,
    why:
      changes.length === 0
        ? whose
        : t`${whose}; of the name, this changes no price: ${joinTexts(changes, ", ")}`,
    hostFactor: isRegional ? (regional?.factor ?? 1) : 1,
  };
}
