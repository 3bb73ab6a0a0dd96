// The real Claude Code, as its platform package brings it: the main package's start script is never run.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ClientHome, type ClientResult, makeClientHome, MODULES, runClient } from "./client-process.ts";

export interface ClaudeRun {
  /** Where Claude Code sends its requests, without "/v1". */
  readonly baseUrl?: string;
  readonly prompt?: string;
  /** To keep it for a second run; else one is made and removed. */
  readonly home?: ClientHome;
  /** Before the prompt. Default: `-p`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the home. */
  readonly cwd?: string;
}

export function claudeBinary(): string {
  return join(MODULES, `@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`);
}

/** One `claude -p` turn. stdout is the answer alone. */
export async function runClaudePrint(run: ClaudeRun): Promise<ClientResult> {
  const home = run.home ?? makeClientHome();
  const configDir = join(home.path, ".claude");
  try {
    mkdirSync(configDir, { recursive: true });
    if (run.baseUrl !== undefined) {
      const env = { ANTHROPIC_BASE_URL: run.baseUrl, ANTHROPIC_AUTH_TOKEN: "placeholder" };
      writeFileSync(join(configDir, "settings.json"), JSON.stringify({ env }));
    }
    return await runClient({
      command: [claudeBinary(), ...(run.args ?? ["-p"]), run.prompt ?? "say hi"],
      home,
      cwd: run.cwd,
      env: { CLAUDE_CONFIG_DIR: configDir, ...QUIET, ...run.env },
    });
  } finally {
    if (run.home === undefined) home[Symbol.dispose]();
  }
}

/** No telemetry, no update check, no request beside the turn. */
const QUIET = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_AUTOUPDATER: "1" };
