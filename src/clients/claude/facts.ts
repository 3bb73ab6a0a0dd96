// What Claude Code would do in a directory right now: which settings set which variable, and whether it has a login.
// Only reads.
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Env, readVariable } from "../../base/env.ts";
import { UserError, errorCode } from "../../base/errors.ts";
import { readText } from "../../base/files.ts";
import { isRecord } from "../../base/json-value.ts";
import { t } from "../../base/language.ts";
import type { Paths } from "../../base/paths.ts";
import type { ClientFiles } from "../client.ts";
import { type ClaudeFacts, type ClaudeLayer, type ClaudeLayerKind, makeLayer } from "./layers.ts";

/** Claude Code looks into `.claude` of exactly `cwd`. */
export interface ClaudeFactsOptions extends ClientFiles {
  /** What the user's file would say without our switch, where that is not what it says. */
  readonly userText?: string | undefined;
}

const MAX_BYTES = 2 ** 20;
const MANAGED_DIRECTORY: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: "/Library/Application Support/ClaudeCode",
  win32: "C:\\Program Files\\ClaudeCode",
};

export async function readClaudeFacts(options: ClaudeFactsOptions): Promise<ClaudeFacts> {
  const { paths, env, cwd } = options;
  const managed = options.systemDirectory ?? MANAGED_DIRECTORY[process.platform] ?? "/etc/claude-code";
  const files: [ClaudeLayerKind, string][] = [
    ...listManaged(managed).map((path): [ClaudeLayerKind, string] => ["managed", path]),
    ["local", join(cwd, ".claude", "settings.local.json")],
    ["project", join(cwd, ".claude", "settings.json")],
    ["user", paths.claudeSettings],
  ];
  const layers: ClaudeLayer[] = [];
  const problems: string[] = [];
  for (const [kind, where] of files) {
    // Started in the home, Claude Code has one file in both places.
    if (kind === "project" && where === paths.claudeSettings) continue;
    const read = await readObject(where, kind === "user" ? options.userText : undefined);
    if (typeof read === "string") problems.push(read);
    else if (read !== null) layers.push(makeLayer(kind, where, read));
  }
  layers.push(makeLayer("environment", t`the environment`, { env }));
  return { layers, hasLogin: await readLogin(paths, env), problems };
}

/** The base file is the lowest; of the others the last name wins. */
function listManaged(directory: string): string[] {
  const base = join(directory, "managed-settings.json");
  const more = join(directory, "managed-settings.d");
  try {
    const names = readdirSync(more).filter((name) => name.endsWith(".json"));
    return [
      ...names
        .toSorted()
        .toReversed()
        .map((name) => join(more, name)),
      base,
    ];
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return [base];
  }
}

/** The object in a JSON file; null for no file; a text that says why it cannot be used. */
async function readObject(path: string, instead?: string): Promise<object | string | null> {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES)
      return t`${path} is larger than 1 MB`;
    const text = instead ?? (await readText(path));
    if (text === null) return null;
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : t`${path} does not hold an object`;
  } catch (error) {
    if (error instanceof SyntaxError) return t`${path} is not valid JSON`;
    if (error instanceof UserError) return error.message;
    if (errorCode(error) === "ENOTDIR") return null;
    throw error;
  }
}

/** The account's tokens lie in a file, in the system's key store (then `oauthAccount` tells), or in a variable. */
async function readLogin(paths: Paths, env: Env): Promise<boolean> {
  if (readVariable(env, "CLAUDE_CODE_OAUTH_TOKEN") !== undefined) return true;
  const credentials = await readObject(join(paths.claudeHome, ".credentials.json"));
  if (isRecord(credentials) && isRecord(credentials["claudeAiOauth"])) return true;
  const isMoved = readVariable(env, "CLAUDE_CONFIG_DIR") !== undefined;
  const state = await readObject(
    join(isMoved ? paths.claudeHome : dirname(paths.claudeHome), ".claude.json"),
  );
  return isRecord(state) && isRecord(state["oauthAccount"]);
}
