import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { runCli } from "../../../helpers/cli.ts";
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
  expect(preview.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["NAME", "ADDRESS", "KEY", "FROM"],
    ["relay", "https://relay.example/v1", "bearer token sk-0…cdef", expect.stringContaining("Codex")],
    ["chatgpt", "https://chatgpt.com/backend-api/codex", "the client's own login", expect.anything()],
    [""],
  ]);
  expect(preview.stderr).toContain(`left out: Codex's provider "broken": has no base_url`);
  expect(preview.stderr).toContain("nothing was written; --yes writes it");
  expect(existsSync(home.paths.config)).toBe(false);

  expect((await run("--from", "codex", "--yes")).stderr).toContain(`written to ${home.paths.config}`);
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

test("nothing found, no source and an unknown source say what to type", async () => {
  const [nothing, none, unknown] = await Promise.all([run("--from", "codex"), run(), run("--from", "emacs")]);
  expect(nothing.code).toBe(1);
  expect(nothing.stderr).toContain("ch config add main --base-url URL --auth-token-env NAME");
  expect(none.code).toBe(2);
  expect(none.stderr).toContain("--from is missing");
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain("codex, claude");
});
