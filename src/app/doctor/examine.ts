// Examines everything for `doctor`, all at once, and repairs what is safe to repair. Sends no key and no request to an upstream.
import { chainOf, modelAt, showHost } from "../../base/upstream.ts";
import { chmodSync, statSync } from "node:fs";
import { type CheckRow, type Finding, runChecks } from "../../base/check.ts";
import type { Env } from "../../base/env.ts";
import { UserError, errorCode } from "../../base/errors.ts";
import { describe, isOpenToOthers, removeFile } from "../../base/files.ts";
import { hasModes } from "../../base/home.ts";
import type { Paths } from "../../base/paths.ts";
import { DEFAULT_PORT, SERVICES, type Service } from "../../base/service.ts";
import { type Text, fromEnglish, t } from "../../base/text.ts";
import { inShell } from "../../base/shell.ts";
import type { SwitchTarget } from "../../clients/client.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { repairDeadSwitch } from "../../clients/switch/switch.ts";
import { chooseOutboundProxy } from "../../config/outbound-proxy.ts";
import { formatTarget } from "../../config/name.ts";
import { listUpstreams } from "../../config/resolve.ts";
import type {
  DoctorFacts,
  ExamineOptions,
  SeenFacts,
  ServiceFacts,
  UpstreamFacts,
} from "../../doctor/facts.ts";
import { CLIENT_CHECKS, MACHINE_CHECKS } from "../../doctor/machine.ts";
import { OWN_FILE_CHECKS } from "../../doctor/own-files.ts";
import { UPSTREAM_CHECKS } from "../../doctor/upstreams.ts";
import type { Route } from "../../proxy/deps.ts";
import { showWindow } from "../../quota/reserve.ts";
import { describeAvailability } from "../../routing/availability-words.ts";
import { reasonFrom } from "../../routing/reasons.ts";
import { removeDeadInstances } from "../../state/instances.ts";
import { createClientSecrets } from "../client-secrets.ts";
import type { UpstreamFacts as UpstreamStatus, UpstreamState } from "../ask-instance.ts";
import { createLiveConfig, type LiveConfig } from "../live-config.ts";
import { type PortOwner, describeStranger } from "../port-owner.ts";
import { type Owned, createOwnedNames } from "../owned-names.ts";
import { hintOf } from "../status/facts.ts";
import { SEEN_MS, type Seen, readSeen } from "../status/seen.ts";
import { surveyStates } from "../status/survey.ts";
import { makeSwitchReport } from "../status/switch-report.ts";
import { collectFileFacts, listLeftovers, listOpenFiles } from "./examine-files.ts";
import { collectMachineFacts, findClient, lookAtPort, nameProgramAt } from "./examine-machine.ts";
import { collectNetworkFacts } from "./examine-network.ts";

/** Those of the clients come between them and the checks of the machine. */
const FIRST_CHECKS = [...OWN_FILE_CHECKS, ...UPSTREAM_CHECKS, ...CLIENT_CHECKS];

/** All checks, in the order in which they are shown. */
export async function listChecks(): Promise<CheckRow[]> {
  const ofClients = await Promise.all(SERVICES.map(async (one) => (await CLIENTS[one].loadChecks()).rows));
  return [...FIRST_CHECKS, ...ofClients.flat(), ...MACHINE_CHECKS];
}

/** The findings of all checks, in their order. Never throws for what the files hold. */
export async function examine(options: ExamineOptions): Promise<Finding[]> {
  const facts = await collectFacts(options);
  return [
    ...runChecks(FIRST_CHECKS, facts),
    ...facts.services.flatMap(({ clientFindings }) => clientFindings),
    ...runChecks(MACHINE_CHECKS, facts),
  ];
}

async function collectFacts(options: ExamineOptions): Promise<DoctorFacts> {
  const { now, services: wanted = SERVICES } = options;
  const live = createLiveConfig(options);
  const enabled = wanted.map((service) => listEnabled(service, live, options));
  const states = surveyStates(wanted, options);
  const seen = readSeen(options.paths, now());
  const [files, services, machine, network] = await Promise.all([
    collectFileFacts({ ...options, live }),
    Promise.all(
      wanted.map(async (service, index) => ({
        ...readRoute(service, live),
        upstreams: await Promise.all(
          (enabled[index] ?? []).map(async (one) => {
            const state = (await states).get(service)?.find(({ label }) => label === one.upstream.label);
            const { makeKeyFacts } = await import("./examine-keys.ts");
            const key = await makeKeyFacts(one, { ...options, keys: live.keys, state });
            return {
              ...key,
              ...makeUpstreamFacts(one, { env: options.env, now: now(), seen: await seen, state }),
            };
          }),
        ),
        ...(await examineClient(service, options)),
      })),
    ),
    collectMachineFacts(options),
    collectNetworkFacts(
      enabled.flat().map(({ upstream }) => upstream),
      options,
    ),
  ]);
  return { files, services, machine, network, limitGroups: listLimitGroups(live) };
}

function readRoute(
  service: Service,
  live: LiveConfig,
): Pick<ServiceFacts, "configName" | "idleChains" | "isUnused" | "routeProblem"> {
  const state = live.routeOf(service).state();
  const section = live.current().config.services[service];
  return {
    routeProblem: state.kind === "unset" ? { message: state.message, hint: state.hint } : null,
    isUnused: section.configs.size + section.broken.size === 0,
    configName: state.kind === "ready" ? state.route.configName : null,
    idleChains: state.kind === "ready" ? listIdleChains(state.route) : [],
  };
}

/** Of all services and configs. */
function listLimitGroups(live: LiveConfig): DoctorFacts["limitGroups"] {
  const { config } = live.current();
  const all = SERVICES.flatMap((service) =>
    [...config.services[service].configs.values()].flatMap(({ entry, name }) =>
      entry.upstreams.map((upstream, index) => ({ upstream, label: formatTarget(name, index + 1) })),
    ),
  );
  const groups = Map.groupBy(all, ({ upstream }) => upstream.limit_group ?? null);
  return [...groups].flatMap(([name, members]) => {
    if (name === null) return [];
    const labels = members.map(({ label }) => label);
    const limits = new Set(members.flatMap(({ upstream }) => upstream.max_concurrent ?? []));
    return [{ name, labels, limits: [...limits].toSorted((a, b) => a - b) }];
  });
}

function listIdleChains({ models = {}, upstreams }: Route): readonly string[] {
  const isIdle = (model: string): boolean =>
    upstreams.every(
      (upstream) => new Set(chainOf(models, model)?.map((one) => modelAt(upstream, one))).size < 2,
    );
  return Object.keys(models).filter(isIdle);
}

async function examineClient(
  service: Service,
  options: ExamineOptions,
): Promise<Omit<ServiceFacts, keyof ReturnType<typeof readRoute> | "upstreams">> {
  const { env, ports = DEFAULT_PORT, systemDirectories } = options;
  const { run } = await CLIENTS[service].loadChecks();
  const owned = createOwnedNames({ ...options, service, systemDirectory: systemDirectories?.[service] });
  const [report, state, clientFindings] = await Promise.all([
    makeSwitchReport({ ...options, service }),
    lookAtPort(ports[service], options.paths.run),
    run({ ...options, systemDirectory: systemDirectories?.[service] }),
    owned.current(),
  ]);
  const overrides = report.overrides.map(async ({ rival, ...override }) => ({
    ...override,
    rivalName: rival === undefined ? null : await nameProgramAt(rival.port, options.paths.run),
  }));
  const client = await findClient(service, env, options.paths.requestsLog);
  // What the client's own files add for a relay is the user's.
  const names = owned.list().map(({ shown }) => shown.toLowerCase());
  return {
    service,
    switch: report.status,
    listener: describeListener(report.listener),
    tokenProblem: report.tokenProblem,
    others: report.others,
    overrides: await Promise.all(overrides),
    owned: describeOwned(owned.list()),
    clientFindings,
    client: { ...client, untested: client.untested.filter((name) => !names.includes(name)) },
    port: { number: ports[service], state },
  };
}

function describeListener(listener: PortOwner | null): ServiceFacts["listener"] {
  if (listener === null) return "none";
  return listener.kind === "ours" ? "ours" : describeStranger(listener);
}

function describeOwned(names: readonly Owned[]): ServiceFacts["owned"] {
  const byOwner = Map.groupBy(names, ({ origin, owner }) => JSON.stringify([owner, origin]));
  return [...byOwner.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    const host = first.origin === null ? null : showHost(first.origin);
    const shown = all.map((one) => (one.kind === "header" ? one.shown : `?${one.shown}`));
    return [{ owner: first.owner, host, names: [...new Set(shown)] }];
  });
}

type EnabledUpstream = ReturnType<typeof listEnabled>[number];

/** The upstreams that requests of the service use; none where it has no route. */
function listEnabled(service: Service, live: LiveConfig, { env, now, paths }: ExamineOptions) {
  const state = live.routeOf(service).state();
  const { config } = live.current();
  const named =
    state.kind === "ready" ? config.services[service].configs.get(state.route.configName) : undefined;
  if (named === undefined) return [];
  const secrets = createClientSecrets(paths, now);
  const context = { env, now: now(), clientSecret: (name: string) => secrets.read(service, name) };
  return listUpstreams(config, service, named, context).filter(({ isEnabled }) => isEnabled);
}

function describeStateOf(state: UpstreamState, now: number): UpstreamFacts["state"] {
  const {
    reason,
    reason_data: data,
    source,
    source_data: from,
    standing: availability,
    until_ms: until,
  } = state;
  const known = { availability, until, source: source === null ? null : reasonFrom(from, source) };
  return {
    availability,
    words: describeAvailability(known, now),
    reason: reasonFrom(data, reason),
    learned: (state.learned ?? []).map(({ client, reason: words, reason_data }) => ({
      client,
      reason: reasonFrom(reason_data, words),
    })),
    fix: state.fix_text ?? state.fix,
  };
}

interface Known {
  readonly env: Env;
  readonly now: number;
  readonly seen: Seen;
  readonly state: UpstreamStatus | undefined;
}

/** By its label and address as they are now: what was met elsewhere is no fault of it. The proxy's own memory stands in for a log that has nothing. */
function listSeen(
  { baseUrl, label, service }: EnabledUpstream["upstream"],
  { now, seen: { configuredAt, faults }, state }: Known,
): SeenFacts[] {
  const sinceConfig = (at: number): SeenFacts["since"] => (configuredAt > at ? "changed" : null);
  const logged = faults
    .filter(
      (fault) => fault.service === service && fault.baseUrl === baseUrl && (fault.label ?? label) === label,
    )
    .map(({ answeredAt, count, error, lastAt, reason }) => ({
      reason: reasonFrom(reason, error),
      count,
      lastAt,
      since: answeredAt === null ? sinceConfig(lastAt) : "answered",
    }));
  const last = state?.last_failure ?? null;
  if (logged.length > 0 || last === null || now - last.at_ms > SEEN_MS) return logged;
  const reason = reasonFrom(last.reason_data, last.reason);
  return [{ reason, count: 1, lastAt: last.at_ms, since: sinceConfig(last.at_ms) }];
}

/** Whether it can be asked the proxy decides that runs: it has an environment of its own. */
function makeUpstreamFacts(
  { entry, upstream }: EnabledUpstream,
  known: Known,
): Omit<UpstreamFacts, "keyCommand" | "keyRecipe" | "literalKeyMs"> {
  const { env, now, state } = known;
  const { baseUrl, credential, label, service } = upstream;
  const outbound = chooseOutboundProxy(baseUrl, entry.proxy ?? undefined, env);
  const why = credential.kind === "unusable" ? credential.why : null;
  const said = state?.problem ?? null;
  return {
    label,
    fixable: {
      label,
      service,
      baseUrl,
      credential: credential.kind === "unusable" ? credential.needs?.kind : credential.kind,
    },
    seen: listSeen(upstream, known),
    unusable:
      credential.kind === "command"
        ? null
        : state === undefined
          ? why
          : said === null
            ? null
            : (state.problem_text ?? fromEnglish(said)),
    keyHint: state === undefined ? hintOf(upstream) : state.problem_hint,
    state: state === undefined ? null : describeStateOf(state, now),
    reserves: (state?.reserves ?? []).map((one) => ({ name: showWindow(one.window), state: one.state })),
    // The address may hold a password: the host alone is shown.
    outbound:
      outbound.kind === "proxy" ? { host: new URL(outbound.url).host, source: outbound.source } : null,
  };
}

/**
 * What is safe: a client whose proxy died is restored, records of dead proxies and temporary files go, our files are made
 * private.
 */
export async function repair({ env, paths }: ExamineOptions) {
  const done: Text[] = [];
  /** Why, for each thing that could not be repaired. */
  const failed: (Text | string)[] = [];
  const attempt = async (work: () => Promise<Text | null> | Text | null): Promise<void> => {
    try {
      const words = await work();
      if (words !== null) done.push(words);
    } catch (error) {
      if (!(error instanceof UserError) && errorCode(error) === undefined) throw error;
      failed.push(error instanceof UserError ? error.text : describe(error));
    }
  };
  for (const service of SERVICES) await attempt(() => restoreClient({ service, paths, env }));
  await attempt(() => removeAllLeftovers(paths));
  await attempt(() => removeRecords(paths.run));
  const open = listOpenFiles(paths);
  // All of them for one reason, which is said once.
  if (open.length > 0 && !hasModes(paths.home))
    failed.push(t`the file system of ${paths.home} has no permissions: nothing there can be made private`);
  else for (const path of open) await attempt(() => makePrivate(path));
  return { done, failed };
}

async function restoreClient(target: SwitchTarget): Promise<Text | null> {
  const file = await repairDeadSwitch(target);
  return file === null ? null : t`restored ${file}`;
}

async function removeRecords(run: string): Promise<Text | null> {
  const dead = await removeDeadInstances(run);
  return dead === 0 ? null : t`removed the records of dead proxies: ${dead}`;
}

function removeAllLeftovers(paths: Paths): Text | null {
  const all = listLeftovers(paths);
  for (const path of all) removeFile(path);
  return all.length === 0 ? null : t`removed temporary files: ${all.length}`;
}

function makePrivate(path: string): Text {
  const why = tryToMakePrivate(path);
  if (why !== null) throw new UserError(t`cannot make ${path} private: ${why}`);
  return t`made ${path} private`;
}

/** Why it could not be done, or null. */
function tryToMakePrivate(path: string): Text | string | null {
  try {
    chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
    return isOpenToOthers(path) ? t`its file system has no permissions` : null;
  } catch (error) {
    // Of files of our own only the file system can say so.
    return t`${describe(error)}, or choose another directory: ${inShell().set("CODEX_HELPER_HOME", "...")}`;
  }
}
