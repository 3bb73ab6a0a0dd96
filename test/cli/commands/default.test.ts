import { expect, test } from "bun:test";
import { runCli } from "../../helpers/cli.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";

test("default prints the service, sets it, and decides what commands without a flag mean", async () => {
  using home = makeTempHome();
  const run = (...args: string[]) => runCli(args, { home });
  expect(await run("default")).toEqual({ code: 0, stdout: "codex\n", stderr: "" });
  expect(JSON.parse((await run("default", "--json")).stdout)).toEqual({
    default_service: "codex",
    is_set: false,
  });
  expect(await run("default", "--claude")).toEqual({
    code: 0,
    stdout: "",
    stderr: "commands without --codex or --claude now use Claude Code\n",
  });
  expect((await run("default")).stdout).toBe("claude\n");
  await run("config", "add", "a", "--base-url", "https://a.example");
  expect(JSON.parse((await run("config", "list", "--json")).stdout)).toMatchObject({
    service: "claude",
    active: "a",
  });
  expect(await run("default", "--codex", "--claude")).toMatchObject({ code: 2 });
  expect(await run("default", "codex")).toMatchObject({ code: 0, stdout: "" });
  expect((await run("default")).stdout).toBe("codex\n");
  for (const args of [["emacs"], ["codex", "--claude"]]) {
    const odd = await run("default", ...args);
    expect(odd).toMatchObject({ code: 2, stderr: expect.stringContaining("ch default --codex") });
  }
});
