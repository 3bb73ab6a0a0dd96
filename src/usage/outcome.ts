// How a request of the log and its attempts went, and what was a failure: one definition for status, sums and searches.
// Pure.
import type { LogRecord } from "../log/record.ts";

/** Answered with an error, cut off or refused. A client that left is no failure. */
const FAILED: ReadonlySet<string> = new Set(["error", "cut", "refused"]);

/** Lines of the first version have no outcome: it follows from their status. Undefined where a line has neither. */
export function outcomeOf({ outcome, status_code: status }: LogRecord): string | undefined {
  if (outcome !== undefined || status === undefined) return outcome;
  if (status < 400) return "ok";
  return status === 499 ? "client_gone" : "error";
}

export function hasFailed(record: LogRecord): boolean {
  return FAILED.has(outcomeOf(record) ?? "");
}

interface Attempted {
  readonly baseUrl: string;
  readonly label: string | undefined;
  /** A client that left did not make it fail. */
  readonly hasFailed: boolean;
}

/** `attempts` is present when it has more than the line itself. */
export function listAttempts(record: LogRecord): Attempted[] {
  const { attempts, upstream_base_url: last, upstream_label: label } = record;
  const isFailure = hasFailed(record);
  if (attempts === undefined) return last == null ? [] : [{ baseUrl: last, label, hasFailed: isFailure }];
  return attempts.flatMap(({ shown, upstream_base_url: baseUrl, upstream_label, verdict }) => {
    if (baseUrl === undefined) return [];
    // An answer that was accepted and broke off later.
    const isBroken = shown === true && verdict === "ok" && isFailure;
    const isFailed = isBroken || (verdict !== "ok" && verdict !== "client-gone");
    return { baseUrl, label: upstream_label, hasFailed: isFailed };
  });
}

/** Was a second upstream asked, because the first had failed? The same one asked again is none. */
export function hasFailedOver({ attempts = [] }: LogRecord): boolean {
  const [first, ...others] = attempts;
  return others.some(
    ({ upstream_base_url: url, upstream_label: label }) =>
      url === undefined || url !== first?.upstream_base_url || label !== first.upstream_label,
  );
}

/** The upstream whose answer the client got; null where there was none, or it was an answer of ours. */
export function answererOf(record: LogRecord): Answerer | null {
  const { attempts = [], upstream_base_url: url, upstream_label: label } = record;
  // Lines of an older version do not say whose answer was shown.
  const isTold = attempts.some(({ shown }) => shown !== undefined);
  const shown = isTold ? attempts.find((attempt) => attempt.shown === true) : undefined;
  if (shown !== undefined) return { url: shown.upstream_base_url, label: shown.upstream_label };
  return isTold || url == null ? null : { url, label };
}

interface Answerer {
  readonly url: string | undefined;
  /** Undefined in lines of an older version. */
  readonly label: string | undefined;
}

/** Paths that make a model write, whatever stands before them. A slash at the end changes nothing. */
const GENERATION_PATH =
  /\/(?:responses|responses\/compact|messages|(?:chat\/)?completions|images\/(?:generations|edits|variations)|audio\/speech)\/*$/;

/** True for a request that makes a model write, or for which an upstream counted tokens. Only these are counted in totals. */
export function isGeneration({ method, path, usage }: Pick<LogRecord, "method" | "path" | "usage">): boolean {
  if (method !== "POST" || path === undefined || path.endsWith("_tokens")) return false;
  return usage !== undefined || GENERATION_PATH.test(path);
}

/** Tokens may have been used, and nobody said how many. Lines before `usage_unknown` tell it by their outcome. */
export function lacksUsage(record: LogRecord): boolean {
  const { outcome, upstream_base_url: upstream, usage, usage_unknown: why } = record;
  if (usage !== undefined || !isGeneration(record)) return false;
  if (why !== undefined) return true;
  return (
    upstream != null &&
    record.attempts?.some((attempt) => attempt.usage !== undefined) !== true &&
    (!hasFailed(record) || outcome === "cut")
  );
}

const NONE: readonly LogRecord[] = [];

/** The failed attempts that said what they used, each as a request of its own at its upstream. */
export function billedAttempts(record: LogRecord): readonly LogRecord[] {
  const { attempts } = record;
  if (attempts === undefined) return NONE;
  return attempts.flatMap(({ usage, ...attempt }) => {
    if (usage === undefined) return [];
    const { chain_model, estimate, served_model, upstream_base_url, upstream_label, upstream_model } =
      attempt;
    const asked = { chain_model, estimate, served_model, upstream_base_url, upstream_label, upstream_model };
    return [{ ...record, ...asked, usage, attempts: undefined }];
  });
}
