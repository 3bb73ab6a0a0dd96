// An address on loopback that takes notifications: keeps each body, and answers as it is told to.

export interface Listener {
  /** With a path and a parameter that nobody may see. */
  readonly url: string;
  readonly bodies: Record<string, unknown>[];
  answer: () => Response | Promise<Response>;
  stop(): void;
}

export const OK_JSON = (): Response => new Response(null, { status: 204 });

export function startListener(): Listener {
  const listener: Listener = {
    url: "",
    bodies: [],
    answer: OK_JSON,
    stop: () => void server.stop(true),
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      listener.bodies.push((await request.json()) as Record<string, unknown>);
      return await listener.answer();
    },
  });
  return Object.assign(listener, { url: `http://127.0.0.1:${server.port}/secret-topic?token=topic-token` });
}
