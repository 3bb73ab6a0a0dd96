// Tells what a user wants to hear of: hops, spent quotas, recoveries, and the moment when nothing is left.
// Only words; it changes no upstream's availability.
import type { Upstream } from "../base/upstream.ts";
import type { Line, Records } from "./records.ts";
import type { Assessment, PlanRequest, Reason, RouterEvent } from "./types.ts";

export type Announcer = ReturnType<typeof createAnnouncer>;

interface AnnouncerOptions {
  readonly records: Records;
  /** How an upstream is, for any request. */
  readonly look: (upstream: Upstream) => Assessment;
  readonly emit: (event: RouterEvent) => void;
}

export function createAnnouncer({ emit, look, records }: AnnouncerOptions) {
  const whyNot = (from: Upstream, to: Upstream, line: Line): Reason => {
    const view = look(from);
    if (view.availability !== "ok") return view.reason;
    if (line.upstreams.indexOf(to) < line.upstreams.indexOf(from)) return { rule: "recovered" };
    const { health, refusal } = records.of(from.key);
    const { lastFailure } = health;
    const newest = (refusal?.at ?? 0) > (lastFailure?.at ?? 0) ? refusal : lastFailure;
    return newest?.reason ?? { rule: "not-asked" };
  };

  return {
    /** `upstream` serves the request. `before`: where its session was, undefined for a new one. */
    served(
      upstream: Upstream,
      { sessionId }: PlanRequest,
      { line, before }: { line: Line; before: string | undefined },
    ): void {
      line.isAllDown = false;
      const fromKey = before ?? line.front ?? line.upstreams[0]?.key;
      if (before === undefined) line.front = upstream.key;
      const from = line.upstreams.find((other) => other.key === fromKey);
      if (from === undefined || from.key === upstream.key) return;
      emit({
        kind: "hop",
        from,
        to: upstream,
        sessionId: before === undefined ? null : sessionId,
        reason: whyNot(from, upstream, line),
      });
    },
    /** The upstream's availability may have got worse. */
    failed(upstream: Upstream, before: Assessment, line: Line | undefined): void {
      const view = look(upstream);
      if (view.isExhausted && !before.isExhausted)
        emit({ kind: "exhausted", upstream, until: view.until, reason: view.reason });
      if (line === undefined || line.isAllDown) return;
      if (line.upstreams.some((other) => look(other).allowed !== "no")) return;
      line.isAllDown = true;
      emit({ kind: "all-down", upstreams: line.upstreams, reason: view.reason });
    },
    /** The upstream's availability may have got better. */
    answered(upstream: Upstream, before: Assessment): void {
      if (before.availability === "ok" || before.availability === "low") return;
      const { availability } = look(upstream);
      if (availability === "ok" || availability === "low") emit({ kind: "recovered", upstream });
    },
  };
}
