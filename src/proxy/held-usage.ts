// What an answer that is given up had said of its usage and its model: the upstream may charge for it although the client gets another.
// Reads only what is held, and only after a failure.
import { createDecoder, freePiece, MAX_LOOK_BYTES } from "../base/decoder.ts";
import { createAnswerReader } from "../usage/answer-reader.ts";
import type { Api } from "../usage/stream-events.ts";
import type { Usage } from "../usage/usage.ts";
import type { AnswerBody } from "./answer-body.ts";

interface HeldAnswer {
  readonly body: AnswerBody;
  readonly encoding: string | null;
  readonly status: number;
  /** It broke off, or fell silent. */
  readonly isBroken: boolean;
}

/** Of an answer that the client does not get. */
export interface Told {
  readonly usage?: Usage | undefined;
  readonly servedModel?: string | undefined;
}

const NOTHING_TOLD: Told = {};
/** A stream that began and did not come to an end has used something, and has not said how much. */
const NOT_TOLD: Usage = { partial: true };

/** To be called before the answer is dropped. No usage of an answer that used nothing, as far as it says. Never rejects. */
export async function readHeldUsage(
  api: Api | null,
  { body, encoding, isBroken, status }: HeldAnswer,
): Promise<Told> {
  const held = body.held();
  if (api === null) return NOTHING_TOLD;
  const reader = createAnswerReader(api, encoding === null ? undefined : freePiece);
  const decoder =
    encoding === null
      ? null
      : createDecoder(encoding, { maxBytes: MAX_LOOK_BYTES, burstBytes: MAX_LOOK_BYTES });
  try {
    for (const chunk of held) {
      if (encoding === null) reader.feed(chunk);
      else if (decoder !== null)
        for await (const piece of decoder.decode(chunk)) {
          reader.feed(piece);
          decoder.keep(reader.heldBytes);
        }
    }
  } catch {
    // What was decoded until then may have said it.
  } finally {
    decoder?.close();
  }
  const { servedModel, terminal, usage } = reader.facts();
  reader.close();
  const hasBegun = status < 300 && terminal === null && (isBroken || reader.shape === "events");
  return { usage: usage ?? (hasBegun ? NOT_TOLD : undefined), servedModel };
}

/** The same for the text of a document or of an event, as far as it was read for a verdict. */
export function readToldUsage(api: Api | null, text: string): Told {
  if (api === null || !(text.includes("_tokens") || text.includes('"model"'))) return NOTHING_TOLD;
  const reader = createAnswerReader(api);
  reader.feed(Buffer.from(text));
  const { servedModel, usage } = reader.facts();
  return { usage, servedModel };
}
