// A refusal that is the client's own to see, told in an event of a stream of which the client has seen nothing: made into the
// answer that it would have been without a stream. Codex passes over an `error` event and asks again; a 400 it shows.
import { isRecord, type JsonRecord, parseRecord, stringOr } from "../base/json-value.ts";
import type { AttemptOutcome } from "../routing/types.ts";
import type { Api } from "../usage/stream-events.ts";
import { AnswerBody } from "./answer-body.ts";
import type { Answer } from "./attempt.ts";
import { CODEX_ENDS_AT } from "./local-error.ts";

/** The error as the API sends it without a stream; null for none, and for those that are better left in their events. */
export function toldInEvent(outcome: AttemptOutcome, api: Api | null): JsonRecord | null {
  if (outcome.kind !== "bad-content" || outcome.reason !== "error-event") return null;
  if (api === "messages") return { type: "error", error: errorOf(outcome.body) };
  if (api !== "responses") return null;
  const event = parseRecord(outcome.body);
  const error = errorOf(outcome.body);
  // For these Codex has words of its own.
  const isRead = event?.["type"] === "response.failed" && CODEX_ENDS_AT.has(stringOr(error["code"], ""));
  return isRead ? null : { error };
}

/** `hold` counts what is kept. */
export async function tellRefusal(
  answer: Answer,
  value: JsonRecord,
  { hold, status }: { readonly hold: (bytes: number) => void; readonly status: number },
): Promise<Answer> {
  answer.abort();
  const text = JSON.stringify(value);
  const headers = new Headers(answer.headers);
  headers.set("content-type", "application/json");
  const last = { done: true, value: new TextEncoder().encode(text) };
  const body = new AnswerBody({ pull: () => Promise.resolve(last) }, null, hold);
  await body.readAhead(0);
  return {
    status,
    headers,
    body,
    encoding: null,
    decoded: true,
    document: { text, value },
    responseId: null,
    shape: "json",
    abort: () => body.close(),
  };
}

const INVALID = "invalid_request_error";

/** As it came, with a type where it has none. In a flat one, as OpenAI's own stream has it, `type` says that it is an error. */
function errorOf(said: string): JsonRecord {
  const event = parseRecord(said);
  if (event === null) return { type: INVALID, message: said };
  const error = isRecord(event["response"]) ? event["response"]["error"] : event["error"];
  if (isRecord(error)) return { ...error, type: stringOr(error["type"], INVALID) };
  if (typeof error === "string") return { type: INVALID, message: error };
  const { sequence_number: _, ...parts } = event;
  return { ...parts, type: INVALID };
}
