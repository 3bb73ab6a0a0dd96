// The way from a running proxy to the projects of config.json: nothing of them is loaded before there is one.
import { isAbsolute, join } from "node:path";
import type { Env } from "../../base/env.ts";
import { type Paths, findUserHome } from "../../base/paths.ts";
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
  /** Where `ch run` was started; null for another command. */
  readonly runDirectory: string | null;
  readonly configName: string | undefined;
  readonly onTrouble: (words: Text | string) => void;
  /** Wall clock, ms. */
  readonly now: () => number;
}

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
  const userHome = findUserHome(env);
  const ruleFile = (name: string): string =>
    name.startsWith("~/") ? join(userHome, name.slice(2)) : isAbsolute(name) ? name : join(paths.home, name);
  const projects = createProjects({
    ...options,
    service,
    whereabouts,
    format,
    walled,
    home: userHome,
    ruleFile,
  });
  return { projects, flush: walled.flush };
}
