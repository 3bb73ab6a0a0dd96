// The real Codex CLI, as its platform package brings it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ClientHome, type ClientResult, makeClientHome, MODULES, runClient } from "./client-process.ts";

export interface CodexRun {
  /** Where Codex sends its requests, with "/v1"; a custom provider is defined for it. */
  readonly baseUrl?: string;
  /** The whole config.toml, instead. */
  readonly configToml?: string;
  readonly prompt?: string;
  /** To keep it for a second run; else one is made and removed. */
  readonly home?: ClientHome;
  /** Between `codex` and the prompt. Default: `exec --skip-git-repo-check`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the home. */
  readonly cwd?: string;
}

/** Codex's own binary. Its vendor directory is named after the Rust target, of which a package holds one. */
export function codexBinary(): string {
  const vendor = join(MODULES, `@openai/codex-${process.platform}-${process.arch}/vendor`);
  const [found] = [...new Bun.Glob("*/bin/codex").scanSync(vendor)];
  if (found === undefined) throw new Error(`no Codex under ${vendor}`);
  return join(vendor, found);
}

/** A config.toml that sends everything to `baseUrl` and asks no other host for anything. */
export function makeCodexConfig(baseUrl: string): string {
  return `${QUIET}
model_provider = "test_relay"
[model_providers.test_relay]
name = "test relay"
base_url = ${JSON.stringify(baseUrl)}
wire_api = "responses"
[analytics]
enabled = false
`;
}

const QUIET = `check_for_update_on_startup = false
approval_policy = "never"
sandbox_mode = "danger-full-access"`;

/** One `codex exec` turn. stdout is the answer alone. */
export async function runCodexExec(run: CodexRun): Promise<ClientResult> {
  const home = run.home ?? makeClientHome();
  const codexHome = join(home.path, ".codex");
  try {
    mkdirSync(codexHome, { recursive: true });
    const config = run.configToml ?? (run.baseUrl === undefined ? null : makeCodexConfig(run.baseUrl));
    if (config !== null) writeFileSync(join(codexHome, "config.toml"), config);
    return await runClient({
      command: [codexBinary(), ...(run.args ?? ["exec", "--skip-git-repo-check"]), run.prompt ?? "say hi"],
      home,
      cwd: run.cwd,
      env: { CODEX_HOME: codexHome, ...run.env },
    });
  } finally {
    if (run.home === undefined) home[Symbol.dispose]();
  }
}
