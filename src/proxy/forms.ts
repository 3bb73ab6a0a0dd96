// The two forms of one answer, for Responses and Messages: a stream of events and a JSON document. Each is made from the other
// only where nothing is lost; else there is null.
// Pure.
import { isRecord, type JsonRecord, parseExact, stringOr } from "../base/json-value.ts";
import { makeSseEvent, type SseEvent } from "../base/sse.ts";

type TypedEvent = Parameters<typeof makeSseEvent>[0];
type EventApi = "responses" | "messages";

/** The document that a stream of events amounts to. */
export function makeDocument(api: EventApi, events: readonly SseEvent[]): JsonRecord | null {
  const parsed = events.map(({ data }) => parseExact(data)).filter(isRecord);
  return api === "responses" ? makeResponse(parsed) : makeMessage(parsed);
}

/** The stream of events that a document would have been. */
export function makeEvents(api: EventApi, document: JsonRecord): string | null {
  const events = api === "responses" ? eventsOfResponse(document) : eventsOfMessage(document);
  return events?.map(makeSseEvent).join("") ?? null;
}

/** The last event holds it all, except that some backends leave its `output` empty: then the items that were done are it. */
function makeResponse(events: readonly JsonRecord[]): JsonRecord | null {
  const begun = new Set<unknown>();
  const done = new Map<unknown, unknown>();
  let response: JsonRecord | null = null;
  for (const event of events) {
    const type = stringOr(event["type"], "");
    if (/^response\.(?:completed|incomplete)$/.test(type) && isRecord(event["response"]))
      response = event["response"];
    if (type === "response.output_item.done") done.set(event["output_index"], event["item"]);
    // A delta belongs to an item, which is lost unless it is done.
    else if (event["output_index"] !== undefined) begun.add(event["output_index"]);
  }
  if (response === null) return null;
  const { output } = response;
  if (Array.isArray(output) && output.length > 0 && output.length >= done.size) return response;
  if ([...begun].some((index) => !done.has(index))) return null;
  const items = [...done].toSorted(([a], [b]) => Number(a) - Number(b)).map(([, item]) => item);
  return { ...response, output: items };
}

function makeMessage(events: readonly JsonRecord[]): JsonRecord | null {
  let message: JsonRecord | null = null;
  const blocks = new Map<unknown, JsonRecord>();
  const inputs = new Map<unknown, string>();
  for (const { index, ...event } of events) {
    const { content_block: begun, delta, message: started, type, usage, ...rest } = event;
    if (type === "message_start" && isRecord(started)) message = started;
    else if (type === "content_block_start" && isRecord(begun)) blocks.set(index, { ...begun });
    else if (type === "content_block_delta") {
      const block = blocks.get(index);
      if (block === undefined || !isRecord(delta)) return null;
      if (delta["type"] === "input_json_delta")
        inputs.set(index, (inputs.get(index) ?? "") + stringOr(delta["partial_json"], ""));
      else if (!addDelta(block, delta)) return null;
    } else if (type === "message_delta" && message !== null) {
      const counted: JsonRecord = { ...recordOf(message["usage"]), ...recordOf(usage) };
      message = Object.assign({}, message, rest, recordOf(delta), { usage: counted });
    } else if (type !== "content_block_stop" && type !== "message_stop" && type !== "ping") return null;
  }
  for (const [index, json] of inputs) {
    const input = json === "" ? {} : parseExact(json);
    const block = blocks.get(index);
    if (!isRecord(input) || block === undefined) return null;
    block["input"] = input;
  }
  if (message === null) return null;
  const content = [...blocks].toSorted(([a], [b]) => Number(a) - Number(b)).map(([, block]) => block);
  return content.length === 0 ? message : { ...message, content };
}

/** https://docs.anthropic.com/en/docs/build-with-claude/streaming: which member of a block each delta makes longer. */
const GROWN_BY: Readonly<Record<string, string>> = {
  text_delta: "text",
  thinking_delta: "thinking",
  signature_delta: "signature",
  compaction_delta: "content",
};

/** False for a delta that is not known. */
function addDelta(block: JsonRecord, delta: JsonRecord): boolean {
  if (delta["type"] === "citations_delta") {
    const { citations: before } = block;
    block["citations"] = [...(Array.isArray(before) ? before : []), delta["citation"]];
    return true;
  }
  const name = GROWN_BY[stringOr(delta["type"], "")];
  if (name === undefined) return false;
  block[name] = stringOr(block[name], "") + stringOr(delta[name], "");
  return true;
}

/** All that the official SDKs and Codex read, in the order of https://platform.openai.com/docs/api-reference/responses-streaming. */
function eventsOfResponse(response: JsonRecord): TypedEvent[] | null {
  const { output, status } = response;
  if (!Array.isArray(output) || !output.every(isRecord)) return null;
  if (status === "queued" || status === "in_progress") return null;
  const begun = { ...response, status: "in_progress", output: [], usage: null };
  const events: TypedEvent[] = [
    { type: "response.created", response: begun },
    { type: "response.in_progress", response: begun },
    ...output.flatMap((item, place) => eventsOfItem(item, place)),
    { type: status === "incomplete" ? "response.incomplete" : "response.completed", response },
  ];
  return events.map((event, sequence) => ({ ...event, sequence_number: sequence }));
}

function eventsOfItem(item: JsonRecord, place: number): TypedEvent[] {
  const at = { item_id: item["id"], output_index: place };
  const opened = { ...item, ...(item["status"] === undefined ? {} : { status: "in_progress" }) };
  const wrap = (begun: JsonRecord, between: TypedEvent[]): TypedEvent[] => [
    { type: "response.output_item.added", output_index: place, item: { ...opened, ...begun } },
    ...between,
    { type: "response.output_item.done", output_index: place, item },
  ];
  const { arguments: said, content, summary } = item;
  if (item["type"] === "message" && Array.isArray(content))
    return wrap(
      { content: [] },
      content.flatMap((part: unknown, index) => eventsOfPart(part, { ...at, content_index: index })),
    );
  if (item["type"] === "function_call" && typeof said === "string")
    return wrap({ arguments: "" }, [
      { type: "response.function_call_arguments.delta", ...at, delta: said },
      { type: "response.function_call_arguments.done", ...at, arguments: said },
    ]);
  if (item["type"] === "reasoning" && Array.isArray(summary))
    return wrap(
      { summary: [] },
      summary.flatMap((part: unknown, index) => eventsOfSummary(part, { ...at, summary_index: index })),
    );
  return wrap({}, []);
}

/** A part of a message: text and refusals come as deltas too. */
function eventsOfPart(part: unknown, at: JsonRecord): TypedEvent[] {
  if (!isRecord(part)) return [];
  const name = part["type"] === "refusal" ? "refusal" : "text";
  const kind = part["type"] === "refusal" ? "response.refusal" : "response.output_text";
  const text = part[name];
  if (typeof text !== "string")
    return [
      { type: "response.content_part.added", ...at, part },
      { type: "response.content_part.done", ...at, part },
    ];
  return [
    { type: "response.content_part.added", ...at, part: { ...part, [name]: "" } },
    { type: `${kind}.delta`, ...at, delta: text },
    { type: `${kind}.done`, ...at, [name]: text },
    { type: "response.content_part.done", ...at, part },
  ];
}

function eventsOfSummary(part: unknown, at: JsonRecord): TypedEvent[] {
  if (!isRecord(part)) return [];
  const text = stringOr(part["text"], "");
  return [
    { type: "response.reasoning_summary_part.added", ...at, part: { ...part, text: "" } },
    { type: "response.reasoning_summary_text.delta", ...at, delta: text },
    { type: "response.reasoning_summary_text.done", ...at, text },
    { type: "response.reasoning_summary_part.done", ...at, part },
  ];
}

function eventsOfMessage(message: JsonRecord): TypedEvent[] | null {
  const { content, stop_reason, stop_sequence = null, usage } = message;
  if (!Array.isArray(content) || !content.every(isRecord)) return null;
  const counted = recordOf(usage);
  const begun = {
    ...message,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...counted, output_tokens: 0 },
  };
  return [
    { type: "message_start", message: begun },
    ...content.flatMap((block, index) => {
      const { opened, deltas } = takeApart(block);
      return [
        { type: "content_block_start", index, content_block: opened },
        ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
        { type: "content_block_stop", index },
      ];
    }),
    { type: "message_delta", delta: { stop_reason, stop_sequence }, usage: counted },
    { type: "message_stop" },
  ];
}

/** A block as it begins, and the deltas that complete it. What is not known begins whole. */
function takeApart(block: JsonRecord): { opened: JsonRecord; deltas: JsonRecord[] } {
  const { citations, input, signature, text, thinking, ...rest } = block;
  if (block["type"] === "text" && typeof text === "string") {
    const cited = Array.isArray(citations) ? citations : [];
    const opened = {
      ...rest,
      text: "",
      ...(citations === undefined ? {} : { citations: citations === null ? null : [] }),
    };
    const told = cited.map((citation: unknown) => ({ type: "citations_delta", citation }));
    return { opened, deltas: [...(text === "" ? [] : [{ type: "text_delta", text }]), ...told] };
  }
  if (block["type"] === "thinking" && typeof thinking === "string" && typeof signature === "string")
    return {
      opened: { ...rest, thinking: "", signature: "" },
      deltas: [
        { type: "thinking_delta", thinking },
        { type: "signature_delta", signature },
      ],
    };
  if (isRecord(input) && Object.keys(input).length > 0)
    return {
      opened: { ...block, input: {} },
      deltas: [{ type: "input_json_delta", partial_json: JSON.stringify(input) }],
    };
  return { opened: block, deltas: [] };
}

function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}
