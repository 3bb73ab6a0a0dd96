// Usage that says the usual under other names, in lists, or in parts that do not fit the whole, and what was used.
import type { VendorShape } from "./vendor-shapes.ts";

const text = { choices: [{ index: 0, delta: { content: "x" }, finish_reason: null }] };
const stop = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const done = "[DONE]";
const answer = (usage: unknown) => ({
  choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }],
  usage,
});
const responds = (usage: unknown) => [
  { type: "response.created", response: { id: "r", status: "in_progress", usage: null } },
  { type: "response.output_text.delta", delta: "x" },
  { type: "response.completed", response: { id: "r", status: "completed", usage } },
];
const message = (usage: unknown) => ({ type: "message", content: [{ type: "text", text: "x" }], usage });
const streams = (start: unknown, end: unknown) => [
  { type: "message_start", message: { id: "m", type: "message", content: [], usage: start } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "x" } },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: end },
  { type: "message_stop" },
];

const PARTED = "https://github.com/maximhq/bifrost/issues/5510";
const BARE = "https://github.com/Helicone/helicone/pull/5652";
const GEMINI = "https://ai.google.dev/api/generate-content#UsageMetadata";
const MISTRAL = "https://github.com/vercel/ai/issues/14382";

export const VENDOR_SPELLINGS: readonly VendorShape[] = [
  {
    title: "Kimi and Qwen begin with the whole prompt and part it at the end",
    source: PARTED,
    api: "messages",
    events: streams(
      { input_tokens: 8834, output_tokens: 0 },
      { input_tokens: 18, output_tokens: 426, cache_read_input_tokens: 8831, prompt_tokens: 8849 },
    ),
    usage: { input_tokens: 18, output_tokens: 426, total_tokens: 9275, cached_input_tokens: 8831 },
  },
  {
    title: "and where all of it came from the cache, zero is a count",
    source: PARTED,
    api: "messages",
    events: streams(
      { input_tokens: 8834, output_tokens: 0 },
      { input_tokens: 0, output_tokens: 426, cache_read_input_tokens: 8834 },
    ),
    usage: { input_tokens: 0, output_tokens: 426, total_tokens: 9260, cached_input_tokens: 8834 },
  },
  {
    title: "or -1",
    source: "https://github.com/kolega-ai/kolega-code/pull/473",
    api: "messages",
    events: streams(
      { input_tokens: 33, output_tokens: 0 },
      { input_tokens: -1, output_tokens: 5, cache_read_input_tokens: 33 },
    ),
    usage: { input_tokens: 0, output_tokens: 5, total_tokens: 38, cached_input_tokens: 33 },
  },
  {
    title: "-1 without a stream",
    source: "https://github.com/kolega-ai/kolega-code/pull/473",
    api: "messages",
    document: message({ input_tokens: -1, output_tokens: 5, cache_read_input_tokens: 33 }),
    usage: { input_tokens: 0, output_tokens: 5, total_tokens: 38, cached_input_tokens: 33 },
  },
  {
    title: "another negative input is not known",
    source: "gateways that take the cached part off an input without it",
    api: "messages",
    document: message({ input_tokens: -312, output_tokens: 5, cache_read_input_tokens: 5000 }),
    usage: { output_tokens: 5, total_tokens: 5005, cached_input_tokens: 5000, partial: true },
  },
  {
    title: "a zero at the end wipes out no input that is less than what came from the cache",
    source: "relays that fill a delta with zeros",
    api: "messages",
    events: streams(
      { input_tokens: 20, cache_read_input_tokens: 900, output_tokens: 1 },
      { input_tokens: 0, cache_read_input_tokens: 900, output_tokens: 30 },
    ),
    usage: { input_tokens: 20, output_tokens: 30, total_tokens: 950, cached_input_tokens: 900 },
  },
  {
    title: "more from the cache than was read: Anthropic's figures under OpenAI's names",
    source: BARE,
    api: "chat",
    document: answer({
      prompt_tokens: 18,
      completion_tokens: 426,
      total_tokens: 444,
      prompt_tokens_details: { cached_tokens: 8831 },
    }),
    usage: { input_tokens: 8849, output_tokens: 426, total_tokens: 9275, cached_input_tokens: 8831 },
  },
  {
    title: "the same beside what was written to the cache",
    source: "https://github.com/Portkey-AI/gateway/pull/1754",
    api: "chat",
    document: answer({
      prompt_tokens: 18,
      completion_tokens: 5,
      total_tokens: 1223,
      cache_read_input_tokens: 1000,
      cache_creation_input_tokens: 200,
    }),
    usage: {
      input_tokens: 1218,
      output_tokens: 5,
      total_tokens: 1223,
      cached_input_tokens: 1000,
      cache_creation_tokens: 200,
    },
  },
  {
    title: "the same in Responses",
    source: "https://github.com/earendil-works/pi/issues/2048",
    api: "responses",
    events: responds({
      input_tokens: 5800,
      input_tokens_details: { cached_tokens: 12_252 },
      output_tokens: 5,
      total_tokens: 5805,
    }),
    usage: { input_tokens: 18_052, output_tokens: 5, total_tokens: 18_057, cached_input_tokens: 12_252 },
  },
  {
    title: "the same in Messages",
    source: BARE,
    api: "messages",
    document: message({
      prompt_tokens: 18,
      completion_tokens: 10,
      total_tokens: 28,
      prompt_tokens_details: { cached_tokens: 500 },
    }),
    usage: { input_tokens: 18, output_tokens: 10, total_tokens: 528, cached_input_tokens: 500 },
  },
  {
    title: "an input that is all from the cache contains it",
    source: "https://docs.x.ai/developers/advanced-api-usage/prompt-caching/usage-and-pricing",
    api: "chat",
    document: answer({
      prompt_tokens: 98,
      completion_tokens: 10,
      total_tokens: 108,
      prompt_tokens_details: { cached_tokens: 98 },
    }),
    usage: { input_tokens: 98, output_tokens: 10, total_tokens: 108, cached_input_tokens: 98 },
  },
  {
    title: "reasoning of a completion that counts none",
    source: "https://github.com/router-for-me/CLIProxyAPI/issues/5733",
    api: "chat",
    document: answer({
      completion_tokens: 0,
      total_tokens: 81,
      prompt_tokens: 21,
      completion_tokens_details: { reasoning_tokens: 60 },
    }),
    usage: { input_tokens: 21, output_tokens: 60, reasoning_tokens: 60, total_tokens: 81 },
  },
  {
    title: "more reasoning than output, and no total: it stands beside",
    source: "https://docs.x.ai/docs/guides/reasoning",
    api: "chat",
    document: answer({
      prompt_tokens: 32,
      completion_tokens: 9,
      completion_tokens_details: { reasoning_tokens: 94 },
    }),
    usage: { input_tokens: 32, output_tokens: 103, reasoning_tokens: 94, total_tokens: 135 },
  },
  {
    title: "more reasoning than output, and a total without it: it is miscounted",
    source: "https://github.com/langfuse/langfuse/issues/14987",
    api: "chat",
    document: answer({
      prompt_tokens: 10,
      completion_tokens: 102,
      total_tokens: 112,
      completion_tokens_details: { reasoning_tokens: 109 },
    }),
    usage: { input_tokens: 10, output_tokens: 102, total_tokens: 112, partial: true },
  },
  {
    title: "rejected predictions are a part of the output",
    source: "https://platform.openai.com/docs/guides/predicted-outputs",
    api: "chat",
    document: answer({
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      completion_tokens_details: {
        reasoning_tokens: 10,
        accepted_prediction_tokens: 5,
        rejected_prediction_tokens: 8,
      },
    }),
    usage: { input_tokens: 100, output_tokens: 50, reasoning_tokens: 10, total_tokens: 150 },
  },
  {
    title: "Perplexity's deep research bills citations and reasoning beside the rest",
    source: "https://docs.perplexity.ai/getting-started/pricing",
    api: "chat",
    document: answer({
      prompt_tokens: 33,
      completion_tokens: 7163,
      total_tokens: 7196,
      citation_tokens: 20_016,
      num_search_queries: 18,
      reasoning_tokens: 73_997,
    }),
    usage: {
      input_tokens: 20_049,
      output_tokens: 81_160,
      reasoning_tokens: 73_997,
      total_tokens: 101_209,
      server_tool_use: { web_search_requests: 18 },
    },
  },
  {
    title: "DeepSeek's halves of a prompt without their sum",
    source: "https://api-docs.deepseek.com/guides/kv_cache",
    api: "chat",
    document: answer({
      completion_tokens: 10,
      prompt_cache_hit_tokens: 64,
      prompt_cache_miss_tokens: 36,
    }),
    usage: { input_tokens: 100, output_tokens: 10, total_tokens: 110, cached_input_tokens: 64 },
  },
  {
    title: "WorkBuddy has a name of its own for what was written to the cache",
    source: "https://github.com/ithtelab/workbuddy-manager/issues/39",
    api: "chat",
    document: answer({
      prompt_tokens: 1204,
      completion_tokens: 10,
      total_tokens: 1214,
      prompt_cache_hit_tokens: 1024,
      prompt_cache_miss_tokens: 80,
      prompt_cache_write_tokens: 100,
      cache_read_input_tokens: 0,
      cached_tokens: 0,
    }),
    usage: {
      input_tokens: 1204,
      output_tokens: 10,
      total_tokens: 1214,
      cached_input_tokens: 1024,
      cache_creation_tokens: 100,
    },
  },
  {
    title: "Mistral: num_cached_tokens",
    source: MISTRAL,
    api: "chat",
    document: answer({
      prompt_tokens: 1013,
      total_tokens: 1043,
      completion_tokens: 30,
      num_cached_tokens: 1008,
    }),
    usage: { input_tokens: 1013, output_tokens: 30, total_tokens: 1043, cached_input_tokens: 1008 },
  },
  {
    title: "Mistral: prompt_token_details",
    source: MISTRAL,
    api: "chat",
    document: answer({
      prompt_tokens: 1013,
      total_tokens: 1043,
      completion_tokens: 30,
      prompt_token_details: { cached_tokens: 1008 },
    }),
    usage: { input_tokens: 1013, output_tokens: 30, total_tokens: 1043, cached_input_tokens: 1008 },
  },
  {
    title: "Realtime's details, and what of them was sound",
    source: "https://platform.openai.com/docs/guides/realtime-costs",
    api: "responses",
    events: responds({
      total_tokens: 253,
      input_tokens: 132,
      output_tokens: 121,
      input_token_details: { text_tokens: 119, audio_tokens: 13, image_tokens: 0, cached_tokens: 64 },
      output_token_details: { text_tokens: 30, audio_tokens: 91 },
    }),
    usage: {
      input_tokens: 132,
      output_tokens: 121,
      total_tokens: 253,
      cached_input_tokens: 64,
      input_audio_tokens: 13,
      output_audio_tokens: 91,
    },
  },
  {
    title: "LangChain's details",
    source: "https://reference.langchain.com/python/langchain_core/messages/",
    api: "chat",
    document: {
      usage_metadata: {
        input_tokens: 350,
        output_tokens: 240,
        total_tokens: 590,
        input_token_details: { audio: 10, cache_creation: 200, cache_read: 100 },
        output_token_details: { audio: 10, reasoning: 200 },
      },
    },
    usage: {
      input_tokens: 350,
      output_tokens: 240,
      reasoning_tokens: 200,
      total_tokens: 590,
      cached_input_tokens: 100,
      cache_creation_tokens: 200,
      input_audio_tokens: 10,
      output_audio_tokens: 10,
    },
  },
  {
    title: "the AI SDK's details",
    source: "https://ai-sdk.dev/docs/reference/ai-sdk-core/generate-text",
    api: "chat",
    document: {
      text: "x",
      usage: {
        inputTokens: 100,
        inputTokenDetails: { noCacheTokens: 20, cacheReadTokens: 70, cacheWriteTokens: 10 },
        outputTokens: 50,
        outputTokenDetails: { textTokens: 30, reasoningTokens: 20 },
        totalTokens: 150,
      },
    },
    usage: {
      input_tokens: 100,
      output_tokens: 50,
      reasoning_tokens: 20,
      total_tokens: 150,
      cached_input_tokens: 70,
      cache_creation_tokens: 10,
    },
  },
  {
    title: "details in camel case",
    source: "gateways in Java and TypeScript",
    api: "responses",
    events: responds({
      inputTokens: 100,
      inputTokensDetails: { cachedTokens: 80 },
      outputTokens: 8,
      outputTokensDetails: { reasoningTokens: 3 },
      totalTokens: 108,
    }),
    usage: {
      input_tokens: 100,
      output_tokens: 8,
      reasoning_tokens: 3,
      total_tokens: 108,
      cached_input_tokens: 80,
    },
  },
  {
    title: "Bedrock's Converse: what is kept for an hour, in a list",
    source: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CacheDetail.html",
    api: "messages",
    document: {
      output: { message: { content: [{ text: "x" }] } },
      usage: {
        inputTokens: 8,
        outputTokens: 3,
        totalTokens: 311,
        cacheReadInputTokens: 100,
        cacheWriteInputTokens: 200,
        cacheDetails: [
          { ttl: "1h", inputTokens: 150 },
          { ttl: "5m", inputTokens: 50 },
        ],
      },
    },
    usage: {
      input_tokens: 8,
      output_tokens: 3,
      total_tokens: 311,
      cached_input_tokens: 100,
      cache_creation_tokens: 200,
      cache_creation_1h_tokens: 150,
    },
  },
  {
    title: "Gemini by modality, with what its tools read and its thoughts",
    source: GEMINI,
    api: "chat",
    document: {
      candidates: [{ content: { parts: [{ text: "x" }] }, finishReason: "STOP" }],
      usageMetadata: {
        promptTokenCount: 100,
        cachedContentTokenCount: 40,
        candidatesTokenCount: 20,
        thoughtsTokenCount: 50,
        toolUsePromptTokenCount: 30,
        totalTokenCount: 200,
        promptTokensDetails: [
          { modality: "TEXT", tokenCount: 40 },
          { modality: "AUDIO", tokenCount: 50 },
          { modality: "IMAGE", tokenCount: 10 },
        ],
        cacheTokensDetails: [{ modality: "TEXT", tokenCount: 40 }],
        serviceTier: "flex",
      },
    },
    usage: {
      input_tokens: 130,
      output_tokens: 70,
      reasoning_tokens: 50,
      total_tokens: 200,
      cached_input_tokens: 40,
      input_audio_tokens: 50,
      input_image_tokens: 10,
      service_tier: "flex",
    },
  },
  {
    title: "Gemini's thoughts, as many as came from the cache",
    source: GEMINI,
    api: "chat",
    document: {
      usageMetadata: {
        promptTokenCount: 100,
        cachedContentTokenCount: 50,
        candidatesTokenCount: 20,
        thoughtsTokenCount: 50,
        totalTokenCount: 170,
      },
    },
    usage: {
      input_tokens: 100,
      output_tokens: 70,
      reasoning_tokens: 50,
      total_tokens: 170,
      cached_input_tokens: 50,
    },
  },
  {
    title: "an image of Gemini's",
    source: "https://ai.google.dev/gemini-api/docs/pricing",
    api: "chat",
    document: {
      usageMetadata: {
        promptTokenCount: 8,
        candidatesTokenCount: 1300,
        totalTokenCount: 1308,
        candidatesTokensDetails: [
          { modality: "IMAGE", tokenCount: 1290 },
          { modality: "TEXT", tokenCount: 10 },
        ],
        trafficType: "ON_DEMAND",
      },
    },
    usage: { input_tokens: 8, output_tokens: 1300, total_tokens: 1308, output_image_tokens: 1290 },
  },
  ...[
    ["ON_DEMAND_PRIORITY", "priority"],
    ["ON_DEMAND_FLEX", "flex"],
    ["PROVISIONED_THROUGHPUT", "provisioned_throughput"],
  ].map(([trafficType = "", tier = ""]): VendorShape => ({
    title: `Vertex AI's traffic: ${trafficType}`,
    source: "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/priority-paygo",
    api: "chat",
    document: {
      usageMetadata: { promptTokenCount: 8, candidatesTokenCount: 2, totalTokenCount: 10, trafficType },
    },
    usage: { input_tokens: 8, output_tokens: 2, total_tokens: 10, service_tier: tier },
  })),
  {
    title: "Gemini's Interactions",
    source: "https://ai.google.dev/api/interactions-api",
    api: "chat",
    document: {
      outputs: [{ type: "text", text: "x" }],
      usage: {
        total_input_tokens: 100,
        input_tokens_by_modality: [
          { modality: "text", tokens: 60 },
          { modality: "audio", tokens: 40 },
        ],
        total_cached_tokens: 30,
        total_output_tokens: 20,
        total_tool_use_tokens: 7,
        total_thought_tokens: 22,
        total_tokens: 149,
      },
    },
    usage: {
      input_tokens: 107,
      output_tokens: 42,
      reasoning_tokens: 22,
      total_tokens: 149,
      cached_input_tokens: 30,
      input_audio_tokens: 40,
    },
  },
  {
    title: "Cohere: what is billed, beside what the cache knew of what was read",
    source: "https://docs.cohere.com/reference/chat",
    api: "chat",
    document: {
      message: { role: "assistant", content: [{ type: "text", text: "x" }] },
      usage: {
        billed_units: { input_tokens: 11, output_tokens: 418 },
        tokens: { input_tokens: 79, output_tokens: 420 },
        cached_tokens: 16,
      },
    },
    usage: { input_tokens: 11, output_tokens: 418, total_tokens: 429 },
  },
  {
    title: "the same at the end of a stream",
    source: "https://docs.cohere.com/reference/chat-stream",
    api: "chat",
    events: [
      text,
      {
        type: "message-end",
        delta: {
          finish_reason: "COMPLETE",
          usage: {
            tokens: { input_tokens: 79, output_tokens: 420 },
            billed_units: { input_tokens: 11, output_tokens: 418 },
            cached_tokens: 16,
          },
        },
      },
      done,
    ],
    usage: { input_tokens: 11, output_tokens: 418, total_tokens: 429 },
  },
  {
    title: "LM Studio's own API",
    source: "https://lmstudio.ai/docs/developer/rest/chat",
    api: "chat",
    document: {
      output: [{ type: "message", content: "x" }],
      stats: {
        input_tokens: 329,
        total_output_tokens: 268,
        reasoning_output_tokens: 5,
        tokens_per_second: 43.7,
      },
    },
    usage: { input_tokens: 329, output_tokens: 268, reasoning_tokens: 5, total_tokens: 597 },
  },
  {
    title: "llama.cpp's timings where no usage was asked for",
    source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    api: "chat",
    events: [
      text,
      {
        ...stop,
        timings: { cache_n: 236, prompt_n: 1, prompt_per_token_ms: 30.9, predicted_n: 35, predicted_ms: 661 },
      },
      done,
    ],
    usage: { input_tokens: 237, output_tokens: 35, total_tokens: 272, cached_input_tokens: 236 },
  },
  {
    title: "llama.cpp's timings beside a usage",
    source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    api: "chat",
    events: [
      text,
      stop,
      {
        choices: [],
        usage: { prompt_tokens: 237, completion_tokens: 35, total_tokens: 272 },
        timings: { cache_n: 236, prompt_n: 1, predicted_n: 35 },
      },
      done,
    ],
    usage: { input_tokens: 237, output_tokens: 35, total_tokens: 272 },
  },
  {
    title: "llama.cpp's own route: what it keeps in its cache is not what came from there",
    source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    api: "chat",
    document: {
      content: "x",
      tokens_predicted: 35,
      tokens_evaluated: 237,
      tokens_cached: 271,
      timings: { prompt_n: 237, predicted_n: 35 },
    },
    usage: { input_tokens: 237, output_tokens: 35, total_tokens: 272 },
  },
  {
    title: "Ark counts searches by a plain number",
    source: "https://www.volcengine.com/docs/82379/1569618",
    api: "responses",
    events: responds({
      input_tokens: 50,
      output_tokens: 20,
      total_tokens: 70,
      tool_usage: { web_search: 2 },
      tool_usage_details: { web_search: { toutiao: 2 } },
    }),
    usage: {
      input_tokens: 50,
      output_tokens: 20,
      total_tokens: 70,
      server_tool_use: { web_search_requests: 2 },
    },
  },
  {
    title: "Model Studio counts searches among its tools",
    source: "https://www.alibabacloud.com/help/en/model-studio/compatibility-with-openai-responses-api",
    api: "responses",
    events: responds({
      input_tokens: 50,
      output_tokens: 20,
      total_tokens: 70,
      x_tools: { web_search: { count: 1 } },
      x_details: [{ input_tokens: 50, output_tokens: 20, total_tokens: 70, x_billing_type: "response_api" }],
    }),
    usage: {
      input_tokens: 50,
      output_tokens: 20,
      total_tokens: 70,
      server_tool_use: { web_search_requests: 1 },
    },
  },
  {
    title: "Hunyuan's own API",
    source: "https://cloud.tencent.com/document/api/1729/105701",
    api: "chat",
    document: {
      Response: {
        Choices: [{ Message: { Content: "x" } }],
        Usage: { PromptTokens: 5, CompletionTokens: 6, TotalTokens: 11 },
      },
    },
    usage: { input_tokens: 5, output_tokens: 6, total_tokens: 11 },
  },
  {
    title: "in an output that is one object",
    source: "gateways that wrap an answer",
    api: "chat",
    document: { output: { text: "x", usage: { input_tokens: 4, output_tokens: 3, total_tokens: 7 } } },
    usage: { input_tokens: 4, output_tokens: 3, total_tokens: 7 },
  },
  {
    title: "in a response within a result",
    source: "gateways that wrap an answer",
    api: "chat",
    document: { result: { response: answer({ input_tokens: 4, output_tokens: 3, total_tokens: 7 }) } },
    usage: { input_tokens: 4, output_tokens: 3, total_tokens: 7 },
  },
  {
    title: "parts of an input that overlap are parts of it",
    source: "gateways that count what is written again among what is read",
    api: "chat",
    document: answer({
      prompt_tokens: 100,
      completion_tokens: 8,
      total_tokens: 108,
      prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 20 },
    }),
    usage: {
      input_tokens: 100,
      output_tokens: 8,
      total_tokens: 108,
      cached_input_tokens: 100,
      cache_creation_tokens: 20,
    },
  },
  {
    title: "labels of any kind in a list are no figures",
    source: "answers of any form",
    api: "chat",
    document: answer({
      prompt_tokens: 4,
      completion_tokens: 3,
      total_tokens: 7,
      promptTokensDetails: [null, { modality: "__proto__", tokenCount: 3 }, { modality: 5, tokenCount: 3 }],
      cacheDetails: [{ ttl: "1h", inputTokens: -4 }],
      tool_usage: { web_search: "many" },
    }),
    usage: { input_tokens: 4, output_tokens: 3, total_tokens: 7 },
  },
];
