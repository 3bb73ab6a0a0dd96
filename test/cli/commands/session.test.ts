import { describe, expect, test } from "bun:test";
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type CliResult, PROGRAM, runCli } from "../../helpers/cli.ts";
import {
  makeRollout,
  makeSessionId,
  makeTranscript,
  putFile,
  rolloutPath,
  type SessionShape,
  transcriptPath,
} from "../../helpers/session-files.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/;
const MINUTE = 60_000;
const NOW = Date.now();
const CLAUDE_ID = "11111111-2222-4333-8444-555555555555";

interface Machine extends Disposable {
  readonly home: TempHome;
  /** A real directory under the home. */
  readonly dir: (name: string) => string;
  readonly codex: (shape: Partial<SessionShape> & { minutesAgo: number }) => string;
  readonly claude: (shape: Partial<SessionShape> & { minutesAgo: number }) => string;
  /** Runs `ch session ...` in a directory. */
  readonly ch: (cwd: string, ...args: string[]) => Promise<CliResult>;
}

function makeMachine(): Machine {
  const home = makeTempHome();
  let n = 0;
  const dir = (name: string): string => {
    const path = join(realpathSync(home.path), name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const shapeOf = ({ minutesAgo, ...more }: Partial<SessionShape> & { minutesAgo: number }): SessionShape => {
    const at = NOW - minutesAgo * MINUTE;
    return { id: makeSessionId(at, ++n), cwd: dir("app"), prompts: [`prompt ${n}`], ...more, at };
  };
  return {
    home,
    dir,
    codex(given) {
      const shape = shapeOf(given);
      putFile(rolloutPath(home.paths.codexHome, shape), makeRollout(shape), shape.at);
      return shape.id;
    },
    claude(given) {
      const shape = shapeOf({ id: CLAUDE_ID, ...given });
      putFile(transcriptPath(home.paths.claudeHome, shape), makeTranscript(shape), shape.at);
      return shape.id;
    },
    ch: (cwd, ...args) => runCli(["session", ...args], { home, cwd }),
    [Symbol.dispose]: () => home[Symbol.dispose](),
  };
}

/** The ids on stdout, from top to bottom. */
const idsIn = ({ stdout }: CliResult): string[] =>
  stdout.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? [];

describe("ch session list", () => {
  test("shows the sessions of the repository around here, its sub-directories and worktrees, latest first", async () => {
    using machine = makeMachine();
    const app = machine.dir("app");
    Bun.spawnSync(["git", "init", "-q", app]);
    Bun.spawnSync([
      "git",
      "-C",
      app,
      "-c",
      "user.name=a",
      "-c",
      "user.email=a@b",
      "commit",
      "-q",
      "--allow-empty",
      "-m",
      "a",
    ]);
    Bun.spawnSync(["git", "-C", app, "worktree", "add", "-q", join(app, "../app-fix")]);
    const older = machine.codex({ minutesAgo: 180, cwd: app, prompts: ["one", "two"], branch: "main" });
    const inSub = machine.codex({ minutesAgo: 20, cwd: machine.dir("app/packages/core") });
    const inTree = machine.codex({ minutesAgo: 10, cwd: machine.dir("app-fix/src") });
    machine.codex({ minutesAgo: 5, cwd: machine.dir("app-other") });
    machine.codex({ minutesAgo: 4, cwd: machine.dir("elsewhere") });
    const result = await machine.ch(machine.dir("app/packages"), "list");
    expect({ ...result, stdout: "", ids: idsIn(result) }).toEqual({
      code: 0,
      stderr: "",
      stdout: "",
      ids: [inTree, inSub, older],
    });
    expect(result.stdout).toBe(
      [
        "10 min ago  prompt 3",
        `  ${inTree}  1 turn · gpt-6.1-sol · ../app-fix/src`,
        "20 min ago  prompt 2",
        `  ${inSub}  1 turn · gpt-6.1-sol · packages/core`,
        "3 h ago     one",
        `  ${older}  main · 2 turns · gpt-6.1-sol`,
        "",
      ].join("\n"),
    );
  });

  test("counts a session that moved where it was last, and follows links to a directory", async () => {
    using machine = makeMachine();
    const away = machine.dir("away");
    const came = machine.codex({
      minutesAgo: 30,
      cwd: away,
      prompts: ["a", "b"],
      laterCwd: machine.dir("app"),
    });
    machine.codex({ minutesAgo: 20, cwd: machine.dir("app"), prompts: ["a", "b"], laterCwd: away });
    const link = join(machine.home.path, "link");
    symlinkSync(machine.dir("app"), link);
    expect(idsIn(await machine.ch(away, "list", "--path", link))).toEqual([came]);
    expect(idsIn(await machine.ch(link, "list"))).toEqual([came]);
  });

  test("hides sub-agents, title helpers and the archived, until they are asked for", async () => {
    using machine = makeMachine();
    const source = { subagent: { thread_spawn: { parent_thread_id: makeSessionId(1) } } };
    const agent = machine.codex({ minutesAgo: 3, meta: { source, thread_source: "subagent" } });
    machine.codex({ minutesAgo: 2, meta: { thread_source: "thread_title" } });
    const kept = machine.codex({ minutesAgo: 9 });
    const gone = machine.codex({ minutesAgo: 1 });
    const path = rolloutPath(machine.home.paths.codexHome, { id: gone, at: NOW - MINUTE });
    mkdirSync(join(machine.home.paths.codexHome, "archived_sessions"));
    renameSync(path, join(machine.home.paths.codexHome, "archived_sessions", path.split("/").at(-1) ?? ""));
    const app = machine.dir("app");
    expect(idsIn(await machine.ch(app, "list"))).toEqual([kept]);
    const archived = await machine.ch(app, "list", "--include-archived");
    expect(idsIn(archived)).toEqual([gone, kept]);
    expect(archived.stdout).toContain("archived");
    const agents = await machine.ch(app, "list", "--include-subagents");
    expect(idsIn(agents)).toContain(agent);
    expect(agents.stdout).toContain("sub-agent");
  });

  test("names forks and says of which session", async () => {
    using machine = makeMachine();
    const parent = machine.codex({ minutesAgo: 9 });
    machine.codex({ minutesAgo: 3, meta: { forked_from_id: parent } });
    expect((await machine.ch(machine.dir("app"), "list")).stdout).toContain(
      `fork of ${parent.slice(0, 13)}\n`,
    );
  });

  test("merges both clients with --all-services, and says which is which", async () => {
    using machine = makeMachine();
    const codex = machine.codex({ minutesAgo: 9 });
    const claude = machine.claude({ minutesAgo: 3 });
    const app = machine.dir("app");
    expect(idsIn(await machine.ch(app, "list"))).toEqual([codex]);
    expect(idsIn(await machine.ch(app, "list", "--claude"))).toEqual([claude]);
    const both = await machine.ch(app, "list", "--all-services");
    expect(idsIn(both)).toEqual([claude, codex]);
    expect(both.stdout).toContain("claude · main");
    const wrong = await machine.ch(app, "list", "--all-services", "--codex");
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      "error: --all-services cannot be used with --codex or --claude\n",
    ]);
  });

  test("keeps to --since and --limit, and says that there are older ones", async () => {
    using machine = makeMachine();
    const [, second, third] = [600, 60, 30].map((minutesAgo) => machine.codex({ minutesAgo }));
    const app = machine.dir("app");
    expect(idsIn(await machine.ch(app, "list", "--since", "2h"))).toEqual([third ?? "", second ?? ""]);
    const one = await machine.ch(app, "list", "--limit", "1");
    expect(idsIn(one)).toEqual([third ?? ""]);
    expect(one.stderr).toBe("more: --limit 2\n");
  });

  test("never shows another project's silently", async () => {
    using machine = makeMachine();
    const id = machine.codex({ minutesAgo: 9 });
    const here = machine.dir("elsewhere");
    const nothing = await machine.ch(here, "list");
    expect(nothing).toEqual({
      code: 0,
      stdout: "",
      stderr: "no session in ~/elsewhere\n  in all projects: --all\n  for both clients: --all-services\n",
    });
    const all = await machine.ch(here, "list", "--all");
    expect(idsIn(all)).toEqual([id]);
    expect(all.stdout).toContain("~/app");
    expect((await machine.ch(here, "list", "--all", "--path", ".")).code).toBe(2);
  });

  test("gives scripts every field, as JSON and as tab-separated lines", async () => {
    using machine = makeMachine();
    const id = machine.codex({ minutesAgo: 9, branch: "main", prompts: ["tab\there", "two"] });
    const app = machine.dir("app");
    const { stdout } = await machine.ch(app, "list", "--json");
    const at = NOW - 9 * MINUTE;
    expect(JSON.parse(stdout)).toEqual({
      project: app,
      sessions: [
        {
          service: "codex",
          id,
          cwd: app,
          started_at: new Date(at).toISOString(),
          updated_at: expect.stringMatching(/Z$/),
          first_prompt: "tab\there",
          title: null,
          branch: "main",
          turns: 2,
          turns_is_minimum: false,
          model: "gpt-6.1-sol",
          provider: "test_relay",
          is_fork: false,
          forked_from: null,
          is_subagent: false,
          is_archived: false,
          file: rolloutPath(machine.home.paths.codexHome, { id, at }),
          resume: `ch run -- codex resume ${id}`,
        },
      ],
    });
    const [names, line] = (await machine.ch(app, "list", "--tsv")).stdout.split("\n");
    expect(names?.split("\t").length).toBe(line?.split("\t").length ?? 0);
    expect(line?.split("\t").at(-1)).toBe("tab here");
  });

  test("lets nothing out of a file steer the terminal", async () => {
    using machine = makeMachine();
    const evil = "\u001b]0;owned\u0007\u001b[31mred\u202e\nnext\u0085\u200b";
    const cwd = machine.dir("app/x\u001b[2J\u202ey");
    machine.codex({ minutesAgo: 3, prompts: [evil], branch: evil, model: evil, provider: evil, cwd });
    const app = machine.dir("app");
    const results = [
      await machine.ch(app, "list"),
      await machine.ch(app, "list", "--tsv"),
      await machine.ch(app, "last"),
      await machine.ch(app, "show"),
      await machine.ch(app, "search", "next"),
      await machine.ch(app, "export"),
      await machine.ch(app, "list", "--json"),
    ];
    for (const { stdout, stderr } of results) expect(stdout + stderr).not.toMatch(HARMFUL);
    expect(results[0]?.stdout).toContain("red next");
    // A directory that cannot be typed safely is left out of the command.
    expect(results[2]?.stdout).toMatch(/\n\nch run -- codex resume [0-9a-f-]{36}\n$/);
  });
});

describe("ch session last", () => {
  test("prints the command that goes on from here, with cd where the session was elsewhere", async () => {
    using machine = makeMachine();
    const cwd = machine.dir("app/it's here");
    const id = machine.codex({ minutesAgo: 3, cwd });
    const fromRoot = await machine.ch(machine.dir("app"), "last");
    expect(fromRoot.stdout.split("\n").at(-2)).toBe(
      `cd '${cwd.replace("'", `'\\''`)}' && ch run -- codex resume ${id}`,
    );
    expect((await machine.ch(cwd, "last")).stdout.split("\n").at(-2)).toBe(`ch run -- codex resume ${id}`);
    expect(await machine.ch(cwd, "last", "--id")).toEqual({ code: 0, stdout: `${id}\n`, stderr: "" });
    const { resume } = JSON.parse((await machine.ch(cwd, "last", "--json")).stdout) as { resume: string };
    expect(resume).toBe(`ch run -- codex resume ${id}`);
  });

  test("knows Claude Code's command", async () => {
    using machine = makeMachine();
    const id = machine.claude({ minutesAgo: 3 });
    expect((await machine.ch(machine.dir("app"), "last", "--claude")).stdout).toContain(
      `\nch run -- claude --resume ${id}\n`,
    );
  });

  test("unarchives first, and offers nothing for a file whose name holds no UUID", async () => {
    using machine = makeMachine();
    const app = machine.dir("app");
    const archived = machine.codex({ minutesAgo: 30 });
    const path = rolloutPath(machine.home.paths.codexHome, { id: archived, at: NOW - 30 * MINUTE });
    const folder = join(machine.home.paths.codexHome, "archived_sessions");
    mkdirSync(folder);
    renameSync(path, join(folder, path.split("/").at(-1) ?? ""));
    expect((await machine.ch(app, "last", "--include-archived")).stdout).toContain(
      `codex unarchive ${archived} && ch run -- codex resume ${archived}`,
    );
    const named = rolloutPath(machine.home.paths.codexHome, { id: "$(touch x)", at: NOW });
    putFile(named, makeRollout({ id: "$(touch x)", cwd: app, at: NOW, prompts: ["x"] }), NOW);
    const bad = await machine.ch(app, "last");
    expect(bad.stdout).not.toContain("codex resume");
    expect((await machine.ch(app, "last", "--id")).code).toBe(1);
  });

  test("warns when the session's provider is not the one that Codex is set to", async () => {
    using machine = makeMachine();
    machine.codex({ minutesAgo: 3, provider: "relay_a" });
    const app = machine.dir("app");
    const config = (tables: string): void =>
      void machine.home.write(".codex/config.toml", `model_provider = "relay_b"\n${tables}`);
    const table = (id: string): string =>
      `[model_providers.${id}]\nname = "${id}"\nbase_url = "http://127.0.0.1:1/v1"\n`;
    config(table("relay_a") + table("relay_b"));
    expect((await machine.ch(app, "last")).stderr).toBe(
      'warning: this session belongs to the provider "relay_a" and continues with it, although Codex uses "relay_b"\n',
    );
    config(table("relay_b"));
    expect((await machine.ch(app, "last")).stderr).toContain("which config.toml does not define");
    machine.home.write(".codex/config.toml", "not = [toml");
    expect((await machine.ch(app, "last")).stderr).toBe("");
  });

  test("brings a proxy along for a session of the provider that is made up for a Codex without a login", async () => {
    using machine = makeMachine();
    const id = machine.codex({ minutesAgo: 3, provider: "codex_proxy" });
    const app = machine.dir("app");
    const { stdout, stderr } = await machine.ch(app, "last");
    expect(stdout).toEndWith(`\nch run -- codex resume ${id}\n`);
    expect(stderr).toBe("");
    expect(JSON.parse((await machine.ch(app, "last", "--json")).stdout)).toMatchObject({
      resume: `ch run -- codex resume ${id}`,
    });
  });

  test("prints the client's own command while it is switched, and what `ch run` lacks here otherwise", async () => {
    using machine = makeMachine();
    const { home } = machine;
    const id = machine.codex({ minutesAgo: 3, provider: "relay" });
    const app = machine.dir("app");
    home.write(
      ".codex/config.toml",
      'model_provider = "relay"\n[model_providers.relay]\nname = "relay"\nbase_url = "https://relay.example/v1"\n',
    );
    const upstreams = ["A_KEY", "B_KEY", "A_KEY"].map((auth_token_env, n) => ({
      base_url: `https://relay-${n}.example/v1`,
      auth: { auth_token_env },
    }));
    home.write(".codex-helper/config.json", { codex: { active: "main", configs: { main: { upstreams } } } });
    const off = await machine.ch(app, "last");
    expect(off.stdout).toEndWith(`\nch run -- codex resume ${id}\n`);
    expect(off.stderr).toBe(
      "  in this terminal the variable A_KEY is not set\n  in this terminal the variable B_KEY is not set\n",
    );
    const set = await runCli(["session", "last"], { home, cwd: app, env: { A_KEY: "a", B_KEY: "b" } });
    expect(set.stderr).toBe("");
    expect((await runCli(["switch", "on"], { home })).code).toBe(0);
    expect(await machine.ch(app, "last")).toMatchObject({
      stdout: expect.stringMatching(new RegExp(`\n\ncodex resume ${id}\n$`)),
      stderr: "",
    });
    expect(JSON.parse((await machine.ch(app, "list", "--json")).stdout)).toMatchObject({
      sessions: [{ resume: `codex resume ${id}` }],
    });
    // What was switched by a proxy that is dead leads nowhere.
    const run = home.paths.run;
    const [journal = ""] = readdirSync(run).filter((name) => name.startsWith("switch-"));
    const content = JSON.parse(readFileSync(join(run, journal), "utf8")) as object;
    writeFileSync(
      join(run, journal),
      JSON.stringify({ ...content, owner: { kind: "process", pid: 1, started: "x" } }),
    );
    expect((await machine.ch(app, "last")).stdout).toContain("ch run -- codex resume");
  });

  test("says where the sessions are of a home that has another name now", async () => {
    using machine = makeMachine();
    const old = join(machine.home.path, "../old-name/work/app/packages");
    machine.codex({ minutesAgo: 3, cwd: old });
    const { code, stderr } = await machine.ch(machine.dir("work/app"), "last");
    expect(code).toBe(1);
    const path = join(old, "..");
    expect(stderr).toContain(`\n  before your home was renamed: ch session list --path ${path}\n`);
    expect(idsIn(await machine.ch(machine.dir("work/app"), "list", "--path", path))).toHaveLength(1);
    // A directory elsewhere that ends alike was no home.
    machine.codex({ minutesAgo: 2, cwd: "/srv/gone/other/app" });
    expect((await machine.ch(machine.dir("other/app"), "last")).stderr).not.toContain("renamed");
  });

  test("finds the sessions of a directory that was removed under the shell", async () => {
    using machine = makeMachine();
    const cwd = machine.dir("gone");
    const id = machine.codex({ minutesAgo: 3, cwd });
    const script = `cd ${cwd} && rmdir ${cwd} && "$@"`;
    const run = (script: string) =>
      Bun.spawnSync(["sh", "-c", script, "sh", ...PROGRAM, "session", "last"], { env: machine.home.env });
    expect(run(script).stdout.toString()).toContain(`\nch run -- codex resume ${id}\n`);
    machine.dir("gone");
    const blind = run(script.replace('&& "', '&& unset PWD && "'));
    expect(blind.stderr.toString()).toBe("error: this directory no longer exists\n  cd\n");
  });

  test("fails where there is none, and says where to look", async () => {
    using machine = makeMachine();
    machine.codex({ minutesAgo: 3 });
    const { code, stdout, stderr } = await machine.ch(machine.dir("elsewhere"), "last", "--id");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("error: no session in ~/elsewhere\n  in all projects: --all");
  });
});

describe("a session of Claude Code", () => {
  const command = (name: string, args = ""): string =>
    `<command-name>${name}</command-name>\n<command-message>${name.slice(1)}</command-message>\n<command-args>${args}</command-args>`;
  const REVIEW =
    "<command-message>review</command-message>\n<command-name>/review</command-name>\n<command-args>42</command-args>";

  test.each([
    ["/clear", [command("/clear")]],
    ["/model, /login and /resume", [command("/model", "opus"), command("/login"), command("/resume", "x")]],
    ["!ls", ["<bash-input>ls</bash-input>", "<bash-stdout>a.ts</bash-stdout><bash-stderr></bash-stderr>"]],
  ])("that began with %s is named after what was asked first", async (_name, before) => {
    using machine = makeMachine();
    const app = machine.dir("app");
    machine.claude({ minutesAgo: 9, prompts: [...before, "Fix the login bug", REVIEW] });
    const [session] = (
      JSON.parse((await machine.ch(app, "list", "--claude", "--json")).stdout) as { sessions: object[] }
    ).sessions;
    expect(session).toMatchObject({ first_prompt: "Fix the login bug", turns: 2 });
    const items = (await machine.ch(app, "export", "--claude", "--format", "json")).stdout;
    expect(JSON.parse(items)).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({ kind: "prompt", text: "/review 42" }),
        expect.objectContaining({ kind: "prompt", is_local: true }),
      ]),
    });
  });

  test("in which nothing was asked is neither the last nor listed", async () => {
    using machine = makeMachine();
    const app = machine.dir("app");
    const asked = machine.claude({ minutesAgo: 9, prompts: [REVIEW] });
    const id = "22222222-2222-4333-8444-555555555555";
    machine.claude({ id, minutesAgo: 3, prompts: [command("/clear"), "<bash-input>ls</bash-input>"] });
    expect((await machine.ch(app, "last", "--claude", "--id")).stdout).toBe(`${asked}\n`);
    expect(idsIn(await machine.ch(app, "list", "--claude"))).toEqual([asked]);
    expect(idsIn(await machine.ch(app, "list", "--claude", "--limit", "1"))).toEqual([asked]);
    expect((await machine.ch(app, "show", id)).stdout).toContain("/clear");
  });

  test("outside Git has no branch, and a file with nothing but a sub-agent's conversation is none", async () => {
    using machine = makeMachine();
    const app = machine.dir("app");
    const id = machine.claude({ minutesAgo: 9, branch: "HEAD" });
    expect((await machine.ch(app, "list", "--claude")).stdout).not.toContain("HEAD");
    const shape = {
      id: "33333333-2222-4333-8444-555555555555",
      cwd: app,
      at: NOW - MINUTE,
      prompts: ["help"],
    };
    const side = makeTranscript(shape).replaceAll('"isSidechain":false', '"isSidechain":true');
    putFile(transcriptPath(machine.home.paths.claudeHome, shape), side, shape.at);
    expect(idsIn(await machine.ch(app, "list", "--claude"))).toEqual([id]);
    const agents = await machine.ch(app, "list", "--claude", "--include-subagents", "--json");
    expect(JSON.parse(agents.stdout)).toMatchObject({
      sessions: [
        { id: shape.id, is_subagent: true, first_prompt: "help" },
        { id, branch: null },
      ],
    });
    // One with a sub-agent's conversation among its own is a session.
    const mixed = { ...shape, id: "44444444-2222-4333-8444-555555555555" };
    const both = `${makeTranscript(mixed)}${side.replaceAll(shape.id, mixed.id)}`;
    putFile(transcriptPath(machine.home.paths.claudeHome, mixed), both, mixed.at);
    expect(idsIn(await machine.ch(app, "list", "--claude"))).toEqual([mixed.id, id]);
  });
});

describe("ch session search", () => {
  test("shows the lines of prompts and answers that hold the text, latest session first", async () => {
    using machine = makeMachine();
    const app = machine.dir("app");
    const older = machine.codex({ minutesAgo: 60, prompts: ["why is the\nRate Limit (x*) hit?"] });
    const newer = machine.codex({ minutesAgo: 5, answer: "The rate limit (x*) is 5." });
    machine.codex({ minutesAgo: 2, instructions: "rate limit (x*)" });
    const elsewhere = machine.codex({ minutesAgo: 1, cwd: machine.dir("b"), answer: "rate limit (x*)" });
    const found = await machine.ch(app, "search", "rate limit (X*)");
    expect(idsIn(found)).toEqual([newer, older]);
    expect(found.stdout).toContain("  answer  The rate limit (x*) is 5.\n");
    expect(found.stdout).toContain("  you  Rate Limit (x*) hit?\n");
    expect(idsIn(await machine.ch(app, "search", "rate limit (x*)", "--all"))[0]).toBe(elsewhere);
    expect(idsIn(await machine.ch(app, "search", "Rate Limit", "--match-case"))).toEqual([older]);
    const json = JSON.parse(
      (await machine.ch(app, "search", "rate limit", "--json", "--limit", "1")).stdout,
    ) as unknown;
    expect(json).toMatchObject({
      text: "rate limit",
      sessions: [{ id: newer, hits: [{ role: "assistant", line: "The rate limit (x*) is 5." }] }],
    });
    const none = await machine.ch(app, "search", "no such words");
    expect([none.code, none.stdout]).toEqual([1, ""]);
    expect(none.stderr).toContain('no session in ~/app contains "no such words"');
  });
});

describe("ch session show and export", () => {
  test("show the last one, or the one whose id begins as typed, of either client", async () => {
    using machine = makeMachine();
    const app = machine.dir("app");
    const id = machine.codex({ minutesAgo: 9, prompts: ["first question"], answer: "first answer" });
    machine.codex({ minutesAgo: 3, prompts: ["second question"] });
    machine.claude({ minutesAgo: 5, prompts: ["to claude"] });
    expect((await machine.ch(app, "show")).stdout).toContain("second question");
    expect((await machine.ch(app, "show", id)).stdout).toMatch(
      /you {2}.*\nfirst question\n\nCodex {2}.*\nfirst answer\n/,
    );
    expect((await machine.ch(machine.dir("b"), "show", CLAUDE_ID.slice(0, 8))).stdout).toContain("to claude");
    const several = await machine.ch(app, "show", id.slice(0, 4));
    expect([several.code, several.stderr.includes(id)]).toEqual([1, true]);
    const unknown = await machine.ch(app, "show", "99999999-2222-4333-8444-555555555555");
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      "error: no session with the id 99999999-2222-4333-8444-555555555555\n  ch session list --all --all-services\n",
    ]);
  });

  test("export writes a document or everything as JSON", async () => {
    using machine = makeMachine();
    const app = machine.dir("app");
    const id = machine.codex({ minutesAgo: 9, prompts: ["a question"], answer: "an answer" });
    const document = (await machine.ch(app, "export", id)).stdout;
    expect(document).toMatch(
      /^# a question\n\n- session: `.*`\n[\s\S]*## User · .*\n\na question\n\n## Codex · .*\n\nan answer\n$/,
    );
    const data = JSON.parse((await machine.ch(app, "export", id, "--format", "json")).stdout) as unknown;
    expect(data).toMatchObject({
      id,
      items: [
        { kind: "prompt", text: "a question" },
        { kind: "answer", text: "an answer" },
      ],
    });
  });

  test("are spoken in Chinese where the locale is", async () => {
    using machine = makeMachine();
    machine.codex({ minutesAgo: 9, prompts: ["修复登录测试"] });
    const { stdout } = await runCli(["session", "list"], {
      home: machine.home,
      cwd: machine.dir("app"),
      env: { LANG: "zh_CN.UTF-8" },
    });
    expect(stdout).toMatch(/^9 分钟前 {2}修复登录测试\n/);
    expect(stdout).toContain("1 轮");
  });
});
