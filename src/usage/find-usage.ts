// Where an event or a document of an answer has its usage, and what beside it changes the price. First the places that are
// documented, then any object that has token counts, but never one inside of what people, models and tools wrote.
// Pure.
import { readHeadMember, readTailMember } from "../base/json-members.ts";
import { isRecord, type JsonRecord, parseJson } from "../base/json-value.ts";
import type { Api } from "./stream-events.ts";
import { wordOf } from "./usage.ts";
import { hasFigures, withoutOutput } from "./usage-names.ts";

/** A usage object, and what was said beside it. */
export interface UsageFound {
  readonly usage: JsonRecord;
  readonly tier: string | undefined;
}

/** Names from the outside in; `*` is each member of a list, the last first. In the order in which they are asked. */
const PLACES: Readonly<Record<Api, readonly Path[]>> = {
  // https://platform.openai.com/docs/api-reference/responses-streaming; relays put it beside the response.
  responses: pathsOf("response.usage", "usage"),
  // https://docs.anthropic.com/en/docs/build-with-claude/streaming; the metrics are Bedrock's, in message_stop.
  messages: pathsOf("usage", "message.usage", "amazon-bedrock-invocationMetrics"),
  // https://console.groq.com/docs/api-reference; https://platform.moonshot.cn/docs/api/chat (each choice of a stream)
  chat: pathsOf("usage", "x_groq.usage", "choices.*.usage"),
};

type Path = readonly string[];

function pathsOf(...places: readonly string[]): readonly Path[] {
  return places.map((place) => place.split("."));
}

/** The same for whatever API: vendors answer in their own form behind the path of another. */
const OTHER_PLACES = pathsOf(
  "usage",
  "response.usage",
  "message.usage",
  "choices.*.usage",
  "usageMetadata",
  "usage_metadata",
  "response.usageMetadata",
  "error.usage",
  "result.usage",
  "response.body.usage",
  "body.usage",
  // Beside the text, where the output is one object.
  "output.usage",
  "result.response.usage",
);

/** What is written by people, models and tools, and what is said of accounts: no usage of this answer is in it. */
const CLOSED =
  /^(?:annotations|arguments|body|citations|code|content|content_block|contents|data_sources|documents|function|functions|function_call|instructions|input|input_schema|item|items|json_schema|logprobs|messages|metadata|output|output_text|parameters|params|part|partial_json|parts|prompt|properties|reasoning|request|response_format|result|results|schema|search_results|summary|system|text|tool_calls|tool_choice|tool_use|tools|user)$|account|balance|budget|daily|estimat|history|lifetime|limit|monthly|quota|session|today|weekly/i;

const MAX_DEPTH = 5;
const MAX_OBJECTS = 500;

/** The usage that an event or a document states; null for none. The value may be of any form. */
export function findUsage(api: Api, value: unknown): UsageFound | null {
  if (Array.isArray(value)) {
    // As Gemini answers where no events were asked for: the whole stream as one list.
    for (const member of value.slice(-MAX_OBJECTS).toReversed()) {
      const found = findUsage(api, member);
      if (found !== null) return found;
    }
    return null;
  }
  if (!isRecord(value)) return null;
  const usage = atPlaces(value, PLACES[api]) ?? atPlaces(value, OTHER_PLACES) ?? searchFor(value);
  if (usage === null) return null;
  // What it counts as written is a beginning: the whole of it comes at the end.
  const isBeginning = value["type"] === "message_start";
  return {
    usage: isBeginning ? withoutOutput(usage) : withToolUse(value, usage),
    tier: wordOf(inEither(value, "service_tier")),
  };
}

/** The same for the text of an event. The end of a Responses stream may be large, and has its usage at its own end. */
export function findInText(api: Api, text: string): UsageFound | null {
  const hasCalls = text.includes(CALL);
  const usage = api === "responses" && !hasCalls ? readTailMember(text, "usage", 2) : null;
  if (isRecord(usage) && hasFigures(usage, 2)) return { usage: withToolUse(text, usage), tier: tierIn(text) };
  const value = parseJson(text);
  return value === undefined ? findInPart(api, text) : findUsage(api, value);
}

/** The same for a text of which the beginning, the middle or the end is missing. */
export function findInPart(api: Api, text: string): UsageFound | null {
  const depths = api === "responses" ? [2, 1] : [1, 2];
  const told = [
    ...depths.map((depth) => readTailMember(text, "usage", depth)),
    readHeadMember(text, "usage", 2),
  ].filter(isRecord);
  const usage = told.find((record) => hasFigures(record, 1));
  if (usage === undefined) return null;
  return { usage: BEGINNING.test(text) ? withoutOutput(usage) : usage, tier: tierIn(text) };
}

/** Of a message_start, whichever member it begins with. */
const BEGINNING = /^\s*\{\s*(?:"type"\s*:\s*"message_start"|"message"\s*:\s*\{)/;

/** https://platform.openai.com/docs/api-reference/responses/object#service_tier: beside the usage, not in it. */
function tierIn(text: string): string | undefined {
  return wordOf(readHeadMember(text, "service_tier", 2));
}

/** In all names of token counts of events: one search rules out nearly all of them. */
const TOKEN = Buffer.from("oken");
const TELLING = [
  '_tokens"',
  'okenCount"',
  'Tokens"',
  'token_count"',
  'predicted_n"',
  'tokens_predicted"',
].map((text) => Buffer.from(text));

/** False for bytes that tell no tokens: nearly all events. */
export function mayTellUsage(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.includes(TOKEN) && TELLING.some((name) => buffer.includes(name));
}

function atPlaces(value: JsonRecord, places: readonly Path[]): JsonRecord | null {
  for (const place of places) {
    const found = atPath(value, place, 0);
    if (found !== null) return found;
  }
  return null;
}

/** From so many names of the path on. */
function atPath(value: unknown, path: Path, at: number): JsonRecord | null {
  const key = path[at];
  if (key === undefined) return isRecord(value) ? billedIn(value, 1) : null;
  if (key === "*") {
    if (!Array.isArray(value)) return null;
    for (const member of value.slice(-MAX_OBJECTS).toReversed()) {
      const found = atPath(member, path, at + 1);
      if (found !== null) return found;
    }
    return null;
  }
  return isRecord(value) ? atPath(value[key], path, at + 1) : null;
}

/** The object itself, or what in it is said to be billed, which may be less than what was read: https://docs.cohere.com/reference/chat */
function billedIn(value: JsonRecord, least: number): JsonRecord | null {
  const { billed_units: billed } = value;
  if (isRecord(billed) && hasFigures(billed, least)) return billed;
  return hasFigures(value, least) ? value : null;
}

/** The outermost object that has token counts: two of them, or one in an object that is called usage. */
function searchFor(value: JsonRecord): JsonRecord | null {
  let level: (readonly [key: string, value: JsonRecord])[] = [["", value]];
  let looked = 0;
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth += 1) {
    const next: typeof level = [];
    for (const [key, record] of level) {
      const found = billedIn(record, /usage|tokens|billed/i.test(key) ? 1 : 2);
      if (found !== null) return found;
      for (const [name, member] of Object.entries(record)) {
        if (CLOSED.test(name) && !/usage/i.test(key)) continue;
        const members = Array.isArray(member) ? member : [member];
        for (const one of members) {
          if (!isRecord(one)) continue;
          looked += 1;
          if (looked <= MAX_OBJECTS) next.push([name, one]);
        }
      }
    }
    level = next;
  }
  return null;
}

/** OpenAI counts the calls of its tools beside the usage, or not at all: then its output shows them. */
function withToolUse(value: JsonRecord | string, usage: JsonRecord): JsonRecord {
  const told =
    typeof value === "string" ? readHeadMember(value, "tool_usage", 2) : inEither(value, "tool_usage");
  if (isRecord(told)) return { tool_usage: told, ...usage };
  const output = typeof value === "string" ? null : inEither(value, "output");
  let calls: Record<string, { num_requests: number }> | null = null;
  for (const item of Array.isArray(output) ? output : []) {
    if (!isRecord(item)) continue;
    const tool = CALLS[String(item["type"])];
    const kind = isRecord(item["action"]) ? item["action"]["type"] : undefined;
    // Of the actions of a web search only the search itself costs something.
    if (tool === undefined || (kind !== undefined && kind !== "search")) continue;
    calls ??= {};
    calls[tool] = { num_requests: (calls[tool]?.num_requests ?? 0) + 1 };
  }
  return calls === null ? usage : { tool_usage: calls, ...usage };
}

/** In the names of all calls that cost something. */
const CALL = '_search_call"';
/** What the items of an output are called, and the tool that they are calls of. */
const CALLS: Readonly<Record<string, string>> = {
  web_search_call: "web_search",
  file_search_call: "file_search",
};

/** A member of the document, or of the response or message that an event holds. */
function inEither(value: JsonRecord, name: string): unknown {
  if (value[name] != null) return value[name];
  const { message, response } = value;
  if (isRecord(response) && response[name] != null) return response[name];
  return isRecord(message) ? (message[name] ?? undefined) : undefined;
}
