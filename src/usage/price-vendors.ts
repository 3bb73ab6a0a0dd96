// Who sells models by the token under a list of their own: where they are asked, and what other lists and relays call them.
// A host that is not here has no list: what it is asked for is then priced as its maker does.
// Pure.

export interface PriceVendor {
  readonly id: string;
  readonly name: string;
  /** Hosts of its API; "*." stands for one or more labels, a "*" within a label for any text in it. */
  readonly hosts: readonly string[];
  /** What stands before the slash in a model's name, or before the dash where `prefixes` has it. */
  readonly makers?: readonly string[];
  readonly prefixes?: readonly string[];
  /** Its own models, which relays sell too: asked in this order where the host has no list. */
  readonly isMaker?: true;
  /** Whose list holds for what its own does not have. */
  readonly falls_back_to?: string;
  /** US dollars for a thousand web searches, whatever the model. */
  readonly web_search?: number;
  /** What its endpoints of a region take of some models, times the price of its global one. */
  readonly regional?: { readonly of: RegExp; readonly factor: number };
  /** Ids of it in other lists. */
  readonly litellm?: readonly string[];
  readonly genai?: string;
}

export const PRICE_VENDORS: readonly PriceVendor[] = [
  {
    id: "openai",
    name: "OpenAI",
    hosts: ["api.openai.com", "*.api.openai.com", "chatgpt.com"],
    makers: ["openai"],
    prefixes: ["openai"],
    isMaker: true,
    // https://developers.openai.com/api/docs/pricing, "Web search (all models)", read 2026-11.
    web_search: 10,
    // https://developers.openai.com/api/docs/guides/data-residency: "a 10% uplift for models released on or after March 5, 2026",
    // the day of GPT-5.4. Read 2026-11.
    regional: { of: /^gpt-(?:5-[4-9]|[6-9])(?!\d)/, factor: 1.1 },
    litellm: ["openai", "text-completion-openai"],
    genai: "openai",
  },
  {
    id: "anthropic",
    name: "Anthropic",
    hosts: ["api.anthropic.com", "aws-external-anthropic.*.api.aws"],
    makers: ["anthropic"],
    prefixes: ["anthropic"],
    isMaker: true,
    // https://platform.claude.com/docs/en/about-claude/pricing, "$10 per 1,000 searches", read 2026-11.
    web_search: 10,
    litellm: ["anthropic"],
    genai: "anthropic",
  },
  {
    id: "xai",
    name: "xAI",
    hosts: ["api.x.ai", "*.api.x.ai"],
    makers: ["xai", "x-ai"],
    prefixes: ["xai"],
    isMaker: true,
    // https://docs.x.ai/developers/pricing: the US regional endpoint "billed at 1.1x the global token rates", read 2026-11.
    regional: { of: /^grok-/, factor: 1.1 },
    litellm: ["xai"],
    genai: "x-ai",
  },
  {
    id: "zai",
    name: "Z.AI",
    hosts: ["api.z.ai"],
    makers: ["zai", "z-ai", "zai-org", "zhipuai", "thudm"],
    isMaker: true,
    litellm: ["zai"],
    genai: "zai",
  },
  { id: "bigmodel", name: "BigModel", hosts: ["open.bigmodel.cn"], makers: ["bigmodel"], genai: "zhipuai" },
  {
    id: "deepseek",
    name: "DeepSeek",
    hosts: ["api.deepseek.com"],
    makers: ["deepseek", "deepseek-ai"],
    isMaker: true,
    litellm: ["deepseek"],
    genai: "deepseek",
  },
  {
    id: "moonshot",
    name: "Moonshot AI",
    hosts: ["api.moonshot.ai", "api.kimi.com", "api.kimi.ai"],
    makers: ["moonshot", "moonshotai", "kimi"],
    isMaker: true,
    litellm: ["moonshot"],
    genai: "moonshotai",
  },
  { id: "moonshot-cn", name: "Moonshot AI (China)", hosts: ["api.moonshot.cn"] },
  {
    id: "minimax",
    name: "MiniMax",
    hosts: ["api.minimax.io"],
    makers: ["minimax", "minimaxai"],
    isMaker: true,
    litellm: ["minimax"],
    genai: "minimax",
  },
  {
    id: "minimax-cn",
    name: "MiniMax (China)",
    hosts: ["api.minimaxi.com", "api.minimax.chat", "api.minimax.cn"],
  },
  {
    id: "volcengine",
    name: "Volcengine",
    hosts: ["ark.*.volces.com"],
    makers: ["volcengine", "doubao", "bytedance"],
    isMaker: true,
    litellm: ["volcengine"],
  },
  {
    id: "dashscope",
    name: "Alibaba Cloud Model Studio",
    hosts: ["dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com", "coding-intl.dashscope.aliyuncs.com"],
    makers: ["dashscope", "qwen", "alibaba", "qwencloud"],
    isMaker: true,
    litellm: ["dashscope", "qwencloud"],
  },
  {
    id: "dashscope-cn",
    name: "Alibaba Cloud Model Studio (China)",
    hosts: ["dashscope.aliyuncs.com", "coding.dashscope.aliyuncs.com"],
  },
  {
    id: "gemini",
    name: "Google Gemini API",
    hosts: ["generativelanguage.googleapis.com"],
    makers: ["gemini", "google"],
    prefixes: ["google"],
    isMaker: true,
    litellm: ["gemini"],
    genai: "google",
  },
  {
    id: "mistral",
    name: "Mistral",
    hosts: ["api.mistral.ai", "codestral.mistral.ai"],
    makers: ["mistral", "mistralai"],
    isMaker: true,
    genai: "mistral",
  },
  {
    id: "bedrock",
    name: "Amazon Bedrock",
    hosts: [
      "bedrock-runtime.*.amazonaws.com",
      "bedrock-runtime-fips.*.amazonaws.com",
      "bedrock-mantle.*.api.aws",
    ],
    makers: ["bedrock", "aws", "amazon-bedrock"],
    prefixes: ["bedrock", "aws"],
    litellm: ["bedrock", "bedrock_converse"],
    genai: "aws",
  },
  {
    id: "vertex",
    name: "Google Vertex AI",
    hosts: ["aiplatform.googleapis.com", "*-aiplatform.googleapis.com", "aiplatform.*.rep.googleapis.com"],
    makers: ["vertex_ai", "vertex-ai", "vertex"],
    prefixes: ["vertex", "vertex-ai"],
    falls_back_to: "gemini",
    // https://docs.claude.com/en/docs/build-with-claude/claude-on-vertex-ai: from Claude Sonnet 4.5 on, endpoints of a region
    // cost 10 % more than the global one; older models do not. Read 2026-11.
    regional: { of: /claude-(?:sonnet|opus|haiku|fable|mythos)-(?:4-[5-9]|[5-9])(?!\d)/, factor: 1.1 },
    litellm: ["vertex_ai-anthropic_models"],
  },
  {
    id: "azure",
    name: "Azure",
    hosts: [
      "*.openai.azure.com",
      "*.services.ai.azure.com",
      "*.cognitiveservices.azure.com",
      "*.azure-api.net",
    ],
    makers: ["azure", "azure_ai"],
    prefixes: ["azure"],
    falls_back_to: "anthropic",
    litellm: ["azure"],
  },
  {
    id: "openrouter",
    name: "OpenRouter",
    hosts: ["openrouter.ai", "api.openrouter.ai"],
    makers: ["openrouter"],
    genai: "openrouter",
  },
  { id: "groq", name: "Groq", hosts: ["api.groq.com"], makers: ["groq"], genai: "groq" },
  {
    id: "together",
    name: "Together AI",
    hosts: ["api.together.xyz", "api.together.ai"],
    makers: ["together", "together_ai"],
    genai: "together",
  },
  {
    id: "fireworks",
    name: "Fireworks AI",
    hosts: ["api.fireworks.ai"],
    makers: ["fireworks", "fireworks_ai"],
    genai: "fireworks",
  },
  { id: "cerebras", name: "Cerebras", hosts: ["api.cerebras.ai"], makers: ["cerebras"], genai: "cerebras" },
  { id: "novita", name: "Novita AI", hosts: ["api.novita.ai"], makers: ["novita"], genai: "novita" },
  {
    id: "perplexity",
    name: "Perplexity",
    hosts: ["api.perplexity.ai"],
    makers: ["perplexity"],
    genai: "perplexity",
  },
  {
    id: "cohere",
    name: "Cohere",
    hosts: ["api.cohere.ai", "api.cohere.com"],
    makers: ["cohere"],
    genai: "cohere",
  },
];

export interface Host {
  readonly vendor: PriceVendor;
  /** What the host's name says of where it is; empty where it says nothing, or "global". */
  readonly region: string;
}

/** Whose list holds at a base URL. Null for a host without one, such as a relay. */
export function readHost(baseUrl: string): Host | null {
  const name = URL.parse(baseUrl)?.hostname ?? "";
  for (const vendor of PRICE_VENDORS)
    for (const pattern of vendor.hosts) {
      const match = toPattern(pattern).exec(name);
      if (match === null) continue;
      const [, region = ""] = match;
      return { vendor, region: regionOf(region) };
    }
  return null;
}

export function regionOf(location: string): string {
  return location === "global" ? "" : location;
}

function toPattern(host: string): RegExp {
  const [before = "", after] = host.split("*");
  if (after === undefined) return new RegExp(`^${RegExp.escape(host)}$`);
  return new RegExp(`^${RegExp.escape(before)}([a-z0-9.-]+)${RegExp.escape(after)}$`);
}
