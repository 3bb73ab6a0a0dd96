// Looks at our own files for `doctor`: what they say, who may read them, and the disk they lie on. Changes nothing.
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import {
  MAX_OWN_FILE_BYTES,
  describe,
  isOpenToOthers,
  listNames,
  lookAt,
  readText,
  readTextOrNull,
  realPath,
} from "../../base/files.ts";
import type { Env } from "../../base/env.ts";
import { isAboutModes } from "../../config/file.ts";
import { type NotifySettings, resolveNotify } from "../../config/notify.ts";
import { describeUnsafeHome, findExisting, findHomeProblem, hasModes } from "../../base/home.ts";
import { findLeftovers } from "../../base/leftovers.ts";
import { type Text, isText, showMoment, t } from "../../base/text.ts";
import { parseRecord } from "../../base/json-value.ts";
import { type Paths } from "../../base/paths.ts";
import type { FileFacts } from "../../doctor/facts.ts";
import { inspectFilter } from "../filter/filter-facts.ts";
import type { LiveConfig, LiveConfigOptions } from "../live-config.ts";
import { fixOf } from "../../routing/fixes.ts";
import { describe as describeReason } from "../../routing/reasons.ts";
import { DEFAULT_SERVICE } from "../../base/service.ts";
import { readSpendFile } from "../spend/spend-file.ts";

const MOST_FILES = 2_000;

export async function collectFileFacts({
  env,
  live,
  now,
  paths,
}: LiveConfigOptions & { readonly live: LiveConfig }): Promise<FileFacts> {
  const { config, problem } = live.current();
  const [redaction, usageProviders, prices, spend] = await Promise.all([
    inspectFilter({ paths, now, isOff: () => config.shell.filter === false }),
    findProblem(paths.usageProviders, async () => (await import("../../quota/providers.ts")).checkProviders),
    findProblem(paths.prices, async () => (await import("../prices.ts")).parsePrices),
    readSpendFile(paths.spend),
  ]);
  const projects = config.projects.length === 0 ? [] : await examineProjects(live, { env, now, paths });
  const budgets = await examineBudgets(live, { env, now, paths });
  const openFiles = listOpenFiles(paths);
  // Asked only where something looks open.
  const isModed = openFiles.length === 0 || hasModes(paths.home);
  return {
    config: {
      path: paths.config,
      isMissing: !existsSync(paths.config),
      problem: problem?.text ?? null,
      hint: problem?.hintText ?? null,
      warnings: isModed ? config.warnings : config.warnings.filter((one) => !isAboutModes(one)),
    },
    filter: {
      path: paths.filter,
      problem: redaction.problem?.text ?? null,
      hint: redaction.problem?.hintText ?? null,
      facts: redaction.facts,
    },
    projects,
    budgets,
    pool: config.shell.share == null ? null : await examinePool({ env, now, paths }),
    notify: await examineNotify(resolveNotify(config.shell.notify), env),
    usageProviders: { path: paths.usageProviders, problem: usageProviders },
    prices: { path: paths.prices, problem: prices },
    state: { path: paths.state, isUnreadable: isStateUnreadable(paths.state) },
    spend: {
      path: paths.spend,
      problem: spend.problem?.text ?? null,
      isFile: lookAt(paths.spend)?.isFile() === true,
    },
    log: {
      path: paths.requestsLog,
      problem: findLogProblem(paths.requestsLog),
      bytes: lookAt(paths.requestsLog)?.size ?? 0,
    },
    home: {
      path: paths.home,
      problem: findHomeProblem(paths.home),
      unsafe: isModed ? describeUnsafeHome(paths) : null,
    },
    freeBytes: readFreeBytes(paths.home),
    openFiles,
    hasModes: process.platform === "win32" ? null : isModed,
    access:
      process.platform === "win32" ? (await import("./examine-access.ts")).examineAccess(paths.home) : null,
    leftovers: listLeftovers(paths),
    predecessorFiles: listPredecessorFiles(paths),
  };
}

async function examineNotify(settings: NotifySettings | null, env: Env): Promise<FileFacts["notify"]> {
  if (settings === null) return null;
  const { checkWay, nameWay } = await import("../serve/notice.ts");
  return { via: nameWay(settings.via), trouble: checkWay(settings.via, env) };
}

/** Our files and directories that others may read. */
export function listOpenFiles(paths: Paths): string[] {
  const files = ownDirectories(paths).flatMap((directory) =>
    listNames(directory).map((name) => join(directory, name)),
  );
  return [...new Set([paths.home, ...files])].slice(0, MOST_FILES).filter(isOpenToOthers);
}

/** What killed writers left in our directories, and beside the clients' files. */
export function listLeftovers(paths: Paths): string[] {
  const clients = [paths.codexConfig, paths.claudeSettings].map(realPath);
  return [
    ...ownDirectories(paths).flatMap((directory) => findLeftovers(directory)),
    ...clients.flatMap((file) => findLeftovers(dirname(file), { name: basename(file) })),
  ];
}

function ownDirectories({ backups, home, logs, run }: Paths): readonly string[] {
  return [home, logs, run, backups];
}

/** Few users have such a file: its parser is loaded only where there is one. */
async function findProblem(
  path: string,
  loadParser: () => Promise<(text: string, file: string) => unknown>,
): Promise<Text | string | null> {
  try {
    const text = await readText(path, MAX_OWN_FILE_BYTES);
    if (text !== null) (await loadParser())(text, path);
    return null;
  } catch (error) {
    if (error instanceof UserError) return error.text;
    throw error;
  }
}

async function examineProjects(live: LiveConfig, context: LiveConfigOptions): Promise<FileFacts["projects"]> {
  const { surveyProjects } = await import("../projects/survey.ts");
  const { parseRules } = await import("../../filter/rules.ts");
  return await Promise.all(
    surveyProjects(live, context).map(async ({ filter, hasConfig, isThere, rule, unknown }) => ({
      name: rule.name,
      pattern: rule.pattern,
      isThere,
      usedConfig: rule.entry.config ?? null,
      hasConfig,
      unknownNames: unknown,
      filterProblem: filter === null ? null : await findRuleProblem(filter, parseRules),
    })),
  );
}

async function examineBudgets(live: LiveConfig, context: LiveConfigOptions): Promise<FileFacts["budgets"]> {
  const { listBudgets } = await import("../../config/budgets.ts");
  if (listBudgets(live.current().config).length === 0) return [];
  const { createQuota } = await import("../quota/quota.ts");
  const quota = createQuota({ ...context, live, onTrouble: () => {} });
  await quota.load();
  const facts = quota.budgets.facts();
  await quota.stop();
  return (
    facts?.map(({ budget, count, isSpent, limit, reason }) => ({
      words: describeReason(reason),
      isSpent,
      isNear: count.used >= 0.8 * limit,
      onSpent: budget.onSpent,
      lift: fixOf(reason, NO_UPSTREAM) ?? "ch budget",
      unpriced: count.unpriced,
    })) ?? null
  );
}

async function examinePool(context: LiveConfigOptions): Promise<FileFacts["pool"]> {
  const { surveyPool } = await import("../share/visit.ts");
  const pool = await surveyPool(context);
  if (pool === null) return null;
  const alone = pool.proxies.find(({ state }) => state === "alone");
  const why: unknown = alone?.["why_text"];
  return {
    namespace: pool.namespace,
    problem: pool.problem,
    machines: pool.machines.length,
    alone:
      alone === undefined
        ? null
        : {
            since: showMoment(alone.since_ms ?? 0, context.now()),
            why: isText(why) ? why : (alone.why ?? ""),
          },
  };
}

/** A budget may be of many. */
const NO_UPSTREAM = { label: "", service: DEFAULT_SERVICE, baseUrl: "" };

/** Of a file that has to be there. */
async function findRuleProblem(
  path: string,
  parse: (text: string, name: string) => unknown,
): Promise<Text | string | null> {
  if (lookAt(path) === null) return t`${path} is missing`;
  return await findProblem(path, () => Promise.resolve(parse));
}

function isStateUnreadable(path: string): boolean {
  return existsSync(path) && parseRecord(readTextOrNull(path) ?? "") === null;
}

function findLogProblem(path: string): Text | string | null {
  const stats = lookAt(path);
  if (stats === null) return null;
  if (!stats.isFile()) return t`it is not a file`;
  try {
    accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    return describe(error);
  }
}

function readFreeBytes(home: string): number | null {
  try {
    const { bavail, blocks, bsize } = statfsSync(findExisting(home));
    return blocks === 0 ? null : bavail * bsize;
  } catch {
    return null;
  }
}

function listPredecessorFiles(paths: Paths): string[] {
  const backups = [paths.codexHome, paths.claudeHome].flatMap((home) =>
    listNames(home)
      .filter((name) => name.endsWith(".codex-helper-backup"))
      .map((name) => join(home, name)),
  );
  const config = join(paths.home, "config.toml");
  return [...(existsSync(config) ? [config] : []), ...backups];
}
