import { expect, test } from "bun:test";
import { readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { type Switching, switchClients } from "../../../src/app/serve/switching.ts";
import { switchOff } from "../../../src/clients/switch/switch.ts";
import {
  CLAUDE_TEXT,
  CODEX_TEXT,
  type SwitchHome,
  makeSwitchHome,
} from "../../clients/switch/switch-home.ts";

async function switchBoth(home: SwitchHome): Promise<Switching> {
  const switching = await switchClients({
    paths: home.paths,
    env: { HOME: home.directory, USERPROFILE: home.directory },
    proxies: [
      { service: "codex", port: 4001 },
      { service: "claude", port: 4002 },
    ],
    prefersOwnProvider: false,
    keepsSwitched: false,
  });
  expect(home.read("codex")).toContain("127.0.0.1:4001");
  expect(home.read("claude")).toContain("127.0.0.1:4002");
  return switching;
}

test("a client that cannot be put back does not keep the other one from it", async () => {
  using home = makeSwitchHome({ codex: CODEX_TEXT, claude: CLAUDE_TEXT });
  const switching = await switchBoth(home);
  home.write("codex", `${home.read("codex")}broken =`);
  const { done, failed } = await switching.restore();
  expect(done.map(({ file }) => file)).toEqual([home.paths.claudeSettings]);
  expect(failed).toMatchObject([{ service: "codex", error: { message: expect.stringContaining("line 9") } }]);
  expect(home.read("claude")).toBe(CLAUDE_TEXT);
});

const LOSSES: readonly [string, (run: string) => void][] = [
  ["removed", (run) => rmSync(run, { recursive: true })],
  [
    "cut off",
    (run) => {
      for (const name of readdirSync(run)) if (name.endsWith(".json")) truncateSync(join(run, name), 40);
    },
  ],
];
for (const [name, lose] of LOSSES) {
  test(`a running proxy puts back what it switched although the journals were ${name}`, async () => {
    using home = makeSwitchHome({ codex: CODEX_TEXT, claude: CLAUDE_TEXT });
    const switching = await switchBoth(home);
    lose(home.paths.run);
    expect(await switching.restore()).toMatchObject({ done: [{}, {}], failed: [] });
    expect([home.read("codex"), home.read("claude")]).toEqual([CODEX_TEXT, CLAUDE_TEXT]);
    expect(Object.keys(home.list()).filter((file) => file.includes("switch-"))).toEqual([]);
  });
}

test("files that were not there are gone again although the journals were removed", async () => {
  using home = makeSwitchHome();
  const switching = await switchBoth(home);
  rmSync(home.paths.run, { recursive: true });
  await switching.restore();
  expect([home.read("codex"), home.read("claude")]).toEqual([null, null]);
});

test("a running proxy leaves alone what the user has put back and set since", async () => {
  using home = makeSwitchHome({ codex: CODEX_TEXT, claude: CLAUDE_TEXT });
  const switching = await switchBoth(home);
  await switchOff(home.target("codex"));
  await switchOff(home.target("claude"));
  const mine = CODEX_TEXT.replace("https://relay.example", "https://mine.example");
  home.write("codex", mine);
  expect(await switching.restore()).toEqual({ done: [], failed: [] });
  expect([home.read("codex"), home.read("claude")]).toEqual([mine, CLAUDE_TEXT]);
});
