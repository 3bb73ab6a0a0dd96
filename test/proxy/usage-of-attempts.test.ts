import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import type { LogEntry } from "../../src/log/entry.ts";
import { GOOD, head, reply, sse, stream } from "../helpers/answers.ts";
import { type Answer, FIN, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";

const RESPONSES = { model: "gpt-5", stream: true, input: [] };
const MESSAGES = { model: "claude-x", stream: true, messages: [] };
const CREATED = sse("response.created", { type: "response.created", response: { id: "r" } });
const usage = { input_tokens: 500, output_tokens: 70, total_tokens: 570 };
const ended = (type: string, more: object = {}) => sse(type, { type, response: { id: "r", usage, ...more } });
const START = sse("message_start", {
  type: "message_start",
  message: { content: [], usage: { input_tokens: 20, cache_read_input_tokens: 900, output_tokens: 3 } },
});
const FAILED = ended("response.failed", { status: "failed", error: { code: "server_error", message: "x" } });

/** The log line of a request that two upstreams are asked, the second of which answers well. */
async function lineOf(path: string, body: object, first: Answer) {
  await using bad = await startFakeUpstream(() => first);
  await using good = await startFakeUpstream(() =>
    path.endsWith("/messages") ? GOOD.messages({ text: "x" }) : GOOD.responses({ text: "x" }),
  );
  const service = path.endsWith("/messages") ? "claude" : "codex";
  await using proxy = startTestProxy({ service, upstreams: [bad.baseUrl, good.baseUrl] });
  const answer = await proxy.ask(path, body);
  expect(answer.status).toBe(200);
  await answer.text();
  const { attempts = [], usage: shown } = await proxy.entry();
  return { attempts: attempts.map((attempt) => attempt.usage), shown };
}

describe("what a failed attempt says that it used is logged with the attempt, not with the answer", () => {
  const rows: readonly (readonly [
    title: string,
    path: string,
    body: object,
    answer: Answer,
    expected: object,
  ])[] = [
    ["a failed response", "/v1/responses", RESPONSES, stream([CREATED, FAILED]), usage],
    [
      "a completed response without output",
      "/v1/responses",
      RESPONSES,
      stream([
        CREATED,
        sse("response.completed", {
          type: "response.completed",
          response: { usage: { input_tokens: 500, output_tokens: 0, total_tokens: 500 } },
        }),
      ]),
      { input_tokens: 500, output_tokens: 0, total_tokens: 500 },
    ],
    [
      "a compressed failure",
      "/v1/responses",
      RESPONSES,
      [
        head(200, { "content-type": "text/event-stream", "content-encoding": "gzip", connection: "close" }),
        gzipSync(CREATED + FAILED),
        FIN,
      ],
      usage,
    ],
    [
      "an error status with usage in its body",
      "/v1/responses",
      RESPONSES,
      reply({ status: 500, body: { error: { message: "x" }, usage } }),
      usage,
    ],
    [
      "a stream of Messages that fails before it shows anything: what it wrote is not known",
      "/v1/messages",
      MESSAGES,
      stream([START, sse("error", { type: "error", error: { type: "api_error", message: "x" } })]),
      { input_tokens: 20, total_tokens: 920, cached_input_tokens: 900, partial: true },
    ],
    [
      "a stream that breaks off before it says anything",
      "/v1/responses",
      RESPONSES,
      stream([CREATED]),
      { partial: true },
    ],
  ];
  for (const [title, path, body, answer, expected] of rows) {
    test(title, async () => {
      const { attempts, shown } = await lineOf(path, body, answer);
      expect(attempts).toHaveLength(2);
      expect(JSON.parse(JSON.stringify(attempts[0]))).toEqual(expected);
      expect(attempts[1]).toBeUndefined();
      expect(shown?.total_tokens).toBeGreaterThan(0);
    });
  }

  for (const [title, answer] of [
    ["a refusal", reply({ status: 429, body: { error: { message: "x" } } })],
    ["a web page", reply({ headers: { "content-type": "text/html" }, body: "<html>x</html>" })],
    ["an error instead of a stream", stream([sse("error", { type: "error", error: { message: "x" } })])],
  ] as const) {
    test(`but ${title} used nothing`, async () => {
      expect((await lineOf("/v1/responses", RESPONSES, answer)).attempts).toEqual([undefined, undefined]);
    });
  }
});

test("the only answer that the client gets has its usage in the line alone", async () => {
  await using upstream = await startFakeUpstream(() => stream([CREATED, FAILED]));
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  await (await proxy.ask("/v1/responses", RESPONSES)).text();
  const { attempts = [], usage: shown } = await proxy.entry();
  const told = [shown, ...attempts.map((attempt) => attempt.usage)].filter((one) => one !== undefined);
  expect(told.map((one) => one.total_tokens)).toEqual([570]);
});

test("each attempt names the model of its own answer, shown or not, and the line that of the shown one", async () => {
  const failed = sse("response.failed", {
    type: "response.failed",
    response: { id: "r", model: "bad-model" },
  });
  await using bad = await startFakeUpstream(() => stream([CREATED, failed]));
  await using refusing = await startFakeUpstream(() =>
    reply({ status: 503, body: { error: { message: "x" } } }),
  );
  const shown = sse("response.created", {
    type: "response.created",
    response: { id: "r", model: "good-model" },
  });
  const delta = sse("response.output_text.delta", { type: "response.output_text.delta", delta: "x" });
  await using good = await startFakeUpstream(() => stream([shown, delta, ended("response.completed")]));
  await using proxy = startTestProxy({ upstreams: [bad.baseUrl, refusing.baseUrl, good.baseUrl] });
  await (await proxy.ask("/v1/responses", RESPONSES)).text();
  const { attempts = [], request_bytes: bytes, served_model: served } = await proxy.entry();
  expect(served).toBe("good-model");
  expect(attempts.map((attempt) => attempt.served_model)).toEqual(["bad-model", undefined, "good-model"]);
  expect(bytes).toBe(JSON.stringify(RESPONSES).length);
});

describe("why there is no usage", () => {
  const delta = sse("response.output_text.delta", { type: "response.output_text.delta", delta: "x" });
  const done = sse("response.completed", { type: "response.completed", response: { id: "r", usage: null } });
  const rows: readonly (readonly [title: string, answer: Answer, expected: LogEntry["usage_unknown"]])[] = [
    ["it was complete and did not say", stream([CREATED, delta, done]), "not_told"],
    ["it broke off", stream([CREATED, delta]), "cut"],
    ["an error used nothing", reply({ status: 400, body: { error: { message: "x" } } }), undefined],
  ];
  for (const [title, answer, expected] of rows) {
    test(title, async () => {
      await using upstream = await startFakeUpstream(() => answer);
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const asked = proxy.ask("/v1/responses", RESPONSES);
      await asked.then((answer) => answer.text()).catch(() => "");
      const entry = await proxy.entry();
      expect(entry.usage).toBeUndefined();
      expect(entry.usage_unknown).toBe(expected);
    });
  }
});

describe("any path that an upstream counts tokens for is counted", () => {
  const gemini = {
    candidates: [{ content: { parts: [{ text: "x" }] } }],
    usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 3, totalTokenCount: 12 },
  };
  const counted = { input_tokens: 9, output_tokens: 3, total_tokens: 12 };
  const openai = {
    object: "list",
    data: [],
    usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
  };
  const rows: readonly (readonly [path: string, body: object, answer: object | string, model: string])[] = [
    ["/v1beta/models/gemini-3-pro:generateContent", { contents: [] }, gemini, "gemini-3-pro"],
    [
      "/v1/responses/compact/",
      { model: "gpt-5", input: [] },
      {
        object: "response.compaction",
        output: [{ type: "compaction", encrypted_content: "x" }],
        usage: counted,
      },
      "gpt-5",
    ],
    [
      "/v1/messages//",
      { model: "m", messages: [] },
      { type: "message", content: [{ type: "text", text: "x" }], usage: counted },
      "m",
    ],
    [
      "/openai/deployments/mine/chat/completions",
      { messages: [] },
      { choices: [{ message: { content: "x" } }], usage: openai.usage },
      "mine",
    ],
    [
      "/api/generate",
      { model: "o" },
      `${JSON.stringify({ response: "x", done: false })}\n${JSON.stringify({ done: true, prompt_eval_count: 9, eval_count: 3 })}\n`,
      "o",
    ],
    ["/v1/rerank", { model: "r" }, { results: [], usage: openai.usage }, "r"],
    ["/v1/embeddings", { model: "e" }, openai, "e"],
  ];
  for (const [path, body, answer, model] of rows) {
    test(path, async () => {
      await using upstream = await startFakeUpstream(() => reply({ body: answer }));
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      await (await proxy.ask(path, body)).text();
      const entry = await proxy.entry();
      expect(JSON.parse(JSON.stringify(entry.usage))).toEqual(counted);
      expect(entry.model).toBe(model);
    });
  }
});
