// Runs the proxies of one process: one for each service asked for, sharing the log, the request budget and the clock.
// Prints nothing; tells what happens through callbacks.
import { errorText, onUserError } from "../../base/errors.ts";
import { describeUnsafeHome, prepareHome } from "../../base/home.ts";
import { createMemoryBudget } from "../../base/memory-budget.ts";
import { inEnglish, t, type Text } from "../../base/text.ts";
import type { OwnedName } from "../../base/owned-names.ts";
import { identifyProcess } from "../../base/process-identity.ts";
import type { Service } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { LogEntry } from "../../log/entry.ts";
import { createLogWriter } from "../../log/writer.ts";
import { createLaneDoor } from "../../proxy/lane-door.ts";
import { createRefusals } from "../../proxy/refusals.ts";
import { type ProxyServer, startProxy } from "../../proxy/server.ts";
import { createUploads } from "../../proxy/uploads.ts";
import { writeDefaultProviders } from "../../quota/providers.ts";
import { listFixes } from "../../routing/fixes.ts";
import { createRouter } from "../../routing/router.ts";
import { ensureClientToken, makeClientToken } from "../../state/client-token.ts";
import { ensurePlaceholderKey } from "../../state/placeholder-key.ts";
import { removeDeadInstances, removeInstance, writeInstance } from "../../state/instances.ts";
import { type DoorOptions, type Doors, type OpenService, nameThis, openDoors } from "./doors.ts";
import { createEntryTeller } from "./entry-teller.ts";
import type { AppEvent, ToldEvent } from "./events.ts";
import { createIdleCollector } from "./idle-collector.ts";
import { createLiveFilter } from "../../filter/live-filter.ts";
import { makeFilterRecord } from "../../filter/filter-record.ts";
import type { RedactionFacts } from "../../filter/redaction.ts";
import { createProjectGate } from "../projects/gate.ts";
import type { LiveConfig } from "../live-config.ts";
import { createOwnedNames } from "../owned-names.ts";
import { createOpenSessions } from "./open-sessions.ts";
import { createLineBook } from "./line.ts";
import { makeOwnPages } from "./own-pages.ts";
import { createReloads } from "./reloads.ts";
import { createLivePrices } from "../spend/live-prices.ts";
import type { BudgetStep } from "../quota/budgets.ts";
import { createQuota } from "../quota/quota.ts";
import { createRouterState } from "../router-state.ts";
import { createSpendBook } from "../spend/spend-book.ts";
import { createViewers, type Viewers } from "./viewers.ts";
import type { Screen } from "./notice.ts";
import { createTellers } from "./tellers.ts";
import { createPoolDoor } from "../share/door.ts";

export interface ServeOptions extends DoorOptions {
  /** Where the one client works that is served, as far as that is known. */
  readonly directory?: string | undefined;
  /** Sees each finished request after it was logged. */
  readonly onRequest: (entry: LogEntry) => void;
  /** Something that the user should know of and that no request can tell, in English. Holds no secret. */
  readonly onTrouble: (words: Text | string) => void;
  /** Where notifications are shown that are this terminal's. Default: nowhere, and in English. */
  readonly screen?: Screen;
  /** A hop, a spent quota, a recovery, or nothing left. */
  readonly onEvent?: (event: ToldEvent) => void;
  /** What the user changed is in force. */
  readonly onNotice?: (words: Text) => void;
}

export interface Served {
  readonly service: Service;
  readonly port: number;
  readonly configName: string;
  readonly upstreams: readonly Upstream[];
}

export type Serving = Awaited<ReturnType<typeof serve>>;

/** Serves behind doors that are open, or opens them. Throws UserError, with nothing left running, when a service cannot be served. */
export async function serve(options: ServeOptions, opened?: Doors) {
  const doors = opened ?? (await openDoors(options));
  try {
    return await serveBehind(doors, options);
  } catch (error) {
    await doors.close();
    throw error;
  }
}

async function serveBehind(doors: Doors, options: ServeOptions) {
  const { paths } = options;
  const viewers = createViewers();
  const onTrouble = (words: Text | string): void => {
    viewers.tell(null, "trouble", { timestamp_ms: Date.now(), words });
    options.onTrouble(words);
  };
  doors.config.reportTo(onTrouble);
  const problem = prepareHome(paths.home);
  // Said once: each file that cannot be written would say it again.
  const onDiskTrouble = problem === null ? onTrouble : () => {};
  if (problem !== null)
    onTrouble(t`nothing can be written to ${paths.home}: ${problem}; requests are not logged or remembered`);
  const unsafe = describeUnsafeHome(paths);
  if (unsafe !== null) onTrouble(unsafe);
  const shared = await makeShared({ ...options, live: doors.config.live, viewers, onTrouble, onDiskTrouble });
  const running: Awaited<ReturnType<typeof startService>>[] = [];
  let redaction: RedactionFacts;
  /** Lets open answers finish for at most `graceMs`. */
  const stop = async (graceMs: number): Promise<void> => {
    viewers.close();
    await Promise.all([
      ...running.map((one) => one.stop(graceMs)),
      shared.quota.stop(),
      shared.pool.stop(),
      shared.tellers.stop(graceMs),
    ]);
    await shared.book.stop();
    shared.log.close();
  };
  try {
    await tryTo(() => removeDeadInstances(paths.run), onDiskTrouble);
    for (const open of doors.services)
      running.push(await startService(open, { ...options, viewers, onTrouble, onDiskTrouble }, shared));
    openFetchThread(running[0]?.served.port);
    if (options.command !== "run") await tryTo(() => writeDefaultProviders(paths), onDiskTrouble);
    shared.pool.look();
    shared.quota.start();
    shared.book.start();
    await shared.prices.look();
    redaction = shared.filter.facts();
    shared.reloads.look();
  } catch (error) {
    await stop(0);
    throw error;
  }
  return {
    served: running.map(({ served }) => served),
    /** Takes note of what a client's command line adds to its requests. */
    own(names: readonly OwnedName[]): void {
      for (const one of running) one.owned.add(names);
    },
    /** What clients need in their address, if anything. Never shown. */
    clientToken: shared.clientToken,
    /** As it is at the start. */
    redaction,
    /** False where nothing can be written to the home: a switch could not be undone after a crash. */
    isHomeWritable: problem === null,
    /** What to type against the refusals on the way of a request that no waiting ends, by label. */
    fixesOf: ({ attempts, service }: LogEntry): ReadonlyMap<string, Text | string> | null =>
      attempts === undefined
        ? null
        : listFixes(attempts, running.find(({ served }) => served.service === service)?.upstreams() ?? []),
    /** Requests that are being answered right now. */
    openAnswers: () => shared.inFlight.count,
    /** By the prices in force. Throws UserError where there never were good ones. */
    costOf: () => shared.prices.costOf(),
    /** Our files may have changed without a request. Costs a look at each. */
    lookAtFiles: () => shared.reloads.look(),
    /** Sessions that came through here and whose program still runs, by service. */
    listOpenSessions: () =>
      Promise.all(
        running.map(async (one) => ({ service: one.served.service, ids: await one.sessions.listOpen() })),
      ),
    stop,
  };
}

interface SharedOptions extends ServeOptions {
  /** As `onTrouble`, of what cannot be written: nothing where that is said already. */
  readonly onDiskTrouble: ServeOptions["onTrouble"];
  readonly viewers: Viewers;
}

/** Bun makes a thread for its first fetch, and ends the process where there is no descriptor left for it by then. */
function openFetchThread(port: number | undefined): void {
  fetch(`http://127.0.0.1:${port}/__codex-helper/health`, { keepalive: false, proxy: false }).catch(() => {});
}

/** What the services of one process have in common. */
async function makeShared({
  command,
  live,
  paths,
  env,
  onDiskTrouble,
  onEvent,
  onNotice = () => {},
  onTrouble,
  viewers,
  screen = { say: inEnglish, ring: () => false },
}: SharedOptions & { readonly live: LiveConfig }) {
  const now = Date.now;
  // A run has its own: it may be seen in the list of processes.
  const makeToken = () => (command === "run" ? makeClientToken() : ensureClientToken(paths));
  const clientToken = live.settings().demandsToken ? await makeToken() : null;
  const filter = createLiveFilter({
    path: paths.filter,
    record: makeFilterRecord(paths.filterRecord, onDiskTrouble),
    isOff: () => live.current().config.shell.filter === false,
    now,
    looksOnceATurn: true,
    placeholderKey: () => ensurePlaceholderKey(paths, onDiskTrouble),
    hold: (bytes) => budget.add(bytes),
  });
  const inFlight = { count: 0 };
  const budget = createMemoryBudget(() => live.settings().memoryMib);
  const prices = createLivePrices({ paths, live, now });
  const book = createSpendBook({ paths, prices, now, onTrouble: onDiskTrouble });
  const tell = (told: ToldEvent): void => {
    viewers.tell(told.service, "event", told);
    onEvent?.(told);
  };
  const tellers = createTellers({ live, env, now, screen, onEvent: tell, onTrouble });
  const noteEvent = (event: AppEvent): void => tellers.note(event);
  const onStep = (step: BudgetStep): void => noteEvent({ kind: "budget", ...step });
  const notice = (words: Text): void => {
    viewers.tell(null, "notice", { timestamp_ms: now(), words });
    onNotice(words);
  };
  const pool = createPoolDoor({ paths, env, live, now, onTrouble, onNotice: notice });
  return {
    now,
    live,
    clientToken,
    filter,
    prices,
    book,
    reloads: createReloads({
      live,
      filter,
      prices,
      clientToken,
      onTrouble,
      onNotice: notice,
      onConfig: () => pool.look(),
    }),
    pool,
    tellOf: createEntryTeller({ live, now, onEvent: noteEvent, onTrouble, paths, prices }),
    log: createLogWriter(paths.requestsLog, { onTrouble: onDiskTrouble }),
    tellers,
    noteEvent,
    viewers,
    quota: createQuota({ paths, env, holder: nameThis, live, book, now, onTrouble, onStep, pool }),
    inFlight,
    lanes: createLaneDoor({ now, onEvent: noteEvent }),
    uploads: createUploads(budget, () => performance.now()),
    memory: createIdleCollector({ isQuiet: () => inFlight.count === 0 }),
  };
}

async function startService(
  { door, route, service }: OpenService,
  options: SharedOptions,
  shared: Awaited<ReturnType<typeof makeShared>>,
) {
  const { onDiskTrouble, onTrouble, paths, viewers } = options;
  const { book, live, log, memory, now, quota } = shared;
  const router = createRouter({
    settings: () => live.settings().routing,
    now,
    random: Math.random,
    barOf: quota.barOf,
    onEvent: shared.noteEvent,
  });
  const gate = createProjectGate({
    service,
    live,
    paths,
    env: options.env,
    runDirectory: options.directory,
    isBusy: () => shared.inFlight.count > 1,
    configName: options.configName,
    onTrouble: onDiskTrouble,
    now,
  });
  const saved = createRouterState({ paths, service, router, onTrouble: onDiskTrouble });
  quota.attach({ route, router });
  shared.pool.attach({ route, router });
  const owned = createOwnedNames({ service, paths, env: options.env, now });
  // Read before the first request waits for it; nothing is where nothing is set.
  void owned.current();
  const token = crypto.randomUUID();
  const since = now();
  const { port } = door;
  const line = createLineBook({ ...shared, paths, service, route, router });
  const record = (entry: LogEntry): void => {
    book.number(entry);
    book.note(entry, log.append(entry));
    shared.pool.noteSpent();
    line.note(entry);
    saved.noteChange();
    viewers.tell(service, "request", entry);
    options.onRequest(entry);
    shared.reloads.look();
    shared.tellOf(entry);
    memory.noteWork();
  };
  const refusals = createRefusals({ service, now, record });
  let running: ProxyServer | null = null;
  const sessions = createOpenSessions({ service, port: () => port });
  shared.reloads.add(service, route);
  const pages = makeOwnPages({
    ...shared,
    service,
    line,
    port: () => port,
    since,
    router,
    saved,
    route,
    projects: () => gate.projects(),
    refusals: refusals.facts,
    waits: () => running?.waits() ?? null,
    running: () => running?.running ?? [],
  });
  const { command = "serve" } = options;
  const proxy = startProxy({
    service,
    port,
    door,
    routeState: () => route.state(),
    owned: () => owned.current(),
    router,
    projects: () => gate.projects(),
    hasWalls: gate.hasWalls,
    budgets: quota.budgets,
    readKey: live.keys.read,
    filter: shared.filter.forService(service),
    record,
    refusals,
    // The client of a run ends before it.
    ...(command === "run" ? {} : { onSession: (id, peerPort) => sessions.note(id, peerPort) }),
    onBug: (error) => onTrouble(t`internal error while handling a request: ${errorText(error)}`),
    observeHeaders: (upstream, headers) => quota.observeHeaders(upstream, headers),
    onWait: ({ at, sessionId, upstream }) =>
      shared.noteEvent({ kind: "waiting", upstream, until: at, sessionId }),
    inFlight: shared.inFlight,
    lanes: shared.lanes,
    allUpstreams: () => live.listAll(service).map(({ upstream }) => upstream),
    uploads: shared.uploads,
    clientToken: shared.clientToken,
    // What is on a client's command line others can see.
    isForOneUser: command === "run",
    own: { token, ...pages },
  });
  running = proxy;
  const { pid } = process;
  const started = identifyProcess(pid)?.started ?? null;
  await tryTo(
    () => writeInstance(paths.run, { pid, started, service, port, token, command, since }),
    onDiskTrouble,
  );
  const configName = route.listUpstreams()?.configName ?? "";
  return {
    served: { service, port, configName, upstreams: route.upstreams() },
    upstreams: () => route.upstreams(),
    owned,
    sessions,
    async stop(graceMs: number): Promise<void> {
      await tryTo(() => removeInstance(paths.run, { pid, service }), onDiskTrouble);
      await proxy.stop(graceMs);
      refusals.close();
      saved.noteChange();
      await Promise.all([saved.flush(), gate.flush(), line.save()]);
    },
  };
}

/** Other commands then do not find this proxy; it works without them. */
async function tryTo(work: () => unknown, onTrouble: (words: Text | string) => void): Promise<void> {
  await Promise.try(work).catch(onUserError(({ text }) => onTrouble(text)));
}
