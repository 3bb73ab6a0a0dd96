// Answers as vendors and relays are known to send them where they differ from the three APIs, and what was used.
import type { Api } from "../../src/usage/stream-events.ts";
import type { Usage } from "../../src/usage/usage.ts";

export interface VendorShape {
  readonly title: string;
  /** Where the shape is described. */
  readonly source: string;
  readonly api: Api;
  /** Events by their data, `type` names them; or a whole document. */
  readonly events?: readonly unknown[];
  readonly document?: unknown;
  /** Undefined figures are absent. Null: it cannot be known. */
  readonly usage: Usage | null;
}

const text = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
const stop = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const done = "[DONE]";
const delta = { type: "response.output_text.delta", delta: "x" };
const created = { type: "response.created", response: { id: "r", status: "in_progress", usage: null } };
const begin = (usage: unknown) => ({
  type: "message_start",
  message: { id: "m", type: "message", role: "assistant", content: [], usage },
});
const block = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "x" } };
const stopped = (usage?: unknown) => ({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage });
const end = { type: "message_stop" };
const many = (event: unknown) => Array.from({ length: 3000 }, () => event);

export const VENDOR_SHAPES: readonly VendorShape[] = [
  {
    title: "Kimi puts the usage of a stream into its last choice",
    source: "https://github.com/northes/go-moonshot/issues/17",
    api: "chat",
    events: [
      text("a"),
      {
        choices: [
          {
            index: 0,
            delta: {},
            finish_reason: "stop",
            usage: { prompt_tokens: 19, completion_tokens: 13, total_tokens: 32, cached_tokens: 16 },
          },
        ],
      },
      done,
    ],
    usage: { input_tokens: 19, output_tokens: 13, total_tokens: 32, cached_input_tokens: 16 },
  },
  {
    title: "Groq puts it beside the choices under a name of its own",
    source: "https://console.groq.com/docs/api-reference",
    api: "chat",
    events: [
      text("a"),
      {
        ...stop,
        x_groq: {
          id: "req_1",
          usage: {
            queue_time: 0.03,
            prompt_tokens: 21,
            prompt_time: 0.1,
            completion_tokens: 5,
            total_tokens: 26,
          },
        },
      },
      done,
    ],
    usage: { input_tokens: 21, output_tokens: 5, total_tokens: 26 },
  },
  {
    title: "vLLM states it with each chunk when asked to: the last one counts",
    source: "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    api: "chat",
    events: [
      { ...text("a"), usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 } },
      { ...text("b"), usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } },
      { ...stop, usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } },
      done,
    ],
    usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12 },
  },
  {
    title: "the same cut off in the middle is partial",
    source: "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    api: "chat",
    events: [
      { ...text("a"), usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 } },
      { ...text("b"), usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } },
    ],
    usage: { input_tokens: 9, output_tokens: 2, total_tokens: 11, partial: true },
  },
  {
    title: "xAI counts reasoning beside the completion, and says so by its total",
    source: "https://docs.x.ai/docs/guides/reasoning",
    api: "chat",
    document: {
      choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }],
      usage: {
        prompt_tokens: 32,
        completion_tokens: 9,
        total_tokens: 135,
        prompt_tokens_details: { text_tokens: 32, audio_tokens: 0, image_tokens: 0, cached_tokens: 8 },
        completion_tokens_details: { reasoning_tokens: 94, audio_tokens: 0 },
        num_sources_used: 0,
        server_side_tool_usage_details: { web_search_calls: 3, x_search_calls: 2, code_interpreter_calls: 0 },
      },
    },
    usage: {
      input_tokens: 32,
      output_tokens: 103,
      reasoning_tokens: 94,
      total_tokens: 135,
      cached_input_tokens: 8,
      server_tool_use: { web_search_requests: 3, x_search_requests: 2 },
    },
  },
  {
    title: "Gemini through an OpenAI form counts thoughts beside the completion",
    source: "https://github.com/router-for-me/CLIProxyAPI/issues/5733",
    api: "chat",
    document: {
      choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }],
      usage: {
        completion_tokens: 0,
        total_tokens: 81,
        prompt_tokens: 21,
        completion_tokens_details: { reasoning_tokens: 60 },
      },
    },
    usage: { input_tokens: 21, output_tokens: 60, reasoning_tokens: 60, total_tokens: 81 },
  },
  {
    title: "Gemini that leaves its thoughts to the total alone is partial",
    source: "https://github.com/mozilla-ai/any-llm/issues/1290",
    api: "chat",
    document: {
      choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 },
    },
    usage: { input_tokens: 20, output_tokens: 198, total_tokens: 623, partial: true },
  },
  {
    title: "Gemini in its own names behind a path of Chat Completions",
    source: "https://ai.google.dev/api/generate-content#UsageMetadata",
    api: "chat",
    events: [
      {
        candidates: [{ content: { parts: [{ text: "a" }] } }],
        usageMetadata: { promptTokenCount: 100, totalTokenCount: 100 },
      },
      {
        candidates: [{ content: { parts: [{ text: "b" }] }, finishReason: "STOP" }],
        usageMetadata: {
          promptTokenCount: 100,
          cachedContentTokenCount: 60,
          candidatesTokenCount: 30,
          thoughtsTokenCount: 12,
          toolUsePromptTokenCount: 5,
          totalTokenCount: 147,
        },
      },
      done,
    ],
    usage: {
      input_tokens: 105,
      output_tokens: 42,
      reasoning_tokens: 12,
      total_tokens: 147,
      cached_input_tokens: 60,
    },
  },
  {
    title: "DeepSeek has its own names for what the cache knew",
    source: "https://api-docs.deepseek.com/guides/kv_cache",
    api: "chat",
    events: [
      text("a"),
      {
        ...stop,
        usage: {
          prompt_tokens: 90,
          completion_tokens: 10,
          total_tokens: 100,
          prompt_cache_hit_tokens: 64,
          prompt_cache_miss_tokens: 26,
          completion_tokens_details: { reasoning_tokens: 4 },
        },
      },
      done,
    ],
    usage: {
      input_tokens: 90,
      output_tokens: 10,
      reasoning_tokens: 4,
      total_tokens: 100,
      cached_input_tokens: 64,
    },
  },
  {
    title: "LiteLLM gives the names of both, and its prompt contains the cache",
    source: "https://docs.litellm.ai/docs/completion/prompt_caching",
    api: "chat",
    document: {
      choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }],
      usage: {
        prompt_tokens: 1000,
        completion_tokens: 20,
        total_tokens: 1020,
        prompt_tokens_details: {
          cached_tokens: 700,
          cache_creation_tokens: 200,
          cache_creation_token_details: { ephemeral_5m_input_tokens: 150, ephemeral_1h_input_tokens: 50 },
        },
        cache_read_input_tokens: 700,
        cache_creation_input_tokens: 200,
      },
    },
    usage: {
      input_tokens: 1000,
      output_tokens: 20,
      total_tokens: 1020,
      cached_input_tokens: 700,
      cache_creation_tokens: 200,
      cache_creation_1h_tokens: 50,
    },
  },
  {
    title: "OpenRouter counts cache writes in the details, and the searches of its upstreams",
    source: "https://openrouter.ai/docs/use-cases/usage-accounting",
    api: "chat",
    events: [
      text("a"),
      stop,
      {
        choices: [],
        usage: {
          prompt_tokens: 500,
          completion_tokens: 40,
          total_tokens: 540,
          cost: 0.01,
          prompt_tokens_details: { cached_tokens: 300, cache_write_tokens: 100, audio_tokens: 0 },
          completion_tokens_details: { reasoning_tokens: 7, image_tokens: 0 },
          server_tool_use: { web_search_requests: 2 },
        },
      },
      done,
    ],
    usage: {
      input_tokens: 500,
      output_tokens: 40,
      reasoning_tokens: 7,
      total_tokens: 540,
      cached_input_tokens: 300,
      cache_creation_tokens: 100,
      server_tool_use: { web_search_requests: 2 },
    },
  },
  {
    title: "usage in the first chunk, and a long answer behind it",
    source: "relays that count before they ask",
    api: "chat",
    events: [
      { ...text("a"), usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } },
      ...many(text("word")),
      stop,
      done,
    ],
    usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12 },
  },
  {
    title: "usage in a list of several choices",
    source: "https://platform.moonshot.cn/docs/api/chat",
    api: "chat",
    events: [
      {
        choices: [
          { index: 0, delta: {}, finish_reason: "stop" },
          {
            index: 1,
            delta: {},
            finish_reason: "stop",
            usage: { prompt_tokens: 9, completion_tokens: 30, total_tokens: 39 },
          },
        ],
      },
      done,
    ],
    usage: { input_tokens: 9, output_tokens: 30, total_tokens: 39 },
  },
  {
    title: "usage in an error",
    source: "relays that bill what failed",
    api: "chat",
    events: [text("a"), { error: { message: "x", usage: { prompt_tokens: 9, completion_tokens: 30 } } }],
    usage: { input_tokens: 9, output_tokens: 30, total_tokens: 39 },
  },
  {
    title: "Cohere counts what it bills apart from what it read",
    source: "https://docs.cohere.com/reference/chat",
    api: "chat",
    document: {
      message: { role: "assistant", content: [{ type: "text", text: "x" }] },
      usage: {
        billed_units: { input_tokens: 5, output_tokens: 418 },
        tokens: { input_tokens: 71, output_tokens: 418 },
      },
    },
    usage: { input_tokens: 5, output_tokens: 418, total_tokens: 423 },
  },
  {
    title: "Cohere ends a stream with an event of its own",
    source: "https://docs.cohere.com/v2/docs/streaming",
    api: "chat",
    events: [
      { type: "content-delta", delta: { message: { content: { text: "x" } } } },
      {
        type: "message-end",
        delta: {
          finish_reason: "COMPLETE",
          usage: {
            billed_units: { input_tokens: 3, output_tokens: 9 },
            tokens: { input_tokens: 66, output_tokens: 9 },
          },
        },
      },
      done,
    ],
    usage: { input_tokens: 3, output_tokens: 9, total_tokens: 12 },
  },
  {
    title: "Spark puts it below the text",
    source: "https://www.xfyun.cn/doc/spark/Web.html",
    api: "chat",
    events: [
      text("a"),
      {
        header: { code: 0 },
        payload: {
          usage: { text: { question_tokens: 4, prompt_tokens: 5, completion_tokens: 9, total_tokens: 14 } },
        },
      },
      stop,
      done,
    ],
    usage: { input_tokens: 5, output_tokens: 9, total_tokens: 14 },
  },
  {
    title: "Ollama counts beside its answer",
    source: "https://github.com/ollama/ollama/blob/main/docs/api.md",
    api: "chat",
    document: {
      model: "m",
      message: { role: "assistant", content: "x" },
      done: true,
      prompt_eval_count: 26,
      eval_count: 298,
      eval_duration: 4709213000,
    },
    usage: { input_tokens: 26, output_tokens: 298, total_tokens: 324 },
  },
  {
    title: "usage in an event behind the end",
    source: "relays that count when they are done",
    api: "chat",
    events: [text("a"), stop, done, { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }],
    usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12 },
  },
  {
    title: "zeros behind the figures wipe nothing out",
    source: "relays that fill in what they do not know",
    api: "chat",
    events: [
      text("a"),
      { ...stop, usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } },
      { choices: [], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } },
      done,
    ],
    usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12 },
  },
  {
    title: "new-api fills the names of the other API with zeros",
    source: "https://github.com/QuantumNous/new-api/blob/main/dto/openai_response.go",
    api: "chat",
    document: {
      choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }],
      usage: {
        prompt_tokens: 90,
        completion_tokens: 3,
        total_tokens: 93,
        prompt_tokens_details: { cached_tokens: 80, cached_creation_tokens: 4, text_tokens: 0 },
        input_tokens: 0,
        output_tokens: 0,
        input_tokens_details: null,
      },
    },
    usage: {
      input_tokens: 90,
      output_tokens: 3,
      total_tokens: 93,
      cached_input_tokens: 80,
      cache_creation_tokens: 4,
    },
  },
  {
    title: "a total alone is partial",
    source: "https://platform.minimaxi.com/document/ChatCompletion",
    api: "chat",
    events: [text("a"), { ...stop, usage: { total_tokens: 120 } }, done],
    usage: { total_tokens: 120, partial: true },
  },
  {
    title: "the input in the first chunk, and a zero for it in the last",
    source: "relays that count each side on its own",
    api: "chat",
    events: [
      { ...text("a"), usage: { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 } },
      { ...stop, usage: { prompt_tokens: 0, completion_tokens: 5, total_tokens: 5 } },
      done,
    ],
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  },
  {
    title: "the output in a chunk, and a zero for it in the last",
    source: "relays that count each side on its own",
    api: "chat",
    events: [
      { ...text("a"), usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } },
      { choices: [], usage: { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 } },
      done,
    ],
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  },
  {
    title: "a zero for an input is no count, and the total tells it",
    source: "relays that fill in what they do not know",
    api: "chat",
    document: {
      choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 0, completion_tokens: 5, total_tokens: 15 },
    },
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  },
  {
    title: "a zero for an output that is there is no count",
    source: "relays that fill in what they do not know",
    api: "chat",
    document: {
      choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 },
    },
    usage: { input_tokens: 10, total_tokens: 10, partial: true },
  },
  {
    title: "a zero for an output that was withheld is one",
    source: "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/concepts/content-filter",
    api: "chat",
    document: {
      choices: [{ index: 0, message: { content: "" }, finish_reason: "content_filter" }],
      usage: { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 },
    },
    usage: { input_tokens: 10, output_tokens: 0, total_tokens: 10 },
  },
  {
    title: "Cloudflare wraps its answers",
    source: "https://developers.cloudflare.com/workers-ai/",
    api: "chat",
    document: {
      success: true,
      result: { response: "x", usage: { prompt_tokens: 20, completion_tokens: 4, total_tokens: 24 } },
    },
    usage: { input_tokens: 20, output_tokens: 4, total_tokens: 24 },
  },
  {
    title: "a service tier beside the usage",
    source: "https://platform.openai.com/docs/api-reference/chat/object",
    api: "chat",
    events: [
      text("a"),
      { ...stop, service_tier: "flex" },
      {
        choices: [],
        service_tier: "flex",
        usage: {
          prompt_tokens: 5,
          completion_tokens: 6,
          total_tokens: 11,
          prompt_tokens_details: { audio_tokens: 3 },
          completion_tokens_details: { audio_tokens: 2 },
        },
      },
      done,
    ],
    usage: {
      input_tokens: 5,
      output_tokens: 6,
      total_tokens: 11,
      input_audio_tokens: 3,
      output_audio_tokens: 2,
      service_tier: "flex",
    },
  },
  {
    title: "an answer that does not tell is not known",
    source: "https://platform.openai.com/docs/api-reference/chat (without include_usage)",
    api: "chat",
    events: [text("a"), stop, done],
    usage: null,
  },
  {
    title: "usage beside the response",
    source: "relays that make Responses out of Chat Completions",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.completed",
        response: { id: "r", status: "completed" },
        usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
      },
    ],
    usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
  },
  {
    title: "a zero for an output that was streamed is no count",
    source: "relays that fill in what they do not know",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.completed",
        response: {
          id: "r",
          status: "completed",
          output: [],
          usage: { input_tokens: 10, output_tokens: 0, total_tokens: 10 },
        },
      },
    ],
    usage: { input_tokens: 10, total_tokens: 10, partial: true },
  },
  {
    title: "a zero where nothing was written is one",
    source: "https://github.com/openai/codex: a request that only warms the cache (generate: false)",
    api: "responses",
    events: [
      created,
      {
        type: "response.completed",
        response: {
          id: "r",
          status: "completed",
          output: [],
          usage: { input_tokens: 10, output_tokens: 0, total_tokens: 10 },
        },
      },
    ],
    usage: { input_tokens: 10, output_tokens: 0, total_tokens: 10 },
  },
  {
    title: "usage in an event before the end",
    source: "relays that end by themselves",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.in_progress",
        response: { id: "r", usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 } },
      },
      { type: "response.completed", response: { id: "r", status: "completed", usage: null } },
    ],
    usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
  },
  {
    title: "usage in an event of its own, long before the end",
    source: "relays that end by themselves",
    api: "responses",
    events: [
      created,
      { type: "response.usage", usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 } },
      ...many(delta),
      { type: "response.completed", response: { id: "r", status: "completed", usage: null } },
    ],
    usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
  },
  {
    title: "usage before a long output in the last event",
    source: "relays that order their members otherwise",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.completed",
        response: {
          id: "r",
          usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
          service_tier: "priority",
          output: [{ type: "message", content: [{ type: "output_text", text: "word ".repeat(40_000) }] }],
        },
      },
    ],
    usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15, service_tier: "priority" },
  },
  {
    title: "an incomplete response has cost what it says",
    source: "https://platform.openai.com/docs/api-reference/responses-streaming/response/incomplete",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.incomplete",
        response: {
          id: "r",
          status: "incomplete",
          incomplete_details: { reason: "max_output_tokens" },
          usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
        },
      },
    ],
    usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
  },
  {
    title: "a failed response has cost what it says",
    source: "https://platform.openai.com/docs/api-reference/responses-streaming/response/failed",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.failed",
        response: {
          id: "r",
          status: "failed",
          error: { code: "server_error" },
          usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
        },
      },
    ],
    usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
  },
  {
    title: "a compacted response",
    source: "https://platform.openai.com/docs/api-reference/responses/compact",
    api: "responses",
    document: {
      id: "resp_1",
      object: "response.compaction",
      output: [{ type: "compaction", encrypted_content: "abc" }],
      usage: {
        input_tokens: 139,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 438,
        output_tokens_details: { reasoning_tokens: 64 },
        total_tokens: 577,
      },
    },
    usage: {
      input_tokens: 139,
      output_tokens: 438,
      reasoning_tokens: 64,
      total_tokens: 577,
      cached_input_tokens: 0,
    },
  },
  {
    title: "Anthropic's names: the input is told without what the cache took part in",
    source: "relays that make Responses out of Messages",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.completed",
        response: {
          id: "r",
          usage: {
            input_tokens: 20,
            cache_read_input_tokens: 70,
            cache_creation_input_tokens: 10,
            output_tokens: 8,
          },
        },
      },
    ],
    usage: {
      input_tokens: 100,
      output_tokens: 8,
      total_tokens: 108,
      cached_input_tokens: 70,
      cache_creation_tokens: 10,
    },
  },
  {
    title: "Anthropic's names with a total that contains the cache already",
    source: "relays that add names and keep figures",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.completed",
        response: {
          id: "r",
          usage: { input_tokens: 100, cache_read_input_tokens: 70, output_tokens: 8, total_tokens: 108 },
        },
      },
    ],
    usage: { input_tokens: 100, output_tokens: 8, total_tokens: 108, cached_input_tokens: 70 },
  },
  {
    title: "the tier and the searches beside the usage",
    source: "https://platform.openai.com/docs/api-reference/responses/object#service_tier",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.completed",
        response: {
          id: "r",
          output: [
            { type: "web_search_call", action: { type: "search", query: "x" } },
            { type: "web_search_call", action: { type: "open_page", url: "x" } },
            { type: "web_search_call", action: { type: "search", query: "y" } },
          ],
          service_tier: "priority",
          usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
        },
      },
    ],
    usage: {
      input_tokens: 7,
      output_tokens: 8,
      total_tokens: 15,
      service_tier: "priority",
      server_tool_use: { web_search_requests: 2 },
    },
  },
  {
    title: "searches that the response counts itself",
    source: "https://github.com/openai/codex (responses of its own backend)",
    api: "responses",
    events: [
      created,
      delta,
      {
        type: "response.completed",
        response: {
          id: "r",
          tool_usage: { image_gen: { input_tokens: 0 }, web_search: { num_requests: 3 } },
          usage: { input_tokens: 7, output_tokens: 8, total_tokens: 15 },
        },
      },
    ],
    usage: {
      input_tokens: 7,
      output_tokens: 8,
      total_tokens: 15,
      server_tool_use: { web_search_requests: 3 },
    },
  },
  {
    title: "chat names in a response",
    source: "relays that make Responses out of Chat Completions",
    api: "responses",
    document: {
      id: "r",
      object: "response",
      status: "completed",
      output: [],
      usage: {
        prompt_tokens: 50,
        prompt_tokens_details: { cached_tokens: 20 },
        completion_tokens: 4,
        total_tokens: 54,
      },
    },
    usage: { input_tokens: 50, output_tokens: 4, total_tokens: 54, cached_input_tokens: 20 },
  },
  {
    title: "compaction within an answer: its passes are billed, and the sum leaves them out",
    source: "https://platform.claude.com/docs/en/build-with-claude/compaction",
    api: "messages",
    events: [
      begin({ input_tokens: 23_000, output_tokens: 1 }),
      block,
      stopped({
        input_tokens: 23_000,
        output_tokens: 1000,
        iterations: [
          { type: "compaction", input_tokens: 180_000, output_tokens: 3500 },
          { type: "message", input_tokens: 23_000, output_tokens: 1000 },
        ],
      }),
      end,
    ],
    usage: {
      input_tokens: 203_000,
      output_tokens: 4500,
      total_tokens: 207_500,
      iterations: [
        { input_tokens: 180_000, output_tokens: 3500, total_tokens: 183_500 },
        { input_tokens: 23_000, output_tokens: 1000, total_tokens: 24_000 },
      ],
    },
  },
  {
    title: "a compaction alone: its pass is billed, and what the answer counts itself leaves it out",
    source: "https://platform.claude.com/docs/en/build-with-claude/compaction (pause_after_compaction)",
    api: "messages",
    events: [
      begin({ input_tokens: 12, output_tokens: 1 }),
      block,
      {
        type: "message_delta",
        delta: { stop_reason: "compaction" },
        usage: {
          input_tokens: 0,
          output_tokens: 0,
          iterations: [{ type: "compaction", input_tokens: 180_000, output_tokens: 3500 }],
        },
      },
      end,
    ],
    usage: {
      input_tokens: 180_000,
      output_tokens: 3500,
      total_tokens: 183_500,
      iterations: [{ input_tokens: 180_000, output_tokens: 3500, total_tokens: 183_500 }],
    },
  },
  {
    title: "two compactions, and zeros for what the answer counts itself",
    source: "https://platform.claude.com/docs/en/build-with-claude/compaction (pause_after_compaction)",
    api: "messages",
    document: {
      type: "message",
      content: [{ type: "compaction", content: "x" }],
      stop_reason: "compaction",
      usage: {
        input_tokens: 0,
        output_tokens: 0,
        iterations: [
          { type: "compaction", input_tokens: 100, output_tokens: 30 },
          { type: "compaction", input_tokens: 80, output_tokens: 20 },
        ],
      },
    },
    usage: {
      input_tokens: 180,
      output_tokens: 50,
      total_tokens: 230,
      iterations: [
        { input_tokens: 100, output_tokens: 30, total_tokens: 130 },
        { input_tokens: 80, output_tokens: 20, total_tokens: 100 },
      ],
    },
  },
  {
    title: "a single pass of another model is billed at that",
    source: "https://platform.claude.com/docs/en/build-with-claude/compaction",
    api: "messages",
    document: {
      type: "message",
      content: [{ type: "text", text: "x" }],
      stop_reason: "end_turn",
      usage: {
        input_tokens: 10,
        output_tokens: 5,
        iterations: [{ type: "message", model: "claude-haiku-5-5", input_tokens: 10, output_tokens: 5 }],
      },
    },
    usage: {
      input_tokens: 10,
      output_tokens: 5,
      total_tokens: 15,
      iterations: [{ model: "claude-haiku-5-5", input_tokens: 10, output_tokens: 5, total_tokens: 15 }],
    },
  },
  {
    title: "a single pass that says the same is not told twice",
    source: "https://platform.claude.com/docs/en/build-with-claude/compaction",
    api: "messages",
    events: [
      begin({ input_tokens: 10, output_tokens: 1 }),
      block,
      stopped({
        input_tokens: 10,
        output_tokens: 5,
        iterations: [{ type: "message", input_tokens: 10, output_tokens: 5 }],
      }),
      end,
    ],
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  },
  {
    title: "an advisor is billed at its own model",
    source: "https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool",
    api: "messages",
    document: {
      type: "message",
      content: [{ type: "text", text: "x" }],
      stop_reason: "end_turn",
      usage: {
        input_tokens: 412,
        cache_read_input_tokens: 0,
        output_tokens: 531,
        iterations: [
          { type: "message", input_tokens: 412, output_tokens: 89 },
          { type: "advisor_message", model: "claude-opus-4-6", input_tokens: 823, output_tokens: 1612 },
          { type: "message", input_tokens: 1348, cache_read_input_tokens: 412, output_tokens: 442 },
        ],
      },
    },
    usage: {
      input_tokens: 2583,
      output_tokens: 2143,
      total_tokens: 5138,
      cached_input_tokens: 412,
      iterations: [
        { input_tokens: 412, output_tokens: 89, total_tokens: 501 },
        { model: "claude-opus-4-6", input_tokens: 823, output_tokens: 1612, total_tokens: 2435 },
        { input_tokens: 1348, output_tokens: 442, total_tokens: 2202, cached_input_tokens: 412 },
      ],
    },
  },
  {
    title: "parts of what was written to the cache, without their sum",
    source: "https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching",
    api: "messages",
    document: {
      type: "message",
      content: [],
      stop_reason: "end_turn",
      usage: {
        input_tokens: 4,
        output_tokens: 30,
        cache_creation: { ephemeral_5m_input_tokens: 50, ephemeral_1h_input_tokens: 150 },
      },
    },
    usage: {
      input_tokens: 4,
      output_tokens: 30,
      total_tokens: 234,
      cache_creation_tokens: 200,
      cache_creation_1h_tokens: 150,
    },
  },
  {
    title: "tier, speed, place and searches in the usage",
    source: "https://docs.anthropic.com/en/api/messages",
    api: "messages",
    events: [
      begin({
        input_tokens: 4,
        output_tokens: 1,
        service_tier: "priority",
        inference_geo: "us",
        speed: "fast",
      }),
      block,
      stopped({ output_tokens: 30, server_tool_use: { web_search_requests: 2, web_fetch_requests: 0 } }),
      end,
    ],
    usage: {
      input_tokens: 4,
      output_tokens: 30,
      total_tokens: 34,
      server_tool_use: { web_search_requests: 2 },
      service_tier: "priority",
      speed: "fast",
      inference_geo: "us",
    },
  },
  {
    title: "a result of a batch",
    source: "https://docs.anthropic.com/en/docs/build-with-claude/batch-processing",
    api: "messages",
    document: {
      type: "message",
      content: [],
      stop_reason: "end_turn",
      usage: { input_tokens: 4, output_tokens: 30, service_tier: "batch" },
    },
    usage: { input_tokens: 4, output_tokens: 30, total_tokens: 34, service_tier: "batch", batch: true },
  },
  {
    title: "usage in the last event of all",
    source: "relays that count when they are done",
    api: "messages",
    events: [
      begin({ input_tokens: 0, output_tokens: 0 }),
      block,
      stopped(),
      { ...end, usage: { input_tokens: 4, output_tokens: 30 } },
    ],
    usage: { input_tokens: 4, output_tokens: 30, total_tokens: 34 },
  },
  {
    title: "usage within the delta",
    source: "relays that nest it",
    api: "messages",
    events: [
      begin({ input_tokens: 4, output_tokens: 1 }),
      block,
      { type: "message_delta", delta: { stop_reason: "end_turn", usage: { output_tokens: 30 } } },
      end,
    ],
    usage: { input_tokens: 4, output_tokens: 30, total_tokens: 34 },
  },
  {
    title: "an input of zero at the beginning that nobody corrects is not known",
    source: "relays that fill in what they do not know",
    api: "messages",
    events: [begin({ input_tokens: 0, output_tokens: 0 }), block, stopped({ output_tokens: 30 }), end],
    usage: { output_tokens: 30, total_tokens: 30, partial: true },
  },
  {
    title: "GLM states everything at the end, and zeros at the beginning",
    source: "https://github.com/zai-org/GLM-5/issues/139",
    api: "messages",
    events: [
      begin({ input_tokens: 0, output_tokens: 0 }),
      block,
      stopped({
        input_tokens: 14,
        output_tokens: 9,
        cache_read_input_tokens: 64,
        server_tool_use: { web_search_requests: 0 },
        service_tier: "standard",
      }),
      end,
    ],
    usage: {
      input_tokens: 14,
      output_tokens: 9,
      total_tokens: 87,
      cached_input_tokens: 64,
      service_tier: "standard",
    },
  },
  {
    title: "DashScope states the cache at the end, in the names of both",
    source: "https://github.com/jeremychone/rust-genai/pull/258",
    api: "messages",
    events: [
      begin({ input_tokens: 3602, output_tokens: 0 }),
      block,
      stopped({
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 3604,
        prompt_tokens_details: { cached_tokens: 3604 },
        output_tokens: 878,
      }),
      end,
    ],
    usage: {
      input_tokens: 3602,
      output_tokens: 878,
      total_tokens: 8084,
      cached_input_tokens: 3604,
      cache_creation_tokens: 0,
    },
  },
  {
    title: "OpenAI's names in Messages: the cached part is taken off the input",
    source: "relays that make Messages out of Chat Completions",
    api: "messages",
    events: [
      begin({ prompt_tokens: 0, completion_tokens: 0 }),
      block,
      stopped({
        prompt_tokens: 100,
        completion_tokens: 8,
        total_tokens: 108,
        prompt_tokens_details: { cached_tokens: 80 },
      }),
      end,
    ],
    usage: { input_tokens: 20, output_tokens: 8, total_tokens: 108, cached_input_tokens: 80 },
  },
  {
    title: "Bedrock's metrics at the end of a stream",
    source:
      "https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html",
    api: "messages",
    events: [
      begin(null),
      block,
      stopped(),
      {
        type: "message_stop",
        "amazon-bedrock-invocationMetrics": {
          inputTokenCount: 8,
          outputTokenCount: 3,
          invocationLatency: 500,
          firstByteLatency: 9,
          cacheReadInputTokenCount: 40,
          cacheWriteInputTokenCount: 2,
        },
      },
    ],
    usage: {
      input_tokens: 8,
      output_tokens: 3,
      total_tokens: 53,
      cached_input_tokens: 40,
      cache_creation_tokens: 2,
    },
  },
  {
    title: "Bedrock's Converse behind a path of Messages",
    source: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html",
    api: "messages",
    document: {
      output: { message: { role: "assistant", content: [{ text: "x" }] } },
      stopReason: "end_turn",
      usage: {
        inputTokens: 8,
        outputTokens: 3,
        totalTokens: 51,
        cacheReadInputTokens: 40,
        cacheWriteInputTokens: 0,
      },
    },
    usage: {
      input_tokens: 8,
      output_tokens: 3,
      total_tokens: 51,
      cached_input_tokens: 40,
      cache_creation_tokens: 0,
    },
  },
  {
    title: "an answer that breaks off has read its input, and what it wrote is not known",
    source: "https://docs.anthropic.com/en/docs/build-with-claude/streaming",
    api: "messages",
    events: [begin({ input_tokens: 20, cache_read_input_tokens: 900, output_tokens: 3 }), ...many(block)],
    usage: { input_tokens: 20, total_tokens: 920, cached_input_tokens: 900, partial: true },
  },
  {
    title: "an error in the middle: what it wrote is not known",
    source: "https://docs.anthropic.com/en/docs/build-with-claude/streaming#error-events",
    api: "messages",
    events: [
      begin({ input_tokens: 20, output_tokens: 3 }),
      block,
      { type: "error", error: { type: "overloaded_error" } },
    ],
    usage: { input_tokens: 20, total_tokens: 20, partial: true },
  },
  {
    title: "an end that does not say what was written is partial",
    source: "relays that drop the usage of message_delta",
    api: "messages",
    events: [begin({ input_tokens: 20, output_tokens: 3 }), block, stopped(), end],
    usage: { input_tokens: 20, total_tokens: 20, partial: true },
  },
  {
    title: "what the model and its tools wrote is no usage",
    source: "https://docs.anthropic.com/en/api/messages",
    api: "messages",
    document: {
      type: "message",
      content: [
        {
          type: "tool_use",
          name: "f",
          input: { usage: { input_tokens: 9999, output_tokens: 9999, total_tokens: 9999 } },
        },
      ],
      metadata: { usage: { input_tokens: 9999, output_tokens: 1 } },
      stop_reason: "tool_use",
    },
    usage: null,
  },
  {
    title: "what is said of the account is no usage",
    source: "relays that add a balance",
    api: "chat",
    events: [
      text("a"),
      {
        ...stop,
        account_usage: { total_tokens: 1_000_000, prompt_tokens: 900_000 },
        rate_limit: { total_tokens: 100, input_tokens: 50 },
      },
      done,
    ],
    usage: null,
  },
];
