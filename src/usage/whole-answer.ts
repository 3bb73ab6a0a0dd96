// Reads an answer that is one JSON document instead of a stream of events.
// Pure.
import { isRecord, parseJson } from "../base/json-value.ts";
import { readTailMember } from "../base/json-members.ts";
import type { Api } from "./stream-events.ts";
import type { AnswerFacts } from "./answer-reader.ts";
import { readUsage } from "./usage.ts";

/** An answer, and its text as it was sent. */
export interface JsonDocument {
  readonly text: string;
  readonly value: unknown;
}

/** What a document of which `text` is all, or only the end, comes to. Of an end only usage can be told. */
export function readWholeAnswer(api: Api, text: string, isCut: boolean): AnswerFacts {
  if (isCut) {
    return {
      usage: readUsage(api, [readTailMember(text, "usage", 1)]),
      terminal: text.trimEnd().endsWith("}") ? "completed" : null,
      error: undefined,
    };
  }
  return readDocument(api, { text, value: parseJson(text) });
}

export function readDocument(api: Api, { text, value }: JsonDocument): AnswerFacts {
  if (!isRecord(value)) return { usage: undefined, terminal: null, error: undefined };
  const hasFailed = value["error"] != null || value["type"] === "error" || value["status"] === "failed";
  return {
    usage: readUsage(api, [value["usage"]]),
    terminal: hasFailed ? "failed" : value["status"] === "incomplete" ? "incomplete" : "completed",
    error: hasFailed ? text : undefined,
  };
}
