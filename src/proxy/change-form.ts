// Reads an answer to its end before the client sees any of it, and gives it the form that the client asked for where
// another was sent. What cannot be changed without a loss goes out as it came.
import { createDecoder } from "../base/decoder.ts";
import { isRecord, parseExact } from "../base/json-value.ts";
import { createSseSplitter, type SseEvent } from "../base/sse.ts";
import { createAnswerReader } from "../usage/answer-reader.ts";
import type { Restoring } from "../filter/restoring.ts";
import type { Told } from "./held-usage.ts";
import { createStreamActivity } from "../usage/stream-activity.ts";
import type { Api } from "../usage/stream-events.ts";
import type { Reason } from "../routing/types.ts";
import type { Answer } from "./attempt.ts";
import { makeDocument, makeEvents } from "./forms.ts";

export interface CollectLimits {
  /** Longest wait for the upstream's next word. */
  readonly idleMs: number;
  readonly maxBytes: number;
  /** Counts what is kept. */
  readonly hold: (bytes: number) => void;
  /** Gives back what redaction replaced. */
  readonly restoring?: Restoring | undefined;
}

export interface Conversion {
  /** Reads the whole answer; null where it does not hold what was asked for. Never rejects. */
  readonly run: (
    answer: Answer,
    limits: Omit<CollectLimits, "maxBytes">,
  ) => Promise<Converted | Unconverted | null>;
  /** What an upstream did whose answer cannot be converted. */
  readonly failure: Reason;
}

/** An answer that is an error, or breaks off: null. */
export interface Unconverted extends Told {
  readonly error: string | null;
}

/** A body of our own making. */
export interface Converted extends Told {
  readonly body: string | Uint8Array;
  /** Its Content-Type. */
  readonly type: string;
}

/** Far more than a model writes in one go. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

/** Turns events into a document, and a document into events. */
export function changeForm(api: Api | null, stream: boolean): Conversion {
  return {
    failure: { rule: "cut-no-terminal-event" },
    run: async (answer, limits) => {
      const bytes = await collectAnswer(answer, { ...limits, maxBytes: MAX_ANSWER_BYTES });
      return bytes === null || api === null ? null : change(api, { ...limits, stream }, answer, bytes);
    },
  };
}

function change(
  api: Api,
  { restoring, stream }: Pick<CollectLimits, "restoring"> & { readonly stream: boolean },
  { headers }: Answer,
  said: Uint8Array,
): Converted | Unconverted {
  const reader = createAnswerReader(api);
  reader.feed(said);
  const { error, servedModel, terminal, usage } = reader.facts();
  const told = { usage, servedModel };
  if (error !== undefined || terminal === null) return { error: error ?? null, ...told };
  const bytes = restoring?.whole(said, headers.get("content-type")) ?? said;
  const changed = api === "chat" ? null : stream ? eventsFrom(api, bytes) : documentFrom(api, bytes);
  if (changed !== null)
    return { body: changed, type: stream ? "text/event-stream" : "application/json", ...told };
  return { body: bytes, type: headers.get("content-type") ?? "application/octet-stream", ...told };
}

function documentFrom(api: Exclude<Api, "chat">, bytes: Uint8Array): string | null {
  const document = makeDocument(api, readEvents(bytes));
  return document === null ? null : JSON.stringify(document);
}

function eventsFrom(api: Exclude<Api, "chat">, bytes: Uint8Array): string | null {
  const document = parseExact(new TextDecoder().decode(bytes));
  return isRecord(document) ? makeEvents(api, document) : null;
}

export function readEvents(bytes: Uint8Array): readonly SseEvent[] {
  return createSseSplitter({ maxEventBytes: Number.POSITIVE_INFINITY }).push(bytes);
}

/** All of an answer, decoded; null when it was cut, went silent, is too long, or cannot be read. */
export async function collectAnswer(answer: Answer, limits: CollectLimits): Promise<Uint8Array | null> {
  const { hold, idleMs, maxBytes } = limits;
  const decoder =
    answer.encoding === null ? undefined : createDecoder(answer.encoding, { maxBytes, burstBytes: maxBytes });
  if (decoder === null) return null;
  const activity = createStreamActivity();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const idle = setTimeout(answer.abort, idleMs);
  try {
    const read = (piece: Uint8Array): void => {
      bytes += piece.length;
      decoder?.keep(bytes);
      if (decoder === undefined) hold(piece.length);
      if (activity.feed(piece) !== "quiet") idle.refresh();
      pieces.push(piece);
    };
    const take = async (chunk: Uint8Array): Promise<void> => {
      if (decoder === undefined) return read(chunk);
      for await (const piece of decoder.decode(chunk)) read(piece);
    };
    for (const chunk of answer.body.held()) await take(chunk);
    for await (const chunk of answer.body.rest()) {
      await take(chunk);
      if (bytes > maxBytes) return null;
    }
    return Buffer.concat(pieces);
  } catch {
    return null;
  } finally {
    clearTimeout(idle);
    decoder?.close();
    answer.abort();
  }
}
