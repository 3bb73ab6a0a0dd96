// The clients of the soak: most read their answers, some leave early, some read slowly, some stop sending half-way.
export interface SoakCounts {
  /** Requests of which the proxy got at least the head. */
  readonly started: number;
  readonly byEnd: Readonly<Record<string, number>>;
}

const SMALL = 2_000;
const LARGE = 300_000;
const READ_MS = 20_000;

/** Keeps `count` clients busy until `stop`, which waits for the requests that are under way. */
export function clientsOfABadDay({ count, port }: { readonly port: number; readonly count: number }): {
  stop(): Promise<SoakCounts>;
} {
  const byEnd: Record<string, number> = {};
  const connections = new Bun.FetchSession();
  let started = 0;
  let isOver = false;
  const note = (end: string): void => {
    byEnd[end] = (byEnd[end] ?? 0) + 1;
  };
  const worker = async (): Promise<void> => {
    while (!isOver) {
      started += 1;
      const pick = Math.random();
      if (pick < 0.03) note(await stopHalfWay(port));
      else note(await ask(connections.fetch, port, pick < 0.13 ? "leave" : pick < 0.2 ? "slow" : "read"));
    }
  };
  const workers = Promise.all(Array.from({ length: count }, worker));
  return {
    async stop() {
      isOver = true;
      await workers;
      connections.close();
      return { started, byEnd };
    },
  };
}

async function ask(
  fetch: Bun.FetchSession["fetch"],
  port: number,
  manner: "read" | "slow" | "leave",
): Promise<string> {
  const stream = Math.random() < 0.7;
  const text = "secret-host ".repeat((Math.random() < 0.1 ? LARGE : SMALL) / 12);
  const body = JSON.stringify({
    model: "gpt",
    stream,
    input: [{ type: "message", role: "user", content: text }],
  });
  const left = new AbortController();
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "session-id": `soak-${Math.floor(Math.random() * 5_000)}`,
        ...(stream ? { "x-soak": "stream" } : {}),
      },
      body,
      signal: AbortSignal.any([left.signal, AbortSignal.timeout(READ_MS)]),
    });
    if (response.body === null) return "without a body";
    for await (const _ of response.body) {
      if (manner === "leave") {
        left.abort();
        return "left";
      }
      if (manner === "slow") await Bun.sleep(20);
    }
    return response.ok ? "answered" : "answered with an error";
  } catch {
    return "broke off";
  }
}

/** Sends the head and half of the body, then resets the connection. */
async function stopHalfWay(port: number): Promise<string> {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.write(
    `POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: 1000\r\n\r\n{"model":`,
  );
  await Bun.sleep(20);
  socket.terminate();
  return "stopped half-way";
}
