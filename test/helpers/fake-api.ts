// What OpenAI's and Anthropic's APIs answer, as far as their official SDKs can tell: turns in both forms, and for everything else
// a document that says what was asked for.
import type { Answer, ReceivedRequest } from "./fake-upstream.ts";
import { GOOD, reply, responsesEvents, sse, stream, USED } from "./answers.ts";

export const SAID = "hello";
const AUDIO = Buffer.from([0xff, 0xf3, 0x40, 0x00, 0x3c, 0x21]);
const OPENAI_USAGE = {
  prompt_tokens: USED.input,
  completion_tokens: USED.output,
  total_tokens: USED.input + USED.output,
  prompt_tokens_details: { cached_tokens: USED.cached },
  completion_tokens_details: { reasoning_tokens: USED.reasoning },
};
const RESPONSES_USAGE = {
  input_tokens: USED.input,
  input_tokens_details: { cached_tokens: USED.cached },
  output_tokens: USED.output,
  output_tokens_details: { reasoning_tokens: USED.reasoning },
  total_tokens: USED.input + USED.output,
};

/** The answer of a healthy API. */
export function answerApi(request: ReceivedRequest): Answer {
  const path = new URL(request.target, "http://api").pathname.replace(/^\/v1(?=\/)/, "");
  const row = ROWS.find(({ ends }) => path.endsWith(ends));
  if (request.method === "POST" && row !== undefined) {
    const body = request.text();
    const isStream = /"stream":\s*true/.test(body) || /name="stream"\r\n\r\ntrue/.test(body);
    if (isStream && row.events !== undefined) return row.events();
    return reply({ headers: { "request-id": "req_1", "x-request-id": "req_1" }, ...row.whole() });
  }
  if (path.endsWith("/content") || path.endsWith("/download")) return reply({ body: AUDIO });
  if (path.endsWith("/results"))
    return reply({
      headers: { "content-type": "application/x-jsonl" },
      body: '{"custom_id":"a"}\n{"custom_id":"b"}\n',
    });
  return reply({ headers: { "request-id": "req_1" }, body: thing(request, path) });
}

/** An object, and a page with one in it. */
function thing({ method, target }: ReceivedRequest, path: string): object {
  const self = {
    id: "id-1",
    object: "thing",
    type: "thing",
    status: "completed",
    asked: `${method} ${target}`,
  };
  return { ...self, path, data: [self], models: [self], has_more: false, deleted: method === "DELETE" };
}

interface Row {
  readonly ends: string;
  readonly whole: () => Parameters<typeof reply>[0];
  readonly events?: () => Answer;
}

const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: SAID, annotations: [] }],
};

/** The first whose path ends so. */
const ROWS: readonly Row[] = [
  {
    ends: "/responses/input_tokens",
    whole: () => ({ body: { object: "response.input_tokens", input_tokens: USED.input } }),
  },
  {
    ends: "/responses/compact",
    whole: () => ({
      body: {
        id: "cmp_1",
        object: "response.compaction",
        created_at: 1,
        output: [{ id: "c_1", type: "compaction", encrypted_content: "opaque" }],
        usage: RESPONSES_USAGE,
      },
    }),
  },
  {
    ends: "/responses",
    whole: () => ({
      body: {
        id: "resp_1",
        object: "response",
        created_at: 1,
        model: "gpt-5",
        status: "completed",
        error: null,
        incomplete_details: null,
        output: [message],
        usage: RESPONSES_USAGE,
      },
    }),
    events: () => stream(strictEvents()),
  },
  {
    ends: "/chat/completions",
    whole: () => ({
      body: {
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 1,
        model: "gpt-5",
        choices: [0, 1].map((index) => ({
          index,
          message: { role: "assistant", content: SAID, refusal: null },
          logprobs: null,
          finish_reason: "stop",
        })),
        usage: OPENAI_USAGE,
      },
    }),
    events: () => GOOD.chat({ text: SAID, deltas: 3 }),
  },
  {
    ends: "/completions",
    whole: () => ({ body: { ...legacy(SAID, "stop"), usage: OPENAI_USAGE } }),
    events: () =>
      stream([
        `data: ${JSON.stringify(legacy(SAID, null))}\n\n`,
        `data: ${JSON.stringify({ ...legacy("", "stop"), usage: OPENAI_USAGE })}\n\n`,
        "data: [DONE]\n\n",
      ]),
  },
  {
    ends: "/embeddings",
    whole: () => ({
      body: {
        object: "list",
        model: "text-embedding-3-small",
        data: [{ object: "embedding", index: 0, embedding: Array.from({ length: 8 }, (_, n) => n / 8) }],
        usage: { prompt_tokens: 8, total_tokens: 8 },
      },
    }),
  },
  {
    ends: "/moderations",
    whole: () => ({ body: { id: "modr-1", model: "m", results: [{ flagged: false }] } }),
  },
  {
    ends: "/images/generations",
    whole: images,
    events: () =>
      stream([
        sse("image_generation.partial_image", {
          type: "image_generation.partial_image",
          b64_json: "YQ==",
          partial_image_index: 0,
        }),
        sse("image_generation.completed", {
          type: "image_generation.completed",
          b64_json: "YWI=",
          usage: { input_tokens: 5, output_tokens: 7, total_tokens: 12 },
        }),
      ]),
  },
  { ends: "/images/edits", whole: images },
  { ends: "/images/variations", whole: images },
  { ends: "/audio/speech", whole: () => ({ headers: { "content-type": "audio/mpeg" }, body: AUDIO }) },
  {
    ends: "/audio/transcriptions",
    whole: () => ({
      body: { text: SAID, usage: { type: "tokens", input_tokens: 14, output_tokens: 4, total_tokens: 18 } },
    }),
    events: () =>
      stream([
        sse("transcript.text.delta", { type: "transcript.text.delta", delta: SAID }),
        sse("transcript.text.done", {
          type: "transcript.text.done",
          text: SAID,
          usage: { type: "tokens", input_tokens: 14, output_tokens: 4, total_tokens: 18 },
        }),
      ]),
  },
  { ends: "/audio/translations", whole: () => ({ body: { text: SAID } }) },
  { ends: "/messages/count_tokens", whole: () => ({ body: { input_tokens: USED.input } }) },
  {
    ends: "/messages",
    whole: () => ({
      body: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "claude-opus-5-5",
        content: [{ type: "text", text: SAID }],
        stop_reason: "end_turn",
        stop_sequence: null,
        usage: {
          input_tokens: USED.input - USED.cached,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: USED.cached,
          output_tokens: USED.output,
        },
      },
    }),
    events: () => GOOD.messages({ text: SAID, deltas: 3 }),
  },
];

/** With what only some SDKs insist on. */
function strictEvents(): string[] {
  const part = { type: "output_text", text: "", annotations: [] };
  const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const begun = sse("response.content_part.added", { type: "response.content_part.added", ...place, part });
  return responsesEvents({ text: SAID, deltas: 3 })
    .toSpliced(3, 0, begun)
    .map((event) =>
      event.replace('"object":"response"', '"object":"response","created_at":1,"model":"gpt-5"'),
    );
}

function legacy(text: string, finish: string | null): object {
  return {
    id: "cmpl-1",
    object: "text_completion",
    created: 1,
    model: "gpt-3.5-turbo-instruct",
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
  };
}

function images(): Parameters<typeof reply>[0] {
  return {
    body: {
      created: 1,
      data: [{ b64_json: "aGk=" }],
      usage: { input_tokens: 5, output_tokens: 7, total_tokens: 12 },
    },
  };
}
