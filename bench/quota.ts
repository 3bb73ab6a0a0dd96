// What reading balances costs a request: the same proxy with and without, interleaved, as a ratio of medians.  bun bench/quota.ts
// Balances are asked for four times a second, 240 times as often as a user can have it, and answered slowly.
import { inEnglish } from "../src/base/text.ts";
import { serve } from "../src/app/serve/serve.ts";
import { tellInstance } from "../src/app/ask-instance.ts";
import { readInstances } from "../src/state/instances.ts";
import { makeTempHome } from "../test/helpers/temp-home.ts";
import { startScript } from "./contenders.ts";

const ROUNDS = 9;
const REQUESTS = 2_000;
const ASK_EVERY_MS = 250;
const SLOW_MS = 40;

if (process.argv[2] === "relay") {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      if (!request.url.endsWith("/usage")) return Response.json({ object: "response", status: "completed" });
      await Bun.sleep(SLOW_MS);
      return Response.json({ isValid: true, quota: { limit: 10, used: 2, remaining: 8 } });
    },
  });
  process.send?.({ port: server.port });
} else await compare();

async function compare(): Promise<void> {
  const relay = await startScript<{ port: number }>("quota.ts", ["relay"]);
  const origin = `http://127.0.0.1:${relay.ready.port}`;
  const provider = { id: "relay", kind: "sub2api_usage", domains: ["127.0.0.1"] };
  const without = await startProxy(origin, []);
  const reading = await startProxy(origin, [provider]);
  const times: Record<"without" | "reading", number[]> = { without: [], reading: [] };
  let asked = 0;
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const name of ["without", "reading"] as const) {
      const proxy = name === "without" ? without : reading;
      const asking = setInterval(() => {
        if (name === "without") return;
        asked += 1;
        void proxy.refresh();
      }, ASK_EVERY_MS);
      const measured = await measure(proxy.port);
      clearInterval(asking);
      // The first round warms up.
      if (round >= 0) times[name].push(...measured);
    }
  }
  const [a, b] = [times.without, times.reading].map((all) => all.toSorted((one, other) => one - other));
  const at = (all: readonly number[] = [], share: number): number => all[Math.floor(all.length * share)] ?? 0;
  for (const [words, share] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    const [one, other] = [at(a, share), at(b, share)];
    const ratio = (other / one).toFixed(3);
    console.log(`${words}  without ${one.toFixed(0)} us  with ${other.toFixed(0)} us  ratio ${ratio}`);
  }
  console.log(`${times.reading.length} requests each; balances were asked for ${asked} times`);
  await Promise.all([without.stop(), reading.stop()]);
  relay.child.kill();
}

interface Proxy {
  readonly port: number;
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

async function startProxy(origin: string, providers: readonly unknown[]): Promise<Proxy> {
  const home = makeTempHome();
  const upstreams = [{ base_url: `${origin}/v1`, auth: { auth_token: "sk-bench" } }];
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
  home.write(".codex-helper/usage_providers.json", { providers });
  const { env, paths } = home;
  const words = (text: string): void => console.error(text);
  const serving = await serve({
    paths,
    env,
    services: ["codex"],
    port: 0,
    onRequest: () => {},
    onTrouble: (text) => words(inEnglish(text)),
  });
  const [instance] = await readInstances(paths.run);
  return {
    port: serving.served[0]?.port ?? 0,
    async refresh() {
      if (instance !== undefined) await tellInstance(instance, "refresh");
    },
    async stop() {
      await serving.stop(0);
      home[Symbol.dispose]();
    },
  };
}

/** us of each request, one after the other. */
async function measure(port: number): Promise<number[]> {
  const times: number[] = [];
  const body = JSON.stringify({ model: "m", input: [] });
  for (let n = 0; n < REQUESTS; n += 1) {
    const started = performance.now();
    await fetch(`http://127.0.0.1:${port}/v1/responses`, { method: "POST", body }).then((answer) =>
      answer.bytes(),
    );
    times.push((performance.now() - started) * 1_000);
  }
  return times;
}
