import { expect, test } from "bun:test";
import { join } from "node:path";
import { GOOD } from "../helpers/answers.ts";
import { CC_SWITCH_VERSIONS, codexSettings, makeCcSwitchDatabase } from "../helpers/cc-switch-home.ts";
import { runCli, startCli } from "../helpers/cli.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { sendRaw } from "../helpers/raw-client.ts";
import { runCodexExec } from "../helpers/real-codex.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

/** A relay far away is asked by way of an outbound proxy, which is the scripted upstream. */
async function withProxy<T>(
  home: TempHome,
  upstream: FakeUpstream,
  use: (port: number) => Promise<T>,
): Promise<T> {
  const port = freePort();
  const args = ["serve", "--no-switch", "--codex", "--port", `${port}`];
  await using cli = startCli(args, { home, env: { HTTP_PROXY: upstream.origin } });
  await cli.waitFor(/Ctrl\+C/);
  return await use(port);
}

const row = { id: "relay", settings: codexSettings("http://relay.example/v1", "sk-from-cc-switch") };

test("Codex answers through a provider that was taken over from cc-switch", async () => {
  using home = makeTempHome();
  makeCcSwitchDatabase(join(home.path, ".cc-switch"), [row]).close();
  const imported = await runCli(["config", "import", "--from", "cc-switch", "--yes"], { home });
  expect(imported.code).toBe(0);
  await using upstream = await startFakeUpstream(() => GOOD.responses({ text: "hello from the relay" }));
  const codex = await withProxy(home, upstream, (port) =>
    runCodexExec({ baseUrl: `http://127.0.0.1:${port}/v1` }),
  );
  expect(codex).toMatchObject({ code: 0, stdout: "hello from the relay\n" });
  const asked = upstream.requests.find(({ method }) => method === "POST");
  expect(asked?.target).toBe("http://relay.example/v1/responses");
  expect(asked?.header("authorization")).toBe("Bearer sk-from-cc-switch");
});

const SOURCES: readonly [string, string, (home: TempHome) => void][] = [
  ...CC_SWITCH_VERSIONS.map((version): [string, string, (home: TempHome) => void] => [
    `a database of version ${version}`,
    "cc-switch",
    (home) => makeCcSwitchDatabase(join(home.path, ".cc-switch"), [row], { version }).close(),
  ]),
  ...["active-first", "weight-based"].map((mode): [string, string, (home: TempHome) => void] => [
    `cli_proxy, ${mode}`,
    "cli_proxy",
    (home) => {
      const entry = { base_url: "http://relay.example/v1", auth_token: "sk-from-cc-switch", weight: 2 };
      home.write(".clp/codex.json", { a: entry, b: { ...entry, weight: 1 } });
      home.write(".clp/data/lb_config.json", { mode });
    },
  ]),
];

test.each(SOURCES)("a turn passes through what was taken over from %s", async (_, tool, prepare) => {
  using home = makeTempHome();
  prepare(home);
  await runCli(["config", "import", "--from", tool, "--yes"], { home });
  await using upstream = await startFakeUpstream([GOOD.responses({ text: "fine" })]);
  const answer = await withProxy(home, upstream, (port) =>
    sendRaw(port, { method: "POST", path: "/v1/responses", body: '{"stream":true}' }),
  );
  expect(answer.status).toBe(200);
  expect(upstream.requests[0]?.header("authorization")).toBe("Bearer sk-from-cc-switch");
});
