import { expect, test } from "bun:test";
import { chunk, EVENT_STREAM, head, responsesEvents } from "../helpers/answers.ts";
import { SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { connectRaw } from "../helpers/raw-client.ts";
import { elapse } from "../helpers/wait.ts";
import { sendTurn, turnBytes } from "./turn.ts";

test("250 streams at once are served, one more is told so at once, and a place that is left is taken", async () => {
  const begun = responsesEvents({ deltas: 2 }).slice(0, -2);
  await using upstream = await startFakeUpstream([[head(200, EVENT_STREAM), ...begun.map(chunk), SILENCE]]);
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  const clients = await Promise.all(Array.from({ length: 250 }, () => connectRaw(proxy.port)));
  for (const client of clients) client.send(turnBytes(proxy));
  await Promise.all(clients.map((client) => client.begun(begun.join("").length)));

  const refused = await sendTurn(proxy);
  expect(refused.status).toBe(503);
  expect(refused.text()).toContain("more than 250 requests are open at once");

  clients[0]?.reset();
  await proxy.entry(2);
  const next = await connectRaw(proxy.port);
  next.send(turnBytes(proxy));
  await next.begun(begun.join("").length);
  for (const client of [...clients, next]) client.reset();
  await proxy.entry(252);
}, 30_000);

test("a large body that comes slowly is taken, whatever its pace", async () => {
  await using upstream = await startFakeUpstream([[head(200, { "content-length": "2" }), "{}"]]);
  const limits = { maxBytes: 1 << 20, uploadIdleMs: 100 };
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], route: { limits } });
  const piece = "x".repeat(20_000);
  await using client = await connectRaw(proxy.port);
  client.send(
    `POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1:${proxy.port}\r\nContent-Length: ${piece.length * 8}\r\n\r\n`,
  );
  for (let sent = 0; sent < 8; sent += 1) {
    client.send(piece);
    await elapse(40);
  }
  expect((await client.response()).status).toBe(200);
  expect(upstream.requests[0]?.body.length).toBe(piece.length * 8);
});
