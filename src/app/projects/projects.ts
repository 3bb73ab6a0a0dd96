// Which project each request of a service is from, and what follows from it: its route, its wall, its rules of redaction. Every
// directory that a request or its session names adds its wall; one of them gives the route. What cannot be told is refused.
import { SERVICE_FACTS, type Service } from "../../base/service.ts";
import { t } from "../../base/text.ts";
import type { Upstream } from "../../base/upstream.ts";
import { type ProjectRule, type ProjectTerms, hasWalls } from "../../config/projects.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import type { PlacedRequest, Placement, Projects, Route, RouteState, Wall } from "../../proxy/deps.ts";
import type { LiveConfig, LiveRoute } from "../live-config.ts";
import { createAllowed } from "./allowed.ts";
import { answerHere, isNeutral } from "./neutral.ts";
import { type Origin, type OriginsOptions, createOrigins } from "./origins.ts";
import { type Located, createPlaces } from "./places.ts";

export interface ProjectsOptions extends OriginsOptions {
  readonly service: Service;
  readonly live: LiveConfig;
  /** The path of a file of rules, by its name in config.json. */
  readonly ruleFile: (name: string) => string;
  /** The config that was asked for when the proxy was started. */
  readonly configName?: string | undefined;
  /** Do several requests run right now? */
  readonly isBusy: () => boolean;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** The rules for an origin. */
interface Standing {
  readonly terms: ProjectTerms | null;
  /** Each has a wall. */
  readonly walls: readonly ProjectTerms[];
  readonly filters: readonly string[];
  /** One that is not there, and is known by no rule. */
  readonly untold: string | null;
}

/** So long a look at files holds for requests that run at the same time. */
const SHARED_MS = 20;

interface Settled {
  /** Wall clock, ms: when it was last found to hold. */
  at: number;
  readonly placement: Placement;
  readonly basis: string;
  readonly version: number;
  readonly config: ParsedConfig;
  readonly route: LiveRoute;
  readonly state: RouteState;
}

/** A client names a session, and sends its first turn at the same moment: the one waits for the other. */
const WAIT_MS = 2_000;
const LOOK_MS = 100;

export function createProjects(options: ProjectsOptions): Projects {
  const { configName, home, isBusy, live, now, ruleFile, service, walled } = options;
  const places = createPlaces({ rules: () => live.current().config.projects, home, now });
  const origins = createOrigins(options);
  const settled = new WeakMap<Origin, Settled>();
  const waiting = new Set<() => void>();
  const routes = new Map<string | undefined, LiveRoute>();
  const made = new WeakMap<Route, Map<string, Route | null>>();
  const allowed = createAllowed(service, live, now);
  const { refused } = SERVICE_FACTS[service].noAnswer;

  const standingOf = ({ current, directories, isMixed, sessionId }: Origin): Standing => {
    const located = new Map<string, Located>();
    const earlier = sessionId === null ? undefined : walled.of(sessionId);
    for (const directory of directories) {
      const here = places.locate(directory);
      const met = here.isTold ? undefined : earlier?.get(directory);
      located.set(directory, met === undefined ? here : places.locate(met));
    }
    const all = [...located.values()].flatMap(({ terms }) => terms ?? []);
    const met = distinct(all.filter(({ allow }) => allow !== null));
    const walls = isMixed ? distinct([...met, ...allWalls(live.current().config)]) : met;
    const own = (current === null ? null : located.get(current)?.terms) ?? null;
    // A session whose history is from behind a wall stays with what is behind it.
    const terms = own?.allow == null ? (met.at(-1) ?? own) : own;
    const filters = all.flatMap((one) => one.filter ?? []);
    const untold = [...located].find(([, { isTold }]) => !isTold)?.[0] ?? null;
    return { terms, walls, filters: [...new Set(filters.map(ruleFile))], untold };
  };

  const routeFor = (terms: ProjectTerms | null): LiveRoute => {
    const name = configName ?? (terms?.config != null && hasConfig(terms.config) ? terms.config : undefined);
    const route = routes.get(name) ?? live.routeOf(service, name);
    routes.set(name, route);
    return route;
  };
  /** A name of the other service's alone says nothing here. */
  const hasConfig = (name: string): boolean => {
    const { services } = live.current().config;
    const has = (one: Service): boolean => services[one].configs.has(name) || services[one].broken.has(name);
    return has(service) || !Object.values(SERVICE_FACTS).some((other) => has(other.service));
  };

  const permitsAll = (walls: readonly ProjectTerms[], { key }: Upstream): boolean =>
    walls.every(({ allow }) => allowed.keysOf(allow ?? []).has(key));

  /** The route without what is behind a wall; null where nothing is left. */
  const narrow = (route: Route, { terms, walls }: Standing): Route | null => {
    if (walls.length === 0 && terms?.models == null) return route;
    const by = made.get(route) ?? new Map<string, Route | null>();
    made.set(route, by);
    const { config = null, models = null } = terms ?? {};
    const id = JSON.stringify([walls.map(({ allow }) => allow), config, models, allowed.version()]);
    const known = by.get(id);
    if (known !== undefined) return known;
    const within = route.upstreams.filter((one) => permitsAll(walls, one));
    const named =
      within.length > 0 || configName !== undefined || config !== null ? [] : allowed.enabledOf(terms);
    const upstreams = within.length > 0 ? within : named.filter((one) => permitsAll(walls, one));
    const [first] = upstreams;
    const narrowed =
      first === undefined
        ? null
        : { ...route, upstreams, configName: first.configName, models: models ?? route.models };
    by.set(id, narrowed);
    return narrowed;
  };

  const wallOf = (origin: Origin | null, first: Standing): Wall => {
    let seen: ParsedConfig = live.current().config;
    let { walls } = first;
    return {
      name: nameWalls(walls),
      permits(upstream) {
        const { config } = live.current();
        if (config !== seen) walls = origin === null ? allWalls(config) : standingOf(origin).walls;
        seen = config;
        return permitsAll(walls, upstream);
      },
      noteResponse(id) {
        if (origin !== null && walls.length > 0) origins.noteResponse(id, origin);
      },
    };
  };

  const refuse = (words: Parameters<typeof refusal>[0], project: string | null = null): Placement => ({
    kind: "refused",
    project,
    error: refusal(words),
  });
  const refusal = (message: ReturnType<typeof t>) => ({ ...refused, message, isFinal: true });

  const place = (origin: Origin): Placement => {
    const { config } = live.current();
    const mode = config.shell.unknown_project ?? (hasWalls(config.projects) ? "refuse" : "default");
    const standing = standingOf(origin);
    const { filters, terms, untold, walls } = standing;
    if (mode === "refuse" && origin.current === null)
      return refuse(
        t`it cannot be told which project this request is from, and a project has a wall ("unknown_project" in config.json; see: ch project)`,
      );
    if (mode === "refuse" && untold !== null)
      return refuse(
        t`it cannot be told which project ${untold} belongs to, and a project has a wall ("unknown_project" in config.json; see: ch project --path ${untold})`,
      );
    const state = routeFor(standing.terms).state();
    const project = terms?.rule.name ?? null;
    if (state.kind === "unset") return refuse(t`${state.message}; type: ${state.hint}`, project);
    const route = narrow(state.route, standing);
    const wall = wallOf(origin, standing);
    if (route === null)
      return refuse(
        t`the wall of project ${wall.name ?? ""} leaves no upstream for this request ("allow" of "projects" in config.json; see: ch project)`,
        project,
      );
    const line =
      terms === null ? undefined : `${route.configName} ${walls.map(({ rule }) => rule.name).join(" ")}`;
    return { kind: "placed", route, line, project, wall, filters };
  };

  const remember = ({ directories, sessionId }: Origin): void => {
    if (sessionId === null) return;
    for (const directory of directories) {
      const { met, terms } = places.locate(directory);
      if (terms?.allow != null) walled.add(sessionId, directory, met ?? directory);
    }
    for (const wake of waiting) wake();
  };

  /** The same as for the last request from there, as long as nothing that it rests on has changed. */
  const settle = (origin: Origin): Placement => {
    const known = settled.get(origin);
    const at = now();
    const { config } = live.current();
    // Whoever waits for an answer before a link is changed has the change seen; many at once share a look.
    const isFresh = known?.at === at || (known !== undefined && at - known.at < SHARED_MS && isBusy());
    if (isFresh && known?.config === config) return known.placement;
    const basis = places.basisOf(origin.directories);
    const version = allowed.version();
    const isSame = known?.basis === basis && known.version === version && known.config === config;
    if (isSame && known.state === known.route.state()) {
      known.at = at;
      return known.placement;
    }
    remember(origin);
    const placement = place(origin);
    const route = routeFor(standingOf(origin).terms);
    settled.set(origin, { at, basis, version, config, route, state: route.state(), placement });
    return placement;
  };

  /** Another request of the session, or its file, may tell within a moment. */
  const waitForSession = async (request: PlacedRequest): Promise<Origin> => {
    const end = now() + WAIT_MS;
    for (;;) {
      const origin = origins.of(request);
      if (origin.current !== null || request.sessionId === null || now() >= end || request.signal.aborted)
        return origin;
      const next = Promise.withResolvers<void>();
      const timer = setTimeout(next.resolve, LOOK_MS);
      waiting.add(next.resolve);
      await next.promise;
      clearTimeout(timer);
      waiting.delete(next.resolve);
      origins.refresh(request.sessionId);
    }
  };

  /** Says nothing of any project: it may go where each of them may. */
  const placeNeutral = (request: PlacedRequest): Placement => {
    const { config } = live.current();
    const walls = allWalls(config);
    const standing: Standing = { terms: null, walls, filters: [], untold: null };
    const state = routeFor(standing.terms).state();
    if (state.kind === "unset") return refuse(t`${state.message}; type: ${state.hint}`);
    const upstreams = state.route.upstreams.filter((one) => permitsAll(walls, one));
    if (upstreams.length > 0) {
      const line =
        upstreams.length === state.route.upstreams.length ? undefined : `${state.route.configName} *`;
      const route = line === undefined ? state.route : { ...state.route, upstreams };
      return { kind: "placed", route, line, project: null, wall: wallOf(null, standing), filters: [] };
    }
    const answer = answerHere(request);
    if (answer !== null) return { kind: "answered", body: answer };
    return refuse(
      t`no upstream is within the walls of all projects, and this request names none of them (see: ch project)`,
    );
  };

  return {
    look(directory, sessionId) {
      const origin = origins.peek(directory, sessionId);
      if (origin.current === null) return undefined;
      const standing = standingOf(origin);
      const state = routeFor(standing.terms).state();
      const all = state.kind === "ready" ? state.route.upstreams : [];
      const outside = all.filter((one) => !permitsAll(standing.walls, one));
      return { placement: place(origin), outside };
    },
    place(request) {
      const { config } = live.current();
      const isWalled = hasWalls(config.projects);
      if (isWalled && isNeutral(request)) return placeNeutral(request);
      const origin = origins.of(request);
      if (isWalled && origin.current === null && request.sessionId !== null)
        return waitForSession(request).then(settle);
      return settle(origin);
    },
  };
}

function distinct(terms: readonly ProjectTerms[]): readonly ProjectTerms[] {
  const by = new Map<ProjectRule | null, ProjectTerms>();
  // The latest last.
  for (const one of terms) {
    by.delete(one.walledBy);
    by.set(one.walledBy, one);
  }
  return [...by.values()];
}

function allWalls({ projects }: ParsedConfig): readonly ProjectTerms[] {
  return projects
    .filter(({ entry }) => entry.allow != null)
    .map((rule) => ({
      rule,
      config: null,
      allow: rule.entry.allow ?? [],
      walledBy: rule,
      filter: null,
      models: null,
    }));
}

function nameWalls(walls: readonly ProjectTerms[]): string | null {
  const names = walls.map(({ walledBy, rule }) => (walledBy ?? rule).name);
  return names.length === 0 ? null : names.join(", ");
}
