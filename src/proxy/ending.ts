// What the end of a delivered answer means: for the log line, and for the upstream that gave it.
// Pure.
import { kept } from "../base/language.ts";
import type { TapFacts } from "../usage/stream-tap.ts";
import type { DeliveryEnd } from "./deliver.ts";
import type { ExchangeEnd } from "./exchange.ts";
import { CLIENT_CLOSED_REQUEST } from "./local-error.ts";

/** A delivery that has ended. */
export interface Delivered {
  readonly end: DeliveryEnd;
  /** The upstream's status. */
  readonly status: number;
  /** What the answer said; null for one that is not looked at. */
  readonly seen: TapFacts | null;
  /** The answer was a stream of events. */
  readonly isEvents: boolean;
  /** The failure that this answer is itself, in words; null for one that was taken as good. */
  readonly refusal: string | null;
}

export interface Ending {
  readonly record: ExchangeEnd;
  /** How the answer failed the client after it had begun; null for one that came to its end, or was not waited for. */
  readonly failed: { readonly reason: CutReason | "error-event"; readonly body: string } | null;
  /** The client left before its answer was whole: it says nothing about the upstream. */
  readonly isClientGone: boolean;
}

type CutReason = Exclude<DeliveryEnd, "complete" | "client-gone">;

const CUT_WORDS: Readonly<Record<CutReason, string>> = {
  reset: kept`the upstream broke off in the middle of the answer`,
  idle: kept`the upstream went silent in the middle of the answer`,
  "no-terminal-event": kept`the upstream ended the stream before the answer was complete`,
};

export function makeEnding({ end, isEvents, refusal, seen, status }: Delivered): Ending {
  const usage = seen?.usage;
  // A client that has its terminal event is done, and leaves without waiting for the connection's end.
  if (end === "client-gone" && !(isEvents && seen?.terminal != null)) {
    const record = { status: CLIENT_CLOSED_REQUEST, outcome: "client_gone", usage } as const;
    return { record, failed: null, isClientGone: true };
  }
  if (end !== "complete" && end !== "client-gone") {
    const record = { status, outcome: "cut", usage, error: CUT_WORDS[end] } as const;
    return { record, failed: { reason: end, body: "" }, isClientGone: false };
  }
  if (refusal !== null) {
    return { record: { status, outcome: "error", usage, error: refusal }, failed: null, isClientGone: false };
  }
  if (isEvents && seen?.terminal === "failed") {
    const error = seen.error ?? kept`the stream ended in an error`;
    const failed = { reason: "error-event", body: error } as const;
    return { record: { status, outcome: "error", usage, error }, failed, isClientGone: false };
  }
  return { record: { status, outcome: "ok", usage }, failed: null, isClientGone: false };
}
