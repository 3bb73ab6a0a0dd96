import { expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findDesktop } from "../../../src/app/serve/notice.ts";
import { GOOD, reply } from "../../helpers/answers.ts";
import { PROGRAM, startCli } from "../../helpers/cli.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { startAtTerminal } from "../../helpers/pseudo-terminal.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

const SPENT = reply({
  status: 429,
  body: { error: { type: "usage_limit_reached", message: "$(touch owned) --help <b>" } },
});
const LISTENING = /on http:\/\/127\.0\.0\.1:(\d+)/;

/** The first upstream is spent: a request makes events, and the second answers it. */
function configure(home: TempHome, upstreams: readonly FakeUpstream[], notify: object): void {
  const entries = upstreams.map(({ baseUrl }) => ({ base_url: baseUrl }));
  chmodSync(
    home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: entries } } }, notify }),
    0o600,
  );
}

async function ask(port: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    headers: { "session-id": "0199a3b2-0000" },
    body: '{"model":"gpt-5","stream":true,"store":false,"input":[]}',
  });
  await response.text();
  return response.status;
}

test("a failover is shown by the desktop's program while the request has its answer", async () => {
  await using one = await startFakeUpstream([SPENT]);
  await using two = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  const { program } = findDesktop();
  const seen = join(home.path, "seen");
  // It takes its time: the request does not wait for it.
  chmodSync(
    home.write(`bin/${program}`, `#!/bin/sh\nprintf '%s\\n' "$@" >> ${seen}\nexec sleep 60\n`),
    0o755,
  );
  configure(home, [one, two], { on: ["hop"] });
  const env = { PATH: `${join(home.path, "bin")}:/usr/bin:/bin` };
  await using serving = startCli(["serve", "--no-switch", "-q", "--port", String(freePort())], { home, env });
  const [, port = ""] = await serving.waitFor(LISTENING);
  expect([await ask(port), await ask(port)]).toEqual([200, 200]);
  await waitUntil(() => existsSync(seen) && readFileSync(seen, "utf8").includes("main#2"));
  expect(await serving.stop("SIGINT")).toBe(130);
  expect(readFileSync(seen, "utf8").trimEnd().split("\n").slice(-2)).toEqual([
    "codex-helper: Codex",
    "main#1 -> main#2: 429 usage limit reached (usage_limit_reached)",
  ]);
  expect(existsSync(join(home.path, "owned"))).toBe(false);
});

test("the bell of the terminal rings with -q, too; without a terminal nothing is written but why, once", async () => {
  await using one = await startFakeUpstream(() => SPENT);
  await using two = await startFakeUpstream(() => GOOD.responses());
  using home = makeTempHome();
  configure(home, [one, two], { via: "bell" });
  const words = ["serve", "--no-switch", "-q", "--port", String(freePort())];
  await using atTerminal = startAtTerminal([...PROGRAM, ...words], { home });
  await atTerminal.waitFor("Press Ctrl+C");
  const [, port = ""] = LISTENING.exec(atTerminal.words()) ?? [];
  expect(await ask(port)).toBe(200);
  await atTerminal.waitFor("\u0007");
  await using piped = startCli(words.with(-1, String(freePort())), { home });
  const [, other = ""] = await piped.waitFor(LISTENING);
  expect(await ask(other)).toBe(200);
  await piped.waitFor(
    /warning: notify: there is no terminal whose bell could be rung; this is reported once/,
  );
  await piped.stop("SIGINT");
  expect(piped.stderr().match(/whose bell/g)).toHaveLength(1);
  expect(piped.stderr()).not.toContain("\u0007");
});
