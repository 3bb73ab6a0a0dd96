import { describe, expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { waitUntil } from "../helpers/wait.ts";
import { sendTurn } from "./turn.ts";

const FAIL = reply({ status: 500 });
const BACKUP = GOOD.responses({ text: "from the backup" });
const PRIMARY = GOOD.responses({ text: "from the primary" });
/** Short enough to see an upstream come back. */
const QUICK = { openMs: 60, openMaxMs: 120, lastUsableOpenMs: 60, lastUsableOpenMaxMs: 120, jitter: 0 };

describe("one upstream in trouble", () => {
  test("U32 an upstream that fails every other time trips by its share of failures", async () => {
    await using primary = await startFakeUpstream((_request, n) => (n % 2 === 0 ? FAIL : PRIMARY));
    await using backup = await startFakeUpstream([BACKUP]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
    for (let n = 0; n < 20; n += 1) expect((await sendTurn(proxy)).status).toBe(200);
    // Never three in a row; half of at least six in a minute.
    expect(primary.requests.length).toBe(6);
  });

  test("U34 a recovered upstream is found by one probe at a time, and gets its place back", async () => {
    await using primary = await startFakeUpstream([FAIL]);
    await using backup = await startFakeUpstream([BACKUP]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl], routing: QUICK });
    for (let n = 0; n < 5; n += 1) expect((await sendTurn(proxy)).text()).toContain("from the backup");
    expect(primary.requests.length).toBe(3);
    primary.play([PRIMARY]);
    await waitUntil(async () => (await sendTurn(proxy)).text().includes("from the primary"));
    const before = primary.requests.length;
    for (let n = 0; n < 3; n += 1) expect((await sendTurn(proxy)).text()).toContain("from the primary");
    expect(primary.requests.length).toBe(before + 3);
  });

  test("C9 fifty clients at once are all served while one probe looks after the primary", async () => {
    const mayAnswer = Promise.withResolvers<void>();
    await using primary = await startFakeUpstream([FAIL]);
    await using backup = await startFakeUpstream([BACKUP]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl], routing: QUICK });
    for (let n = 0; n < 3; n += 1) await sendTurn(proxy);
    const seen = primary.requests.length;
    primary.play(() =>
      (async function* () {
        await mayAnswer.promise;
        yield* PRIMARY as readonly string[];
      })(),
    );
    // The first request after the pause is the probe; it hangs, and nobody waits behind it.
    const probe = (async () => {
      for (;;) {
        const answer = await sendTurn(proxy);
        if (primary.requests.length > seen) return answer;
      }
    })();
    await waitUntil(() => primary.requests.length > seen, { what: "the probe" });
    const others = await Promise.all(Array.from({ length: 50 }, () => sendTurn(proxy)));
    expect(others.filter((answer) => answer.text().includes("from the backup")).length).toBe(50);
    expect(primary.requests.length).toBe(seen + 1);
    mayAnswer.resolve();
    expect((await probe).text()).toContain("from the primary");
  });
});

test("U33 with every upstream down, a client that retries is told when, and the upstreams are spared", async () => {
  const upstreams = await Promise.all(
    Array.from({ length: 3 }, () => startFakeUpstream([], { onAccept: () => "reset" })),
  );
  await using proxy = startTestProxy({ upstreams: upstreams.map(({ baseUrl }) => baseUrl) });
  for (let n = 0; n < 30; n += 1) {
    const answer = await sendTurn(proxy);
    expect(answer.status).toBe(503);
    expect(answer.header("retry-after")).toMatch(/^(?:[1-9]|10)$/);
    expect(answer.text()).toContain("No upstream could answer Codex");
  }
  // Three failures open each; after that nothing goes out before its pause is over.
  const connects = upstreams.map(({ connections }) => connections.length);
  await Promise.all(upstreams.map((upstream) => upstream.close()));
  expect(Math.max(...connects)).toBeLessThanOrEqual(4);
});
