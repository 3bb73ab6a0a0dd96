import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { GOOD, reply } from "../helpers/answers.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy, type TestProxy } from "../helpers/in-process-proxy.ts";
import { connectRaw, type RawResponse, sendRaw } from "../helpers/raw-client.ts";
import { within } from "../helpers/wait.ts";
import { sendTurn, TURN } from "./turn.ts";

let upstream: FakeUpstream;
let proxy: TestProxy;
beforeAll(async () => {
  upstream = await startFakeUpstream([GOOD.responses()]);
  proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await upstream.close();
});

/** Sends bytes with HOST and PORT filled in; what comes back must not have cost the upstream a connection. */
async function refused(bytes: string): Promise<RawResponse> {
  const before = upstream.requests.length;
  await using client = await connectRaw(proxy.port);
  client.send(bytes.replaceAll("HOST", `127.0.0.1:${proxy.port}`).replaceAll("PORT", `${proxy.port}`));
  const answer = await client.response();
  expect(upstream.requests.length).toBe(before);
  for (const [name] of answer.head.fields) expect(name.toLowerCase()).not.toStartWith("access-control-");
  return answer;
}

const LENGTH = `Content-Length: ${TURN.length}\r\n`;

describe("requests that are not well formed", () => {
  const malformed: readonly [string, string][] = [
    [
      "H1 Content-Length and Transfer-Encoding",
      `Host: HOST\r\n${LENGTH}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["H1 two different Content-Lengths", `Host: HOST\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ["H1 a Content-Length that is no number", "Host: HOST\r\nContent-Length: 1x\r\n\r\na"],
    ["H1 a negative Content-Length", "Host: HOST\r\nContent-Length: -1\r\n\r\n"],
    ["H1 a bad chunk size", "Host: HOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"],
    ["H1 NUL in a header", `Host: HOST\r\nX-A: a\u0000b\r\n${LENGTH}\r\n${TURN}`],
    ["H1 a bare CR in a header", `Host: HOST\r\nX-A: a\rb\r\n${LENGTH}\r\n${TURN}`],
    ["H1 a folded header", `Host: HOST\r\nX-A: a\r\n b\r\n${LENGTH}\r\n${TURN}`],
    ["H1 a space before the colon", `Host: HOST\r\nX-A : a\r\n${LENGTH}\r\n${TURN}`],
    ["H1 no Host at all", `${LENGTH}\r\n${TURN}`],
  ];
  for (const [what, rest] of malformed) {
    test(`${what} is answered 400`, async () => {
      expect((await refused(`POST /v1/responses HTTP/1.1\r\n${rest}`)).status).toBe(400);
    });
  }

  for (const hosts of [
    "Host: HOST\r\nHost: evil.test\r\n",
    "Host: evil.test\r\nHost: HOST\r\n",
    "Host: HOST\r\nHost: HOST\r\n",
  ]) {
    test(`H2 two Hosts are refused: ${hosts.replaceAll("\r\n", " ")}`, async () => {
      const { status } = await refused(`POST /v1/responses HTTP/1.1\r\n${hosts}${LENGTH}\r\n${TURN}`);
      expect([400, 421]).toContain(status);
    });
  }

  const targets: readonly [string, string, readonly number[]][] = [
    ["H3 CONNECT", "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n", [400, 405, 421]],
    ["H3 CONNECT to ourselves", "CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n", [400, 405]],
    ["H3 TRACE", "TRACE /v1/responses HTTP/1.1\r\nHost: HOST\r\n\r\n", [405]],
    [
      "H3 an absolute target elsewhere",
      "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
      [400, 421],
    ],
    [
      "H7 a Host that makes the URL relative",
      "GET /v1/models HTTP/1.1\r\nHost: a b/../c\r\n\r\n",
      [400, 421],
    ],
    ["H7 a Host with a user", "GET /v1/models HTTP/1.1\r\nHost: x@HOST\r\n\r\n", [400, 421]],
    ["H7 HTTP/1.0 without a Host", "GET /v1/models HTTP/1.0\r\n\r\n", [400, 421]],
  ];
  for (const [what, bytes, statuses] of targets) {
    test(`${what} is refused`, async () => {
      expect(statuses).toContain((await refused(bytes)).status);
    });
  }

  for (const line of [
    "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test",
    "POST http://evil.test/v1/responses HTTP/1.1\r\nHost: evil.test:PORT",
    "GET HTTPS://evil.test/v1/models?x=1 HTTP/1.1\r\nHost: evil.test",
    "GET http://HOST@evil.test/v1/models HTTP/1.1\r\nHost: evil.test",
    "GET http://[::ffff:7f00:1]:PORT/v1/models HTTP/1.1\r\nHost: [::ffff:7f00:1]:PORT",
    "GET http://HOST/v1/models HTTP/1.1\r\nHost: evil.test",
    "GET http://evil.test/v1/models HTTP/1.0",
    "GET //evil.test/v1/models HTTP/1.1\r\nHost: evil.test",
  ]) {
    test(`H3 a target elsewhere is answered 421: ${line.replaceAll("\r\n", " ")}`, async () => {
      expect((await refused(`${line}\r\n\r\n`)).status).toBe(421);
    });
  }

  test("H3 a target elsewhere under our own Host is never asked there: Bun shows its path alone", async () => {
    await using evil = await startFakeUpstream([reply({ body: "caught" })]);
    for (const host of [`127.0.0.1:${evil.port}`, `user@127.0.0.1:${evil.port}`]) {
      await using client = await connectRaw(proxy.port);
      client.send(`GET http://${host}/v1/models HTTP/1.1\r\nHost: 127.0.0.1:${proxy.port}\r\n\r\n`);
      await client.response();
    }
    expect(evil.requests).toEqual([]);
    for (const { target } of upstream.requests) expect(target).toStartWith("/v1");
  });

  test("H3 OPTIONS * and an absolute target of our own keep to the upstream's prefix", async () => {
    for (const line of ["OPTIONS * HTTP/1.1", `GET http://127.0.0.1:${proxy.port}/v1/models HTTP/1.1`]) {
      await using client = await connectRaw(proxy.port);
      client.send(`${line}\r\nHost: 127.0.0.1:${proxy.port}\r\n\r\n`);
      await client.response();
    }
    for (const { target } of upstream.requests) expect(target).toStartWith("/v1");
  });
});

describe("paths that lead elsewhere", () => {
  const paths = [
    "//evil.test/v1/responses",
    "///evil.test/x",
    "/v1//evil.test",
    "/\\evil.test/x",
    "/v1/..%2f..%2fadmin",
    "/v1/%2e%2e/%2e%2e/admin",
    "/v1/../../admin",
    "/v1/.%2e/admin",
    "/@evil.test/x",
    "/v1@evil.test/x",
    "/v1/responses/../../../etc/passwd",
    "/v1/%5c..%5cadmin",
    "/v1;@evil.test",
    "/.",
    "/..",
  ];
  for (const path of paths) {
    test(`H4 and S8 ${path} never leaves the upstream's origin and prefix, and takes no key elsewhere`, async () => {
      const secret = "sk-only-for-the-upstream";
      await using evil = await startFakeUpstream([reply({ body: "caught" })]);
      await using relay = await startFakeUpstream([reply({ body: "fine" })]);
      const baseUrl = `${relay.origin}/tenant/v1`;
      await using own = startTestProxy({ upstreams: [{ baseUrl, credential: { kind: "bearer", secret } }] });
      const tricky = path.replaceAll("evil.test", `127.0.0.1:${evil.port}`);
      await sendRaw(own.port, { method: "POST", path: tricky, body: TURN });
      expect(evil.connections).toEqual([]);
      for (const { target } of relay.requests) {
        expect(new URL(target, relay.origin).pathname).toMatch(/^\/tenant\/v1(?:\/|$|;|@)/);
        expect(target).not.toContain("..");
      }
    });
  }
});

describe("who asks", () => {
  const hosts = [
    "evil.test",
    "evil.test:PORT",
    "127.0.0.1",
    "127.0.0.1:1",
    "0.0.0.0:PORT",
    "localhost.evil.test:PORT",
    "",
  ];
  for (const host of hosts) {
    test(`S1 and S3 Host "${host}" is answered 421`, async () => {
      const { status } = await refused(
        `POST /v1/responses HTTP/1.1\r\nHost: ${host}\r\n${LENGTH}\r\n${TURN}`,
      );
      expect([400, 421]).toContain(status);
    });
  }

  const pages = [
    "Origin: https://evil.test",
    "Origin: null",
    "Origin: http://127.0.0.1:PORT",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-origin",
  ];
  for (const field of pages) {
    test(`S2 a web page's request (${field}) is answered 403`, async () => {
      const head = `Host: HOST\r\n${field}\r\nContent-Type: text/plain\r\n${LENGTH}`;
      expect((await refused(`POST /v1/responses HTTP/1.1\r\n${head}\r\n${TURN}`)).status).toBe(403);
    });
  }

  test("S4 a preflight is answered 403 without any permission", async () => {
    const preflight =
      "OPTIONS /v1/responses HTTP/1.1\r\nHost: HOST\r\nOrigin: https://evil.test\r\n" +
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Private-Network: true\r\n\r\n";
    expect((await refused(preflight)).status).toBe(403);
  });

  test("S5 own addresses never reach an upstream, and change nothing without the token of the run", async () => {
    for (const [method, path] of [
      ["GET", "reload"],
      ["POST", "reload"],
      ["POST", "reset"],
      ["POST", "health"],
      ["GET", "nothing"],
    ]) {
      const { status } = await refused(`${method} /__codex-helper/${path} HTTP/1.1\r\nHost: HOST\r\n\r\n`);
      expect([403, 404, 405]).toContain(status);
    }
  });

  test("S7 nothing but 127.0.0.1 is listened to", async () => {
    const outcome = Promise.withResolvers<string>();
    const socket = connect({ port: proxy.port, host: "127.0.0.2" });
    socket.once("connect", () => outcome.resolve("connected"));
    socket.once("error", () => outcome.resolve("refused"));
    expect(await outcome.promise).toBe("refused");
    socket.destroy();
  });

  test("S15 a request that comes back to us is answered 508", async () => {
    await sendTurn(proxy);
    const hops = upstream.requests.at(-1)?.header("x-codex-helper-hops") ?? "";
    expect(hops).not.toBe("");
    const fields = `Host: HOST\r\nX-Codex-Helper-Hops: ${hops}\r\n${LENGTH}`;
    expect((await refused(`POST /v1/responses HTTP/1.1\r\n${fields}\r\n${TURN}`)).status).toBe(508);
  });
});

describe("what passes between client and upstream", () => {
  test("S12 the client's own credentials and cookies stay here, the upstream's are put in", async () => {
    await using relay = await startFakeUpstream([GOOD.responses()]);
    await using backup = await startFakeUpstream([GOOD.responses()]);
    await using own = startTestProxy({
      upstreams: [
        { baseUrl: relay.baseUrl, credential: { kind: "api-key", secret: "key-of-one" } },
        { baseUrl: backup.baseUrl, credential: { kind: "bearer", secret: "key-of-two" } },
      ],
    });
    const fields = [
      "Authorization: Bearer client-secret",
      "X-Api-Key: client-secret",
      "Cookie: session=client-secret",
      "Proxy-Authorization: Basic client-secret",
      "ChatGPT-Account-Id: client-secret",
      "OpenAI-Organization: client-secret",
    ];
    await sendTurn(own, { fields });
    relay.play([reply({ status: 500 })]);
    await sendTurn(own, { fields });
    const [first, second] = [relay.requests[0], backup.requests[0]];
    expect([first?.header("x-api-key"), first?.header("authorization")]).toEqual(["key-of-one", null]);
    expect([second?.header("x-api-key"), second?.header("authorization")]).toEqual([
      null,
      "Bearer key-of-two",
    ]);
    for (const request of [...relay.requests, ...backup.requests])
      expect(JSON.stringify(request.fields)).not.toContain("client-secret");
  });

  test("S13 what belongs to one connection stays on it, in both directions", async () => {
    const answer = [
      "HTTP/1.1 200 OK",
      "content-length: 2",
      "connection: keep-alive, x-of-connection",
      "x-of-connection: upstream",
      "keep-alive: timeout=5",
      "proxy-authenticate: Basic",
      "upgrade: h2c",
      "x-request-id: req_1",
    ];
    await using relay = await startFakeUpstream([[`${answer.join("\r\n")}\r\n\r\n{}`]]);
    await using own = startTestProxy({ upstreams: [relay.baseUrl] });
    const got = await sendRaw(own.port, {
      method: "GET",
      path: "/v1/models",
      fields: [
        "Connection: keep-alive, X-Of-Connection",
        "X-Of-Connection: client",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Proxy-Connection: keep-alive",
        "X-Codex-Stays: yes",
      ],
    });
    const [request] = relay.requests;
    for (const name of ["x-of-connection", "keep-alive", "te", "proxy-connection", "trailer", "upgrade"])
      expect([name, request?.header(name) ?? null]).toEqual([name, null]);
    expect(request?.header("host")).toBe(`127.0.0.1:${relay.port}`);
    expect(request?.header("x-codex-stays")).toBe("yes");
    for (const name of ["x-of-connection", "keep-alive", "proxy-authenticate", "upgrade"])
      expect([name, got.header(name)]).toEqual([name, null]);
    expect(got.header("x-request-id")).toBe("req_1");
  });

  test("S14 an upstream sets nothing at the client's side that would outlive the answer", async () => {
    const headers = {
      "set-cookie": "a=b",
      "alt-svc": 'h3=":443"',
      "strict-transport-security": "max-age=1",
      "clear-site-data": '"*"',
      "access-control-allow-origin": "*",
      "access-control-allow-credentials": "true",
      "x-codex-primary-used-percent": "12",
    };
    await using relay = await startFakeUpstream([reply({ headers, body: {} })]);
    await using own = startTestProxy({ upstreams: [relay.baseUrl] });
    const got = await sendRaw(own.port, { method: "GET", path: "/v1/models" });
    const names = got.head.fields.map(([name]) => name.toLowerCase());
    expect(names).toContain("x-codex-primary-used-percent");
    for (const name of Object.keys(headers).slice(0, -1)) expect(names).not.toContain(name);
  });

  test("H6 JSON of any depth passes unread", async () => {
    const deep = `{"model":"m","stream":true,"input":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    const before = upstream.requests.length;
    expect((await sendTurn(proxy, { body: deep })).status).toBe(200);
    expect(upstream.requests[before]?.text()).toBe(deep);
  });

  test("a WebSocket upgrade gets 426, so that Codex goes on with plain HTTP at once", async () => {
    const fields =
      "Host: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOpenAI-Beta: responses_websockets=2026-02-06\r\n\r\n";
    expect((await refused(`GET /v1/responses HTTP/1.1\r\n${fields}`)).status).toBe(426);
  });
});

// Twelve seconds: Bun's own timer, which is the only one that sees a request before its head is complete.
if (process.env["VERIFY"] === "full") {
  test("H5 a head that stops half-way is hung up on", async () => {
    await using client = await connectRaw(proxy.port);
    client.send("POST /v1/responses HTTP/1.1\r\nHost: 127");
    const ended = await within(client.ended, { deadlineMs: 20_000, what: "the end of the connection" });
    expect(ended).toBe("fin");
  }, 25_000);
}
