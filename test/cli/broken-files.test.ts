import { expect, test } from "bun:test";
import fc from "fast-check";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runInProcess } from "../helpers/in-process-cli.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

const SECRET = "sk-must-not-be-seen-anywhere";
const TOML = `model_provider = "r"\n[model_providers.r]\nname = "r"\nbase_url = "http://127.0.0.1:9/v1"\nexperimental_bearer_token = "${SECRET}"\n`;
const UPSTREAM = { base_url: "http://127.0.0.1:9/v1", auth: { auth_token: SECRET } };
const LINE = { timestamp_ms: Date.now(), service: "codex", outcome: "error", error: "no upstream" };

/** Every file that the two commands look at, as it may be in order. */
const FILES: Readonly<Record<string, unknown>> = {
  ".codex-helper/config.json": { codex: { configs: { main: { upstreams: [UPSTREAM] } } } },
  ".codex-helper/filter.json": [{ op: "remove", source: SECRET }],
  ".codex-helper/usage_providers.json": { providers: [] },
  ".codex-helper/prices.json": [],
  ".codex-helper/state.json": {},
  ".codex-helper/logs/requests.jsonl": `${JSON.stringify(LINE)}\n`,
  ".codex-helper/run/instance-1-codex.json": { pid: 1, service: "codex", port: 9, token: SECRET },
  ".codex/config.toml": TOML,
  ".codex/auth.json": { OPENAI_API_KEY: SECRET },
  ".claude/settings.json": {
    env: { ANTHROPIC_AUTH_TOKEN: SECRET, ANTHROPIC_BASE_URL: "http://127.0.0.1:9" },
  },
};
const HAS_DEVICES = process.platform !== "win32";
const STATES = ["fine", "missing", "empty", "torn", "binary", "directory", "odd", "large"] as const;
/** What has no end, or is waited for without end. */
const ENDLESS = HAS_DEVICES ? (["pipe", "device"] as const) : [];
type State = (typeof STATES)[number] | (typeof ENDLESS)[number];
const LARGE_BYTES = 100_000_000;
/** A second on a machine that does nothing else. */
const MOST_MS = 5_000;

function put(home: TempHome, file: string, state: State): void {
  const good = FILES[file];
  const text = typeof good === "string" ? good : JSON.stringify(good, null, 2);
  if (state === "missing") return;
  if (state === "pipe" || state === "device" || state === "large") {
    const path = join(home.path, file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (state === "pipe") expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
    else if (state === "device") symlinkSync("/dev/zero", path);
    else {
      writeFileSync(path, "", { mode: 0o600 });
      truncateSync(path, LARGE_BYTES);
    }
    return;
  }
  if (state === "directory")
    mkdirSync(join(home.path, dirname(file), file.split("/").at(-1) ?? ""), { recursive: true });
  else if (state === "fine") home.write(file, text);
  else if (state === "empty") home.write(file, "");
  else if (state === "torn") home.write(file, text.slice(0, Math.ceil(text.length * 0.7)));
  else if (state === "odd") home.write(file, `[[${JSON.stringify({ key: SECRET })}]]`);
  else home.write(file, "\u0000\u0001\ufffd{\u001b[31m");
}

const JSON_LINES = [
  ["status", "--json"],
  ["doctor", "--json"],
];
const ALL_LINES = [...JSON_LINES, ["status"], ["doctor", "--all"]];

async function check(states: Readonly<Record<string, State>>, lines = JSON_LINES): Promise<void> {
  using home = makeTempHome({ PATH: "/nowhere" });
  for (const file of Object.keys(FILES)) put(home, file, states[file] ?? "fine");
  for (const argv of lines) {
    const startedAt = performance.now();
    const { code, stderr, stdout } = await runInProcess(argv, home.env);
    expect([argv, states, performance.now() - startedAt < MOST_MS]).toEqual([argv, states, true]);
    expect({ argv, states, code, stderr, isFine: [0, 1].includes(code) }).toMatchObject({ isFine: true });
    expect(`${stdout}${stderr}`).not.toContain(SECRET);
    if (!argv.includes("--json")) continue;
    const value: unknown = JSON.parse(stdout);
    const list = argv[0] === "status" ? "services" : "checks";
    expect(value).toMatchObject({ [list]: expect.any(Array) });
  }
}

const everyState = [...STATES, ...ENDLESS].map((state) => [state] as const);

test.each(everyState)("all files are %s", async (state) => {
  await check(Object.fromEntries(Object.keys(FILES).map((file) => [file, state])), ALL_LINES);
});

test.each(Object.keys(FILES))("only %s is broken, in any way", async (file) => {
  for (const state of [...STATES, ...ENDLESS].filter((one) => one !== "fine")) await check({ [file]: state });
});

test(
  "any files are broken in any way together",
  async () => {
    const states = fc.record(
      Object.fromEntries(Object.keys(FILES).map((file) => [file, fc.constantFrom(...STATES, ...ENDLESS)])),
    );
    const numRuns = process.env["VERIFY"] === "full" ? 1_000 : 10;
    await fc.assert(
      fc.asyncProperty(states, (drawn) => check(drawn, ALL_LINES)),
      { numRuns },
    );
  },
  process.env["VERIFY"] === "full" ? 300_000 : 30_000,
);
