// A core file of a proxy would hold every key. Linux shows whether one can be made: what belongs to such a process under /proc belongs to
// root. Elsewhere there is nothing to see, and the proxies must work all the same.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, statSync } from "node:fs";
import { GOOD } from "../helpers/answers.ts";
import { runCli, startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import {
  type ProgramOf,
  SECOND_USER,
  giveToSecondUser,
  makeProgramForSecondUser,
} from "../helpers/second-user.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const IS_LINUX = process.platform === "linux";

let second: ProgramOf;
beforeAll(async () => {
  second = await makeProgramForSecondUser();
});
afterAll(() => second[Symbol.dispose]());

function makeHome(baseUrl: string): TempHome {
  const home = makeTempHome();
  const upstreams = [{ base_url: baseUrl, auth: { auth_token: "sk-a" } }];
  home.write(".codex-helper/config.json", { codex: { active: "main", configs: { main: { upstreams } } } });
  home.write(".codex/config.toml", 'model = "x"\n');
  return home;
}

test("a serving proxy makes no core file, and goes on as before", async () => {
  await using upstream = await startFakeUpstream([GOOD.responses({ text: "hello" })]);
  using home = makeHome(upstream.baseUrl);
  giveToSecondUser(home.path);
  const port = freePort();
  const program = { program: second.program, env: { ...second.env } };
  await using serving = startCli(["serve", "--port", String(port)], { home, ...program });
  await serving.waitFor(/Press Ctrl\+C to stop/);
  if (IS_LINUX) expect(statSync(`/proc/${serving.child.pid}/fd`).uid).toBe(0);
  const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    body: '{"model":"m","stream":true,"input":[]}',
  });
  expect(await answer.text()).toContain("hello");
  expect((await runCli(["status"], { home, ...program })).stdout).toContain(`port ${port}`);
  // The client's file is restored with the C library, too, by then.
  expect(await serving.stop("SIGINT")).toBe(130);
  expect(await Bun.file(home.paths.codexConfig).text()).toBe('model = "x"\n');
});

test("a client that it starts may make one", async () => {
  using home = makeHome("https://relay.example/v1");
  chmodSync(home.write("bin/codex", "#!/bin/sh\n[ ! -e /proc/self ] || stat -c %u /proc/self/fd\n"), 0o755);
  giveToSecondUser(home.path);
  const args = ["run", "--", `${home.path}/bin/codex`];
  const { code, stdout } = await runCli(args, { home, program: second.program, env: { ...second.env } });
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: existsSync("/proc/self") ? `${SECOND_USER.uid}\n` : "",
  });
});
