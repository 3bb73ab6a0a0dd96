// What happens among the upstreams: one table, event -> words for a person's log and fields for a command of the user's.
// Holds no secret: an upstream is its label and its address.
// Pure.
import { CLIENT_NAME, DEFAULT_SERVICE, type Service } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import type { Upstream } from "../../base/upstream.ts";
import { describeState } from "../../routing/availability-words.ts";
import { describe, reasonInEnglish } from "../../routing/reasons.ts";
import type { Availability, RouterEvent } from "../../routing/types.ts";

type Kind = RouterEvent["kind"];

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
  /** Stable names. Times are wall clock in ms. */
  readonly json: (event: E) => Readonly<Record<string, unknown>>;
}

const EVENTS: { readonly [K in Kind]: Row<Extract<RouterEvent, { kind: K }>> } = {
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
  },
  exhausted: {
    about: ({ upstream }) => [upstream],
    sign: "exhausted",
    words: ({ reason, until }, now) =>
      t`${describeState({ availability: "exhausted", until }, now)} (${describe(reason)})`,
    isInFailure: true,
    json: ({ reason, until, upstream }) => ({
      upstream: makeJson(upstream),
      until_ms: until,
      reason: reasonInEnglish(reason),
    }),
  },
  recovered: {
    about: ({ upstream }) => [upstream],
    sign: "ok",
    words: () => t`recovered`,
    json: ({ upstream }) => ({ upstream: makeJson(upstream) }),
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
  },
};

/** An event as a person's log has it. */
export interface ToldEvent {
  readonly kind: Kind;
  readonly service: Service;
  /** Wall clock, ms. */
  readonly at: number;
  readonly labels: readonly string[];
  readonly sign: Availability | null;
  readonly words: Text;
  readonly isInFailure: boolean;
}

export function tellEvent(event: RouterEvent, now: number): ToldEvent {
  const { about, isInFailure = false, sign = null, words } = rowOf(event);
  const labels = about(event).map(({ label }) => label);
  const said = words(event, now);
  return { kind: event.kind, service: serviceOf(event), at: now, labels, sign, words: said, isInFailure };
}

/** The event with stable field names. Times are wall clock in ms. */
export function makeEventJson(event: RouterEvent, now: number): Readonly<Record<string, unknown>> {
  return { event: event.kind, timestamp_ms: now, service: serviceOf(event), ...rowOf(event).json(event) };
}

function rowOf<E extends RouterEvent>({ kind }: E): Row<E> {
  // The compiler cannot see that the row of a kind is for events of that kind.
  return EVENTS[kind] as unknown as Row<E>;
}

function serviceOf(event: RouterEvent): Service {
  if (event.kind === "hop") return event.to.service;
  return event.kind === "all-down"
    ? (event.upstreams[0]?.service ?? DEFAULT_SERVICE)
    : event.upstream.service;
}

function makeJson({ baseUrl, label }: Upstream): Readonly<Record<string, string>> {
  return { label, base_url: baseUrl };
}
