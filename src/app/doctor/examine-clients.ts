// Looks at the clients' own files for `doctor`: would Codex and Claude Code work at all with what they are set to?
// Reads only, and keeps nothing of what the files hold but names.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readVariable } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { readText } from "../../base/files.ts";
import { type Text, t } from "../../base/text.ts";
import type { Paths } from "../../base/paths.ts";
import { DEFAULT_PORT, readProxyPort } from "../../base/service.ts";
import { readClaudeFacts } from "../../clients/claude/facts.ts";
import { type ClaudeFacts, findVariable } from "../../clients/claude/layers.ts";
import { type CodexFacts, readCodexFacts } from "../../clients/codex/facts.ts";
import { findValue } from "../../clients/codex/layers.ts";
import { isUsableLogin } from "../../clients/codex/login.ts";
import { readJsonc } from "../../config/jsonc.ts";
import type { ClaudeClientFacts, CodexClientFacts, ExamineOptions } from "../../doctor/facts.ts";
import { isOpenToOthers, lookAt, sizeOf } from "./file-facts.ts";

/** Of a directory whose size is added up; a packages directory has some thousands. */
const MOST_FILES = 20_000;
const CREDENTIALS = ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"];

export async function collectCodexFacts(options: ExamineOptions): Promise<CodexClientFacts> {
  const { env, paths, systemDirectories } = options;
  const logsPath = join(paths.codexHome, "logs_2.sqlite");
  const packagesPath = join(paths.codexHome, "packages");
  const sizes = {
    logsPath,
    logsBytes: ["", "-wal", "-shm"].reduce((sum, end) => sum + sizeOf(`${logsPath}${end}`), 0),
    packagesPath,
    packagesBytes: await sizeOfTree(packagesPath),
  };
  const common = {
    missingHome:
      readVariable(env, "CODEX_HOME") !== undefined && lookAt(paths.codexHome)?.isDirectory() !== true
        ? paths.codexHome
        : null,
    openAuthFile: isOpenToOthers(paths.codexAuth) ? paths.codexAuth : null,
    hasIgnoredBaseUrl: readVariable(env, "OPENAI_BASE_URL") !== undefined,
    ...sizes,
  };
  try {
    const system = systemDirectories?.codex;
    const facts = await readCodexFacts(paths, system === undefined ? {} : { systemDirectory: system });
    const { active, login } = facts;
    const asksForLogin = facts.activeKind === "openai" || active?.requiresOpenaiAuth === true;
    const keyName = active?.envKey;
    return {
      ...common,
      problem: null,
      providerProblem: findProviderProblem(facts),
      loginProblem: login.kind === "unreadable" ? login.problem : null,
      needsLogin: isConfigured(paths) && asksForLogin && !isUsableLogin(login),
      missingKeyVariable: keyName !== undefined && readVariable(env, keyName) === undefined ? keyName : null,
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return {
      ...common,
      problem: error.text,
      providerProblem: null,
      loginProblem: null,
      needsLogin: false,
      missingKeyVariable: null,
    };
  }
}

export async function collectClaudeFacts(options: ExamineOptions): Promise<ClaudeClientFacts> {
  const { paths, systemDirectories } = options;
  const managed = systemDirectories?.claude;
  const facts = await readClaudeFacts({
    ...options,
    ...(managed === undefined ? {} : { systemDirectory: managed }),
  });
  const baseUrl = findVariable(facts, "ANTHROPIC_BASE_URL");
  const isOwn = (address: string): boolean => readProxyPort("claude", address) === DEFAULT_PORT.claude;
  return {
    problems: await Promise.all(facts.problems.map(addPlace)),
    needsLogin:
      lookAt(paths.claudeHome) !== null &&
      !facts.hasLogin &&
      !facts.layers.some(({ hasApiKeyHelper }) => hasApiKeyHelper) &&
      CREDENTIALS.every((name) => findVariable(facts, name) === undefined),
    doubledVersion: baseUrl !== undefined && /\/v1\/*$/.test(baseUrl.value) ? baseUrl.layer.where : null,
    isPointedByShell: baseUrl?.layer.kind === "environment" && !isOwn(baseUrl.value),
  };
}

/** What makes Codex stop before its first request, or behave in a way that no relay expects. */
function findProviderProblem({
  activeId,
  activeKind,
  activeSource,
  layers,
  providers,
}: CodexFacts): CodexClientFacts["providerProblem"] {
  const where = activeSource?.where ?? "config.toml";
  if (findValue(layers, ["profile"]) !== undefined)
    return {
      message: t`${where} sets "profile", which Codex rejects`,
      hint: t`move the profile into its own file, and start: codex -p NAME`,
      isFatal: true,
    };
  if (activeKind === "undefined") {
    const known = providers.map(({ id }) => id).join(", ");
    return {
      message: t`${where} uses the provider "${activeId}", which no file defines: Codex does not start`,
      hint:
        known === ""
          ? t`define it under [model_providers.${activeId}]`
          : t`set model_provider to one of: ${known}`,
      isFatal: true,
    };
  }
  if (activeKind !== "custom") return null;
  const valueOf = (key: string) => findValue(layers, ["model_providers", activeId, key])?.value;
  if (valueOf("wire_api") === "chat")
    return {
      message: t`provider "${activeId}" has wire_api = "chat", which Codex no longer supports`,
      hint: 'wire_api = "responses"',
      isFatal: true,
    };
  const name = valueOf("name");
  if (typeof name !== "string" || name.trim() === "")
    return {
      message: t`provider "${activeId}" has no name: Codex does not start`,
      hint: `name = "${activeId}"`,
      isFatal: true,
    };
  if (name === "OpenAI")
    return {
      message: t`provider "${activeId}" is named "OpenAI": Codex then expects features that only OpenAI's own service has`,
      hint: `name = "${activeId}"`,
      isFatal: false,
    };
  return null;
}

/** Claude Code's reader tells no place; the parser for people does. */
async function addPlace({ path, text }: ClaudeFacts["problems"][number]): Promise<Text | string> {
  try {
    const json = await readText(path);
    if (json !== null) readJsonc(json, path);
    return text;
  } catch (error) {
    return error instanceof UserError ? error.text : text;
  }
}

function isConfigured({ codexConfig, codexHome }: Paths): boolean {
  return sizeOf(codexConfig) > 0 || lookAt(codexHome)?.isDirectory() === true;
}

async function sizeOfTree(path: string): Promise<number> {
  try {
    const entries = await readdir(path, { recursive: true });
    return entries.slice(0, MOST_FILES).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
  } catch {
    return 0;
  }
}
