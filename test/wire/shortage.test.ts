import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { responsesEvents } from "../helpers/answers.ts";
import { startCli } from "../helpers/cli.ts";
import { freePort } from "../helpers/free-port.ts";
import { connectRaw, makeRequestBytes } from "../helpers/raw-client.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { TURN } from "./turn.ts";

const PRLIMIT = Bun.which("prlimit");

// Where util-linux is not there the same code runs, and nobody can take the descriptors away from a process that runs.
if (PRLIMIT !== null)
  describe("a process without a file descriptor left", () => {
    for (const [host, record] of [
      ["127.0.0.1", null],
      ["localhost", null],
      ["127.0.0.1", "a removal of rules that was accepted"],
    ] as const)
      test(`answers 503 and blames no upstream, and goes on as soon as there is one: ${record ?? host}`, async () => {
        using upstream = Bun.serve({
          port: 0,
          // Each turn needs a connection of its own.
          fetch: () =>
            new Response(responsesEvents().join(""), {
              headers: { "content-type": "text/event-stream", connection: "close" },
            }),
        });
        using home = makeTempHome();
        const upstreams = [1, 2].map((n) => ({ base_url: `http://${host}:${upstream.port}/v${n}` }));
        home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
        if (record !== null) home.write(".codex-helper/filter-seen.json", { removal_accepted: true });
        const port = freePort();
        await using cli = startCli(["serve", "--no-switch", "--port", `${port}`], { home });
        await cli.waitFor(/Ctrl\+C/);
        await using client = await connectRaw(port);
        const ask = async () => {
          client.send(makeRequestBytes(port, { body: TURN }));
          return await client.response();
        };
        const limit = (files: string): void => {
          const { exitCode } = Bun.spawnSync([PRLIMIT, "--pid", `${cli.child.pid}`, `--nofile=${files}:`]);
          expect(exitCode).toBe(0);
        };
        expect((await ask()).status).toBe(200);

        limit("4");
        // Once a second the record is looked at again.
        const until = performance.now() + (record === null ? 0 : 1_200);
        let refusals = 0;
        for (; refusals < 5 || performance.now() < until; refusals += 1) {
          const refused = await ask();
          expect([refused.status, refused.header("retry-after")]).toEqual([503, expect.any(String)]);
          expect(refused.text()).toContain("short of a resource (EMFILE)");
        }
        limit("4096");
        expect((await ask()).status).toBe(200);
        const lines = readFileSync(join(home.path, ".codex-helper/logs/requests.jsonl"), "utf8")
          .trim()
          .split("\n");
        const entries = lines.map(
          (line) => JSON.parse(line) as { outcome: string; attempts?: { verdict: string }[] },
        );
        expect(entries.map(({ outcome }) => outcome)).toEqual([
          "ok",
          ...Array<string>(refusals).fill("error"),
          "ok",
        ]);
        expect(entries.flatMap(({ attempts = [] }) => attempts.map(({ verdict }) => verdict))).toEqual(
          Array<string>(refusals * 2).fill("local-shortage"),
        );
      }, 30_000);
  });
