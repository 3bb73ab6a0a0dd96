// What a status line shows, found as fast as can be: the proxy that the client uses is asked; where none runs, the files tell the
// rest. Checks no shapes, loads no schema, and never throws.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { askPage } from "../ask-page.ts";
import { readTextOrNull } from "../../base/files.ts";
import { type JsonRecord, isRecord, parseRecord } from "../../base/json-value.ts";
import type { Paths } from "../../base/paths.ts";
import { DEFAULT_SERVICE, type Service, isService, readProxyAddress } from "../../base/service.ts";
import { localDay } from "../../base/text.ts";
import type { QuotaRow } from "../../quota/sources.ts";

/** The answer of the page. It is read without a check of its shape: fields are only ever added. Times are wall clock in ms. */
export interface LineFacts {
  readonly service: Service;
  readonly now_ms: number;
  /** Null where no request can go anywhere. */
  readonly upstream: {
    readonly label: string;
    readonly state: string;
    readonly until_ms: number | null;
  } | null;
  /** The upstream that answered before, after a failover not long ago. */
  readonly from: string | null;
  readonly left: Pick<
    QuotaRow,
    "left" | "limit" | "read_at_ms" | "resets_at_ms" | "state" | "unit" | "used" | "window"
  > | null;
  /** The budget of that upstream that is nearest to its end. */
  readonly budget: { readonly share: number; readonly is_spent: boolean; readonly until_ms: number } | null;
  readonly today: LineCost | null;
  /** Null where nothing is known of it. */
  readonly session: LineCost | null;
  /** Of the input of the last turn, how much came from the cache. */
  readonly cached_share: number | null;
}

/** What a proxy knew last, in state.json, by service. Fields are only ever added. */
export interface SavedLine extends Pick<LineFacts, "budget" | "left"> {
  readonly at_ms: number;
  readonly label: string;
}

/** The section of state.json. */
export const SAVED_LINES = "line";

export interface LineCost {
  readonly usd: number;
  /** Something has no price, or did not say what it used. */
  readonly is_partial: boolean;
}

export interface LineQuestion {
  readonly paths: Pick<Paths, "config" | "run" | "spend" | "state">;
  /** Undefined: the default service, or the one that runs. */
  readonly service: Service | undefined;
  readonly session: string | null;
  /** Where the client sends its requests, if that is known. */
  readonly address: string | undefined;
  /** Wall clock, ms. */
  readonly now: number;
}

/** `at`: of when the facts are, where no proxy told them. */
export type FoundFacts =
  | { readonly kind: "running"; readonly facts: LineFacts }
  | {
      /** Silent: a proxy is there, and did not answer in time. */
      readonly kind: "none" | "silent";
      readonly today: LineFacts["today"];
      readonly at: number | null;
      readonly last: SavedLine | null;
    };

interface Record {
  readonly service: Service;
  readonly port: number;
  readonly token: string;
  readonly since: number;
}

/** A record from later than this in the future is invalid: the clock was set back since. */
const CLOCK_SLACK_MS = 60_000;
/** Longer nobody waits for a line. */
const ANSWER_MS = 400;

export async function findLineFacts(question: LineQuestion): Promise<FoundFacts> {
  const service = question.service ?? readDefault(question.paths.config);
  const all = listRecords(question.paths.run);
  const own = all.filter((one) => one.service === service);
  const others = question.service === undefined ? all.filter((one) => one.service !== service) : [];
  const port = readProxyAddress(service, question.address ?? "")?.port;
  const order = [...own.filter((one) => one.port === port), ...own.filter((one) => one.port !== port)];
  let isSilent = false;
  for (const record of [...order, ...others]) {
    const facts = await ask(record, question.session);
    if (facts === "silent") isSilent = true;
    else if (facts !== null) return { kind: "running", facts };
    // One that hangs has taken all the time there is.
    if (isSilent) break;
  }
  const kind = isSilent ? "silent" : "none";
  return { kind, ...readToday(question, service), last: readLast(question, service) };
}

function listRecords(run: string): readonly Record[] {
  let names: string[];
  try {
    names = readdirSync(run).filter((name) => /^instance-.*\.json$/.test(name));
  } catch {
    return [];
  }
  const records = names.flatMap((name): Record[] => {
    const { port, service, since, token } = readRecord(join(run, name));
    if (typeof service !== "string" || !isService(service) || typeof port !== "number") return [];
    return typeof token === "string" && typeof since === "number" ? [{ service, port, token, since }] : [];
  });
  return records.toSorted((one, other) => one.since - other.since);
}

function readRecord(path: string): JsonRecord {
  try {
    return parseRecord(readTextOrNull(path) ?? "") ?? {};
  } catch {
    return {};
  }
}

/** Null: nobody is there, or nobody of ours. */
async function ask(proxy: Record, session: string | null): Promise<LineFacts | "silent" | null> {
  const query = session === null ? {} : { session };
  try {
    const response = await askPage(proxy, "line", { query, signal: AbortSignal.timeout(ANSWER_MS) });
    if (response === null) return null;
    const facts: unknown = await response.json();
    return isRecord(facts) && "now_ms" in facts ? (facts as unknown as LineFacts) : null;
  } catch (error) {
    return error instanceof Error && error.name === "TimeoutError" ? "silent" : null;
  }
}

/** Without the parser of config.json: a word of it that is found in a comment chooses wrongly, and no more. */
function readDefault(path: string): Service {
  try {
    const [, name = ""] = /"default_service"\s*:\s*"(\w+)"/.exec(readTextOrNull(path) ?? "") ?? [];
    return isService(name) ? name : DEFAULT_SERVICE;
  } catch {
    return DEFAULT_SERVICE;
  }
}

/** What the ledger of spend has of the day. */
function readToday(
  { now, paths }: LineQuestion,
  service: Service,
): { readonly today: LineFacts["today"]; readonly at: number | null } {
  const { days, read_at: at } = readRecord(paths.spend);
  const rows = isRecord(days) ? days[localDay(now)] : undefined;
  if (!Array.isArray(rows)) return { today: null, at: null };
  const own = rows.filter(isRecord).filter((row) => row["service"] === service);
  const sum = (name: string): number => own.reduce((all, row) => all + (Number(row[name]) || 0), 0);
  const unknown = sum("unpriced_requests") + sum("requests_without_usage") + sum("partial_requests");
  return {
    today: { usd: sum("usd"), is_partial: unknown > 0 },
    at: typeof at === "number" ? at : null,
  };
}

/** Of what a limit or budget that has ended since says nothing now. */
function readLast({ now, paths }: LineQuestion, service: Service): SavedLine | null {
  const { [SAVED_LINES]: lines } = readRecord(paths.state);
  const saved = isRecord(lines) ? lines[service] : undefined;
  if (!isRecord(saved)) return null;
  const { at_ms: at, budget, label, left } = saved as Partial<SavedLine>;
  if (typeof at !== "number" || at > now + CLOCK_SLACK_MS || typeof label !== "string") return null;
  const isLeft =
    isRecord(left) && (Number.isFinite(left.left) || (left.unit === "%" && Number.isFinite(left.used)));
  const isBudget = isRecord(budget) && Number.isFinite(budget.share);
  return {
    at_ms: at,
    label,
    left: isLeft && (left.resets_at_ms ?? Number.POSITIVE_INFINITY) > now ? left : null,
    budget: isBudget && budget.until_ms > now ? budget : null,
  };
}
