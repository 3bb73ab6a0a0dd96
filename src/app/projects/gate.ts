// The way from a running proxy to the projects of config.json: nothing of them is loaded before there is one.
import { isAbsolute, join } from "node:path";
import type { Env } from "../../base/env.ts";
import { type Paths, expandHome, findUserHome } from "../../base/paths.ts";
import type { Service } from "../../base/service.ts";
import type { Text } from "../../base/text.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { hasWalls } from "../../config/projects.ts";
import type { Projects } from "../../proxy/deps.ts";
import type { LiveConfig } from "../live-config.ts";

export interface ProjectGateOptions {
  readonly service: Service;
  readonly live: LiveConfig;
  readonly paths: Paths;
  readonly env: Env;
  /** Where `ch run` was started. Absent for another command. */
  readonly runDirectory?: string | undefined;
  readonly configName?: string | undefined;
  /** Default: they do not. */
  readonly isBusy?: () => boolean;
  readonly onTrouble: (words: Text | string) => void;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export type ProjectGate = ReturnType<typeof createProjectGate>;

export function createProjectGate(options: ProjectGateOptions) {
  const { live } = options;
  let loaded: { readonly projects: Projects; readonly flush: () => Promise<void> } | null = null;
  let loading: Promise<Projects> | null = null;
  const load = async (): Promise<Projects> => {
    loaded = await loadProjects(options);
    return loaded.projects;
  };
  return {
    projects(): Projects | Promise<Projects> | undefined {
      if (live.current().config.projects.length === 0) return undefined;
      return loaded?.projects ?? (loading ??= load());
    },
    hasWalls: () => hasWalls(live.current().config.projects),
    /** Writes what was noted of sessions. Never rejects. */
    flush: async (): Promise<void> => await loaded?.flush(),
  };
}

async function loadProjects({ env, paths, service, ...options }: ProjectGateOptions) {
  const [{ createProjects }, { createWalledSessions }, whereabouts, format] = await Promise.all([
    import("./projects.ts"),
    import("./walled-sessions.ts"),
    CLIENTS[service].loadWhereabouts(),
    CLIENTS[service].loadSessionFormat(paths),
  ]);
  const walled = createWalledSessions({ ...options, paths, service });
  const ruleFile = (name: string): string => findRuleFile(name, { env, paths });
  const projects = createProjects({
    isBusy: () => false,
    ...options,
    service,
    whereabouts,
    format,
    walled,
    home: findUserHome(env),
    ruleFile,
  });
  return { projects, flush: walled.flush };
}

/** The path of a file of redaction rules, by its name in config.json: one without a directory is in the home of ch. */
export function findRuleFile(
  name: string,
  { env, paths }: Pick<ProjectGateOptions, "env" | "paths">,
): string {
  const path = expandHome(name, findUserHome(env));
  return isAbsolute(path) ? path : join(paths.home, name);
}
