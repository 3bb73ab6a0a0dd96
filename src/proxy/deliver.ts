// Hands an answer's bytes to the client as they come: untouched, observed, with backpressure. A broken upstream is a
// broken stream for the client too, never a clean end.
import { english } from "../base/text.ts";
import type { AnswerRestorer } from "../filter/restoring.ts";
import type { Answer } from "./attempt.ts";

/** How a delivery ended. */
export type DeliveryEnd = "complete" | "reset" | "idle" | "no-terminal-event" | "client-gone";

export interface DeliveryOptions {
  readonly answer: Pick<Answer, "abort" | "body">;
  /** Longest wait for the upstream's next word, ms. */
  readonly idleMs: number;
  /** How many chunks said anything so far, and how many pings there were; null where every chunk counts. */
  readonly activity: () => { readonly news: number; readonly pings: number } | null;
  /** Sees every chunk before the client does. Must not keep it changed. */
  readonly observe: (chunk: Uint8Array) => void;
  /** Makes what the client gets of what the upstream sends; null: it gets the very bytes. */
  readonly restorer: AnswerRestorer | null;
  /** Gets every chunk when the client has it. */
  readonly onWritten: ((chunk: Uint8Array) => void) | null;
  /** Asked when no more comes, after a clean end or without one: was that all of it? */
  readonly isComplete: (endedCleanly: boolean) => Promise<boolean>;
  /** Whether the answer has said that it is over; asked only while the upstream is silent. */
  readonly isOver: () => boolean;
  /** Called exactly once. */
  readonly onEnd: (end: DeliveryEnd) => void;
}

interface DirectController {
  readonly write: (chunk: Uint8Array) => unknown;
}

/** An upstream may hold its connection open after the last event; the client does not wait for it longer than this. */
export const LINGER_MS = 2_000;
/** A reset takes with it what the client has not read yet: so long it has for what was held until then. */
const READING_MS = 100;
/** Comments say nothing of an answer. Pings keep it alive for so many times the idle time: a model may think for long. */
export const PING_IDLE_TIMES = 3;

/**
 * The stream to answer with. Built on Bun's direct stream: `write` tells about backpressure, `close(error)` resets the
 * client's connection (a plain `close()` would look like a complete answer), `cancel` says that the client left.
 */
export function makeDelivery({ answer, ...options }: DeliveryOptions): ReadableStream<Uint8Array> {
  const { abort, body } = answer;
  let waitingSince = 0;
  let end: DeliveryEnd | null = null;
  let isIdle = false;
  let idleTimer: ReturnType<typeof setTimeout> | undefined;

  const finish = (as: DeliveryEnd): void => {
    if (end !== null) return;
    end = as;
    clearTimeout(idleTimer);
    if (as !== "complete") abort();
    options.onEnd(as);
  };
  const { idleMs, onWritten, restorer } = options;
  /** Null where nothing is to be waited for. */
  const writeAll = (controller: DirectController, pieces: readonly Uint8Array[]): Promise<void> | null => {
    for (const [index, piece] of pieces.entries()) {
      const written: unknown = controller.write(piece);
      if (typeof written === "object")
        return Promise.resolve(written).then(
          () => writeAll(controller, pieces.slice(index + 1)) ?? undefined,
        );
    }
    return null;
  };
  const passOn = (controller: DirectController, chunk: Uint8Array): Promise<void> | null => {
    options.observe(chunk);
    if (restorer !== null) return writeAll(controller, restorer.push(chunk));
    const written: unknown = controller.write(chunk);
    if (typeof written === "object") return Promise.resolve(written).then(() => onWritten?.(chunk));
    onWritten?.(chunk);
    return null;
  };
  // Small, and apart from the rest: what an await saves and brings back is all that its function holds.
  const passRest = async (controller: DirectController): Promise<void> => {
    for (;;) {
      waitingSince = performance.now();
      const { done, value } = await body.next();
      waitingSince = 0;
      const writing = value === undefined ? null : passOn(controller, value);
      if (writing !== null) await writing;
      if (done) return;
    }
  };
  let hasRest = false;
  const writeRest = async (controller: DirectController): Promise<void> => {
    const rest = restorer?.finish() ?? [];
    hasRest ||= rest.length > 0;
    await writeAll(controller, rest);
  };
  let seen = { news: -1, pings: -1 };
  /** When the upstream last said anything, and when it last showed that it is there. */
  let newsAt = performance.now();
  let alive = newsAt;
  // One timer a stream, looked at when it fires: rearming it for every chunk would cost more than the chunk.
  const watchIdle = (): void => {
    idleTimer = setTimeout(
      () => {
        const now = performance.now();
        // A client that does not read keeps the upstream from sending.
        const lastAt = waitingSince === 0 ? now : waitingSince;
        const activity = options.activity();
        if (activity === null || waitingSince === 0 || activity.news !== seen.news) newsAt = alive = lastAt;
        else if (activity.pings !== seen.pings && now - newsAt < PING_IDLE_TIMES * idleMs) alive = lastAt;
        if (activity !== null) seen = { ...activity };
        isIdle = now - alive >= idleMs;
        if (isIdle || (now - newsAt >= LINGER_MS / 2 && options.isOver())) return abort();
        watchIdle();
      },
      Math.min(LINGER_MS, idleMs),
    );
  };

  return new ReadableStream({
    type: "direct",
    async pull(controller) {
      watchIdle();
      try {
        for (const chunk of body.held()) {
          const writing = passOn(controller, chunk);
          if (writing !== null) await writing;
        }
        body.letGo();
        await passRest(controller);
        await writeRest(controller);
        finish((await options.isComplete(true)) ? "complete" : "no-terminal-event");
      } catch {
        // Of what was held the client gets all, as it would have without.
        if (end === null) await writeRest(controller).catch(() => {});
        finish((await options.isComplete(false)) ? "complete" : isIdle ? "idle" : "reset");
      }
      if (end === "complete") {
        await controller.end();
        return;
      }
      if (hasRest) await Bun.sleep(READING_MS);
      controller.close(new Error(english`the upstream closed the connection`));
    },
    cancel() {
      finish("client-gone");
    },
  });
}
