import { describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, zstdCompressSync } from "node:zlib";
import {
  chunk,
  EVENT_STREAM,
  GOOD,
  head,
  LAST_CHUNK,
  reply,
  responsesEvents,
  stream,
} from "../helpers/answers.ts";
import { startCli } from "../helpers/cli.ts";
import { type FakeUpstream, FIN, SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { connectRaw, sendRaw } from "../helpers/raw-client.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { settled } from "../helpers/wait.ts";
import { sendTurn, TURN, turnBytes } from "./turn.ts";

/** How soon an upstream must hear that nobody is listening any more. */
const ABORT_MS = 100;

describe("a client that leaves", () => {
  const leave = ["fin", "reset"] as const;
  for (const how of leave) {
    test(`C1 before the answer (${how}): the upstream is let go at once, and is not blamed`, async () => {
      await using upstream = await startFakeUpstream([[SILENCE]]);
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      for (let n = 1; n <= 5; n += 1) {
        await using client = await connectRaw(proxy.port);
        client.send(turnBytes(proxy));
        await upstream.gotRequest(n);
        const leftAt = performance.now();
        if (how === "reset") client.reset();
        else client.fin();
        expect((await upstream.waitForClose(n)).closedAt - leftAt).toBeLessThan(ABORT_MS);
        expect(await proxy.entry(n)).toMatchObject({ status_code: 499, outcome: "client_gone" });
      }
      // Five of these would have tripped it.
      upstream.play([GOOD.responses()]);
      expect((await sendTurn(proxy)).status).toBe(200);
    });
  }

  test("C2 in the middle of a stream: the same", async () => {
    const begun = responsesEvents({ deltas: 5 }).slice(0, -2);
    await using upstream = await startFakeUpstream([stream(begun, { ending: [SILENCE] })]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    await using client = await connectRaw(proxy.port);
    client.send(turnBytes(proxy));
    await client.begun(begun.join("").length);
    const leftAt = performance.now();
    client.reset();
    expect((await upstream.waitForClose()).closedAt - leftAt).toBeLessThan(ABORT_MS);
    expect(await proxy.entry()).toMatchObject({ status_code: 499, outcome: "client_gone" });
  });

  test("C3 a client that does not read holds the upstream back, and gets everything when it does", async () => {
    const block = "x".repeat(1 << 20);
    const blocks = 96;
    await using upstream = await startFakeUpstream(() =>
      (async function* () {
        yield head(200, { "content-type": "application/octet-stream", "content-length": `${blocks << 20}` });
        for (let n = 0; n < blocks; n += 1) yield block;
      })(),
    );
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    await using client = await connectRaw(proxy.port);
    client.send(`GET /v1/files/1/content HTTP/1.1\r\nHost: 127.0.0.1:${proxy.port}\r\n\r\n`);
    await client.begun(1);
    client.pause();
    expect(await settled(() => upstream.bytesWritten)).toBeLessThan(48 << 20);
    client.resume();
    const answer = await client.response("GET");
    expect([answer.status, answer.end]).toEqual([200, "complete"]);
    expect(answer.body.length).toBe(blocks << 20);
  });
});

describe("uploads", () => {
  test("C4 and H5 a body that stops half-way is answered 408, one that is cut reaches nobody", async () => {
    await using upstream = await startFakeUpstream([GOOD.responses()]);
    const limits = { maxBytes: 1 << 20, uploadIdleMs: 150 };
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], route: { limits } });
    const half = `POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:${proxy.port}\r\nContent-Length: 1000\r\n\r\n{"model":`;
    await using slow = await connectRaw(proxy.port);
    slow.send(half);
    expect((await slow.response()).status).toBe(408);
    await using cut = await connectRaw(proxy.port);
    cut.send(half);
    cut.reset();
    expect(await proxy.entry(2)).toMatchObject({ outcome: "client_gone" });
    expect(upstream.connections).toEqual([]);
  });

  test("C5 a body over the limit is answered 413 at its head, and by its size where it has no length", async () => {
    await using upstream = await startFakeUpstream([GOOD.responses()]);
    const limits = { maxBytes: 1 << 20, uploadIdleMs: 30_000 };
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], route: { limits } });
    await using atHead = await connectRaw(proxy.port);
    const start = `POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:${proxy.port}\r\n`;
    atHead.send(`${start}Content-Length: ${(1 << 20) + 1}\r\n\r\n`);
    const answer = await atHead.response();
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text())).toMatchObject({ error: { message: expect.stringContaining("1 MiB") } });
    await using bySize = await connectRaw(proxy.port);
    bySize.send(`${start}Transfer-Encoding: chunked\r\n\r\n`);
    for (let n = 0; n < 3; n += 1) bySize.send(chunk("x".repeat(512 << 10)));
    expect((await bySize.response()).status).toBe(413);
    expect(await proxy.entry(2)).toMatchObject({ status_code: 413, outcome: "refused" });
    expect(upstream.connections).toEqual([]);
  });

  test("C6 Expect: 100-continue is answered here and not passed on", async () => {
    await using upstream = await startFakeUpstream([GOOD.responses()]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    await using client = await connectRaw(proxy.port);
    client.send(
      `POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:${proxy.port}\r\nExpect: 100-continue\r\nContent-Length: ${TURN.length}\r\n\r\n`,
    );
    client.send(TURN);
    expect((await client.response()).status).toBe(200);
    expect(upstream.requests[0]?.header("expect")).toBeNull();
    expect(upstream.requests[0]?.text()).toBe(TURN);
  });

  test("C7 chunk extensions and an upstream's trailers stay on their own side, a client's trailers are refused", async () => {
    await using upstream = await startFakeUpstream([
      [
        head(200, { ...EVENT_STREAM, trailer: "x-late" }),
        ...responsesEvents().map(chunk),
        "0\r\nx-late: of the upstream\r\n\r\n",
      ],
    ]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const start = `POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:${proxy.port}\r\nTransfer-Encoding: chunked\r\n`;
    const body = `${TURN.length.toString(16)};ext="1"\r\n${TURN}\r\n0\r\n`;
    await using client = await connectRaw(proxy.port);
    client.send(`${start}Trailer: x-late\r\n\r\n${body}\r\n`);
    const answer = await client.response();
    expect([answer.status, answer.end]).toEqual([200, "complete"]);
    expect(answer.header("x-late")).toBeNull();
    const [request] = upstream.requests;
    expect(request?.text()).toBe(TURN);
    expect(request?.header("content-length")).toBe(`${TURN.length}`);
    expect(request?.header("transfer-encoding")).toBeNull();
    await using late = await connectRaw(proxy.port);
    late.send(`${start}\r\n${body}x-late: of the client\r\n\r\n`);
    expect((await late.response()).status).toBe(400);
    for (const seen of upstream.requests) expect(seen.header("x-late")).toBeNull();
  });

  const codings: readonly [string, (bytes: Buffer) => Uint8Array][] = [
    ["zstd", zstdCompressSync],
    ["gzip", (bytes) => Bun.gzipSync(bytes as Buffer<ArrayBuffer>)],
    ["br", brotliCompressSync],
    ["deflate", deflateSync],
  ];
  for (const [coding, compress] of codings) {
    test(`C10 a ${coding} body goes out as what it says; one that says too much is answered 413`, async () => {
      await using upstream = await startFakeUpstream([GOOD.responses()]);
      const limits = { maxBytes: 1 << 20, uploadIdleMs: 30_000 };
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], route: { limits } });
      const fields = [`Content-Encoding: ${coding}`];
      expect((await sendTurn(proxy, { body: compress(Buffer.from(TURN)), fields })).status).toBe(200);
      expect(upstream.requests[0]?.text()).toBe(TURN);
      expect(upstream.requests[0]?.header("content-encoding")).toBeNull();
      const bomb = compress(Buffer.alloc(8 << 20));
      expect((await sendTurn(proxy, { body: bomb, fields })).status).toBe(413);
      expect((await sendTurn(proxy, { body: "not compressed at all", fields })).status).toBe(400);
      expect(upstream.requests.length).toBe(1);
    });
  }
});

describe("as users start it", () => {
  /** The spawned program in front of one upstream. */
  async function startServe(upstream: FakeUpstream, env: Record<string, string> = {}) {
    const home = makeTempHome();
    home.write(".codex-helper/config.json", {
      codex: { configs: { main: { upstreams: [{ base_url: upstream.baseUrl }] } } },
    });
    const port = freePort();
    const cli = startCli(["serve", "--no-switch", "--port", `${port}`], { home, env });
    await cli.waitFor(/Ctrl\+C/);
    return {
      askModels: (fields: readonly string[] = []) =>
        sendRaw(port, { method: "GET", path: "/v1/models", fields }),
      async [Symbol.asyncDispose]() {
        await cli[Symbol.asyncDispose]();
        home[Symbol.dispose]();
      },
    };
  }

  test("C11 headers of 60 KB pass, 70 KB get 431", async () => {
    await using upstream = await startFakeUpstream([reply({ body: { data: [] } })]);
    await using serve = await startServe(upstream);
    const ask = async (kb: number): Promise<number> =>
      (await serve.askModels([`X-Codex-Long: ${"x".repeat(kb << 10)}`])).status;
    expect(await ask(60)).toBe(200);
    expect(await ask(70)).toBe(431);
    expect(upstream.requests.length).toBe(1);
    expect(upstream.requests[0]?.header("x-codex-long")?.length).toBe(60 << 10);
  });

  test("C12 a proxy variable does not catch loopback", async () => {
    await using upstream = await startFakeUpstream([reply({ body: { data: [] } })]);
    await using outbound = await startFakeUpstream([[FIN]]);
    const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
    const env = Object.fromEntries(names.map((name) => [name, outbound.origin]));
    await using serve = await startServe(upstream, env);
    expect((await serve.askModels()).status).toBe(200);
    expect(upstream.requests.length).toBe(1);
    expect(outbound.connections).toEqual([]);
  });
});

test("an empty list of models is asked for quickly and blames nobody", async () => {
  await using upstream = await startFakeUpstream([[FIN]]);
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  for (let n = 0; n < 5; n += 1) {
    const answer = await sendRaw(proxy.port, { method: "GET", path: "/v1/models" });
    expect(answer.status).toBeGreaterThanOrEqual(500);
  }
  upstream.play([[head(200, { "transfer-encoding": "chunked" }), chunk("{}"), LAST_CHUNK]]);
  expect((await sendRaw(proxy.port, { method: "GET", path: "/v1/models" })).status).toBe(200);
});
