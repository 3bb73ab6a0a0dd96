import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { EVENT_KINDS } from "../../../src/config/notify.ts";
import { PROGRAM, runCli } from "../../helpers/cli.ts";
import { startListener } from "../../helpers/json-listener.ts";
import { runAtTerminal } from "../../helpers/pseudo-terminal.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const SECRET = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789";

function hook(home: TempHome, command: string | null): void {
  chmodSync(home.write(".codex-helper/config.json", { hooks: { on_event: command } }), 0o600);
}

async function tryHook(command: string, ...args: readonly string[]) {
  using home = makeTempHome();
  hook(home, command);
  const { code, stderr, stdout } = await runCli(["hooks", "test", ...args], { home });
  return { code, stderr, stdout };
}

test("each hook is run with a sample event, and what it did is said", async () => {
  using home = makeTempHome();
  const seen = join(home.path, "seen");
  hook(home, `tee ${seen} >/dev/null; echo "sent to the phone"`);
  const { code, stdout } = await runCli(["hooks", "test"], { home });
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      /^hooks\.on_event {2}hop {2}took it and exited with code 0, after \d+ ms\n {2}sent to the phone\n$/,
    ),
  });
  expect(JSON.parse(await Bun.file(seen).text())).toMatchObject({
    event: "hop",
    sample: true,
    service: "codex",
    from: { label: "main#1" },
    to: { label: "main#2" },
  });
});

test.each([...EVENT_KINDS])("a sample of %s is one line of JSON", async (kind) => {
  const { code, stdout } = await tryHook("cat", "--event", kind, "--json");
  expect(code).toBe(0);
  const { hooks } = JSON.parse(stdout) as { hooks: { ok: boolean; printed: string[] }[] };
  expect(hooks).toMatchObject([{ name: "on_event", ok: true, exit_code: 0, problem: null }]);
  expect(hooks[0]?.printed).toHaveLength(1);
  expect(JSON.parse(hooks[0]?.printed[0] ?? "")).toMatchObject({ event: kind, sample: true });
});

test("what goes wrong is said with the hook's own words, and exits 1", async () => {
  const missing = await tryHook("no-such-program-here --send");
  expect({ code: missing.code, said: missing.stdout }).toEqual({
    code: 1,
    said: expect.stringMatching(
      /^hooks\.on_event {2}hop {2}exited with code 127\n {2}.*no-such-program-here/,
    ),
  });
  const failed = await tryHook("echo first; echo second >&2; exit 3");
  expect(failed.code).toBe(1);
  expect(failed.stdout).toMatch(/exited with code 3\n {2}first\n {2}second\n$/);
  const silent = await tryHook("true");
  expect(silent.stdout).toContain("it printed nothing");
});

test("one that hangs is ended, one that leaves something behind is not waited for", async () => {
  const hung = await tryHook("exec sleep 60");
  expect({ code: hung.code, said: hung.stdout }).toEqual({
    code: 1,
    said: expect.stringContaining("did not finish within 5 s"),
  });
  const left = await tryHook("sleep 60 & echo started");
  expect({ code: left.code, said: left.stdout }).toEqual({
    code: 0,
    said: expect.stringContaining("started"),
  });
});

test("of what it prints keys are masked, control characters are shown, and a flood is cut", async () => {
  const told = await tryHook(`printf 'key ${SECRET}\\n\\033[31mred\\n'`);
  expect(told.stdout).not.toContain(SECRET);
  expect(told.stdout).not.toContain("\u001b");
  const flood = await tryHook("seq 1 500");
  expect(flood.stdout.split("\n").length).toBeLessThan(15);
  expect(flood.stdout).toContain("490 more lines");
});

test("without a hook there is a line to type that sets one, and it works", async () => {
  using home = makeTempHome();
  const { code, stderr } = await runCli(["hooks", "test"], { home });
  expect(code).toBe(1);
  const line = /ch (config set --json) '(hooks\.on_event=.*)'/.exec(stderr);
  expect(line).not.toBeNull();
  const typed = [...(line?.[1] ?? "").split(" "), "hooks.on_event=cat"];
  expect((await runCli(typed, { home })).code).toBe(0);
  expect((await runCli(["hooks", "test"], { home })).stdout).toContain('"event":"hop"');
});

test("the bare group says which are set, without what is in them", async () => {
  using home = makeTempHome();
  expect((await runCli(["hooks"], { home })).stdout).toBe("on_event  not set\nnotify    not set\n");
  hook(home, `curl -H 'Authorization: Bearer ${SECRET}' https://push.example`);
  const { stderr, stdout } = await runCli(["hooks"], { home });
  expect(stdout).toBe("on_event  set\nnotify    not set\n");
  expect(stderr).toContain("Next: ch hooks test");
  expect(JSON.parse((await runCli(["hooks", "list", "--json"], { home })).stdout)).toEqual({
    hooks: [
      { name: "on_event", is_set: true },
      { name: "notify", is_set: false },
    ],
  });
});

test("a notification is tried as a hook is, also one that would be kept back now, and no screen has its whole address", async () => {
  using home = makeTempHome();
  const listener = startListener();
  const notify = { via: { url: listener.url }, on: ["all-down"], quiet: "00:00-24:00" };
  chmodSync(home.write(".codex-helper/config.json", { notify }), 0o600);
  const { host } = new URL(listener.url);
  const outputs = [
    await runCli(["hooks", "test"], { home }),
    await runCli(["hooks", "test", "--event", "all-down"], { home }),
    await runCli(["hooks"], { home }),
    await runCli(["hooks", "--json"], { home }),
    await runCli(["config", "export", "--masked"], { home }),
  ];
  expect(outputs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  const said = outputs.map(({ stderr, stdout }) => stdout + stderr);
  expect(said[0]).toMatch(
    /^notify \(127\.0\.0\.1:\d+\) {2}hop {2}sent, after \d+ ms\n {2}only a test: notify\.on does not name hop\n/,
  );
  expect(said[1]).toContain("only a test: these are your quiet hours");
  expect(said[2]).toContain(`notify    set (${host})`);
  expect(said.join("")).not.toContain("topic");
  expect(listener.bodies).toMatchObject([
    { event: "hop", sample: true, count: 1, title: "codex-helper: Codex" },
    { event: "all-down", sample: true },
  ]);
  listener.answer = () => new Response("topic", { status: 500 });
  const failed = await runCli(["hooks", "test", "--json"], { home });
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.stdout)).toMatchObject({
    hooks: [{ name: "notify", via: host, ok: false, problem: `${host} answered 500` }],
  });
  listener.stop();
});

test("the bell is rung at a terminal, and never written into a pipe", async () => {
  using home = makeTempHome();
  chmodSync(home.write(".codex-helper/config.json", { notify: { via: "bell" } }), 0o600);
  const { code, screen } = await runAtTerminal([...PROGRAM, "hooks", "test"], { home });
  expect(code).toBe(0);
  expect(screen).toContain("\u0007");
  const piped = await runCli(["hooks", "test"], { home });
  expect(piped.code).toBe(1);
  expect(piped.stdout + piped.stderr).toBe(
    "notify (bell)  hop  there is no terminal whose bell could be rung\n",
  );
});
