import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PROGRAM, runCli } from "../../../helpers/cli.ts";
import { runInProcess } from "../../../helpers/in-process-cli.ts";
import { runAtTerminal } from "../../../helpers/pseudo-terminal.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";

const KEY = "sk-literal-key-0123456789";
const OWN_KEY = "sk-key-of-the-other-9876543210";
const VALUE = "value-of-a-variable-0123456789";
let laptop: TempHome;
let desktop: TempHome;
let folder: string;

beforeEach(() => {
  laptop = makeTempHome({ A_KEY: VALUE });
  desktop = makeTempHome();
  folder = join(laptop.path, "shared");
  mkdirSync(folder);
  laptop.write(".codex-helper/config.json", {
    version: 1,
    hooks: { on_event: "run-me" },
    codex: {
      active: "main",
      configs: {
        main: {
          alias: "monthly",
          upstreams: [
            { base_url: "https://a.example/v1", auth: { auth_token_env: "A_KEY" } },
            { base_url: "https://b.example/v1", auth: { auth_token: KEY }, headers: { "x-team": KEY } },
          ],
        },
      },
    },
  });
});
afterEach(() => {
  laptop[Symbol.dispose]();
  desktop[Symbol.dispose]();
});

const run = (home: TempHome, ...args: string[]) => runInProcess(["config", ...args], home.env);
const sync = (home: TempHome, ...args: string[]) => run(home, "sync", folder, ...args);
const readConfig = (home: TempHome) => JSON.parse(readFileSync(home.paths.config, "utf8"));
const listFiles = (): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const fileOf = (home: TempHome): string => {
  const { id } = JSON.parse(readFileSync(home.paths.sync, "utf8")).folders[0].machine;
  return listFiles().find((path) => path.includes(id) && path.includes("main")) ?? "";
};
/** Both know main. */
async function meet(): Promise<void> {
  await sync(laptop);
  await sync(desktop);
  await sync(laptop);
}

describe("a first sync", () => {
  test("brings the configs without a key, and says what each machine has to do", async () => {
    const first = await sync(laptop);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).toContain("main#2 auth_token, headers.x-team");
    const second = await sync(desktop);
    expect(second.code).toBe(0);
    expect(second.stdout).toContain("new: a.example, b.example");
    expect(second.stderr).toContain(
      "main#2 (b.example) needs its key\n  ch config set main#2 --auth-token-stdin\n",
    );
    expect(second.stderr).toContain("ch config set-active main\n");
    expect(readConfig(desktop)).toEqual({
      version: 1,
      codex: {
        configs: {
          main: {
            alias: "monthly",
            needs_activation: true,
            upstreams: [
              { base_url: "https://a.example/v1", auth: { auth_token_env: "A_KEY" } },
              { base_url: "https://b.example/v1" },
            ],
          },
        },
      },
    });
    const all = listFiles()
      .map((path) => readFileSync(path, "utf8"))
      .join();
    expect(all).not.toMatch(/sk-|value-of|run-me/);
    expect(listFiles()).toHaveLength(4);
    if (process.platform !== "win32")
      for (const path of listFiles()) expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("with --dry-run says the same, and writes nothing", async () => {
    await sync(laptop);
    const before = listFiles();
    const { code, stdout } = await sync(desktop, "--dry-run");
    expect({ code, files: listFiles() }).toEqual({ code: 0, files: before });
    expect(stdout).toContain("new: a.example, b.example");
    expect([desktop.paths.config, desktop.paths.sync].filter((path) => existsSync(path))).toEqual([]);
  });

  test("a second one changes no file of the folder", async () => {
    await meet();
    const before = listFiles().map((path) => [path, readFileSync(path, "utf8")]);
    await sync(desktop);
    await sync(laptop);
    expect(listFiles().map((path) => [path, readFileSync(path, "utf8")])).toEqual(before);
  });
});

describe("what waits", () => {
  test("is told with the lines to type, which settle it", async () => {
    await meet();
    await run(laptop, "set", "main", "--alias", "yearly");
    await run(desktop, "set", "main", "--alias", "weekly");
    await sync(laptop);
    const told = await sync(desktop);
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(/Conflict {2}main\.alias\n {2}here\s+weekly\n {2}\S+\s+yearly\n/);
    expect(told.stdout).toContain(`  ch config sync ${folder} main.alias --take theirs\n`);
    expect((await sync(desktop, "main.alias", "--take", "theirs")).code).toBe(0);
    expect(readConfig(desktop).codex.configs.main.alias).toBe("yearly");
    expect((await sync(laptop)).code).toBe(0);
  });

  test("another address leaves the key with its own relay until it was seen and accepted", async () => {
    await meet();
    await run(desktop, "set", "main#2", "--auth-token", OWN_KEY);
    await run(laptop, "set", "main#2", "--base-url", "https://evil.example/v1");
    await sync(laptop);
    // What was never shown is shown first.
    const early = await sync(desktop, "--accept");
    expect(early.code).toBe(1);
    expect(early.stderr).toContain("shown for the first time: main#2.base_url");
    expect(early.stdout).toContain("https://evil.example/v1\n  its key would go to evil.example\n");
    expect(readConfig(desktop).codex.configs.main.upstreams[1].base_url).toBe("https://b.example/v1");
    expect((await sync(desktop, "main#2.base_url", "--accept")).code).toBe(0);
    expect(readConfig(desktop).codex.configs.main.upstreams[1]).toEqual({
      base_url: "https://evil.example/v1",
      auth: { auth_token: OWN_KEY },
    });
  });

  test.each([
    [
      "a new upstream in a config",
      "ch-",
      { path: "upstreams/00000000-1", below: { base_url: "https://e.example/v1" } },
    ],
    [
      "another source of the key",
      "main#1.auth",
      { path: null, below: { auth: { auth_token_env: "OTHER" } } },
    ],
    ["a command", "--allow-commands", { path: null, below: { auth: { auth_token_command: ["evil"] } } }],
    ["headers that it would see", "headers_allowed", { path: null, below: { headers_allowed: ["cookie"] } }],
    [
      "less privacy",
      "privacy.strip_workspaces",
      { path: null, below: { "privacy/strip_workspaces": false } },
    ],
    ["spending that counts for nothing", "cost_multiplier", { path: null, below: { cost_multiplier: 0 } }],
  ])("whoever writes to the folder cannot slip in %s", async (_name, word, { below, path }) => {
    await meet();
    const before = readConfig(desktop);
    const file = fileOf(laptop);
    const content = JSON.parse(readFileSync(file, "utf8"));
    const first = Object.keys(content.fields).find((one) => one.endsWith("/auth")) ?? "";
    const place = path ?? first.replace(/\/auth$/, "");
    const seen = { [content.machine.id]: content.counter + 1, deadbeef: 9 };
    if (path !== null) content.fields[path] = { value: true, seen };
    for (const [key, value] of Object.entries(below)) content.fields[`${place}/${key}`] = { value, seen };
    writeFileSync(file, JSON.stringify(content));
    const { code, stdout } = await sync(desktop);
    expect({ code, config: readConfig(desktop) }).toEqual({ code: 1, config: before });
    expect(stdout).toContain(word);
  });

  test("nor hooks, walls, another active config, or what is no config", async () => {
    await meet();
    const before = readFileSync(desktop.paths.config, "utf8");
    for (const path of listFiles().filter((one) => !one.includes(fileOf(desktop)))) {
      const content = JSON.parse(readFileSync(path, "utf8"));
      const seen = { [content.machine.id]: content.counter + 1 };
      for (const key of [
        "hooks/on_event",
        "notify",
        "share/url",
        "filter",
        "projects",
        "active",
        "needs_activation",
        "proxy",
      ])
        content.fields[key] = { value: "evil", seen };
      content.fields["routing/open_secs"] = { value: "not a number", seen };
      if (!path.includes(desktop.path)) writeFileSync(path, JSON.stringify(content));
    }
    await sync(desktop);
    expect(readFileSync(desktop.paths.config, "utf8")).toBe(before);
  });

  test("a choice of what does not wait is an error that names what does", async () => {
    await meet();
    expect(await sync(desktop, "--take", "mine")).toMatchObject({ code: 1 });
    const { stderr } = await sync(desktop, "main.alias", "--accept");
    expect(stderr).toContain("nothing waits for that at main.alias");
    expect((await sync(desktop, "main.alias")).code).toBe(2);
  });
});

describe("a folder", () => {
  test("may hold what services leave there, and halves of files", async () => {
    await sync(laptop);
    const file = fileOf(laptop);
    const text = readFileSync(file, "utf8");
    writeFileSync(file.replace(".json", ".sync-conflict-20261130-101112-ABCDEFG.json"), text);
    writeFileSync(join(file, "..", "codex.half.00000000.json"), text.slice(0, 300));
    writeFileSync(join(file, "..", ".codex.far.00000000.json.icloud"), "");
    writeFileSync(join(file, "..", "codex.new.00000000.json"), text.replace('"format": 1', '"format": 2'));
    writeFileSync(file, text.replaceAll("\n", "\r\n"));
    mkdirSync(join(folder, ".git"));
    mkdirSync(join(folder, ".stversions"));
    cpSync(join(file, ".."), join(folder, ".stversions", "ch-old"), { recursive: true });
    writeFileSync(join(folder, "notes.json"), "{}");
    const { code, stderr, stdout } = await sync(desktop);
    expect(code).toBe(0);
    expect(stdout.match(/new: /g)).toHaveLength(1);
    expect(stderr).toContain("codex.half.00000000.json cannot be read, or only a part of it is there yet");
    expect(stderr).toContain("files that are not downloaded yet: 1");
    expect(stderr).toContain("codex.new.00000000.json was written by a newer version");
  });

  test("that is missing is not made, and one with our keys is refused", async () => {
    const missing = join(laptop.path, "not-mounted");
    expect((await run(laptop, "sync", missing)).stderr).toContain(`mkdir -p ${missing}`);
    expect((await run(laptop, "sync", laptop.paths.home)).code).toBe(1);
    expect((await run(laptop, "sync", laptop.path)).stderr).toContain("your keys are there");
  });

  test("that takes no writes does not hide what came from it", async () => {
    await meet();
    await run(laptop, "set", "main", "--alias", "yearly");
    await sync(laptop);
    const own = fileOf(desktop);
    renameSync(own, `${own}.old`);
    mkdirSync(own);
    const { code, stderr, stdout } = await sync(desktop);
    expect(code).toBe(1);
    expect(stdout).toContain("monthly -> yearly");
    expect(stderr).toContain("is something else than this machine wrote there");
    expect(readConfig(desktop).codex.configs.main.alias).toBe("yearly");
  });

  test("cannot lead our writes elsewhere by a link", async () => {
    await sync(laptop);
    const file = fileOf(laptop);
    const target = laptop.write("victim", "precious");
    renameSync(file, `${file}.old`);
    symlinkSync(target, file);
    const { code, stderr } = await sync(laptop);
    expect(code).toBe(1);
    expect(stderr).toContain("is something else than this machine wrote there");
    expect(readFileSync(target, "utf8")).toBe("precious");
  });

  test("may be moved: a machine is known by what it wrote", async () => {
    await meet();
    const moved = join(desktop.path, "moved");
    cpSync(folder, moved, { recursive: true });
    await run(desktop, "sync", moved);
    expect(readdirSync(moved)).toHaveLength(2);
  });

  test("a config that is renamed gets a file of its new name, and a removed one stays told", async () => {
    await meet();
    await run(laptop, "rename", "main", "work");
    await sync(laptop);
    await sync(desktop);
    expect(Object.keys(readConfig(desktop).codex.configs)).toEqual(["work"]);
    expect(listFiles().filter((path) => path.includes("codex.main"))).toEqual([]);
  });
});

test("a key's variable is not for another host because the config that used it was removed before", async () => {
  await run(laptop, "add", "spare", "--base-url", "https://s.example/v1", "--auth-token-env", "S_KEY");
  await meet();
  await run(laptop, "remove", "spare");
  await sync(laptop);
  expect((await sync(desktop)).code).toBe(0);
  expect(Object.keys(readConfig(desktop).codex.configs)).toEqual(["main"]);
  await run(laptop, "add", "spare", "--base-url", "https://evil.example/v1", "--auth-token-env", "S_KEY");
  await sync(laptop);
  const { code, stdout } = await sync(desktop);
  expect({ code, spare: readConfig(desktop).codex.configs.spare.upstreams }).toEqual({
    code: 1,
    spare: [{ base_url: "https://evil.example/v1" }],
  });
  expect(stdout).toContain(
    "spare#1 would send the variable S_KEY to evil.example: here it goes to s.example",
  );
});

test("a home from a backup, or a copy of another, is another machine: nothing is overwritten in silence", async () => {
  await meet();
  const backup = readFileSync(laptop.paths.sync, "utf8");
  const config = readFileSync(laptop.paths.config, "utf8");
  await run(laptop, "set", "main", "--alias", "yearly");
  await sync(laptop);
  await sync(desktop);
  writeFileSync(laptop.paths.sync, backup);
  writeFileSync(laptop.paths.config, config);
  const { code, stderr, stdout } = await sync(laptop);
  expect(code).toBe(1);
  expect(stderr).toContain("another machine wrote as this one, or this home is from a backup");
  expect(stdout).toContain("Conflict  main.alias");
  expect(readConfig(desktop).codex.configs.main.alias).toBe("yearly");
});

test("two machines may write at once", async () => {
  await meet();
  await run(laptop, "set", "main#1", "--json", "max_concurrent=2");
  await run(desktop, "set", "main#1", "--json", "timeouts.idle_secs=60");
  const both = await Promise.all(
    [laptop, desktop].map((home) => runCli(["config", "sync", folder], { home })),
  );
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  for (const home of [laptop, desktop, laptop]) await sync(home);
  const wanted = { max_concurrent: 2, timeouts: { idle_secs: 60 } };
  for (const home of [laptop, desktop])
    expect(readConfig(home).codex.configs.main.upstreams[0]).toMatchObject(wanted);
});

test("comments and what belongs to the machine stay, and the walls of projects follow a rename", async () => {
  await meet();
  writeFileSync(
    desktop.paths.config,
    `{ // mine
  "version": 1,
  "projects": { "~/work/**": { "allow": ["main#1"] } },
  "codex": { "active": "main", "configs": { "main": {
    /* the first */ "alias": "monthly",
    "upstreams": [
      { "base_url": "https://a.example/v1", "auth": { "auth_token_env": "A_KEY" }, "proxy": "http://p:1" },
      { "base_url": "https://b.example/v1", "auth": { "auth_token": "${OWN_KEY}" } } // key
    ] } } }
}`,
  );
  await run(laptop, "rename", "main", "work");
  await run(laptop, "move", "work#2", "--to", "1");
  await run(laptop, "set", "work", "--alias", "yearly");
  await sync(laptop);
  expect(await sync(desktop)).toMatchObject({ code: 0 });
  const text = readFileSync(desktop.paths.config, "utf8");
  for (const part of [
    "// mine",
    "/* the first */",
    "// key",
    '"work#2"',
    '"active": "work"',
    OWN_KEY,
    "http://p:1",
  ])
    expect(text).toContain(part);
});

test("the history of all machines is there, and --json says everything for scripts", async () => {
  await meet();
  await run(desktop, "set", "main", "--alias", "yearly");
  const { stdout } = await sync(desktop, "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    dry_run: false,
    sent: [{ service: "codex", field: "main.alias", before: "monthly", after: "yearly" }],
    taken: [],
    conflicts: [],
    held: [],
    needs: [{ name: "main#2", host: "b.example", keys: ["auth.auth_token", "headers.x-team"] }],
  });
  const history = await sync(laptop, "main", "--history");
  expect(history.stdout).toMatch(/main {8}-|main\.alias\s+monthly\s+yearly/);
});

test("a screen fits 80 columns, also in Chinese, and 140 show more", async () => {
  await meet();
  const long = "一个很长的名字".repeat(12);
  await run(laptop, "set", "main", "--alias", long);
  await run(desktop, "set", "main", "--alias", `${long}二`);
  await run(laptop, "set", "main#1", "--base-url", `https://a.example/${"long/".repeat(20)}v1`);
  await sync(laptop);
  for (const columns of [80, 140]) {
    const { screen } = await runAtTerminal([...PROGRAM, "config", "sync", folder, "--dry-run"], {
      home: desktop,
      columns,
      env: { CODEX_HELPER_LANG: "zh" },
    });
    const lines = Bun.stripANSI(screen).split(/\r?\n/);
    expect(
      lines.filter((line) => Bun.stringWidth(line) > columns && !line.includes("ch config sync")),
    ).toEqual([]);
    expect(screen).toContain("冲突");
    expect(screen).toContain("等待确认");
  }
});
