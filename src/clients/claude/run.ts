// How to start Claude Code so that its requests go to a port of ours, by its command line and environment alone. Reads
// its files, writes none.
import { resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { readTextIn } from "../../base/files.ts";
import { type JsonRecord, isRecord, parseRecord } from "../../base/json-value.ts";
import { t } from "../../base/text.ts";
import { makeProxyAddress } from "../../base/service.ts";
import type { RunAddress, RunOptions, RunPlan } from "../client.ts";
import { exemptLoopback } from "../override.ts";
import { describeIgnored, readClaudeFacts } from "./facts.ts";
import { listClaudeOwned } from "./owned.ts";
import { findSettingsRefusal } from "./refusal.ts";
import {
  BASE_URL,
  CLOUD_SWITCHES,
  CREDENTIALS,
  type ClaudeFacts,
  type ClaudeLayer,
  PLACEHOLDER_TOKEN,
  findVariable,
  hasCredential,
  makeLayer,
  mergeEnv,
} from "./layers.ts";
import { CLAUDE_ENCODINGS } from "./places.ts";

export type ClaudeArgs = Readonly<ReturnType<typeof readClaudeArgs>>;

export interface ClaudeRun extends RunAddress {
  readonly parsed: ClaudeArgs;
  /** What the user's own `--settings` holds; empty without one. */
  readonly settings: object;
  readonly facts: ClaudeFacts;
}

/** Everything but the port. The function that is given back throws UserError where something wins over us. */
export async function prepareClaudeRun({
  paths,
  env,
  cwd,
  args,
}: RunOptions): Promise<(address: RunAddress) => RunPlan> {
  const parsed = readClaudeArgs(args);
  const [facts, settings] = await Promise.all([
    readClaudeFacts({ paths, env, cwd }),
    parsed.settings === undefined ? {} : readSettings(parsed.settings, cwd),
  ]);
  return (address) => planClaudeRun({ ...address, parsed, settings, facts });
}

/** Looks at everything before `--`. */
export function readClaudeArgs(args: readonly string[]) {
  const others: string[] = [];
  let settings: string | undefined;
  const end = args.indexOf("--");
  const words = end < 0 ? args : args.slice(0, end);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--settings") settings = words[(at += 1)];
    else if (word.startsWith("--settings=")) settings = word.slice("--settings=".length);
    else others.push(word);
  }
  const has = (name: string): boolean => words.some((word) => word === name || word.startsWith(`${name}=`));
  return {
    /** Without `--settings`: Claude Code takes only the last one. */
    others: [...others, ...args.slice(words.length)],
    /** The user's own: JSON, or the path of a file. */
    settings,
    /** The settings of the user and of the project do not count. */
    ignoresFiles: has("--restricted") || has("--setting-sources"),
    /** The account's login does not count. */
    ignoresLogin: has("--bare"),
  };
}

/**
 * Settings given with `--settings` win over the user's and the project's files, and those over the environment.
 * Throws UserError where something wins over us, or where the user's own `--settings` points elsewhere.
 */
export function planClaudeRun(run: ClaudeRun): RunPlan {
  const { clientToken = null, facts, parsed, port, privateFile, settings } = run;
  const own = makeLayer("command-line", "--settings", settings);
  if (own.env[BASE_URL] !== undefined) {
    throw new UserError(t`--settings sets ${BASE_URL}: requests would bypass the proxy`, {
      hint: t`remove ${BASE_URL} from it, or start claude without ch`,
    });
  }
  const layers = layersInForce(parsed, own, facts);
  const seen: ClaudeFacts = { ...facts, layers, hasLogin: facts.hasLogin && !parsed.ignoresLogin };
  const clouds = CLOUD_SWITCHES.filter((name) => findVariable(seen, name) !== undefined);
  const added: Record<string, string> = {
    [BASE_URL]: makeProxyAddress("claude", port, clientToken),
    ...(hasCredential(seen) ? {} : { ANTHROPIC_AUTH_TOKEN: PLACEHOLDER_TOKEN }),
    ...Object.fromEntries(clouds.map((name) => [name, "0"])),
    ...exemptLoopback(mergeEnv(layers)),
  };
  refuseManaged(added, facts);
  const { env: typed }: JsonRecord = { ...settings };
  const merged = { ...settings, env: { ...(isRecord(typed) ? typed : {}), ...added } };
  const owned = listClaudeOwned(layers);
  const remarks = parsed.ignoresFiles ? [] : facts.problems.map((one) => one.text);
  const text = JSON.stringify(merged);
  const secret = clientToken === null ? undefined : privateFile;
  return {
    args: ["--settings", secret ?? text, ...parsed.others],
    env: {},
    ...(remarks.length === 0 ? {} : { remarks }),
    ...(owned.length === 0 ? {} : { owned }),
    ...(secret === undefined ? {} : { secret: text }),
  };
}

/** From high to low. */
function layersInForce(parsed: ClaudeArgs, own: ClaudeLayer, facts: ClaudeFacts): ClaudeLayer[] {
  const managed = facts.layers.filter(({ kind }) => kind === "managed");
  const below = facts.layers.filter(({ kind }) => kind !== "managed");
  return [...managed, own, ...below.filter(({ kind }) => kind === "environment" || !parsed.ignoresFiles)];
}

function refuseManaged(added: Readonly<Record<string, string>>, facts: ClaudeFacts): void {
  for (const { kind, where, env } of facts.layers) {
    const name = Object.keys(added).find((key) => env[key] !== undefined && env[key] !== added[key]);
    if (kind !== "managed" || name === undefined) continue;
    throw new UserError(t`${where} sets ${name} and overrides the command line`, {
      hint: t`remove ${name} from that file, or ask the administrator of this machine`,
    });
  }
}

/** What `--settings` says, given as JSON or as a file. Ours and it become one text on the command line. */
async function readSettings(given: string, cwd: string): Promise<JsonRecord> {
  if (given.trim().startsWith("{")) return parseSettings(given, "--settings");
  const path = resolve(cwd, given);
  const text = await readTextIn(CLAUDE_ENCODINGS, path);
  if (text === null) throw new UserError(t`--settings: there is no file ${path}`);
  const settings = parseSettings(text, path);
  const { env } = makeLayer("command-line", path, settings);
  const secret = CREDENTIALS.find((name) => env[name] !== undefined);
  if (secret !== undefined) {
    throw new UserError(t`${path} contains ${secret}, which would be visible in the process list`, {
      hint: t`remove it: the proxy adds the upstream's key`,
    });
  }
  return settings;
}

function parseSettings(text: string, where: string): JsonRecord {
  const settings = parseRecord(text);
  if (settings === null) throw new UserError(t`${where} does not contain a JSON object`);
  const refusal = findSettingsRefusal(text);
  if (refusal === null) return settings;
  throw new UserError(describeIgnored(where, refusal), {
    hint: t`correct it: requests would bypass the proxy`,
  });
}
