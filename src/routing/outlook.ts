// Whether a request can be served now, and if not, from when on by the word of somebody who knows.
// Pure.
import type { Upstream } from "../base/upstream.ts";
import type { Assessment } from "./types.ts";

/** When a limit ends: as the upstream, a balance or the owner's own rule says, and never by a guess of ours. */
export interface LimitEnd {
  readonly upstream: Upstream;
  /** Wall clock, ms. */
  readonly at: number;
}

export type Outlook =
  | { readonly kind: "open"; readonly upstream: Upstream }
  /** `end`: the earliest one that is known; null for none. */
  | { readonly kind: "closed"; readonly end: LimitEnd | null };

/** Rules of `Reason` for times that are our own. */
const GUESSES: ReadonlySet<string> = new Set([
  "default",
  "default-backoff",
  "default-time",
  "circuit-breaker",
  "certificate-pause",
]);

/** The end that somebody named; null where it is a guess, or there is none. */
export function namedEndOf({ source, until }: Pick<Assessment, "source" | "until">): number | null {
  return until !== null && source !== null && !GUESSES.has(source.rule) ? until : null;
}

const LIMITS: ReadonlySet<string> = new Set(["cooling", "exhausted", "probing"]);

/** Of a request that may be asked in several ways. */
export function joinOutlooks(outlooks: readonly Outlook[]): Outlook {
  const open = outlooks.find(({ kind }) => kind === "open");
  if (open !== undefined) return open;
  const ends = outlooks.flatMap((one) => (one.kind === "open" || one.end === null ? [] : [one.end]));
  return { kind: "closed", end: ends.toSorted((one, other) => one.at - other.at)[0] ?? null };
}

/** A probe may go at any time; before a time that was named none is worth a request that waits for it. */
export function outlookOf(
  places: readonly { readonly upstream: Upstream; readonly view: Assessment }[],
  now: number,
): Outlook {
  let end: LimitEnd | null = null;
  for (const { upstream, view } of places) {
    const named = namedEndOf(view);
    const isEarly = view.allowed === "probe" && named !== null && named > now;
    if (view.allowed !== "no" && !isEarly) return { kind: "open", upstream };
    if (named !== null && LIMITS.has(view.availability) && (end === null || named < end.at))
      end = { upstream, at: named };
  }
  return { kind: "closed", end };
}
