// Runs one answer of test/answers through the real proxy, between a scripted upstream and a client that shows every byte.
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from "node:zlib";
import {
  type AnswerFile,
  type Chunking,
  type Coding,
  makeAnswer,
  type ScriptedAnswer,
  type Sending,
  textOf,
} from "./answer-file.ts";
import { chatEvents, messagesEvents, reply, responsesEvents } from "./answers.ts";
import { type Answer, startFakeUpstream } from "./fake-upstream.ts";
import { startTestProxy } from "./in-process-proxy.ts";
import { connectRaw, makeRequestBytes, type RawRequest, type RawResponse } from "./raw-client.ts";
import { makeUpstream } from "./upstream.ts";
import { settled } from "./wait.ts";

const CHUNKINGS: readonly Chunking[] = ["whole", "by event", "byte by byte"];
const PATHS = {
  responses: "/v1/responses",
  messages: "/v1/messages",
  chat: "/v1/chat/completions",
} as const;

export interface AnswerRunner extends AsyncDisposable {
  /** What came out otherwise than the file expects, each difference with the ways of sending in which it shows. */
  run(file: AnswerFile): Promise<Difference[]>;
}

export interface Difference {
  readonly expected: Readonly<Record<string, unknown>>;
  readonly got: Readonly<Record<string, unknown>>;
  readonly sent: readonly string[];
}

/** One upstream serves all runs: the first part of a path says which run, the second which upstream of it. */
export async function startAnswerRunner(): Promise<AnswerRunner> {
  const answers = new Map<string, Answer>();
  let runs = 0;
  const upstream = await startFakeUpstream(({ target }) => {
    const [, key = ""] = /^\/(\d+\/\d)\//.exec(target) ?? [];
    return answers.get(key) ?? reply({ status: 500, body: `nothing is scripted for ${target}` });
  });

  const runOnce = async (file: AnswerFile, sending: Sending): Promise<Omit<Difference, "sent"> | null> => {
    runs += 1;
    const id = `${runs}`;
    const shown = Promise.withResolvers<void>();
    if (!showsBeforeEnd(file)) shown.resolve();
    answers.set(`${id}/1`, makeAnswer(file.answer, { ...sending, maySendEnd: shown.promise }));
    answers.set(`${id}/2`, makeAnswer(secondOf(file), sending));
    try {
      return await compare(file, sending, `${upstream.origin}/${id}`, shown.resolve);
    } finally {
      shown.resolve();
      answers.delete(`${id}/1`);
      answers.delete(`${id}/2`);
    }
  };
  return {
    async run(file) {
      const sendings = codingsOf(file).flatMap((coding) =>
        CHUNKINGS.map((chunking) => ({ chunking, coding })),
      );
      const seen = await Promise.all(
        sendings.map(async (sending) => ({ sending, differs: await runOnce(file, sending) })),
      );
      const wrong = seen.filter(({ differs }) => differs !== null);
      return [...Map.groupBy(wrong, ({ differs }) => JSON.stringify(differs)).values()].map((same) => ({
        ...(same[0]?.differs ?? { expected: {}, got: {} }),
        sent: same.map(({ sending }) => `${sending.chunking}, ${sending.coding ?? "identity"}`),
      }));
    },
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

/** As they are, gzip, and one of the two newer ones; an answer that is coded in a way of its own only so. */
function codingsOf({ answer, file }: AnswerFile): readonly (Coding | null)[] {
  const isOwn = answer.coded !== undefined || answer.headers?.["content-encoding"] !== undefined;
  if (isOwn || answer.body.length === 0) return [null];
  return [null, "gzip", file.length % 2 === 0 ? "br" : "zstd"];
}

/** What differs from what the file expects; null for nothing. */
async function compare(
  file: AnswerFile,
  sending: Sending,
  origin: string,
  allowEnd: () => void,
): Promise<Omit<Difference, "sent"> | null> {
  const { api, limits = {}, request = {}, second } = file;
  const { body = {}, fields = [], method = "POST", path = PATHS[api], stream = true } = request;
  const service = api === "messages" ? "claude" : "codex";
  const { timeouts } = makeUpstream();
  const limited = {
    ...timeouts,
    firstByteMs: limits.first_byte_ms ?? timeouts.firstByteMs,
    firstByteLastMs: limits.first_byte_ms ?? timeouts.firstByteLastMs,
    idleMs: limits.idle_ms ?? timeouts.idleMs,
  };
  const upstreams = (second === undefined ? [1] : [1, 2]).map((position) =>
    makeUpstream({
      service,
      position,
      label: `main#${position}`,
      key: `${position}`,
      baseUrl: `${origin}/${position}/v1`,
      // One that answers well keeps the program's own, however slow this machine is.
      timeouts: position === 2 && second === true ? timeouts : limited,
    }),
  );
  await using proxy = startTestProxy({ service, upstreams });
  // Half of the clients can read what is compressed; for the others it has to be undone.
  const accepts = sending.coding !== null && file.name.length % 2 === 0;
  const got = await ask(proxy.port, showsBeforeEnd(file) ? allowEnd : null, {
    method,
    path,
    fields: [
      "Content-Type: application/json",
      ...(accepts ? ["Accept-Encoding: gzip, deflate, br, zstd"] : []),
      ...fields,
    ],
    body: method === "POST" ? JSON.stringify({ model: "m", stream, ...QUESTION[api], ...body }) : "",
  });
  const { attempts, outcome, served_model: served, usage } = await proxy.entry();
  const names = Object.keys(file.expect.headers ?? {});
  const headers = Object.fromEntries(names.map((name) => [name, got.header(name)]));
  const [first = makeUpstream()] = upstreams;
  const seen = {
    status: got.status,
    end:
      got.end === "reset" || (got.end === "fin" && got.header("content-length") !== null) ? "cut" : "whole",
    headers,
    text: decode(got),
    verdict: attempts?.[0]?.verdict ?? "ok",
    outcome,
    usage,
    served,
    failures: proxy.router.report(first).failures,
  };
  const isAsSeen = ([key, value]: [string, unknown]): boolean =>
    Bun.deepEquals(seen[key as keyof typeof seen], value);
  const differs = Object.entries(dueOf(file, seen.text)).filter((member) => !isAsSeen(member));
  if (differs.length === 0) return null;
  const shown = differs.map(([key]) => [key, shorten(seen[key as keyof typeof seen])]);
  return {
    expected: Object.fromEntries(differs.map(([key, value]) => [key, shorten(value)])),
    got: Object.fromEntries(shown),
  };
}

/** The end of a connection takes away what was not read before it: it comes only when the client has all of the rest. */
function showsBeforeEnd({ answer: { end }, expect: { client } }: AnswerFile): boolean {
  return client === "cut" || (client === "first" && (end === "fin" || end === "reset"));
}

async function ask(port: number, allowEnd: (() => void) | null, request: RawRequest): Promise<RawResponse> {
  await using client = await connectRaw(port);
  client.send(makeRequestBytes(port, request));
  if (allowEnd !== null) {
    await client.begun();
    await settled(() => client.received);
    allowEnd();
  }
  return await client.response(request.method);
}

const QUESTION = {
  responses: { store: false, input: [{ role: "user", content: "hi" }] },
  messages: { max_tokens: 64, messages: [{ role: "user", content: "hi" }] },
  chat: { messages: [{ role: "user", content: "hi" }] },
} as const;

function shorten(value: unknown): unknown {
  return typeof value === "string" && value.length > 300
    ? `${value.slice(0, 200)} ... ${value.slice(-90)}`
    : value;
}

/** What the file promises, as far as it does. */
function dueOf(file: AnswerFile, text: string): Record<string, unknown> {
  const { client, failures, headers, outcome, says, status, until, usage, verdict } = file.expect;
  const isGood = client === "first" && verdict === "ok" && outcome === undefined;
  const shown = client === "second" ? secondOf(file) : file.answer;
  const isShown = client !== "ch" && client !== "assembled";
  return {
    ...(status === undefined && client === "ch" ? {} : { status: status ?? shown.status ?? 200 }),
    end: client === "cut" ? "cut" : "whole",
    ...(isShown ? { text: textDue(textOf(shown), textOf(shown, until), text) } : {}),
    ...(says === undefined || text.includes(says) ? {} : { text: `... ${says} ...` }),
    ...(verdict === "*" ? {} : { verdict }),
    ...(headers === undefined ? {} : { headers }),
    ...(usage === undefined ? {} : { usage: usage ?? undefined }),
    ...(isGood || client === "second" || (client === "assembled" && file.second === undefined)
      ? servedOf(file, shown)
      : {}),
    ...(failures === undefined && !isGood ? {} : { failures: failures ?? 0 }),
    ...outcomeOf(file, isGood),
  };
}

/** The model that all of the answer's objects name; of one without a name nothing is said. */
function servedOf(
  { request: { path } = {} }: AnswerFile,
  { body }: ScriptedAnswer,
): { served?: string | undefined } {
  if (path !== undefined || body.some((piece) => typeof piece === "string" && piece.includes("model")))
    return {};
  const names = body.flatMap((piece) => {
    const value = Object(piece);
    const object = Object(value.event ?? value.data ?? value.json);
    return [object.model, object.response?.model, object.message?.model].filter((name) => name !== undefined);
  });
  return { served: names.at(-1) };
}

function outcomeOf({ expect: { client, outcome }, second }: AnswerFile, isGood: boolean) {
  if (outcome !== undefined) return { outcome };
  if (client === "cut") return { outcome: "cut" };
  return isGood || (client === "second" && second === true) ? { outcome: "ok" } : {};
}

function inJson(json: object): ScriptedAnswer {
  return { body: [{ json }] };
}

/** All of it; of one that is cut after a certain piece at least what precedes that, and what came of the rest in time. */
function textDue(whole: string, least: string, got: string): string {
  const isBetween = got.length >= least.length && whole.startsWith(got);
  return least !== whole && isBetween ? got : least;
}

/** The answer of the upstream behind the first; a good one where the file has none of its own. */
function secondOf({
  api,
  request: { path = PATHS[api], stream = true } = {},
  second,
}: AnswerFile): ScriptedAnswer {
  if (typeof second === "object") return second;
  if (path.split("?")[0] !== PATHS[api]) return NO_TURN;
  return stream ? EVENTS[api] : DOCUMENTS[api];
}

const TEXT = { text: "from the second" };
const EVENTS = {
  responses: { body: responsesEvents(TEXT) },
  messages: { body: messagesEvents(TEXT) },
  chat: { body: chatEvents(TEXT) },
};
/** Of every endpoint that is no turn something. */
const NO_TURN = inJson({
  object: "list",
  data: [],
  models: [],
  input_tokens: 7,
  results: [],
  output: [{ type: "compaction", encrypted_content: "kept" }],
});
const MESSAGE = { type: "message", role: "assistant", content: [{ type: "output_text", text: "hi" }] };
const DOCUMENTS = {
  responses: inJson({
    object: "response",
    id: "resp_2",
    status: "completed",
    output: [MESSAGE],
    usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
  }),
  messages: inJson({
    type: "message",
    id: "msg_2",
    role: "assistant",
    model: "m",
    content: [{ type: "text", text: "hi" }],
    stop_reason: "end_turn",
    usage: { input_tokens: 3, output_tokens: 4 },
  }),
  chat: inJson({
    object: "chat.completion",
    id: "chatcmpl-2",
    choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
  }),
};

/** As far as it goes: of a cut answer, what came before the cut. */
function decode(got: RawResponse): string {
  const name = got.header("content-encoding");
  if (name === null || got.body.length === 0) return Buffer.from(got.body).toString();
  try {
    return DECODERS[name]?.(got.body).toString() ?? Buffer.from(got.body).toString();
  } catch (error) {
    return `<${name}: ${String(error)}>`;
  }
}

const ZLIB_FLUSH = { finishFlush: constants.Z_SYNC_FLUSH };
const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes, ZLIB_FLUSH),
  deflate: (bytes) =>
    ((bytes[0] ?? 0) & 15) === 8 ? inflateSync(bytes, ZLIB_FLUSH) : inflateRawSync(bytes, ZLIB_FLUSH),
  br: (bytes) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: (bytes) => zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush }),
};
