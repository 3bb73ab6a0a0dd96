// Two pretend relays on loopback for `ch demo`: they answer like a Responses API, and the first one fails on the way.
// No key, no file, no address but 127.0.0.1.
import { makeSseEvent } from "../../base/sse.ts";

/** How the first relay fails. */
export const DEMO_FAULTS = ["quota", "429", "500", "reset", "hang", "html", "in-stream", "slow"] as const;
export type DemoFault = (typeof DEMO_FAULTS)[number];

export type DemoRelay = ReturnType<typeof startRelay>;

/** Starts both. The primary answers `goodRequests` times and then fails as told. */
export function startDemoRelays(fault: DemoFault, goodRequests: number) {
  const primary = startRelay("harbour", (seen, request) =>
    seen <= goodRequests ? answer("harbour") : fail(fault, request),
  );
  const backup = startRelay("lantern", () => answer("lantern"));
  return {
    primary,
    backup,
    async [Symbol.asyncDispose]() {
      await Promise.all([primary.stop(), backup.stop()]);
    },
  };
}

/** `reply` gets the number of requests so far. */
function startRelay(name: string, reply: (seen: number, request: Request) => Response | Promise<Response>) {
  let seen = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    reusePort: false,
    idleTimeout: 0,
    async fetch(request) {
      seen += 1;
      await request.bytes();
      return await reply(seen, request);
    },
  });
  const baseUrl = `http://127.0.0.1:${server.port}/v1`;
  return {
    name,
    baseUrl,
    /** Requests it has seen. */
    seen: () => seen,
    stop: () => server.stop(true),
  };
}

const EVENT_STREAM = { "content-type": "text/event-stream" };
const CREATED = { type: "response.created", response: { id: "resp_harbour" } };

function stream(...events: Parameters<typeof makeSseEvent>[0][]): Response {
  return new Response(events.map(makeSseEvent).join(""), { headers: EVENT_STREAM });
}

function refuse(status: number, error: object, headers: Record<string, string> = {}): Response {
  return Response.json({ error }, { status, headers });
}

/** The shortest stream that Codex accepts as a whole turn. */
function answer(relay: string): Response {
  const text = `Hello from ${relay}.`;
  const item = { type: "message", role: "assistant", content: [{ type: "output_text", text }] };
  const usage = { input_tokens: 1200, output_tokens: 80, total_tokens: 1280 };
  return stream(
    { type: "response.created", response: { id: `resp_${relay}` } },
    { type: "response.output_text.delta", delta: text },
    { type: "response.output_item.done", item },
    { type: "response.completed", response: { id: `resp_${relay}`, usage } },
  );
}

async function fail(fault: DemoFault, request: Request): Promise<Response> {
  switch (fault) {
    case "quota":
      return refuse(429, {
        type: "usage_limit_reached",
        message: "The usage limit has been reached",
        resets_in_seconds: 3600,
      });
    case "429":
      return refuse(429, { type: "rate_limit_error", message: "slow down" }, { "retry-after": "30" });
    case "500":
      return refuse(500, { type: "server_error", message: "something broke" });
    case "html":
      return new Response("<html><title>Just a moment...</title></html>", {
        headers: { "content-type": "text/html" },
      });
    case "in-stream":
      return stream(CREATED, {
        type: "response.failed",
        response: { id: "resp_harbour", error: { code: "server_is_overloaded", message: "at capacity" } },
      });
    case "reset":
      return new Response(
        new ReadableStream({
          type: "direct",
          async pull(controller) {
            await controller.write(makeSseEvent(CREATED));
            controller.close(new Error("reset"));
          },
        }),
        { headers: EVENT_STREAM },
      );
    case "hang":
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      return new Response(null);
    case "slow":
      await Bun.sleep(1_500);
      return answer("harbour");
  }
}
