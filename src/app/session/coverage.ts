// Compares the clients' session files with the log: which turns of a project did not come through the proxy. Reads whole
// files, but only those that changed in the range.
import { ignoreSystemError } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import { SERVICES, SERVICE_FACTS, type Service } from "../../base/service.ts";
import { CLIENTS } from "../../clients/registry.ts";
import type { CreateAnswerReader, StoredAnswer } from "../../clients/client.ts";
import type { LogRecord } from "../../log/record.ts";
import { findLogStart, scanLog } from "../../log/reader.ts";
import { hasMark, linesFromStart, openSource, parseLine } from "../../sessions/files.ts";
import { findSessions } from "../../sessions/find.ts";
import type { Project } from "../../sessions/project.ts";
import type { Session } from "../../sessions/session.ts";
import { createCoverage } from "../../usage/coverage.ts";
import type { Pricer } from "../../usage/prices.ts";
import { type Tally, type TallyBuilder, createTally } from "../../usage/tally.ts";
import { loadFormats } from "./formats.ts";

interface CoverageOptions {
  readonly paths: Paths;
  readonly services?: readonly Service[] | undefined;
  /** Null for all. */
  readonly project: Project | null;
  /** Wall clock, ms, the end excluded. */
  readonly since: number;
  readonly until: number;
  /** Null where tokens are not asked for. */
  readonly costOf: Pricer["costOf"] | null;
}

interface Counts {
  readonly turns: number;
  /** At least one answer of which did not come through the proxy. */
  readonly turns_missing: number;
  readonly requests: number;
  readonly requests_missing: number;
  /** Of the requests that did not come through the proxy, as the session files have them. */
  readonly missing?: Tally;
}

export interface SessionCoverage extends Counts {
  readonly service: Service;
  readonly id: string | null;
  readonly cwd: string | null;
  /** Its first and last answer in the range, wall clock in ms. */
  readonly first_ms: number;
  readonly last_ms: number;
}

export interface CoverageReport {
  readonly since_ms: number;
  readonly until_ms: number;
  /** Where the log no longer has what was before: since then it was compared. Else null. */
  readonly log_since_ms: number | null;
  /** Of the clients that have sessions in the range. */
  readonly clients: readonly (Counts & { readonly service: Service; readonly sessions: number })[];
  /** The latest first. */
  readonly sessions: readonly SessionCoverage[];
}

/** A request that began before a range may have its answer in it. */
const LONGEST_REQUEST_MS = 86_400_000;

interface Answer extends StoredAnswer {
  readonly service: Service;
  readonly cwd: string | null;
}

/** Throws UserError for a log that cannot be read. */
export async function readCoverage(options: CoverageOptions): Promise<CoverageReport> {
  const { costOf, paths, since: since_ms, until: until_ms } = options;
  const logStart = await findLogStart(paths.requestsLog);
  const since = Math.max(since_ms, logStart ?? 0);
  const { answers, turnOf } = await readAnswers({ ...options, since });
  const sessionIds = new Set(answers.map(({ sessionId }) => sessionId));
  const coverage = createCoverage();
  const onRecord = (record: LogRecord): void => {
    if (sessionIds.has(record.session_id?.toLowerCase() ?? null)) coverage.add(record);
  };
  if (answers.length > 0) await scanLog(paths.requestsLog, { since: since - LONGEST_REQUEST_MS, onRecord });
  const missing = coverage.findMissing(answers);
  const count = (some: readonly Answer[]): Counts => {
    const gone = some.filter((answer) => missing.has(answer));
    const tally = createTally();
    if (costOf !== null) for (const answer of gone) addTo(tally, answer, costOf);
    return {
      turns: new Set(some.map(turnOf)).size,
      turns_missing: new Set(gone.map(turnOf)).size,
      requests: some.length,
      requests_missing: gone.length,
      ...(costOf === null ? {} : { missing: tally.finish() }),
    };
  };
  const byService = Map.groupBy(answers, ({ service }) => service);
  const bySession = Map.groupBy(answers, sessionKey);
  const clients = SERVICES.flatMap((service) => {
    const own = byService.get(service);
    return own === undefined ? [] : [{ service, sessions: new Set(own.map(sessionKey)).size, ...count(own) }];
  });
  const sessions = [...bySession.values()].flatMap((own): SessionCoverage[] => {
    const [first, last] = [own[0], own.at(-1)];
    if (first === undefined || last === undefined) return [];
    const { cwd, service, sessionId: id } = last;
    return [{ service, id, cwd, first_ms: first.at, last_ms: last.at, ...count(own) }];
  });
  return {
    since_ms,
    until_ms,
    log_since_ms: since > since_ms ? since : null,
    clients,
    sessions: sessions.toSorted((one, other) => other.last_ms - one.last_ms),
  };
}

/** The answers of a range by time, each once, and which turn each belongs to: the last prompt of a person before it. */
async function readAnswers({ paths, project, services, since, until }: Omit<CoverageOptions, "costOf">) {
  const [formats, readers] = await Promise.all([
    loadFormats(paths, services),
    Promise.all(
      (services ?? SERVICES).map(
        async (service) => [service, await CLIENTS[service].loadAnswerReader()] as const,
      ),
    ),
  ]);
  const createReaderOf = new Map(readers);
  const answers = new Map<string, Answer>();
  const prompts = new Map<string, number[]>();
  const scope = {
    includesSubagents: true,
    includesArchived: true,
    maxFiles: Infinity,
    recentIds: new Set<string>(),
  };
  for (const session of findSessions({ ...scope, formats, project, since })) {
    const { service } = session.file.format;
    const read = readFile(session, createReaderOf.get(service));
    for (const answer of read.answers) {
      const key = `${service} ${answer.key}`;
      if (answer.at >= since && answer.at < until && !answers.has(key))
        answers.set(key, { ...answer, service, cwd: session.cwd });
    }
    const [first] = read.answers;
    if (first !== undefined && !session.isSubagent)
      prompts.set(
        sessionKey({ ...first, service }),
        read.prompts.toSorted((one, other) => one - other),
      );
  }
  return {
    answers: [...answers.values()].toSorted((one, other) => one.at - other.at),
    turnOf: (answer: Answer): string => {
      const key = sessionKey(answer);
      return `${key} ${prompts.get(key)?.findLastIndex((at) => at <= answer.at) ?? -1}`;
    },
  };
}

function sessionKey({ service, sessionId }: Pick<Answer, "service" | "sessionId">): string {
  return `${service} ${sessionId}`;
}

/** Nothing of a file that cannot be read. */
function readFile({ file }: Session, createReader: CreateAnswerReader | undefined) {
  const prompts: number[] = [];
  const reader = createReader?.(file);
  const items = file.format.createItemReader(file);
  const marks = [...items.messageMarks, ...(reader?.marks ?? [])];
  const read = (): void => {
    using source = openSource(file.path, file.bytes);
    for (const line of linesFromStart(source, source.bytes)) {
      const record = hasMark(line, marks) ? parseLine(line) : null;
      if (record === null) continue;
      reader?.read(record);
      for (const { at, kind } of items.read(record)) if (kind === "prompt" && at !== null) prompts.push(at);
    }
  };
  ignoreSystemError(read, undefined);
  return { prompts, answers: reader?.answers() ?? [] };
}

/** As if it had come through the proxy, at list prices. */
function addTo(tally: TallyBuilder, { at, model, service, usage }: Answer, costOf: Pricer["costOf"]): void {
  const record: LogRecord = {
    timestamp_ms: at,
    service,
    // Whether cached tokens are a part of the input is told by the API.
    path: `/v1/${SERVICE_FACTS[service].api}`,
    outcome: "ok",
    ...(model === null ? {} : { model }),
    usage,
  };
  tally.add(record, costOf(record));
}
