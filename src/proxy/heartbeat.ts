// Keeps a client connected where every upstream is slow: after a while a keep-alive event is sent, and again, until the
// answer is there. It then comes inside the stream, whatever it is. Nothing is sent before that time.
import { english } from "../base/text.ts";
import type { Api } from "../usage/stream-events.ts";
import { makeErrorEvent } from "./local-error.ts";

export interface HeartbeatOptions {
  readonly api: Api | null;
  /** The client asked for a stream of events; others cannot be sent a sign of life. */
  readonly stream: boolean;
  readonly afterMs: number;
  readonly everyMs: number;
  /** The client is about to get a status of its own, whatever the answer's will be. */
  readonly onStart: (status: number) => void;
}

/** SSE comments do not reset Codex's idle timer; an event of an unknown type does. Anthropic has one of its own. */
const HEARTBEATS: Readonly<Record<Api, string>> = {
  responses: 'event: keepalive\ndata: {"type":"keepalive"}\n\n',
  messages: 'event: ping\ndata: {"type":"ping"}\n\n',
  chat: ": keepalive\n\n",
};

/** `answer` itself when it comes in time; otherwise a stream of heartbeats that ends in it. */
export async function withHeartbeat(answer: Promise<Response>, options: HeartbeatOptions): Promise<Response> {
  const { api } = options;
  if (api === null || !options.stream) return await answer;
  const first = await within(answer, options.afterMs);
  if (first !== null) return first;
  options.onStart(200);
  let stopReading: ((reason: unknown) => Promise<void>) | null = null;
  const stream = new ReadableStream<Uint8Array>({
    type: "direct",
    async pull(controller) {
      try {
        let response: Response | null = null;
        while (response === null) {
          await controller.write(HEARTBEATS[api]);
          await controller.flush();
          response = await within(answer, options.everyMs);
        }
        if (response.ok && response.body !== null) {
          const reader = response.body.getReader();
          stopReading = (reason) => reader.cancel(reason);
          for (let next = await reader.read(); !next.done; next = await reader.read())
            await controller.write(next.value);
        } else await controller.write(await makeErrorEvent(api, response));
        await controller.end();
      } catch {
        controller.close(new Error(english`the upstream closed the connection`));
      }
    },
    async cancel(reason) {
      // At once where the answer is on its way: it must hear that the client left before it sees the upstream end.
      if (stopReading !== null) await stopReading(reason);
      else await (await answer).body?.cancel(reason);
    },
  });
  return new Response(stream, { headers: { "content-type": "text/event-stream" } });
}

/** The value of the promise, or null when it is not there in time. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
