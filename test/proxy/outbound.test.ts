import { expect, test } from "bun:test";
import { inEnglish } from "../../src/base/text.ts";
import { createConnections } from "../../src/proxy/connections.ts";
import { proxyPageOutcome } from "../../src/proxy/outbound.ts";
import { openWay } from "../../src/proxy/way.ts";
import { describe as words } from "../../src/routing/reasons.ts";
import { GOOD, reply } from "../helpers/answers.ts";
import { GOOD_CERTIFICATE, TEST_KEY } from "../helpers/certificates.ts";
import { type Answer, SILENCE, startFakeUpstream, type Step } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { isMute, type Manner, opensTo, says, startOutbound, tunnelTo } from "../helpers/outbound-proxy.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const TURN = { model: "gpt-5", stream: true, store: false, input: [] };
const FAILURES: readonly (readonly [name: string, manner: Manner, rule: string, code: string | undefined])[] =
  [
    ["407 to CONNECT", says("407 Proxy Authentication Required"), "proxy-login", "407"],
    ["403 to CONNECT", says("403 Forbidden"), "proxy-refused", "403"],
    ["502 to CONNECT", says("502 Bad Gateway"), "proxy-refused", "502"],
    ["504 to CONNECT, with a Retry-After", says("504 X", "retry-after: 9\r\n"), "proxy-refused", "504"],
    [
      "a redirect to CONNECT",
      says("302 Found", "location: http://login.example/\r\n"),
      "proxy-refused",
      "302",
    ],
    ["CONNECT is not answered", isMute, "proxy-silent", undefined],
    ["no TLS behind CONNECT", opensTo(isMute), "proxy-silent", undefined],
    ["a page behind CONNECT", opensTo(says("403 Blocked")), "proxy-silent", "EPROTO"],
    ["a tunnel that is dropped", opensTo((socket) => void socket.destroy()), "proxy-lost", "ECONNRESET"],
  ];

test.each(FAILURES)("%s is the proxy's: the next upstream answers", async (_name, manner, rule, code) => {
  await using outbound = await startOutbound(manner);
  await using direct = await startFakeUpstream([GOOD.responses({ text: "from the direct one" })]);
  const timeouts = { ...makeUpstream().timeouts, connectMs: 1_000 };
  await using proxy = startTestProxy({
    routing: { ambiguous: rule === "proxy-lost" ? "failover" : "never" },
    upstreams: [{ baseUrl: "https://relay.example/v1", proxy: outbound.url, timeouts }, direct.baseUrl],
  });
  expect(await (await proxy.ask("/v1/responses", TURN)).text()).toContain("from the direct one");
  const { attempts = [] } = await proxy.entry();
  expect(attempts[0]).toMatchObject({ verdict: rule });
  const first = proxy.upstreams[0] ?? makeUpstream();
  expect(proxy.router.report(first)).toMatchObject({ failures: 0, lastFailure: null });
  const error = attempts[0]?.error ?? "";
  expect(error).toContain(outbound.host);
  if (code !== undefined) expect(error).toContain(`(${code})`);
  expect(JSON.stringify(await proxy.entry())).not.toContain("pass%20word");
  expect(outbound.heads[0]).toContain(`Basic ${btoa("user:pass word")}`);
});

test("a proxy that is not there is left out with all its upstreams", async () => {
  const port = freePort();
  await using direct = await startFakeUpstream([GOOD.responses()]);
  const behind = ["a", "b"].map((name) => ({
    baseUrl: `https://${name}.example/v1`,
    proxy: `http://127.0.0.1:${port}`,
  }));
  await using proxy = startTestProxy({ upstreams: [...behind, direct.baseUrl] });
  for (let turn = 0; turn < 3; turn += 1) expect((await proxy.ask("/v1/responses", TURN)).status).toBe(200);
  const { attempts = [] } = await proxy.entry(1);
  // The second one behind it comes after the direct one.
  expect(attempts.map(({ verdict }) => verdict)).toEqual(["proxy-unreachable", "ok"]);
  expect(await proxy.entry(3)).toMatchObject({ upstream_base_url: direct.baseUrl });
  expect((await proxy.entry(3)).attempts).toBeUndefined();
  for (const upstream of proxy.upstreams.slice(0, 2)) {
    const { availability, failures, reason } = proxy.router.report(upstream);
    expect({ availability, failures }).toEqual({ availability: "open", failures: 0 });
    expect(inEnglish(words(reason))).toContain(`the outbound proxy 127.0.0.1:${port} cannot be reached`);
  }
});

test("without another way the reason names the proxy", async () => {
  await using outbound = await startOutbound(says("407 X"));
  await using proxy = startTestProxy({
    upstreams: [{ baseUrl: "https://relay.example/v1", proxy: outbound.url }],
  });
  const response = await proxy.ask("/v1/responses", TURN);
  expect(response.status).toBe(503);
  const text = await response.text();
  expect(text).toContain(`the outbound proxy ${outbound.host} wants a user and password (407)`);
  expect(text).not.toContain("pass%20word");
});

test("of an http upstream, the proxy's own pages are the proxy's", async () => {
  await using outbound = await startFakeUpstream(() => reply({ status: 407, body: "login first" }));
  await using direct = await startFakeUpstream([GOOD.responses({ text: "from the direct one" })]);
  await using proxy = startTestProxy({
    upstreams: [{ baseUrl: "http://relay.example/v1", proxy: outbound.origin }, direct.baseUrl],
  });
  expect(await (await proxy.ask("/v1/responses", TURN)).text()).toContain("from the direct one");
  expect((await proxy.entry()).attempts?.[0]).toMatchObject({ verdict: "proxy-login" });
});

test.each<[string, number, Record<string, string>, string, string | null]>([
  ["a bare 502", 502, {}, "", "page"],
  ["a 504 page", 504, { "content-type": "text/html" }, "<html>gateway timeout</html>", "page"],
  ["Squid that cannot connect", 503, { "x-squid-error": "ERR_CONNECT_FAIL 111" }, "<html>", "refused"],
  ["Squid's own list", 403, { "x-squid-error": "ERR_ACCESS_DENIED 0" }, "<html>", "refused"],
  ["Proxy-Status", 502, { "proxy-status": "p; error=connection_refused" }, "", "refused"],
  ["a JSON error of the relay", 502, {}, ' {"error":{"message":"x"}}', null],
  ["a relay that says when", 503, { "retry-after": "5" }, "busy", null],
  ["a 500 page", 500, {}, "<html>", null],
  ["a refusal", 403, {}, "<html>", null],
])("through a proxy: %s", (_name, status, headers, body, failed) => {
  const outcome = proxyPageOutcome(
    { status, headers: new Headers(headers), body },
    "http://u:p@proxy.example:1",
  );
  expect<string | null>(outcome?.failed ?? null).toBe(failed);
  if (outcome !== null) expect(outcome.proxy).toBe("proxy.example:1");
});

test("the way is walked step by step, through a proxy as without one", async () => {
  await using upstream = await startFakeUpstream([], { tls: { key: TEST_KEY, cert: GOOD_CERTIFICATE } });
  await using outbound = await startOutbound(tunnelTo(upstream.port));
  await using refusing = await startOutbound(says("403 Forbidden"));
  const url = `https://127.0.0.1:${upstream.port}/v1`;
  const walk = async (proxy: string | false, verify: boolean): Promise<string> => {
    const { socket, steps } = await openWay(url, proxy, { verify, withinMs: 5_000 });
    expect(socket === null).toBe(steps.at(-1)?.error !== null);
    socket?.destroy();
    return steps
      .map(({ error, isProxy, name }) => `${isProxy ? "proxy " : ""}${name} ${error ?? "ok"}`)
      .join(", ");
  };
  expect(await walk(false, false)).toBe("tcp ok, tls ok");
  expect(await walk(outbound.url, false)).toBe("proxy tcp ok, proxy connect ok, tls ok");
  expect(await walk(outbound.url, true)).toBe(
    "proxy tcp ok, proxy connect ok, tls DEPTH_ZERO_SELF_SIGNED_CERT",
  );
  expect(await walk(refusing.url, false)).toBe("proxy tcp ok, proxy connect 403");
  expect(await walk(`http://127.0.0.1:${freePort()}`, false)).toBe("proxy tcp ECONNREFUSED");
});

test("a kept connection is given up early only where answers came soon before", () => {
  let now = 0;
  const connections = createConnections(() => now);
  const upstream = makeUpstream();
  expect(connections.staleAfterMs(upstream)).toBeNull();
  connections.noteHead(upstream, 900);
  expect(connections.staleAfterMs(upstream)).toBe(10_000);
  connections.noteHead(upstream, 5_001);
  expect(connections.staleAfterMs(upstream)).toBeNull();
  for (let answer = 0; answer < 8; answer += 1) connections.noteHead(upstream, 100);
  expect(connections.staleAfterMs(upstream)).toBe(10_000);
  expect(connections.staleAfterMs(makeUpstream({ baseUrl: "https://other.example" }))).toBeNull();
  now += 1;
  connections.close();
});

test("requests that come together are sent together, and one alone at once", async () => {
  const connections = createConnections(() => performance.now());
  expect(connections.together()).toBeNull();
  const second = connections.together();
  const third = connections.together();
  expect(second).not.toBeNull();
  expect(third).toBe(second);
  await second;
  const next = connections.together();
  expect(next).not.toBe(second);
  await next;
  for (let open = 4; open > 0; open -= 1) connections.sent();
  expect(connections.together()).toBeNull();
  connections.close();
});

test("after a sleep no connection from before it is used", () => {
  const clock = { awake: 0, wall: 0 };
  const connections = createConnections(
    () => clock.awake,
    () => clock.wall,
  );
  const pass = (ms: number, asleepMs = 0): void => {
    clock.awake += ms;
    clock.wall += ms + asleepMs;
  };
  const upstream = makeUpstream();
  const kept = connections.fetch(false);
  connections.released(upstream);
  pass(2_000);
  expect(connections.mayHaveBeenReused(upstream)).toBe(true);
  pass(1_000, 3_600_000);
  expect(connections.mayHaveBeenReused(upstream)).toBe(false);
  expect(connections.fetch(false)).toBe(connections.fetch(true));
  connections.released(upstream);
  // Those from before it are closed by now.
  pass(24_000);
  expect(connections.fetch(false)).toBe(kept);
  connections.released(upstream);
  // A clock that is set back is no sleep.
  pass(1_000, -3_600_000);
  expect(connections.mayHaveBeenReused(upstream)).toBe(true);
  connections.close();
});

test("a kept connection that leads nowhere costs ten seconds, then a fresh one answers", async () => {
  await using upstream = await startFakeUpstream((request) =>
    request.n === 2 ? [SILENCE] : GOOD.responses({ text: `answer on ${request.connection}` }),
  );
  // The head of a whole answer says nothing of the connection, however late it comes.
  const whole = reply({
    status: 200,
    body: { id: "r", object: "response", status: "completed", output: [MESSAGE] },
  });
  const isOver = Promise.withResolvers<void>();
  await using slow = await startFakeUpstream((request) =>
    request.n === 1 ? GOOD.responses() : answerAfter(isOver.promise, whole),
  );
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  await using other = startTestProxy({ upstreams: [slow.baseUrl] });
  expect(await (await proxy.ask("/v1/responses", TURN)).text()).toContain("answer on 1");
  await (await other.ask("/v1/responses", TURN)).text();
  const began = performance.now();
  const asked = other.ask("/v1/responses", { ...TURN, stream: false });
  const streamed = await (await proxy.ask("/v1/responses", TURN)).text();
  isOver.resolve();
  const late = await (await asked).text();
  expect(streamed).toContain("answer on 3");
  expect(performance.now() - began).toBeGreaterThanOrEqual(9_900);
  // The second connection only found out that the address still accepts one.
  expect(upstream.requests.map(({ connection }) => connection)).toEqual([1, 1, 3]);
  expect(late).toContain("late but whole");
  expect(slow.requests).toHaveLength(2);
});

const MESSAGE = {
  type: "message",
  id: "m",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: "late but whole", annotations: [] }],
};

async function* answerAfter(event: Promise<void>, answer: Answer): AsyncGenerator<Step> {
  await event;
  yield* answer;
}
