import { expect, test } from "bun:test";
import { runCli, startCli } from "../helpers/cli.ts";
import { startCrowd } from "../helpers/crowd.ts";
import { freePort } from "../helpers/free-port.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { waitUntil } from "../helpers/wait.ts";

const TURN = { model: "gpt-5", stream: true, input: [] };
const PLACES = "2 of 2 in use, 3 waiting (shared by acme)";

test("every screen shows the places of an account and who waits for them, and the log how long", async () => {
  await using crowd = startCrowd({ takes: 2 });
  using home = makeTempHome();
  const upstream = { base_url: crowd.baseUrl, limit_group: "acme", max_concurrent: 2 };
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [upstream] } } } });
  const port = freePort();
  await using serving = startCli(["serve", "--no-switch", "--port", String(port)], { home });
  await serving.waitFor(/Press Ctrl\+C to stop/);
  const ask = async (session: number): Promise<string> => {
    const headers = { "content-type": "application/json", "session-id": `s${session % 2}` };
    const init = { method: "POST", headers, body: JSON.stringify(TURN) };
    return await (await fetch(`http://127.0.0.1:${port}/v1/responses`, init)).text();
  };
  const asked = [1, 2, 3, 4, 5].map(ask);
  const status = async () => JSON.parse((await runCli(["status", "--json"], { home })).stdout) as Status;
  const places = await waitUntil(async () => {
    const [codex] = (await status()).services;
    const found = codex?.instances[0]?.upstreams[0]?.concurrency;
    return found?.["waiting"] === 3 ? found : null;
  });
  expect(places).toEqual({
    in_use: 2,
    limit: 2,
    waiting: 3,
    group: "acme",
    source: "config",
    until_ms: null,
  });
  for (const command of [["status", "--codex"], ["quota"], ["routing", "explain"]])
    expect((await runCli(command, { home })).stdout).toContain(PLACES);
  const chinese = await runCli(["status", "--codex"], { home, env: { LC_ALL: "zh_CN.UTF-8" } });
  expect(chinese.stdout).toContain("并发 2/2，3 个在排队（由 acme 共用）");
  crowd.endBy(20);
  expect((await Promise.all(asked)).every((text) => text.includes("response.completed"))).toBe(true);
  // Told with the requests that it is about.
  await serving.waitFor(/main#1 +2 of 2 in use, 1 waiting/);
  const lines = await waitUntil(async () => {
    const { stdout } = await runCli(["usage", "tail", "--raw"], { home });
    const entries = stdout.trim().split("\n");
    return entries.length === 5 ? entries.map((line) => JSON.parse(line) as { queued_ms?: number }) : null;
  });
  expect(lines.filter(({ queued_ms: ms }) => ms !== undefined && ms > 0).length).toBe(3);
}, 60_000);

interface Status {
  readonly services: readonly {
    readonly instances: readonly {
      readonly upstreams: readonly { readonly concurrency?: Readonly<Record<string, unknown>> }[];
    }[];
  }[];
}
