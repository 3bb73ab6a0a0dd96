import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, readdirSync } from "node:fs";
import { DEMO_FAULTS } from "../../../src/app/demo/demo-relays.ts";
import { PROGRAM, runCli } from "../../helpers/cli.ts";
import { runAtTerminal } from "../../helpers/pseudo-terminal.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";

let home: TempHome;
beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

test.concurrent.each(DEMO_FAULTS.map((fault) => [fault]))(
  "a first relay that fails by %s costs the client no turn",
  async (fault) => {
    using own = makeTempHome();
    const { code, stdout } = await runCli(["demo", "--fault", fault], { home: own });
    expect(stdout).toContain("5 turns, 5 answered, 0 errors");
    expect(stdout.match(/^ {2}turn \d {2}answered by harbour/gm)).toHaveLength(fault === "slow" ? 5 : 2);
    expect(stdout.match(/^ {2}turn \d {2}answered by lantern/gm) ?? []).toHaveLength(
      fault === "slow" ? 0 : 3,
    );
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(code).toBe(0);
  },
  15_000,
);

test("leaves no file behind", async () => {
  await runCli(["demo"], { home });
  expect(readdirSync(home.path)).toEqual([]);
});

test("offers a real turn where codex is installed and a person can answer", async () => {
  home.write("bin/codex", '#!/bin/sh\necho "codex was started in $CODEX_HOME: $*"\n');
  chmodSync(`${home.path}/bin/codex`, 0o755);
  const env = { PATH: `${home.path}/bin:/usr/bin:/bin` };
  const ask = (keys: string) =>
    runAtTerminal([...PROGRAM, "demo"], { home, env, type: { after: /\[y\/N\] /, keys } });
  const yes = await ask("y\r");
  expect(yes.screen).toMatch(/codex was started in \/.*: exec .*base_url="http:\/\/127\.0\.0\.1:\d+\/v1"/);
  const no = await ask("n\r");
  expect(no.screen).not.toContain("codex was started");
  expect([yes.code, no.code]).toEqual([0, 0]);
});
