// Judges an answer to a request that is no turn by its first bytes, which are held: a web page, nothing at all and an error
// inside a 200, as a document or as the first event, are failed attempts. Everything else is data, and passes.
import { type Shape, shapeOf } from "../base/bytes.ts";
import { isRecord, parseJson } from "../base/json-value.ts";
import { createSseSplitter } from "../base/sse.ts";
import type { AnswerBody } from "./answer-body.ts";
import { type BadContent, isError } from "./gate.ts";

/** No error is longer. */
const LONGEST_ERROR_BYTES = 64 * 1024;
/** Statuses that have no body (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
export const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

interface DataAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnswerBody;
}

/** Why it is no answer; null for one. `idleMs`: the longest silence within it. Never rejects. */
export async function judgeData(
  { body, headers, status }: DataAnswer,
  idleMs: number,
): Promise<BadContent | null> {
  if (BODILESS.has(status)) return null;
  const decoder = new TextDecoder();
  const splitter = createSseSplitter({ maxEventBytes: LONGEST_ERROR_BYTES });
  let text = "";
  let shape: Shape = "unknown";
  const bad = (reason: BadContent["reason"]): BadContent => ({
    kind: "bad-content",
    reason,
    status,
    headers,
    body: text,
  });
  try {
    for (let heldBytes = 0; heldBytes <= LONGEST_ERROR_BYTES;) {
      const next = await body.readAhead(idleMs);
      if (next.kind === "error" || next.kind === "late") return bad("ended-early");
      if (next.kind === "end") {
        if (heldBytes === 0) return bad("empty");
        return isPage(text, headers) ? bad("html") : isFailure(text) ? bad("json-error") : null;
      }
      if (next.kind === "unreadable") return bad("malformed");
      if (next.kind !== "bytes") return null;
      heldBytes += next.bytes.length;
      text += decoder.decode(next.bytes, { stream: true });
      if (shape === "unknown") shape = shapeOf(next.bytes);
      if (shape !== "events") continue;
      if (!mayBeEvents(text)) return null;
      const [event] = splitter.push(next.bytes);
      if (event === undefined) continue;
      text = event.data;
      return event.event === "error" || isFailure(text) ? bad("error-event") : null;
    }
    return isPage(text, headers) ? bad("html") : null;
  } finally {
    body.stopReadingAhead();
  }
}

const EVENT_STARTS = [":", "data:", "event:", "id:", "retry:"];

/** As far as one can tell yet. */
function mayBeEvents(text: string): boolean {
  const begun = text.trimStart();
  return EVENT_STARTS.some((start) => begun.startsWith(start) || start.startsWith(begun));
}

/** Subtitles and speech may begin with an angle bracket too. */
function isPage(text: string, headers: Headers): boolean {
  const isMarkup = headers.get("content-type")?.startsWith("text/html") === true;
  return isMarkup ? /^\s*</.test(text) : /^\s*<(?:!doctype|html|head|body)\b/i.test(text);
}

/** Besides a marked error, a document that has a message and nothing that any of these endpoints answers with. */
function isFailure(text: string): boolean {
  const value = parseJson(text);
  if (!isRecord(value)) return false;
  const has = (names: readonly string[]): boolean => names.some((name) => value[name] !== undefined);
  return isError(value) || (has(["message", "msg", "detail"]) && !has(ANSWER_MEMBERS));
}

const ANSWER_MEMBERS = [
  "object",
  "id",
  "data",
  "models",
  "input_tokens",
  "choices",
  "results",
  "output",
  "text",
];
