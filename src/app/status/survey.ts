// Everything that `ch status` and `ch routing` need to know: from the proxies that run, and where none does from
// config.json and what the last one left in state.json. Sends no request to an upstream.
import { usualMemoryMib } from "../../base/memory-budget.ts";
import { existsSync } from "node:fs";
import { type UserError, onUserError } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import { listSettings } from "../../config/settings.ts";
import { type Instance, findInstances, readInstances } from "../../state/instances.ts";
import type { TodayFacts } from "../../usage/today.ts";
import {
  type Explanation,
  type InstanceFacts,
  type RouteFacts,
  type UpstreamFacts,
  askInstance,
  explanationSchema,
  instanceSchema,
  tellInstance,
} from "../ask-instance.ts";
import { inspectFilter } from "../filter/filter-facts.ts";
import { type LiveConfig, type LiveConfigOptions, createLiveConfig } from "../live-config.ts";
import { createLivePrices } from "../spend/live-prices.ts";
import type { Question } from "./facts.ts";
import { makeProblem } from "./problem.ts";
import type { RecallOptions, recallRoutes } from "./recall.ts";
import { makeQuietDay, readToday } from "./today.ts";

/** `config_name`, `problem` and `upstreams` are those of the first instance; without one, of the active config. */
export interface ServiceFacts extends RouteFacts {
  readonly service: Service;
  readonly instances: readonly InstanceFacts[];
  /** Their processes run, but do not answer. */
  readonly silent_instances: readonly InstanceRecord[];
  /** They ended without removing their record: killed, or a power loss. */
  readonly dead_instances: readonly InstanceRecord[];
  /** Null where the log cannot be read. */
  readonly today: TodayFacts | null;
}

/** What is known of a proxy that does not answer. */
export type InstanceRecord = Readonly<Pick<Instance, "pid" | "port">> & { readonly since_ms: number };

export type StatusFacts = Readonly<Awaited<ReturnType<typeof surveyStatus>>>;

/** What has been done already. */
interface SurveyBegun {
  readonly asked?: Asked;
  readonly live?: LiveConfig;
}

export async function surveyStatus(
  services: readonly Service[],
  context: LiveConfigOptions,
  { asked, live = createLiveConfig(context) }: SurveyBegun = {},
) {
  const { now, paths } = context;
  const { answers, dead } = asked ?? (await askProxies(context));
  const prices = createLivePrices({ ...context, live });
  await prices.look();
  const loadPrices = async () => await prices.costOf().catch(onUserError(() => null));
  const [{ instances, silent }, today] = await Promise.all([
    answers,
    readToday({ path: paths.requestsLog, ledger: paths.spend, now: now(), loadPrices }),
  ]);
  const recall = recallOnce({ ...context, live, prices });
  const redaction = await inspectFilter({
    ...context,
    isOff: () => live.current().config.shell.filter === false,
  });
  return {
    services: await Promise.all(
      services.map(async (service): Promise<ServiceFacts> => {
        const own = instances.filter((instance) => instance.service === service);
        const [first] = own;
        const { config_name, problem, upstreams } = first ?? (await recall()).factsOf(service);
        const recordsOf = (records: readonly Instance[]): InstanceRecord[] =>
          records
            .filter((record) => record.service === service)
            .map(({ pid, port, since }) => ({ pid, port, since_ms: since }));
        return {
          service,
          config_name,
          problem,
          upstreams,
          instances: own,
          silent_instances: recordsOf(silent),
          dead_instances: recordsOf(dead),
          today: today === null ? null : (today.get(service) ?? makeQuietDay(now())),
        };
      }),
    ),
    config_problem: makeProblem(live.current().problem),
    filter_problem: makeProblem(redaction.problem),
    redaction: redaction.facts,
    quota_problem: makeProblem(await findProvidersProblem(context)),
    prices_problem: makeProblem(prices.problem()),
    /** The rules for projects, as they are written. */
    projects: live.current().config.projects.map(({ entry, name, pattern }) => ({
      project: name,
      pattern,
      config: entry.config ?? null,
      allow: entry.allow ?? null,
    })),
    /** Those in force, with where they come from. */
    settings: listSettings(live.current().config, usualMemoryMib()),
    /** Not the command itself: it may hold a secret. */
    has_event_hook: live.current().config.shell.hooks?.on_event != null,
  };
}

/** Asks the oldest proxy that runs; where none does, `isRunning` is false and the answer is from what is saved. */
export async function surveyRoute(
  service: Service,
  { directory = null, model, sessionId }: Question,
  context: LiveConfigOptions,
): Promise<{ readonly isRunning: boolean; readonly explanation: Explanation }> {
  const query = {
    ...(model === null ? {} : { model }),
    ...(sessionId === null ? {} : { session: sessionId }),
    ...(directory === null ? {} : { path: directory }),
  };
  for (const instance of await listInstances(service, context)) {
    const answer = explanationSchema.safeParse(await askInstance(instance, "explain", { query })).data;
    if (answer !== undefined) return { isRunning: true, explanation: answer };
  }
  const [{ live, recall }, { createProjectGate }, { explainRoute }] = await Promise.all([
    recallOnce(context)(),
    import("../projects/gate.ts"),
    import("./facts.ts"),
  ]);
  const { route, router } = recall(service);
  const gate = createProjectGate({ ...context, service, live, onTrouble: () => {} });
  const view = (await gate.projects())?.look(directory, sessionId);
  const now = context.now();
  return {
    isRunning: false,
    explanation: explainRoute({ router, state: route.state(), now, view }, { model, sessionId }),
  };
}

/** How each upstream of a service is, by the oldest proxy that runs; where none does, by what is saved. */
export async function surveyStates(services: readonly Service[], context: LiveConfigOptions) {
  const { instances } = await askAll(context);
  const recall = recallOnce(context);
  const states = services.map(async (service): Promise<[Service, readonly UpstreamFacts[]]> => {
    const running = instances.find((one) => one.service === service);
    return [service, (running ?? (await recall()).factsOf(service)).upstreams];
  });
  return new Map(await Promise.all(states));
}

/** How each upstream of each config of a service is, by label: by the oldest proxy that uses the config, else by what is saved. */
export async function surveyConfigs(
  service: Service,
  context: LiveConfigOptions,
): Promise<ReadonlyMap<string, UpstreamFacts>> {
  const [{ instances }, { factsOf, live }] = await Promise.all([askAll(context), recallOnce(context)()]);
  const names = [...live.current().config.services[service].configs.keys()];
  const upstreams = names.flatMap((name) => {
    const running = instances.find((one) => one.service === service && one.config_name === name);
    return (running ?? factsOf(service, name)).upstreams;
  });
  return new Map(upstreams.map((upstream) => [upstream.label, upstream]));
}

/** Loads what tells it from the files only where it is needed. */
function recallOnce(options: RecallOptions) {
  let recalled: ReturnType<typeof recallRoutes> | null = null;
  return () => (recalled ??= import("./recall.ts").then(({ recallRoutes }) => recallRoutes(options)));
}

/** What is wrong with usage_providers.json. */
async function findProvidersProblem({ now, paths }: LiveConfigOptions): Promise<UserError | null> {
  if (!existsSync(paths.usageProviders)) return null;
  const { createProvidersFile } = await import("../../quota/providers.ts");
  return createProvidersFile(paths.usageProviders, now).current().problem;
}

/**
 * Resets the health of the upstreams that NAME or NAME#N means, or of all of the service (null): in every running proxy,
 * and in state.json. Throws UserError.
 * @returns the number of proxies that did so
 */
export async function resetRoute(
  service: Service,
  target: string | null,
  context: LiveConfigOptions,
): Promise<number> {
  const instances = await listInstances(service, context);
  const query: Readonly<Record<string, string>> = target === null ? {} : { upstream: target };
  await Promise.all(instances.map((instance) => tellInstance(instance, "reset", { query })));
  if (instances.length === 0) {
    const [{ resetSavedState }, { listKeys }] = await Promise.all([
      import("../router-state.ts"),
      import("./targets.ts"),
    ]);
    const keys = listKeys(createLiveConfig(context), service, target);
    await resetSavedState(context.paths, service, keys);
  }
  return instances.length;
}

/** The requests that wait for a reset, by the proxies of a service that run. */
export async function surveyWaits(service: Service, context: LiveConfigOptions) {
  const { instances } = await askAll(context);
  const own = instances.filter((one) => one.service === service);
  return { isRunning: own.length > 0, waits: own.flatMap(({ waiting }) => waiting) };
}

/** Ends these waits. Throws UserError. */
export async function stopWaits(service: Service, context: LiveConfigOptions): Promise<void> {
  const instances = await listInstances(service, context);
  await Promise.all(instances.map((instance) => tellInstance(instance, "stop-waiting")));
}

async function listInstances(service: Service, { paths }: LiveConfigOptions): Promise<Instance[]> {
  return (await readInstances(paths.run)).filter((instance) => instance.service === service);
}

export type Asked = Awaited<ReturnType<typeof askProxies>>;

/** Every proxy that runs is asked: while they answer, the rest can be read. */
export async function askProxies({ paths }: Pick<LiveConfigOptions, "paths">) {
  const { dead, running } = await findInstances(paths.run);
  const asking = running.map(async (record) => ({
    record,
    facts: instanceSchema.safeParse(await askInstance(record, "status")).data,
  }));
  const answers = Promise.all(asking).then((all) => ({
    instances: all.flatMap(({ facts }) => facts ?? []),
    silent: all.filter(({ facts }) => facts === undefined).map(({ record }) => record),
  }));
  return { answers, dead };
}

async function askAll(context: LiveConfigOptions) {
  return await (
    await askProxies(context)
  ).answers;
}
