// Answers of the three APIs made from a seed: usage in usual and odd places, whole or broken off, in any coding and any
// chunking, with the truth about what each used.
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { Api } from "../../src/usage/stream-events.ts";

export type Figures = Readonly<Record<string, number>>;

export interface GeneratedAnswer {
  readonly api: Api;
  readonly stream: boolean;
  /** For a message about what went wrong. */
  readonly title: string;
  readonly encoding: string | null;
  /** As they are sent, one after the other. */
  readonly chunks: readonly Uint8Array[];
  /** `cut`: what was made breaks off at any byte. `left`: the client reads a little and goes. */
  readonly ending: "whole" | "cut" | "left";
  readonly truth: Figures;
  /** The model that it names, somewhere. */
  readonly served: string;
}

interface Random {
  /** From 0 to `below` - 1. */
  int(below: number): number;
  pick<T>(values: readonly T[]): T;
}

/** https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (mulberry32, public domain) */
export function createRandom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    int,
    pick(values) {
      const value = values[int(values.length)];
      if (value === undefined) throw new Error("there is nothing to pick from");
      return value;
    },
  };
}

/** What was used; each token is in one of the first five. */
interface Used {
  readonly fresh: number;
  readonly cached: number;
  readonly created5m: number;
  readonly created1h: number;
  readonly output: number;
  readonly reasoning: number;
}

interface Body {
  readonly text: string;
  readonly truth: Figures;
}
type Maker = (used: Used, random: Random) => Body;

const WORDS = [
  "word ",
  '"usage":{"input_tokens":9999,"output_tokens":9999,"total_tokens":9999}',
  "data: [DONE]\n\n",
  'event: message_stop\ndata: {"type":"message_stop","usage":{"output_tokens":9999}}\n\n',
  "日本語 \u{1f600} \\ \t",
  "total_tokens",
];
const texts = (random: Random): string[] =>
  Array.from({ length: 1 + random.int(12) }, () => random.pick(WORDS));
const sse = (event: unknown): string => {
  if (typeof event === "string") return `data: ${event}\n\n`;
  const type =
    typeof event === "object" && event !== null && "type" in event ? `event: ${String(event.type)}\n` : "";
  return `${type}data: ${JSON.stringify(event)}\n\n`;
};
const stream = (events: readonly unknown[]): string => events.map(sse).join("");
/** More than is kept of a stream. */
const long = <T>(event: T): T[] => Array.from({ length: 1200 }, () => event);

const openTruth = ({ cached, fresh, output, reasoning }: Used): Figures => ({
  input_tokens: fresh + cached,
  cached_input_tokens: cached,
  output_tokens: output,
  reasoning_tokens: reasoning,
  total_tokens: fresh + cached + output,
});
const responsesUsage = ({ cached, fresh, output, reasoning }: Used) => ({
  input_tokens: fresh + cached,
  input_tokens_details: { cached_tokens: cached },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: reasoning },
  total_tokens: fresh + cached + output,
});
const chatUsage = ({ cached, fresh, output, reasoning }: Used) => ({
  prompt_tokens: fresh + cached,
  prompt_tokens_details: { cached_tokens: cached },
  completion_tokens: output,
  completion_tokens_details: { reasoning_tokens: reasoning },
  total_tokens: fresh + cached + output,
});
const messagesUsage = ({ cached, created1h, created5m, fresh }: Used) => ({
  input_tokens: fresh,
  cache_read_input_tokens: cached,
  cache_creation_input_tokens: created1h + created5m,
  cache_creation: { ephemeral_5m_input_tokens: created5m, ephemeral_1h_input_tokens: created1h },
});
const messagesTruth = ({ cached, created1h, created5m, fresh, output }: Used): Figures => ({
  input_tokens: fresh,
  cached_input_tokens: cached,
  cache_creation_tokens: created1h + created5m,
  cache_creation_1h_tokens: created1h,
  output_tokens: output,
  total_tokens: fresh + cached + created1h + created5m + output,
});

const CREATED = {
  type: "response.created",
  response: { id: "r", status: "in_progress", usage: null, max_output_tokens: 9 },
};
const deltas = (random: Random) =>
  texts(random).map((delta) => ({ type: "response.output_text.delta", delta }));
const ended = (more: object, type = "response.completed") => ({
  type,
  response: { id: "r", status: type.slice("response.".length), output: [], ...more },
});

const RESPONSES: Readonly<Record<string, Maker>> = {
  "at the end": (used, random) => ({
    text: stream([CREATED, ...deltas(random), ended({ usage: responsesUsage(used) })]),
    truth: openTruth(used),
  }),
  "beside the response": (used, random) => ({
    text: stream([CREATED, ...deltas(random), { ...ended({ usage: null }), usage: responsesUsage(used) }]),
    truth: openTruth(used),
  }),
  "in an event before the end": (used, random) => ({
    text: stream([
      CREATED,
      ...deltas(random),
      { type: "response.usage", usage: responsesUsage(used) },
      ended({ usage: null }),
    ]),
    truth: openTruth(used),
  }),
  "long before the end": (used, random) => ({
    text: stream([
      CREATED,
      { type: "response.in_progress", response: { id: "r", usage: responsesUsage(used) } },
      ...long(deltas(random)[0]),
      ended({}),
    ]),
    truth: openTruth(used),
  }),
  "before a long output in one event": (used, random) => ({
    text: stream([
      CREATED,
      ...deltas(random),
      {
        type: "response.completed",
        response: { usage: responsesUsage(used), output: [{ type: "message", content: "x".repeat(90_000) }] },
      },
    ]),
    truth: openTruth(used),
  }),
  "behind a long output in one event": (used, random) => ({
    text: stream([
      CREATED,
      ...deltas(random),
      ended({ output: [{ type: "message", content: "x".repeat(90_000) }], usage: responsesUsage(used) }),
    ]),
    truth: openTruth(used),
  }),
  "in the names of Messages": (used, random) => ({
    text: stream([
      CREATED,
      ...deltas(random),
      ended({
        usage: { input_tokens: used.fresh, cache_read_input_tokens: used.cached, output_tokens: used.output },
      }),
    ]),
    truth: {
      input_tokens: used.fresh + used.cached,
      cached_input_tokens: used.cached,
      output_tokens: used.output,
      total_tokens: used.fresh + used.cached + used.output,
    },
  }),
  "in the names of Chat Completions": (used, random) => ({
    text: stream([CREATED, ...deltas(random), ended({ usage: chatUsage(used) })]),
    truth: openTruth(used),
  }),
  "in an incomplete response": (used, random) => ({
    text: stream([CREATED, ...deltas(random), ended({ usage: responsesUsage(used) }, "response.incomplete")]),
    truth: openTruth(used),
  }),
  "in a response that failed": (used, random) => ({
    text: stream([
      CREATED,
      ...deltas(random),
      ended(
        { error: { code: "server_error", message: "x" }, usage: responsesUsage(used) },
        "response.failed",
      ),
    ]),
    truth: openTruth(used),
  }),
};

const chunk = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
const chunks = (random: Random) => texts(random).map(chunk);
const FINISH = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const DONE = "[DONE]";

const CHAT: Readonly<Record<string, Maker>> = {
  "in a chunk of its own": (used, random) => ({
    text: stream([...chunks(random), FINISH, { choices: [], usage: chatUsage(used) }, DONE]),
    truth: openTruth(used),
  }),
  "with the finish": (used, random) => ({
    text: stream([...chunks(random), { ...FINISH, usage: chatUsage(used) }, DONE]),
    truth: openTruth(used),
  }),
  "in a choice": (used, random) => ({
    text: stream([
      ...chunks(random),
      { choices: [{ index: 0, delta: {}, finish_reason: "stop", usage: chatUsage(used) }] },
      DONE,
    ]),
    truth: openTruth(used),
  }),
  "under a name of the vendor": (used, random) => ({
    text: stream([...chunks(random), { ...FINISH, x_groq: { id: "q", usage: chatUsage(used) } }, DONE]),
    truth: openTruth(used),
  }),
  "running, with every chunk": (used, random) => {
    const events = chunks(random);
    const running = events.map((event, index) => ({
      ...event,
      usage: chatUsage({ ...used, output: index, reasoning: 0 }),
    }));
    const last = { ...used, output: used.output + events.length };
    return {
      text: stream([...running, { ...FINISH, usage: chatUsage(last) }, DONE]),
      truth: openTruth(last),
    };
  },
  "in the first chunk of a long answer": (used, random) => ({
    text: stream([{ ...chunk("x"), usage: chatUsage(used) }, ...long(chunks(random)[0]), FINISH, DONE]),
    truth: openTruth(used),
  }),
  "with the reasoning beside the completion": (used, random) => ({
    text: stream([
      ...chunks(random),
      { ...FINISH, usage: { ...chatUsage(used), completion_tokens: used.output - used.reasoning } },
      DONE,
    ]),
    truth: openTruth(used),
  }),
  "as the timings of llama.cpp": (used, random) => ({
    text: stream([
      ...chunks(random),
      {
        ...FINISH,
        timings: {
          cache_n: used.cached,
          prompt_n: used.fresh,
          prompt_per_token_ms: 1,
          predicted_n: used.output,
        },
      },
      DONE,
    ]),
    truth: {
      input_tokens: used.fresh + used.cached,
      cached_input_tokens: used.cached,
      output_tokens: used.output,
      total_tokens: used.fresh + used.cached + used.output,
    },
  }),
  "in three names of Mistral": (used, random) => ({
    text: stream([
      ...chunks(random),
      {
        ...FINISH,
        usage: {
          ...chatUsage(used),
          prompt_tokens_details: null,
          num_cached_tokens: random.int(2) === 0 ? used.cached : undefined,
          prompt_token_details: { cached_tokens: used.cached },
        },
      },
      DONE,
    ]),
    truth: openTruth(used),
  }),
  "in the names of Gemini's Interactions, by modality": (used, random) => ({
    text: stream([
      ...chunks(random),
      {
        ...FINISH,
        usage: {
          total_input_tokens: used.fresh + used.cached,
          input_tokens_by_modality: [
            { modality: "text", tokens: used.cached },
            { modality: "image", tokens: used.fresh },
          ],
          total_cached_tokens: used.cached,
          total_output_tokens: used.output - used.reasoning,
          total_thought_tokens: used.reasoning,
          total_tokens: used.fresh + used.cached + used.output,
        },
      },
      DONE,
    ]),
    truth: { ...openTruth(used), input_image_tokens: used.fresh },
  }),
  "in the names of Gemini": (used, random) => ({
    text: stream([
      ...chunks(random),
      {
        ...FINISH,
        usageMetadata: {
          promptTokenCount: used.fresh + used.cached,
          cachedContentTokenCount: used.cached,
          candidatesTokenCount: used.output - used.reasoning,
          thoughtsTokenCount: used.reasoning,
          totalTokenCount: used.fresh + used.cached + used.output,
        },
      },
      DONE,
    ]),
    truth: openTruth(used),
  }),
};

const start = (usage: unknown) => ({
  type: "message_start",
  message: { id: "m", type: "message", content: [], usage },
});
const blocks = (random: Random) => [
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  ...texts(random).map((text) => ({
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text },
  })),
  { type: "content_block_stop", index: 0 },
];
const stopped = (usage?: unknown) => ({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage });
const STOP = { type: "message_stop" };

const MESSAGES: Readonly<Record<string, Maker>> = {
  "at both ends": (used, random) => ({
    text: stream([
      start({ ...messagesUsage(used), output_tokens: 3 }),
      ...blocks(random),
      stopped({ output_tokens: used.output }),
      STOP,
    ]),
    truth: messagesTruth(used),
  }),
  "at both ends of a long answer": (used, random) => ({
    text: stream([
      start({ ...messagesUsage(used), output_tokens: 3 }),
      ...blocks(random).slice(0, 1),
      ...long(blocks(random)[1]),
      stopped({ output_tokens: used.output }),
      STOP,
    ]),
    truth: messagesTruth(used),
  }),
  "all at the end": (used, random) => ({
    text: stream([
      start({ input_tokens: 0, output_tokens: 0 }),
      ...blocks(random),
      stopped({ ...messagesUsage(used), output_tokens: used.output }),
      STOP,
    ]),
    truth: messagesTruth(used),
  }),
  "in the names of Chat Completions": (used, random) => ({
    text: stream([start(null), ...blocks(random), stopped(chatUsage(used)), STOP]),
    truth: {
      input_tokens: used.fresh,
      cached_input_tokens: used.cached,
      output_tokens: used.output,
      reasoning_tokens: used.reasoning,
      total_tokens: used.fresh + used.cached + used.output,
    },
  }),
  "in passes": (used, random) => {
    const pass = { input_tokens: 7, output_tokens: 5 };
    const own = { ...messagesUsage(used), output_tokens: used.output };
    const truth = messagesTruth(used);
    return {
      text: stream([
        start({ ...messagesUsage(used), output_tokens: 1 }),
        ...blocks(random),
        stopped({
          ...own,
          iterations: [
            { type: "compaction", ...pass },
            { type: "message", ...own },
          ],
        }),
        STOP,
      ]),
      truth: {
        ...truth,
        input_tokens: used.fresh + 7,
        output_tokens: used.output + 5,
        total_tokens: (truth["total_tokens"] ?? 0) + 12,
      },
    };
  },
  "as the metrics of Bedrock": (used, random) => ({
    text: stream([
      start(null),
      ...blocks(random),
      stopped(),
      {
        ...STOP,
        "amazon-bedrock-invocationMetrics": {
          inputTokenCount: used.fresh,
          outputTokenCount: used.output,
          cacheReadInputTokenCount: used.cached,
        },
      },
    ]),
    truth: {
      input_tokens: used.fresh,
      cached_input_tokens: used.cached,
      output_tokens: used.output,
      total_tokens: used.fresh + used.cached + used.output,
    },
  }),
};

const document = (value: object): string => JSON.stringify(value);
const whole = (random: Random): string => texts(random).join("");

const DOCUMENTS: Readonly<Record<Api, Readonly<Record<string, Maker>>>> = {
  responses: {
    usual: (used, random) => ({
      text: document({
        object: "response",
        status: "completed",
        output: [{ type: "message", content: [{ type: "output_text", text: whole(random) }] }],
        usage: responsesUsage(used),
      }),
      truth: openTruth(used),
    }),
    "usage first, and a large output": (used, random) => ({
      text: document({
        usage: responsesUsage(used),
        object: "response",
        status: "completed",
        output: [{ type: "message", content: [{ type: "output_text", text: whole(random).repeat(9000) }] }],
      }),
      truth: openTruth(used),
    }),
  },
  chat: {
    usual: (used, random) => ({
      text: document({
        choices: [{ index: 0, message: { content: whole(random) }, finish_reason: "stop" }],
        usage: chatUsage(used),
      }),
      truth: openTruth(used),
    }),
    "in the names of Responses": (used, random) => ({
      text: document({
        choices: [{ index: 0, message: { content: whole(random) }, finish_reason: "stop" }],
        usage: responsesUsage(used),
      }),
      truth: openTruth(used),
    }),
    "in a choice": (used, random) => ({
      text: document({
        choices: [
          { index: 0, message: { content: whole(random) }, finish_reason: "stop", usage: chatUsage(used) },
        ],
        usage: null,
      }),
      truth: openTruth(used),
    }),
  },
  messages: {
    usual: (used, random) => ({
      text: document({
        type: "message",
        content: [{ type: "text", text: whole(random) }],
        stop_reason: "end_turn",
        usage: { ...messagesUsage(used), output_tokens: used.output },
      }),
      truth: messagesTruth(used),
    }),
    "without the sum of what was written to the cache": (used, random) => ({
      text: document({
        type: "message",
        content: [{ type: "text", text: whole(random) }],
        stop_reason: "end_turn",
        usage: { ...messagesUsage(used), cache_creation_input_tokens: undefined, output_tokens: used.output },
      }),
      truth: messagesTruth(used),
    }),
  },
};
const STREAMS: Readonly<Record<Api, Readonly<Record<string, Maker>>>> = {
  responses: RESPONSES,
  chat: CHAT,
  messages: MESSAGES,
};

const CODINGS: readonly (readonly [name: string | null, code: (text: string) => Uint8Array])[] = [
  [null, (text) => Buffer.from(text)],
  [null, (text) => Buffer.from(text)],
  ["gzip", (text) => gzipSync(text)],
  ["deflate", (text) => deflateSync(text)],
  ["br", (text) => brotliCompressSync(text)],
  ["zstd", (text) => zstdCompressSync(text)],
];

/** What repeats the request before its model. */
const ECHO = "Be brief. \n".repeat(4_000);
const DECOY = { metadata: { model: "of-the-request" }, tools: [{ model: "of-a-tool" }] };

/** The same answer with the name of a model in it: in each chunk, or in the events of some of the places that have one. */
function nameModel(text: string, served: string, random: Random): string {
  const place = random.pick(["beginning", "end", "both"]);
  const echo = random.int(4) === 0 ? { instructions: ECHO } : {};
  const add = (value: object, before: object = {}): object =>
    random.int(2) === 0
      ? { ...DECOY, ...before, model: served, ...value }
      : { ...value, ...before, model: served };
  const name = (event: { readonly [name: string]: unknown }): object => {
    const { message, response, type } = event;
    if (Array.isArray(event["choices"])) return { ...event, model: served };
    if (type === "message_start") return { ...event, message: add(Object(message)) };
    if (typeof response !== "object" || response === null) return event;
    const isBeginning = type === "response.created" || type === "response.in_progress";
    return place === (isBeginning ? "end" : "beginning")
      ? event
      : { ...event, response: add(response, echo) };
  };
  if (text.startsWith("{")) return JSON.stringify(add(JSON.parse(text)));
  return text.replaceAll(/^data: (\{.*)$/gm, (line, data: string) =>
    JSON.parse(data) === null ? line : `data: ${JSON.stringify(name(JSON.parse(data)))}`,
  );
}

export function generateAnswer(random: Random): GeneratedAnswer {
  const api = random.pick(["responses", "messages", "chat"] as const);
  const isStream = random.int(10) < 8;
  const [place, make] = random.pick(Object.entries((isStream ? STREAMS : DOCUMENTS)[api]));
  const output = 20 + random.int(30_000);
  const used = {
    fresh: 1 + random.int(100_000),
    cached: 1 + random.int(200_000),
    created5m: 1 + random.int(5000),
    created1h: 1 + random.int(5000),
    output,
    reasoning: 1 + random.int(output - 1),
  };
  const { text: unnamed, truth } = make(used, random);
  const served = random.pick(["gpt-6-sol-2026-09-01", "claude-opus-5-5", "供应商/模型 1", 'a "b" \\ c']);
  const text = nameModel(unnamed, served, random);
  const [encoding, code] = random.pick(CODINGS);
  const bytes = code(text);
  const ending = random.pick(["whole", "whole", "whole", "cut", "left"] as const);
  const sent = ending === "cut" ? bytes.subarray(0, random.int(bytes.length)) : bytes;
  const size = Math.max(1 + random.int(3000), sent.length / 200);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < sent.length; at += Math.ceil(size))
    pieces.push(sent.subarray(at, at + Math.ceil(size)));
  return {
    api,
    stream: isStream,
    title: `${api} ${isStream ? "stream" : "document"}, ${place}, ${encoding ?? "plain"}, ${ending}`,
    encoding,
    chunks: pieces,
    ending,
    truth,
    served,
  };
}
