import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { chunk, EVENT_STREAM, GOOD, head, reply, responsesEvents } from "../helpers/answers.ts";
import { startCli } from "../helpers/cli.ts";
import { type FakeUpstream, SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { connectRaw, makeRequestBytes, sendRaw } from "../helpers/raw-client.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { TURN } from "./turn.ts";

const FULL = process.env["VERIFY"] === "full";
/** The promise is kept for 10,000 of each; every run takes a part of them. */
const COUNT = FULL ? 10_000 : 400;
const WARM_UP = FULL ? 3_000 : 1_000;
const AT_ONCE = 8;
const GROWTH_MB = 20;
/** A refusal that is held against nobody: else the upstream would not be asked again. */
const NEXT = { on_status: { "404": "next" } };

const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;

async function many(count: number, once: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await once();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** MB that `serve` grew by, from after its warm-up to after all of it. */
async function growth(upstreams: readonly FakeUpstream[], once: (port: number) => Promise<void>) {
  using home = makeTempHome();
  home.write(".codex-helper/config.json", {
    codex: {
      configs: { main: { upstreams: upstreams.map(({ baseUrl }) => ({ base_url: baseUrl, ...NEXT })) } },
    },
  });
  const port = freePort();
  await using cli = startCli(["serve", "--no-switch", "--port", `${port}`], { home });
  await cli.waitFor(/Ctrl\+C/);
  await many(WARM_UP, () => once(port));
  const before = rssMb(cli.child.pid);
  await many(COUNT, () => once(port));
  return { before, grown: rssMb(cli.child.pid) - before };
}

// Read from /proc: on other systems the same code runs, and nobody can look.
if (process.platform === "linux")
  describe("memory stays flat", () => {
    test(`over ${COUNT} answers that were rejected before one was taken`, async () => {
      await using primary = await startFakeUpstream([reply({ status: 404, body: "x".repeat(20_000) })]);
      await using backup = await startFakeUpstream([GOOD.responses()]);
      const { before, grown } = await growth([primary, backup], async (port) => {
        expect((await sendRaw(port, { body: TURN })).status).toBe(200);
      });
      console.log(`rejected: ${before.toFixed(0)} MB, ${grown.toFixed(1)} MB more after ${COUNT}`);
      expect(primary.requests.length).toBe(WARM_UP + COUNT);
      expect(grown).toBeLessThan(GROWTH_MB);
    }, 120_000);

    test(`over ${COUNT} streams that the client left`, async () => {
      const begun = responsesEvents({ deltas: 20 }).slice(0, -2);
      await using upstream = await startFakeUpstream([
        [head(200, EVENT_STREAM), ...begun.map(chunk), SILENCE],
      ]);
      const { before, grown } = await growth([upstream], async (port) => {
        await using client = await connectRaw(port);
        client.send(makeRequestBytes(port, { body: TURN }));
        await client.begun(begun.join("").length);
        client.reset();
      });
      console.log(`left: ${before.toFixed(0)} MB, ${grown.toFixed(1)} MB more after ${COUNT}`);
      expect(grown).toBeLessThan(GROWTH_MB);
    }, 120_000);
  });
