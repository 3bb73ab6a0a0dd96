// What happens among the upstreams: one table, event -> words for a person's log and fields for a command of the user's.
// Holds no secret: an upstream is its label and its address.
// Pure.
import { CLIENT_NAME, DEFAULT_SERVICE, type Service } from "../../base/service.ts";
import { type Text, inEnglish, showMoment, t } from "../../base/text.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { EventKind } from "../../config/notify.ts";
import { showAmount } from "../../quota/amounts.ts";
import { describePlaces, describeState } from "../../routing/availability-words.ts";
import { describe, reasonInEnglish } from "../../routing/reasons.ts";
import type { Availability, LaneEvent, LaneFacts, Reason, RouterEvent } from "../../routing/types.ts";
import type { BudgetStep } from "../quota/budgets.ts";
import type { CostAlarm } from "./cost-alarm.ts";

/** What a user wants to hear of. */
export type AppEvent =
  | RouterEvent
  | ({ readonly kind: "budget" } & BudgetStep)
  /** An answer named another model than was asked for. */
  | {
      readonly kind: "model-mismatch";
      readonly upstream: Upstream;
      readonly asked: string;
      readonly served: string;
      readonly requestId: string | null;
    }
  | CostAlarm;

/** A new kind of event is one row of the table. */
interface Row<E> {
  /** Whom it is about; the first one's label begins its line. None: the service. */
  readonly about: (event: E) => readonly Upstream[];
  /** Whose sign stands behind the label: how that upstream is now. */
  readonly sign?: Availability;
  /** What is said behind the label. `now`: wall clock, ms. */
  readonly words: (event: E, now: number) => Text;
  /** A failed request's own line says the same. */
  readonly isInFailure?: boolean;
  /** Somebody waits because of it: it is told before the request has ended. */
  readonly isUrgent?: boolean;
  /** Stable names. Times are wall clock in ms. */
  readonly json: (event: E) => Readonly<Record<string, unknown>>;
  /** One that did not happen, for whoever tries a command or a notification. */
  readonly sample: (now: number) => Omit<E, "kind">;
}

const FIRST = makeSampleUpstream(1, "https://relay-a.example/v1");
const SECOND = makeSampleUpstream(2, "https://relay-b.example/v1");
const LIMIT: Reason = { rule: "codex-usage-limit", status: 429, code: "usage_limit_reached" };
const PLACES: LaneFacts = { inUse: 2, limit: 2, waiting: 1, group: null, source: "learned", until: null };
const HOUR_MS = 3_600_000;
const SESSION = "0199a3f2-0000-7000-8000-000000000000";

const EVENTS: { readonly [K in EventKind]: Row<Extract<AppEvent, { kind: K }>> } = {
  hop: {
    about: ({ from, to }) => [from, to],
    words: ({ reason, to }) => t`-> ${to.label}: ${describe(reason)}`,
    isInFailure: true,
    json: ({ from, reason, sessionId, to }) => ({
      from: makeJson(from),
      to: makeJson(to),
      session_id: sessionId,
      reason: reasonInEnglish(reason),
    }),
    sample: () => ({ from: FIRST, to: SECOND, sessionId: SESSION, reason: LIMIT }),
  },
  exhausted: {
    about: ({ upstream }) => [upstream],
    sign: "exhausted",
    words: ({ reason, until }, now) =>
      t`${describeState({ availability: "exhausted", until }, now)} (${reason.code ?? describe(reason)})`,
    isInFailure: true,
    json: ({ reason, until, upstream }) => ({
      upstream: makeJson(upstream),
      until_ms: until,
      reason: reasonInEnglish(reason),
    }),
    sample: (now) => ({ upstream: FIRST, until: now + HOUR_MS, reason: LIMIT }),
  },
  recovered: {
    about: ({ upstream }) => [upstream],
    sign: "ok",
    words: () => t`recovered`,
    json: ({ upstream }) => ({ upstream: makeJson(upstream) }),
    sample: () => ({ upstream: FIRST }),
  },
  waiting: {
    about: ({ upstream }) => [upstream],
    sign: "exhausted",
    words: ({ sessionId, until }, now) => {
      const who = sessionId === null ? t`a request` : t`session ${sessionId.slice(0, 8)}`;
      return t`${who} waits until ${showMoment(until, now)} (ch routing wait)`;
    },
    isUrgent: true,
    json: ({ sessionId, until, upstream }) => ({
      upstream: makeJson(upstream),
      until_ms: until,
      session_id: sessionId,
    }),
    sample: (now) => ({ upstream: FIRST, until: now + HOUR_MS, sessionId: SESSION }),
  },
  queue: {
    about: ({ upstream }) => [upstream],
    words: ({ facts }) => describePlaces(facts),
    isUrgent: true,
    json: makePlacesJson,
    sample: () => ({ upstream: FIRST, facts: PLACES }),
  },
  "limit-learned": {
    about: ({ upstream }) => [upstream],
    words: ({ facts: { limit, until } }, now) =>
      t`refused one request too many: ${limit} at once until ${showMoment(until ?? now, now)}, the others wait`,
    json: makePlacesJson,
    sample: (now) => ({ upstream: FIRST, facts: { ...PLACES, until: now + HOUR_MS } }),
  },
  "all-down": {
    about: () => [],
    words: (event) =>
      t`no upstream of ${CLIENT_NAME[serviceOf(event)]} is usable now: ${describe(event.reason)}`,
    isInFailure: true,
    json: ({ reason, upstreams }) => ({
      upstreams: upstreams.map(makeJson),
      reason: reasonInEnglish(reason),
    }),
    sample: () => ({ upstreams: [FIRST, SECOND], reason: LIMIT }),
  },
  budget: {
    about: () => [],
    words({ budget, count, percent, reason }, now) {
      const words = t`${describe(reason)}, ${percent}% spent`;
      if (percent < 100) return words;
      return t`${words}: ${AFTER[budget.onSpent]}, until ${showMoment(count.opensAt, now)}`;
    },
    json: ({ budget, count, limit, percent, reason }) => ({
      // Not of one client, perhaps.
      service: "service" in budget.scope ? budget.scope.service : null,
      budget: budget.id,
      percent,
      unit: budget.unit,
      per: budget.per,
      used: count.used,
      limit,
      on_spent: budget.onSpent,
      until_ms: budget.per === "5h" && percent < 100 ? null : count.opensAt,
      reason: reasonInEnglish(reason),
    }),
    sample: makeSampleStep,
  },
  "model-mismatch": {
    about: ({ upstream }) => [upstream],
    words: ({ asked, served }) => t`was asked for ${asked}, and its answer names ${served} (see: ch audit)`,
    json: ({ asked, requestId, served, upstream }) => ({
      upstream: makeJson(upstream),
      asked_model: asked,
      served_model: served,
      request_id: requestId,
    }),
    sample: () => ({ upstream: FIRST, asked: "gpt-5.5", served: "gpt-5.5-mini", requestId: null }),
  },
  "cost-alarm": {
    about: ({ upstream }) => [upstream],
    words({ alarm, limitUsd, lost, usd }) {
      const cost = showAmount(usd, "USD");
      if (lost !== null)
        return t`this turn read ${Math.ceil(lost.tokens / 1000)}k tokens again: ${cost}; ${lost.cause}`;
      const limit = showAmount(limitUsd, "USD");
      return alarm === "turn"
        ? t`this turn cost ${cost}, and the alarm is at ${limit}`
        : t`the last hour cost ${cost}, and the alarm is at ${limit}`;
    },
    json: ({ alarm, limitUsd, lost, requestId, upstream, usd }) => ({
      upstream: makeJson(upstream),
      alarm,
      usd,
      limit_usd: limitUsd,
      tokens: lost?.tokens ?? null,
      cause: lost === null ? null : inEnglish(lost.cause),
      request_id: requestId,
    }),
    sample: () => ({
      upstream: SECOND,
      alarm: "cache_break",
      usd: 0.9,
      limitUsd: 0.5,
      lost: { tokens: 180_000, cause: t`the upstream changed from ${FIRST.label} to ${SECOND.label}` },
      requestId: null,
    }),
  },
};

const AFTER: Readonly<Record<BudgetStep["budget"]["onSpent"], Text>> = {
  next: t`other upstreams are asked`,
  stop: t`requests end there`,
  warn: t`nothing is kept back`,
};

/** An event as a person's log has it. */
export interface ToldEvent {
  readonly kind: EventKind;
  readonly service: Service;
  /** Wall clock, ms. */
  readonly at: number;
  readonly labels: readonly string[];
  readonly sign: Availability | null;
  readonly words: Text;
  readonly isInFailure: boolean;
  readonly isUrgent: boolean;
  readonly json: Readonly<Record<string, unknown>>;
}

export function tellEvent(event: AppEvent, now: number): ToldEvent {
  const { about, isInFailure = false, isUrgent = false, json, sign = null, words } = rowOf(event);
  const service = serviceOf(event);
  return {
    kind: event.kind,
    service,
    at: now,
    labels: about(event).map(({ label }) => label),
    sign,
    words: words(event, now),
    isInFailure,
    isUrgent,
    json: { event: event.kind, timestamp_ms: now, service, ...json(event) },
  };
}

/** As the above, of an event that did not happen: marked as a sample. */
export function tellSample(kind: EventKind, now: number): ToldEvent {
  // As below.
  const event = { kind, ...EVENTS[kind].sample(now) } as AppEvent;
  const { json, ...told } = tellEvent(event, now);
  const { event: name, service, timestamp_ms, ...fields } = json;
  return { ...told, json: { event: name, timestamp_ms, service, sample: true, ...fields } };
}

/** What the table looks at. */
function makeSampleUpstream(position: number, baseUrl: string): Upstream {
  return { service: DEFAULT_SERVICE, label: `main#${position}`, baseUrl } as Upstream;
}

function makeSampleStep(now: number): BudgetStep {
  const scope = { kind: "config", service: DEFAULT_SERVICE, configName: "main" } as const;
  const values = { name: "main#1", used: "$4.00", limit: "$5.00", per: t`a day` };
  return {
    budget: {
      scope,
      id: "codex:main#1",
      unit: "usd",
      per: "day",
      onSpent: "next",
    } as BudgetStep["budget"],
    percent: 80,
    count: { used: 4, opensAt: now + HOUR_MS, unpriced: 0, estimated: 0, uncertain: 0 },
    limit: 5,
    reason: { rule: "budget-usd", ...values },
  };
}

function rowOf<E extends AppEvent>({ kind }: E): Row<E> {
  // The compiler cannot see that the row of a kind is for events of that kind.
  return EVENTS[kind] as unknown as Row<E>;
}

function serviceOf(event: AppEvent): Service {
  if (event.kind === "budget")
    return "service" in event.budget.scope ? event.budget.scope.service : DEFAULT_SERVICE;
  if (event.kind === "hop") return event.to.service;
  return event.kind === "all-down"
    ? (event.upstreams[0]?.service ?? DEFAULT_SERVICE)
    : event.upstream.service;
}

function makePlacesJson({ facts, upstream }: LaneEvent): Readonly<Record<string, unknown>> {
  const { inUse, limit, until, waiting } = facts;
  return { upstream: makeJson(upstream), in_use: inUse, limit, waiting, until_ms: until };
}

function makeJson({ baseUrl, label }: Upstream): Readonly<Record<string, string>> {
  return { label, base_url: baseUrl };
}
