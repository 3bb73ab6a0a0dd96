// What has come of an answer while it is held: whether it may be shown, is empty, or has failed, and whether its last event
// said anything new.
// Pure.
import type { SseEvent } from "../base/sse.ts";
import { type Api, readEvent } from "./stream-events.ts";

/** `empty`: it has ended with no output and no output tokens counted. */
export type HeldState = "held" | "output" | "empty" | "error";

export type HeldAnswer = ReturnType<typeof createHeldAnswer>;

/** More kinds of events without content than any API has: nobody makes this grow. */
const MAX_MARKS = 256;

export function createHeldAnswer(api: Api) {
  const marks = new Set<string>();
  const begun = new Set<unknown>();
  const finished = new Set<unknown>();
  let outputTokens = 0;
  let isFinished = false;
  let events = 0;
  return {
    /** Events read so far. */
    get events() {
      return events;
    },
    /** The model has finished: an answer that ends now is whole. */
    get isFinished() {
      return isFinished;
    },
    read(event: SseEvent): { readonly state: HeldState; readonly isNew: boolean } {
      events += 1;
      const { choices, kind, mark, outputTokens: counted, shows } = readEvent(api, event);
      const isNew = mark === null || (!marks.has(mark) && marks.size < MAX_MARKS);
      // A copy: a part of a string keeps the whole of it, which is the event.
      if (mark !== null && isNew) marks.add(Buffer.from(mark).toString());
      if (kind === "error" || kind === "failed") return { state: "error", isNew };
      for (const choice of choices) {
        begun.add(choice.index);
        if (choice.isFinished) finished.add(choice.index);
      }
      const isOver = kind === "completed" || kind === "incomplete";
      outputTokens = Math.max(outputTokens, counted);
      isFinished ||= isOver || (kind === "finish" && finished.size === begun.size);
      if (shows || (isFinished && outputTokens > 0)) return { state: "output", isNew };
      return { state: isOver ? "empty" : "held", isNew };
    },
  };
}
