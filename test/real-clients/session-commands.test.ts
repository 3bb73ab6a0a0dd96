import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GOOD, sse, stream, toolUse } from "../helpers/answers.ts";
import { PROGRAM, runCli } from "../helpers/cli.ts";
import { type ClientHome, makeClientHome, runClient } from "../helpers/client-process.ts";
import { type FakeUpstream, type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { claudeBinary } from "../helpers/real-claude.ts";
import { codexBinary, makeCodexConfig } from "../helpers/real-codex.ts";
import { resolvePaths } from "../../src/base/paths.ts";
import { within } from "../helpers/wait.ts";

const AGENT_PROMPT = "start an agent";

interface Workshop {
  readonly home: ClientHome;
  readonly env: Record<string, string>;
  /** A git repository with a nested directory, a worktree, a link to it, and a directory elsewhere. */
  readonly dirs: Readonly<Record<"app" | "core" | "tree" | "link" | "elsewhere", string>>;
  /** `ch session ARGS` in a directory, its stdout. */
  readonly ch: (cwd: string, ...args: string[]) => Promise<string>;
  readonly idsOf: (cwd: string, ...args: string[]) => Promise<string[]>;
}

function makeWorkshop(home: ClientHome): Workshop {
  const at = (name: string): string => join(home.path, name);
  const dirs = {
    app: at("app"),
    core: at("app/core"),
    tree: at("app-fix"),
    link: at("link"),
    elsewhere: at("elsewhere"),
  };
  const git = (...args: string[]): void =>
    void Bun.spawnSync(["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", dirs.app, ...args]);
  for (const dir of [dirs.core, dirs.elsewhere, at(".codex"), at(".claude"), at("bin")])
    mkdirSync(dir, { recursive: true });
  git("init", "-q", "-b", "main");
  git("commit", "-q", "--allow-empty", "-m", "a");
  git("worktree", "add", "-q", dirs.tree);
  symlinkSync(dirs.app, dirs.link);
  // What a person types finds the clients in the PATH.
  for (const [name, ...words] of [
    ["codex", codexBinary()],
    ["claude", claudeBinary()],
    ["ch", ...PROGRAM],
  ] as const) {
    writeFileSync(at(`bin/${name}`), `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`);
    chmodSync(at(`bin/${name}`), 0o755);
  }
  const env = {
    HOME: home.path,
    PATH: `${at("bin")}:${process.env["PATH"] ?? ""}`,
    CODEX_HOME: at(".codex"),
    CLAUDE_CONFIG_DIR: at(".claude"),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    LANG: "C.UTF-8",
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
  };
  const tempHome = { path: home.path, env, paths: resolvePaths(env), write: () => "", [Symbol.dispose]() {} };
  const ch = async (cwd: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCli(["session", ...args], { home: tempHome, cwd });
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
    return stdout;
  };
  return {
    home,
    env,
    dirs,
    ch,
    async idsOf(cwd, ...args) {
      const { sessions } = JSON.parse(await ch(cwd, ...args, "--json")) as { sessions: { id: string }[] };
      return sessions.map(({ id }) => id);
    },
  };
}

/** The last line that `ch session last` prints. */
const commandIn = (stdout: string): string => stdout.trimEnd().split("\n").at(-1) ?? "";

describe("sessions of the real Codex", () => {
  const typed = (data: { type: string } & Record<string, unknown>): string => sse(data.type, data);
  const spawnAgent = stream([
    typed({
      type: "response.output_item.done",
      output_index: 0,
      item: {
        type: "function_call",
        id: "fc_1",
        call_id: "call_1",
        name: "spawn_agent",
        namespace: "collaboration",
        arguments: '{"task_name":"helper","message":"help"}',
      },
    }),
    typed({ type: "response.completed", response: { id: "r" } }),
  ]);
  const isAgentCall = (request: ReceivedRequest): boolean =>
    request.header("x-openai-subagent") === null &&
    request.text().includes(AGENT_PROMPT) &&
    !request.text().includes("function_call_output");

  test("are found in their project in the right order, and the printed command resumes the last", async () => {
    await using relay = await startFakeUpstream((request) =>
      isAgentCall(request) ? spawnAgent : GOOD.responses({ text: "an answer" }),
    );
    using home = makeClientHome();
    const { dirs, env, ch, idsOf } = makeWorkshop(home);
    const trusted = Object.values(dirs).map(
      (dir) => `[projects.${JSON.stringify(dir)}]\ntrust_level = "trusted"\n`,
    );
    writeFileSync(
      join(env["CODEX_HOME"] ?? "", "config.toml"),
      `${makeCodexConfig(relay.baseUrl)}[features]\ndaemon_auto_start = false\n${trusted.join("")}`,
    );
    const codex = async (cwd: string, ...args: string[]): Promise<string> => {
      const { code, stderr } = await runClient({
        command: [codexBinary(), ...args],
        home,
        cwd,
        env: { ...env, PWD: cwd },
      });
      expect({ args, code, stderr: code === 0 ? "" : stderr.slice(-500) }).toEqual({
        args,
        code: 0,
        stderr: "",
      });
      return /session id: (\S+)/.exec(stderr)?.[1] ?? "";
    };
    const nested = await codex(dirs.core, "exec", "a nested question");
    const inTree = await codex(dirs.tree, "exec", "in the worktree");
    const archived = await codex(dirs.app, "exec", "to be archived");
    const came = await codex(dirs.elsewhere, "exec", "--skip-git-repo-check", "from elsewhere");
    const went = await codex(dirs.app, "exec", "to go away");
    await codex(dirs.app, "archive", archived);
    await codex(dirs.app, "exec", "resume", came, "now here");
    await codex(dirs.elsewhere, "exec", "--skip-git-repo-check", "resume", went, "now there");
    const linked = await codex(dirs.link, "exec", "by the link");
    const parent = await codex(dirs.app, "exec", AGENT_PROMPT);
    const fork = await codex(dirs.app, "exec", "fork", nested, "a forked question");

    const here = [fork, parent, linked, came, inTree, nested];
    expect(await idsOf(dirs.core, "list")).toEqual(here);
    expect(await idsOf(dirs.tree, "list")).toEqual(here);
    expect(await idsOf(dirs.elsewhere, "list")).toEqual([went]);
    expect((await idsOf(dirs.app, "list", "--include-subagents")).length).toBe(here.length + 1);
    expect(await idsOf(dirs.app, "list", "--include-archived")).toContain(archived);
    expect(await idsOf(dirs.app, "search", "NESTED question")).toEqual([nested]);
    expect(await ch(dirs.app, "list")).toContain(`fork of ${nested.slice(0, 13)}`);
    // The fork's file has its own turn alone.
    const conversation = await ch(dirs.app, "show", fork);
    expect(conversation).toMatch(
      /a nested question\n[\s\S]*an answer\n[\s\S]*a forked question\n[\s\S]*an answer\n/,
    );

    const command = commandIn(await ch(dirs.core, "last"));
    expect(command).toBe(`cd ${dirs.app} && ch run -- codex resume ${fork}`);
    const request = await resumeAtTerminal(`${command} 'and again'`, { cwd: dirs.core, env, relay });
    expect(request.header("thread-id")).toBe(fork);
    expect(request.text()).toContain("a nested question");
  }, 60_000);
});

interface Terminal {
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly relay: FakeUpstream;
}

/** Types a command line into a shell at a terminal, and gives the request that it leads to. */
async function resumeAtTerminal(line: string, { cwd, env, relay }: Terminal): Promise<ReceivedRequest> {
  const child = Bun.spawn(["sh", "-c", line], {
    cwd,
    env: { ...env, TERM: "xterm-256color" },
    terminal: {
      cols: 100,
      rows: 30,
      data(terminal, bytes) {
        // A terminal says where its cursor is when it is asked.
        if (Buffer.from(bytes).includes("\u001b[6n")) terminal.write("\u001b[1;1R");
      },
    },
  });
  try {
    return await within(relay.gotRequest(relay.requests.length + 1), { deadlineMs: 15_000, what: line });
  } finally {
    process.kill(-child.pid, "SIGKILL");
    await child.exited;
    child.terminal?.close();
  }
}

describe("sessions of the real Claude Code", () => {
  const input = { description: "help", prompt: "help", subagent_type: "general-purpose" };
  const startAgent = stream(toolUse("Agent", input));

  test("are found in their project in the right order, and the printed command resumes the last", async () => {
    await using relay = await startFakeUpstream((request) =>
      request.text().includes(AGENT_PROMPT) && !request.text().includes("tool_result")
        ? startAgent
        : GOOD.messages({ text: "an answer" }),
    );
    using home = makeClientHome();
    const { dirs, env, ch, idsOf } = makeWorkshop(home);
    writeFileSync(
      join(env["CLAUDE_CONFIG_DIR"] ?? "", "settings.json"),
      JSON.stringify({ env: { ANTHROPIC_BASE_URL: relay.origin, ANTHROPIC_AUTH_TOKEN: "placeholder" } }),
    );
    const claude = async (cwd: string, ...args: string[]): Promise<string> => {
      const id = crypto.randomUUID();
      const isNew = !args.includes("--resume") || args.includes("--fork-session");
      const command = [claudeBinary(), "-p", ...(isNew ? ["--session-id", id] : []), ...args];
      const { code, stderr } = await runClient({ command, home, cwd, env });
      expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
      return id;
    };
    const nested = await claude(dirs.core, "a nested question");
    const inTree = await claude(dirs.tree, "in the worktree");
    const came = await claude(dirs.elsewhere, "from elsewhere");
    const went = await claude(dirs.app, "to go away");
    await claude(dirs.app, "--resume", came, "now here");
    await claude(dirs.elsewhere, "--resume", went, "now there");
    const parent = await claude(dirs.link, AGENT_PROMPT);
    const fork = await claude(dirs.app, "--resume", came, "--fork-session", "a forked question");

    const list = ["list", "--claude"];
    const here = [fork, parent, came, inTree, nested];
    expect(await idsOf(dirs.core, ...list)).toEqual(here);
    expect(await idsOf(dirs.elsewhere, ...list)).toEqual([went]);
    expect((await idsOf(dirs.app, ...list, "--include-subagents")).length).toBe(here.length + 1);
    expect(await ch(dirs.app, ...list)).toMatch(new RegExp(`${fork} .* · fork`));
    expect(await ch(dirs.app, "show", fork)).toMatch(
      /from elsewhere\n[\s\S]*now here\n[\s\S]*a forked question\n/,
    );

    const command = commandIn(await ch(dirs.core, "last", "--claude"));
    expect(command).toBe(`cd ${dirs.app} && ch run -- claude --resume ${fork}`);
    const asked = relay.requests.length;
    const { code, stdout } = await runClient({
      command: ["sh", "-c", `${command} -p 'and again'`],
      home,
      cwd: dirs.core,
      env,
    });
    expect([code, stdout]).toEqual([0, "an answer\n"]);
    const request = relay.requests.slice(asked).find(({ method }) => method === "POST");
    expect(request?.header("x-claude-code-session-id")).toBe(fork);
    expect(request?.text()).toContain("from elsewhere");
  }, 120_000);
});
