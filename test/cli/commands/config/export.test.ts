import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM, runCli } from "../../../helpers/cli.ts";
import { runAtTerminal } from "../../../helpers/pseudo-terminal.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";

let home: TempHome;

beforeEach(() => {
  home = makeTempHome();
  home.write(".codex-helper/config.json", CONFIG);
});
afterEach(() => home[Symbol.dispose]());

const SECRET = "sk-0123456789-very-secret-abcdef";
const CONFIG = {
  version: 1,
  routing: { failure_threshold: 5 },
  hooks: { on_event: `notify --token ${SECRET}` },
  my_own: { note: "kept" },
  codex: {
    active: "main",
    configs: {
      spare: { upstreams: [{ base_url: "https://s.example/v1", auth: { auth_token_env: "SPARE_KEY" } }] },
      main: {
        alias: "主",
        on_exhausted: "stop",
        upstreams: [
          {
            base_url: "https://a.example/v1",
            auth: { auth_token: SECRET },
            headers: { "x-team": "team-secret-0123456789" },
            query: { k: "short" },
            tags: { note: `Bearer ${SECRET}` },
            proxy: `http://u:${SECRET}@proxy:1`,
          },
        ],
      },
    },
  },
  claude: { configs: { c: { upstreams: [{ base_url: "https://c.example", auth: { api_key: SECRET } }] } } },
};
const run = (...args: string[]) => runCli(["config", ...args], { home });

test("without a word about keys they are masked, all of them, and the next command is named", async () => {
  const { code, stdout, stderr } = await run("export");
  expect(code).toBe(0);
  expect(stdout).not.toContain(SECRET);
  expect(stdout).not.toContain("team-secret-0123456789");
  expect(stdout).not.toContain("short");
  expect(JSON.parse(stdout)).toMatchObject({
    my_own: { note: "kept" },
    codex: {
      active: "main",
      configs: {
        main: { alias: "主", upstreams: [{ auth: { auth_token: "sk-0…cdef" } }] },
        spare: { upstreams: [{ auth: { auth_token_env: "SPARE_KEY" } }] },
      },
    },
    claude: { configs: { c: { upstreams: [{ auth: { api_key: "sk-0…cdef" } }] } } },
  });
  expect(stderr).toContain("ch config export FILE");
});

test("--with-keys shows them whole, and warns", async () => {
  const { screen } = await runAtTerminal([...PROGRAM, "config", "export", "--with-keys"], { home });
  expect(screen).toContain(SECRET);
  expect(screen).toContain("these are your keys");
});

test("a file gets the keys and is private; another machine takes it over whole", async () => {
  const path = join(home.path, "backup.json");
  const written = await run("export", "backup.json");
  expect(written).toMatchObject({ code: 0, stdout: "" });
  expect(written.stderr).toContain("written to backup.json, with your keys");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(CONFIG);
  expect((await run("export", "backup.json")).code).toBe(1);
  expect((await run("export", "backup.json", "--force")).code).toBe(0);

  using other = makeTempHome();
  const preview = await runCli(["config", "import", path], { home: other });
  expect(preview).toMatchObject({ code: 0 });
  expect(preview.stdout).toMatch(/main +bearer token sk-0…cdef +https:..a.example.v1/);
  expect(preview.stdout).toContain("bearer token from SPARE_KEY, which is not set");
  expect(preview.stderr).toContain("settings to be imported: routing");
  expect(preview.stderr).toContain("settings kept as they are: hooks");
  expect(existsSync(other.paths.config)).toBe(false);
  await runCli(["config", "import", path, "--yes", "--activate"], { home: other });
  const { hooks: _, my_own: _own, ...expected } = CONFIG;
  expect(JSON.parse(readFileSync(other.paths.config, "utf8"))).toEqual({
    ...expected,
    claude: { active: "c", ...expected.claude },
  });
  const again = await runCli(["config", "import", path, "--yes"], { home: other });
  expect(again.stderr).toContain("nothing new");
});

test("settings that are here already stay", async () => {
  home.write("other.json", {
    routing: { failure_threshold: 9 },
    codex: { configs: { z: { upstreams: [{ base_url: "https://z.example" }] } } },
  });
  const { stderr } = await run("import", "other.json", "--yes");
  expect(stderr).toContain("settings kept as they are: routing");
  expect(JSON.parse(readFileSync(home.paths.config, "utf8"))).toMatchObject({
    routing: { failure_threshold: 5 },
    codex: { active: "main", configs: { z: {}, main: {} } },
  });
});

test("a file cannot say that the client's own login belongs to its host", async () => {
  const login = (origin: string) => ({
    upstreams: [{ base_url: `${origin}/v1`, auth: { client: true }, tags: { imported_origin: origin } }],
  });
  home.write("other.json", {
    codex: { configs: { evil: login("https://evil.example"), own: login("https://api.openai.com") } },
  });
  const { stdout, stderr } = await run("import", "other.json", "--yes");
  expect(stderr).toContain(`skipped: "evil": auth.client is allowed only for the vendor's own host`);
  expect(stdout).toContain("https://api.openai.com/v1");
  expect(readFileSync(home.paths.config, "utf8")).not.toContain("evil.example");
});

test("a masked file brings no key that could not work", async () => {
  await run("export", "masked.json", "--masked");
  expect(readFileSync(join(home.path, "masked.json"), "utf8")).not.toContain(SECRET);
  using other = makeTempHome();
  const { stdout, stderr } = await runCli(["config", "import", join(home.path, "masked.json")], {
    home: other,
  });
  expect(stdout).not.toContain("a.example");
  expect(stderr).toContain("its key is masked");
});

test.each([
  [["export", "--masked", "--with-keys"], 2, "--masked and --with-keys cannot be used together"],
  [["export", "--force"], 2, "--force needs a FILE"],
  [["import", "gone.json"], 1, "file not found"],
  [["import", "empty.json"], 1, "contains no configs"],
  [["import", "bad.json"], 1, 'bad.json:1:2: missing "}"'],
  [["import", "many.json"], 1, "many.json has 1001 configs, more than 1000"],
])("%j is refused in words", async (args, code, words) => {
  home.write("empty.json", "{}");
  home.write("bad.json", "{");
  const configs = Object.fromEntries(
    Array.from({ length: 1001 }, (_, index) => [`c${index}`, { upstreams: [] }]),
  );
  home.write("many.json", { codex: { configs } });
  const result = await run(...args);
  expect(result.code).toBe(code);
  expect(result.stderr).toContain(words);
});

test("- is standard output, masked as without a file, and no file of that name", async () => {
  const plain = await run("export");
  expect(await run("export", "-")).toEqual(plain);
  expect((await run("export", "-", "--with-keys")).stdout).toContain(SECRET);
  expect((await run("export", "-", "--force")).code).toBe(2);
  expect(existsSync(join(home.path, "-"))).toBe(false);
});

test("a file name with a blank in it is quoted in what to type next", async () => {
  expect((await run("export", "my backup.json")).stderr).toContain("ch config import 'my backup.json'\n");
});

test("--line is the configs without a key, which another machine imports and is told what to type for the keys", async () => {
  const { code, stderr, stdout } = await run("export", "--line", "main");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^codex-helper:1:[\w-]+\n$/);
  expect(stdout.length).toBeLessThan(1000);
  expect(stderr).toContain("main#1: left out, because it is a key or may hold one: auth.auth_token");
  using other = makeTempHome();
  const shown = await runCli(["config", "import", stdout.trim()], { home: other });
  expect(shown.stderr).toContain("files and links can come from anyone");
  const added = await runCli(["config", "import", stdout.trim(), "--yes"], { home: other });
  expect(added.code).toBe(0);
  expect(added.stderr).toContain("  ch config set main#1 --auth-token-stdin\n");
  const text = readFileSync(other.paths.config, "utf8");
  expect(JSON.parse(text).codex.configs.main).toMatchObject({
    alias: "主",
    needs_activation: true,
    upstreams: [{ base_url: "https://a.example/v1" }],
  });
  expect(text).not.toMatch(/sk-|secret/);
  expect((await run("export", "--line", "--masked")).code).toBe(2);
  expect((await run("import", "codex-helper:1:half")).stderr).toContain("a part of it is missing or changed");
});
