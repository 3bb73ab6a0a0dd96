import { expect, test } from "bun:test";
import { GOOD } from "../helpers/answers.ts";
import { startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { sendRaw } from "../helpers/raw-client.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

/** One turn through a spawned proxy whose only upstream is far away. */
async function askFarHost(env: Record<string, string>): Promise<{ status: number; text: string }> {
  using home = makeTempHome();
  const upstreams = [{ base_url: "http://relay.example/v1" }];
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
  const port = freePort();
  await using cli = startCli(["serve", "--no-switch", "--force", "--port", `${port}`], { home, env });
  await cli.waitFor(/Ctrl\+C/);
  const answer = await sendRaw(port, { method: "POST", path: "/v1/responses", body: '{"stream":true}' });
  return { status: answer.status, text: answer.text() };
}

test("a far host is asked through the outbound proxy of the environment", async () => {
  await using outbound = await startFakeUpstream([GOOD.responses({ text: "by way of the proxy" })]);
  const { status, text } = await askFarHost({ HTTP_PROXY: outbound.origin });
  expect(status).toBe(200);
  expect(text).toContain("by way of the proxy");
  expect(outbound.requests[0]?.target).toBe("http://relay.example/v1/responses");
});

test("NO_PROXY keeps a far host off it", async () => {
  await using outbound = await startFakeUpstream([GOOD.responses()]);
  await askFarHost({ HTTP_PROXY: outbound.origin, NO_PROXY: ".example" });
  expect(outbound.connections).toEqual([]);
});

test("a SOCKS proxy is refused in words instead of being passed by", async () => {
  const { status, text } = await askFarHost({ ALL_PROXY: "socks5://127.0.0.1:1080" });
  expect(status).toBe(400);
  expect(text).toMatch(/ALL_PROXY.*socks/i);
});
