// Reads what an error body says in any of the shapes that vendors and relays use: its codes and its words.
// Tolerant by design: whatever the bytes are, it answers and never throws.
// Pure.

export interface ErrorFacts {
  /** `code`, `type` and the like, lower case, as found from the outside in. */
  readonly codes: readonly string[];
  /** All the words, lower case, joined by newlines. */
  readonly message: string;
  /** An HTTP status that the body names as a code: OpenRouter's 429, LiteLLM's "429"; or null. */
  readonly status: number | null;
  /** The parsed body, or undefined. */
  readonly json: unknown;
}

const CODE_FIELDS = ["code", "type", "error_code", "error_name", "reason", "status"];
const WORD_FIELDS = ["message", "msg", "detail", "error", "error_description"];
const NESTED_FIELDS = ["error", "response", "detail", "details", "data", "metadata", "errors"];
const MAX_WORDS = 4_000;
const MAX_DEPTH = 6;
const MAX_OBJECTS = 64;

/** Facts of a body: JSON, the data of an SSE event, or plain text. Markup has no facts. */
export function readErrorFacts(body: string): ErrorFacts {
  const json = parseJson(body);
  const codes: string[] = [];
  const words: string[] = [];
  let status: number | null = null;
  let objects = 0;

  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== "object" || value === null || depth > MAX_DEPTH || (objects += 1) > MAX_OBJECTS)
      return;
    if (Array.isArray(value)) return value.slice(0, 8).forEach((item) => visit(item, depth + 1));
    const record = new Map(Object.entries(value));
    for (const field of CODE_FIELDS) {
      const code = record.get(field);
      if (typeof code === "string" && code.length <= 100) codes.push(code.toLowerCase());
      if (/^[45]\d\d$/.test(String(code))) status ??= Number(code);
    }
    for (const field of WORD_FIELDS) {
      const text = record.get(field);
      if (typeof text !== "string") continue;
      words.push(text);
      if (field === "error" && /^[\w.-]{1,100}$/.test(text)) codes.push(text.toLowerCase());
      // Relays put the upstream's own error, as JSON text, into theirs.
      const inner = text.indexOf("{");
      if (inner >= 0) visit(parseJson(text.slice(inner)), depth + 1);
    }
    for (const field of NESTED_FIELDS) visit(record.get(field), depth + 1);
  };
  visit(json, 0);
  if (json === undefined && !body.trimStart().startsWith("<")) words.push(body);
  return { codes, message: words.join("\n").slice(0, MAX_WORDS).toLowerCase(), status, json };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    return undefined;
  }
}
