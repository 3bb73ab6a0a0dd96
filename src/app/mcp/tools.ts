// What an agent may ask: what is left (quota), where a request would go and why (route), what was spent (spend). Reads only; an
// answer holds no key, of an address no more than its host, and no path.
import {
  SERVICES,
  SERVICE_FACTS,
  CLIENT_NAME,
  DEFAULT_SERVICE,
  type Service,
  isService,
} from "../../base/service.ts";
import { maskText } from "../../base/secrets.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { showHost } from "../../base/upstream.ts";
import { basename } from "node:path";
import type { LogRecord } from "../../log/record.ts";
import { readLogBackward } from "../../log/reader.ts";
import type { QuotaRow } from "../../quota/sources.ts";
import { readProject } from "../../sessions/project.ts";
import { billedAttempts, isGeneration } from "../../usage/outcome.ts";
import type { Cost } from "../../usage/prices.ts";
import { UNKNOWN } from "../../usage/summary.ts";
import { type TallyBuilder, createTally, isWhole } from "../../usage/tally.ts";
import type { LiveConfigOptions } from "../live-config.ts";
import { loadPricer } from "../prices.ts";
import { directoryOrSession, nameDirectories } from "../session/directories.ts";
import { surveyRoute, surveyStatus } from "../status/survey.ts";
import type { Tool, ToolAnswer } from "./protocol.ts";

export interface ToolContext extends LiveConfigOptions {
  /** Where the agent works. */
  readonly cwd: string;
  /** The one to speak of; null for the one that asks. */
  readonly service: Service | null;
}

const SERVICE_ARGUMENT = {
  type: "string",
  enum: SERVICES,
  description: "Whose upstreams; by default those of the client that asks.",
} as const;

/** The session and project of the last so many days. */
const DAYS = 30;
const DAY_MS = 86_400_000;
/** About a mebibyte each. */
const MOST_BATCHES = 128;

export function makeTools(context: ToolContext): readonly Tool[] {
  return [
    {
      name: "quota",
      title: "What is left",
      description:
        "What is left of the quota or balance of each upstream of this coding agent, how each is now, and when a spent one is reset.",
      properties: { service: SERVICE_ARGUMENT },
      call: (args, client) => tellQuota(context, chooseService(context, args, client)),
    },
    {
      name: "route",
      title: "Where a request would go",
      description:
        "The order of upstreams that the next request from this directory would take, with the reason for each place. Sends nothing.",
      properties: {
        service: SERVICE_ARGUMENT,
        model: { type: "string", description: "The model that is asked for." },
        session: { type: "string", description: "The id of a session, which may be bound to an upstream." },
      },
      call: (args, client) => tellRoute(context, chooseService(context, args, client), args),
    },
    {
      name: "spend",
      title: "What was spent",
      description: `Requests, tokens and cost by list prices: today, in this session and in this project (of the last ${DAYS} days).`,
      properties: {
        session: {
          type: "string",
          description: "The id of a session. Default: the one of this project that was used last.",
        },
      },
      call: (args) => tellSpend(context, args["session"] ?? null),
    },
  ];
}

/** By the flag, the argument, or the client's name: "codex-mcp-client", "claude-code". */
function chooseService(
  { service }: ToolContext,
  args: Readonly<Record<string, string>>,
  client: string,
): Service {
  if (isService(args["service"])) return args["service"];
  const asking = SERVICES.find((one) => client.toLowerCase().includes(SERVICE_FACTS[one].command));
  return service ?? asking ?? DEFAULT_SERVICE;
}

async function tellQuota(context: ToolContext, service: Service): Promise<ToolAnswer> {
  const [found] = (await surveyStatus([service], context)).services;
  const upstreams = (found?.upstreams ?? []).map(({ quota, ...standing }) => ({
    ...describeStanding(standing),
    quota: quota.map(({ left, limit, resets_at_ms, source, state, unit, window }) => ({
      source,
      window,
      state,
      left,
      limit,
      unit,
      resets_at: showTime(resets_at_ms),
    })),
  }));
  const problem = found?.problem == null ? null : clean(found.problem.message);
  const lines = upstreams.map(({ is_usable, quota, reason, state, until, upstream }) => {
    const now = is_usable ? (until === null ? state : `${state} until ${until}`) : reason;
    const left = quota.filter((row) => row.left !== null).map(describeLeft);
    return `${upstream}: ${now}; ${left.length === 0 ? "what is left is not known" : left.join("; ")}`;
  });
  return {
    text: joinLines([
      `${CLIENT_NAME[service]}, config ${found?.config_name ?? "none"}`,
      ...(problem === null ? lines : [problem, ...lines]),
    ]),
    data: {
      service,
      config: found?.config_name ?? null,
      is_running: (found?.instances.length ?? 0) > 0,
      problem,
      upstreams,
    },
  };
}

interface Standing {
  readonly label: string;
  readonly base_url: string;
  readonly standing: string;
  readonly reason: string;
  readonly problem: string | null;
  readonly until_ms: number | null;
}

function describeStanding({ base_url, label, problem, reason, standing, until_ms }: Standing) {
  return {
    upstream: label,
    host: showHost(base_url),
    state: standing,
    reason: clean(problem ?? reason),
    is_usable: problem === null,
    until: showTime(until_ms),
  };
}

type Left = Pick<QuotaRow, "left" | "limit" | "unit" | "window"> & { readonly resets_at: string | null };

function describeLeft({ left, limit, resets_at, unit, window }: Left): string {
  const of = limit === null ? "" : ` of ${round(limit)}`;
  const reset = resets_at === null ? "" : `, resets ${resets_at}`;
  return `${window ?? "quota"}: ${round(left ?? 0)}${of} ${unit ?? ""}`.trimEnd() + ` left${reset}`;
}

async function tellRoute(
  context: ToolContext,
  service: Service,
  args: Readonly<Record<string, string>>,
): Promise<ToolAnswer> {
  const question = {
    model: args["model"] ?? null,
    sessionId: args["session"] ?? null,
    directory: context.cwd,
  };
  const { explanation, isRunning } = await surveyRoute(service, question, context);
  const { config_name: config, max_upstreams, problem, project, wall } = explanation;
  const places = explanation.places.map(({ upstream_model: model, ...standing }) => ({
    ...describeStanding(standing),
    model,
  }));
  const why = problem === null ? null : clean(problem.message);
  const lines = places.map(({ host, is_usable, model: other, reason, state, upstream }, index) => {
    const asked = other === null ? "" : `, as model ${other}`;
    return `${index + 1}. ${upstream} (${host}): ${is_usable ? state : "cannot be asked"}${reason === "" ? "" : `, ${reason}`}${asked}`;
  });
  return {
    text: joinLines([
      `${CLIENT_NAME[service]}, config ${config ?? "none"}${isRunning ? "" : " (no proxy is running)"}`,
      ...(why === null ? [] : [why]),
      ...lines,
    ]),
    data: {
      service,
      config,
      is_running: isRunning,
      problem: why,
      max_upstreams,
      places,
      project: project == null ? null : clean(project),
      has_wall: wall !== undefined,
    },
  };
}

interface Sums {
  readonly today: TallyBuilder;
  readonly all: TallyBuilder;
}

const makeSums = (): Sums => ({ today: createTally(), all: createTally() });

async function tellSpend({ cwd, now, paths }: ToolContext, wanted: string | null): Promise<ToolAnswer> {
  const midnight = new Date(now()).setHours(0, 0, 0, 0);
  const since = midnight - (DAYS - 1) * DAY_MS;
  const { costOf } = await loadPricer(paths);
  const places = new Map<string | null, Sums>();
  const sessions = new Map<string, { key: string | null; lastAt: number; tally: TallyBuilder }>();
  let batches = 0;
  let isWholeSpan = true;
  for await (const entries of readLogBackward(paths.requestsLog, { since })) {
    for (const { record } of entries) {
      if (record.timestamp_ms < since || record.refusals !== undefined || !isGeneration(record)) continue;
      const cost = costOf(record);
      const key = directoryOrSession(record);
      const sums = places.getOrInsertComputed(key, makeSums);
      add(sums.all, record, cost);
      if (record.timestamp_ms >= midnight) add(sums.today, record, cost);
      const { session_id: id, timestamp_ms: at } = record;
      if (!id) continue;
      const session = sessions.getOrInsertComputed(id, () => ({ key, lastAt: at, tally: createTally() }));
      add(session.tally, record, cost);
    }
    batches += 1;
    isWholeSpan = batches < MOST_BATCHES;
    if (!isWholeSpan) break;
  }
  const directoryOf = await nameDirectories(paths, places.keys());
  const project = readProject(cwd);
  const isHere = (key: string | null): boolean => {
    const directory = directoryOf(key);
    return directory !== null && project.rootOf(directory) !== null;
  };
  const all = makeSums();
  const own = makeSums();
  for (const [key, sums] of places) {
    all.today.merge(sums.today);
    if (!isHere(key)) continue;
    own.today.merge(sums.today);
    own.all.merge(sums.all);
  }
  const [last] = [...sessions]
    .filter(([id, { key }]) => (wanted === null ? isHere(key) : id === wanted))
    .toSorted(([, a], [, b]) => b.lastAt - a.lastAt);
  const figures = {
    today: makeFigures(all.today),
    session: last === undefined ? null : { id: last[0], ...makeFigures(last[1].tally) },
    project: {
      name: clean(basename(project.roots[0] ?? cwd)),
      today: makeFigures(own.today),
      [`last_${DAYS}_days`]: makeFigures(own.all),
    },
  };
  const days = makeFigures(own.all);
  return {
    text: joinLines([
      `Today: ${describeFigures(figures.today)}`,
      figures.session === null
        ? "Session: no request of it is known"
        : `Session ${figures.session.id}: ${describeFigures(figures.session)}`,
      `Project ${figures.project.name}: today ${describeFigures(figures.project.today)}; last ${DAYS} days ${describeFigures(days)}`,
      ...(isWholeSpan ? [] : ["The log is too long to be read for this: there was more."]),
    ]),
    data: { ...figures, is_complete: isWholeSpan },
  };
}

function add(tally: TallyBuilder, record: LogRecord, cost: Cost): void {
  tally.add(record, cost);
  for (const [index, attempt] of billedAttempts(record).entries())
    tally.addAttempt(attempt, cost.attempts?.[index] ?? UNKNOWN);
}

function makeFigures(tally: TallyBuilder) {
  const sums = tally.finish();
  return {
    requests: sums.requests,
    input_tokens: sums.all_input_tokens,
    cached_input_tokens: sums.cached_input_tokens,
    output_tokens: sums.output_tokens,
    cost_usd: sums.cost_usd,
    is_cost_complete: isWhole(sums, "cost"),
  };
}

function describeFigures(figures: ReturnType<typeof makeFigures>): string {
  const {
    cost_usd: usd,
    input_tokens: input,
    is_cost_complete: isAll,
    output_tokens: output,
    requests,
  } = figures;
  const cost = usd === null ? "cost unknown" : `$${usd.toFixed(2)}${isAll ? "" : " or more"}`;
  return requests === 0 ? "nothing" : `${requests} requests, ${input} tokens in, ${output} out, ${cost}`;
}

const round = (amount: number): number => Math.round(amount * 100) / 100;

/** "2026-11-30T14:30:00.000Z" */
function showTime(at: number | null): string | null {
  return at === null || !Number.isFinite(at) ? null : new Date(at).toISOString();
}

/** What was not written for an agent: on one line, without keys, and without paths of this machine. */
export function clean(text: string): string {
  return maskText(oneLine(text)).replaceAll(PATH, "…");
}

/** Of a file: from the root, a home or a drive. */
const PATH = /(?<![\w/:.])(?:~[\w-]*|[A-Za-z]:)?[\\/](?:[^\s"'`,;()]*[^\s"'`,;():.])?/g;

const joinLines = (lines: readonly string[]): string => lines.join("\n");
