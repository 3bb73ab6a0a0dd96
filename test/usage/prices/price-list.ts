// The list of prices that is part of the program: LiteLLM's, which has the tiers, and from genai-prices what it lacks: other
// vendors, older models and what a price was before. `bun test/usage/prices/price-list.ts` writes it anew; every difference
// of the two needs a line of DECISIONS, which says why one was taken.
import { findProvider } from "@pydantic/genai-prices";
import { importPrices } from "../../../src/usage/price-import.ts";
import { keyOf } from "../../../src/usage/price-names.ts";
import type { ListedPrice } from "../../../src/usage/price-schema.ts";
import { PRICE_VENDORS } from "../../../src/usage/price-vendors.ts";

/** When both were read. */
export const AS_OF = "2026-11-29";
export const PRICE_LIST_PATH = `${import.meta.dir}/../../../src/usage/price-list.txt`;
const LITELLM_PATH = `${import.meta.dir}/litellm.txt`;

interface Decision {
  readonly vendor: string;
  readonly model: RegExp;
  /** The parts that differ. */
  readonly parts: readonly string[];
  readonly take: "litellm" | "genai-prices";
  readonly why: string;
}

const EXACTLY_272K =
  "genai-prices lets the higher rates begin at exactly 272,000 tokens; OpenAI's model pages say 'more than 272K input tokens' (developers.openai.com/api/docs/models/gpt-6.2-sol, read 2026-11)";

const DECISIONS: readonly Decision[] = [
  {
    vendor: "openai",
    model: /./,
    parts: ["web_search"],
    take: "genai-prices",
    why: "OpenAI's web_search tool costs $10 for a thousand calls with every model; LiteLLM has the $25 of the older preview tool, or nothing",
  },
  { vendor: "openai", model: /^gpt-[56]/, parts: ["tiers"], take: "litellm", why: EXACTLY_272K },
  {
    vendor: "openai",
    model: /search-preview/,
    parts: ["cached_input"],
    take: "litellm",
    why: "genai-prices has no cached rate for it",
  },
  {
    vendor: "anthropic",
    model: /^claude-haiku-4-5/,
    parts: ["web_search"],
    take: "genai-prices",
    why: "LiteLLM has no fee for web searches there",
  },
  {
    vendor: "anthropic",
    model: /^claude-sonnet-4-5/,
    parts: ["tiers"],
    take: "litellm",
    why: "the 1M window and its higher rates ended on 2026-04-30; what was before is in price-overlay.txt",
  },
  {
    vendor: "xai",
    model: /^grok-(4-20-multi-agent|code-fast)/,
    parts: ["input", "cached_input", "output", "tiers"],
    take: "litellm",
    why: "xAI serves it by a newer model at that model's price; genai-prices has the price of the older one",
  },
  {
    vendor: "zai",
    model: /^glm-5-3-flash$/,
    parts: ["input", "cached_input", "output"],
    take: "litellm",
    why: "genai-prices has the half price of the launch, which ended at 2026-09-09T16:00:00Z",
  },
  {
    vendor: "deepseek",
    model: /^deepseek-v3-2$/,
    parts: ["input", "cached_input", "output"],
    take: "litellm",
    why: "DeepSeek's own dollar price; that of genai-prices is a hoster's",
  },
  {
    vendor: "moonshot",
    model: /^kimi-k3$/,
    parts: ["cache_creation", "cache_creation_1h"],
    take: "litellm",
    why: "genai-prices has no rates for writing to the cache",
  },
  {
    vendor: "gemini",
    model: /./,
    parts: ["web_search", "cached_input"],
    take: "litellm",
    why: "genai-prices has no fee for grounding",
  },
  {
    vendor: "vertex",
    model: /^claude-3-(5-sonnet|haiku)/,
    parts: ["cached_input", "cache_creation"],
    take: "genai-prices",
    why: "LiteLLM has no rates of the cache there",
  },
  {
    vendor: "vertex",
    model: /^claude-3-5-haiku/,
    parts: ["input", "cached_input", "cache_creation", "output"],
    take: "litellm",
    why: "genai-prices has Anthropic's own price; Vertex AI did not follow when that fell",
  },
  {
    vendor: "vertex",
    model: /^claude-/,
    parts: ["cache_creation_1h", "web_search", "tiers"],
    take: "litellm",
    why: "genai-prices has no such part there, and still the tier of Opus 4.6 that ended on 2026-03-13",
  },
  {
    vendor: "bedrock",
    model: /(^|-)anthropic-claude/,
    parts: ["cache_creation_1h", "web_search", "tiers"],
    take: "litellm",
    why: "genai-prices has no such part there",
  },
  {
    vendor: "bedrock",
    model: /^anthropic-claude-(opus|sonnet|fable)-[45]/,
    parts: ["input", "cached_input", "cache_creation", "cache_creation_1h", "output", "web_search"],
    take: "litellm",
    why: "a name without a region's prefix does not say where it ran: LiteLLM has the global price, genai-prices that of a region, 10 % more",
  },
];

/** Names that genai-prices makes up beside those that a vendor sells: another version or variant must not match them. */
const NOT_SOLD = /^(gpt-5-1-mini|gpt-5-3|gpt-5-5-chat(-latest)?|gpt-5-5-codex)$/;

export async function makePriceList(): Promise<string> {
  const litellm = (importPrices(await readLitellm()) ?? []).map(fromLimitOn);
  const genai =
    importPrices(PRICE_VENDORS.flatMap(({ genai: id }) => findProvider({ providerId: id ?? "-" }) ?? [])) ??
    [];
  const rows = [...withHistory(dedupe(litellm), genai), ...listOthers(litellm, genai)];
  const header = {
    as_of: AS_OF,
    sources: {
      litellm: "LiteLLM 1.110.2, model_prices_and_context_window_backup.json, MIT",
      "genai-prices": "@pydantic/genai-prices 0.1.8, MIT",
    },
  };
  return [header, ...rows.toSorted(byName)].map((row) => `${JSON.stringify(row)}\n`).join("");
}

async function readLitellm(): Promise<Record<string, unknown>> {
  const [, ...lines] = (await Bun.file(LITELLM_PATH).text()).trim().split("\n");
  return Object.assign({}, ...lines.map((line) => JSON.parse(line)));
}

function byName(one: ListedPrice, other: ListedPrice): number {
  const name = ({ vendor, model, since = "" }: ListedPrice) => [vendor, [model].flat()[0], since].join(" ");
  return name(one) < name(other) ? -1 : 1;
}

const namesOf = ({ model }: ListedPrice): string[] => [model].flat();
const nameKey = (vendor: string, name: string): string => `${vendor} ${keyOf(name)}`;

/** LiteLLM has some under two names: the first counts. */
function dedupe(rows: readonly ListedPrice[]): ListedPrice[] {
  const seen = new Map<string, ListedPrice>();
  for (const row of rows) for (const name of namesOf(row)) seen.getOrInsert(nameKey(row.vendor, name), row);
  return [...new Set(seen.values())];
}

const PARTS = [
  "input",
  "cached_input",
  "cache_creation",
  "cache_creation_1h",
  "output",
  "web_search",
  "tiers",
] as const;

function isCurrent({ since, until }: ListedPrice): boolean {
  return (since === undefined || since <= AS_OF) && (until === undefined || until > AS_OF);
}

/** LiteLLM's rows, with what genai-prices says of other times, and the decided differences. */
function withHistory(litellm: readonly ListedPrice[], genai: readonly ListedPrice[]): ListedPrice[] {
  return litellm.flatMap((row) => {
    const [name = ""] = namesOf(row);
    const theirs = genai.filter(
      (one) => one.vendor === row.vendor && namesOf(one).some((other) => keyOf(other) === keyOf(name)),
    );
    const current = theirs.find(isCurrent);
    if (current === undefined) return [{ ...row, source: "litellm" }];
    const { since, until } = current;
    return [
      ...theirs
        .filter((one) => !isCurrent(one))
        .map((one) => ({ ...one, model: name, source: "genai-prices" })),
      { ...decide(row, current), ...(since && { since }), ...(until && { until }) },
    ];
  });
}

function decide(row: ListedPrice, other: ListedPrice): ListedPrice {
  const decided = { ...row, source: "litellm" } as ListedPrice;
  const notes = new Set<string>();
  for (const part of PARTS) {
    if (Bun.deepEquals(row[part] ?? null, other[part] ?? null)) continue;
    const [name = ""] = namesOf(row);
    const decision = DECISIONS.find(
      (one) => one.vendor === row.vendor && one.parts.includes(part) && one.model.test(keyOf(name)),
    );
    if (decision === undefined)
      throw new Error(
        `undecided: ${row.vendor} ${name} ${part}: ${JSON.stringify([row[part], other[part]])}`,
      );
    notes.add(decision.why);
    if (decision.take === "genai-prices" && other[part] !== undefined)
      Object.assign(decided, { [part]: other[part] });
  }
  return notes.size === 0 ? decided : { ...decided, note: [...notes].join("; ") };
}

/** xAI's table has columns "< 200k" and "≥ 200k prompt tokens"; LiteLLM's fields say only "above". */
function fromLimitOn(row: ListedPrice): ListedPrice {
  if (row.vendor !== "xai") return row;
  const shift = <Block extends Pick<ListedPrice, "tiers">>(block: Block): Block =>
    block.tiers === undefined
      ? block
      : {
          ...block,
          tiers: block.tiers.map((tier) => ({
            ...tier,
            above: tier.above === 200_000 ? 199_999 : tier.above,
          })),
        };
  const tiers = Object.entries(row.service_tiers ?? {}).map(([name, block]) => [name, shift(block)]);
  return { ...shift(row), ...(tiers.length > 0 && { service_tiers: Object.fromEntries(tiers) }) };
}

/** What only genai-prices has. */
function listOthers(litellm: readonly ListedPrice[], genai: readonly ListedPrice[]): ListedPrice[] {
  const known = new Set(litellm.flatMap((row) => namesOf(row).map((name) => nameKey(row.vendor, name))));
  return genai.flatMap((row) => {
    const names = namesOf(row).filter(
      (name) => !known.has(nameKey(row.vendor, name)) && !NOT_SOLD.test(keyOf(name)),
    );
    // A model that LiteLLM has gets no further names: patterns of genai-prices are wide.
    // Its Claude models of Bedrock are all in LiteLLM's list, with the dates and regions of their names.
    if (row.vendor === "bedrock" && names.some((name) => name.includes("claude"))) return [];
    if (
      names.length === 0 ||
      (names.length < namesOf(row).length && row.vendor !== "openai" && row.vendor !== "anthropic")
    )
      return [];
    return [{ ...row, model: names.length === 1 ? (names[0] ?? "") : names, source: "genai-prices" }];
  });
}

if (import.meta.main) {
  await Bun.write(PRICE_LIST_PATH, await makePriceList());
}
