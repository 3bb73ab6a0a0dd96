// Finds out how a client stands right now, and from that how to start it on a port of ours. Reads the client's files,
// writes none.
import { resolve } from "node:path";
import type { Env } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { readText } from "../../base/files.ts";
import { isRecord } from "../../base/json-value.ts";
import { t } from "../../base/language.ts";
import type { Paths } from "../../base/paths.ts";
import type { Service } from "../../base/service.ts";
import { readClaudeFacts } from "../../clients/claude/facts.ts";
import { makeLayer } from "../../clients/claude/layers.ts";
import { planClaudeRun, readClaudeArgs } from "../../clients/claude/run-args.ts";
import { applySettings, readCodexArgs } from "../../clients/codex/args.ts";
import { readCodexFacts } from "../../clients/codex/facts.ts";
import { type RunPlan, planCodexRun } from "../../clients/codex/run-args.ts";

export interface RunPlanOptions {
  readonly paths: Paths;
  readonly env: Env;
  readonly cwd: string;
  readonly service: Service;
  /** The words that start the client. */
  readonly program: readonly string[];
  /** The client's arguments as typed. */
  readonly args: readonly string[];
}

/** A client that does not answer `--help` within this many ms is taken for one that knows no option of ours. */
const HELP_TIMEOUT_MS = 5_000;
/** For what it wrote last. */
const HELP_LINGER_MS = 100;

/** Everything but the port. The function that is given back throws UserError where something wins over us. */
export async function prepareRun(options: RunPlanOptions): Promise<(port: number) => RunPlan> {
  return options.service === "codex" ? await prepareCodex(options) : await prepareClaude(options);
}

async function prepareCodex({
  paths,
  env,
  program,
  args,
}: RunPlanOptions): Promise<(port: number) => RunPlan> {
  const parsed = readCodexArgs(args);
  const [facts, help] = await Promise.all([
    readCodexFacts(paths, {
      profile: parsed.profile,
      commandLine: applySettings(parsed.settings),
      ignoresUserConfig: parsed.ignoresUserConfig,
    }),
    readHelp(program, env),
  ]);
  const knowsNoDaemon = help.includes("--no-daemon");
  return (port) => planCodexRun({ args, parsed, facts, env, port, knowsNoDaemon });
}

/** "" for a client that cannot be started: whoever starts it in earnest says why. */
async function readHelp(program: readonly string[], env: Env): Promise<string> {
  const child = startHelp(program, env);
  if (child === null) return "";
  const isOver = child.exited.then(() => Bun.sleep(HELP_LINGER_MS));
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    // What the client leaves running may hold the pipe open for as long as it lives.
    const next = await Promise.race([reader.read(), isOver]);
    if (next === undefined || next.done) break;
    text += decoder.decode(next.value, { stream: true });
  }
  await reader.cancel();
  return text;
}

function startHelp(program: readonly string[], env: Env): Bun.Subprocess<"ignore", "pipe", "ignore"> | null {
  try {
    return Bun.spawn([...program, "--help"], {
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      timeout: HELP_TIMEOUT_MS,
    });
  } catch {
    return null;
  }
}

async function prepareClaude({ paths, env, cwd, args }: RunPlanOptions): Promise<(port: number) => RunPlan> {
  const parsed = readClaudeArgs(args);
  const [facts, settings] = await Promise.all([
    readClaudeFacts({ paths, env, cwd }),
    parsed.settings === undefined ? {} : readSettings(parsed.settings, cwd),
  ]);
  return (port) => planClaudeRun({ parsed, settings, facts, port });
}

/** What `--settings` says, given as JSON or as a file. Ours and it become one text on the command line. */
async function readSettings(given: string, cwd: string): Promise<object> {
  if (given.trim().startsWith("{")) return parseSettings(given, "--settings");
  const path = resolve(cwd, given);
  const text = await readText(path);
  if (text === null) throw new UserError(t`--settings: there is no file ${path}`);
  const settings = parseSettings(text, path);
  const { env } = makeLayer("command-line", path, settings);
  const secret = ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"].find((name) => env[name] !== undefined);
  if (secret !== undefined) {
    throw new UserError(t`${path} holds ${secret}, which would show in the list of processes`, {
      hint: t`take it out: the upstream's key is put in by the proxy`,
    });
  }
  return settings;
}

function parseSettings(text: string, where: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new UserError(t`${where} does not hold a JSON object`);
}
