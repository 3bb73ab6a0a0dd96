import { describe, expect, test } from "bun:test";
import { GOOD } from "../helpers/answers.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { connectRaw, type RawClient } from "../helpers/raw-client.ts";
import { sendTurn, TURN, turnBytes } from "./turn.ts";

const MIB = 2 ** 20;
const HALF_SENT = 260;

const HEAD = "POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n";
/** What each of them sends, and then nothing. */
const KINDS: readonly { name: string; sends: string }[] = [
  { name: "small bodies", sends: `${HEAD}Content-Length: 1000\r\n\r\n{"model":` },
  { name: "not a byte of a body", sends: `${HEAD}Content-Length: 20000\r\n\r\n` },
  { name: "large bodies", sends: `${HEAD}Content-Length: ${15 * MIB}\r\n\r\n${"x".repeat(20_000)}` },
  { name: "the largest bodies", sends: `${HEAD}Content-Length: ${64 * MIB}\r\n\r\n${"x".repeat(20_000)}` },
  { name: "chunked bodies", sends: `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n{"mod\r\n` },
  {
    name: "compressed bodies",
    sends: `${HEAD}Content-Encoding: zstd\r\nContent-Length: 90000\r\n\r\n${"x".repeat(900)}`,
  },
];

async function sendHalf(port: number, sends: string): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: HALF_SENT }, () => connectRaw(port)));
  for (const client of clients) client.send(sends.replace("PORT", `${port}`));
  return clients;
}

describe(`beside ${HALF_SENT} requests that are sent by half`, () => {
  for (const { name, sends } of KINDS)
    test(`whole ones are answered: ${name}`, async () => {
      await using upstream = await startFakeUpstream(() => GOOD.responses());
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const clients = await sendHalf(proxy.port, sends);
      const sizes = [TURN.length, 500_000, 3 * MIB, 20 * MIB];
      const answers = await Promise.all(
        sizes.map((size) => sendTurn(proxy, { body: `${TURN}${" ".repeat(size - TURN.length)}` })),
      );
      expect(answers.map(({ status }) => status)).toEqual(sizes.map(() => 200));
      // The limit of an upload's silence is 30 s: what was answered did not wait for that.
      const refused = proxy.entries.filter(({ outcome }) => outcome !== "ok");
      expect(refused.filter(({ status_code: status }) => status !== 503)).toEqual([]);
      for (const client of clients) client.reset();
    }, 30_000);

  test("whole ones are answered: bodies that come byte by byte", async () => {
    await using upstream = await startFakeUpstream(() => GOOD.responses());
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const clients = await sendHalf(proxy.port, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const dripping = setInterval(() => {
      for (const client of clients) client.send("1\r\nx\r\n");
    }, 50);
    const answers = await Promise.all(
      [TURN.length, 500_000, 20 * MIB].map((size) =>
        sendTurn(proxy, { body: `${TURN}${" ".repeat(size - TURN.length)}` }),
      ),
    );
    clearInterval(dripping);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const client of clients) client.reset();
  }, 30_000);
});

test("100 uploads at once all come through, in whatever way they are sent", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  const body = `${TURN}${" ".repeat(MIB)}`;
  const clients = await Promise.all(Array.from({ length: 100 }, () => connectRaw(proxy.port)));
  const bytes = turnBytes(proxy, { body });
  const middle = bytes.length / 2;
  for (const [index, client] of clients.entries())
    if (index % 2 === 0) client.send(bytes);
    else client.send(bytes.subarray(0, middle));
  for (const [index, client] of clients.entries()) if (index % 2 === 1) client.send(bytes.subarray(middle));
  const answers = await Promise.all(clients.map((client) => client.response()));
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(upstream.requests.every((request) => request.body.length === body.length)).toBe(true);
  for (const client of clients) client.reset();
}, 30_000);
