import { describe, expect, test } from "bun:test";
import { reply } from "../helpers/answers.ts";
import { EXPIRED_CERTIFICATE, GOOD_CERTIFICATE, TEST_KEY } from "../helpers/certificates.ts";
import { type Answer, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { makeUpstream } from "../helpers/upstream.ts";
import { sendTurn } from "./turn.ts";

const secured = (cert: string, answer: Answer = reply()) =>
  startFakeUpstream(() => answer, { tls: { key: TEST_KEY, cert } });

const { timeouts } = makeUpstream();

/** What the log and the client are told of the only upstream. */
async function told(baseUrl: string | object) {
  await using proxy = startTestProxy({ upstreams: [baseUrl] });
  const answer = await sendTurn(proxy);
  const { attempts } = await proxy.entry();
  return { logged: attempts?.[0]?.error, shown: answer.text(), status: answer.status };
}

const PORTAL: Answer = reply({
  status: 302,
  headers: { location: "https://login.portal.example/start?token=secret" },
});

describe("a fault of the network is told as what it is, in the log and to the client, with the command for it", () => {
  test("https to an http port", async () => {
    using upstream = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("here") });
    const { logged, shown } = await told(`https://127.0.0.1:${upstream.port}/v1`);
    expect(logged).toBe("no TLS on this port: https to an http port (HTTP_PORT)");
    expect(shown).toContain(`ch config set main#1 --base-url http://127.0.0.1:${upstream.port}/v1`);
  });

  test("https to an http port that waits for the rest of the handshake", async () => {
    await using upstream = await startFakeUpstream(() => reply());
    const slow = {
      baseUrl: `https://127.0.0.1:${upstream.port}/v1`,
      timeouts: { ...timeouts, connectMs: 300 },
    };
    const { logged } = await told(slow);
    expect(logged).toBe("no TLS on this port: https to an http port (HTTP_PORT)");
    expect(upstream.requests.map(({ method }) => method)).toEqual(["HEAD"]);
  });

  test("an https port that wants another TLS is no http port", async () => {
    await using upstream = await startFakeUpstream(() => reply(), { onAccept: () => "silence" });
    const slow = {
      baseUrl: `https://127.0.0.1:${upstream.port}/v1`,
      timeouts: { ...timeouts, connectMs: 300 },
    };
    expect((await told(slow)).logged).toBe("connection timed out");
  });

  test("http to an https port, which breaks the connection", async () => {
    await using upstream = await secured(GOOD_CERTIFICATE);
    const { logged, shown } = await told(`http://127.0.0.1:${upstream.port}/v1`);
    expect(logged).toBe("TLS on this port: http to an https port (HTTPS_PORT)");
    expect(shown).toContain(`ch config set main#1 --base-url https://127.0.0.1:${upstream.port}/v1`);
  });

  test("http to an https port, which says so", async () => {
    const body = "Client sent an HTTP request to an HTTPS server.\n";
    await using upstream = await startFakeUpstream(() => reply({ status: 400, body }));
    const { logged, shown } = await told(upstream.baseUrl);
    expect(logged).toBe("400 TLS on this port: http to an https port");
    expect(shown).toContain("ch config set main#1 --base-url https://");
  });

  test("certificates", async () => {
    await using unknown = await secured(GOOD_CERTIFICATE);
    await using expired = await secured(EXPIRED_CERTIFICATE);
    const first = await told(`https://127.0.0.1:${unknown.port}/v1`);
    expect(first.logged).toBe("its certificate is from an unknown authority (DEPTH_ZERO_SELF_SIGNED_CERT)");
    expect(first.shown).toContain("NODE_EXTRA_CA_CERTS");
    const second = await told(`https://127.0.0.1:${expired.port}/v1`);
    expect(second.logged).toMatch(/^its certificate (?:has expired|is from an unknown authority) \(/);
    expect(second.shown).toContain("ch doctor --probe main#1");
  });

  test("a portal that sends to its login page", async () => {
    await using upstream = await startFakeUpstream(() => PORTAL);
    const { logged, shown } = await told(upstream.baseUrl);
    expect(logged).toBe("302 answered with a redirect to https://login.portal.example/start");
    expect(shown).not.toContain("secret");
    expect(shown).toContain("fix: ch config set main#1 --base-url URL");
  });

  test("a portal's page, and a page of the relay's own site", async () => {
    const page = reply({
      body: "<!doctype html><title>Sign in</title>",
      headers: { "content-type": "text/html" },
    });
    await using upstream = await startFakeUpstream(() => page);
    const { logged, shown } = await told(upstream.baseUrl);
    expect(logged).toBe("answered with a web page");
    expect(shown).toContain("fix: ch config set main#1 --base-url URL");
  });

  test("nothing that listens, and no such name", async () => {
    const closed = await told(`http://127.0.0.1:${freePort()}/v1`);
    expect(closed.logged).toBe("refused the connection (ECONNREFUSED)");
    const nameless = await told("https://relay.invalid/v1");
    expect(nameless.logged).toMatch(/^DNS lookup failed \(\w+\)$/);
  });
});
