// What happens among the upstreams, as one calm line for a person and as JSON for a command of the user's.
// Holds no secret: an upstream is its label and its address.
// Pure.
import { CLIENT_NAME, DEFAULT_SERVICE, type Service } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import type { Upstream } from "../../base/upstream.ts";
import { describeState } from "../../routing/availability-words.ts";
import { describe, reasonInEnglish } from "../../routing/reasons.ts";
import type { RouterEvent } from "../../routing/types.ts";

/** One line. `now`: wall clock, ms. */
export function describeEvent(event: RouterEvent, now: number): Text {
  switch (event.kind) {
    case "hop": {
      const who = event.sessionId === null ? t`new requests` : t`session ${event.sessionId.slice(0, 8)}`;
      return t`${who}: ${event.from.label} -> ${event.to.label}, ${describe(event.reason)}`;
    }
    case "exhausted": {
      const state = describeState({ availability: "exhausted", until: event.until }, now);
      return t`${event.upstream.label} is ${state}: ${describe(event.reason)}`;
    }
    case "recovered":
      return t`${event.upstream.label} recovered`;
    case "all-down":
      return t`no upstream of ${CLIENT_NAME[serviceOf(event)]} is usable now: ${describe(event.reason)}`;
  }
}

/** The event with stable field names. Times are wall clock in ms. */
export function makeEventJson(event: RouterEvent, now: number): Readonly<Record<string, unknown>> {
  const head = { event: event.kind, timestamp_ms: now, service: serviceOf(event) };
  switch (event.kind) {
    case "hop": {
      const { from, reason, sessionId, to } = event;
      return {
        ...head,
        from: makeJson(from),
        to: makeJson(to),
        session_id: sessionId,
        reason: reasonInEnglish(reason),
      };
    }
    case "exhausted":
      return {
        ...head,
        upstream: makeJson(event.upstream),
        until_ms: event.until,
        reason: reasonInEnglish(event.reason),
      };
    case "recovered":
      return { ...head, upstream: makeJson(event.upstream) };
    case "all-down":
      return { ...head, upstreams: event.upstreams.map(makeJson), reason: reasonInEnglish(event.reason) };
  }
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
