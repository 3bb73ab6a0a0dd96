import { describe, expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import {
  EXPIRED_CERTIFICATE,
  GOOD_CERTIFICATE,
  TEST_KEY,
  WRONG_NAME_CERTIFICATE,
} from "../helpers/certificates.ts";
import { startCli } from "../helpers/cli.ts";
import {
  type Answer,
  type FakeUpstreamOptions,
  FIN,
  RESET,
  SILENCE,
  startFakeUpstream,
} from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { startTestProxy, type TestProxy } from "../helpers/in-process-proxy.ts";
import { sendRaw } from "../helpers/raw-client.ts";
import { startStuckListener } from "../helpers/stuck-listener.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { makeUpstream } from "../helpers/upstream.ts";
import { sendTurn, TURN } from "./turn.ts";

const { timeouts } = makeUpstream();
/** Every answer of a backup says so. */
const BACKUP = GOOD.responses({ text: "from the backup" });

/** Asks once and gives how each upstream was judged, in order. The answer must be the backup's. */
async function verdicts(proxy: TestProxy, body = TURN): Promise<string[]> {
  const asked = proxy.entries.length;
  const answer = await sendTurn(proxy, { body });
  expect([answer.status, answer.end]).toEqual([200, "complete"]);
  expect(answer.text()).toContain("from the backup");
  const entry = await proxy.entry(asked + 1);
  return (entry.attempts ?? [{ verdict: "ok" }]).map(({ verdict }) => verdict);
}

const closedUrl = (): string => `http://127.0.0.1:${freePort()}/v1`;

describe("never sent", () => {
  test("U1 a refused connection goes to the next upstream at once, and the second one trips", async () => {
    await using backup = await startFakeUpstream([BACKUP]);
    await using proxy = startTestProxy({ upstreams: [closedUrl(), backup.baseUrl] });
    expect(await verdicts(proxy)).toEqual(["never-sent", "ok"]);
    expect(await verdicts(proxy)).toEqual(["never-sent", "ok"]);
    expect(await verdicts(proxy)).toEqual(["ok"]);
    expect(backup.requests.length).toBe(3);
  });

  test("U2 a name that cannot be looked up is called DNS", async () => {
    await using backup = await startFakeUpstream([BACKUP]);
    await using proxy = startTestProxy({ upstreams: ["https://relay.invalid/v1", backup.baseUrl] });
    expect(await verdicts(proxy)).toEqual(["dns", "ok"]);
    expect((await proxy.entry()).attempts?.[0]?.error).toContain("DNS");
  });

  test("U3 no route to the host", async () => {
    // TCP to the broadcast address: refused by the own system, nothing leaves it.
    await using backup = await startFakeUpstream([BACKUP]);
    await using proxy = startTestProxy({ upstreams: ["http://255.255.255.255:9/v1", backup.baseUrl] });
    expect(await verdicts(proxy)).toEqual(["never-sent", "ok"]);
  });

  test("U4 a connection that nobody takes ends at the connect budget, not at the one for an answer", async () => {
    await using stuck = await startStuckListener();
    await using backup = await startFakeUpstream([BACKUP]);
    const primary = {
      baseUrl: `http://127.0.0.1:${stuck.port}/v1`,
      timeouts: { ...timeouts, connectMs: 300 },
    };
    await using proxy = startTestProxy({ upstreams: [primary, backup.baseUrl] });
    expect(await verdicts(proxy)).toEqual(["connect-timeout", "ok"]);
    expect((await proxy.entry()).attempts?.[0]?.duration_ms).toBeLessThan(2_000);
  });

  const certificates: readonly [string, string][] = [
    ["self-signed", GOOD_CERTIFICATE],
    ["expired", EXPIRED_CERTIFICATE],
  ];
  for (const [what, cert] of certificates) {
    test(`U5 a certificate that is ${what} opens at once and never sees the request`, async () => {
      await using primary = await startFakeUpstream([BACKUP], { tls: { key: TEST_KEY, cert } });
      await using backup = await startFakeUpstream([BACKUP]);
      await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
      expect(await verdicts(proxy)).toEqual(["certificate", "ok"]);
      expect((await proxy.entry()).attempts?.[0]?.error).toContain("certificate");
      expect(await verdicts(proxy)).toEqual(["ok"]);
      expect(primary.requests).toEqual([]);
    });
  }

  test("U5 a trusted certificate for another name is refused too", async () => {
    await using primary = await startFakeUpstream([BACKUP], {
      tls: { key: TEST_KEY, cert: WRONG_NAME_CERTIFICATE },
    });
    await using backup = await startFakeUpstream([BACKUP]);
    using home = makeTempHome();
    const ca = home.write("ca.pem", WRONG_NAME_CERTIFICATE);
    home.write(".codex-helper/config.json", {
      codex: {
        configs: { main: { upstreams: [{ base_url: primary.baseUrl }, { base_url: backup.baseUrl }] } },
      },
    });
    const port = freePort();
    await using cli = startCli(["serve", "--no-switch", "--port", `${port}`], {
      home,
      env: { NODE_EXTRA_CA_CERTS: ca },
    });
    await cli.waitFor(/Ctrl\+C/);
    const answer = await sendRaw(port, { body: TURN });
    expect(answer.text()).toContain("from the backup");
    expect(primary.requests).toEqual([]);
  });

  test("U6 a TLS handshake that stalls ends at the connect budget", async () => {
    await using primary = await startFakeUpstream([], { onAccept: () => "silence" });
    await using backup = await startFakeUpstream([BACKUP]);
    const stalled = {
      baseUrl: `https://127.0.0.1:${primary.port}/v1`,
      timeouts: { ...timeouts, connectMs: 300 },
    };
    await using proxy = startTestProxy({ upstreams: [stalled, backup.baseUrl] });
    expect(await verdicts(proxy)).toEqual(["connect-timeout", "ok"]);
  });
});

describe("sent, and no answer", () => {
  const breaks: readonly [string, Answer, FakeUpstreamOptions][] = [
    ["U7 a reset at accept", [], { onAccept: () => "reset" }],
    ["U7 a clean close at accept", [], { onAccept: () => "fin" }],
    ["U9 a reset after reading the request", [RESET], {}],
    ["U9 a clean close after reading the request", [FIN], {}],
    ["U10 half a status line", ["HTTP/1.1 20", FIN], {}],
    ["U10 half the headers", ["HTTP/1.1 200 OK\r\ncontent-type: text/ev", FIN], {}],
    ["U10 garbage", ["\u0000\u0016\u0003 what\r\n\r\n", FIN], {}],
  ];
  for (const [what, answer, options] of breaks) {
    test(`${what} is ambiguous: a turn goes on, one that the upstream keeps does not`, async () => {
      await using primary = await startFakeUpstream([answer], options);
      await using backup = await startFakeUpstream([BACKUP]);
      await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
      expect(await verdicts(proxy)).toEqual(["broken-connection", "ok"]);
      const kept = await sendTurn(proxy, { body: TURN.replace('"store":false', '"store":true') });
      expect(kept.status).toBe(503);
      expect(backup.requests.length).toBe(1);
      // And one handshake, that shows whether the port is one for https.
      expect(primary.connections.length).toBe(3);
    });
  }

  test("U8 a kept-alive connection that dies at its second request is replaced, and nobody is blamed", async () => {
    await using primary = await startFakeUpstream((request, n) =>
      n === 2 ? [RESET] : GOOD.responses({ text: `from connection ${request.connection}` }),
    );
    await using backup = await startFakeUpstream([BACKUP]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
    expect((await sendTurn(proxy)).text()).toContain("from connection 1");
    expect((await sendTurn(proxy)).text()).toContain("from connection 2");
    expect(primary.requests.map(({ connection }) => connection)).toEqual([1, 1, 2]);
    expect(backup.requests).toEqual([]);
    expect(await proxy.entry(2)).toMatchObject({ outcome: "ok" });
    expect((await proxy.entry(2)).attempts).toBeUndefined();
  });

  test("U11 an upstream that never answers is left at the first-byte budget", async () => {
    await using primary = await startFakeUpstream([[SILENCE]]);
    await using backup = await startFakeUpstream([BACKUP]);
    const silent = { baseUrl: primary.baseUrl, timeouts: { ...timeouts, firstByteMs: 200 } };
    await using proxy = startTestProxy({
      upstreams: [silent, backup.baseUrl],
    });
    expect(await verdicts(proxy)).toEqual(["first-byte-timeout", "ok"]);
    await primary.waitForClose(1);
    expect(primary.requests.length).toBe(1);
  });
});

test("no key of an upstream is in what the log keeps of all these failures", async () => {
  const secret = "sk-secret-of-the-primary";
  const credential = { kind: "bearer", secret } as const;
  await using primary = await startFakeUpstream([
    reply({ status: 401, body: { error: { message: `Incorrect API key provided: ${secret}` } } }),
  ]);
  await using proxy = startTestProxy({
    upstreams: [
      { baseUrl: primary.baseUrl, credential },
      { baseUrl: closedUrl(), credential },
    ],
  });
  const answer = await sendTurn(proxy);
  expect(primary.requests[0]?.header("authorization")).toBe(`Bearer ${secret}`);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(JSON.stringify(await proxy.entry())).not.toContain(secret);
});
