import { expect, test } from "bun:test";
import type { LogEntry } from "../../src/log/entry.ts";
import { chunk, head, LAST_CHUNK } from "../helpers/answers.ts";
import { FIN, SILENCE, startFakeUpstream, type Step } from "../helpers/fake-upstream.ts";
import { startTestProxy, type TestProxy } from "../helpers/in-process-proxy.ts";
import { elapse, waitUntil } from "../helpers/wait.ts";
import {
  createRandom,
  generateAnswer,
  type Figures,
  type GeneratedAnswer,
} from "../usage/generated-answers.ts";

const ANSWERS = 2400;
const AT_ONCE = 12;
const SEED = 20_261_129;
const PATHS = { responses: "/v1/responses", messages: "/v1/messages", chat: "/v1/chat/completions" } as const;
/** So long is waited for what may be shown. */
const LONGEST_MS = 50;
const NEVER = Number.MAX_SAFE_INTEGER;

type LoggedUsage = NonNullable<LogEntry["usage"]>;

/** The figures of a usage, without what is not a count of tokens. */
function figuresOf({ iterations: _, partial: __, ...usage }: LoggedUsage): Figures {
  return JSON.parse(JSON.stringify(usage));
}

/** What is wrong with the line of an answer; null for nothing. */
function findFault(
  { api, ending, served, truth }: GeneratedAnswer,
  { attempts = [], outcome, served_model: named, usage, usage_unknown: why }: LogEntry,
): string | null {
  for (const name of [named, ...attempts.map((attempt) => attempt.served_model)])
    if (name !== undefined && name !== served) return `${name} is not the model that it names`;
  if (ending === "whole" && outcome !== "cut" && (named ?? attempts[0]?.served_model) === undefined)
    return "the model that it names is not known";
  const all = [usage, ...attempts.map((attempt) => attempt.usage)].filter((one) => one !== undefined);
  if (all.length === 0)
    return why === undefined || ending === "whole" ? "nothing is known of it, and that is not said" : null;
  if (all.length > 1) return "it is counted twice";
  for (const one of all) {
    const figures = figuresOf(one);
    if (one.partial !== true && !Bun.deepEquals(figures, truth))
      return `${JSON.stringify(figures)} is not the truth`;
    if (one.partial !== true) continue;
    if (ending === "whole") return "a whole answer is called partial";
    const wrong = Object.entries(figures).find(([name, figure]) => figure > (truth[name] ?? 0));
    const { output_tokens: output } = figures;
    // What Messages begin with is no figure of what was written.
    if (api === "messages" && output !== undefined && output !== truth["output_tokens"])
      return "an output is made up";
    if (wrong !== undefined) return `${wrong.join(" ")} is more than the truth`;
  }
  return null;
}

/** An answer on its way: how far its client is. */
interface Underway {
  readonly number: number;
  readonly answer: GeneratedAnswer;
  /** Resolves when the upstream is asked. */
  readonly asked: PromiseWithResolvers<void>;
  /** Resolves when the client has the first bytes, which it may never get. */
  readonly begun: PromiseWithResolvers<void>;
}

/** What breaks off does so when the client has something of it, or as far as that was not enough to be shown. */
async function* answerWith({ answer, asked, begun }: Underway): AsyncGenerator<Step> {
  asked.resolve();
  const type = answer.stream ? "text/event-stream" : "application/json";
  const coding = answer.encoding === null ? {} : { "content-encoding": answer.encoding };
  yield head(200, { "content-type": type, "transfer-encoding": "chunked", ...coding });
  const pieces =
    answer.ending === "left" ? answer.chunks.slice(0, Math.ceil(answer.chunks.length / 2)) : answer.chunks;
  yield* pieces.map(chunk);
  if (answer.ending === "whole") return yield LAST_CHUNK;
  if (answer.ending === "left") return yield SILENCE;
  await Promise.race([begun.promise, elapse(LONGEST_MS)]);
  yield FIN;
}

async function ask(proxy: TestProxy, { answer, asked, begun, number }: Underway): Promise<void> {
  const { api, ending, stream } = answer;
  const leave = new AbortController();
  const headers = { "content-type": "application/json", "session-id": `case-${number}` };
  // As it came: what breaks off cannot be decompressed.
  const init: BunFetchRequestInit = { headers, signal: leave.signal, decompress: false };
  const response = proxy.ask(PATHS[api], { model: "m", stream, case: number }, init);
  const read = async (): Promise<void> => {
    const reader = (await response).body?.getReader();
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) begun.resolve();
  };
  // Broken off, as it was meant to be.
  const done = read().catch(() => undefined);
  if (ending === "left") {
    await asked.promise;
    await Promise.race([begun.promise, done, elapse(LONGEST_MS)]);
    leave.abort();
  }
  await done;
}

test("what any answer used is counted to the token, or its line says that it is not known, and its model is the one it names", async () => {
  const random = createRandom(SEED);
  const underway = Array.from({ length: ANSWERS }, (_, number): Underway => {
    return {
      number,
      answer: generateAnswer(random),
      asked: Promise.withResolvers(),
      begun: Promise.withResolvers(),
    };
  });
  await using upstream = await startFakeUpstream((request) => {
    const number: unknown = Reflect.get(Object(request.json()), "case");
    const one = underway[Number(number)];
    if (one === undefined) throw new Error("an answer that was not asked for");
    return answerWith(one);
  });
  // However many break off, the upstream is asked on.
  const routing = {
    failureThreshold: NEVER,
    firstByteThreshold: NEVER,
    neverSentThreshold: NEVER,
    windowMinRequests: NEVER,
  };
  await using codex = startTestProxy({ upstreams: [upstream.baseUrl], routing });
  await using claude = startTestProxy({ service: "claude", upstreams: [upstream.baseUrl], routing });
  const waiting = underway.values();
  const askInTurn = async (): Promise<void> => {
    for (const one of waiting) await ask(one.answer.api === "messages" ? claude : codex, one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askInTurn));
  const lines = (): readonly LogEntry[] => [...codex.entries, ...claude.entries];
  await waitUntil(() => lines().length === ANSWERS || undefined, {
    what: "a line for each answer",
    deadlineMs: 20_000,
  });

  const found = new Map(lines().map((line) => [line.session_id, line]));
  const faults = underway.flatMap(({ answer, number }) => {
    const line = found.get(`case-${number}`);
    const fault = line === undefined ? "it has no line" : findFault(answer, line);
    return fault === null ? [] : [`${answer.title}: ${fault} ${JSON.stringify(line)}`];
  });
  expect(faults).toEqual([]);
  // Not because nothing was known of any.
  const usages = lines().map(({ usage }) => usage);
  expect(usages.filter((usage) => usage !== undefined && usage.partial === undefined).length).toBeGreaterThan(
    ANSWERS / 2,
  );
  expect(usages.filter((usage) => usage?.partial === true).length).toBeGreaterThan(10);
}, 120_000);
