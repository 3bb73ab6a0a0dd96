import { describe, expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { type Answer, FIN, RESET, SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const TURN = { model: "gpt-5", stream: true, store: false, input: [] };

/** So many upstreams with keys of their own at one address. */
const keysAt = (baseUrl: string, count: number, firstByteMs = 120_000) =>
  Array.from({ length: count }, (_, index) => ({
    baseUrl,
    credential: { kind: "bearer" as const, secret: `sk-${index + 1}` },
    timeouts: { ...makeUpstream().timeouts, firstByteMs, firstByteLastMs: 60_000 },
  }));

describe("an address that fails costs one try, whatever keys it has", () => {
  const DEAD: Readonly<Record<string, Answer>> = {
    "a page of its gateway": reply({ status: 502, body: "<html>bad gateway</html>" }),
    "a gateway that waited in vain": reply({ status: 504 }),
    "a reset": [RESET],
    "a close": [FIN],
    silence: [SILENCE],
  };
  for (const [title, answer] of Object.entries(DEAD))
    test(title, async () => {
      await using address = await startFakeUpstream(() => answer);
      await using backup = await startFakeUpstream(() => GOOD.responses({ text: "from the backup" }));
      await using proxy = startTestProxy({
        upstreams: [...keysAt(address.baseUrl, 4, 200), backup.baseUrl],
      });
      const asked = async (): Promise<number> => {
        const before = address.requests.length;
        const response = await proxy.ask("/v1/responses", TURN);
        expect(await response.text()).toContain("from the backup");
        return address.requests.length - before;
      };
      expect(await asked()).toBe(1);
      expect(await asked()).toBeLessThanOrEqual(1);
      expect(await asked()).toBeLessThanOrEqual(1);
      expect(await asked()).toBe(0);
    });

  test("its other keys are asked where there is nothing else", async () => {
    await using address = await startFakeUpstream((request) =>
      request.header("authorization") === "Bearer sk-3" ? GOOD.responses() : reply({ status: 502 }),
    );
    await using proxy = startTestProxy({ upstreams: keysAt(address.baseUrl, 4) });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(200);
    expect(address.requests.length).toBe(3);
  });

  test("no more of its keys are asked than a request has tries", async () => {
    await using address = await startFakeUpstream(() => reply({ status: 502 }));
    await using proxy = startTestProxy({ upstreams: keysAt(address.baseUrl, 6) });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(503);
    expect(address.requests.length).toBe(3);
  });

  test("an error of what stands behind it is one of the key", async () => {
    const failed = reply({ status: 502, body: { error: { message: "the channel of this group failed" } } });
    await using address = await startFakeUpstream((request) =>
      request.header("authorization") === "Bearer sk-1" ? failed : GOOD.responses(),
    );
    await using backup = await startFakeUpstream(() => GOOD.responses());
    await using proxy = startTestProxy({ upstreams: [...keysAt(address.baseUrl, 2), backup.baseUrl] });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(200);
    expect([address.requests.length, backup.requests.length]).toEqual([2, 0]);
  });
});

describe("instant refusals cost no try", () => {
  const REFUSALS: Readonly<Record<string, Answer>> = {
    "refused keys": reply({ status: 401, body: { error: { code: "invalid_api_key" } } }),
    "spent keys": reply({ status: 429, body: { error: { code: "insufficient_quota" } } }),
    "rate limits": reply({ status: 429, headers: { "retry-after": "30" } }),
  };
  for (const [title, refusal] of Object.entries(REFUSALS))
    test(`before the eighth: ${title}`, async () => {
      for (const [count, status] of [
        [7, 200],
        [9, 0],
      ] as const) {
        await using address = await startFakeUpstream(() => refusal);
        await using last = await startFakeUpstream(() => GOOD.responses());
        await using proxy = startTestProxy({
          upstreams: [...keysAt(address.baseUrl, count), last.baseUrl],
        });
        const response = await proxy.ask("/v1/responses", TURN);
        expect(address.requests.length).toBe(Math.min(count, 8));
        if (status === 200) expect(response.status).toBe(200);
        else expect(response.ok).toBe(false);
        // The marks stay: the next request goes right.
        expect((await proxy.ask("/v1/responses", TURN)).status).toBe(200);
      }
    });

  test("what may have worked on the request costs one each", async () => {
    const upstreams = await Promise.all(
      Array.from({ length: 5 }, () => startFakeUpstream(() => reply({ status: 500 }))),
    );
    await using proxy = startTestProxy({ upstreams: upstreams.map(({ baseUrl }) => baseUrl) });
    expect((await proxy.ask("/v1/responses", TURN)).status).toBe(503);
    expect(upstreams.map(({ requests }) => requests.length)).toEqual([1, 1, 1, 0, 0]);
    for (const upstream of upstreams) await upstream.close();
  });
});

describe("the retry budget", () => {
  test("keeps no request from an upstream that is well, however many come at once", async () => {
    await using first = await startFakeUpstream(() => [RESET]);
    await using second = await startFakeUpstream(() => GOOD.responses());
    await using proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl] });
    const asked = Array.from({ length: 50 }, () => proxy.ask("/v1/responses", TURN));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBe(50);
  });

  test("passes over one that is failing, not the one behind it that is well", async () => {
    const failing = reply({ status: 500 });
    await using first = await startFakeUpstream(() => failing);
    await using second = await startFakeUpstream(() => failing);
    await using third = await startFakeUpstream(() => GOOD.responses());
    await using proxy = startTestProxy({
      upstreams: [first.baseUrl, second.baseUrl, third.baseUrl],
      routing: { failureThreshold: 1_000, windowMinRequests: 1_000 },
    });
    const statuses: number[] = [];
    for (let count = 0; count < 40; count += 1)
      statuses.push((await proxy.ask("/v1/responses", TURN)).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(second.requests.length).toBeLessThan(25);
  });

  test("is named in the answer where it kept the request from the rest", async () => {
    await using first = await startFakeUpstream(() => reply({ status: 500 }));
    await using second = await startFakeUpstream(() => reply({ status: 500 }));
    await using proxy = startTestProxy({
      upstreams: [first.baseUrl, second.baseUrl],
      routing: { failureThreshold: 1_000, windowMinRequests: 1_000 },
    });
    let text = "";
    for (let count = 0; count < 30; count += 1) text = await (await proxy.ask("/v1/responses", TURN)).text();
    expect(text).toContain("main#2: not tried, too many requests were retried lately");
    expect(second.requests.length).toBeLessThan(25);
  });
});
