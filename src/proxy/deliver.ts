// Hands an answer's bytes to the client as they come: untouched, observed, with backpressure. A broken upstream is a
// broken stream for the client too, never a clean end.
import type { AnswerBody } from "./answer-body.ts";

/** How a delivery ended. */
export type DeliveryEnd = "complete" | "reset" | "idle" | "no-terminal-event" | "client-gone";

export interface DeliveryOptions {
  readonly body: AnswerBody;
  /** Longest silence of the upstream between two chunks, ms. */
  readonly idleMs: number;
  /** Sees every chunk before the client does. Must not keep it changed. */
  readonly observe: (chunk: Uint8Array) => void;
  /** Asked when no more comes, after a clean end or without one: was that all of it? */
  readonly isComplete: (endedCleanly: boolean) => Promise<boolean>;
  /** Ends the upstream exchange. */
  readonly abort: () => void;
  /** Called exactly once. */
  readonly onEnd: (end: DeliveryEnd) => void;
}

/**
 * The stream to answer with. Built on Bun's direct stream: `write` tells about backpressure, `close(error)` resets the
 * client's connection (a plain `close()` would look like a complete answer), `cancel` says that the client left.
 */
export function makeDelivery(options: DeliveryOptions): ReadableStream<Uint8Array> {
  const { body } = options;
  let waitingSince = 0;
  let end: DeliveryEnd | null = null;
  let isIdle = false;
  let idleTimer: ReturnType<typeof setTimeout> | undefined;

  const finish = (as: DeliveryEnd): void => {
    if (end !== null) return;
    end = as;
    clearTimeout(idleTimer);
    if (as !== "complete") options.abort();
    options.onEnd(as);
  };
  // One timer a stream, looked at when it fires: rearming it for every chunk would cost more than the chunk.
  const watchIdle = (inMs: number): void => {
    idleTimer = setTimeout(() => {
      const silentMs = waitingSince === 0 ? 0 : performance.now() - waitingSince;
      if (silentMs < options.idleMs) return watchIdle(options.idleMs - silentMs);
      isIdle = true;
      options.abort();
    }, inMs);
  };

  return new ReadableStream({
    type: "direct",
    async pull(controller) {
      watchIdle(options.idleMs);
      try {
        for (const chunk of body.held()) {
          options.observe(chunk);
          const written: unknown = controller.write(chunk);
          if (typeof written === "object") await Promise.resolve(written);
        }
        for (;;) {
          waitingSince = performance.now();
          const chunk = await body.next();
          waitingSince = 0;
          if (chunk === null) break;
          options.observe(chunk);
          const written: unknown = controller.write(chunk);
          if (typeof written === "object") await Promise.resolve(written);
        }
        finish((await options.isComplete(true)) ? "complete" : "no-terminal-event");
      } catch {
        finish((await options.isComplete(false)) ? "complete" : isIdle ? "idle" : "reset");
      }
      if (end === "complete") await controller.end();
      else controller.close(new Error("the upstream broke off"));
    },
    cancel() {
      finish("client-gone");
    },
  });
}
