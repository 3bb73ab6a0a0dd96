import { expect, test } from "bun:test";
import { withoutSigns } from "../../src/base/terminal-text.ts";
import { runCli } from "../helpers/cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

test("without Unicode our signs are ASCII of the same width, and names stay", () => {
  const line = "main#1 ▲ spent ██░░ a…b ●○◐◔✕ 主力#2";
  const plain = withoutSigns(line);
  expect(plain).toBe("main#1 ! spent ##.. a~b +-~~x 主力#2");
  expect(Bun.stringWidth(plain)).toBe(Bun.stringWidth(line));
});

test.each([
  [{ LANG: "C" }, "~"],
  [{ LANG: "en_US.ISO-8859-1" }, "~"],
  [{ LC_ALL: "POSIX", LANG: "C.UTF-8" }, "~"],
  [{ LANG: "C.UTF-8" }, "…"],
  [{ LANG: "en_US.utf8" }, "…"],
  [{ LC_CTYPE: "C.UTF-8", LANG: "C" }, "…"],
  [{ LANG: "" }, "…"],
])("the locale decides about messages: %j", async (env, sign) => {
  using home = makeTempHome();
  home.write(".codex-helper/config.json", { codex: { configs: { "a…b": { upstreams: [] } } } });
  const { stderr } = await runCli(["config", "show", "a…c"], { home, env });
  expect(stderr).toContain(`a${sign}c`);
});

test("data for a program stays what it is", async () => {
  using home = makeTempHome();
  home.write(".codex-helper/config.json", { codex: { configs: { "a…b": { upstreams: [] } } } });
  const { stdout } = await runCli(["config", "list", "--json"], { home, env: { LC_ALL: "C" } });
  expect(stdout).toContain("a…b");
});
