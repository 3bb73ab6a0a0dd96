// Run by wrong-kinds.test.ts, which ends it where it hangs: puts something that is no file in the place of each file that we
// read, runs every command that may look at it, and prints a line before and after each.
import { closeSync, mkdirSync, openSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { runInProcess } from "../helpers/in-process-cli.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

export const KINDS = ["pipe", "device", "directory", "large", "socket"] as const;
export type Kind = (typeof KINDS)[number];

const SESSION = "0198a7c1-7b1e-7000-8000-000000000001";
const CONVERSATION = "11111111-2222-4333-8444-555555555555";
const UPSTREAM = { base_url: "http://127.0.0.1:9/v1", auth: { auth_token: "sk-1" } };
const CONFIG = {
  codex: { configs: { main: { upstreams: [{ ...UPSTREAM, budget_usd: { day: 5 } }] } } },
  claude: { configs: { other: { upstreams: [UPSTREAM] } } },
};
const REQUEST = {
  timestamp_ms: Date.now(),
  service: "codex",
  method: "POST",
  path: "/v1/responses",
  config_name: "main",
  upstream_base_url: UPSTREAM.base_url,
  id: "abc",
  model: "gpt-5",
  session_id: SESSION,
  usage: { input_tokens: 1, output_tokens: 1 },
};
const TOML = `model_provider = "r"\n[model_providers.r]\nname = "r"\nbase_url = "http://127.0.0.1:9/v1"\n`;
const ROLLOUT =
  ".codex/sessions/2025/08/14/rollout-2025-08-14T00-00-00-0198a7c1-7b1e-7000-8000-000000000001.jsonl";
const started = {
  timestamp: "2025-08-14T00:00:00Z",
  type: "session_meta",
  payload: { id: SESSION, cwd: "/p", model_provider: "codex_proxy" },
};

/** Ours, the clients', other tools' and the project's, as they may be in order; null for one that need not be there. */
const FILES: Readonly<Record<string, unknown>> = {
  ".codex-helper/config.json": CONFIG,
  ".codex-helper/filter.json": [{ op: "remove", source: "secret" }],
  ".codex-helper/filter-seen.json": { removal_accepted: false },
  ".codex-helper/usage_providers.json": { providers: [] },
  ".codex-helper/prices.json": [],
  ".codex-helper/state.json": {},
  ".codex-helper/spend.json": null,
  ".codex-helper/logs/requests.jsonl": `${JSON.stringify(REQUEST)}\n`,
  ".codex-helper/logs/requests.jsonl.1": `${JSON.stringify(REQUEST)}\n`,
  ".codex-helper/run/instance-1-codex.json": null,
  ".codex-helper/run/switch-1.json": null,
  ".codex-helper/run/config.lock": null,
  ".codex-helper/run/state.lock": null,
  ".codex-helper/run/spend.lock": null,
  ".codex-helper/run/switch.lock": null,
  ".codex-helper/backups/config.json.1700000000000": null,
  ".codex/config.toml": TOML,
  ".codex/auth.json": { OPENAI_API_KEY: "sk-1" },
  ".codex/history.jsonl": null,
  [ROLLOUT]: `${JSON.stringify(started)}\n`,
  ".claude/settings.json": { env: { ANTHROPIC_AUTH_TOKEN: "a", ANTHROPIC_BASE_URL: "http://127.0.0.1:9" } },
  ".claude/.credentials.json": null,
  ".claude.json": null,
  ".claude/history.jsonl": null,
  [`.claude/projects/-p/${CONVERSATION}.jsonl`]: `${JSON.stringify({ type: "user", sessionId: CONVERSATION, cwd: "/p" })}\n`,
  ".cc-switch/cc-switch.db": null,
  ".cc-switch/config.json": null,
  ".cc-switch/settings.json": null,
  ".git": null,
  ".claude/settings.local.json": null,
};

const LINES = [
  "status",
  "doctor",
  "doctor --fix",
  "config list",
  "config show main",
  "config export",
  "config set-active main",
  "config add new --base-url https://new.example/v1 --auth-token-env KEY",
  "config import --from codex",
  "config import --from claude",
  "config import --from cc-switch",
  "switch status",
  "switch on --codex",
  "switch off --codex",
  "switch on --codex --own-provider",
  "switch off --codex",
  "switch on --claude",
  "switch off --claude",
  "session list --path HOME",
  "session list --all --all-services",
  "session last --path HOME",
  `session show ${SESSION}`,
  `session search hello --all --claude`,
  "usage summary",
  "usage summary --by project",
  "usage tail",
  "usage find",
  "usage show abc",
  "quota",
  "quota refresh",
  "filter check",
  "filter test",
  "routing explain",
  "routing reset --all",
  "default codex",
] as const;

const LARGE_BYTES = 100_000_000;

/** All files as they may be. */
export function makeFullHome(): TempHome {
  const home = makeTempHome({ PATH: "/nowhere" });
  for (const [file, content] of Object.entries(FILES)) if (content !== null) home.write(file, content);
  return home;
}

export function listFiles(): string[] {
  return Object.keys(FILES);
}

export function put(home: TempHome, file: string, kind: Kind): void {
  const path = join(home.path, file);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (kind === "pipe") Bun.spawnSync(["/usr/bin/env", "mkfifo", path], { env: process.env });
  else if (kind === "device") symlinkSync("/dev/zero", path);
  else if (kind === "directory") mkdirSync(path);
  else if (kind === "socket") makeSocket(path);
  else {
    closeSync(openSync(path, "w", 0o600));
    truncateSync(path, LARGE_BYTES);
  }
}

/**
 * A name that nobody listens at any more. Whoever closes it removes it, by the name that it was given: here by a short one, which may
 * then be that of another file. So it is made by a process that closes nothing.
 */
function makeSocket(path: string): void {
  const listen = `require("node:net").createServer().listen(process.env.NAME, () => process.kill(process.pid, "SIGKILL"))`;
  Bun.spawnSync([process.execPath, "-e", listen], { cwd: dirname(path), env: { NAME: basename(path) } });
}

async function runAll(kind: Kind): Promise<void> {
  for (const file of Object.keys(FILES)) {
    using home = makeFullHome();
    put(home, file, kind);
    for (const line of LINES) {
      const argv = line.replace("HOME", home.path).split(" ");
      process.stdout.write(`${JSON.stringify({ file, kind, line })}\n`);
      const startedAt = performance.now();
      const { code, stderr } = await runInProcess(argv, home.env);
      const ms = Math.round(performance.now() - startedAt);
      process.stdout.write(`${JSON.stringify({ file, kind, line, code, ms, stderr })}\n`);
    }
  }
}

if (import.meta.main && process.argv[2] === "run") {
  const kind = KINDS.find((one) => one === process.argv[3]);
  if (kind !== undefined) await runAll(kind);
  process.exit(0);
}
