// Compaction of a long Codex conversation through upstreams that do not know it: the client asks for a
// `compaction` item, a plain relay would answer in prose. The request is turned into one for a summary, the summary is
// wrapped as an item of our own marking, and unfolded again in every later request.
// Pure.
import type { ValueRange } from "../base/json-members.ts";
import { bytesOf, elementsOf, membersOf, rootOf, splice, stringAt } from "../base/json-splice.ts";
import { isRecord, parseRecord, stringOr } from "../base/json-value.ts";
import { makeSseEvent } from "../base/sse.ts";
import type { Api } from "../usage/stream-events.ts";
import { modelOf } from "../usage/served-model.ts";
import { readUsage, type Usage } from "../usage/usage.ts";
import type { Acceptance } from "./gate.ts";

/** Begins the content of every item that we made. The rest is base64 of the summary's UTF-8. */
const MARK = "codex-helper:summary:1:";
const TRIGGER = "compaction_trigger";
const ITEM_TYPE = "compaction";
/** How both begin: nearly every body holds neither, and one search shows it. */
const EITHER = Buffer.from('"compaction');

const ASK_FOR_SUMMARY =
  "The conversation so far is about to be replaced by a summary, and the work goes on from that summary alone. " +
  "Write it now: what the user wants, what was decided and why, what has been done (files, commands, results), what is " +
  "still open and the next step, and every name, path, number and preference that is still needed. Plain text, no " +
  "tool calls, nothing before or after the summary.";

const BEFORE_SUMMARY = "Summary of the conversation so far, which it replaces:\n\n";

export interface CompactionFacts {
  /** The client wants its history compacted: the last input item is a trigger. */
  readonly isRequest: boolean;
  /** There are items of ours to unfold. */
  readonly hasOwn: boolean;
}

const NONE: CompactionFacts = { isRequest: false, hasOwn: false };

/** What a Responses body has to do with compaction. Parses only a body that holds one of the words. */
export function readCompaction(api: Api | null, body: Uint8Array): CompactionFacts {
  if (api !== "responses") return NONE;
  const bytes = bytesOf(body);
  if (!bytes.includes(EITHER) || (!bytes.includes(`"${TRIGGER}"`) && !bytes.includes(`"${ITEM_TYPE}"`)))
    return NONE;
  const items = itemsOf(bytes);
  return {
    isRequest: items.at(-1)?.type === TRIGGER,
    hasOwn: items.some(({ content }) => content.startsWith(MARK)),
  };
}

/** How an upstream refuses an input item that it does not know. */
const UNKNOWN_INPUT = new Set([400, 404, 415, 422]);

/** Only an answer with a compaction item will do: it holds a whole conversation, and the model writes it in one go. */
export const COMPACTION_ITEM: Acceptance = {
  holdBytes: 16 * 2 ** 20,
  judge(state, { data }) {
    if (state === "held") return null;
    if (/"type"\s*:\s*"compaction"/.test(data)) return "commit";
    // Text or a tool call: an upstream that reads the trigger as an ordinary turn.
    const isOther = /"type"\s*:\s*"(?:response\.(?:output_text\.|completed")|message"|function_call)/.test(
      data,
    );
    return state === "empty" || isOther ? "no-compaction" : null;
  },
  readStatus: (status) => (UNKNOWN_INPUT.has(status) ? "no-compaction" : null),
};

/** The body with our own items unfolded into messages that any upstream understands; the same body without any. */
export function unfoldSummaries(body: Uint8Array): Uint8Array {
  return changeInput(body, ({ content }) =>
    content.startsWith(MARK)
      ? BEFORE_SUMMARY + Buffer.from(content.slice(MARK.length), "base64").toString("utf8")
      : null,
  );
}

/** The body with the trigger replaced by a request for a summary in prose. */
export function askForSummary(body: Uint8Array): Uint8Array {
  return changeInput(body, ({ isLast, type }) => (isLast && type === TRIGGER ? ASK_FOR_SUMMARY : null));
}

export interface Summary {
  /** Of the upstream's response. */
  readonly id: string;
  readonly summary: string;
  /** As the upstream gave it, undefined if it did not. */
  readonly usage: unknown;
  readonly tokens: Usage | undefined;
  /** The model that the response names. */
  readonly model?: string | undefined;
}

/** The event stream that answers a compaction request with a summary. `usage` is the upstream's own, or undefined. */
export function makeCompactionStream(answer: Summary): string {
  const item = {
    type: "compaction",
    encrypted_content: MARK + Buffer.from(answer.summary).toString("base64"),
  };
  const response = {
    id: answer.id,
    status: "completed",
    output: [item],
    ...(answer.usage == null ? {} : { usage: answer.usage }),
  };
  return (
    makeSseEvent({ type: "response.created", response: { id: answer.id, status: "in_progress" } }) +
    makeSseEvent({ type: "response.output_item.done", output_index: 0, item }) +
    makeSseEvent({ type: "response.completed", response })
  );
}

/** What the summary stream of an upstream said. Null when it held no text, or not all of it: the rest would be lost. */
export function readSummary(events: readonly { readonly data: string }[]): Summary | null {
  let deltas = "";
  let whole = "";
  let id = "resp_compaction";
  let usage: unknown;
  let model: string | undefined;
  let isComplete = false;
  for (const { data } of events) {
    const event = parseRecord(data);
    if (event === null) continue;
    if (event["type"] === "response.output_text.delta") deltas += stringOr(event["delta"], "");
    if (event["type"] === "response.output_item.done") whole += textOf(event["item"]);
    if (event["type"] !== "response.completed" || !isRecord(event["response"])) continue;
    isComplete = true;
    id = stringOr(event["response"]["id"], id);
    usage = event["response"]["usage"];
    model = modelOf(event);
    if (whole === "" && Array.isArray(event["response"]["output"]))
      whole = event["response"]["output"].map(textOf).join("");
  }
  const summary = (whole === "" ? deltas : whole).trim();
  return summary === "" || !isComplete
    ? null
    : { id, summary, usage, tokens: readUsage("responses", [usage]), model };
}

function textOf(item: unknown): string {
  if (!isRecord(item) || item["type"] !== "message" || !Array.isArray(item["content"])) return "";
  return item["content"].map((part: unknown) => (isRecord(part) ? stringOr(part["text"], "") : "")).join("");
}

/** A user's message: developer messages are moved to the front by some relays, out of their place. */
function message(text: string): string {
  return JSON.stringify({ type: "message", role: "user", content: [{ type: "input_text", text }] });
}

interface Item {
  readonly type: string;
  /** Of a compaction item; empty for any other. */
  readonly content: string;
  readonly isLast: boolean;
}

/** Puts messages in the place of input items; every other byte stays. */
function changeInput(body: Uint8Array, textFor: (item: Item) => string | null): Uint8Array {
  const bytes = bytesOf(body);
  const edits = itemsOf(bytes).flatMap(({ value, ...item }) => {
    const text = textFor(item);
    return text === null ? [] : [{ ...value, text: message(text) }];
  });
  return edits.length === 0 ? body : splice(bytes, edits);
}

function itemsOf(bytes: Buffer): readonly (Item & { readonly value: ValueRange })[] {
  const entries = elementsOf(bytes, membersOf(bytes, rootOf(bytes)).get("input"));
  return entries.map(({ value }, place) => {
    const members = membersOf(bytes, value);
    const type = stringAt(bytes, members.get("type"));
    const content = type === ITEM_TYPE ? stringAt(bytes, members.get("encrypted_content")) : "";
    return { value, type, content, isLast: place === entries.length - 1 };
  });
}
