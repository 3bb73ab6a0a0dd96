// What a running proxy says of itself under /__codex-helper/, and what it can be told to do there.
// Shows no secret; to others than its owner it shows no more of an upstream's address than the host.
import { parseJson } from "../../base/json-value.ts";
import { findTerminal } from "../../base/process-identity.ts";
import type { Service } from "../../base/service.ts";
import { PRODUCT, VERSION } from "../../base/version.ts";
import type { LaneDoor } from "../../proxy/lane-door.ts";
import type { RunningRequest } from "../../proxy/deps.ts";
import type { OwnRoutes } from "../../proxy/own-routes.ts";
import type { RefusalFacts } from "../../proxy/refusals.ts";
import type { Waits } from "../../proxy/waiting.ts";
import type { Router } from "../../routing/router.ts";
import type { LiveFilter } from "../../filter/live-filter.ts";
import type { LiveConfig, LiveRoute } from "../live-config.ts";
import { listKeys } from "../status/targets.ts";
import type { ProjectGate } from "../projects/gate.ts";
import type { PoolDoor } from "../share/door.ts";
import type { LivePrices } from "../spend/live-prices.ts";
import type { Quota } from "../quota/quota.ts";
import type { SavedSections } from "../../state/state-file.ts";
import type { InstanceFacts, RunningPart } from "../ask-instance.ts";
import type { LineBook } from "./line.ts";
import type { Viewers } from "./viewers.ts";
import { explainRoute, makeRouteFacts } from "../status/facts.ts";
import { makeProblem } from "../status/problem.ts";

export interface OwnPagesOptions {
  readonly service: Service;
  readonly port: () => number;
  /** Wall clock, ms. */
  readonly since: number;
  readonly now: () => number;
  readonly live: LiveConfig;
  readonly filter: LiveFilter;
  readonly router: Router;
  readonly lanes: LaneDoor;
  readonly quota: Quota;
  readonly prices: LivePrices;
  readonly saved: SavedSections;
  readonly route: LiveRoute;
  readonly refusals: () => RefusalFacts;
  /** Null where no request ever waited. */
  readonly waits: () => Waits | null;
  readonly viewers: Viewers;
  readonly line: LineBook;
  /** The requests that are being answered. */
  readonly running: () => Iterable<RunningRequest>;
  readonly clientToken: string | null;
  readonly projects: ProjectGate["projects"];
  readonly pool: PoolDoor;
}

/** A screen has no room for more. */
const MOST_RUNNING = 100;

export function makeOwnPages(options: OwnPagesOptions): Pick<OwnRoutes, "read" | "follow" | "act"> {
  const { filter, lanes, live, now, prices, quota, route, router, saved, service } = options;
  const health = () => ({
    name: PRODUCT,
    version: VERSION,
    pid: process.pid,
    service,
    port: options.port(),
    client_token: options.clientToken !== null,
  });
  const status = (isOwner: boolean, pool = options.pool.facts()): InstanceFacts => ({
    ...health(),
    since_ms: options.since,
    terminal: isOwner ? findTerminal() : null,
    variables: isOwner ? live.variablesOf(service) : [],
    ...makeRouteFacts({ route, router, lanes, quota, now: now(), isOwner }),
    config_problem: makeProblem(live.current().problem),
    filter_problem: makeProblem(filter.problem()),
    quota_problem: makeProblem(quota.problem()),
    prices_problem: makeProblem(prices.problem()),
    refusals: options.refusals(),
    waiting: (options.waits()?.list() ?? []).map((wait) => ({ ...wait })),
    redaction: { ...filter.facts() },
    ...(pool === null ? {} : { pool: { ...pool } }),
  });
  const makeRunning = (): RunningPart => {
    const all = [...options.running()];
    const upstreams = route.upstreams().map(({ key, label }) => [label, router.openOf(key)] as const);
    return {
      count: all.length,
      requests: all.slice(-MOST_RUNNING).map((request) => {
        const { attempts, ...facts } = request.look();
        return { ...facts, attempts: attempts.map((attempt) => ({ ...attempt })) };
      }),
      in_flight: Object.fromEntries(upstreams),
    };
  };
  return {
    read: {
      health,
      status(_query, isOwner) {
        live.refresh();
        return status(isOwner);
      },
      /** For a status line: of a session, or of none. */
      line: (query, isOwner) => (isOwner ? options.line.facts(query.get("session")) : null),
      async explain(query, isOwner) {
        live.refresh();
        const directory = query.get("path");
        const view = (await options.projects())?.look(directory, query.get("session"));
        return explainRoute(
          { router, lanes, state: route.state(), now: now(), isOwner, view },
          { model: query.get("model"), sessionId: query.get("session") },
        );
      },
    },
    follow: {
      /** How things are as it changes, and what happens. */
      watch: () => options.viewers.open(service, () => ({ proxy: status(true), running: makeRunning() })),
    },
    act: {
      /** Another process has learned something of upstreams. */
      learned: (query) => {
        router.loadLearned(parseJson(query.get("entries") ?? ""));
        saved.noteChange();
        return saved.flush();
      },
      /** Ends all waits for a reset. */
      "stop-waiting": () => Promise.resolve({ stopped: options.waits()?.stop() ?? 0 }),
      /** Asks for every balance now. */
      refresh: () => quota.refresh(),
      /** `upstream` is NAME or NAME#N; without it all are meant. */
      async reset(query) {
        const keys = listKeys(live, service, query.get("upstream"));
        for (const key of keys ?? [undefined]) {
          router.reset(key);
          lanes.forget(key);
        }
        options.pool.noteReset(keys);
        saved.noteChange();
        await saved.flush();
      },
    },
  };
}
