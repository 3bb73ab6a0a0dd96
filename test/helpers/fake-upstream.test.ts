import { describe, expect, test } from "bun:test";
import { chunk, EVENT_STREAM, head, LAST_CHUNK, reply } from "./answers.ts";
import { FIN, RESET, SILENCE, startFakeUpstream } from "./fake-upstream.ts";
import { connectRaw, makeRequestBytes, sendRaw } from "./raw-client.ts";
import { settled } from "./wait.ts";

// The tools the wire tests stand on: what they say about a connection must be so.
describe("the scripted upstream and the raw client", () => {
  test("tell a complete answer, a clean end and a reset apart", async () => {
    await using upstream = await startFakeUpstream([
      reply({ body: "whole" }),
      [head(200, { "content-length": "100" }), "ten bytes.", FIN],
      [head(200, EVENT_STREAM), chunk("ten bytes."), RESET],
      [head(200), "until the end", FIN],
    ]);
    const ends: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      const answer = await sendRaw(upstream.port);
      ends.push(`${answer.status} ${answer.text()} ${answer.end}`);
    }
    expect(ends).toEqual([
      "200 whole complete",
      "200 ten bytes. fin",
      "200 ten bytes. reset",
      "200 until the end fin",
    ]);
  });

  test("keep a connection for the next request and read chunked bodies", async () => {
    await using upstream = await startFakeUpstream((request) => reply({ body: request.body }));
    await using client = await connectRaw(upstream.port);
    client.send(makeRequestBytes(upstream.port, { body: "one" }));
    expect((await client.response()).text()).toBe("one");
    client.send(makeRequestBytes(upstream.port, { fields: ["Transfer-Encoding: chunked"] }));
    for (const part of [chunk("tw"), chunk("o"), LAST_CHUNK]) client.send(part);
    expect((await client.response()).text()).toBe("two");
    expect(upstream.requests.map(({ connection }) => connection)).toEqual([1, 1]);
  });

  test("see the other side leave", async () => {
    await using upstream = await startFakeUpstream([[head(200, EVENT_STREAM), chunk("x"), SILENCE]]);
    await using client = await connectRaw(upstream.port);
    client.send(makeRequestBytes(upstream.port));
    await client.begun(1);
    const before = performance.now();
    client.reset();
    const { closedAt } = await upstream.waitForClose(1);
    expect(closedAt).toBeGreaterThanOrEqual(before);
  });

  test("write no more than a reader that stalls takes", async () => {
    const block = "x".repeat(1 << 20);
    await using upstream = await startFakeUpstream(() =>
      (async function* () {
        yield head(200);
        for (let n = 0; n < 200; n += 1) yield block;
        yield FIN;
      })(),
    );
    await using client = await connectRaw(upstream.port);
    client.send(makeRequestBytes(upstream.port));
    await client.begun(1);
    client.pause();
    expect(await settled(() => upstream.bytesWritten)).toBeLessThan(100 << 20);
    client.resume();
    expect((await client.response()).body.length).toBe(200 << 20);
  });
});
