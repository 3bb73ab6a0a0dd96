import { expect, test } from "bun:test";
import { headWaitMs } from "../../src/proxy/heartbeat.ts";
import {
  chunk,
  EVENT_STREAM,
  GOOD,
  head,
  LAST_CHUNK,
  reply,
  responsesEvents,
  responsesPrologue,
  sse,
} from "../helpers/answers.ts";
import { type Answer, SILENCE, startFakeUpstream, type Step } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";

const SOON = { afterMs: 30, everyMs: 30 };
const TURN = { model: "gpt-5", stream: true, input: [] };

/** Reads until the text holds a heartbeat, then lets the upstream go on, then reads the rest. */
async function readAround(response: Response, heartbeat: string, goOn: () => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.split(heartbeat).length >= 3) goOn();
  }
  return text;
}

const HALF_A_TURN: Answer = [
  head(200, EVENT_STREAM),
  ...responsesPrologue().map(chunk),
  chunk(sse("response.output_text.delta", { type: "response.output_text.delta", delta: "half of it" })),
  SILENCE,
];

async function* late(answer: Answer, gate: Promise<void>) {
  await gate;
  yield* answer;
}

test("a client that waits long hears that somebody is there, and then gets the whole answer", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = await startFakeUpstream(() =>
    late(GOOD.responses({ text: "at last" }), gate.promise),
  );
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], heartbeat: SOON });
  const response = await proxy.ask("/v1/responses", TURN);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const text = await readAround(response, '{"type":"keepalive"}', gate.resolve);
  expect(text).toStartWith('event: keepalive\ndata: {"type":"keepalive"}\n\n');
  expect(text).toContain("at last");
  expect(text.trimEnd()).toMatch(/event: response\.completed\n.*$/);
  expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { total_tokens: 150 } });
});

test("an answer that is compressed comes plain into the stream, which says of no coding", async () => {
  const gate = Promise.withResolvers<void>();
  const body = Bun.gzipSync(Buffer.from(responsesEvents({ text: "at last" }).join("")));
  const answer = reply({
    headers: { "content-type": "text/event-stream", "content-encoding": "gzip" },
    body,
  });
  await using upstream = await startFakeUpstream(() => late(answer, gate.promise));
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], heartbeat: SOON });
  const headers = { "content-type": "application/json", "accept-encoding": "gzip" };
  const response = await proxy.ask("/v1/responses", TURN, { headers });
  expect(await readAround(response, '{"type":"keepalive"}', gate.resolve)).toContain("at last");
  expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { total_tokens: 150 } });
});

test.each([
  ["codex", "codex_exec/0.169.0 (Debian)", 1800],
  ["codex", "OpenAI/JS 5.0.0", 280],
  ["claude", "claude-cli/2.1.330 (external, cli)", 330],
  ["claude", null, 280],
] as const)("%s, as %s, waits %d s for a head", (service, userAgent, secs) => {
  const headers = new Headers(userAgent === null ? {} : { "user-agent": userAgent });
  expect(headWaitMs(service, headers)).toBe(secs * 1_000);
});

test("a client that is held is kept waiting until an upstream shows something", async () => {
  const gate = Promise.withResolvers<void>();
  async function* held(): AsyncGenerator<Step> {
    yield head(200, EVENT_STREAM);
    yield chunk(responsesPrologue().join(""));
    await gate.promise;
    yield* [...responsesEvents({ text: "at last" }).slice(2).map(chunk), LAST_CHUNK];
  }
  await using upstream = await startFakeUpstream(() => held());
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], heartbeat: SOON });
  const response = await proxy.ask("/v1/responses", TURN);
  const text = await readAround(response, '{"type":"keepalive"}', gate.resolve);
  expect(text.indexOf("keepalive")).toBeLessThan(text.indexOf("response.created"));
  expect(text).toContain("at last");
});

test("a failure after the wait comes as an event of the stream", async () => {
  const gate = Promise.withResolvers<void>();
  const failure = reply({
    status: 401,
    body: { error: { message: "bad key", type: "invalid_request_error" } },
  });
  await using upstream = await startFakeUpstream(() => late(failure, gate.promise));
  await using proxy = startTestProxy({ service: "claude", upstreams: [upstream.origin], heartbeat: SOON });
  const response = await proxy.ask("/v1/messages", { ...TURN, messages: [] });
  const text = await readAround(response, '{"type":"ping"}', gate.resolve);
  expect(response.status).toBe(200);
  expect(text).toContain("event: error\n");
  expect(text).toContain('"type":"error"');
  expect(await proxy.entry()).toMatchObject({
    status_code: 200,
    outcome: "error",
    attempts: [{ status_code: 401 }],
  });
});

test("a client that leaves while it is kept waiting ends the upstream exchange", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = await startFakeUpstream(() => late(GOOD.responses(), gate.promise));
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], heartbeat: SOON });
  const leaving = new AbortController();
  const response = await proxy.ask("/v1/responses", TURN, { signal: leaving.signal });
  await response.body?.getReader().read();
  leaving.abort();
  await upstream.waitForClose();
  expect(await proxy.entry()).toMatchObject({ status_code: 499, outcome: "client_gone" });
  gate.resolve();
});

test("a request that does not stream is not kept waiting with events", async () => {
  const gate = Promise.withResolvers<void>();
  const answer = reply({ body: { id: "r", object: "response", output: [{ type: "message" }] } });
  await using upstream = await startFakeUpstream(() => late(answer, gate.promise));
  await using proxy = startTestProxy({
    upstreams: [upstream.baseUrl],
    heartbeat: { afterMs: 1, everyMs: 1 },
  });
  const asked = proxy.ask("/v1/responses", { model: "m", input: [] });
  await upstream.gotRequest();
  gate.resolve();
  expect(await (await asked).json()).toMatchObject({ id: "r" });
});

test("a client that leaves in the middle of an answer it waited for is not a failure of the upstream", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = await startFakeUpstream(() => late(HALF_A_TURN, gate.promise));
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], heartbeat: SOON });
  const leaving = new AbortController();
  const response = await proxy.ask("/v1/responses", TURN, { signal: leaving.signal });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  for (let text = ""; !text.includes("half of it");) {
    text += decoder.decode((await reader?.read())?.value, { stream: true });
    if (text.includes("keepalive")) gate.resolve();
  }
  leaving.abort();
  await upstream.waitForClose();
  expect(await proxy.entry()).toMatchObject({ status_code: 499, outcome: "client_gone" });
});
