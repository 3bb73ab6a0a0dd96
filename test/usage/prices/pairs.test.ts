// What requests cost by the pages of the vendors and by LiteLLM's list, next to what we say. The figures are those of the
// sources, never of our own list. A pair is a model as it is asked, an upstream, a size, a way to be served.
import { beforeAll, describe, expect, test } from "bun:test";
import { inEnglish } from "../../../src/base/text.ts";
import { loadCatalog } from "../../../src/usage/price-lists.ts";
import { type Cost, type Pricer, makePricer } from "../../../src/usage/prices.ts";
import { makeRecord } from "../../log/make-record.ts";

let pricer: Pricer;
beforeAll(async () => {
  pricer = makePricer({ catalog: await loadCatalog(), overrides: [], multiplierOf: () => 1 });
});

/** A Monday, 10:00 in Beijing. */
const PEAK = "2026-11-23T02:00:00Z";
const RELAY = "https://relay.example/v1";
const HOSTS: Readonly<Record<string, string>> = {
  openai: "https://api.openai.com/v1",
  anthropic: "https://api.anthropic.com",
  bedrock: "https://bedrock-runtime.us-east-1.amazonaws.com",
  bedrock_converse: "https://bedrock-runtime.us-east-1.amazonaws.com",
  "vertex_ai-anthropic_models": "https://aiplatform.googleapis.com/v1",
  azure: "https://mine.openai.azure.com/openai/v1",
  xai: "https://api.x.ai/v1",
  zai: "https://api.z.ai/api/anthropic",
  deepseek: "https://api.deepseek.com",
  moonshot: "https://api.moonshot.ai/v1",
  minimax: "https://api.minimax.io/anthropic",
  volcengine: "https://ark.cn-beijing.volces.com/api/v3",
  dashscope: "https://dashscope-intl.aliyuncs.com/apps/anthropic",
  qwencloud: "https://dashscope-intl.aliyuncs.com/apps/anthropic",
  gemini: "https://generativelanguage.googleapis.com",
};

interface Asked {
  readonly model: string;
  readonly upstream: string;
  readonly usage: Readonly<Record<string, unknown>>;
  readonly at?: string | undefined;
  readonly path?: string | undefined;
}

function costOf({ at = PEAK, model, path = "/v1/responses", upstream, usage }: Asked): Cost {
  const service = /claude|anthropic/.test(model) ? "claude" : "codex";
  const record = { timestamp_ms: Date.parse(at), service, path, model, upstream_base_url: upstream, usage };
  return pricer.costOf(makeRecord(record));
}

const say = (cost: Cost): number | string =>
  cost.kind === "priced"
    ? Number(cost.usd.toPrecision(9))
    : cost.kind === "unpriced"
      ? `unpriced: ${inEnglish(cost.why ?? "")}`
      : cost.kind;

type Row = Readonly<Record<string, unknown>> & { readonly provider: string };
const litellm = (await Bun.file(`${import.meta.dir}/litellm.txt`).text()).trim().split("\n").slice(1);
const rows: Readonly<Record<string, Row>> = Object.assign({}, ...litellm.map((line) => JSON.parse(line)));

describe("LiteLLM's list, taken on 2026-11-29", () => {
  const rate = (name: string, field: string): number => {
    const value = rows[name]?.[field];
    if (typeof value !== "number") throw new Error(`${name} has no ${field}`);
    return value;
  };

  /** Tokens of one kind, and the field with what one of them costs. */
  const pairs: readonly (readonly [
    row: string,
    asked: string,
    upstream: string,
    usage: Readonly<Record<string, unknown>>,
    tokens: number,
    field: string,
  ])[] = [];
  const add = (
    row: string,
    asked: string,
    upstream: string,
    usage: Readonly<Record<string, unknown>>,
    field: string,
  ) => {
    const count = Object.values(usage).find((value) => typeof value === "number") as number;
    (pairs as unknown[]).push([row, asked, upstream, usage, count, field]);
  };
  const at = (row: string): string => HOSTS[rows[row]?.provider ?? ""] ?? "";
  const IN = "input_cost_per_token";
  const OUT = "output_cost_per_token";
  const CACHED = "cache_read_input_token_cost";
  const WRITTEN = "cache_creation_input_token_cost";

  // Exactly at a limit, one token beyond, far beyond; each tier; at the vendor and at a relay.
  for (const upstream of [HOSTS["openai"] ?? "", RELAY])
    for (const model of ["gpt-5.4", "gpt-5.5", "gpt-5.6-terra", "gpt-6-sol", "gpt-6.1-sol", "gpt-6-astra"]) {
      add(model, model, upstream, { input_tokens: 272_000 }, IN);
      add(model, model, upstream, { input_tokens: 272_001 }, `${IN}_above_272k_tokens`);
      add(model, model, upstream, { output_tokens: 1000 }, OUT);
      add(model, model, upstream, { output_tokens: 1000, service_tier: "priority" }, `${OUT}_priority`);
      add(model, model, upstream, { input_tokens: 1000, service_tier: "flex" }, `${IN}_flex`);
      add(model, model, upstream, { input_tokens: 1000, batch: true }, `${IN}_batches`);
    }
  for (const model of ["gpt-5.6-terra", "gpt-6-sol", "gpt-6.1-sol"])
    add(
      model,
      model,
      RELAY,
      { input_tokens: 272_001, service_tier: "fast" },
      `${IN}_above_272k_tokens_priority`,
    );
  add(
    "gpt-6-astra",
    "gpt-6-astra",
    RELAY,
    { output_tokens: 1000, service_tier: "ultrafast" },
    `${OUT}_ultrafast`,
  );
  for (const [row, asked] of [
    ["gpt-5", "openai/gpt-5"],
    ["gpt-5", "vip/gpt-5"],
    ["gpt-5", "GPT-5"],
    ["gpt-5", "gpt-5(high)"],
    ["gpt-5", "gpt-5-minimal"],
    ["gpt-5", "[A]gpt-5"],
    ["azure/gpt-5", "azure-gpt-5"],
    ["azure/eu/gpt-5", "azure/eu/gpt-5"],
    ["gpt-5-mini", "gpt-5-mini-high"],
    ["gpt-5-codex", "gpt-5-codex-high"],
    ["gpt-5.1-codex-max", "gpt-5.1-codex-max"],
    ["gpt-5.1-codex-mini", "gpt-5-1-codex-mini"],
    ["gpt-6.1-sol", "gpt-6.1-sol-2026-09-29"],
    ["gpt-4o-2024-05-13", "gpt-4o-2024-05-13"],
    ["claude-sonnet-5-5", "claude-sonnet-5.5"],
    ["claude-sonnet-5-5", "anthropic/claude-sonnet-5-5"],
    ["claude-sonnet-4-5", "claude-4-5-sonnet"],
    ["claude-sonnet-4-5", "claude-4.5-sonnet-20250929"],
    ["claude-opus-4-6", "[CC]claude-opus-4-6"],
    ["claude-opus-5-5", "claude-opus-5-5[1m]"],
    ["claude-opus-5-5", "claude-opus-5-5-thinking"],
    // https://openrouter.ai/docs/guides/routing/model-variants/thinking
    ["claude-sonnet-4-5", "anthropic/claude-sonnet-4.5:thinking"],
    ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929:thinking"],
    ["claude-mythos-5", "claude-mythos-5"],
    ["claude-haiku-4-5", "claude-haiku-4-5-20251001"],
    ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"],
    ["us.anthropic.claude-opus-4-6-v1", "bedrock/us.anthropic.claude-opus-4-6-v1:0"],
    [
      "eu.anthropic.claude-opus-5-5",
      "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-5-5",
    ],
    [
      "anthropic.claude-haiku-4-5-20251001-v1:0",
      "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
    ],
    [
      "bedrock/us-gov-west-1/anthropic.claude-opus-5",
      "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-opus-5",
    ],
    ["global.anthropic.claude-sonnet-5-5", "global.anthropic.claude-sonnet-5-5"],
    ["vertex_ai/claude-opus-4-5@20251101", "claude-opus-4-5@20251101"],
    ["vertex_ai/claude-opus-4-6", "publishers/anthropic/models/claude-opus-4-6"],
    ["zai/glm-4.6", "glm-4.6"],
    ["zai/glm-5", "zai-org/GLM-5"],
    ["zai/glm-5-code", "glm-5-code"],
    ["deepseek/deepseek-v3.2", "deepseek-ai/DeepSeek-V3.2"],
    ["moonshot/kimi-k3.1-pro-highspeed", "kimi-k3.1-pro-highspeed"],
    ["moonshot/kimi-k2.7-code", "moonshotai/kimi-k2.7-code"],
    ["minimax/MiniMax-M2.5-lightning", "minimax-m2.5-lightning"],
    ["xai/grok-4.7", "x-ai/grok-4.7"],
    ["volcengine/doubao-seed-2-1-pro-260915", "doubao-seed-2.1-pro"],
    ["dashscope/qwen3.7-max", "qwen3.7-max"],
    ["gemini/gemini-2.5-pro", "google/gemini-2.5-pro"],
  ] as const) {
    add(row, asked, RELAY, { input_tokens: 1000 }, IN);
    add(row, asked, RELAY, { output_tokens: 1000 }, OUT);
  }
  for (const row of [
    "claude-opus-5-5",
    "claude-fable-5-1",
    "us.anthropic.claude-opus-5",
    "vertex_ai/claude-sonnet-4-6",
  ]) {
    const asked = row.split("/").at(-1) ?? row;
    add(row, asked, at(row), { cached_input_tokens: 1000, path: "messages" }, CACHED);
    add(row, asked, at(row), { cache_creation_tokens: 1000, path: "messages" }, WRITTEN);
    add(
      row,
      asked,
      at(row),
      { cache_creation_tokens: 1000, cache_creation_1h_tokens: 1000, path: "messages" },
      `${WRITTEN}_above_1hr`,
    );
  }
  add("claude-haiku-5-5", "claude-haiku-5-5", RELAY, { input_tokens: 100_000 }, IN);
  add("claude-haiku-5-5", "claude-haiku-5-5", RELAY, { input_tokens: 100_001 }, `${IN}_above_100k_tokens`);
  add("minimax/MiniMax-M3", "MiniMax-M3", RELAY, { input_tokens: 512_001 }, `${IN}_above_512k_tokens`);

  test("there are enough of them", () => expect(pairs.length).toBeGreaterThan(150));

  test.each(pairs.map((pair) => [`${pair[1]} at ${pair[2]}: ${JSON.stringify(pair[3])}`, pair] as const))(
    "%s",
    (_, [row, model, upstream, { path, ...usage }, tokens, field]) => {
      const cost = costOf({ model, upstream, usage, path: path === undefined ? undefined : "/v1/messages" });
      expect(say(cost)).toBe(Number((tokens * rate(row, field)).toPrecision(9)));
    },
  );

  /** Rows that are decided otherwise, each with its reason in the list or in the overlay. */
  const DECIDED = /^deepseek(\/|-)?.*(flash|v4-pro)|^ft:gpt-4o-2024-11-20/;
  const cachedInput = { input_tokens: 1000, cached_input_tokens: 1000 };
  const writtenInput = { input_tokens: 1000, cache_creation_tokens: 1000 };
  const kinds: readonly (readonly [usage: Readonly<Record<string, unknown>>, field: string])[] = [
    [{ input_tokens: 1000 }, IN],
    [{ output_tokens: 1000 }, OUT],
    [cachedInput, CACHED],
    [{ output_tokens: 1000, service_tier: "priority" }, `${OUT}_priority`],
    [{ output_tokens: 1000, service_tier: "flex" }, `${OUT}_flex`],
    [{ output_tokens: 1000, batch: true }, `${OUT}_batches`],
    [{ ...cachedInput, service_tier: "priority" }, `${CACHED}_priority`],
    [{ ...cachedInput, service_tier: "flex" }, `${CACHED}_flex`],
    [{ ...cachedInput, batch: true }, `${CACHED}_batches`],
    [writtenInput, WRITTEN],
    [{ ...writtenInput, cache_creation_1h_tokens: 1000 }, `${WRITTEN}_above_1hr`],
    [{ ...writtenInput, service_tier: "priority" }, `${WRITTEN}_priority`],
    [{ ...writtenInput, service_tier: "flex" }, `${WRITTEN}_flex`],
    [{ ...writtenInput, batch: true }, `${WRITTEN}_batches`],
  ];
  test("every model of it has its price at its own vendor", () => {
    const wrong: unknown[] = [];
    let tried = 0;
    for (const [name, row] of Object.entries(rows)) {
      if (DECIDED.test(name) || name.includes("claude-opus-5-5") || name.includes("vertex_ai/claude-3"))
        continue;
      const model = name.replace(
        /^(bedrock|azure|vertex_ai|zai|dashscope|qwencloud|moonshot|minimax|volcengine|xai|gemini)\//,
        "",
      );
      for (const [usage, field] of kinds) {
        if (typeof row[field] !== "number") continue;
        tried += 1;
        const said = say(costOf({ model, upstream: HOSTS[row.provider] ?? "", usage }));
        const want = Number((1000 * rate(name, field)).toPrecision(9));
        if (said !== want) wrong.push([name, field, want, said]);
      }
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(2000);
  });
});

/** Two pages are quoted in the words of those who wrote them down. */
const PAGES = {
  deepseek: {
    url: "https://api-docs.deepseek.com/zh-cn/quick_start/pricing",
    read: "2026-11-15",
    quote:
      "空闲时段价格为高峰时段价格的一半。北京时间周一至周五(不含中国法定节假日)9:00 - 12:00、14:00 - 18:00 为高峰时段; deepseek-flash off-peak $0.003 / $0.15 / $0.6, deepseek-v4-pro $0.022 / $0.66 / $1.98; 'billed at the Flash price' of deepseek-v4-flash",
  },
  deepseekBefore: {
    url: "https://api-docs.deepseek.com/quick_start/pricing",
    read: "2026-08-15",
    quote:
      "deepseek-v4-flash $0.0028 / $0.14 / $0.28; 'The new prices take effect at 16:00 UTC on August 16, 2026'",
  },
  fable: {
    url: "https://platform.claude.com/docs/en/about-claude/pricing",
    read: "2026-11-10",
    quote:
      "claude-fable-5-2: $8 input, $40 output, $0.20 cache read, $10 and $16 for 5-minute and 1-hour cache writes",
  },
  haiku: {
    url: "https://platform.claude.com/docs/en/models/haiku-5-5/overview",
    read: "2026-10-08",
    quote:
      "$0.10 / MTok for prompts up to 100,000 tokens, $0.50 / MTok for prompts over 100,000 tokens; output $0.50, $2.50",
  },
  opus5: {
    url: "https://platform.claude.com/docs/about-claude/models/whats-new-opus-5",
    read: "2026-11-01",
    quote:
      "Input $5, Output $25, 5m cache write $6.25, 1h cache write $10, Cache read $0.50; Batch API 50% discount",
  },
  claude: {
    url: "https://platform.claude.com/docs/en/about-claude/pricing",
    read: "2026-08-24",
    quote:
      "Claude Fable 5.1 $10 | $12.50 | $20 | $0.25 | $50; Claude Opus 4.1 $15 | $18.75 | $30 | $1.50 | $75; $10 per 1,000 searches; US-only inference 1.1x",
  },
  fast: {
    url: "https://platform.claude.com/docs/en/build-with-claude/fast-mode",
    read: "2026-11-15",
    quote: "Opus 5 in fast mode $10 / $50, Opus 5.5 $8 / $40; Opus 4.6 'at premium 6x pricing'",
  },
  vertex: {
    url: "https://docs.claude.com/en/docs/build-with-claude/claude-on-vertex-ai",
    read: "2026-11-01",
    quote:
      "Starting with Claude Sonnet 4.5: global endpoints 'no pricing premium', regional endpoints a 10% premium; older models keep their pricing",
  },
  xai: {
    url: "https://docs.x.ai/developers/pricing",
    read: "2026-10-01",
    quote:
      "grok-4.7 Long context ≥ 200k tokens: $2.00 | $0.50 | $6.00 | $4.00 | $1.00 | $12.00; grok-4.20-multi-agent-0309 $1.25 | $0.20 | $2.50; US regional endpoint 1.1x",
  },
  priority: {
    url: "https://openai.com/api-priority-processing/",
    read: "2026-11-01",
    quote:
      "GPT-5.5 excludes long context $12.50 $1.250 $75.00; GPT-5.4 mini $1.50 $0.150 $9.00; GPT-5.2 $3.50 $0.350 $28.00; GPT-5 mini $0.45 $0.045 $3.60; GPT-5.1 codex and GPT-5 codex $2.50 $0.250 $20.00; GPT-4.1 $3.50 $0.875 $14.00",
  },
  residency: {
    url: "https://developers.openai.com/api/docs/guides/data-residency",
    read: "2026-11-01",
    quote: "Data residency endpoints are charged a 10% uplift for models released on or after March 5, 2026",
  },
  sol62: {
    url: "https://developers.openai.com/api/docs/models/gpt-6.2-sol",
    read: "2026-11-20",
    quote:
      "Input $2.00 Cached input $0.10 Cache writes $2.50 Output $10.00; 'more than 272K input tokens, input and cache rates double and output costs 1.5 times'; Batch 50%, Fast twice, 'Ultrafast costs 3 times the Standard rate through February 28, 2027, and 6 times' after",
  },
  minimaxCn: {
    url: "https://platform.minimaxi.com/docs/guides/pricing-paygo.md",
    read: "2026-11-01",
    quote: "MiniMax-M2.7-highspeed | 4.2 | 16.8 | 0.42 | 2.625 元/百万 tokens",
  },
  kimi: {
    url: "https://platform.kimi.ai/docs/pricing/chat-k3.md",
    read: "2026-10-25",
    quote: "kimi-k3.1-pro $2.00 / $10.00, cached $0.20; -highspeed $4.00 / $20.00, cached $0.20",
  },
} as const;

describe("the pages of the vendors", () => {
  const WEEKEND = "2026-11-22T02:00:00Z";
  const NIGHT = "2026-11-23T12:00:00Z";
  const million = { input_tokens: 1_000_000 };
  const out = { output_tokens: 1_000_000 };
  const cached = { input_tokens: 1_000_000, cached_input_tokens: 1_000_000 };
  const ds = "https://api.deepseek.com";
  const claude = "https://api.anthropic.com";
  const openai = "https://api.openai.com/v1";
  const messages = "/v1/messages";
  const short = { input_tokens: 100_000 };
  const pairs: readonly (readonly [
    page: keyof typeof PAGES,
    asked: Omit<Asked, "upstream"> & { upstream?: string },
    usd: number | RegExp,
  ])[] = [
    ["deepseek", { model: "deepseek-flash", upstream: ds, usage: million, at: PEAK }, 0.3],
    ["deepseek", { model: "deepseek-flash", upstream: ds, usage: million, at: NIGHT }, 0.15],
    ["deepseek", { model: "deepseek-flash", usage: out, at: WEEKEND }, 0.6],
    ["deepseek", { model: "deepseek-flash", usage: out, at: "2026-10-05T02:00:00Z" }, 0.6],
    ["deepseek", { model: "deepseek-flash", usage: cached, at: "2026-11-23T04:00:00Z" }, 0.003],
    ["deepseek", { model: "deepseek-flash", usage: cached, at: "2026-11-23T06:00:00Z" }, 0.006],
    ["deepseek", { model: "deepseek-flash", usage: cached, at: "2026-11-23T10:00:00Z" }, 0.003],
    ["deepseek", { model: "deepseek-v4-pro", upstream: ds, usage: out, at: PEAK }, 3.96],
    ["deepseek", { model: "deepseek-v4-pro", upstream: ds, usage: out, at: WEEKEND }, 1.98],
    ["deepseek", { model: "deepseek-v4-flash", upstream: ds, usage: out, at: NIGHT }, 0.6],
    ["deepseekBefore", { model: "deepseek-v4-flash", usage: out, at: "2026-08-16T15:59:59Z" }, 0.28],
    ["deepseekBefore", { model: "deepseek-v4-flash", usage: cached, at: "2026-06-01T02:00:00Z" }, 0.0028],
    ["fable", { model: "claude-fable-5-2", upstream: claude, usage: million }, 8],
    ["fable", { model: "claude-fable-5-2", usage: out }, 40],
    ["fable", { model: "claude-fable-5.2", usage: { cached_input_tokens: 1_000_000 }, path: messages }, 0.2],
    [
      "fable",
      {
        model: "claude-fable-5-2",
        usage: { cache_creation_tokens: 1_000_000, cache_creation_1h_tokens: 1_000_000 },
        path: messages,
      },
      16,
    ],
    ["haiku", { model: "claude-haiku-5-5", upstream: claude, usage: { input_tokens: 100_000 } }, 0.01],
    ["haiku", { model: "claude-haiku-5-5", upstream: claude, usage: { input_tokens: 100_001 } }, 0.050_000_5],
    [
      "haiku",
      {
        model: "claude-haiku-5-5",
        usage: { cached_input_tokens: 100_001, output_tokens: 1_000_000 },
        path: messages,
      },
      2.505_000_05,
    ],
    [
      "opus5",
      {
        model: "claude-opus-5",
        upstream: claude,
        usage: { cache_creation_tokens: 1_000_000 },
        path: messages,
      },
      6.25,
    ],
    ["opus5", { model: "claude-opus-5", usage: { ...out, batch: true } }, 12.5],
    ...["anthropic.claude-opus-5", "claude-opus-5", "claude-opus-5@default"].flatMap((model) =>
      (
        [
          [{ cache_creation_tokens: 1_000_000, cache_creation_1h_tokens: 1_000_000 }, 5],
          [{ cache_creation_tokens: 1_000_000 }, 3.125],
          [{ cached_input_tokens: 1_000_000 }, 0.25],
        ] as const
      ).map(
        ([usage, usd]) =>
          ["opus5", { model, usage: { ...usage, batch: true }, path: messages }, usd] as const,
      ),
    ),
    [
      "claude",
      { model: "claude-fable-5-1", usage: { cached_input_tokens: 1_000_000 }, path: messages },
      0.25,
    ],
    ["claude", { model: "claude-opus-4-1", usage: out }, 75],
    [
      "claude",
      { model: "claude-opus-4-1-20250805", usage: { cached_input_tokens: 1_000_000 }, path: messages },
      1.5,
    ],
    ["claude", { model: "claude-opus-5", usage: { ...out, inference_geo: "us" } }, 27.5],
    ["claude", { model: "claude-opus-5", usage: { ...out, inference_geo: "global" } }, 25],
    [
      "claude",
      { model: "claude-opus-5", usage: { output_tokens: 1, server_tool_use: { web_search_requests: 3 } } },
      0.030_025,
    ],
    ["fast", { model: "claude-opus-5", usage: { ...out, speed: "fast" } }, 50],
    ["fast", { model: "claude-opus-5-5", usage: { ...million, speed: "fast" } }, 8],
    ["fast", { model: "claude-opus-5-5-fast", usage: out }, 40],
    ["fast", { model: "claude-opus-4-6", usage: { ...million, speed: "fast" } }, 30],
    ["fast", { model: "claude-opus-4-6-fast", usage: out }, 150],
    ["fast", { model: "claude-sonnet-5-5", usage: { ...out, speed: "fast" } }, /no price for the tier fast/],
    [
      "vertex",
      {
        model: "claude-sonnet-4-5",
        upstream: "https://us-east5-aiplatform.googleapis.com/v1",
        usage: { input_tokens: 1000 },
      },
      0.0033,
    ],
    [
      "vertex",
      {
        model: "claude-sonnet-4-5",
        upstream: "https://aiplatform.googleapis.com/v1",
        usage: { input_tokens: 1000 },
      },
      0.003,
    ],
    [
      "vertex",
      {
        model: "claude-sonnet-4@20250514",
        upstream: "https://us-east5-aiplatform.googleapis.com/v1",
        usage: { input_tokens: 1000 },
      },
      0.003,
    ],
    [
      "vertex",
      {
        model: "projects/p/locations/europe-west1/publishers/anthropic/models/claude-opus-4-6",
        usage: { input_tokens: 1000 },
      },
      0.0055,
    ],
    [
      "xai",
      { model: "grok-4.7", upstream: "https://api.x.ai/v1", usage: { input_tokens: 199_999 } },
      0.399_998,
    ],
    ["xai", { model: "grok-4.7", upstream: "https://api.x.ai/v1", usage: { input_tokens: 200_000 } }, 0.8],
    ["xai", { model: "grok-4.7", usage: { input_tokens: 200_000, cached_input_tokens: 200_000 } }, 0.2],
    ["xai", { model: "grok-4.6", usage: { output_tokens: 1_000_000 } }, 6],
    [
      "xai",
      { model: "grok-4.6", upstream: "https://us.api.x.ai/v1", usage: { output_tokens: 1_000_000 } },
      6.6,
    ],
    ["residency", { model: "gpt-5.4", upstream: "https://eu.api.openai.com/v1", usage: out }, 16.5],
    ["residency", { model: "gpt-6.1-sol", upstream: "https://us.api.openai.com/v1", usage: million }, 4.4],
    ["residency", { model: "gpt-5.2", upstream: "https://eu.api.openai.com/v1", usage: out }, 14],
    ["xai", { model: "grok-4.20-multi-agent-0309", usage: { output_tokens: 1_000_000 } }, 2.5],
    ["priority", { model: "gpt-5.5", upstream: openai, usage: { ...short, service_tier: "priority" } }, 1.25],
    ["priority", { model: "gpt-5.5", upstream: openai, usage: { ...out, service_tier: "priority" } }, 75],
    [
      "priority",
      { model: "gpt-5.5", upstream: openai, usage: { input_tokens: 272_001, service_tier: "priority" } },
      /no price for the tier priority above 272000/,
    ],
    ["priority", { model: "gpt-5.4-mini", usage: { ...out, service_tier: "priority" } }, 9],
    [
      "priority",
      { model: "gpt-5.2", usage: { ...short, cached_input_tokens: 100_000, service_tier: "priority" } },
      0.035,
    ],
    ["priority", { model: "gpt-5-mini", usage: { ...out, service_tier: "priority" } }, 3.6],
    ["priority", { model: "gpt-5.1-codex", usage: { ...out, service_tier: "priority" } }, 20],
    ["priority", { model: "gpt-5-codex", usage: { ...short, service_tier: "priority" } }, 0.25],
    ["priority", { model: "gpt-4.1", usage: { ...out, service_tier: "priority" } }, 14],
    [
      "priority",
      { model: "gpt-5-pro", usage: { ...out, service_tier: "priority" } },
      /no price for the tier priority/,
    ],
    ["sol62", { model: "gpt-6.2-sol", upstream: openai, usage: { input_tokens: 272_000 } }, 0.544],
    ["sol62", { model: "gpt-6.2-sol", usage: { input_tokens: 272_001 } }, 1.088_004],
    [
      "sol62",
      {
        model: "gpt-6.2-sol",
        usage: { input_tokens: 272_001, cached_input_tokens: 272_001, output_tokens: 1_000_000 },
      },
      15.054_400_2,
    ],
    ["sol62", { model: "gpt-6.2-sol", usage: { ...out, batch: true } }, 5],
    ["sol62", { model: "gpt-6.2-sol-high", usage: { ...out, service_tier: "fast" } }, 20],
    ["sol62", { model: "gpt-6.2-sol", usage: { ...out, service_tier: "ultrafast" } }, 30],
    [
      "sol62",
      { model: "gpt-6.2-sol", usage: { ...out, service_tier: "ultrafast" }, at: "2027-03-01T00:00:00Z" },
      60,
    ],
    [
      "minimaxCn",
      { model: "MiniMax-M2.7-highspeed", upstream: "https://api.minimaxi.com/anthropic", usage: out },
      16.8 / 6.9565,
    ],
    ["kimi", { model: "kimi-k3.1-pro", upstream: "https://api.moonshot.ai/anthropic", usage: million }, 2],
    ["kimi", { model: "kimi-k3.1-pro", upstream: "https://api.kimi.ai/coding", usage: million }, 2],
    ["kimi", { model: "kimi-k3.1-pro-highspeed", usage: cached }, 0.2],
  ];

  test.each(
    pairs.map(
      ([page, asked, usd]) =>
        [`${page}: ${JSON.stringify(asked)}`, { upstream: RELAY, ...asked }, usd] as const,
    ),
  )("%s", (_, asked, usd) => {
    const said = say(costOf(asked));
    if (typeof usd === "number") expect(said).toBeCloseTo(usd, 5);
    else expect(said).toMatch(usd);
  });

  test("there are enough of them, each page with its words and date", () => {
    expect(pairs.length).toBeGreaterThan(50);
    for (const { quote, read, url } of Object.values(PAGES))
      expect([quote.length > 20, /^2026-\d\d-\d\d$/.test(read), url.startsWith("https://")]).toEqual([
        true,
        true,
        true,
      ]);
  });
});

test.each([
  ["claude-sonnet-5-6", RELAY],
  ["claude-opus-5-5-mini", RELAY],
  ["claude-opus-6", RELAY],
  ["claude-haiku-5-5-fast", RELAY],
  ["gpt-5.7", RELAY],
  ["gpt-6.1-luna", RELAY],
  ["gpt-5.5-codex", RELAY],
  ["gpt-5.2-codex-max", RELAY],
  ["gpt-5.1-mini", RELAY],
  ["gpt-5-turbo", RELAY],
  ["grok-4.7-fast", RELAY],
  ["glm-5-air", RELAY],
  ["kimi-k3.1", RELAY],
  ["MiniMax-M3.5", RELAY],
  ["deepseek-v4", RELAY],
  ["gpt-5[fast]", RELAY],
  ["[fast]claude-opus-5-5", RELAY],
  ["claude-opus-5-5(fast)", RELAY],
  ["sonnet", RELAY],
  ["opus", RELAY],
  ["claude-sonnet-latest", RELAY],
  ["arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", RELAY],
  ["glm-4.6", "https://open.bigmodel.cn/api/anthropic"],
  ["qwen3-max", "https://dashscope.aliyuncs.com/apps/anthropic"],
  ["gpt-5", "https://api.anthropic.com"],
  ["claude-opus-5-5", "https://openrouter.ai/api/v1"],
  ["gpt-99", "https://mine.openai.azure.com/openai/v1"],
])("%s at %s has no price, and says why", (model, upstream) => {
  expect(say(costOf({ model, upstream, usage: { input_tokens: 10 } }))).toMatch(/^unpriced: \w.+/);
});

test("hosts count: what is sold in yuan is not what is sold in dollars", () => {
  const at = (upstream: string, model = "glm-5", input_tokens = 32_000) =>
    say(costOf({ model, upstream, usage: { input_tokens } }));
  expect(at("https://api.z.ai/api/anthropic")).toBe(0.032);
  expect(at(RELAY)).toBe(0.032);
  const cn = "https://open.bigmodel.cn/api/anthropic";
  expect(at(cn)).toBe(0.017_664);
  // "Input 6, Output 22, Implicit Cache 1.5 CNY", help.aliyun.com/en/model-studio/glm-5-by-zhipu, 2026-07-31.
  expect(at(cn, "glm-5", 1_000_000)).toBeCloseTo(6 / 7.25, 5);
  expect(at(cn, "glm-5.1")).toBe(0.026_496);
  expect(at(cn, "glm-5.1", 32_001)).toBe("unpriced: no price for an input of 32001 tokens");
  expect(at(cn, "glm-4.7")).toMatch(/^unpriced: its price there goes by the length of the answer/);
});

test.each([
  ["claude-sonnet-5-5", RELAY, [2, 0.1, 10]],
  ["claude-opus-4-6-fast", RELAY, [30, 3, 150]],
  ["glm-5", "https://api.z.ai/api/anthropic", [1, 0.2, 3.2]],
  ["glm-4.7", "https://api.z.ai/api/anthropic", [0.6, 0.11, 2.2]],
  ["glm-4.6", RELAY, [0.6, 0.11, 2.2]],
  ["gpt-6.1-sol", RELAY, [2, 0.1, 10]],
  ["claude-mythos-5", RELAY, [10, 1, 50]],
  ["deepseek-flash", RELAY, [0.15, 0.003, 0.6]],
  ["deepseek-v3.2", RELAY, [0.28, 0.028, 0.4]],
])("%s at %s costs %p a million for input, cached input and output", (model, upstream, rates) => {
  const at = "2026-11-23T12:00:00Z";
  const ask = (usage: object) => say(costOf({ model, upstream, at, usage: { ...usage } }));
  expect([
    ask({ input_tokens: 10_000 }),
    ask({ input_tokens: 10_000, cached_input_tokens: 10_000 }),
    ask({ output_tokens: 10_000 }),
  ]).toEqual(rates.map((rate) => Number((rate / 100).toPrecision(9))));
});

test("each pass within an answer is priced by its own size and model", () => {
  const pass = { input_tokens: 90_000, output_tokens: 0 };
  const usage = { input_tokens: 180_000, iterations: [pass, pass] };
  const ask = (iterations: readonly object[]) =>
    say(
      costOf({
        model: "claude-haiku-5-5",
        upstream: RELAY,
        usage: { ...usage, iterations },
        path: "/v1/messages",
      }),
    );
  expect(ask([pass, pass])).toBe(0.018);
  expect(ask([pass, { ...pass, model: "claude-opus-5-5" }])).toBe(0.369);
  expect(ask([pass, { ...pass, model: "claude-opus-9" }])).toMatch(/^unpriced/);
});
