import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "../../../src/config/parse.ts";
import { dispatch } from "../../../src/cli/dispatch.ts";
import { reportError } from "../../../src/cli/report-error.ts";
import { createWords } from "../../../src/cli/words.ts";
import { runCli } from "../../helpers/cli.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";

const SECRET = "sk-0123456789-very-secret-abcdef";
const FILE = ".codex-helper/config.json";
const TWO = `{
  // my relays
  "codex": {
    "active": "main",
    "configs": {
      "main": { "alias": "Main", "upstreams": [
        { "base_url": "https://one.example/v1", "auth": { "auth_token": "${SECRET}" } }, // fast
        { "base_url": "https://two.example/v1", "auth": { "auth_token_env": "TWO_KEY" }, "proxy": "http://u:${SECRET}@proxy:1", "headers": { "x-key": "${SECRET}" } }
      ] },
      "spare": { "upstreams": [{ "base_url": "https://three.example" }] }
    }
  }
}
`;

const config = (
  home: TempHome,
  args: string,
  options: { stdin?: string; env?: Record<string, string> } = {},
) => runCli(["config", ...args.split(" ")], { home, ...options });

/** The same within this process: for tables of refusals, where what counts is the message. */
async function configHere(home: TempHome, args: string): Promise<{ code: number; stderr: string }> {
  let stderr = "";
  const stream = { columns: undefined, width: 80, hasColours: false };
  const terminal = {
    isInteractive: false,
    stdout: { ...stream, write: () => {} },
    stderr: { ...stream, write: (text: string) => void (stderr += text) },
    writeBehind: () => () => Promise.resolve(),
  };
  try {
    return { code: await dispatch(["config", ...args.split(" ")], home.env, terminal), stderr };
  } catch (error) {
    return { code: reportError(error, createWords(terminal), home.env), stderr };
  }
}

const readConfig = (home: TempHome) =>
  parseConfig(readFileSync(home.paths.config, "utf8"), "config.json").services;
const upstreamsOf = (home: TempHome, name: string) =>
  readConfig(home).codex.configs.get(name)?.entry.upstreams ?? [];
const hostsOf = (home: TempHome, name: string) =>
  upstreamsOf(home, name).map(({ base_url }) => new URL(base_url).hostname);

describe("config add", () => {
  test("makes the first config active, writes a private file, and names the next command", async () => {
    using home = makeTempHome();
    const result = await config(
      home,
      "add main --base-url https://one.example/v1/ --auth-token-env ONE_KEY --alias Main",
      {
        env: { ONE_KEY: "x" },
      },
    );
    expect(result).toEqual({
      code: 0,
      stdout: "",
      stderr: "Codex: added main#1, the active config\n  ch serve\n  ch config test main#1\n",
    });
    expect(readConfig(home).codex.active).toBe("main");
    expect(upstreamsOf(home, "main")).toEqual([
      { base_url: "https://one.example/v1", auth: { auth_token_env: "ONE_KEY" } },
    ]);
    expect(statSync(home.paths.config).mode & 0o777).toBe(0o600);
  });

  test("adds later configs without making them active", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    const { stderr } = await config(home, "add third --base-url https://x.example");
    expect(stderr).toContain("ch config set-active third");
    expect(readConfig(home).codex.active).toBe("main");
  });

  test("takes a key from standard input, in either header", async () => {
    using home = makeTempHome();
    await config(home, "add a --base-url https://a.example --auth-token-stdin", { stdin: `${SECRET}\n` });
    await config(home, "add b --base-url https://b.example --api-key-stdin --claude", { stdin: SECRET });
    expect(upstreamsOf(home, "a")[0]?.auth).toEqual({ auth_token: SECRET });
    expect(readConfig(home).claude.configs.get("b")?.entry.upstreams[0]?.auth).toEqual({ api_key: SECRET });
    const empty = await config(home, "add c --base-url https://c.example --auth-token-stdin", {
      stdin: " \n",
    });
    expect(empty).toMatchObject({
      code: 1,
      stderr:
        "error: --auth-token-stdin: standard input is empty\n" +
        "  pass the key on standard input: ch config add c --base-url URL --auth-token-stdin < FILE\n",
    });
  });

  test("warns about a key on the command line and names the ways around it, without repeating it", async () => {
    using home = makeTempHome();
    const { code, stderr } = await config(home, `add a --base-url https://a.example --auth-token ${SECRET}`);
    expect(code).toBe(0);
    expect(stderr).toContain("--auth-token-env NAME or --auth-token-stdin");
    expect(stderr).not.toContain(SECRET);
    expect(upstreamsOf(home, "a")[0]?.auth).toEqual({ auth_token: SECRET });
  });

  test("warns about a variable that is not set, and finds it in Codex's own auth.json", async () => {
    using home = makeTempHome();
    home.write(".codex/auth.json", { OPENAI_API_KEY: "sk-1" });
    const missing = await config(home, "add a --base-url https://a.example --auth-token-env NOT_SET");
    expect(missing.stderr).toContain("the variable NOT_SET is not set here");
    const found = await config(home, "add b --base-url https://b.example --auth-token-env OPENAI_API_KEY");
    expect(found.stderr).not.toContain("not set");
  });

  test("appends backups, from flags or from another config", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    expect((await config(home, "add spare --append --base-url https://four.example")).stderr).toContain(
      "added spare#2",
    );
    expect((await config(home, "add spare --append --from-config main#2")).stderr).toContain("added spare#3");
    expect(hostsOf(home, "spare")).toEqual(["three.example", "four.example", "two.example"]);
    expect((await config(home, "add copy --from-config main")).stderr).toContain("added copy#1, copy#2");
    expect(upstreamsOf(home, "copy")).toEqual(upstreamsOf(home, "main"));
  });

  test("refuses to overwrite, unless forced", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    const before = readFileSync(home.paths.config, "utf8");
    expect(await config(home, "add spare --base-url https://x.example")).toMatchObject({
      code: 1,
      stderr:
        'error: the config "spare" already exists\n  --append adds a backup upstream to it, --force replaces it\n',
    });
    expect(readFileSync(home.paths.config, "utf8")).toBe(before);
    expect((await config(home, "add spare --base-url https://x.example --force")).code).toBe(0);
    expect(hostsOf(home, "spare")).toEqual(["x.example"]);
  });

  test.each([
    ["add a", "--base-url is missing"],
    ["add a --base-url relay.example", "--base-url must begin with https://"],
    [
      "add a --base-url https://k@a.example",
      "--base-url must not contain a user name or password: put the key into `auth`\n" +
        "  ch config add a --base-url https://a.example --auth-token-stdin",
    ],
    [
      "add a --append --base-url https://a.example/v1/responses --api-key-env A_KEY",
      "--base-url ends in /responses, which every request adds by itself\n" +
        "  ch config add a --append --base-url https://a.example/v1 --api-key-env A_KEY",
    ],
    [
      "add a --base-url https://a.example/console/token",
      "--base-url ends in the path of a web page (/console/token), not of an API\n" +
        "  ch config add a --base-url https://a.example",
    ],
    [
      "add a --base-url https://a.example/v1/v1 --auth-token-env K",
      "--base-url ends in /v1 twice\n  ch config add a --base-url https://a.example/v1 --auth-token-env K",
    ],
    ["add a#2 --base-url https://a.example", '"a#2" is an upstream, but a config is needed here: a'],
    [
      "add __proto__ --base-url https://a.example",
      '"__proto__" is not the name of a config or of an upstream',
    ],
    [
      "add a --base-url https://a.example --api-key x --auth-token-env Y",
      "--auth-token-env and --api-key cannot be used together",
    ],
    [
      "add a --base-url https://a.example --auth-token-env A-B",
      "--auth-token-env is not the name of a variable",
    ],
    ["add a --base-url https://a.example --append --force", "--append and --force cannot be used together"],
    [
      "add a --base-url https://a.example --from-config b",
      "--from-config copies address and key: do not use it with the other flags",
    ],
  ])("%s is wrong usage", async (args, message) => {
    using home = makeTempHome();
    const { code, stderr } = await configHere(home, args);
    expect(stderr).toStartWith(`error: ${message}\n`);
    expect(code).toBe(2);
    expect(existsSync(home.paths.config)).toBe(false);
  });
});

describe("config list and show", () => {
  test("list names configs, the active one, and the hosts in order", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    const { code, stdout, stderr } = await config(home, "list");
    expect(stdout).toBe(
      [
        "   NAME   ALIAS  UPSTREAMS",
        "*  main   Main   one.example, two.example",
        "   spare         three.example",
        "",
      ].join("\n"),
    );
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("without a config the line to type is on stderr, and stdout is empty", async () => {
    using home = makeTempHome();
    expect(await config(home, "list --claude")).toEqual({
      code: 0,
      stdout: "",
      stderr:
        "no upstream is configured for Claude Code\n  ch config add main --base-url URL --auth-token-env NAME --claude\n",
    });
    expect((await config(home, "show")).code).toBe(1);
  });

  test("a config that cannot be used is listed, with the reason", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO.replace("https://three.example", "three.example"));
    const { stdout, stderr } = await config(home, "list");
    expect(stdout).toContain("spare         cannot be used");
    expect(stderr).toContain(
      "config.json:10:46: codex.configs.spare.upstreams[0].base_url: must begin with https://",
    );
  });

  test("--json has stable names and no secret", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    const { stdout } = await config(home, "list --json", { env: { TWO_KEY: `${SECRET}-two` } });
    expect(stdout).not.toContain(SECRET);
    expect(JSON.parse(stdout)).toMatchObject({
      path: home.paths.config,
      service: "codex",
      active: "main",
      configs: [
        {
          name: "main",
          alias: "Main",
          is_active: true,
          on_exhausted: "continue",
          problem: null,
          upstreams: [
            {
              target: "main#1",
              base_url: "https://one.example/v1",
              credential: { kind: "bearer", variable: null, is_set: true, masked: "sk-0…cdef" },
              enabled: true,
            },
            {
              target: "main#2",
              credential: { kind: "bearer", variable: "TWO_KEY", is_set: true, masked: "sk-0…-two" },
              headers: { "x-key": "sk-0…cdef" },
              proxy: "http://…@proxy:1",
            },
          ],
        },
        { name: "spare", is_active: false },
      ],
      warnings: [],
    });
  });

  test("show tells everything about a config or one upstream, and no secret", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    const whole = await config(home, "show");
    expect(whole.stdout).toStartWith("main  Main  active\nmain#1  https://one.example/v1\n");
    expect(whole.stdout).toContain("bearer token sk-0…cdef\n");
    expect(whole.stdout).toContain("bearer token from TWO_KEY, which is not set\n");
    const one = await config(home, "show main#2 --json");
    expect(JSON.parse(one.stdout)).toMatchObject({ target: "main#2", base_url: "https://two.example/v1" });
    expect(whole.stdout + one.stdout).not.toContain(SECRET);
  });

  test("an unknown name gets near names, an unknown number the range", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    expect(await config(home, "show mian")).toEqual({
      code: 1,
      stdout: "",
      stderr: 'error: Codex has no config "mian"\n  did you mean "main"?\n  ch config list\n',
    });
    expect((await config(home, "show main --claude")).stderr).toContain(
      "Codex has a config of that name: --codex",
    );
    expect(await config(home, "show main#3")).toMatchObject({
      code: 1,
      stderr: 'error: "main" has 2 upstreams; there is no number 3\n  ch config show main\n',
    });
  });
});

describe("the commands that change what is there", () => {
  test("each does its part, keeps the comments, and keeps the version before", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    const run = async (args: string): Promise<string> => {
      const { code, stderr } = await config(home, args);
      expect(code).toBe(0);
      return stderr;
    };
    expect(await run("move main#2 --to 1")).toBe("main#2 is now main#1\n");
    expect(hostsOf(home, "main")).toEqual(["two.example", "one.example"]);
    expect(await run("disable main#1 --until tomorrow")).toMatch(
      /^main#1 is disabled until tomorrow 00:00\n$/,
    );
    expect(upstreamsOf(home, "main")[0]?.disabled_until).toEndWith("T00:00:00+00:00");
    await run("disable spare");
    expect(upstreamsOf(home, "spare")[0]?.enabled).toBe(false);
    await run("enable main");
    expect(upstreamsOf(home, "main")[0]?.disabled_until).toBeUndefined();
    await run("rename main work");
    expect(await run("set-active spare")).toBe("Codex uses spare from the next request on\n");
    expect(await run("remove work#2")).toContain(
      "removed work#2; a backup of the file is in ~/.codex-helper/backups",
    );
    expect(hostsOf(home, "work")).toEqual(["two.example"]);
    expect(await run("remove spare")).toContain(
      '"work" is the only config left, and in use now\n  ch serve\n',
    );
    expect(readConfig(home).codex).toMatchObject({ active: null });
    const text = readFileSync(home.paths.config, "utf8");
    expect(text).toContain("// my relays");
    expect(text).toContain("// fast");
    expect(readdirSync(home.paths.backups)).toHaveLength(5);
  });

  test.each([
    ["move main --to 1", 2, '"main" is a config, but one of its upstreams is needed here: main#1'],
    ["move main#1", 2, "--to is missing\n  ch config move main#1 --to 1\n"],
    ["move main#1 --to 0", 2, "--to takes a number from 1 to 64"],
    [
      "move main#1 --to 3",
      1,
      '"main" has no position 3: the last one is 2\n  ch config move main#1 --to 2\n',
    ],
    ["rename main main", 1, 'it is already named "main"\n  ch config rename main NEW-NAME\n'],
    ["remove spare#1", 1, "spare#1 is the only upstream of its config"],
    ["rename main spare", 1, 'the config "spare" already exists'],
    ["set-active main#1", 2, '"main#1" is an upstream, but a config is needed here: main'],
    ["set-active gone", 1, 'Codex has no config "gone"'],
    ["disable main --until yesterday", 2, '--until takes a time, not "yesterday"'],
    ["enable main#x", 2, '"main#x" is not the name of a config or of an upstream'],
  ])("%s is refused and changes nothing", async (args, code, message) => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    const result = await configHere(home, args);
    expect(result.stderr).toStartWith(`error: ${message}`);
    expect(result.code).toBe(code);
    expect(readFileSync(home.paths.config, "utf8")).toBe(TWO);
  });

  test("disabling the last upstream of the active config warns, and says how to take it back", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    expect((await config(home, "disable main#1")).stderr).toBe("main#1 is disabled\n");
    const words = "the active config has no enabled upstream left: Codex's requests will fail";
    expect((await config(home, "disable main#2 --until 2h")).stderr).toContain(
      `warning: ${words}\n  ch config enable main#2\n`,
    );
    await config(home, "enable main");
    expect((await config(home, "disable main")).stderr).toContain("ch config enable main\n");
    expect((await config(home, "disable spare")).stderr).toBe("spare is disabled\n");
  });

  test("a list says in a few words until when an upstream is out", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    await config(home, "disable main#2 --until 2099-12-01T09:00");
    expect((await config(home, "list")).stdout).toContain("two.example (disabled until 2099-12-01)\n");
    expect((await config(home, "show")).stdout).toContain("disabled until 2099-12-01\n");
  });

  test("a file that does not parse is left alone, and its place named", async () => {
    using home = makeTempHome();
    home.write(FILE, '{\n  "codex": {');
    const result = await config(home, "add a --base-url https://a.example");
    expect(result).toMatchObject({
      code: 1,
      stderr: `error: ~/.codex-helper/config.json:2:13: missing "}"\n  ch config edit\n`,
    });
    expect(readFileSync(home.paths.config, "utf8")).toBe('{\n  "codex": {');
  });
});

test("export of no config is an empty file", async () => {
  using home = makeTempHome();
  expect(await config(home, "export")).toMatchObject({ code: 0, stdout: "{}\n" });
});

describe("config edit and path", () => {
  const editor = (home: TempHome, script: string) => {
    const path = home.write("editor.sh", `#!/bin/sh\n${script}\n`);
    return { env: { EDITOR: `sh '${path}' --wait` } };
  };

  test("path prints the path and nothing else", async () => {
    using home = makeTempHome();
    expect(await config(home, "path")).toEqual({ code: 0, stdout: `${home.paths.config}\n`, stderr: "" });
  });

  test("edit opens a new file, and says when it is valid", async () => {
    using home = makeTempHome();
    const result = await config(home, "edit", editor(home, 'test "$1" = --wait && grep -q version "$2"'));
    expect(result).toEqual({ code: 0, stdout: "", stderr: "~/.codex-helper/config.json is valid\n" });
  });

  test("edit names the mistake that was made, keeps the version before, and mends it the same way", async () => {
    using home = makeTempHome();
    home.write(FILE, TWO);
    const broken = await config(home, "edit", editor(home, 'printf "{" > "$2"'));
    expect(broken).toMatchObject({
      code: 1,
      stderr: `error: ~/.codex-helper/config.json:1:2: missing "}"\n  ch config edit\n`,
    });
    const [kept = ""] = readdirSync(home.paths.backups);
    expect(readFileSync(join(home.paths.backups, kept), "utf8")).toBe(TWO);
    expect((await config(home, "edit", editor(home, 'printf "{}" > "$2"'))).code).toBe(0);
  });

  test("an editor that fails is an error", async () => {
    using home = makeTempHome();
    const result = await config(home, "edit", { env: { EDITOR: "false" } });
    expect(result).toMatchObject({
      code: 1,
      stderr: 'error: the editor "false" exited with code 1\n  set VISUAL or EDITOR: export EDITOR=nano\n',
    });
  });

  test("an editor that is not there is one, too", async () => {
    using home = makeTempHome();
    const result = await config(home, "edit", { env: { VISUAL: "none-such --wait" } });
    expect(result.code).toBe(1);
    expect(result.stderr).toEndWith(
      'error: the editor "none-such --wait" was not found\n  set VISUAL or EDITOR: export EDITOR=nano\n',
    );
  });
});

test("add takes how long a command's key is used, before the command", async () => {
  using home = makeTempHome();
  const base = "add main --base-url https://one.example/v1";
  const ttl = await config(home, `${base} --command-ttl 600 --auth-token-command -- /bin/echo key`);
  expect(ttl.code).toBe(0);
  const { auth } = JSON.parse(readFileSync(join(home.path, FILE), "utf8")).codex.configs.main.upstreams[0];
  expect(auth).toEqual({ auth_token_command: ["/bin/echo", "key"], command_ttl_secs: 600 });
  for (const [flags, words] of [
    ["--command-ttl 0 --auth-token-command -- /bin/echo", "--command-ttl takes a number from 1 to 2592000"],
    ["--command-ttl soon --api-key-command -- /bin/echo", "--command-ttl takes a number"],
    ["--command-ttl 600 --auth-token-env K", "--command-ttl is for the key of a command"],
    ["--command-ttl 600", "--command-ttl is for the key of a command"],
  ] as const) {
    const { code, stderr } = await configHere(home, `${base.replace("main", "b")} ${flags}`);
    expect({ flags, code, stderr }).toEqual({ flags, code: 2, stderr: expect.stringContaining(words) });
  }
});
