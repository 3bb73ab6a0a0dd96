// Gathers what `doctor` looks at, and repairs what is safe to repair. Sends nothing to any upstream.
import { chmodSync, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../base/env.ts";
import type { Paths } from "../base/paths.ts";
import { SERVICES, type Service } from "../base/service.ts";
import { readSwitchStatus } from "../clients/switch-status.ts";
import { switchOff } from "../clients/switch.ts";
import { listUpstreams } from "../config/resolve.ts";
import type { DoctorFacts, ServiceFacts } from "../doctor/checks.ts";
import { createClientSecrets } from "./client-secrets.ts";
import { createFilter } from "./filter.ts";
import { createLiveConfig, type LiveConfig } from "./live-config.ts";
import { makeSwitchReport } from "./switch-report.ts";

export interface ExamineOptions {
  readonly paths: Paths;
  readonly env: Env;
  readonly cwd: string;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export async function collectFacts(options: ExamineOptions): Promise<DoctorFacts> {
  const { env, now, paths } = options;
  const live = createLiveConfig({ paths, env, now });
  const { config, problem } = live.current();
  const filterProblem = createFilter({ path: paths.filter, now }).problem();
  return {
    services: await Promise.all(SERVICES.map((service) => collectService(service, live, options))),
    config: {
      path: paths.config,
      isMissing: !existsSync(paths.config),
      problem: problem?.message ?? null,
      warnings: config.warnings,
    },
    filter: { path: paths.filter, problem: filterProblem?.message ?? null },
    openFiles: listOpenFiles(paths),
    predecessorFiles: listPredecessorFiles(paths),
  };
}

async function collectService(
  service: Service,
  live: LiveConfig,
  options: ExamineOptions,
): Promise<ServiceFacts> {
  const { env, now, paths } = options;
  const state = live.routeState(service);
  const { config } = live.current();
  const section = config.services[service];
  const named = state.kind === "ready" ? section.configs.get(state.route.configName) : undefined;
  const secrets = createClientSecrets(paths, now);
  const context = { env, now: now(), clientSecret: (name: string) => secrets.read(service, name) };
  const upstreams = named === undefined ? [] : listUpstreams(config, service, named, context);
  const { isListening, overrides, status } = await makeSwitchReport({
    service,
    paths,
    env,
    cwd: options.cwd,
  });
  return {
    service,
    routeProblem: state.kind === "unset" ? { message: state.message, hint: state.hint } : null,
    isUnused: section.configs.size + section.broken.size === 0,
    upstreams: upstreams
      .filter(({ isEnabled }) => isEnabled)
      .map(({ entry, upstream }) => ({
        label: upstream.label,
        unusable: upstream.credential.kind === "unusable" ? upstream.credential.why : null,
        hasLiteralKey: entry.auth?.auth_token != null || entry.auth?.api_key != null,
      })),
    switch: status,
    isProxyThere: isListening === true,
    overrides,
  };
}

/** What is safe: a client whose proxy died is put back, our files are made private. Says what was done. */
export async function repair(options: ExamineOptions): Promise<string[]> {
  const { env, paths } = options;
  const done: string[] = [];
  for (const service of SERVICES) {
    const { isOwnerDead } = await readSwitchStatus({ service, paths, env });
    if (!isOwnerDead) continue;
    const off = await switchOff({ service, paths, env });
    if (off !== null) done.push(`put back ${off.file}`);
  }
  for (const path of listOpenFiles(paths)) {
    chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
    done.push(`made ${path} private`);
  }
  return done;
}

/** Windows has no such modes. */
function listOpenFiles(paths: Paths): string[] {
  if (process.platform === "win32") return [];
  const own = [
    paths.home,
    paths.config,
    paths.filter,
    paths.state,
    paths.logs,
    paths.run,
    paths.backups,
    paths.requestsLog,
  ];
  return own.filter((path) => existsSync(path) && (statSync(path).mode & 0o077) !== 0);
}

function listPredecessorFiles(paths: Paths): string[] {
  const backups = [paths.codexHome, paths.claudeHome].flatMap((home) =>
    existsSync(home)
      ? readdirSync(home)
          .filter((name) => name.endsWith(".codex-helper-backup"))
          .map((name) => join(home, name))
      : [],
  );
  const config = join(paths.home, "config.toml");
  return [...(existsSync(config) ? [config] : []), ...backups];
}
