// What is in use: `config add`, `remove`, `test` and `list` say the same of it.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { GOOD } from "../../../helpers/answers.ts";
import { PROGRAM, runCli, startCli } from "../../../helpers/cli.ts";
import { startFakeUpstream } from "../../../helpers/fake-upstream.ts";
import { freePort } from "../../../helpers/free-port.ts";
import { runAtTerminal, startAtTerminal } from "../../../helpers/pseudo-terminal.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";

const FILE = ".codex-helper/config.json";
const URL = "https://relay.example/v1";
const one = (base_url = URL) => ({ upstreams: [{ base_url }] });
const makeHome = (codex: object): TempHome => {
  const home = makeTempHome();
  home.write(FILE, { codex });
  return home;
};
const run = async (home: TempHome, args: string): Promise<string> =>
  (await runCli(["config", ...args.split(" ")], { home })).stderr;
const activeOf = async (home: TempHome): Promise<string | undefined> => {
  const { stdout } = await runCli(["config", "list", "--json"], { home });
  const { configs } = JSON.parse(stdout) as { configs: { name: string; is_active: boolean }[] };
  return configs.find(({ is_active }) => is_active)?.name;
};

describe("config add", () => {
  test("to the config in use says so, and does not say to start what runs", async () => {
    using home = makeHome({ configs: { main: one() } });
    await using serving = startCli(["serve", "--no-switch", "--port", `${freePort()}`], { home });
    await serving.waitFor(/on http/);
    expect(await run(home, `add main --append --base-url ${URL}/b`)).toBe(
      "Codex: added main#2, to the config in use\n" +
        `  in use: the running ch (pid ${serving.child.pid}) has it from the next request on\n` +
        "  ch config test main#2\n",
    );
    expect(await run(home, `add other --base-url ${URL}`)).toBe(
      "Codex: added other#1\n  ch config set-active other\n  ch config test other#1\n",
    );
  });

  test("to the config in use says so too while no ch runs", async () => {
    using home = makeHome({ configs: { main: one() } });
    const said = await run(home, `add main --append --base-url ${URL}/b`);
    expect(said).toBe("Codex: added main#2, to the config in use\n  ch config test main#2\n");
  });

  test("of a second config leaves the only one in use, whether it is named as active or not", async () => {
    using home = makeHome({ configs: { main: one() } });
    await run(home, `add other --base-url ${URL}`);
    expect(await activeOf(home)).toBe("main");
    expect(JSON.parse(readFileSync(home.paths.config, "utf8"))).toMatchObject({ codex: { active: "main" } });
  });

  test("at a terminal offers the test, and sends it after a yes", async () => {
    using home = makeTempHome();
    await using upstream = await startFakeUpstream([GOOD.responses()]);
    const add = (name: string, keys: string) =>
      runAtTerminal([...PROGRAM, "config", "add", name, "--base-url", upstream.baseUrl], {
        home,
        type: { after: /Send them\?/, keys },
      });
    const refused = await add("main", "n\r");
    expect(refused.screen).toContain("ch serve");
    expect(upstream.requests).toEqual([]);
    const agreed = await add("other", "y\r");
    expect(agreed.code).toBe(0);
    expect(agreed.screen).toContain("the key was accepted");
    expect(agreed.screen).toContain("ch config set-active other");
    expect(agreed.screen).not.toContain("ch config test");
  });
});

describe("config remove", () => {
  test.each([
    ["the active one of two", { active: "a", configs: { a: one(), b: one() } }, "a", "b"],
    ["the active one of three", { active: "a", configs: { a: one(), b: one(), c: one() } }, "a", undefined],
    ["the only one", { configs: { a: one() } }, "a", undefined],
    ["another one", { active: "a", configs: { a: one(), b: one() } }, "b", "a"],
    ["one of two without an active one", { configs: { a: one(), b: one() } }, "b", "a"],
  ])("of %s agrees with config list", async (_, codex, name, left) => {
    using home = makeHome(codex);
    const said = await run(home, `remove ${name}`);
    const list = await runCli(["config", "list"], { home });
    expect(await activeOf(home)).toBe(left);
    const wasUsed = name === "a" || !("active" in codex);
    expect(said.includes(`"${left}" is the only config left, and in use now`)).toBe(
      left !== undefined && wasUsed,
    );
    // Where none is in use both say the same, and what to type.
    if (left === undefined) expect(said).toEndWith(list.stderr);
    else expect(list.stderr).toBe("");
  });

  test("says that the running ch uses the other one", async () => {
    using home = makeHome({ active: "a", configs: { a: one(), b: one() } });
    await using serving = startCli(["serve", "--no-switch", "--port", `${freePort()}`], { home });
    await serving.waitFor(/on http/);
    expect(await run(home, "remove a")).toContain(`in use: the running ch (pid ${serving.child.pid})`);
  });
});

describe("config test", () => {
  test("is the test request of doctor, of one upstream, of a config, or of the active one", async () => {
    await using upstream = await startFakeUpstream([GOOD.responses(), GOOD.responses(), GOOD.responses()]);
    using home = makeHome({
      active: "main",
      configs: { main: one(upstream.baseUrl), other: one(upstream.baseUrl) },
    });
    for (const args of [["other#1"], ["other"], []]) {
      const { code, stdout } = await runCli(["config", "test", ...args, "--yes"], { home });
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("the key was accepted") });
      expect(stdout).toContain(args.length === 0 ? "main#1" : "other#1");
    }
    const { stdout } = await runCli(["config", "test", "main", "--yes", "--json"], { home });
    const { checks } = JSON.parse(stdout) as { checks: { id: string }[] };
    expect(checks.map(({ id }) => id)).toEqual(["probe-reachable", "probe-authorised", "probe-answers"]);
  });

  test("asks first, and names what does not exist", async () => {
    using home = makeHome({ configs: { main: one() } });
    expect(await run(home, "test main#1")).toContain("nothing was sent\n  ch config test main#1 --yes");
    expect(await run(home, "test mian")).toContain('did you mean "main"?');
    expect(await run(home, "test main#2")).toContain('there is no upstream "main#2"');
  });
});

describe("config set-active without a name", () => {
  const three = {
    active: "main",
    configs: {
      main: one(),
      backup: { alias: "Cheap", upstreams: [{ base_url: URL, auth: { auth_token_env: "NOT_SET" } }] },
      last: { upstreams: [{ base_url: URL }, { base_url: `${URL}/b`, enabled: false }] },
    },
  };

  test("is a list with the state of each, from which one is chosen", async () => {
    using home = makeHome(three);
    await using session = startAtTerminal([...PROGRAM, "config", "set-active"], { home });
    await session.waitFor("Which config is Codex to use?");
    await session.press("\u001b[B\u001b[B\r", /last .*#1 ● ready {2}#2 ○ off/);
    expect(await session.exited).toBe(0);
    expect(session.words()).toMatch(/main {4}active {2}#1 ● ready/);
    expect(session.words()).toMatch(/backup {2}Cheap {2}#1 ✕ cannot be used/);
    expect(await activeOf(home)).toBe("last");
  });

  test("changes nothing where the person leaves", async () => {
    using home = makeHome(three);
    await using session = startAtTerminal([...PROGRAM, "config", "set-active"], { home });
    await session.press("\u001b", "Which config is Codex to use?");
    expect(await session.exited).toBe(130);
    expect(session.words()).toContain("nothing was changed");
    expect(await activeOf(home)).toBe("main");
  });

  test("says without a terminal what to type, and how to begin where there is no config", async () => {
    using home = makeHome(three);
    const { code, stderr } = await runCli(["config", "set-active"], { home });
    expect(code).toBe(2);
    expect(stderr).toBe(
      "error: NAME is missing\n  ch config set-active main\n  ch config set-active backup\n  ch config set-active last\n",
    );
    using empty = makeTempHome();
    expect(await run(empty, "set-active")).toContain("no upstream is configured for Codex\n  ch ");
  });
});

test("config list at a terminal names whole hosts, and how many more there are", async () => {
  const upstreams = Array.from({ length: 5 }, (_, index) => ({
    base_url: `https://relay-number-${index}.example/v1`,
  }));
  using home = makeHome({ configs: { main: { upstreams } } });
  const { screen } = await runAtTerminal([...PROGRAM, "config"], { home });
  expect(Bun.stripANSI(screen)).toMatch(
    /main +relay-number-0\.example, relay-number-1\.example, 3 more\r?\n/,
  );
});
