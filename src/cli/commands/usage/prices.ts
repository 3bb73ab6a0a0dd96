// `ch usage prices`: the list of prices, the entry of it that matches a model and why, and a newer list.
import { loadOwnCatalog, readOverrides } from "../../../app/prices.ts";
import { PUBLIC_LIST, type PriceUpdate, updatePrices } from "../../../app/spend/price-update.ts";
import type { Service } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { inEnglish } from "../../../base/text.ts";
import { readBaseUrl } from "../../../config/base-url.ts";
import { loadConfig } from "../../../config/file.ts";
import type { ParsedConfig } from "../../../config/parse.ts";
import { type FoundPrice, findPrice } from "../../../usage/price-lists.ts";
import { entryAt } from "../../../usage/price-rates.ts";
import type { ListedPrice, PriceEntry, RateBlock } from "../../../usage/price-schema.ts";
import { JSON_ARG, SERVICE_ARGS, usageError } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { t, tell } from "../../language.ts";
import { alignRows, wrapWords } from "../../layout.ts";
import { chooseService, findUpstream } from "../config/target.ts";
import { notePrices } from "../../price-words.ts";

export const pricesCommand = defineCommand({
  description: "show the price of a model, and why it is that one",
  examples: [
    ["ch usage prices claude-opus-5-5", "its rates, tiers and source"],
    ["ch usage prices gpt-5.4 --upstream main#2", "as it is priced at an upstream, or at a URL"],
    ["ch usage prices --update", "fetch a newer list"],
  ],
  args: {
    model: {
      type: "positional",
      required: false,
      valueHint: "MODEL",
      description: "as the upstream is asked for it",
    },
    upstream: { type: "string", valueHint: "NAME#N|URL", description: "where it is asked. Default: a relay" },
    update: { type: "boolean", description: "use a newer list, and show what changes" },
    from: {
      type: "string",
      valueHint: "FILE|URL",
      description: "with --update: the list. Default: a public one",
    },
    ...SERVICE_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    if (args.from !== undefined && args.update !== true)
      throw usageError(t`--from is for --update`, `ch usage prices --update --from ${args.from}`);
    if (args.update === true) {
      const update = await updatePrices(args.from ?? PUBLIC_LIST, cli);
      return args.json === true ? cli.out.json(update) : printUpdate(cli, update);
    }
    const [catalog, { overrides, problem }, config] = await Promise.all([
      loadOwnCatalog(cli.paths),
      readOverrides(cli.paths),
      loadConfig(cli.paths.config),
    ]);
    const list = {
      as_of: catalog.asOf,
      age_days: Math.max(0, Math.floor((cli.now() - Date.parse(catalog.asOf)) / 86_400_000)),
      is_built_in: !catalog.isUpdated,
    };
    if (args.model === undefined || args.model === "") {
      const vendors = catalog.vendors();
      if (args.json === true) return cli.out.json({ list, own_prices: overrides.length, vendors });
      cli.out.table(
        [t`list of`, t`models`, t`hosts`],
        vendors.map(({ hosts, models, name }) => [name, String(models), hosts.join(" ")]),
      );
      cli.out.line();
      cli.out.line(describeList(list));
      cli.out.line(t`entries of prices.json, which come first: ${overrides.length}`);
      return notePrices(cli, { asOf: catalog.asOf, problem }, true);
    }
    const service = chooseService(args, config);
    const at = readPlace(config, service, args.upstream);
    const mapped = at.models[args.model] ?? at.models["*"] ?? args.model;
    const names = [...new Set([mapped, args.model])];
    const found = findPrice({ service, upstreamBaseUrl: at.url, names }, overrides, catalog);
    const isFound = "entries" in found;
    if (args.json === true) {
      const current = isFound ? entryAt(found.entries, cli.now()) : undefined;
      return cli.out.json({
        model: args.model,
        asked_as: mapped,
        service,
        upstream: at.url,
        is_priced: current !== undefined,
        why: inEnglish(isFound ? found.why : found),
        listed_as: isFound ? found.listedAs : null,
        list_of: isFound ? (found.vendor?.name ?? "prices.json") : null,
        price: current ?? null,
        other_times: isFound ? found.entries.filter((entry) => entry !== current) : [],
        host_factor: isFound ? found.hostFactor : null,
        cost_multiplier: at.factor,
        list,
        prices_problem: problem?.message ?? null,
        is_estimate: true,
      });
    }
    printPrice(cli, { model: args.model, mapped, found, ...at });
    cli.out.line(describeList(list));
    notePrices(cli, { asOf: catalog.asOf, problem }, isFound);
  },
});

interface ListFacts {
  readonly as_of: string;
  readonly age_days: number;
  readonly is_built_in: boolean;
}

function describeList({ age_days: days, as_of: asOf, is_built_in: isBuiltIn }: ListFacts): string {
  return isBuiltIn
    ? t`list of ${asOf}, ${days} days old, part of this program`
    : t`list of ${asOf}, ${days} days old, fetched`;
}

interface Place {
  readonly url: string | null;
  readonly factor: number;
  readonly models: Readonly<Record<string, string>>;
}

/** NAME#N of a config, or an address. Throws UserError. */
function readPlace(config: ParsedConfig, service: Service, text: string | undefined): Place {
  if (text === undefined) return { url: null, factor: 1, models: {} };
  if (/^[\w-]+(?:\.[\w-]+)+(?:[:/]|$)|:\/\//.test(text)) {
    const url = text.includes("://") ? text : `https://${text}`;
    const read = readBaseUrl(url);
    return { url: read.kind === "ok" ? read.url : url, factor: 1, models: {} };
  }
  const { name, position } = findUpstream(config, service, text.includes("#") ? text : `${text}#1`);
  const entry = config.services[service].configs.get(name)?.entry.upstreams[position - 1];
  if (entry === undefined) throw usageError(t`there is no upstream ${name}#${position}`, "ch config list");
  const read = readBaseUrl(entry.base_url);
  return {
    url: read.kind === "ok" ? read.url : entry.base_url,
    factor: entry.cost_multiplier ?? 1,
    models: entry.models ?? {},
  };
}

interface Shown extends Place {
  readonly model: string;
  readonly mapped: string;
  readonly found: ReturnType<typeof findPrice>;
}

function printPrice(cli: Cli, { factor, found, mapped, model, url }: Shown): void {
  const { out } = cli;
  const current = "entries" in found ? entryAt(found.entries, cli.now()) : undefined;
  const facts: readonly (readonly [label: string, value: string])[] = [
    [t`model`, mapped === model ? model : t`${model}, sent as ${mapped}`],
    [t`upstream`, url ?? ""],
    [t`price`, "entries" in found ? "" : t`unpriced: ${tell(found)}`],
    [t`listed as`, "entries" in found ? found.listedAs : ""],
    [t`why`, "entries" in found ? tell(found.why) : ""],
    ...(current === undefined || !("entries" in found) ? [] : describeEntry(current, found)),
    [t`factor`, factor === 1 ? "" : t`times ${factor} (cost_multiplier)`],
  ];
  printFacts(cli, facts);
  if (current === undefined) return;
  out.line();
  printRates(cli, current);
  const others = "entries" in found ? found.entries.filter((entry) => entry !== current) : [];
  for (const entry of others)
    out.line(t`${describeTime(entry)}: ${usd(entry.input)} in, ${usd(entry.output)} out`);
  out.line();
}

function describeEntry(entry: PriceEntry, { hostFactor }: FoundPrice): [label: string, value: string][] {
  const regions = Object.entries(entry.regions ?? {}).map(([region, by]) => t`${region} times ${by}`);
  return [
    [t`time`, describeTime(entry)],
    [t`region`, [...(hostFactor === 1 ? [] : [t`this host times ${hostFactor}`]), ...regions].join(", ")],
    [t`web search`, entry.web_search === undefined ? "" : t`${usd(entry.web_search)} for 1,000`],
    [
      t`source`,
      [entry.source ?? "", entry.as_of === undefined ? "" : t`read ${entry.as_of}`]
        .filter(Boolean)
        .join(", "),
    ],
    [t`note`, entry.note ?? ""],
  ];
}

function printFacts({ out }: Cli, facts: readonly (readonly [label: string, value: string])[]): void {
  const known = facts.filter(([, value]) => value !== "");
  const columns = Math.max(...known.map(([label]) => Bun.stringWidth(label)));
  const rows = known.flatMap(([label, value]) =>
    wrapWords(oneLine(value), Math.max(20, out.width - columns - 2)).map((line, index) => [
      index === 0 ? out.paint("dim", label) : "",
      line,
    ]),
  );
  for (const line of alignRows(rows, undefined)) out.line(line);
}

/** Dollars a million, each tier in a row. */
function printRates({ out }: Cli, entry: PriceEntry): void {
  const rows = [
    ...describeBlock(t`standard`, entry),
    ...(entry.hours ?? []).flatMap((hours) =>
      describeBlock(
        [(hours.days ?? []).join(" "), `${hours.from}-${hours.to}`, hours.utc_offset ?? "UTC"]
          .join(" ")
          .trim(),
        hours,
      ),
    ),
    ...Object.entries(entry.service_tiers ?? {}).flatMap(([name, block]) => describeBlock(name, block)),
  ];
  out.table([t`$ a million`, t`input`, t`cached`, t`cache write`, t`for an hour`, t`output`], rows);
}

function describeBlock(name: string, block: RateBlock): string[][] {
  if (block.multiplier !== undefined) return [[name, t`times ${block.multiplier}`]];
  return [
    [name, ...ratesOf(block)],
    ...(block.tiers ?? []).map((tier) => [
      t`  above ${tier.above.toLocaleString("en-US")}`,
      ...ratesOf(tier),
    ]),
  ];
}

function ratesOf(rates: Omit<RateBlock, "tiers" | "multiplier">): string[] {
  const { cache_creation, cache_creation_1h, cached_input, input, output } = rates;
  return [input, cached_input, cache_creation, cache_creation_1h, output].map((rate) =>
    rate === undefined ? "-" : String(rate),
  );
}

function describeTime({ since, until }: PriceEntry): string {
  if (since !== undefined && until !== undefined) return t`from ${since} to before ${until}`;
  if (since !== undefined) return t`from ${since} on`;
  return until === undefined ? "" : t`before ${until}`;
}

const usd = (rate: number | undefined): string => (rate === undefined ? "-" : `$${rate}`);

const MOST_CHANGES = 50;

function printUpdate({ out }: Cli, update: PriceUpdate): void {
  const { as_of: asOf, backup, changes, from, kept, previous, read } = update;
  const rows = changes
    .slice(0, MOST_CHANGES)
    .map(({ after, before, model, vendor }) => [
      vendor,
      model,
      before === null ? t`new` : describeRates(before),
      describeRates(after),
    ]);
  if (rows.length > 0) out.table([t`list`, t`model`, t`until now`, t`from now on`], rows);
  if (changes.length > MOST_CHANGES) out.line(t`and ${changes.length - MOST_CHANGES} more`);
  out.line(
    t`${changes.length} prices changed or new, of ${read} in ${from}; ${kept} lines stay as they were`,
  );
  out.line(t`list of ${asOf}, before of ${previous}`);
  if (backup !== null) out.line(t`the list before it: ${backup}`);
}

function describeRates({ cached_input: cached, input, output }: ListedPrice): string {
  return [input, cached, output].map((rate) => (rate === undefined ? "-" : String(rate))).join(" / ");
}
