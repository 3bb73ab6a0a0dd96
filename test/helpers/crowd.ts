// An upstream that takes only so many requests at once, and counts who was let in. Its answers end when the test says so.
import { messagesEvents, responsesEvents } from "./answers.ts";

type Ending = "whole" | "cut" | "reset";

export interface Crowd extends AsyncDisposable {
  /** With "/v1": what goes into a config of Codex. */
  readonly baseUrl: string;
  readonly origin: string;
  /** Sessions whose requests were let in, in that order. */
  readonly admitted: readonly string[];
  /** Those that were refused for being too many. */
  readonly refused: number;
  /** The most that were open at once. */
  readonly most: number;
  readonly open: number;
  /** Ends the oldest answer. */
  end(as?: Ending): void;
  /** From now on answers end by themselves after so many ms. */
  endBy(ms: number): void;
}

export interface CrowdOptions {
  /** Default: any number. */
  readonly takes?: number;
  /** What one too many gets. */
  readonly refusal?: () => Response;
  /** What this request gets in the place of an answer; null for an answer. Default: null. */
  readonly instead?: (request: Request, body: string) => Response | null;
}

const TOO_MANY = () =>
  Response.json(
    {
      error: { type: "rate_limit_error", message: "Concurrency limit exceeded for user, please retry later" },
    },
    { status: 429 },
  );

export function startCrowd({
  instead = () => null,
  refusal = TOO_MANY,
  takes = Infinity,
}: CrowdOptions = {}): Crowd {
  const admitted: string[] = [];
  const open: ((as: Ending) => void)[] = [];
  let refused = 0;
  let most = 0;
  let answerMs: number | null = null;
  const encoder = new TextEncoder();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const body = await request.text();
      const { pathname } = new URL(request.url);
      const isClaude = pathname.endsWith("/messages");
      if (!isClaude && !pathname.endsWith("/responses")) return new Response(null, { status: 404 });
      const events = isClaude ? messagesEvents() : responsesEvents();
      const [before, after] = [events.slice(0, -1).join(""), events.at(-1) ?? ""];
      if (open.length >= takes) {
        refused += 1;
        return refusal();
      }
      const session =
        request.headers.get("session-id") ?? request.headers.get("x-claude-code-session-id") ?? "";
      const other = instead(request, body);
      if (other !== null) return other;
      admitted.push(session);
      const answer = new TransformStream<Uint8Array, Uint8Array>();
      const writer = answer.writable.getWriter();
      const leave = (): void => {
        const at = open.indexOf(end);
        if (at >= 0) open.splice(at, 1);
      };
      const end = (as: Ending): void => {
        leave();
        const rest = as === "whole" ? writer.write(encoder.encode(after)) : Promise.resolve();
        void rest.then(() => (as === "reset" ? writer.abort() : writer.close())).catch(() => {});
      };
      open.push(end);
      most = Math.max(most, open.length);
      request.signal.addEventListener("abort", leave);
      void writer.write(encoder.encode(before)).catch(leave);
      if (answerMs !== null) setTimeout(() => open.includes(end) && end("whole"), answerMs);
      return new Response(answer.readable, { headers: { "content-type": "text/event-stream" } });
    },
  });
  const origin = `http://127.0.0.1:${server.port}`;
  return {
    origin,
    baseUrl: `${origin}/v1`,
    admitted,
    get refused() {
      return refused;
    },
    get most() {
      return most;
    },
    get open() {
      return open.length;
    },
    end(as = "whole") {
      open[0]?.(as);
    },
    endBy(ms) {
      answerMs = ms;
      for (const end of open) setTimeout(() => open.includes(end) && end("whole"), ms);
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}
