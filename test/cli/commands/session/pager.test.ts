import { describe, expect, test } from "bun:test";
import { PROGRAM } from "../../../helpers/cli.ts";
import { runAtTerminal } from "../../../helpers/pseudo-terminal.ts";
import { makeRollout, makeSessionId, putFile, rolloutPath } from "../../../helpers/session-files.ts";
import { makeTempHome, type TempHome } from "../../../helpers/temp-home.ts";

const AT = Date.now() - 60_000;

/** A conversation longer than any pipe holds. */
function putLongSession(home: TempHome): void {
  const prompts = Array.from({ length: 3000 }, (_, n) => `question ${n}`);
  const shape = { id: makeSessionId(AT), at: AT, cwd: home.path, prompts, answer: "answer ".repeat(20) };
  putFile(rolloutPath(home.paths.codexHome, shape), makeRollout(shape), AT);
}

const show = async (
  home: TempHome,
  pager: string,
  ...args: string[]
): Promise<{ code: number; screen: string }> =>
  await runAtTerminal([...PROGRAM, "session", "show", "--all", ...args], { home, env: { PAGER: pager } });

describe("a conversation at a terminal", () => {
  test("goes through the pager, which may be left at any time", async () => {
    using home = makeTempHome();
    putLongSession(home);
    const { code, screen } = await show(home, "head -n 5");
    expect(code).toBe(0);
    expect(screen).toContain("Codex");
    expect(screen).not.toContain("question 1\r");
  });

  test("is printed where there is no such pager, and where none is wanted", async () => {
    using home = makeTempHome();
    putLongSession(home);
    for (const result of [await show(home, "no-such-pager"), await show(home, "head -n 5", "--no-pager")]) {
      expect(result.code).toBe(0);
      expect(result.screen).toContain("question 2999");
    }
  });
});
