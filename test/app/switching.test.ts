import { expect, test } from "bun:test";
import { switchClients } from "../../src/app/switching.ts";
import { CLAUDE_TEXT, CODEX_TEXT, makeSwitchHome } from "../clients/switch-home.ts";

test("a client that cannot be put back does not keep the other one from it", async () => {
  using home = makeSwitchHome({ codex: CODEX_TEXT, claude: CLAUDE_TEXT });
  const switching = await switchClients({
    paths: home.paths,
    env: { HOME: home.directory },
    proxies: [
      { service: "codex", port: 4001 },
      { service: "claude", port: 4002 },
    ],
    prefersOwnProvider: false,
    keepsSwitched: false,
  });
  expect(home.read("claude")).toContain("127.0.0.1:4002");
  home.write("codex", `${home.read("codex")}broken =`);
  const { done, failed } = await switching.putBack();
  expect(done.map(({ file }) => file)).toEqual([home.paths.claudeSettings]);
  expect(failed).toMatchObject([{ service: "codex", error: { message: expect.stringContaining("line 9") } }]);
  expect(home.read("claude")).toBe(CLAUDE_TEXT);
});
