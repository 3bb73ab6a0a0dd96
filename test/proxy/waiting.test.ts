import { expect, test } from "bun:test";
import { chunk, EVENT_STREAM, GOOD, head, reply, responsesPrologue, sse } from "../helpers/answers.ts";
import { type Answer, SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";

const SOON = { afterMs: 30, everyMs: 30 };
const TURN = { model: "gpt-5", stream: true, input: [] };

/** Reads until the text holds a heartbeat, then lets the upstream go on, then reads the rest. */
async function readAround(response: Response, heartbeat: string, goOn: () => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.split(heartbeat).length === 3) goOn();
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
