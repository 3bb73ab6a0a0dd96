// The official SDKs, directly at an API and through the proxy: what works there works here, also while the first of two
// upstreams fails.
import { describe, expect, test } from "bun:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import {
  embed,
  embedMany,
  generateImage,
  generateSpeech,
  generateText,
  type LanguageModel,
  streamText,
  transcribe,
} from "ai";
import OpenAI, { toFile } from "openai";
import type { LogEntry } from "../../src/log/entry.ts";
import { chatEvents, messagesEvents, reply, responsesEvents, stream } from "../helpers/answers.ts";
import { answerApi, SAID } from "../helpers/fake-api.ts";
import { type Answer, RESET, SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { waitUntil } from "../helpers/wait.ts";

const KEY = "sk-client";
// It prints what a provider does not support.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** The same API twice: asked directly, and through the proxy as the second upstream, after one that fails. */
async function startApis(service: "codex" | "claude", failure: Answer = reply({ status: 503 })) {
  const direct = await startFakeUpstream(answerApi);
  const failing = await startFakeUpstream(() => failure);
  const backup = await startFakeUpstream(answerApi);
  const path = service === "codex" ? "/v1" : "";
  const proxy = startTestProxy({
    service,
    upstreams: [failing, backup].map(({ origin }) => `${origin}${path}`),
  });
  return {
    direct,
    failing,
    backup,
    proxy,
    urls: { direct: `${direct.origin}${path}`, through: `${proxy.origin}${path}` },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await Promise.all([direct, failing, backup].map((upstream) => upstream.close()));
    },
  };
}

type Apis = Awaited<ReturnType<typeof startApis>>;
const openAi = (baseURL: string): OpenAI =>
  new OpenAI({ baseURL, apiKey: KEY, adminAPIKey: KEY, maxRetries: 0 });
const anthropic = (baseURL: string): Anthropic => new Anthropic({ baseURL, apiKey: KEY, maxRetries: 0 });

type Call = (client: never) => unknown;

/** Every method that makes one request of what it is given, by its name: from the client down. */
function callsOf(resource: object, path: readonly string[] = []): [name: string, call: Call][] {
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(resource) as object).filter(
    (name) => path.length > 0 && !NOT_ONE_REQUEST.test(name),
  );
  const calls = own.map((name): [string, Call] => {
    const method = Reflect.get(resource, name) as (...given: unknown[]) => unknown;
    const given = argumentsFor(method);
    const call = (client: object): unknown => {
      const at = path.reduce<object>((object, key) => Reflect.get(object, key) as object, client);
      return (Reflect.get(at, name) as typeof method).apply(at, given);
    };
    return [[...path, name].join("."), call as Call];
  });
  const inner = Object.entries(resource).filter(
    ([, value]) => typeof value === "object" && value !== null && "_client" in value,
  );
  return [...calls, ...inner.flatMap(([key, value]) => callsOf(value as object, [...path, key]))];
}

/** Loops, helpers around other methods, and what makes no request. */
const NOT_ONE_REQUEST =
  /^(?:constructor|_.*|.*Poll|poll\w*|poller|waitFor.*|runTools|toolRunner|thread|worker|stream|.*Stream|parse\w*|unwrap|verify.*|upload(?:AndPoll)?|createAndRun|heartbeat|forResult)$/;

/** By the names of the parameters: identifiers, and one object that holds those that belong into the path. */
function argumentsFor(method: (...given: unknown[]) => unknown): unknown[] {
  const source = method.toString();
  const names = /\(([^)]*)\)/.exec(source)?.[1]?.split(",") ?? [];
  const ids = [...source.matchAll(/const \{([^}]*)\} = (?:params|body|query)/g)]
    .flatMap(([, inside = ""]) => inside.split(","))
    .map((name) => name.trim())
    .filter((name) => name.endsWith("_id"));
  const params = { model: "m", ...Object.fromEntries(ids.map((name) => [name, "id-1"])) };
  return names
    .map((name) => name.replace(/=.*/s, "").trim())
    .filter((name) => name !== "" && name !== "options")
    .map((name) => (/^(?:body|params|query|_params)$/.test(name) ? params : "id-1"));
}

/** What a caller gets: of a stream its events, of a response its bytes, of anything else its fields; or the error. */
async function outcomeOf(call: Call, client: object): Promise<unknown> {
  try {
    const made: unknown = await call(client as never);
    if (made instanceof Response)
      return { status: made.status, bytes: Buffer.from(await made.bytes()).toString("hex") };
    if (typeof made === "object" && made !== null && Symbol.asyncIterator in made && !("data" in made)) {
      const events: unknown[] = [];
      for await (const event of made as AsyncIterable<unknown>) events.push(event);
      return events;
    }
    return JSON.parse(
      JSON.stringify(made ?? null, (key, value: unknown) => (key === "options" ? undefined : value)),
    );
  } catch (error) {
    return { error: String(error) };
  }
}

/** Of the requests that an API got: what they are, without the boundary that is drawn anew for each. */
function seenBy({ requests }: Apis["direct"]): unknown[] {
  return requests.map((request) => {
    const type = request.header("content-type") ?? "";
    const boundary = /boundary=(\S+)/.exec(type)?.[1];
    const body = boundary === undefined ? request.text() : request.text().replaceAll(boundary, "-");
    return [request.method, request.target, type.split(";")[0], body];
  });
}

describe("every method of an SDK does through the proxy what it does directly", () => {
  test.each([
    ["openai", "codex", openAi, 380],
    ["@anthropic-ai/sdk", "claude", anthropic, 380],
  ] as const)(
    "%s",
    async (_, service, make, atLeast) => {
      await using apis = await startApis(service);
      const [direct, through] = [make(apis.urls.direct), make(apis.urls.through)];
      const calls = callsOf(direct);
      for (const [name, call] of calls) {
        const expected = await outcomeOf(call, direct);
        expect({ name, outcome: await outcomeOf(call, through) }).toEqual({ name, outcome: expected });
      }
      expect(seenBy(apis.backup)).toEqual(seenBy(apis.direct));
      expect(apis.direct.requests.length).toBeGreaterThan(atLeast);
    },
    120_000,
  );
});

/** What an SDK says that a turn used, in the log's words. */
interface Counted {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly total?: number | undefined;
}

interface SdkUsage {
  readonly input_tokens?: number;
  readonly prompt_tokens?: number;
  readonly output_tokens?: number;
  readonly completion_tokens?: number;
  readonly total_tokens?: number;
}

function counted(usage: unknown): Counted {
  const said = usage as SdkUsage;
  return {
    input: said.input_tokens ?? said.prompt_tokens,
    output: said.output_tokens ?? said.completion_tokens,
    total: said.total_tokens,
  };
}

async function collect<T>(stream: PromiseLike<AsyncIterable<T>> | AsyncIterable<T>): Promise<T[]> {
  const events: T[] = [];
  for await (const event of await stream) events.push(event);
  return events;
}

/** The last usage that any of the events has. */
function lastUsage(events: readonly unknown[]): Counted {
  const found = events.flatMap((event) => {
    const { message, response, usage } = event as { message?: object; response?: object; usage?: unknown };
    const inside =
      usage ??
      (response as { usage?: unknown } | undefined)?.usage ??
      (message as { usage?: unknown } | undefined)?.usage;
    return inside == null ? [] : [inside];
  });
  return counted(Object.assign({}, ...found));
}

const input = [{ role: "user", content: "hi" }] as const;
const chat = { model: "gpt-5", messages: [...input] };
const claudeTurn = { model: "claude-opus-5-5", max_tokens: 64, messages: [...input] };
const picture = { model: "gpt-image-1", prompt: "a cat" };
const speech = (): Promise<File> => toFile(Buffer.from("RIFF"), "speech.wav");

const OPENAI_TURNS: Readonly<Record<string, (client: OpenAI) => Promise<Counted>>> = {
  responses: async (client) =>
    counted((await client.responses.create({ model: "gpt-5", input: "hi" })).usage),
  "responses, streamed": async (client) =>
    lastUsage(await collect(client.responses.create({ model: "gpt-5", input: "hi", stream: true }))),
  "responses, its helper": async (client) =>
    counted((await client.responses.stream({ model: "gpt-5", input: "hi" }).finalResponse()).usage),
  "responses, compacted": async (client) =>
    counted((await client.responses.compact({ model: "gpt-5", input: "hi" })).usage),
  chat: async (client) => counted((await client.chat.completions.create({ ...chat, n: 2 })).usage),
  "chat, streamed": async (client) =>
    lastUsage(
      await collect(
        client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } }),
      ),
    ),
  "chat, its helper": async (client) =>
    counted(
      await client.chat.completions.stream({ ...chat, stream_options: { include_usage: true } }).totalUsage(),
    ),
  completions: async (client) =>
    counted((await client.completions.create({ model: "m", prompt: "hi" })).usage),
  "completions, streamed": async (client) =>
    lastUsage(await collect(client.completions.create({ model: "m", prompt: "hi", stream: true }))),
  embeddings: async (client) =>
    counted((await client.embeddings.create({ model: "m", input: "hi", encoding_format: "float" })).usage),
  images: async (client) => counted((await client.images.generate(picture)).usage),
  "images, streamed": async (client) =>
    lastUsage(await collect(client.images.generate({ ...picture, stream: true }))),
  "images, edited": async (client) =>
    counted(
      (await client.images.edit({ ...picture, image: await toFile(Buffer.from("PNG"), "a.png") })).usage,
    ),
  transcriptions: async (client) =>
    counted(
      (await client.audio.transcriptions.create({ model: "gpt-4o-transcribe", file: await speech() })).usage,
    ),
  "transcriptions, streamed": async (client) =>
    lastUsage(
      await collect(
        client.audio.transcriptions.create({
          model: "gpt-4o-transcribe",
          file: await speech(),
          stream: true,
        }),
      ),
    ),
};

const CLAUDE_TURNS: Readonly<Record<string, (client: Anthropic) => Promise<Counted>>> = {
  messages: async (client) => counted((await client.messages.create(claudeTurn)).usage),
  "messages, streamed": async (client) =>
    lastUsage(await collect(client.messages.create({ ...claudeTurn, stream: true }))),
  "messages, its helper": async (client) =>
    counted((await client.messages.stream(claudeTurn).finalMessage()).usage),
  "messages, beta": async (client) => counted((await client.beta.messages.create(claudeTurn)).usage),
};

describe("the log has the usage that the SDK has", () => {
  const fromLog = ({ usage }: LogEntry): Counted => ({
    input: usage?.input_tokens,
    output: usage?.output_tokens,
    total: usage?.total_tokens,
  });
  const same = async (apis: Apis, names: readonly string[], run: (name: string) => Promise<Counted>) => {
    for (const [n, name] of names.entries()) {
      const said = await run(name);
      const logged = fromLog(await apis.proxy.entry(n + 1));
      expect({ name, ...logged }).toMatchObject({ name, ...said, total: said.total ?? logged.total });
      expect(said.input).toBeGreaterThan(0);
    }
  };
  test("openai", async () => {
    await using apis = await startApis("codex");
    const client = openAi(apis.urls.through);
    await same(
      apis,
      Object.keys(OPENAI_TURNS),
      (name) => OPENAI_TURNS[name]?.(client) ?? expect.unreachable(),
    );
  });
  test("@anthropic-ai/sdk", async () => {
    await using apis = await startApis("claude");
    const client = anthropic(apis.urls.through);
    await same(
      apis,
      Object.keys(CLAUDE_TURNS),
      (name) => CLAUDE_TURNS[name]?.(client) ?? expect.unreachable(),
    );
  });
});

describe("ai, with its two providers", () => {
  const provide = (baseURL: string) => createOpenAI({ baseURL, apiKey: KEY });
  const models = ({ proxy, urls }: Apis, service: "codex" | "claude"): Record<string, LanguageModel> => {
    if (service === "claude")
      return { messages: createAnthropic({ baseURL: `${proxy.origin}/v1`, apiKey: KEY })("claude-opus-5-5") };
    const made = provide(urls.through);
    return { responses: made.responses("gpt-5"), chat: made.chat("gpt-5"), completion: made.completion("m") };
  };

  test.each(["codex", "claude"] as const)("text, streamed and not: %s", async (service) => {
    await using apis = await startApis(service);
    let n = 0;
    for (const [name, model] of Object.entries(models(apis, service))) {
      const whole = await generateText({ model, prompt: "hi", maxRetries: 0 });
      const streamed = streamText({ model, prompt: "hi", maxRetries: 0 });
      const pieces = await collect(streamed.textStream);
      expect({ name, text: whole.text }).toEqual({ name, text: SAID });
      expect(pieces.join("")).toStartWith(SAID);
      for (const usage of [whole.usage, await streamed.usage]) {
        const entry = await apis.proxy.entry((n += 1));
        expect({ name, total: entry.usage?.total_tokens }).toEqual({ name, total: usage.totalTokens });
        expect(entry.usage?.output_tokens).toBe(usage.outputTokens);
      }
    }
  });

  test("embeddings, images, speech and transcriptions", async () => {
    await using apis = await startApis("codex");
    const made = provide(apis.urls.through);
    const embedding = made.embedding("text-embedding-3-small");
    expect((await embed({ model: embedding, value: "hi", maxRetries: 0 })).usage.tokens).toBe(8);
    expect((await embedMany({ model: embedding, values: ["hi"], maxRetries: 0 })).embeddings[0]?.length).toBe(
      8,
    );
    const image = await generateImage({ model: made.image("gpt-image-1"), prompt: "a cat", maxRetries: 0 });
    expect(image.image.base64).toBe("aGk=");
    const spoken = await generateSpeech({ model: made.speech("tts-1"), text: "hi", maxRetries: 0 });
    expect(spoken.audio.uint8Array.length).toBe(6);
    const audio = spoken.audio.uint8Array;
    const heard = await transcribe({ model: made.transcription("gpt-4o-transcribe"), audio, maxRetries: 0 });
    expect(heard.text).toBe(SAID);
    expect((await apis.proxy.entry(1)).usage).toMatchObject({ input_tokens: 8 });
  });
});

describe("a stream that is left early is left at the upstream too, and blames it for nothing", () => {
  const begun = (events: readonly string[]): Answer => stream(events.slice(0, 5), { ending: [SILENCE] });
  const first = async (
    events: PromiseLike<AsyncIterable<unknown>> | AsyncIterable<unknown>,
  ): Promise<void> => {
    for await (const _ of await events) break;
  };
  const ways: readonly (readonly [string, "codex" | "claude", Answer, (apis: Apis) => Promise<unknown>])[] = [
    [
      "openai, responses",
      "codex",
      begun(responsesEvents({ text: SAID, deltas: 9 })),
      ({ urls }) => first(openAi(urls.through).responses.create({ model: "m", input: "hi", stream: true })),
    ],
    [
      "openai, chat, by its helper",
      "codex",
      begun(chatEvents({ text: SAID, deltas: 9 })),
      async ({ urls }) => {
        const runner = openAi(urls.through).chat.completions.stream(chat);
        runner.once("content", () => runner.abort());
        await runner.done().catch(() => {});
      },
    ],
    [
      "@anthropic-ai/sdk",
      "claude",
      begun(messagesEvents({ text: SAID, deltas: 9 })),
      ({ urls }) => first(anthropic(urls.through).messages.create({ ...claudeTurn, stream: true })),
    ],
    [
      "ai",
      "claude",
      begun(messagesEvents({ text: SAID, deltas: 9 })),
      async ({ proxy }) => {
        const model = createAnthropic({ baseURL: `${proxy.origin}/v1`, apiKey: KEY })("claude-opus-5-5");
        const abort = new AbortController();
        const { textStream } = streamText({ model, prompt: "hi", maxRetries: 0, abortSignal: abort.signal });
        for await (const _ of textStream) abort.abort();
      },
    ],
  ];
  test.each(ways)("%s", async (_, service, answer, leave) => {
    await using apis = await startApis(service);
    apis.backup.play([answer]);
    await leave(apis);
    await apis.backup.waitForClose();
    expect(await apis.proxy.entry()).toMatchObject({ outcome: "client_gone", status_code: 499 });
    const [, backup = expect.unreachable()] = apis.proxy.upstreams;
    expect(apis.proxy.router.report(backup)).toMatchObject({ availability: "ok", failures: 0 });
  });
});

describe("fifty at once, while the first upstream breaks every connection", () => {
  const turns: Readonly<Record<string, (apis: Apis) => Promise<string>>> = {
    "openai responses": async ({ urls }) =>
      (await openAi(urls.through).responses.create({ model: "gpt-5", input: "hi" })).output_text,
    "openai chat": async ({ urls }) =>
      (await openAi(urls.through).chat.completions.create(chat)).choices[0]?.message.content ?? "",
    "openai chat, streamed": async ({ urls }) =>
      (await openAi(urls.through).chat.completions.stream(chat).finalContent()) ?? "",
    "ai responses, streamed": async ({ urls }) => {
      const model = createOpenAI({ baseURL: urls.through, apiKey: KEY })("gpt-5");
      return (await collect(streamText({ model, prompt: "hi", maxRetries: 0 }).textStream)).join("");
    },
    "openai embeddings": async ({ urls }) => {
      await openAi(urls.through).embeddings.create({ model: "m", input: "hi" });
      return SAID;
    },
  };
  const claudeTurns: typeof turns = {
    "anthropic messages": async ({ urls }) =>
      textOf(await anthropic(urls.through).messages.create(claudeTurn)),
    "anthropic messages, streamed": async ({ urls }) =>
      await anthropic(urls.through).messages.stream(claudeTurn).finalText(),
    "ai messages": async ({ proxy }) => {
      const model = createAnthropic({ baseURL: `${proxy.origin}/v1`, apiKey: KEY })("claude-opus-5-5");
      return (await generateText({ model, prompt: "hi", maxRetries: 0 })).text;
    },
  };
  const textOf = ({ content: [first] }: Anthropic.Message): string =>
    first?.type === "text" ? first.text : "";
  test.each([
    ["codex", turns],
    ["claude", claudeTurns],
  ] as const)("%s", async (service, all) => {
    await using apis = await startApis(service, [RESET]);
    const ways = Object.values(all);
    const asked = Array.from({ length: 50 }, async (_, n) => await ways[n % ways.length]?.(apis));
    const said = await Promise.all(asked);
    for (const text of said) expect(text).toStartWith(SAID);
    await waitUntil(() => apis.proxy.entries.length === 50, { what: "fifty lines of the log" });
    expect(apis.proxy.entries.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
  });
});
