// What viewers of a running proxy are told, over real connections: several at once, slow ones, and those that take nothing.
import { expect, test } from "bun:test";
import { createFeed } from "../../../src/app/serve/feed.ts";
import { type ProxyNews, watchProxies } from "../../../src/app/serve/watch.ts";
import { makeChallenge } from "../../../src/proxy/own-routes.ts";
import { EVENT_STREAM, GOOD, chunk, head, reply, responsesEvents } from "../../helpers/answers.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { type FakeUpstream, type Step, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { requireInstance } from "../../helpers/instance.ts";
import { connectRaw } from "../../helpers/raw-client.ts";
import { waitUntil, within } from "../../helpers/wait.ts";

async function watchAll({ home }: Pick<RunningProxy, "home">) {
  const heard: ProxyNews[] = [];
  const watching = await watchProxies({ paths: home.paths, onNews: (_, news) => heard.push(news) });
  const last = <K extends ProxyNews["kind"]>(kind: K) =>
    heard.findLast((news): news is Extract<ProxyNews, { kind: K }> => news.kind === kind);
  return {
    found: watching.found,
    heard,
    last,
    until: async <K extends ProxyNews["kind"]>(
      kind: K,
      isIt: (news: Extract<ProxyNews, { kind: K }>) => boolean = () => true,
    ) =>
      waitUntil(() => {
        const news = last(kind);
        return news !== undefined && isIt(news) ? news : null;
      }),
    [Symbol.dispose]: () => watching.stop(),
  };
}

const ask = ({ codexUrl }: RunningProxy, session = "s-1"): Promise<Response> =>
  fetch(`${codexUrl}/responses`, {
    method: "POST",
    headers: { "session-id": session, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-5.6-sol", stream: true, input: [] }),
  });

/** A stream that stays in the middle until it is let go on. */
function pausedUpstream(): Promise<FakeUpstream & { readonly goOn: () => void }> {
  const gate = Promise.withResolvers<void>();
  const events = responsesEvents({ deltas: 400 });
  async function* answer(): AsyncGenerator<Step> {
    yield head(200, EVENT_STREAM);
    for (const event of events.slice(0, -2)) yield chunk(event);
    await gate.promise;
    for (const event of events.slice(-2)) yield chunk(event);
    yield "0\r\n\r\n";
  }
  return startFakeUpstream(answer).then((upstream) => Object.assign(upstream, { goOn: gate.resolve }));
}

test("a viewer sees upstreams, a request while it runs with about its tokens so far, and its line when it has ended", async () => {
  await using upstream = await pausedUpstream();
  await using proxy = await startConfiguredProxy({ codex: [upstream] });
  using viewer = await watchAll(proxy);
  expect(viewer.found).toBe(1);
  await viewer.until("proxy", ({ facts }) => facts.upstreams[0]?.label === "main#1");
  const answer = await ask(proxy);
  const { part } = await viewer.until(
    "running",
    (news) => (news.part.requests[0]?.output_tokens_estimate ?? 0) > 190,
  );
  expect(part).toMatchObject({
    count: 1,
    in_flight: { "main#1": 1 },
    requests: [
      { session_id: "s-1", model: "gpt-5.6-sol", upstream: "main#1", state: "answering", attempts: [] },
    ],
  });
  const [running] = part.requests;
  // About 1,500 letters: a quarter of that, in whatever pieces they came.
  expect(running?.output_tokens_estimate).toBeGreaterThan(190);
  expect(running?.output_tokens_estimate).toBeLessThan(560);
  upstream.goOn();
  await answer.text();
  const { record } = await viewer.until("request");
  expect(record).toMatchObject({ id: running?.id, outcome: "ok", upstream_label: "main#1" });
  await viewer.until("running", (news) => news.part.count === 0);
});

test("a request that has gone on to the next upstream shows its failed attempts while it runs", async () => {
  await using broken = await startFakeUpstream([reply({ status: 502, body: "bad" })]);
  await using upstream = await pausedUpstream();
  await using proxy = await startConfiguredProxy({ codex: [broken, upstream] });
  using viewer = await watchAll(proxy);
  const answer = await ask(proxy);
  const { part } = await viewer.until("running", (news) => news.part.requests[0]?.state === "answering");
  expect(part.requests[0]).toMatchObject({
    upstream: "main#2",
    attempts: [{ upstream: "main#1", status_code: 502 }],
  });
  await viewer.until("event", ({ event }) => event.kind === "hop");
  upstream.goOn();
  await answer.text();
});

test("of three viewers one takes nothing: requests and the other two do not notice", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using proxy = await startConfiguredProxy({ codex: [upstream] });
  const { token } = await requireInstance(proxy.home.paths.run, proxy.ports.codex);
  await using stopped = await connectRaw(proxy.ports.codex);
  const { authorization } = makeChallenge(token).headers;
  stopped.pause();
  stopped.send(
    `GET /__codex-helper/watch HTTP/1.1\r\nhost: 127.0.0.1:${proxy.ports.codex}\r\nauthorization: ${authorization}\r\n\r\n`,
  );
  using one = await watchAll(proxy);
  using other = await watchAll(proxy);
  const texts = await Promise.all(
    Array.from({ length: 40 }, async (_, n) => await (await ask(proxy, `s-${n}`)).text()),
  );
  expect(texts.every((text) => text.includes("response.completed"))).toBe(true);
  for (const viewer of [one, other])
    await waitUntil(() => viewer.heard.filter(({ kind }) => kind === "request").length === 40);
});

test("only the owner may watch, and with GET", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using proxy = await startConfiguredProxy({ codex: [upstream] });
  const url = `http://127.0.0.1:${proxy.ports.codex}/__codex-helper/watch`;
  const { token } = await requireInstance(proxy.home.paths.run, proxy.ports.codex);
  expect((await fetch(url)).status).toBe(403);
  expect((await fetch(url, makeChallenge("another"))).status).toBe(403);
  const { headers } = makeChallenge(token);
  expect((await fetch(url, { method: "POST", headers })).status).toBe(405);
});

test("a proxy that starts while one watches is heard, one that ends is gone, and its end waits for no viewer", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using first = await startConfiguredProxy({ codex: [upstream] });
  using viewer = await watchAll(first);
  await viewer.until("proxy");
  const before = performance.now();
  await first.stop(60_000);
  await viewer.until("gone");
  expect(performance.now() - before).toBeLessThan(5_000);
});

/** A feed at a port of its own. */
function serveFeed(options: Parameters<typeof createFeed>[0]) {
  const feed = createFeed(options);
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    idleTimeout: 0,
    fetch: () => new Response(feed.open()),
    error: () => new Response(null, { status: 500 }),
  });
  return {
    feed,
    port: server.port ?? 0,
    async [Symbol.asyncDispose]() {
      feed.close();
      await server.stop(true);
    },
  };
}

test("a viewer that takes nothing is let go, and the last one to leave ends the work", async () => {
  const left = Promise.withResolvers<void>();
  let looks = 0;
  const look = () => ({ state: { looks: (looks += 1), filling: "x".repeat(4_000_000) } });
  await using served = serveFeed({ look, onLeft: left.resolve, everyMs: 5, stuckMs: 50 });
  await using stopped = await connectRaw(served.port);
  stopped.pause();
  stopped.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await within(left.promise, { what: "the end of the feed" });
  const atTheEnd = looks;
  // A few states at the most were made for it: nothing is, while it does not take the last one.
  expect(atTheEnd).toBeLessThan(10);
  stopped.resume();
  await stopped.ended;
  expect(looks).toBe(atTheEnd);
});

test("a slow viewer gets the newest state, and is told how much it missed", async () => {
  let state = 0;
  await using served = serveFeed({ look: () => ({ state: { state } }), onLeft() {}, everyMs: 20 });
  const response = await fetch(`http://127.0.0.1:${served.port}/`);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
  expect(await read()).toContain('{"state":0}');
  for (state = 1; state < 5; state += 1)
    for (let n = 0; n < 100; n += 1) served.feed.tell("request", { state, n });
  const text = await read();
  expect(text).toContain('event: missed\ndata: {"count":200}');
  expect(text).toContain('{"state":5}');
  expect(text).not.toContain('{"state":4}\n');
  expect(text.match(/^event: request$/gm)).toHaveLength(200);
  expect(text).toContain('{"state":4,"n":99}');
  await reader.cancel();
});
