import { expect, test } from "bun:test";
import { chunk, EVENT_STREAM, GOOD, head, responsesEvents } from "../helpers/answers.ts";
import { SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { connectRaw } from "../helpers/raw-client.ts";
import { sendTurn, TURN, turnBytes } from "./turn.ts";

const MIB = 2 ** 20;
/** A turn of so many bytes. */
const turnOf = (bytes: number): string => `${TURN}${" ".repeat(bytes - TURN.length)}`;

test("a request that the memory budget has no room for gets a 503, those that run go on, and room comes back", async () => {
  const events = responsesEvents({ deltas: 2 });
  const begun = events.slice(0, -2);
  await using upstream = await startFakeUpstream([
    [head(200, EVENT_STREAM), ...begun.map(chunk), SILENCE],
    GOOD.responses(),
  ]);
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], memoryMib: 2 });
  await using client = await connectRaw(proxy.port);
  client.send(turnBytes(proxy, { body: turnOf(1.5 * MIB) }));
  await client.begun(begun.join("").length);

  const refused = await sendTurn(proxy, { body: turnOf(MIB) });
  expect(refused.status).toBe(503);
  expect(refused.header("retry-after")).toBe("1");
  expect(refused.text()).toContain("limits.memory_mib");
  expect((await proxy.entry(1)).outcome).toBe("refused");
  // A smaller one has room beside it.
  expect((await sendTurn(proxy)).status).toBe(200);

  client.reset();
  await proxy.entry(3);
  expect((await sendTurn(proxy, { body: turnOf(MIB) })).status).toBe(200);
});
