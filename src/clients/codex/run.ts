// How to start Codex so that its requests go to a port of ours, by its command line and environment alone. Reads its files,
// writes none.
import type { TomlValue } from "smol-toml";
import { type Env, readVariable } from "../../base/env.ts";
import { UserError, ignoreSystemError } from "../../base/errors.ts";
import { readTextIn } from "../../base/files.ts";
import { t } from "../../base/text.ts";
import { makeProxyAddress } from "../../base/service.ts";
import { startOf } from "../../base/start.ts";
import type { RunAddress, RunOptions, RunPlan } from "../client.ts";
import { exemptLoopback } from "../override.ts";
import { type CodexArgs, type CodexSetting, applySettings, readCodexArgs } from "./args.ts";
import { type CodexFacts, readCodexFacts } from "./facts.ts";
import { type CodexLayer, findValue, isTable } from "./layers.ts";
import { isUsableLogin } from "./login.ts";
import { listCodexOwned } from "./owned.ts";
import { OWN_PROVIDER, makeOwnProvider } from "./own-provider.ts";
import { CODEX_ENCODINGS, profilePath } from "./places.ts";
import { describeRefused, findConfigRefusal } from "./refusal.ts";

export interface CodexRun extends RunAddress {
  /** As the user typed them. */
  readonly args: readonly string[];
  readonly parsed: CodexArgs;
  /** Read with what `parsed` says. */
  readonly facts: CodexFacts;
  readonly env: Env;
  /** This Codex takes `--no-daemon`: the conversation must end with us, and not live on in the background. */
  readonly knowsNoDaemon: boolean;
}

/** A client that does not answer `--help` within this many ms is taken for one that knows no option of ours. */
const HELP_TIMEOUT_MS = 5_000;
/** For what it wrote last. */
const HELP_LINGER_MS = 100;
/** Codex wants a key before it asks; the proxy puts the real one in its place. */
const PLACEHOLDER_KEY = "codex-helper";

/** Everything but the port. The function that is given back throws UserError where something wins over us. */
export async function prepareCodexRun({
  paths,
  env,
  program,
  args,
}: RunOptions): Promise<(address: RunAddress) => RunPlan> {
  const parsed = readCodexArgs(args);
  const own = parsed.ignoresUserConfig ? [] : [paths.codexConfig];
  await refuseUnreadable([
    ...own,
    ...(parsed.profile === undefined ? [] : [profilePath(paths, parsed.profile)]),
  ]);
  const [facts, help] = await Promise.all([
    readCodexFacts(paths, {
      profile: parsed.profile,
      commandLine: applySettings(parsed.settings),
      ignoresUserConfig: parsed.ignoresUserConfig,
    }),
    readHelp(program, env),
  ]);
  const knowsNoDaemon = help.includes("--no-daemon");
  return (address) => planCodexRun({ ...address, args, parsed, facts, env, knowsNoDaemon });
}

/**
 * Our options go before the user's: there Codex takes them whatever the subcommand.
 * Throws UserError where something else decides where the requests go.
 */
export function planCodexRun(run: CodexRun): RunPlan {
  const { args, clientToken, env, facts, knowsNoDaemon, parsed, port } = run;
  refuseElsewhere(parsed);
  const url = makeProxyAddress("codex", port, clientToken);
  const ours = chooseSettings(facts, url);
  // A session that our own provider made stays with it, whatever is active now.
  if (parsed.mayResume && ours.every(({ path }) => !path.includes(OWN_PROVIDER))) ours.push(...makeOwn(url));
  refuseOverruled(ours, parsed, facts);
  const key = facts.activeKind === "custom" ? facts.active?.envKey : undefined;
  const isKeyMissing = key !== undefined && key !== "" && readVariable(env, key) === undefined;
  const owned = listCodexOwned(facts, env);
  return {
    args: [
      ...(knowsNoDaemon && !parsed.hasNoDaemon ? ["--no-daemon"] : []),
      ...formatSettings(ours).flatMap((text) => ["-c", text]),
      ...args,
    ],
    env: { ...exemptLoopback(env), ...(isKeyMissing ? { [key]: PLACEHOLDER_KEY } : {}) },
    ...(owned.length === 0 ? {} : { owned }),
  };
}

/** Codex would end at once, and not say that the command line has no part in it. */
async function refuseUnreadable(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const refusal = findConfigRefusal((await readTextIn(CODEX_ENCODINGS, file)) ?? "");
    if (refusal !== null) throw new UserError(describeRefused(file, refusal), { hint: t`correct that line` });
  }
}

function refuseElsewhere(parsed: CodexArgs): void {
  if (parsed.usesLocalModel) {
    throw new UserError(t`--oss and --local-provider use a model on this machine, not an upstream`, {
      hint: t`remove the option, or start codex without ch`,
    });
  }
  if (parsed.usesRemote) {
    throw new UserError(t`--remote: another Codex makes the requests, and it cannot use this proxy`, {
      hint: t`run ch on the machine where that Codex runs`,
    });
  }
}

/** The provider's id is kept, because a session belongs to it; only its URL moves. */
function chooseSettings(facts: CodexFacts, url: string): CodexSetting[] {
  const { activeId, activeKind, active } = facts;
  if (activeKind === "custom" && active?.isBoundToOrigin !== true) {
    // Without a login Codex would stop at its sign-in screen.
    const needsNoLogin = active?.requiresOpenaiAuth === true && !isUsableLogin(facts.login);
    return makeProvider(activeId, {
      base_url: url,
      ...(needsNoLogin ? { requires_openai_auth: false } : {}),
    });
  }
  if (activeKind === "openai" && isUsableLogin(facts.login)) {
    return [{ path: ["openai_base_url"], value: url }];
  }
  // Another address would contradict what else is set for such a provider.
  if (activeKind === "openai" || activeKind === "custom") {
    return [{ path: ["model_provider"], value: OWN_PROVIDER }, ...makeOwn(url)];
  }
  const why = activeKind === "undefined" ? t`which is not defined` : t`which this proxy cannot serve`;
  const where = facts.activeSource?.where ?? "Codex";
  throw new UserError(t`${where}: model_provider is "${activeId}", ${why}`, {
    hint: t`choose another: ch run -- codex -c model_provider=NAME`,
  });
}

function makeProvider(id: string, values: Readonly<Record<string, TomlValue>>): CodexSetting[] {
  return Object.entries(values).map(([key, value]) => ({ path: ["model_providers", id, key], value }));
}

function makeOwn(url: string): CodexSetting[] {
  return makeProvider(OWN_PROVIDER, makeOwnProvider(url));
}

/** Says who overrules us, if anybody: a later `-c` of the user's, or a managed file. */
function refuseOverruled(ours: readonly CodexSetting[], parsed: CodexArgs, facts: CodexFacts): void {
  const typed: CodexLayer = {
    kind: "command-line",
    where: "-c",
    table: applySettings([...ours, ...parsed.settings]),
  };
  const managed = facts.layers.filter(({ kind }) => kind === "managed");
  for (const { path, value } of ours) {
    const winner = findValue([typed, ...managed], path);
    if (winner !== undefined && winner.value === value) continue;
    const key = path.join(".");
    if (winner?.kind === "managed") {
      throw new UserError(t`${winner.where} sets ${key} and overrides the command line`, {
        hint: t`remove ${key} from that file, or ask the administrator of this machine`,
      });
    }
    throw new UserError(t`-c sets or replaces ${key}: requests would bypass the proxy`, {
      hint: t`remove that -c, or start codex without ch`,
    });
  }
}

/**
 * Codex splits a key at every dot, quoted or not. A name that this would break goes into one inline table, which Codex
 * merges with the files' tables.
 */
function formatSettings(settings: readonly CodexSetting[]): string[] {
  if (settings.every(({ path }) => path.every((part) => /^[\w-]+$/.test(part)))) {
    return settings.map(({ path, value }) => `${path.join(".")}=${formatInline(value)}`);
  }
  return Object.entries(applySettings(settings)).map(([key, value]) => `${key}=${formatInline(value)}`);
}

function formatInline(value: TomlValue): string {
  if (!isTable(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, inner]) => `${JSON.stringify(key)}=${formatInline(inner)}`,
  );
  return `{${entries.join(",")}}`;
}

/** "" for a client that cannot be started: whoever starts it in earnest says why. */
async function readHelp(program: readonly string[], env: Env): Promise<string> {
  const start = () =>
    Bun.spawn({
      ...startOf([...program, "--help"], env),
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      timeout: HELP_TIMEOUT_MS,
    });
  const child = ignoreSystemError(start, null);
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
