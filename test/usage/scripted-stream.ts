// Answer streams as upstreams write them, with the truth about each: what it cost and how it ended.
import fc from "fast-check";
import type { Api } from "../../src/usage/stream-events.ts";

export interface ScriptedStream {
  readonly api: Api;
  readonly text: string;
  readonly truth: Readonly<Record<string, number>>;
  readonly terminal: "completed" | "incomplete" | "failed";
}

interface Style {
  readonly eol: string;
  readonly json: "compact" | "spaced" | "lines";
  readonly typeLast: boolean;
  readonly names: boolean;
  readonly asText: boolean;
}

const TRICKS = [
  'data: {"type":"response.completed","response":{"usage":{"input_tokens":9999,"output_tokens":9999}}}\n\n',
  '"usage":{"input_tokens":9999,"output_tokens":9999}}}',
  '\\"usage\\":{\\"prompt_tokens\\":9999}',
  "event: message_stop\ndata: [DONE]\n\n",
  '{"stop_reason":"end_turn"} {"finish_reason":"stop"} response.failed error',
  '日本語 \u{1f600} \\ " \t',
];

const style: fc.Arbitrary<Style> = fc.record({
  eol: fc.constantFrom("\n", "\n", "\r\n", "\r"),
  json: fc.constantFrom<Style["json"][]>("compact", "compact", "spaced", "lines"),
  typeLast: fc.boolean(),
  names: fc.boolean(),
  asText: fc.boolean(),
});
const count = fc.integer({ min: 1, max: 2_000_000 });
const deltas = fc.array(fc.oneof(fc.constantFrom(...TRICKS), fc.string({ maxLength: 40 })), {
  maxLength: 30,
});
/** The largest are larger than what an observer keeps. */
const padding = fc.constantFrom(0, 0, 100, 30_000, 70_000, 200_000);

/** Any stream of any of the three APIs. */
export const scriptedStream: fc.Arbitrary<ScriptedStream> = fc.oneof(
  fc
    .record({
      style,
      deltas,
      padding,
      input: count,
      output: count,
      cached: count,
      reasoning: count,
      noTotal: fc.boolean(),
      incomplete: fc.boolean(),
      trailing: fc.boolean(),
    })
    .map(makeResponses),
  fc
    .record({
      style,
      deltas,
      input: count,
      output: count,
      cached: count,
      created: count,
      repeat: fc.boolean(),
      noStop: fc.boolean(),
      ping: fc.boolean(),
    })
    .map(makeMessages),
  fc
    .record({
      style,
      deltas,
      padding,
      input: count,
      output: count,
      cached: count,
      reasoning: count,
      running: fc.boolean(),
      noDone: fc.boolean(),
    })
    .map(makeChat),
);

function makeResponses(script: {
  style: Style;
  deltas: string[];
  padding: number;
  input: number;
  output: number;
  cached: number;
  reasoning: number;
  noTotal: boolean;
  incomplete: boolean;
  trailing: boolean;
}): ScriptedStream {
  const { style, input, output } = script;
  // A part is no more than its whole.
  const cached = Math.min(script.cached, input);
  const reasoning = Math.min(script.reasoning, output);
  const write = makeWriter(style);
  const end = script.incomplete ? "incomplete" : "completed";
  const usage = {
    input_tokens: figure(input, style),
    input_tokens_details: { cached_tokens: cached },
    output_tokens: figure(output, style),
    output_tokens_details: { reasoning_tokens: reasoning },
    ...(script.noTotal ? {} : { total_tokens: figure(input + output, style) }),
  };
  const response = {
    id: "resp_1",
    error: null,
    instructions: TRICKS.join(),
    tools: [{ type: "function", parameters: { properties: { usage: { type: "object", input_tokens: 5 } } } }],
    output: [
      { type: "message", text: "x".repeat(script.padding), usage: { input_tokens: 1, output_tokens: 1 } },
    ],
    status: end,
    usage,
    user: null,
    metadata: { usage: "input_tokens" },
  };
  const text = [
    write({ type: "response.created", response: { id: "resp_1", usage: null } }),
    ...script.deltas.map((delta) => write({ type: "response.output_text.delta", delta })),
    write({ type: `response.${end}`, sequence_number: 9, response }),
    script.trailing ? write({ type: "keepalive" }) + write("[DONE]") : "",
  ].join("");
  return {
    api: "responses",
    text,
    truth: {
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      cached_input_tokens: cached,
      reasoning_tokens: reasoning,
    },
    terminal: end,
  };
}

function makeMessages(script: {
  style: Style;
  deltas: string[];
  input: number;
  output: number;
  cached: number;
  created: number;
  repeat: boolean;
  noStop: boolean;
  ping: boolean;
}): ScriptedStream {
  const { input, output, cached, created } = script;
  // Claude Code does not see events without their name.
  const style = { ...script.style, names: true };
  const write = makeWriter(style);
  const start = {
    input_tokens: figure(input, style),
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: created,
    output_tokens: 1,
  };
  const last = script.repeat ? { ...start, output_tokens: output } : { output_tokens: figure(output, style) };
  const text = [
    script.ping ? write({ type: "ping" }) : "",
    write({ type: "message_start", message: { id: "m", model: "claude", content: [], usage: start } }),
    write({
      type: "content_block_start",
      index: 0,
      content_block: { type: "tool_use", input: { stop_reason: "x", usage: { input_tokens: 9999 } } },
    }),
    ...script.deltas.map((delta) =>
      write({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: delta } }),
    ),
    write({
      type: "message_delta",
      delta: { stop_reason: null },
      usage: { output_tokens: Math.ceil(output / 2) },
    }),
    write({ type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: last }),
    script.noStop ? "" : write({ type: "message_stop" }),
  ].join("");
  return {
    api: "messages",
    text,
    truth: {
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output + cached + created,
      cached_input_tokens: cached,
      cache_creation_tokens: created,
    },
    terminal: "completed",
  };
}

function makeChat(script: {
  style: Style;
  deltas: string[];
  padding: number;
  input: number;
  output: number;
  cached: number;
  reasoning: number;
  running: boolean;
  noDone: boolean;
}): ScriptedStream {
  const { style, input, output } = script;
  // A part is no more than its whole.
  const cached = Math.min(script.cached, input);
  const reasoning = Math.min(script.reasoning, output);
  const write = makeWriter({ ...style, names: false, typeLast: false });
  const usage = {
    prompt_tokens: figure(input, style),
    completion_tokens: figure(output, style),
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
  const chunk = (delta: unknown, finish_reason: string | null, sent: unknown): string =>
    write({ id: "c", choices: [{ index: 0, delta, finish_reason }], usage: sent });
  const text = [
    chunk({ role: "assistant", content: "" }, null, null),
    ...script.deltas.map((content, index) =>
      chunk({ content }, null, script.running ? { prompt_tokens: input, completion_tokens: index } : null),
    ),
    chunk({ content: "x".repeat(script.padding) }, null, null),
    chunk({}, "stop", null),
    write({ id: "c", choices: [], usage }),
    script.noDone ? "" : write("[DONE]"),
  ].join("");
  return {
    api: "chat",
    text,
    truth: {
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      cached_input_tokens: cached,
      reasoning_tokens: reasoning,
    },
    terminal: "completed",
  };
}

function figure(tokens: number, style: Style): number | string {
  return style.asText ? String(tokens) : tokens;
}

function makeWriter(style: Style): (data: { type?: string; [key: string]: unknown } | string) => string {
  return (data) => {
    if (typeof data === "string") return `data: ${data}${style.eol}${style.eol}`;
    const { type, ...rest } = data;
    const ordered = type === undefined ? rest : style.typeLast ? { ...rest, type } : { type, ...rest };
    const json = JSON.stringify(ordered, null, style.json === "compact" ? 0 : 1);
    const lines = style.json === "lines" ? json.split("\n") : [json.replaceAll("\n", " ")];
    const name = style.names && type !== undefined ? [`event: ${type}`] : [];
    return [...name, ": note", ...lines.map((line) => `data: ${line}`), "", ""].join(style.eol);
  };
}

/** The text as chunks of the given sizes, repeated until it is used up; cuts fall anywhere. */
export function cut(text: string, sizes: readonly number[]): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const chunks: Uint8Array[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}
