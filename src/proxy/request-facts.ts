// Reads the few facts about a request that routing needs, by looking at bytes: a body is never parsed for it.
// Pure.
import { endsAtTopLevel, findTopLevelString, valueAfter } from "../base/json-members.ts";
import { parseJson, stringOr } from "../base/json-value.ts";
import { shapeOf } from "../base/bytes.ts";
import type { Endpoint } from "./endpoints.ts";

export interface RequestFacts {
  readonly endpoint: Endpoint;
  readonly model: string | null;
  readonly stream: boolean;
  readonly sessionId: string | null;
  /** The program that asks, "codex_exec/0.171.0"; null where its user-agent names none. */
  readonly client: string | null;
  /** Which part of the client asks; null where it does not say. */
  readonly agent: Agent | null;
  /** The upstream keeps the answer: `store: true`, in Responses and Chat Completions. */
  readonly store: boolean;
  /** The upstream works on after the connection is gone. */
  readonly background: boolean;
  /** The answer can be gone on from by its id: it is kept unless the request says `store: false`. */
  readonly isContinuable: boolean;
  /** The id of the response that this one goes on from. */
  readonly previousResponse: string | null;
}

export type Agent = "main" | "subagent" | "compaction" | "auxiliary";

const SESSION_HEADERS = ["x-claude-code-session-id", "session-id", "session_id", "thread-id"];
const MAX_FIELD_BYTES = 256;
/** As bytes: a string is searched for from the end at half the speed. */
const STREAM = Buffer.from('"stream"');
const STORE = Buffer.from('"store"');
const TRUE = Buffer.from("true");
const FALSE = Buffer.from("false");
const BACKGROUND = Buffer.from('"background"');

/** Facts of one request. `body` is decoded and unredacted or redacted; any bytes are accepted. */
export function readRequestFacts(endpoint: Endpoint, headers: Headers, body: Uint8Array): RequestFacts {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (endpoint.api === null) {
    const namesModel = (endpoint.judged === "data" || endpoint.usage !== null) && shapeOf(bytes) === "json";
    return {
      endpoint,
      model: namesModel ? stringField(bytes, "model") : null,
      sessionId: readSession(endpoint, headers, bytes),
      get client() {
        return readClient(headers);
      },
      agent: null,
      stream: false,
      store: false,
      background: false,
      isContinuable: false,
      previousResponse: null,
    };
  }
  return new TurnFacts(endpoint, headers, bytes);
}

/** A class, because each request has one: as many getters of its own would cost more than what they read. */
class TurnFacts implements RequestFacts {
  readonly model: string | null;
  readonly stream: boolean;
  readonly sessionId: string | null;
  private known: { readonly agent: Agent | null } | null = null;

  constructor(
    readonly endpoint: Endpoint,
    private readonly headers: Headers,
    private readonly bytes: Buffer,
  ) {
    this.model = stringField(bytes, "model");
    this.stream = flagField(bytes, STREAM) === true;
    this.sessionId = readSession(endpoint, headers, bytes);
  }

  // Asked for at the end.
  get client(): string | null {
    return readClient(this.headers);
  }

  get agent(): Agent | null {
    return (this.known ??= { agent: readAgent(this.headers) }).agent;
  }

  // Asked for after a failure alone, and looked for in the whole of a body.
  get store(): boolean {
    return flagField(this.bytes, STORE) === true;
  }

  get background(): boolean {
    return flagField(this.bytes, BACKGROUND) === true;
  }

  get isContinuable(): boolean {
    return this.endpoint.api === "responses" && flagField(this.bytes, STORE) !== false;
  }

  get previousResponse(): string | null {
    return this.endpoint.api === "responses" ? stringField(this.bytes, "previous_response_id") : null;
  }
}

/** Of which session a request is. */
export function readSession({ api }: Endpoint, headers: Headers, body: Uint8Array): string | null {
  const told = headerSession(headers);
  if (told !== null || api === null) return told;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return stringField(bytes, "prompt_cache_key") ?? claudeSession(bytes);
}

function headerSession(headers: Headers): string | null {
  for (const name of SESSION_HEADERS) {
    const value = headers.get(name);
    if (value !== null && value !== "" && value.length <= 200) return value;
  }
  return null;
}

/** What clients call the parts of them that ask. Claude Code says the class of a request to its own vendor only. */
const AGENT_WORDS: ReadonlyMap<string, Agent> = new Map([
  ["turn", "main"],
  ["main", "main"],
  ["subagent", "subagent"],
  ["workflow", "subagent"],
  ["compaction", "compaction"],
  ["compact", "compaction"],
  ["auxiliary", "auxiliary"],
  ["side_reply", "auxiliary"],
  ["thread_title", "auxiliary"],
  ["memory_consolidation", "auxiliary"],
]);

/** Name and version alone: what else a user-agent says may be the user's own, and is nobody's business. */
const CLIENT = /^([A-Za-z][\w.-]{0,39}(?:\/[A-Za-z]{1,20})?)[/ ]v?(\d{1,9}(?:\.\d{1,9}){1,3})(?![\w.])/;

/** One request after the other is the same program's. */
let lastClient: { readonly agent: string; readonly name: string | null } = { agent: "", name: null };

/** The first product of a user-agent (RFC 9110 10.1.5), as SDKs write it too: "OpenAI/JS 5.20.1". */
function readClient(headers: Headers): string | null {
  const agent = headers.get("user-agent") ?? "";
  if (agent === lastClient.agent) return lastClient.name;
  const [, name, version] = CLIENT.exec(agent) ?? [];
  lastClient = { agent, name: name === undefined || version === undefined ? null : `${name}/${version}` };
  return lastClient.name;
}

const REQUEST_KIND = /"request_kind":"(\w+)"/;
const THREAD_SOURCE = /"thread_source":"(\w+)"/;
const THREAD = '"thread_source":"';

/** The summary of a sub-agent's conversation is one, too: what is told of the request goes before what is told of its agent. */
function readAgent(headers: Headers): Agent | null {
  const metadata = headers.get("x-codex-turn-metadata");
  const said = (pattern: RegExp): string => (metadata === null ? "" : (pattern.exec(metadata)?.[1] ?? ""));
  const kind = AGENT_WORDS.get(headers.get("x-claude-code-request-class") ?? said(REQUEST_KIND));
  if (kind !== undefined && kind !== "main") return kind;
  const helper = headers.get("x-openai-subagent");
  const agent = AGENT_WORDS.get(helper ?? (metadata?.includes(THREAD) === true ? said(THREAD_SOURCE) : ""));
  if (agent !== undefined) return agent;
  if (helper !== null || headers.has("x-claude-code-agent-id")) return "subagent";
  return kind ?? (headers.has("x-claude-code-session-id") ? "main" : null);
}

/** Claude Code's `metadata.user_id` is a JSON string with a session_id in it, or ends in `_session_<id>`. */
function claudeSession(bytes: Buffer): string | null {
  const at = bytes.indexOf('"user_id"');
  if (at < 0) return null;
  const text = bytes.subarray(at, at + 1024).toString("latin1");
  return (
    /session_id\\*"\s*:\s*\\*"([\w-]{8,200})/.exec(text)?.[1] ??
    /_session_([\w-]{8,200})/.exec(text)?.[1] ??
    null
  );
}

/** A name: there is nothing to parse in it. */
const PLAIN = /^"[\w./:@-]*"$/;

/** A top-level string of at most 256 bytes. */
function stringField(bytes: Buffer, name: string): string | null {
  const range = findTopLevelString(bytes, name);
  if (range === null || range.end - range.start > MAX_FIELD_BYTES) return null;
  const text = bytes.toString("utf8", range.start, range.end);
  return PLAIN.test(text) ? text.slice(1, -1) : stringOr(parseJson(text), null);
}

/** A top-level boolean; null for none. The same key may be at another level too, as in a tool's schema. */
function flagField(bytes: Buffer, key: Buffer): boolean | null {
  for (let at = bytes.lastIndexOf(key); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(key, at - 1)) {
    const start = valueAfter(bytes, at + key.length);
    const is = beginsWith(bytes, start, TRUE);
    if (!is && !beginsWith(bytes, start, FALSE)) continue;
    if (endsAtTopLevel(bytes, start + (is ? TRUE : FALSE).length)) return is;
  }
  return null;
}

/** The whole word. */
function beginsWith(bytes: Uint8Array, start: number, word: Uint8Array): boolean {
  if (start < 0) return false;
  for (let at = 0; at < word.length; at += 1) if (bytes[start + at] !== word[at]) return false;
  return !/\w/.test(String.fromCharCode(bytes[start + word.length] ?? 0));
}
