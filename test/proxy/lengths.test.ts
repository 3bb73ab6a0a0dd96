import { expect, test } from "bun:test";
import { chunk, head, LAST_CHUNK, reply } from "../helpers/answers.ts";
import { type Answer, FIN, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { sendRaw } from "../helpers/raw-client.ts";
import { elapse } from "../helpers/wait.ts";

async function ask(method: string, answer: Answer, fields: readonly string[] = []) {
  await using upstream = await startFakeUpstream(() => answer);
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  const response = await sendRaw(proxy.port, { method, path: "/v1/files/1/content", fields });
  return { response, request: await upstream.gotRequest(), outcome: (await proxy.entry()).outcome };
}

test.each(["12345", "0"])("HEAD keeps the upstream's Content-Length: %s", async (length) => {
  const { outcome, response } = await ask("HEAD", [head(200, { "content-length": length, etag: '"x"' })]);
  expect([response.status, response.header("content-length"), response.body.length]).toEqual([
    200,
    length,
    0,
  ]);
  expect([response.header("etag"), outcome]).toEqual(['"x"', "ok"]);
});

test("HEAD says nothing of a length that the upstream does not say", async () => {
  const { response } = await ask("HEAD", [head(200, { "transfer-encoding": "chunked", etag: '"x"' })]);
  expect([response.status, response.header("content-length"), response.header("etag")]).toEqual([
    200,
    null,
    '"x"',
  ]);
});

test.each([10, 100_000, 2_000_000])("GET keeps a known length, however its %d bytes come", async (size) => {
  const body = Buffer.alloc(size, "abc");
  async function* inPieces() {
    yield head(200, { "content-length": `${size}`, "content-type": "application/octet-stream" });
    yield body.subarray(0, size / 2);
    await elapse(20);
    yield body.subarray(size / 2);
  }
  const { outcome, response } = await ask("GET", inPieces());
  expect([response.header("content-length"), response.header("transfer-encoding")]).toEqual([
    `${size}`,
    null,
  ]);
  expect([Buffer.compare(response.body, body), outcome]).toEqual([0, "ok"]);
});

test("GET of a known length that breaks off is a broken answer for the client too", async () => {
  const answer: Answer = [head(200, { "content-length": "200000" }), Buffer.alloc(100_000, "x"), FIN];
  const end = await ask("GET", answer).then(
    ({ response }) => response.end,
    () => "reset",
  );
  expect(end).toBe("reset");
});

test("GET of no known length is sent in chunks", async () => {
  const { response } = await ask("GET", [
    head(200, { "transfer-encoding": "chunked" }),
    chunk("abc"),
    LAST_CHUNK,
  ]);
  expect([response.text(), response.header("content-length") ?? "3"]).toEqual(["abc", "3"]);
});

test.each([
  ["h2c", ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB"]],
  ["TLS/1.0, HTTP/2.0", ["Connection: upgrade", "Upgrade: TLS/1.0, HTTP/2.0"]],
  ["h2c without its Connection field", ["Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB"]],
])("an Upgrade to %s is ignored, and does not reach the upstream", async (_name, fields) => {
  const { request, response } = await ask("GET", reply({ body: { data: [] } }), fields);
  expect(response.status).toBe(200);
  for (const name of ["upgrade", "http2-settings"]) expect(request.header(name)).toBeNull();
});

test.each(["websocket", "WebSocket", "h2c, websocket"])("an Upgrade to %s is refused", async (upgrade) => {
  await using proxy = startTestProxy({ upstreams: ["http://127.0.0.1:9/v1"] });
  const fields = ["Connection: Upgrade", `Upgrade: ${upgrade}`];
  expect((await sendRaw(proxy.port, { method: "GET", path: "/v1/responses", fields })).status).toBe(426);
});

test("an Expect that nobody knows is ignored, and a Trailer field goes both ways", async () => {
  const answer = reply({ headers: { trailer: "x-sum" }, body: "data" });
  const { request, response } = await ask("GET", answer, ["Expect: something", "Trailer: x-late"]);
  expect([response.status, response.header("trailer")]).toEqual([200, "x-sum"]);
  expect([request.header("expect"), request.header("trailer")]).toEqual([null, "x-late"]);
});
