// Cost alarms: a turn, an hour, or a prompt cache that was lost, against the limits of `alarm` in config.json. Looks at the lines of
// the log as they are written, after the answer; loaded only where a limit is set.
// Pure.
import type { AlarmEntry } from "../../config/notify.ts";
import { type Text, showSpan, t } from "../../base/text.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { LogRecord } from "../../log/record.ts";
import { hasFailed, isGeneration } from "../../usage/outcome.ts";
import { isCacheApart, readBilledTokens } from "../../usage/price-rates.ts";
import type { Cost, Pricer } from "../../usage/prices.ts";

export interface CostAlarm {
  readonly kind: "cost-alarm";
  readonly alarm: "turn" | "hour" | "cache_break";
  /** US dollars: what it cost, and the limit that is passed. */
  readonly usd: number;
  readonly limitUsd: number;
  /** Of a lost cache: what was read again, and what is known of why. */
  readonly lost: { readonly tokens: number; readonly cause: Text } | null;
  readonly upstream: Upstream;
  readonly requestId: string | null;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Vendors keep a cache for five minutes at least: https://platform.claude.com/docs/en/build-with-claude/prompt-caching */
const KEPT_MS = 5 * MINUTE_MS;
/** A turn that reads less than so much of the one before goes on from elsewhere: it was compacted, or taken back. */
const SAME_SHARE = 0.9;
/** Caches are read in blocks, and what a client changes at the end of its prompt is no break. */
const KEPT_SHARE = 0.5;
const MOST_SESSIONS = 1_000;

type Limit = number | null | undefined;

interface Turn {
  readonly at: number;
  readonly read: number;
  readonly model: string;
  readonly upstream: string;
}

type Raised = Omit<CostAlarm, "upstream">;

export function createCostAlarm() {
  /** Costs of the last hour, oldest first. */
  let hour: { readonly at: number; readonly usd: number }[] = [];
  let isHourTold = false;
  /** The last turn of each conversation, the longest silent first. */
  const turns = new Map<string, Turn>();

  const noteHour = (record: LogRecord, usd: number, limit: Limit): Raised | null => {
    const { timestamp_ms: at } = record;
    hour = [...hour.filter((one) => at - one.at < HOUR_MS), { at, usd }];
    const sum = hour.reduce((total, one) => total + one.usd, 0);
    const isOver = limit != null && sum >= limit;
    // Once, until an hour cost less again.
    const isNew = isOver && !isHourTold;
    isHourTold = isOver;
    return isNew ? raise(record, { alarm: "hour", usd: sum, limitUsd: limit }) : null;
  };
  const noteCache = (record: LogRecord, costOf: Pricer["costOf"], limit: Limit): Raised | null => {
    const { session_id: session, timestamp_ms: at } = record;
    const tokens = readBilledTokens(record);
    if (!session || tokens === null || record.usage?.partial === true || hasFailed(record)) return null;
    const key = `${session}\n${record.agent ?? ""}`;
    const before = turns.get(key);
    const turn: Turn = {
      at,
      read: tokens.fresh + tokens.cached + tokens.created + tokens.created1h,
      model: record.upstream_model ?? record.chain_model ?? record.model ?? "",
      upstream: record.upstream_label ?? record.upstream_base_url ?? "",
    };
    turns.delete(key);
    turns.set(key, turn);
    if (turns.size > MOST_SESSIONS) turns.delete(turns.keys().next().value ?? "");
    if (before === undefined || limit == null || turn.read < before.read * SAME_SHARE) return null;
    const known = Math.min(before.read, turn.read);
    if (tokens.cached >= known * KEPT_SHARE) return null;
    const again = known - tokens.cached;
    const usd = dollarsOf(costOf(withCached(record, 0))) - dollarsOf(costOf(withCached(record, again)));
    if (usd < limit) return null;
    const lost = { tokens: again, cause: causeOf(before, turn) };
    return { ...raise(record, { alarm: "cache_break", usd, limitUsd: limit }), lost };
  };
  /** What a line of the log raises, given after those before it. */
  return (record: LogRecord, costOf: Pricer["costOf"], limits: AlarmEntry): Raised[] => {
    if (record.refusals !== undefined || !isGeneration(record)) return [];
    const usd = dollarsOf(costOf(record));
    const { turn_usd: limitUsd } = limits;
    const isDear = limitUsd != null && usd >= limitUsd;
    return [
      isDear ? raise(record, { alarm: "turn", usd, limitUsd }) : null,
      noteHour(record, usd, limits.hour_usd),
      noteCache(record, costOf, limits.cache_break_usd),
    ].filter((one) => one !== null);
  };
}

function raise({ id }: LogRecord, facts: Pick<CostAlarm, "alarm" | "limitUsd" | "usd">): Raised {
  return { kind: "cost-alarm", ...facts, lost: null, requestId: id ?? null };
}

/** With its failed attempts. What has no price counts as nothing: an alarm is no budget. */
function dollarsOf(cost: Cost): number {
  return [cost, ...(cost.attempts ?? [])].reduce(
    (sum, one) => sum + (one.kind === "priced" ? one.usd : 0),
    0,
  );
}

/** The same turn, had so many more of its tokens come from the cache: first of those that were written to it again. */
function withCached(record: LogRecord, more: number): LogRecord {
  const usage = { ...record.usage, iterations: undefined };
  const written = usage.cache_creation_tokens ?? 0;
  const fromWritten = Math.min(written, more);
  const longer = Math.min(usage.cache_creation_1h_tokens ?? 0, written - fromWritten);
  const isApart = isCacheApart(record.path);
  return {
    ...record,
    attempts: undefined,
    usage: {
      ...usage,
      input_tokens: (usage.input_tokens ?? 0) - (isApart ? more - fromWritten : 0),
      cached_input_tokens: (usage.cached_input_tokens ?? 0) + more,
      cache_creation_tokens: written - fromWritten,
      ...(usage.cache_creation_1h_tokens === undefined ? {} : { cache_creation_1h_tokens: longer }),
    },
  };
}

function causeOf(before: Turn, { at, model, upstream }: Turn): Text {
  if (upstream !== before.upstream) return t`the upstream changed from ${before.upstream} to ${upstream}`;
  if (model !== before.model) return t`the model changed from ${before.model} to ${model}`;
  if (at - before.at > KEPT_MS) return t`the turn before was ${showSpan(at - before.at)} ago`;
  return t`neither upstream nor model changed`;
}
