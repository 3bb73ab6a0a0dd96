// Reads an answer that is one JSON document instead of a stream of events.
// Pure.
import { readTailMember } from "./json-tail.ts";
import type { Api } from "./stream-events.ts";
import type { AnswerFacts } from "./answer-reader.ts";
import { readUsage } from "./usage.ts";

/** `isCut`: the text is only the end of a document too large to keep, so that usage alone can be told. */
export function readWholeAnswer(api: Api, text: string, isCut: boolean): AnswerFacts {
  if (isCut) {
    return {
      usage: readUsage(api, [readTailMember(text, "usage", 1)]),
      terminal: text.trimEnd().endsWith("}") ? "completed" : null,
      error: undefined,
    };
  }
  const answer = parse(text);
  if (answer === null) return { usage: undefined, terminal: null, error: undefined };
  const hasFailed = answer["error"] != null || answer["type"] === "error" || answer["status"] === "failed";
  return {
    usage: readUsage(api, [answer["usage"]]),
    terminal: hasFailed ? "failed" : answer["status"] === "incomplete" ? "incomplete" : "completed",
    error: hasFailed ? text : undefined,
  };
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
