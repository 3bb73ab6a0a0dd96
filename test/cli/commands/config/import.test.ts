import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CcSwitchRow,
  claudeSettings,
  codexSettings,
  makeCcSwitchDatabase,
} from "../../../helpers/cc-switch-home.ts";
import { PROGRAM, runCli } from "../../../helpers/cli.ts";
import { runAtTerminal } from "../../../helpers/pseudo-terminal.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";

let home: TempHome;

beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

const run = (...args: string[]) => runCli(["config", "import", ...args], { home });
const SECRET = "sk-0123456789-very-secret-abcdef";

test("a preview shows every provider masked and writes nothing; --yes writes it, once", async () => {
  home.write(
    ".codex/config.toml",
    `model_provider = "relay"
[model_providers.relay]
base_url = "https://relay.example/v1"
experimental_bearer_token = "${SECRET}"
[model_providers.broken]
name = "no url"
`,
  );
  home.write(".codex/auth.json", { tokens: { access_token: SECRET } });
  const preview = await run("--from", "codex");
  expect(preview.code).toBe(0);
  expect(
    preview.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.trim().split(/ {2,}/)),
  ).toEqual([
    ["Codex"],
    ["NAME", "KEY", "ADDRESS"],
    ["relay", "bearer token sk-0…cdef", "https://relay.example/v1"],
    ["chatgpt", "the client's own login", "https://chatgpt.com/backend-api/codex"],
  ]);
  expect(preview.stderr).toContain(`skipped: Codex's provider "broken": has no base_url`);
  expect(preview.stderr).toContain("nothing was written; the same command with --yes writes it");
  expect(existsSync(home.paths.config)).toBe(false);

  expect((await run("--from", "codex", "--yes")).stderr).toContain("written to ~/.codex-helper/config.json");
  const text = readFileSync(home.paths.config, "utf8");
  expect(JSON.parse(text)).toMatchObject({
    codex: {
      active: "relay",
      configs: { relay: { upstreams: [{ auth: { auth_token: SECRET } }] }, chatgpt: {} },
    },
  });
  const again = await run("--from", "codex", "--yes");
  expect(again).toMatchObject({ code: 0, stdout: "" });
  expect(again.stderr).toContain("nothing new");
  expect(readFileSync(home.paths.config, "utf8")).toBe(text);
  expect(preview.stdout + preview.stderr + again.stderr).not.toContain(SECRET);
});

test("the same facts for scripts, masked, and whether they were written", async () => {
  home.write(".claude/settings.json", {
    env: { ANTHROPIC_BASE_URL: "https://relay.example", ANTHROPIC_AUTH_TOKEN: SECRET },
  });
  const { stdout } = await run("--from", "claude", "--json", "--yes");
  expect(JSON.parse(stdout)).toMatchObject({
    service: "claude",
    configs: [
      {
        service: "claude",
        name: "relay.example",
        upstreams: [
          {
            base_url: "https://relay.example",
            credential: { kind: "bearer", variable: "ANTHROPIC_AUTH_TOKEN" },
          },
        ],
      },
    ],
    left_out: [],
    written: true,
  });
  expect(stdout).not.toContain(SECRET);
});

test.each([
  ["a device", "config import /dev/zero", "/dev/zero is not a file"],
  ["a pipe", "config import /dev/fd/3 3<&0", "/dev/fd/3 is larger than 16384 KB"],
  ["standard input", "filter test -", "standard input is larger than 16384 KB"],
  [
    "a key",
    "config add far --base-url https://r.example/v1 --auth-token-stdin",
    "standard input is larger than 16384 KB",
  ],
])("%s without an end is one clear error", async (_, line, message) => {
  const command = `yes | ${PROGRAM.map((word) => `'${word}'`).join(" ")} ${line}`;
  const child = Bun.spawn(["sh", "-c", command], {
    env: home.env,
    cwd: home.path,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  expect(await new Response(child.stderr).text()).toContain(`error: ${message}`);
  expect(await child.exited).toBe(1);
});

test("a file may come through a pipe, from a program that decrypts it", async () => {
  const pipe = join(home.path, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  const text = JSON.stringify({
    codex: { configs: { far: { upstreams: [{ base_url: "https://relay.example/v1" }] } } },
  });
  const writer = Bun.spawn(["tee", pipe], { stdin: new TextEncoder().encode(text), stdout: "ignore" });
  const { code, stdout } = await run(pipe);
  expect(await writer.exited).toBe(0);
  expect(code).toBe(0);
  expect(stdout).toMatch(/far\s+no key\s+https:\/\/relay\.example\/v1/);
});

test("nothing found, no source and an unknown source say what to type", async () => {
  const [nothing, none, unknown] = await Promise.all([run("--from", "codex"), run(), run("--from", "emacs")]);
  expect(nothing.code).toBe(1);
  expect(nothing.stderr).toContain("ch config add main --base-url URL --auth-token-env NAME");
  expect(none.code).toBe(2);
  expect(none.stderr).toContain("choose what to import: a FILE, or --from SOURCE");
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain("codex, claude, cc-switch, claude-code-router, cli_proxy");
});

test.each([
  [["--from", "cc-swich"], "ch config import --from cc-switch"],
  [["--from", "cc-switch", "x.json"], "--from and a FILE cannot be used together"],
  [["--from", "codex", "--dir", "x"], "--dir belongs to"],
  [["--dir", "x", "x.json"], "--dir belongs to"],
])("%j is refused with what to type", async (args, words) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(words);
});

test("cc-switch's providers of both clients are shown masked, then written; its files stay as they are", async () => {
  home.write(".codex-helper/config.json", {
    codex: { configs: { b: { upstreams: [{ base_url: "https://mine.example/v1" }] } } },
  });
  const directory = join(home.path, "elsewhere");
  const rows: CcSwitchRow[] = [
    { id: "a", name: "主 中转", isCurrent: true, settings: codexSettings("https://a.example/v1", SECRET) },
    { id: "b", settings: codexSettings("https://b.example/v1", SECRET) },
    { id: "o", name: "OpenAI Official", category: "official", settings: { auth: {}, config: "" } },
    {
      id: "c",
      app: "claude",
      settings: claudeSettings({ ANTHROPIC_BASE_URL: "https://c.example", ANTHROPIC_API_KEY: SECRET }),
    },
  ];
  makeCcSwitchDatabase(directory, rows).close();
  const before = readFileSync(join(directory, "cc-switch.db"));
  const preview = await run("--from", "cc-switch", "--dir", "elsewhere");
  expect(preview).toMatchObject({ code: 0 });
  expect(preview.stdout).toMatch(
    /^Codex, from .*cc-switch\.db\n.*\n {2}主-中转 +bearer token sk-0…cdef +https:\/\/a\.example\/v1\n/,
  );
  expect(preview.stdout).toMatch(
    /\nClaude Code, from .*\n.*\n {2}c +API key sk-0…cdef +https:\/\/c\.example\n$/,
  );
  expect(preview.stderr).toContain("the name b is in use: this one becomes b-2");
  expect(preview.stderr).toContain(`skipped: "OpenAI Official": the vendor's login`);
  const done = await run("--from", "cc-switch", "--dir", directory, "--yes", "--json");
  expect(JSON.parse(done.stdout)).toMatchObject({
    service: null,
    configs: [{ name: "主-中转", alias: "主 中转" }, { name: "b-2" }, { name: "c", service: "claude" }],
    written: true,
  });
  const text = readFileSync(home.paths.config, "utf8");
  expect(JSON.parse(text)).toMatchObject({
    codex: { configs: { b: {}, "主-中转": { alias: "主 中转" }, "b-2": {} } },
    claude: { active: "c", configs: { c: { upstreams: [{ auth: { api_key: SECRET } }] } } },
  });
  // The one that was there is still the only one that is asked until somebody says otherwise.
  expect(text).not.toContain('"active": "b');
  expect(readFileSync(join(directory, "cc-switch.db"))).toEqual(before);
  expect(preview.stdout + preview.stderr + done.stdout + done.stderr).not.toContain(SECRET);
  const again = await run("--from", "cc-switch", "--dir", directory);
  expect(again.stderr).toContain("主-中转 already exists as 主-中转");
  expect(again.stderr).toContain("nothing new");
});

test("where all is left out, the reasons are followed by what to type", async () => {
  const official = { id: "o", name: "Official", category: "official", settings: { auth: {}, config: "" } };
  makeCcSwitchDatabase(join(home.path, ".cc-switch"), [official]).close();
  const { code, stderr } = await run("--from", "cc-switch", "--yes");
  expect(code).toBe(1);
  expect(stderr).toContain(`skipped: "Official": the vendor's login`);
  expect(stderr).toContain("nothing to import\n  ch config add main");
  expect(existsSync(home.paths.config)).toBe(false);
});

test("cli_proxy's files are found in their usual place", async () => {
  home.write(".clp/codex.json", {
    main: { base_url: "https://a.example/v1", auth_token: SECRET, active: true },
  });
  const { stdout, stderr } = await run("--from", "cli_proxy");
  expect(stdout).toMatch(/^Codex, from ~\/\.clp\n/);
  expect(stdout).toContain("main  bearer token sk-0…cdef  https://a.example/v1");
  expect(stderr).toContain("with --yes writes it");
});

const LINK = `ccswitch://v1/import?resource=provider&app=codex&name=Relay&endpoint=https%3A%2F%2Fr.example%2Fv1&apiKey=${SECRET}`;

test("a link is shown with its host, masked, and never applied without --yes, whoever sits there", async () => {
  const preview = await run("--from", LINK);
  expect(preview).toMatchObject({ code: 0 });
  expect(preview.stdout).toContain("Relay  bearer token sk-0…cdef  https://r.example/v1");
  expect(preview.stderr).toContain("your conversations would go to r.example");
  expect(preview.stdout + preview.stderr).not.toContain(SECRET);
  expect(existsSync(home.paths.config)).toBe(false);
  const command = [...PROGRAM, "config", "import", "--from", LINK];
  const atTerminal = await runAtTerminal(command, { home });
  expect(atTerminal.screen).toContain("--yes writes it");
  expect(atTerminal.screen).not.toContain("[y/N]");
  expect((await run("--from", LINK, "--yes")).code).toBe(0);
  const written = JSON.parse(readFileSync(home.paths.config, "utf8")) as { codex: object };
  expect(written).toMatchObject({
    codex: { configs: { Relay: { needs_activation: true, upstreams: [{ auth: { auth_token: SECRET } }] } } },
  });
  expect(Object.keys(written.codex)).toEqual(["configs"]);
});
