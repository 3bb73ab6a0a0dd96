// What the rules of config.json say of a directory and of all projects, for the screens: from the files alone, whether a proxy runs or
// not. Sends nothing.
import { SERVICES, type Service } from "../../base/service.ts";
import { findUserHome } from "../../base/paths.ts";
import type { Text } from "../../base/text.ts";
import { type ProjectRule, listAllowed } from "../../config/projects.ts";
import { type LiveConfigOptions, createLiveConfig, type LiveConfig } from "../live-config.ts";
import { createProjectGate, findRuleFile } from "./gate.ts";
import { createPlaces } from "./places.ts";

/** Where requests of one client go from a directory. */
export interface ProjectRoute {
  readonly service: Service;
  readonly config: string | null;
  /** Labels. */
  readonly inside: readonly string[];
  readonly outside: readonly string[];
  /** Why nothing is sent from there. */
  readonly problem: Text | string | null;
}

export async function surveyProject(directory: string, context: LiveConfigOptions) {
  const live = createLiveConfig(context);
  const { config } = live.current();
  const places = createPlaces({
    rules: () => config.projects,
    home: findUserHome(context.env),
    now: context.now,
  });
  const located = places.locate(directory);
  const used = SERVICES.filter((service) => config.services[service].configs.size > 0);
  const routes = await Promise.all(
    used.map(async (service): Promise<ProjectRoute> => {
      const gate = createProjectGate({ ...context, service, live, onTrouble: () => {} });
      const view = (await gate.projects())?.look(directory, null);
      if (view?.placement.kind === "refused")
        return {
          service,
          config: null,
          inside: [],
          outside: labelsOf(view),
          problem: view.placement.error.message,
        };
      const state = live.routeOf(service).state();
      if (view?.placement.kind !== "placed" && state.kind === "unset")
        return { service, config: null, inside: [], outside: [], problem: state.message };
      const route =
        view?.placement.kind === "placed"
          ? view.placement.route
          : state.kind === "ready"
            ? state.route
            : null;
      return {
        service,
        config: route?.configName ?? null,
        inside: route?.upstreams.map(({ label }) => label) ?? [],
        outside: view === undefined ? [] : labelsOf(view),
        problem: null,
      };
    }),
  );
  return { located, routes };
}

function labelsOf({
  outside,
}: {
  readonly outside: readonly { readonly label: string }[];
}): readonly string[] {
  return outside.map(({ label }) => label);
}

export interface ProjectReport {
  readonly rule: ProjectRule;
  /** The directory that the rule begins at is there. */
  readonly isThere: boolean;
  /** Names in its wall that are none of any client. */
  readonly unknown: readonly string[];
  /** The config that it names is one of a client. */
  readonly hasConfig: boolean;
  /** Path of its redaction rules; null for none. */
  readonly filter: string | null;
}

/** All rules, with what is wrong with each. */
export function surveyProjects(live: LiveConfig, context: LiveConfigOptions): readonly ProjectReport[] {
  const { config } = live.current();
  const places = createPlaces({
    rules: () => config.projects,
    home: findUserHome(context.env),
    now: context.now,
  });
  const all = SERVICES.flatMap((service) => live.listAll(service).map(({ upstream }) => upstream));
  return config.projects.map((rule) => {
    const { allow, config: used } = rule.entry;
    return {
      rule,
      filter: rule.entry.filter == null ? null : findRuleFile(rule.entry.filter, context),
      isThere: places.hasBase(rule),
      unknown: (allow ?? []).filter((name) => listAllowed([name], all).length === 0),
      hasConfig: used == null || SERVICES.some((service) => config.services[service].configs.has(used)),
    };
  });
}
