// Tells what a user wants to hear of: hops, spent quotas, recoveries, and the moment when nothing is left.
// Only words; it changes no upstream's availability.
import type { Upstream } from "../base/upstream.ts";
import type { Line, Records } from "./records.ts";
import type { Assessment } from "./availability.ts";
import type { PlanRequest, Reason, RouterEvent } from "./types.ts";

export interface Announcer {
  /** `upstream` serves the request. `before`: where its session was, undefined for a new one. */
  served(upstream: Upstream, request: PlanRequest, at: { line: Line; before: string | undefined }): void;
  /** The upstream's availability may have got worse. */
  failed(upstream: Upstream, before: Assessment, line: Line | undefined): void;
  /** The upstream's availability may have got better. */
  answered(upstream: Upstream, before: Assessment): void;
}

export function createAnnouncer(records: Records, emit: (event: RouterEvent) => void): Announcer {
  const whyNot = (from: Upstream, to: Upstream, line: Line): Reason => {
    const view = records.look(from, null, false);
    if (view.availability !== "ok") return view.reason;
    if (line.upstreams.indexOf(to) < line.upstreams.indexOf(from)) return { rule: "recovered" };
    return records.of(from.key).health.lastFailure?.reason ?? { rule: "not-asked" };
  };

  return {
    served(upstream, request, { line, before }) {
      line.isAllDown = false;
      const fromKey = before ?? line.front ?? line.upstreams[0]?.key;
      if (before === undefined) line.front = upstream.key;
      const from = line.upstreams.find((other) => other.key === fromKey);
      if (from === undefined || from.key === upstream.key) return;
      emit({
        kind: "hop",
        from,
        to: upstream,
        sessionId: before === undefined ? null : request.sessionId,
        reason: whyNot(from, upstream, line),
      });
    },
    failed(upstream, before, line) {
      const view = records.look(upstream, null, false);
      if (view.isExhausted && !before.isExhausted)
        emit({ kind: "exhausted", upstream, until: view.until, reason: view.reason });
      if (line === undefined || line.isAllDown) return;
      if (line.upstreams.some((other) => records.look(other, null, false).allowed !== "no")) return;
      line.isAllDown = true;
      emit({ kind: "all-down", upstreams: line.upstreams, reason: view.reason });
    },
    answered(upstream, before) {
      if (before.availability === "ok" || before.availability === "low") return;
      const { availability } = records.look(upstream, null, false);
      if (availability === "ok" || availability === "low") emit({ kind: "recovered", upstream });
    },
  };
}
