import { expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { t } from "../../src/base/text.ts";

const TURN = { model: "m", stream: true, store: false, input: [] };
const UNSET = { kind: "unusable", why: t`RELAY_KEY is not set` } as const;
const NOWHERE = "https://relay.invalid/v1";
const FAIL = reply({ status: 502, body: { error: { message: "down" } } });

test("an upstream whose key is not set is passed over: not asked, not failed, no failover", async () => {
  await using upstream = await startFakeUpstream([GOOD.responses()]);
  await using proxy = startTestProxy({
    upstreams: [{ baseUrl: NOWHERE, credential: UNSET }, upstream.baseUrl],
  });
  await (await proxy.ask("/v1/responses", TURN)).text();
  const entry = await proxy.entry();
  expect(entry).toMatchObject({
    outcome: "ok",
    upstream_label: "main#2",
    upstream_base_url: upstream.baseUrl,
  });
  expect(entry.attempts).toBeUndefined();
  const counts = proxy.upstreams.map((one) => proxy.router.report(one));
  expect(counts.map(({ attempts, failures }) => [attempts, failures])).toEqual([
    [0, 0],
    [1, 0],
  ]);
});

test.each([
  ["alone", [{ baseUrl: NOWHERE, credential: UNSET }]],
  [
    "and another that is tripped",
    [{ baseUrl: NOWHERE, credential: UNSET }, { baseUrl: "http://127.0.0.1:9/v1" }],
  ],
])("passed over, %s: no upstream is named as the one that answered", async (_, upstreams) => {
  await using proxy = startTestProxy({ upstreams, routing: { neverSentThreshold: 1 } });
  const [, down] = proxy.upstreams;
  if (down !== undefined) {
    await (await proxy.ask("/v1/responses", TURN)).text();
    const first = await proxy.entry();
    expect(first.attempts?.map(({ upstream_label }) => upstream_label)).toEqual(["main#2"]);
  }
  const answer = await (await proxy.ask("/v1/responses", TURN)).text();
  expect(answer).toContain("main#1: not tried, RELAY_KEY is not set");
  const entry = await proxy.entry(down === undefined ? 1 : 2);
  expect((entry.attempts ?? []).map(({ upstream_label }) => upstream_label)).not.toContain("main#1");
  expect(entry.upstream_label).not.toBe("main#1");
  expect(proxy.router.report(proxy.upstreams[0] ?? expect.unreachable()).attempts).toBe(0);
});

test("an upstream that the retry budget keeps from a request is not asked", async () => {
  await using first = await startFakeUpstream(() => FAIL);
  await using second = await startFakeUpstream(() => FAIL);
  await using proxy = startTestProxy({
    upstreams: [first.baseUrl, second.baseUrl],
    routing: { failureThreshold: 1_000, windowFailureShare: 2 },
  });
  for (let n = 0; n < 30; n += 1) await (await proxy.ask("/v1/responses", TURN)).text();
  const asked = proxy.upstreams.map((one) => proxy.router.report(one).attempts);
  expect(asked).toEqual([first.requests.length, second.requests.length]);
  expect(second.requests.length).toBeLessThan(30);
});

test("two keys of one address are told apart in the log", async () => {
  await using upstream = await startFakeUpstream([FAIL, GOOD.responses()]);
  await using proxy = startTestProxy({
    upstreams: [
      { baseUrl: upstream.baseUrl, key: "one" },
      { baseUrl: upstream.baseUrl, key: "two" },
    ],
  });
  await (await proxy.ask("/v1/responses", TURN)).text();
  const { attempts } = await proxy.entry();
  expect(attempts?.map((attempt) => attempt.upstream_label)).toEqual(["main#1", "main#2"]);
});
