// Keeps a client connected where every upstream is slow: as late as the client allows a head and a keep-alive event are sent,
// and more of these, until the answer is there. It then comes inside the stream, whatever it is.
import { SERVICE_FACTS, type Service } from "../base/service.ts";
import { english } from "../base/text.ts";
import type { Api } from "../usage/stream-events.ts";
import { piecesOf, readDecoded, type Source, within } from "./answer-body.ts";
import { readCodings } from "./codings.ts";
import { makeErrorEvent } from "./local-error.ts";

export interface HeartbeatOptions {
  readonly api: Api;
  /** How long the client waits for a head. */
  readonly afterMs: number;
  /** Default: once a minute. */
  readonly everyMs?: number | undefined;
  /** The client is about to get a status of its own, whatever the answer's will be. */
  readonly onStart: (status: number) => void;
}

/** Node's fetch waits 300 s for a head, and Bun's 360 s. */
export const OTHERS_HEAD_SECS = 280;
/** Codex's timer between two events is 300 s, and so is that of Node's fetch between two bytes. */
export const HEARTBEAT_SECS = 60;

/** How long the client may be left without a head: before it a final answer has a status of its own. */
export function headWaitMs(service: Service, headers: Headers, form: "stream" | "whole" = "stream"): number {
  const { agent, headSecs } = SERVICE_FACTS[service];
  const isOwn = form === "stream" && agent.test(headers.get("user-agent") ?? "");
  return Math.min(isOwn ? headSecs : OTHERS_HEAD_SECS, statedWaitSecs(headers)) * 1_000;
}

/** Claude Code and the official SDKs say how long they wait, which their user may have set (API_TIMEOUT_MS). */
function statedWaitSecs(headers: Headers): number {
  const secs = Number(headers.get("x-stainless-timeout") ?? Number.NaN);
  return secs > 0 ? secs * STATED_SHARE : Infinity;
}

const STATED_SHARE = 0.8;

/** SSE comments do not reset Codex's idle timer; an event of an unknown type does. Anthropic has one of its own. */
const HEARTBEATS: Readonly<Record<Api, string>> = {
  responses: 'event: keepalive\ndata: {"type":"keepalive"}\n\n',
  messages: 'event: ping\ndata: {"type":"ping"}\n\n',
  chat: ": keepalive\n\n",
};

/** `answer` itself when it comes in time; otherwise a stream of heartbeats that ends in it. The client asked for one of events. */
export async function withHeartbeat(answer: Promise<Response>, options: HeartbeatOptions): Promise<Response> {
  const { api, everyMs = HEARTBEAT_SECS * 1_000 } = options;
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
          response = await within(answer, everyMs);
        }
        if (response.ok && response.body !== null) {
          const reader = response.body.getReader();
          stopReading = (reason) => reader.cancel(reason);
          const source = readAsPlain({ pull: () => reader.read() }, response.headers.get("content-encoding"));
          for await (const piece of piecesOf(source)) await controller.write(piece);
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

/** The head that went out names no coding. */
function readAsPlain(source: Source, encoding: string | null): Source {
  return encoding === null ? source : readDecoded(source, readCodings(encoding).join(", "));
}
