// Gathers what is known of one request while it runs and writes it down once, however it ends.
import type { LogEntry } from "../log/entry.ts";
import type { Upstream } from "../base/upstream.ts";
import { reasonInEnglish } from "../routing/reasons.ts";
import type { Permit, Reason } from "../routing/types.ts";
import { isGeneration } from "../usage/outcome.ts";
import { type Tried, wasAsked } from "./chosen.ts";
import type { ProxyDeps, Room, RunningFacts, RunningRequest } from "./deps.ts";
import type { Told } from "./held-usage.ts";
import type { RequestFacts } from "./request-facts.ts";

export interface ExchangeEnd extends Told {
  readonly status: number;
  readonly outcome: LogEntry["outcome"];
  /** Of what it showed, without reasoning; undefined where that was not counted. */
  readonly outputBytes?: number | undefined;
  /** Why it was not looked for. */
  readonly usageUnknown?: LogEntry["usage_unknown"];
  readonly reason?: Reason | undefined;
}

/** What is known once the request was read. */
interface Known {
  readonly facts: RequestFacts;
  readonly filtered: {
    readonly redactions: number;
    readonly byRule?: ReadonlyMap<string, number> | undefined;
    readonly exempt?: number;
    readonly restoring?: { readonly restored: number; readonly sealed: number };
  };
  readonly configName: string;
  readonly requestBytes?: number;
}

/** Attempts of a request that was held, before the last time that it was asked. */
const MOST_EARLIER = 32;
const SAMPLED_OF = 16;
/** Names of one request in the log. */
const MOST_HELD_BACK = 32;

type ExchangeDeps = Pick<
  ProxyDeps,
  "inFlight" | "monotonic" | "now" | "record" | "running" | "service" | "uploads"
>;

/** A class, because each request has one: as many closures would cost more than what they do. */
export class Exchange implements RunningRequest {
  readonly service: ProxyDeps["service"];
  /** The attempts so far; the loop appends to them. */
  readonly tried: Tried[] = [];
  /** Names of headers and parameters that upstreams were not shown; one may be in it more than once. */
  readonly heldBack: string[] = [];
  /** Room in the owner's budgets for each attempt that may have used something. */
  readonly rooms: Room[] = [];
  private readonly timestampMs: number;
  /** Monotonic clock, ms. */
  readonly startedAt: number;
  /** Settled at the end at the latest, so that no place is lost, whatever happens. */
  readonly permits: Permit[] = [];
  private shown: Tried | null = null;
  private known: Known | null = null;
  private ttfbMs: number | undefined;
  private fixedStatus: number | undefined;
  /** The project that it is from; null where none is told. */
  project: string | null = null;
  private earlier: readonly Tried[] = [];
  private waitedMs = 0;
  /** So long it has waited for places, ms. */
  queuedMs = 0;
  private takesPlace = false;
  /** Counts the output that has passed to the client; null before there is any, and for what is no stream. */
  output: { countWritten(): number | null } | null = null;
  private ended = false;
  private heldBytes = 0;
  private ownId: string | undefined;

  constructor(
    readonly method: string,
    private readonly path: string,
    private readonly deps: ExchangeDeps,
  ) {
    this.service = deps.service;
    this.timestampMs = deps.now();
    this.startedAt = deps.monotonic();
  }

  /** What the answer showed is counted of a few: for all it would cost more than the rest of the record. */
  get isSampled(): boolean {
    return Math.trunc(this.startedAt * 1000) % SAMPLED_OF === 0;
  }

  /** It is counted among those in flight, until it ends. */
  takePlace(): void {
    this.takesPlace = true;
    this.deps.inFlight.count += 1;
    this.deps.running.add(this);
  }

  describe(what: Known): void {
    this.known = what;
  }

  /** The first byte is about to go to the client. */
  markFirstByte(): void {
    this.ttfbMs ??= this.deps.monotonic() - this.startedAt;
  }

  /** The client gets this status, whatever the answer's own is: its headers go out before there is one. */
  fixStatus(status: number): void {
    this.fixedStatus = status;
  }

  /** Counts so many more bytes as held for this request, until it ends; negative for what is let go before. */
  hold(bytes: number): void {
    if (this.ended) return;
    this.heldBytes += bytes;
    this.deps.uploads.budget.add(bytes);
  }

  /** The client sees this upstream's answer. */
  showAnswerOf(upstream: Upstream): void {
    this.shown = this.tried.findLast((attempt) => attempt.upstream === upstream) ?? null;
  }

  /** It is asked again: what was tried before is kept for the log, as far as it is short. */
  beginRound(configName: string): void {
    if (this.known !== null) this.known = { ...this.known, configName };
    this.earlier = [...this.earlier, ...this.tried].slice(-MOST_EARLIER);
    this.tried.length = 0;
  }

  /** So long it was held until a limit was reset, in all. */
  noteWait(ms: number): void {
    this.waitedMs = ms;
  }

  /** Undefined where nothing is known to be used: no upstream was asked for what is billed, or it refused. */
  private whyNoUsage({ outcome, status }: ExchangeEnd): LogEntry["usage_unknown"] {
    const { path, method } = this;
    const tried = this.tried.filter(wasAsked);
    if (tried.length === 0 || !isGeneration({ method, path })) return undefined;
    if (outcome === "ok") return "not_told";
    const isBegun = outcome === "cut" || outcome === "client_gone" || status < 400;
    // What an attempt said stands there.
    return isBegun && tried.every(({ told }) => told?.usage === undefined) ? "cut" : undefined;
  }

  /** What an answer of it was expected to use; undefined where no budget is concerned. */
  private estimateOf(attempt: Tried | undefined): Room["estimate"] {
    return this.rooms.findLast(({ upstream }) => upstream === attempt?.upstream)?.estimate;
  }

  /** Why the answer that is shown is no success. */
  shownReason(): Reason {
    return (this.shown ?? this.tried.at(-1))?.reason ?? { rule: "ok" };
  }

  look(): RunningFacts {
    const { known, shown, ttfbMs } = this;
    const asked = shown?.upstream ?? this.permits.at(-1)?.upstream;
    const tried = [...this.earlier, ...this.tried].filter((one) => one !== shown && wasAsked(one));
    return {
      id: this.id,
      started_at_ms: this.timestampMs,
      path: this.path,
      model: known?.facts.model ?? null,
      session_id: known?.facts.sessionId ?? null,
      project: this.project,
      client: known?.facts.client ?? null,
      agent: known?.facts.agent ?? null,
      upstream: asked?.label ?? null,
      state: ttfbMs === undefined ? "waiting" : "answering",
      ttfb_ms: ttfbMs === undefined ? null : Math.round(ttfbMs),
      output_tokens_estimate: this.output?.countWritten() ?? null,
      attempts: tried.flatMap(({ durationMs, reason, status, upstream }) =>
        reason === null
          ? []
          : {
              upstream: upstream.label,
              status_code: status,
              error: reasonInEnglish(reason),
              reason,
              duration_ms: Math.round(durationMs),
            },
      ),
    };
  }

  /** Made when it is first asked for. */
  private get id(): string {
    return (this.ownId ??= makeRequestId(this.timestampMs));
  }

  /** Writes the record. Later calls do nothing. */
  end(as: ExchangeEnd): void {
    if (this.ended) return;
    this.ended = true;
    const { deps, fixedStatus, heldBack, known, queuedMs, shown, timestampMs, ttfbMs } = this;
    const tried = [...this.earlier, ...this.tried].filter(wasAsked);
    deps.uploads.budget.add(-this.heldBytes);
    if (this.takesPlace) {
      deps.inFlight.count -= 1;
      deps.running.delete(this);
    }
    for (const permit of this.permits) permit.release();
    const last = shown ?? tried.at(-1);
    const endpoint = known?.facts.endpoint;
    // Where nothing is counted no model is named.
    const isCounted = endpoint?.usage != null && (endpoint.path !== null || as.usage !== undefined);
    const model = isCounted ? (known?.facts.model ?? modelInPath(this.path)) : null;
    const usageUnknown = as.usageUnknown ?? (as.usage === undefined ? this.whyNoUsage(as) : undefined);
    const showAttempts = tried.length > 1 || (tried.length === 1 && as.outcome !== "ok");
    const entry: LogEntry = {
      timestamp_ms: timestampMs,
      service: this.service,
      method: this.method,
      path: this.path,
      status_code: as.outcome === "client_gone" ? as.status : (fixedStatus ?? as.status),
      duration_ms: Math.round(deps.monotonic() - this.startedAt),
      config_name: known?.configName ?? null,
      upstream_base_url: last?.upstream.baseUrl ?? null,
      upstream_label: last?.upstream.label,
      usage: as.usage,
      usage_unknown: usageUnknown,
      estimate: usageUnknown === undefined && isWhole(as.usage) ? undefined : this.estimateOf(last),
      id: this.id,
      model: model ?? undefined,
      upstream_model: model === null || last?.model === model ? undefined : (last?.model ?? undefined),
      chain_model: chainModelOf(last, model),
      served_model: as.servedModel,
      request_bytes: known?.requestBytes || undefined,
      output_bytes: as.outputBytes,
      session_id: known?.facts.sessionId ?? undefined,
      project: this.project ?? undefined,
      client: known?.facts.client ?? undefined,
      agent: known?.facts.agent ?? undefined,
      ttfb_ms: ttfbMs === undefined ? undefined : Math.round(ttfbMs),
      queued_ms: queuedMs >= 1 ? Math.round(queuedMs) : undefined,
      waited_ms: this.waitedMs === 0 ? undefined : Math.round(this.waitedMs),
      stream: known?.facts.stream,
      outcome: as.outcome,
      attempts: showAttempts
        ? tried.map((attempt) =>
            describeAttempt(attempt, {
              model,
              shown: attempt === shown ? as : null,
              estimate:
                attempt === shown || isWhole(attempt.told?.usage) ? undefined : this.estimateOf(attempt),
            }),
          )
        : undefined,
      redactions: known?.filtered.redactions || undefined,
      redactions_by_rule:
        known?.filtered.byRule === undefined ? undefined : Object.fromEntries(known.filtered.byRule),
      redactions_exempt: known?.filtered.exempt || undefined,
      restored: known?.filtered.restoring?.restored || undefined,
      restored_exempt: known?.filtered.restoring?.sealed || undefined,
      held_back: heldBack.length === 0 ? undefined : [...new Set(heldBack)].slice(0, MOST_HELD_BACK),
      // Of a try that was refused all the same nothing is said.
      dropped: last?.verdict === null && last.dropped.length > 0 ? [...last.dropped] : undefined,
      ...sayWhy(as.reason),
    };
    deps.record(entry);
    // Not before: what was held is counted by now.
    for (const room of this.rooms) room.end(entry);
  }
}

/** Nothing is known to be missing of what it says. */
function isWhole(usage: ExchangeEnd["usage"]): boolean {
  return usage?.partial !== true;
}

function describeAttempt(
  attempt: Tried,
  {
    estimate,
    shown,
    model,
  }: {
    /** How the request ended, where the client saw this answer. */
    readonly shown: ExchangeEnd | null;
    readonly model: string | null;
    readonly estimate: Room["estimate"];
  },
): NonNullable<LogEntry["attempts"]>[number] {
  const { held, reason, verdict } = attempt;
  return {
    upstream_base_url: attempt.upstream.baseUrl,
    upstream_label: attempt.upstream.label,
    upstream_model: model === null || attempt.model === model ? undefined : (attempt.model ?? undefined),
    chain_model: chainModelOf(attempt, model),
    served_model: (shown ?? attempt.told)?.servedModel,
    status_code: attempt.status ?? undefined,
    ...sayWhy(reason),
    verdict: verdict?.rule ?? reason?.rule ?? "ok",
    duration_ms: Math.round(attempt.durationMs),
    held_events: held.events,
    held_bytes: held.bytes,
    shown: shown !== null,
    // Of the answer that the client got, the line itself has it.
    usage: shown === null ? attempt.told?.usage : undefined,
    estimate,
  };
}

function chainModelOf(attempt: Tried | undefined, model: string | null): string | undefined {
  const named = attempt?.named ?? null;
  return model === null || named === model ? undefined : (named ?? undefined);
}

/** Gemini, Vertex, Bedrock and Azure have it there. */
function modelInPath(path: string): string | null {
  const name = /\/(?:models?|deployments)\/([^/:]{1,200})[/:]/.exec(path)?.[1];
  return name ?? null;
}

/** In English, and as data where it has any. */
export function sayWhy(reason: Reason | null | undefined): Pick<LogEntry, "error" | "reason"> {
  if (reason == null) return {};
  const error = reasonInEnglish(reason);
  return reason.rule === "as-told" ? { error } : { error, reason };
}

/** Sorts by time; unique enough for one machine: ms since 1970 and 32 random bits, in base 36. */
export function makeRequestId(timestampMs: number): string {
  const random = Math.trunc(Math.random() * 2 ** 32);
  return `${Math.trunc(timestampMs).toString(36)}${random.toString(36).padStart(7, "0")}`;
}
