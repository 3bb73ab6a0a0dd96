import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolvePaths } from "../../src/base/paths.ts";
import { switchOff, switchOn } from "../../src/clients/switch/switch.ts";
import type { SwitchTarget } from "../../src/clients/client.ts";
import { type ClientHome, makeClientHome, runClient } from "../helpers/client-process.ts";
import { codexBinary } from "../helpers/real-codex.ts";

const USER = { kind: "user" } as const;
/** What the daily life with Codex does to its config.toml. */
const EDITS = [
  ["mcp", "add", "docs", "--", "docs-server", "--stdio"],
  ["features", "enable", "fast_mode"],
  ["mcp", "add", "web", "--url", "https://mcp.example/x"],
  ["features", "disable", "fast_mode"],
  ["mcp", "remove", "docs"],
];

const RELAY = `# my settings
model = "gpt-6.1-sol"   # the good one
model_provider = 'relay'

[model_providers.relay]   # paid until May
name = "Relay"
  base_url = 'https://relay.example/v1' # fast
env_key = "RELAY_KEY"

[projects."/work/a"]
trust_level = "trusted"
`;

interface Case {
  readonly name: string;
  readonly text: string;
  readonly auth: string | null;
  readonly prefersOwnProvider: boolean;
}

const LOGIN = '{"OPENAI_API_KEY":"sk-test"}';
const CASES: readonly Case[] = [
  { name: "a provider of the user's", text: RELAY, auth: null, prefersOwnProvider: false },
  {
    name: "the same without a final line break",
    text: RELAY.trimEnd(),
    auth: null,
    prefersOwnProvider: false,
  },
  {
    name: "an inline provider",
    text: `model_provider = "r"\nmodel_providers = { r = { name = "R", base_url = "https://r.example" } } # all\n`,
    auth: null,
    prefersOwnProvider: false,
  },
  {
    name: "the built-in provider",
    text: 'model = "gpt-6.1-sol"\n\n[tui]\nnotifications = true\n',
    auth: LOGIN,
    prefersOwnProvider: false,
  },
  { name: "a provider of our own", text: RELAY, auth: LOGIN, prefersOwnProvider: true },
  {
    name: "a provider of our own in a file with no final line break",
    text: 'model = "gpt-6.1-sol"',
    auth: null,
    prefersOwnProvider: true,
  },
];

function makeHome(
  text: string,
  auth: string | null,
): ClientHome & { readonly target: SwitchTarget; readonly file: string } {
  const home = makeClientHome();
  const env = { HOME: home.path, USERPROFILE: home.path };
  const paths = resolvePaths(env);
  mkdirSync(paths.codexHome);
  writeFileSync(paths.codexConfig, text, { mode: 0o600 });
  if (auth !== null) writeFileSync(paths.codexAuth, auth, { mode: 0o600 });
  return {
    path: home.path,
    file: paths.codexConfig,
    target: { service: "codex", paths, env, systemDirectory: join(home.path, "etc") },
    [Symbol.dispose]: () => home[Symbol.dispose](),
  };
}

async function codex(home: ClientHome, args: readonly string[]): Promise<void> {
  const env = { CODEX_HOME: join(home.path, ".codex") };
  const { code, stderr } = await runClient({ command: [codexBinary(), ...args], home, env });
  if (code !== 0) throw new Error(`codex ${args.join(" ")}: ${stderr}`);
}

describe("what the real Codex edits in a switched file", () => {
  for (const { name, text, auth, prefersOwnProvider } of CASES) {
    test(`is there afterwards, and nothing else is: ${name}`, async () => {
      using home = makeHome(text, auth);
      using untouched = makeHome(text, auth);
      const authBefore = auth === null ? null : statSync(home.target.paths.codexAuth);
      await switchOn(home.target, { port: 3211, prefersOwnProvider }, USER);
      for (const edit of EDITS) {
        await codex(home, edit);
        await codex(untouched, edit);
        expect(readFileSync(home.file, "utf8")).toContain("127.0.0.1:3211");
        // At any moment, off gives what the same edits make of a file that never was switched.
        const copy = makeClientHome();
        cpSync(home.path, copy.path, { recursive: true });
        const env = { HOME: copy.path, USERPROFILE: copy.path };
        // The journal's name goes by the file's place, so this copy has none and lives on the marks.
        await switchOff({ ...home.target, paths: resolvePaths(env), env });
        expect(readFileSync(join(copy.path, ".codex/config.toml"), "utf8")).toBe(
          readFileSync(untouched.file, "utf8"),
        );
        copy[Symbol.dispose]();
      }
      await switchOff(home.target);
      expect(readFileSync(home.file, "utf8")).toBe(readFileSync(untouched.file, "utf8"));
      if (authBefore === null) expect(existsSync(home.target.paths.codexAuth)).toBe(false);
      else expect(pick(statSync(home.target.paths.codexAuth))).toEqual(pick(authBefore));
    }, 30_000);
  }

  test("and every kind of switched file is one that it loads", async () => {
    using home = makeHome(RELAY, null);
    await switchOn(home.target, { port: 3211, prefersOwnProvider: false }, USER);
    await codex(home, ["mcp", "list"]);
    await switchOff(home.target);
    await switchOn(home.target, { port: 3211, prefersOwnProvider: true }, USER);
    await codex(home, ["mcp", "list"]);
  });
});

function pick({ ino, mtimeMs, size, mode }: ReturnType<typeof statSync> & object): object {
  return { ino, mtimeMs, size, mode };
}
