// How many more upstreams one request may be given to. What may have worked on it costs a try; what was never sent costs none.
// An address that fails costs one, however many keys lead to it, and an instant refusal costs none before it is the eighth.
// Pure.
import { addressOf, type Upstream } from "../base/upstream.ts";
import type { Candidate, Verdict } from "../routing/types.ts";

const INSTANT_MS = 1_000;
const MAX_REFUSALS = 8;

export class Tries {
  /** Failures of each address. Most requests have none. */
  private addresses: Map<string, number> | null = null;
  private refusals = 0;
  private others = 0;
  /** One of them may have worked on the request: asking again can double what an outage costs. */
  isAmbiguous = false;

  constructor(private readonly max: number) {}

  /** Counts a failed attempt. `durationMs`: from the request to the verdict. */
  note(upstream: Upstream, { isOfAddress, retryClass }: Verdict, durationMs: number): void {
    if (retryClass === "C") this.isAmbiguous = true;
    if (retryClass === "A") return;
    if (isOfAddress) {
      this.addresses ??= new Map();
      this.addresses.set(addressOf(upstream), this.failuresOf(upstream) + 1);
    } else if (retryClass === "B" && durationMs < INSTANT_MS) this.refusals += 1;
    else this.others += 1;
  }

  /** Has its address failed so often that no other key of it is asked? */
  isGivenUp(upstream: Upstream): boolean {
    return this.failuresOf(upstream) >= this.max;
  }

  get areUsedUp(): boolean {
    const most = Math.max(MAX_REFUSALS, this.max);
    return (this.addresses?.size ?? 0) + this.others >= this.max || this.refusals >= most;
  }

  private failuresOf(upstream: Upstream): number {
    return this.addresses?.get(addressOf(upstream)) ?? 0;
  }
}

/**
 * After a failure that others share: they come after the rest from a place of the line on. None of them is an answer that the last
 * of the rest could leave the request to.
 */
export function putBehind(line: Candidate[], from: number, upstream: Upstream, verdict: Verdict): void {
  const isProxys = verdict.blame === "proxy" || verdict.blame === "way";
  if (!isProxys && !verdict.isOfAddress) return;
  const address = addressOf(upstream);
  const isBehind = ({ upstream: other }: Candidate): boolean =>
    isProxys ? other.proxy === upstream.proxy : addressOf(other) === address;
  const rest = line.splice(from);
  const before = rest.filter((one) => !isBehind(one));
  const last = before.findLastIndex(({ until }) => until === null);
  line.push(
    ...before.map((one, place) => (place === last ? { ...one, isLastUsable: true } : one)),
    ...rest.filter(isBehind),
  );
}
