// What Claude Code would do in a directory right now: which settings set which variable, and whether it has a login.
// Only reads.
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Env, readVariable } from "../../base/env.ts";
import { UserError, errorCode } from "../../base/errors.ts";
import { describe, readTextIn } from "../../base/files.ts";
import { type JsonRecord, isRecord } from "../../base/json-value.ts";
import { SERVICE_FACTS } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import type { Paths } from "../../base/paths.ts";
import type { ClientFiles } from "../client.ts";
import { type ClaudeFacts, type ClaudeLayer, type ClaudeLayerKind, makeLayer } from "./layers.ts";
import { CLAUDE_ENCODINGS, listManagedPaths } from "./places.ts";
import type { Refusal } from "../../base/shape.ts";
import { findSettingsRefusal } from "./refusal.ts";

/** Claude Code looks into `.claude` of exactly `cwd`. */
export interface ClaudeFactsOptions extends ClientFiles {
  /** What the user's file would say without our switch, where that is not what it says. */
  readonly userText?: string | undefined;
}

const MAX_BYTES = 2 ** 20;
export async function readClaudeFacts(options: ClaudeFactsOptions): Promise<ClaudeFacts> {
  const { paths, env, cwd } = options;
  const files: [ClaudeLayerKind, string][] = [
    ...listManagedPaths(options).map((path): [ClaudeLayerKind, string] => ["managed", path]),
    ["local", join(cwd, ".claude", "settings.local.json")],
    ["project", join(cwd, ".claude", "settings.json")],
    ["user", paths.claudeSettings],
  ];
  const layers: ClaudeLayer[] = [];
  const problems: ClaudeFacts["problems"][number][] = [];
  for (const [kind, where] of files) {
    // Started in the home, Claude Code has one file in both places.
    if (kind === "project" && where === paths.claudeSettings) continue;
    const instead = kind === "user" ? options.userText : undefined;
    const read = await readObject(where, { instead, isSettings: kind !== "managed" });
    if (read === null) continue;
    if ("problem" in read) problems.push({ path: where, text: read.problem });
    else layers.push(makeLayer(kind, where, read.value));
  }
  layers.push(makeLayer("environment", t`the environment`, { env }));
  return { layers, hasLogin: await readLogin(paths, env), problems };
}

type ReadObject = { readonly value: JsonRecord } | { readonly problem: Text | string };

/** What Claude Code does with a file that its reader or its schema refuses. */
export function describeIgnored(path: string, { place, words }: Refusal): Text {
  return t`${path + place}: ${words}; Claude Code ignores the whole file`;
}

interface ReadOptions {
  /** What it would say, where that is not what it says. */
  readonly instead?: string | undefined;
  readonly isSettings?: boolean;
}

/** The object in a JSON file, or why it cannot be used; null for no file. */
async function readObject(
  path: string,
  { instead, isSettings = false }: ReadOptions = {},
): Promise<ReadObject | null> {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES)
      return { problem: t`${path} is larger than 1 MB` };
    const text = instead ?? (await readTextIn(CLAUDE_ENCODINGS, path));
    if (text === null) return null;
    const refusal = isSettings ? findSettingsRefusal(text) : null;
    if (refusal !== null) return { problem: describeIgnored(path, refusal) };
    const value: unknown = isSettings && text.trim() === "" ? {} : JSON.parse(text);
    return isRecord(value) ? { value } : { problem: t`${path} does not contain an object` };
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: t`${path} is not valid JSON` };
    if (error instanceof UserError) return { problem: error.text };
    const code = errorCode(error);
    if (code === undefined) throw error;
    return code === "ENOTDIR" ? null : { problem: t`cannot read ${path}: ${describe(error)}` };
  }
}

/** The account's tokens are in a file, in the system's key store (then `oauthAccount` tells), or in a variable. */
async function readLogin(paths: Paths, env: Env): Promise<boolean> {
  if (readVariable(env, "CLAUDE_CODE_OAUTH_TOKEN") !== undefined) return true;
  if (await holdsRecord(join(paths.claudeHome, ".credentials.json"), "claudeAiOauth")) return true;
  const isMoved = env[SERVICE_FACTS.claude.home.variable] !== undefined;
  const state = join(isMoved ? paths.claudeHome : dirname(paths.claudeHome), ".claude.json");
  return await holdsRecord(state, "oauthAccount");
}

async function holdsRecord(path: string, key: string): Promise<boolean> {
  const read = await readObject(path);
  return read !== null && "value" in read && isRecord(read.value[key]);
}
